"""The pages of listeners."""
