"""Makes texts from outside valid, printable and short enough. Pure.

Half a surrogate pair in a single name would keep Home Assistant from telling any state at
all, and so would a number beyond 64 bits. A state of over 255 characters would be logged
with all its content.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
import json
from operator import is_
import re
from types import MappingProxyType
from typing import cast

from .json_values import can_be_told
from .record import replace
from .vehicle import (
    EMPTY,
    Occurrence,
    ReadingGroup,
    Value,
    VehicleDetails,
    VehicleUpdate,
)

LONGEST_SHOWN = 255
"""Greatest length of a state or a name, in characters."""
LONGEST_TOLD = 1000
"""Greatest length of a text in an event's data, in characters."""
LARGEST_EVENT = 12 * 1024
"""Bytes of an event's data as JSON. The recorder drops what is larger than 16,384."""
LONGEST_VEHICLE_ID = 64

CUT = "…"
_REPLACEMENT = "\ufffd"
_SURROGATES = re.compile("[\ud800-\udfff]")
# Control characters, line ends among them, what turns the direction of a text, and what is
# no character at all.
_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u180e\u200e\u200f\u2028-\u202e\u2065-\u206f"
    "\ufff9-\ufffb\ufffe\uffff]+"
)
# What has no width, and joins nothing that would look different without it.
_WIDTHLESS = re.compile("[\xad\u200b\u2060-\u2064\ufeff]+")
# Nobody sees a text that consists of these alone: blanks, joiners, fillers.
_INVISIBLE = re.compile(
    "[\\s\u034f\u115f\u1160\u17b4\u17b5\u200c\u200d\u2800\u3164\ufe00-\ufe0f\uffa0]*"
)

# What has a meaning anywhere in a line of Markdown.
_MARKDOWN = re.compile(r"[\\`*_{}\[\]<>()#~|!&:@]")


def clean_text(text: str, longest: int = LONGEST_SHOWN) -> str:
    """Return a text without anything that cannot be shown or stored.

    It is empty where nobody would see any of it.
    """
    if text.isascii():
        if len(text) <= longest and text.isprintable():
            return text
    elif _INVISIBLE.fullmatch(text):
        return ""
    elif len(text) <= longest and text.isprintable():
        return text
    joined = _WIDTHLESS.sub("", _join_surrogates(text))
    text = _UNPRINTABLE.sub(" ", _SURROGATES.sub(_REPLACEMENT, joined)).strip()
    if _INVISIBLE.fullmatch(text):
        return ""
    return text if len(text) <= longest else text[: longest - 1].rstrip() + CUT


def for_markdown(text: str) -> str:
    """Return a text of one line so that Markdown shows it as it is."""
    return _MARKDOWN.sub(r"\\\g<0>", clean_text(text))


def clean_json[T](value: T) -> T:
    """Return an answer with valid texts in it, line ends and lengths as they are.

    A number that cannot be told is nothing.
    """
    if value is None or type(value) is bool:
        return value
    cleaned: object = value
    if isinstance(value, int | float):
        cleaned = value if can_be_told(value) else None
    elif isinstance(value, str):
        cleaned = value if value.isascii() else _join_surrogates(value)
    elif isinstance(value, list | tuple):
        cleaned = [clean_json(one) for one in value]
    # The first of the two is quick: an answer may have thousands of records.
    elif isinstance(value, dict | Mapping):
        cleaned = {clean_json(key): clean_json(one) for key, one in value.items()}
    return cast("T", cleaned)


def _join_surrogates(text: str) -> str:
    """Return a text with two halves that belong together as one character."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def clean_update(update: VehicleUpdate) -> VehicleUpdate:
    """Return an update in which every text can be shown and kept."""
    details = update.details
    told = update.groups
    groups = [_clean_group(group) for group in told]
    if (
        details is None
        and update.capabilities is None
        and not update.occurrences
        and all(map(is_, groups, told))
    ):
        return update
    occurrences = tuple(map(clean_occurrence, update.occurrences))
    return replace(
        update,
        details=None if details is None else _clean_details(details),
        capabilities=None
        if update.capabilities is None
        else frozenset(map(clean_text, update.capabilities)),
        groups=tuple(groups),
        occurrences=occurrences,
    )


def is_vehicle_id(text: str) -> bool:
    """Tell whether a text can be the id of a vehicle, its device and its entities."""
    return bool(text) and len(text) <= LONGEST_VEHICLE_ID and clean_text(text) == text


def _clean_details(details: VehicleDetails) -> VehicleDetails:
    texts = {one.name: getattr(details, one.name) for one in fields(details)}
    return VehicleDetails(
        **{
            name: clean_text(text) or None if isinstance(text, str) else text
            for name, text in texts.items()
            if name != "name"
        },
        # A device without a name would be called after the integration.
        name=clean_text(details.name) or _REPLACEMENT,
    )


def _clean_group(group: ReadingGroup) -> ReadingGroup:
    readings = group.readings
    # What comes from outside is of the class itself; members of enums are our own.
    if readings.keys() <= _CLEAN_NAMES or _are_clean_names(readings):
        if str not in map(type, readings.values()):
            return group
        texts = [one for one in readings.values() if type(one) is str]
        if all(map(_is_clean, texts)):
            return group
    cleaned = _clean_values(readings, LONGEST_SHOWN)
    # What is not known is absent, and never an empty text.
    return replace(
        group,
        readings=MappingProxyType(
            {key: value for key, value in cleaned.items() if value != ""}
        ),
    )


_CLEAN_NAMES: set[str] = set()
"""Names of readings that were found to be clean: there are few, told again and again."""
_MOST_NAMES = 4096


def _are_clean_names(readings: Mapping[str, Value]) -> bool:
    """Tell whether all names are clean, and remember them then."""
    if not all(map(_is_clean, readings)):
        return False
    if len(_CLEAN_NAMES) + len(readings) > _MOST_NAMES:
        _CLEAN_NAMES.clear()
    _CLEAN_NAMES.update(readings)
    return True


def _is_clean(text: str) -> bool:
    return (
        0 < len(text) <= LONGEST_SHOWN
        and text.isprintable()
        and (text.isascii() or _INVISIBLE.fullmatch(text) is None)
    )


def _clean_values(values: Mapping[str, Value], longest: int) -> Mapping[str, Value]:
    return MappingProxyType(
        {
            clean_text(key): clean_text(value, longest)
            if isinstance(value, str)
            else value
            for key, value in values.items()
        }
    )


def clean_occurrence(occurrence: Occurrence) -> Occurrence:
    """Return an occurrence that can be recorded: texts are cut, details left out.

    A number that cannot be told is left out too.
    """
    code, name = occurrence.code, occurrence.name
    cleaned = replace(
        occurrence,
        code=None if code is None else clean_text(code) or None,
        name=None if name is None else clean_text(name, LONGEST_TOLD) or None,
        details=_clean_values(
            {
                key: value
                for key, value in occurrence.details.items()
                if not isinstance(value, int | float) or can_be_told(value)
            },
            LONGEST_TOLD,
        ),
    )
    room = LARGEST_EVENT - _size([cleaned.code, cleaned.name])
    if _size(dict(cleaned.details)) <= room:
        return cleaned
    details: dict[str, Value] = {}
    for key, value in cleaned.details.items():
        room -= _size({key: value})
        if room < 0:
            break
        details[key] = value
    return replace(cleaned, details=MappingProxyType(details) if details else EMPTY)


def _size(value: object) -> int:
    return len(json.dumps(value, default=str, ensure_ascii=False).encode())
