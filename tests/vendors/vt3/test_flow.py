"""The flows: a listener, its options, and trackers that are added or introduce themselves."""

from __future__ import annotations

import _socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
import socket
from typing import Any

from homeassistant.config_entries import (
    SOURCE_IGNORE,
    SOURCE_RECONFIGURE,
    SOURCE_USER,
    ConfigEntryState,
)
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import entity_registry as er
import pytest

from custom_components.fleet_tracker.const import DOMAIN, SUBENTRY_VEHICLE
from tests.common import send_settings
from tests.languages import MARK
from tests.simulators.world import HOME

from .conftest import OTHER, SERIAL
from .home import IDENTITY, LOCALHOST, Home, free_port

OPTIONS = {
    "hold_while_parked": True,
    "allow_engine_cut": False,
    "engine_cut_speed_limit": 20,
    "speed_unit": "kmh",
    "allowed_networks": [],
    "connections": 2000,
    "connections_per_address": 32,
}


@contextmanager
def occupied() -> Iterator[int]:
    """Listen on a port as another program would."""
    with socket.socket() as one:
        one.bind((LOCALHOST, 0))
        one.listen()
        yield one.getsockname()[1]


async def begin(home: Home) -> str:
    """Choose the vendor and return the id of the flow, which asks where to listen."""
    flows = home.hass.config_entries.flow
    result = await flows.async_init(DOMAIN, context={"source": SOURCE_USER})
    assert result["type"] is FlowResultType.MENU
    result = await flows.async_configure(result["flow_id"], {"next_step_id": "vt3"})
    assert result["step_id"] == "vt3"
    flow_id: str = result["flow_id"]
    return flow_id


async def enter(home: Home, flow_id: str, **entered: Any) -> Mapping[str, Any]:
    """Submit a form of a config flow."""
    result: Mapping[str, Any] = await home.hass.config_entries.flow.async_configure(
        flow_id, entered
    )
    await home.hass.async_block_till_done()
    return result


# --- the listener ---


def is_taken(address: str, port: int) -> bool:
    """Tell whether somebody listens on a port of this machine."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as one:
        try:
            one.bind((address, port))
        except OSError:
            return True
    return False


@pytest.mark.parametrize(
    ("host", "taken"),
    [(LOCALHOST, {LOCALHOST}), ("::1", {"::1"}), ("", {LOCALHOST, "::1"})],
)
async def test_add_listener(home: Home, host: str, taken: set[str]) -> None:
    """The listener opens the entered address, or all addresses."""
    port = free_port()
    entered = {"port": port, "host": host} if host else {"port": port}
    result = await enter(home, await begin(home), **entered)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == f"VT3 trackers, port {port}"
    entry = result["result"]
    assert entry.state is ConfigEntryState.LOADED
    assert (entry.data["host"], entry.data["port"]) == (host, port)
    assert {one for one in (LOCALHOST, "::1") if is_taken(one, port)} == taken
    await home.hass.config_entries.async_unload(entry.entry_id)
    assert not any(is_taken(one, port) for one in (LOCALHOST, "::1"))


@pytest.mark.usefixtures("german")
async def test_title_in_another_language(home: Home) -> None:
    """The entry is called so in the language of Home Assistant."""
    port = free_port()
    result = await enter(home, await begin(home), port=port, host=LOCALHOST)
    assert result["title"] == f"{MARK}VT3 trackers, port {port}"


async def test_identity_is_random(home: Home) -> None:
    """Two listeners never share unique ids, whatever their addresses."""
    entries = []
    for _ in range(2):
        result = await enter(home, await begin(home), port=free_port(), host=LOCALHOST)
        entries.append(result["result"])
    identities = {entry.data["identity"] for entry in entries}
    assert len(identities) == 2
    assert identities == {entry.unique_id for entry in entries}


async def test_port_in_use(home: Home) -> None:
    """The form says that the port is in use, and takes another one."""
    flow_id = await begin(home)
    with occupied() as port:
        result = await enter(home, flow_id, port=port, host=LOCALHOST)
        assert result["errors"] == {"port": "vt3_port_in_use"}
    result = await enter(home, flow_id, port=port, host=LOCALHOST)
    assert result["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize("host", ["192.0.2.1", "10.8..1"])
async def test_unusable_address(
    home: Home, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    """The form says that this machine does not have the address, or that it is none."""
    # Tests may look nothing up; neither of these is asked about.
    monkeypatch.setattr(socket, "getaddrinfo", _socket.getaddrinfo)
    flow_id = await begin(home)
    result = await enter(home, flow_id, port=free_port(), host=host)
    assert result["errors"] == {"host": "vt3_address_unusable"}
    result = await enter(home, flow_id, port=free_port(), host=LOCALHOST)
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_same_listener_twice(home: Home) -> None:
    """A second listener on the same address and port is not a second one."""
    await home.listen()
    result = await enter(home, await begin(home), port=home.port, host=LOCALHOST)
    assert result["reason"] == "already_configured"


async def reconfigure(home: Home, **entered: Any) -> Mapping[str, Any]:
    """Reconfigure the listener."""
    flows = home.hass.config_entries.flow
    result = await flows.async_init(
        DOMAIN,
        context={"source": SOURCE_RECONFIGURE, "entry_id": home.entry.entry_id},
    )
    assert result["step_id"] == "reconfigure"
    return await enter(home, result["flow_id"], **entered)


async def test_other_port(home: Home) -> None:
    """Another port is taken at once, with the same trackers and the old port free."""
    await home.listen(SERIAL)
    device = home.device(SERIAL)
    assert device is not None
    old, new = home.port, free_port()
    result = await reconfigure(home, port=new, host=LOCALHOST)
    assert result["reason"] == "reconfigure_successful"
    await home.hass.async_block_till_done()
    assert home.entry.state is ConfigEntryState.LOADED
    assert home.entry.data["identity"] == IDENTITY
    assert home.connection.server.ports == [new]
    same = home.device(SERIAL)
    assert same is not None and same.id == device.id
    assert not is_taken(LOCALHOST, old)


async def test_other_address(home: Home) -> None:
    """The address can change while the listener itself holds the port."""
    await home.listen()
    result = await reconfigure(home, port=home.port, host="192.0.2.1")
    assert result["errors"] == {"host": "vt3_address_unusable"}
    result = await enter(home, result["flow_id"], port=home.port, host="127.0.0.2")
    assert result["reason"] == "reconfigure_successful"
    await home.hass.async_block_till_done()
    assert is_taken("127.0.0.2", home.port)
    assert not is_taken(LOCALHOST, home.port)


async def test_reconfigure_to_port_in_use(home: Home) -> None:
    """A port that another program uses is refused, and the listener goes on."""
    await home.listen()
    with occupied() as port:
        result = await reconfigure(home, port=port, host=LOCALHOST)
        assert result["errors"] == {"port": "vt3_port_in_use"}
    assert home.entry.state is ConfigEntryState.LOADED
    result = await enter(home, result["flow_id"], port=home.port, host=LOCALHOST)
    assert result["reason"] == "reconfigure_successful"
    await home.hass.async_block_till_done()


async def test_port_taken_at_start(home: Home) -> None:
    """At a start a port in use is said, and tried again later."""
    await home.listen()
    await home.hass.config_entries.async_unload(home.entry.entry_id)
    with socket.socket() as one:
        one.bind((LOCALHOST, home.port))
        one.listen()
        await home.hass.config_entries.async_setup(home.entry.entry_id)
        assert home.entry.state is ConfigEntryState.SETUP_RETRY
        assert str(home.port) in (home.entry.reason or "")
    assert await home.hass.config_entries.async_reload(home.entry.entry_id)


# --- options ---


async def set_options(home: Home, **changed: Any) -> Mapping[str, Any]:
    """Submit the options."""
    return await send_settings(home.hass, home.entry.entry_id, OPTIONS | changed)


async def test_allowed_networks(home: Home) -> None:
    """Only the allowed networks may connect; what is none is refused by the form."""
    await home.listen(SERIAL)
    result = await set_options(home, allowed_networks=["10.8.0.0/16", "nonsense"])
    assert result["errors"] == {"advanced": "vt3_invalid_network"}
    result = await set_options(home, allowed_networks=["10.8.0.0/16"])
    assert result["type"] is FlowResultType.CREATE_ENTRY
    tracker = home.make_tracker(SERIAL)
    await tracker.connect(LOCALHOST, home.port)
    await home.until(tracker.lost.is_set)
    assert home.state("binary_sensor", "online", SERIAL).state == "off"
    await set_options(home, allowed_networks=["10.8.0.0/16", LOCALHOST])
    await home.reconnect(tracker)
    assert home.state("binary_sensor", "online", SERIAL).state == "on"


async def test_connections_per_address(home: Home) -> None:
    """An address has only so many connections whose trackers are not added."""
    await home.listen()
    result = await set_options(home, connections_per_address=2)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    trackers = [home.make_tracker(f"VF{number}") for number in range(3)]
    for tracker in trackers:
        await tracker.connect(LOCALHOST, home.port)
    await home.until(trackers[0].lost.is_set)
    assert not trackers[1].lost.is_set() and not trackers[2].lost.is_set()


async def test_connections(home: Home) -> None:
    """There are only so many connections; trackers that are added go first."""
    await home.listen(SERIAL)
    await set_options(home, connections=1)
    stranger = home.make_tracker(OTHER)
    await stranger.connect(LOCALHOST, home.port)
    await home.connect(SERIAL)
    await home.until(stranger.lost.is_set)
    assert home.state("binary_sensor", "online", SERIAL).state == "on"


# --- trackers ---


async def add_tracker(home: Home, **entered: str) -> Mapping[str, Any]:
    """Add a tracker by hand."""
    flows = home.hass.config_entries.subentries
    result = await flows.async_init(
        (home.entry.entry_id, SUBENTRY_VEHICLE), context={"source": SOURCE_USER}
    )
    assert result["step_id"] == "user"
    result = await flows.async_configure(result["flow_id"], entered)
    await home.hass.async_block_till_done()
    return dict(result)


async def test_add_in_advance(home: Home) -> None:
    """A tracker that was added before it connects has its device, and fills it later."""
    await home.listen()
    result = await add_tracker(home, vehicle_id=f" {SERIAL} ", name="Tractor")
    assert result["type"] is FlowResultType.CREATE_ENTRY
    device = home.device(SERIAL)
    assert device is not None
    assert (device.name, device.model, device.serial_number) == (
        "Tractor",
        "VT3",
        SERIAL,
    )
    assert home.state("binary_sensor", "online", SERIAL).state == "off"
    await home.connect(SERIAL)
    device = home.device(SERIAL)
    assert device is not None
    assert (device.manufacturer, device.model) == ("InHand Networks", "VT310")
    assert (device.sw_version, device.hw_version) == ("VT3_V1.0.22", "FQ58")
    assert home.state("binary_sensor", "online", SERIAL).state == "on"
    assert home.cards() == []


async def test_name_is_optional(home: Home) -> None:
    """Without a name a tracker is called by its serial number."""
    await home.listen()
    result = await add_tracker(home, vehicle_id=SERIAL)
    assert result["title"] == SERIAL
    device = home.device(SERIAL)
    assert device is not None and device.name == SERIAL


@pytest.mark.parametrize(
    ("serial", "errors"),
    [
        *(
            (serial, {"vehicle_id": "vt3_invalid_serial"})
            for serial in ("VF 310", "VF/310", "V" * 65, "VÄ310")
        ),
        (" ", {"vehicle_id": "blank"}),
        ("V" * 300, {"vehicle_id": "too_long"}),
    ],
)
async def test_no_serial(home: Home, serial: str, errors: dict[str, str]) -> None:
    """A text that cannot be a serial number is refused."""
    await home.listen()
    result = await add_tracker(home, vehicle_id=serial)
    assert result["errors"] == errors
    assert not home.entry.subentries


@pytest.mark.parametrize("held", [SERIAL, SERIAL.lower()])
@pytest.mark.parametrize("typed", [SERIAL, SERIAL.lower()])
async def test_add_twice(home: Home, held: str, typed: str) -> None:
    """A tracker is added once, in whatever case of letters."""
    await home.listen(held)
    result = await add_tracker(home, vehicle_id=typed)
    assert result["reason"] == "already_configured"


async def test_serial_in_lower_case(home: Home) -> None:
    """A serial number in small letters is the one that the tracker has."""
    await home.listen()
    result = await add_tracker(home, vehicle_id=SERIAL.lower())
    assert result["title"] == SERIAL
    await home.connect(SERIAL)
    assert home.state("binary_sensor", "online", SERIAL).state == "on"
    assert home.cards() == []


async def test_add_other_keeps_connections(home: Home) -> None:
    """Adding a tracker does not disturb those that are connected."""
    await home.listen(SERIAL)
    tracker = await home.connect(SERIAL)
    await add_tracker(home, vehicle_id=OTHER)
    assert not tracker.lost.is_set()
    assert home.state("binary_sensor", "online", SERIAL).state == "on"
    assert home.device(OTHER) is not None


async def change_tracker(home: Home, serial: str, **entered: Any) -> Mapping[str, Any]:
    """Change the settings of a tracker."""
    flows = home.hass.config_entries.subentries
    subentry_id = next(
        one.subentry_id
        for one in home.entry.subentries.values()
        if one.unique_id == serial
    )
    result = await flows.async_init(
        (home.entry.entry_id, SUBENTRY_VEHICLE),
        context={"source": SOURCE_RECONFIGURE, "subentry_id": subentry_id},
    )
    result = await flows.async_configure(result["flow_id"], entered)
    await home.hass.async_block_till_done()
    return dict(result)


async def test_rename(home: Home) -> None:
    """A tracker can be renamed, without a reload."""
    await home.listen(SERIAL)
    tracker = await home.connect(SERIAL)
    result = await change_tracker(home, SERIAL, name="Tractor", cuts_engine=[])
    assert result["reason"] == "reconfigure_successful"
    device = home.device(SERIAL)
    assert device is not None and device.name == "Tractor"
    assert [one.title for one in home.entry.subentries.values()] == ["Tractor"]
    assert not tracker.lost.is_set()


async def test_mark_output(home: Home) -> None:
    """An output that is marked has two buttons and a sensor in place of its switch."""
    await home.listen(SERIAL)
    tracker = home.make_tracker(SERIAL)
    tracker.outputs[0] = 1
    await home.reconnect(tracker)
    before = home.entity_id("switch", "output_1", SERIAL)
    await tracker.disconnect()
    await change_tracker(home, SERIAL, name="Van", cuts_engine=["1"])
    assert er.async_get(home.hass).async_get(before) is None
    assert home.hass.states.get(before) is None
    assert home.state("binary_sensor", "engine_cut_1", SERIAL).state == "on"
    restore = home.entity_id("button", "restore_engine_1", SERIAL)
    await home.reconnect(tracker)
    assert home.state("binary_sensor", "engine_cut_1", SERIAL).state == "on"
    await change_tracker(home, SERIAL, name="Van")
    assert er.async_get(home.hass).async_get(restore) is None
    assert home.state("switch", "output_1", SERIAL).state == "on"


async def test_remove_tracker(home: Home) -> None:
    """A removed tracker is disconnected and leaves nothing; others go on."""
    await home.listen(SERIAL, OTHER)
    tracker, other = await home.connect(SERIAL), await home.connect(OTHER)
    subentry_id = next(
        one.subentry_id
        for one in home.entry.subentries.values()
        if one.unique_id == SERIAL
    )
    home.hass.config_entries.async_remove_subentry(home.entry, subentry_id)
    await home.hass.async_block_till_done()
    await home.until(tracker.lost.is_set)
    assert home.device(SERIAL) is None
    assert SERIAL not in home.coordinator.vehicles()
    assert not other.lost.is_set()


# --- discovery cards ---


async def introduce(home: Home, serial: str = OTHER) -> Mapping[str, Any]:
    """Let a tracker connect that is not added, and return its card."""
    await home.elapse(60)
    tracker = home.make_tracker(serial)
    await tracker.connect(LOCALHOST, home.port)
    await tracker.send("sysinfo/info", payload={"sysinfo.model_name": "VT310"})
    unique_id = f"{IDENTITY}_{serial}"
    await home.until(lambda: unique_id in map(unique_id_of, home.cards()))
    return next(card for card in home.cards() if unique_id_of(card) == unique_id)


def unique_id_of(card: Mapping[str, Any]) -> str | None:
    """Return what names the tracker of a card."""
    unique_id: str | None = card["context"].get("unique_id")
    return unique_id


async def test_accept_from_card(home: Home) -> None:
    """A tracker that introduced itself is added from its card, and moves in at once."""
    await home.listen()
    card = await introduce(home)
    assert card["context"]["title_placeholders"] == {"name": f"VT310 {OTHER}"}
    tracker = home.trackers[0]
    assert tracker.requests == []
    result = await enter(home, card["flow_id"], name="Tractor")
    assert result["reason"] == "vehicle_added"
    device = home.device(OTHER)
    assert device is not None and device.name == "Tractor"
    await tracker.upload("gnss")
    await home.until(lambda: home.state("binary_sensor", "online", OTHER).state == "on")
    await home.until(lambda: "group/get" in dict(tracker.requests))
    position = home.state("device_tracker", "position", OTHER)
    assert position.attributes["latitude"] == HOME.latitude
    assert home.cards() == []
    await tracker.upload("gnss")
    await home.settle()
    assert home.cards() == []


async def test_one_card_each(home: Home) -> None:
    """However often a tracker calls, it has one card."""
    await home.listen()
    await introduce(home)
    tracker = home.trackers[0]
    for _ in range(3):
        await tracker.disconnect()
        await tracker.connect(LOCALHOST, home.port)
        await tracker.upload("gnss")
        await home.elapse(3700)
    assert len(home.cards()) == 1
    await introduce(home, SERIAL)
    assert len(home.cards()) == 2


async def test_ignored(home: Home) -> None:
    """A tracker that the user ignores is not shown again."""
    await home.listen()
    card = await introduce(home)
    await home.hass.config_entries.flow.async_init(
        DOMAIN,
        context={"source": SOURCE_IGNORE},
        data={"unique_id": card["context"]["unique_id"], "title": "Not mine"},
    )
    await home.hass.async_block_till_done()
    assert home.cards() == []
    await home.elapse(3700)
    await home.trackers[0].upload("gnss")
    await home.settle()
    assert home.cards() == []


async def test_most_cards(home: Home) -> None:
    """At most 20 trackers are shown at a time."""
    await home.listen()
    for number in range(21):
        tracker = home.make_tracker(f"VF31020211117{number:02}")
        await tracker.connect(LOCALHOST, home.port)
        await tracker.upload("gnss")
        await home.elapse(200)
    assert len(home.cards()) == 20


async def test_added_by_hand_meanwhile(home: Home) -> None:
    """The card goes away when its tracker is added by hand."""
    await home.listen()
    await introduce(home)
    result = await add_tracker(home, vehicle_id=OTHER, name="Tractor")
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert home.cards() == []


async def test_card_of_closed_listener(home: Home) -> None:
    """A card cannot be accepted while its listener does not run, and goes with it."""
    await home.listen()
    card = await introduce(home)
    await home.hass.config_entries.async_unload(home.entry.entry_id)
    result = await enter(home, card["flow_id"])
    assert result["reason"] == "entry_not_loaded"
    await home.hass.config_entries.async_setup(home.entry.entry_id)
    await home.trackers[0].disconnect()
    await introduce(home)
    await home.hass.config_entries.async_remove(home.entry.entry_id)
    await home.hass.async_block_till_done()
    assert home.cards() == []
