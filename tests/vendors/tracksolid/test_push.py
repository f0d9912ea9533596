"""Pushes: what comes in at the door, and what it says of vehicles (chapter 10)."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
import json

from hypothesis import given, strategies as st
import pytest

from custom_components.fleet_tracker.contract.pushes import PushRequest
from custom_components.fleet_tracker.model.clocks import judge
from custom_components.fleet_tracker.model.vehicle import (
    FixKind,
    OccurrenceKind,
    OccurrenceType,
    Reading,
    VehicleUpdate,
    part_of,
)
from custom_components.fleet_tracker.vendors.tracksolid.connection import (
    TracksolidConnection,
)
from custom_components.fleet_tracker.vendors.tracksolid.pushes.door import (
    PATHS,
    TAG_PATH,
    Duplicates,
    Push,
    Refused,
    answer,
    path_of,
    read_push,
)
from custom_components.fleet_tracker.vendors.tracksolid.pushes.mapping import (
    map_message,
    map_push,
    map_tag_push,
)
from custom_components.fleet_tracker.vendors.tracksolid.vocabulary import (
    TracksolidReading,
)
from tests.simulators import world
from tests.simulators.tracksolid import Device, TracksolidSimulator, pushes
from tests.vendors.fake_host import START, FakeHost

from .helpers import VAN, poll, request

TIME = START.timestamp()
BIKE = Device(VAN, "Van", world.town_van(TIME))


def body(raw: bytes, path: str = "/pushgps", kind: str = "text/plain") -> PushRequest:
    """Return a request with any body."""
    return PushRequest(
        method="POST", path=path, content_type=kind, body=raw, remote="127.0.0.1"
    )


def mapped(path: str, item: dict[str, object]) -> VehicleUpdate:
    """Return the news in an item."""
    update = map_push(path, item, START)
    assert update is not None
    assert update.vehicle_id == VAN
    return update


def readings(update: VehicleUpdate) -> dict[str, object]:
    """Return all readings of an update."""
    return {
        key: value for group in update.groups for key, value in group.readings.items()
    }


# --- the door -------------------------------------------------------------------------------


def test_all_paths_of_the_document() -> None:
    """The 22 of chapter 10."""
    assert {f"/{path}" for path in PATHS} == set(pushes.PATHS)
    assert len(PATHS) == 22


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("path", pushes.PATHS)
def test_every_path_takes_a_list(path: str, as_json: bool) -> None:
    """As a form and as JSON."""
    item = pushes.sample(path, BIKE, TIME)
    read = read_push(request(path, [item], token="t", as_json=as_json), "t")
    assert isinstance(read, Push)
    assert read.path == path[1:]
    assert [dict(one) for one in read.items] == [item]


def test_a_push_is_taken_as_a_whole() -> None:
    """However many items it has: the door limits its bytes."""
    items = [{"deviceImei": str(number)} for number in range(5000)]
    push = read_push(request("/pushgps", items, token="t"), "t")
    assert isinstance(push, Push)
    assert len(push.items) == 5000


def test_paths_are_found_in_any_case() -> None:
    """Some installations push to /pushinstructresponse."""
    assert path_of(request("/pushinstructresponse", [])) == "pushInstructResponse"
    assert path_of(request("/pushgps/", [])) == "pushgps"
    assert path_of(request("", [])) == ""
    assert path_of(request(f"/{TAG_PATH}", [])) == TAG_PATH
    assert path_of(request("/etc/passwd", [])) is None


@pytest.mark.parametrize(
    ("push", "status"),
    [
        (request("/elsewhere", [], token="t"), 404),
        (request("/pushgps", [], token="wrong"), 403),
        (request("/pushgps", []), 403),
        (request("/pushgps", [], token="tö"), 403),
        (request("/pushgps", {"data_list": "no json"}, token="t"), 400),
        (request("/pushgps", {"data_list": "5"}, token="t"), 400),
        # A list in which nothing can be read: with success it would be lost.
        (request("/pushgps", {"data_list": "[5, null]"}, token="t"), 400),
        (request("/pushgps", {}, token="wrong"), 403),
        (request("", [{}], token="t"), 400),
        (request(f"/{TAG_PATH}", {}, token="t"), 400),
        (body(b"\xff\xfe"), 403),
        (body(b"{broken"), 400),
        (body(b"[1, 2]"), 400),
        (body(b"&".join(b"a=1" for _ in range(200))), 400),
        (body(b"[" * 100_000), 400),
        (body(b'{"deviceImei": "1"}'), 403),
        (body(b'{"deviceImei": "1", "token": "t"}'), 400),
        (body(b"something=else"), 403),
        (body(b"something=else&token=t"), 400),
        (body(b"data_list=[{}]&data_list="), 400),
        (request("", {"msgType": "jimi.push.device.alarm", "data": "x"}), 400),
    ],
)
def test_refused_pushes(push: PushRequest, status: int) -> None:
    """Hostile until verified; and never a 401."""
    assert read_push(push, "t") == Refused(status)


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
@pytest.mark.parametrize("path", ["", "/", "/pushalarm", f"/{TAG_PATH}"])
def test_empty_probes(method: str, path: str) -> None:
    """Empty requests arrive when an address is registered."""
    probe = PushRequest(
        method=method, path=path, content_type="", body=b" \n", remote="127.0.0.1"
    )
    assert read_push(probe, "t") is None


@pytest.mark.parametrize("body", [{}, {"data_list": ""}, {"data": ""}])
def test_probes_with_nothing_but_a_token(body: dict[str, object]) -> None:
    """A push without items is a probe too, if its token is right."""
    assert read_push(request("/pushgps", body, token="t"), "t") is None


@pytest.mark.parametrize(
    "page", [b"<html></html>", b"<!DOCTYPE html><p class='x'>502</p>", b"hello", b"a="]
)
def test_a_page_is_no_probe(page: bytes) -> None:
    """Answered with success, whatever was meant would be lost."""
    pushed = PushRequest(
        method="POST",
        path="/pushgps",
        content_type="text/html",
        body=page,
        remote="127.0.0.1",
    )
    assert read_push(pushed, None) == Refused(400)


ITEM = '{"deviceImei":"1","alarmName":"%s"}'
LIST = f"[{ITEM % 'x'}]"


@pytest.mark.parametrize(
    ("method", "raw"),
    [
        ("GET", f"token=t&data_list={LIST}"),
        ("PUT", f'{{"token":"t","data":{LIST}}}'),
        ("POST", f"token=t&data_list=&data={LIST}"),
        ("POST", f'{{"token":"t","data_list":null,"data":{LIST}}}'),
        ("POST", f'{{"token":"t","data_list":{json.dumps(LIST)}}}'),
        ("POST", f'{{"token":"t","data_list":[{ITEM % chr(0xDC80)},5,null,"x",[]]}}'),
        ("POST", f"token=t&data_list=[{ITEM % '%FF'}]"),
        ("POST", f'msgType=jimi.push.device.alarm&data=[{{"imei":"1"}},{ITEM % "x"}]'),
    ],
)
def test_items_are_never_lost_with_success(method: str, raw: str) -> None:
    """Wherever they stand, whatever letters are broken, and whatever else is in the list."""
    sent = PushRequest(
        method=method,
        path="/pushalarm",
        content_type="",
        body=raw.encode(errors="surrogateescape"),
        remote="127.0.0.1",
    )
    push = read_push(sent, "t")
    assert isinstance(push, Push)
    assert push.items[-1]["deviceImei"] == "1"


@pytest.mark.parametrize(
    "raw",
    [
        f'{{"token":"t","data_list":{LIST},"data_list":{LIST}}}',
        f"token=t&data_list={LIST}&data_list={LIST}",
        f'{{"token":"t","data_list":{LIST}}} and more',
        f"token=t&data_list={LIST} and more",
        f"token=t&msgType=1;data_list={LIST}",
        f"token=t&data_list={LIST[:-1]}",
        "token=t&data_list=" + "[" * 1000 + "]" * 1000,
        '{"token":"t","data_list":"nothing"}',
        '{"token":"t","data_list":[5,"x"]}',
        '{"token":"t","data_list":7}',
        "msgType=jimi.push.device.alarm&data=nothing",
    ],
)
def test_what_cannot_be_read_is_refused(raw: str) -> None:
    """The sender repeats it, or learns that it is wrong."""
    assert read_push(body(raw.encode(), "/pushalarm"), "t") == Refused(400)


def test_no_token_is_wanted_where_none_is_set() -> None:
    """The token is an option."""
    push = read_push(request("/pushgps", [{"deviceImei": "1"}], token="any"), None)
    assert isinstance(push, Push)


def test_notification() -> None:
    """MsgType and data, which know no token: on the base URL or wherever."""
    content = {"imei": VAN, "alarmType": "2", "alarmTime": "2025-10-09 09:00:00"}
    for path in ("", "/", "/pushalarm"):
        push = read_push(
            request(path, {"msgType": "jimi.push.device.alarm", "data": content}), "t"
        )
        assert isinstance(push, Push)
        assert push.message == "jimi.push.device.alarm"
        assert dict(push.items[0]) == content


def test_answers() -> None:
    """Each family has its own code for success."""
    assert answer("pushgps").body == {"code": 0, "msg": "success"}
    assert answer(TAG_PATH).body == {"code": 200, "msg": "success"}


def test_tags_come_as_a_bare_list() -> None:
    """A JSON array without token."""
    push = read_push(
        body(json.dumps([pushes.tag(BIKE, TIME)]).encode(), f"/{TAG_PATH}"), "t"
    )
    assert isinstance(push, Push)
    assert push.path == TAG_PATH


def test_items_may_be_texts_of_json() -> None:
    """An item may be encoded once more; what is none is left out."""
    push = read_push(
        request("/pushgps", [json.dumps({"deviceImei": "1"}), "x", 5]), None
    )
    assert isinstance(push, Push)
    assert [dict(item) for item in push.items] == [{"deviceImei": "1"}]


@given(st.binary(max_size=200), st.sampled_from(["", "/pushgps", f"/{TAG_PATH}", "/x"]))
def test_any_body_has_an_answer(raw: bytes, path: str) -> None:
    """Nothing that is sent breaks the door."""
    read_push(body(raw, path), "t")


def fresh(duplicates: Duplicates, push: Push, now: datetime) -> list[dict[str, object]]:
    """Return the items of a push that are new."""
    return [dict(item) for item in push.items if duplicates.is_new(push, item, now)]


def test_duplicates() -> None:
    """The same item within ten minutes is one; another path or time is another."""
    duplicates = Duplicates()
    one = Push("pushgps", ({"a": 1}, {"a": 1}, {"a": 2}))
    assert fresh(duplicates, one, START) == [{"a": 1}, {"a": 2}]
    assert not fresh(duplicates, one, START + timedelta(minutes=9))
    assert fresh(duplicates, Push("pushhb", ({"a": 1},)), START) == [{"a": 1}]
    assert len(fresh(duplicates, one, START + timedelta(minutes=20))) == 2


def test_duplicate_in_another_order() -> None:
    """The order of the fields says nothing."""
    duplicates = Duplicates()
    assert fresh(duplicates, Push("pushgps", ({"a": 1, "b": 2},)), START)
    assert not fresh(duplicates, Push("pushgps", ({"b": 2, "a": 1},)), START)


def test_memory_for_duplicates_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood makes it forget the oldest."""
    monkeypatch.setattr(
        "custom_components.fleet_tracker.vendors.tracksolid.pushes.door._MOST_HASHES",
        10,
    )
    duplicates = Duplicates()
    for number in range(50):
        fresh(duplicates, Push("pushgps", ({"n": number},)), START)
    assert len(duplicates._seen) <= 11
    assert fresh(duplicates, Push("pushgps", ({"n": 0},)), START) == [{"n": 0}]


# --- what is pushed -------------------------------------------------------------------------


def test_gps() -> None:
    """10.3: position, ignition, and that the device is there."""
    item = pushes.gps(BIKE, TIME) | {"gpsSpeed": 42, "acc": 1}
    update = mapped("pushgps", item)
    assert update.position is not None
    assert update.position.speed == 42
    assert update.position.altitude == 12
    assert update.position.kind is FixKind.SATELLITE
    assert update.heard_at == START
    found = readings(update)
    assert found[Reading.IGNITION] is True
    assert found[Reading.ONLINE] is True
    assert found[Reading.SATELLITES] == 11
    metres = round(BIKE.vehicle.at(TIME).odometer)
    assert found[TracksolidReading.TRACKER_MILEAGE] == metres / 1000
    assert found[Reading.ALTITUDE] == 12
    at_sea = mapped("pushgps", item | {"altitude": 0})
    assert at_sea.position is not None
    assert at_sea.position.altitude == readings(at_sea)[Reading.ALTITUDE] == 0
    nowhere = mapped("pushgps", item | {"altitude": ""})
    assert nowhere.position is not None
    assert nowhere.position.altitude is None
    assert Reading.ALTITUDE not in readings(nowhere)
    assert (
        found[TracksolidReading.FIX_STATUS],
        found[TracksolidReading.UPLOAD_MODE],
    ) == (1, 0)


@pytest.mark.parametrize(
    ("kind", "expected"), [(1, FixKind.SATELLITE), (2, FixKind.CELL), (3, FixKind.WIFI)]
)
def test_kinds_of_pushed_fixes(kind: int, expected: FixKind) -> None:
    """10.3: postType."""
    position = mapped("pushgps", pushes.gps(BIKE, TIME) | {"postType": kind}).position
    assert position is not None
    assert position.kind is expected


def test_gps_without_a_fix() -> None:
    """(0, 0) is none, but the rest is news."""
    update = mapped("pushgps", pushes.gps(BIKE, TIME) | {"lat": 0, "lng": 0})
    assert update.position is None
    assert readings(update)[Reading.ONLINE] is True
    # Without the time of a fix there is the one at which it was told.
    item = pushes.gps(BIKE, TIME) | {"acc": 1, "gpsTime": None}
    update = mapped("pushgps", item)
    assert update.position is None
    assert readings(update)[Reading.IGNITION] is True
    assert {one.measured_at for one in update.groups} == {START}


def test_heartbeat() -> None:
    """10.2."""
    update = mapped("pushhb", pushes.heartbeat(BIKE, TIME, charging=1) | {"fortify": 1})
    assert readings(update) == {
        Reading.ONLINE: True,
        Reading.IGNITION: False,
        Reading.TRACKER_BATTERY: 86,
        TracksolidReading.SIGNAL_LEVEL: 4,
        Reading.TRACKER_CHARGING: True,
        Reading.ARMED: True,
    }


@pytest.mark.parametrize(
    ("told", "level"), [(0, 0), ("3", 3), (4, 4), (5, 1), (75, 3), (85, 4), (255, 4)]
)
def test_signal_of_a_heartbeat(told: object, level: int) -> None:
    """10.2 has no scale; locations have 0 to 4, and what is more can only be per cent."""
    item = pushes.heartbeat(BIKE, TIME) | {"gsmSign": told}
    assert readings(mapped("pushhb", item))[TracksolidReading.SIGNAL_LEVEL] == level


@pytest.mark.parametrize(("kind", "online"), [("LOGIN", True), ("LOGOUT", False)])
def test_login(kind: str, online: bool) -> None:
    """10.1."""
    update = mapped("pushevent", pushes.login(BIKE, TIME, kind))
    zone: dict[str, str] = {TracksolidReading.TIME_ZONE: "GMT+08:00"}
    assert readings(update) == zone | {Reading.ONLINE: online}
    assert update.heard_at == (START if online else None)
    assert readings(mapped("pushevent", pushes.login(BIKE, TIME, "SLEEP"))) == zone


def test_flat_alarm() -> None:
    """10.4: alarmType, alarmName, gateTime."""
    update = mapped("pushalarm", pushes.alarm(BIKE, "3", "Vibration alert", TIME))
    (occurrence,) = update.occurrences
    assert occurrence.type is OccurrenceType.VIBRATION
    assert occurrence.occurred_at == START
    assert "lat" not in occurrence.details


@pytest.mark.parametrize(
    ("msg_class", "removed", "expected"),
    [
        (0, False, OccurrenceType.ENGINE_CUT),
        (1, False, OccurrenceType.OTHER),
        (0, True, OccurrenceType.CLEARED),
    ],
)
def test_alarm_of_the_hub(
    msg_class: int, removed: bool, expected: OccurrenceType
) -> None:
    """10.4: the form of the IoT hub, in two numberings, with ends."""
    item = pushes.hub_alarm(BIKE, "138", TIME, msg_class=msg_class, removed=removed)
    update = mapped("pushalarm", item)
    (occurrence,) = update.occurrences
    assert occurrence.type is expected
    assert occurrence.code == "138"
    assert (Reading.ENGINE_CUT in readings(update)) is (
        expected is OccurrenceType.ENGINE_CUT
    )


@pytest.mark.parametrize(
    "item",
    [
        {"strange": 1},
        {"alarmType": "removeAlarmType"},
        {"msg": {"alertType": "removeAlarmType", "removeAlarmType": ""}},
    ],
)
def test_alarm_without_a_type(item: dict[str, object]) -> None:
    """An alarm that cannot be read is passed on."""
    update = mapped("pushalarm", {"deviceImei": VAN, **item})
    assert update.occurrences[0].kind is OccurrenceKind.DEVICE_DATA


def test_alarm_beside_an_empty_removal() -> None:
    """A field for the end of an alarm that says nothing ends none."""
    item = pushes.alarm(BIKE, "3", "Vibration alert", TIME) | {"removeAlarmType": 0}
    assert mapped("pushalarm", item).occurrences[0].type is OccurrenceType.VIBRATION


def test_subtype_of_jt808() -> None:
    """Its number is told whole."""
    item = pushes.hub_alarm(BIKE, "264", TIME, msg_class=1)
    item["msg"] = {"alertType": 264, "alarmType": 4, "alarmTime": item["gateTime"]}
    (occurrence,) = mapped("pushalarm", item).occurrences
    assert (occurrence.type, occurrence.code) == (OccurrenceType.OTHER, "264-4")
    # The vendor's own numbering knows none.
    item["msgClass"] = 0
    item["msg"] = {"alertType": 3, "alarmType": 4, "alarmTime": item["gateTime"]}
    (occurrence,) = mapped("pushalarm", item).occurrences
    assert (occurrence.type, occurrence.code) == (OccurrenceType.VIBRATION, "3")


@pytest.mark.parametrize(
    ("kind", "reading"), [("ICCID", Reading.ICCID), ("VIN", Reading.VIN)]
)
def test_identity_of_a_tracker(kind: str, reading: str) -> None:
    """Where alarms are told, a tracker tells its ICCID and VIN too."""
    update = mapped("pushalarm", pushes.identity(BIKE, TIME, kind, "WF0X"))
    assert readings(update) == {reading: "WF0X"}
    assert not update.occurrences
    in_lower_case = {"type": kind, "msg": {kind.lower(): "WF0X"}}
    assert readings(mapped("pushalarm", {"deviceImei": VAN, **in_lower_case})) == {
        reading: "WF0X"
    }


def test_alarm_from_the_future() -> None:
    """No event is later than now."""
    item = pushes.alarm(BIKE, "3", "Vibration", TIME + 3600)
    update = judge(None, mapped("pushalarm", item), START).update
    assert update.occurrences[0].occurred_at == START


@pytest.mark.parametrize(
    ("unit", "reading"),
    [
        (1, part_of(TracksolidReading.FUEL_SENSOR_HEIGHT, 2)),
        (2, part_of(TracksolidReading.FUEL_SENSOR_LEVEL, 2)),
        (3, part_of(TracksolidReading.FUEL_SENSOR_VOLTAGE, 2)),
        (4, part_of(TracksolidReading.FUEL_SENSOR_VOLUME, 2)),
    ],
)
def test_oil(unit: int, reading: str) -> None:
    """10.7: a hundredth, in the unit that is told, one for each sensor."""
    update = mapped("pushoil", pushes.oil(BIKE, TIME, 2, 42.5, unit))
    assert readings(update) == {reading: 42.5}
    assert not readings(mapped("pushoil", pushes.oil(BIKE, TIME, 2, 42.5, 9)))
    assert not readings(mapped("pushoil", pushes.oil(BIKE, TIME, 256, 42.5, unit)))
    only_one = pushes.oil(BIKE, TIME, 2, 42.5, unit) | {"path": None}
    assert readings(mapped("pushoil", only_one)) == {f"{reading[:-2]}:0": 42.5}


def test_temperature() -> None:
    """10.9."""
    update = mapped("pushtem", pushes.temperature(BIKE, TIME, -4.5, 61))
    assert readings(update) == {Reading.TEMPERATURE: -4.5, Reading.HUMIDITY: 61}
    update = mapped("pushtem", pushes.temperature(BIKE, TIME, 4, 300))
    assert readings(update) == {Reading.TEMPERATURE: 4}


def test_obd() -> None:
    """10.20: named values are readings; numbered ones nobody can name."""
    item = pushes.obd(
        BIKE,
        TIME,
        engine_rpm=900,
        coolant_temp_c=-3,
        fuel_level_pct="61",
        battery_voltage=138,
        vehicle_speed=12,
        intake_pressure=99,
        throttle_pct=5,
        engine_load_pct=20,
    )
    update = mapped("pushobd", item)
    assert readings(update) == {
        Reading.IGNITION: False,
        Reading.ENGINE_SPEED: 900,
        Reading.COOLANT_TEMPERATURE: -3,
        Reading.FUEL_LEVEL: 61,
        Reading.VEHICLE_VOLTAGE: 13.8,
        Reading.OBD_SPEED: 12,
        Reading.INTAKE_PRESSURE: 99,
        Reading.THROTTLE_POSITION: 5,
        Reading.ENGINE_LOAD: 20,
    }
    (occurrence,) = update.occurrences
    assert occurrence.kind is OccurrenceKind.DEVICE_DATA
    assert occurrence.details == {
        "car_type": 2,
        "statusFlags": 3,
        "dataID1": 5016,
        "dataID2": 77,
    }
    text = mapped("pushobd", item | {"obdJson": json.dumps(item["obdJson"])})
    assert readings(text) == readings(update)
    flat = mapped("pushobd", {"deviceImei": VAN, "AccState": 1})
    assert readings(flat) == {Reading.IGNITION: True}
    assert not flat.occurrences


def test_faults() -> None:
    """10.21: a count, and an event for each code."""
    update = mapped("pushfaultinfo", pushes.faults(BIKE, TIME, "P0301", "P0420"))
    assert readings(update) == {Reading.TROUBLE_CODES: 2}
    assert [one.code for one in update.occurrences] == ["P0301", "P0420"]
    # A list tells more than a number, and each code once.
    repeated = pushes.faults(BIKE, TIME, "P0301", "P0301") | {"faultNum": 7}
    assert readings(mapped("pushfaultinfo", repeated)) == {Reading.TROUBLE_CODES: 1}
    counted = mapped("pushfaultinfo", {"deviceImei": VAN, "faultNum": 7})
    assert readings(counted) == {Reading.TROUBLE_CODES: 7}
    text = pushes.faults(BIKE, TIME) | {"faultCodeList": '["P0301"]'}
    assert [one.code for one in mapped("pushfaultinfo", text).occurrences] == ["P0301"]
    none = mapped("pushfaultinfo", {"deviceImei": VAN, "faultNum": 0})
    assert readings(none) == {Reading.TROUBLE_CODES: 0}
    old = mapped("pushfaultinfo", pushes.faults(BIKE, TIME - 90_000, "P0301"))
    assert not readings(old)


def test_trip() -> None:
    """10.22: kilometres, litres, and times in BCD."""
    (told,) = mapped("pushtripreport", pushes.trip(BIKE, TIME - 600, TIME)).trips
    assert (told.begin, told.end) == (TIME - 600, TIME)
    assert told.consumption == 1.4
    assert told.idle_s == 35
    start = mapped("pushtripreport", pushes.trip(BIKE, TIME - 60, TIME, properties=1))
    # Its fixes tell of the begin.
    assert not start.trips
    assert not start.occurrences
    open_end = pushes.trip(BIKE, TIME - 600, TIME - 60) | {"endTime": ""}
    (told,) = mapped("pushtripreport", open_end).trips
    assert told.end == TIME - 60
    odd = pushes.trip(BIKE, TIME - 60, TIME) | {"beginTime": "never"}
    assert mapped("pushtripreport", odd).occurrences[0].type is OccurrenceType.OTHER


@pytest.mark.parametrize("absurd", ["1e300", 10**30, 2**64, -1, "x", None])
def test_absurd_numbers_of_a_trip(absurd: object) -> None:
    """They are unknown, since a stored vehicle holds its trips."""
    item = pushes.trip(BIKE, TIME - 600, TIME)
    item |= dict.fromkeys(("miles", "idleTimes", "oils"), absurd)
    (told,) = mapped("pushtripreport", item).trips
    assert (told.begin, told.end) == (TIME - 600, TIME)
    assert (told.distance_m, told.idle_s, told.consumption) == (None, None, None)


OTHERS = sorted(
    PATHS
    - {"pushgps", "pushhb", "pushevent", "pushalarm", "pushoil", "pushtem", "pushobd"}
    - {"pushfaultinfo", "pushtripreport"}
)


@pytest.mark.parametrize("path", OTHERS)
def test_the_rest_is_device_data(path: str) -> None:
    """All else is one event, without who, where, and what opens doors."""
    item = pushes.sample(f"/{path}", BIKE, TIME)
    update = mapped(path, item)
    (occurrence,) = update.occurrences
    assert occurrence.kind is OccurrenceKind.DEVICE_DATA
    assert occurrence.code == path
    text = json.dumps(dict(occurrence.details), default=str)
    place = BIKE.vehicle.at(TIME).place
    for private in (
        VAN,
        str(place.latitude),
        str(place.longitude),
        "face-1",
        "0A0B0C0D",
        "LAC",
    ):
        assert private not in text, (path, private)


def test_content_of_device_data() -> None:
    """Objects inside of an item are flattened, lists are counted, secrets stay inside."""
    item: dict[str, object] = {
        "deviceImei": VAN,
        "content": json.dumps(
            {"volts": 12.5, "gpsLat": 52.3, "inner": {"a": {"b": 1}}}
        ),
        "broken": "{not json",
        "list": [1, 2],
        "text": "x" * 5000,
        "flag": True,
        "nothing": None,
        "endless": float("inf"),
        "huge": 10**400,
        "subMessagesId": 3,
    }
    (occurrence,) = mapped("pushextendedkks", item).occurrences
    assert occurrence.details == {
        "content_volts": 12.5,
        "list_count": 2,
        "text": "x" * 1000,
        "flag": True,
        "subMessagesId": 3,
    }


def test_answer_to_a_command() -> None:
    """10.16: one object, whose words are told."""
    item = pushes.sample("/pushInstructResponse", BIKE, TIME)
    (occurrence,) = mapped("pushInstructResponse", item).occurrences
    assert occurrence.details["_content"] == "STATUS OK"
    wrapped = {"code": 0, "msg": "success", "data": item}
    for inner in (wrapped, wrapped | {"data": json.dumps(item)}):
        (occurrence,) = mapped("pushInstructResponse", inner).occurrences
        assert occurrence.details["_content"] == "STATUS OK"


@pytest.mark.parametrize("path", ["uploadCallback", "pushIothubEvent"])
def test_the_cloud_is_no_sign_of_life(path: str) -> None:
    """A file that was uploaded says nothing of the device now."""
    assert mapped(path, pushes.sample(f"/{path}", BIKE, TIME)).heard_at is None


def test_notifications() -> None:
    """An alarm, and raw data of the device."""
    update = map_message(
        "jimi.push.device.alarm",
        {
            "imei": VAN,
            "alarmType": "2",
            "alarmName": "Power off alarm",
            "lat": 40.6,
            "lng": "109.8",
            "alarmTime": "2025-10-09 08:59:00",
        },
        START,
    )
    assert update is not None
    assert update.occurrences[0].type is OccurrenceType.POWER_DISCONNECTED
    assert update.occurrences[0].occurred_at == START - timedelta(minutes=1)
    raw = map_message(
        "jimi.open.instruction.raw.receive", {"imei": VAN, "raw_data": "0A0C"}, START
    )
    assert raw is not None
    assert raw.occurrences[0].code == "open.instruction.raw.receive"
    assert raw.occurrences[0].details == {"raw_data": "0A0C"}
    assert map_message("jimi.push.device.alarm", {}, START) is None


def test_tag_push() -> None:
    """Milliseconds, and the kind in words."""
    update = map_tag_push(pushes.tag(BIKE, TIME))
    assert update is not None
    assert update.position is not None
    assert update.position.fixed_at == START
    assert update.position.kind is FixKind.BEACON
    assert map_tag_push({"imei": VAN}) is None


def test_item_without_a_device() -> None:
    """An item without a device says nothing."""
    assert map_push("pushgps", {"lat": 1}, START) is None
    assert map_push("pushgps", {"data": {"lat": 1}}, START) is None


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=15),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.data(), st.sampled_from(sorted(PATHS)))
def test_any_item_can_be_mapped(data: st.DataObject, path: str) -> None:
    """Wrong types in any field of any item break nothing and let nothing slip."""
    sample = pushes.sample(f"/{path}", BIKE, TIME)
    item = {
        key: data.draw(st.just(value) | ANYTHING)
        for key, value in sample.items()
        if key not in {"deviceImei", "imei", "_imei"}
    }
    update = map_push(path, item | {"imei": VAN}, START)
    assert update is not None
    for group in update.groups:
        assert None not in group.readings.values()
    for occurrence in update.occurrences:
        assert occurrence.occurred_at.tzinfo is not None


CODE = "4711"


def alarms(host: FakeHost) -> int:
    """Return how many alarms of the tests were told."""
    return sum(occurrence.code == CODE for _, occurrence in host.occurrences)


async def test_thousands_of_alarms_in_one_push(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """They are read beside the event loop, and others have a turn before each of them."""
    await poll(connection, host)
    van = sim.devices[VAN]
    items = [
        pushes.alarm(van, CODE, f"Alarm {number}", sim.now) for number in range(600)
    ]
    told_in_turns: list[int] = []

    async def watch() -> None:
        while True:
            told = len(host.occurrences)
            await asyncio.sleep(0)
            told_in_turns.append(len(host.occurrences) - told)

    watching = asyncio.create_task(watch())
    answered = await connection.receive_push(request("/pushalarm", items))
    watching.cancel()
    assert answered.status == 200
    assert alarms(host) == 600
    # However many turns the thread takes that reads them.
    assert max(told_in_turns) == 1
    assert sum(told_in_turns) >= 599


@pytest.mark.parametrize("second_way", ["/pushalarm", "", "list"])
@pytest.mark.parametrize(("apart", "told"), [(0, 1), (40, 2)])
async def test_an_alarm_in_two_forms_long_after_each_other(
    connection: TracksolidConnection,
    sim: TracksolidSimulator,
    host: FakeHost,
    second_way: str,
    apart: int,
    told: int,
) -> None:
    """One time and type are one alarm however late the second form comes; 40 s are two."""
    await poll(connection, host)
    host.advance(61)
    await poll(connection, host)
    van, at = sim.devices[VAN], sim.now
    first = pushes.notification(van, CODE, "Some alarm", at)
    second = pushes.alarm(van, CODE, "Some alarm", at + apart)
    message = {"msgType": "jimi.push.device.alarm"}
    if second_way == "":
        second, first = first, pushes.alarm(van, CODE, "Some alarm", at)
        second = pushes.notification(van, CODE, "Some alarm", at + apart)
        await connection.receive_push(request("/pushalarm", [first]))
    else:
        await connection.receive_push(request("", {**message, "data": first}))
    host.advance(600)
    if second_way == "list":
        van.alarms.append(van.alarm(CODE, "Some alarm", at + apart))
        await poll(connection, host)
    elif second_way == "":
        await connection.receive_push(request("", {**message, "data": second}))
    else:
        await connection.receive_push(request("/pushalarm", [second]))
    assert alarms(host) == told
