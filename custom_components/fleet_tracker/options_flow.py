"""The flow of an account's options, its vehicles' settings and its push address."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from homeassistant.config_entries import ConfigFlowResult, OptionsFlow
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
import voluptuous as vol

from .account.options import (
    as_shown,
    async_keep_names,
    flat,
    option_fields,
    options_schema,
    section_of,
    vehicle_choices,
)
from .account.vehicle_settings import (
    VEHICLE,
    settings_form,
    stored_settings,
    vehicle_form,
    with_all_settings,
    with_settings,
)
from .actions.blueprints import async_install_blueprints
from .const import CONF_EXCLUDED_VEHICLES, CONF_PUSH_SECRET
from .flow_parts import async_vendor, push_fields, push_placeholders, push_step
from .offer.flow import NO_PUSH_FORM, PUSH_FORM
from .offer.form_input import check_input
from .offer.summary import VendorSummary
from .offer.vendor import Vendor
from .pushes.door import push_url
from .vendors import VENDORS, async_load_vendor


class FleetTrackerOptionsFlow(OptionsFlow):
    """Changes how an account is read and what it may do.

    Each vendor's page of the push address is added below the class, from the registry.
    """

    async def async_step_init(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask what to see, where there is more than the settings."""
        vendor = await async_vendor(self.hass, self.config_entry)
        pages = ["settings"]
        if vehicle_choices(self.config_entry):
            pages.append("vehicle")
        if vendor.pushes:
            pages.append(f"{vendor.key}_{PUSH_FORM}")
        if vehicle_choices(self.config_entry):
            pages.append("blueprints")
        if len(pages) == 1:
            return await self.async_step_settings()
        return self.async_show_menu(step_id="init", menu_options=pages)

    async def async_step_settings(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the options."""
        entry = self.config_entry
        vendor = await async_vendor(self.hass, entry)
        fields = option_fields(entry, vendor)
        options: Mapping[str, Any] = as_shown(entry.options)
        form = options_schema(fields, options, ())
        checked = check_input(form, user_input or {})
        if user_input is not None:
            options = flat(checked.values)
            # The front end shows an error of a section, not one of a field within.
            checked.errors = checked.errors or {
                section_of(fields, key): error
                for key, error in vendor.flow.options_error(options).items()
            }
            if not checked.errors:
                await async_keep_names(entry, options.get(CONF_EXCLUDED_VEHICLES, ()))
                return self.async_create_entry(
                    data=with_all_settings(options, entry.options)
                )
        opened = [one for one in fields if one in checked.errors] or list(fields)[:1]
        return self.async_show_form(
            step_id="settings",
            data_schema=options_schema(fields, options, opened),
            errors=checked.errors,
            description_placeholders=checked.placeholders,
        )

    _vehicle_id = ""

    async def async_step_vehicle(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask which vehicle has settings of its own."""
        if user_input is not None:
            self._vehicle_id = user_input[VEHICLE]
            return await self.async_step_vehicle_settings()
        choices = vehicle_choices(self.config_entry)
        return self.async_show_form(
            step_id="vehicle", data_schema=vehicle_form(choices)
        )

    async def async_step_vehicle_settings(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the settings of one vehicle. What is left empty is up to us."""
        entry, vehicle_id = self.config_entry, self._vehicle_id
        checked = check_input(settings_form(), user_input or {})
        if user_input is not None and not checked.errors:
            return self.async_create_entry(
                data=with_settings(entry.options, vehicle_id, checked.values)
            )
        shown = stored_settings(entry.options, vehicle_id)
        return self.async_show_form(
            step_id="vehicle_settings",
            data_schema=self.add_suggested_values_to_schema(
                settings_form(), shown if user_input is None else user_input
            ),
            errors=checked.errors,
            description_placeholders={
                "vehicle": vehicle_choices(entry).get(vehicle_id, vehicle_id),
                **checked.placeholders,
            },
        )

    async def async_step_blueprints(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask whether to install the blueprints, and tell what was done."""
        if user_input is None:
            return self.async_show_form(
                step_id="blueprints", data_schema=vol.Schema({})
            )
        try:
            installed = await async_install_blueprints(self.hass)
        except ServiceValidationError:
            return self.async_abort(reason="no_automations")
        except HomeAssistantError:
            return self.async_abort(reason="blueprints_not_written")
        return self.async_abort(
            reason="blueprints_installed",
            description_placeholders={
                one: ", ".join(names) or "–" for one, names in asdict(installed).items()
            },
        )

    async def async_step_push(
        self, vendor: Vendor, user_input: dict[str, Any] | None
    ) -> ConfigFlowResult:
        """Show where the vendor should push to."""
        entry = self.config_entry
        if user_input is not None:
            return self.async_create_entry(data=dict(entry.options))
        url = push_url(self.hass, entry.data[CONF_PUSH_SECRET])
        return self.async_show_form(
            step_id=push_step(vendor, url),
            data_schema=vol.Schema(push_fields(url)),
            description_placeholders=push_placeholders(url),
        )


type _OptionsStep = Callable[
    [FleetTrackerOptionsFlow, dict[str, Any] | None], Awaitable[ConfigFlowResult]
]


def _options_push_step(key: str) -> _OptionsStep:
    async def step(
        flow: FleetTrackerOptionsFlow, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        vendor = await async_load_vendor(flow.hass, key)
        return await flow.async_step_push(vendor, user_input)

    return step


def options_steps(
    vendors: Iterable[VendorSummary],
) -> Iterator[tuple[str, _OptionsStep]]:
    """Yield the steps of the options that vendors who push have."""
    for vendor in vendors:
        if PUSH_FORM in vendor.further_forms:
            for form in (PUSH_FORM, NO_PUSH_FORM):
                name = f"async_step_{vendor.key}_{form}"
                yield name, _options_push_step(vendor.key)


for _options_name, _options_step in options_steps(VENDORS.values()):
    setattr(FleetTrackerOptionsFlow, _options_name, _options_step)
