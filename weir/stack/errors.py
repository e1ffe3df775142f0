"""The exceptions of the embedded stack."""


class StackError(Exception):
    """A service cannot be installed, started, reached or stopped.

    ``message`` says what is wrong and where; ``hint`` says what the user can do about it.
    """

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}"


class ServiceUnreachableError(StackError):
    """A service of the user's own does not answer, or does not let us in."""
