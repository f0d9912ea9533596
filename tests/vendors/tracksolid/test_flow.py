"""The flows: an account, its other node, reauthentication, reconfiguration, options."""

from __future__ import annotations

from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import (
    SOURCE_REAUTH,
    SOURCE_RECONFIGURE,
    ConfigEntryState,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest

from custom_components.fleet_tracker.const import CONF_PUSH_SECRET, DOMAIN
from custom_components.fleet_tracker.vendors.tracksolid import flow as vendor_flow
from tests.common import kept_of, send_settings
from tests.simulators.tracksolid import TracksolidSimulator

from .helpers import VAN
from .home import (
    NOW,
    Answer,
    Home,
    account_at_once,
    add_account,
    begin,
    credentials,
    enter,
)

pytestmark = pytest.mark.freeze_time(NOW)

TOKEN = "jimi.oauth.token.get"
FIELDS = {
    "invalid_auth": "password",
    "tracksolid_wrong_node": "server",
    "tracksolid_wrong_secret": "app_secret",
}
"""Where an error is shown; all others concern the server."""


async def test_account(
    hass: HomeAssistant, hass_storage: dict[str, Any], account: TracksolidSimulator
) -> None:
    """An account costs one login, of whose password only the hash is kept."""
    hass.config.external_url = "https://home.example"
    entry = await add_account(hass, account, push_token="t0ken")
    assert account.requests[TOKEN] == 1
    assert entry.title == "fleet (127.0.0.1)"
    assert entry.unique_id == entry.data["identity"] == "tracksolid_fleet@127.0.0.1"
    assert entry.options == {"sub_accounts": False, "push_token": "t0ken"}
    assert account.password not in str(entry.data)
    assert "password" not in entry.data
    assert len(entry.runtime_data.vehicles()) == 3


async def test_other_tests_begin_with_what_a_user_adds(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    account: TracksolidSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The account that other tests set up at once is what these forms lead to."""
    added = await add_account(hass, account)
    by_hand = kept_of(added)
    assert CONF_PUSH_SECRET in added.data
    await hass.config_entries.async_remove(added.entry_id)
    freezer.tick(61)
    assert kept_of(await account_at_once(hass, account)) == by_hand


async def test_push_address(
    hass: HomeAssistant, account: TracksolidSimulator, freezer: FrozenDateTimeFactory
) -> None:
    """The second form shows where to push to, or says in words that nothing can be."""
    for external, step in (
        ("", "tracksolid_no_push"),
        ("https://home.example", "tracksolid_push"),
    ):
        hass.config.external_url = external or None
        freezer.tick(61)
        flow_id = await begin(hass)
        result = await enter(hass, flow_id, credentials(account))
        hass.config_entries.flow.async_abort(flow_id)
        assert result["step_id"] == step


async def test_the_same_account_again(home: Home) -> None:
    """An account is set up once."""
    home.freezer.tick(61)
    result = await enter(home.hass, await begin(home.hass), credentials(home.sim))
    assert (result["type"], result["reason"]) == (
        FlowResultType.ABORT,
        "already_configured",
    )


@pytest.mark.parametrize(
    ("entered", "error"),
    [
        ({"password": "wrong"}, "invalid_auth"),
        ({"app_secret": "wrong"}, "tracksolid_wrong_secret"),
        ({"app_key": "wrong"}, "tracksolid_wrong_node"),
        ({"server": "http://127.0.0.1:1"}, "cannot_connect"),
        ({"server": "no address"}, "invalid_server"),
        ({"server": "ftp://127.0.0.1"}, "invalid_server"),
        ({"server": "http://[1"}, "invalid_server"),
    ],
)
async def test_errors_of_the_form(
    hass: HomeAssistant,
    account: TracksolidSimulator,
    entered: dict[str, Any],
    error: str,
) -> None:
    """The form says what is wrong, and keeps what was entered."""
    result = await enter(hass, await begin(hass), credentials(account, **entered))
    assert result["step_id"] == "tracksolid"
    assert result["errors"] == {FIELDS.get(error, "own_server"): error}
    secrets = {"app_secret": "x", "password": "x", "own_server": {}}
    defaults = result["data_schema"](secrets)
    assert defaults["account"] == account.account


async def test_second_try_within_a_minute_waits(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    account: TracksolidSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A wrong password costs a minute, which the second try waits out by itself."""
    flow_id = await begin(hass)
    result = await enter(hass, flow_id, credentials(account, password="wrong"))
    assert result["errors"] == {"password": "invalid_auth"}
    waiter = Home(hass, account, freezer, None)  # type: ignore[arg-type]  # not added yet
    result = await waiter.wait_for(enter(hass, flow_id, credentials(account)))
    assert result["step_id"] == "tracksolid_no_push"
    assert account.requests[TOKEN] == 2


async def test_flow_that_was_given_up_costs_a_minute(
    hass: HomeAssistant, account: TracksolidSimulator, freezer: FrozenDateTimeFactory
) -> None:
    """Who logs in and closes the dialogue waits a minute for the next login too."""
    flow_id = await begin(hass)
    await enter(hass, flow_id, credentials(account))
    hass.config_entries.flow.async_abort(flow_id)
    waiter = Home(hass, account, freezer, None)  # type: ignore[arg-type]  # not added yet
    result = await waiter.wait_for(enter(hass, await begin(hass), credentials(account)))
    assert result["step_id"] == "tracksolid_no_push"
    assert account.requests[TOKEN] == 2


async def test_other_nodes(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    account: TracksolidSimulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The other nodes are tried if the user agrees, and the right one is kept."""
    async with TracksolidSimulator(account.clock) as other:
        other.app_key = "another key"
        # Nobody is at the second one.
        nodes = (other.root, "http://127.0.0.1:1", account.root)
        monkeypatch.setattr(vendor_flow, "NODES", nodes)
        flow_id = await begin(hass)
        result = await enter(hass, flow_id, credentials(account, server=other.root))
        assert result["errors"] == {"server": "tracksolid_wrong_node"}
        result = await enter(
            hass, flow_id, credentials(account, server=other.root, other_nodes=True)
        )
        assert result["step_id"] == "tracksolid_no_push", result
        await enter(hass, flow_id, {})
        result = await enter(hass, flow_id, {"sub_accounts": False})
        assert result["data"]["server"] == account.url
        await hass.async_block_till_done(wait_background_tasks=True)
        assert account.requests[TOKEN] == 1
        assert other.requests["jimi.user.device.list"] == 0


async def test_no_node_knows_the_key(
    hass: HomeAssistant, account: TracksolidSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key that no node knows is told as such."""
    monkeypatch.setattr(vendor_flow, "NODES", (account.root,))
    result = await enter(
        hass,
        await begin(hass),
        credentials(account, server=account.root, other_nodes=True, app_key="wrong"),
    )
    assert result["errors"] == {"server": "tracksolid_wrong_node"}


async def test_reauthentication(home: Home) -> None:
    """A password that was changed is asked for, and the vehicles go on."""
    home.sim.password = "changed"
    home.sim.drop_tokens()
    await home.elapse(61)
    await home.poll()
    (flow,) = home.hass.config_entries.flow.async_progress_by_handler(
        DOMAIN, match_context={"source": SOURCE_REAUTH}
    )
    await home.elapse(61)
    wrong = await enter(home.hass, flow["flow_id"], {"password": "wrong"})
    assert wrong["errors"] == {"password": "invalid_auth"}
    result = await home.wait_for(
        enter(home.hass, flow["flow_id"], {"password": "changed"})
    )
    assert result["reason"] == "reauth_successful"
    logins = home.sim.requests[TOKEN]
    await home.hass.async_block_till_done(wait_background_tasks=True)
    assert home.entry.state is ConfigEntryState.LOADED
    assert home.sim.requests[TOKEN] == logins


async def test_reauthentication_with_new_keys(home: Home) -> None:
    """A seller may give out a new app key, which the form says if it is missing."""
    home.sim.app_key, home.sim.app_secret = "new key", "new secret"
    await home.elapse(61)
    await home.poll()
    (flow,) = home.hass.config_entries.flow.async_progress_by_handler(
        DOMAIN, match_context={"source": SOURCE_REAUTH}
    )
    password = {"password": home.sim.password}
    result = await home.wait_for(enter(home.hass, flow["flow_id"], password))
    assert result["errors"] == {"base": "tracksolid_wrong_node"}
    keys = {"app_key": "new key", "app_secret": "new secret"}
    result = await home.wait_for(
        enter(home.hass, flow["flow_id"], {**password, **keys})
    )
    assert result["reason"] == "reauth_successful"
    await home.hass.async_block_till_done(wait_background_tasks=True)
    assert home.entry.state is ConfigEntryState.LOADED
    assert home.entry.data["app_key"] == "new key"


async def test_reauthentication_respects_the_entrys_login(home: Home) -> None:
    """The minute between two logins counts from the entry's own."""
    home.entry.async_start_reauth(home.hass)
    await home.hass.async_block_till_done()
    (flow,) = home.hass.config_entries.flow.async_progress()
    result = await home.wait_for(
        enter(
            home.hass,
            flow["flow_id"],
            {"password": home.sim.password, "app_secret": home.sim.app_secret},
        )
    )
    assert result["reason"] == "reauth_successful"
    assert home.sim.requests[TOKEN] == 2
    await home.hass.async_block_till_done(wait_background_tasks=True)


async def reconfigure(home: Home) -> Answer:
    """Begin to change the account."""
    result: Answer = await home.hass.config_entries.flow.async_init(
        DOMAIN,
        context={"source": SOURCE_RECONFIGURE, "entry_id": home.entry.entry_id},
    )
    return result


async def test_reconfiguration(home: Home) -> None:
    """The account may be another one if it has a vehicle of the old one."""
    await home.elapse(61)
    async with TracksolidSimulator(home.sim.clock) as moved:
        moved.account = home.sim.devices[VAN].account = "moved"
        moved.add(home.sim.devices[VAN])
        flow = await reconfigure(home)
        assert flow["step_id"] == "reconfigure"
        secrets = {"app_secret": "x", "password": "x", "own_server": {}}
        shown = flow["data_schema"](secrets)
        assert shown["server"] == "other"
        result = await enter(home.hass, flow["flow_id"], credentials(moved))
        assert result["reason"] == "reconfigure_successful"
        await home.hass.async_block_till_done(wait_background_tasks=True)
        assert home.entry.state is ConfigEntryState.LOADED
        assert home.entry.unique_id == "tracksolid_moved@127.0.0.1"
        assert home.entry.data["identity"] == "tracksolid_fleet@127.0.0.1"
        assert moved.requests[TOKEN] == 1


async def test_reconfiguration_to_strangers(home: Home) -> None:
    """Another account is none of this entry's business."""
    await home.elapse(61)
    async with TracksolidSimulator(home.sim.clock) as other:
        other.account = "somebody"
        flow = await reconfigure(home)
        result = await enter(home.hass, flow["flow_id"], credentials(other))
        assert result["reason"] == "wrong_account"


async def test_options(home: Home) -> None:
    """Sub-accounts, the push token and the instruction host can be changed."""
    home.sim.children = {"fleet": ["below"]}
    home.sim.devices["860000000000022"].account = "below"
    await home.set_options(
        sub_accounts=True, push_token="t0ken", hub_url=home.sim.root, hub_token="h"
    )
    assert home.entry.state is ConfigEntryState.LOADED
    assert home.sim.requests["jimi.user.child.list"] == 2
    assert home.connection.hub is not None
    assert len(home.connection.fleet.devices) == 3


async def test_options_that_cannot_be(home: Home) -> None:
    """An instruction host that is no address is refused."""
    result = await send_settings(
        home.hass, home.entry.entry_id, {**home.entry.options, "hub_url": "no address"}
    )
    assert result["errors"] == {"advanced": "invalid_server"}
