"""The settings that can be written to a vehicle, with every range of the document.

Chapter Setting of `segway-emoped`. A field that is None is left out of the request, and
the vehicle keeps what it has. 0 ("no setting"), where the document has it, says the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
import re

from ...contract.errors import InvalidArgument
from ...model.json_values import Json
from .errors import invalid_value

_WIRE = "wire"
_ALPHANUMERIC_8 = re.compile(r"[0-9A-Za-z]{8}")
_IMEI = re.compile(r"[0-9A-Za-z]{1,32}")


@dataclass(frozen=True, slots=True)
class _Wire:
    """What a field is called in a request, and what it may be (objects check theirs)."""

    name: str
    allowed: Collection[int] = ()


def _wire(name: str, allowed: Collection[int] = ()) -> Mapping[str, _Wire]:
    return {_WIRE: _Wire(name, allowed)}


def check_number(name: str, value: object, allowed: Collection[int]) -> int:
    """Return a whole number that is allowed. Raises InvalidArgument otherwise."""
    if type(value) is int and value in allowed:
        return value
    raise invalid_value(name, _shown(allowed))


def _shown(allowed: Collection[int]) -> str:
    if isinstance(allowed, range) and len(allowed) > 8:
        return f"{allowed[0]}–{allowed[-1]}"
    return ", ".join(str(number) for number in allowed)


def check_imei(imei: str) -> str:
    """Return an IoT IMEI that can be one. Raises InvalidArgument otherwise."""
    if not _IMEI.fullmatch(imei):
        raise InvalidArgument("Invalid IMEI", key="segway_invalid_imei")
    return imei


def check_bluetooth_key(key: object) -> str:
    """Return a key of 8 letters and digits. Raises InvalidArgument otherwise."""
    if isinstance(key, str) and _ALPHANUMERIC_8.fullmatch(key):
        return key
    raise invalid_value("key", "abcd1234 (8 × A–Z, a–z, 0–9)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """The body of a setting request; subclasses tell the fields' names there."""

    def payload(self) -> dict[str, Json]:
        """Return the request's fields.

        Raises InvalidArgument for what the document does not allow, and where nothing
        would be set.
        """
        payload: dict[str, Json] = {}
        for spec in fields(self):
            wire: _Wire = spec.metadata[_WIRE]
            value = getattr(self, spec.name)
            if value is None:
                continue
            if isinstance(value, Setting):
                payload[wire.name] = value.payload()
            elif isinstance(value, Mapping):
                payload[wire.name] = _mask(value.items())
            else:
                payload[wire.name] = check_number(spec.name, value, wire.allowed)
        if not payload:
            raise InvalidArgument("Nothing to set", key="segway_nothing_to_set")
        return payload


_ON_OFF = range(3)


@dataclass(frozen=True, slots=True, kw_only=True)
class RentalSetting(Setting):
    """What start and end of a rental open and check ("rental setting").

    Switches: 0 no setting, 1 open, 2 open if helmets are there, 3 keep closed. Checks:
    0 no setting, 1 check, 2 do not check.
    """

    saddle_switch: int | None = field(
        default=None, metadata=_wire("saddleSwitch", range(4))
    )
    tailbox_switch: int | None = field(
        default=None, metadata=_wire("tailboxSwitch", range(4))
    )
    helmet_check: int | None = field(
        default=None, metadata=_wire("helmetCheck", range(3))
    )
    saddle_check: int | None = field(
        default=None, metadata=_wire("saddleCheck", range(3))
    )
    tailbox_check: int | None = field(
        default=None, metadata=_wire("tailboxCheck", range(3))
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchSetting(Setting):
    """Switches and limits of a moped ("switch setting").

    Switches: 0 no setting, 1 off, 2 on. Brake energy regeneration: 1 off, 2 low, 3 high.
    Low power in %, speed limits in km/h.
    """

    bss_display: int | None = field(default=None, metadata=_wire("bssDisplay", _ON_OFF))
    alert_check: int | None = field(default=None, metadata=_wire("alertCheck", _ON_OFF))
    brake_regeneration: int | None = field(
        default=None, metadata=_wire("berLevel", range(4))
    )
    alert_sensitivity: int | None = field(
        default=None, metadata=_wire("alertSensitivity", range(1, 4))
    )
    low_power_value: int | None = field(
        default=None, metadata=_wire("lowPowerValue", range(10, 31))
    )
    display_time: int | None = field(
        default=None, metadata=_wire("displayTime", _ON_OFF)
    )
    display_odometer: int | None = field(
        default=None, metadata=_wire("displayODO", _ON_OFF)
    )
    low_speed_limit: int | None = field(
        default=None, metadata=_wire("lowSpeedLimit", range(6, 43))
    )
    medium_speed_limit: int | None = field(
        default=None, metadata=_wire("mediumSpeedLimit", range(6, 43))
    )
    high_speed_limit: int | None = field(
        default=None, metadata=_wire("highSpeedLimit", range(6, 43))
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureSetting(Setting):
    """Which features a rider can use ("switch enable"): 0 no setting, 1 off, 2 on."""

    assisted_mode: int | None = field(
        default=None, metadata=_wire("assistedMode", _ON_OFF)
    )
    crash_warning: int | None = field(
        default=None, metadata=_wire("crashWarning", _ON_OFF)
    )
    kickstand_check: int | None = field(
        default=None, metadata=_wire("kickstandCheck", _ON_OFF)
    )
    cruise_switch: int | None = field(
        default=None, metadata=_wire("cruiseSwitch", _ON_OFF)
    )
    speed_mode_switch: int | None = field(
        default=None, metadata=_wire("speedModeSwitch", _ON_OFF)
    )
    handlebar_switch: int | None = field(
        default=None, metadata=_wire("handlebarSwitch", _ON_OFF)
    )
    low_power_switch: int | None = field(
        default=None, metadata=_wire("lowPowerSwitch", _ON_OFF)
    )
    saddle_check: int | None = field(
        default=None, metadata=_wire("saddleCheck", _ON_OFF)
    )


_INDICATOR = range(8)


@dataclass(frozen=True, slots=True, kw_only=True)
class LightSetting(Setting):
    """The deprecated "light setting". Colours as in `LampEffect`, 0 is no setting."""

    brightness: int = field(metadata=_wire("brightness", range(4)))
    fault_indicator: int = field(metadata=_wire("faultIndicator", _INDICATOR))
    ready_indicator: int = field(metadata=_wire("readyIndicator", _INDICATOR))
    push_indicator: int = field(metadata=_wire("pushIndicator", _INDICATOR))
    parking_indicator: int = field(metadata=_wire("parkingIndicator", _INDICATOR))
    lock_indicator: int = field(metadata=_wire("lockIndicator", _INDICATOR))


@dataclass(frozen=True, slots=True, kw_only=True)
class LampEffect(Setting):
    """A lamp: mode 1 off, 2 always on.

    Colours: 1 green, 2 red, 3 orange, 4 blue, 5 cyan, 6 violet, 7 white.
    """

    mode: int = field(metadata=_wire("mode", range(1, 3)))
    color: int = field(metadata=_wire("color", range(1, 8)))


@dataclass(frozen=True, slots=True, kw_only=True)
class AmbientSetting(Setting):
    """The ambient light ("atmosphere lamp setting"): brightness 1 low, 2 medium, 3 high."""

    bright: int = field(metadata=_wire("bright", range(1, 4)))
    parking_mode: LampEffect = field(metadata=_wire("parkingMode"))
    cruise_mode: LampEffect | None = field(default=None, metadata=_wire("cruiseMode"))
    ready_mode: LampEffect | None = field(default=None, metadata=_wire("readyMode"))
    fault_mode: LampEffect | None = field(default=None, metadata=_wire("faultMode"))


class Sound(StrEnum):
    """The sounds that can be turned on and off one by one (`moeqMask`)."""

    UNLOCKED = "unlocked"
    LOCKED = "locked"
    OPEN_BOXES = "openBoxes"
    KICKSTAND = "kickstand"
    HELMET = "helmet"
    TURNING = "turning"
    READY = "ready"
    UNREADY = "unReady"
    GEAR_UP = "gearUp"
    GEAR_DOWN = "gearDown"
    ENTER_CRUISE = "enterCruise"
    EXIT_CRUISE = "exitCruise"
    SET_SUCCESS = "setSuccess"
    SET_FAILED = "setFailed"
    DEFENSE_ON = "defenseOn"
    ERROR = "error"
    LOW_POWER = "lowPower"
    BATTERY_INSERTED = "batteryInserted"


def _mask(items: Iterable[tuple[Sound, object]]) -> dict[str, Json]:
    return {
        sound.value: check_number(sound.name.lower(), value, range(3))
        for sound, value in items
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundSetting(Setting):
    """Sounds ("sound setting"): 0 no setting, 1 off, 2 on; volume 1 to 3.

    The mask has for each sound 0 off, 1 on, 2 as it is.
    """

    work_mode: int = field(metadata=_wire("workMode", range(3)))
    volume: int | None = field(default=None, metadata=_wire("volume", range(1, 4)))
    mask: Mapping[Sound, int] | None = field(default=None, metadata=_wire("moeqMask"))


UPLOAD_SECONDS = range(10, 65_536)


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationInterval(Setting):
    """Seconds between two locations."""

    unlocked: int = field(metadata=_wire("unlockStatus", UPLOAD_SECONDS))
    locked: int = field(metadata=_wire("lockStatus", UPLOAD_SECONDS))


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusInterval(Setting):
    """Seconds between two statuses."""

    riding: int = field(metadata=_wire("ridingStatus", UPLOAD_SECONDS))
    standing: int = field(metadata=_wire("nonRiding", UPLOAD_SECONDS))
    locked: int = field(metadata=_wire("lockStatus", UPLOAD_SECONDS))


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadInterval(Setting):
    """How often a vehicle tells where and how it is ("upload interval")."""

    location: LocationInterval = field(metadata=_wire("locationInterval"))
    status: StatusInterval = field(metadata=_wire("statusInterval"))


LARGEST_UTC_OFFSET = 43_200
"""Seconds: the display knows no zones beyond 12 hours from UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeSetting(Setting):
    """The clock on the display ("time adjust").

    Seconds from UTC without daylight saving, within 12 hours, and those of daylight
    saving, 0 or 3600.
    """

    utc_offset: int = field(
        metadata=_wire("utcOffset", range(-LARGEST_UTC_OFFSET, LARGEST_UTC_OFFSET + 1))
    )
    dst_offset: int = field(metadata=_wire("dstOffset", (0, 3600)))
