"""What can go wrong in the classroom.

ClassroomError
├── ApiError              a call of the BBB API is answered FAILED, with its message key
├── RefusedError          a participant may not do what was asked; the page shows why
└── InvalidDocumentError  a PDF that can't be shown
"""


class ClassroomError(Exception):
    """Any error of the classroom."""


class ApiError(ClassroomError):
    """A call of the BBB API is answered FAILED.

    Args:
        key: the API's message key, such as ``checksumError``.
        message: the API's sentence for it.
    """

    def __init__(self, key: str, message: str) -> None:
        super().__init__(f"{key}: {message}")
        self.key = key
        self.message = message


class RefusedError(ClassroomError):
    """A participant may not do what was asked.

    Args:
        reason: a key of the strings' catalogue, shown to that participant.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class InvalidDocumentError(ClassroomError):
    """A document can't be shown as slides.

    Args:
        reason: a key of the strings' catalogue.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
