"""``process-definitions`` → deployed versions of definitions, and what is active of them."""

from collections.abc import Sequence

import msgspec

from projections.errors import BrokenRecordError, UpgradeNeededError
from projections.feeds.base import Decoded, Feed, place
from streams.codec import UpgradeError
from streams.core.clock import PlantClock
from streams.deployed import decode_deployed
from streams.records import Record
from streams.transport.port import TopicPartition


def decode(tp: TopicPartition, records: Sequence[Record], _clock: PlantClock) -> Decoded:
    """``DeployedVersion`` and ``Activation``, in order.  Raises ``BrokenRecordError``, ``UpgradeNeededError``."""
    decoded = Decoded()
    for record in records:
        try:
            decoded.items.append(decode_deployed(record.value or b""))
        except UpgradeError as error:
            raise UpgradeNeededError(f"{place(tp, record)}: {error}") from error
        except msgspec.MsgspecError as error:
            raise BrokenRecordError(
                f"{place(tp, record)}: Expected a definition, but got {(record.value or b'')[:200]!r}: {error}. Was it "
                "written by something else than the processor, or by a newer Weir? Definitions are never skipped"
            ) from error
        decoded.records.append(record)
    return decoded


FEED = Feed("definitions", truth=True, decode=decode)
