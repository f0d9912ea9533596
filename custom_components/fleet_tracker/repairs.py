"""Repairs: problems that a vendor can solve once the user agrees."""

from __future__ import annotations

from typing import Any

from homeassistant.components.repairs import RepairsFlow
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResult
from homeassistant.helpers import issue_registry as ir
import voluptuous as vol

from .account.coordinator import FleetCoordinator
from .const import DOMAIN, LOGGER
from .contract.errors import VendorError


class SolveFlow(RepairsFlow):
    """Asks whether a problem should be solved, and lets the vendor solve it."""

    def __init__(self, entry_id: str, cause: str) -> None:
        """Initialize with the problem and its account."""
        self._entry_id = entry_id
        self._cause = cause

    async def async_step_init(
        self, user_input: dict[str, Any] | None = None
    ) -> FlowResult[Any]:
        """Begin."""
        return await self.async_step_confirm()

    async def async_step_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> FlowResult[Any]:
        """Ask, and solve it."""
        entry = self.hass.config_entries.async_get_entry(self._entry_id)
        if entry is None or entry.state is not ConfigEntryState.LOADED:
            return self.async_abort(reason="entry_not_loaded")
        errors = {}
        if user_input is not None:
            coordinator: FleetCoordinator = entry.runtime_data
            try:
                await coordinator.async_solve(self._cause)
            except VendorError as err:
                LOGGER.debug("%s was not solved: %s", self._cause, err)
                errors["base"] = err.translation_key
            else:
                return self.async_create_entry(data={})
        issue = ir.async_get(self.hass).async_get_issue(DOMAIN, self.issue_id)
        return self.async_show_form(
            step_id="confirm",
            data_schema=vol.Schema({}),
            errors=errors,
            description_placeholders=issue.translation_placeholders if issue else None,
        )


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, Any] | None
) -> SolveFlow:
    """Return the flow that solves a problem. Its data is what `raise_problem` put there."""
    if data is None:
        raise ValueError(f"{issue_id} says nothing of its cause")
    return SolveFlow(data["entry_id"], data["cause"])
