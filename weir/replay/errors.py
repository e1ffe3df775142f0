"""Why a replay does not go on."""


class ReplayError(Exception):
    """The table cannot be rebuilt, and is as it was; ``hint`` says what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message, self.hint = message, hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}"
