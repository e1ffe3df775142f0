"""What people do elsewhere, told here: readings to the station's topics, as the MQTT bridge brings them.

A reading is sent with the time of the first attempt, and under an Idempotency-Key with that as a header, so that the
station takes one that comes twice once.
"""

import time
from datetime import datetime
from typing import Any

from fastapi import Request

from streams.codec import encode_json
from streams.core.durations import instant_ms, instant_text
from streams.records import IDEMPOTENCY_KEY
from streams.settings import Settings
from streams.topics import Topics
from weir.api.audit.entry import CURRENT as ENTRY
from weir.api.idempotency.plan import CURRENT
from weir.api.problems import ProblemError
from weir.api.sending import sender_of


async def tell(
    request: Request,
    topic: str,
    user_id: str,
    tags: dict[str, Any],
    fields: dict[str, Any],
    at: datetime | None = None,
) -> None:
    """Return once Kafka has the reading about ``user_id``, of plant time ``at`` or now.  Raises ``ProblemError``."""
    topics: Topics = request.app.state.topics
    settings: Settings = request.app.state.settings
    if topic not in topics.telemetry:
        detail = f"Expected the topic {topic} under 'telemetry:' in {settings.topics_file.name}, but it is not there"
        raise ProblemError(409, "no_topic", detail, "Add it, and run `weir topics apply`: this plant has no station.")
    if (entry := ENTRY.get()) is not None:
        entry.target = user_id
    plan = CURRENT.get()
    wall_s = time.time() if plan is None else plan.at_s
    reading = {
        "tags": {"user_id": user_id, **tags},
        "fields": fields,
        "timestamp": instant_text(settings.plant_clock.plant_ms(wall_s * 1000) if at is None else instant_ms(at)),
    }
    headers = [] if plan is None else [(IDEMPOTENCY_KEY, str(plan.seed).encode())]
    await sender_of(request).send_reading(topic, user_id, encode_json(reading), headers)
