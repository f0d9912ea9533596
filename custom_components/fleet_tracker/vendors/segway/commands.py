"""The commands of a vehicle, by the names and words that entities and actions use.

Each command has the capability that it needs, how it is sent, and by what reading the
vehicle shows that it was carried out, if it shows it at all.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from ...contract.commands import Clearance
from ...model.vehicle import Reading, Value
from .arguments import (
    Arguments,
    Reader,
    ambient_light,
    clock,
    features,
    lights,
    rental_conditions,
    sounds,
    switches,
    upload_interval,
)
from .client import SegwayClient
from .mapping import SPEED_MODES, Group, SegwayReading
from .settings import Setting, check_bluetooth_key

LOCK = "lock"
UNLOCK = "unlock"
START_RENTAL = "start_rental"
END_RENTAL = "end_rental"
THROTTLE_ON = "throttle_on"
THROTTLE_OFF = "throttle_off"
OPEN_SADDLE = "open_saddle"
OPEN_TAILBOX = "open_tailbox"
OPEN_BATTERY_COVER = "open_battery_cover"
SOUND_1 = "sound_1"
SOUND_2 = "sound_2"
SOUND_3 = "sound_3"
SET_SPEED_MODE = "set_speed_mode"
SET_RENTAL_CONDITIONS = "set_rental_conditions"
SET_SWITCHES = "set_switches"
SET_FEATURES = "set_features"
SET_AMBIENT_LIGHT = "set_ambient_light"
SET_LIGHTS = "set_lights"
SET_SOUNDS = "set_sounds"
SET_UPLOAD_INTERVAL = "set_upload_interval"
SET_TIME = "set_time"
GET_BLUETOOTH_KEY = "get_bluetooth_key"
SET_BLUETOOTH_KEY = "set_bluetooth_key"
REFRESH = "refresh"
"""Asks the vehicle itself where it is, and reads all that Segway knows of it."""


class Capability(StrEnum):
    """Capabilities that some vehicles have and others do not."""

    LOCK = "lock"
    RENTAL = "rental"
    THROTTLE = "throttle"
    SADDLE = "saddle"
    TAILBOX = "tailbox"
    BATTERY_COVER = "battery_cover"
    SOUND = "sound"
    SPEED_MODE = "speed_mode"
    RENTAL_CONDITIONS = "rental_conditions"
    SWITCHES = "switches"
    FEATURES = "features"
    AMBIENT_LIGHT = "ambient_light"
    LIGHTS = "lights"
    """The deprecated setting, which the ambient light replaced."""
    SOUNDS = "sounds"
    UPLOAD_INTERVAL = "upload_interval"
    TIME = "time"
    BLUETOOTH_KEY = "bluetooth_key"
    EXTRA_STATUS = "extra_status"
    BATTERY_INFO = "battery_info"
    EVENTS = "events"
    """It raises alerts and faults, which are pushed."""


_COMMON = frozenset(
    {
        Capability.LOCK,
        Capability.THROTTLE,
        Capability.SOUND,
        Capability.FEATURES,
        Capability.AMBIENT_LIGHT,
        Capability.LIGHTS,
        Capability.SOUNDS,
        Capability.UPLOAD_INTERVAL,
        Capability.BLUETOOTH_KEY,
        Capability.EVENTS,
    }
)

# What the document limits to some models. 15004 from such an endpoint, which elsewhere is
# a wrong parameter, says that the vehicle is none of them.
LIMITED_CAPABILITIES = frozenset(Capability) - _COMMON

DEFAULT_MODEL = "e_moped"

# By the headings of the document. Of an unknown model, what only reads is tried.
MODEL_CAPABILITIES: Mapping[str, frozenset[Capability]] = MappingProxyType(
    {
        DEFAULT_MODEL: frozenset(Capability),
        "c80": _COMMON | {Capability.BATTERY_INFO},
        "es": _COMMON | {Capability.SPEED_MODE},
        "max": _COMMON | {Capability.SPEED_MODE},
        "max_pro": _COMMON | {Capability.SPEED_MODE, Capability.BATTERY_COVER},
        "max_plus": _COMMON | {Capability.SPEED_MODE, Capability.BATTERY_COVER},
        "other": _COMMON | {Capability.EXTRA_STATUS, Capability.BATTERY_INFO},
    }
)
MODEL_NAMES: Mapping[str, str] = MappingProxyType(
    {
        DEFAULT_MODEL: "E-moped",
        "c80": "eBike C80",
        "es": "KickScooter ES",
        "max": "KickScooter Max",
        "max_pro": "KickScooter Max Pro",
        "max_plus": "KickScooter Max Plus",
    }
)


@dataclass(frozen=True, slots=True)
class Sent:
    """The server's answer to a command: the vehicle's words, or a warning's key."""

    text: str | None = None
    warning: str | None = None


type Send = Callable[[SegwayClient, str, Arguments, Clearance], Awaitable[Sent]]


def _no_arguments(arguments: Arguments) -> None:
    Reader(arguments).end()


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """How a command is carried out.

    `check` raises InvalidArgument for arguments that may not be sent. `shows`: the readings
    that tell that it was, read from `group`. `is_shown_itself`: they are what is commanded,
    and have a time of their own; otherwise they only follow from it. `lasting`: they stay
    so; otherwise they may have changed again by the time they are read.
    """

    capability: Capability
    send: Send
    check: Callable[[Arguments], object] = _no_arguments
    shows: Callable[[Arguments], Mapping[str, Value]] | None = None
    group: Group = Group.STATUS
    is_shown_itself: bool = False
    lasting: bool = True


def _simple(
    method: Callable[[SegwayClient, str, Clearance], Awaitable[None]],
) -> Send:
    async def send(
        client: SegwayClient, imei: str, arguments: Arguments, clearance: Clearance
    ) -> Sent:
        Reader(arguments).end()
        await method(client, imei, clearance)
        return Sent()

    return send


def _setting[T: Setting](
    capability: Capability,
    build: Callable[[Arguments], T],
    method: Callable[[SegwayClient, str, T, Clearance], Awaitable[None]],
) -> Operation:
    """Return the operation that writes a setting."""

    async def send(
        client: SegwayClient, imei: str, arguments: Arguments, clearance: Clearance
    ) -> Sent:
        await method(client, imei, build(arguments), clearance)
        return Sent()

    return Operation(
        capability=capability,
        send=send,
        check=lambda arguments: build(arguments).payload(),
    )


def _sound(number: int) -> Send:
    return _simple(
        lambda client, imei, clearance: client.sound(imei, number, clearance)
    )


def _throttle(*, on: bool) -> Send:
    async def send(
        client: SegwayClient, imei: str, arguments: Arguments, clearance: Clearance
    ) -> Sent:
        Reader(arguments).end()
        await client.throttle_response(imei, on=on, clearance=clearance)
        return Sent()

    return send


def _always(shown: Mapping[str, Value]) -> Callable[[Arguments], Mapping[str, Value]]:
    return lambda _: shown


async def _start_rental(
    client: SegwayClient, imei: str, arguments: Arguments, clearance: Clearance
) -> Sent:
    Reader(arguments).end()
    return Sent(warning=await client.start_rental(imei, clearance))


async def _set_speed_mode(
    client: SegwayClient, imei: str, arguments: Arguments, clearance: Clearance
) -> Sent:
    await client.set_speed_mode(imei, _speed_mode(arguments), clearance)
    return Sent()


def _speed_mode(arguments: Arguments) -> int:
    read = Reader(arguments)
    mode = read.needed("option", read.word("option", SPEED_MODES))
    read.end()
    return mode


async def _get_bluetooth_key(
    client: SegwayClient, imei: str, arguments: Arguments, _: Clearance
) -> Sent:
    Reader(arguments).end()
    return Sent(text=await client.bluetooth_key(imei))


async def _set_bluetooth_key(
    client: SegwayClient, imei: str, arguments: Arguments, clearance: Clearance
) -> Sent:
    await client.set_bluetooth_key(imei, _bluetooth_key(arguments), clearance)
    return Sent()


def _bluetooth_key(arguments: Arguments) -> str:
    read = Reader(arguments)
    key = read.text("key")
    read.end()
    return check_bluetooth_key(key)


OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {
        LOCK: Operation(
            capability=Capability.LOCK,
            send=_simple(SegwayClient.lock),
            shows=_always({Reading.LOCKED: True}),
            is_shown_itself=True,
        ),
        UNLOCK: Operation(
            capability=Capability.LOCK,
            send=_simple(SegwayClient.unlock),
            shows=_always({Reading.LOCKED: False}),
            is_shown_itself=True,
        ),
        START_RENTAL: Operation(
            capability=Capability.RENTAL,
            send=_start_rental,
            shows=_always({Reading.LOCKED: False}),
        ),
        END_RENTAL: Operation(
            capability=Capability.RENTAL,
            send=_simple(SegwayClient.end_rental),
            shows=_always({Reading.LOCKED: True}),
        ),
        THROTTLE_ON: Operation(capability=Capability.THROTTLE, send=_throttle(on=True)),
        THROTTLE_OFF: Operation(
            capability=Capability.THROTTLE, send=_throttle(on=False)
        ),
        OPEN_SADDLE: Operation(
            capability=Capability.SADDLE,
            send=_simple(SegwayClient.open_saddle),
            shows=_always({SegwayReading.SADDLE_UNLOCKED: True}),
            group=Group.EXTRA_STATUS,
            lasting=False,
        ),
        OPEN_TAILBOX: Operation(
            capability=Capability.TAILBOX,
            send=_simple(SegwayClient.open_tailbox),
            shows=_always({SegwayReading.TAILBOX_UNLOCKED: True}),
            group=Group.EXTRA_STATUS,
            lasting=False,
        ),
        OPEN_BATTERY_COVER: Operation(
            capability=Capability.BATTERY_COVER,
            send=_simple(SegwayClient.open_battery_cover),
        ),
        SOUND_1: Operation(capability=Capability.SOUND, send=_sound(1)),
        SOUND_2: Operation(capability=Capability.SOUND, send=_sound(2)),
        SOUND_3: Operation(capability=Capability.SOUND, send=_sound(3)),
        SET_SPEED_MODE: Operation(
            capability=Capability.SPEED_MODE,
            send=_set_speed_mode,
            check=_speed_mode,
            shows=lambda arguments: {SegwayReading.SPEED_MODE: arguments["option"]},
            is_shown_itself=True,
        ),
        SET_RENTAL_CONDITIONS: _setting(
            Capability.RENTAL_CONDITIONS, rental_conditions, SegwayClient.set_rental
        ),
        SET_SWITCHES: _setting(
            Capability.SWITCHES, switches, SegwayClient.set_switches
        ),
        SET_FEATURES: _setting(
            Capability.FEATURES, features, SegwayClient.set_features
        ),
        SET_AMBIENT_LIGHT: _setting(
            Capability.AMBIENT_LIGHT, ambient_light, SegwayClient.set_ambient
        ),
        SET_LIGHTS: _setting(Capability.LIGHTS, lights, SegwayClient.set_light),
        SET_SOUNDS: _setting(Capability.SOUNDS, sounds, SegwayClient.set_sounds),
        SET_UPLOAD_INTERVAL: _setting(
            Capability.UPLOAD_INTERVAL,
            upload_interval,
            SegwayClient.set_upload_interval,
        ),
        SET_TIME: _setting(Capability.TIME, clock, SegwayClient.set_time),
        GET_BLUETOOTH_KEY: Operation(
            capability=Capability.BLUETOOTH_KEY, send=_get_bluetooth_key
        ),
        SET_BLUETOOTH_KEY: Operation(
            capability=Capability.BLUETOOTH_KEY,
            send=_set_bluetooth_key,
            check=_bluetooth_key,
        ),
    }
)
