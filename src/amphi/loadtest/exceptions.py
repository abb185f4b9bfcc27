"""Errors of the load test.

LoadTestError          the run can't begin; the text is a sentence for whoever started it
ConnectionFailedError  a connection could not be made, or broke off before an answer was whole
RefusedError           an answer was not the one that a listener needs
"""


class LoadTestError(Exception):
    """The run can't begin; the text is a sentence for whoever started it."""


class ConnectionFailedError(Exception):
    """A connection could not be made, or broke off before an answer was whole."""


class RefusedError(Exception):
    """An answer was not the one that a listener needs.

    Args:
        what: which part of the platform was asked.
        status: the answer's status.
    """

    def __init__(self, what: str, status: int) -> None:
        super().__init__(f"{what} {status}")
