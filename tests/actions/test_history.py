"""The actions that tell of the past: one format, whoever the vendor is."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
import json
import logging
from typing import Any

from homeassistant.core import Context, HomeAssistant, SupportsResponse
from homeassistant.exceptions import ServiceValidationError, Unauthorized
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser

from custom_components.fleet_tracker.actions import history
from custom_components.fleet_tracker.actions.common_action import CommonAction
from custom_components.fleet_tracker.actions.history import (
    HISTORY_ACTIONS,
    POINTS,
    RECORDS,
)
from custom_components.fleet_tracker.const import DOMAIN
from custom_components.fleet_tracker.contract.errors import (
    CannotConnect,
    CommandUnsupported,
    VehicleUnavailable,
    VendorError,
)
from custom_components.fleet_tracker.contract.history import (
    HistoryKind,
    HistoryQuery,
    Place,
    RoutePoint,
    Stop,
    Trip,
    VendorHistory,
    one_by_one,
)
from custom_components.fleet_tracker.diagnostics import (
    async_get_config_entry_diagnostics,
)
from custom_components.fleet_tracker.model.vehicle import FixKind
from custom_components.fleet_tracker.offer.action import ActionEffect
from custom_components.fleet_tracker.services import COMMON_ACTIONS
from tests.common import START
from tests.neutral_vendor import Cloud, Clouds, Past, alarm

from .calls import call, refused, trackers

NOT_RECORDED = (
    "The vendor of this vehicle does not tell this of the past, and Home Assistant has no "
    "recorder that remembers it."
)
TOO_SLOW = "The vendor takes too long to tell this. Ask for a shorter time, or for fewer vehicles."
ACTIONS = [action.name for action in HISTORY_ACTIONS.values()]
LISTS = {
    "get_route": ("points", POINTS),
    "get_trips": ("trips", RECORDS),
    "get_stops": ("stops", RECORDS),
    "get_alarms": ("alarms", RECORDS),
}
EMPTY: dict[str, dict[str, Any]] = {
    **{action: {records: []} for action, (records, _) in LISTS.items()},
    "get_distance": {
        "distance": None,
        "begin": "2025-10-08T09:00:00+00:00",
        "end": "2025-10-09T09:00:00+00:00",
    },
}


def at(minutes: int) -> datetime:
    """Return a time of the last hours."""
    return START - timedelta(hours=3) + timedelta(minutes=minutes)


FULL = Past(
    route=(
        RoutePoint(
            time=at(0),
            latitude=52.1,
            longitude=4.2,
            speed=50,
            course=90,
            altitude=-3,
            accuracy=15,
            kind=FixKind.SATELLITE,
            ignition=True,
        ),
        RoutePoint(time=at(1), latitude=52.2, longitude=4.3),
    ),
    trips=(
        Trip(
            begin=at(0),
            end=at(30),
            begin_place=Place(latitude=52.1, longitude=4.2, address="Quay 1"),
            end_place=Place(latitude=52.3, longitude=4.4),
            distance=25.5,
            duration=1800,
            average_speed=51,
            top_speed=95,
            idle_time=60,
            consumption=2.1,
        ),
        Trip(begin=at(40), end=at(50)),
    ),
    stops=(
        Stop(
            begin=at(30),
            end=at(40),
            duration=600,
            place=Place(latitude=52.3, longitude=4.4, address="Quay 2"),
            idling=False,
        ),
        Stop(begin=at(50), idling=False),
        Stop(begin=at(10), end=at(11), duration=60, idling=True),
    ),
    alarms=(alarm(at(5), code="7", speed=120, since=at(4)),),
    kilometres=25.5,
)
ANSWERS: dict[str, dict[str, Any]] = {
    "get_route": {
        "points": [
            {
                "time": "2025-10-09T06:00:00+00:00",
                "latitude": 52.1,
                "longitude": 4.2,
                "speed": 50,
                "course": 90,
                "altitude": -3,
                "accuracy": 15,
                "kind": "satellite",
                "ignition": True,
            },
            {
                "time": "2025-10-09T06:01:00+00:00",
                "latitude": 52.2,
                "longitude": 4.3,
                "speed": None,
                "course": None,
            },
        ]
    },
    "get_trips": {
        "trips": [
            {
                "begin": "2025-10-09T06:00:00+00:00",
                "end": "2025-10-09T06:30:00+00:00",
                "begin_place": {
                    "latitude": 52.1,
                    "longitude": 4.2,
                    "address": "Quay 1",
                },
                "end_place": {"latitude": 52.3, "longitude": 4.4},
                "distance": 25.5,
                "duration": 1800,
                "average_speed": 51,
                "top_speed": 95,
                "idle_time": 60,
                "consumption": 2.1,
                "trip_id": None,
                "source": "vendor",
                "distance_source": "vendor",
            },
            {
                "begin": "2025-10-09T06:40:00+00:00",
                "end": "2025-10-09T06:50:00+00:00",
                "distance": None,
                "duration": None,
                "average_speed": None,
                "top_speed": None,
                "idle_time": None,
                "trip_id": None,
                "source": "vendor",
            },
        ]
    },
    "get_stops": {
        "stops": [
            {
                "begin": "2025-10-09T06:30:00+00:00",
                "end": "2025-10-09T06:40:00+00:00",
                "duration": 600,
                "latitude": 52.3,
                "longitude": 4.4,
                "address": "Quay 2",
                "idling": False,
            },
            {
                "begin": "2025-10-09T06:50:00+00:00",
                "end": None,
                "duration": None,
                "latitude": None,
                "longitude": None,
                "address": None,
                "idling": False,
            },
        ]
    },
    "get_alarms": {
        "alarms": [
            {
                "time": "2025-10-09T06:05:00+00:00",
                "type": "sos",
                "code": "7",
                "name": "The vendor's own name",
                "routine": False,
                "speed": 120,
                "since": "2025-10-09T06:04:00+00:00",
            }
        ]
    },
    "get_distance": {
        "distance": 25.5,
        "begin": "2025-10-08T09:00:00+00:00",
        "end": "2025-10-09T09:00:00+00:00",
    },
}


@pytest.mark.parametrize("action", ACTIONS)
async def test_format(
    hass: HomeAssistant, cloud: Cloud, acme: MockConfigEntry, action: str
) -> None:
    """What is always there is None where it is not known; the rest is absent then."""
    one, two = trackers(hass, acme, "1", "2")
    cloud.past["1"] = FULL
    answer = await call(hass, action, entity_id=[one, two])
    assert answer == {one: ANSWERS[action], two: EMPTY[action]}
    assert json.dumps(answer)
    (query,) = cloud.queries
    assert (query.begin, query.end) == (START - timedelta(days=1), START)


async def test_idling(hass: HomeAssistant, cloud: Cloud, acme: MockConfigEntry) -> None:
    """Stops are with the ignition off, or on."""
    (one,) = trackers(hass, acme, "1")
    cloud.past["1"] = FULL
    answer = await call(hass, "get_stops", entity_id=one, idling=True)
    assert [stop["duration"] for stop in answer[one]["stops"]] == [60]
    assert answer[one]["stops"][0]["idling"]


def many(count: int) -> Past:
    """Return a past of which there is much."""
    times = [START - timedelta(seconds=count - each) for each in range(count)]
    return Past(
        route=[RoutePoint(time=one, latitude=1, longitude=2) for one in times],
        trips=[Trip(begin=one, end=one) for one in times],
        stops=[Stop(begin=one, idling=False) for one in times],
        alarms=[alarm(one) for one in times],
    )


@pytest.mark.parametrize("action", LISTS)
@pytest.mark.parametrize("left_out", [0, 1])
@pytest.mark.parametrize("asked", [None, 3])
async def test_limit(
    hass: HomeAssistant,
    cloud: Cloud,
    acme: MockConfigEntry,
    action: str,
    left_out: int,
    asked: int | None,
) -> None:
    """The first are answered, and whether there are more; the vendor need not read on."""
    (one,) = trackers(hass, acme, "1")
    records, (usual, _) = LISTS[action]
    limit = asked or usual
    cloud.past["1"] = many(limit + left_out)
    fields: dict[str, Any] = {} if asked is None else {"limit": asked}
    answer = (await call(hass, action, entity_id=one, **fields))[one]
    assert len(answer[records]) == limit
    assert answer.get("truncated", False) is bool(left_out)
    beginning = "begin" if action in ("get_trips", "get_stops") else "time"
    first = START - timedelta(seconds=limit + left_out)
    assert answer[records][0][beginning] == first.isoformat()
    assert cloud.queries[0].limit == limit + 1


async def test_simplified_route(
    hass: HomeAssistant, cloud: Cloud, acme: MockConfigEntry
) -> None:
    """A straight road needs two points, a bend its corner; the limit counts what is left."""
    (one,) = trackers(hass, acme, "1")
    steps = [(n, 0) for n in range(2000)] + [(2000, n) for n in range(2000)]
    cloud.past["1"] = Past(
        route=[
            RoutePoint(
                time=START - timedelta(seconds=4000 - number),
                latitude=52 + north / 10_000,
                longitude=4 + east / 10_000,
                speed=number,
            )
            for number, (north, east) in enumerate(steps)
        ]
    )
    answer = (await call(hass, "get_route", entity_id=one, simplify=15))[one]
    assert [one["speed"] for one in answer["points"]] == [0, 2000, 3999]
    assert "truncated" not in answer
    answer = (await call(hass, "get_route", entity_id=one, simplify=15, limit=2))[one]
    assert [one["speed"] for one in answer["points"]] == [0, 2000]
    assert answer["truncated"]
    for wrong in (0, 1001, "much"):
        error = await refused(hass, "get_route", entity_id=one, simplify=wrong)
        assert error.translation_key == "invalid_fields"


async def test_long_answers_leave_turns_to_others(
    hass: HomeAssistant, cloud: Cloud, acme: MockConfigEntry
) -> None:
    """At most 200 records are made between two turns of the event loop, each twice."""
    (one,) = trackers(hass, acme, "1")
    turns = 0
    done = False

    async def others() -> None:
        nonlocal turns
        while not done:
            turns += 1
            await asyncio.sleep(0)

    async def turns_of(count: int) -> int:
        nonlocal turns, done
        cloud.past["1"] = many(count)
        turns, done = 0, False
        other = asyncio.ensure_future(others())
        answer = await call(hass, "get_route", entity_id=one, limit=10_000)
        done = True
        await other
        assert len(answer[one]["points"]) == count
        return turns

    few = await turns_of(0)
    assert await turns_of(10_000) >= few + 2 * 10_000 // 200


@pytest.mark.parametrize("action", LISTS)
async def test_limits_that_cannot_be(
    hass: HomeAssistant, cloud: Cloud, acme: MockConfigEntry, action: str
) -> None:
    """From one to a most, so that no answer grows without end."""
    (one,) = trackers(hass, acme, "1")
    _, (_, most) = LISTS[action]
    for wrong in (0, most + 1, "many"):
        error = await refused(hass, action, entity_id=one, limit=wrong)
        assert error.translation_key == "invalid_fields"
    assert cloud.queries == []
    assert await call(hass, action, entity_id=one, limit=most)
    error = await refused(hass, "get_distance", entity_id=one, limit=5)
    assert error.translation_key == "invalid_fields"


@pytest.mark.parametrize("action", ACTIONS)
async def test_periods_that_cannot_be(
    hass: HomeAssistant, cloud: Cloud, acme: MockConfigEntry, action: str
) -> None:
    """Reversed, to come, or longer than a year: refused before anybody is asked."""
    (one,) = trackers(hass, acme, "1")
    to_come = START + timedelta(hours=1)
    for end in ({}, {"end": (to_come + timedelta(days=1)).isoformat()}):
        error = await refused(
            hass, action, entity_id=one, begin=to_come.isoformat(), **end
        )
        assert isinstance(error, ServiceValidationError)
        assert error.translation_key == "period_in_future"
    for hours, key in ((-1, "period_reversed"), (366 * 24 + 1, "period_too_long")):
        begin = (START - timedelta(hours=hours)).isoformat()
        error = await refused(
            hass, action, entity_id=one, begin=begin, end=START.isoformat()
        )
        assert isinstance(error, ServiceValidationError)
        assert error.translation_key == key
    assert cloud.queries == []
    begin = (START - timedelta(days=366)).isoformat()
    assert await call(hass, action, entity_id=one, begin=begin)
    assert cloud.queries[0].begin == datetime(2024, 10, 8, 9, 0, tzinfo=UTC)


OWN = {**EMPTY, "get_alarms": {"error": NOT_RECORDED}}
"""What is known of a vehicle that did nothing yet, without the vendor and a recorder."""


@pytest.mark.parametrize("action", ACTIONS)
async def test_vendor_without_a_past(
    hass: HomeAssistant, acme: MockConfigEntry, port: MockConfigEntry, action: str
) -> None:
    """What we know ourselves is told; what nobody remembers is said in words."""
    (one,) = trackers(hass, acme, "1")
    (nine,) = trackers(hass, port, "9")
    answer = await call(hass, action, entity_id=[one, nine])
    assert answer == {one: EMPTY[action], nine: OWN[action]}
    if action == "get_alarms":
        error = await refused(hass, action, entity_id=nine)
        assert error.translation_key == "history_not_recorded"


@pytest.mark.parametrize("kind", HistoryKind)
async def test_vendor_that_tells_only_a_part(
    hass: HomeAssistant, cloud: Cloud, acme: MockConfigEntry, kind: HistoryKind
) -> None:
    """What it does not tell it is not even asked for: we tell what we know."""
    one, two = trackers(hass, acme, "1", "2")
    cloud.untold = {kind}
    for other, action in HISTORY_ACTIONS.items():
        answer = await call(hass, "get_trips", entity_id=one)
        cloud.queries.clear()
        if other is kind is HistoryKind.ALARMS:
            await refused(hass, action.name, entity_id=[one, two])
        else:
            answer = await call(hass, action.name, entity_id=[one, two])
            assert answer == {one: EMPTY[action.name], two: EMPTY[action.name]}
        assert len(cloud.queries) == (other is not kind)


async def test_one_that_takes_too_long(
    hass: HomeAssistant,
    cloud: Cloud,
    acme: MockConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A vendor is waited for no longer than told; what was answered by then counts."""
    one, two = trackers(hass, acme, "1", "2")
    cloud.past["1"] = FULL
    cloud.silent.add("2")
    monkeypatch.setattr(history, "LONGEST_ANSWER_S", 0)
    answer = await call(hass, "get_alarms", entity_id=[one, two])
    assert answer == {one: ANSWERS["get_alarms"], two: {"error": TOO_SLOW}}


@pytest.mark.parametrize("action", ACTIONS)
async def test_one_that_is_not_told_of(
    hass: HomeAssistant, clouds: Clouds, acme: MockConfigEntry, action: str
) -> None:
    """It takes no answer of another along, until the account itself fails."""
    one, two = trackers(hass, acme, "1", "2")
    clouds["acme"].past_errors["1"] = VehicleUnavailable()
    answer = await call(hass, action, entity_id=[one, two])
    assert answer == {
        one: {"error": "The vendor tells nothing about this vehicle."},
        two: EMPTY[action],
    }
    clouds["acme"].past_errors["1"] = CannotConnect()
    error = await refused(hass, action, entity_id=[one, two])
    assert error.translation_key == "cannot_connect"


COMMON: dict[str, dict[str, Any]] = {
    **{action: {} for action in ACTIONS},
    "export_trips": {"format": "csv"},
    "mark_trip": {"trip_id": "1", "purpose": "x"},
    "set_dashboard_reading": {"kilometers": 1},
    "import_history": {"begin": "2025-10-01T00:00:00+00:00"},
}
"""The fields of all actions that are offered for every vehicle."""


@pytest.mark.parametrize("action", COMMON_ACTIONS, ids=lambda one: one.name)
async def test_permission_of_every_common_action(
    hass: HomeAssistant, cloud: Cloud, acme: MockConfigEntry, action: CommonAction
) -> None:
    """What tells wants to read the tracker, what changes something to control it."""
    (one,) = trackers(hass, acme, "1")
    tells = action.effect is ActionEffect.TELLS
    caller = MockUser(groups=[]).add_to_hass(hass)
    for policy in ({}, {"control" if tells else "read": True}):
        caller.mock_policy({"entities": {"entity_ids": {one: policy}}})
        with pytest.raises(Unauthorized) as caught:
            await hass.services.async_call(
                DOMAIN,
                action.name,
                {"entity_id": one, **COMMON[action.name]},
                blocking=True,
                context=Context(user_id=caller.id),
                return_response=action.response is not SupportsResponse.NONE,
            )
        assert caught.value.permission == ("read" if tells else "control")
        assert caught.value.entity_id == one
    assert cloud.queries == []


@pytest.mark.parametrize("action", ACTIONS)
async def test_permission(
    hass: HomeAssistant, cloud: Cloud, acme: MockConfigEntry, action: str
) -> None:
    """Who may read a tracker may ask for its past, and nobody else."""
    one, two = trackers(hass, acme, "1", "2")
    caller = MockUser(groups=[]).add_to_hass(hass)
    caller.mock_policy({"entities": {"entity_ids": {one: {"read": True}}}})
    context = Context(user_id=caller.id)
    assert await call(hass, action, entity_id=one, context=context)
    cloud.queries.clear()
    with pytest.raises(Unauthorized) as caught:
        await call(hass, action, entity_id=[one, two], context=context)
    assert (caught.value.entity_id, caught.value.permission) == (two, "read")
    assert cloud.queries == []


async def test_past_stays_private(
    hass: HomeAssistant,
    cloud: Cloud,
    acme: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Places are neither logged nor in the diagnostics, nor shown by the records."""
    caplog.set_level(logging.DEBUG, "custom_components.fleet_tracker")
    (one,) = trackers(hass, acme, "1")
    cloud.past["1"] = FULL
    for action in ACTIONS:
        await call(hass, action, entity_id=one)
    told = json.dumps(await async_get_config_entry_diagnostics(hass, acme), default=str)
    for text in (told, caplog.text, repr(FULL)):
        for private in ("52.1", "4.2", "52.3", "Quay"):
            assert private not in text


async def test_nothing_is_told_by_default() -> None:
    """A vendor overrides what it tells."""

    class Silent(VendorHistory):
        offers = frozenset()

    query = HistoryQuery(vehicle_ids=("1",), begin=at(0), end=at(1), limit=1)
    silent = Silent()
    for ask in (silent.routes, silent.trips, silent.alarms, silent.distances):
        with pytest.raises(CommandUnsupported):
            await ask(query)
    with pytest.raises(CommandUnsupported):
        await silent.stops(query, idling=False)


async def test_one_by_one() -> None:
    """An error of the account ends the asking; that of a vehicle does not."""
    asked: list[str] = []
    errors: dict[str, VendorError] = {
        "1": VehicleUnavailable(),
        "3": CannotConnect(),
    }

    async def ask(vehicle_id: str) -> str:
        asked.append(vehicle_id)
        if vehicle_id in errors:
            raise errors[vehicle_id]
        return "told"

    query = HistoryQuery(vehicle_ids="1234", begin=at(0), end=at(1), limit=1)
    assert await one_by_one(query, ask) == {
        "1": errors["1"],
        "2": "told",
        "3": errors["3"],
        "4": errors["3"],
    }
    assert asked == ["1", "2", "3"]
