"""The actions of the integration. What they do is the vendors' part."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from types import MappingProxyType
from typing import Any, cast

from homeassistant.auth.models import User
from homeassistant.auth.permissions.const import POLICY_CONTROL, POLICY_READ
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import (
    HomeAssistantError,
    ServiceValidationError,
    Unauthorized,
)
from homeassistant.helpers import config_validation as cv
from homeassistant.util.json import JsonObjectType, JsonValueType
import voluptuous as vol

from .account.coordinator import FleetCoordinator
from .actions.blueprints import async_install_blueprints
from .actions.common_action import AccountRequest, CommonAction
from .actions.exporting import EXPORT_ACTION
from .actions.history import HISTORY_ACTIONS
from .actions.import_history import IMPORT_HISTORY
from .actions.marks import MARKING_ACTIONS
from .actions.targets import (
    TARGET_FIELDS,
    LostVehicle,
    TargetVehicle,
    async_get_caller,
    find_vehicles,
    may_control,
    not_running,
    require_whole_account,
)
from .actions.turns import in_turns
from .const import DOMAIN
from .contract.commands import Command, CommandResult
from .contract.errors import CommandUnsupported, VendorError
from .model.texts import clean_json
from .offer.action import (
    ActionEffect,
    ActionSummary,
    ActionTarget,
    Outcome,
    VendorAction,
)
from .offer.errors import invalid
from .offer.texts import error_text
from .vendors import VENDORS

PERMISSIONS = MappingProxyType(
    {ActionEffect.TELLS: POLICY_READ, ActionEffect.CHANGES: POLICY_CONTROL}
)

ATTR_CONFIG_ENTRY = "config_entry"
ATTR_CONFIRM = "confirm"
ATTR_METHOD = "method"
ATTR_PARAMETERS = "parameters"

INSTALL_BLUEPRINTS = "install_blueprints"
CALL_API = "call_api"
CALL_API_SCHEMA = vol.Schema(
    {
        vol.Required(ATTR_CONFIG_ENTRY): cv.string,
        vol.Required(ATTR_METHOD): cv.string,
        vol.Optional(ATTR_PARAMETERS, default=dict): {cv.string: cv.string},
        vol.Optional(ATTR_CONFIRM, default=False): cv.boolean,
    }
)

COMMON_ACTIONS: tuple[CommonAction, ...] = (
    *HISTORY_ACTIONS.values(),
    IMPORT_HISTORY,
    EXPORT_ACTION,
    *MARKING_ACTIONS,
)
"""The actions that are offered for the vehicles of every vendor."""

type _Action = CommonAction | VendorAction[Any]

# The vendor of the vehicle or account checks the fields.
_VEHICLES_SCHEMA = cv.make_entity_service_schema({}, extra=vol.ALLOW_EXTRA)
_ACCOUNT_SCHEMA = vol.Schema(
    {vol.Required(ATTR_CONFIG_ENTRY): cv.string}, extra=vol.ALLOW_EXTRA
)


@callback
def async_register_actions(hass: HomeAssistant) -> None:
    """Register every action once: those for all vendors, and what vendors offer."""
    # An action of several vendors has the same targets and the same permissions for all.
    offered: dict[str, ActionSummary] = {
        action.name: action for vendor in VENDORS.values() for action in vendor.actions
    }
    offered |= {action.name: action for action in COMMON_ACTIONS}
    for action in offered.values():
        _register(hass, action)
    hass.services.async_register(
        DOMAIN,
        CALL_API,
        _async_call_api,
        schema=CALL_API_SCHEMA,
        supports_response=SupportsResponse.ONLY,
    )
    hass.services.async_register(
        DOMAIN,
        INSTALL_BLUEPRINTS,
        _async_install_blueprints,
        schema=vol.Schema({}),
        supports_response=SupportsResponse.OPTIONAL,
    )


async def _async_install_blueprints(call: ServiceCall) -> ServiceResponse:
    """Install the blueprints, and return what became of each."""
    await _async_require_administrator(call)
    installed = await async_install_blueprints(call.hass)
    return asdict(installed) if call.return_response else None


async def _async_call_api(call: ServiceCall) -> ServiceResponse:
    """Call a documented method of a vendor by its name."""
    await _async_require_administrator(call)
    coordinator = _coordinator(call.hass, call.data[ATTR_CONFIG_ENTRY])
    name, parameters = call.data[ATTR_METHOD], clean_json(call.data[ATTR_PARAMETERS])
    method = coordinator.connection.methods.get(name)
    if method is None:
        raise invalid("unknown_method", method=name)
    if method.refused:
        raise invalid("method_refused", method=name)
    if method.wants_confirmation and not call.data[ATTR_CONFIRM]:
        raise invalid("confirmation_missing", method=name)
    known = {*method.required, *method.optional}
    missing = set(method.required) - parameters.keys()
    if wrong := missing | (parameters.keys() - known):
        raise invalid("wrong_parameters", parameters=", ".join(sorted(wrong)))
    try:
        answer = await coordinator.connection.call_method(name, parameters)
    except VendorError as err:
        raise coordinator.home_assistant_error(err) from err
    return {"answer": cast("JsonValueType", clean_json(answer))}


@callback
def _register(hass: HomeAssistant, action: ActionSummary) -> None:
    permission = PERMISSIONS[action.effect]

    async def handle(call: ServiceCall) -> ServiceResponse:
        if action.administrators_only:
            await _async_require_administrator(call)
        caller = await async_get_caller(call.hass, call.context)
        if action.target is ActionTarget.ACCOUNT:
            coordinator = _coordinator(call.hass, call.data[ATTR_CONFIG_ENTRY])
            require_whole_account(call, caller, permission, coordinator)
            answer = await _async_call_on_account(
                call, caller, coordinator, action.name
            )
        else:
            vehicles = find_vehicles(call, caller, permission)
            answer = await _VehicleCall(call, caller, action).async_run(vehicles)
        return await _async_cleaned(answer) if call.return_response else None

    schema = (
        _VEHICLES_SCHEMA if action.target is ActionTarget.VEHICLES else _ACCOUNT_SCHEMA
    )
    hass.services.async_register(
        DOMAIN,
        action.name,
        handle,
        schema=schema,
        supports_response=action.response,
    )


async def _async_cleaned[T](value: T) -> T:
    """Return an answer with valid texts in it, made a few records at a time."""
    cleaned: object = value
    if isinstance(value, dict):
        cleaned = {
            clean_json(key): await _async_cleaned(one) for key, one in value.items()
        }
    elif isinstance(value, list):
        cleaned = [one async for one in in_turns(clean_json, value)]
    else:
        cleaned = clean_json(value)
    return cast("T", cleaned)


async def _async_call_on_account(
    call: ServiceCall,
    caller: User | None,
    coordinator: FleetCoordinator,
    name: str,
) -> JsonObjectType:
    """Call an action of an account. Its answer is for the whole account."""
    action = _action_of(coordinator, name)
    request = _request(
        call, coordinator, caller, {}, _checked_fields(action, call.data)
    )
    try:
        return dict(await action.handler(request) or {})
    except VendorError as err:
        raise coordinator.home_assistant_error(err) from err


class _VehicleCall:
    """A call of an action of vehicles, of whichever accounts and vendors they are.

    Whatever is known to be in the way is found before anything is done. Then an action that
    changes something is refused as a whole; one that tells answers for the other vehicles.
    """

    def __init__(
        self, call: ServiceCall, caller: User | None, action: ActionSummary
    ) -> None:
        """Initialize with the call, its caller and the action that it is of."""
        self._call = call
        self._caller = caller
        self._name = action.name
        self._tells = action.effect is ActionEffect.TELLS
        self._count = 0
        self._answers: dict[str, JsonValueType] = {}
        self._errors: dict[str, HomeAssistantError] = {}

    async def async_run(
        self, found: Sequence[TargetVehicle | LostVehicle]
    ) -> JsonObjectType:
        """Carry out the action, and return the answers by the trackers' entity ids.

        Raises HomeAssistantError when nothing came of it, and where an action that changes
        something failed for one of the vehicles.
        """
        self._count = len(found)
        offering: defaultdict[str, list[TargetVehicle]] = defaultdict(list)
        for vehicle in found:
            if isinstance(vehicle, LostVehicle):
                self._errors[vehicle.entity_id] = vehicle.error
            elif _offered(vehicle.coordinator, self._name) is not None:
                offering[vehicle.coordinator.identity].append(vehicle)
            elif vehicle.named:
                self._errors[vehicle.entity_id] = _not_offered(vehicle.coordinator)
        able = [await self._async_checked(vehicles) for vehicles in offering.values()]
        if self._errors and not self._tells:
            raise self._first_error(found)
        for vehicles in able:
            if vehicles:
                await self._async_handle(vehicles)
        if self._errors and not (self._tells and self._answers):
            raise self._first_error(found)
        if not self._answers:
            raise invalid("no_vehicle_left")
        return {
            vehicle.entity_id: self._answers[vehicle.entity_id]
            if vehicle.entity_id in self._answers
            else {"error": error_text(self._call.hass, self._errors[vehicle.entity_id])}
            for vehicle in found
            if vehicle.entity_id in self._answers or vehicle.entity_id in self._errors
        }

    async def _async_checked(
        self, vehicles: Sequence[TargetVehicle]
    ) -> list[TargetVehicle]:
        """Return the vehicles of an account that can carry it out, as far as is known.

        Raises HomeAssistantError when the fields are wrong.
        """
        action, request = self._request(vehicles)
        try:
            in_the_way = await action.check(request)
        except VendorError as err:
            raise vehicles[0].coordinator.home_assistant_error(err) from err
        able = []
        for vehicle in vehicles:
            error = in_the_way.get(vehicle.vehicle_id)
            if error is None:
                able.append(vehicle)
            elif vehicle.named or not isinstance(error, CommandUnsupported):
                self._take(vehicle, error)
        return able

    async def _async_handle(self, vehicles: Sequence[TargetVehicle]) -> None:
        action, request = self._request(vehicles)
        try:
            outcomes = await action.handler(request) or {}
        except VendorError as err:
            outcomes = dict.fromkeys(request.vehicle_ids, err)
        for vehicle in vehicles:
            self._take(vehicle, outcomes.get(vehicle.vehicle_id))

    def _request(
        self, vehicles: Sequence[TargetVehicle]
    ) -> tuple[_Action, AccountRequest]:
        """Return the request to the account of these vehicles."""
        coordinator = vehicles[0].coordinator
        action = _action_of(coordinator, self._name)
        return action, _request(
            self._call,
            coordinator,
            self._caller,
            {vehicle.vehicle_id: vehicle.entity_id for vehicle in vehicles},
            _checked_fields(action, self._call.data),
            self._count,
        )

    def _take(self, vehicle: TargetVehicle, outcome: Outcome) -> None:
        """Note the outcome for one vehicle."""
        if isinstance(outcome, VendorError):
            error = vehicle.coordinator.home_assistant_error(outcome)
            error.__cause__ = outcome
            self._errors[vehicle.entity_id] = error
        elif isinstance(outcome, HomeAssistantError):
            self._errors[vehicle.entity_id] = outcome
        else:
            self._answers[vehicle.entity_id] = dict(outcome or {})

    def _first_error(
        self, found: Iterable[TargetVehicle | LostVehicle]
    ) -> HomeAssistantError:
        return next(
            self._errors[vehicle.entity_id]
            for vehicle in found
            if vehicle.entity_id in self._errors
        )


def _request(
    call: ServiceCall,
    coordinator: FleetCoordinator,
    caller: User | None,
    trackers: Mapping[str, str],
    data: Mapping[str, Any],
    vehicles_in_call: int = 0,
) -> AccountRequest:
    """Return what is asked of an account, for vehicles with these trackers."""

    async def execute(vehicle_id: str, command: Command) -> CommandResult:
        return await coordinator.async_execute(
            vehicle_id, command, may_control(caller, trackers.get(vehicle_id))
        )

    return AccountRequest(
        coordinator=coordinator,
        caller=caller,
        vehicles_in_call=vehicles_in_call,
        returns_answer=call.return_response,
        hass=coordinator.hass,
        connection=coordinator.connection,
        execute=execute,
        poll_soon=coordinator.poll_soon,
        vehicle_ids=tuple(trackers),
        data=data,
    )


def _checked_fields(action: _Action, data: Mapping[str, Any]) -> dict[str, Any]:
    fields = {
        key: value
        for key, value in data.items()
        if key not in (*TARGET_FIELDS, ATTR_CONFIG_ENTRY)
    }
    try:
        # Half a surrogate pair in a time would crash Home Assistant's parser.
        checked: dict[str, Any] = vol.Schema(dict(action.fields))(clean_json(fields))
    except (vol.Invalid, OverflowError) as err:
        raise invalid("invalid_fields", error=str(err)) from err
    return checked


def _action_of(coordinator: FleetCoordinator, name: str) -> _Action:
    """Return an action of an account. Raises ServiceValidationError if it has none."""
    if (action := _offered(coordinator, name)) is None:
        raise _not_offered(coordinator)
    return action


def _offered(coordinator: FleetCoordinator, name: str) -> _Action | None:
    """Return an action that is for all vendors, or that the vendor of an account has."""
    common = next((action for action in COMMON_ACTIONS if action.name == name), None)
    return common or coordinator.vendor.action(name)


def _not_offered(coordinator: FleetCoordinator) -> ServiceValidationError:
    return invalid("action_not_offered", vendor=coordinator.vendor.name)


def _coordinator(hass: HomeAssistant, entry_id: str) -> FleetCoordinator:
    entry = hass.config_entries.async_get_entry(entry_id)
    if entry is None or entry.domain != DOMAIN:
        raise invalid("unknown_entry")
    if entry.state is not ConfigEntryState.LOADED:
        raise not_running(entry)
    coordinator: FleetCoordinator = entry.runtime_data
    return coordinator


async def _async_require_administrator(call: ServiceCall) -> None:
    """Refuse a known caller who is no administrator."""
    user = await async_get_caller(call.hass, call.context)
    if user is not None and not user.is_admin:
        raise Unauthorized(context=call.context, user_id=user.id)
