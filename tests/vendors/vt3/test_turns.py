"""Turns: who waits goes on in order, and a turn of the event loop is not too long."""

from __future__ import annotations

import asyncio

from custom_components.fleet_tracker.vendors.vt3.session import Turns

WORK = 0.002
"""Seconds of work of each. Two of these fit into a turn."""


async def test_those_who_wait_go_on_in_order() -> None:
    """As many go on in a turn of the loop as fit into it, however many wait."""
    turns = Turns()
    for _ in range(200):
        turns.spend(WORK)
    rounds: list[list[int]] = [[]]

    async def work(number: int) -> None:
        await turns.wait()
        rounds[-1].append(number)
        turns.spend(WORK)

    tasks = [asyncio.create_task(work(number)) for number in range(7)]
    gone = asyncio.create_task(turns.wait())
    await asyncio.sleep(0)
    gone.cancel()
    while not all(task.done() for task in tasks):
        rounds.append([])
        await asyncio.sleep(0)
    # The first one is free: it lasts until it is used up.
    assert [one for one in rounds if one] == [[0, 1, 2], [3, 4], [5, 6]]


async def test_nobody_waits_while_there_is_time() -> None:
    """A turn that is not used up is free for all."""
    turns = Turns()
    turns.spend(WORK)
    async with asyncio.timeout(0):
        await turns.wait()
