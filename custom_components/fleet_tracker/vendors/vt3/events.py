"""Events of a tracker as occurrences ("FlexAPI Over TCP" chapter 5).

All of them come on the one topic ``event/notice``. Types beyond 5.2 are of newer firmware.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
import re
from types import MappingProxyType

from ...model.json_values import Json, as_flag, as_integer
from ...model.vehicle import (
    Occurrence,
    OccurrenceKind,
    OccurrenceType,
    TimeSource,
    Value,
    reading_parts,
)
from .parameters import PARAMETERS
from .values import Reader, as_shown_text, as_time, number, whole
from .vocabulary import Vt3Reading

EVENT = "event"

TYPES: Mapping[str, OccurrenceType] = MappingProxyType(
    {
        "SYS_SLEEP": OccurrenceType.SLEEP,
        "SYS_WKUP": OccurrenceType.WAKE_UP,
        "DI_CHG": OccurrenceType.INPUT_CHANGED,
        "OVERSPEED": OccurrenceType.SPEEDING,
        "COLLISION": OccurrenceType.COLLISION,
        "HARSH_ACCELERATION": OccurrenceType.HARSH_ACCELERATION,
        "HARSH_BRAKING": OccurrenceType.HARSH_BRAKING,
        "TURN_LEFT": OccurrenceType.SHARP_TURN,
        "TURN_RIGHT": OccurrenceType.SHARP_TURN,
        "IDLE": OccurrenceType.IDLING,
        "IDLE_END": OccurrenceType.IDLING_ENDED,
    }
)
IGNITION_TYPES: Mapping[str, OccurrenceType] = MappingProxyType(
    {"IGON": OccurrenceType.IGNITION_ON, "IGOFF": OccurrenceType.IGNITION_OFF}
)
LEVELS: Mapping[int, str] = MappingProxyType(
    {1: "notice", 2: "warning", 3: "error", 4: "alert", 5: "emergency"}
)
"""5.1."""

_OBD2 = "OBDII_DTC_"
_J1939 = "J1939_DTC_"
# With as many bits as they have in J1939, where the last count is "not available".
_NUMBERS: Mapping[str, tuple[str, Reader]] = MappingProxyType(
    {
        "src_addr": ("source_address", whole(0, 255)),
        "spn": ("spn", whole(0, 2**19 - 1)),
        "fmi": ("fmi", whole(0, 31)),
        "oc": ("occurrence_count", whole(0, 126)),
    }
)
_seconds = number(0, 366 * 86_400)
_DURATION = re.compile(r"[a-z_]{0,20}duration")
_CLEAR = "clear"


def map_event(payload: Mapping[str, Json], now: datetime) -> Occurrence | None:
    """Return what happened, None for a message that names no type of event.

    It happened at its end for a recovery, at its start otherwise.
    """
    type_name = as_shown_text(payload.get("type"))
    if type_name is None:
        return None
    starts_at, ends_at = (
        as_time(payload.get(name)) for name in ("starts_at", "ends_at")
    )
    cleared = payload.get("status") == _CLEAR
    told_at = (ends_at if cleared else None) or starts_at
    details = _details(payload)
    details |= {
        name: time
        for name, time in (("starts_at", starts_at), ("ends_at", ends_at))
        if time is not None
    }
    kind, code = OccurrenceKind.ALARM, type_name
    if type_name in IGNITION_TYPES:
        kind, what = OccurrenceKind.IGNITION, IGNITION_TYPES[type_name]
    elif type_name.startswith((_OBD2, _J1939)):
        kind, what = OccurrenceKind.TROUBLE_CODE, OccurrenceType.TROUBLE_CODE
        code = _trouble_code(type_name, payload)
    else:
        what = TYPES.get(type_name, OccurrenceType.OTHER)
        if what is OccurrenceType.SHARP_TURN:
            details["direction"] = type_name.rpartition("_")[2].lower()
    if cleared:
        details["cleared"] = what.value
        what = OccurrenceType.CLEARED
    return Occurrence(
        kind=kind,
        type=what,
        occurred_at=told_at or now,
        time_source=TimeSource.TRACKER if told_at else TimeSource.OURS,
        code=code,
        name=as_shown_text(payload.get("desc")),
        details=details,
    )


def values_of_event(payload: Mapping[str, Json]) -> dict[str, Json]:
    """Return the parameters that an event brings, and what it says of the ignition."""
    values = {key: value for key, value in payload.items() if "." in key}
    type_name = as_shown_text(payload.get("type"))
    if payload.get("status") != _CLEAR and type_name in IGNITION_TYPES:
        values["io.IGT"] = type_name == "IGON"
    return values


def time_of_event(payload: Mapping[str, Json]) -> datetime | None:
    """Return when an event's values are from."""
    return as_time(payload.get("ends_at")) or as_time(payload.get("starts_at"))


def _trouble_code(type_name: str, payload: Mapping[str, Json]) -> str:
    """Return the code as workshops write it."""
    if type_name.startswith(_OBD2):
        return as_shown_text(payload.get("dtc")) or type_name.removeprefix(_OBD2)
    spn = as_shown_text(payload.get("spn")) or type_name.removeprefix(_J1939)
    fmi = _NUMBERS["fmi"][1](payload.get("fmi"))
    return f"SPN {spn}" if fmi is None else f"SPN {spn} FMI {fmi}"


def _details(payload: Mapping[str, Json]) -> dict[str, Value]:
    """Return the further data of an event, without its place."""
    details: dict[str, Value] = {}
    if (level := LEVELS.get(as_integer(payload.get("level")) or 0)) is not None:
        details["level"] = level
    for name, (detail, read) in _NUMBERS.items():
        if (told := read(payload.get(name))) is not None:
            details[detail] = told
    for name, value in payload.items():
        if _DURATION.fullmatch(name) and (seconds := _seconds(value)) is not None:
            details[name] = seconds
        parameter = PARAMETERS.get(name)
        if (
            parameter is not None
            and reading_parts(parameter.reading)[0] == Vt3Reading.DIGITAL_INPUT
        ):
            if (state := as_flag(value)) is not None:
                details[parameter.reading.replace(":", "_")] = state
    return details
