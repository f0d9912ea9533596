"""When an account counts as reachable, to the second, and when polls tell nothing more."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from custom_components.fleet_tracker.account.reachability import Reachability
from custom_components.fleet_tracker.model.derive import online_expires_at
from custom_components.fleet_tracker.model.merge import merge, refresh
from custom_components.fleet_tracker.model.rules import Rules
from custom_components.fleet_tracker.model.vehicle import (
    Reading,
    ReadingGroup,
    VehicleUpdate,
)
from tests.common import START

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


def story(text: str) -> Reachability:
    """Return an account after what happened to it, each with its second after the start.

    ``ok/60`` is a poll that succeeded and planned the next one in 60 s (``ok/-``: none),
    ``no`` one that failed, ``push`` a push that was verified.
    """
    account = Reachability(START)
    for event in text.split():
        second, _, what = event.partition(":")
        now = START + int(second) * SECOND
        what, _, interval = what.partition("/")
        if what == "push":
            account.note_push(now)
        elif what == "no":
            account.note_failure(now)
        else:
            account.note_success(now)
            account.plan(None if interval == "-" else int(interval) * SECOND)
    return account


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        # polls that do not fail
        ("", None),
        ("0:ok/60", None),
        ("0:ok/60 60:ok/60 7200:push", None),
        ("0:ok/-", None),
        ("0:no 60:ok/60", None),
        # the begin of set-up counts as the last success
        ("5:no", 600),
        ("5:no 20:no 50:no 590:no", 600),
        # 10 minutes, or 3 intervals
        ("0:ok/15 15:no", 600),
        ("0:ok/60 60:no 120:no", 600),
        ("30:ok/200 230:no", 630),
        ("0:ok/201 201:no", 603),
        ("0:ok/900 900:no", 2700),
        ("0:ok/900 900:ok/60 960:no", 1500),
        # a vendor that wants to be left alone for an hour planned nothing
        ("0:ok/60 60:no 3660:no", 600),
        # a push counts as long as a poll does
        ("0:ok/60 60:no 300:push", 900),
        ("0:ok/60 60:no 599:push 1198:push", 1798),
        ("0:ok/60 60:no 700:push", 1300),
        ("0:ok/300 100:push 300:no", 1000),
        ("5:no 10:push", 610),
        # a push before the last success adds nothing
        ("0:push 60:ok/60 120:no", 660),
        # a clock that was set back lets nothing count for ever
        ("9000:ok/60 9010:push 60:no", 660),
    ],
)
def test_until_when_an_account_is_reachable(text: str, ends: int | None) -> None:
    """To the second, whatever came in before."""
    account = story(text)
    if ends is None:
        assert account.is_reachable(START + timedelta(days=30))
        assert account.ends_at is None
    else:
        assert account.ends_at == START + ends * SECOND
        assert account.is_reachable(START + (ends - 1) * SECOND)
        assert not account.is_reachable(START + ends * SECOND)


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("", None),
        ("0:ok/60", None),
        ("0:ok/60 60:no", 600),
        ("0:ok/300 300:no", 900),
        # what is pushed says nothing of what polls told
        ("0:ok/60 60:no 300:push 590:push", 600),
    ],
)
def test_until_when_polled_data_counts(text: str, until: int | None) -> None:
    """As long as the account is reachable without pushes."""
    account = story(text)
    assert account.polled_until == (None if until is None else START + until * SECOND)
    assert account.polls_count(START + timedelta(seconds=599))
    assert account.polls_count(START + timedelta(days=1)) is (until is None)


# --- online ---------------------------------------------------------------------------------


def online(
    told_at: datetime, *, told: bool, heard_at: datetime | None
) -> VehicleUpdate:
    """Return that a vendor tells whether a vehicle is online."""
    group = ReadingGroup(
        name="online", measured_at=told_at, readings={Reading.ONLINE: told}
    )
    return VehicleUpdate(vehicle_id="1", groups=(group,), heard_at=heard_at)


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize(
    ("minute", "heard", "expected"),
    [
        # What the last poll told counts for as long as the account, whatever it was.
        (0, None, "told"),
        (9, None, "told"),
        (9, 8, "told"),
        # Then it follows from the last contact.
        (10, None, False),
        (10, 0, False),
        (10, 1, True),
        (30, 21, True),
        (31, 21, False),
    ],
)
def test_online_while_polls_fail(
    told: bool, minute: int, heard: int | None, expected: str | bool
) -> None:
    """It is believed as long as the last poll counts, then contact alone decides."""
    heard_at = None if heard is None else START + heard * MINUTE
    failing = Rules(polled_at=START)
    vehicle = merge(
        None, online(START, told=told, heard_at=heard_at), failing, START + 30 * MINUTE
    ).vehicle
    now = START + minute * MINUTE
    shown = refresh(vehicle, failing, now).vehicle.readings[Reading.ONLINE]
    assert shown is (told if expected == "told" else expected)
    # As soon as polls succeed again, the vendor's word counts.
    assert refresh(vehicle, Rules(), now).vehicle.readings[Reading.ONLINE] is told


def test_online_that_is_pushed_while_polls_fail() -> None:
    """It counts as long as if a poll had told it, and then no longer."""
    failing = Rules(polled_at=START)
    pushed_at = START + 20 * MINUTE
    vehicle = merge(
        None, online(pushed_at, told=True, heard_at=pushed_at), failing, pushed_at
    ).vehicle
    assert online_expires_at(vehicle, failing, pushed_at) == START + 30 * MINUTE
    later = refresh(vehicle, failing, START + 30 * MINUTE - SECOND).vehicle
    assert later.readings[Reading.ONLINE] is True
    ended = START + 30 * MINUTE
    later = refresh(vehicle, failing, ended).vehicle
    assert later.readings[Reading.ONLINE] is False
    assert online_expires_at(later, failing, ended) is None
    # While polls succeed, time changes nothing.
    assert online_expires_at(vehicle, Rules(), pushed_at) is None
