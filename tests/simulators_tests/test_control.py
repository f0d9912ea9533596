"""A request to a simulator makes its server fail, as in the demo."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from tests.simulators.failures import CONTROL_PATH
from tests.simulators.open_api import OpenApiSimulator
from tests.simulators.segway import TOKEN_PATH, SegwaySimulator
from tests.simulators.tracksolid import TracksolidSimulator


@pytest.mark.parametrize(
    ("simulator", "method", "path", "form", "well"),
    [
        (OpenApiSimulator, "GET", "/api/track", None, 200),
        (SegwaySimulator, "GET", TOKEN_PATH, None, 405),
        (TracksolidSimulator, "POST", "/route/rest", {"method": "any"}, 200),
    ],
)
async def test_a_simulator_fails_until_the_failure_is_ended(
    simulator: Any, method: str, path: str, form: dict[str, str] | None, well: int
) -> None:
    """By a failure of the list; any other is refused."""
    async with simulator() as server, aiohttp.ClientSession() as session:
        root = getattr(server, "root", None) or server.url

        async def control(query: str) -> int:
            async with session.post(f"{root}{CONTROL_PATH}{query}") as answer:
                return answer.status

        async def status() -> int:
            async with session.request(method, f"{root}{path}", data=form) as answer:
                return answer.status

        assert await status() == well
        assert await control("?fault=http_500") == 200
        assert await status() == 500
        assert await status() == 500
        assert await control("?fault=a_fire") == 400
        assert await status() == well
        assert await control("?fault=refused") == 400
        assert await control("?fault=http_503") == 200
        assert await status() == 503
        assert await control("") == 200
        assert await status() == well
