"""The entities of Open API vehicles."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er
import pytest
from syrupy.assertion import SnapshotAssertion

from custom_components.fleet_tracker.vendors.open_api.mapping import ALARM_TYPES
from tests.simulators.open_api import OpenApiSimulator
from tests.simulators.open_api_fleet import Alarm, Device
from tests.simulators.world import HOME, parked

from .conftest import (
    ACCOUNT,
    CAR,
    PASSWORD,
    SPARE,
    START,
    TRUCK,
    Rig,
    accounts,
    add_account,
)

pytestmark = pytest.mark.freeze_time(START)

MOST_ENABLED = 18
# Attributes that only newer versions of Home Assistant have.
NEWER_ATTRIBUTES = {"in_zones", "tracking_type"}


@pytest.fixture
async def classic_rig(
    hass: HomeAssistant,
    hass_storage: dict[str, object],
    freezer: FrozenDateTimeFactory,
) -> AsyncIterator[Rig]:
    """Return Home Assistant with an account on a server of the older generation."""
    async with OpenApiSimulator(*accounts(), classic=True, odometer=False) as server:
        entry = await add_account(hass, server)
        rig = Rig(hass, server, freezer, entry)
        await rig.settle()
        yield rig


def registered(rig: Rig, imei: str) -> list[er.RegistryEntry]:
    """Return the entities of a vehicle, disabled ones too."""
    return sorted(
        er.async_entries_for_device(
            er.async_get(rig.hass), rig.device_id(imei), include_disabled_entities=True
        ),
        key=lambda entry: entry.entity_id,
    )


def enabled(rig: Rig, imei: str) -> set[str]:
    """Return the ids of a vehicle's enabled entities."""
    return {
        entry.entity_id for entry in registered(rig, imei) if entry.disabled_by is None
    }


async def everything(rig: Rig, imei: str) -> dict[str, object]:
    """Return what is shown of a vehicle once the user has enabled all of it."""
    by_default = enabled(rig, imei)
    registry = er.async_get(rig.hass)
    for entry in registered(rig, imei):
        registry.async_update_entity(entry.entity_id, disabled_by=None)
    await rig.reload()
    shown: dict[str, object] = {}
    for entry in registered(rig, imei):
        state = rig.hass.states.get(entry.entity_id)
        assert state
        shown[entry.entity_id] = {
            "state": state.state,
            "attributes": {
                str(key): str(value)
                for key, value in sorted(state.attributes.items())
                if key not in NEWER_ATTRIBUTES
            },
            "enabled": entry.entity_id in by_default,
            "category": str(entry.entity_category),
            "unique_id": entry.unique_id,
        }
    return shown


@pytest.mark.parametrize("imei", [TRUCK, CAR, SPARE], ids=["truck", "car", "spare"])
async def test_newer_generation(
    rig: Rig, snapshot: SnapshotAssertion, imei: str
) -> None:
    """A tracker with everything, one with little, and one that never was online."""
    assert await everything(rig, imei) == snapshot


async def test_older_generation(classic_rig: Rig, snapshot: SnapshotAssertion) -> None:
    """The same truck at a server that does not know the fields of 2025."""
    assert await everything(classic_rig, TRUCK) == snapshot


@pytest.mark.parametrize("imei", [TRUCK, CAR, SPARE])
async def test_not_too_many_are_enabled(rig: Rig, imei: str) -> None:
    """Home Assistant stops at 10,000 enabled entities of an entry: 500 vehicles fit."""
    # What was never online has its place, its activity and its alarms.
    assert 3 <= len(enabled(rig, imei)) <= MOST_ENABLED


async def test_device(rig: Rig, snapshot: SnapshotAssertion) -> None:
    """The device page shows the tracker and the plate."""
    device = dr.async_get(rig.hass).async_get(rig.device_id(TRUCK))
    assert isinstance(device, dr.DeviceEntry)
    assert {
        "identifiers": sorted(device.identifiers),
        "name": device.name,
        "manufacturer": device.manufacturer,
        "model": device.model,
        "model_id": device.model_id,
        "serial_number": device.serial_number,
    } == snapshot


async def test_it_drives(rig: Rig) -> None:
    """The vehicle moves on the map, at the pace of the poll while driving."""
    tracker = rig.state("device_tracker", TRUCK, "position")
    place = tracker.attributes["latitude"], tracker.attributes["longitude"]
    assert place == (HOME.latitude, HOME.longitude)
    assert rig.interval.total_seconds() == 60
    for _ in range(6):
        await rig.poll()
    assert rig.state("binary_sensor", TRUCK, "ignition").state == "on"
    assert rig.state("sensor", TRUCK, "activity").state == "driving"
    assert rig.state("sensor", TRUCK, "speed").state == "60.0"
    assert rig.interval.total_seconds() == 15
    tracker = rig.state("device_tracker", TRUCK, "position")
    assert float(tracker.attributes["latitude"]) > HOME.latitude
    # It stops, and 20 s later there is an extra look.
    await rig.advance(600)
    assert rig.state("binary_sensor", TRUCK, "ignition").state == "off"
    assert rig.interval.total_seconds() == 60
    polls = rig.server.requests["/api/track"]
    await rig.advance(21)
    assert rig.server.requests["/api/track"] == polls + 1


async def test_only_the_tracker_knows_where(rig: Rig) -> None:
    """No other entity carries coordinates."""
    for entry in registered(rig, TRUCK):
        state = rig.hass.states.get(entry.entity_id)
        if state and entry.domain != "device_tracker":
            assert "latitude" not in state.attributes
            assert str(HOME.latitude) not in str(state.as_dict())


async def test_a_reading_that_shows_up_later(rig: Rig) -> None:
    """The entity is added without a reload, and stays when the reading is gone."""
    assert rig.entity_id("sensor", CAR, "temperature_1") is None
    rig.server.device(CAR).overrides = {
        "temperature": ["21.25"],
        "temperaturetime": int(START.timestamp()),
    }
    await rig.poll()
    assert rig.state("sensor", CAR, "temperature_1").state == "21.25"
    rig.server.device(CAR).overrides = {}
    await rig.advance(300)
    await rig.poll()
    assert rig.state("sensor", CAR, "temperature_1").state == "unknown"


async def test_a_vehicle_that_is_bought_and_one_that_is_sold(rig: Rig) -> None:
    """The first appears with the next list; the second is gone after two of them."""
    fleet = rig.server.account(ACCOUNT).devices
    fleet.append(Device(imei="1", vehicle=parked(HOME, START.timestamp()), name="Bike"))
    sold = rig.server.device(SPARE)
    fleet.remove(sold)
    await rig.advance(901)
    assert rig.hass.states.get("device_tracker.bike")
    assert rig.reading(SPARE, "online") is False
    await rig.advance(901)
    assert rig.state("device_tracker", SPARE, "position").state == "unavailable"
    assert rig.reading(TRUCK, "online") is True
    # And it comes back as it was.
    fleet.append(sold)
    await rig.advance(901)
    assert rig.reading(SPARE, "online") is False


async def test_a_parked_vehicle_out_of_reach(rig: Rig) -> None:
    """The vehicle keeps its readings, offline, with the time of the last contact."""
    rig.server.device(CAR).offline_since = START.timestamp() + 90
    for _ in range(3):
        await rig.poll()
    assert rig.reading(CAR, "online") is False
    assert rig.reading(CAR, "status") == "offline"
    assert rig.state("sensor", CAR, "tracker_battery").state == "64.0"
    assert rig.reading(CAR, "last_contact") == START + timedelta(minutes=1)
    before = rig.hass.states.get("device_tracker.car")
    await rig.reload()
    after = rig.hass.states.get("device_tracker.car")
    assert before
    assert after
    assert before.attributes["latitude"] == after.attributes["latitude"]


async def test_a_restart_without_the_server(rig: Rig) -> None:
    """Known vehicles are kept until the server is back."""
    await rig.advance(310)
    assert await rig.hass.config_entries.async_unload(rig.entry.entry_id)
    assert rig.state("sensor", TRUCK, "odometer").state == "unavailable"
    rig.server.device(TRUCK).offline_since = START.timestamp()
    rig.server.device(TRUCK).overrides = {"mileage": -1, "odometer": -1}
    assert await rig.hass.config_entries.async_setup(rig.entry.entry_id)
    await rig.settle()
    assert float(rig.state("sensor", TRUCK, "odometer").state) >= 338210


# Alarms


def fired(rig: Rig, imei: str) -> list[dict[str, object]]:
    """Return a list that is filled with the alarms that a vehicle fires."""
    events: list[dict[str, object]] = []
    entity_id = rig.entity_id("event", imei, "alarm")

    @callback
    def on_event(event: Event) -> None:
        if event.data["entity_id"] != entity_id:
            return
        before, state = event.data["old_state"], event.data["new_state"]
        # A restart shows the last alarm again, without firing it.
        if "unavailable" not in (before.state, state.state):
            events.append(
                {
                    key: value
                    for key, value in state.attributes.items()
                    if key not in ("event_types", "friendly_name")
                }
            )

    rig.hass.bus.async_listen("state_changed", on_event)
    return events


def alarm(seconds: float, kind: int, fence: str = "") -> Alarm:
    """Return an alarm that the server gets some seconds from the start."""
    time = int(START.timestamp() + seconds)
    return Alarm(kind, 4.9, 52.4, time, time, 45, 93, 7 if fence else 0, fence)


async def test_alarms_fire_once_and_in_order(rig: Rig) -> None:
    """With the vendor's code and name, when it happened, and no coordinates."""
    events = fired(rig, CAR)
    rig.server.device(CAR).alarms = [alarm(9, 5, "Depot"), alarm(5, 4), alarm(-9, 1)]
    await rig.poll()
    for _ in range(4):
        await rig.advance(1)
    assert [event["event_type"] for event in events] == [
        "vibration",
        "geofence_entered",
    ]
    assert {key: str(value) for key, value in events[1].items()} == {
        "event_type": "geofence_entered",
        "occurred_at": "2025-10-09 09:00:09+00:00",
        "reported_at": "2025-10-09 09:00:09+00:00",
        "received_at": "2025-10-09 09:00:09+00:00",
        "code": "5",
        "name": "geoFenceInAlarm",
        "message": "Car: Geofence entered, Depot, 45 km/h",
        "speed": "45.0",
        "geofence_id": "7",
        "geofence": "Depot",
    }
    await rig.reload()
    for _ in range(3):
        await rig.poll()
        await rig.advance(3)
    assert len(events) == 2


async def test_alarms_of_one_second(rig: Rig) -> None:
    """Two geofences may be left at once; a read that repeats them fires neither."""
    events = fired(rig, CAR)
    rig.server.device(CAR).alarms = [alarm(9, 6, "Depot"), alarm(9, 6, "Town")]
    for _ in range(3):
        await rig.poll()
        await rig.advance(3)
    assert [event["geofence"] for event in events] == ["Depot", "Town"]


async def test_all_44_alarms(rig: Rig) -> None:
    """Each has an event type of its own; a type that no document knows is `other`."""
    events = fired(rig, CAR)
    rig.server.device(CAR).alarms = [alarm(kind, kind) for kind in range(1, 46)]
    await rig.poll()
    for _ in range(4):
        await rig.advance(1)
    assert [event["event_type"] for event in events] == [
        *(kind.value for _, kind in ALARM_TYPES.values()),
        "other",
    ]
    assert events[44]["code"] == "45"


async def test_alarms_of_the_older_generation(classic_rig: Rig) -> None:
    """Their types come as text, those of a geofence with its number alone."""
    events = fired(classic_rig, CAR)
    depot = alarm(9, 5, "Depot")
    classic_rig.server.device(CAR).alarms = [depot, replace(depot, fence_number=8)]
    for _ in range(2):
        await classic_rig.poll()
        await classic_rig.advance(3)
    assert [event["event_type"] for event in events] == ["geofence_entered"] * 2
    assert [event["geofence_id"] for event in events] == [7, 8]
    assert "geofence" not in events[0]


def test_the_password_is_not_in_the_entry(rig: Rig) -> None:
    """Only its hash is kept."""
    assert PASSWORD not in str(rig.entry.as_dict())
