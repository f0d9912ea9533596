"""Buttons: refresh for every vehicle, and the commands that a vendor offers.

What can stop a vehicle has the category CONFIG, which areas and voice do not reach, and is
offered only where the user allowed it. What undoes it is always there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import override

from homeassistant.components.button import ButtonEntity, ButtonEntityDescription
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .const import CONF_ALLOW_ENGINE_CUT
from .coordinator import FleetConfigEntry
from .entity import FleetDescription, FleetEntity, async_setup_entities, by_capability
from .models import Vehicle

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class FleetButtonDescription(FleetDescription, ButtonEntityDescription):
    """A button. Without a command of its own it sends its key, with the part if any.

    The refresh button takes a fresh look, unless the vendor has a command for that.
    """

    command: str | None = None


def stopping_button(
    key: str, capability: str, command: str, *, enabled: bool = True
) -> FleetButtonDescription:
    """Return what stops a vehicle. The guard judges each press."""
    return FleetButtonDescription(
        key=key,
        capability=capability,
        command=command,
        entity_category=EntityCategory.CONFIG,
        entity_registry_enabled_default=enabled,
        needs_contact=True,
        option=CONF_ALLOW_ENGINE_CUT,
    )


def releasing_button(
    key: str, capability: str, command: str, *, enabled: bool = True
) -> FleetButtonDescription:
    """Return what lets a stopped vehicle go again."""
    return FleetButtonDescription(
        key=key,
        capability=capability,
        command=command,
        entity_category=EntityCategory.CONFIG,
        entity_registry_enabled_default=enabled,
        needs_contact=True,
        always_available=True,
    )


CUT_ENGINE = "cut_engine"
RESTORE_ENGINE = "restore_engine"


def engine_buttons(
    cut_command: str, restore_command: str
) -> tuple[FleetButtonDescription, FleetButtonDescription]:
    """Return the buttons that cut an engine and restore it, with the vendor's commands.

    They exist for vehicles with the capabilities of the same names.
    """
    return (
        stopping_button(CUT_ENGINE, CUT_ENGINE, cut_command),
        releasing_button(RESTORE_ENGINE, RESTORE_ENGINE, restore_command),
    )


REFRESH = FleetButtonDescription(
    key="refresh", entity_category=EntityCategory.DIAGNOSTIC
)


def _refresh_and_capable(
    vehicle: Vehicle, descriptions: Mapping[str, FleetDescription]
) -> Iterable[str]:
    """Yield the refresh button for every vehicle, and the others by capability."""
    yield REFRESH.key
    yield from by_capability(vehicle, descriptions)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: FleetConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the buttons of an entry."""
    await async_setup_entities(
        entry,
        async_add_entities,
        (REFRESH,),
        entry.runtime_data.vendor.entities.buttons,
        FleetButton,
        _refresh_and_capable,
    )


class FleetButton(FleetEntity, ButtonEntity):
    """A button that sends a command."""

    entity_description: FleetButtonDescription

    @override
    async def async_press(self) -> None:
        """Send the command, or take a fresh look."""
        key, command = self.entity_description.key, self.entity_description.command
        if command is None and key == REFRESH.key:
            await self.coordinator.async_look(self.vehicle_id)
            return
        await self.async_execute(command or key)
