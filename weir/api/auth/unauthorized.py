"""401: nobody that is known asks."""

from weir.api.problems import ProblemError

FIX = "Send Authorization: Bearer <API key>; `weir api-keys create` makes one."


def unauthorized(detail: str, *, sent: bool = True) -> ProblemError:
    """``sent``: there were credentials, which are wrong."""
    challenge = 'Bearer realm="weir"' + (', error="invalid_token"' if sent else "")
    return ProblemError(401, "unauthorized", detail, FIX, headers={"WWW-Authenticate": challenge})
