"""The table of triggers and conditions: what each rests on.

The words are in the translations (`triggers`, `conditions`), under the same keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ..model.vehicle import OccurrenceKind, OccurrenceType, Reading


class Shown(StrEnum):
    """The platform of the entity that shows a reading or an occurrence."""

    BINARY_SENSOR = "binary_sensor"
    EVENT = "event"
    SENSOR = "sensor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """The entity of a vehicle that a trigger or condition looks at.

    Home Assistant's editor knows ``platform`` and ``device_class`` of it and offers the
    trigger for vehicles that have such an entity of ours; among these, ``key`` finds the
    entity.
    """

    platform: Shown
    key: str
    """The translation key of the entity: its reading, or the kind of its occurrences."""
    device_class: str | None = None
    has_category: bool = False
    """Whether it is a diagnostic entity, which Home Assistant leaves out by default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateTrigger:
    """Something becomes true of a vehicle, and was not true before."""

    basis: Basis
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdTrigger:
    """A measured value crosses a threshold."""

    basis: Basis
    units: tuple[str, ...]
    """The units that the threshold may be given in. The first is what is compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OccurrenceTrigger:
    """Something happened to a vehicle.

    Without ``types`` the user chooses among ``choices``, and no choice means any of them.
    """

    basis: Basis
    types: frozenset[OccurrenceType] = frozenset()
    choices: tuple[OccurrenceType, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StateCondition:
    """Something is true of a vehicle."""

    basis: Basis
    state: str


type TriggerRow = StateTrigger | ThresholdTrigger | OccurrenceTrigger

IGNITION: Final = Basis(
    platform=Shown.BINARY_SENSOR, key=Reading.IGNITION, device_class="running"
)
MOVING: Final = Basis(
    platform=Shown.BINARY_SENSOR, key=Reading.MOVING, device_class="moving"
)
ONLINE: Final = Basis(
    platform=Shown.BINARY_SENSOR,
    key=Reading.ONLINE,
    device_class="connectivity",
    has_category=True,
)
SPEED: Final = Basis(platform=Shown.SENSOR, key=Reading.SPEED, device_class="speed")
ACTIVITY: Final = Basis(
    platform=Shown.SENSOR, key=Reading.ACTIVITY, device_class="enum"
)
ALARM: Final = Basis(platform=Shown.EVENT, key=OccurrenceKind.ALARM)
TRIP: Final = Basis(platform=Shown.EVENT, key=OccurrenceKind.TRIP)

# Types that are no alarms: the end of an alarm, and the events of trips.
NO_ALARMS: Final = frozenset(
    {
        OccurrenceType.CLEARED,
        OccurrenceType.TRIP_CORRECTED,
        OccurrenceType.TRIP_ENDED,
        OccurrenceType.TRIP_STARTED,
    }
)
ALARM_TYPES: Final = tuple(one for one in OccurrenceType if one not in NO_ALARMS)

TRIGGERS: Final[Mapping[str, TriggerRow]] = {
    "alarm_raised": OccurrenceTrigger(basis=ALARM, choices=ALARM_TYPES),
    "became_offline": StateTrigger(basis=ONLINE, state="off"),
    "became_online": StateTrigger(basis=ONLINE, state="on"),
    "ignition_turned_off": StateTrigger(basis=IGNITION, state="off"),
    "ignition_turned_on": StateTrigger(basis=IGNITION, state="on"),
    "speed_crossed_threshold": ThresholdTrigger(
        basis=SPEED, units=("km/h", "mph", "m/s", "kn")
    ),
    "started_moving": StateTrigger(basis=MOVING, state="on"),
    "stopped_moving": StateTrigger(basis=MOVING, state="off"),
    "trip_ended": OccurrenceTrigger(
        basis=TRIP, types=frozenset({OccurrenceType.TRIP_ENDED})
    ),
    "trip_started": OccurrenceTrigger(
        basis=TRIP, types=frozenset({OccurrenceType.TRIP_STARTED})
    ),
}

DEVICE_TRIGGERS: Final[Mapping[str, OccurrenceTrigger]] = {
    key: row for key, row in TRIGGERS.items() if isinstance(row, OccurrenceTrigger)
}
"""What Home Assistant's own device triggers do not serve: what happened."""

CONDITIONS: Final[Mapping[str, StateCondition]] = {
    "is_ignition_on": StateCondition(basis=IGNITION, state="on"),
    "is_moving": StateCondition(basis=MOVING, state="on"),
    "is_online": StateCondition(basis=ONLINE, state="on"),
    "is_parked": StateCondition(basis=ACTIVITY, state="parked"),
}
