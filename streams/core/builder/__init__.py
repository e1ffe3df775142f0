"""Definitions in Python: the same as in YAML, with the types checked by whoever writes them.

>>> from streams.core.builder import Process
>>> cooling = (
...     Process("cooling", name="Cooling")
...     .on_reading("heatpump-telemetry", condition="fields.flow_temp_c > 25.0")
...     .variable("device_id", source="tags.device_id")
...     .variable("temperature", source="fields.flow_temp_c")
...     .decide("check", "temperature > 25.0", true_path="cool", false_path="normal")
...     .service("cool", "mqtt_publish", {"topic": "home/control", "payload": {"device": "${device_id}"}})
...     .wait("recheck", "5m", next="check")
...     .log("normal", "${device_id} is fine")
... )
>>> definition = cooling.build()        # a ProcessDefinition, or DefinitionError with every problem
>>> print(cooling.text().splitlines()[0])
id: cooling

Nothing is special about what is built: ``text`` is YAML that parses to a definition of the same hash, and the rules for
what may be left out are those of YAML.  ``step`` and ``on`` take kinds by their names, those of extensions too.
"""

from streams.core.builder.body import METHODS, Body
from streams.core.builder.process import HEAD, TRIGGER_METHODS, Process

__all__ = ["HEAD", "METHODS", "TRIGGER_METHODS", "Body", "Process"]
