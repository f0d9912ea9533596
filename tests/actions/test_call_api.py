"""The action that calls a vendor's documented methods by name."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from homeassistant.config_entries import SOURCE_USER, ConfigEntry
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import (
    HomeAssistantError,
    ServiceValidationError,
    Unauthorized,
)
import pytest
from pytest_homeassistant_custom_component.common import MockUser

from custom_components.fleet_tracker.const import DOMAIN
from tests.common import other_server
from tests.simulators.open_api import OpenApiSimulator
from tests.simulators.open_api_fleet import DEMO_ACCOUNT, DEMO_PASSWORD


@pytest.fixture
async def server() -> AsyncIterator[OpenApiSimulator]:
    """Play the demo's fleet."""
    async with OpenApiSimulator() as server:
        yield server


@pytest.fixture
async def entry(
    hass: HomeAssistant, server: OpenApiSimulator
) -> AsyncIterator[ConfigEntry]:
    """Add the account as a user would."""
    flow = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_USER}
    )
    flow = await hass.config_entries.flow.async_configure(
        flow["flow_id"], {"next_step_id": "open_api"}
    )
    flow = await hass.config_entries.flow.async_configure(
        flow["flow_id"],
        {
            **other_server(server.url),
            "account": DEMO_ACCOUNT,
            "password": DEMO_PASSWORD,
        },
    )
    await hass.async_block_till_done()
    entry: ConfigEntry = flow["result"]
    yield entry
    await hass.config_entries.async_unload(entry.entry_id)


async def call(
    hass: HomeAssistant,
    entry: ConfigEntry,
    method: str,
    parameters: Mapping[str, Any] | None = None,
    *,
    confirm: bool = False,
    context: Context | None = None,
) -> Any:
    """Call the action and return its answer."""
    answer = await hass.services.async_call(
        DOMAIN,
        "call_api",
        {
            "config_entry": entry.entry_id,
            "method": method,
            "parameters": dict(parameters or {}),
            "confirm": confirm,
        },
        blocking=True,
        return_response=True,
        context=context,
    )
    assert answer is not None
    return answer["answer"]


async def test_reading_needs_no_confirmation(
    hass: HomeAssistant, entry: ConfigEntry
) -> None:
    """What only reads is called and answered as the vendor did."""
    answer = await call(hass, entry, "/api/user/info", {"account": "partner"})
    assert answer["account"] == "partner"


async def test_changing_wants_to_be_confirmed(
    hass: HomeAssistant, entry: ConfigEntry, server: OpenApiSimulator
) -> None:
    """An account is blocked only when the caller says so twice."""
    with pytest.raises(ServiceValidationError) as refusal:
        await call(hass, entry, "/api/user/block", {"account": "partner"})
    assert refusal.value.translation_key == "confirmation_missing"
    assert not server.account("partner").blocked

    await call(hass, entry, "/api/user/block", {"account": "partner"}, confirm=True)
    assert server.account("partner").blocked
    await call(hass, entry, "/api/user/unblock", {"account": "partner"}, confirm=True)
    assert not server.account("partner").blocked


@pytest.mark.parametrize(
    ("method", "parameters", "key"),
    [
        ("/api/nothing", {}, "unknown_method"),
        (
            "/api/command/send",
            {"imei": "358899051025339", "command": "RELAY,1"},
            "method_refused",
        ),
        ("/api/authorization", {}, "method_refused"),
        ("/api/user/info", {}, "wrong_parameters"),
        ("/api/user/info", {"account": "a", "colour": "b"}, "wrong_parameters"),
    ],
)
async def test_refused_before_anything_is_sent(
    hass: HomeAssistant,
    entry: ConfigEntry,
    server: OpenApiSimulator,
    method: str,
    parameters: dict[str, str],
    key: str,
) -> None:
    """Engine cut-off, sign-in and what is not documented never reach the vendor."""
    before = server.requests[method]
    with pytest.raises(ServiceValidationError) as refusal:
        await call(hass, entry, method, parameters, confirm=True)
    assert refusal.value.translation_key == key
    assert server.requests[method] == before


async def test_an_error_of_the_vendor_is_raised(
    hass: HomeAssistant, entry: ConfigEntry
) -> None:
    """An account that does not exist is the vendor's to refuse."""
    with pytest.raises(HomeAssistantError) as refusal:
        await call(hass, entry, "/api/user/info", {"account": "nobody"})
    assert refusal.value.translation_key == "target_unknown"


async def test_only_administrators_may(
    hass: HomeAssistant, entry: ConfigEntry, hass_read_only_user: MockUser
) -> None:
    """A user without administrator's rights is turned away, whatever is called."""
    with pytest.raises(Unauthorized):
        await call(
            hass,
            entry,
            "/api/user/info",
            {"account": "partner"},
            context=Context(user_id=hass_read_only_user.id),
        )
