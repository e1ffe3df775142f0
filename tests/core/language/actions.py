"""Actions: for each its ``config``, under that name or inline."""

from collections.abc import Callable
from typing import Any

from tests.core.language.making import JSONS, TEXTS, Making

Made = dict[str, Any]


def _config(**fields: Callable[[Making], Any]) -> Callable[[Making], Made]:
    def made(at: Making) -> Made:
        config = {name: value(at) for name, value in fields.items()}
        return {"config": config} if at.maybe() else config

    return made


def text(at: Making) -> str:
    return at.one(TEXTS)


def json(at: Making) -> Any:
    return at.one(JSONS)


def to(at: Making) -> str:
    return at.one(["${text}", "anna"])


CONFIGS: dict[str, Callable[[Making], Made]] = {
    "mqtt_publish": _config(topic=text, payload=lambda at: {"x": json(at)}),
    "notify": _config(message=text),
    "http_request": _config(url=lambda _: "http://plant/${text}", method=lambda at: at.one(["GET", "PUT"]), body=json),
    "script": _config(source=lambda _: "output = {'x': input['x']}", input=lambda at: {"x": json(at)}),
    "database_query": _config(query=lambda _: "SELECT :x", params=lambda at: {"x": json(at)}),
    "database_execute": _config(statement=lambda _: "DELETE FROM t WHERE x = $1", params=lambda at: [json(at)]),
    "emit": _config(topic=lambda _: "heatpump-telemetry", event=lambda at: {"x": json(at)}),
    "log": _config(message=text, level=lambda at: at.one(["info", "error"])),
    "database_log": _config(message=text),
    "create_alert": _config(title=text, severity=lambda at: at.one(["info", "${text}"])),
    "acknowledge_alert": _config(alert_key=text),
    "resolve_alert": _config(alert_id=text, note=text),
    "update_zone": _config(zone_id=text, lat=lambda _: "${x}", lon=lambda _: 7),
    "get_users_in_zone": _config(zone_id=text),
    "update_user_group": _config(user_id=to, group_id=text, operation=lambda at: at.one(["add", "${text}"])),
    "send_message": _config(message=text, user_id=to),
    "send_notification": _config(message=text, channel=text),
    "trigger_bot_response": _config(bot_id=text, trigger=text, zone_id=text),
}
