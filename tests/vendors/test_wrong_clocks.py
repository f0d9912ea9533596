"""A tracker with a wrong clock is on the map, whoever its vendor is.

Each vendor's record is that of a moving vehicle, whose own stamps are off by the same span;
what the vendor's server stamps is right.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from custom_components.fleet_tracker.model.clocks import is_wrong
from custom_components.fleet_tracker.model.derive import MOVING_SPEED_KMH
from custom_components.fleet_tracker.model.merge import merge
from custom_components.fleet_tracker.model.rules import Rules
from custom_components.fleet_tracker.model.vehicle import (
    Reading,
    Vehicle,
    VehicleUpdate,
)
from custom_components.fleet_tracker.vendors.open_api.mapping import map_track
from custom_components.fleet_tracker.vendors.segway.mapping import (
    map_location as map_segway_location,
)
from custom_components.fleet_tracker.vendors.tracksolid.api.records import Location
from custom_components.fleet_tracker.vendors.tracksolid.mapping import map_location
from custom_components.fleet_tracker.vendors.tracksolid.pushes.mapping import map_push
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
