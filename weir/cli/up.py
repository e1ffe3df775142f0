"""``weir up``: the embedded services, the topics, the schema and Weir's roles, running and healthy."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer

from streams.redaction import without_password
from streams.settings import Settings
from weir.cli import options
from weir.cli.output import Bar, err, out, print_json
from weir.cli.session import session_of
from weir.cli.topics import warn_of_differences
from weir.home import load_settings, load_stack_options
from weir.plant import bring_up
from weir.stack.ports import Ports
from weir.stack.stack import Stack, StackUrls
from weir.workers import parse_workers

Port = Annotated[
    int | None, typer.Option(min=1024, max=32767, help="Another port for the service.", show_default=False)
]


def up(
    ctx: typer.Context,
    *,
    roles: Annotated[
        bool, typer.Option("--roles/--no-roles", help="Weir's own roles too, not only the services.")
    ] = True,
    workers: Annotated[
        str | None,
        typer.Option(
            metavar="N or ROLE=N,…",
            help="So many processors, or workers of each role; as many as before by default. Safe while it runs.",
            show_default=False,
        ),
    ] = None,
    kafka_port: Port = None,
    postgres_port: Port = None,
    mqtt_port: Port = None,
    json: options.Json = False,
) -> None:
    """Start Kafka, TimescaleDB, an MQTT broker and Weir's roles; install what is missing.

    Safe to repeat: what runs stays as it is, what died starts again, and so do roles whose settings or topics.yaml have
    changed. A supervisor starts roles again that end. With --workers on a running plant, more are added, and those too
    many stopped. Data and logs are under the home.
    """
    counts = _workers(workers)
    session = session_of(ctx)
    known = load_stack_options(session.home)[0] or Ports()
    ports = _ports(known, kafka_port, postgres_port, mqtt_port)
    wanted = _moved(session.settings, Stack(session.home, known).urls, Stack(session.home, ports).urls)
    stack = Stack(session.home, ports, settings=wanted)
    with Bar() as bar:
        plant = bring_up(stack, wanted, bar.step, roles=roles, workers=counts)
    settings = plant.settings
    document = {
        "brokers": settings.brokers,
        "database_url": without_password(settings.database_url),
        "mqtt_url": without_password(settings.mqtt_url),
    }
    if json:
        print_json({**document, "home": str(stack.home)})
    else:
        out().print(f"Weir is up. Data and logs: {stack.home}", markup=False)
        for name, value in document.items():
            out().print(f"  {name:13} {value}", markup=False)
        out().print("Next: weir deploy definitions/, weir status, weir logs, weir down", markup=False)
    warn_of_differences(plant.topics)
    _warn_of_elsewhere(session.home, settings)


def _workers(text: str | None) -> dict[str, int]:
    try:
        return {} if text is None else parse_workers(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--workers") from None


def _ports(known: Ports, kafka: int | None, postgres: int | None, mqtt: int | None) -> Ports:
    if kafka is not None:
        known = replace(known, kafka=kafka, kafka_controller=kafka + 1)
    return replace(known, postgres=postgres or known.postgres, mqtt=mqtt or known.mqtt)


def _moved(settings: Settings, before: StackUrls, after: StackUrls) -> Settings:
    """The settings when the embedded services move to other ports; a service of the user's own stays where it is."""
    urls = asdict(before)
    moved = [name for name, url in urls.items() if getattr(settings, name) == url]
    return settings.model_copy(update={name: getattr(after, name) for name in moved})


def _warn_of_elsewhere(home: Path, settings: Settings) -> None:
    """The environment wins over the home: say so when it points away from what has just been started."""
    found = load_settings(home)
    for name, variable in (
        ("brokers", "REDPANDA_BROKERS"),
        ("database_url", "DATABASE_URL"),
        ("mqtt_url", "WEIR_MQTT_URL"),
    ):
        if getattr(found, name) != getattr(settings, name):
            text = f"Warning: {variable} in the environment or .env points elsewhere, and commands follow it: unset it"
            err().print(text, style="bold yellow", markup=False)
