"""What Home Assistant shows of VT3 trackers."""

from __future__ import annotations

from datetime import timedelta
import json
from typing import Any

from homeassistant.core import Event, EventStateChangedData, callback
from homeassistant.helpers import entity_registry as er
from syrupy.assertion import SnapshotAssertion

from custom_components.fleet_tracker.const import CONF_ALLOW_ENGINE_CUT
from custom_components.fleet_tracker.diagnostics import (
    async_get_config_entry_diagnostics,
    async_get_device_diagnostics,
)
from custom_components.fleet_tracker.vendors.vt3.events import TYPES
from tests.simulators.vt3 import Behaviour, Vt3Simulator
from tests.simulators.world import HOME, Route, Vehicle, drive

from .conftest import SERIAL
from .home import IDENTITY, START, Home

MOST_ENABLED = 18
# Attributes that only newer versions of Home Assistant have.
NEWER_ATTRIBUTES = {"in_zones", "tracking_type"}

# What trackers of newer firmware tell beside what the simulated one does, and what OBD
# adapters of other vehicles read.
MORE: dict[str, dict[str, Any]] = {
    "io": {"io.power_input": 13.7, "io.battery_lvl": 96, "io.AI2": 1.5, "io.AI3": 2.5},
    "gnss": {"gnss.pdop": 2.1, "gnss.hacc": 4.0},
    "motion": {"motion.roll": -0.65, "motion.pitch": 1.03, "motion.yaw": 302.49},
    "obd": {
        "obd.a_pos": 18.5,
        "obd.a_temp": 11,
        "obd.ab_level": 61,
        "obd.b_press": 101,
        "obd.brake_prim_press": 850,
        "obd.brake_sec_press": 840,
        "obd.d_dist": 1250,
        "obd.d_e_f_vol": 60.5,
        "obd.d_time": 90,
        "obd.f_econ": 8.5,
        "obd.f_press": 350,
        "obd.f_r_press": 32000,
        "obd.f_rate": 7.5,
        "obd.f_torque": 9,
        "obd.i_press": 110,
        "obd.i_temp": 31,
        "obd.m_dist": 12,
        "obd.m_time": 5,
        "obd.max_avl_torque": 100,
        "obd.r_torque": 1200,
        "obd.s_w_angle": 0.5,
        "obd.status": "Connected",
        "obd.t_dist": 36.25,
        "obd.t_pos": 22,
        "obd.up_time": 1800,
    },
    "cellular1": {
        "modem1.active_sim": "SIM1",
        "modem1.phone_num": "3197010000003",
        "modem1.rssi": -71,
        "modem1.rsrp": -98,
        "modem1.rsrq": -11,
        "modem1.sinr": 14,
        "cellular1.up_at": 1759990000,
    },
}


def driving() -> Vehicle:
    """Return a vehicle that drives north at 90 km/h."""
    return Vehicle(
        HOME,
        drive(Route(HOME, HOME.away(0, 50_000)), 90),
        start=START.timestamp() - 60,
        repeat=False,
        odometer=51_654_000,
    )


async def upload_all(home: Home, tracker: Vt3Simulator) -> None:
    """Let a tracker upload its groups, with all that there is."""
    for group in ("gnss", "motion", "io", "obd", "cellular1"):
        values = tracker._values(group) | MORE.get(group, {})
        await tracker.send(f"{group}/info", payload=values)
    await home.settle()


def registered(home: Home) -> dict[str, er.RegistryEntry]:
    """Return all entities of a tracker, disabled ones too, by ``sensor.speed``."""
    entries = er.async_entries_for_config_entry(
        er.async_get(home.hass), home.entry.entry_id
    )
    prefix = f"{IDENTITY}_{SERIAL}_"
    return {
        f"{entry.domain}.{entry.unique_id.removeprefix(prefix)}": entry
        for entry in sorted(entries, key=lambda entry: (entry.domain, entry.unique_id))
        if entry.unique_id.startswith(prefix)
    }


def enabled(home: Home) -> set[str]:
    """Return the enabled entities."""
    return {key for key, entry in registered(home).items() if not entry.disabled_by}


async def enable_all(home: Home) -> None:
    """Enable all entities."""
    await home.enable(*(entry.entity_id for entry in registered(home).values()))


# --- what there is ---


async def test_everything(home: Home, snapshot: SnapshotAssertion) -> None:
    """A vehicle that tells all that there is, with a custom group."""
    await home.listen(SERIAL)
    tracker = home.make_tracker(SERIAL, vehicle=driving())
    tracker.intervals["mine"] = 60
    tracker.interests["mine"] = {"userdata.custom_key": "", "obd.rpm": "revs"}
    await home.reconnect(tracker)
    await upload_all(home, tracker)
    await tracker.upload("mine")
    await home.settle()
    by_default = enabled(home)
    await enable_all(home)
    await home.reconnect(tracker)
    await upload_all(home, tracker)
    await tracker.upload("mine")
    await home.settle()
    shown = {}
    for key, entry in registered(home).items():
        state = home.hass.states.get(entry.entity_id)
        assert state is not None
        shown[key] = {
            "state": state.state,
            "attributes": {
                str(name): str(value)
                for name, value in sorted(state.attributes.items())
                if name not in NEWER_ATTRIBUTES
            },
            "enabled": key in by_default,
            "category": str(entry.entity_category),
        }
    assert shown == snapshot
    assert tracker.violations == []


async def test_document_alone(home: Home) -> None:
    """An ordinary tracker has at most 18 enabled entities: as many fit into an entry."""
    await home.listen(SERIAL)
    await home.connect(SERIAL, vehicle=driving())
    assert enabled(home) == {
        "binary_sensor.ignition",
        "binary_sensor.malfunction_indicator",
        "binary_sensor.online",
        "device_tracker.position",
        "event.alarm",
        "event.trip",
        "event.trouble_code",
        "sensor.activity",
        "sensor.distance_today",
        "sensor.vehicle_voltage",
        "sensor.fuel_level",
        "sensor.last_contact",
        "sensor.last_fix",
        "sensor.odometer",
        "sensor.speed",
        "switch.output_1",
    }


async def test_more_than_the_document(home: Home) -> None:
    """Nor has one with everything: newer firmware, and an output that cuts the engine."""
    await home.listen(
        SERIAL,
        settings={"cuts_engine": ["3"]},
        options={CONF_ALLOW_ENGINE_CUT: True},
    )
    tracker = await home.connect(SERIAL, vehicle=driving())
    await upload_all(home, tracker)
    assert len(enabled(home)) == MOST_ENABLED


async def test_parts_of_a_device(home: Home) -> None:
    """All entities are on the tracker's device and belong to its subentry."""
    await home.listen(SERIAL)
    await home.connect(SERIAL, vehicle=driving())
    device = home.device(SERIAL)
    assert device is not None
    entries = registered(home).values()
    assert {entry.device_id for entry in entries} == {device.id}
    subentry_id = next(iter(home.entry.subentries))
    assert {entry.config_subentry_id for entry in entries} == {subentry_id}


# --- custom groups ---


async def test_custom_values(home: Home) -> None:
    """Values that no document knows become sensors named by their keys, disabled.

    Those that it knows feed their readings, whatever they are called there.
    """
    await home.listen(SERIAL)
    tracker = home.make_tracker(SERIAL)
    tracker.intervals["mine"] = 60
    tracker.interests["mine"] = {"userdata.custom_key": "own", "obd.f_lvl": "tank"}
    await home.reconnect(tracker)
    await tracker.upload("mine")
    await home.settle()
    entity_id = home.entity_id("sensor", "custom_userdata.custom_key", SERIAL)
    entry = er.async_get(home.hass).async_get(entity_id)
    assert entry is not None
    assert entry.original_name == "userdata.custom_key"
    assert entry.disabled_by is er.RegistryEntryDisabler.INTEGRATION
    await home.enable(entity_id)
    await home.reconnect(tracker)
    await tracker.upload("mine")
    await home.settle()
    state = home.state("sensor", "custom_userdata.custom_key", SERIAL)
    assert state.state == "custom_value"
    assert home.state("sensor", "fuel_level", SERIAL).state == "62.5"


# --- ignition and movement ---


async def test_ignition_by_input_and_by_event(home: Home) -> None:
    """IO.IGT and the events IGON and IGOFF agree on one binary sensor."""
    await home.listen(SERIAL)
    tracker = await home.connect(SERIAL)
    assert home.state("binary_sensor", "ignition", SERIAL).state == "off"
    for event, state in (("IGON", "on"), ("IGOFF", "off")):
        await home.elapse(10)
        await tracker.raise_event(event)
        await home.settle()
        assert home.state("binary_sensor", "ignition", SERIAL).state == state
    await home.elapse(10)
    tracker.vehicle.live(home.clock(), drive(Route(HOME, HOME.away(0, 9_000)), 50))
    await home.elapse(10)
    await tracker.upload("io")
    await tracker.upload("gnss")
    await home.settle()
    assert home.state("binary_sensor", "ignition", SERIAL).state == "on"
    assert home.state("sensor", "activity", SERIAL).state == "driving"


async def test_it_moves_on_the_map(home: Home) -> None:
    """The tracker's position follows, with the accuracy that HDOP says."""
    await home.listen(SERIAL)
    tracker = await home.connect(SERIAL, vehicle=driving())
    first = home.state("device_tracker", "position", SERIAL).attributes
    await home.elapse(10)
    await tracker.upload("gnss")
    await home.settle()
    then = home.state("device_tracker", "position", SERIAL).attributes
    assert then["latitude"] > first["latitude"]
    assert then["gps_accuracy"] == 6
    assert home.state("sensor", "speed", SERIAL).state == "90.0"


async def test_position_without_a_speed(home: Home) -> None:
    """The group of the document's own example does not take the speed away."""
    await home.listen(SERIAL)
    tracker = home.make_tracker(SERIAL, vehicle=driving())
    tracker.intervals["group1"] = 60
    tracker.interests["group1"] = {
        "gnss.latitude": "lat",
        "gnss.longitude": "lon",
        "gnss.altitude": "alt",
        "obd.speed": "speed",
        "obd.odo": "odo",
        "userdata.custom_key": "custom_key",
    }
    await home.reconnect(tracker)
    for group in ("gnss", "group1", "gnss", "group1"):
        before = home.state("device_tracker", "position", SERIAL).attributes
        await home.elapse(5)
        await tracker.upload(group)
        await home.settle()
        after = home.state("device_tracker", "position", SERIAL).attributes
        assert after["latitude"] > before["latitude"]
        assert after["gps_accuracy"] == 6
        assert home.state("sensor", "speed", SERIAL).state == "90.0"
        assert home.state("sensor", "activity", SERIAL).state == "driving"


async def test_only_the_tracker_knows_where(home: Home) -> None:
    """No other entity carries coordinates."""
    await home.listen(SERIAL)
    tracker = await home.connect(SERIAL)
    await enable_all(home)
    await home.reconnect(tracker)
    await tracker.raise_event("COLLISION", level=4)
    await home.settle()
    for state in home.hass.states.async_all():
        if not state.entity_id.startswith(("device_tracker.", "zone.")):
            assert str(HOME.latitude) not in str(state.as_dict())


async def test_absent_values(home: Home) -> None:
    """A value of null, or the least of its scale, is unknown and never 0."""
    await home.listen(SERIAL)
    tracker = await home.connect(SERIAL, vehicle=driving())
    assert home.reading("coolant_temperature", SERIAL) == 88
    tracker.vehicle.live(home.clock())
    for behaviour in (Behaviour(nulls=True), Behaviour(sentinels=True)):
        tracker.behaviour = behaviour
        await home.elapse(10)
        await tracker.upload("obd")
        await home.settle()
        assert home.reading("coolant_temperature", SERIAL) is None
        assert home.state("sensor", "fuel_level", SERIAL).state == "62.5"


# --- events ---


def fired(home: Home, kind: str) -> list[dict[str, Any]]:
    """Return a list that is filled with what an event entity fires."""
    events: list[dict[str, Any]] = []
    entity_id = home.entity_id("event", kind, SERIAL)

    @callback
    def on_change(event: Event[EventStateChangedData]) -> None:
        state = event.data["new_state"]
        if event.data["entity_id"] == entity_id and state is not None:
            events.append(
                {
                    key: value
                    for key, value in state.attributes.items()
                    if key not in ("event_types", "friendly_name")
                }
            )

    home.hass.bus.async_listen("state_changed", on_change)
    return events


async def test_trouble_code(home: Home) -> None:
    """An OBD-II code is raised and cleared, with its text, and counted."""
    await home.listen(SERIAL)
    tracker = await home.connect(SERIAL)
    events = fired(home, "trouble_code")
    await tracker.raise_trouble_code("P070F", "Transmission Fluid Level Too Low")
    await tracker.upload("obd")
    await home.settle()
    assert events == [
        {
            "event_type": "trouble_code",
            "code": "P070F",
            "name": "Transmission Fluid Level Too Low",
            "level": "warning",
            "occurred_at": events[0]["occurred_at"],
            "reported_at": events[0]["occurred_at"],
            "received_at": events[0]["occurred_at"],
            "starts_at": events[0]["occurred_at"],
            "message": events[0]["message"],
        }
    ]
    assert "P070F" in events[0]["message"]
    assert home.reading("trouble_codes", SERIAL) == 1
    assert home.state("binary_sensor", "malfunction_indicator", SERIAL).state == "on"
    await home.elapse(90)
    await tracker.clear_trouble_code("P070F")
    await tracker.upload("obd")
    await home.settle()
    assert len(events) == 2
    assert events[1]["event_type"] == "cleared"
    assert events[1]["cleared"] == "trouble_code"
    assert events[1]["code"] == "P070F"
    assert events[1]["ends_at"] - events[1]["starts_at"] == timedelta(seconds=90)
    assert events[1]["occurred_at"] == events[1]["ends_at"]
    assert home.reading("trouble_codes", SERIAL) == 0
    assert home.state("binary_sensor", "malfunction_indicator", SERIAL).state == "off"


async def test_trouble_code_of_a_truck(home: Home) -> None:
    """A J1939 code has SPN, FMI, the occurrence count and who told it."""
    await home.listen(SERIAL)
    tracker = await home.connect(SERIAL)
    events = fired(home, "trouble_code")
    await tracker.raise_j1939(173, 3, 2)
    await home.elapse(255)
    await tracker.raise_j1939(173, 3, 2, ended=True)
    await home.settle()
    assert [event["event_type"] for event in events] == ["trouble_code", "cleared"]
    for event in events:
        assert event["code"] == "SPN 173 FMI 3"
        assert (event["spn"], event["fmi"]) == (173, 3)
        assert (event["occurrence_count"], event["source_address"]) == (2, 0)


async def test_further_events(home: Home) -> None:
    """Each type of newer firmware has its own; an unknown one fires as other."""
    await home.listen(SERIAL)
    tracker = await home.connect(SERIAL)
    events = fired(home, "alarm")
    for name in (*TYPES, "SOMETHING_NEW"):
        await home.elapse(1)
        await tracker.raise_event(name, level=3)
        await home.settle()
    assert [(event["code"], event["event_type"]) for event in events] == [
        *((name, kind.value) for name, kind in TYPES.items()),
        ("SOMETHING_NEW", "other"),
    ]
    assert {event["level"] for event in events} == {"error"}


async def test_ignition_event(home: Home) -> None:
    """A user who wants the ignition as events enables their entity."""
    await home.listen(SERIAL)
    tracker = await home.connect(SERIAL)
    await home.enable(home.entity_id("event", "ignition", SERIAL))
    await home.reconnect(tracker)
    events = fired(home, "ignition")
    await tracker.raise_event("IGON")
    await home.elapse(60)
    await tracker.raise_event("IGOFF")
    await home.elapse(60)
    await tracker.raise_event("IGON", status="clear")
    await home.settle()
    assert [event["event_type"] for event in events] == [
        "ignition_on",
        "ignition_off",
        "cleared",
    ]


async def test_event_again(home: Home) -> None:
    """An event that is sent again after a connection was lost fires once."""
    await home.listen(SERIAL)
    tracker = await home.connect(SERIAL)
    events = fired(home, "alarm")
    at = home.clock()
    await tracker.raise_event("COLLISION", level=4, at=at)
    await home.settle()
    await tracker.disconnect()
    await home.elapse(30)
    await home.reconnect(tracker)
    await tracker.raise_event("COLLISION", level=4, at=at)
    await home.settle()
    assert len(events) == 1


# --- diagnostics ---


async def test_diagnostics(home: Home) -> None:
    """They tell what fits no entity, and nothing of whose the tracker is or where."""
    await home.listen(SERIAL)
    tracker = home.make_tracker(SERIAL, vehicle=driving())
    tracker.intervals["mine"] = 60
    tracker.interests["mine"] = {"userdata.custom_key": ""}
    await home.reconnect(tracker)
    await tracker.upload("mine")
    await tracker.send("gnss/info", payload={"gnss.new": 1})
    await upload_all(home, tracker)
    found = await async_get_config_entry_diagnostics(home.hass, home.entry)
    (vehicle,) = found["vehicles"]
    assert vehicle["readings"]["monitor:misfire"] is True
    assert vehicle["readings"]["netmask"] == "255.255.255.255"
    assert vehicle["readings"]["product_number"] == "FQ58"
    assert vehicle["readings"]["input_pullup:1"] is False
    (of_tracker,) = found["connection"]["trackers"]
    assert of_tracker["connected"] is True
    assert of_tracker["unknown_names"] == {"gnss/gnss.new": 1}
    device = home.device(SERIAL)
    assert device is not None
    alone = await async_get_device_diagnostics(home.hass, home.entry, device)
    private = (
        *(SERIAL, "862104021247207", "89860118802836799717", "3197010000003"),
        *("10.210.255.168", "1.1.1.3", "EA00", "71CF520", "WDB9066571S000001"),
        *("custom_value", IDENTITY, str(home.port), "Van 01"),
        str(HOME.longitude),
    )
    for text in private:
        assert text not in json.dumps([found, alone]), text
