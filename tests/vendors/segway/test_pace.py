"""How often vehicles are asked: quickly while they ride, rarely while pushes tell all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.fleet_tracker.const import DOMAIN, SUBENTRY_VEHICLE
from tests.simulators.segway import SegwaySimulator
from tests.simulators.segway_mopeds import standing_moped
from tests.simulators.world import HOME
from tests.turns import turns
from tests.vendors.rig import settle

from .rig import PARKED, RIDING, START, Door, Rig

pytestmark = pytest.mark.freeze_time(START)

STATUS = "/api/v2/vehicle/query/current/status"
LOCATION = "/api/v2/vehicle/query/current/location"
FLEET = 50
DEAD = 7


async def asked_in(rig: Rig, path: str, imei: str, seconds: int, step: int = 1) -> int:
    """Return how often a vehicle is asked for something while time passes."""
    before = rig.server.queried[path, imei]
    await rig.run(seconds, step)
    return rig.server.queried[path, imei] - before


async def ride_with_pushes(door: Door, path: str, seconds: int) -> int:
    """Return how often a ridden moped is asked while its pushes come every 10 s."""
    rig = door.rig
    before = rig.server.queried[path, RIDING]
    for _ in range(0, seconds, 10):
        await door.tell(RIDING)
        await rig.run(10, 5)
    return rig.server.queried[path, RIDING] - before


# --- without pushes ---


async def test_riding_is_quick(rig: Rig) -> None:
    """A ridden moped is asked every 15 s, as the user chose."""
    assert 7 <= await asked_in(rig, STATUS, RIDING, 120) <= 9
    assert 7 <= await asked_in(rig, LOCATION, RIDING, 120) <= 9


async def test_parked_is_slow(rig: Rig) -> None:
    """A query may reach the vehicle: a parked one is asked every 15 minutes."""
    await rig.run(180, 10)
    assert await asked_in(rig, STATUS, PARKED, 840, 20) <= 1
    assert await asked_in(rig, LOCATION, PARKED, 900, 20) <= 1


async def test_values_that_change_seldom(rig: Rig) -> None:
    """Helmets and batteries are asked for less often than the place."""
    extra = "/api/v2/mopeds/query/current/extra-status"
    battery = "/api/v2/mopeds/query/current/battery-info"
    assert 3 <= await asked_in(rig, extra, RIDING, 300, 5) <= 6
    assert await asked_in(rig, battery, RIDING, 300, 5) <= 1


async def test_quick_after_a_command(rig: Rig) -> None:
    """After a command a parked moped is looked at closely for two minutes."""
    await rig.run(180, 10)
    await rig.press(PARKED, "sound_2")
    assert await asked_in(rig, STATUS, PARKED, 120) >= 6
    await rig.run(60, 5)
    assert await asked_in(rig, STATUS, PARKED, 600, 20) <= 1


# --- with pushes ---


async def test_pushes_replace_polling(door: Door) -> None:
    """While status and location are pushed, the ridden moped is hardly asked."""
    rig = door.rig
    assert await asked_in(rig, STATUS, RIDING, 60) >= 3
    await door.tell(RIDING)
    await rig.run(10, 5)
    assert await ride_with_pushes(door, STATUS, 300) == 0
    assert rig.state("sensor", RIDING, "activity").state == "driving"
    # They stop: twice their period of 10 s later it is asked again as quickly as ever.
    assert await asked_in(rig, STATUS, RIDING, 25) >= 1
    assert await asked_in(rig, STATUS, RIDING, 60) >= 3
    assert await asked_in(rig, LOCATION, RIDING, 60) >= 3


async def test_each_kind_by_itself(door: Door) -> None:
    """Pushed locations do not say that the status is pushed too."""
    rig = door.rig
    before = dict(rig.server.queried)
    for _ in range(12):
        fields = rig.server.location_push(RIDING)
        assert await door.push("location", RIDING, fields) == 200
        await rig.run(10, 5)
    assert rig.server.queried[STATUS, RIDING] - before[STATUS, RIDING] >= 6
    assert rig.server.queried[LOCATION, RIDING] - before[LOCATION, RIDING] <= 2


async def test_pushes_as_often_as_they_were_set(door: Door) -> None:
    """A longer upload interval is not taken for the end of the pushes."""
    rig = door.rig
    await rig.act(
        "segway_set_upload_interval",
        RIDING,
        location_unlocked=60,
        location_locked=900,
        status_riding=60,
        status_standing=60,
        status_locked=900,
    )
    await door.tell(RIDING)
    # The command itself is looked after.
    await rig.run(30, 5)
    before = rig.server.queried[STATUS, RIDING]
    for _ in range(5):
        await rig.run(30, 5)
        await door.tell(RIDING)
        await rig.run(30, 5)
    assert rig.server.queried[STATUS, RIDING] - before <= 1


async def test_parked_with_pushes(door: Door) -> None:
    """A parked moped's place is pushed every 15 minutes: it is asked once an hour.

    Its status is pushed only on changes, so that it is asked as if it were not pushed.
    """
    rig = door.rig
    await rig.run(180, 10)
    asked = {path: rig.server.queried[path, PARKED] for path in (STATUS, LOCATION)}
    for _ in range(8):
        await door.tell(PARKED)
        await rig.run(900, 60)
    assert rig.server.queried[LOCATION, PARKED] - asked[LOCATION] <= 3
    assert 6 <= rig.server.queried[STATUS, PARKED] - asked[STATUS] <= 10


# --- many vehicles ---


@pytest.fixture
async def fleet(
    hass: HomeAssistant,
    hass_storage: dict[str, object],
    freezer: FrozenDateTimeFactory,
) -> AsyncIterator[Rig]:
    """Return an account with 50 mopeds, one of which never answers; not yet set up."""
    now = START.timestamp()
    imeis = [f"86147703872{number:04}" for number in range(FLEET)]
    mopeds = [standing_moped(imei, HOME, now) for imei in imeis]
    for moped in mopeds:
        moped.locked = False
    mopeds[DEAD].silent = True
    async with SegwaySimulator(*mopeds) as server:
        entry = MockConfigEntry(
            domain=DOMAIN,
            title="Segway",
            unique_id="segway_E20081",
            data={
                "vendor": "segway",
                "identity": "segway_E20081",
                "push_secret": "secret",
                "client_id": server.client_id,
                "client_secret": server.client_secret,
                "server": server.url,
            },
            subentries_data=[
                {
                    "data": {"model": "e_moped", "name": f"Moped {number}"},
                    "subentry_type": SUBENTRY_VEHICLE,
                    "title": f"Moped {number}",
                    "unique_id": imei,
                }
                for number, imei in enumerate(imeis)
            ],
        )
        entry.add_to_hass(hass)
        yield Rig(hass, server, freezer, entry)
        server.release()
        await hass.config_entries.async_unload(entry.entry_id)


async def test_fifty_mopeds(fleet: Rig) -> None:
    """At most 4 requests are in flight, and the dead moped delays no other."""
    rig, server = fleet, fleet.server
    imeis = list(server.mopeds)
    await rig.outcome(rig.hass.config_entries.async_setup(rig.entry.entry_id))
    assert rig.entry.state is ConfigEntryState.LOADED
    alive = [imei for number, imei in enumerate(imeis) if number != DEAD]
    assert all(server.queried[LOCATION, imei] for imei in alive)
    for imei in alive:
        assert rig.state("lock", imei, "locked").state == "unlocked"
    # Each is asked every minute, whatever the dead one does.
    before = {imei: server.queried[STATUS, imei] for imei in alive}
    for _ in range(300):
        rig.freezer.tick(1)
        await settle(server)
    asked = {imei: server.queried[STATUS, imei] - before[imei] for imei in alive}
    assert 4 <= min(asked.values()) <= max(asked.values()) <= 6
    assert server.max_in_flight <= 4


async def test_a_command_beside_fifty_mopeds(fleet: Rig) -> None:
    """While everybody is asked, one of the four requests is left to commands."""
    rig, server = fleet, fleet.server
    imeis = list(server.mopeds)
    await rig.outcome(rig.hass.config_entries.async_setup(rig.entry.entry_id))
    server.hold()
    rig.freezer.tick(61)
    await turns()
    assert server.in_flight == 3
    call = asyncio.create_task(rig.press(imeis[0], "sound_2"))
    await turns()
    assert server.in_flight == 4
    server.release()
    await rig.outcome(call)
    assert server.mopeds[imeis[0]].sounds == [2]
    assert server.max_in_flight <= 4
