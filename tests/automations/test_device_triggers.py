"""The device of a vehicle has triggers for its alarms and trips, and no others."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from homeassistant.components.device_automation import DeviceAutomationType
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import async_get_device_automations

from custom_components.fleet_tracker.const import DOMAIN
from custom_components.fleet_tracker.contract.errors import CannotConnect
from custom_components.fleet_tracker.model.vehicle import OccurrenceType
from tests.automations.house import House, trip
from tests.common import elapse, entity_id, set_up_component
from tests.neutral_vendor import alarm

MINUTE = timedelta(minutes=1)


async def offered(house: House) -> set[tuple[str, str | None]]:
    """Return the triggers of ours that the van's device offers."""
    await set_up_component(house.hass, "device_automation")
    found = await async_get_device_automations(
        house.hass, DeviceAutomationType.TRIGGER, house.device_id
    )
    return {
        (one["type"], one.get("subtype")) for one in found if one["domain"] == DOMAIN
    }


def on(house: House, **trigger: str) -> dict[str, Any]:
    """Return an automation that runs by a device trigger."""
    return {
        "alias": "On the device",
        "triggers": {
            "trigger": "device",
            "domain": DOMAIN,
            "device_id": house.device_id,
            **trigger,
        },
        "actions": {"event": "ran"},
    }


async def test_offers_the_alarms_that_the_van_can_raise(house: House) -> None:
    """The alarms of its event entity, but not their end; and trips."""
    await house.start()
    kinds = ("any", "door_opened", "other", "sos", "vibration")
    alarms = {("alarm_raised", kind) for kind in kinds}
    trips = {("trip_ended", None), ("trip_started", None)}
    assert await offered(house) == alarms | trips


async def test_offers_nothing_of_a_disabled_entity(house: House) -> None:
    """An event entity that is disabled fires nothing, so nothing of it is offered."""
    await house.start()
    event = entity_id(house.hass, "event", "alarm")
    assert event is not None
    er.async_get(house.hass).async_update_entity(
        event, disabled_by=er.RegistryEntryDisabler.USER
    )
    assert {kind for kind, _ in await offered(house)} == {"trip_ended", "trip_started"}


async def test_alarm_runs_the_automation_once(house: House) -> None:
    """The chosen alarm runs it once; another, a reload, an outage and a repeat do not."""
    await house.start()
    await house.automate(on(house, type="alarm_raised", subtype="vibration"))
    await house.tell(alarm(dt_util.utcnow(), OccurrenceType.SOS))
    assert not house.runs
    await house.tell(alarm(dt_util.utcnow(), OccurrenceType.VIBRATION, code="2"))
    assert len(house.runs) == 1
    house.cloud.push(house.cloud.fleet["1"])
    await house.hass.config_entries.async_reload(house.entry.entry_id)
    await house.hass.async_block_till_done(wait_background_tasks=True)
    house.cloud.poll_error = CannotConnect("down")
    for _ in range(15):
        await elapse(house.hass, house.freezer, MINUTE)
    house.cloud.poll_error = None
    await elapse(house.hass, house.freezer, MINUTE)
    assert len(house.runs) == 1


async def test_any_alarm_is_one_where_something_may_be_wrong(house: House) -> None:
    """A door that is opened, the end of an alarm and a trip are none."""
    await house.start()
    await house.automate(on(house, type="alarm_raised", subtype="any"))
    await house.tell(
        alarm(dt_util.utcnow(), OccurrenceType.DOOR_OPENED, code="1"),
        alarm(dt_util.utcnow(), OccurrenceType.CLEARED, code="2"),
        trip(OccurrenceType.TRIP_ENDED),
    )
    assert not house.runs
    await house.tell(alarm(dt_util.utcnow(), OccurrenceType.SOS, code="3"))
    assert len(house.runs) == 1


@pytest.mark.parametrize(
    ("type_", "told"),
    [
        ("trip_started", OccurrenceType.TRIP_STARTED),
        ("trip_ended", OccurrenceType.TRIP_ENDED),
    ],
)
async def test_trip_runs_the_automation(
    house: House, type_: str, told: OccurrenceType
) -> None:
    """The begin and the end of a trip run it, an alarm does not."""
    await house.start()
    await house.tell(trip(OccurrenceType.TRIP_ENDED))
    await house.automate(on(house, type=type_))
    await house.tell(alarm(dt_util.utcnow()))
    assert not house.runs
    await house.tell(trip(told))
    assert len(house.runs) == 1


@pytest.mark.parametrize(
    "trigger",
    [
        {"type": "alarm_raised", "subtype": "fuel_theft"},
        {"type": "alarm_raised"},
        {"type": "trip_ended", "subtype": "sos"},
    ],
    ids=["an alarm it cannot raise", "no alarm", "a trip with an alarm"],
)
async def test_refuses_what_the_van_cannot_have(
    house: House, trigger: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    """An automation on what the van cannot tell is refused in words."""
    await house.start()
    await set_up_component(
        house.hass, "automation", {"automation": [on(house, **trigger)]}
    )
    assert "The vehicle has no trigger" in caplog.text
