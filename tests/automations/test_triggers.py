"""A trigger fires when its thing happens to a vehicle, and for nothing else.

Home Assistant 2025 has no such triggers.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from importlib.util import find_spec
from typing import Any

from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.fleet_tracker.automations.table import CONDITIONS, TRIGGERS
from custom_components.fleet_tracker.const import DOMAIN
from custom_components.fleet_tracker.contract.errors import CannotConnect
from custom_components.fleet_tracker.model.vehicle import OccurrenceType, Value
from tests.automations.house import House, trip
from tests.common import elapse, set_up_component
from tests.neutral_vendor import alarm

pytestmark = pytest.mark.skipif(
    find_spec("homeassistant.helpers.target") is None,
    reason="this Home Assistant has no triggers for targets",
)

MINUTE = timedelta(minutes=1)

type News = tuple[tuple[OccurrenceType, ...], Mapping[str, Value]]


def readings(**values: Value) -> News:
    """Return news of readings."""
    return (), values


def happened(*types: OccurrenceType) -> News:
    """Return news of occurrences."""
    return types, {}


ONLINE, OFFLINE = readings(online=True), readings(online=False)
DRIFT = readings(way=0.0002)
"""The fix of a parked van wanders by some twenty metres."""
ABOVE_100 = {
    "threshold": {
        "type": "above",
        "value": {"number": 100, "unit_of_measurement": "km/h"},
    }
}
# For each trigger: its options, news that must not fire it, then news that must, once.
DAYS: list[tuple[str, Mapping[str, Any], list[News], News]] = [
    (
        "ignition_turned_on",
        {},
        [readings(online=True), happened(OccurrenceType.SOS)],
        readings(ignition=True),
    ),
    ("ignition_turned_off", {}, [readings(ignition=True)], readings(ignition=False)),
    (
        "started_moving",
        {},
        [DRIFT, readings(ignition=True), OFFLINE, ONLINE],
        readings(speed=30.0),
    ),
    (
        "stopped_moving",
        {},
        # The last is a stop at lights.
        [
            readings(ignition=True, speed=30.0, way=0.009),
            readings(speed=30.0, way=0.009),
            readings(speed=30.0, online=False),
            readings(speed=30.0, online=True, way=0.009),
            readings(speed=0.0),
            readings(speed=30.0, way=0.009),
        ],
        readings(ignition=False, speed=0.0),
    ),
    (
        "activity_became",
        {"activity": ["driving", "towed"]},
        [DRIFT, OFFLINE, ONLINE, readings(ignition=True)],
        readings(speed=30.0),
    ),
    (
        "activity_became",
        {"activity": ["parked"]},
        [OFFLINE, ONLINE, DRIFT, readings(ignition=True, speed=30.0), OFFLINE],
        readings(online=True, ignition=False, speed=0.0),
    ),
    ("became_offline", {}, [DRIFT, readings(ignition=True)], OFFLINE),
    ("became_online", {}, [readings(ignition=True), OFFLINE], ONLINE),
    (
        "became_online",
        {"for": {"minutes": 1}},
        [readings(ignition=True), OFFLINE],
        ONLINE,
    ),
    (
        "speed_crossed_threshold",
        ABOVE_100,
        [readings(ignition=True, speed=90.0)],
        readings(speed=120.0),
    ),
    (
        "alarm_raised",
        {},
        # What a vehicle does every day is no alarm unless it is chosen.
        [
            happened(OccurrenceType.CLEARED),
            happened(OccurrenceType.TRIP_ENDED),
            happened(OccurrenceType.DOOR_OPENED),
        ],
        happened(OccurrenceType.SOS),
    ),
    (
        "alarm_raised",
        {"alarm_type": ["door_opened"]},
        [happened(OccurrenceType.VIBRATION), happened(OccurrenceType.SOS)],
        happened(OccurrenceType.DOOR_OPENED),
    ),
    (
        "alarm_raised",
        {"alarm_type": ["vibration"]},
        [happened(OccurrenceType.SOS)],
        happened(OccurrenceType.VIBRATION),
    ),
    (
        "trip_ended",
        {},
        [happened(OccurrenceType.SOS)],
        happened(OccurrenceType.TRIP_ENDED),
    ),
]


async def tell(house: House, news: News) -> None:
    """Tell the news."""
    types, values = news
    occurrences = [
        trip(kind)
        if kind in (OccurrenceType.TRIP_ENDED, OccurrenceType.TRIP_STARTED)
        else alarm(dt_util.utcnow(), kind, code=kind)
        for kind in types
    ]
    await house.tell(*occurrences, **values)


@pytest.mark.parametrize(("trigger", "options", "nothing", "something"), DAYS)
async def test_fires_exactly_when_it_happens(
    house: House,
    trigger: str,
    options: Mapping[str, Any],
    nothing: list[News],
    something: News,
) -> None:
    """Each fires once when its thing happens, and not by a reload, an outage or a restart."""
    await house.start()
    await tell(house, happened(OccurrenceType.TRIP_ENDED))
    await house.trigger(trigger, **options)
    for news in nothing:
        await tell(house, news)
        assert not house.runs, news
    await tell(house, something)
    assert len(house.runs) == 1
    # The same once more, a reload, and an outage that makes all unavailable for a while.
    house.cloud.push(house.cloud.fleet["1"])
    await house.hass.config_entries.async_reload(house.entry.entry_id)
    await house.hass.async_block_till_done(wait_background_tasks=True)
    house.cloud.poll_error = CannotConnect("down")
    for _ in range(15):
        await elapse(house.hass, house.freezer, MINUTE)
    house.cloud.poll_error = None
    for _ in range(3):
        await elapse(house.hass, house.freezer, MINUTE)
    assert len(house.runs) == 1


async def test_offline_again_after_its_account_was_down(house: House) -> None:
    """A van whose account is down became nothing; heard of no more later it is offline."""
    await house.start()
    await house.trigger("became_offline")
    house.cloud.poll_error = CannotConnect("down")
    for _ in range(30):
        await elapse(house.hass, house.freezer, MINUTE)
    assert not house.runs
    house.cloud.poll_error = None
    await elapse(house.hass, house.freezer, MINUTE)
    await house.tell(online=True)
    await house.tell(online=False)
    assert len(house.runs) == 1


async def test_offline_for_a_while(house: House) -> None:
    """It is told once the van was offline for so long, and not if it came back before."""
    await house.start()
    await house.trigger("became_offline", **{"for": {"minutes": 10}})
    await house.tell(online=False)
    await house.tell(online=True)
    await house.wait(10 * MINUTE)
    assert not house.runs
    await house.tell(online=False)
    assert not house.runs
    for _ in range(10):
        await house.wait(MINUTE)
    assert len(house.runs) == 1


async def test_standing_counts_on_while_offline(house: House) -> None:
    """A tracker that falls asleep after it stopped does not undo that it stands."""
    await house.start()
    await house.tell(ignition=True, speed=30.0)
    await house.trigger("stopped_moving", **{"for": {"minutes": 10}})
    await house.tell(ignition=False, speed=0.0)
    await house.tell(online=False)
    for _ in range(10):
        await house.wait(MINUTE)
    assert len(house.runs) == 1


async def test_offline_van_is_known_after_a_reload(house: House) -> None:
    """What it did before it was offline is kept, so that driving on is no start."""
    await house.start()
    await house.tell(ignition=True, speed=30.0)
    await house.tell(online=False)
    await house.trigger("started_moving")
    await house.hass.config_entries.async_reload(house.entry.entry_id)
    await house.hass.async_block_till_done(wait_background_tasks=True)
    await house.tell(online=True, speed=30.0)
    assert not house.runs
    await house.tell(ignition=False, speed=0.0)
    await house.tell(online=False)
    await house.hass.config_entries.async_reload(house.entry.entry_id)
    await house.hass.async_block_till_done(wait_background_tasks=True)
    await house.tell(online=True, ignition=True, speed=30.0)
    assert len(house.runs) == 1


async def test_condition_is_true_of_the_van(house: House) -> None:
    """Each condition follows its entity."""
    await house.start()
    await house.automate(
        *(
            {
                "alias": key,
                "triggers": {"trigger": "event", "event_type": "ask"},
                "conditions": {
                    "condition": f"{DOMAIN}.{key}",
                    "target": {"device_id": house.device_id},
                },
                "actions": {"event": "ran", "event_data": {"for": key}},
            }
            for key in CONDITIONS
        )
    )

    async def true_ones() -> set[str]:
        house.runs.clear()
        house.hass.bus.async_fire("ask")
        await house.hass.async_block_till_done()
        return {event.data["for"] for event in house.runs}

    assert await true_ones() == {"is_online", "is_parked"}
    await house.tell(ignition=True)
    assert await true_ones() == {"is_online", "is_ignition_on", "is_parked"}
    await house.tell(speed=40.0)
    assert await true_ones() == set(CONDITIONS) - {"is_parked"}
    house.cloud.poll_error = CannotConnect("down")
    for _ in range(15):
        await elapse(house.hass, house.freezer, MINUTE)
    assert await true_ones() == set()


async def test_editor_offers_them_for_the_van(
    house: House, hass_ws_client: WebSocketGenerator
) -> None:
    """The editor offers each trigger and condition where the van has what it rests on."""
    await house.start()
    await tell(house, happened(OccurrenceType.TRIP_ENDED))
    await set_up_component(house.hass, "automation")
    client = await hass_ws_client(house.hass)
    for kind, rows in (("triggers", TRIGGERS), ("conditions", CONDITIONS)):
        await client.send_json_auto_id(
            {
                "type": f"get_{kind}_for_target",
                "target": {"device_id": [house.device_id]},
                "expand_group": True,
            }
        )
        answer = await client.receive_json()
        assert answer["success"]
        ours = {key for key in answer["result"] if key.startswith(f"{DOMAIN}.")}
        assert ours == {f"{DOMAIN}.{key}" for key in rows}


async def test_entities_have_what_the_editor_looks_for(house: House) -> None:
    """The entity that a trigger rests on has the class that the editor filters by."""
    await house.start()
    await tell(house, happened(OccurrenceType.SOS, OccurrenceType.TRIP_ENDED))
    registry = er.async_get(house.hass)
    for row in (*TRIGGERS.values(), *CONDITIONS.values()):
        basis = row.basis
        entries = [
            entry
            for entry in registry.entities.values()
            if entry.platform == DOMAIN
            and entry.domain == basis.platform
            and entry.translation_key == basis.key
        ]
        assert len(entries) == 1, basis
        assert entries[0].original_device_class == basis.device_class
        assert entries[0].entity_category is None
        assert entries[0].disabled_by is None
