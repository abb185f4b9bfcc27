"""What is kept about people: how long, their copy of it, and its erasure. Pages and `amphi privacy` ask the same functions."""
