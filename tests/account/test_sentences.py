"""The sentence of an occurrence, and that the activity has one line for each."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
from homeassistant.util.unit_system import US_CUSTOMARY_SYSTEM
import pytest
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
)
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.fleet_tracker.account import distance_statistics
from custom_components.fleet_tracker.account.sentences import sentence
from custom_components.fleet_tracker.model.vehicle import (
    Occurrence,
    OccurrenceKind,
    OccurrenceType,
    Position,
    Reading,
    Value,
    Vehicle,
    VehicleDetails,
)
from custom_components.fleet_tracker.offer.texts import async_load_texts
from tests.common import (
    START,
    cloud_entry,
    device_of,
    elapse,
    set_up,
    set_up_component,
    state_of,
)
from tests.neutral_vendor import Clouds, told

pytestmark = pytest.mark.freeze_time(START)

ALARM, FAULT, CODE = (
    OccurrenceKind.ALARM,
    OccurrenceKind.FAULT,
    OccurrenceKind.TROUBLE_CODE,
)


def vehicle(*, minutes_ago: float = 0, moving: bool = True) -> Vehicle:
    """Return a vehicle at home, as its last fix says."""
    return Vehicle(
        vehicle_id="1",
        details=VehicleDetails(name="Van"),
        readings=MappingProxyType({Reading.MOVING: moving}),
        position=Position(
            latitude=32.87336,
            longitude=-117.22743,
            accuracy=10,
            fixed_at=START - timedelta(minutes=minutes_ago),
        ),
    )


def occurrence(
    kind: OccurrenceKind, type_: OccurrenceType, **details: Value
) -> Occurrence:
    """Return an occurrence of now."""
    return Occurrence(kind=kind, type=type_, occurred_at=START, details=details)


SENTENCES: list[tuple[Occurrence, Vehicle, str]] = [
    (
        occurrence(ALARM, OccurrenceType.SPEEDING, speed=91.6),
        vehicle(),
        "Van: Speeding, Home, 92 km/h",
    ),
    # A vehicle that stands tells no speed.
    (
        occurrence(ALARM, OccurrenceType.VIBRATION, speed=0),
        vehicle(),
        "Van: Vibration, Home",
    ),
    # Where a moving vehicle was minutes ago says nothing; a parked one is still there.
    (
        occurrence(ALARM, OccurrenceType.SOS),
        vehicle(minutes_ago=5),
        "Van: SOS",
    ),
    (
        occurrence(ALARM, OccurrenceType.SOS),
        vehicle(minutes_ago=500, moving=False),
        "Van: SOS, Home",
    ),
    (
        occurrence(ALARM, OccurrenceType.SOS),
        replace(vehicle(), position=None),
        "Van: SOS",
    ),
    (
        occurrence(ALARM, OccurrenceType.GEOFENCE_LEFT, geofence="Depot"),
        vehicle(),
        "Van: Geofence left, Depot",
    ),
    (
        occurrence(
            ALARM, OccurrenceType.CLEARED, cleared=OccurrenceType.ILLEGAL_MOVEMENT.value
        ),
        vehicle(minutes_ago=5),
        "Van: Cleared: Illegal movement",
    ),
    (
        replace(
            occurrence(FAULT, OccurrenceType.TROUBLE_CODE),
            code="47",
            name="Battery compartment is unlocked",
        ),
        vehicle(minutes_ago=5),
        "Van: Trouble code: 47, Battery compartment is unlocked",
    ),
    (
        replace(occurrence(CODE, OccurrenceType.CLEARED), code="P070F"),
        vehicle(minutes_ago=5),
        "Van: Cleared: P070F",
    ),
    (
        replace(occurrence(ALARM, OccurrenceType.OTHER), code="99", name="Odd"),
        vehicle(minutes_ago=5),
        "Van: Other: 99, Odd",
    ),
]


@pytest.fixture(autouse=True)
async def home_zone(hass: HomeAssistant) -> None:
    """Set up the zone of the home."""
    hass.config.latitude, hass.config.longitude = 32.87336, -117.22743
    hass.config.location_name = "Home"
    await async_load_texts(hass)
    await set_up_component(hass, "zone")


@pytest.mark.parametrize(("happened", "where", "expected"), SENTENCES)
async def test_sentence(
    hass: HomeAssistant, happened: Occurrence, where: Vehicle, expected: str
) -> None:
    """It says what happened to which vehicle, where and how fast, as far as that is known."""
    found = sentence(hass, where, "Van", happened, happened.type, happened.kind)
    assert found == expected


async def test_miles(hass: HomeAssistant) -> None:
    """The speed is in the unit that Home Assistant shows."""
    hass.config.units = US_CUSTOMARY_SYSTEM
    happened = occurrence(ALARM, OccurrenceType.SPEEDING, speed=100.0)
    found = sentence(
        hass, vehicle(minutes_ago=5), "Van", happened, happened.type, ALARM
    )
    assert found == "Van: Speeding, 62 mph"


async def entries(
    hass: HomeAssistant, clients: WebSocketGenerator, since: datetime, **target: Any
) -> list[dict[str, Any]]:
    """Return the lines of the activity list, or those of a device's page."""
    await async_wait_recording_done(hass)
    client = await clients()
    await client.send_json_auto_id(
        {"type": "logbook/get_events", "start_time": since.isoformat(), **target}
    )
    answer = await client.receive_json()
    assert answer["success"]
    found: list[dict[str, Any]] = answer["result"]
    return found


async def test_one_line_for_each(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    clouds: Clouds,
    hass_ws_client: WebSocketGenerator,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An alarm and its end are a line each, in the activity and on the device's page."""
    monkeypatch.setattr(distance_statistics, "PAUSE", 0)
    hass.config.components.add("frontend")  # whose pages no test needs
    await set_up_component(hass, "logbook")
    hass.config.components.remove("frontend")
    cloud = clouds["acme"]
    cloud.tell(told("1", START, name="Van"))
    coordinator = await set_up(hass, cloud_entry())
    first = replace(
        occurrence(ALARM, OccurrenceType.VIBRATION), occurred_at=dt_util.utcnow()
    )
    cloud.tell(told("1", dt_util.utcnow(), name="Van", occurrences=(first,)))
    await elapse(hass, freezer, 60)
    alarm = state_of(hass, "event", "alarm")
    assert alarm.attributes["message"].startswith("Van: Vibration")

    since = dt_util.utcnow()
    for type_, details in (
        (OccurrenceType.VIBRATION, {}),
        (OccurrenceType.CLEARED, {"cleared": "vibration"}),
        (OccurrenceType.SOS, {}),
    ):
        await elapse(hass, freezer, 60)
        now = dt_util.utcnow()
        happened = replace(occurrence(ALARM, type_, **details), occurred_at=now)
        cloud.push(told("1", now, name="Van", occurrences=(happened,)))
        await hass.async_block_till_done()
    await elapse(hass, freezer, 1)
    everywhere = await entries(hass, hass_ws_client, since)
    assert [one.get("entity_id") for one in everywhere].count(alarm.entity_id) == 3
    assert not [one for one in everywhere if one.get("domain") == "fleet_tracker"]
    device = device_of(hass, coordinator)
    assert device is not None
    page = await entries(
        hass,
        hass_ws_client,
        since,
        device_ids=[device.id],
        entity_ids=[alarm.entity_id],
    )
    assert len(page) == 3
