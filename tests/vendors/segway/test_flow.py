"""Adding an account and its vehicles, and changing them later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from homeassistant.config_entries import (
    SOURCE_IGNORE,
    SOURCE_INTEGRATION_DISCOVERY,
    SOURCE_RECONFIGURE,
    SOURCE_USER,
    ConfigEntryState,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import device_registry as dr
import pytest

from custom_components.fleet_tracker.const import CONF_PUSH_SECRET, DOMAIN
from custom_components.fleet_tracker.vendors.segway import client, flow
from tests.common import kept_of, other_server, send_settings
from tests.simulators.segway import DEMO_CLIENT_SECRET, TOKEN_PATH, SegwaySimulator
from tests.simulators.segway_mopeds import standing_moped
from tests.simulators.server import Fault
from tests.simulators.world import HOME
from tests.vendors.rig import settle

from .rig import (
    NAMES,
    PARKED,
    RIDING,
    START,
    Door,
    Rig,
    account_with_mopeds,
    add_account,
    add_vehicle,
)

pytestmark = pytest.mark.freeze_time(START)

STRANGER = "861477038719999"
STATUS = "/api/v2/vehicle/query/current/status"
FIELDS = {"segway_parameter_refused": "iot_imei"}
"""Where an error of a vehicle is shown; others concern the whole form."""


async def enter(hass: HomeAssistant, **fields: Any) -> Mapping[str, Any]:
    """Begin to add an account, and return what comes after the credentials."""
    flows = hass.config_entries.flow
    result = await flows.async_init(DOMAIN, context={"source": SOURCE_USER})
    result = await flows.async_configure(result["flow_id"], {"next_step_id": "segway"})
    assert result["type"] is FlowResultType.FORM
    return await flows.async_configure(result["flow_id"], fields)


def credentials(server: SegwaySimulator, /, **changed: str) -> dict[str, Any]:
    """Return what a user enters."""
    return {
        **other_server(changed.pop("server", server.url)),
        "client_id": server.client_id,
        "client_secret": server.client_secret,
        **changed,
    }


# --- the account ---


async def test_add_an_account(
    hass: HomeAssistant, home_server: SegwaySimulator
) -> None:
    """The credentials are checked, then the push URL is shown; one token serves both."""
    hass.config.external_url = "https://home.example.org"
    flows = hass.config_entries.flow
    result = await enter(
        hass, **credentials(home_server, client_id=f" {home_server.client_id} ")
    )
    assert result["step_id"] == "segway_push"
    url = result["description_placeholders"]["push_url"]
    result = await flows.async_configure(result["flow_id"], {"push_at_root": True})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == "Segway E20081"
    entry = result["result"]
    assert url == (
        "https://home.example.org/api/fleet_tracker/push/"
        + entry.data[CONF_PUSH_SECRET]
    )
    assert entry.unique_id == "segway_E20081"
    assert entry.options["push_at_root"] is True
    assert entry.data["server"] == home_server.url
    await settle(home_server)
    assert entry.state is ConfigEntryState.LOADED
    assert home_server.requests[TOKEN_PATH] == 1


async def test_no_external_url(
    hass: HomeAssistant, home_server: SegwaySimulator
) -> None:
    """Without an external URL the page says in words that nothing can be pushed."""
    result = await enter(hass, **credentials(home_server))
    assert result["step_id"] == "segway_no_push"


async def test_wrong_secret(hass: HomeAssistant, home_server: SegwaySimulator) -> None:
    """A wrong secret is said, and can be corrected."""
    result = await enter(hass, **credentials(home_server, client_secret="wrong"))
    assert result["errors"] == {"client_secret": "segway_invalid_auth"}
    result = await hass.config_entries.flow.async_configure(
        result["flow_id"], credentials(home_server)
    )
    assert result["step_id"] == "segway_no_push"


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.HTML, "segway_invalid_answer"),
        (Fault.HTTP_500, "segway_server_error"),
        (Fault.DISCONNECT, "segway_no_answer"),
    ],
)
async def test_server_that_fails(
    hass: HomeAssistant, home_server: SegwaySimulator, fault: Fault, error: str
) -> None:
    """The form says what is wrong with the server."""
    home_server.break_next(TOKEN_PATH, fault)
    result = await enter(hass, **credentials(home_server))
    assert result["errors"] == {"own_server": error}


async def test_no_server(hass: HomeAssistant, home_server: SegwaySimulator) -> None:
    """A server that is not there is said."""
    await home_server.stop()
    result = await enter(hass, **credentials(home_server))
    assert result["errors"] == {"own_server": "cannot_connect"}


@pytest.mark.parametrize("url", ["ftp://example.org", "http://", "http://a?b=c", "["])
async def test_no_url(
    hass: HomeAssistant, home_server: SegwaySimulator, url: str
) -> None:
    """The form says that this is no web address."""
    result = await enter(hass, **credentials(home_server, server=url))
    assert result["errors"] == {"own_server": "invalid_server"}


async def test_region_by_client_id(
    hass: HomeAssistant, home_server: SegwaySimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless another is chosen, the first letter of the client ID chooses the server."""
    monkeypatch.setattr(client, "REGIONS", {"E": home_server.url})
    entered = {**credentials(home_server), "server": "automatic"}
    result = await enter(hass, **entered)
    assert result["step_id"] == "segway_no_push"
    result = await enter(hass, **{**entered, "client_id": "X1"})
    assert result["errors"] == {"server": "segway_unknown_region"}


async def test_regions_are_offered(
    hass: HomeAssistant, home_server: SegwaySimulator
) -> None:
    """The choices are the regions of the document's first table, and another server."""
    flows = hass.config_entries.flow
    result = await flows.async_init(DOMAIN, context={"source": SOURCE_USER})
    result = await flows.async_configure(result["flow_id"], {"next_step_id": "segway"})
    assert result["data_schema"] is not None
    (server,) = (key for key in result["data_schema"].schema if key == "server")
    assert server.default() == "automatic"
    assert result["data_schema"].schema[server].config["options"] == [
        "automatic",
        "apac",
        "eu",
        "us",
        "cn",
        "other",
    ]


async def test_account_is_there_already(rig: Rig) -> None:
    """An account is added once."""
    result = await enter(rig.hass, **credentials(rig.server))
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "already_configured"


# --- later changes of the account ---


async def test_reauthentication(rig: Rig) -> None:
    """A secret that no longer holds is asked for, and only that."""
    rig.server.client_secret = "new-secret"
    rig.server.drop_tokens()
    await rig.run(20, 5)
    (running,) = rig.hass.config_entries.flow.async_progress()
    assert running["step_id"] == "reauth_confirm"
    flows = rig.hass.config_entries.flow
    result = await flows.async_configure(running["flow_id"], {"client_secret": "no"})
    assert result["errors"] == {"client_secret": "segway_invalid_auth"}
    result = await flows.async_configure(
        running["flow_id"], {"client_secret": "new-secret"}
    )
    assert result["reason"] == "reauth_successful"
    await rig.advance(1)
    assert rig.entry.state is ConfigEntryState.LOADED
    assert rig.entry.data["client_secret"] == "new-secret"
    assert rig.state("lock", PARKED, "locked").state == "locked"


async def start_reconfiguration(rig: Rig) -> Mapping[str, Any]:
    """Open the form that changes the account."""
    return await rig.hass.config_entries.flow.async_init(
        DOMAIN,
        context={"source": SOURCE_RECONFIGURE, "entry_id": rig.entry.entry_id},
    )


async def reconfigure(rig: Rig, server: SegwaySimulator) -> Mapping[str, Any]:
    """Enter another server or account, and return how that ended."""
    result = await start_reconfiguration(rig)
    result = await rig.hass.config_entries.flow.async_configure(
        result["flow_id"], credentials(server)
    )
    await rig.settle()
    return result


async def test_move_to_another_server(rig: Rig) -> None:
    """The same account on another server stays the same entry and vehicles."""
    before = rig.device_id(PARKED)
    async with SegwaySimulator() as other:
        result = await reconfigure(rig, other)
        assert result["reason"] == "reconfigure_successful"
        assert rig.entry.data["server"] == other.url
        assert rig.device_id(PARKED) == before
        await rig.hass.config_entries.async_unload(rig.entry.entry_id)


async def test_move_to_another_account(rig: Rig) -> None:
    """Another account is taken for the same if it has one of the vehicles."""
    now = START.timestamp()
    other = SegwaySimulator(standing_moped(RIDING, HOME, now), client_id="E2")
    async with other:
        before = rig.device_id(PARKED)
        result = await reconfigure(rig, other)
        assert result["reason"] == "reconfigure_successful"
        assert rig.entry.unique_id == "segway_E2"
        assert rig.device_id(PARKED) == before
        await rig.hass.config_entries.async_unload(rig.entry.entry_id)


async def test_another_account(rig: Rig) -> None:
    """An account without any of the vehicles is another one."""
    stranger = standing_moped(STRANGER, HOME, START.timestamp())
    async with SegwaySimulator(stranger, client_id="E2") as other:
        result = await reconfigure(rig, other)
        assert result["reason"] == "wrong_account"
    assert rig.entry.data["client_secret"] == DEMO_CLIENT_SECRET


async def test_reconfigure_shows_the_present_data(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The form shows the account, its server if it is no usual one, never the secret."""

    async def shown() -> dict[str, Any]:
        result = await start_reconfiguration(rig)
        schema = result["data_schema"].schema
        rig.hass.config_entries.flow.async_abort(result["flow_id"])
        own = schema["own_server"].schema.schema
        return {
            str(marker): marker.default() if callable(marker.default) else hint
            for marker in [*schema, *own]
            for hint in [(marker.description or {}).get("suggested_value")]
            if marker != "own_server"
        }

    account = {
        "client_id": rig.server.client_id,
        "client_secret": None,
        "verify_ssl": True,
    }
    other = {"server": "other", "address": rig.server.url}
    assert await shown() == {**account, **other}
    monkeypatch.setattr(flow, "REGIONS", {"E": rig.server.url})
    assert await shown() == {**account, "server": "automatic", "address": None}


async def test_options(rig: Rig) -> None:
    """The options can open the root paths, and show the push URL once more."""
    rig.hass.config.external_url = "https://home.example.org"
    flows = rig.hass.config_entries.options
    result = await flows.async_init(rig.entry.entry_id)
    result = await flows.async_configure(
        result["flow_id"], {"next_step_id": "segway_push"}
    )
    shown = result["description_placeholders"]
    assert shown
    assert shown["push_url"].endswith(rig.entry.data[CONF_PUSH_SECRET])
    sent = await send_settings(
        rig.hass,
        rig.entry.entry_id,
        {
            "driving_interval": 10,
            "parked_interval": 60,
            "hold_while_parked": True,
            "allow_engine_cut": False,
            "engine_cut_speed_limit": 20,
            "push_at_root": True,
        },
    )
    assert sent["type"] is FlowResultType.CREATE_ENTRY
    await rig.settle()
    assert rig.entry.options["push_at_root"] is True
    assert rig.entry.state is ConfigEntryState.LOADED


# --- vehicles ---


async def test_add_a_vehicle(hass: HomeAssistant, home_server: SegwaySimulator) -> None:
    """A vehicle that Segway knows gets a device, without a reload."""
    entry = await add_account(hass, home_server)
    result = await add_vehicle(hass, entry, f" {PARKED} ", model="max_plus")
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == "Segway 8078"
    (subentry,) = entry.subentries.values()
    assert subentry.unique_id == PARKED
    assert subentry.data["model"] == "max_plus"


async def test_device(rig: Rig) -> None:
    """The device page shows name, model and IoT IMEI."""
    device = dr.async_get(rig.hass).async_get(rig.device_id(PARKED))
    assert isinstance(device, dr.DeviceEntry)
    assert (device.name, device.manufacturer) == (NAMES[PARKED], "Segway")
    assert (device.model, device.serial_number) == ("E-moped", PARKED)


@pytest.mark.parametrize(
    ("imei", "error"),
    [(STRANGER, "segway_device_not_found"), ("8614/70", "segway_invalid_imei")],
)
async def test_vehicle_that_is_none(
    hass: HomeAssistant, home_server: SegwaySimulator, imei: str, error: str
) -> None:
    """An IMEI that Segway does not know is said, and none of those is sent."""
    entry = await add_account(hass, home_server)
    result = await add_vehicle(hass, entry, imei)
    assert result["errors"] == {"iot_imei": error}
    assert not entry.subentries


@pytest.mark.parametrize("code", [15300, 15301, 15302, 15303])
async def test_vehicle_that_does_not_answer(
    hass: HomeAssistant, home_server: SegwaySimulator, code: int
) -> None:
    """A vehicle that is offline or not activated can be added."""
    entry = await add_account(hass, home_server)
    home_server.demand(STATUS, code)
    result = await add_vehicle(hass, entry, PARKED)
    assert result["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize(
    ("code", "error"),
    [(15004, "segway_parameter_refused"), (15001, "segway_server_error")],
)
async def test_vehicle_that_cannot_be_checked(
    hass: HomeAssistant, home_server: SegwaySimulator, code: int, error: str
) -> None:
    """Any other answer does not say that there is such a vehicle."""
    entry = await add_account(hass, home_server)
    home_server.demand(STATUS, code)
    result = await add_vehicle(hass, entry, PARKED)
    assert result["errors"] == {FIELDS.get(error, "base"): error}


async def test_vehicle_of_an_account_that_does_not_run(rig: Rig) -> None:
    """A vehicle can be added while the account is not loaded."""
    rig.server.mopeds[STRANGER] = standing_moped(STRANGER, HOME, START.timestamp())
    await rig.hass.config_entries.async_unload(rig.entry.entry_id)
    result = await add_vehicle(rig.hass, rig.entry, STRANGER)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await rig.hass.config_entries.async_setup(rig.entry.entry_id)
    await rig.settle()
    assert rig.state("lock", STRANGER, "locked").state == "locked"


async def test_vehicle_is_there_already(rig: Rig) -> None:
    """A vehicle is added once."""
    result = await add_vehicle(rig.hass, rig.entry, PARKED)
    assert result["reason"] == "already_configured"


async def change(rig: Rig, imei: str, **fields: str) -> None:
    """Change a vehicle as the user does."""
    flows = rig.hass.config_entries.subentries
    subentry_id = rig.coordinator.devices.subentry_id(imei)
    assert subentry_id
    result = await flows.async_init(
        (rig.entry.entry_id, "vehicle"),
        context={"source": SOURCE_RECONFIGURE, "subentry_id": subentry_id},
    )
    result = await flows.async_configure(result["flow_id"], fields)
    assert result["reason"] == "reconfigure_successful"
    await rig.advance(0.1)


async def test_change_the_model(rig: Rig) -> None:
    """Controls that the new model lacks go, and come back with the old model."""
    await rig.enable("select", PARKED, "speed_mode")
    polls = rig.server.requests[TOKEN_PATH]
    assert rig.entity_id("button", PARKED, "open_saddle")
    assert rig.entity_id("binary_sensor", PARKED, "saddle_unlocked")
    await change(rig, PARKED, model="es", name="Scooter")
    assert not rig.entity_id("button", PARKED, "open_saddle")
    assert not rig.entity_id("binary_sensor", PARKED, "saddle_unlocked")
    assert rig.state("select", PARKED, "speed_mode").state == "medium"
    device = dr.async_get(rig.hass).async_get(rig.device_id(PARKED))
    assert isinstance(device, dr.DeviceEntry)
    assert (device.name, device.model) == ("Scooter", "KickScooter ES")
    await change(rig, PARKED, model="e_moped", name="Scooter")
    await rig.advance(60)
    assert rig.entity_id("button", PARKED, "open_saddle")
    assert rig.entity_id("binary_sensor", PARKED, "saddle_unlocked")
    # None of that took a reload, which would have asked for the other vehicle too.
    assert rig.server.requests[TOKEN_PATH] == polls


async def test_remove_a_vehicle(rig: Rig) -> None:
    """A vehicle that is removed is asked for no more, and leaves no device.

    The account's own device stays.
    """
    subentry_id = rig.coordinator.devices.subentry_id(RIDING)
    assert subentry_id
    rig.hass.config_entries.async_remove_subentry(rig.entry, subentry_id)
    await rig.advance(1)
    asked = rig.server.queried[STATUS, RIDING]
    await rig.run(60, 10)
    assert rig.server.queried[STATUS, RIDING] == asked
    assert {
        device.name
        for device in dr.async_entries_for_config_entry(
            dr.async_get(rig.hass), rig.entry.entry_id
        )
    } == {rig.entry.title, NAMES[PARKED]}


# --- vehicles that pushes tell of ---


def cards(hass: HomeAssistant) -> Sequence[Mapping[str, Any]]:
    """Return the discovery cards."""
    return hass.config_entries.flow.async_progress_by_handler(
        DOMAIN, match_context={"source": SOURCE_INTEGRATION_DISCOVERY}
    )


async def test_discovered_vehicle(rig: Rig, door: Door) -> None:
    """A signed push of an unknown vehicle shows a card, which adds it."""
    rig.server.mopeds[STRANGER] = standing_moped(STRANGER, HOME, START.timestamp())
    await door.tell(STRANGER)
    (card,) = cards(rig.hass)
    assert card["step_id"] == "accept_vehicle"
    assert card["context"]["title_placeholders"] == {"name": f"Segway {STRANGER}"}
    result = await rig.hass.config_entries.flow.async_configure(
        card["flow_id"], {"model": "c80", "name": "Found"}
    )
    assert result["reason"] == "vehicle_added"
    await rig.advance(0.1)
    assert rig.state("lock", STRANGER, "locked").state == "locked"
    assert not cards(rig.hass)
    await rig.advance(7200)
    await door.tell(STRANGER)
    assert not cards(rig.hass)


async def test_discovered_vehicle_of_another_account(rig: Rig, door: Door) -> None:
    """A vehicle that Segway's API does not know is not added."""
    rig.server.mopeds[STRANGER] = standing_moped(STRANGER, HOME, START.timestamp())
    await door.tell(STRANGER)
    del rig.server.mopeds[STRANGER]
    (card,) = cards(rig.hass)
    result = await rig.hass.config_entries.flow.async_configure(
        card["flow_id"], {"model": "e_moped"}
    )
    assert result["errors"] == {"base": "segway_device_not_found"}


async def test_ignored_vehicle(rig: Rig, door: Door) -> None:
    """A card that the user ignores does not come back."""
    rig.server.mopeds[STRANGER] = standing_moped(STRANGER, HOME, START.timestamp())
    await door.tell(STRANGER)
    (card,) = cards(rig.hass)
    await rig.hass.config_entries.flow.async_init(
        DOMAIN,
        context={"source": SOURCE_IGNORE},
        data={"unique_id": card["context"]["unique_id"], "title": "Not mine"},
    )
    await rig.settle()
    assert not cards(rig.hass)
    await rig.advance(7200)
    await door.tell(STRANGER)
    assert not cards(rig.hass)


async def test_other_tests_begin_with_what_a_user_adds(
    hass: HomeAssistant, home_server: SegwaySimulator
) -> None:
    """The account that other tests set up at once is what these forms lead to."""
    added = await add_account(hass, home_server, rents=True)
    for imei, name in NAMES.items():
        await add_vehicle(hass, added, imei, name=name)
    by_hand = kept_of(added)
    await hass.config_entries.async_remove(added.entry_id)
    assert kept_of(await account_with_mopeds(hass, home_server)) == by_hand
