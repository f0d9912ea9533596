"""Values read back after a command, and whether they prove it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from custom_components.fleet_tracker.model.confirmation import Expectation
from custom_components.fleet_tracker.model.vehicle import Value

SENT = datetime(2026, 11, 26, 12, tzinfo=UTC)
READ = SENT + timedelta(seconds=4)
NO_TIME = None
BEFORE, AFTER, AHEAD = (SENT + timedelta(seconds=s) for s in (-1, 2, 60))
LOCKED: Mapping[str, Value] = {"locked": True}
UNLOCKED: Mapping[str, Value] = {"locked": False}
UNKNOWN: Mapping[str, Value] = {}

type Row = tuple[Mapping[str, Value], Mapping[str, Value], datetime | None, bool]

# What was known before, what is shown, when the vehicle says that was measured, and
# whether it proves that the command was carried out.
OF_WHAT_FOLLOWS: list[Row] = [
    (UNLOCKED, LOCKED, NO_TIME, True),
    (UNLOCKED, LOCKED, AFTER, True),
    (UNLOCKED, UNLOCKED, AFTER, False),
    (LOCKED, LOCKED, NO_TIME, False),
    (LOCKED, LOCKED, AFTER, False),
    (UNKNOWN, LOCKED, AFTER, False),
    (UNLOCKED, UNKNOWN, AFTER, False),
]
OF_WHAT_WAS_COMMANDED: list[Row] = [
    (UNLOCKED, LOCKED, NO_TIME, True),
    (UNLOCKED, UNLOCKED, AFTER, False),
    (LOCKED, LOCKED, NO_TIME, False),
    (LOCKED, LOCKED, BEFORE, False),
    (LOCKED, LOCKED, SENT, False),
    (LOCKED, LOCKED, AFTER, True),
    (LOCKED, LOCKED, READ, True),
    (LOCKED, LOCKED, AHEAD, False),
    (UNKNOWN, LOCKED, BEFORE, False),
    (UNKNOWN, LOCKED, AFTER, True),
    (LOCKED, UNKNOWN, AFTER, False),
]


@pytest.mark.parametrize(("before", "shown", "measured_at", "proves"), OF_WHAT_FOLLOWS)
def test_reading_that_only_follows_from_the_command(
    before: Mapping[str, Value],
    shown: Mapping[str, Value],
    measured_at: datetime | None,
    proves: bool,
) -> None:
    """A rental locks and unlocks, but so do others: only a change proves it."""
    expected = Expectation(wanted=LOCKED, before=before)
    assert proves is expected.is_confirmed(shown, measured_at=measured_at, read_at=READ)


@pytest.mark.parametrize(
    ("before", "shown", "measured_at", "proves"), OF_WHAT_WAS_COMMANDED
)
def test_reading_that_was_commanded_itself(
    before: Mapping[str, Value],
    shown: Mapping[str, Value],
    measured_at: datetime | None,
    proves: bool,
) -> None:
    """A lock that was measured to be locked after the command is locked."""
    expected = Expectation(wanted=LOCKED, before=before, sent_at=SENT)
    assert proves is expected.is_confirmed(shown, measured_at=measured_at, read_at=READ)


def test_nothing_is_proven_where_nothing_is_wanted() -> None:
    """Nor is it by a part of what is wanted."""
    nothing = Expectation(wanted={}, before={}, sent_at=SENT)
    assert not nothing.is_confirmed(LOCKED, measured_at=AFTER, read_at=READ)
    both = Expectation(wanted={**LOCKED, "saddle": False}, before=UNLOCKED)
    assert not both.is_confirmed(LOCKED, measured_at=AFTER, read_at=READ)
    assert both.is_confirmed(
        {**LOCKED, "saddle": False}, measured_at=AFTER, read_at=READ
    )
