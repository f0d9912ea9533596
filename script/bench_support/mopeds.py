"""A thousand mopeds of Segway: polls in which none is due, and those in which all are."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import nullcontext
from datetime import timedelta
from unittest.mock import patch

import orjson

from custom_components.fleet_tracker.contract.connection import Settings
from custom_components.fleet_tracker.transport import http_client
from custom_components.fleet_tracker.vendors.segway.connection import SegwayConnection
from tests.simulators.segway import SegwaySimulator
from tests.simulators.segway_mopeds import Moped
from tests.simulators.world import HOME, errand, parked

from .measuring import Clock, measured, measured_holds, passes
from .memory_host import MemoryHost
from .memory_session import MemorySession, Parameters

TURNS = 1000
"""Turns of the event loop after which what was asked for is answered."""


class Mopeds:
    """An account in memory whose mopeds all stand, or are all ridden."""

    def __init__(self, mopeds: int, clock: Clock, *, ridden: bool) -> None:
        """Initialize with the number of mopeds."""
        places = [HOME.away(number, 10.0 * number) for number in range(mopeds)]
        self._server = SegwaySimulator(
            *(
                Moped(
                    iot_code=f"86{number:013}",
                    # Each trip takes hours.
                    life=errand(clock.time - 600, place, 90, 9000)
                    if ridden
                    else parked(place, clock.time - 3600),
                    locked=not ridden,
                )
                for number, place in enumerate(places)
            ),
            clock=lambda: clock.time,
        )
        self._session = MemorySession(self._answer)
        host = MemoryHost(self._session, clock)
        self._clock = clock
        self.connection = SegwayConnection(
            Settings(
                data={
                    "client_id": "id",
                    "client_secret": "secret",
                    "server": "http://memory",
                },
                options={},
                vehicles=dict.fromkeys(
                    self._server.mopeds, {"name": "Moped", "model": "e_moped"}
                ),
                driving_interval=timedelta(seconds=15),
                parked_interval=timedelta(seconds=60),
            ),
            host,
        )

    def _answer(self, path: str, parameters: Parameters) -> bytes:
        if path == "/oauth/token":
            return orjson.dumps({"access_token": "token", "expires_in": 86_400})
        moped = self._server.mopeds[parameters["iotCode"]]
        data: Mapping[str, object] = self._server._answer_query(  # noqa: SLF001  no socket
            path, moped, parameters
        )
        return orjson.dumps({"code": 0, "msg": "Success", "data": data})

    async def first_polls(self) -> None:
        """Poll until all that is asked at first was asked."""
        await self.connection.open()
        for _ in range(2):
            await self.settle()
            self._clock.advance(5)
        await self.settle()

    async def settle(self) -> None:
        """Poll until nothing is due any more at this time."""
        asked = -1
        while asked != (asked := len(self._session.served)):
            await self.connection.poll()
            for _ in range(TURNS):
                await asyncio.sleep(0)

    async def close(self) -> None:
        """Close the connection."""
        await self.connection.close()


async def measure_mopeds(clock: Clock, mopeds: int) -> dict[str, float]:
    """Return the milliseconds that an idle poll takes, and the longest hold of a full one."""
    idle = []
    holds = []
    with patch.object(http_client, "gated", lambda session, _: nullcontext(session)):
        account = Mopeds(mopeds, clock, ridden=False)
        await account.first_polls()
        for _ in range(passes()):
            clock.advance(1)
            await account.settle()
            with measured() as cost:
                await account.connection.poll()
            idle.append(cost.cpu)
        await account.close()
        account = Mopeds(mopeds, clock, ridden=True)
        await account.first_polls()
        for _ in range(passes()):
            clock.advance(30)
            with measured_holds() as cost:
                await account.connection.poll()
            holds.append(cost.longest_hold)
        await account.close()
    return {"idle": 1000 * min(idle), "hold": 1000 * min(holds)}
