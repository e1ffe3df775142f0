"""``update_zone``: change a zone, or make it."""

from typing import Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from streams.core.actions.base import ActionConfig, ActionSpec
from streams.core.scalars import JsonTemplate, TextTemplate


class UpdateZoneConfig(ActionConfig):
    """What is left out stays as it is.  A zone that is not there yet is made, when it gets a shape.

    ``lat``, ``lon`` and ``radius_m`` make it a circle, ``polygon`` (a list of ``{lat, lon}``) a polygon.  Somebody has
    left when they are ``margin_m`` metres outside.  Nobody is in a zone that is not ``active``.  ``metadata`` is an
    object; its fields replace those of the same name.
    """

    zone_id: TextTemplate
    name: TextTemplate | None = None
    lat: JsonTemplate = None
    lon: JsonTemplate = None
    radius_m: JsonTemplate = None
    polygon: JsonTemplate = None
    margin_m: JsonTemplate = None
    active: JsonTemplate = None
    metadata: JsonTemplate = None

    @model_validator(mode="after")
    def _has_one_shape(self) -> Self:
        given = [name for name in ("lat", "lon", "radius_m") if getattr(self, name) is not None]
        if self.polygon is not None and given:
            raise PydanticCustomError(
                "shape",
                "Expected a polygon, or a circle, but got 'polygon' and {given}",
                {"given": repr(given[0]), "field": "polygon", "fix": "Remove one of them"},
            )
        if ("lat" in given) != ("lon" in given):
            raise PydanticCustomError("shape", "Expected 'lat' and 'lon', but got {given} alone", {"given": given[0]})
        return self


UPDATE_ZONE = ActionSpec("update_zone", UpdateZoneConfig, inline=False)
