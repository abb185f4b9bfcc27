"""What somebody hostile tries, and what must come of it. `docs/security.md` says who; more of it stands with what it is about."""
