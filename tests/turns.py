"""Turns of the event loop, until nothing that is due on this machine is left.

Sockets of one process deliver within a turn, so that a request and its answer take so many
turns, whatever the machine. What a thread does takes real time: it is waited for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, cast
from weakref import WeakKeyDictionary

TURNS = 60
"""A request and its answer take about ten."""

type _Calls = set[asyncio.Future[Any]]

_IN_THREADS: WeakKeyDictionary[asyncio.AbstractEventLoop, _Calls] = WeakKeyDictionary()


def install() -> None:
    """Note from now on what event loops leave to threads."""
    loops = cast("Any", asyncio.BaseEventLoop)
    run_in_executor = loops.run_in_executor

    def run_and_note(
        loop: asyncio.AbstractEventLoop,
        executor: Executor | None,
        call: Callable[..., Any],
        *arguments: Any,
    ) -> asyncio.Future[Any]:
        running: asyncio.Future[Any] = run_in_executor(loop, executor, call, *arguments)
        calls = _IN_THREADS.setdefault(loop, set())
        calls.add(running)
        running.add_done_callback(calls.discard)
        return running

    loops.run_in_executor = run_and_note


def in_threads() -> _Calls:
    """Return the calls that threads of the running event loop are at work on."""
    return set(_IN_THREADS.get(asyncio.get_running_loop(), ()))


async def turns(number: int = TURNS) -> None:
    """Give everything on this machine its turn, the last time after all threads are done."""
    while True:
        for _ in range(number):
            await asyncio.sleep(0)
        if not (calls := in_threads()):
            return
        await asyncio.wait(calls)


async def until(condition: Callable[[], object], *, most: int = 300) -> None:
    """Let the event loop run until something is so. Fails when it does not happen.

    What a thread does meanwhile is waited for, `most` times.
    """
    for _ in range(most):
        for _ in range(TURNS):
            if condition():
                return
            await asyncio.sleep(0)
        if calls := in_threads():
            await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
    assert condition(), "it does not happen"
