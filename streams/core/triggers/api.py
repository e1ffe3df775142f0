"""``api`` (also ``manual``): somebody sends ``start_process``, with the key and the variables of their choice."""

from typing import Literal

from streams.core.triggers.base import Trigger


class ApiTrigger(Trigger):
    """Nothing to configure but the mode."""

    type: Literal["api"]
