"""The actions of the integration. What they do is the vendors' part."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, cast

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import ServiceValidationError, Unauthorized, UnknownUser
from homeassistant.helpers import config_validation as cv
from homeassistant.util.json import JsonObjectType, JsonValueType
import voluptuous as vol

from .const import DOMAIN
from .coordinator import FleetCoordinator, find_vehicle
from .vendor import VendorError
from .vendor_action import ActionRequest, ActionTarget, VendorAction
from .vendors import VENDORS

ATTR_CONFIG_ENTRY = "config_entry"
ATTR_CONFIRM = "confirm"
ATTR_METHOD = "method"
ATTR_PARAMETERS = "parameters"

CALL_API = "call_api"
CALL_API_SCHEMA = vol.Schema(
    {
        vol.Required(ATTR_CONFIG_ENTRY): cv.string,
        vol.Required(ATTR_METHOD): cv.string,
        vol.Optional(ATTR_PARAMETERS, default=dict): {cv.string: cv.string},
        vol.Optional(ATTR_CONFIRM, default=False): cv.boolean,
    }
)


@callback
def async_register_actions(hass: HomeAssistant) -> None:
    """Register every action that a vendor offers, once."""
    offers: defaultdict[str, dict[str, VendorAction]] = defaultdict(dict)
    for vendor in VENDORS.values():
        for action in vendor.actions:
            offers[action.name][vendor.key] = action
    for name, by_vendor in offers.items():
        _register(hass, name, by_vendor)
    hass.services.async_register(
        DOMAIN,
        CALL_API,
        _async_call_api,
        schema=CALL_API_SCHEMA,
        supports_response=SupportsResponse.ONLY,
    )


async def _async_call_api(call: ServiceCall) -> ServiceResponse:
    """Call a documented method of a vendor by its name."""
    await _async_require_administrator(call)
    coordinator = _coordinator(call.hass, call.data[ATTR_CONFIG_ENTRY])
    name, parameters = call.data[ATTR_METHOD], call.data[ATTR_PARAMETERS]
    method = coordinator.connection.methods.get(name)
    if method is None:
        raise _invalid("unknown_method", method=name)
    if method.refused:
        raise _invalid("method_refused", method=name)
    if method.wants_confirmation and not call.data[ATTR_CONFIRM]:
        raise _invalid("confirmation_missing", method=name)
    known = {*method.required, *method.optional}
    missing = set(method.required) - parameters.keys()
    if wrong := missing | (parameters.keys() - known):
        raise _invalid("wrong_parameters", parameters=", ".join(sorted(wrong)))
    try:
        answer = await coordinator.connection.call_method(name, parameters)
    except VendorError as err:
        raise coordinator.home_assistant_error(err) from err
    return {"answer": cast("JsonValueType", answer)}


@callback
def _register(
    hass: HomeAssistant, name: str, by_vendor: Mapping[str, VendorAction]
) -> None:
    # What vendors offer together they offer on the same targets, and to the same users.
    one = next(iter(by_vendor.values()))

    async def handle(call: ServiceCall) -> ServiceResponse:
        if one.administrators_only:
            await _async_require_administrator(call)
        # All is checked before anything is done.
        requests = []
        for coordinator, devices in _targets(call, one.target):
            action = by_vendor.get(coordinator.vendor.key)
            if action is None:
                raise _invalid("action_not_offered", vendor=coordinator.vendor.name)
            request = ActionRequest(
                coordinator=coordinator,
                vehicle_ids=tuple(devices),
                data=_checked_fields(action, call.data),
            )
            requests.append((action, request, devices))
        answer: JsonObjectType = {}
        for action, request, devices in requests:
            try:
                result = await action.handler(request)
            except VendorError as err:
                raise request.coordinator.home_assistant_error(err) from err
            if result is not None and one.target is ActionTarget.VEHICLES:
                result = {
                    devices[vehicle_id]: part for vehicle_id, part in result.items()
                }
            answer.update(result or {})
        return answer if call.return_response else None

    if one.target is ActionTarget.VEHICLES:
        target: dict[vol.Marker, Any] = {
            vol.Required(ATTR_DEVICE_ID): vol.All(
                cv.ensure_list, [cv.string], vol.Length(min=1)
            )
        }
    else:
        target = {vol.Required(ATTR_CONFIG_ENTRY): cv.string}
    hass.services.async_register(
        DOMAIN,
        name,
        handle,
        # The fields are checked by the vendor whose vehicle is meant.
        schema=vol.Schema(target, extra=vol.ALLOW_EXTRA),
        supports_response=one.response,
    )


def _checked_fields(action: VendorAction, data: Mapping[str, Any]) -> dict[str, Any]:
    fields = {
        key: value
        for key, value in data.items()
        if key not in (ATTR_DEVICE_ID, ATTR_CONFIG_ENTRY)
    }
    try:
        checked: dict[str, Any] = vol.Schema(dict(action.fields))(fields)
    except vol.Invalid as err:
        raise _invalid("invalid_fields", error=str(err)) from err
    return checked


def _targets(
    call: ServiceCall, target: ActionTarget
) -> list[tuple[FleetCoordinator, dict[str, str]]]:
    """Return the accounts that are meant, each with its vehicles and their device ids."""
    if target is ActionTarget.ACCOUNT:
        return [(_coordinator(call.hass, call.data[ATTR_CONFIG_ENTRY]), {})]
    found: dict[str, tuple[FleetCoordinator, dict[str, str]]] = {}
    for device_id in call.data[ATTR_DEVICE_ID]:
        if (vehicle := find_vehicle(call.hass, device_id)) is None:
            raise _invalid("unknown_device")
        coordinator, vehicle_id = vehicle
        _, devices = found.setdefault(coordinator.identity, (coordinator, {}))
        devices[vehicle_id] = device_id
    return list(found.values())


def _coordinator(hass: HomeAssistant, entry_id: str) -> FleetCoordinator:
    entry = hass.config_entries.async_get_entry(entry_id)
    if entry is None or entry.domain != DOMAIN:
        raise _invalid("unknown_entry")
    if entry.state is not ConfigEntryState.LOADED:
        raise _invalid("entry_not_loaded", account=entry.title)
    coordinator: FleetCoordinator = entry.runtime_data
    return coordinator


async def _async_require_administrator(call: ServiceCall) -> None:
    """Refuse a caller who is known and no administrator."""
    if call.context.user_id is None:
        return
    user = await call.hass.auth.async_get_user(call.context.user_id)
    if user is None:
        raise UnknownUser(context=call.context)
    if not user.is_admin:
        raise Unauthorized(context=call.context)


def _invalid(key: str, **placeholders: str) -> ServiceValidationError:
    return ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key=key,
        translation_placeholders=placeholders,
    )
