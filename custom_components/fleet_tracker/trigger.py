"""Triggers of vehicles, as the automation editor of Home Assistant 2026 offers them.

Home Assistant 2025 has no such triggers and never loads this module. What each rests on is
in `automations/table.py`.
"""

from __future__ import annotations

from typing import ClassVar, override

from homeassistant.components.event import ATTR_EVENT_TYPE
from homeassistant.const import CONF_OPTIONS
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers import config_validation as cv, entity_registry as er
from homeassistant.helpers.automation import DomainSpec
from homeassistant.helpers.trigger import (
    ENTITY_STATE_TRIGGER_SCHEMA,
    ENTITY_STATE_TRIGGER_SCHEMA_WITH_BEHAVIOR,
    EntityNumericalStateCrossedThresholdTriggerWithUnitBase,
    EntityTargetStateTriggerBase,
    EntityTriggerBase,
    NotTriggeredReasonReporter,
    StatelessEntityTriggerBase,
    Trigger,
    TriggerConfig,
)
from homeassistant.util.unit_conversion import SpeedConverter
import voluptuous as vol

from .automations.entities import entities_of
from .automations.table import (
    OFFLINE,
    TRIGGERS,
    Basis,
    ChangeTrigger,
    OccurrenceTrigger,
    StateTrigger,
    ThresholdTrigger,
    TriggerRow,
)
from .const import ATTR_LAST_ACTIVITY

CONF_ACTIVITY = "activity"
CONF_ALARM_TYPE = "alarm_type"


class _VehicleTrigger(EntityTriggerBase):
    """A trigger that looks at one kind of entity of our vehicles."""

    _basis: ClassVar[Basis]

    @override
    def entity_filter(self, entities: set[str]) -> set[str]:
        """Return the entities that the trigger looks at."""
        return entities_of(er.async_get(self._hass), self._basis, entities)


def _specs(basis: Basis) -> dict[str, DomainSpec]:
    return {basis.platform: DomainSpec(device_class=basis.device_class)}


class _StateTrigger(_VehicleTrigger, EntityTargetStateTriggerBase):
    """A trigger that fires when a vehicle changes to some states.

    An offline vehicle counts as being in the state that it had when it was last heard of,
    unless ``_offline_counts``.
    """

    _offline_counts: bool = False

    @override
    def _get_tracked_value(self, state: State) -> str | None:
        """Return the state that counts, None where it is not known."""
        if state.state in OFFLINE and not self._offline_counts:
            last: str | None = state.attributes.get(ATTR_LAST_ACTIVITY)
            return last
        return state.state

    @override
    def is_valid_transition(self, from_state: State, to_state: State) -> bool:
        """Return whether it is known that the vehicle was in none of the states before."""
        return self._get_tracked_value(
            from_state
        ) is not None and super().is_valid_transition(from_state, to_state)


def _becomes(row: StateTrigger) -> type[Trigger]:
    class Becomes(_StateTrigger):
        """A trigger that fires when something becomes true of a vehicle."""

        _basis = row.basis
        _domain_specs = _specs(row.basis)
        _to_states = set(row.states)
        _offline_counts = row.offline_counts

    return Becomes


def _changes(row: ChangeTrigger) -> type[Trigger]:
    class Changes(_StateTrigger):
        """A trigger that fires when a vehicle changes to one of the chosen states."""

        _basis = row.basis
        _domain_specs = _specs(row.basis)
        _schema = ENTITY_STATE_TRIGGER_SCHEMA_WITH_BEHAVIOR.extend(
            {
                vol.Required(CONF_OPTIONS): {
                    vol.Required(CONF_ACTIVITY): vol.All(
                        cv.ensure_list, vol.Length(min=1), [vol.In(row.choices)]
                    )
                }
            }
        )

        def __init__(self, hass: HomeAssistant, config: TriggerConfig) -> None:
            """Initialize with the states that the user chose."""
            super().__init__(hass, config)
            self._to_states = set(self._options[CONF_ACTIVITY])
            self._offline_counts = not OFFLINE.isdisjoint(self._to_states)

        @override
        def is_valid_transition(self, from_state: State, to_state: State) -> bool:
            """Return whether the state is another one, chosen or not."""
            before = self._get_tracked_value(from_state)
            return before is not None and before != self._get_tracked_value(to_state)

    return Changes


def _crosses(row: ThresholdTrigger) -> type[Trigger]:
    class Crosses(
        _VehicleTrigger, EntityNumericalStateCrossedThresholdTriggerWithUnitBase
    ):
        """A trigger that fires when a speed crosses a threshold."""

        _basis = row.basis
        _domain_specs = _specs(row.basis)
        _base_unit = row.units[0]
        _unit_converter = SpeedConverter

    return Crosses


def _happens(row: OccurrenceTrigger) -> type[Trigger]:
    choices = [one.value for one in row.choices]
    options = (
        {vol.Optional(CONF_ALARM_TYPE): vol.All(cv.ensure_list, [vol.In(choices)])}
        if choices
        else {}
    )

    class Happens(_VehicleTrigger, StatelessEntityTriggerBase):
        """A trigger that fires for each occurrence of some types."""

        _basis = row.basis
        _domain_specs = _specs(row.basis)
        _schema = ENTITY_STATE_TRIGGER_SCHEMA.extend(
            {vol.Required(CONF_OPTIONS, default={}): options}
        )

        def __init__(self, hass: HomeAssistant, config: TriggerConfig) -> None:
            """Initialize with the types that the user chose."""
            super().__init__(hass, config)
            chosen = self._options.get(CONF_ALARM_TYPE)
            self._types = frozenset(chosen or row.types)

        @override
        def is_valid_state(
            self, state: State, report_not_triggered: NotTriggeredReasonReporter
        ) -> bool:
            """Return whether the last occurrence is of a type that is wanted."""
            return state.attributes.get(ATTR_EVENT_TYPE) in self._types

    return Happens


def _make(row: TriggerRow) -> type[Trigger]:
    """Return the trigger of a row of the table."""
    match row:
        case StateTrigger():
            return _becomes(row)
        case ChangeTrigger():
            return _changes(row)
        case ThresholdTrigger():
            return _crosses(row)
        case OccurrenceTrigger():
            return _happens(row)


async def async_get_triggers(hass: HomeAssistant) -> dict[str, type[Trigger]]:
    """Return the triggers by their keys."""
    return {key: _make(row) for key, row in TRIGGERS.items()}
