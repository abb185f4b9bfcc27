"""Benchmarks: each compares with a peer in the same run, since absolute numbers say little about another machine."""
