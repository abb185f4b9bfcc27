"""Errors of the classroom.

ClassroomError
├── ApiError              an API call is answered with FAILED and a message key
├── RefusedError          a participant's action is refused; the page shows why
└── InvalidDocumentError  a PDF can't be shown
"""


class ClassroomError(Exception):
    """The base of all errors here."""


class ApiError(ClassroomError):
    """A call of the BBB API is answered with FAILED.

    Args:
        key: the API's message key, such as ``checksumError``.
        message: the API's sentence for it.
    """

    def __init__(self, key: str, message: str) -> None:
        super().__init__(f"{key}: {message}")
        self.key = key
        self.message = message


class RefusedError(ClassroomError):
    """A participant's action is refused.

    Args:
        reason: a key of the catalogue of strings; that participant sees its sentence.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class InvalidDocumentError(ClassroomError):
    """A document can't be shown as slides.

    Args:
        reason: a key of the catalogue of strings.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
