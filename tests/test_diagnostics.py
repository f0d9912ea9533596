"""Diagnostics help, and hold nothing private."""

from __future__ import annotations

from datetime import timedelta
import json
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.diagnostics import REDACTED
from homeassistant.core import HomeAssistant
from homeassistant.helpers.json import ExtendedJSONEncoder
from hypothesis import given, strategies as st
import pytest
from syrupy.assertion import SnapshotAssertion

from custom_components.fleet_tracker.const import (
    CONF_ACCURACY_LIMIT,
    CONF_EXCLUDED_VEHICLES,
)
from custom_components.fleet_tracker.diagnostics import (
    async_get_config_entry_diagnostics,
    async_get_device_diagnostics,
    without,
)
from custom_components.fleet_tracker.model.vehicle import (
    FixKind,
    Position,
    Reading,
    ReadingGroup,
    VehicleDetails,
    VehicleUpdate,
)
from tests.common import START, cloud_entry, device_of, listener_entry, set_up
from tests.neutral_vendor import Cloud, Clouds, told

IMEI, EXCLUDED, STRANGER = "358899051025339", "358899051025340", "VF3102021111601"
PLATE, NAME, DRIVER, VIN = "V-415-XB", "Blue van", "J. Doe", "WVWZZZ1JZXW000001"
PRIVATE = (IMEI, EXCLUDED, PLATE, NAME, DRIVER, VIN, "3197010000001", "52.37", "4.89")


@pytest.fixture
def cloud(clouds: Clouds, freezer: FrozenDateTimeFactory) -> Cloud:
    """Return a cloud that knows much, and whose connection says too much."""
    freezer.move_to(START)
    cloud = clouds["acme"]
    cloud.tell(
        VehicleUpdate(
            vehicle_id=IMEI,
            details=VehicleDetails(
                name=NAME,
                manufacturer="Maker",
                model="VT05S",
                plate=PLATE,
                serial_number=IMEI,
                sw_version="1.2.3",
            ),
            capabilities=frozenset({"lock", "beep"}),
            position=Position(
                latitude=52.3731,
                longitude=4.8922,
                accuracy=12.5,
                fixed_at=START,
                kind=FixKind.WIFI,
                speed=0,
            ),
            heard_at=START,
            groups=(
                ReadingGroup(
                    name="status",
                    measured_at=START,
                    readings={
                        Reading.BATTERY: 80,
                        Reading.IGNITION: False,
                        Reading.DRIVER_NAME: DRIVER,
                        Reading.VIN: VIN,
                        Reading.ADDRESS: "Somewhere 5",
                        Reading.ICCID: "89966415211160402250",
                        f"{Reading.SIM}:2": "3197010000001",
                        Reading.IGNITION_CHANGED_AT: START - timedelta(hours=1),
                    },
                ),
            ),
        )
    )
    cloud.diagnostics = {
        "requests": 5,
        f"last of {IMEI}": [f"GET /track?imei={IMEI}&token=t", int(IMEI), None],
        "nested": {"deep": ({"name": NAME}, f"{PLATE}/{DRIVER}", 1.5, True)},
        "excluded": EXCLUDED,
        "places": [52.3731, "at 52.3731, 4.8922"],
        "pushes": {"token": "of nobody", "last": "with another secret"},
    }
    return cloud


def as_downloaded(found: dict[str, Any]) -> dict[str, Any]:
    """Return diagnostics as they are in the file that the user gets."""
    downloaded: dict[str, Any] = json.loads(json.dumps(found, cls=ExtendedJSONEncoder))
    return downloaded


async def test_account(
    hass: HomeAssistant,
    cloud: Cloud,
    snapshot: SnapshotAssertion,
) -> None:
    """It shows how polling does and what is known, and cuts out every private text."""
    entry = cloud_entry(
        options={
            CONF_EXCLUDED_VEHICLES: [EXCLUDED],
            CONF_ACCURACY_LIMIT: 100.0,
            "token": "another secret",
        }
    )
    coordinator = await set_up(hass, entry)
    cloud.push(
        VehicleUpdate(
            vehicle_id=IMEI,
            position=Position(latitude=0, longitude=0, accuracy=1, fixed_at=START),
        )
    )
    assert coordinator.fleet.dropped == {"zero": 1}
    found = as_downloaded(await async_get_config_entry_diagnostics(hass, entry))
    assert found == snapshot
    text = json.dumps(found)
    for private in (*PRIVATE, *map(str, entry.data.values()), "another secret"):
        if private != entry.data["vendor"]:
            assert private not in text


async def test_vehicle(
    hass: HomeAssistant,
    cloud: Cloud,
    snapshot: SnapshotAssertion,
) -> None:
    """The same of one vehicle, and nothing of a device that is none."""
    entry = cloud_entry()
    coordinator = await set_up(hass, entry)
    device = device_of(hass, coordinator, IMEI)
    assert device is not None
    found = as_downloaded(await async_get_device_diagnostics(hass, entry, device))
    assert found == snapshot
    assert not [private for private in PRIVATE if private in json.dumps(found)]
    coordinator.async_forget(IMEI)
    nothing = await async_get_device_diagnostics(hass, entry, device)
    assert nothing == {"vehicle": None}


async def test_vehicle_that_was_added_but_not_heard_of(
    hass: HomeAssistant, clouds: Clouds
) -> None:
    """The diagnostics of the connection leave it out too."""
    entry = listener_entry("port", STRANGER)
    await set_up(hass, entry)
    clouds["port"].diagnostics = {"refused": f"{STRANGER} from 10.0.0.1"}
    found = as_downloaded(await async_get_config_entry_diagnostics(hass, entry))
    assert STRANGER not in json.dumps(found)
    assert found["connection"] == {"refused": "**REDACTED** from 10.0.0.1"}


numbers = st.text("0123456789", min_size=4, max_size=17)
words = st.text("ABCX -.", min_size=4, max_size=12)


@given(st.data())
def test_no_private_text_survives(data: st.DataObject) -> None:
    """Wherever a connection may say it: in a key, a list, inside a text, as a number."""
    private = data.draw(st.sets(numbers | words, min_size=1, max_size=5))
    secret = st.sampled_from(sorted(private))
    texts = st.lists(secret | st.text("yz:/", max_size=3)).map("".join)
    whole = st.sampled_from([int(one) for one in private if one.isdecimal()] or [0])
    found = data.draw(
        st.dictionaries(
            texts,
            st.recursive(
                texts | whole | st.booleans() | st.none(),
                lambda inner: (
                    st.lists(inner, max_size=3)
                    | st.lists(inner, max_size=3).map(tuple)
                    | st.dictionaries(texts, inner, max_size=3)
                ),
                max_leaves=8,
            ),
            max_size=3,
        )
    )
    told = json.dumps(without(private, found))
    assert [one for one in private if one in told.replace(REDACTED, "|")] == []


async def test_short_texts_are_no_reason_to_cut_words(
    hass: HomeAssistant, clouds: Clouds
) -> None:
    """A vehicle that is called "on" does not redact all that is on."""
    cloud = clouds["acme"]
    cloud.tell(told("1", START, name="on", battery=1))
    cloud.diagnostics = {"state": "connected", "count": 1, "flag": True}
    entry = cloud_entry()
    await set_up(hass, entry)
    found = as_downloaded(await async_get_config_entry_diagnostics(hass, entry))
    assert found["connection"] == {"state": "connected", "count": 1, "flag": True}
