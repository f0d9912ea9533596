"""The table of failures by vendor and phase, row by row.

The rows of one vendor and phase share a running Home Assistant: each begins when all is
well, and ends when all is well again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
import gzip
import logging

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
import pytest

from custom_components.fleet_tracker.const import DOMAIN
from custom_components.fleet_tracker.vendors import VENDORS
from tests.simulators.failures import BOMB, NOT_OF_AN_ANSWER, SPOILT, Failure

from .stages import (
    START,
    Clients,
    OpenApiStage,
    SegwayStage,
    Stage,
    TracksolidStage,
    Vt3Stage,
)
from .table import Outcome, Phase, Reason, Shown, Told, Vendor, cell

pytestmark = pytest.mark.freeze_time(START)

WRONG_ANSWERS = 20
"""How many answers are spoilt: all fields at once with each wrong value, then one each."""
LONGEST_PAUSE = 15 * 60 + 61
"""Seconds after which a vendor that asked to be left alone is asked again, at most."""

type Row = Callable[[Stage, Failure, Outcome], Awaitable[None]]


def test_the_table_is_complete() -> None:
    """No cell is empty, and no reason is."""
    assert {vendor.value for vendor in Vendor} == set(VENDORS)
    for vendor in Vendor:
        for phase in Phase:
            for failure in Failure:
                found = cell(vendor, phase, failure)
                assert not isinstance(found, Reason) or found.why


@asynccontextmanager
async def open_stage(
    vendor: Vendor,
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    clients: Clients,
) -> AsyncIterator[Stage]:
    """Set a vendor's account up."""
    stages: dict[Vendor, AbstractAsyncContextManager[Stage]] = {
        Vendor.OPEN_API: OpenApiStage.open(hass, freezer),
        Vendor.TRACKSOLID: TracksolidStage.open(hass, freezer, clients),
        Vendor.SEGWAY: SegwayStage.open(hass, freezer, clients),
        Vendor.VT3: Vt3Stage.open(hass, freezer),
    }
    async with stages[vendor] as stage:
        stage.watch()
        yield stage
        assert await stage.unload()


GROUPS = [
    (vendor, phase)
    for vendor in Vendor
    for phase in Phase
    if any(isinstance(cell(vendor, phase, failure), Outcome) for failure in Failure)
]


@pytest.mark.parametrize(("vendor", "phase"), GROUPS, ids=str)
async def test_rows(
    hass: HomeAssistant,
    hass_storage: dict[str, object],
    freezer: FrozenDateTimeFactory,
    hass_client_no_auth: Clients,
    caplog: pytest.LogCaptureFixture,
    vendor: Vendor,
    phase: Phase,
) -> None:
    """Each row of the table comes out as it says."""
    # What helps to find a forgotten await costs half of the time here.
    hass.loop.set_debug(False)
    wrong: dict[Failure, str] = {}
    async with open_stage(vendor, hass, freezer, hass_client_no_auth) as stage:
        stage.stored = hass_storage
        for failure in Failure:
            expected = cell(vendor, phase, failure)
            if isinstance(expected, Reason):
                continue
            caplog.clear()
            try:
                await ROWS[phase](stage, failure, expected)
                most = expected.lines
                assert len(lines := lines_of(caplog)) <= most, lines
            except AssertionError as err:
                wrong[failure] = str(err).partition("\n")[0]
            try:
                await recover(stage)
            except AssertionError as err:
                wrong.setdefault(failure, f"after it: {str(err).partition('\n')[0]}")
    assert not wrong, "\n".join(f"{failure}: {why}" for failure, why in wrong.items())


def lines_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what our log says from warning on."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.levelno >= logging.WARNING and "fleet_tracker" in record.name
    ]


def is_in(stage: Stage, state: ConfigEntryState) -> bool:
    """Tell whether the entry is in a state now."""
    return stage.entry.state is state


async def recover(stage: Stage) -> None:
    """Let all be well, and wait until it is shown."""
    await stage.heal()
    if not is_in(stage, ConfigEntryState.LOADED):
        for _ in range(3):
            # What is kept of a vendor that asked to be left alone is kept over a start.
            await stage.pass_time(LONGEST_PAUSE)
            for _ in range(30):
                if not is_in(stage, ConfigEntryState.SETUP_IN_PROGRESS):
                    break
                await stage.pass_time(10)
            if not is_in(stage, ConfigEntryState.NOT_LOADED):
                await stage.pass_time(60)
            if is_in(stage, ConfigEntryState.LOADED):
                break
            if not is_in(stage, ConfigEntryState.NOT_LOADED):
                await stage.unload()
            await stage.set_up(60)
        assert is_in(stage, ConfigEntryState.LOADED), "it cannot be set up again"
        await stage.heal()
    stage.change()
    for _ in range(5):
        await become_current(stage)
        if stage.is_current() and stage.is_available():
            break
    assert stage.is_available(), "it does not recover"
    assert stage.is_current(), "it shows the old value when all is well again"
    assert not stage.asks(), "it still asks for credentials when all is well again"
    stage.fired.clear()


async def become_current(stage: Stage) -> None:
    """Let the time pass in which news must come, whatever was asked to wait."""
    if isinstance(stage, Vt3Stage):
        await stage.upload()
    else:
        await stage.pass_time(LONGEST_PAUSE)
        await stage.pass_time(stage.interval)


# --- what happens in the phases ---


async def set_up(stage: Stage, failure: Failure, expected: Outcome) -> None:
    """Start with what is stored within 10 s, and without anything as the table says."""
    before = stage.shown()
    await stage.unload()
    await stage.begin(failure)
    await stage.set_up(10.5)
    assert stage.entry.state is expected.entry
    assert stage.is_available(), "the last values are not shown"
    nothing_wrong(before, stage)
    assert stage.asks() == expected.asks
    await stage.heal()
    await stage.unload()
    # As if it were new.
    for key in [key for key in stage.stored if key.startswith(f"{DOMAIN}.")]:
        del stage.stored[key]
    await stage.begin(failure)
    await stage.set_up(200)
    first = stage.entry.state
    assert first is (expected.first or first), f"a first set-up: {first}"


async def poll(stage: Stage, failure: Failure, expected: Outcome) -> None:
    """Poll while it fails: the last values stay for some time, and nothing else is shown."""
    await stage.begin(failure)
    many = failure is Failure.WRONG_TYPE
    await fail_for_long(stage, failure, expected, WRONG_ANSWERS if many else 3)


async def renew(stage: Stage, failure: Failure, expected: Outcome) -> None:
    """Need a new token while getting one fails."""
    await stage.begin(failure, renewal=True)
    await fail_for_long(stage, failure, expected, 3)


async def fail_for_long(
    stage: Stage, failure: Failure, expected: Outcome, polls: int
) -> None:
    """Let the polls of a long time go by."""
    before, calls, began = stage.shown(), stage.calls(), stage.hass.loop.time()
    if expected.shown is Shown.CURRENT:
        stage.change()
    many = expected.shown is Shown.KEPT
    # A start, which TLS needs here, knows of no interval: 10 minutes count.
    step = min(stage.interval, 150) if failure is Failure.TLS else stage.interval
    step = min(step, stage.patience / 3 - 32) if polls == 3 else step
    for _ in range(polls):
        await stage.pass_time(step)
        if failure in (Failure.HANG, Failure.HANG_AFTER_HEADERS):
            await stage.pass_time(31)
        assert stage.is_available(), "unavailable at once"
        if expected.shown is not Shown.CURRENT:
            nothing_wrong(before, stage)
    assert stage.entry.state is expected.entry
    if expected.shown is Shown.CURRENT:
        assert stage.is_current(), "it does not show the value as it is"
    if not many:
        for _ in range(4):
            await stage.pass_time(stage.patience / 2)
        assert stage.is_available() == (expected.shown is not Shown.GONE)
    assert stage.asks() == expected.asks
    assert bool(stage.problems()) >= expected.problem, "no repair issue tells it"
    due = (stage.hass.loop.time() - began) / stage.interval
    assert (made := stage.calls() - calls) <= expected.calls * due + 8, f"{made} calls"


async def command(stage: Stage, failure: Failure, expected: Outcome) -> None:
    """Command the vehicle while it fails: it is told in words, and sent once."""
    before, sent = stage.shown(), stage.sent()
    await stage.begin(failure)
    why = await stage.command()
    assert why != "an error without a text"
    if expected.told is not Told.EITHER:
        assert (why is None) == (expected.told is Told.DONE), f"the command: {why}"
    assert (times := stage.sent() - sent) <= expected.sent, f"sent {times} times"
    assert stage.entry.state is expected.entry
    assert stage.is_available(), "unavailable at once"
    if why is not None:
        # A tracker that ended its connection is not online any more.
        nothing_wrong(before, stage, "online" if isinstance(stage, Vt3Stage) else "?")


async def push(stage: Stage, failure: Failure, expected: Outcome) -> None:
    """Let an alarm be pushed while the API fails so, and one that is spoilt so."""
    assert isinstance(stage, TracksolidStage | SegwayStage)
    before = stage.shown()
    client = await stage.client()
    await stage.begin(failure)
    await stage.pass_time(stage.interval)
    path, body, kind = stage.push()
    response = await client.post(path, data=body, headers={"Content-Type": kind})
    assert response.status == 200, f"a good push is answered {response.status}"
    await stage.settle()
    assert stage.is_available(), "unavailable although news comes in"
    assert len(stage.fired) == 1, f"fired: {stage.fired}"
    await stage.heal()
    stage.fired.clear()
    if failure in SPOILT or failure in (Failure.HTML, Failure.EMPTY):
        rounds = WRONG_ANSWERS if failure is Failure.WRONG_TYPE else 1
        for number in range(rounds):
            await stage.pass_time(10)
            status = await post_spoilt(stage, failure, number)
            assert status in expected.answers, f"a spoilt push is answered {status}"
    elif failure not in NOT_OF_AN_ANSWER and not expected.answers:
        await push_partly(stage, failure)
    # What the good push told of is shown.
    nothing_wrong(before, stage, "illegal_movement")
    await stage.pass_time(60)
    stage.fired.clear()
    path, body, kind = stage.push()
    response = await client.post(path, data=body, headers={"Content-Type": kind})
    assert response.status == 200
    await stage.settle()
    assert len(stage.fired) == 1, "a good push after it does not fire"


async def post_spoilt(
    stage: TracksolidStage | SegwayStage, failure: Failure, number: int
) -> int:
    """Push what a failure spoilt, and return the status of the answer."""
    path, body, kind = stage.push()
    headers = {"Content-Type": kind}
    match failure:
        case Failure.HTML:
            body, headers = b"<html></html>", {"Content-Type": "text/html"}
        case Failure.EMPTY:
            body = b""
        case Failure.BOMB:
            body = gzip.compress(b" " * BOMB, 1)
            headers["Content-Encoding"] = "gzip"
        case Failure.OVERSIZED:
            body += b" " * 2 * 1024 * 1024
        case _:
            body = stage.spoilt(failure, number)
    client = await stage.client()
    response = await client.post(path, data=body, headers=headers)
    await stage.settle()
    return response.status


async def push_partly(stage: TracksolidStage | SegwayStage, failure: Failure) -> None:
    """Send a part of a push, and end the connection or not."""
    client = await stage.client()
    path, body, kind = stage.push()
    reader, writer = await asyncio.open_connection(client.host, client.port)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode()
    writer.write(head if failure is Failure.HANG else head + body[:20])
    await writer.drain()
    await stage.settle()
    if failure is Failure.RESET_IN_BODY:
        writer.transport.abort()
    else:
        ended = asyncio.create_task(reader.read())
        # The server waits for another 10 s whether the rest comes after the answer.
        for _ in range(33):
            await stage.pass_time(1)
        assert ended.done(), "half a push is waited for without end"
        with suppress(OSError):
            await ended
        writer.close()
    await stage.settle()


async def frames(stage: Stage, failure: Failure, expected: Outcome) -> None:
    """Let a tracker send frames that fail so: what was known stays, and what is new comes."""
    assert isinstance(stage, Vt3Stage)
    before = stage.shown()
    await stage.begin(failure)
    for _ in range(WRONG_ANSWERS if failure is Failure.WRONG_TYPE else 2):
        await stage.pass_time(10)
        if stage.tracker.lost.is_set():
            failing, stage.tracker.failure = stage.tracker.failure, None
            await stage.connect()
            stage.tracker.failure = failing
        await stage.upload()
        nothing_wrong(before, stage, "online", "malfunction")
    assert stage.is_available(), "unavailable at once"
    assert stage.entry.state is expected.entry


async def unload(stage: Stage, failure: Failure, expected: Outcome) -> None:
    """Unload while requests fail or hang: it is done at once, and nothing is asked then."""
    await stage.begin(failure)
    await stage.pass_time(stage.interval)
    assert await stage.unload(), "it cannot be unloaded"
    assert stage.entry.state is expected.entry
    calls = stage.calls()
    for _ in range(4):
        await stage.pass_time(600)
    assert stage.calls() - calls <= expected.calls, "it asks although it is unloaded"


def nothing_wrong(before: dict[str, str], stage: Stage, *but: str) -> None:
    """Hold that no state is shown but those of before, and that one is not known."""
    wrong = {
        entity: state
        for entity, state in stage.shown().items()
        if state not in (before.get(entity, state), "unknown")
        and not any(part in entity for part in but)
    }
    assert not wrong, f"shown: {wrong}"


ROWS: dict[Phase, Row] = {
    Phase.SET_UP: set_up,
    Phase.POLL: poll,
    Phase.COMMAND: command,
    Phase.PUSH: lambda stage, *row: (frames if isinstance(stage, Vt3Stage) else push)(
        stage, *row
    ),
    Phase.RENEWAL: renew,
    Phase.UNLOAD: unload,
}
