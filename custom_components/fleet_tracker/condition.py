"""Conditions of vehicles, as the automation editor of Home Assistant 2026 offers them.

Home Assistant 2025 has no such conditions and never loads this module. What each rests on
is in `automations/table.py`.
"""

from __future__ import annotations

from typing import override

from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.automation import DomainSpec
from homeassistant.helpers.condition import Condition, EntityStateConditionBase

from .automations.entities import entities_of
from .automations.table import CONDITIONS, StateCondition


def _make(row: StateCondition) -> type[Condition]:
    """Return the condition of a row of the table."""
    basis = row.basis

    class VehicleCondition(EntityStateConditionBase):
        """A condition that looks at one kind of entity of our vehicles."""

        _domain_specs = {basis.platform: DomainSpec(device_class=basis.device_class)}
        _states = set(row.states)

        @override
        def entity_filter(self, entities: set[str]) -> set[str]:
            """Return the entities that the condition looks at."""
            return entities_of(er.async_get(self._hass), basis, entities)

    return VehicleCondition


async def async_get_conditions(hass: HomeAssistant) -> dict[str, type[Condition]]:
    """Return the conditions by their keys."""
    return {key: _make(row) for key, row in CONDITIONS.items()}
