"""The plant of the simulation: settings, topics, and the definitions that are deployed in it."""

from dataclasses import replace
from functools import cache

from streams.core.durations import instant_text
from streams.core.parse import parse_definition
from streams.settings import Settings
from streams.topics import STATION_TOPICS, Topics, load_topics
from tests.simulation.clock import EPOCH
from tests.site import TOPICS

PARTITIONS = 2
TELEMETRY = "heatpump-telemetry"
OFFLINE_S = 4.0
"""Who is silent for longer is told to be offline."""
HOT = 25.0
"""Beyond it a reading starts ``cooling``, and counts for ``watching``."""

COOLING = """
id: cooling
version: {version}
trigger: {{type: redpanda, topic: heatpump-telemetry, condition: fields.t > 25.0, max_age: 1h}}
variables:
  - {{name: device_id, source: tags.device_id}}
  - {{name: t, source: fields.t}}
activities:
  - {{id: cool, type: service, action: mqtt_publish, config: {{topic: "plant/${{device_id}}", payload: {{cool: on}}}}}}
  - {{id: wait, type: timer, duration: 4s}}
  - {{id: check, type: decision, condition: "${{t}} <= 25.0", true_path: helped, false_path: tell}}
  - {{id: helped, type: service, action: database_log, config: {{message: "helped at ${{t}}"}}, next: end}}
  - {{id: tell, type: service, action: notify, config: {{message: "still ${{t}}"}}, next: end}}
  - {{id: end, type: end}}
"""
APPROVAL = """
id: approval
version: 1
trigger: {type: api, mode: parallel}
variables: [{name: n, type: integer}]
activities:
  - {id: decided, type: message, name: decided, output: {approved: approved}}
  - {id: which, type: decision, condition: "${approved} == true", true_path: order, false_path: end}
  - {id: order, type: service, action: mqtt_publish, config: {topic: plant/order, payload: {n: "${n}"}}}
  - {id: end, type: end}
"""
TIMED = """
id: timed
version: 1
trigger: {type: api, mode: single}
variables: [{name: n, type: integer}]
activities:
  - {id: first, type: timer, duration: 1s}
  - {id: noted, type: service, action: database_log, config: {message: "number ${n}"}}
  - {id: second, type: timer, duration: 2s}
"""
FAILING = """
id: failing
version: 1
trigger: {type: api, mode: parallel}
variables: [{name: where, type: string}]
activities:
  - {id: act, type: service, action: mqtt_publish, config: {topic: "plant/${where}", payload: 1}}
"""
ASKING = """
id: asking
version: 1
trigger: {type: api, mode: parallel}
variables: [{name: n, value: 0}]
activities:
  - id: ask
    type: user_task
    title: "Number ${n}"
    candidates: {users: [anna, ben], groups: [night]}
    form: {properties: {n: {type: integer}}, required: [n]}
    notify: floor
    reminders: {every: 1s, max: 2}
    escalation: [{after: 3s, to: eva, priority: 90, notify: {channel: boss, message: "still ${n}"}}]
    output: {n: answers.n}
  - {id: sign, type: user_task, approvers: [anna, ben, eva], join: 2, output: {signed: outcome}}
"""
USERS = ("anna", "ben", "eva")
LINED = """
id: lined
version: 1
trigger: {type: api, mode: queued, max: 4}
concurrency: 2
variables: [{name: n, type: integer}, {name: hole}]
activities:
  - {id: nap, type: timer, duration: 1500ms}
  - {id: spoil, type: service, action: database_log, condition: n % 3 == 2, config: {message: "no ${hole}"}}
  - {id: note, type: service, action: database_log, config: {message: "number ${n}"}}
"""
MOMENTS_MS = tuple(range(int(EPOCH * 1000) + 2_500, int(EPOCH * 1000) + 14_500, 2_000))
"""When ``CLOCKED`` starts an instance, Unix ms; those before it was deployed never come."""
CLOCKED = """
id: clocked
version: {version}
trigger: {{type: timer, at: {moments}, catch_up: all, mode: parallel}}
variables: [{{name: meant, source: nominal}}]
activities:
  - {{id: nap, type: timer, duration: 1s}}
  - {{id: note, type: service, action: database_log, config: {{message: "meant for ${{meant}}"}}}}
"""
CLOCKS = tuple(
    CLOCKED.format(version=version, moments=[instant_text(moment) for moment in MOMENTS_MS]) for version in (1, 2)
)
PAYING = """
id: paying
version: 1
trigger: {type: api, mode: parallel}
variables: [{name: n, type: integer}, {name: order, type: string}, {name: paid}]
activities:
  - {id: wait, type: message, name: paid, correlation: order, output: paid, timeout: 4s, on_timeout: end}
  - {id: note, type: service, action: database_log, config: {message: "paid ${n}"}}
  - {id: end, type: end}
"""
REMINDED = """
id: reminded
version: 1
trigger: {type: message, name: reminder, mode: parallel}
variables: [{name: n, source: payload.n, type: integer}]
activities:
  - {id: note, type: service, action: database_log, config: {message: "reminded ${n}"}}
"""
CALLING = """
id: calling
version: 1
trigger: {type: api, mode: parallel}
variables: [{name: n, type: integer}, {name: to, type: string}, {name: which, value: timed}]
activities:
  - {id: call, type: subprocess, process: timed, key: "${to}", input: {n: "${n}"}, timeout: 5s, on_error: alone}
  - {id: alone, type: subprocess, process: failing, wait: false, input: {where: "#"}, next: end}
  - {id: end, type: end}
"""
BRANCHED = """
id: branched
version: 1
trigger: {type: api, mode: parallel}
timeout: 6s
variables: [{name: n, type: integer}, {name: where, type: string}, {name: hole, value: "#"}]
activities:
  - id: both
    type: parallel
    timeout: 4s
    on_timeout: late
    on_error: {invalid_config: undo}
    next: rooms
    branches:
      order:
        - id: order
          type: service
          action: mqtt_publish
          config: {topic: "plant/${where}", payload: {n: "${n}"}}
          retry: {max_attempts: 3, initial_interval: 500ms}
          compensation: {id: recall, type: service, action: mqtt_publish, config: {topic: plant/back, payload: "${n}"}}
        - {id: spoil, type: service, action: mqtt_publish, condition: n > 6, topic: "plant/${hole}", payload: 1}
      pause: [{id: pause, type: timer, duration: 1s}]
      asked: [{id: asked, type: message, name: decided, timeout: 3s, on_timeout: end}]
  - id: rooms
    type: foreach
    items: "[1, 2, 3]"
    concurrency: 2
    activities:
      - {id: vent, type: service, action: mqtt_publish, config: {topic: plant/vent, payload: "${item}"}}
      - {id: rest, type: timer, duration: 300ms}
    collect: item
    output: vented
    next: end
  - {id: late, type: service, action: database_log, config: {message: "late ${n}"}, next: end}
  - {id: undo, type: compensate, next: end}
  - {id: end, type: end}
"""
WATCHING = """
id: watching
version: {version}
triggers:
  - {{type: pattern, topic: heatpump-telemetry, condition: fields.t > 25.0, count: 2, within: 1h, lateness: 20s,
     device_time: false, max_age: 1h, mode: parallel}}
  - {{type: pattern, topic: heatpump-telemetry, absent: 3s, lateness: 10s, device_time: false, max_age: 1h,
     mode: parallel}}
variables: [{{name: t, source: fields.t}}]
activities: [{{id: told, type: service, action: log, message: "${{t}}, version {version}"}}]
"""
"""Both versions have the same patterns: what has been seen under the first counts under the second."""
WATCHES = tuple(WATCHING.format(version=version) for version in (1, 2))
VERSIONS = (COOLING.format(version=1), COOLING.format(version=2))
DEFINITIONS: dict[str, tuple[str, ...]] = {
    "cooling": VERSIONS,
    "watching": WATCHES,
    "approval": (APPROVAL,),
    "timed": (TIMED,),
    "failing": (FAILING,),
    "asking": (ASKING,),
    "branched": (BRANCHED,),
    "clocked": CLOCKS,
    "lined": (LINED,),
    "paying": (PAYING,),
    "reminded": (REMINDED,),
    "calling": (CALLING,),
}
"""The versions of each, by its id."""


@cache
def settings() -> Settings:
    """Of every role; nothing is ever reached under its addresses."""
    return Settings(  # type: ignore[call-arg]
        _env_file=None, app_id="sim", partitions=PARTITIONS, topics_file=TOPICS, user_offline_s=OFFLINE_S
    )


@cache
def topics() -> Topics:
    """Of ``topics.yaml`` one telemetry topic, with fewer partitions: each one more costs every seed its lanes."""
    found = load_topics(settings())
    return replace(found, telemetry={TELEMETRY: replace(found.telemetry[TELEMETRY], partitions=PARTITIONS)})


@cache
def station_topics() -> Topics:
    """Those that the station reads and writes."""
    found = load_topics(settings()).telemetry
    return replace(
        topics(), telemetry={name: replace(found[name], partitions=PARTITIONS) for name in sorted(STATION_TOPICS)}
    )


@cache
def definition(text: str) -> dict[str, object]:
    """As a deployment carries it."""
    return parse_definition(text).model_dump(mode="json")
