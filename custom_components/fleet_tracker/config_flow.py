"""The config flow of all vendors; their forms and checks come from the registry.

The flow of the options is in `options_flow`, that of single vehicles in `vehicle_flow`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
import secrets
from types import MappingProxyType
from typing import Any, cast, override

from homeassistant.config_entries import (
    SOURCE_USER,
    ConfigEntry,
    ConfigEntryState,
    ConfigFlow,
    ConfigFlowResult,
    ConfigSubentry,
    ConfigSubentryFlow,
)
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.typing import DiscoveryInfoType
import voluptuous as vol

from .account import back_off
from .account.coordinator import FleetCoordinator
from .account.handover import hand_over
from .account.reauthentication import checking
from .account.storage import EntryMemory
from .account.subentries import discovery_unique_id
from .const import (
    CONF_IDENTITY,
    CONF_PUSH_SECRET,
    CONF_VENDOR,
    DOMAIN,
    SUBENTRY_VEHICLE,
)
from .contract.connection import Memory
from .contract.errors import VendorError
from .flow_parts import (
    PUSH_ADDRESS,
    async_vehicle_flow,
    async_vendor,
    connection_of,
    folded,
    is_added,
    push_fields,
    push_placeholders,
    push_step,
    refusal,
)
from .offer.flow import NO_PUSH_FORM, PUSH_FORM, Account, AddedVehicle, FlowMemory
from .offer.form_input import CheckedInput, check_input
from .offer.summary import VendorSummary
from .offer.vendor import Vendor
from .options_flow import FleetTrackerOptionsFlow
from .pushes.door import push_url
from .vehicle_flow import AddVehicleFlow
from .vendors import VENDORS, async_load_vendor

# Whether a flow can be followed by another one
CAN_GO_ON = hasattr(ConfigFlow, "async_on_create_entry")


class FleetTrackerConfigFlow(ConfigFlow, domain=DOMAIN):
    """Adds an account or listener, and changes it later.

    Each vendor's steps are added below the class, from the registry.
    """

    VERSION = 1

    _account: Account
    _push_secret: str
    _discovered: Mapping[str, Any]

    def __init__(self) -> None:
        """Start with nothing entered."""
        self._further: dict[str, Any] = {}

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: ConfigEntry) -> FleetTrackerOptionsFlow:
        """Return the flow of the options."""
        return FleetTrackerOptionsFlow()

    @classmethod
    @callback
    @override
    def async_get_supported_subentry_types(
        cls, config_entry: ConfigEntry
    ) -> dict[str, type[ConfigSubentryFlow]]:
        """Return how vehicles are added, where that is done one by one."""
        # An ignored discovery is an entry too, one of no vendor.
        vendor = VENDORS.get(config_entry.data.get(CONF_VENDOR, ""))
        if vendor is None or not vendor.adds_vehicles:
            return {}
        return {SUBENTRY_VEHICLE: AddVehicleFlow}

    @override
    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the vendor."""
        return self.async_show_menu(step_id="user", menu_options=list(VENDORS))

    async def async_step_credentials(
        self, vendor: Vendor, user_input: dict[str, Any] | None
    ) -> ConfigFlowResult:
        """Ask for the account and check it."""
        checked = check_input(vendor.flow.form("", {}), user_input or {})
        if user_input is not None and not checked.errors:
            try:
                self._account = await vendor.flow.async_check(
                    self.hass, checked.values, None, FlowMemory()
                )
            except VendorError as err:
                checked.errors = refusal(
                    err,
                    vendor.flow.form("", {}),
                    checked.values,
                    vendor.flow.error_fields,
                )
            else:
                await self.async_set_unique_id(self._account.unique_id)
                self._abort_if_unique_id_configured(reload_on_update=False)
                # An account that moved to another server keeps its first identity.
                self._async_abort_entries_match({CONF_IDENTITY: self._account.identity})
                self._push_secret = secrets.token_urlsafe(24)
                return await self._async_next_form(vendor)
        return self._show_vendor_form(vendor, "", checked)

    async def async_step_further(
        self, vendor: Vendor, form: str, user_input: dict[str, Any] | None
    ) -> ConfigFlowResult:
        """Ask what else there is to choose."""
        if user_input is None:
            return self._show_vendor_form(vendor, form)
        self._further.update(user_input)
        self._further.pop(PUSH_ADDRESS, None)
        return await self._async_next_form(vendor, form)

    async def _async_next_form(
        self, vendor: Vendor, after: str | None = None
    ) -> ConfigFlowResult:
        """Show the next form; after the last one, make the entry."""
        forms = vendor.flow.further_forms
        rest = forms if after is None else forms[forms.index(after) + 1 :]
        if rest:
            return self._show_vendor_form(vendor, rest[0])
        account = self._account
        hand_over(self.hass, account.identity, account.memory)
        data = {
            **account.data,
            CONF_VENDOR: vendor.key,
            CONF_IDENTITY: account.identity,
        }
        if vendor.pushes:
            data[CONF_PUSH_SECRET] = self._push_secret
        where_to_click = vendor.flow.vehicles is not None and not CAN_GO_ON
        return self.async_create_entry(
            title=account.title,
            data=data,
            options={**account.options, **self._further},
            description="add_vehicles" if where_to_click else None,
        )

    async def async_on_create_entry(self, result: ConfigFlowResult) -> ConfigFlowResult:
        """Go on with the first vehicle, where they are added one by one.

        Home Assistant calls this from 2026 on.
        """
        entry = result["result"]
        if self.async_get_supported_subentry_types(entry):
            added = await self.hass.config_entries.subentries.async_init(
                (entry.entry_id, SUBENTRY_VEHICLE), context={"source": SOURCE_USER}
            )
            following = ("config_subentries_flow", added["flow_id"])
            # Home Assistant's type of results does not know the key yet.
            cast("dict[str, Any]", result)["next_flow"] = following
        return result

    def _show_vendor_form(
        self, vendor: Vendor, form: str, entered: CheckedInput | None = None
    ) -> ConfigFlowResult:
        entered = entered or CheckedInput({})
        step = f"{vendor.key}_{form}" if form else vendor.key
        schema = folded(vendor.flow.form(form, entered.values), entered.errors)
        placeholders = {**vendor.flow.placeholders(form), **entered.placeholders}
        if form == PUSH_FORM:
            url = push_url(self.hass, self._push_secret)
            step = push_step(vendor, url)
            # What else is asked makes no sense where nothing can be pushed.
            asked = schema.schema if url else {}
            schema = vol.Schema({**push_fields(url), **asked})
            placeholders |= push_placeholders(url)
        return self.async_show_form(
            step_id=step,
            data_schema=self.add_suggested_values_to_schema(schema, entered.values),
            errors=entered.errors,
            description_placeholders=placeholders,
        )

    # --- later changes ----------------------------------------------------------------------

    async def async_step_reauth(
        self, entry_data: Mapping[str, Any]
    ) -> ConfigFlowResult:
        """Start when the vendor refused the credentials."""
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for new credentials of the same account."""
        entry = self._get_reauth_entry()
        flow = (await async_vendor(self.hass, entry)).flow
        checked = check_input(flow.reauth_form(), user_input or {})
        if user_input is not None and not checked.errors:
            entered = {**entry.data, **checked.values}
            with checking(self.hass, self.flow_id):
                try:
                    account = await flow.async_check(
                        self.hass, entered, entry, await _async_memory(self.hass, entry)
                    )
                except VendorError as err:
                    checked.errors = refusal(
                        err, flow.reauth_form(), checked.values, flow.error_fields
                    )
                else:
                    if account.unique_id != entry.unique_id:
                        return self.async_abort(reason="wrong_account")
                    return self._finish(entry, account, "reauth_successful")
        return self.async_show_form(
            step_id="reauth_confirm",
            data_schema=self._filled_in(flow.reauth_form(), user_input),
            errors=checked.errors,
            description_placeholders={"name": entry.title, **checked.placeholders},
        )

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Change the server or the credentials of an account."""
        entry = self._get_reconfigure_entry()
        flow = (await async_vendor(self.hass, entry)).flow
        checked = check_input(flow.form("", {}), user_input or {})
        if user_input is not None and not checked.errors:
            memory = await _async_memory(self.hass, entry)
            try:
                account = await flow.async_check(
                    self.hass, checked.values, entry, memory
                )
            except VendorError as err:
                checked.errors = refusal(
                    err, flow.form("", {}), checked.values, flow.error_fields
                )
            else:
                if not self._is_same_account(entry, account):
                    return self.async_abort(reason="wrong_account")
                if account.unique_id != entry.unique_id:
                    await self.async_set_unique_id(account.unique_id)
                    self._abort_if_unique_id_configured(reload_on_update=False)
                return self._finish(entry, account, "reconfigure_successful")
        return self.async_show_form(
            step_id="reconfigure",
            data_schema=self._filled_in(
                folded(flow.form("", user_input or entry.data), checked.errors),
                user_input,
            ),
            errors=checked.errors,
            description_placeholders={
                "name": entry.title,
                **flow.placeholders(""),
                **checked.placeholders,
            },
        )

    def _filled_in(
        self, form: vol.Schema | None, user_input: dict[str, Any] | None
    ) -> vol.Schema | None:
        """Return a form with all that was typed, so that an error costs no other field."""
        return form and self.add_suggested_values_to_schema(form, user_input)

    def _is_same_account(self, entry: ConfigEntry, account: Account) -> bool:
        """Tell whether an account is the entry's: by name, or by a vehicle they share."""
        if account.unique_id == entry.unique_id:
            return True
        identity = entry.data[CONF_IDENTITY]
        known = {
            identifier
            for device in dr.async_entries_for_config_entry(
                dr.async_get(self.hass), entry.entry_id
            )
            for identifier in device.identifiers
        }
        return any(
            (DOMAIN, f"{identity}_{vehicle_id}") in known
            for vehicle_id in account.vehicle_ids
        )

    def _finish(
        self, entry: ConfigEntry, account: Account, reason: str
    ) -> ConfigFlowResult:
        """Store what was changed and have the entry set up once, whatever its state."""
        # The account was just read: there is no reason to wait any longer.
        hand_over(
            self.hass,
            entry.data[CONF_IDENTITY],
            account.memory,
            {back_off.MEMORY_KEY: None},
        )
        changed = self.hass.config_entries.async_update_entry(
            entry,
            data={**entry.data, **account.data},
            unique_id=account.unique_id,
        )
        # After a failed set-up there is no listener that would reload the entry.
        if not (changed and entry.update_listeners):
            self.hass.config_entries.async_schedule_reload(entry.entry_id)
        return self.async_abort(reason=reason)

    # --- vehicles that showed up by themselves ----------------------------------------------

    @override
    async def async_step_integration_discovery(
        self, discovery_info: DiscoveryInfoType
    ) -> ConfigFlowResult:
        """Show a card for a vehicle that is not accepted yet."""
        entry = self._discovering_entry(discovery_info)
        if entry is None:
            return self.async_abort(reason="entry_not_loaded")
        coordinator: FleetCoordinator = entry.runtime_data
        vehicle_id = discovery_info["vehicle_id"]
        await self.async_set_unique_id(discovery_unique_id(entry, vehicle_id))
        self._abort_if_unique_id_configured(reload_on_update=False)
        if is_added(entry, vehicle_id):
            return self.async_abort(reason="already_configured")
        self._discovered = discovery_info
        model = discovery_info["model"] or coordinator.vendor.name
        self.context["title_placeholders"] = {"name": f"{model} {vehicle_id}"}
        return await self.async_step_accept_vehicle()

    async def async_step_accept_vehicle(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Add the discovered vehicle once the user agrees."""
        entry = self._discovering_entry(self._discovered)
        if entry is None:
            return self.async_abort(reason="entry_not_loaded")
        vehicles = await async_vehicle_flow(self.hass, entry)
        vehicle_id = self._discovered["vehicle_id"]
        form = vehicles.accept_form()
        checked = check_input(form, user_input or {})
        if user_input is not None and not checked.errors:
            if is_added(entry, vehicle_id):
                return self.async_abort(reason="already_configured")
            try:
                added = await vehicles.async_check(
                    self.hass,
                    entry,
                    {**self._discovered, **checked.values},
                    connection_of(entry),
                )
            except VendorError as err:
                checked.errors = refusal(
                    err, vehicles.accept_form(), checked.values, vehicles.error_fields
                )
            else:
                self.hass.config_entries.async_add_subentry(entry, _subentry(added))
                return self.async_abort(reason="vehicle_added")
        if form is None:
            self._set_confirm_only()
        return self.async_show_form(
            step_id="accept_vehicle",
            data_schema=self._filled_in(form, user_input),
            errors=checked.errors,
            description_placeholders={
                **checked.placeholders,
                "vehicle": self.context["title_placeholders"]["name"],
                "account": entry.title,
            },
        )

    def _discovering_entry(self, discovery: Mapping[str, Any]) -> ConfigEntry | None:
        entry = self.hass.config_entries.async_get_entry(discovery["entry_id"])
        if entry is None or entry.state is not ConfigEntryState.LOADED:
            return None
        return entry


type _Step = Callable[
    [FleetTrackerConfigFlow, dict[str, Any] | None], Awaitable[ConfigFlowResult]
]


def _credentials_step(key: str) -> _Step:
    async def step(
        flow: FleetTrackerConfigFlow, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        vendor = await async_load_vendor(flow.hass, key)
        return await flow.async_step_credentials(vendor, user_input)

    return step


def _further_step(key: str, form: str) -> _Step:
    async def step(
        flow: FleetTrackerConfigFlow, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        vendor = await async_load_vendor(flow.hass, key)
        return await flow.async_step_further(vendor, form, user_input)

    return step


def vendor_steps(vendors: Iterable[VendorSummary]) -> Iterator[tuple[str, _Step]]:
    """Yield the steps of vendors with the names that Home Assistant calls them by."""
    for vendor in vendors:
        yield f"async_step_{vendor.key}", _credentials_step(vendor.key)
        for form in vendor.further_forms:
            yield f"async_step_{vendor.key}_{form}", _further_step(vendor.key, form)
            if form == PUSH_FORM:
                name = f"async_step_{vendor.key}_{NO_PUSH_FORM}"
                yield name, _further_step(vendor.key, form)


for _name, _step in vendor_steps(VENDORS.values()):
    setattr(FleetTrackerConfigFlow, _name, _step)


async def _async_memory(hass: HomeAssistant, entry: ConfigEntry) -> Memory:
    """Return what the connection of an account remembers, whether it is loaded or not."""
    if entry.state is ConfigEntryState.LOADED:
        coordinator: FleetCoordinator = entry.runtime_data
        return coordinator.memory
    memory = EntryMemory(hass, entry.entry_id)
    await memory.async_load()
    return memory.vendor


def _subentry(added: AddedVehicle) -> ConfigSubentry:
    return ConfigSubentry(
        data=MappingProxyType(dict(added.data)),
        subentry_type=SUBENTRY_VEHICLE,
        title=added.title,
        unique_id=added.vehicle_id,
    )
