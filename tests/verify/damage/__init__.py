"""Every check of the log with the damage that it must find, in ``PLANTED``.

Each function damages a plant at rest (``QuietPlant.story``) in one way.
"""

from tests.verify.damage import events, topics
from tests.verify.damage.edits import Damage

PLANTED: dict[str, dict[str, Damage]] = events.PLANTED | topics.PLANTED
"""By check, what to plant for it."""
