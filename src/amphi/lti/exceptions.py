"""What can go wrong with a learning platform.

`LtiError`: `RefusedError` (what a browser or platform brought proves nothing; `UnknownDeploymentError` when only its deployment is not listed), `UnreachableError` (the platform can't be asked now),
`NotAllowedError` (the person may not do this; the text is for them).
"""


class LtiError(Exception):
    """The message is for the log and contains no secret."""


class RefusedError(LtiError):
    """What was brought proves nothing."""


class UnknownDeploymentError(RefusedError):
    """A registered platform signed it, for a deployment that is not listed here: an administrator may list it.

    Attributes:
        deployment: its id.
    """

    def __init__(self, deployment: str) -> None:
        super().__init__(f"the deployment {deployment!r} is not among the deployment IDs of the platform")
        self.deployment = deployment


class UnreachableError(LtiError):
    """The platform does not answer, or answers nonsense.

    Attributes:
        permanent: asking again would not help.
    """

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent


class NotAllowedError(LtiError):
    """The text says in the reader's language why not."""
