"""Records of the Open API that are no news."""

from __future__ import annotations

from datetime import timedelta
from unittest.mock import AsyncMock

from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import async_capture_events

from custom_components.fleet_tracker.contract.connection import PollResult
from custom_components.fleet_tracker.contract.errors import CannotConnect
from custom_components.fleet_tracker.model.vehicle import Reading
from custom_components.fleet_tracker.vendors.open_api.known_record import (
    SERVERS_OWN,
    KnownTrack,
)
from tests.common import written_since

from .conftest import CAR, START, Rig
from .test_mapping import SERVER_TIME, TRACK, track


def covers(known: dict[str, object], later: dict[str, object]) -> bool:
    """Tell whether a later record, as the example with other fields, is no news."""
    record = KnownTrack.of({**TRACK, **known}, track(**known), set())
    return record is not None and record.covers({**TRACK, **later}, SERVER_TIME)


@pytest.mark.parametrize("field", sorted(TRACK.keys() - set(SERVERS_OWN)))
def test_every_field_counts(field: str) -> None:
    """So that it cannot be forgotten that one is mapped; a missing one counts as well."""
    value = TRACK[field]
    other = "other" if isinstance(value, str | list) else 7
    assert not covers({}, {field: other})
    known = KnownTrack.of(TRACK, track(), set())
    assert known is not None
    assert not known.covers({k: v for k, v in TRACK.items() if k != field}, SERVER_TIME)
    assert not covers({}, {"new": 1})


@pytest.mark.parametrize(
    ("known", "later", "is_covered"),
    [
        ({}, {}, True),
        ({}, {"servertime": SERVER_TIME + 9}, True),
        ({}, {"servertime": SERVER_TIME - 1}, False),
        ({}, {"servertime": str(SERVER_TIME)}, False),
        ({}, {"servertime": SERVER_TIME + 9, "acctime": 1409, "systemtime": 2}, False),
        ({}, {"servertime": SERVER_TIME + 9, "acctime": 1409}, True),
        ({}, {"systemtime": 1419905760}, True),
        # Without an ignition wire it is the server's time itself, or none at all.
        ({}, {"acctime": SERVER_TIME}, False),
        ({}, {"acctime": -1}, False),
        ({"acctime": -1}, {"acctime": 5}, False),
        ({"acctime": "5"}, {"acctime": 5}, False),
        (
            {"acctime": SERVER_TIME},
            {"acctime": SERVER_TIME + 9, "servertime": SERVER_TIME + 9},
            True,
        ),
        # A day after it was measured, what is in the tank is not shown any more.
        ({}, {"servertime": SERVER_TIME - 60 + 86_400}, False),
        ({}, {"servertime": SERVER_TIME - 61 + 86_400}, True),
        # Where a time is missing, we put it in, each time anew.
        ({"hearttime": 0}, {"hearttime": 0}, False),
        ({"gpstime": 0, "speed": 9}, {"gpstime": 0, "speed": 9}, False),
        ({"servertime": 0}, {"servertime": 0}, False),
    ],
)
def test_times_of_the_server(
    known: dict[str, object], later: dict[str, object], is_covered: bool
) -> None:
    """They move on by themselves, as long as they mean the same."""
    assert covers(known, later) is is_covered


async def test_a_parked_vehicle(rig: Rig) -> None:
    """A poll brings no update of it, and is a good poll all the same."""
    # Its heartbeat comes at each full minute.
    rig.freezer.move_to(START + timedelta(minutes=10, seconds=1))
    await rig.coordinator.async_refresh()
    rig.freezer.tick(5)
    result = await rig.connection.poll()
    assert CAR not in [one.vehicle_id for one in result.updates]
    assert result.unchanged
    assert result.error is None


@pytest.mark.freeze_time(START)
async def test_contacts_between_two_steps(rig: Rig) -> None:
    """A heartbeat a minute writes nothing for 15 minutes, and the guard knows each."""
    rig.freezer.move_to(START + timedelta(minutes=20, seconds=1))
    await rig.coordinator.async_refresh()
    merged = rig.coordinator.fleet.get(CAR)
    assert merged is not None
    events = async_capture_events(rig.hass, EVENT_STATE_CHANGED)
    begin = dt_util.utcnow()
    for minute in range(21, 35):
        rig.freezer.move_to(START + timedelta(minutes=minute, seconds=1))
        await rig.coordinator.async_refresh()
        await rig.settle()
        assert rig.coordinator.fleet.get(CAR) is merged
        judged = rig.coordinator.fleet.with_unmerged(merged)
        contact = START + timedelta(minutes=minute)
        assert judged.heard_at == judged.evidence.ignition_contact_at == contact
    cars = {
        entity.entity_id
        for entity in er.async_get(rig.hass).entities.values()
        if CAR in entity.unique_id
    }
    assert cars
    assert not cars.intersection(event.data["entity_id"] for event in events)
    assert not cars.intersection(written_since(rig.hass, begin))
    rig.freezer.move_to(START + timedelta(minutes=35, seconds=1))
    await rig.coordinator.async_refresh()
    await rig.settle()
    assert [
        event.data["entity_id"] for event in events if event.data["entity_id"] in cars
    ] == [rig.entity_id("sensor", CAR, Reading.LAST_CONTACT)]


@pytest.mark.parametrize("unchanged", [0, 1])
async def test_a_part_that_fails(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, unchanged: int
) -> None:
    """A poll that read some vehicles is a good one, also where none of them has news."""
    result = PollResult(unchanged=unchanged, error=CannotConnect("Half of it"))
    monkeypatch.setattr(rig.connection, "poll", AsyncMock(return_value=result))
    await rig.coordinator.async_refresh()
    assert rig.coordinator.last_update_success is bool(unchanged)
