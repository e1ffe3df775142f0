"""What an action is to the core: a name and the shape of its configuration.  Who performs it is elsewhere."""

from typing import Any, NamedTuple

from streams.core.expressions import Template, compile_template
from streams.core.scalars import Part


class ActionConfig(Part):
    """The ``config`` of a service activity.

    Texts are templates, those of type ``SecretText`` and ``SecretJson`` may have secrets.  A field of type ``Any`` is
    JSON with templates in it, where ``${x}`` alone keeps the type of x.
    """

    def template(self) -> Template:
        """All fields, defaults included; what is absent by default stays absent."""
        fields = type(self).model_fields
        values = {name: value for name, value in self if value is not None or fields[name].is_required()}
        texts = frozenset(name for name, field in fields.items() if field.annotation is not Any)
        return compile_template(values, texts=texts, secrets=True)


class ActionSpec(NamedTuple):
    """``inline``: no worker performs it, its event is the effect."""

    name: str
    config: type[ActionConfig]
    inline: bool
