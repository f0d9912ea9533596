"""Actions: whom they reach, what they refuse, and who may call them."""

from __future__ import annotations

from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.auth.models import User
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import (
    HomeAssistantError,
    ServiceValidationError,
    Unauthorized,
    UnknownUser,
)
from homeassistant.helpers import device_registry as dr
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
import voluptuous as vol

from custom_components.fleet_tracker.const import DOMAIN
from custom_components.fleet_tracker.vendor import CannotConnect
from tests.common import START, cloud_entry, device_of, listener_entry, set_up
from tests.neutral_vendor import Cloud, Clouds, told


@pytest.fixture
def cloud(clouds: Clouds, freezer: FrozenDateTimeFactory) -> Cloud:
    """Return the cloud of one account, with two vehicles."""
    freezer.move_to(START)
    cloud = clouds["acme"]
    cloud.tell(told("1", START, name="One"), told("2", START, name="Two"))
    return cloud


async def call(
    hass: HomeAssistant,
    action: str,
    *,
    wants_response: bool = True,
    context: Context | None = None,
    **data: Any,
) -> Any:
    """Call an action."""
    return await hass.services.async_call(
        DOMAIN,
        action,
        data,
        blocking=True,
        context=context,
        return_response=wants_response,
    )


async def refused(hass: HomeAssistant, action: str, **data: Any) -> HomeAssistantError:
    """Return the error that an action ends with."""
    with pytest.raises(HomeAssistantError) as caught:
        await call(hass, action, **data)
    return caught.value


def device_ids(
    hass: HomeAssistant, entry: MockConfigEntry, *vehicles: str
) -> list[str]:
    """Return the ids of devices."""
    devices = [device_of(hass, entry.runtime_data, vehicle) for vehicle in vehicles]
    return [device.id for device in devices if device is not None]


async def test_vehicles_of_several_accounts(
    hass: HomeAssistant, clouds: Clouds, cloud: Cloud
) -> None:
    """Each is asked by its own account, and answers by its device."""
    clouds["beta"].tell(told("1", START))
    acme, beta, port = (
        cloud_entry(),
        cloud_entry("beta"),
        listener_entry("port", "9"),
    )
    for entry in (acme, beta, port):
        await set_up(hass, entry)
    clouds["port"].push(told("9", START))
    await hass.async_block_till_done()
    one, two = device_ids(hass, acme, "1", "2")
    (other,) = device_ids(hass, beta, "1")
    (nine,) = device_ids(hass, port, "9")
    answer = await call(
        hass, "neutral_echo", device_id=[one, other, nine, two], text="hi"
    )
    assert answer == {
        one: {"text": "hi", "polls": 1},
        two: {"text": "hi", "polls": 1},
        other: {"text": "hi", "polls": 1},
        nine: {"text": "hi", "polls": 1},
    }
    assert [vehicle for vehicle, _ in clouds["acme"].commands] == ["1", "2"]
    assert [vehicle for vehicle, _ in clouds["beta"].commands] == ["1"]


async def test_answer_only_when_asked(hass: HomeAssistant, cloud: Cloud) -> None:
    """An action with an optional answer does its work without, too."""
    entry = cloud_entry()
    await set_up(hass, entry)
    (one,) = device_ids(hass, entry, "1")
    answer = await call(
        hass, "neutral_echo", wants_response=False, device_id=one, text="hi"
    )
    assert answer is None
    assert len(cloud.commands) == 1
    only = await call(hass, "neutral_only_cloud", wants_response=False, device_id=[one])
    assert only is None


async def test_vehicle_that_is_none(
    hass: HomeAssistant, clouds: Clouds, cloud: Cloud
) -> None:
    """A device that does not exist, of another integration, or of nothing running."""
    entry = cloud_entry()
    await set_up(hass, entry)
    (one,) = device_ids(hass, entry, "1")
    other = MockConfigEntry(domain="other")
    other.add_to_hass(hass)
    foreign = dr.async_get(hass).async_get_or_create(
        config_entry_id=other.entry_id, identifiers={("other", "1")}
    )
    in_three_parts = dr.async_get(hass).async_get_or_create(
        config_entry_id=other.entry_id,
        identifiers={("other", "1", "2")},  # type: ignore[arg-type]
    )
    for device in ("no such device", foreign.id, in_three_parts.id):
        error = await refused(hass, "neutral_echo", device_id=[one, device], text="hi")
        assert isinstance(error, ServiceValidationError)
        assert error.translation_key == "unknown_device"
    assert cloud.commands == []

    await hass.config_entries.async_unload(entry.entry_id)
    error = await refused(hass, "neutral_echo", device_id=one, text="hi")
    assert error.translation_key == "unknown_device"


@pytest.mark.parametrize("target", [{}, {"device_id": []}])
async def test_no_vehicle_at_all(
    hass: HomeAssistant, cloud: Cloud, target: dict[str, Any]
) -> None:
    """Home Assistant says that something is missing."""
    await set_up(hass, cloud_entry())
    with pytest.raises(vol.Invalid):
        await call(hass, "neutral_echo", text="hi", **target)


@pytest.mark.parametrize(
    "fields", [{}, {"text": "too long"}, {"text": 5}, {"text": "hi", "colour": "red"}]
)
async def test_fields_that_are_wrong(
    hass: HomeAssistant, cloud: Cloud, fields: dict[str, Any]
) -> None:
    """Missing, too long, of another type, unknown: the user is told, nothing is sent."""
    entry = cloud_entry()
    await set_up(hass, entry)
    (one,) = device_ids(hass, entry, "1")
    error = await refused(hass, "neutral_echo", device_id=[one], **fields)
    assert isinstance(error, ServiceValidationError)
    assert error.translation_key == "invalid_fields"
    assert cloud.commands == []


async def test_action_that_one_of_the_vendors_does_not_offer(
    hass: HomeAssistant, clouds: Clouds, cloud: Cloud
) -> None:
    """It is refused before anything is done for the others."""
    acme, port = cloud_entry(), listener_entry("port", "9")
    for entry in (acme, port):
        await set_up(hass, entry)
    clouds["port"].push(told("9", START))
    await hass.async_block_till_done()
    cloud.look_error = CannotConnect()
    devices = device_ids(hass, acme, "1") + device_ids(hass, port, "9")
    with pytest.raises(ServiceValidationError) as caught:
        await call(hass, "neutral_only_cloud", wants_response=False, device_id=devices)
    assert caught.value.translation_key == "action_not_offered"
    assert caught.value.translation_placeholders == {"vendor": "Neutral listener"}


async def test_action_that_fails(hass: HomeAssistant, cloud: Cloud) -> None:
    """The vendor's error is Home Assistant's, with a text."""
    entry = cloud_entry()
    await set_up(hass, entry)
    cloud.look_error = CannotConnect()
    with pytest.raises(HomeAssistantError) as caught:
        await call(
            hass,
            "neutral_only_cloud",
            wants_response=False,
            device_id=device_ids(hass, entry, "1"),
        )
    assert caught.value.translation_key == "cannot_connect"


async def test_action_of_an_account(hass: HomeAssistant, cloud: Cloud) -> None:
    """It is called on the entry, whatever its vehicles."""
    entry = cloud_entry()
    await set_up(hass, entry)
    answer = await call(hass, "neutral_ask_account", config_entry=entry.entry_id)
    assert answer == {"polls": 1, "vehicles": []}

    other = MockConfigEntry(domain="other")
    other.add_to_hass(hass)
    for entry_id in ("no such entry", other.entry_id):
        error = await refused(hass, "neutral_ask_account", config_entry=entry_id)
        assert error.translation_key == "unknown_entry"

    await hass.config_entries.async_unload(entry.entry_id)
    error = await refused(hass, "neutral_ask_account", config_entry=entry.entry_id)
    assert error.translation_key == "entry_not_loaded"
    assert error.translation_placeholders == {"account": "acme"}


async def test_action_for_administrators(
    hass: HomeAssistant,
    cloud: Cloud,
    hass_admin_user: User,
    hass_read_only_user: User,
) -> None:
    """Others are refused before anything is looked at; automations have no user."""
    entry = cloud_entry()
    await set_up(hass, entry)

    async def ask(user_id: str | None, entry_id: str) -> Any:
        return await call(
            hass,
            "neutral_ask_account",
            config_entry=entry_id,
            context=Context(user_id=user_id),
        )

    assert await ask(hass_admin_user.id, entry.entry_id)
    assert await ask(None, entry.entry_id)
    with pytest.raises(Unauthorized):
        await ask(hass_read_only_user.id, "no such entry")
    with pytest.raises(UnknownUser):
        await ask("nobody", entry.entry_id)
    # Other actions are for everybody.
    assert await call(
        hass,
        "neutral_echo",
        device_id=device_ids(hass, entry, "1"),
        text="hi",
        context=Context(user_id=hass_read_only_user.id),
    )


async def test_actions_are_there_without_an_account(
    hass: HomeAssistant, cloud: Cloud
) -> None:
    """An automation that uses one can be checked before the account is set up."""
    entry = cloud_entry()
    await set_up(hass, entry)
    await hass.config_entries.async_remove(entry.entry_id)
    assert hass.services.has_service(DOMAIN, "neutral_echo")
