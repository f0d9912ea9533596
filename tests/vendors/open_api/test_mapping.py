"""The mapping of the Open API's records: every field, its unit and its sentinels."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
import math
from typing import get_args

from hypothesis import given, strategies as st
import pytest

from custom_components.fleet_tracker.model.evidence import TOLD_SPEED
from custom_components.fleet_tracker.model.merge import merge
from custom_components.fleet_tracker.model.rules import Rules
from custom_components.fleet_tracker.model.vehicle import (
    FixKind,
    Occurrence,
    OccurrenceKind,
    OccurrenceType,
    Position,
    Reading,
    Value,
    Vehicle,
    VehicleDetails,
    VehicleUpdate,
)
from custom_components.fleet_tracker.vendors.open_api.mapping import (
    ALARM_TYPES,
    STATUSES,
    map_alarm,
    map_device,
    map_track,
    status_update,
)
from custom_components.fleet_tracker.vendors.open_api.records import Alarm
from custom_components.fleet_tracker.vendors.open_api.vocabulary import OpenApiReading

IMEI = "358899051025339"
SERVER_TIME = 1_420_964_313
HEARD = 1_419_906_952

# The example of open-api-2025, 2.2, and the field that is there without being documented.
TRACK: Mapping[str, object] = {
    "imei": IMEI,
    "course": 195,
    "systemtime": 1419905754,
    "gpstime": 1419906052,
    "speed": 0,
    "hearttime": HEARD,
    "servertime": SERVER_TIME,
    "longitude": 113.909813,
    "latitude": 22.583197,
    "acctime": 1400,
    "accstatus": 1,
    "doorstatus": 0,
    "chargestatus": 0,
    "oilpowerstatus": 1,
    "defencestatus": 0,
    "datastatus": 2,
    "battery": 100,
    "mileage": 51654,
    "odometer": 51654,
    "todaymileage": 15654,
    "externalpower": "12.1",
    "fuel": "2.6",
    "fueltime": SERVER_TIME - 60,
    "temperature": ["30.90", "-31.70"],
    "temperaturetime": SERVER_TIME - 30,
}
# What the older generation does not send.
FIELDS_OF_2025 = (
    "odometer",
    "todaymileage",
    "externalpower",
    "fuel",
    "fueltime",
    "temperature",
    "temperaturetime",
)
# The first example of open-api-2025, 2.7.
DEVICE: Mapping[str, object] = {
    "imei": IMEI,
    "devicename": "VT05S-01234",
    "devicetype": "VT05S",
    "platenumber": "TheOne",
    "onlinetime": 0,
    "platformduetime": 1588603848,
    "simcard": "7557862586",
    "iccid": "89966415211160402250",
    "activatedtime": 0,
    "userduetime": 1589603848,
}


def utc(time: float) -> datetime:
    """Return UNIX seconds as a time."""
    return datetime.fromtimestamp(time, UTC)


NOW = utc(SERVER_TIME + 2)


def track(known: object = None, **fields: object) -> VehicleUpdate:
    """Return what is made of the example with other fields, by a vehicle if known."""
    assert known is None or isinstance(known, Vehicle)
    update = map_track({**TRACK, **fields}, known, NOW)
    assert update
    return update


def readings(update: VehicleUpdate) -> dict[str, Value]:
    """Return the readings of all groups."""
    return {
        key: value for group in update.groups for key, value in group.readings.items()
    }


def measured_at(update: VehicleUpdate, group: str) -> datetime:
    """Return the time of a group."""
    return next(one.measured_at for one in update.groups if one.name == group)


def known_after(update: VehicleUpdate) -> Vehicle:
    """Return the vehicle that is known after an update."""
    return merge(None, update, Rules(), NOW).vehicle


# Track


def test_the_documents_example() -> None:
    """Every field of 2.2, in the unit of its reading."""
    update = track()
    assert update.vehicle_id == IMEI
    assert update.heard_at == utc(HEARD)
    assert update.position == Position(
        latitude=22.583197,
        longitude=113.909813,
        accuracy=15,
        fixed_at=utc(1419906052),
        kind=FixKind.SATELLITE,
        course=195,
        speed=0,
    )
    assert readings(update) == {
        Reading.IGNITION: True,
        Reading.IGNITION_CHANGED_AT: utc(HEARD - 1400),
        Reading.DOOR: False,
        Reading.TRACKER_CHARGING: False,
        Reading.FUEL_SUPPLY: True,
        Reading.ENGINE_CUT: False,
        Reading.ARMED: False,
        Reading.TRACKER_BATTERY: 100,
        Reading.ODOMETER: 51.654,
        Reading.DISTANCE_TODAY: 15.654,
        Reading.VEHICLE_VOLTAGE: 12.1,
        Reading.FUEL: 2.6,
        OpenApiReading.FUEL_MEASURED_AT: utc(SERVER_TIME - 60),
        "temperature:1": 30.9,
        "temperature:2": -31.7,
        OpenApiReading.TEMPERATURE_MEASURED_AT: utc(SERVER_TIME - 30),
        Reading.STATUS: "ok",
        Reading.ONLINE: True,
        OpenApiReading.POSITION_RECEIVED_AT: utc(1419905754),
        # For the guard alone, which hears a speed that no fix may tell.
        Reading.SPEED: 0,
    }
    assert measured_at(update, TOLD_SPEED) == utc(1419906052)
    assert measured_at(update, "tracker") == utc(HEARD)
    assert measured_at(update, "platform") == utc(SERVER_TIME)
    assert measured_at(update, "fuel") == utc(SERVER_TIME - 60)
    assert measured_at(update, "temperature") == utc(SERVER_TIME - 30)


def test_the_older_generation() -> None:
    """Without the fields of 2025 the rest is the same, and nothing is made up."""
    record = {key: TRACK[key] for key in TRACK if key not in FIELDS_OF_2025}
    update = map_track(record, None, NOW)
    assert update
    assert set(readings(track())) - set(readings(update)) == {
        Reading.DISTANCE_TODAY,
        Reading.VEHICLE_VOLTAGE,
        Reading.FUEL,
        OpenApiReading.FUEL_MEASURED_AT,
        "temperature:1",
        "temperature:2",
        OpenApiReading.TEMPERATURE_MEASURED_AT,
    }
    assert {group.name for group in update.groups} == {
        "tracker",
        "platform",
        TOLD_SPEED,
    }


@pytest.mark.parametrize(
    ("field", "reading", "on", "off"),
    [
        ("accstatus", Reading.IGNITION, True, False),
        ("doorstatus", Reading.DOOR, True, False),
        ("chargestatus", Reading.TRACKER_CHARGING, True, False),
        ("oilpowerstatus", Reading.FUEL_SUPPLY, True, False),
        ("oilpowerstatus", Reading.ENGINE_CUT, False, True),
        ("defencestatus", Reading.ARMED, True, False),
    ],
)
def test_flags(field: str, reading: str, on: bool, off: bool) -> None:
    """1 and 0, as number or text; anything else is not known."""
    for value in (1, "1", 1.0):
        assert readings(track(**{field: value}))[reading] is on
    for value in (0, "0"):
        assert readings(track(**{field: value}))[reading] is off
    for unknown in (-1, 2, "", None, True, "on"):
        assert reading not in readings(track(**{field: unknown}))


@pytest.mark.parametrize(
    ("field", "reading", "absent"),
    [
        ("battery", Reading.TRACKER_BATTERY, (-1, 101, "", None)),
        ("todaymileage", Reading.DISTANCE_TODAY, (-1, "", None, 1e308)),
        ("externalpower", Reading.VEHICLE_VOLTAGE, ("", None, "n/a", 1e9, -1e9)),
        ("fuel", Reading.FUEL, ("", None, "-1", 1e12)),
        ("fueltime", Reading.FUEL, (0, "", None, -1)),
        (
            "temperature",
            "temperature:1",
            ([], "", None, [""], [None], ["-300"], [1e9]),
        ),
        ("temperaturetime", "temperature:1", (0, "", None)),
        ("acctime", Reading.IGNITION_CHANGED_AT, (-1, "", None, SERVER_TIME)),
        ("datastatus", Reading.STATUS, (0, 6, -1, "", None)),
        ("datastatus", Reading.ONLINE, (0, 6, -1, "", None)),
    ],
)
def test_sentinels(field: str, reading: str, absent: tuple[object, ...]) -> None:
    """Values that stand for "no such thing" are absent, and all others stay."""
    everything = set(readings(track()))
    for value in absent:
        found = set(readings(track(**{field: value})))
        assert reading not in found
        assert len(everything - found) <= 3


def test_probes_keep_their_numbers() -> None:
    """A probe that fails does not make the next one take its place."""
    found = readings(track(temperature=["", "4.5"]))
    assert "temperature:1" not in found
    assert found["temperature:2"] == 4.5


def test_no_fuel_is_no_reading_and_no_time() -> None:
    """Neither has a vehicle without a fuel sensor the time of one."""
    update = track(fuel="", fueltime=0, temperature=[], temperaturetime=0)
    assert OpenApiReading.FUEL_MEASURED_AT not in readings(update)
    assert OpenApiReading.TEMPERATURE_MEASURED_AT not in readings(update)
    assert {group.name for group in update.groups} == {
        "tracker",
        "platform",
        TOLD_SPEED,
    }


@pytest.mark.parametrize(
    ("nothing", "reading"),
    [
        ({"fuel": "", "fueltime": 0}, Reading.FUEL),
        ({"fuel": None}, Reading.FUEL),
        ({"fueltime": "x"}, Reading.FUEL),
        ({"temperature": [], "temperaturetime": 0}, "temperature:2"),
        ({"temperature": {}}, "temperature:2"),
        ({"hearttime": 0, "gpstime": 0, "battery": -1}, Reading.TRACKER_BATTERY),
        ({"servertime": "x", "datastatus": None}, Reading.STATUS),
    ],
)
def test_nothing_shuts_out_what_comes_again(
    nothing: dict[str, object], reading: str
) -> None:
    """A reading goes when it is not told, and comes back though it is as old as before."""
    vehicle = known_after(track())
    later = utc(SERVER_TIME + 60)
    for fields, there in ((nothing, False), ({"servertime": SERVER_TIME + 60}, True)):
        update = track(vehicle, **fields)
        vehicle = merge(vehicle, update, Rules(), later).vehicle
        assert (reading in vehicle.readings) is there


@pytest.mark.parametrize(
    ("mileage", "odometer", "kilometres"),
    [
        (51654, 99, 51.654),
        (-1, 99_000, 99),
        (-1, -1, None),
        (None, "12000", 12),
        (1e308, "12000", 12),
        ("", None, None),
    ],
)
def test_odometer(mileage: object, odometer: object, kilometres: float | None) -> None:
    """Metres as kilometres, of the documented field or else of the other one."""
    found = readings(track(mileage=mileage, odometer=odometer))
    assert found.get(Reading.ODOMETER) == kilometres


def test_negative_voltage() -> None:
    """Some trackers send it with a sign that means nothing."""
    assert readings(track(externalpower="-12.4"))[Reading.VEHICLE_VOLTAGE] == 12.4


@pytest.mark.parametrize("status", STATUSES)
def test_status(status: int) -> None:
    """The five of datastatus; only one of them is online."""
    found = readings(track(datastatus=status))
    assert found[Reading.STATUS] == STATUSES[status]
    assert found[Reading.ONLINE] is (status == 2)


@pytest.mark.parametrize(
    "fields",
    [
        {"longitude": 0, "latitude": 0},
        {"longitude": 0.0, "latitude": "0"},
        {"gpstime": 0},
        {"gpstime": None},
        {"latitude": 91},
        {"longitude": -181},
        {"latitude": ""},
        {"longitude": None},
        {"latitude": "north"},
    ],
)
def test_no_fix(fields: dict[str, object]) -> None:
    """No place or no time of it is no position; all else is taken."""
    update = track(**fields)
    assert update.position is None
    assert readings(update) == readings(track())


def test_speed_and_course_that_are_none() -> None:
    """The place counts without them."""
    for speed, course in ((-1, None), (1e308, 400), ("", -1)):
        position = track(speed=speed, course=course).position
        assert position
        assert position.speed is None
        assert position.course is None


def test_never_online() -> None:
    """A tracker that never was online is known by its status alone."""
    update = track(
        gpstime=0,
        hearttime=0,
        systemtime=0,
        longitude=0,
        latitude=0,
        acctime=SERVER_TIME,
        accstatus=-1,
        doorstatus=-1,
        chargestatus=-1,
        oilpowerstatus=-1,
        defencestatus=-1,
        datastatus=1,
        battery=-1,
        mileage=-1,
        odometer=-1,
        todaymileage=-1,
        externalpower="",
        fuel="",
        fueltime=0,
        temperature=[],
        temperaturetime=0,
    )
    assert update.position is None
    assert update.heard_at is None
    known = {Reading.STATUS: "never_online", Reading.ONLINE: False}
    # Its speed of 0, which has no time, is the guard's alone and never shown.
    assert readings(update) == {**known, Reading.SPEED: 0}
    assert known_after(update).readings == {**known, Reading.ACTIVITY: "offline"}


def test_without_the_servers_time() -> None:
    """Our own clock stands in for it."""
    update = track(servertime=None, hearttime=0, gpstime=0, acctime=60)
    assert measured_at(update, "tracker") == NOW
    assert readings(update)[Reading.IGNITION_CHANGED_AT] == NOW - timedelta(minutes=1)


@pytest.mark.parametrize("imei", [None, "", " ", True, ["x"]])
def test_a_record_without_an_imei(imei: object) -> None:
    """A record without an IMEI is no news."""
    assert map_track({**TRACK, "imei": imei}, None, NOW) is None
    assert map_device({**DEVICE, "imei": imei}, "Open API", NOW) is None


@pytest.mark.parametrize(
    ("age", "present"),
    [(timedelta(0), True), (timedelta(days=1), True), (timedelta(days=1.01), False)],
)
def test_old_fuel_and_temperature(age: timedelta, present: bool) -> None:
    """Values older than a day are absent, but the time of measurement stays."""
    time = SERVER_TIME - age.total_seconds()
    found = readings(track(fueltime=time, temperaturetime=time))
    assert (Reading.FUEL in found) is present
    assert ("temperature:2" in found) is present
    assert (
        found[OpenApiReading.FUEL_MEASURED_AT]
        == found[OpenApiReading.TEMPERATURE_MEASURED_AT]
        == utc(time)
    )


def test_fuel_that_grows_old_goes_away() -> None:
    """A reading that was shown disappears once the record repeats it for too long."""
    vehicle = known_after(track())
    assert vehicle.readings[Reading.FUEL] == 2.6
    later = SERVER_TIME + 90_000
    update = track(vehicle, servertime=later)
    vehicle = merge(vehicle, update, Rules(), utc(later)).vehicle
    assert Reading.FUEL not in vehicle.readings
    assert "temperature:1" not in vehicle.readings
    assert vehicle.readings[OpenApiReading.FUEL_MEASURED_AT] == utc(SERVER_TIME - 60)


# When the ignition was switched

DRIVE_BEGAN = SERVER_TIME - 3600


def drive(
    known: Vehicle | None, seconds: int, *, silent: int = 0, on: int = 1, ends: int = 0
) -> VehicleUpdate:
    """Return a poll some seconds into a drive.

    The tracker was last heard of `silent` seconds ago; the seconds since the ignition was
    switched end then, or at the server's time when `ends` is 1.
    """
    now = DRIVE_BEGAN + seconds
    heard = now - silent
    update = map_track(
        {
            **TRACK,
            "servertime": now,
            "hearttime": heard,
            "gpstime": heard,
            "accstatus": on,
            "acctime": (now if ends else heard) - DRIVE_BEGAN,
        },
        known,
        utc(now),
    )
    assert update
    return update


def changed_at(update: VehicleUpdate) -> Value:
    """Return when the ignition was switched."""
    return readings(update)[Reading.IGNITION_CHANGED_AT]


@pytest.mark.parametrize("ends", [0, 1])
def test_ignition_time_is_steady(ends: int) -> None:
    """The time is the same in each poll, however the seconds jitter."""
    vehicle: Vehicle | None = None
    times = set()
    for seconds, silent in ((30, 0), (47, 15), (60, 2), (300, 59), (1800, 31)):
        update = drive(vehicle, seconds, silent=silent, ends=ends)
        times.add(changed_at(update))
        vehicle = known_after(update)
    assert times == {utc(DRIVE_BEGAN)}


@pytest.mark.parametrize("ends", [0, 1])
def test_ignition_time_of_a_silent_tracker(ends: int) -> None:
    """The time does not move on while the tracker is silent."""
    vehicle = known_after(drive(None, 600, ends=ends))
    for minutes in (1, 5, 60, 3 * 1440):
        update = drive(vehicle, 600 + 60 * minutes, silent=60 * minutes, ends=ends)
        assert changed_at(update) == utc(DRIVE_BEGAN)
        vehicle = known_after(update)


def test_ignition_time_follows_the_ignition() -> None:
    """A switch is a new time, and so is one that was missed between two polls."""
    vehicle = known_after(drive(None, 600))
    update = track(
        vehicle,
        servertime=DRIVE_BEGAN + 700,
        hearttime=DRIVE_BEGAN + 700,
        accstatus=0,
        acctime=20,
    )
    assert changed_at(update) == utc(DRIVE_BEGAN + 680)
    update = track(
        vehicle,
        servertime=DRIVE_BEGAN + 7000,
        hearttime=DRIVE_BEGAN + 7000,
        accstatus=1,
        acctime=100,
    )
    assert changed_at(update) == utc(DRIVE_BEGAN + 6900)


def test_ignition_is_not_switched_after_the_last_contact() -> None:
    """Whatever the seconds are counted from."""
    assert changed_at(track(acctime=0, hearttime=SERVER_TIME - 50)) == utc(
        SERVER_TIME - 50
    )
    assert changed_at(track(acctime=100, hearttime=SERVER_TIME - 50)) == utc(
        SERVER_TIME - 100
    )


# Any type in any field

HALF_A_PAIR = "half\ud83d a pair"
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["-1", "1e999", "nan", "0", " ", "1419906052", HALF_A_PAIR])
    | st.sampled_from([2**31 - 1, 2**63, 10**400]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
times = st.integers(1_400_000_000, SERVER_TIME)


def is_sane(value: Value) -> bool:
    """Tell whether a reading is one: of a type that readings have, and finite."""
    if isinstance(value, datetime):
        return value.tzinfo is UTC
    if isinstance(value, float):
        return abs(value) < float("inf")
    return isinstance(value, get_args(Value.__value__))


@given(
    st.fixed_dictionaries(
        {}, optional={key: json_values for key in TRACK if key != "imei"}
    ),
    st.booleans(),
)
def test_any_type_in_any_field_of_a_track(
    fields: dict[str, object], again: bool
) -> None:
    """No field breaks the mapping or the merging, and what comes out is sane."""
    known = known_after(track()) if again else None
    update = track(known, **fields)
    vehicle = merge(known, update, Rules(), NOW).vehicle
    assert all(is_sane(value) for value in vehicle.readings.values())
    battery = vehicle.readings.get(Reading.TRACKER_BATTERY, 0)
    assert isinstance(battery, int | float)
    assert 0 <= battery <= 100
    if update.position:
        assert abs(update.position.latitude) <= 90
        assert abs(update.position.longitude) <= 180
        assert update.position.fixed_at.tzinfo is UTC


@given(
    st.fixed_dictionaries(
        {}, optional={key: json_values for key in DEVICE if key != "imei"}
    )
)
def test_any_type_in_any_field_of_a_device(fields: dict[str, object]) -> None:
    """A device has a name, and its details are texts."""
    update = map_device({**DEVICE, **fields}, "ProTrack", NOW)
    assert update
    assert update.details
    assert update.details.name
    assert all(is_sane(value) for value in readings(update).values())
    for name in VehicleDetails.__slots__:
        assert isinstance(getattr(update.details, name), str | None)


@given(times, times, st.integers(0, 10**7))
def test_ignition_time_is_in_the_past(
    server_time: int, heard: int, seconds: int
) -> None:
    """Whatever the times are, the ignition was not switched in the future."""
    time = changed_at(track(servertime=server_time, hearttime=heard, acctime=seconds))
    assert isinstance(time, datetime)
    assert time <= utc(max(server_time, heard))


# Device list


def test_the_documents_device() -> None:
    """Every field of 2.7 that is shown."""
    update = map_device(DEVICE, "ProTrack", NOW)
    assert update
    assert update.details == VehicleDetails(
        name="VT05S-01234",
        model="VT05S",
        plate="TheOne",
        serial_number=IMEI,
    )
    assert readings(update) == {
        Reading.SERVICE_EXPIRES: utc(1588603848),
        Reading.SIM: "7557862586",
        Reading.ICCID: "89966415211160402250",
    }
    assert measured_at(update, "device") == NOW
    # Of the second example
    update = map_device(
        {**DEVICE, "onlinetime": 1419905754, "activatedtime": 1419805754}, "x", NOW
    )
    assert update
    assert readings(update)[OpenApiReading.FIRST_ONLINE_AT] == utc(1419905754)
    assert readings(update)[OpenApiReading.ACTIVATED_AT] == utc(1419805754)


@pytest.mark.parametrize(
    ("platform", "user", "expires"),
    [
        (1588603848, 1589603848, 1588603848),
        (1589603848, 1588603848, 1588603848),
        (0, 1588603848, 1588603848),
        (1588603848, 0, 1588603848),
        (0, 0, None),
        ("", None, None),
    ],
)
def test_service_expires(platform: object, user: object, expires: int | None) -> None:
    """The earlier of the two due times; 0 is none."""
    update = map_device(
        {**DEVICE, "platformduetime": platform, "userduetime": user}, "x", NOW
    )
    assert update
    found = readings(update).get(Reading.SERVICE_EXPIRES)
    assert found == (utc(expires) if expires else None)


@pytest.mark.parametrize(
    ("name", "plate", "model", "shown"),
    [
        ("Van", "V-415-XB", "VT05S", "Van"),
        ("", "V-415-XB", "VT05S", "V-415-XB"),
        (None, " ", "VT05S", "VT05S"),
        ([7], None, "", "ProTrack"),
    ],
)
def test_names(name: object, plate: object, model: object, shown: str) -> None:
    """The device's name, else what there is; never its IMEI."""
    update = map_device(
        {**DEVICE, "devicename": name, "platenumber": plate, "devicetype": model},
        "ProTrack",
        NOW,
    )
    assert update
    assert update.details
    assert update.details.name == shown


# Alarms and refusals


def test_every_alarm_type_of_the_documents() -> None:
    """44 types, each with its name and one word of the common vocabulary."""
    assert list(ALARM_TYPES) == list(range(1, 45))
    assert len({name for name, _ in ALARM_TYPES.values()}) == 44
    assert len({kind for _, kind in ALARM_TYPES.values()}) == 44
    for code, (name, kind) in ALARM_TYPES.items():
        assert map_alarm(Alarm(code, NOW)) == Occurrence(
            kind=OccurrenceKind.ALARM,
            type=kind,
            occurred_at=NOW,
            code=str(code),
            name=name,
        )


def test_an_alarms_details() -> None:
    """Speed and geofence, and no coordinates."""
    occurrence = map_alarm(
        Alarm(5, NOW, NOW, 4.9, 52.4, 45, 93, 1_075_558, "test-geofence")
    )
    assert occurrence.type is OccurrenceType.GEOFENCE_ENTERED
    assert occurrence.details == {
        "speed": 45,
        "geofence_id": 1_075_558,
        "geofence": "test-geofence",
    }


def test_an_alarm_of_an_unknown_type() -> None:
    """An unknown type becomes an alarm too, with the vendor's code."""
    occurrence = map_alarm(Alarm(45, NOW))
    assert occurrence.type is OccurrenceType.OTHER
    assert occurrence.code == "45"
    assert occurrence.name is None


@pytest.mark.parametrize("skew", [-3600, 0, 3600])
def test_refused(skew: int) -> None:
    """A refused vehicle is offline, says why, keeps all else, and is well again at once.

    However much our clock and the server's differ.
    """
    now = NOW + timedelta(seconds=skew)
    vehicle = merge(None, track(), Rules(), now).vehicle
    now += timedelta(seconds=15)
    update = status_update(IMEI, "expired", known=vehicle, now=now)
    after = merge(vehicle, update, Rules(), now).vehicle
    assert after.readings[Reading.STATUS] == "expired"
    assert after.readings[Reading.ONLINE] is False
    assert after.readings[Reading.FUEL] == 2.6
    assert after.position == vehicle.position
    update = track(after, servertime=SERVER_TIME + 30)
    after = merge(after, update, Rules(), now + timedelta(seconds=15)).vehicle
    assert after.readings[Reading.STATUS] == "ok"


def test_not_told_of() -> None:
    """Of a vehicle that the server says nothing of, nobody knows whether it is online."""
    vehicle = known_after(track())
    update = status_update(IMEI, None, known=vehicle, now=NOW)
    after = merge(vehicle, update, Rules(), NOW).vehicle
    assert Reading.STATUS not in after.readings
    assert Reading.ONLINE not in after.readings
    assert after.readings[Reading.FUEL] == 2.6
    update = status_update(IMEI, "blocked", known=None, now=NOW)
    assert measured_at(update, "platform") == NOW


@pytest.mark.parametrize("speed", [-1, 1001, 6553.5, 2**32 - 1, 1e30, math.nan])
def test_absurd_speed_of_an_alarm(speed: float) -> None:
    """It is not told; that of a vehicle is."""
    alarm = Alarm(7, utc(SERVER_TIME), speed=speed)
    assert "speed" not in map_alarm(alarm).details
    assert map_alarm(Alarm(7, utc(SERVER_TIME), speed=88)).details["speed"] == 88


def test_more_probes_than_a_vehicle_has() -> None:
    """Each would be an entity of its own."""
    record = {**TRACK, "temperature": ["1.5"] * 3_000}
    update = map_track(record, None, utc(SERVER_TIME))
    assert update is not None
    (probes,) = (one for one in update.groups if one.name == "temperature")
    assert len(probes.readings) == 64 + 1
