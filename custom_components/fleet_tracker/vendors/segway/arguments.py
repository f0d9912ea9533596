"""Reads the arguments of commands: our words, which become the document's numbers."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ...contract.commands import Argument
from ...contract.errors import InvalidArgument
from .errors import invalid_value
from .settings import (
    AmbientSetting,
    FeatureSetting,
    LampEffect,
    LightSetting,
    LocationInterval,
    RentalSetting,
    Sound,
    SoundSetting,
    StatusInterval,
    SwitchSetting,
    TimeSetting,
    UploadInterval,
)

type Arguments = Mapping[str, Argument]


# --- words ---

OPENING: Mapping[str, int] = MappingProxyType(
    {"open": 1, "open_with_helmets": 2, "keep_closed": 3}
)
REGENERATION: Mapping[str, int] = MappingProxyType({"off": 1, "low": 2, "high": 3})
BRIGHTNESS: Mapping[str, int] = MappingProxyType({"low": 1, "medium": 2, "high": 3})
COLORS: Mapping[str, int] = MappingProxyType(
    {
        "green": 1,
        "red": 2,
        "orange": 3,
        "blue": 4,
        "cyan": 5,
        "violet": 6,
        "white": 7,
    }
)
_CHECKED: Mapping[bool, int] = MappingProxyType({True: 1, False: 2})
_SWITCHED: Mapping[bool, int] = MappingProxyType({False: 1, True: 2})
_MASKED: Mapping[bool, int] = MappingProxyType({False: 0, True: 1})


class Reader:
    """Reads the arguments of a command, each once; what is left was not known."""

    def __init__(self, arguments: Arguments) -> None:
        """Initialize with the arguments as they came."""
        self._left = dict(arguments)

    def word(
        self, name: str, words: Mapping[str, int] | Mapping[bool, int]
    ) -> int | None:
        """Return what a word stands for, None if it is not given."""
        if name not in self._left:
            return None
        value = self._left.pop(name)
        for word, number in words.items():
            # 1 is not True here, though they are equal.
            if type(word) is type(value) and word == value:
                return number
        raise invalid_value(name, ", ".join(str(word).lower() for word in words))

    def number(self, name: str) -> int | None:
        """Return a whole number, None if it is not given."""
        if name not in self._left:
            return None
        value = self._left.pop(name)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if type(value) is not int:
            raise invalid_value(name, "0, 1, 2 …")
        return value

    def text(self, name: str) -> str:
        """Return a text that must be given."""
        return str(self.needed(name, self._left.pop(name, None)))

    def needed[T](self, name: str, value: T | None) -> T:
        """Return a value that must be given."""
        if value is None:
            raise InvalidArgument(
                f"{name} is missing",
                key="segway_missing_value",
                placeholders={"name": name},
            )
        return value

    def end(self) -> None:
        """Refuse unknown arguments."""
        for name in self._left:
            raise InvalidArgument(
                f"{name} is not known",
                key="segway_unknown_value",
                placeholders={"name": name},
            )


# --- settings from arguments ---


def rental_conditions(arguments: Arguments) -> RentalSetting:
    """Return what start and end of a rental are to open (words) and check (yes or no)."""
    read = Reader(arguments)
    setting = RentalSetting(
        saddle_switch=read.word("saddle", OPENING),
        tailbox_switch=read.word("tailbox", OPENING),
        helmet_check=read.word("check_helmets", _CHECKED),
        saddle_check=read.word("check_saddle", _CHECKED),
        tailbox_check=read.word("check_tailbox", _CHECKED),
    )
    read.end()
    return setting


def switches(arguments: Arguments) -> SwitchSetting:
    """Return switches (yes or no), levels, a charge in % and speeds in km/h."""
    read = Reader(arguments)
    setting = SwitchSetting(
        bss_display=read.word("british_speed", _SWITCHED),
        alert_check=read.word("alerts_while_locked", _SWITCHED),
        brake_regeneration=read.word("brake_regeneration", REGENERATION),
        alert_sensitivity=read.number("alert_sensitivity"),
        low_power_value=read.number("low_power"),
        display_time=read.word("show_time", _SWITCHED),
        display_odometer=read.word("show_odometer", _SWITCHED),
        low_speed_limit=read.number("low_speed_limit"),
        medium_speed_limit=read.number("medium_speed_limit"),
        high_speed_limit=read.number("high_speed_limit"),
    )
    read.end()
    return setting


def features(arguments: Arguments) -> FeatureSetting:
    """Return which features a rider is to have (yes or no)."""
    read = Reader(arguments)
    setting = FeatureSetting(
        assisted_mode=read.word("assisted_pushing", _SWITCHED),
        crash_warning=read.word("crash_warning", _SWITCHED),
        kickstand_check=read.word("kickstand_check", _SWITCHED),
        cruise_switch=read.word("cruise", _SWITCHED),
        speed_mode_switch=read.word("speed_mode", _SWITCHED),
        handlebar_switch=read.word("handlebar_lock", _SWITCHED),
        low_power_switch=read.word("low_power", _SWITCHED),
        saddle_check=read.word("saddle_check", _SWITCHED),
    )
    read.end()
    return setting


def ambient_light(arguments: Arguments) -> AmbientSetting:
    """Return a brightness, and a colour while parking and in up to three other modes.

    A lamp that is off needs no colour.
    """
    read = Reader(arguments)

    def lamp(mode: str) -> LampEffect | None:
        on = read.word(mode, _SWITCHED)
        color = read.word(f"{mode}_color", COLORS)
        if on is None and color is None:
            return None
        if color is None and on != 1:
            read.needed(f"{mode}_color", color)
        return LampEffect(mode=2 if on is None else on, color=color or COLORS["green"])

    setting = AmbientSetting(
        bright=read.needed("brightness", read.word("brightness", BRIGHTNESS)),
        parking_mode=read.needed("parking", lamp("parking")),
        cruise_mode=lamp("cruise"),
        ready_mode=lamp("ready"),
        fault_mode=lamp("fault"),
    )
    read.end()
    return setting


def lights(arguments: Arguments) -> LightSetting:
    """Return a brightness and the colours of lights; what is left out stays as it is."""
    if not arguments:
        raise InvalidArgument("Nothing to set", key="segway_nothing_to_set")
    read = Reader(arguments)
    setting = LightSetting(
        brightness=read.word("brightness", BRIGHTNESS) or 0,
        fault_indicator=read.word("fault", COLORS) or 0,
        ready_indicator=read.word("ready", COLORS) or 0,
        push_indicator=read.word("push", COLORS) or 0,
        parking_indicator=read.word("parking", COLORS) or 0,
        lock_indicator=read.word("lock", COLORS) or 0,
    )
    read.end()
    return setting


def sounds(arguments: Arguments) -> SoundSetting:
    """Return whether there are sounds, how loud (1 to 3), and which (`sound_unlocked`)."""
    read = Reader(arguments)
    mask: dict[Sound, int] = {}
    for sound in Sound:
        chosen = read.word(f"sound_{sound.name.lower()}", _MASKED)
        if chosen is not None:
            mask[sound] = chosen
    volume = read.number("volume")
    enabled = read.word("enabled", _SWITCHED)
    if enabled is None and volume is None and not mask:
        raise InvalidArgument("Nothing to set", key="segway_nothing_to_set")
    read.end()
    return SoundSetting(work_mode=enabled or 0, volume=volume, mask=mask or None)


def upload_interval(arguments: Arguments) -> UploadInterval:
    """Return the seconds (10 to 65535) between two locations and between two statuses."""
    read = Reader(arguments)

    def seconds(name: str) -> int:
        return read.needed(name, read.number(name))

    setting = UploadInterval(
        location=LocationInterval(
            unlocked=seconds("location_unlocked"), locked=seconds("location_locked")
        ),
        status=StatusInterval(
            riding=seconds("status_riding"),
            standing=seconds("status_standing"),
            locked=seconds("status_locked"),
        ),
    )
    read.end()
    return setting


def clock(arguments: Arguments) -> TimeSetting:
    """Return the seconds from UTC without daylight saving, and those of it (0 or 3600)."""
    read = Reader(arguments)
    setting = TimeSetting(
        utc_offset=read.needed("utc_offset", read.number("utc_offset")),
        dst_offset=read.needed("dst_offset", read.number("dst_offset")),
    )
    read.end()
    return setting
