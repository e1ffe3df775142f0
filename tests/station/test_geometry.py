"""Areas on the Earth, against what is known of them otherwise."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.station.geometry import (
    MAX_CORNERS,
    Point,
    ShapeError,
    circle,
    distance_m,
    outside_m,
    point,
    polygon,
)

HOME = Point(48.2082, 16.3738)
lats = st.floats(-70, 70)
lons = st.floats(-180, 180)
points = st.builds(Point, lats, lons)
bearings = st.floats(0, 360)


def go(start: Point, bearing: float, metres: float) -> Point:
    """Where one gets by going straight on: the direct problem on the sphere."""
    angle, way, lat = math.radians(bearing), metres / 6_371_008.8, math.radians(start.lat)
    north = math.asin(math.sin(lat) * math.cos(way) + math.cos(lat) * math.sin(way) * math.cos(angle))
    east = math.atan2(math.sin(angle) * math.sin(way) * math.cos(lat), math.cos(way) - math.sin(lat) * math.sin(north))
    return Point(math.degrees(north), (math.degrees(east) + start.lon + 540) % 360 - 180)


def around(centre: Point, metres: float, corners: int) -> list[Point]:
    return [go(centre, 360 * number / corners, metres) for number in range(corners)]


def test_a_distance_that_is_known() -> None:
    assert distance_m(Point(51.4779, 0), Point(48.8566, 2.3522)) == pytest.approx(335_000, rel=0.01)
    assert distance_m(HOME, HOME) == 0


@given(points, bearings, st.floats(1, 50_000))
def test_going_away_is_as_far_as_one_went(start: Point, bearing: float, metres: float) -> None:
    assert distance_m(start, go(start, bearing, metres)) == pytest.approx(metres, rel=1e-6, abs=1e-3)


@given(points, bearings, st.floats(0, 20_000), st.floats(1, 10_000))
def test_a_circle_is_what_is_near_its_centre(centre: Point, bearing: float, metres: float, radius: float) -> None:
    away = outside_m(circle(centre, radius), go(centre, bearing, metres))
    assert away == pytest.approx(metres - radius, rel=1e-6, abs=1e-2)


@given(points, bearings, st.floats(0, 3), st.floats(10, 10_000))
def test_a_polygon_of_many_corners_is_nearly_a_circle(
    centre: Point, bearing: float, times: float, radius: float
) -> None:
    many = polygon(around(centre, radius, 90))
    away = outside_m(many, go(centre, bearing, times * radius))
    assert away == pytest.approx((times - 1) * radius, abs=radius * 0.01)


@given(points, st.integers(3, 12), bearings, st.floats(0, 3), st.booleans(), st.integers(0, 11))
def test_a_polygon_is_the_same_from_any_corner_and_either_way_round(
    centre: Point, count: int, bearing: float, times: float, back: bool, first: int
) -> None:
    corners = around(centre, 500, count)
    turned = corners[first % count :] + corners[: first % count]
    at = go(centre, bearing, times * 500)
    one, other = outside_m(polygon(corners), at), outside_m(polygon(turned[::-1] if back else turned), at)
    assert one == pytest.approx(other, abs=1e-3)


@given(st.lists(st.builds(Point, st.floats(48, 48.01), st.floats(16, 16.01)), min_size=3, max_size=8, unique=True))
def test_what_is_beyond_all_corners_is_outside_and_a_corner_is_on_the_edge(corners: list[Point]) -> None:
    shape = polygon(corners)
    assert outside_m(shape, Point(48.02, 16.005)) > 1000
    for corner in corners:
        assert abs(outside_m(shape, corner)) < 0.01


def test_a_hollow_in_a_polygon_is_outside() -> None:
    horseshoe = polygon(
        [Point(0, 0), Point(0, 0.03), Point(0.03, 0.03), Point(0.03, 0.02), Point(0.01, 0.02), Point(0.01, 0.01),
         Point(0.03, 0.01), Point(0.03, 0)]
    )  # fmt: skip
    assert outside_m(horseshoe, Point(0.02, 0.015)) == pytest.approx(556, abs=2)
    assert outside_m(horseshoe, Point(0.02, 0.005)) == pytest.approx(-556, abs=2)


def test_an_area_may_lie_on_the_date_line() -> None:
    square = polygon([Point(-0.5, 179.5), Point(-0.5, -179.5), Point(0.5, -179.5), Point(0.5, 179.5)])
    assert outside_m(square, Point(0, 180)) < 0 < outside_m(square, Point(0, 179))
    assert outside_m(square, Point(0, -179.7)) < 0 < outside_m(square, Point(0, 0))


def test_a_polygon_may_be_closed_by_its_first_corner() -> None:
    corners = around(HOME, 10, 4)
    assert polygon([*corners, corners[0]]) == polygon(corners)


@pytest.mark.parametrize(
    ("lat", "lon"), [(91, 0), (0, -180.1), ("48", 16), (None, 0), (True, 0), (math.nan, 0), (0, math.inf)]
)
def test_what_is_no_point_is_refused(lat: object, lon: object) -> None:
    with pytest.raises(ShapeError, match="Expected lat from -90 to 90"):
        point(lat, lon)
    assert point(48, 16.5) == Point(48.0, 16.5)


@pytest.mark.parametrize("radius", [0, -1, 100_001, "5", None, math.nan])
def test_what_is_no_radius_is_refused(radius: object) -> None:
    with pytest.raises(ShapeError, match="Expected a radius"):
        circle(HOME, radius)


def test_what_is_no_polygon_is_refused() -> None:
    with pytest.raises(ShapeError, match="Expected 3 to 1000 corners of a polygon, but got 2"):
        polygon(around(HOME, 10, 2))
    with pytest.raises(ShapeError, match="but got 1001"):
        polygon(around(HOME, 10, MAX_CORNERS + 1))
    with pytest.raises(ShapeError, match="Expected 3 different corners of a polygon, but got 2"):
        polygon([HOME, Point(0, 0), HOME, Point(0, 0)])
    with pytest.raises(ShapeError, match="Expected a polygon of at most 200 km, but got 1112 km"):
        polygon([Point(0, 0), Point(0, 10), Point(1, 1)])
