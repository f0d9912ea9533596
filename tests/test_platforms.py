"""What entities show of readings: the tables of the platforms and of vendors."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.sensor import SensorStateClass
from homeassistant.const import (
    STATE_OFF,
    STATE_ON,
    STATE_UNKNOWN,
    EntityCategory,
    UnitOfLength,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
import pytest

from custom_components.fleet_tracker import binary_sensor, sensor
from custom_components.fleet_tracker.model.vehicle import (
    FixKind,
    Position,
    Reading,
    Value,
)
from tests.common import START, cloud_entry, entity_id, set_up, state_of
from tests.neutral_vendor import Cloud, Clouds, told


@pytest.fixture
def cloud(clouds: Clouds, freezer: FrozenDateTimeFactory) -> Cloud:
    """Return the cloud of one account."""
    freezer.move_to(START)
    return clouds["acme"]


def registered(hass: HomeAssistant, platform: str, key: str) -> er.RegistryEntry:
    """Return the registry's entry of an entity."""
    entry = er.async_get(hass).async_get(entity_id(hass, platform, key) or "")
    assert entry is not None
    return entry


@pytest.mark.parametrize(
    ("reading", "value", "state"),
    [
        ("sealed", True, STATE_OFF),
        ("sealed", False, STATE_ON),
        ("wheel", True, STATE_ON),
        ("wheel", False, STATE_OFF),
        ("wheel", "round", STATE_UNKNOWN),
        ("wheel", 1, STATE_UNKNOWN),
    ],
)
async def test_binary_sensors(
    hass: HomeAssistant, cloud: Cloud, reading: str, value: Value, state: str
) -> None:
    """On is true, or false where it is inverted; what is neither is not known."""
    cloud.tell(told("1", START, {reading: value}))
    await set_up(hass, cloud_entry())
    assert state_of(hass, "binary_sensor", reading).state == state


async def test_vendors_description_replaces_the_common_one(
    hass: HomeAssistant, cloud: Cloud
) -> None:
    """There is one sensor, as the vendor describes it."""
    cloud.tell(told("1", START, fuel_level=5))
    await set_up(hass, cloud_entry())
    state = state_of(hass, "sensor", "fuel_level")
    assert state.attributes["unit_of_measurement"] == "‰"


async def test_common_reading_that_is_rarely_used(
    hass: HomeAssistant, cloud: Cloud
) -> None:
    """A vendor may have it disabled by default."""
    cloud.tell(told("1", START, charging=True, door=True))
    await set_up(hass, cloud_entry())
    assert registered(hass, "binary_sensor", "door").disabled_by is None
    disabled = registered(hass, "binary_sensor", "charging").disabled_by
    assert disabled is er.RegistryEntryDisabler.INTEGRATION


async def test_tracker(hass: HomeAssistant, cloud: Cloud) -> None:
    """Every vehicle has one; before the first fix its place is not known."""
    cloud.tell(told("1", START, name="Van"))
    await set_up(hass, cloud_entry())
    tracker = state_of(hass, "device_tracker", "position")
    assert tracker.state == STATE_UNKNOWN
    assert tracker.entity_id == "device_tracker.van"
    assert "latitude" not in tracker.attributes
    # The base class says diagnostic, which area triggers pass over.
    assert registered(hass, "device_tracker", "position").entity_category is None

    cloud.push(
        told(
            "1",
            dt_util.utcnow(),
            position=Position(
                latitude=hass.config.latitude,
                longitude=hass.config.longitude,
                accuracy=3.2,
                fixed_at=dt_util.utcnow(),
                kind=FixKind.SATELLITE,
            ),
        )
    )
    tracker = state_of(hass, "device_tracker", "position")
    assert tracker.state == "home"
    assert tracker.attributes["gps_accuracy"] == 4
    assert tracker.attributes["source_type"] == "gps"


async def test_common_sensors_have_their_units(
    hass: HomeAssistant, cloud: Cloud
) -> None:
    """Statistics and unit systems work, and what rarely matters is disabled."""
    examples: dict[str, Value] = {
        one.key: START - timedelta(days=1)
        if one.device_class == "timestamp"
        else (one.options or ["text"])[0]
        if one.native_unit_of_measurement is None and one.state_class is None
        else 50
        for one in sensor.COMMON
    }
    examples |= {str(one.key): True for one in binary_sensor.COMMON}
    cloud.tell(told("1", START, examples, heard_at=START))
    await set_up(hass, cloud_entry())
    for description in sensor.COMMON:
        entry = registered(hass, "sensor", description.key)
        assert entry.original_name
        if not entry.disabled_by:
            assert hass.states.get(entry.entity_id)
    odometer = state_of(hass, "sensor", Reading.ODOMETER).attributes
    assert odometer["state_class"] is SensorStateClass.TOTAL_INCREASING
    assert odometer["unit_of_measurement"] == UnitOfLength.KILOMETERS
    private = (
        Reading.VIN,
        Reading.SIM,
        Reading.ICCID,
        Reading.ADDRESS,
        Reading.DRIVER_NAME,
        Reading.HDOP,
        Reading.SATELLITES,
        Reading.TRACKER_VOLTAGE,
        Reading.COURSE,
    )
    assert all(registered(hass, "sensor", key).disabled_by for key in private)
    online = registered(hass, "binary_sensor", Reading.ONLINE)
    assert online.entity_category is EntityCategory.DIAGNOSTIC


async def test_no_attributes_that_come_and_go(
    hass: HomeAssistant, cloud: Cloud
) -> None:
    """The recorder would keep each of their values."""
    cloud.tell(
        told(
            "1",
            START,
            position=Position(
                latitude=52,
                longitude=5,
                accuracy=10,
                fixed_at=START,
                speed=50,
                course=90,
                altitude=10,
            ),
            battery=5,
            ignition=True,
        )
    )
    await set_up(hass, cloud_entry())
    known = {
        "device_class",
        "event_type",
        "event_types",
        "friendly_name",
        "gps_accuracy",
        "icon",
        "in_zones",
        "last_reset",
        "latitude",
        "longitude",
        "options",
        "source_type",
        "state_class",
        "tracking_type",
        "unit_of_measurement",
    }
    found: set[Any] = set()
    for state in hass.states.async_all():
        if state.domain != "zone":
            found |= {str(key) for key in state.attributes}
    assert found <= known
