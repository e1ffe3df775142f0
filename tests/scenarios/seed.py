"""What the architecture plan asks for: seven business processes, and the scenarios that it lists for each.

They ship in ``definitions/``, as processes and as the tests beside them.  The name of a test begins with the scenario
that it plays; ``test_memory`` plays all of them on a plant in memory, ``test_plant`` on the real one.
"""

from pathlib import Path

from streams.settings import Settings
from streams.topics import load_topics
from weir.home import PROJECT
from weir.testkit.case import Case, is_test
from weir.testkit.read import Loaded, load

DEFINITIONS = PROJECT / "definitions"
SEED = {
    "Temperature Control Process": [
        "Normal operation (temperature within range)",
        "Threshold exceeded (trigger cooling)",
        "Cooling fails (escalation)",
        "Multiple concurrent instances (different rooms)",
    ],
    "Device Onboarding Process": [
        "Successful onboarding",
        "Invalid device data",
        "Network failure during provisioning",
        "Duplicate device registration",
    ],
    "Maintenance Alert Process": [
        "Critical alert (immediate action)",
        "Warning that auto-resolves",
        "Warning that escalates",
        "Multiple alerts for same device",
    ],
    "Energy Optimization Process": [
        "Successful optimization",
        "Optimization fails (requires manual intervention)",
        "Multiple optimization cycles",
    ],
    "Data Quality Check Process": [
        "Valid data (normal flow)",
        "Invalid format (correction attempt)",
        "Missing required fields (rejection)",
        "High error rate (alert admin)",
    ],
    "Approval Workflow": [
        "Approval granted",
        "Approval denied",
        "Approval timeout (escalation)",
        "Multiple approvers (parallel)",
    ],
    "Scheduled Maintenance Process": [
        "Routine check (no issues)",
        "Issues detected (maintenance scheduled)",
        "Maintenance completion verification",
    ],
}
"""Scenarios by the name of the process, as the plan writes them."""

TOPICS = load_topics(Settings(_env_file=None, partitions=4, app_id="scenarios"))  # type: ignore[call-arg]
SUITES: list[Loaded] = [load(file, TOPICS) for file in sorted(DEFINITIONS.glob("*.test.yaml")) if is_test(file.name)]
"""All that ``weir test definitions/`` runs."""


def scenario_of(case: Case) -> str:
    """What of the plan a test plays; a test of our own has no colon in its name."""
    return case.name.partition(":")[0]


def processes() -> list[Path]:
    """The definitions that ship."""
    return [one for one in sorted(DEFINITIONS.glob("*.yaml")) if not is_test(one.name)]
