"""Records that are no news: what is shown is the same as if each were merged."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set as AbstractSet
from dataclasses import replace
from datetime import datetime, timedelta
import random
from typing import cast
from unittest.mock import Mock

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.fleet_tracker.account.fleet import Fleet
from custom_components.fleet_tracker.account.occurrences import OccurrenceLog
from custom_components.fleet_tracker.model.json_values import as_integer, as_number
from custom_components.fleet_tracker.model.rules import Rules
from custom_components.fleet_tracker.model.trips.log import TripLog
from custom_components.fleet_tracker.model.vehicle import (
    Position,
    Reading,
    ReadingGroup,
    TimeSource,
    Value,
    Vehicle,
    VehicleDetails,
    VehicleUpdate,
)
from custom_components.fleet_tracker.vendors.open_api.known_record import (
    RECEIVED_AT,
    SECONDS_SINCE_SWITCH,
    SERVER_TIME,
    KnownTrack,
)
from custom_components.fleet_tracker.vendors.open_api.mapping import PLATFORM, map_track
from custom_components.fleet_tracker.vendors.open_api.vocabulary import OpenApiReading
from tests.common import START

ID = "358899051025339"
OTHER = "358899051025340"
NEVER_SHOWN = frozenset({OpenApiReading.POSITION_RECEIVED_AT})
"""What only the diagnostics show."""

type Record = dict[str, object]
type Change = Callable[[Record, random.Random, int], None]


class Keeper:
    """What a fleet asks of an account, in a test."""

    clock_offset = timedelta()
    polled_at: datetime | None = None

    def receipt(self) -> datetime:
        """Return the time."""
        return dt_util.utcnow()

    def rules(self, vehicle_id: str) -> Rules:
        """Return what is believed of any vehicle, while polls fail or not."""
        del vehicle_id
        return Rules(accuracy_limit=500, polled_at=self.polled_at)

    def is_wanted(self, vehicle_id: str) -> bool:
        """Want all."""
        return bool(vehicle_id)

    def first_details(self, vehicle_id: str) -> VehicleDetails | None:
        """Name it by its number."""
        return VehicleDetails(name=vehicle_id)

    def on_vehicles_kept(self) -> None:
        """Keep nothing."""

    def on_wrong_clocks(self, vehicles: AbstractSet[str]) -> None:
        """Tell nobody."""

    def on_unusable_ignitions(self, vehicles: AbstractSet[str]) -> None:
        """Tell nobody."""

    def on_new_vehicle(self, vehicle_id: str) -> None:
        """Remember nothing of it."""

    def on_trips(self, vehicle_id: str, before: TripLog | None, after: TripLog) -> None:
        """Keep none."""

    def on_stop(self, vehicle_id: str) -> None:
        """Poll no sooner."""

    def on_occurrence(self) -> None:
        """Keep nothing."""


class House:
    """A fleet whose polls leave out what is no news, or not."""

    def __init__(self, hass: HomeAssistant, *, sieves: bool) -> None:
        """Begin without vehicles."""
        self.keeper = Keeper()
        occurrences = Mock(spec=OccurrenceLog)
        occurrences.derive = lambda _id, derived, _trips: [None] * len(derived)
        self.fleet = Fleet(hass, "Test", self.keeper, occurrences)
        self.sieves = sieves
        self.merged = 0

    def poll(self, record: Record) -> None:
        """Read a record as a connection does."""
        before = self.fleet.known_records().get(ID)
        if (
            self.sieves
            and before is not None
            and before.covers(record, self.keeper.receipt().timestamp())
        ):
            return
        self.merged += 1
        update = self.read(record)
        self.receive(replace(update, record=KnownTrack.of(record, update, set())))

    def read(self, record: Mapping[str, object]) -> VehicleUpdate:
        """Return what is made of a record."""
        update = map_track(record, self.fleet.get(ID), self.keeper.receipt())
        assert update is not None
        return update

    def receive(self, update: VehicleUpdate) -> None:
        """Receive news."""
        self.fleet.receive([update])

    def fail(self) -> None:
        """Let a poll fail."""
        self.fleet.forget_records()
        self.keeper.polled_at = self.keeper.polled_at or dt_util.utcnow()
        self.fleet.refresh()

    def recover(self) -> None:
        """Let polls succeed again."""
        if self.keeper.polled_at is not None:
            self.keeper.polled_at = None
            self.fleet.refresh()

    @property
    def shown(self) -> object:
        """All that anybody sees of the vehicle, or that a command is judged by."""
        vehicle = self.fleet.get(ID)
        if vehicle is None:
            return None
        judged = self.fleet.with_unmerged(vehicle)
        evidence = judged.evidence
        return (
            *(
                (key, value)
                for key, value in sorted(vehicle.readings.items())
                if key not in NEVER_SHOWN
            ),
            _place(vehicle.position),
            vehicle.latest_fix,
            # The next news finds no time that is ahead, after a clock was set back.
            judged.heard_at and min(judged.heard_at, dt_util.utcnow()),
            vehicle.absences,
            vehicle.stood_since,
            replace(evidence, speeds=()),
            [
                one
                for one in evidence.speeds
                if dt_util.utcnow() - one.measured_at <= timedelta(minutes=2)
            ],
            self.fleet.with_ignition_on == _with(self.fleet, Reading.IGNITION),
            self.fleet.moving == _with(self.fleet, Reading.MOVING),
        )


def _place(position: Position | None) -> object:
    return position and (position.latitude, position.longitude, position.accuracy)


def _with(fleet: Fleet, reading: Reading) -> set[str]:
    return {
        one.vehicle_id
        for one in fleet.vehicles.values()
        if one.readings.get(reading) is True
    }


def first_record(now: float) -> Record:
    """Return a record of a parked vehicle (open-api-2025, 2.2)."""
    return {
        "imei": ID,
        "course": 195,
        RECEIVED_AT: int(now) - 290,
        "gpstime": int(now) - 300,
        "speed": 0,
        "hearttime": int(now) - 60,
        SERVER_TIME: int(now),
        "longitude": 113.909813,
        "latitude": 22.583197,
        SECONDS_SINCE_SWITCH: 1400,
        "accstatus": 0,
        "doorstatus": 0,
        "chargestatus": -1,
        "oilpowerstatus": 1,
        "defencestatus": 0,
        "datastatus": 2,
        "battery": 90,
        "mileage": 51654000,
        "odometer": 51654000,
        "todaymileage": 15654,
        "externalpower": "12.1",
        "fuel": "2.6",
        "fueltime": int(now) - 60,
        "temperature": ["30.90", "-31.70"],
        "temperaturetime": int(now) - 30,
    }


def _drive(record: Record, dice: random.Random, now: int) -> None:
    record["longitude"] = (
        as_number(record["longitude"]) or 5
    ) % 90 + dice.random() / 99
    record["speed"] = dice.choice([0, 3, 7, 60, 130])
    record["gpstime"] = record["hearttime"] = now - dice.randint(0, 4)
    record["odometer"] = (as_integer(record["odometer"]) or 0) + dice.randint(0, 5000)


def _heartbeat(record: Record, dice: random.Random, now: int) -> None:
    record["hearttime"] = now - dice.randint(0, 4)


def _switch(record: Record, dice: random.Random, now: int) -> None:
    record["accstatus"] = dice.choice([0, 1, -1])
    record[SECONDS_SINCE_SWITCH] = dice.choice([0, 5, -1, now, "12", 10**9])


def _platform(record: Record, dice: random.Random, now: int) -> None:
    record["datastatus"] = dice.choice([1, 2, 2, 4, None])


def _measure(record: Record, dice: random.Random, now: int) -> None:
    record["fuel"] = dice.choice(["2.6", "3.5", "-1"])
    record["fueltime"] = dice.choice(
        [now - dice.randint(0, 4), now + dice.randint(0, 500), 0]
    )
    record["temperaturetime"] = now - dice.randint(0, 4)


def _nonsense(record: Record, dice: random.Random, now: int) -> None:
    key = dice.choice([key for key in record if key != "imei"])
    record[key] = dice.choice([None, -1, "", "x", 65535, 2**31 - 1, [], 0])


def _leap(record: Record, dice: random.Random, now: int) -> None:
    record["latitude"] = dice.uniform(-40, 40)
    record["odometer"] = dice.randint(1, 10**8)
    record["gpstime"] = now + dice.choice([-90, 0, 500, 8 * 3600])


def _go_back(record: Record, dice: random.Random, now: int) -> None:
    record["fueltime"] = now - dice.randint(80_000, 90_000)
    record["temperaturetime"] = now - dice.randint(80_000, 90_000)
    record["hearttime"] = now - dice.randint(0, 4000)


def _restore(record: Record, dice: random.Random, now: int) -> None:
    record.update(first_record(now))


USUAL: Sequence[Change] = (_drive, _heartbeat, _switch, _platform, _measure)
ODD: Sequence[Change] = (*USUAL, _nonsense, _leap, _go_back, _restore)


def _server_times(record: Record, dice: random.Random, now: int, passed: int) -> None:
    """Let go on what goes on by itself."""
    record[SERVER_TIME] = now + dice.choice([0, 0, 0, -1, 1])
    seconds = record[SECONDS_SINCE_SWITCH]
    if type(seconds) is int and seconds >= 0:
        record[SECONDS_SINCE_SWITCH] = seconds + passed
    if dice.random() < 0.3 and record[RECEIVED_AT]:
        record[RECEIVED_AT] = now - dice.randint(0, 60)


def _other_news(dice: random.Random, now: datetime) -> VehicleUpdate:
    """Return what comes in some other way: of a command, by a push."""
    readings: dict[str, Value] = dice.choice(
        [
            {Reading.ONLINE: False},
            {Reading.ENGINE_CUT: True},
            {Reading.IGNITION: dice.random() < 0.5},
            {Reading.ODOMETER: 99.0},
        ]
    )
    name = dice.choice([PLATFORM, "other", "tracker"])
    return VehicleUpdate(
        vehicle_id=ID,
        groups=(
            ReadingGroup(
                name=name,
                measured_at=now - timedelta(seconds=dice.randint(0, 100)),
                readings=readings,
                complete=name == "other",
                time_source=dice.choice([TimeSource.SERVER, TimeSource.TRACKER]),
            ),
        ),
        pushed=True,
        odometer_set=dice.random() < 0.2,
    )


def steps(
    dice: random.Random,
    houses: list[House],
    freezer: FrozenDateTimeFactory,
    changes: Sequence[Change],
) -> Iterator[None]:
    """Let something happen to both houses, again and again."""
    record = first_record(dt_util.utcnow().timestamp())
    while True:
        now = int(dt_util.utcnow().timestamp())
        match dice.choices(range(7), [10, 60, 6, 6, 5, 5, 2])[0]:
            case 0:
                dice.choice(changes)(record, dice, now)
                continue
            case 1:
                # An answer is read anew for each poll.
                for house in houses:
                    house.recover()
                    house.poll({**record})
            case 2:
                other = _other_news(dice, dt_util.utcnow())
                for house in houses:
                    house.receive(other)
            case 3:
                looked_at = {**record}
                dice.choice(changes)(looked_at, dice, now)
                for house in houses:
                    house.receive(house.read(looked_at))
            case 4:
                for house in houses:
                    house.fail()
            case 5:
                roster = frozenset(dice.choice([{ID, OTHER}, {OTHER}]))
                for house in houses:
                    house.fleet.take_roster(roster)
            case 6:
                freezer.move_to(dt_util.utcnow() - timedelta(minutes=20))
                # What was left out is merged by the next poll, as if it was told then.
                for house in houses:
                    house.recover()
                    house.poll({**record})
        passed = dice.choice([5, 30, 30, 30, 300, 300, 1800, 5000])
        freezer.tick(passed)
        _server_times(record, dice, int(dt_util.utcnow().timestamp()), passed)
        yield


@pytest.mark.parametrize("seed", range(6))
async def test_shown_is_the_same(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, seed: int
) -> None:
    """Whatever comes in between, and however long it takes."""
    freezer.move_to(START)
    dice = random.Random(seed)
    houses = [House(hass, sieves=True), House(hass, sieves=False)]
    with_sieve, without = houses
    happenings = steps(dice, houses, freezer, USUAL if seed % 2 else ODD)
    try:
        for _, _ in zip(range(250), happenings, strict=False):
            async_fire_time_changed(hass, dt_util.utcnow())
            for house in houses:
                await house.fleet.async_done()
            assert with_sieve.shown == without.shown
    finally:
        for house in houses:
            house.fleet.close()
    if seed % 2:
        assert with_sieve.merged < without.merged


async def test_a_parked_vehicle_costs_nothing(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """Of an hour's polls one is merged, though the server's times move each time."""
    freezer.move_to(START)
    house = House(hass, sieves=True)
    record = first_record(dt_util.utcnow().timestamp())
    for _ in range(120):
        house.poll({**record})
        freezer.tick(30)
        for name in (SERVER_TIME, SECONDS_SINCE_SWITCH, RECEIVED_AT):
            record[name] = cast("int", record[name]) + 30
    assert house.merged == 1
    house.fleet.close()


async def test_contacts_of_a_parked_vehicle(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """A contact is merged when it is shown; the guard and what comes next know each."""
    freezer.move_to(START)
    house = House(hass, sieves=True)
    record = first_record(dt_util.utcnow().timestamp())
    heard_at = record["hearttime"] = int(dt_util.utcnow().timestamp())
    house.poll({**record})
    fleet, known = house.fleet, house.fleet.vehicles
    for number in range(1, 41):
        freezer.tick(30)
        for name in (SERVER_TIME, SECONDS_SINCE_SWITCH, RECEIVED_AT):
            record[name] = cast("int", record[name]) + 30
        heard_at = record["hearttime"] = heard_at + 30
        house.poll({**record})
        # Of 20 minutes with a contact in each poll, one step of fifteen is shown.
        assert house.merged == 1 + number // 30
        now = fleet.with_unmerged(known[ID])
        assert now.heard_at == now.evidence.ignition_contact_at == dt_util.utcnow()
        assert set(now.evidence.contact_gaps) == {timedelta(seconds=30)}
    shown = known[ID].readings[Reading.LAST_CONTACT]
    freezer.tick(30)
    record[SERVER_TIME] = cast("int", record[SERVER_TIME]) + 30
    record[SECONDS_SINCE_SWITCH] = cast("int", record[SECONDS_SINCE_SWITCH]) + 30
    record["hearttime"] = heard_at + 30
    house.poll({**record})
    house.receive(VehicleUpdate(vehicle_id=ID))
    assert known[ID].heard_at == dt_util.utcnow()
    assert known[ID].readings[Reading.LAST_CONTACT] == shown
    house.fleet.close()


async def test_a_contact_with_a_switch_is_news(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """The seconds since the ignition was switched begin anew, though it is off again."""
    freezer.move_to(START)
    house = House(hass, sieves=True)
    record = first_record(dt_util.utcnow().timestamp())
    house.poll({**record})
    freezer.tick(30)
    now = int(dt_util.utcnow().timestamp())
    record.update({SERVER_TIME: now, "hearttime": now, SECONDS_SINCE_SWITCH: 5})
    house.poll({**record})
    assert house.merged == 2
    vehicle = cast("Vehicle", house.fleet.get(ID))
    assert vehicle.readings[
        Reading.IGNITION_CHANGED_AT
    ] == dt_util.utcnow() - timedelta(seconds=5)
    house.fleet.close()


async def test_what_ages_by_the_servers_time(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """Fuel of more than a day ago is not shown, though the record stays the same."""
    freezer.move_to(START)
    house = House(hass, sieves=True)
    record = first_record(dt_util.utcnow().timestamp())
    house.poll({**record})
    for hours, is_known in ((23, True), (1, False)):
        freezer.tick(hours * 3600)
        record[SERVER_TIME] = cast("int", record[SERVER_TIME]) + hours * 3600
        house.poll({**record})
        vehicle = cast("Vehicle", house.fleet.get(ID))
        assert (Reading.FUEL in vehicle.readings) is is_known
    house.fleet.close()
