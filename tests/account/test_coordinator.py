"""The coordinator: listeners, the pace of polls, and failures."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
import logging
from typing import Never, override

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import (
    SOURCE_REAUTH,
    ConfigEntryDisabler,
    ConfigEntryState,
)
from homeassistant.const import STATE_OFF, STATE_ON, STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, issue_registry as ir
from homeassistant.util import dt as dt_util
import pytest

from custom_components.fleet_tracker.account import back_off
from custom_components.fleet_tracker.account.storage import EntryMemory
from custom_components.fleet_tracker.const import (
    CONF_ACCURACY_LIMIT,
    CONF_DRIVING_INTERVAL,
    CONF_EXCLUDED_VEHICLES,
    CONF_HOLD_WHILE_PARKED,
    CONF_PARKED_INTERVAL,
    DOMAIN,
)
from custom_components.fleet_tracker.contract.errors import (
    AccessDenied,
    AuthenticationFailed,
    CannotConnect,
    InvalidAnswer,
    RateLimited,
    VendorError,
)
from custom_components.fleet_tracker.model.json_values import Json
from custom_components.fleet_tracker.model.record import replace
from custom_components.fleet_tracker.model.vehicle import (
    Position,
    ReadingGroup,
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
    set_up_component,
    state_of,
    written_since,
)
from tests.neutral_vendor import Cloud, Clouds, told

MINUTE = timedelta(minutes=1)


@pytest.fixture
def cloud(clouds: Clouds, freezer: FrozenDateTimeFactory) -> Cloud:
    """Return the cloud of one account, at a time that stands still."""
    freezer.move_to(START)
    return clouds["acme"]


def place(latitude: float = 52, *, speed: float | None = None) -> Position:
    """Return a fix of now."""
    return Position(
        latitude=latitude,
        longitude=5,
        accuracy=10,
        fixed_at=dt_util.utcnow(),
        speed=speed,
    )


def parked(vehicle_id: str = "1", *, battery: int = 80) -> VehicleUpdate:
    """Return what a cloud tells of a parked vehicle."""
    return told(
        vehicle_id,
        dt_util.utcnow(),
        name=f"Vehicle {vehicle_id}",
        capabilities=frozenset({"events", "beep", "lock"}),
        position=place(speed=0),
        battery=battery,
        ignition=False,
        online=True,
    )


# --- listeners ------------------------------------------------------------------------------


async def test_poll_in_which_nothing_changed_writes_nothing(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> None:
    """New times, new fixes at the same place, the same values: no state is written."""
    cloud.tell(parked("1"), parked("2"))
    await set_up(hass, cloud_entry())
    before = dt_util.utcnow()
    for _ in range(4):
        cloud.tell(parked("1"), parked("2"))
        await elapse(hass, freezer, 61)
    assert cloud.polls == 5
    assert written_since(hass, before) == set()


async def test_only_changed_states_are_written(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> None:
    """One reading of one vehicle: one state."""
    cloud.tell(parked("1"), parked("2"))
    await set_up(hass, cloud_entry())
    before = dt_util.utcnow()
    cloud.tell(parked("1"), parked("2", battery=79))
    await elapse(hass, freezer, 61)
    assert written_since(hass, before) == {entity_id(hass, "sensor", "battery", "2")}
    assert state_of(hass, "sensor", "battery", "2").state == "79"


async def test_push_tells_as_a_poll_does(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> None:
    """At once, without a poll; and the newer of both wins."""
    cloud.tell(parked())
    await set_up(hass, cloud_entry())
    freezer.tick(10)
    before = START
    cloud.push(parked(battery=70))
    assert state_of(hass, "sensor", "battery").state == "70"
    assert written_since(hass, before) == {entity_id(hass, "sensor", "battery")}
    # The next poll tells what was measured before the push.
    await elapse(hass, freezer, 61)
    assert cloud.polls == 2
    assert state_of(hass, "sensor", "battery").state == "70"


async def test_tracker_moves_only_when_the_vehicle_does(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> None:
    """And carries the accuracy, which no other entity does."""
    cloud.tell(parked())
    await set_up(hass, cloud_entry())
    tracker = state_of(hass, "device_tracker", "position")
    assert tracker.attributes["latitude"] == 52
    assert tracker.attributes["gps_accuracy"] == 10
    assert {
        state.entity_id
        for state in hass.states.async_all()
        if "latitude" in state.attributes
    } == {tracker.entity_id, "zone.home"}

    before = dt_util.utcnow()
    freezer.tick(600)
    driving = told(
        "1", dt_util.utcnow(), position=place(52.1, speed=50), battery=80, ignition=True
    )
    cloud.push(driving)
    assert state_of(hass, "device_tracker", "position").attributes["latitude"] == 52.1
    assert tracker.entity_id in written_since(hass, before)


async def test_options_about_positions(hass: HomeAssistant, cloud: Cloud) -> None:
    """The hold can be turned off, and an accuracy limit set; what is dropped is counted."""
    cloud.tell(parked())
    entry = cloud_entry(
        options={CONF_HOLD_WHILE_PARKED: False, CONF_ACCURACY_LIMIT: 10.0}
    )
    coordinator = await set_up(hass, entry)
    cloud.push(told("1", dt_util.utcnow(), position=place(52.0001), ignition=False))
    tracker = state_of(hass, "device_tracker", "position")
    assert tracker.attributes["latitude"] == 52.0001
    vague = Position(latitude=53, longitude=5, accuracy=10.5, fixed_at=dt_util.utcnow())
    cloud.push(told("1", dt_util.utcnow(), position=vague, ignition=False))
    tracker = state_of(hass, "device_tracker", "position")
    assert tracker.attributes["latitude"] == 52.0001
    assert coordinator.fleet.dropped == {"inaccurate": 1}


async def test_entities_come_when_their_reading_does(
    hass: HomeAssistant, cloud: Cloud
) -> None:
    """A new reading, a new part, a new vehicle: without a reload."""
    cloud.tell(parked("1"))
    coordinator = await set_up(hass, cloud_entry())
    assert entity_id(hass, "sensor", "odometer") is None
    assert entity_id(hass, "sensor", "probe_1") is None

    now = dt_util.utcnow()
    cloud.push(
        told("1", now, {"probe:1": 5, "probe:3": 6}, battery=80, odometer=1000),
        parked("2"),
    )
    await hass.async_block_till_done()
    assert state_of(hass, "sensor", "odometer").state == "1000.0"
    assert state_of(hass, "sensor", "probe_1").state == "5"
    # The third part is there, but disabled: only two are enabled by default.
    probe = entity_id(hass, "sensor", "probe_3")
    assert probe is not None
    assert hass.states.get(probe) is None
    assert state_of(hass, "sensor", "battery", "2").state == "80"
    device = device_of(hass, coordinator, "2")
    assert device is not None
    assert device.name == "Vehicle 2"


async def test_reading_that_is_gone_is_unknown(
    hass: HomeAssistant, cloud: Cloud
) -> None:
    """The entity stays, and there is still only one when the reading comes back."""
    cloud.tell(parked())
    await set_up(hass, cloud_entry())
    cloud.push(told("1", dt_util.utcnow(), ignition=False))
    assert state_of(hass, "sensor", "battery").state == STATE_UNKNOWN
    cloud.push(parked(battery=60))
    await hass.async_block_till_done()
    assert state_of(hass, "sensor", "battery").state == "60"


async def test_time_alone_writes_states_too(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> None:
    """Moving ends 3 minutes after the last fix, online at three missed contacts."""
    now = dt_util.utcnow()
    cloud.interval = timedelta(hours=1)
    cloud.tell(
        VehicleUpdate(
            vehicle_id="1",
            position=place(speed=50),
            heard_at=now,
            contact_interval=5 * MINUTE,
        )
    )
    await set_up(hass, cloud_entry())
    assert state_of(hass, "binary_sensor", "moving").state == STATE_ON
    assert state_of(hass, "sensor", "speed").state == "50"
    await elapse(hass, freezer, 2.9 * MINUTE)
    assert state_of(hass, "binary_sensor", "moving").state == STATE_ON
    await elapse(hass, freezer, 0.2 * MINUTE)
    assert state_of(hass, "binary_sensor", "moving").state == STATE_OFF
    assert state_of(hass, "sensor", "speed").state == STATE_UNKNOWN
    assert state_of(hass, "binary_sensor", "online").state == STATE_ON
    await elapse(hass, freezer, 11.8 * MINUTE)
    assert state_of(hass, "binary_sensor", "online").state == STATE_ON
    await elapse(hass, freezer, 0.2 * MINUTE)
    assert state_of(hass, "binary_sensor", "online").state == STATE_OFF
    assert cloud.polls == 1


async def test_vehicle_that_is_only_heard_stays_online(
    hass: HomeAssistant, clouds: Clouds, freezer: FrozenDateTimeFactory
) -> None:
    """Nothing that is shown has changed, but it is not silent."""
    freezer.move_to(START)
    await set_up(hass, listener_entry("port", "1"))
    for _ in range(3):
        clouds["port"].push(
            VehicleUpdate(
                vehicle_id="1", heard_at=dt_util.utcnow(), contact_interval=MINUTE
            )
        )
        await elapse(hass, freezer, 2 * MINUTE)
        assert state_of(hass, "binary_sensor", "online").state == STATE_ON
    await elapse(hass, freezer, 1.1 * MINUTE)
    assert state_of(hass, "binary_sensor", "online").state == STATE_OFF


async def test_time_that_comes_sooner_than_was_thought(
    hass: HomeAssistant, clouds: Clouds, freezer: FrozenDateTimeFactory
) -> None:
    """A vehicle that waits to go offline starts, and is not heard of any more."""
    freezer.move_to(START)
    cloud = clouds["port"]
    await set_up(hass, listener_entry("port", "1"))
    heard = VehicleUpdate(
        vehicle_id="1", heard_at=dt_util.utcnow(), contact_interval=5 * MINUTE
    )
    cloud.push(heard)
    await elapse(hass, freezer, MINUTE)
    cloud.push(VehicleUpdate(vehicle_id="1", position=place(speed=50)))
    await hass.async_block_till_done()
    assert state_of(hass, "binary_sensor", "moving").state == STATE_ON
    await elapse(hass, freezer, 3.1 * MINUTE)
    assert state_of(hass, "binary_sensor", "moving").state == STATE_OFF
    assert state_of(hass, "binary_sensor", "online").state == STATE_ON
    await elapse(hass, freezer, 11 * MINUTE)
    assert state_of(hass, "binary_sensor", "online").state == STATE_OFF


async def test_each_vehicle_has_a_time_of_its_own(
    hass: HomeAssistant, clouds: Clouds, freezer: FrozenDateTimeFactory
) -> None:
    """In whatever order they were heard of; after the entry is unloaded none comes."""
    freezer.move_to(START)
    entry = listener_entry("port", "1", "2", "3", "4")
    coordinator = await set_up(hass, entry)
    clouds["port"].push(
        *(
            VehicleUpdate(
                vehicle_id=vehicle_id,
                heard_at=dt_util.utcnow(),
                contact_interval=minutes * MINUTE,
            )
            for vehicle_id, minutes in (("1", 2), ("2", 1), ("3", 3), ("4", 9))
        )
    )
    await hass.async_block_till_done()
    online = {"1", "2", "3", "4"}
    for gone in ("2", "1", "3"):
        await elapse(hass, freezer, 3 * MINUTE)
        online.remove(gone)
        assert online == {
            vehicle_id
            for vehicle_id in "1234"
            if state_of(hass, "binary_sensor", "online", vehicle_id).state == STATE_ON
        }
    await hass.config_entries.async_unload(entry.entry_id)
    await elapse(hass, freezer, 60 * MINUTE)
    assert coordinator.vehicles()["4"].readings["online"] is True


async def test_time_of_a_vehicle_that_is_gone_or_was_heard_again(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> None:
    """What was to happen by then does not happen."""
    cloud.interval = timedelta(hours=1)
    moving = [
        told(vehicle_id, dt_util.utcnow(), position=place(speed=50))
        for vehicle_id in ("1", "2")
    ]
    cloud.tell(*moving)
    coordinator = await set_up(hass, cloud_entry())
    coordinator.async_forget("2")
    freezer.tick(MINUTE)
    cloud.push(told("1", dt_util.utcnow(), position=place(speed=60)))
    await elapse(hass, freezer, 2.5 * MINUTE)
    assert state_of(hass, "binary_sensor", "moving").state == STATE_ON
    assert list(coordinator.vehicles()) == ["1"]


async def test_broken_listener_silences_no_other(
    hass: HomeAssistant, cloud: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    """An error in one entity is logged, and all others are told."""
    cloud.tell(parked())
    coordinator = await set_up(hass, cloud_entry())

    def broken() -> None:
        raise ValueError("broken")

    coordinator.fleet.add_listener("1", "battery", broken)
    cloud.push(parked(battery=1))
    assert "Error while telling of news from Neutral cloud" in caplog.text
    assert state_of(hass, "sensor", "battery").state == "1"
    coordinator.fleet.remove_listener("1", "battery", broken)
    caplog.clear()
    cloud.push(parked(battery=2))
    assert "Error while telling" not in caplog.text


async def test_vehicle_that_makes_no_sense_begins_anew(
    hass: HomeAssistant, cloud: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    """One error is logged, and its news is shown, with its name, rather than nothing ever."""
    cloud.tell(told("1", dt_util.utcnow(), name="Van", battery=80))
    coordinator = await set_up(hass, cloud_entry())
    vehicles = coordinator.fleet._vehicles

    class Broken(dict[str, ReadingGroup]):
        @override
        def values(self) -> Never:
            raise ValueError("broken")

    vehicles["1"] = replace(vehicles["1"], groups=Broken())
    for battery in (1, 2):
        cloud.push(told("1", dt_util.utcnow(), battery=battery))
        await hass.async_block_till_done()
        assert state_of(hass, "sensor", "battery").state == str(battery)
    assert vehicles["1"].details.name == "Van"
    assert caplog.text.count("makes no sense; it begins anew") == 1


# --- how often is polled --------------------------------------------------------------------


async def polls_within(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, cloud: Cloud, seconds: int
) -> int:
    """Return how often is polled in a time."""
    before = cloud.polls
    for _ in range(seconds):
        await elapse(hass, freezer, 1)
    return cloud.polls - before


@pytest.mark.parametrize(
    ("options", "driving", "standing"),
    [({}, 15, 60), ({CONF_DRIVING_INTERVAL: 20, CONF_PARKED_INTERVAL: 30}, 20, 30)],
)
async def test_polling_is_quick_while_driving(
    hass: HomeAssistant,
    cloud: Cloud,
    freezer: FrozenDateTimeFactory,
    options: dict[str, int],
    driving: int,
    standing: int,
) -> None:
    """One vehicle that drives, or has its ignition on, sets the pace."""
    cloud.tell(parked("1"), parked("2"))
    coordinator = await set_up(hass, cloud_entry(options=options))
    assert coordinator.update_interval == timedelta(seconds=standing)
    assert await polls_within(hass, freezer, cloud, 2 * standing + 2) == 2
    cloud.tell(told("2", dt_util.utcnow(), ignition=True))
    await elapse(hass, freezer, standing)
    assert coordinator.update_interval == timedelta(seconds=driving)
    assert await polls_within(hass, freezer, cloud, 2 * driving + 2) == 2


async def test_offline_or_gone_vehicle_sets_no_pace(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> None:
    """An ignition that was on when a tracker fell silent may stay so for months."""
    cloud.tell(told("1", dt_util.utcnow(), ignition=True, online=False), parked("2"))
    coordinator = await set_up(hass, cloud_entry())
    assert coordinator.update_interval == MINUTE
    cloud.tell(told("1", dt_util.utcnow(), ignition=True, online=True))
    await elapse(hass, freezer, 61)
    assert coordinator.update_interval == timedelta(seconds=15)
    # It is sold, with the engine running.
    del cloud.fleet["1"]
    cloud.roster = frozenset({"2"})
    for interval in (timedelta(seconds=15), MINUTE):
        await elapse(hass, freezer, 16)
        assert coordinator.update_interval == interval


async def test_extra_look_after_ignition_went_off(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> None:
    """The vendor knows where a vehicle was parked a little later, long before a minute."""
    cloud.tell(told("1", dt_util.utcnow(), ignition=True))
    await set_up(hass, cloud_entry())
    cloud.tell(told("1", dt_util.utcnow(), ignition=False))
    assert await polls_within(hass, freezer, cloud, 17) == 1
    # One more after 20 s, then the usual pace.
    assert await polls_within(hass, freezer, cloud, 22) == 1
    assert await polls_within(hass, freezer, cloud, 50) == 0


async def test_no_extra_look_while_a_vehicle_drives(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> None:
    """News of a vehicle with its ignition left on is no reason to ask again."""
    cloud.interval = timedelta(hours=1)
    cloud.tell(told("1", dt_util.utcnow(), ignition=True, battery=80))
    await set_up(hass, cloud_entry())
    cloud.push(told("1", dt_util.utcnow(), ignition=True, battery=79))
    assert await polls_within(hass, freezer, cloud, 60) == 0


async def test_extra_look_after_a_command(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> None:
    """Whether it succeeded or not, and once for several commands."""
    cloud.tell(parked())
    await set_up(hass, cloud_entry())
    beep = entity_id(hass, "button", "beep")
    await command(hass, "button", "press", beep)
    await elapse(hass, freezer, 5)
    await command(hass, "button", "press", beep)
    assert await polls_within(hass, freezer, cloud, 14) == 0
    assert await polls_within(hass, freezer, cloud, 2) == 1
    assert await polls_within(hass, freezer, cloud, 30) == 0


async def test_sooner_look_replaces_a_later_one(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> None:
    """Asked for in 20 s and in 5 s: in 5 s, once."""
    cloud.tell(parked())
    coordinator = await set_up(hass, cloud_entry())
    coordinator.poll_soon(20)
    coordinator.poll_soon(5)
    coordinator.poll_soon(30)
    assert await polls_within(hass, freezer, cloud, 40) == 1


async def test_two_polls_never_run_at_once(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> None:
    """A slow answer is awaited before anything is asked again."""
    cloud.tell(parked())
    coordinator = await set_up(hass, cloud_entry())
    cloud.busy = asyncio.Event()
    tasks = [hass.async_create_task(coordinator.async_refresh()) for _ in range(3)]
    for _ in range(5):
        await asyncio.sleep(0)
    assert cloud.polls == 2
    cloud.busy.set()
    await asyncio.gather(*tasks)
    assert cloud.polls == 4


async def test_vendor_that_is_never_polled(
    hass: HomeAssistant, clouds: Clouds, freezer: FrozenDateTimeFactory
) -> None:
    """It is set up without a poll interval; what it pushes is shown."""
    freezer.move_to(START)
    cloud = clouds["port"]
    coordinator = await set_up(hass, listener_entry("port", "1"))
    assert coordinator.update_interval is None
    assert await polls_within(hass, freezer, cloud, 100) == 0
    cloud.push(parked("1"), parked("stranger"))
    await hass.async_block_till_done()
    assert state_of(hass, "sensor", "battery").state == "80"
    assert device_of(hass, coordinator, "stranger") is None
    assert coordinator.vehicle("stranger") is None


# --- when polling fails ---------------------------------------------------------------------


@pytest.mark.parametrize("error", [CannotConnect(), InvalidAnswer(), VendorError()])
async def test_unreachable_account_makes_everything_unavailable(
    hass: HomeAssistant,
    cloud: Cloud,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
    error: VendorError,
) -> None:
    """After 10 minutes; it is logged once, and so is the recovery, which ends it."""
    cloud.tell(parked())
    await set_up(hass, cloud_entry())
    cloud.poll_error = error

    def ours() -> set[str]:
        states = [
            one
            for one in hass.states.async_all()
            # An alarm may come in all the same, by a push.
            if "vehicle_1" in one.entity_id and one.domain != "event"
        ]
        assert len(states) > 5
        return {one.state for one in states}

    for _ in range(9):
        await elapse(hass, freezer, 61)
        assert STATE_UNAVAILABLE not in ours()
    assert cloud.polls == 10
    await elapse(hass, freezer, 61)
    assert ours() == {STATE_UNAVAILABLE}
    # The camera component complains of a library that it can do without.
    errors = [
        one
        for one in caplog.records
        if one.levelno >= logging.ERROR and "camera" not in one.name
    ]
    assert len(errors) == 1
    assert hass.config_entries.flow.async_progress() == []

    cloud.poll_error = None
    await elapse(hass, freezer, 61)
    assert state_of(hass, "sensor", "battery").state == "80"


async def test_parked_vehicle_is_not_unavailable(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> None:
    """A tracker that sleeps keeps its values; that it is offline is a value too."""
    cloud.tell(parked())
    await set_up(hass, cloud_entry())
    cloud.tell(told("1", dt_util.utcnow(), battery=80, ignition=False, online=False))
    for _ in range(3):
        await elapse(hass, freezer, timedelta(days=1))
    assert state_of(hass, "binary_sensor", "online").state == STATE_OFF
    assert state_of(hass, "sensor", "battery").state == "80"
    assert state_of(hass, "device_tracker", "position").attributes["latitude"] == 52


class QuotaUsed(RateLimited):
    """An allowance of the day is used up."""

    is_quota = True


async def test_back_off_after_too_often(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> None:
    """Longer each time, at most half an hour, and as the vendor says within bounds.

    It may ask for a quarter of an hour; for hours only where its document knows a quota.
    """
    cloud.tell(parked())
    coordinator = await set_up(hass, cloud_entry())
    cloud.poll_error = RateLimited()
    await elapse(hass, freezer, 61)
    waits = []
    for _ in range(7):
        assert coordinator.update_interval is not None
        waits.append(coordinator.update_interval // MINUTE)
        polls = cloud.polls
        await elapse(hass, freezer, coordinator.update_interval - timedelta(seconds=2))
        assert cloud.polls == polls
        await elapse(hass, freezer, 4)
        assert cloud.polls == polls + 1
    assert waits == [1, 2, 4, 8, 16, 30, 30]

    cloud.poll_error = QuotaUsed(retry_after=timedelta(hours=2))
    await elapse(hass, freezer, 31 * MINUTE)
    assert coordinator.update_interval == timedelta(hours=2)

    cloud.poll_error = None
    await elapse(hass, freezer, timedelta(hours=2, seconds=2))
    assert coordinator.update_interval == MINUTE
    cloud.poll_error = RateLimited()
    await elapse(hass, freezer, 61)
    assert coordinator.update_interval == MINUTE
    cloud.poll_error = RateLimited(retry_after=timedelta(hours=2))
    await elapse(hass, freezer, 61)
    assert coordinator.update_interval == 15 * MINUTE


async def test_nothing_is_asked_sooner_while_backing_off(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> None:
    """No command and no ignition is a reason to be a nuisance."""
    cloud.tell(told("1", dt_util.utcnow(), ignition=True))
    coordinator = await set_up(hass, cloud_entry())
    cloud.poll_error = RateLimited(retry_after=10 * MINUTE)
    await elapse(hass, freezer, 16)
    assert coordinator.update_interval == 10 * MINUTE
    cloud.push(told("1", dt_util.utcnow(), ignition=False))
    assert await polls_within(hass, freezer, cloud, 30) == 0
    await update_entity(hass, "ignition")
    assert await polls_within(hass, freezer, cloud, 30) == 0
    cloud.poll_error = None
    await elapse(hass, freezer, 10 * MINUTE)
    polls = cloud.polls
    await update_entity(hass, "ignition")
    assert cloud.polls == polls + 1


async def update_entity(hass: HomeAssistant, key: str) -> None:
    """Ask for a binary sensor to be updated."""
    await set_up_component(hass, "homeassistant")
    sensor = entity_id(hass, "binary_sensor", key)
    await command(hass, "homeassistant", "update_entity", sensor)


async def test_set_up_waits_as_long_as_the_vendor_wants(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> None:
    """Home Assistant tries again within seconds, and longer and longer in vain."""
    cloud.tell(parked())
    cloud.poll_error = RateLimited(retry_after=3 * MINUTE)
    entry = cloud_entry()
    await set_up(hass, entry, ConfigEntryState.SETUP_RETRY)
    begin = dt_util.utcnow()
    asked: list[timedelta] = []
    while len(asked) < 5:
        polls = cloud.polls
        await elapse(hass, freezer, 20)
        if cloud.polls > polls:
            asked.append(dt_util.utcnow() - begin)
            begin = dt_util.utcnow()
    for wait, least in zip(asked, (3, 3, 4, 8, 16), strict=True):
        # Home Assistant tries again within 10 minutes, depending on its version.
        assert least * MINUTE <= wait <= (least + 11) * MINUTE
    cloud.poll_error = None
    for _ in range(3):
        await elapse(hass, freezer, 15 * MINUTE)
    assert entry.state is ConfigEntryState.LOADED
    assert entry.runtime_data.update_interval == MINUTE
    # Then nothing is left of it.
    await hass.config_entries.async_reload(entry.entry_id)
    assert entry.state is ConfigEntryState.LOADED


@pytest.mark.parametrize(
    "kept",
    [
        {"since": 1e10, "until": 2e10, "wait": 60},
        {"since": 0, "until": 60, "wait": 60},
        {"since": "x", "until": 2e10, "wait": 60},
        {"since": 0, "until": 2e10},
        "long",
    ],
)
async def test_wait_that_makes_no_sense_is_forgotten(
    hass: HomeAssistant, cloud: Cloud, kept: Json
) -> None:
    """A clock that was set back must not keep an account out for years."""
    entry = cloud_entry()
    memory = EntryMemory(hass, entry.entry_id)
    await memory.core.put(back_off.MEMORY_KEY, kept)
    coordinator = await set_up(hass, entry)
    assert cloud.polls == 1
    assert coordinator.own_memory.get(back_off.MEMORY_KEY) is None


@pytest.mark.parametrize(
    ("ended_ago", "wait"), [(29 * MINUTE, 16 * MINUTE), (31 * MINUTE, MINUTE)]
)
async def test_wait_grows_over_a_restart(
    hass: HomeAssistant, cloud: Cloud, ended_ago: timedelta, wait: timedelta
) -> None:
    """Unless it was long over: then what the vendor says now has nothing to do with it."""
    ended = dt_util.utcnow() - ended_ago
    entry = cloud_entry()
    await EntryMemory(hass, entry.entry_id).core.put(
        back_off.MEMORY_KEY,
        {"since": ended.timestamp() - 480, "until": ended.timestamp(), "wait": 480},
    )
    cloud.poll_error = RateLimited()
    await set_up(hass, entry, ConfigEntryState.SETUP_RETRY)
    memory = EntryMemory(hass, entry.entry_id)
    await memory.async_load()
    kept = memory.core.get(back_off.MEMORY_KEY)
    assert isinstance(kept, Mapping)
    assert kept["wait"] == wait.total_seconds()


async def test_account_that_is_asked_too_often_again_and_again(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> None:
    """The user is told, once waiting alone does not help, and until it does."""
    cloud.tell(parked())
    entry = cloud_entry()
    coordinator = await set_up(hass, entry)
    issues = ir.async_get(hass).issues
    cloud.poll_error = RateLimited(key="account_shared")
    waits = [MINUTE]
    for _ in range(5):
        await elapse(hass, freezer, waits[-1] + timedelta(seconds=2))
        assert coordinator.update_interval is not None
        waits.append(coordinator.update_interval)
    # The vendor has a word of its own for this one.
    assert waits[-1] == 16 * MINUTE
    assert not issues
    cloud.poll_error = None
    await elapse(hass, freezer, waits[-1] + timedelta(seconds=2))

    cloud.poll_error = RateLimited()
    await elapse(hass, freezer, 62)
    for minutes in (1, 2, 4):
        assert not issues
        await elapse(hass, freezer, minutes * MINUTE + timedelta(seconds=2))
    issue = issues[DOMAIN, f"rate_limited_{entry.entry_id}"]
    assert issue.translation_placeholders == {"account": "acme"}
    # A part that can be read is not yet the end of it.
    cloud.poll_error, cloud.part_error = None, RateLimited()
    await elapse(hass, freezer, 8 * MINUTE + timedelta(seconds=2))
    assert state_of(hass, "sensor", "battery").state == "80"
    assert issues
    cloud.part_error = None
    await elapse(hass, freezer, 16 * MINUTE + timedelta(seconds=2))
    assert not issues


async def test_part_of_a_poll_that_fails(
    hass: HomeAssistant,
    cloud: Cloud,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What was read counts; it is logged once when it begins and once when it ends."""
    cloud.tell(parked("1"))
    coordinator = await set_up(hass, cloud_entry())
    cloud.part_error = CannotConnect("No answer")
    for battery in (70, 60):
        cloud.tell(parked("1", battery=battery))
        await elapse(hass, freezer, 61)
        assert state_of(hass, "sensor", "battery").state == str(battery)
    cloud.part_error = None
    await elapse(hass, freezer, 61)
    messages = [one.message for one in caplog.records if "vehicles c" in one.message]
    assert messages == [
        "Some Neutral cloud vehicles cannot be read: No answer",
        "All Neutral cloud vehicles can be read again",
    ]
    # Nothing was read at all: that is no part.
    cloud.fleet.clear()
    cloud.part_error = CannotConnect()
    await elapse(hass, freezer, 61)
    assert not coordinator.last_update_success
    # Too often is too often, even for a part.
    cloud.tell(parked("1"))
    cloud.part_error = RateLimited(retry_after=5 * MINUTE)
    await elapse(hass, freezer, 61)
    assert state_of(hass, "sensor", "battery").state == "80"
    assert coordinator.update_interval == 5 * MINUTE


@pytest.mark.parametrize("partly", [True, False])
async def test_wrong_credentials_ask_for_new_ones(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory, partly: bool
) -> None:
    """Only these do; the entry stays, and its vehicles as long as by another failure."""
    cloud.tell(parked())
    coordinator = await set_up(hass, cloud_entry())
    if partly:
        cloud.part_error = AuthenticationFailed()
    else:
        cloud.poll_error = AuthenticationFailed()
    await elapse(hass, freezer, 61)
    flows = hass.config_entries.flow.async_progress()
    assert [flow["context"]["source"] for flow in flows] == [SOURCE_REAUTH]
    assert coordinator.config_entry.state is ConfigEntryState.LOADED
    assert state_of(hass, "sensor", "battery").state == "80"
    await elapse(hass, freezer, 10 * MINUTE)
    assert state_of(hass, "sensor", "battery").state == STATE_UNAVAILABLE


async def test_account_that_may_not_be_read(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> None:
    """A repair issue tells why, in the account's name, and goes away by itself."""
    cloud.tell(parked())
    entry = cloud_entry()
    await set_up(hass, entry)
    issues = ir.async_get(hass)

    def issue() -> ir.IssueEntry | None:
        return issues.async_get_issue(DOMAIN, f"access_denied_{entry.entry_id}")

    cloud.poll_error = AccessDenied(key="account_blocked")
    await elapse(hass, freezer, 61)
    found = issue()
    assert found is not None
    assert found.translation_key == "account_blocked"
    assert found.translation_placeholders == {"account": "acme"}
    # Another reason takes its place; being unreachable says nothing about it.
    cloud.poll_error = AccessDenied(key="permission_denied")
    await elapse(hass, freezer, 61)
    cloud.poll_error = CannotConnect()
    await elapse(hass, freezer, 61)
    found = issue()
    assert found is not None
    assert found.translation_key == "permission_denied"
    assert len(issues.issues) == 1

    # Also when it is another coordinator that finds the account readable again.
    cloud.poll_error = None
    await hass.config_entries.async_reload(entry.entry_id)
    assert issue() is None


async def test_problems_are_raised_and_cleared(
    hass: HomeAssistant, cloud: Cloud
) -> None:
    """One for each cause, in the account's name, and gone with the entry."""
    entry = cloud_entry()
    coordinator = await set_up(hass, entry)
    issues = ir.async_get(hass)
    for count in ("3", "4"):
        coordinator.raise_problem("list_cut_off", count=count)
    coordinator.raise_problem("account_shared")
    assert {
        issue.translation_key: issue.translation_placeholders
        for issue in issues.issues.values()
    } == {
        "list_cut_off": {"account": "acme", "count": "4"},
        "account_shared": {"account": "acme"},
    }
    coordinator.clear_problem("account_shared")
    coordinator.clear_problem("never_raised")
    assert len(issues.issues) == 1
    # What the user has ignored must not come back with a reload.
    await hass.config_entries.async_reload(entry.entry_id)
    assert len(issues.issues) == 1
    await hass.config_entries.async_remove(entry.entry_id)
    assert len(issues.issues) == 0


async def test_account_that_is_disabled_has_no_problems(
    hass: HomeAssistant, cloud: Cloud
) -> None:
    """Nobody would take them away."""
    entry, other = cloud_entry(), cloud_entry("other")
    for one in (entry, other):
        (await set_up(hass, one)).raise_problem("account_shared")
    await hass.config_entries.async_set_disabled_by(
        entry.entry_id, ConfigEntryDisabler.USER
    )
    assert [key for _, key in ir.async_get(hass).issues] == [
        f"account_shared_{other.entry_id}"
    ]


async def test_subscriptions_that_end(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> None:
    """Two weeks before, and from then on; named, and gone once they are renewed."""
    day = timedelta(days=1)
    issues = ir.async_get(hass)

    def shown() -> dict[str | None, str]:
        return {
            issue.translation_key: (issue.translation_placeholders or {})["vehicles"]
            for issue in issues.issues.values()
        }

    def fleet(*days: int) -> None:
        cloud.fleet = {
            str(number): told(
                str(number), dt_util.utcnow(), service_expires=START + left * day
            )
            for number, left in enumerate(days)
        }
        cloud.roster = frozenset(cloud.fleet)

    fleet(15, 14, 1, 0, -3)
    await set_up(hass, cloud_entry())
    assert shown() == {
        "subscription_ending": "1, 2",
        "subscription_expired": "3, 4",
    }
    fleet(300, 300, 1, 300, 300)
    await elapse(hass, freezer, 61)
    assert shown() == {"subscription_ending": "2"}
    fleet(300, 300)
    for _ in range(2):
        await elapse(hass, freezer, 61)
    assert shown() == {}


# --- which vehicles there are ---------------------------------------------------------------


async def test_vehicle_that_left_the_account(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> None:
    """Missing from two complete lists it is unavailable; it can come back."""
    cloud.tell(parked("1"), parked("2"))
    cloud.roster = frozenset({"1", "2"})
    coordinator = await set_up(hass, cloud_entry())
    gone = cloud.fleet.pop("2")

    async def poll(*roster: str, complete: bool = True) -> str:
        cloud.roster = frozenset(roster) if complete else None
        await elapse(hass, freezer, 61)
        return state_of(hass, "sensor", "battery", "2").state

    assert await poll("1") == "80"
    # Lists that are empty or incomplete say nothing.
    assert await poll() == "80"
    assert await poll(complete=False) == "80"
    before = dt_util.utcnow()
    assert await poll("1") == STATE_UNAVAILABLE
    assert entity_id(hass, "sensor", "battery", "1") not in written_since(hass, before)
    assert state_of(hass, "sensor", "battery", "1").state == "80"
    assert device_of(hass, coordinator, "2") is not None
    assert await poll() == STATE_UNAVAILABLE
    cloud.tell(gone)
    assert await poll("1", "2") == "80"
    # Only two in a row count.
    assert await poll("1") == "80"
    assert await poll("1", "2") == "80"
    assert await poll("1") == "80"


async def test_vehicle_that_left_the_account_stays_gone(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> None:
    """A restart does not bring it back for the time of two lists."""
    cloud.tell(parked("1"), parked("2"))
    entry = cloud_entry()
    await set_up(hass, entry)
    gone = cloud.fleet.pop("2")
    cloud.roster = frozenset({"1"})
    for _ in range(2):
        await elapse(hass, freezer, 61)
    cloud.roster = None
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    assert state_of(hass, "sensor", "battery", "2").state == STATE_UNAVAILABLE
    assert state_of(hass, "sensor", "battery", "1").state == "80"
    cloud.tell(gone)
    cloud.roster = frozenset({"1", "2"})
    await elapse(hass, freezer, 61)
    assert state_of(hass, "sensor", "battery", "2").state == "80"


async def test_excluded_vehicle_has_no_device(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> None:
    """It loses the one it had, and nothing brings it back but the options."""
    cloud.tell(parked("1"), parked("2"))
    entry = cloud_entry()
    coordinator = await set_up(hass, entry)
    assert device_of(hass, coordinator, "2") is not None
    hass.config_entries.async_update_entry(
        entry, options={CONF_EXCLUDED_VEHICLES: ["2"]}
    )
    await hass.async_block_till_done()
    await elapse(hass, freezer, 61)
    coordinator = entry.runtime_data
    assert device_of(hass, coordinator, "2") is None
    assert list(coordinator.vehicles()) == ["1"]
    assert entity_id(hass, "sensor", "battery", "2") is None
    # Nor is it among what is kept for the next start.
    await hass.config_entries.async_reload(entry.entry_id)
    assert list(entry.runtime_data.vehicles()) == ["1"]

    hass.config_entries.async_update_entry(entry, options={})
    await hass.async_block_till_done()
    assert state_of(hass, "sensor", "battery", "2").state == "80"


async def test_details_reach_the_device(hass: HomeAssistant, cloud: Cloud) -> None:
    """A vehicle that is renamed at the vendor is renamed here, unless the user did."""
    cloud.tell(parked("1"))
    coordinator = await set_up(hass, cloud_entry())
    cloud.push(told("1", dt_util.utcnow(), name="Renamed", battery=80))
    device = device_of(hass, coordinator)
    assert device is not None
    assert device.name == "Renamed"
    dr.async_get(hass).async_update_device(device.id, name_by_user="Mine")
    cloud.push(told("1", dt_util.utcnow(), name="Renamed again", battery=80))
    device = device_of(hass, coordinator)
    assert device is not None
    assert (device.name, device.name_by_user) == ("Renamed again", "Mine")


async def test_vehicle_removed_during_its_notification(
    hass: HomeAssistant, cloud: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    """Its entities may be told once more before they are gone: no error."""
    cloud.tell(told("1", dt_util.utcnow(), capabilities=frozenset({"restore_engine"})))
    coordinator = await set_up(hass, cloud_entry())
    coordinator.async_forget("1")
    coordinator.async_update_listeners()
    restore = entity_id(hass, "button", "restore_engine")
    assert restore is not None
    await set_up_component(hass, "homeassistant")
    cloud.fleet.clear()
    await command(hass, "homeassistant", "update_entity", restore)
    assert "Traceback" not in caplog.text


async def test_partial_groups_of_a_push(hass: HomeAssistant, cloud: Cloud) -> None:
    """A push that tells one thing leaves all others as they are."""
    cloud.tell(parked())
    await set_up(hass, cloud_entry())
    cloud.push(
        VehicleUpdate(
            vehicle_id="1",
            groups=(
                ReadingGroup(
                    name="status",
                    measured_at=dt_util.utcnow(),
                    readings={"battery": 10},
                    complete=False,
                ),
            ),
        )
    )
    assert state_of(hass, "sensor", "battery").state == "10"
    assert state_of(hass, "binary_sensor", "ignition").state == STATE_OFF
