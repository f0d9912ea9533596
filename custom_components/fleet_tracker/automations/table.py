"""The table of triggers and conditions: what each rests on.

The words are in the translations (`triggers`, `conditions`), under the same keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ..model.vehicle import (
    ROUTINE_TYPES,
    Activity,
    OccurrenceKind,
    OccurrenceType,
    Reading,
)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class StateTrigger:
    """Something becomes true of a vehicle, and was not true before.

    An offline vehicle counts as doing what it did last, unless ``offline_counts``: one that
    drives into a tunnel and out of it did neither stop nor start.
    """

    basis: Basis
    states: frozenset[str]
    offline_counts: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeTrigger:
    """A vehicle changes to one of the states that the user chooses among ``choices``.

    An offline vehicle counts as doing what it did last, except where *offline* is chosen.
    """

    basis: Basis
    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdTrigger:
    """A measured value crosses a threshold."""

    basis: Basis
    units: tuple[str, ...]
    """The units that the threshold may be given in. The first is what is compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OccurrenceTrigger:
    """Something of ``types`` happened to a vehicle.

    Where there are ``choices`` the user may choose among them instead.
    """

    basis: Basis
    types: frozenset[OccurrenceType]
    choices: tuple[OccurrenceType, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StateCondition:
    """Something is true of a vehicle, as it was told last."""

    basis: Basis
    states: frozenset[str]


type TriggerRow = StateTrigger | ChangeTrigger | ThresholdTrigger | OccurrenceTrigger

IGNITION: Final = Basis(
    platform=Shown.BINARY_SENSOR, key=Reading.IGNITION, device_class="running"
)
SPEED: Final = Basis(platform=Shown.SENSOR, key=Reading.SPEED, device_class="speed")
ACTIVITY: Final = Basis(
    platform=Shown.SENSOR, key=Reading.ACTIVITY, device_class="enum"
)
ALARM: Final = Basis(platform=Shown.EVENT, key=OccurrenceKind.ALARM)
TRIP: Final = Basis(platform=Shown.EVENT, key=OccurrenceKind.TRIP)

# What a vehicle does is told by *Activity* for every vendor: *Moving* and *Online* are
# disabled by default, and stops at lights are none to it.
ACTIVITIES: Final = frozenset(one.value for one in Activity)
ON_THE_MOVE: Final = frozenset({Activity.DRIVING.value, Activity.TOWED.value})
OFFLINE: Final = frozenset({Activity.OFFLINE.value})
ON, OFF = frozenset({"on"}), frozenset({"off"})

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
# "Any alarm" is one where something may be wrong. Vendors also tell as alarms that a door
# was opened or the ignition turned on: that can be chosen.
ANY_ALARM: Final = frozenset(ALARM_TYPES) - ROUTINE_TYPES

TRIGGERS: Final[Mapping[str, TriggerRow]] = {
    "activity_became": ChangeTrigger(
        basis=ACTIVITY, choices=tuple(one.value for one in Activity)
    ),
    "alarm_raised": OccurrenceTrigger(
        basis=ALARM, types=ANY_ALARM, choices=ALARM_TYPES
    ),
    "became_offline": StateTrigger(basis=ACTIVITY, states=OFFLINE, offline_counts=True),
    "became_online": StateTrigger(
        basis=ACTIVITY, states=ACTIVITIES - OFFLINE, offline_counts=True
    ),
    "ignition_turned_off": StateTrigger(basis=IGNITION, states=OFF),
    "ignition_turned_on": StateTrigger(basis=IGNITION, states=ON),
    "speed_crossed_threshold": ThresholdTrigger(
        basis=SPEED, units=("km/h", "mph", "m/s", "kn")
    ),
    "started_moving": StateTrigger(basis=ACTIVITY, states=ON_THE_MOVE),
    "stopped_moving": StateTrigger(
        basis=ACTIVITY, states=ACTIVITIES - ON_THE_MOVE - OFFLINE
    ),
    "trip_ended": OccurrenceTrigger(
        basis=TRIP, types=frozenset({OccurrenceType.TRIP_ENDED})
    ),
    "trip_started": OccurrenceTrigger(
        basis=TRIP, types=frozenset({OccurrenceType.TRIP_STARTED})
    ),
}

ANY: Final = "any"
"""What a device trigger calls the types that its trigger has where none is chosen."""
DEVICE_TRIGGERS: Final[Mapping[str, OccurrenceTrigger]] = {
    key: row for key, row in TRIGGERS.items() if isinstance(row, OccurrenceTrigger)
}
"""What Home Assistant's own device triggers do not serve: what happened."""

CONDITIONS: Final[Mapping[str, StateCondition]] = {
    "is_ignition_on": StateCondition(basis=IGNITION, states=ON),
    "is_moving": StateCondition(basis=ACTIVITY, states=ON_THE_MOVE),
    "is_online": StateCondition(basis=ACTIVITY, states=ACTIVITIES - OFFLINE),
    "is_parked": StateCondition(basis=ACTIVITY, states=frozenset({Activity.PARKED})),
}
