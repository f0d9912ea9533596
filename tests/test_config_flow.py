"""The flows: adding, changing and logging in again, options, and vehicles one by one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import (
    SOURCE_IGNORE,
    SOURCE_INTEGRATION_DISCOVERY,
    SOURCE_RECONFIGURE,
    SOURCE_USER,
    ConfigEntryState,
    ConfigFlow,
    ConfigSubentry,
)
from homeassistant.core import HomeAssistant
from homeassistant.core_config import async_process_ha_core_config
from homeassistant.data_entry_flow import FlowResultType, InvalidData, section
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.json import json_dumps
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
import voluptuous as vol

from custom_components.fleet_tracker.const import (
    CONF_ALLOW_ENGINE_CUT,
    CONF_DRIVING_INTERVAL,
    CONF_ENGINE_CUT_SPEED_LIMIT,
    CONF_EXCLUDED_VEHICLES,
    CONF_HOLD_WHILE_PARKED,
    CONF_IDENTITY,
    CONF_KEEP_TRIPS,
    CONF_KEEP_TRIPS_YEARS,
    CONF_PARKED_INTERVAL,
    CONF_PUSH_SECRET,
    CONF_VENDOR,
    DOMAIN,
    SUBENTRY_VEHICLE,
)
from custom_components.fleet_tracker.contract.errors import (
    AccessDenied,
    AuthenticationFailed,
    CannotConnect,
    RateLimited,
    VehicleUnavailable,
    VendorError,
)
from tests.common import (
    START,
    cloud_entry,
    device_of,
    elapse,
    entity_id,
    fields_of,
    in_sections,
    listener_entry,
    open_settings,
    send_settings,
    set_up,
    state_of,
)
from tests.neutral_vendor import CLOUD, LISTENER, Cloud, Clouds, told

type Result = Mapping[str, Any]

OPTIONS = {
    CONF_HOLD_WHILE_PARKED: True,
    CONF_KEEP_TRIPS: True,
    CONF_KEEP_TRIPS_YEARS: 3,
    CONF_ALLOW_ENGINE_CUT: False,
    CONF_ENGINE_CUT_SPEED_LIMIT: 20,
    "token": "",
}
POLLING_OPTIONS = {
    CONF_DRIVING_INTERVAL: 15,
    CONF_PARKED_INTERVAL: 60,
    CONF_EXCLUDED_VEHICLES: [],
}


@pytest.fixture
def cloud(clouds: Clouds, freezer: FrozenDateTimeFactory) -> Cloud:
    """Return the cloud of one account, with a vehicle."""
    freezer.move_to(START)
    cloud = clouds["acme"]
    cloud.tell(told("1", START, name="Van", battery=80))
    return cloud


async def choose(hass: HomeAssistant, vendor: str = CLOUD) -> Result:
    """Choose a vendor, and return its form."""
    flows = hass.config_entries.flow
    result = await flows.async_init(DOMAIN, context={"source": SOURCE_USER})
    assert result["type"] is FlowResultType.MENU
    assert vendor in result["menu_options"]
    return await flows.async_configure(result["flow_id"], {"next_step_id": vendor})


async def enter(hass: HomeAssistant, form: Result, **entered: Any) -> Result:
    """Fill in a form of a config flow."""
    result = await hass.config_entries.flow.async_configure(form["flow_id"], entered)
    await hass.async_block_till_done(wait_background_tasks=True)
    return result


# --- adding ---------------------------------------------------------------------------------


async def test_adding_an_account(hass: HomeAssistant, cloud: Cloud) -> None:
    """Every form, what is stored, and a token that need not be asked for again."""
    cloud.memory = {"token": "t"}
    hass.config.external_url = "https://example.org"
    form = await choose(hass)
    assert (form["step_id"], form["errors"]) == (CLOUD, {})
    form = await enter(hass, form, account="acme", password="p")
    assert form["step_id"] == f"{CLOUD}_push"
    # The browser was reloaded.
    form = await hass.config_entries.flow.async_configure(form["flow_id"])
    assert form["step_id"] == f"{CLOUD}_push"
    result = await enter(hass, form, token="abc")
    assert result["type"] is FlowResultType.CREATE_ENTRY
    entry = result["result"]
    assert (entry.title, entry.unique_id) == ("acme", f"{CLOUD}_acme")
    secret = entry.data[CONF_PUSH_SECRET]
    assert len(secret) >= 32
    assert dict(entry.data) == {
        "account": "acme",
        "password": "p",
        CONF_VENDOR: CLOUD,
        CONF_IDENTITY: f"{CLOUD}_acme",
        CONF_PUSH_SECRET: secret,
    }
    assert dict(entry.options) == {"token": "abc"}
    assert entry.state is ConfigEntryState.LOADED
    assert entry.runtime_data.memory.get("token") == "t"
    assert state_of(hass, "sensor", "battery").state == "80"
    assert cloud.connections == 1


async def test_push_url_is_shown(hass: HomeAssistant, cloud: Cloud) -> None:
    """With the secret of the entry that is made, in a field; later in the options too."""
    await async_process_ha_core_config(hass, {"external_url": "https://example.org"})
    form = await enter(hass, await choose(hass), account="acme", password="p")
    url = suggested(form)["push_address"]
    # What is done to the address in the field changes nothing.
    result = await enter(hass, form, token="", push_address="https://elsewhere")
    entry = result["result"]
    secret = entry.data[CONF_PUSH_SECRET]
    assert url == f"https://example.org/api/fleet_tracker/push/{secret}"
    assert dict(entry.options) == {"token": ""}

    form = await choose_push_address(hass, entry.entry_id)
    assert form["step_id"] == f"{CLOUD}_push"
    assert suggested(form) == {"push_address": url}
    connections = cloud.connections
    await hass.config_entries.options.async_configure(
        form["flow_id"], {"push_address": "https://elsewhere"}
    )
    await hass.async_block_till_done()
    assert (dict(entry.options), cloud.connections) == ({"token": ""}, connections)


async def test_no_push_url(hass: HomeAssistant, cloud: Cloud) -> None:
    """Without an external address a page says so in words, and asks for nothing."""
    form = await enter(hass, await choose(hass), account="acme", password="p")
    assert form["step_id"] == f"{CLOUD}_no_push"
    assert form["data_schema"].schema == {}
    # The browser was reloaded.
    form = await hass.config_entries.flow.async_configure(form["flow_id"])
    assert form["step_id"] == f"{CLOUD}_no_push"
    result = await enter(hass, form)
    assert result["type"] is FlowResultType.CREATE_ENTRY

    form = await choose_push_address(hass, result["result"].entry_id)
    assert form["step_id"] == f"{CLOUD}_no_push"
    result = await hass.config_entries.options.async_configure(form["flow_id"], {})
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_what_was_typed_survives_an_error(
    hass: HomeAssistant, cloud: Cloud
) -> None:
    """All of it, passwords too: only what was wrong has to be typed again."""
    cloud.check_error = CannotConnect("no")
    form = await enter(hass, await choose(hass), account="acme", password="p")
    assert suggested(form) == {"account": "acme", "password": "p"}

    entry = cloud_entry()
    entry.add_to_hass(hass)
    form = await reconfigure(hass, entry, account="acme", password="q")
    assert suggested(form) == {"account": "acme", "password": "q"}


async def choose_push_address(hass: HomeAssistant, entry_id: str) -> Result:
    """Return the page of the options that shows where to push to."""
    options = hass.config_entries.options
    menu = await options.async_init(entry_id)
    assert menu["menu_options"] == [
        "settings",
        "vehicle",
        f"{CLOUD}_push",
        "blueprints",
    ]
    return await options.async_configure(
        menu["flow_id"], {"next_step_id": f"{CLOUD}_push"}
    )


def suggested(form: Result) -> dict[str, Any]:
    """Return the values that a form shows, of fields in sections too."""
    found = {}
    for key, value in form["data_schema"].schema.items():
        fields = value.schema.schema if isinstance(value, section) else {key: value}
        for field in fields:
            if "suggested_value" in (field.description or {}):
                found[str(field)] = field.description["suggested_value"]
    return found


@pytest.mark.parametrize("vendor", [CLOUD, LISTENER])
async def test_vehicles_are_added_next(
    hass: HomeAssistant, cloud: Cloud, vendor: str
) -> None:
    """Where they are added one by one: at once from 2026 on; else a text says where."""
    entered = {"account": "acme"} | ({"password": "p"} if vendor == CLOUD else {})
    result = await enter(hass, await choose(hass, vendor), **entered)
    if result["type"] is FlowResultType.FORM:
        result = await enter(hass, result)
    following = hass.config_entries.subentries.async_progress()
    if vendor == CLOUD:
        assert (following, result["description"]) == ([], None)
    elif hasattr(ConfigFlow, "async_on_create_entry"):
        (flow,) = following
        assert result["next_flow"] == ("config_subentries_flow", flow["flow_id"])
        assert flow["handler"] == (result["result"].entry_id, SUBENTRY_VEHICLE)
        assert result["description"] is None
    else:
        assert (following, result["description"]) == ([], "add_vehicles")


async def test_adding_a_listener(hass: HomeAssistant, clouds: Clouds) -> None:
    """One form, no secret where nothing is pushed over HTTP."""
    result = await enter(hass, await choose(hass, LISTENER), account="port")
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert dict(result["data"]) == {
        "account": "port",
        CONF_VENDOR: LISTENER,
        CONF_IDENTITY: f"{LISTENER}_port",
    }


@pytest.mark.parametrize(
    ("error", "key"),
    [
        (AuthenticationFailed(), "invalid_auth"),
        (AccessDenied(key="account_blocked"), "account_blocked"),
        (CannotConnect(), "cannot_connect"),
        (RateLimited(), "rate_limited"),
        (VendorError(), "vendor_error"),
    ],
)
async def test_nothing_is_stored_before_it_works(
    hass: HomeAssistant, cloud: Cloud, error: VendorError, key: str
) -> None:
    """The form comes back with what was wrong, and with what was entered."""
    cloud.check_error = error
    form = await enter(hass, await choose(hass), account="acme", password="p")
    assert (form["step_id"], form["errors"]) == (CLOUD, {"base": key})
    again = form["data_schema"]({"password": "p"})
    assert again == {"account": "acme", "password": "p"}
    assert hass.config_entries.async_entries(DOMAIN) == []
    cloud.check_error = None
    form = await enter(hass, form, account="acme", password="p")
    assert form["step_id"] == f"{CLOUD}_no_push"


async def test_account_that_is_there_already(hass: HomeAssistant, cloud: Cloud) -> None:
    """It is not added twice, and its entry is left alone."""
    await set_up(hass, cloud_entry())
    result = await enter(hass, await choose(hass), account="acme", password="new")
    assert (result["type"], result["reason"]) == (
        FlowResultType.ABORT,
        "already_configured",
    )
    assert cloud.connections == 1
    assert hass.config_entries.async_entries(DOMAIN)[0].data["password"] == "old"


async def test_account_that_is_being_added(hass: HomeAssistant, cloud: Cloud) -> None:
    """In another window."""
    first = await enter(hass, await choose(hass), account="acme", password="p")
    second = await enter(hass, await choose(hass), account="acme", password="p")
    assert second["reason"] == "already_in_progress"
    assert first["step_id"] == f"{CLOUD}_no_push"


async def test_first_address_of_an_account_that_moved(
    hass: HomeAssistant, clouds: Clouds, cloud: Cloud
) -> None:
    """Its entities are named after it for ever, so it cannot be added a second time."""
    entry = cloud_entry()
    await set_up(hass, entry)
    clouds["moved"].tell(*cloud.fleet.values())
    await reconfigure(hass, entry, account="moved", password="p")
    assert entry.unique_id == f"{CLOUD}_moved"
    result = await enter(hass, await choose(hass), account="acme", password="p")
    assert result["reason"] == "already_configured"


# --- logging in again -----------------------------------------------------------------------


async def test_new_password(hass: HomeAssistant, cloud: Cloud) -> None:
    """A wrong one can be corrected; the right one sets the entry up once."""
    entry = cloud_entry()
    await set_up(hass, entry)
    form = await entry.start_reauth_flow(hass)
    assert form["step_id"] == "reauth_confirm"
    assert form["description_placeholders"]["name"] == "acme"
    cloud.check_error = AuthenticationFailed()
    form = await enter(hass, form, account="acme", password="wrong")
    assert form["errors"] == {"base": "invalid_auth"}
    assert cloud.connections == 1
    cloud.check_error = None
    cloud.memory = {"token": "fresh"}
    result = await enter(hass, form, account="acme", password="new")
    assert result["reason"] == "reauth_successful"
    assert entry.data["password"] == "new"
    assert entry.data[CONF_PUSH_SECRET]
    assert cloud.connections == 2
    assert entry.runtime_data.memory.get("token") == "fresh"
    # What was known of the entry is there for the check.
    assert cloud.checks[0][CONF_IDENTITY] == f"{CLOUD}_acme"


@pytest.mark.parametrize("state", ["error", "retry", "same"])
async def test_new_password_whatever_the_state(
    hass: HomeAssistant, cloud: Cloud, state: str
) -> None:
    """After a set-up that failed, one that is retried, and the same password again."""
    entry = cloud_entry()
    if state == "error":
        cloud.poll_error = AuthenticationFailed()
        await set_up(hass, entry, ConfigEntryState.SETUP_ERROR)
    elif state == "retry":
        cloud.poll_error = CannotConnect()
        await set_up(hass, entry, ConfigEntryState.SETUP_RETRY)
    else:
        await set_up(hass, entry)
    cloud.poll_error = None
    before = cloud.connections
    for flow in hass.config_entries.flow.async_progress():
        hass.config_entries.flow.async_abort(flow["flow_id"])
    form = await entry.start_reauth_flow(hass)
    password = "old" if state == "same" else "new"
    result = await enter(hass, form, account="acme", password=password)
    assert result["reason"] == "reauth_successful"
    assert cloud.connections == before + 1
    assert entry.state is ConfigEntryState.LOADED


async def test_new_password_ends_a_wait(hass: HomeAssistant, cloud: Cloud) -> None:
    """The vendor that wanted to be left alone has just answered."""
    entry = cloud_entry()
    cloud.poll_error = RateLimited(retry_after=timedelta(hours=3))
    await set_up(hass, entry, ConfigEntryState.SETUP_RETRY)
    cloud.poll_error = None
    assert not await hass.config_entries.async_reload(entry.entry_id)
    assert cloud.polls == 1
    form = await entry.start_reauth_flow(hass)
    result = await enter(hass, form, account="acme", password="new")
    assert result["reason"] == "reauth_successful"
    assert entry.state is ConfigEntryState.LOADED


async def test_password_of_another_account(hass: HomeAssistant, cloud: Cloud) -> None:
    """Nothing is changed by it."""
    entry = cloud_entry()
    await set_up(hass, entry)
    form = await entry.start_reauth_flow(hass)
    result = await enter(hass, form, account="other", password="p")
    assert result["reason"] == "wrong_account"
    assert entry.data["account"] == "acme"
    assert cloud.connections == 1


# --- changing an account --------------------------------------------------------------------


async def reconfigure(
    hass: HomeAssistant, entry: MockConfigEntry, **entered: Any
) -> Result:
    """Change an account."""
    form: Result = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_RECONFIGURE, "entry_id": entry.entry_id}
    )
    assert form["step_id"] == "reconfigure"
    assert form["description_placeholders"]["name"] == entry.title
    return await enter(hass, form, **entered)


async def test_moved_account_keeps_its_entities(
    hass: HomeAssistant, clouds: Clouds, cloud: Cloud
) -> None:
    """A list that shares a vehicle is the same account; one set-up, the same ids."""
    entry = cloud_entry()
    coordinator = await set_up(hass, entry)
    device, battery = device_of(hass, coordinator), entity_id(hass, "sensor", "battery")
    assert device is not None
    moved = clouds["moved"]
    moved.tell(told("1", START, name="Van", battery=70), told("2", START, battery=60))
    result = await reconfigure(hass, entry, account="moved", password="p")
    assert result["reason"] == "reconfigure_successful"
    assert entry.unique_id == f"{CLOUD}_moved"
    assert entry.data[CONF_IDENTITY] == f"{CLOUD}_acme"
    assert (cloud.connections, moved.connections) == (1, 1)
    same = device_of(hass, entry.runtime_data)
    assert same is not None
    assert same.id == device.id
    assert entity_id(hass, "sensor", "battery") == battery
    assert state_of(hass, "sensor", "battery", "2").state == "60"


async def test_another_account_is_no_change(
    hass: HomeAssistant, clouds: Clouds, cloud: Cloud
) -> None:
    """Without a vehicle in common it has to be added as a new one."""
    entry = cloud_entry()
    await set_up(hass, entry)
    clouds["other"].tell(told("2", START))
    result = await reconfigure(hass, entry, account="other", password="p")
    assert result["reason"] == "wrong_account"
    assert entry.data["account"] == "acme"
    assert cloud.connections == 1


async def test_change_to_an_account_that_has_an_entry(
    hass: HomeAssistant, clouds: Clouds, cloud: Cloud
) -> None:
    """Two entries of one account would fight for it."""
    entry = cloud_entry()
    await set_up(hass, entry)
    clouds["beta"].tell(*cloud.fleet.values())
    await set_up(hass, cloud_entry("beta"))
    result = await reconfigure(hass, entry, account="beta", password="p")
    assert result["reason"] == "already_configured"
    assert entry.data["account"] == "acme"


async def test_change_that_does_not_work(hass: HomeAssistant, cloud: Cloud) -> None:
    """The form comes back; once it works, the entry is set up once."""
    entry = cloud_entry()
    await set_up(hass, entry)
    cloud.check_error = CannotConnect()
    form = await reconfigure(hass, entry, account="acme", password="new")
    assert form["errors"] == {"base": "cannot_connect"}
    cloud.check_error = None
    result = await enter(hass, form, account="acme", password="new")
    assert result["reason"] == "reconfigure_successful"
    assert entry.data["password"] == "new"
    assert cloud.connections == 2


# --- options --------------------------------------------------------------------------------


async def change_options(
    hass: HomeAssistant, entry: MockConfigEntry, options: Mapping[str, Any]
) -> Result:
    """Change the options."""
    return await send_settings(hass, entry.entry_id, options)


async def test_options_set_the_entry_up_once(hass: HomeAssistant, cloud: Cloud) -> None:
    """And not at all when nothing was changed."""
    entry = cloud_entry()
    await set_up(hass, entry)
    new = {**OPTIONS, **POLLING_OPTIONS, CONF_PARKED_INTERVAL: 120}
    result = await change_options(hass, entry, new)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert dict(entry.options) == new
    assert cloud.connections == 2
    assert entry.runtime_data.update_interval.total_seconds() == 120
    await change_options(hass, entry, new)
    assert cloud.connections == 2


async def test_options_of_the_vendor_are_checked(
    hass: HomeAssistant, cloud: Cloud
) -> None:
    """What it refuses is said at the section, which is open, and can be corrected."""
    entry = cloud_entry()
    await set_up(hass, entry)
    options = {**OPTIONS, **POLLING_OPTIONS}
    form = await change_options(hass, entry, {**options, "token": "far too long"})
    assert form["errors"] == {"push": "invalid_argument"}
    assert suggested(form)["token"] == "far too long"
    assert not form["data_schema"].schema["push"].options["collapsed"]
    result = await hass.config_entries.options.async_configure(
        form["flow_id"], in_sections(form, {**options, "token": "short"})
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done()
    assert entry.options["token"] == "short"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (CONF_DRIVING_INTERVAL, 4),
        (CONF_DRIVING_INTERVAL, 601),
        (CONF_PARKED_INTERVAL, 14),
        (CONF_PARKED_INTERVAL, 3601),
        (CONF_KEEP_TRIPS_YEARS, 0),
        (CONF_KEEP_TRIPS_YEARS, 11),
        (CONF_ENGINE_CUT_SPEED_LIMIT, 51),
        (CONF_ENGINE_CUT_SPEED_LIMIT, -1),
        ("accuracy_limit", 5001),
        ("accuracy_limit", 0.5),
    ],
)
async def test_options_out_of_range(
    hass: HomeAssistant, cloud: Cloud, key: str, value: float
) -> None:
    """They are refused at their section, which is open, and all that was typed is there."""
    entry = cloud_entry()
    await set_up(hass, entry)
    options = {**OPTIONS, **POLLING_OPTIONS, "token": "short", key: value}
    form = await change_options(hass, entry, options)
    ((name, error),) = form["errors"].items()
    assert error == "not_in_range"
    section = form["data_schema"].schema[name]
    assert key in section.schema.schema
    assert not section.options["collapsed"]
    assert form["description_placeholders"]["entered"] == str(value)
    assert suggested(form)[key] == value
    assert suggested(form)["token"] == "short"


async def test_options_name_no_unknown_vehicle(
    hass: HomeAssistant, cloud: Cloud
) -> None:
    """What the form does not offer cannot be chosen."""
    entry = cloud_entry()
    await set_up(hass, entry)
    unknown = {CONF_EXCLUDED_VEHICLES: ["no such vehicle"]}
    with pytest.raises(InvalidData):
        await change_options(hass, entry, {**OPTIONS, **POLLING_OPTIONS, **unknown})


async def test_stored_limit_that_is_not_offered_any_more(
    hass: HomeAssistant, cloud: Cloud
) -> None:
    """A limit of 0 is shown as what it counts for, which the form takes."""
    entry = cloud_entry(options={CONF_ENGINE_CUT_SPEED_LIMIT: 0})
    await set_up(hass, entry)
    form = await open_settings(hass, entry.entry_id)
    assert suggested(form)[CONF_ENGINE_CUT_SPEED_LIMIT] == 5


async def test_vehicles_to_leave_out(hass: HomeAssistant, cloud: Cloud) -> None:
    """All that are known are offered by their names, those that are left out too."""
    cloud.tell(told("2", START, name="Bus"))
    entry = cloud_entry()
    await set_up(hass, entry)

    async def offered() -> list[tuple[str, str]]:
        form = await open_settings(hass, entry.entry_id)
        hass.config_entries.options.async_abort(form["flow_id"])
        _, selector = fields_of(form)[CONF_EXCLUDED_VEHICLES]
        return [(one["value"], one["label"]) for one in selector.config["options"]]

    assert await offered() == [("2", "Bus"), ("1", "Van")]
    options = {**OPTIONS, **POLLING_OPTIONS, CONF_EXCLUDED_VEHICLES: ["2"]}
    await change_options(hass, entry, options)
    assert await offered() == [("2", "Bus"), ("1", "Van")]
    # Whatever else is changed, and after a restart.
    await change_options(hass, entry, {**options, CONF_PARKED_INTERVAL: 90})
    await hass.config_entries.async_reload(entry.entry_id)
    assert await offered() == [("2", "Bus"), ("1", "Van")]
    # While the account cannot be read, the names are not known.
    await hass.config_entries.async_unload(entry.entry_id)
    assert await offered() == [("2", "2")]
    await change_options(hass, entry, options)
    await hass.config_entries.async_setup(entry.entry_id)
    assert await offered() == [("2", "Bus"), ("1", "Van")]
    # A vehicle that is taken back has its present name.
    cloud.tell(told("2", START, name="Minibus"))
    await change_options(hass, entry, {**options, CONF_EXCLUDED_VEHICLES: []})
    assert await offered() == [("2", "Minibus"), ("1", "Van")]
    assert entry.runtime_data.memory.get("names_of_excluded") is None


async def test_options_that_make_no_sense_are_not_offered(
    hass: HomeAssistant, clouds: Clouds
) -> None:
    """No intervals where nothing is polled, nobody to leave out where none is listed."""
    entry = listener_entry()
    await set_up(hass, entry)
    form = await open_settings(hass, entry.entry_id)
    assert set(form["data_schema"].schema) == {"position", "trips", "safety"}
    assert set(fields_of(form)) == {
        CONF_HOLD_WHILE_PARKED,
        "accuracy_limit",
        CONF_KEEP_TRIPS,
        CONF_KEEP_TRIPS_YEARS,
        CONF_ALLOW_ENGINE_CUT,
        CONF_ENGINE_CUT_SPEED_LIMIT,
    }


# --- vehicles one by one --------------------------------------------------------------------


async def add_vehicle(
    hass: HomeAssistant, entry: MockConfigEntry, vehicle_id: str
) -> Result:
    """Add a vehicle by hand."""
    flows = hass.config_entries.subentries
    form = await flows.async_init(
        (entry.entry_id, SUBENTRY_VEHICLE), context={"source": SOURCE_USER}
    )
    assert form["step_id"] == "user"
    result = await flows.async_configure(
        form["flow_id"], {"vehicle_id": vehicle_id, "colour": "green"}
    )
    await hass.async_block_till_done()
    return result


async def test_vehicle_by_hand(hass: HomeAssistant, clouds: Clouds) -> None:
    """It is checked, known to the connection at once, and nothing is reloaded."""
    entry = listener_entry("port", "1")
    await set_up(hass, entry)
    port = clouds["port"]
    port.check_error = VehicleUnavailable()
    form: Result = await add_vehicle(hass, entry, " 2 ")
    assert form["errors"] == {"base": "vehicle_unavailable"}
    port.check_error = None
    result: Result = await hass.config_entries.subentries.async_configure(
        form["flow_id"], {"vehicle_id": " 2 ", "colour": "green"}
    )
    await hass.async_block_till_done()
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert port.accepted == [{"1": {"colour": "red"}, "2": {"colour": "green"}}]
    assert port.connections == 1
    for vehicle_id in ("2", " 2"):
        result = await add_vehicle(hass, entry, vehicle_id)
        assert result["reason"] == "already_configured"


async def test_vehicle_is_changed(hass: HomeAssistant, clouds: Clouds) -> None:
    """What can be changed of it reaches the connection without a reload."""
    entry = listener_entry("port", "1")
    await set_up(hass, entry)
    (subentry,) = entry.subentries.values()
    flows = hass.config_entries.subentries
    form = await flows.async_init(
        (entry.entry_id, SUBENTRY_VEHICLE),
        context={
            "source": SOURCE_RECONFIGURE,
            "subentry_id": subentry.subentry_id,
        },
    )
    assert form["step_id"] == "reconfigure"
    assert form["description_placeholders"] == {"name": "Vehicle 1"}
    result = await flows.async_configure(form["flow_id"], {"colour": "blue"})
    await hass.async_block_till_done()
    assert result["reason"] == "reconfigure_successful"
    assert clouds["port"].accepted == [{"1": {"colour": "blue"}}]
    assert clouds["port"].connections == 1


async def test_only_listeners_take_vehicles(
    hass: HomeAssistant, clouds: Clouds
) -> None:
    """And an ignored discovery, which is an entry of no vendor, harms nobody."""
    ignored = MockConfigEntry(domain=DOMAIN, source=SOURCE_IGNORE, unique_id="x")
    for entry, offered in (
        (listener_entry(), {SUBENTRY_VEHICLE}),
        (cloud_entry(), set()),
        (ignored, set()),
    ):
        entry.add_to_hass(hass)
        await hass.config_entries.async_setup(entry.entry_id)
        assert entry.supported_subentry_types.keys() == offered
        assert json_dumps(entry.as_json_fragment)


# --- vehicles that show up by themselves ----------------------------------------------------


async def cards(hass: HomeAssistant) -> list[Result]:
    """Return the discovery cards."""
    await hass.async_block_till_done()
    return [
        flow
        for flow in hass.config_entries.flow.async_progress_by_handler(DOMAIN)
        if flow["context"]["source"] == SOURCE_INTEGRATION_DISCOVERY
    ]


async def discover(
    hass: HomeAssistant, cloud: Cloud, vehicle_id: str, model: str | None = None
) -> list[Result]:
    """Let a vehicle show up, and return the cards."""
    assert cloud.host is not None
    cloud.host.discover(vehicle_id, model)
    return await cards(hass)


async def test_discovered_vehicle_is_accepted(
    hass: HomeAssistant, clouds: Clouds, freezer: FrozenDateTimeFactory
) -> None:
    """The card says who it is; before it is accepted there is no device."""
    freezer.move_to(START)
    entry = listener_entry("port")
    coordinator = await set_up(hass, entry)
    port = clouds["port"]
    port.push(told("7", START, battery=5))
    (card,) = await discover(hass, port, "7", "VT310")
    assert card["context"]["title_placeholders"] == {"name": "VT310 7"}
    assert device_of(hass, coordinator, "7") is None
    # A second hello makes no second card.
    assert len(await discover(hass, port, "7", "VT310")) == 1

    form: Result = await hass.config_entries.flow.async_configure(card["flow_id"])
    assert form["step_id"] == "accept_vehicle"
    assert form["description_placeholders"] == {
        "vehicle": "VT310 7",
        "account": "port",
    }
    port.check_error = CannotConnect()
    form = await enter(hass, form)
    assert form["errors"] == {"base": "cannot_connect"}
    port.check_error = None
    result = await enter(hass, form)
    assert result["reason"] == "vehicle_added"
    assert [one.unique_id for one in entry.subentries.values()] == ["7"]
    assert port.accepted == [{"7": {"colour": "red"}}]
    assert port.connections == 1
    port.push(told("7", START, battery=5))
    await hass.async_block_till_done()
    assert state_of(hass, "sensor", "battery", "7").state == "5"
    # One that is accepted is not discovered.
    assert await discover(hass, port, "7", "VT310") == []


async def test_discovered_vehicle_with_questions(
    hass: HomeAssistant, clouds: Clouds
) -> None:
    """Where the vendor has to know something of it."""
    clouds.accept_form = vol.Schema({vol.Required("colour"): str})
    entry = listener_entry("port")
    await set_up(hass, entry)
    (card,) = await discover(hass, clouds["port"], "7")
    assert card["context"]["title_placeholders"] == {"name": "Neutral listener 7"}
    form: Result = await hass.config_entries.flow.async_configure(card["flow_id"])
    assert form["description_placeholders"]["vehicle"] == "Neutral listener 7"
    await enter(hass, form, colour="pink")
    (subentry,) = entry.subentries.values()
    assert dict(subentry.data) == {"colour": "pink"}


async def test_ignored_vehicle_stays_ignored(
    hass: HomeAssistant, clouds: Clouds
) -> None:
    """Later hellos are silent."""
    await set_up(hass, listener_entry("port"))
    (card,) = await discover(hass, clouds["port"], "7")
    await hass.config_entries.flow.async_init(
        DOMAIN,
        context={"source": SOURCE_IGNORE},
        data={"unique_id": card["context"]["unique_id"], "title": "x"},
    )
    assert await discover(hass, clouds["port"], "7") == []
    assert len(await discover(hass, clouds["port"], "8")) == 1


async def test_vehicle_that_is_added_meanwhile(
    hass: HomeAssistant, clouds: Clouds
) -> None:
    """Its card goes away when it is added by hand."""
    entry = listener_entry("port")
    await set_up(hass, entry)
    await discover(hass, clouds["port"], "7")
    result = await add_vehicle(hass, entry, "7")
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert await cards(hass) == []


async def test_vehicle_that_is_added_while_its_card_is_open(
    hass: HomeAssistant, clouds: Clouds
) -> None:
    """In another way than by hand."""
    entry = listener_entry("port")
    await set_up(hass, entry)
    (card,) = await discover(hass, clouds["port"], "7")
    hass.config_entries.async_add_subentry(
        entry,
        ConfigSubentry(
            data=MappingProxyType({}),
            subentry_type=SUBENTRY_VEHICLE,
            title="7",
            unique_id="7",
        ),
    )
    result = await enter(hass, card)
    assert result["reason"] == "already_configured"
    assert len(entry.subentries) == 1


async def test_card_of_an_entry_that_is_gone(
    hass: HomeAssistant, clouds: Clouds
) -> None:
    """It cannot be accepted while the entry is not loaded, and goes away with it."""
    entry, other = listener_entry("port"), listener_entry("other")
    await set_up(hass, entry)
    await set_up(hass, other)
    port = clouds["port"]
    (card,) = await discover(hass, port, "7")
    await discover(hass, clouds["other"], "8")
    await hass.config_entries.async_unload(entry.entry_id)
    result = await enter(hass, card)
    assert result["reason"] == "entry_not_loaded"
    assert [one["context"]["unique_id"] for one in await discover(hass, port, "9")] == [
        f"{LISTENER}_other_8"
    ]

    await hass.config_entries.async_setup(entry.entry_id)
    assert len(await discover(hass, port, "7")) == 2
    await hass.config_entries.async_remove(entry.entry_id)
    assert [one["context"]["unique_id"] for one in await cards(hass)] == [
        f"{LISTENER}_other_8"
    ]


async def test_cards_do_not_pile_up(hass: HomeAssistant, clouds: Clouds) -> None:
    """Somebody who invents serial numbers fills no screen."""
    await set_up(hass, listener_entry("port"))
    for number in range(30):
        await discover(hass, clouds["port"], str(number))
    assert len(await cards(hass)) == 20


async def test_reload_after_a_flow_is_only_one(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> None:
    """Also when time goes on: no second reload is on its way."""
    entry = cloud_entry()
    await set_up(hass, entry)
    await reconfigure(hass, entry, account="acme", password="new")
    for _ in range(3):
        await elapse(hass, freezer, 1)
    assert cloud.connections == 2


async def test_vehicle_settings(hass: HomeAssistant, cloud: Cloud) -> None:
    """One vehicle is picked, and what is set of it stays when other options change."""
    cloud.tell(told("2", dt_util.utcnow()))
    entry = (await set_up(hass, cloud_entry())).config_entry
    assert kinds(hass) == ["van", "car"]
    options = hass.config_entries.options
    for vehicle_id, kind in (("1", "truck"), ("2", "bus")):
        menu = await options.async_init(entry.entry_id)
        form = await options.async_configure(
            menu["flow_id"], {"next_step_id": "vehicle"}
        )
        form = await options.async_configure(form["flow_id"], {"vehicle": vehicle_id})
        assert form["step_id"] == "vehicle_settings"
        await options.async_configure(form["flow_id"], {"kind": kind})
        await hass.async_block_till_done(wait_background_tasks=True)
    assert kinds(hass) == ["truck", "bus"]

    await send_settings(hass, entry.entry_id, {**OPTIONS, **POLLING_OPTIONS})
    assert kinds(hass) == ["truck", "bus"]


def kinds(hass: HomeAssistant) -> list[str | None]:
    """Return the kinds of the two vehicles, by which their icons are."""
    registry = er.async_get(hass)
    found = []
    for vehicle_id in ("1", "2"):
        tracker = registry.async_get(
            entity_id(hass, "device_tracker", "position", vehicle_id) or ""
        )
        assert tracker
        found.append(tracker.translation_key)
    return found
