"""The commands of ``weir`` by name, as ``weir --help`` lists them: where each is, and what it does.

The sentence is the first paragraph of the command's own help, which only its module has.
"""

from weir.cli.lazy import Command

COMMANDS: dict[str, tuple[Command, ...]] = {
    "The plant": (
        Command(
            "demo",
            "demo:demo",
            "Play two days of four real machines and show what the temperature-control process did with them.",
        ),
        Command("up", "up:up", "Start Kafka, TimescaleDB, an MQTT broker and Weir's roles; install what is missing."),
        Command(
            "down",
            "down:down",
            "Stop the roles and services of this home, by pid, and nothing else. Nothing is lost: `weir up` resumes.",
        ),
        Command(
            "status",
            "status:status",
            "Show services and roles: state, process, port, memory; and how far each stage and each of its workers "
            "is behind.",
        ),
        Command("logs", "logs:logs", "Show the logs of services and roles: the last lines of each, or all that comes."),
        Command("metrics", "metrics:metrics", "List the metrics: name, kind, labels and what it is."),
        Command("api-keys", "api_keys:app", "API keys of the gateway: who may ask it, and for what."),
        Command(
            "audit",
            "audit:audit",
            "List what the gateway was asked to do, the newest first: by whom, from where, and what it answered.",
        ),
        Command("replay", "replay:replay", "Rebuild from the topics what follows from them: --projections or --state."),
        Command(
            "retention",
            "retention:retention",
            "Show how long the database keeps what, how far back it goes, and what is to be removed.",
        ),
        Command("dead-letters", "dead_letters:app", "Records that could not be used, kept as they came."),
    ),
    "Processes": (
        Command(
            "validate",
            "validate:validate",
            "Check process definitions. Every problem names file, line, column and the fix. Needs nothing to run.",
        ),
        Command("test", "test:run_tests", "Run the tests of process definitions. Needs nothing to run."),
        Command("actions", "actions:app", "What service activities can do."),
        Command("deploy", "deploy:deploy", "Deploy process definitions: files, or folders of them."),
        Command("definitions", "definitions:app", "The deployed definitions, their versions, and what they say."),
        Command(
            "activate",
            "activate:activate",
            "Let a definition start instances, by this version and no other: an earlier one to roll back.",
        ),
        Command(
            "deactivate",
            "activate:deactivate",
            "Let a definition, or one version of it, start nothing any more. What runs goes on.",
        ),
        Command(
            "diff",
            "diff:compare",
            "Compare two definitions by what they mean: order, spelling, comments and the version do not count.",
        ),
        Command(
            "bpmn",
            "bpmn:bpmn",
            "Draw a definition as a BPMN 2.0 diagram, laid out, for tools that show and discuss processes.",
        ),
        Command(
            "template",
            "templates:app",
            "Definitions with parameters: those in `templates/` of the definitions' folder, and Weir's own.",
        ),
        Command(
            "export",
            "export:export",
            "Write every version of the deployed definitions to a folder, and what is active of them.",
        ),
        Command(
            "import",
            "export:import_",
            "Deploy what was exported: all versions, and what was active of definitions that are new to this plant.",
        ),
        Command("start", "start:start", "Start an instance of a process and tell its id."),
        Command("signal", "signal:signal", "Send a message to an instance, or to what runs for a key."),
        Command(
            "publish",
            "publish:publish",
            "Publish a message: for the instance that waits for it under its key, else for the processes "
            "that it starts.",
        ),
        Command("cancel", "cancel:cancel", "End a running or failed instance, or all that run for a key."),
        Command(
            "suspend",
            "lifecycle:suspend",
            "Let an instance stand still, or all that run for a key. What comes for it is held until `weir resume`.",
        ),
        Command(
            "resume", "lifecycle:resume", "Let a suspended instance go on, or all of a key; what was held comes first."
        ),
        Command(
            "retry",
            "lifecycle:retry",
            "Let an instance go on at the activity where it failed, or where its incidents are.",
        ),
        Command(
            "set",
            "lifecycle:set_",
            "Set variables of an instance, a failed one included: correct it, then `weir retry`.",
        ),
        Command(
            "migrate-instances",
            "migrate_instances:migrate_instances",
            "Migrate the instances of a definition that have not ended to another version of it.",
        ),
    ),
    "Instances": (
        Command("instances", "instances:instances", "List instances, the newest first. Times are plant time, UTC."),
        Command(
            "incidents",
            "incidents:incidents",
            "List what stopped instances until somebody looked, the newest first; `weir retry` lets one go on.",
        ),
        Command(
            "analytics",
            "analytics:analytics",
            "Show what processes did, how long it took, and why it failed. Times are plant time, UTC.",
        ),
        Command(
            "show",
            "show:show",
            "Show the state of an instance: where it stands, and its variables. With --at: as it was.",
        ),
        Command(
            "subscriptions",
            "subscriptions:subscriptions",
            "List who waits for an event: processes that it may start, and instances. Times are plant time, UTC.",
        ),
        Command("history", "history:history", "Show every event of an instance. Times are plant time, UTC."),
        Command("tasks", "tasks:app", "User tasks: what there is to do, and doing it."),
        Command(
            "verify",
            "verify:verify",
            "Fold the log of events and compare the processor's table and the database with it.",
        ),
    ),
    "Roles (what `weir up` starts)": (
        Command(
            "worker",
            "worker:worker",
            "Run one role: bridge (MQTT to topics), router (telemetry to commands), processor (commands to events), "
            "actions, station (positions and messages of people).",
        ),
        Command(
            "projector",
            "projector:projector",
            "Run the projector: events, telemetry and definitions into the database.",
        ),
        Command(
            "api",
            "api:api",
            "Run the gateway: start and signal processes over HTTP, at WEIR_API_HOST and WEIR_API_PORT.",
        ),
        Command(
            "migrate",
            "migrate:migrate",
            "Bring the database's schema up to date. `weir up` and the projector do this by themselves.",
        ),
        Command("topics", "topics:app", "The topics of `topics.yaml`."),
    ),
}
"""By the panel that shows them."""
