"""Lines of bug reports as test cases: what a vendor sent, and what is to be made of it.

A case is a file in the folder `payloads/` of a vendor, or `frames/` for VT3. Its name begins
with the kind of the record, up to the first ``-``. Its content is the line as it was
reported, after IMEI and place were replaced. Beside it may stand a file of the same name
that ends in ``.expected.json``; without that, mapping the line only must not raise. It holds:

    now            when the line came in
    vehicle_id     the vehicle
    position       fields of its fix; null where there must be none
    readings       some of its readings; null for one that must be absent
    occurrences    the types of all occurrences
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
import json
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

from custom_components.fleet_tracker.model.json_values import Record, is_record
from custom_components.fleet_tracker.model.vehicle import VehicleUpdate
from custom_components.fleet_tracker.vendors.open_api.mapping import (
    map_alarm as map_open_api_alarm,
    map_device as map_open_api_device,
    map_track,
)
from custom_components.fleet_tracker.vendors.open_api.records import parse_alarm
from custom_components.fleet_tracker.vendors.segway.mapping import (
    map_battery_info,
    map_location as map_segway_location,
    map_status,
)
from custom_components.fleet_tracker.vendors.tracksolid.api.records import (
    Alarm,
    Location,
    ObdReport,
)
from custom_components.fleet_tracker.vendors.tracksolid.mapping import (
    map_alarm,
    map_location,
    map_obd,
)
from custom_components.fleet_tracker.vendors.tracksolid.pushes.door import PATHS
from custom_components.fleet_tracker.vendors.tracksolid.pushes.mapping import map_push
from custom_components.fleet_tracker.vendors.vt3.events import map_event
from custom_components.fleet_tracker.vendors.vt3.frames import Checksum, FrameDecoder
from custom_components.fleet_tracker.vendors.vt3.mapping import Mapper
from custom_components.fleet_tracker.vendors.vt3.topics import Topic

HERE = Path(__file__).parent
EXPECTED = ".expected.json"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Case:
    """A reported line."""

    vendor: str
    path: Path

    @classmethod
    def all(cls) -> Iterator[Self]:
        """Yield the cases of all vendors."""
        for path in sorted(HERE.glob("*/payloads/*")) + sorted(HERE.glob("*/frames/*")):
            if not path.name.endswith(EXPECTED):
                yield cls(path.parent.parent.name, path)

    def __str__(self) -> str:
        """Return the name of the test."""
        return f"{self.vendor}-{self.path.stem}"

    @property
    def expected(self) -> Mapping[str, Any]:
        """What must hold, nothing where nobody said so."""
        path = self.path.with_name(self.path.stem + EXPECTED)
        found: Mapping[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        return found

    def map(self) -> Mapping[str, Any]:
        """Map the line, and return what is made of it as JSON."""
        now = self.expected.get("now")
        update = MAPPINGS[self.vendor](
            self.path.name.partition("-")[0],
            self.path.read_text(encoding="utf-8").strip(),
            datetime.fromisoformat(now) if now else NOW,
        )
        return {} if update is None else described(update)


def described(update: VehicleUpdate) -> Mapping[str, Any]:
    """Return an update as JSON, as it is written in expectations."""
    found = {
        "vehicle_id": update.vehicle_id,
        "position": None if update.position is None else asdict(update.position),
        "readings": {
            key: value
            for group in update.groups
            for key, value in group.readings.items()
        },
        "occurrences": [one.type for one in update.occurrences],
    }
    as_json: Mapping[str, Any] = json.loads(json.dumps(found, default=_written))
    return as_json


def _written(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _record(text: str) -> Record:
    record = json.loads(text)
    assert is_record(record)
    return record


def _open_api(kind: str, text: str, now: datetime) -> VehicleUpdate | None:
    record = _record(text)
    match kind:
        case "track":
            return map_track(record, None, now)
        case "device":
            return map_open_api_device(record, "ProTrack", now)
        case "alarm":
            alarm = parse_alarm(record)
            occurred = () if alarm is None else (map_open_api_alarm(alarm),)
            return VehicleUpdate(vehicle_id=str(record["imei"]), occurrences=occurred)
    raise ValueError(kind)


def _segway(kind: str, text: str, now: datetime) -> VehicleUpdate | None:
    record = _record(text)
    imei = str(record["iotCode"])
    match kind:
        case "status":
            return map_status(imei, record, now)
        case "location":
            return map_segway_location(imei, record, now)
        case "battery":
            return map_battery_info(imei, record, now)
    raise ValueError(kind)


def _tracksolid(kind: str, text: str, now: datetime) -> VehicleUpdate | None:
    record = _record(text)
    if kind in PATHS:
        return map_push(kind, record, now)
    match kind:
        case "location":
            location = Location.from_row(record)
            return None if location is None else map_location(location, now)
        case "alarm":
            alarm = Alarm.from_row(record)
            return None if alarm is None else map_alarm(alarm)
        case "obd":
            report = ObdReport.from_row(record)
            return None if report is None else map_obd(report)
    raise ValueError(kind)


def _vt3(kind: str, text: str, now: datetime) -> VehicleUpdate | None:
    """Map a frame, of which a log shows the JSON: the checksum is put behind it anew."""
    data = text[text.index("{") : text.rindex("}") + 1].encode()
    frame = b"$" + data + Checksum.DOCUMENTED.of(data) + b"\r\n"
    (message,) = FrameDecoder().feed(frame)
    topic, payload = Topic.parse(message.get("topic")), message.get("payload")
    assert topic is not None
    assert topic.group == kind
    assert isinstance(payload, dict)
    if kind == "event":
        occurred = map_event(payload, now)
        return VehicleUpdate(
            vehicle_id=topic.serial, occurrences=(occurred,) if occurred else ()
        )
    return Mapper(topic.serial).map_values(topic.group, payload, now, complete=True)


MAPPINGS: Mapping[str, Callable[[str, str, datetime], VehicleUpdate | None]] = (
    MappingProxyType(
        {
            "open_api": _open_api,
            "segway": _segway,
            "tracksolid": _tracksolid,
            "vt3": _vt3,
        }
    )
)
