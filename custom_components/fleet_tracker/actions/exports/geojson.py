"""Trips as GeoJSON (RFC 7946): a feature each, with the times of its points beside them.

Times are no part of GeoJSON. Viewers look for ``coordTimes``, which has a time for each
point, nested as the coordinates are, and for the newer ``coordinateProperties``. ``speeds``
beside them are in km/h, null where none is known.
"""

from __future__ import annotations

from collections.abc import Sequence
import json
from typing import Any

from ...contract.history import RoutePoint
from .content import Content, ShownTrip, utc

MIME_TYPE = "application/geo+json"

type _Json = dict[str, Any]


def geojson(content: Content) -> str:
    """Return trips as GeoJSON."""
    features = [_feature(trip) for trip in content.trips]
    collection = {"type": "FeatureCollection", "features": features}
    return json.dumps(collection, ensure_ascii=False, separators=(",", ":")) + "\n"


def _feature(trip: ShownTrip) -> _Json:
    geometry, times, speeds = _geometry([list(part) for part in trip.way.parts()])
    properties: _Json = {"begin": utc(trip.begin), "end": utc(trip.end)}
    if not trip.is_cut:
        properties |= {
            "trip_id": trip.trip.trip_id,
            "distance_km": trip.trip.distance,
        }
    if times is not None:
        properties["coordTimes"] = times
        properties["coordinateProperties"] = {"times": times}
    if any(one.speed is not None for part in trip.way.parts() for one in part):
        properties["speeds"] = speeds
        properties["coordinateProperties"]["speeds"] = speeds
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def _geometry(parts: Sequence[Sequence[RoutePoint]]) -> tuple[_Json | None, Any, Any]:
    """Return the geometry of a way, and the times and speeds of its points.

    A line has two points at least.
    """
    lines = [part for part in parts if len(part) > 1]
    if not lines:
        points = [point for part in parts for point in part]
        if not points:
            return None, None, None
        point = points[0]
        place = {"type": "Point", "coordinates": _coordinates(point)}
        return place, utc(point.time), point.speed
    places = [[_coordinates(point) for point in line] for line in lines]
    times = [[utc(point.time) for point in line] for line in lines]
    speeds = [[point.speed for point in line] for line in lines]
    if len(lines) == 1:
        return {"type": "LineString", "coordinates": places[0]}, times[0], speeds[0]
    return {"type": "MultiLineString", "coordinates": places}, times, speeds


def _coordinates(point: RoutePoint) -> list[float]:
    return [round(point.longitude, 6), round(point.latitude, 6)]
