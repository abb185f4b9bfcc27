"""Stands in for a library that no operator has: httpx loads it wherever it is, and takes half its own time again for that."""

raise ImportError("not where the platform is installed")
