"""What is remembered of a frozen time tells the same as what is worked out each time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
import sys
import time
from types import ModuleType
from zoneinfo import ZoneInfo

from freezegun import api, freeze_time
from homeassistant.util import dt as dt_util

START = datetime(2025, 10, 9, 9, 0, tzinfo=UTC)


def told() -> tuple[float, float, datetime, datetime, datetime]:
    """Return the time in all forms."""
    amsterdam = ZoneInfo("Europe/Amsterdam")
    return (
        time.time(),
        time.monotonic(),
        dt_util.utcnow(),
        datetime.now(amsterdam),
        datetime.now(),
    )


def test_every_form_follows_the_time() -> None:
    """Whether it is moved on, put back, frozen within a frozen time, or let go."""
    with freeze_time(START) as frozen:
        for move in (0.0, 2.5, -7200, 1e7):
            frozen.tick(move)
            for _ in range(2):
                unix, monotonic, utc, local, plain = told()
                assert unix == monotonic == utc.timestamp() == local.timestamp()
                assert utc.replace(tzinfo=None) == plain == frozen.time_to_freeze
        outer = told()
        with freeze_time(START + timedelta(days=400)):
            assert told()[2] == START + timedelta(days=400)
        assert told() == outer
    assert dt_util.utcnow() - START > timedelta(days=1)
    assert time.monotonic() != outer[1]


def test_time_zone_of_the_machine() -> None:
    """A machine that is ahead of the frozen time says so after one that is not."""
    with freeze_time(START):
        assert told()[4].hour == 9
    with freeze_time(START, tz_offset=2):
        assert told()[4].hour == 11


def test_ticking_time() -> None:
    """A time that goes on by itself is never told again."""
    with freeze_time(START, auto_tick_seconds=1):
        assert dt_util.utcnow() < dt_util.utcnow()
        assert time.monotonic() < time.monotonic()


def test_modules_that_are_loaded_or_grow() -> None:
    """Modules that begin to tell the time are found; afterwards theirs is the real one."""
    module = ModuleType("tells_no_time_yet")
    sys.modules[module.__name__] = module
    try:
        with freeze_time(START):
            pass
        vars(module)["clock"] = api.real_time
        with freeze_time(START):
            assert vars(module)["clock"]() == START.timestamp()
            late = ModuleType("loaded_late")
            vars(late)["clock"] = time.time
            sys.modules[late.__name__] = late
        assert vars(module)["clock"] is api.real_time
        assert vars(late)["clock"] is api.real_time
    finally:
        for name in ("tells_no_time_yet", "loaded_late"):
            sys.modules.pop(name, None)


def test_callers_that_keep_the_real_time() -> None:
    """Of a module that is to be ignored, each call gets the real time; of others none does."""
    asking = ModuleType("asks_for_the_time")
    exec("import time\ndef ask():\n    return time.time()", vars(asking))  # noqa: S102
    with freeze_time(START, ignore=["asks_for_the_time"]):
        for _ in range(2):
            assert asking.ask() > START.timestamp()
            assert time.time() == START.timestamp()
    with freeze_time(START):
        assert asking.ask() == START.timestamp()
