"""Rows of locations that are no news: what is shown is as if each were merged."""

from __future__ import annotations

from datetime import datetime, timedelta
import random
from unittest.mock import AsyncMock, Mock

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.fleet_tracker.model.vehicle import (
    Reading,
    ReadingGroup,
    TimeSource,
    Value,
    VehicleUpdate,
)
from custom_components.fleet_tracker.vendors.tracksolid.api.records import Device
from custom_components.fleet_tracker.vendors.tracksolid.api.values import stamp
from custom_components.fleet_tracker.vendors.tracksolid.readers.fleet import Fleet
from tests.account.test_known_records import ID, House
from tests.common import START


class Account(House):
    """An account that is located again and again, leaving out what is no news or not."""

    def __init__(self, hass: HomeAssistant, *, sieves: bool) -> None:
        """Begin with one vehicle."""
        super().__init__(hass, sieves=sieves)
        client = Mock(account="fleet")
        client.batches.limit = 100
        self.located = Fleet(
            client, self.fleet.known_records if sieves else dict, sub_accounts=False
        )
        self.located.devices = {ID: Device(imei=ID)}
        self.client = client

    async def locate(self, row: dict[str, object]) -> None:
        """Locate the vehicle by a row that was read anew."""
        now = dt_util.utcnow()
        self.client.transport.present = now
        self.client.transport.now.return_value = now
        self.client.tracking.location_rows = AsyncMock(return_value=[{**row}])
        found = await self.located.locate()
        assert found.unchanged | {one.vehicle_id for one in found.updates} == {ID}
        self.merged += len(found.updates)
        self.fleet.receive(found.updates)


def first_row(now: datetime) -> dict[str, object]:
    """Return a row of a parked vehicle (5.1)."""
    return {
        "imei": ID,
        "status": "1",
        "posType": "GPS",
        "lat": 52.1,
        "lng": 5.1,
        "hbTime": stamp(now),
        "gpsTime": stamp(now - timedelta(minutes=5)),
        "accStatus": "0",
        "speed": "0",
        "powerValue": "12.6",
        "electQuantity": "86",
        "expireFlag": "1",
        "currentMileage": "1234.5",
    }


def change(row: dict[str, object], dice: random.Random, now: datetime) -> None:
    """Let the vehicle do something."""
    match dice.randrange(5):
        case 0:
            row["hbTime"] = stamp(now)
        case 1:
            row["lat"] = 52.1 + dice.random() / 1000
            row["speed"] = dice.choice(["0", "60"])
            row["gpsTime"] = row["hbTime"] = stamp(now)
        case 2:
            row["accStatus"] = dice.choice(["0", "1"])
            row["hbTime"] = stamp(now)
        case 3:
            row["status"] = dice.choice(["0", "1"])
        case 4:
            field = dice.choice(["gpsTime", "hbTime", "electQuantity", "status"])
            row[field] = dice.choice([None, "x", "-1"])


def push(dice: random.Random, now: datetime) -> VehicleUpdate:
    """Return a push, which may have been under way for a while."""
    readings: dict[str, Value] = dice.choice(
        [{Reading.ONLINE: False}, {Reading.ONLINE: True}, {Reading.IGNITION: True}]
    )
    return VehicleUpdate(
        vehicle_id=ID,
        groups=(
            ReadingGroup(
                name=next(iter(readings)),
                measured_at=now - timedelta(seconds=dice.randint(0, 600)),
                readings=readings,
                time_source=TimeSource.TRACKER,
            ),
        ),
        pushed=True,
    )


@pytest.mark.parametrize("seed", range(4))
async def test_shown_is_the_same(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, seed: int
) -> None:
    """Whatever is pushed in between, however late, and whatever fails."""
    freezer.move_to(START)
    dice = random.Random(seed)
    accounts = [Account(hass, sieves=True), Account(hass, sieves=False)]
    with_sieve, without = accounts
    row = first_row(dt_util.utcnow())
    for _ in range(200):
        now = dt_util.utcnow()
        if dice.random() < 0.2:
            change(row, dice, now)
        if dice.random() < 0.1:
            pushed = push(dice, now)
            for account in accounts:
                account.receive(pushed)
        fails = dice.random() < 0.05
        for account in accounts:
            if fails:
                account.fail()
            else:
                account.recover()
                await account.locate(row)
            await account.fleet.async_done()
        assert with_sieve.shown == without.shown
        freezer.tick(dice.choice([5, 30, 30, 300, 1800]))
        async_fire_time_changed(hass, dt_util.utcnow())
    for account in accounts:
        account.fleet.close()
    assert with_sieve.merged < without.merged * 0.9
