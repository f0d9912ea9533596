"""Waits end by themselves, whatever is done to our clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from custom_components.fleet_tracker.model.elapsed import is_within, left

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        (None, False),
        (NOW, True),
        (NOW - HOUR + SECOND, True),
        (NOW - HOUR, False),
        (NOW + SECOND, False),
        (NOW + 10_000 * HOUR, False),
    ],
)
def test_within(since: datetime | None, expected: bool) -> None:
    """What is to come was noted by a clock that was ahead."""
    assert is_within(since, HOUR, NOW) is expected


@pytest.mark.parametrize(
    ("until", "expected"),
    [
        (None, timedelta()),
        (NOW - HOUR, timedelta()),
        (NOW, timedelta()),
        (NOW + SECOND, SECOND),
        (NOW + HOUR, HOUR),
        (NOW + HOUR + SECOND, timedelta()),
    ],
)
def test_left(until: datetime | None, expected: timedelta) -> None:
    """A wait that is longer than any is none."""
    assert left(until, HOUR, NOW) == expected
