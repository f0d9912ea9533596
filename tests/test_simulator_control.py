"""The simulators' servers are told from outside to fail, as the demo does."""

from __future__ import annotations

import aiohttp

from tests.simulators.segway import TOKEN_PATH, SegwaySimulator
from tests.simulators.server import CONTROL_PATH


async def test_a_simulator_fails_until_it_is_told_not_to() -> None:
    """By a fault of its list; any other is refused."""
    async with SegwaySimulator() as server, aiohttp.ClientSession() as session:

        async def control(fault: str) -> int:
            async with session.post(f"{server.url}{CONTROL_PATH}{fault}") as answer:
                return answer.status

        async def status() -> int:
            async with session.get(f"{server.url}{TOKEN_PATH}") as answer:
                return answer.status

        assert await status() == 405
        assert await control("?fault=http_500") == 200
        assert await status() == 500
        assert await control("?fault=a_fire") == 400
        assert await status() == 405
        assert await control("?fault=http_500") == 200
        assert await control("") == 200
        assert await status() == 405
