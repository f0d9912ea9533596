"""The life of a listener: connections come, go and misbehave, and Home Assistant restarts."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
import json
import logging
from pathlib import Path
from typing import Any

from homeassistant.helpers import issue_registry as ir
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.fleet_tracker.const import DOMAIN
from custom_components.fleet_tracker.vendors.vt3.errors import CODES
from tests.common import set_up_component
from tests.simulators.vt3 import Behaviour, Vt3Simulator
from tests.simulators.world import HOME, Route, Vehicle, drive

from .conftest import ELSEWHERE, OTHER, SERIAL
from .home import LOCALHOST, START, Home

STRINGS = (
    Path(__file__).parents[3]
    / "custom_components"
    / "fleet_tracker/translations/en.json"
)


def online(home: Home, serial: str = SERIAL) -> str:
    """Return whether a tracker is shown to be online."""
    return home.state("binary_sensor", "online", serial).state


def shown(home: Home) -> dict[str, str]:
    """Return all states of the trackers' entities, but for the times."""
    return {
        state.entity_id: state.state
        for state in home.hass.states.async_all()
        if not state.entity_id.startswith("zone.")
    }


def complaints(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what the integration's log says to the user."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.levelno >= logging.INFO and "fleet_tracker" in record.name
    ]


async def end_of(home: Home, reader: asyncio.StreamReader) -> None:
    """Wait until the listener has ended a connection."""

    async def read() -> None:
        try:
            while await reader.read(4096):
                pass
        except ConnectionError:
            pass  # ended at once, with something unread

    task = asyncio.create_task(read())
    await home.until(task.done)
    await task


# --- connections ---


async def test_offline_and_online(home: Home) -> None:
    """A lost connection shows at once; what was known stays, with its time."""
    await home.listen(SERIAL)
    tracker = await home.connect(SERIAL)
    before = shown(home)
    assert online(home) == "on"
    await home.elapse(30)
    await tracker.disconnect()
    await home.until(lambda: online(home) == "off")
    changed = {key for key, value in shown(home).items() if before[key] != value}
    assert changed <= {
        "binary_sensor.van_01_online",
        "sensor.van_01_activity",
        "sensor.van_01_last_contact",
    }
    await home.elapse(3600)
    await home.reconnect(tracker)
    assert online(home) == "on"


async def test_silence(home: Home) -> None:
    """After five minutes without a word it is offline, but the connection stays."""
    await home.listen(SERIAL)
    tracker = await home.connect(SERIAL)
    await home.elapse(290)
    assert online(home) == "on"
    await home.elapse(20)
    assert online(home) == "off"
    assert not tracker.lost.is_set()
    await tracker.upload("gnss")
    await home.settle()
    assert online(home) == "on"


async def test_slow_tracker(home: Home) -> None:
    """A tracker that speaks every ten minutes is offline after thirty."""
    await home.listen(SERIAL)
    tracker = await home.connect(SERIAL)
    for _ in range(3):
        await home.elapse(600)
        await tracker.upload("gnss")
        await home.settle()
    await home.elapse(1790)
    assert online(home) == "on"
    await home.elapse(60)
    assert online(home) == "off"


@pytest.mark.parametrize("behind", [0, 120])
async def test_clock_that_is_behind(home: Home, behind: int) -> None:
    """News counts at once, also after answers that have no time."""
    await home.listen(SERIAL)
    tracker = await home.connect(SERIAL, Behaviour(clock_behind=behind))
    await home.call("button.press", home.entity_id("button", "refresh", SERIAL))
    await home.call("switch.turn_on", home.entity_id("switch", "output_1", SERIAL))
    tracker.outputs[0] = 0
    north = drive(Route(HOME, HOME.away(0, 5_000)), 60)
    tracker.vehicle.live(home.clock() - 10, north)
    before = home.state("device_tracker", "position", SERIAL).attributes["latitude"]
    for group in ("gnss", "io", "obd"):
        await tracker.upload(group)
    await home.settle()
    assert home.state("switch", "output_1", SERIAL).state == "off"
    assert home.state("binary_sensor", "ignition", SERIAL).state == "on"
    assert home.reading("obd_speed", SERIAL) == 60
    after = home.state("device_tracker", "position", SERIAL).attributes["latitude"]
    assert after > before
    assert not home.coordinator.fleet.dropped


async def test_asked_once_per_connection(home: Home) -> None:
    """A tracker is asked for its system, its network and its groups, and no more."""
    await home.listen(SERIAL)
    tracker = await home.connect(SERIAL)
    expected = ["sysinfo/refresh", "cellular1/refresh", "group/get"]
    assert [name for name, _ in tracker.requests] == expected
    for _ in range(5):
        await home.elapse(10)
        await tracker.upload("gnss")
    await home.settle()
    assert [name for name, _ in tracker.requests] == expected
    await home.reconnect(tracker)
    assert [name for name, _ in tracker.requests] == expected
    assert tracker.violations == []


async def test_new_connection_of_same_tracker(home: Home) -> None:
    """A tracker whose end was not noticed takes its place back at once."""
    await home.listen(SERIAL)
    old = await home.connect(SERIAL)
    new = await home.connect(SERIAL)
    await home.until(old.lost.is_set)
    assert not new.lost.is_set()
    assert online(home) == "on"
    await home.call("switch.turn_on", home.entity_id("switch", "output_1", SERIAL))
    assert (old.outputs[0], new.outputs[0]) == (0, 1)


async def test_serial_of_another_tracker(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    """Who claims a connected tracker's serial is sent away, with one line in the log."""
    await home.listen(SERIAL)
    tracker = await home.connect(SERIAL)
    caplog.clear()
    before = shown(home)
    for _ in range(3):
        liar = home.make_tracker(SERIAL)
        await liar.connect(LOCALHOST, home.port, local_address=ELSEWHERE)
        await liar.send("gnss/info", payload={"gnss.latitude": 1, "gnss.longitude": 1})
        await home.until(liar.lost.is_set)
        assert liar.requests == []
    assert not tracker.lost.is_set()
    assert shown(home) == before
    (line,) = complaints(caplog)
    assert "already connected" in line
    assert SERIAL not in caplog.text


async def test_speaking_for_others(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    """Messages of a connected tracker about another one are ignored."""
    await home.listen(SERIAL, OTHER)
    tracker = await home.connect(SERIAL)
    caplog.clear()
    for _ in range(3):
        tracker.serial = OTHER
        await tracker.upload("gnss")
        tracker.serial = SERIAL
    await home.settle()
    assert online(home, OTHER) == "off"
    position = home.state("device_tracker", "position", OTHER)
    assert position.attributes.get("latitude") is None
    (line,) = complaints(caplog)
    assert "spoke for another" in line


# --- peers that are no trackers ---


@pytest.mark.parametrize(
    "rubbish",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        bytes(range(256)),
        b"{",
        b"$" + b"x" * 70_000 + b"\r\n",
    ],
    ids=["http", "bytes", "braces", "long lines"],
)
async def test_rubbish(
    home: Home, caplog: pytest.LogCaptureFixture, rubbish: bytes
) -> None:
    """A peer that sends rubbish is disconnected: a line in the log once, nothing else."""
    await home.listen(SERIAL)
    tracker = await home.connect(SERIAL)
    caplog.clear()
    before = shown(home)
    for _ in range(3):
        reader, writer = await asyncio.open_connection(LOCALHOST, home.port)
        task = asyncio.create_task(end_of(home, reader))
        while not task.done():
            writer.write(rubbish * (1 + 20_000 // len(rubbish)))
            await home.turns()
        await task
        writer.close()
    assert shown(home) == before
    assert home.cards() == []
    assert len(complaints(caplog)) == 1
    await tracker.upload("gnss")
    await home.settle()
    assert online(home) == "on"


async def test_flood_from_one_address(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    """One address may have so many connections; added trackers still find their place."""
    await home.listen(SERIAL)
    caplog.clear()
    writers = []
    for _ in range(60):
        _, writer = await asyncio.open_connection(
            LOCALHOST, home.port, local_addr=(ELSEWHERE, 0)
        )
        writers.append(writer)
        await home.turns()
    state = home.connection.server.state()
    assert state["connections"] == 32
    assert len(complaints(caplog)) == 1
    await home.connect(SERIAL)
    assert online(home) == "on"
    for writer in writers:
        writer.close()


async def test_silent_peers(home: Home) -> None:
    """A connection without a single message is closed after a day."""
    await home.listen()
    reader, writer = await asyncio.open_connection(LOCALHOST, home.port)
    await home.settle()
    assert home.connection.server.state()["connections"] == 1
    await home.elapse(timedelta(days=1, seconds=1))
    await end_of(home, reader)
    assert home.connection.server.state()["connections"] == 0
    writer.close()


# --- Home Assistant ends and starts ---


async def test_port_is_free_at_once(home: Home) -> None:
    """Unloading ends all connections, and the port can be used the moment after."""
    await home.listen(SERIAL)
    tracker = await home.connect(SERIAL)
    reader, writer = await asyncio.open_connection(LOCALHOST, home.port)
    await home.settle()
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)
    server = await asyncio.start_server(lambda *_: None, LOCALHOST, home.port)
    server.close()
    await server.wait_closed()
    assert await reader.read() == b""
    await tracker.lost.wait()
    writer.close()


async def test_restart(home: Home) -> None:
    """After a restart the last known values are shown, with their old times."""
    await home.listen(SERIAL)
    north = Vehicle(
        HOME,
        drive(Route(HOME, HOME.away(0, 2_000)), 60),
        start=START.timestamp() - 60,
        repeat=False,
        odometer=51_654_000,
    )
    tracker = await home.connect(SERIAL, vehicle=north)
    before = shown(home)
    coolant = home.reading("coolant_temperature", SERIAL)
    assert coolant is not None
    place = home.state("device_tracker", "position", SERIAL).attributes["latitude"]
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)
    await home.elapse_unloaded(3600)
    assert await home.hass.config_entries.async_setup(home.entry.entry_id)
    await home.hass.async_block_till_done()
    after = shown(home)
    assert after["sensor.van_01_last_position"] == before["sensor.van_01_last_position"]
    # Nine seconds after the start it answered the last of what it was asked.
    assert after["sensor.van_01_last_contact"] == "2025-10-09T09:00:09+00:00"
    for key in ("odometer", "fuel_level", "vehicle_voltage"):
        assert after[f"sensor.van_01_{key}"] == before[f"sensor.van_01_{key}"]
    assert home.reading("coolant_temperature", SERIAL) == coolant
    position = home.state("device_tracker", "position", SERIAL)
    assert position.attributes["latitude"] == place
    assert online(home) == "off"
    # An old speed is none.
    assert after["sensor.van_01_speed"] == "unknown"
    assert after["sensor.van_01_activity"] == "offline"
    await home.reconnect(tracker)
    assert online(home) == "on"


async def test_spacing_over_a_reload(home: Home) -> None:
    """Requests from just before a reload count for the spacing, too."""
    await home.listen(SERIAL)
    tracker = await home.connect(SERIAL)
    assert await home.hass.config_entries.async_reload(home.entry.entry_id)
    await home.reconnect(tracker)
    assert tracker.violations == []


async def test_removal(home: Home) -> None:
    """Removing the listener ends its connections and leaves no device."""
    await home.listen(SERIAL)
    tracker = await home.connect(SERIAL)
    await home.hass.config_entries.async_remove(home.entry.entry_id)
    await home.hass.async_block_till_done()
    await tracker.lost.wait()
    assert home.device(SERIAL) is None
    assert shown(home) == {}


# --- problems that can be solved ---


def issues(home: Home) -> dict[str, Mapping[str, str]]:
    """Return the repair issues: what is wrong, and what their texts say of it."""
    return {
        issue.translation_key or "": issue.translation_placeholders or {}
        for issue in ir.async_get(home.hass).issues.values()
        if issue.domain == DOMAIN and issue.active
    }


async def repair(home: Home, hass_client: ClientSessionGenerator, cause: str) -> Any:
    """Go through the repair of a problem, and return how it ends."""
    await set_up_component(home.hass, "repairs")
    client = await hass_client()
    path = "/api/repairs/issues/fix"
    response = await client.post(
        path,
        json={"handler": DOMAIN, "issue_id": f"{cause}_{home.entry.entry_id}"},
    )
    assert response.status == HTTPStatus.OK
    step = await response.json()
    assert (step["type"], step["step_id"]) == ("form", "confirm")
    assert step["description_placeholders"]["account"] == "VT3 trackers"
    response = await client.post(f"{path}/{step['flow_id']}", json={})
    assert response.status == HTTPStatus.OK
    await home.hass.async_block_till_done()
    return await response.json()


async def drive_for(home: Home, tracker: Vt3Simulator, seconds: int) -> None:
    """Let a tracker upload where it is every ten seconds."""
    for _ in range(seconds // 10):
        await home.elapse(10)
        await tracker.upload("gnss")
        await tracker.upload("obd")
        await home.settle()


async def test_speed_in_knots(home: Home, hass_client: ClientSessionGenerator) -> None:
    """A tracker that tells knots is found out, and the repair switches the unit."""
    await home.listen(SERIAL)
    fast = Vehicle(
        HOME,
        drive(Route(HOME, HOME.away(90, 50_000)), 100),
        start=START.timestamp() - 60,
        repeat=False,
    )
    tracker = await home.connect(SERIAL, Behaviour(knots=True), fast)
    assert float(home.state("sensor", "speed", SERIAL).state) == pytest.approx(54)
    assert issues(home) == {}
    await drive_for(home, tracker, 120)
    assert issues(home) == {
        "vt3_wrong_speed_unit": {
            "account": "VT3 trackers",
            "unit": "kn",
            "vehicles": "Van 01",
        }
    }
    result = await repair(home, hass_client, "vt3_wrong_speed_unit")
    assert result["type"] == "create_entry"
    assert home.entry.options["speed_unit"] == "knots"
    assert issues(home) == {}
    await home.reconnect(tracker)
    await drive_for(home, tracker, 120)
    speed = float(home.state("sensor", "speed", SERIAL).state)
    assert speed == pytest.approx(100, abs=0.2)
    assert issues(home) == {}


async def test_speed_as_the_document_says(home: Home) -> None:
    """A tracker that tells km/h is left alone."""
    await home.listen(SERIAL)
    fast = Vehicle(
        HOME,
        drive(Route(HOME, HOME.away(90, 50_000)), 100),
        start=START.timestamp() - 60,
        repeat=False,
    )
    tracker = await home.connect(SERIAL, vehicle=fast)
    await drive_for(home, tracker, 200)
    assert issues(home) == {}


async def test_unknown_names(home: Home, hass_client: ClientSessionGenerator) -> None:
    """Names that somebody else gave to values can be reset by the repair."""
    await home.listen(SERIAL)
    tracker = home.make_tracker(SERIAL)
    tracker.interests["obd"] = {"obd.f_lvl": "tank", "obd.odo": "km"}
    await home.reconnect(tracker)
    assert issues(home) == {
        "vt3_unknown_names": {
            "account": "VT3 trackers",
            "groups": "obd",
            "vehicles": "Van 01",
        }
    }
    await tracker.disconnect()
    await home.until(lambda: online(home) == "off")
    result = await repair(home, hass_client, "vt3_unknown_names")
    assert result["errors"] == {"base": "vehicle_offline"}
    assert "vt3_unknown_names" in issues(home)
    await home.reconnect(tracker)
    await home.elapse(10)
    result = await repair(home, hass_client, "vt3_unknown_names")
    assert result["type"] == "create_entry"
    assert issues(home) == {}
    await tracker.upload("obd")
    await home.settle()
    assert home.state("sensor", "fuel_level", SERIAL).state == "62.5"
    assert issues(home) == {}
    assert tracker.violations == []


@pytest.mark.parametrize("code", [*sorted(CODES), "never_heard_of"])
async def test_reset_refused(
    home: Home, hass_client: ClientSessionGenerator, code: str
) -> None:
    """Whatever the tracker answers, the repair says why it did not work."""
    await home.listen(SERIAL)
    tracker = home.make_tracker(SERIAL)
    tracker.interests["io"] = {"io.IGT": "key"}
    await home.reconnect(tracker)
    tracker.behaviour.errors["io/set"] = 2 * [code]
    result = await repair(home, hass_client, "vt3_unknown_names")
    key = f"vt3_{code}" if code in CODES else "vt3_error"
    assert result["errors"] == {"base": key}
    texts = json.loads(STRINGS.read_text(encoding="utf-8"))
    assert texts["issues"]["vt3_unknown_names"]["fix_flow"]["error"][key]
    assert "vt3_unknown_names" in issues(home)


async def test_repair_without_listener(
    home: Home, hass_client: ClientSessionGenerator
) -> None:
    """A repair that was opened before the listener was stopped says so."""
    await home.listen(SERIAL)
    tracker = home.make_tracker(SERIAL)
    tracker.interests["obd"] = {"obd.f_lvl": "tank"}
    await home.reconnect(tracker)
    await set_up_component(home.hass, "repairs")
    client = await hass_client()
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)
    response = await client.post(
        "/api/repairs/issues/fix",
        json={
            "handler": DOMAIN,
            "issue_id": f"vt3_unknown_names_{home.entry.entry_id}",
        },
    )
    step = await response.json()
    assert (step["type"], step["reason"]) == ("abort", "entry_not_loaded")
