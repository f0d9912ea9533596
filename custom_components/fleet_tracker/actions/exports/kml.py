"""Trips as KML 2.2: as lines, and in a second folder as tracks with their times.

Google Earth plays tracks; others show lines alone, and a few tracks alone. The tracks are
not visible at first, so that nothing is drawn twice. Their speeds are in an array beside
the places, which the schema of the document declares: an empty value where none is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...contract.history import RoutePoint
from .content import Content, ShownTrip, degrees, summary, title, utc, xml_text

MIME_TYPE = "application/vnd.google-earth.kml+xml"
NAMESPACE = "http://www.opengis.net/kml/2.2"
EXTENSION = "http://www.google.com/kml/ext/2.2"
SCHEMA = (
    '<Schema id="track"><gx:SimpleArrayField name="speed" type="float">'
    "<displayName>Speed (km/h)</displayName></gx:SimpleArrayField></Schema>"
)


def kml(content: Content) -> str:
    """Return trips as KML."""
    return "\n".join((*_lines(content), ""))


def _lines(content: Content) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield f'<kml xmlns="{NAMESPACE}" xmlns:gx="{EXTENSION}">'
    yield "<Document><name>Trips</name>"
    yield SCHEMA
    yield "<Folder><name>Lines</name>"
    for trip in content.trips:
        yield from _line(trip, content)
    yield "</Folder>"
    yield "<Folder><name>Tracks</name><visibility>0</visibility>"
    for trip in content.trips:
        yield from _track(trip, content)
    yield "</Folder></Document></kml>"


def _line(trip: ShownTrip, content: Content) -> Iterator[str]:
    yield f"<Placemark><name>{xml_text(title(trip, content.time_zone))}</name>"
    if (told := summary(trip)) is not None:
        yield f"<description>{xml_text(told)}</description>"
    yield (
        f"<TimeSpan><begin>{utc(trip.begin)}</begin><end>{utc(trip.end)}</end></TimeSpan>"
    )
    parts = list(trip.way.parts())
    if len(parts) > 1:
        yield "<MultiGeometry>"
    for part in parts:
        yield _geometry(part)
    if len(parts) > 1:
        yield "</MultiGeometry>"
    yield "</Placemark>"


def _geometry(part: Sequence[RoutePoint]) -> str:
    places = " ".join(
        f"{degrees(one.longitude)},{degrees(one.latitude)}" for one in part
    )
    coordinates = f"<coordinates>{places}</coordinates>"
    if len(part) < 2:
        return f"<Point>{coordinates}</Point>"
    return f"<LineString><tessellate>1</tessellate>{coordinates}</LineString>"


def _track(trip: ShownTrip, content: Content) -> Iterator[str]:
    parts = list(trip.way.parts())
    if not parts:
        return
    yield f"<Placemark><name>{xml_text(title(trip, content.time_zone))}</name>"
    yield "<visibility>0</visibility>"
    tells_speeds = any(point.speed is not None for part in parts for point in part)
    if len(parts) > 1:
        yield "<gx:MultiTrack><gx:interpolate>0</gx:interpolate>"
    for part in parts:
        yield "<gx:Track>"
        # All times come first, then as many places.
        for point in part:
            yield f"<when>{utc(point.time)}</when>"
        for point in part:
            yield f"<gx:coord>{_coordinates(point)}</gx:coord>"
        if tells_speeds:
            yield from _speeds(part)
        yield "</gx:Track>"
    if len(parts) > 1:
        yield "</gx:MultiTrack>"
    yield "</Placemark>"


def _speeds(part: Sequence[RoutePoint]) -> Iterator[str]:
    yield '<ExtendedData><SchemaData schemaUrl="#track">'
    yield '<gx:SimpleArrayData name="speed">'
    for point in part:
        speed = "" if point.speed is None else f"{point.speed:.1f}"
        yield f"<gx:value>{speed}</gx:value>"
    yield "</gx:SimpleArrayData></SchemaData></ExtendedData>"


def _coordinates(point: RoutePoint) -> str:
    altitude = f"{point.altitude or 0:.1f}"
    return f"{degrees(point.longitude)} {degrees(point.latitude)} {altitude}"
