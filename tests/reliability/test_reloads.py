"""Reloads under a stream of first news: nothing acknowledged is lost, no entity is dead."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
import time

from aiohttp.test_utils import TestClient
from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
import pytest

from custom_components.fleet_tracker.const import CONF_PUSH_SECRET
from custom_components.fleet_tracker.pushes.door import PUSH_PATH
from tests.simulators import world
from tests.simulators.tracksolid import Device, TracksolidSimulator
from tests.simulators.tracksolid.pushes import PATHS, alarm, oil, sample
from tests.turns import turns
from tests.vendors.tracksolid.home import NOW, add_account

from .stages import Clients

pytestmark = pytest.mark.freeze_time(NOW)

RELOADS = 25
TRACKERS = 5
BURST = 40
"""Alarms that are acknowledged just before a reload begins."""
TURNS_BETWEEN = 7
"""Turns of the event loop between two pushes: they fall into each step of a reload."""


def first_news(device: Device, part: int) -> Iterator[tuple[str, object]]:
    """Yield a part of all that a tracker has never told before."""
    now = time.time()
    news = [(path, sample(path, device, now)) for path in PATHS if path != "/pushalarm"]
    news += [
        ("/pushoil", oil(device, now, unit + 1, 42.5, unit)) for unit in range(1, 5)
    ]
    yield from news[part :: RELOADS // TRACKERS]


def with_alarms(
    device: Device, number: int, news: Iterator[tuple[str, object]]
) -> Iterator[tuple[str, object]]:
    """Yield the news with alarms in between, each of which has a code of its own."""
    for code, one in enumerate(news, start=100_000 + 1000 * number):
        yield "/pushalarm", alarm(device, str(code), "First", time.time())
        yield one


class Stream:
    """Pushes first news, and knows what was acknowledged and what was fired."""

    def __init__(self, hass: HomeAssistant, client: TestClient, base: str) -> None:  # type: ignore[type-arg]
        """Initialize with the address for pushes."""
        self._client = client
        self._base = base
        self.acknowledged: set[str] = set()
        self.fired: Counter[str] = Counter()
        self._shown: set[tuple[str, str, str]] = set()
        hass.bus.async_listen("state_changed", self._on_change)

    @callback
    def _on_change(self, event: Event[EventStateChangedData]) -> None:
        state = event.data["new_state"]
        if state is None or state.domain != "event":
            return
        code = state.attributes.get("code")
        key = state.entity_id, state.state, str(code)
        # After a reload the same is shown again.
        if code is not None and key not in self._shown:
            self._shown.add(key)
            self.fired[str(code)] += 1

    async def push(self, path: str, *items: object) -> None:
        """Push items until they are taken, as a vendor does."""
        for _ in range(50):
            answer = await self._client.post(
                f"{self._base}{path}", json={"data_list": items}
            )
            if answer.status == 200:
                break
            assert answer.status == 503
            await turns()
        else:
            raise AssertionError("it is never taken")
        for item in items:
            if isinstance(item, dict) and path == "/pushalarm":
                self.acknowledged.add(str(item["alarmType"]))


async def test_reloads_under_a_stream_of_first_news(
    hass: HomeAssistant,
    hass_storage: dict[str, object],
    hass_client_no_auth: Clients,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Each entity lives, and each alarm that was answered 200 fires once."""
    hass.loop.set_debug(False)
    sim = TracksolidSimulator(time.time)
    place = world.parked(world.HOME, NOW.timestamp() - 86_400)
    sim.add(
        *(Device(f"8600000000{number:05}", "Van", place) for number in range(TRACKERS))
    )
    async with sim:
        entry = await add_account(hass, sim)
        client = await hass_client_no_auth()
        stream = Stream(hass, client, f"{PUSH_PATH}/{entry.data[CONF_PUSH_SECRET]}")
        devices = list(sim.devices.values())
        raised = 0
        for number in range(RELOADS):
            device = devices[number % TRACKERS]
            news = first_news(device, number // TRACKERS)
            freezer.tick(61)
            burst = [
                alarm(device, str(200_000 + BURST * number + one), "Burst", time.time())
                for one in range(BURST)
            ]
            raised += BURST
            pushes = [asyncio.create_task(stream.push("/pushalarm", *burst))]
            pushes += [
                asyncio.create_task(stream.push(path, item))
                for path, item in first_news(device, number // TRACKERS)
            ]
            # The reload begins at another turn each time.
            for _ in range(TURNS_BETWEEN + number):
                await asyncio.sleep(0)
            reload = asyncio.create_task(
                hass.config_entries.async_reload(entry.entry_id)
            )
            for path, item in with_alarms(device, number, news):
                raised += path == "/pushalarm"
                pushes.append(asyncio.create_task(stream.push(path, item)))
                for _ in range(TURNS_BETWEEN):
                    await asyncio.sleep(0)
            assert await reload
            await asyncio.gather(*pushes)
            await turns()
        await hass.async_block_till_done(wait_background_tasks=True)
        assert "does not generate unique IDs" not in caplog.text
        assert len(stream.acknowledged) == raised
        assert stream.acknowledged - stream.fired.keys() == set()
        assert {code for code, times in stream.fired.items() if times > 1} == set()
        dead = [
            one.entity_id
            for one in er.async_entries_for_config_entry(
                er.async_get(hass), entry.entry_id
            )
            if one.disabled_by is None
            and (
                (state := hass.states.get(one.entity_id)) is None
                or state.attributes.get("restored")
            )
        ]
        assert dead == []
        assert await hass.config_entries.async_unload(entry.entry_id)
