"""Errors that stop the demo from starting.

DemoError
├── PortTakenError   another program uses a part's port
└── AlreadyRunsError another demo uses the same data
"""


class DemoError(Exception):
    """The demo can't start; the text is a sentence for the person at the terminal."""


class PortTakenError(DemoError):
    """A port that a part needs is taken."""


class AlreadyRunsError(DemoError):
    """The data folder is in use by another demo."""
