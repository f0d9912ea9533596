"""Adding an Open API account, and changing it later."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from homeassistant.config_entries import SOURCE_RECONFIGURE, SOURCE_USER, ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest

from custom_components.fleet_tracker.const import DOMAIN
from tests.common import kept_of, other_server, send_settings
from tests.simulators.open_api import OpenApiSimulator
from tests.simulators.open_api_fleet import Account
from tests.simulators.server import ANY_PATH, Fault

from .conftest import (
    ACCOUNT,
    BUS,
    CAR,
    PASSWORD,
    SPARE,
    START,
    TRUCK,
    Rig,
    account_at_once,
    add_account,
    truck,
)

pytestmark = [
    pytest.mark.freeze_time(START),
    pytest.mark.usefixtures("hass_storage"),
]

FIELDS = {
    "invalid_auth": "password",
    "permission_denied": "account",
    "account_blocked": "account",
}
"""Where an error is shown; all others concern the server."""


async def reconfigure(hass: HomeAssistant, entry: ConfigEntry) -> str:
    """Return the flow that changes an account."""
    result = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_RECONFIGURE, "entry_id": entry.entry_id}
    )
    assert result["step_id"] == "reconfigure"
    return result["flow_id"]


async def form(hass: HomeAssistant) -> str:
    """Choose the vendor, and return the flow that asks for the account."""
    flows = hass.config_entries.flow
    result = await flows.async_init(DOMAIN, context={"source": SOURCE_USER})
    assert "open_api" in result["menu_options"]
    result = await flows.async_configure(
        result["flow_id"], {"next_step_id": "open_api"}
    )
    assert result["step_id"] == "open_api"
    return result["flow_id"]


def entered(server: str, **fields: str) -> dict[str, Any]:
    """Return what the user enters."""
    server = fields.pop("server", server)
    account = {"account": ACCOUNT, "password": PASSWORD, **fields}
    return {**other_server(server), **account}


def say_nothing(server: OpenApiSimulator) -> None:
    """Let nothing be wrong at the server."""


@pytest.mark.parametrize(
    ("prepare", "fields", "error"),
    [
        (say_nothing, {"password": "wrong"}, "invalid_auth"),
        (say_nothing, {"account": "nobody"}, "invalid_auth"),
        (
            lambda server: setattr(server.account(ACCOUNT), "open_api", False),
            {},
            "permission_denied",
        ),
        (
            lambda server: setattr(server.account(ACCOUNT), "blocked", True),
            {},
            "account_blocked",
        ),
        (
            lambda server: server.fail_next("/api/authorization", 10014, 2),
            {},
            "clock_wrong",
        ),
        (
            lambda server: server.fail_next("/api/authorization", 10000),
            {},
            "system_error",
        ),
        (
            lambda server: server.answer_next("/api/authorization", {"code": 424242}),
            {},
            "unknown_error_code",
        ),
        (
            lambda server: server.break_next(ANY_PATH, Fault.HTTP_500),
            {},
            "cannot_connect",
        ),
        (lambda server: server.break_next(ANY_PATH, Fault.HTML), {}, "invalid_answer"),
        (
            lambda server: server.break_next("/api/device/list", Fault.HALF_JSON),
            {},
            "invalid_answer",
        ),
        (say_nothing, other_server("http://127.0.0.1:9"), "cannot_connect"),
        (say_nothing, other_server("ftp://127.0.0.1"), "invalid_server"),
        (say_nothing, other_server("http://[half"), "invalid_server"),
        (say_nothing, other_server("http://?a=b"), "invalid_server"),
    ],
)
async def test_errors_of_the_form(
    hass: HomeAssistant,
    server: OpenApiSimulator,
    prepare: Callable[[OpenApiSimulator], None],
    fields: dict[str, Any],
    error: str,
) -> None:
    """Each has a text of its own, and what was entered can be corrected."""
    flow = await form(hass)
    prepare(server)
    flows = hass.config_entries.flow
    result = await flows.async_configure(flow, entered(server.url) | fields)
    assert result["type"] is FlowResultType.FORM
    assert result["errors"] == {FIELDS.get(error, "own_server"): error}
    server.heal()
    server.account(ACCOUNT).open_api = True
    server.account(ACCOUNT).blocked = False
    result = await flows.async_configure(flow, entered(server.url))
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done()


async def test_too_many_logins(
    hass: HomeAssistant, server: OpenApiSimulator, rig: Rig
) -> None:
    """After some patience the user is told to wait."""
    flow = await form(hass)
    server.fail_next("/api/authorization", 10009, 4)
    result = await rig.wait_for(
        hass.config_entries.flow.async_configure(
            flow, entered(server.url, account="partner", password="p")
        )
    )
    assert result["errors"] == {"own_server": "rate_limited"}


@pytest.mark.parametrize(
    "address",
    ["{host}", " {url}/ ", "{url}/api", "{url}/api/"],
)
async def test_addresses(
    hass: HomeAssistant, server: OpenApiSimulator, address: str
) -> None:
    """What a user may paste is understood; where no scheme is told, it is https."""
    flow = await form(hass)
    host = server.url.removeprefix("http://")
    result = await hass.config_entries.flow.async_configure(
        flow, entered(address.format(url=server.url, host=host))
    )
    if address == "{host}":
        assert result["errors"] == {"own_server": "cannot_connect"}
        return
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"]["server"] == server.url
    await hass.async_block_till_done()


async def test_other_tests_begin_with_what_a_user_adds(
    hass: HomeAssistant, server: OpenApiSimulator
) -> None:
    """The account that other tests set up at once is what this form leads to."""
    added = await add_account(hass, server)
    by_hand = kept_of(added)
    await hass.config_entries.async_remove(added.entry_id)
    assert kept_of(await account_at_once(hass, server)) == by_hand


async def test_data_of_the_entry(rig: Rig) -> None:
    """Server, account, the password's hash, and who it is for ever."""
    assert rig.entry.title == f"{ACCOUNT} (127.0.0.1)"
    assert rig.entry.unique_id == f"open_api_{ACCOUNT}@127.0.0.1"
    assert dict(rig.entry.data) == {
        "server": rig.server.url,
        "verify_ssl": True,
        "account": ACCOUNT,
        "password_md5": rig.server.account(ACCOUNT).password_md5,
        "vendor": "open_api",
        "identity": rig.entry.unique_id,
    }
    assert PASSWORD not in str(rig.entry.as_dict())


async def test_the_same_account_twice(hass: HomeAssistant, rig: Rig) -> None:
    """Capital letters make no other account of it."""
    rig.server.accounts[ACCOUNT.upper()] = rig.server.account(ACCOUNT)
    result = await hass.config_entries.flow.async_configure(
        await form(hass), entered(rig.server.url, account=ACCOUNT.upper())
    )
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "already_configured"


async def test_another_login_for_the_same_vehicles(
    hass: HomeAssistant, rig: Rig
) -> None:
    """A sub-account, on another server even, keeps devices, entities and their ids."""
    before = rig.entity_id("sensor", TRUCK, "odometer")
    assert before
    own = Account(name="home", password="h", devices=[truck()])
    async with OpenApiSimulator(own) as other:
        flow = await reconfigure(hass, rig.entry)
        result = await hass.config_entries.flow.async_configure(
            flow, {**other_server(other.url), "account": "home", "password": "h"}
        )
        assert result["reason"] == "reconfigure_successful"
        await rig.settle()
        assert rig.entry.unique_id == "open_api_home@127.0.0.1"
        assert rig.entity_id("sensor", TRUCK, "odometer") == before
        assert rig.state("sensor", TRUCK, "odometer").state == "338210.0"
        assert other.requests["/api/authorization"] == 1
        await hass.config_entries.async_unload(rig.entry.entry_id)


async def test_reconfigured_to_another_account(hass: HomeAssistant, rig: Rig) -> None:
    """An account without a vehicle in common is refused."""
    flows = hass.config_entries.flow
    flow = await reconfigure(hass, rig.entry)
    result = await flows.async_configure(
        flow, entered(rig.server.url, password="wrong")
    )
    assert result["errors"] == {"password": "invalid_auth"}
    result = await flows.async_configure(
        flow, entered(rig.server.url, account="partner", password="p")
    )
    assert result["reason"] == "wrong_account"
    assert rig.entry.data["account"] == ACCOUNT


async def test_options(hass: HomeAssistant, rig: Rig) -> None:
    """Sub-accounts' vehicles come, one that is left out goes, and the pace is chosen."""
    result = await send_settings(
        hass,
        rig.entry.entry_id,
        {
            "sub_accounts": True,
            "excluded_vehicles": [CAR],
            "parked_interval": 300,
        },
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await rig.settle()
    assert rig.coordinator.vehicles().keys() == {TRUCK, SPARE, BUS}
    assert hass.states.get("device_tracker.bus")
    assert hass.states.get("device_tracker.car") is None
    assert rig.interval.total_seconds() == 300
