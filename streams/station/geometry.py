"""Where a point on the Earth stands to an area of some metres to some kilometres: inside, or how far outside.

Near an area the Earth is flat enough: points are taken to metres east and north of a centre (equirectangular
projection), which within 100 km errs by less than a thousandth.  Own code, since a library brings ten times the rest of
what the station's role needs for the three formulas here.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

EARTH_RADIUS_M = 6_371_008.8
"""Mean radius, IUGG."""
MIN_CORNERS, MAX_CORNERS = 3, 1_000
MAX_RADIUS_M = 100_000.0
MAX_SPAN_M = 200_000.0
"""From a polygon's first corner to any other."""


class Point(NamedTuple):
    """Degrees, WGS 84: ``lat`` from -90 to 90, ``lon`` from -180 to 180."""

    lat: float
    lon: float


class ShapeError(ValueError):
    """What is no point, or no area; the message says what was expected."""


@dataclass(frozen=True, slots=True)
class Circle:
    """All within ``radius_m`` metres of ``centre``."""

    centre: Point
    radius_m: float


@dataclass(frozen=True, slots=True)
class Polygon:
    """The inside of the line through ``corners`` and back to the first one."""

    corners: tuple[Point, ...]


Shape = Circle | Polygon


def point(lat: object, lon: object) -> Point:
    """Raises ``ShapeError``."""
    if not _within(lat, 90) or not _within(lon, 180):
        raise ShapeError(f"Expected lat from -90 to 90 and lon from -180 to 180, but got {lat!r:.40} and {lon!r:.40}")
    return Point(float(lat), float(lon))  # type: ignore[arg-type]


def circle(centre: Point, radius_m: object) -> Circle:
    """Raises ``ShapeError``."""
    if not _within(radius_m, MAX_RADIUS_M) or float(radius_m) <= 0:  # type: ignore[arg-type]
        raise ShapeError(f"Expected a radius above 0 m, up to {MAX_RADIUS_M:.0f} m, but got {radius_m!r:.40}")
    return Circle(centre, float(radius_m))  # type: ignore[arg-type]


def polygon(corners: Sequence[Point]) -> Polygon:
    """The last corner may repeat the first.  Raises ``ShapeError``."""
    if len(corners) > 1 and corners[0] == corners[-1]:
        corners = corners[:-1]
    if not MIN_CORNERS <= len(corners) <= MAX_CORNERS:
        raise ShapeError(f"Expected {MIN_CORNERS} to {MAX_CORNERS} corners of a polygon, but got {len(corners)}")
    if len(set(corners)) < MIN_CORNERS:
        raise ShapeError(f"Expected {MIN_CORNERS} different corners of a polygon, but got {len(set(corners))}")
    if (span := max(distance_m(corners[0], corner) for corner in corners)) > MAX_SPAN_M:
        raise ShapeError(f"Expected a polygon of at most {MAX_SPAN_M / 1000:.0f} km, but got {span / 1000:.0f} km")
    return Polygon(tuple(corners))


def outside_m(shape: Shape, at: Point) -> float:
    """How far ``at`` is outside of ``shape``, in metres; negative when it is inside: how far from the edge.

    Hundreds of kilometres from a polygon it is at least that far.
    """
    if isinstance(shape, Circle):
        return distance_m(shape.centre, at) - shape.radius_m
    if (far := distance_m(at, shape.corners[0])) > 2 * MAX_SPAN_M:
        return far - MAX_SPAN_M  # where the Earth is not flat any more
    corners = [_metres(at, corner) for corner in shape.corners]
    edges = list(pairwise([*corners, corners[0]]))
    to_edge = min(_to_segment(start, end) for start, end in edges)
    return -to_edge if sum(_crosses(start, end) for start, end in edges) % 2 else to_edge


def distance_m(a: Point, b: Point) -> float:
    """Along the great circle, in metres.  The haversine formula: R. W. Sinnott, Sky and Telescope 68 (1984), 159."""
    lat_a, lat_b = math.radians(a.lat), math.radians(b.lat)
    square = math.sin((lat_b - lat_a) / 2) ** 2
    square += math.cos(lat_a) * math.cos(lat_b) * math.sin(math.radians(b.lon - a.lon) / 2) ** 2
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(square)))


def _metres(origin: Point, at: Point) -> tuple[float, float]:
    """East and north of ``origin``; the shorter way round, so that an area may lie on the date line."""
    east = (at.lon - origin.lon + 540) % 360 - 180
    middle = math.radians((at.lat + origin.lat) / 2)
    return math.radians(east) * math.cos(middle) * EARTH_RADIUS_M, math.radians(at.lat - origin.lat) * EARTH_RADIUS_M


def _to_segment(start: tuple[float, float], end: tuple[float, float]) -> float:
    """From the origin to the nearest point of the segment."""
    (x, y), (along_x, along_y) = start, (end[0] - start[0], end[1] - start[1])
    length = along_x * along_x + along_y * along_y
    share = 0.0 if length == 0 else min(1.0, max(0.0, -(x * along_x + y * along_y) / length))
    return math.hypot(x + share * along_x, y + share * along_y)


def _crosses(start: tuple[float, float], end: tuple[float, float]) -> bool:
    """Whether the ray from the origin to the east crosses the segment: an odd number of times from inside.

    M. Shimrat, Algorithm 112: Position of point relative to polygon, Communications of the ACM 5 (1962), 434.
    """
    (x, y), (x_end, y_end) = start, end
    return (y > 0) != (y_end > 0) and x - y * (x_end - x) / (y_end - y) > 0


def _within(value: object, limit: float) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value) and abs(value) <= limit  # type: ignore[arg-type]
