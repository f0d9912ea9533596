"""The flow of vehicles that are added one by one, each a config subentry."""

from __future__ import annotations

from typing import Any

from homeassistant.config_entries import (
    SOURCE_INTEGRATION_DISCOVERY,
    ConfigEntry,
    ConfigSubentryFlow,
    SubentryFlowResult,
)
from homeassistant.const import CONF_NAME
from homeassistant.core import HomeAssistant

from .account.subentries import discovery_unique_id
from .const import DOMAIN
from .contract.errors import VendorError
from .flow_parts import async_vehicle_flow, connection_of, is_added, refusal
from .offer.form_input import check_input


class AddVehicleFlow(ConfigSubentryFlow):
    """Adds a vehicle to an account that has no list of them, and changes it later."""

    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for a vehicle and check it."""
        entry = self._get_entry()
        vehicles = await async_vehicle_flow(self.hass, entry)
        checked = check_input(vehicles.form({}), user_input or {})
        if user_input is not None and not checked.errors:
            try:
                added = await vehicles.async_check(
                    self.hass, entry, checked.values, connection_of(entry)
                )
            except VendorError as err:
                checked.errors = refusal(
                    err, vehicles.form({}), checked.values, vehicles.error_fields
                )
            else:
                if is_added(entry, added.vehicle_id):
                    return self.async_abort(reason="already_configured")
                _withdraw_card(self.hass, entry, added.vehicle_id)
                return self.async_create_entry(
                    title=added.title,
                    data=dict(added.data),
                    unique_id=added.vehicle_id,
                    description=vehicles.what_to_do_next,
                    description_placeholders=vehicles.placeholders(self.hass, entry),
                )
        return self.async_show_form(
            step_id="user",
            data_schema=self.add_suggested_values_to_schema(
                vehicles.form(user_input or {}), user_input
            ),
            errors=checked.errors,
            description_placeholders=checked.placeholders,
        )

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Change what can be changed of a vehicle."""
        entry, subentry = self._get_entry(), self._get_reconfigure_subentry()
        vehicles = await async_vehicle_flow(self.hass, entry)
        form = vehicles.settings_form(subentry.data)
        checked = check_input(form, user_input or {})
        if user_input is not None and not checked.errors:
            return self.async_update_and_abort(
                entry,
                subentry,
                title=checked.values.get(CONF_NAME) or subentry.title,
                data_updates=checked.values,
            )
        return self.async_show_form(
            step_id="reconfigure",
            data_schema=self.add_suggested_values_to_schema(form, user_input),
            errors=checked.errors,
            description_placeholders={"name": subentry.title, **checked.placeholders},
        )


def _withdraw_card(hass: HomeAssistant, entry: ConfigEntry, vehicle_id: str) -> None:
    """Remove the discovery card of a vehicle that is added by hand, if it has one."""
    for flow in hass.config_entries.flow.async_progress_by_handler(
        DOMAIN,
        match_context={
            "source": SOURCE_INTEGRATION_DISCOVERY,
            "unique_id": discovery_unique_id(entry, vehicle_id),
        },
    ):
        hass.config_entries.flow.async_abort(flow["flow_id"])
