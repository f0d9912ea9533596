"""Forms that check what is entered, at a server whose answers fail.

Each says in words what is wrong, follows no redirect, and can be submitted again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import SOURCE_USER
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest

from custom_components.fleet_tracker.const import DOMAIN
from tests.common import other_server
from tests.simulators.failures import Failure
from tests.simulators.open_api import OpenApiSimulator
from tests.simulators.segway import SegwaySimulator
from tests.turns import turns
from tests.vendors.open_api import conftest as open_api
from tests.vendors.tracksolid import home as tracksolid

pytestmark = pytest.mark.freeze_time(tracksolid.NOW)

FAILURES = (
    Failure.RESET_IN_BODY,
    Failure.TRUNCATED,
    Failure.OVERSIZED,
    Failure.BOMB,
    Failure.REDIRECT_LOOP,
    Failure.REDIRECT_ELSEWHERE,
)
MOST_CALLS = 2
"""A form may try once more, but it does not follow where it is sent on to."""


@asynccontextmanager
async def open_api_server() -> AsyncIterator[tuple[Any, dict[str, Any]]]:
    """Yield the Open API's simulator, and what is entered."""
    async with OpenApiSimulator(*open_api.accounts()) as server:
        yield (
            server,
            {
                **other_server(server.url),
                "account": open_api.ACCOUNT,
                "password": open_api.PASSWORD,
            },
        )


@asynccontextmanager
async def tracksolid_server() -> AsyncIterator[tuple[Any, dict[str, Any]]]:
    """Yield Tracksolid's simulator, and what is entered."""
    async with tracksolid.simulator() as sim:
        yield sim, dict(tracksolid.credentials(sim))


@asynccontextmanager
async def segway_server() -> AsyncIterator[tuple[Any, dict[str, Any]]]:
    """Yield Segway's simulator, and what is entered."""
    async with SegwaySimulator() as server:
        yield (
            server,
            {
                "client_id": server.client_id,
                "client_secret": server.client_secret,
                **other_server(server.url),
            },
        )


SERVERS: dict[str, Callable[[], Any]] = {
    "open_api": open_api_server,
    "tracksolid": tracksolid_server,
    "segway": segway_server,
}


@pytest.mark.parametrize("vendor", SERVERS)
async def test_forms(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, vendor: str
) -> None:
    """One form is submitted again and again, until all is well."""
    flows = hass.config_entries.flow
    result = await flows.async_init(DOMAIN, context={"source": SOURCE_USER})
    result = await flows.async_configure(result["flow_id"], {"next_step_id": vendor})
    form = result["flow_id"]
    async with SERVERS[vendor]() as (server, entered):

        async def submit() -> dict[str, Any]:
            # Who logs in once a minute at most is waited for.
            freezer.tick(3600)
            task = asyncio.ensure_future(flows.async_configure(form, dict(entered)))
            for _ in range(200):
                await turns()
                if task.done():
                    break
                freezer.tick(1)
            assert task.done(), "it takes longer than it may"
            return dict(task.result())

        for failure in FAILURES:
            before = server.requests.total()
            server.failures.begin(failure)
            answer = await submit()
            assert answer["type"] is FlowResultType.FORM, failure
            assert answer["errors"], failure
            assert server.requests.total() - before <= MOST_CALLS, failure
        server.failures.end()
        answer = await submit()
        assert not answer.get("errors")
        assert (
            answer["type"] is FlowResultType.CREATE_ENTRY or answer["step_id"] != vendor
        )
        await hass.async_block_till_done()
