"""The driven distances of the past as statistics, in a real recorder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
import logging
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder
from homeassistant.components.recorder.statistics import (
    get_metadata,
    statistics_during_period,
)
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
)

from custom_components.fleet_tracker.account import distance_statistics
from custom_components.fleet_tracker.const import DOMAIN
from custom_components.fleet_tracker.contract.errors import CannotConnect
from custom_components.fleet_tracker.contract.history import (
    HistoryKind,
    HistoryQuery,
    Trip,
)
from custom_components.fleet_tracker.model.hours import Metres
from tests.actions.calls import call, refused, trackers
from tests.actions.drives import STEP, at, drive, way
from tests.common import START, cloud_entry, elapse, listener_entry, set_up
from tests.neutral_vendor import Clouds, Past, told

type Table = dict[str, list[tuple[str, float, float]]]


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave no pause between questions."""
    monkeypatch.setattr(distance_statistics, "PAUSE", 0)


async def table(hass: HomeAssistant, recorder: Recorder) -> Table:
    """Return all rows by names: local time, kilometres of the hour, and the sum."""
    await async_wait_recording_done(hass)
    metadata = await recorder.async_add_executor_job(
        partial(get_metadata, hass, statistic_source=DOMAIN)
    )
    found = await recorder.async_add_executor_job(
        partial(
            statistics_during_period,
            hass,
            datetime(2020, 1, 1, tzinfo=UTC),
            None,
            set(metadata),
            "hour",
            None,
            {"state", "sum"},
        )
    )
    return {
        metadata[one][1]["name"] or "": [
            (
                dt_util.as_local(dt_util.utc_from_timestamp(row["start"])).strftime(
                    "%m-%d %H"
                ),
                round(row["state"] or 0, 3),
                round(row["sum"] or 0, 3),
            )
            for row in rows
        ]
        for one, rows in found.items()
    }


def sums_up(rows: Sequence[tuple[str, float, float]]) -> bool:
    """Tell whether each sum is that of all hours until then."""
    total = 0.0
    for _, driven, told_sum in rows:
        total += driven
        if abs(total - told_sum) > 0.001:
            return False
    return True


async def test_past_of_an_account(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    clouds: Clouds,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The vendor is asked once for a month before, and for more where that is wanted."""
    freezer.move_to(START)
    cloud = clouds["acme"]
    cloud.untold = {HistoryKind.TRIPS}
    cloud.past = {"1": Past(kilometres=12.5)}
    cloud.past_errors = {"1": CannotConnect("No answer")}
    cloud.tell(told("1", START, name="Van"), told("2", START, name="Bus"))
    entry = cloud_entry()
    await set_up(hass, entry)
    # An outage is no answer: it is asked again with the next day.
    assert "Van distance" not in await table(hass, recorder_mock)
    del cloud.past_errors["1"]
    freezer.move_to("2025-10-10T07:00:00+00:00")
    await elapse(hass, freezer, 601)
    van = (await table(hass, recorder_mock))["Van distance"]
    assert van[0] == ("09-09 00", 12.5, 12.5)
    # The day on which it was added is of the vendor until that hour.
    assert van[-1] == ("10-09 00", 12.5, 31 * 12.5)
    assert len(van) == 31
    assert "Bus distance" not in await table(hass, recorder_mock)

    asked = len(cloud.queries)
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert len(cloud.queries) == asked
    (tracker,) = trackers(hass, entry, "1")
    answer = await call(
        hass,
        "import_history",
        entity_id=tracker,
        begin="2025-09-08T12:00:00",
        end="2025-09-09T12:00:00",
    )
    assert answer[tracker]["distance"] == 25
    assert answer[tracker]["statistic_id"].startswith("fleet_tracker:van_")
    assert answer[tracker]["statistic_id"].endswith("_distance")
    # A day earlier: all sums behind it grow.
    more = (await table(hass, recorder_mock))["Van distance"]
    assert [row[:2] for row in more] == [("09-08 00", 12.5), *(r[:2] for r in van)]
    assert sums_up(more)
    await call(
        hass,
        "import_history",
        wants_response=False,
        entity_id=tracker,
        begin="2025-09-01",
        end="2025-10-10",
    )
    await call(
        hass,
        "import_history",
        wants_response=False,
        entity_id=tracker,
        begin="2025-09-01",
        end="2025-10-10",
    )
    twice = (await table(hass, recorder_mock))["Van distance"]
    assert len(twice) == 39
    assert sums_up(twice)

    # Where the vendor lists trips, their kilometers count in the hours of each trip.
    cloud.untold = set()
    begin = datetime(2025, 9, 5, 10, 30, tzinfo=dt_util.get_default_time_zone())
    cloud.past["2"] = Past(
        trips=[Trip(begin=begin, end=begin + timedelta(hours=1), distance=9)]
    )
    await call(
        hass,
        "import_history",
        wants_response=False,
        entity_id=trackers(hass, entry, "2"),
        begin="2025-09-01",
        end="2025-10-10",
    )
    assert (await table(hass, recorder_mock))["Bus distance"] == [
        ("09-05 10", 4.5, 4.5),
        ("09-05 11", 4.5, 9),
    ]
    # They go with the vehicle, and are asked for anew if it comes back.
    entry.runtime_data.async_forget("2")
    await hass.async_block_till_done(wait_background_tasks=True)
    assert set(await table(hass, recorder_mock)) == {"Van distance"}
    assert "2" not in entry.runtime_data.own_memory.get("distances_since")
    assert "2" not in entry.runtime_data.own_memory.get("distances_imported")
    await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert await table(hass, recorder_mock) == {}
    # What Home Assistant does not like of statistics it says in the log.
    assert [
        record.getMessage()
        for record in caplog.records
        if record.levelno >= logging.WARNING and "statistic" in record.getMessage()
    ] == []


async def test_what_nobody_tells_is_refused_before_others_are_asked(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    clouds: Clouds,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A listener tells nothing of the time before it; the cloud is asked for nothing then."""
    freezer.move_to(START)
    cloud = clouds["acme"]
    cloud.past = {"1": Past(kilometres=12.5)}
    cloud.tell(told("1", START, name="Van"))
    polled, listener = cloud_entry(), listener_entry("port", "9")
    await set_up(hass, polled)
    await set_up(hass, listener)
    clouds["port"].push(told("9", START))
    await hass.async_block_till_done(wait_background_tasks=True)
    van, bus = trackers(hass, polled, "1"), trackers(hass, listener, "9")
    asked = len(cloud.queries)
    period: dict[str, Any] = {"begin": "2025-09-01", "end": "2025-09-10"}
    error = await refused(hass, "import_history", entity_id=[*van, *bus], **period)
    assert "does not tell this of the past" in str(error)
    assert len(cloud.queries) == asked
    answer = await call(hass, "import_history", entity_id=van, **period)
    assert answer.keys() == set(van)
    assert len(cloud.queries) > asked


async def test_what_was_found_since(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    clouds: Clouds,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A day is written when it is over, in the hours in which it was driven."""
    freezer.move_to(START)
    entry = listener_entry("port", "9")
    await set_up(hass, entry)
    clouds["port"].push(told("9", START))
    drive(clouds, freezer, START + timedelta(minutes=55))
    await hass.async_block_till_done()
    assert await table(hass, recorder_mock) == {}
    freezer.move_to("2025-10-10T07:00:00+00:00")
    await elapse(hass, freezer, 601)
    (rows,) = (await table(hass, recorder_mock)).values()
    assert [row[0] for row in rows] == ["10-09 02", "10-09 03"]
    assert rows[-1][2] == pytest.approx(6.56, abs=0.15)
    assert sums_up(rows)
    # Nothing is written twice, and the next day goes on from there.
    drive(clouds, freezer, datetime(2025, 10, 10, 15, 0, tzinfo=UTC), first=60)
    await hass.async_block_till_done()
    freezer.move_to("2025-10-11T07:00:00+00:00")
    await elapse(hass, freezer, 601)
    (later,) = (await table(hass, recorder_mock)).values()
    assert later[:2] == rows
    assert [row[0] for row in later[2:]] == ["10-10 08"]
    assert later[-1][2] == pytest.approx(13.1, abs=0.3)
    (tracker,) = trackers(hass, entry, "9")
    answer = await call(hass, "import_history", entity_id=tracker, begin="2025-09-01")
    assert answer[tracker]["distance"] == pytest.approx(later[-1][2])
    (again,) = (await table(hass, recorder_mock)).values()
    assert again == later
    # A drive that was not heard of is written when it is, days after, and all sums grow.
    freezer.move_to("2025-10-14T12:00:00+00:00")
    for number, (time, _, speed) in enumerate(
        way(datetime(2025, 10, 10, 10, 0, tzinfo=UTC))
    ):
        # It drives out, and back to where it was parked.
        latitude = 52 + STEP * (59 + max(0, min(number, 59 - number)))
        clouds["port"].push(at(time, latitude, speed))
    await hass.async_block_till_done()
    await elapse(hass, freezer, 120)
    (late,) = (await table(hass, recorder_mock)).values()
    assert [row[0] for row in late[2:]] == ["10-10 03", "10-10 08"]
    assert late[-1][2] == pytest.approx(19.7, abs=0.4)
    assert sums_up(late)


async def test_vehicle_that_is_removed_meanwhile_leaves_no_statistics(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    clouds: Clouds,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nor is it noted as imported; the others of the account are written."""
    freezer.move_to(START)
    cloud = clouds["acme"]
    cloud.untold = {HistoryKind.TRIPS}
    cloud.tell(told("1", START, name="Van"), told("2", START, name="Bus"))
    entry = cloud_entry()

    async def answer_late(_: object, query: HistoryQuery) -> Mapping[str, Metres]:
        coordinator = entry.runtime_data
        if coordinator.vehicle("1") is not None and coordinator.vehicle("2"):
            coordinator.async_forget("1")
            await hass.async_block_till_done()
        begin = int(query.begin.timestamp())
        return {one: {begin: 12_500} for one in query.vehicle_ids}

    monkeypatch.setattr(distance_statistics, "_from_distances", answer_late)
    await set_up(hass, entry)
    assert set(await table(hass, recorder_mock)) == {"Bus distance"}
    assert entry.runtime_data.own_memory.get("distances_imported") == ["2"]


async def test_account_that_is_removed_meanwhile_leaves_no_statistics(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    clouds: Clouds,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also where the vendor answers after that, and whoever asked is told why."""
    freezer.move_to(START)
    cloud = clouds["acme"]
    cloud.untold = {HistoryKind.TRIPS}
    cloud.tell(told("1", START, name="Van"))
    entry = cloud_entry()
    await set_up(hass, entry)
    await table(hass, recorder_mock)

    async def answer_late(_: object, query: HistoryQuery) -> Mapping[str, Metres]:
        if entry.state is ConfigEntryState.LOADED:
            await hass.config_entries.async_remove(entry.entry_id)
        return {"1": {int(query.begin.timestamp()): 12_500}}

    monkeypatch.setattr(distance_statistics, "_from_distances", answer_late)
    error = await refused(
        hass,
        "import_history",
        entity_id=trackers(hass, entry, "1"),
        begin="2025-09-20",
        end="2025-09-22",
    )
    assert error.translation_key == "entry_not_loaded"
    assert await table(hass, recorder_mock) == {}
