"""Work in slices: its order, its turns, and that one job spoils no other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

import pytest

from custom_components.fleet_tracker.account import sliced_work
from custom_components.fleet_tracker.account.sliced_work import LONGEST_HOLD, SlicedWork


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each look at the clock be a third of a slice later than the one before."""
    time = 0.0

    def monotonic() -> float:
        nonlocal time
        time += LONGEST_HOLD / 3
        return time

    monkeypatch.setattr(sliced_work, "monotonic", monotonic)


async def turns(work: SlicedWork, done: list[str]) -> list[list[str]]:
    """Return what was done in each turn of the event loop, until there is no more."""
    found: list[list[str]] = []
    while done or not found:
        found.append(done.copy())
        done.clear()
        await asyncio.sleep(0)
    await work.async_done()
    return found


async def test_jobs_are_done_in_turns_and_in_order() -> None:
    """No turn is longer than a slice, and the first one begins at once."""
    done: list[str] = []
    work = SlicedWork("somebody")
    work.add(partial(done.append, name) for name in "abcdefg")
    assert await turns(work, done) == [["a", "b"], ["c", "d"], ["e", "f"], ["g"]]
    # What comes later begins at once again.
    work.add([partial(done.append, "h")])
    assert done == ["h"]


async def test_what_was_done_before_in_a_turn_counts() -> None:
    """Handing over many jobs may take all of the time of a turn."""
    done: list[str] = []
    work = SlicedWork("somebody")
    # The clock of these tests has been looked at twice when the first job is done.
    work.add((partial(done.append, name) for name in "abc"), began=-LONGEST_HOLD / 3)
    assert await turns(work, done) == [["a"], ["b", "c"]]
    late = SlicedWork("somebody")
    late.add([partial(done.append, "e")], began=-LONGEST_HOLD)
    assert await turns(late, done) == [[], ["e"]]


async def test_jobs_added_by_a_job_come_first() -> None:
    """Listeners are notified of news before the next news is looked at."""
    done: list[str] = []
    work = SlicedWork("somebody")

    def news(name: str) -> Callable[[], None]:
        def job() -> None:
            done.append(name)
            work.add_urgent(partial(done.append, f"{name}{one}") for one in (1, 2))

        return job

    work.add([news("a"), news("b")])
    work.add([news("c")])
    found = await turns(work, done)
    assert [one for turn in found for one in turn] == [
        *("a", "a1", "a2"),
        *("b", "b1", "b2"),
        *("c", "c1", "c2"),
    ]
    # By itself it begins only when it is told to.
    work.add_urgent([partial(done.append, "d")])
    assert done == []
    work.start()
    assert done == ["d"]


async def test_a_job_that_adds_others_is_ended_first() -> None:
    """An automation that is told of news may push some itself."""
    done: list[str] = []
    work = SlicedWork("somebody")

    def pushing() -> None:
        work.add([partial(done.append, "c")])
        work.add_urgent([partial(done.append, "b")])
        work.start()
        done.append("a")

    work.add([pushing])
    await work.async_done()
    assert done == ["a", "b", "c"]


async def test_waiting_until_all_is_done() -> None:
    """Several may wait, and one that gives up takes nothing from the others."""
    done: list[str] = []
    work = SlicedWork("somebody")
    await work.async_done()
    work.add(partial(done.append, name) for name in "abcde")
    waiting = [asyncio.create_task(work.async_done()) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.gather(*waiting[1:])
    assert "".join(done) == "abcde"
    assert waiting[0].cancelled()


@pytest.mark.parametrize(
    "error", [ValueError("broken"), asyncio.CancelledError("broken")]
)
async def test_a_broken_job_is_logged_and_left(
    caplog: pytest.LogCaptureFixture, error: BaseException
) -> None:
    """All others are done."""
    done: list[str] = []

    def broken() -> None:
        raise error

    work = SlicedWork("somebody")
    work.add([partial(done.append, "a"), broken, partial(done.append, "b")])
    await work.async_done()
    assert done == ["a", "b"]
    assert "Error while telling of news from somebody" in caplog.text


async def test_an_interrupt_leaves_the_others_to_be_done() -> None:
    """It reaches whoever added the job, and nobody waits for ever afterwards."""

    class Interrupt(BaseException):
        """What is no error of a job."""

    done: list[str] = []

    def interrupted() -> None:
        raise Interrupt

    work = SlicedWork("somebody")
    with pytest.raises(Interrupt):
        work.add([partial(done.append, "a"), interrupted, partial(done.append, "b")])
    await work.async_done()
    assert done == ["a", "b"]


async def test_a_long_job_goes_on_in_the_next_turn() -> None:
    """A job of many parts is told when its time is over, and adds the rest of itself."""
    done: list[str] = []
    work = SlicedWork("somebody")

    def job(parts: str) -> None:
        for number, part in enumerate(parts):
            if number and not work.has_time:
                work.add_urgent([partial(job, parts[number:])])
                return
            done.append(part)

    work.add([partial(job, "abcde")])
    assert await turns(work, done) == [["a", "b"], ["c", "d"], ["e"]]
