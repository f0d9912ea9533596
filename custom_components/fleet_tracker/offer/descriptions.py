"""The descriptions of entities, which the platforms and the vendors fill in.

Those of cameras and images stand at their platforms: these would load what is needed to
stream, which most vendors never do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from homeassistant.components.binary_sensor import BinarySensorEntityDescription
from homeassistant.components.button import ButtonEntityDescription
from homeassistant.components.device_tracker import TrackerEntityDescription
from homeassistant.components.event import EventEntityDescription
from homeassistant.components.lock import LockEntityDescription
from homeassistant.components.number import NumberEntityDescription
from homeassistant.components.select import SelectEntityDescription
from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.components.switch import SwitchEntityDescription
from homeassistant.const import PERCENTAGE, EntityCategory, Platform
from homeassistant.helpers.entity import EntityDescription

from ..const import CONF_ALLOW_ENGINE_CUT
from ..model.vehicle import Capability, OccurrenceType, Reading
from ..model.vehicle_kind import VehicleKind

# What they show is common to all vendors.
_PLATFORMS_OF_ALL = (
    Platform.BINARY_SENSOR,
    Platform.BUTTON,
    Platform.CALENDAR,
    Platform.DEVICE_TRACKER,
    Platform.EVENT,
    Platform.SENSOR,
)


@dataclass(frozen=True, kw_only=True)
class FleetDescription(EntityDescription):
    """The description of a kind of entity, in a table of a platform or of a vendor.

    ``key`` is the reading it shows (and its translation key). A reading written
    ``key:part`` makes an entity for each part, whose name has ``{part}`` in it.
    """

    capability: str | None = None
    """The capability that the vehicle must have. Without it, the reading decides."""
    enabled_parts: int | None = None
    """How many of numbered parts are enabled by default, None: as the description says.

    Where a capability decides, the first that the vehicle has are; else those of the lowest
    numbers.
    """
    disabled_beside: str | None = None
    """The reading or capability beside which it is rarely wanted: disabled by default."""
    worded_parts: frozenset[str] = frozenset()
    """Parts that have a name in words, in the texts under ``key_part``."""
    always_available: bool = False
    """Whether it is there while the account is loaded, reached or not.

    Home Assistant passes over what is not available without a word.
    """
    needs_contact: bool = False
    """Whether it exists only once the vehicle was heard of."""
    option: str | None = None
    """The option of the entry that must be on for it to be offered."""


@dataclass(frozen=True, kw_only=True)
class FleetBinarySensorDescription(FleetDescription, BinarySensorEntityDescription):
    """A binary sensor. Its reading is true for on, unless it is inverted."""

    inverted: bool = False


REFRESH_BUTTON = "refresh"
"""The key of the button that every vehicle has."""
SERVICE_DONE_BUTTON = "service_done"
"""The key of the button of vehicles whose services are planned."""


@dataclass(frozen=True, kw_only=True)
class FleetButtonDescription(FleetDescription, ButtonEntityDescription):
    """A button. Without a command of its own it sends its key, with the part if any.

    The refresh button takes a fresh look, unless the vendor has a command for that.
    """

    command: str | None = None


@dataclass(frozen=True, kw_only=True)
class FleetTrackerDescription(FleetDescription, TrackerEntityDescription):
    """A tracker."""


@dataclass(frozen=True, kw_only=True)
class FleetEventDescription(FleetDescription, EventEntityDescription):
    """An event entity. ``key`` is the kind of occurrences that it shows.

    It exists for vehicles that have the capability, or have shown such an occurrence.
    """

    types: frozenset[OccurrenceType]
    """The types that the vendor knows. Any other fires as ``other``."""
    always_available: bool = True
    """An alarm fires whatever polling does."""


@dataclass(frozen=True, kw_only=True)
class FleetLockDescription(FleetDescription, LockEntityDescription):
    """A lock, with the commands that lock and unlock it. ``key`` is its reading."""

    lock_command: str
    unlock_command: str
    assumed_state: bool = False
    """Nothing reads the lock back: only the last confirmed state is known."""


@dataclass(frozen=True, kw_only=True)
class FleetNumberDescription(FleetDescription, NumberEntityDescription):
    """A number. ``key`` is its reading; the command takes ``value`` and the part if any."""

    command: str
    assumed_state: bool = False


@dataclass(frozen=True, kw_only=True)
class FleetSelectDescription(FleetDescription, SelectEntityDescription):
    """A select. ``key`` is its reading; the command takes the choice as ``option``."""

    command: str


@dataclass(frozen=True, kw_only=True)
class FleetSensorDescription(FleetDescription, SensorEntityDescription):
    """A sensor. Its reading is in the native unit."""


BATTERY = FleetSensorDescription(
    key=Reading.BATTERY,
    device_class=SensorDeviceClass.BATTERY,
    native_unit_of_measurement=PERCENTAGE,
    state_class=SensorStateClass.MEASUREMENT,
    suggested_display_precision=0,
)
"""Of vehicles that a battery drives. It is not common: other vendors never tell it."""


@dataclass(frozen=True, kw_only=True)
class FleetSwitchDescription(FleetDescription, SwitchEntityDescription):
    """A switch, with the commands that turn it on and off. ``key`` is its reading.

    What stops a vehicle is no switch but two buttons, see `button`: nobody can mistake
    which of them does it.
    """

    on_command: str
    off_command: str
    assumed_state: bool = False


@dataclass(frozen=True, kw_only=True)
class VendorEntities:
    """The entities of a vendor beside the common ones.

    The common descriptions apply to every vendor; one with the same key replaces it.
    """

    binary_sensors: tuple[FleetBinarySensorDescription, ...] = ()
    buttons: tuple[FleetButtonDescription, ...] = ()
    events: tuple[FleetEventDescription, ...] = ()
    locks: tuple[FleetLockDescription, ...] = ()
    numbers: tuple[FleetNumberDescription, ...] = ()
    selects: tuple[FleetSelectDescription, ...] = ()
    sensors: tuple[FleetSensorDescription, ...] = ()
    switches: tuple[FleetSwitchDescription, ...] = ()
    trackers: tuple[FleetTrackerDescription, ...] = ()
    cameras: bool = False
    """Whether vehicles may have cameras: live views, and photos."""
    disabled: frozenset[str] = frozenset()
    """Common readings that are rarely used with this vendor: disabled by default."""
    enabled: frozenset[str] = frozenset()
    """Common readings that are often used with this vendor: enabled by default."""
    disabled_beside: Mapping[str, str] = field(
        default_factory=lambda: MappingProxyType({})
    )
    """Common readings that are disabled by default beside another one."""
    kind: VehicleKind = VehicleKind.CAR
    """The kind of a vehicle whose model and name do not say it."""
    enabled_parts: Mapping[str, int] = field(
        default_factory=lambda: MappingProxyType({})
    )
    """How many parts of common readings are enabled by default, where it is another number."""

    @property
    def platforms(self) -> tuple[Platform, ...]:
        """Return the platforms that can have entities: no other one need be loaded."""
        own = {
            Platform.CAMERA: self.cameras,
            Platform.IMAGE: self.cameras,
            Platform.LOCK: self.locks,
            Platform.NUMBER: self.numbers,
            Platform.SELECT: self.selects,
            Platform.SWITCH: self.switches,
        }
        return (*_PLATFORMS_OF_ALL, *(one for one, filled in own.items() if filled))


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


def engine_buttons(
    cut_command: str, restore_command: str
) -> tuple[FleetButtonDescription, FleetButtonDescription]:
    """Return the buttons that cut an engine and restore it, with the vendor's commands.

    They exist for vehicles with the capabilities of the same names.
    """
    return (
        stopping_button(Capability.CUT_ENGINE, Capability.CUT_ENGINE, cut_command),
        releasing_button(
            Capability.RESTORE_ENGINE, Capability.RESTORE_ENGINE, restore_command
        ),
    )
