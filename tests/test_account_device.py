"""The account's own device: what its vehicles do in all, and how often they are asked."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
import math
from types import MappingProxyType

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.util import dt as dt_util
from hypothesis import given, strategies as st
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.fleet_tracker import async_remove_config_entry_device
from custom_components.fleet_tracker.account.totals import Totals
from custom_components.fleet_tracker.model.derive import derive
from custom_components.fleet_tracker.model.record import replace
from custom_components.fleet_tracker.model.rules import Rules
from custom_components.fleet_tracker.model.trips.fold import TripSettings
from custom_components.fleet_tracker.model.trips.log import TripLog, put
from custom_components.fleet_tracker.model.trips.moments import moment
from custom_components.fleet_tracker.model.vehicle import (
    Activity,
    OccurrenceType,
    Reading,
    ReadingGroup,
    Value,
    Vehicle,
    VehicleDetails,
    VehicleUpdate,
)
from tests.common import (
    START,
    cloud_entry,
    command,
    device_of,
    elapse,
    entity_id,
    listener_entry,
    set_up,
)
from tests.neutral_vendor import Cloud, Clouds, alarm, told

MINUTE = timedelta(minutes=1)


def vehicle(vehicle_id: str, measured_at: datetime, **readings: Value) -> Vehicle:
    """Return a vehicle of which the vendor told some readings."""
    group = ReadingGroup(name="day", measured_at=measured_at, readings=readings)
    return Vehicle(
        vehicle_id=vehicle_id,
        details=VehicleDetails(name=vehicle_id),
        groups=MappingProxyType({"day": group}),
        readings=MappingProxyType(readings),
    )


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abc"),
            st.none()
            | st.tuples(st.sampled_from(list(Activity)), st.integers(0, 900_000)),
        ),
        max_size=30,
    )
)
def test_totals_are_those_of_all_vehicles(
    changes: list[tuple[str, tuple[Activity, int] | None]],
) -> None:
    """Whatever comes in whatever order, also after vehicles were forgotten."""
    totals = Totals(START)
    now: dict[str, tuple[Activity, int]] = {}
    for vehicle_id, change in changes:
        if change is None:
            now.pop(vehicle_id, None)
            totals.note(vehicle_id, None)
        else:
            activity, metres = now[vehicle_id] = change
            totals.note(
                vehicle_id,
                vehicle(
                    vehicle_id,
                    START,
                    activity=activity.value,
                    distance_today=metres / 1000,
                ),
            )
    does = [activity for activity, _ in now.values()]
    assert totals.vehicles == len(now)
    assert totals.driving == does.count(Activity.DRIVING)
    assert totals.offline == does.count(Activity.OFFLINE)
    assert totals.metres == sum(metres for _, metres in now.values())


def test_distance_of_another_day_does_not_count() -> None:
    """What the vendor told yesterday of a vehicle that is silent since is not of today."""
    totals = Totals(START)
    silent = vehicle("1", START, distance_today=12.5)
    totals.note("1", silent)
    assert totals.metres == 12_500
    totals.begin_day(START + timedelta(days=1), [silent])
    assert totals.metres == 0


def test_distance_counts_from_when_it_is_told_again() -> None:
    """It may be the same as the one of the day before, and so may an activity be."""
    totals = Totals(START)
    tomorrow = START + timedelta(days=1)
    totals.note("1", vehicle("1", START, distance_today=12.5, activity="parked"))
    totals.begin_day(tomorrow, [vehicle("1", START, distance_today=12.5)])
    assert (totals.vehicles, totals.metres) == (1, 0)
    totals.note("1", vehicle("1", tomorrow, distance_today=12.5))
    assert (totals.vehicles, totals.metres) == (1, 12_500)


async def test_listeners_to_totals_are_called_once_for_all_of_a_turn() -> None:
    """However many vehicles had news, and not at all where it changes no total."""
    totals, calls = Totals(START), list[int]()
    remove = totals.add_listener(lambda: calls.append(totals.driving))
    for activity, called in (
        (Activity.DRIVING, [500]),
        (Activity.DRIVING, [500]),
        (Activity.PARKED, [500, 0]),
    ):
        for number in range(500):
            totals.note(
                str(number),
                vehicle(str(number), START, activity=activity, battery=len(calls)),
            )
        await asyncio.sleep(0)
        assert calls == called
    totals.note("0", None)
    remove()
    await asyncio.sleep(0)
    assert calls == [500, 0]


def test_distance_that_was_told_yesterday_is_not_shown_today() -> None:
    """A vehicle that is silent since, or whose vendor does not begin a day anew."""
    parked = moment(START.timestamp(), latitude=52, longitude=4, speed=0)
    silent = replace(
        vehicle("1", START, distance_today=487.0),
        trips=put(TripLog(), [parked], START.timestamp(), TripSettings()),
    )
    rules = Rules(day_began=START.replace(hour=0))
    told_today = derive(silent, silent, rules, START + MINUTE).vehicle
    assert told_today.readings[Reading.DISTANCE_TODAY] == 487
    tomorrow = START + timedelta(days=1)
    rules = Rules(day_began=tomorrow.replace(hour=0))
    after = derive(told_today, told_today, rules, tomorrow).vehicle
    assert after.readings[Reading.DISTANCE_TODAY] == 0
    # What is driven from then on counts, here as in the total of the account.
    totals = Totals(tomorrow.replace(hour=0))
    driven = {**after.readings, Reading.DISTANCE_TODAY: 2.5}
    totals.note("1", replace(after, readings=MappingProxyType(driven)))
    assert totals.metres == 2500


def shown(hass: HomeAssistant, key: str) -> str | None:
    """Return the state of a sensor of the account, None if it has none."""
    found = entity_id(hass, "sensor", key, "account")
    state = hass.states.get(found) if found else None
    return None if state is None else state.state


@pytest.fixture
def cloud(clouds: Clouds, freezer: FrozenDateTimeFactory) -> Cloud:
    """Return the cloud of one account."""
    freezer.move_to(START)
    return clouds["acme"]


def drives(vehicle_id: str, kilometres: float, *, moving: bool) -> VehicleUpdate:
    """Return what a cloud tells of a vehicle's day."""
    return told(
        vehicle_id,
        dt_util.utcnow(),
        {
            Reading.DISTANCE_TODAY: kilometres,
            Reading.MOVING: moving,
            Reading.IGNITION: moving,
        },
        name=vehicle_id,
    )


async def test_sensors_of_the_account(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> None:
    """They count, are written no more than needed, start anew at midnight, and are kept."""
    await hass.config.async_set_time_zone("Europe/Berlin")
    freezer.move_to("2026-05-04T10:00:00+00:00")
    cloud.tell(drives("1", 10, moving=True), drives("2", 5.5, moving=False))
    entry = cloud_entry()
    coordinator = await set_up(hass, entry)
    account = next(
        device
        for device in dr.async_entries_for_config_entry(
            dr.async_get(hass), entry.entry_id
        )
        if coordinator.devices.account_identifier in device.identifiers
    )
    assert (account.name, account.entry_type) == ("acme", dr.DeviceEntryType.SERVICE)
    van = device_of(hass, coordinator)
    assert van is not None
    assert van.via_device_id == account.id
    assert not await async_remove_config_entry_device(hass, entry, account)
    assert shown(hass, "vehicles") == "2"
    assert shown(hass, "vehicles_driving") == "1"
    assert shown(hass, "vehicles_offline") == "0"
    assert shown(hass, "vehicles_distance_today") == "15.5"
    assert shown(hass, "alarms_today") == "0"

    # A distance that grows all the time is written every five minutes.
    written = []
    distance = entity_id(hass, "sensor", "vehicles_distance_today", "account")
    for minute in range(1, 11):
        freezer.tick(MINUTE)
        cloud.push(drives("1", 10 + minute, moving=True))
        await elapse(hass, freezer, 0)
        state = hass.states.get(distance or "")
        assert state is not None
        written.append(state.state)
    assert len(set(written)) == 3
    cloud.push(
        told(
            "2",
            dt_util.utcnow(),
            occurrences=(
                alarm(dt_util.utcnow()),
                alarm(dt_util.utcnow() - timedelta(days=1), code="2"),
                alarm(dt_util.utcnow(), OccurrenceType.DOOR_OPENED, code="3"),
            ),
        )
    )
    await hass.async_block_till_done(wait_background_tasks=True)
    assert shown(hass, "alarms_today") == "1"

    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert shown(hass, "alarms_today") == "1"
    assert shown(hass, "vehicles_distance_today") == "20.0"

    freezer.move_to("2026-05-04T22:00:00+00:00")
    await elapse(hass, freezer, 1)
    assert shown(hass, "alarms_today") == "0"
    assert shown(hass, "vehicles_distance_today") == "0.0"
    state = hass.states.get(distance or "")
    assert state is not None
    assert state.attributes["last_reset"] == "2026-05-05T00:00:00+02:00"


async def test_a_poll_of_many_vehicles_calls_the_listeners_once(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> None:
    """Each turn of the loop calls them once, and the time stands still: there is one turn."""
    many = [str(number) for number in range(40)]
    cloud.tell(*(drives(one, 10, moving=False) for one in many))
    coordinator = await set_up(hass, cloud_entry())
    await coordinator.fleet.async_done()
    calls: list[tuple[int, int]] = []
    totals = coordinator.fleet.totals
    totals.add_listener(lambda: calls.append((totals.driving, totals.metres)))
    freezer.tick(MINUTE)
    cloud.tell(*(drives(one, 11, moving=True) for one in many))
    await elapse(hass, freezer, 600)
    await coordinator.fleet.async_done()
    assert calls == [(40, 440_000)]
    assert shown(hass, "vehicles_driving") == "40"
    assert shown(hass, "vehicles_distance_today") == "440.0"


def enable(hass: HomeAssistant, key: str) -> str:
    """Enable a number of the account and return its entity id."""
    found = entity_id(hass, "number", key, "account")
    assert found is not None
    er.async_get(hass).async_update_entity(found, disabled_by=None)
    return found


async def test_update_intervals(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> None:
    """They are set without a reload, outlive a restart, and end with other options."""
    cloud.tell(drives("1", 10, moving=False))
    entry = cloud_entry()
    await set_up(hass, entry)
    parked, driving = enable(hass, "parked_interval"), enable(hass, "driving_interval")
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    connections = cloud.connections
    with pytest.raises(ServiceValidationError):
        await command(hass, "number", "set_value", parked, value=math.nan)
    await command(hass, "number", "set_value", parked, value=600)
    await elapse(hass, freezer, 1)
    assert entry.runtime_data.update_interval == timedelta(minutes=10)
    assert cloud.connections == connections
    assert dict(entry.options) == {}
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert entry.runtime_data.update_interval == timedelta(minutes=10)
    state = hass.states.get(parked)
    assert state is not None
    assert state.state == "600.0"
    # An option that is about something else leaves them alone.
    for options, expected in (
        ({"accuracy_limit": 50}, "600.0"),
        ({"accuracy_limit": 50, "driving_interval": 20}, "60.0"),
        ({"accuracy_limit": 50}, "60.0"),
    ):
        hass.config_entries.async_update_entry(entry, options=options)
        await hass.async_block_till_done(wait_background_tasks=True)
        state = hass.states.get(parked)
        assert state is not None
        assert state.state == expected, options
    assert hass.states.get(driving) is not None


async def test_nothing_to_set_where_nothing_is_polled(
    hass: HomeAssistant, clouds: Clouds
) -> None:
    """A listener has no intervals, but the same sensors."""
    entry: MockConfigEntry = listener_entry()
    await set_up(hass, entry)
    assert clouds["port"].is_open
    assert entity_id(hass, "number", "parked_interval", "account") is None
    assert shown(hass, "vehicles") == "0"
