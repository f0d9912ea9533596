"""Days of planned driving: every trip is found once, and as long as it was.

Two days with one vehicle of each vendor belong to the tests; `script/soak --month` plays a
whole month with five of each.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
import logging
import os
from pathlib import Path
from random import Random
from typing import Any

from freezegun.api import FrozenDateTimeFactory

from custom_components.fleet_tracker.account.trips.records import KeptTrip
from custom_components.fleet_tracker.model.trips.trip import TripFlag
from tests.simulators.failures import Failure
from tests.week.town import BEGIN

from .house import LONG, ODOMETER, SHORT, SOURCES, MonthHouse, open_month
from .roads import PlannedTrip

DAYS = int(os.environ.get("MONTH_DAYS", "2"))
EACH = int(os.environ.get("MONTH_VEHICLES_EACH", "1"))
SEED = int(os.environ.get("MONTH_SEED", "1"))
OFF_BY_S = 3000.0
"""By how much a begin or an end may differ: outages are as long, and noticed late."""
ESTIMATED = {TripFlag.ESTIMATED, TripFlag.BEGIN_ESTIMATED}


@dataclass(frozen=True, slots=True)
class _Trouble:
    """What happens at an hour of a day: a restart, a kill, a reload, or an outage."""

    hour: float
    what: str


def troubles(random: Random, day: int) -> list[_Trouble]:
    """Return what goes wrong on a day: while all drive, while they stand, at night."""
    hours = sorted(random.uniform(*span) for span in ((6.2, 7.1), (11, 12.2), (16, 17)))
    kinds = [
        random.choice(("kill", "restart")),
        "outage" if day % 2 else "reload",
        random.choice(("kill", "restart", "reload", "outage")),
    ]
    random.shuffle(kinds)
    found = [_Trouble(*one) for one in zip(hours, kinds, strict=True)]
    return sorted(
        (*found, _Trouble(random.uniform(18, 23), random.choice(("kill", "restart")))),
        key=lambda one: one.hour,
    )


async def live(house: MonthHouse, random: Random) -> dict[str, list[KeptTrip]]:
    """Let the days pass, and return the trips that were kept of each vehicle."""
    plan = [
        _Trouble(24 * day + one.hour, one.what)
        for day in range(DAYS)
        for one in troubles(random, day)
    ]
    while plan:
        ends = next(
            (n for n, one in enumerate(plan) if one.what in ("kill", "restart")), None
        )
        now = plan if ends is None else plan[: ends + 1]
        plan = plan[len(now) :]
        async with house.up(killed=now[-1].what == "kill"):
            for trouble in now:
                await house.live_until(trouble.hour)
                if trouble.what == "reload":
                    for vendor in SOURCES:
                        await house.reload(vendor)
                elif trouble.what == "outage":
                    for layer in house.town.failures:
                        layer.begin(Failure.HTTP_503)
                    await house.live_until(trouble.hour + random.uniform(0.1, 0.6))
                    for layer in house.town.failures:
                        layer.end()
        house.freezer.tick(60)
    async with house.up():
        await house.live_until(24 * DAYS + 1)
        return await house.kept()


def compared(
    name: str, planned: tuple[PlannedTrip, ...], kept: list[KeptTrip]
) -> list[str]:
    """Return what differs between the trips that were made and those that were found.

    Of a drive that an outage hid nobody knows when it was: it is found once, late.
    """
    problems = []
    unknown, unheard = list(kept), list[PlannedTrip]()
    for one in planned:
        same = [it for it in unknown if _are_same(it, one)]
        unknown = [it for it in unknown if it not in same]
        if not same:
            unheard.append(one)
        elif len(same) > 1:
            problems.append(f"{name}: {len(same)} trips for {_told(one)}")
        elif (
            abs(same[0].found.begin - one.begin) > OFF_BY_S
            or abs(same[0].found.until - one.end) > OFF_BY_S
        ):
            problems.append(f"{name}: {_told(one)} is {_told_found(same[0])}")
    for one in unheard:
        late = next((it for it in unknown if _is_late(it, one)), None)
        if late is None:
            problems.append(f"{name}: no trip for {_told(one)}")
        else:
            unknown.remove(late)
    return problems + [f"{name}: nobody drove {_told_found(it)}" for it in unknown]


def _are_same(it: KeptTrip, one: PlannedTrip) -> bool:
    """Tell whether a trip was while one was made."""
    return min(it.found.until, one.end) - max(it.found.begin, one.begin) > 0


def _is_late(it: KeptTrip, one: PlannedTrip) -> bool:
    """Tell whether a trip, of which the begin is estimated, is one that was made before."""
    return (
        not it.found.flags.isdisjoint(ESTIMATED)
        and one.end <= it.found.begin <= one.end + OFF_BY_S
    )


def _told(one: PlannedTrip) -> str:
    begin = datetime.fromtimestamp(one.begin, UTC)
    return f"{begin:%m-%d %H:%M:%S}-{_clock(one.end)} {one.metres / 1000:.1f} km"


def _told_found(it: KeptTrip) -> str:
    return (
        f"{it.begin:%m-%d %H:%M:%S}-{_clock(it.found.until)}"
        f" {it.found.distance_m / 1000:.1f} km by {it.found.distance_source}"
        f" {', '.join(sorted(it.found.flags))}"
    )


def _clock(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%H:%M:%S}"


async def test_each_trip_once_and_as_long_as_it_was(
    hass_storage: dict[str, Any], freezer: FrozenDateTimeFactory, tmp_path: Path
) -> None:
    """With restarts, kills, reloads and outages, and with news that comes late or twice."""
    logging.disable(logging.INFO)
    freezer.move_to(BEGIN)
    random = Random(SEED)
    async with open_month(EACH, DAYS, SEED) as month:
        house = MonthHouse(
            month, tmp_path, freezer, hass_storage, lambda _: [], seed=SEED
        )
        kept = await live(house, random)
        lives = month.lives
    problems: list[str] = []
    driven: defaultdict[str | int, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for name, life in lives.items():
        found = kept.get(name, [])
        problems += compared(name, life.trips, found)
        vendor, number = name.split()
        source = SOURCES[vendor][int(number)]
        sums = driven[source if isinstance(source, int) else f"{vendor} {ODOMETER}"]
        sums[0] += sum(one.metres for one in life.trips)
        sums[1] += sum(one.found.distance_m for one in found)
        ratio = sum(one.found.distance_m for one in found) / sum(
            one.metres for one in life.trips
        )
        print(f"{name} ({source}): {len(found)} trips, {100 * ratio - 100:+.2f} %")  # noqa: T201
    for source, (planned, counted) in driven.items():
        off = counted / planned - 1
        print(f"{source}: {100 * off:+.2f} %")  # noqa: T201
        short = SHORT[source if isinstance(source, int) else ODOMETER]
        if not -short <= off <= LONG:
            problems.append(f"{source}: {100 * off:+.2f} % of {planned / 1000:.0f} km")
    twice = {
        key: count
        for key, count in house.told.items()
        if key[1] == "trip_ended" and count > 1
    }
    problems += [f"{key} was told {count} times" for key, count in twice.items()]
    assert not problems, "\n".join(problems)
