"""While a vendor is down: alarms fire, entities stay for a while, set-up goes on."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from http import HTTPStatus
import logging
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntryState
from homeassistant.const import STATE_OFF, STATE_ON, STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
    async_fire_time_changed,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.fleet_tracker.account.reauthentication import checking
from custom_components.fleet_tracker.const import EVENT_OCCURRENCE
from custom_components.fleet_tracker.contract.errors import (
    AuthenticationFailed,
    CannotConnect,
    RateLimited,
    VendorError,
)
from custom_components.fleet_tracker.model.vehicle import Position, VehicleUpdate
from custom_components.fleet_tracker.pushes.door import PUSH_PATH
from tests.common import (
    SECRET,
    START,
    cloud_entry,
    elapse,
    listener_entry,
    set_up,
    state_of,
)
from tests.neutral_vendor import Cloud, Clouds, alarm, told
from tests.turns import turns, until

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
URL = f"{PUSH_PATH}/{SECRET}/news"


@pytest.fixture
def cloud(clouds: Clouds, freezer: FrozenDateTimeFactory) -> Cloud:
    """Return the cloud of one account, with a vehicle that is online."""
    freezer.move_to(START)
    cloud = clouds["acme"]
    cloud.tell(van())
    return cloud


def van(**readings: Any) -> VehicleUpdate:
    """Return what a cloud tells of a parked vehicle."""
    now = dt_util.utcnow()
    return told(
        "1",
        now,
        name="Van",
        capabilities=frozenset({"events", "lock"}),
        position=Position(latitude=52, longitude=5, accuracy=10, fixed_at=now, speed=0),
        **{"battery": 80, "ignition": False, "online": True, **readings},
    )


def battery(hass: HomeAssistant) -> str:
    """Return what is shown of the battery."""
    return state_of(hass, "sensor", "battery").state


async def restart(
    hass: HomeAssistant, entry: MockConfigEntry, state: ConfigEntryState
) -> None:
    """Set an entry up anew, as a restart does."""
    await hass.config_entries.async_unload(entry.entry_id)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert entry.state is state


async def poll(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
    """Let a planned poll happen."""
    await elapse(hass, freezer, 61)


# --- an account that fails ------------------------------------------------------------------


async def test_failing_polls_make_nothing_unavailable_for_ten_minutes(
    hass: HomeAssistant,
    cloud: Cloud,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """To the second, with one log line, and available at once with the next success."""
    await set_up(hass, cloud_entry())
    cloud.poll_error = CannotConnect()
    await poll(hass, freezer)
    assert battery(hass) == "80"
    freezer.move_to(START + 10 * MINUTE)
    await elapse(hass, freezer, -SECOND)
    assert battery(hass) == "80"
    await elapse(hass, freezer, SECOND)
    assert battery(hass) == STATE_UNAVAILABLE
    for _ in range(5):
        await poll(hass, freezer)
    lines = [one for one in caplog.records if "Neutral cloud" in one.message]
    assert [one.levelno for one in lines if one.levelno > logging.DEBUG] == [
        logging.ERROR
    ]
    cloud.poll_error = None
    await poll(hass, freezer)
    assert battery(hass) == "80"
    lines = [one for one in caplog.records if "Neutral cloud" in one.message]
    assert [one.levelno for one in lines if one.levelno > logging.DEBUG] == [
        logging.ERROR,
        logging.INFO,
    ]


async def test_first_failure_writes_no_state(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> None:
    """Nobody is told of a poll that failed, nor of the next that does not."""
    await set_up(hass, cloud_entry())
    cloud.poll_error = CannotConnect()
    before = dt_util.utcnow()
    await poll(hass, freezer)
    cloud.poll_error = None
    await poll(hass, freezer)
    written = [
        state.entity_id
        for state in hass.states.async_all()
        if state.last_reported > before
    ]
    assert written == []


async def test_slow_vehicles_are_shown_for_three_intervals(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> None:
    """A wait that the vendor asked for makes it no longer."""
    cloud.interval = 20 * MINUTE
    await set_up(hass, cloud_entry())
    cloud.poll_error = RateLimited(retry_after=timedelta(hours=3))
    await elapse(hass, freezer, 20 * MINUTE + 2 * SECOND)
    await elapse(hass, freezer, 39 * MINUTE)
    assert battery(hass) == "80"
    await elapse(hass, freezer, MINUTE)
    assert battery(hass) == STATE_UNAVAILABLE


async def test_pushes_keep_an_account_reachable(
    hass: HomeAssistant,
    cloud: Cloud,
    freezer: FrozenDateTimeFactory,
    hass_client_no_auth: ClientSessionGenerator,
) -> None:
    """As long as they come in, and they bring it back at once."""
    await set_up(hass, cloud_entry())
    client = await hass_client_no_auth()
    cloud.poll_error = CannotConnect()
    for level in range(70, 64, -1):
        await elapse(hass, freezer, 5 * MINUTE)
        answer = await client.post(URL, json={"vehicle": "1", "battery": level})
        assert answer.status == HTTPStatus.OK
        await hass.async_block_till_done()
        assert battery(hass) == str(level)
    # A probe is no sign of life, and neither is a push that is refused.
    await elapse(hass, freezer, 9 * MINUTE)
    assert (await client.post(URL)).status == HTTPStatus.OK
    cloud.push_status = 403
    assert (await client.post(URL, json={})).status == HTTPStatus.FORBIDDEN
    await elapse(hass, freezer, MINUTE)
    assert battery(hass) == STATE_UNAVAILABLE
    cloud.push_status = 200
    await client.post(URL, json={"vehicle": "1", "battery": 64})
    await hass.async_block_till_done()
    assert battery(hass) == "64"
    # Everything is back, what was not pushed too.
    assert state_of(hass, "sensor", "last_fix").state == START.isoformat()


async def test_alarms_fire_at_once_whatever_polling_does(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> None:
    """In an account that has long been unreachable, too: their entity is available."""
    cloud.tell(van())
    await set_up(hass, cloud_entry())
    fired = async_capture_events(hass, EVENT_OCCURRENCE)
    cloud.poll_error = CannotConnect()
    for number in range(1, 5):
        await elapse(hass, freezer, 11 * MINUTE)
        now = dt_util.utcnow()
        assert state_of(hass, "event", "alarm").state != STATE_UNAVAILABLE
        cloud.push(told("1", now, occurrences=(alarm(now),)))
        await hass.async_block_till_done()
        assert len(fired) == number


async def test_online_follows_from_contact_while_polls_fail(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> None:
    """What the last poll told counts for 10 minutes; then who pushes is online."""
    coordinator = await set_up(hass, cloud_entry())
    cloud.poll_error = CannotConnect()
    await poll(hass, freezer)
    assert state_of(hass, "binary_sensor", "online").state == STATE_ON
    await elapse(hass, freezer, 4 * MINUTE)
    coordinator.note_push()
    await elapse(hass, freezer, 5 * MINUTE)
    # Reachable by a push of another vehicle, it was not heard of itself.
    assert battery(hass) == "80"
    assert state_of(hass, "binary_sensor", "online").state == STATE_OFF
    coordinator.note_push()
    cloud.push(VehicleUpdate(vehicle_id="1", heard_at=dt_util.utcnow()))
    await hass.async_block_till_done()
    assert state_of(hass, "binary_sensor", "online").state == STATE_ON
    cloud.poll_error = None
    cloud.tell(van(online=False))
    await poll(hass, freezer)
    assert state_of(hass, "binary_sensor", "online").state == STATE_OFF


async def test_polling_turned_off_by_the_user(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> None:
    """Nothing fails then, so that nothing becomes unavailable."""
    entry = cloud_entry()
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(entry, pref_disable_polling=True)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    await elapse(hass, freezer, timedelta(days=2))
    assert cloud.polls == 1
    assert battery(hass) == "80"


async def test_listener_is_reachable_while_it_is_open(
    hass: HomeAssistant, clouds: Clouds, freezer: FrozenDateTimeFactory
) -> None:
    """Nobody asks it for anything that could fail."""
    freezer.move_to(START)
    await set_up(hass, listener_entry("port", "1"))
    clouds["port"].push(van())
    await hass.async_block_till_done()
    await elapse(hass, freezer, timedelta(days=2))
    assert battery(hass) == "80"


# --- refused credentials --------------------------------------------------------------------


def reauthentications(hass: HomeAssistant) -> int:
    """Return how many times the user is asked for credentials."""
    return sum(
        flow["context"]["source"] == SOURCE_REAUTH
        for flow in hass.config_entries.flow.async_progress()
    )


async def test_refused_credentials_are_tried_once_an_hour(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> None:
    """New ones are asked for at once and once, until the old ones are good again."""
    coordinator = await set_up(hass, cloud_entry())
    cloud.poll_error = AuthenticationFailed()
    await poll(hass, freezer)
    assert reauthentications(hass) == 1
    assert battery(hass) == "80"
    polls = cloud.polls
    coordinator.poll_soon(1)
    await elapse(hass, freezer, 10 * MINUTE)
    assert battery(hass) == STATE_UNAVAILABLE
    await elapse(hass, freezer, 49 * MINUTE)
    assert cloud.polls == polls
    for tried in (1, 2):
        await elapse(hass, freezer, 60 * MINUTE)
        assert cloud.polls == polls + tried
        assert reauthentications(hass) == 1
    cloud.poll_error = None
    await elapse(hass, freezer, 60 * MINUTE)
    assert battery(hass) == "80"
    assert reauthentications(hass) == 0
    assert not ir.async_get(hass).issues
    # Polling goes on at its own pace.
    polls = cloud.polls
    await poll(hass, freezer)
    assert cloud.polls == polls + 1


async def test_start_with_refused_credentials_shows_stored_vehicles(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> None:
    """The user is asked for new ones; what was known stays for the same time."""
    entry = cloud_entry()
    await set_up(hass, entry)
    cloud.poll_error = AuthenticationFailed()
    await restart(hass, entry, ConfigEntryState.LOADED)
    assert reauthentications(hass) == 1
    assert battery(hass) == "80"
    await elapse(hass, freezer, 10 * MINUTE)
    assert battery(hass) == STATE_UNAVAILABLE


async def test_card_from_before_a_reload_ends_with_the_first_success(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> None:
    """Whoever asked for credentials is gone, but those that are known are good again."""
    entry = cloud_entry()
    await set_up(hass, entry)
    cloud.poll_error = AuthenticationFailed()
    await poll(hass, freezer)
    assert reauthentications(hass) == 1
    cloud.poll_error = None
    await restart(hass, entry, ConfigEntryState.LOADED)
    assert reauthentications(hass) == 0
    assert not ir.async_get(hass).issues


async def test_card_that_reloads_ends_by_itself(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> None:
    """Polls that succeed while what was entered is checked, and by it, do not abort it."""
    entry = cloud_entry()
    await set_up(hass, entry)
    cloud.poll_error = AuthenticationFailed()
    await poll(hass, freezer)
    flows = hass.config_entries.flow
    flow_id = flows.async_progress()[0]["flow_id"]
    cloud.poll_error = None
    with checking(hass, flow_id):
        await elapse(hass, freezer, timedelta(hours=1))
        assert battery(hass) == "80"
        assert reauthentications(hass) == 1
    result = await flows.async_configure(flow_id, {"account": "acme", "password": "x"})
    assert (result["type"], result["reason"]) == ("abort", "reauth_successful")
    await hass.async_block_till_done(wait_background_tasks=True)
    assert reauthentications(hass) == 0
    assert battery(hass) == "80"


# --- a start without the vendor -------------------------------------------------------------


@pytest.mark.parametrize("error", [CannotConnect(), VendorError(), RateLimited()])
async def test_start_while_the_vendor_is_down(
    hass: HomeAssistant,
    cloud: Cloud,
    freezer: FrozenDateTimeFactory,
    hass_client_no_auth: ClientSessionGenerator,
    error: VendorError,
) -> None:
    """Old values are shown with their old times, pushes come in, alarms fire."""
    entry = cloud_entry()
    await set_up(hass, entry)
    client = await hass_client_no_auth()
    cloud.poll_error = error
    freezer.tick(timedelta(hours=5))
    await restart(hass, entry, ConfigEntryState.LOADED)
    assert battery(hass) == "80"
    tracker = state_of(hass, "device_tracker", "position")
    assert (tracker.attributes["latitude"], tracker.attributes["longitude"]) == (52, 5)
    assert state_of(hass, "sensor", "last_fix").state == START.isoformat()
    fired = async_capture_events(hass, EVENT_OCCURRENCE)
    now = dt_util.utcnow()
    cloud.push(told("1", now, occurrences=(alarm(now),)))
    await hass.async_block_till_done()
    assert len(fired) == 1
    answer = await client.post(URL, json={"vehicle": "1", "battery": 55})
    assert answer.status == HTTPStatus.OK
    cloud.poll_error = None
    cloud.tell(van(battery=50))
    await elapse(hass, freezer, 62)
    assert battery(hass) == "50"


async def test_start_without_a_server_for_long(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> None:
    """The first poll is tried again with growing waits; 10 minutes count from the start."""
    entry = cloud_entry()
    await set_up(hass, entry)
    cloud.poll_error = CannotConnect()
    await restart(hass, entry, ConfigEntryState.LOADED)
    waits = []
    for _ in range(7):
        interval = entry.runtime_data.update_interval
        waits.append(int(interval.total_seconds()))
        polls = cloud.polls
        await elapse(hass, freezer, interval + SECOND)
        assert cloud.polls == polls + 1
    assert waits == [15, 30, 60, 120, 240, 300, 300]
    assert battery(hass) == STATE_UNAVAILABLE
    cloud.poll_error = None
    await elapse(hass, freezer, 301)
    assert battery(hass) == "80"
    assert entry.runtime_data.update_interval == MINUTE


async def test_start_while_the_vendor_is_down_with_polling_turned_off(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> None:
    """The first poll is tried until it succeeds, as a set-up was, and none after it."""
    entry = cloud_entry()
    await set_up(hass, entry)
    hass.config_entries.async_update_entry(entry, pref_disable_polling=True)
    cloud.poll_error = CannotConnect()
    await restart(hass, entry, ConfigEntryState.LOADED)
    polls = cloud.polls
    await elapse(hass, freezer, 16)
    assert cloud.polls == polls + 1
    cloud.poll_error = None
    await elapse(hass, freezer, 31)
    assert cloud.polls == polls + 2
    await elapse(hass, freezer, timedelta(days=1))
    assert cloud.polls == polls + 2
    assert battery(hass) == "80"


async def test_start_with_a_vendor_that_never_answers(
    hass: HomeAssistant,
    cloud: Cloud,
    freezer: FrozenDateTimeFactory,
    hass_client_no_auth: ClientSessionGenerator,
) -> None:
    """Set-up goes on after 10 seconds, the poll goes on too, and pushes come in meanwhile."""
    entry = cloud_entry()
    await set_up(hass, entry)
    client = await hass_client_no_auth()
    await hass.config_entries.async_unload(entry.entry_id)
    cloud.busy = asyncio.Event()
    polls = cloud.polls
    set_up_again = hass.async_create_task(
        hass.config_entries.async_setup(entry.entry_id)
    )
    await until(lambda: cloud.polls > polls)
    in_progress = entry.state
    assert in_progress is ConfigEntryState.SETUP_IN_PROGRESS
    answer = await client.post(URL, json={"vehicle": "1", "battery": 33})
    assert answer.status == HTTPStatus.OK
    freezer.tick(8 * SECOND)
    async_fire_time_changed(hass)
    await turns()
    assert not set_up_again.done()
    freezer.tick(2 * SECOND)
    async_fire_time_changed(hass)
    assert await set_up_again
    await hass.async_block_till_done()
    loaded = entry.state
    assert loaded is ConfigEntryState.LOADED
    assert battery(hass) == "33"
    # The poll that was begun then is the one that is answered: none was added.
    cloud.tell(van(battery=44))
    cloud.busy.set()
    await hass.async_block_till_done(wait_background_tasks=True)
    assert cloud.polls == polls + 1
    assert battery(hass) == "44"


async def test_start_while_the_vendor_wants_to_be_left_alone(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> None:
    """Only the poll waits, until the end of what the vendor asked for before the start."""
    entry = cloud_entry()
    await set_up(hass, entry)
    cloud.poll_error = RateLimited(retry_after=8 * MINUTE)
    await poll(hass, freezer)
    cloud.poll_error = None
    await restart(hass, entry, ConfigEntryState.LOADED)
    polls = cloud.polls
    assert battery(hass) == "80"
    await elapse(hass, freezer, 8 * MINUTE - SECOND)
    assert cloud.polls == polls
    await elapse(hass, freezer, 2 * SECOND)
    assert cloud.polls == polls + 1


async def test_start_without_anything_known_is_retried(
    hass: HomeAssistant,
    cloud: Cloud,
    freezer: FrozenDateTimeFactory,
    hass_client_no_auth: ClientSessionGenerator,
) -> None:
    """By Home Assistant, and the door stays shut: what came in would be lost."""
    cloud.poll_error = CannotConnect()
    entry = cloud_entry()
    await set_up(hass, entry, ConfigEntryState.SETUP_RETRY)
    client = await hass_client_no_auth()
    answer = await client.post(URL, json={"vehicle": "1", "battery": 33})
    assert answer.status == HTTPStatus.SERVICE_UNAVAILABLE
    cloud.poll_error = None
    await elapse(hass, freezer, 30)
    assert entry.state is ConfigEntryState.LOADED


async def test_connection_that_cannot_be_opened_ends_the_set_up(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> None:
    """A port that is taken, say: what is known of vehicles does not help there."""
    entry = cloud_entry()
    await set_up(hass, entry)
    cloud.open_error = CannotConnect()
    await restart(hass, entry, ConfigEntryState.SETUP_RETRY)
