"""The commands of a vehicle: how they are sent, and what they need.

The table says of each command which capability it needs, how it is sent, and which reading
shows that it was carried out, if any does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
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
from .mapping import SPEED_MODES, Group
from .settings import Setting, check_bluetooth_key
from .vocabulary import SegwayCapability, SegwayCommand, SegwayReading

_COMMON = frozenset(
    {
        SegwayCapability.LOCK,
        SegwayCapability.KEYLESS,
        SegwayCapability.THROTTLE,
        SegwayCapability.SOUND,
        SegwayCapability.FEATURES,
        SegwayCapability.AMBIENT_LIGHT,
        SegwayCapability.LIGHTS,
        SegwayCapability.SOUNDS,
        SegwayCapability.UPLOAD_INTERVAL,
        SegwayCapability.BLUETOOTH_KEY,
        SegwayCapability.EVENTS,
    }
)

# What the document limits to some models. 15004 from such an endpoint, which elsewhere is
# a wrong parameter, says that the vehicle is none of them.
LIMITED_CAPABILITIES = frozenset(SegwayCapability) - _COMMON

DEFAULT_MODEL = "e_moped"

# By the headings of the document. Of an unknown model, what only reads is tried.
MODEL_CAPABILITIES: Mapping[str, frozenset[SegwayCapability]] = MappingProxyType(
    {
        DEFAULT_MODEL: frozenset(SegwayCapability),
        "c80": _COMMON | {SegwayCapability.BATTERY_INFO},
        "es": _COMMON | {SegwayCapability.SPEED_MODE},
        "max": _COMMON | {SegwayCapability.SPEED_MODE},
        "max_pro": _COMMON
        | {SegwayCapability.SPEED_MODE, SegwayCapability.BATTERY_COVER},
        "max_plus": _COMMON
        | {SegwayCapability.SPEED_MODE, SegwayCapability.BATTERY_COVER},
        "other": _COMMON
        | {SegwayCapability.EXTRA_STATUS, SegwayCapability.BATTERY_INFO},
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
    that prove it, from `group`. `is_shown_itself`: these are the commanded values and have a
    time of their own; otherwise they only follow from them. `lasting`: they stay as they
    are; otherwise they may have changed again when they are read.
    """

    capability: SegwayCapability
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
    capability: SegwayCapability,
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
        SegwayCommand.LOCK: Operation(
            capability=SegwayCapability.LOCK,
            send=_simple(SegwayClient.lock),
            shows=_always({Reading.LOCKED: True}),
            is_shown_itself=True,
        ),
        SegwayCommand.UNLOCK: Operation(
            capability=SegwayCapability.LOCK,
            send=_simple(SegwayClient.unlock),
            shows=_always({Reading.LOCKED: False}),
            is_shown_itself=True,
        ),
        SegwayCommand.START_RENTAL: Operation(
            capability=SegwayCapability.RENTAL,
            send=_start_rental,
            shows=_always({Reading.LOCKED: False}),
        ),
        SegwayCommand.END_RENTAL: Operation(
            capability=SegwayCapability.RENTAL,
            send=_simple(SegwayClient.end_rental),
            shows=_always({Reading.LOCKED: True}),
        ),
        SegwayCommand.THROTTLE_ON: Operation(
            capability=SegwayCapability.THROTTLE, send=_throttle(on=True)
        ),
        SegwayCommand.THROTTLE_OFF: Operation(
            capability=SegwayCapability.THROTTLE, send=_throttle(on=False)
        ),
        SegwayCommand.OPEN_SADDLE: Operation(
            capability=SegwayCapability.SADDLE,
            send=_simple(SegwayClient.open_saddle),
            shows=_always({SegwayReading.SADDLE_UNLOCKED: True}),
            group=Group.EXTRA_STATUS,
            lasting=False,
        ),
        SegwayCommand.OPEN_TAILBOX: Operation(
            capability=SegwayCapability.TAILBOX,
            send=_simple(SegwayClient.open_tailbox),
            shows=_always({SegwayReading.TAILBOX_UNLOCKED: True}),
            group=Group.EXTRA_STATUS,
            lasting=False,
        ),
        SegwayCommand.OPEN_BATTERY_COVER: Operation(
            capability=SegwayCapability.BATTERY_COVER,
            send=_simple(SegwayClient.open_battery_cover),
        ),
        SegwayCommand.SOUND_1: Operation(
            capability=SegwayCapability.SOUND, send=_sound(1)
        ),
        SegwayCommand.SOUND_2: Operation(
            capability=SegwayCapability.SOUND, send=_sound(2)
        ),
        SegwayCommand.SOUND_3: Operation(
            capability=SegwayCapability.SOUND, send=_sound(3)
        ),
        SegwayCommand.SET_SPEED_MODE: Operation(
            capability=SegwayCapability.SPEED_MODE,
            send=_set_speed_mode,
            check=_speed_mode,
            shows=lambda arguments: {SegwayReading.SPEED_MODE: arguments["option"]},
            is_shown_itself=True,
        ),
        SegwayCommand.SET_RENTAL_CONDITIONS: _setting(
            SegwayCapability.RENTAL_CONDITIONS,
            rental_conditions,
            SegwayClient.set_rental,
        ),
        SegwayCommand.SET_SWITCHES: _setting(
            SegwayCapability.SWITCHES, switches, SegwayClient.set_switches
        ),
        SegwayCommand.SET_FEATURES: _setting(
            SegwayCapability.FEATURES, features, SegwayClient.set_features
        ),
        SegwayCommand.SET_AMBIENT_LIGHT: _setting(
            SegwayCapability.AMBIENT_LIGHT, ambient_light, SegwayClient.set_ambient
        ),
        SegwayCommand.SET_LIGHTS: _setting(
            SegwayCapability.LIGHTS, lights, SegwayClient.set_light
        ),
        SegwayCommand.SET_SOUNDS: _setting(
            SegwayCapability.SOUNDS, sounds, SegwayClient.set_sounds
        ),
        SegwayCommand.SET_UPLOAD_INTERVAL: _setting(
            SegwayCapability.UPLOAD_INTERVAL,
            upload_interval,
            SegwayClient.set_upload_interval,
        ),
        SegwayCommand.SET_TIME: _setting(
            SegwayCapability.TIME, clock, SegwayClient.set_time
        ),
        SegwayCommand.GET_BLUETOOTH_KEY: Operation(
            capability=SegwayCapability.BLUETOOTH_KEY, send=_get_bluetooth_key
        ),
        SegwayCommand.SET_BLUETOOTH_KEY: Operation(
            capability=SegwayCapability.BLUETOOTH_KEY,
            send=_set_bluetooth_key,
            check=_bluetooth_key,
        ),
    }
)
