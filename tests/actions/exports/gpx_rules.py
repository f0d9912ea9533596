"""What GPX 1.1 allows in a file, from its published schema: elements, order, values.

Each element may have these children, in this order. A number is how often one may stand
there at most, None any number. Importers are lenient where validators are not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
import re
from xml.etree import ElementTree as ET

NAMESPACE = "http://www.topografix.com/GPX/1/1"

type _Children = tuple[tuple[str, int | None], ...]

_TEXTS = ("name", "cmt", "desc", "src")
_MANY = None
_POINT: _Children = (
    *((one, 1) for one in ("ele", "time", "magvar", "geoidheight", *_TEXTS)),
    ("link", _MANY),
    *((one, 1) for one in ("sym", "type", "fix", "sat", "hdop", "vdop", "pdop")),
    *((one, 1) for one in ("ageofdgpsdata", "dgpsid", "extensions")),
)
_LINE: _Children = (
    *((one, 1) for one in _TEXTS),
    ("link", _MANY),
    *((one, 1) for one in ("number", "type", "extensions")),
)
CHILDREN: Mapping[str, _Children] = {
    "gpx": (
        ("metadata", 1),
        ("wpt", _MANY),
        ("rte", _MANY),
        ("trk", _MANY),
        ("extensions", 1),
    ),
    "metadata": (
        *((one, 1) for one in ("name", "desc", "author", "copyright")),
        ("link", _MANY),
        *((one, 1) for one in ("time", "keywords", "bounds", "extensions")),
    ),
    "wpt": _POINT,
    "rtept": _POINT,
    "trkpt": _POINT,
    "rte": (*_LINE, ("rtept", _MANY)),
    "trk": (*_LINE, ("trkseg", _MANY)),
    "trkseg": (("trkpt", _MANY), ("extensions", 1)),
    "link": (("text", 1), ("type", 1)),
}
POINTS = ("wpt", "rtept", "trkpt")
_TIME = re.compile(r"-?\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?")
_DECIMAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)")


def _is_time(text: str) -> bool:
    if not _TIME.fullmatch(text):
        return False
    datetime.fromisoformat(text)
    return True


def _is_decimal(text: str) -> bool:
    return _DECIMAL.fullmatch(text) is not None


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdecimal()


VALUES: Mapping[str, Callable[[str], bool]] = {
    "ele": _is_decimal,
    "geoidheight": _is_decimal,
    "magvar": lambda text: _is_decimal(text) and 0 <= float(text) < 360,
    "time": _is_time,
    "number": _is_count,
    "sat": _is_count,
    "hdop": _is_decimal,
    "vdop": _is_decimal,
    "pdop": _is_decimal,
    "fix": lambda text: text in {"none", "2d", "3d", "dgps", "pps"},
}
ATTRIBUTES: Mapping[str, Callable[[str], bool]] = {
    # The east of a longitude is open: 180 is -180.
    "lat": lambda text: _is_decimal(text) and -90 <= float(text) <= 90,
    "lon": lambda text: _is_decimal(text) and -180 <= float(text) < 180,
}


def parsed(text: str) -> ET.Element:
    """Return the root of a file of our own."""
    return ET.fromstring(text)  # noqa: S314


def broken_rules(text: str) -> list[str]:
    """Return what is wrong with a file. Raises ParseError for what is no XML."""
    root = parsed(text)
    problems = list(_problems(root))
    if root.tag != f"{{{NAMESPACE}}}gpx":
        problems.append(f"the root is {root.tag}")
    if root.get("version") != "1.1" or not root.get("creator"):
        problems.append("gpx needs version 1.1 and a creator")
    return problems


def _problems(element: ET.Element) -> Iterator[str]:
    name = _name(element)
    if name == "extensions":
        for child in element:
            if child.tag.startswith(f"{{{NAMESPACE}}}") or "}" not in child.tag:
                yield f"{child.tag} in extensions"
        return
    allowed = CHILDREN.get(name)
    if allowed is None:
        if len(element):
            yield f"{name} has children"
        is_right = VALUES.get(name)
        if is_right is not None and not is_right((element.text or "").strip()):
            yield f"{name} is {element.text!r}"
    else:
        if (element.text or "").strip():
            yield f"text in {name}"
        yield from _order(element, allowed)
    wanted = {"lat", "lon"} if name in POINTS else {"version", "creator"}
    if name in (*POINTS, "gpx") and set(element.attrib) != wanted:
        yield f"{name} with {sorted(element.attrib)}"
    for key, value in element.attrib.items():
        if key in ATTRIBUTES and not ATTRIBUTES[key](value):
            yield f"{key} is {value!r}"
    for child in element:
        yield from _problems(child)


def _order(element: ET.Element, allowed: _Children) -> Iterator[str]:
    places = {child: number for number, (child, _) in enumerate(allowed)}
    last, counts = 0, dict.fromkeys(places, 0)
    for child in element:
        name = _name(child)
        if name not in places:
            yield f"{child.tag} in {_name(element)}"
            continue
        if places[name] < last:
            yield f"{name} too late in {_name(element)}"
        last = places[name]
        counts[name] += 1
    for name, most in allowed:
        if most is not None and counts[name] > most:
            yield f"{counts[name]} times {name} in {_name(element)}"


def _name(element: ET.Element) -> str:
    """Return the name of an element of GPX, with its namespace if it is another one."""
    return element.tag.removeprefix(f"{{{NAMESPACE}}}")
