"""Faults other than death, each injected for real into one live webinar: `python -m tests.reliability.chaos`."""
