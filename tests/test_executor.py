"""Home Assistant's threads end with a test, however busy the machine is."""

from __future__ import annotations

from threading import Barrier, Event, Thread

from homeassistant.util.executor import InterruptibleThreadPoolExecutor
import pytest

THREADS = 20
LATE = 2
"""Seconds after which a thread may wake on a busy machine."""


def test_late_threads_end_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is interrupted who has not woken yet: he would not wake the next one."""
    executor = InterruptibleThreadPoolExecutor(THREADS, "SyncWorker")
    everybody = Barrier(THREADS + 1)
    for _ in range(THREADS):
        executor.submit(everybody.wait)
    everybody.wait()
    woken = Event()
    executor.submit(woken.wait)
    patience: list[float | None] = []
    join = Thread.join

    def join_late(thread: Thread, timeout: float | None = None) -> None:
        """Let the late thread go on when it is waited for."""
        patience.append(timeout)
        woken.set()
        join(thread, timeout)

    monkeypatch.setattr(Thread, "join", join_late)
    executor.shutdown()
    assert all(seconds is None or seconds >= LATE for seconds in patience)
    assert not [thread for thread in executor._threads if thread.is_alive()]
