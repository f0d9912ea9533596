"""Appendix A: the instruction API of an own host."""

from __future__ import annotations

import asyncio
from datetime import timedelta
import json

from aiohttp import web
import pytest

from custom_components.fleet_tracker.contract.errors import (
    AccessDenied,
    CannotConnect,
    CommandFailed,
    CommandUnconfirmed,
    InvalidAnswer,
    VehicleOffline,
    VendorError,
)
from custom_components.fleet_tracker.transport.http_client import NoAnswer, Unreachable
from custom_components.fleet_tracker.vendors.tracksolid.api.instruction_hub import (
    _HTTP_TIMEOUT_S,
    InstructionClient,
    LiveControl,
    StreamTarget,
)
from tests.simulators.raw_http import HANG, RawServer
from tests.simulators.tracksolid import TracksolidSimulator
from tests.simulators.tracksolid.hub import FIELDS
from tests.vendors.fake_host import START, FakeHost

from .helpers import VAN

TARGET = StreamTarget("media.example", 10002)


@pytest.fixture
def hub(sim: TracksolidSimulator, host: FakeHost) -> InstructionClient:
    """Return a client of the hub."""
    return InstructionClient(host.session, f"{sim.root}/", sim.hub_token)


async def test_all_six_instructions(
    hub: InstructionClient, sim: TracksolidSimulator
) -> None:
    """Each protocol number with its fields."""
    end = START + timedelta(hours=1)
    words = await hub.send_text(VAN, "STATUS#")
    assert words is not None and words.startswith("Battery")
    await hub.start_live(VAN, 1, TARGET)
    await hub.start_live(VAN, 1, TARGET, main_stream=False)
    await hub.control_live(VAN, 1, LiveControl.PAUSE)
    await hub.list_recordings(VAN, 1, START, end, "abc")
    await hub.start_playback(VAN, 1, START, end, TARGET, "abc")
    assert await hub.acknowledge_alarm(VAN, "4711") is None
    assert {call["proNo"] for call in sim.hub_calls} == FIELDS.keys()
    text = json.loads(sim.hub_calls[0]["cmdContent"])
    assert text["offlineFlag"] is False
    listed = json.loads(sim.hub_calls[4]["cmdContent"])
    assert listed["beginTime"] == "2025-10-09 09:00:00"


async def test_codes(hub: InstructionClient, sim: TracksolidSimulator) -> None:
    """100 done, 200 invalid, 300 offline, 600 timed out or queued."""
    with pytest.raises(CommandFailed):
        await hub.send_text("1", "STATUS#")
    sim.devices[VAN].behaviour = "silent"
    with pytest.raises(CommandUnconfirmed):
        await hub.send_text(VAN, "STATUS#")
    sim.devices[VAN].online = False
    with pytest.raises(VehicleOffline):
        await hub.send_text(VAN, "STATUS#")


async def test_wrong_token(sim: TracksolidSimulator, host: FakeHost) -> None:
    """The hub has a token of its own."""
    hub = InstructionClient(host.session, sim.root, "wrong")
    with pytest.raises(AccessDenied) as caught:
        await hub.send_text(VAN, "STATUS#")
    assert caught.value.translation_key == "tracksolid_hub_token"


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (401, "", AccessDenied),
        (500, "", CannotConnect),
        (200, "<html>", InvalidAnswer),
        (200, "[]", InvalidAnswer),
        (200, '{"code": 1, "msg": "busy"}', InvalidAnswer),
        (200, '{"data": {}}', InvalidAnswer),
        (200, '{"data": {"_code": 601}}', CommandFailed),
        (200, '{"data": {"_code": "777"}}', VendorError),
    ],
)
async def test_odd_answers(
    host: FakeHost,
    status: int,
    body: str,
    error: type[VendorError],
) -> None:
    """Whatever comes is told as what it is."""

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status, text=body)

    app = web.Application()
    app.router.add_post("/api/device/sendInstruct", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    hub = InstructionClient(host.session, f"http://127.0.0.1:{port}", "t")
    try:
        with pytest.raises(error) as caught:
            await hub.send_text(VAN, "STATUS#")
        assert type(caught.value) is error
    finally:
        await runner.cleanup()


@pytest.mark.usefixtures("idle_clock")
async def test_hub_that_does_not_answer(host: FakeHost) -> None:
    """A hub that keeps silent may have carried it out."""
    loop = asyncio.get_running_loop()
    async with RawServer(lambda _: (HANG,)) as silent:
        hub, began = InstructionClient(host.session, silent.url, "t"), loop.time()
        with pytest.raises(NoAnswer):
            await hub.send_text(VAN, "STATUS#")
        assert round(loop.time() - began) == _HTTP_TIMEOUT_S
        assert len(silent.requests) == 1


async def test_hub_that_is_not_there(sim: TracksolidSimulator, host: FakeHost) -> None:
    """Addresses that are none, and hosts that are not there."""
    await sim.stop()
    for url in (sim.root, "ftp://nowhere"):
        with pytest.raises(Unreachable):
            await InstructionClient(host.session, url, "t").send_text(VAN, "STATUS#")
