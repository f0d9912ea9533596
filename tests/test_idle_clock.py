"""The clock that goes on only while nothing happens."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.idle_clock import IdleClock

pytestmark = pytest.mark.usefixtures("idle_clock")

HOUR = 3600
MONTH = 30 * 86_400


def work_for(seconds: float) -> None:
    """Be at work for a while by the real clock."""
    time.sleep(seconds)


async def test_hours_pass_at_once_and_in_order() -> None:
    """What is due first comes first, at its own time."""
    loop = asyncio.get_running_loop()
    began, heard = loop.time(), list[tuple[str, float]]()

    async def wake(name: str, after: float) -> None:
        await asyncio.sleep(after)
        heard.append((name, round(loop.time() - began)))

    await asyncio.gather(wake("late", 30 * HOUR), wake("soon", 1), wake("day", 86_400))
    assert heard == [("soon", 1), ("day", 86_400), ("late", 30 * HOUR)]


async def test_no_time_passes_while_somebody_is_at_work() -> None:
    """Neither in the event loop nor in a thread, however long it takes."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    for _ in range(1000):
        await asyncio.sleep(0)
    work_for(0.01)
    assert loop.time() == began
    async with asyncio.timeout(0.001) as limit:
        await asyncio.to_thread(work_for, 0.05)
    assert not limit.expired()
    assert loop.time() == began


async def test_bytes_arrive_before_time_passes() -> None:
    """Of a server on this machine, answers come within any limit; silence ends at the limit."""

    async def answer(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while word := await reader.readline():
            writer.write(word)
        writer.close()

    loop = asyncio.get_running_loop()
    began = loop.time()
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(100):
            async with asyncio.timeout(1e-6):
                writer.write(b"Hello\n")
                assert await reader.readline() == b"Hello\n"
        assert loop.time() == began
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await reader.readline()
        assert loop.time() - began == pytest.approx(5)
        writer.close()


@pytest.mark.timeout(10)
@pytest.mark.parametrize("begin", [0.0, 3600.0, 4.0 * MONTH, 50.0 * MONTH, 2e9])
async def test_what_is_due_comes_however_long_a_machine_runs(begin: float) -> None:
    """The loop's time begins with the machine: after months, no float tells a nanosecond."""
    loop = asyncio.get_running_loop()
    clock = IdleClock(loop, begin)
    with clock.installed(loop):
        for seconds in (0.001, 0.1, 1.0, 60.0, 86_400.0):
            before = clock.time()
            called = loop.create_future()
            loop.call_later(0, called.set_result, None)
            await called
            await asyncio.sleep(seconds)
            assert clock.time() - before == pytest.approx(seconds, abs=1e-6)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(seconds):
                    await loop.create_future()
