"""A tracker with a wrong clock is on the map, whoever its vendor is.

Each vendor's record is that of a moving vehicle, whose own stamps are off by the same span;
what the vendor's server stamps is right.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from custom_components.fleet_tracker.account.occurrences import OccurrenceLog
from custom_components.fleet_tracker.model.clocks import is_wrong
from custom_components.fleet_tracker.model.derive import MOVING_SPEED_KMH
from custom_components.fleet_tracker.model.merge import merge
from custom_components.fleet_tracker.model.rules import Rules
from custom_components.fleet_tracker.model.vehicle import (
    Occurrence,
    Reading,
    Vehicle,
    VehicleUpdate,
)
from custom_components.fleet_tracker.vendors.open_api.mapping import (
    map_alarm as map_open_api_alarm,
    map_track,
)
from custom_components.fleet_tracker.vendors.open_api.records import (
    Alarm as OpenApiAlarm,
)
from custom_components.fleet_tracker.vendors.segway.mapping import (
    map_alert,
    map_location as map_segway_location,
)
from custom_components.fleet_tracker.vendors.tracksolid.api.records import (
    Alarm as TracksolidAlarm,
    Location,
)
from custom_components.fleet_tracker.vendors.tracksolid.mapping import (
    map_alarm as map_tracksolid_alarm,
    map_location,
)
from custom_components.fleet_tracker.vendors.tracksolid.pushes.mapping import map_push
from custom_components.fleet_tracker.vendors.vt3.events import map_event
from custom_components.fleet_tracker.vendors.vt3.mapping import Mapper

START = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)
KM_PER_DEGREE = 111.2
SPEED = 50

type Tell = Callable[[Vehicle | None, datetime, int, float], VehicleUpdate | None]
"""Makes news of what is known, the true time, the tracker's stamp, and a latitude."""


def open_api(
    known: Vehicle | None, now: datetime, stamp: int, latitude: float
) -> VehicleUpdate | None:
    """Return a record of 2.2."""
    record = {
        "imei": "1",
        "latitude": latitude,
        "longitude": 13.4,
        "speed": SPEED,
        "course": 0,
        "gpstime": stamp,
        "hearttime": stamp,
        "systemtime": int(now.timestamp()),
        "servertime": int(now.timestamp()),
        "accstatus": 1,
        "datastatus": 2,
    }
    return map_track(record, known, now)


def text(stamp: int) -> str:
    """Return a time as Tracksolid writes it."""
    return datetime.fromtimestamp(stamp, UTC).strftime("%Y-%m-%d %H:%M:%S")


def tracksolid(
    known: Vehicle | None, now: datetime, stamp: int, latitude: float
) -> VehicleUpdate | None:
    """Return a row of 5.1."""
    row = Location.from_row(
        {
            "imei": "1",
            "lat": latitude,
            "lng": 13.4,
            "speed": str(SPEED),
            "gpsTime": text(stamp),
            "hbTime": text(stamp),
            "posType": "GPS",
            "status": "1",
            "accStatus": "1",
            "expireFlag": "1",
        }
    )
    assert row is not None
    return map_location(row, now)


def tracksolid_pushed(
    known: Vehicle | None, now: datetime, stamp: int, latitude: float
) -> VehicleUpdate | None:
    """Return an item of 10.3."""
    item = {
        "deviceImei": "1",
        "gpsTime": text(stamp),
        "gateTime": text(int(now.timestamp())),
        "lat": latitude,
        "lng": 13.4,
        "gpsSpeed": SPEED,
        "acc": 1,
        "postType": 1,
        "status": 1,
    }
    return map_push("pushgps", item, now)


def vt3(
    known: Vehicle | None, now: datetime, stamp: int, latitude: float
) -> VehicleUpdate | None:
    """Return the values of gnss/info."""
    return Mapper("1").map_values(
        "gnss",
        {
            "gnss.ts": stamp,
            "gnss.latitude": latitude,
            "gnss.longitude": 13.4,
            "gnss.speed": SPEED,
            "gnss.fix": 1,
        },
        now,
    )


def segway(
    known: Vehicle | None, now: datetime, stamp: int, latitude: float
) -> VehicleUpdate | None:
    """Return a location; its speed is part of the status."""
    record = {"latitude": latitude, "longitude": 13.4, "gpsUtcTime": stamp}
    return map_segway_location("1", record, now, clock=known.clock if known else None)


VENDORS: dict[str, Tell] = {
    "open_api": open_api,
    "tracksolid": tracksolid,
    "tracksolid_pushed": tracksolid_pushed,
    "vt3": vt3,
    "segway": segway,
}
HOUR = 3600
SECOND = timedelta(seconds=1)
STEP = 20 * SECOND
WEEK = 7 * 24 * HOUR
CLOCKS: dict[str, Callable[[int], int]] = {
    "+1 h": lambda true: true + HOUR,
    "+2 h": lambda true: true + 2 * HOUR,
    "+5.5 h": lambda true: true + 11 * HOUR // 2,
    "+8 h": lambda true: true + 8 * HOUR,
    "-3 h": lambda true: true - 3 * HOUR,
    "rollover": lambda true: true - 1024 * WEEK,
    "reset to 1980": lambda true: true - int(START.timestamp()) + 315_964_800,
    "reset to 2000": lambda true: true - int(START.timestamp()) + 946_684_800,
    "reset to 2019": lambda true: true - int(START.timestamp()) + 1_546_300_800,
    "reset to 2021": lambda true: true - int(START.timestamp()) + 1_609_459_261,
    "reset to 2024": lambda true: true - int(START.timestamp()) + 1_717_200_003,
    "months back": lambda true: true - 14 * WEEK - 1234,
    "weeks back": lambda true: true - 2 * WEEK - 321,
    "days ahead": lambda true: true + WEEK + 777,
    "a year ahead": lambda true: true + 365 * 24 * HOUR,
}


@pytest.mark.parametrize("with_history", [False, True], ids=["fresh", "history"])
@pytest.mark.parametrize("clock", CLOCKS.values(), ids=CLOCKS)
@pytest.mark.parametrize("tell", VENDORS.values(), ids=VENDORS)
def test_wrong_clock(
    tell: Tell, clock: Callable[[int], int], *, with_history: bool
) -> None:
    """It is where it is, as of the receipt, moving and online, and its clock is noted."""
    vehicle: Vehicle | None = None
    now, latitude = START, 52.0

    def advance(stamp_of: Callable[[int], int], times: int) -> Vehicle:
        nonlocal vehicle, now, latitude
        for _ in range(times):
            now += timedelta(seconds=20)
            latitude += SPEED / 3600 * 20 / KM_PER_DEGREE
            update = tell(vehicle, now, stamp_of(int(now.timestamp())), latitude)
            assert update is not None
            vehicle = merge(vehicle, update, Rules(), now).vehicle
        assert vehicle is not None
        return vehicle

    if with_history:
        before = advance(lambda true: true, 5)
        assert not is_wrong(before.clock)
    after = advance(clock, 12)
    assert after.position is not None
    assert after.position.latitude == pytest.approx(latitude)
    assert after.latest_fix is not None
    assert now - after.latest_fix.fixed_at <= timedelta(minutes=2)
    assert is_wrong(after.clock)
    if after.position.speed is not None:
        assert after.position.speed >= MOVING_SPEED_KMH
        assert after.readings.get(Reading.MOVING) is True
    assert after.readings.get(Reading.ONLINE) is not False
    if after.heard_at is not None:
        assert now - after.heard_at <= timedelta(minutes=2)
    # Set right, it is right again.
    later = advance(lambda true: true, 6)
    assert later.latest_fix is not None
    assert later.latest_fix.latitude == pytest.approx(latitude)
    assert now - later.latest_fix.fixed_at <= timedelta(minutes=2)


@pytest.mark.parametrize("before", [0, HOUR, -8 * HOUR], ids=["right", "+1 h", "-8 h"])
@pytest.mark.parametrize("minutes", [-47, -20, -9, -2, 2, 9, 11, 20, 503])
@pytest.mark.parametrize("tell", VENDORS.values(), ids=VENDORS)
def test_clock_that_is_set_to_what_no_zone_is(
    tell: Tell, minutes: int, before: int
) -> None:
    """The known offset fits no more: it freezes for a minute, or as long as it is late."""
    vehicle: Vehicle | None = None
    now, latitude = START, 52.0
    for number in range(22):
        now += STEP
        latitude += SPEED / 3600 * 20 / KM_PER_DEGREE
        # One that counts minutes and seconds anew tells no time twice.
        wrong = before if number < 10 else 61 * minutes
        update = tell(vehicle, now, int(now.timestamp()) + wrong, latitude)
        assert update is not None
        vehicle = merge(vehicle, update, Rules(), now).vehicle
        assert vehicle.latest_fix is not None
        if number >= 14:
            late = timedelta(minutes=2) if minutes == -2 else timedelta()
            assert now - vehicle.latest_fix.fixed_at <= late + 5 * SECOND
            far = (latitude - vehicle.latest_fix.latitude) * KM_PER_DEGREE
            # What the tracker says is minutes old is newer than what was known only then.
            assert far < 0.1 or minutes == -2
    assert vehicle is not None
    assert is_wrong(vehicle.clock) is not (-3 < minutes < 10)
    assert minutes == -2 or vehicle.readings.get(Reading.ONLINE) is not False
    if vehicle.latest_fix is not None and vehicle.latest_fix.speed is not None:
        assert vehicle.readings[Reading.MOVING] is True


# --- local time around the changes of summer time ---

BERLIN = ZoneInfo("Europe/Berlin")
CHANGES = {
    "spring": datetime(2026, 3, 29, 1, 0, tzinfo=UTC),
    "autumn": datetime(2026, 10, 25, 1, 0, tzinfo=UTC),
}


def by_the_clock(true: datetime) -> int:
    """Return the stamp of a tracker that takes local time for UTC."""
    offset = true.astimezone(BERLIN).utcoffset()
    assert offset is not None
    return int((true + offset).timestamp())


def occurred(occurrence: Occurrence | None, *, pushed: bool) -> VehicleUpdate:
    """Return an update with an alarm."""
    assert occurrence is not None
    return VehicleUpdate(vehicle_id="1", occurrences=(occurrence,), pushed=pushed)


def alarm_of_open_api(now: datetime, stamp: int) -> VehicleUpdate:
    """Return an alarm of 2.8, which the server stamps."""
    return occurred(
        map_open_api_alarm(OpenApiAlarm(alarmtype=3, systemtime=now)), pushed=False
    )


def alarm_of_tracksolid(now: datetime, stamp: int) -> VehicleUpdate:
    """Return a row of 6.1."""
    row = {"imei": "1", "alertTypeId": "3", "alertTime": text(stamp)}
    alarm = TracksolidAlarm.from_row(row)
    assert alarm is not None
    return map_tracksolid_alarm(alarm)


def alarm_of_tracksolid_pushed(now: datetime, stamp: int) -> VehicleUpdate:
    """Return an item of 10.4, without the platform's time."""
    item = {"deviceImei": "1", "alarmType": "3", "alarmTime": text(stamp)}
    update = map_push("pushalarm", item, now)
    assert update is not None
    return replace(update, pushed=True)


def alarm_of_vt3(now: datetime, stamp: int) -> VehicleUpdate:
    """Return an event."""
    return occurred(map_event({"type": "SOS", "starts_at": stamp}, now), pushed=True)


def alarm_of_segway(now: datetime, stamp: int) -> VehicleUpdate:
    """Return an alert."""
    alert = map_alert({"code": 1, "statusUtcTime": stamp}, now)
    assert alert is not None
    return occurred(alert.occurrence, pushed=True)


ALARMS: dict[str, Callable[[datetime, int], VehicleUpdate]] = {
    "open_api": alarm_of_open_api,
    "tracksolid": alarm_of_tracksolid,
    "tracksolid_pushed": alarm_of_tracksolid_pushed,
    "vt3": alarm_of_vt3,
    "segway": alarm_of_segway,
}


class NoDisk:
    """A journal of occurrences that keeps nothing."""

    def add_fired(self, *_: object) -> None:
        """Keep nothing."""

    def note_done(self, *_: object) -> None:
        """Keep nothing."""


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("vendor", VENDORS)
def test_local_time_around_the_change_of_summer_time(
    vendor: str, change: datetime
) -> None:
    """It is driven all the time, and alarms happen all the time, each told twice."""
    started = change - timedelta(minutes=10)
    log = OccurrenceLog(cast("Any", NoDisk()), cast("Any", {}), started)
    fired: list[Occurrence] = []
    log.subscribe(lambda _vehicle, occurrence: fired.append(occurrence))
    vehicle: Vehicle | None = None
    latitude, missed, happened, wrong = 52.0, 0, [], []
    told: list[tuple[datetime, int]] = []
    for step in range(60):
        now = started + timedelta(seconds=20 * step)
        latitude += SPEED / 3600 * 20 / KM_PER_DEGREE
        update = VENDORS[vendor](vehicle, now, by_the_clock(now), latitude)
        assert update is not None
        vehicle = merge(vehicle, update, Rules(), now).vehicle
        if step > 5:  # by then the offset was learned first
            fix = vehicle.latest_fix
            assert fix is not None
            is_missed = fix.latitude != pytest.approx(latitude)
            missed += is_missed
            assert not (is_missed and not change <= now < change + 3 * STEP)
        if step > 5:
            told.append((now - timedelta(seconds=7), by_the_clock(now - 7 * SECOND)))
            happened.append(told[-1][0])
        for true, stamp in told[-2:]:
            received = now if vendor != "open_api" else true
            news = ALARMS[vendor](received, stamp)
            merged = merge(vehicle, news, Rules(), now)
            vehicle = merged.vehicle
            for occurrence in merged.occurrences:
                before = len(fired)
                log.fire("1", occurrence, now)
                if len(fired) > before and occurrence.occurred_at not in {true, now}:
                    wrong.append((true, occurrence.occurred_at))
    assert not wrong
    assert len(fired) == len(happened)
    assert missed <= 2
    offset = change.replace(hour=2).astimezone(BERLIN).utcoffset()
    assert vehicle is not None
    if vendor != "open_api":
        assert vehicle.clock.fixes.offset == offset
