"""The world and the log agree on actions: what was performed was asked for, and what has completed was performed.

At least once, under one idempotency key for each request, with the same content each time.
"""

from collections.abc import Iterator

from weir.verify.gathered import Gathered
from weir.verify.report import Difference
from weir.verify.sent import Sent

NAME = "effect"


def check(gathered: Gathered, sent: Sent) -> Iterator[Difference]:
    """Compare the requests with each other, and with the ledger of what was performed."""
    for key, requests in gathered.requests.items():
        if len({(one.instance, one.activity, one.execution) for one in requests}) > 1:
            yield Difference(NAME, requests[0].instance, None, f"idempotency_key: expected {key!r} for one execution")
    if sent.ledger is None:
        return
    contents: dict[str, bytes] = {}
    for effect in sent.ledger.effects:
        if effect.idempotency_key not in gathered.requests:
            yield Difference(NAME, effect.idempotency_key, None, "effect: expected none, since nobody asked for it")
        elif contents.setdefault(effect.idempotency_key, effect.content) != effect.content:
            yield Difference(NAME, effect.idempotency_key, None, "effect: expected the same each time, but it differs")
    for key, (request, *_) in gathered.requests.items():
        which = (request.instance, request.activity, request.execution)
        if sent.ledger.prompt and which in gathered.given_up:
            why = f"effect: expected an answer to {request.activity!r} in time, but its deadline came"
            yield Difference(NAME, request.instance, None, why)
        if which in gathered.answered and request.action in sent.ledger.actions and key not in contents:
            why = f"effect: expected {request.action} to be performed, since it completed, but it was not"
            yield Difference(NAME, request.instance, None, why)
