"""The actions of Segway vehicles: settings that can be written but not read.

What a vehicle may be sent is checked by the settings themselves (`values.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from homeassistant.core import SupportsResponse
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util
import voluptuous as vol

from ...contract.commands import Argument, Command
from ...offer.action import ActionEffect, VendorAction, command_action
from ...offer.errors import invalid
from .arguments import BRIGHTNESS, COLORS, OPENING, REGENERATION
from .settings import LARGEST_UTC_OFFSET, Sound
from .vocabulary import SegwayCommand

type Fields = Mapping[vol.Marker, Any]

ATTR_ENABLE = "enable"
ATTR_DISABLE = "disable"
ATTR_KEY = "key"
ATTR_UTC_OFFSET = "utc_offset"
ATTR_DST_OFFSET = "dst_offset"

OFF = "off"
LAMPS = ("parking", "cruise", "ready", "fault")
LIGHTS = ("fault", "ready", "push", "parking", "lock")
SOUNDS = tuple(sound.name.lower() for sound in Sound)

# Whole numbers, and their ranges, are checked where they are sent.
NUMBER = vol.Coerce(float)


def _optional(kind: Any, *names: str) -> dict[vol.Marker, Any]:
    return {vol.Optional(name): kind for name in names}


def _required(kind: Any, *names: str) -> dict[vol.Marker, Any]:
    return {vol.Required(name): kind for name in names}


def _setting(
    name: str,
    command: str,
    fields: Fields,
    arguments: Callable[[Mapping[str, Any]], Mapping[str, Argument]] = dict,
    *,
    administrators_only: bool = False,
) -> VendorAction:
    """Return an action that sends its fields as the arguments of a command.

    It is sent to all vehicles at once, each of which takes long to answer.
    """
    return command_action(
        name=name,
        effect=ActionEffect.CHANGES,
        fields=fields,
        command=lambda data: Command(command, arguments(data)),
        at_once=True,
        administrators_only=administrators_only,
    )


def _ambient_light(data: Mapping[str, Any]) -> dict[str, Argument]:
    """Return a lamp that is off as such, and one with a colour as on in that colour."""
    arguments: dict[str, Argument] = {}
    for name, value in data.items():
        if name not in LAMPS:
            arguments[name] = value
            continue
        arguments[name] = value != OFF
        if value != OFF:
            arguments[f"{name}_color"] = value
    return arguments


def _sounds(data: Mapping[str, Any]) -> dict[str, Argument]:
    """Return the sounds one by one: those that are neither listed stay as they are."""
    arguments = {
        name: value
        for name, value in data.items()
        if name not in (ATTR_ENABLE, ATTR_DISABLE)
    }
    enable, disable = data.get(ATTR_ENABLE, ()), data.get(ATTR_DISABLE, ())
    if not set(enable).isdisjoint(disable):
        raise invalid("segway_sound_on_and_off")
    arguments.update({f"sound_{sound}": True for sound in enable})
    arguments.update({f"sound_{sound}": False for sound in disable})
    return arguments


def _clock(data: Mapping[str, Any]) -> dict[str, Argument]:
    """Return the offsets from UTC that were entered, else those of Home Assistant now.

    Daylight saving that the document cannot express is part of the first offset.
    """
    now = dt_util.now()
    offset, saving = now.utcoffset() or timedelta(), now.dst() or timedelta()
    if saving not in (timedelta(), timedelta(hours=1)):
        saving = timedelta()
    entered_offset = data.get(ATTR_UTC_OFFSET)
    utc_offset = int((offset - saving).total_seconds())
    if entered_offset is None and abs(utc_offset) > LARGEST_UTC_OFFSET:
        raise invalid("segway_time_zone", time_zone=str(now.tzinfo))
    return {
        ATTR_UTC_OFFSET: utc_offset if entered_offset is None else entered_offset,
        ATTR_DST_OFFSET: data.get(ATTR_DST_OFFSET, int(saving.total_seconds())),
    }


ACTIONS = (
    _setting(
        "segway_set_rental_conditions",
        SegwayCommand.SET_RENTAL_CONDITIONS,
        {
            **_optional(vol.In(OPENING), "saddle", "tailbox"),
            **_optional(cv.boolean, "check_helmets", "check_saddle", "check_tailbox"),
        },
        administrators_only=True,
    ),
    _setting(
        "segway_set_moped_switches",
        SegwayCommand.SET_SWITCHES,
        {
            **_optional(
                cv.boolean,
                "british_speed",
                "alerts_while_locked",
                "show_time",
                "show_odometer",
            ),
            **_optional(vol.In(REGENERATION), "brake_regeneration"),
            **_optional(
                NUMBER,
                "alert_sensitivity",
                "low_power",
                "low_speed_limit",
                "medium_speed_limit",
                "high_speed_limit",
            ),
        },
    ),
    _setting(
        "segway_set_moped_features",
        SegwayCommand.SET_FEATURES,
        _optional(
            cv.boolean,
            "assisted_pushing",
            "crash_warning",
            "kickstand_check",
            "cruise",
            "speed_mode",
            "handlebar_lock",
            "low_power",
            "saddle_check",
        ),
    ),
    _setting(
        "segway_set_ambient_light",
        SegwayCommand.SET_AMBIENT_LIGHT,
        {
            vol.Required("brightness"): vol.In(BRIGHTNESS),
            **{
                (vol.Required if lamp == "parking" else vol.Optional)(lamp): vol.In(
                    (OFF, *COLORS)
                )
                for lamp in LAMPS
            },
        },
        _ambient_light,
    ),
    _setting(
        "segway_set_lights",
        SegwayCommand.SET_LIGHTS,
        {
            **_optional(vol.In(BRIGHTNESS), "brightness"),
            **_optional(vol.In(COLORS), *LIGHTS),
        },
    ),
    _setting(
        "segway_set_sounds",
        SegwayCommand.SET_SOUNDS,
        {
            **_optional(cv.boolean, "enabled"),
            **_optional(NUMBER, "volume"),
            **_optional(
                vol.All(cv.ensure_list, [vol.In(SOUNDS)]), ATTR_ENABLE, ATTR_DISABLE
            ),
        },
        _sounds,
    ),
    _setting(
        "segway_set_upload_interval",
        SegwayCommand.SET_UPLOAD_INTERVAL,
        _required(
            NUMBER,
            "location_unlocked",
            "location_locked",
            "status_riding",
            "status_standing",
            "status_locked",
        ),
    ),
    _setting(
        "segway_set_clock",
        SegwayCommand.SET_TIME,
        _optional(NUMBER, ATTR_UTC_OFFSET, ATTR_DST_OFFSET),
        _clock,
    ),
    command_action(
        name="segway_get_bluetooth_key",
        effect=ActionEffect.TELLS,
        fields={},
        command=lambda _: Command(SegwayCommand.GET_BLUETOOTH_KEY),
        answer=lambda result: {ATTR_KEY: result.text},
        at_once=True,
        response=SupportsResponse.ONLY,
        administrators_only=True,
    ),
    _setting(
        "segway_set_bluetooth_key",
        SegwayCommand.SET_BLUETOOTH_KEY,
        {vol.Required(ATTR_KEY): cv.string},
        administrators_only=True,
    ),
)
