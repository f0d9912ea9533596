"""Trips as GPX 1.1: one track each, with a segment for each part that was heard of.

The order of the elements is that of the schema. GPX 1.1 has no speed and course: Garmin's
extension of points has them, in version 2 (m/s, degrees).
"""

from __future__ import annotations

from collections.abc import Iterator

from ...contract.history import RoutePoint
from .content import (
    CREATOR,
    Content,
    ShownTrip,
    degrees,
    longitude,
    summary,
    title,
    utc,
    xml_text,
)

MIME_TYPE = "application/gpx+xml"
NAMESPACE = "http://www.topografix.com/GPX/1/1"
EXTENSION = "http://www.garmin.com/xmlschemas/TrackPointExtension/v2"


def gpx(content: Content) -> str:
    """Return trips as GPX."""
    return "\n".join((*_lines(content), ""))


def _lines(content: Content) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield (
        f'<gpx version="1.1" creator="{CREATOR}" xmlns="{NAMESPACE}"'
        f' xmlns:gpxtpx="{EXTENSION}">'
    )
    yield f"<metadata><time>{utc(content.made_at)}</time></metadata>"
    for number, trip in enumerate(content.trips, start=1):
        yield from _track(number, trip, content)
    yield "</gpx>"


def _track(number: int, trip: ShownTrip, content: Content) -> Iterator[str]:
    yield f"<trk><name>{xml_text(title(trip, content.time_zone))}</name>"
    if (told := summary(trip)) is not None:
        yield f"<desc>{xml_text(told)}</desc>"
    yield f"<number>{number}</number>"
    for part in trip.way.parts():
        yield "<trkseg>"
        yield from map(_point, part)
        yield "</trkseg>"
    yield "</trk>"


def _point(point: RoutePoint) -> str:
    east = longitude(point.longitude)
    altitude = "" if point.altitude is None else f"<ele>{point.altitude:.1f}</ele>"
    time = f"<time>{utc(point.time)}</time>"
    return (
        f'<trkpt lat="{degrees(point.latitude)}" lon="{east}">{altitude}{time}'
        f"{_extension(point)}</trkpt>"
    )


def _extension(point: RoutePoint) -> str:
    speed = "" if point.speed is None else _more("speed", point.speed / 3.6)
    course = "" if point.course is None else _more("course", point.course % 360)
    if not speed and not course:
        return ""
    return (
        "<extensions><gpxtpx:TrackPointExtension>"
        f"{speed}{course}"
        "</gpxtpx:TrackPointExtension></extensions>"
    )


def _more(name: str, value: float) -> str:
    return f"<gpxtpx:{name}>{value:.2f}</gpxtpx:{name}>"
