"""The kept trips of an account, on a real disk: what is written, kept, and removed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
import math
from pathlib import Path

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.fleet_tracker.account import line_file
from custom_components.fleet_tracker.account.storage import async_remove_stored
from custom_components.fleet_tracker.account.trips.kept import KeptTrips, folder_name
from custom_components.fleet_tracker.account.trips.month import MonthFile
from custom_components.fleet_tracker.account.trips.own import OwnTrips
from custom_components.fleet_tracker.account.trips.routes import (
    MOST_BYTES,
    MOST_OF_A_VEHICLE,
    RouteFile,
    newest,
)
from custom_components.fleet_tracker.model.trips.fold import TripSettings
from custom_components.fleet_tracker.model.trips.log import TripLog, take
from custom_components.fleet_tracker.model.trips.moments import Moment, moment, pack
from custom_components.fleet_tracker.model.trips.route import Route, WayPoint
from custom_components.fleet_tracker.model.trips.trip import Trip, VendorTrip
from custom_components.fleet_tracker.model.vehicle import Vehicle, VehicleDetails
from tests.model.drives import Day, Ways
from tests.turns import turns

from .test_records import BEGIN, trip

NOW = datetime(2026, 11, 6, 12, tzinfo=UTC)
ENTRY = "entry"
HOUR = timedelta(hours=1)
YEARS = timedelta(days=4000)


@pytest.fixture(autouse=True)
def _now(freezer: FrozenDateTimeFactory) -> None:
    freezer.move_to(NOW)


@pytest.fixture
def folder(hass: HomeAssistant) -> Path:
    """Return the folder of the account's trips."""
    return line_file.path_of(hass, folder_name(ENTRY))


type Open = Callable[..., KeptTrips]


@pytest.fixture
def make(hass: HomeAssistant) -> Open:
    """Return what makes the kept trips of the account anew, as after a restart."""

    def kept(*, keeps: bool = True, years: int = 3) -> KeptTrips:
        return KeptTrips(
            hass, ENTRY, keeps=keeps, years=years, on_set_aside=copies.append
        )

    return kept


copies: list[str] = []


@pytest.fixture(autouse=True)
def _no_copies() -> None:
    copies.clear()


def log(*trips: Trip, base_at: float = 0) -> TripLog:
    """Return a vehicle's log with trips, and a fix every 10 s of them on the way."""
    moments = b"".join(
        pack(
            moment(
                one.begin + number * 10,
                latitude=52 + number * 1e-3,
                longitude=5 + (number % 2) * 1e-3,
            )
        )
        for one in trips
        for number in range(10)
    )
    return TripLog(trips=trips, moments=moments, base_at=base_at)


def vehicle(vehicle_id: str, trips: TripLog) -> Vehicle:
    """Return a vehicle that remembers trips."""
    return Vehicle(
        vehicle_id=vehicle_id, details=VehicleDetails(name="Van"), trips=trips
    )


def contents(folder: Path) -> dict[str, str]:
    """Return what the files of a folder hold."""
    return {one.name: one.read_text() for one in folder.glob("*")}


def block(folder: Path) -> None:
    """Put a file where the folder of trips has to be."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("no folder")


def unblock(folder: Path) -> None:
    """Remove that file."""
    folder.unlink()


async def ids(kept: KeptTrips, vehicle_id: str = "1") -> list[str]:
    """Return the identities of all trips of a vehicle."""
    trips = await kept.async_trips(vehicle_id, NOW - YEARS, NOW + HOUR)
    return [one.trip_id for one in trips]


async def test_trip_is_on_disk_a_minute_after_its_end(
    hass: HomeAssistant, make: Open, folder: Path, freezer: FrozenDateTimeFactory
) -> None:
    """With its route; a further trip costs its own lines alone. All of it comes back."""
    kept = make()
    await kept.async_open({})
    first, second = trip(), trip("1793884000", 4000, 5000)
    kept.take("1", None, log(first))
    assert not (folder / "2026-11").exists()
    freezer.tick(59)
    async_fire_time_changed(hass)
    await hass.async_block_till_done(wait_background_tasks=True)
    size = (folder / "2026-11").stat().st_size
    assert 0 < size < 300
    kept.take("1", log(first), log(first, second))
    await kept.async_close()
    assert (folder / "2026-11").stat().st_size < 2 * size + 10
    kept = make()
    await kept.async_open({})
    assert await ids(kept) == [first.trip_id, second.trip_id]
    route = await kept.async_route("1", second.trip_id)
    assert route is not None
    assert len(route.points) == 10
    assert await kept.async_route("1", "5") is None
    assert kept.oldest == datetime(2026, 11, 1, tzinfo=UTC)
    await kept.async_close()


async def test_what_changes_is_replaced(make: Open) -> None:
    """A correction by its identity, and a trip that is part of another is gone."""
    kept = make()
    await kept.async_open({})
    first, second = trip(), trip("1793884000", 4000, 5000)
    kept.take("1", None, log(first, second))
    merged = trip(end=5000, metres=30_000, parents=(second.trip_id,), revision=1)
    kept.take("1", log(first, second), log(merged))
    (held,) = await kept.async_trips("1", NOW - YEARS, NOW)
    assert held.trip == merged
    # What is older than the evidence is only not remembered any more.
    kept.take("1", log(merged), log(base_at=BEGIN + 9000))
    assert await ids(kept) == [merged.trip_id]
    await kept.async_close()


async def test_mark_moves_along_to_a_trip_of_another_month(make: Open) -> None:
    """With who said it and when, also over a restart; a mark that is there stays."""
    kept = make()
    await kept.async_open({})
    first = trip("1793490000", 1_793_490_000 - BEGIN, 1_793_493_000 - BEGIN)
    second = trip("1793493600", 1_793_493_600 - BEGIN, 1_793_497_200 - BEGIN)
    merged = replace(
        second,
        found=replace(second.found, begin=first.begin),
        parents=(first.trip_id,),
    )
    for one in "12":
        kept.take(one, None, log(first, second))
        await kept.async_mark(one, first.trip_id, {"class": "business"}, "ann")
    await kept.async_mark("2", second.trip_id, {"driver": "Ben"}, "ben")
    for one in "12":
        kept.take(one, log(first, second), log(merged))
    await kept.async_close()
    kept = make()
    await kept.async_open({})
    (held,) = await kept.async_trips("1", NOW - YEARS, NOW)
    assert held.trip == merged
    assert (held.mark.class_, held.mark.marked_by) == ("business", "ann")
    assert held.mark.marked_at == NOW
    (held,) = await kept.async_trips("2", NOW - YEARS, NOW)
    assert (held.mark.class_, held.mark.driver) == (None, "Ben")
    await kept.async_close()


@pytest.mark.parametrize("how", ["vendor", "late fixes", "on the way"])
async def test_mark_moves_along_when_two_trips_become_one(make: Open, how: str) -> None:
    """At once, though the correction is told later; no metre is kept twice meanwhile."""
    kept = make()
    await kept.async_open({})
    # It drives on to the east, back to that place, and on again.
    day = Day(1, Ways(interval=60, straight=1e9, corner=0, key=False), begin=BEGIN)
    day.stand(1800)
    begin = day.now
    turns = []
    legs = (900, 20_000) if how == "on the way" else (9000, 6000)
    for metres in (legs[0], 10_000, 10_000, legs[1]):
        day.roll(metres)
        turns.append(day.now)
        day.heading += math.pi
    day.stand(1800)
    late = [one for one in day.moments if turns[0] + 30 < one.at < turns[2] - 30]
    heard = [one for one in day.moments if one not in late]
    later = [one for one in heard if how == "on the way" and one.at > turns[2] + 900]
    heard = [one for one in heard if one not in later]
    log, now = TripLog(), 0.0

    async def take_in(moments: list[Moment], *vendors: VendorTrip) -> None:
        nonlocal log
        told = take(log, moments, now, TripSettings(), vendors)
        kept.take("1", log, told.log)
        log = told.log
        known = OwnTrips(kept, {"1": vehicle("1", log)})
        shown = (await known.async_trips(NOW - YEARS, NOW)).get("1", ())
        for one, other in pairwise(shown):
            assert one.found.until <= other.found.begin

    for one in heard:
        now = one.at
        await take_in([one])
    now += 90
    await take_in([])
    trips = await kept.async_trips("1", NOW - YEARS, NOW)
    assert len(trips) == (1 if how == "on the way" else 2)
    marked = trips[0 if how == "on the way" else -1]
    await kept.async_mark("1", marked.trip_id, {"class": "business"}, "ann")
    if how == "vendor":
        whole = VendorTrip(begin=begin, end=turns[3], distance_m=35_000)
        await take_in([], whole)
    else:
        await take_in(late)
    now += 90
    await take_in([])
    for one in later:
        now = one.at
        await take_in([one])
    now += 900
    await take_in([])
    (held,) = await kept.async_trips("1", NOW - YEARS, NOW)
    assert held.trip_id == log.trips[0].trip_id
    assert (held.mark.class_, held.mark.marked_by) == ("business", "ann")
    await kept.async_close()


async def test_trips_are_found_by_time(make: Open) -> None:
    """Those that overlap it, of the month before too, in order."""
    kept = make()
    await kept.async_open({})
    over_midnight = trip("1793490000", 1_793_490_000 - BEGIN, 1_793_493_600 - BEGIN)
    kept.take("1", None, log(over_midnight, trip()))
    kept.take("2", None, log(trip()))
    begin = datetime(2026, 11, 1, tzinfo=UTC)
    assert datetime.fromtimestamp(over_midnight.begin, UTC) < begin
    found = await kept.async_all_trips(begin, NOW)
    assert {one: [kept.trip_id for kept in held] for one, held in found.items()} == {
        "1": ["1793490000", "1793880000"],
        "2": ["1793880000"],
    }
    assert await kept.async_trips("1", NOW, NOW + HOUR) == []
    assert await kept.async_trip("1", "1793490000") is not None
    assert await kept.async_trip("2", "1793490000") is None
    await kept.async_close()


async def test_marks_and_readings_are_on_disk_at_once(make: Open) -> None:
    """With the user and the time; what makes no sense is refused."""
    kept = make()
    await kept.async_open({})
    kept.take("1", None, log(trip()))
    trip_id = trip().trip_id
    held = await kept.async_mark(
        "1", trip_id, {"class": "business", "purpose": "A\nB"}, "ann"
    )
    assert (held.mark.class_, held.mark.purpose, held.mark.marked_by) == (
        "business",
        "A B",
        "ann",
    )
    unchanged = await kept.async_mark("1", trip_id, {"class": "business"}, "bob")
    assert unchanged.changes == held.changes
    for said, error in (
        ({"class": "holiday"}, ValueError),
        ({"colour": "red"}, ValueError),
    ):
        with pytest.raises(error):
            await kept.async_mark("1", trip_id, said, None)
    with pytest.raises(KeyError):
        await kept.async_mark("1", "7", {"class": "private"}, None)
    await kept.async_note_reading("1", 12_345, NOW, "ann")
    # Without a stop.
    again = make()
    await again.async_open({})
    found = await again.async_trip("1", trip_id)
    assert found is not None
    assert found.mark == held.mark
    (reading,) = await again.async_readings("1", NOW, NOW + HOUR)
    assert reading.kilometres == 12_345
    await again.async_close()
    await kept.async_close()


async def test_what_a_crash_kept_from_being_written_is_written_at_the_start(
    make: Open,
) -> None:
    """The vehicles may know more than the files, and the files more than the vehicles."""
    kept = make()
    await kept.async_open({})
    kept.take("1", None, log(trip()))
    await kept.async_close()
    corrected = replace(trip(metres=25_000), revision=1)
    second = trip("1793884000", 4000, 5000)
    kept = make()
    last = await kept.async_open(
        {
            "1": vehicle("1", log(corrected, second)),
            "2": vehicle("2", TripLog()),
        }
    )
    assert last == {}
    (one, other) = await kept.async_trips("1", NOW - YEARS, NOW)
    assert (one.trip, other.trip) == (corrected, second)
    await kept.async_close()
    # The second one became part of the third, which was told and not kept.
    third = replace(trip("1793883500", 3500, 5000), parents=(second.trip_id,))
    kept = make()
    await kept.async_open({"1": vehicle("1", log(corrected, third))})
    assert await ids(kept) == [one.trip_id, third.trip_id]
    kept.take("1", log(corrected, third), log(corrected, second))
    await kept.async_close()
    kept = make()
    assert await kept.async_open({"1": vehicle("1", TripLog())}) == {"1": second}
    assert await kept.async_last("1") == second
    await kept.async_close()


async def test_vehicle_that_is_gone_leaves_nothing_behind(
    hass: HomeAssistant, make: Open, folder: Path
) -> None:
    """No trip, no mark and no route on disk, also of what was not written yet."""
    kept = make()
    await kept.async_open({})
    kept.take("1", None, log(trip()))
    kept.take("2", None, log(trip()))
    await kept.async_mark("1", trip().trip_id, {"driver": "Ann"}, None)
    await kept.async_forget(["1"])
    await kept.async_close()
    content = "".join(contents(folder).values())
    assert '"1"' not in content
    assert "Ann" not in content
    assert content.count('"2"') == 2
    await async_remove_stored(hass, ENTRY)
    assert contents(folder) == {}


async def test_nothing_is_kept_where_that_is_turned_off(
    make: Open, folder: Path
) -> None:
    """What was kept before stays until it is too old."""
    kept = make()
    await kept.async_open({})
    kept.take("1", None, log(trip()))
    await kept.async_close()
    before = contents(folder)
    kept = make(keeps=False)
    second = trip("1793884000", 4000, 5000)
    await kept.async_open({"1": vehicle("1", log(trip(), second))})
    kept.take("1", log(trip()), log(trip(), second))
    await kept.async_close()
    assert contents(folder) == before
    assert await ids(kept) == [trip().trip_id]


async def test_too_old_and_too_many_trips_are_removed(make: Open, folder: Path) -> None:
    """Months older than the years that are kept; of too many trips the oldest months."""
    kept = make(years=3)
    await kept.async_open({})
    days = [
        datetime(year, month, 20, tzinfo=UTC)
        for year, month in ((2023, 10), (2023, 11), (2026, 9), (2026, 10), (2026, 11))
    ]
    of_days = [
        trip(
            str(int(day.timestamp())),
            day.timestamp() - BEGIN,
            day.timestamp() - BEGIN + 900,
        )
        for day in days
    ]
    kept.take("1", None, log(*of_days))
    kept.take("2", None, log(of_days[2]))
    await kept.async_tidy()
    assert await ids(kept) == [one.trip_id for one in of_days[1:4]]
    await kept.async_close()
    assert not (folder / "2023-10").exists()
    kept = make()
    await kept.async_open({})
    await kept.async_tidy(most_of_a_vehicle=2)
    trips = await kept.async_trips("1", NOW - YEARS, NOW + YEARS)
    assert [one.trip_id for one in trips] == [one.trip_id for one in of_days[3:]]
    assert await ids(kept, "2") == [of_days[2].trip_id]
    await kept.async_close()


async def test_damaged_file_is_set_aside_and_the_rest_is_kept(
    make: Open, folder: Path
) -> None:
    """A copy stays, and it is told once."""
    kept = make()
    await kept.async_open({})
    kept.take("1", None, log(trip()))
    await kept.async_close()
    file = folder / "2026-11"
    file.write_bytes(file.read_bytes() + b"\xff nonsense\n")
    kept = make()
    await kept.async_open({})
    assert await ids(kept) == [trip().trip_id]
    (copy,) = copies
    assert (folder / copy).read_bytes().endswith(b"\xff nonsense\n")
    assert "nonsense" not in file.read_text()
    await kept.async_close()


async def test_folder_that_cannot_be_read_keeps_no_account_from_running(
    make: Open, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is told, and trips that end meanwhile wait."""
    block(folder)
    kept = make()
    assert await kept.async_open({"1": vehicle("1", TripLog())}) == {}
    assert "Kept trips cannot be read" in caplog.text
    kept.take("1", None, log(trip()))
    unblock(folder)
    await kept.async_close()
    again = make()
    await again.async_open({})
    assert await ids(again) == [trip().trip_id]
    await again.async_close()


async def test_nothing_is_written_once_it_was_closed(make: Open, folder: Path) -> None:
    """After a reload another one writes the files, and a removed account has none."""
    old = make()
    await old.async_open({})
    old.take("1", None, log(trip()))
    await old.async_close()
    new = make()
    await new.async_open({})
    second = trip("1793884000", 4000, 5000)
    new.take("1", None, log(second))
    await new.async_close()
    written = contents(folder)
    for late in (
        old.async_mark("1", trip().trip_id, {"class": "private"}, None),
        old.async_note_reading("1", 5, NOW - YEARS, None),
        old.async_tidy(),
    ):
        with pytest.raises(OSError, match="not run"):
            await late
    old.take("1", None, log(trip("1793888000", 8000, 9000)))
    await old.async_forget(["1"])
    assert contents(folder) == written


async def test_vehicle_that_is_removed_right_before_the_end_is_gone(
    hass: HomeAssistant, make: Open, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reload waits until its trips are removed."""
    kept = make()
    await kept.async_open({})
    kept.take("1", None, log(trip()))
    kept.take("2", None, log(trip()))
    await kept.async_route("1", trip().trip_id)
    goes_on = asyncio.Event()
    forget = MonthFile.async_forget

    async def forget_late(month: MonthFile, vehicle_ids: frozenset[str]) -> None:
        await goes_on.wait()
        await forget(month, vehicle_ids)

    monkeypatch.setattr(MonthFile, "async_forget", forget_late)
    forgetting = hass.async_create_task(kept.async_forget(["1"]))
    closing = hass.async_create_task(kept.async_close())
    await turns()
    assert not closing.done()
    goes_on.set()
    await asyncio.gather(forgetting, closing)
    assert contents(folder)["2026-11"].count('"trip"') == 1
    assert '"1",' not in "".join(contents(folder).values())


async def test_mark_that_the_disk_does_not_take_is_tried_again(
    hass: HomeAssistant,
    make: Open,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The user is told that it failed; it is shown, and so it has to be kept."""
    kept = make()
    await kept.async_open({})
    kept.take("1", None, log(trip()))
    await kept.async_route("1", trip().trip_id)
    freezer.tick(61)
    async_fire_time_changed(hass)
    await hass.async_block_till_done(wait_background_tasks=True)

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr("custom_components.fleet_tracker.account.line_file.os.write", full)
        with pytest.raises(OSError, match="space"):
            await kept.async_mark("1", trip().trip_id, {"class": "private"}, None)
    freezer.tick(61)
    async_fire_time_changed(hass)
    await hass.async_block_till_done(wait_background_tasks=True)
    again = make()
    await again.async_open({})
    found = await again.async_trip("1", trip().trip_id)
    assert found is not None
    assert found.mark.class_ == "private"
    await again.async_close()
    await kept.async_close()


async def test_full_disk_loses_nothing(
    hass: HomeAssistant,
    make: Open,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is tried again every minute, and told once."""
    kept = make()
    await kept.async_open({})

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr("custom_components.fleet_tracker.account.line_file.os.write", full)
        kept.take("1", None, log(trip()))
        for _ in range(3):
            freezer.tick(61)
            async_fire_time_changed(hass)
            await hass.async_block_till_done(wait_background_tasks=True)
    assert caplog.text.count("Trips cannot be kept") == 1
    freezer.tick(61)
    async_fire_time_changed(hass)
    await hass.async_block_till_done(wait_background_tasks=True)
    again = make()
    await again.async_open({})
    assert await ids(again) == [trip().trip_id]
    assert await again.async_route("1", trip().trip_id) is not None
    await again.async_close()
    await kept.async_close()


# --- routes ---------------------------------------------------------------------------------

LONG = Route(tuple(WayPoint(BEGIN + n, 52 + n * 1e-3, 5.0) for n in range(4)))


async def test_routes_of_the_last_50_trips_of_a_vehicle_are_kept(
    hass: HomeAssistant,
) -> None:
    """Another vehicle's stay. The file is written anew only now and then."""
    file = RouteFile(hass, "routes")
    await file.async_load()
    file.add("2", "7", LONG)
    for number in range(1000, 1200):
        file.add("1", str(number), LONG)
        await file.async_save()
    assert await file.async_route("1", "1199") == LONG
    assert await file.async_route("1", "1150") == LONG
    assert await file.async_route("1", "1100") is None
    assert await file.async_route("2", "7") == LONG
    path = line_file.path_of(hass, "routes")
    kept = newest(path.read_text().splitlines())
    assert len(kept) == MOST_OF_A_VEHICLE + 1
    assert len(path.read_text().splitlines()) < 70
    file.add_gone("1", "1199")
    await file.async_save()
    again = RouteFile(hass, "routes")
    await again.async_load()
    assert await again.async_route("1", "1199") is None


def test_routes_are_no_more_than_20_mb() -> None:
    """Those of the oldest trips go first, whosever they are."""
    line = '["route","{}","{}","' + "?" * 4000 + '","?",[]]'
    lines = [
        line.format(vehicle_id, 1000 + number)
        for number in range(50)
        for vehicle_id in range(120)
    ]
    assert sum(map(len, lines)) > MOST_BYTES
    kept = newest(lines)
    assert MOST_BYTES / 2 < sum(map(len, kept)) < MOST_BYTES
    assert set(lines[-len(kept) + 120 :]) <= set(kept) <= set(lines[-len(kept) - 120 :])
