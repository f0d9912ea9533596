"""Core's integrations of the same kind, fed from memory: ScorpionTrack and Traccar Server.

Their libraries are not among the tests' requirements: script/bench installs them beside.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
import importlib.util
import json
from typing import Any, Self
from unittest.mock import patch

from awesomeversion import AwesomeVersion
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import __version__
from homeassistant.core import HomeAssistant
import orjson
from pytest_homeassistant_custom_component.common import MockConfigEntry

from .fleets import POLL_SECONDS, Scenario
from .measuring import Clock, Passes, measured, passes
from .memory_session import MemorySession
from .polled import changed, floor_of, set_up, states_of
from .trivial import Trivial, twins_of

SINCE = "2026.10"
"""The Home Assistant that has both of them as they are here."""
_SHARE = {Scenario.TENTH_MOVED: 0.1, Scenario.ALL_MOVED: 1.0}
type Feed = Callable[[Scenario], tuple[list[bytes], Callable[[], Awaitable[None]]]]


def missing() -> list[str]:
    """Return which of the peers cannot be measured here."""
    return [
        component
        for component, library in (
            ("scorpiontrack", "pyscorpiontrack"),
            ("traccar_server", "pytraccar"),
        )
        if AwesomeVersion(__version__) < SINCE
        or importlib.util.find_spec(library) is None
    ]


class _Positions:
    """Where vehicles are, in no peer's words."""

    def __init__(self, vehicles: int, clock: Clock) -> None:
        self.clock = clock
        now = clock.time - 3600
        self.all: list[dict[str, Any]] = [
            {
                "number": number,
                "time": now,
                "lat": 52.0 + number / 1000,
                "lng": 5.0 + number / 1000,
                "speed": 0,
                "course": number % 360,
            }
            for number in range(vehicles)
        ]

    def move(self, scenario: Scenario) -> list[dict[str, Any]]:
        """Let the time pass until the next poll; return who has moved."""
        self.clock.advance(POLL_SECONDS)
        now = self.clock.time
        moving = self.all[: int(len(self.all) * _SHARE.get(scenario, 0))]
        for one in moving:
            one["time"] = now - 2
            one["lat"] = round(one["lat"] + 0.0015, 6)
            one["lng"] = round(one["lng"] + 0.0008, 6)
            one["speed"] = 40 + (now // POLL_SECONDS + one["number"]) % 30
            one["course"] = (one["course"] + 7) % 360
        return moving


class _WithJson:
    """An answer of which aiohttp would read the JSON, as it does."""

    def __init__(self, body: bytes) -> None:
        self.status = 200
        self._body = body

    async def json(self, **_: Any) -> Any:
        return json.loads(self._body.decode())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None


async def measure_scorpiontrack(
    hass: HomeAssistant, clock: Clock, vehicles: int
) -> dict[Scenario, Passes]:
    """Measure polls of ScorpionTrack beside their floor."""
    positions = _Positions(vehicles, clock)
    body = b""

    def prepare() -> None:
        nonlocal body
        body = orjson.dumps(
            {
                "data": {
                    "id": 1,
                    "token": "token",
                    "user": {"distance_units": "km"},
                    "vehicles": [
                        {
                            "id": one["number"] + 1,
                            "name": f"Truck {one['number']}",
                            "registration": f"P-{one['number']}",
                            "make": "Make",
                            "model": "Model",
                            "latest_position": {
                                "lat": one["lat"],
                                "lng": one["lng"],
                                "speed": one["speed"],
                                "bearing": one["course"],
                                "ignition": one["speed"] > 0,
                                "timestamp": datetime.fromtimestamp(
                                    one["time"], UTC
                                ).isoformat(),
                                "address": None,
                            },
                        }
                        for one in positions.all
                    ],
                }
            }
        )

    class Session(MemorySession):
        """A session that ScorpionTrack's library asks."""

        def get(self, url: Any, **options: Any) -> Any:
            """Return what the share shows."""
            return _WithJson(body)

    prepare()
    entry = MockConfigEntry(
        domain="scorpiontrack", data={"share_token": "token"}, title="Peer"
    )

    def feed(scenario: Scenario) -> tuple[list[bytes], Callable[[], Awaitable[None]]]:
        positions.move(scenario)
        prepare()
        return [body], entry.runtime_data.async_refresh

    with patch(
        "homeassistant.components.scorpiontrack.async_get_clientsession",
        lambda _hass: Session(lambda *_: body),
    ):
        return await _measure(
            hass,
            entry,
            feed,
            (Scenario.SAME, Scenario.TENTH_MOVED, Scenario.ALL_MOVED),
        )


async def measure_traccar(
    hass: HomeAssistant, clock: Clock, vehicles: int
) -> dict[Scenario, Passes]:
    """Measure what Traccar Server's websocket tells, beside its floor."""
    positions = _Positions(vehicles, clock)

    def position(one: dict[str, Any]) -> dict[str, Any]:
        at = datetime.fromtimestamp(one["time"], UTC).isoformat()
        return {
            "id": one["time"],
            "deviceId": one["number"] + 1,
            "protocol": "osmand",
            "serverTime": at,
            "deviceTime": at,
            "fixTime": at,
            "valid": True,
            "outdated": False,
            "latitude": one["lat"],
            "longitude": one["lng"],
            "altitude": 12.0,
            "speed": one["speed"],
            "course": one["course"],
            "address": None,
            "accuracy": 5.0,
            "network": None,
            "geofenceIds": None,
            "attributes": {"batteryLevel": 100, "motion": one["speed"] > 0},
        }

    class Client:
        """A client in memory."""

        async def get_devices(self) -> list[dict[str, Any]]:
            """Return all devices."""
            return [
                {
                    "id": one["number"] + 1,
                    "uniqueId": f"35{one['number']:013}",
                    "name": f"Truck {one['number']}",
                    "status": "online",
                    "disabled": False,
                    "lastUpdate": None,
                    "positionId": 0,
                    "groupId": 0,
                    "phone": None,
                    "model": "Model",
                    "contact": None,
                    "category": "car",
                    "attributes": {},
                }
                for one in positions.all
            ]

        async def get_positions(self) -> list[dict[str, Any]]:
            """Return all positions."""
            return [position(one) for one in positions.all]

        async def get_geofences(self) -> list[dict[str, Any]]:
            """Return none."""
            return []

        async def subscribe(self, _handle: object) -> None:
            """Wait for ever: the bench tells what happens."""
            await asyncio.Event().wait()

    entry = MockConfigEntry(
        domain="traccar_server",
        title="Peer",
        version=2,
        data={
            "api_token": "token",
            "ssl": False,
            "verify_ssl": False,
            "host": "memory",
            "port": "80",
        },
    )

    def feed(scenario: Scenario) -> tuple[list[bytes], Callable[[], Awaitable[None]]]:
        moved = positions.move(scenario)
        body = orjson.dumps({"positions": [position(one) for one in moved]})

        async def take() -> None:
            # It reads the answers of a websocket by aiohttp's way, which is json's.
            await entry.runtime_data.handle_subscription_data(json.loads(body))

        return [body], take

    component = "homeassistant.components.traccar_server"
    with (
        patch(f"{component}.ApiClient", lambda **_: Client()),
        patch(f"{component}.async_create_clientsession"),
    ):
        return await _measure(
            hass, entry, feed, (Scenario.TENTH_MOVED, Scenario.ALL_MOVED)
        )


async def _measure(
    hass: HomeAssistant, entry: MockConfigEntry, feed: Feed, scenarios: Any
) -> dict[Scenario, Passes]:
    entry.add_to_hass(hass)
    await set_up(hass, entry)
    trivial = Trivial(hass, twins_of(hass, entry))
    await set_up(hass, trivial.entry)
    results = {}
    for scenario in scenarios:
        found = results[scenario] = Passes()
        for number in range(passes() + 2):
            bodies, take = feed(scenario)
            before = states_of(hass)
            with measured() as cost:
                await take()
            await hass.async_block_till_done()
            floor = floor_of(bodies, trivial, changed(hass, before))
            if number >= 2:
                found.ours.append(cost.cpu)
                found.floor.append(floor.cpu)
    await _remove(hass, trivial.entry)
    await _remove(hass, entry)
    return results


async def _remove(hass: HomeAssistant, entry: ConfigEntry) -> None:
    await hass.config_entries.async_remove(entry.entry_id)
