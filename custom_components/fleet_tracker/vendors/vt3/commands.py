"""The commands of a VT3 tracker, and what they may say ("FlexAPI Over TCP" 2.3, 3.2 to 4.1).

Arguments are checked against the document before anything is sent. Entities name the part
of the tracker that it addresses in ``part``: an output (1 to 3), or a group.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
import json
import re
from types import MappingProxyType

from ...contract.commands import PART, Argument, Command
from ...contract.errors import CommandUnsupported, InvalidArgument
from ...model.json_values import Json
from .mapping import io_name
from .parameters import (
    CELLULAR,
    GNSS,
    IO,
    MOTION,
    OBD,
    PARAMETERS,
    RESERVED_GROUPS,
    SUMMARY,
    SYSINFO,
    UPLOADED_GROUPS,
)
from .session import LONGEST_TOKEN
from .topics import CLIENT_TOKEN, CONTROL, GET, INFO, REFRESH, SET, Topic
from .vocabulary import Vt3Command

# Arguments
VALUE = "value"
INTERVAL = "interval"
INTEREST = "interest"
GROUPS = "groups"
REQUEST = "request"
PAYLOAD = "payload"

OUTPUTS = (1, 2, 3)
LONGEST_INTERVAL = 3600
"""Seconds. 0 turns the upload off."""
MOST_CUSTOM_GROUPS = 8
MOST_ITEMS = 32

CUSTOM_GROUP = "group"
"""The topic's name of a custom group's settings."""
GROUP_NAME = "group_name"
INVALID_GROUP = "vt3_invalid_group"
"""Why a command is refused that names a group that the tracker does not have."""
_NOT_CUSTOM = {*RESERVED_GROUPS, CUSTOM_GROUP, "modem1", "event", "userdata", "mgmt"}
_NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")
_KEY = re.compile(r"(?=.{1,64}$)[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)+")
_LONGEST_ALIAS = 64
_REQUEST = re.compile(r"(v1/(?P<serial>[^/]+)/)?(?P<group>[^/]+)/(?P<action>[^/]+)")
_OUTPUT_KEY = re.compile(r"io\.D[O0](?P<output>[1-3])")
_LIKE_AN_OUTPUT = re.compile(r"\s*io\s*\.\s*D[O0]", re.IGNORECASE)

# What a group uploads after its names were reset: all of Appendix A but for OBD, where
# more than 32 would be too many.
_RESET_INTEREST: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        GNSS: tuple(
            f"gnss.{name}"
            for name in (
                *("ts", "latitude", "longitude", "altitude", "speed", "heading"),
                *("hdop", "fix", "num_sv"),
            )
        ),
        MOTION: tuple(
            f"motion.{name}" for name in ("ts", "ax", "ay", "az", "gx", "gy", "gz")
        ),
        IO: (
            *("io.ts", "io.AI1", "io.IGT"),
            *(f"io.DI{n}" for n in (1, 2, 3, 4)),
            *(f"io.DI{n}_pullup" for n in (1, 2, 3, 4)),
            *(f"io.DO{n}" for n in OUTPUTS),
        ),
        OBD: tuple(
            f"obd.{name}"
            for name in (
                *("ts", "vin", "e_load", "c_temp", "rpm", "speed", "f_lvl", "f_rate"),
                *("dtcs", "mil", "b_volt", "a_temp", "o_temp", "up_time", "m_dist"),
                *("d_dist", "m_time", "d_time", "f_press", "t_pos", "brake", "parking"),
                *("f_econ", "odo", "a_pos", "t_dist", "i_temp", "i_press", "b_press"),
                *("a_torque", "d_e_f_vol", "e_hours"),
            )
        ),
        CELLULAR: (
            "modem1.ts",
            *(
                name
                for name, parameter in PARAMETERS.items()
                if parameter.group == CELLULAR
            ),
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Request:
    """A request to a tracker: what a topic says behind the serial number, and the payload."""

    group: str
    action: str
    payload: Mapping[str, Json]

    def topic(self, serial: str) -> Topic:
        """Return its topic for a tracker."""
        return Topic(serial, self.group, self.action)


def raw_request(request: str, payload: Mapping[str, Json] | None = None) -> Command:
    """Return the command that sends any request (``gnss/refresh``) to a tracker."""
    arguments: dict[str, Argument] = {REQUEST: request}
    if payload is not None:
        arguments[PAYLOAD] = json.dumps(payload)
    return Command(Vt3Command.SEND_REQUEST, arguments)


def custom_groups(groups: Json) -> Command:
    """Return the command that creates or changes custom groups (4.1.1)."""
    return Command(Vt3Command.SET_CUSTOM_GROUPS, {GROUPS: json.dumps(groups)})


def spelled_as_in_appendix(request: Request) -> Request | None:
    """Return a request with ``obd.dtcs`` (3.2.3) spelled as in A.4, None if it has none."""
    interest = request.payload.get(INTEREST)
    if not isinstance(interest, Mapping) or "obd.dtcs" not in interest:
        return None
    spelled = {
        "obd.dtc" if key == "obd.dtcs" else key: alias
        for key, alias in interest.items()
    }
    return replace(request, payload={**request.payload, INTEREST: spelled})


def output_of(command: Command) -> int:
    """Return which output a command switches. Raises InvalidArgument."""
    text = str(command.arguments.get(PART))
    if text not in {str(output) for output in OUTPUTS}:
        raise InvalidArgument(key="vt3_invalid_output")
    return int(text)


def set_output(output: int, *, on: bool, with_zero: bool) -> Request:
    """Return the request that turns an output on or off (3.4.1)."""
    return Request(IO, CONTROL, {io_name(output, with_zero=with_zero): int(on)})


def request_of(command: Command, serial: str, known_groups: Collection[str]) -> Request:
    """Return the request of any command but those for outputs.

    ``known_groups`` are the tracker's custom groups. Raises InvalidArgument for what the
    document does not allow, CommandUnsupported for another vendor's command.
    """
    arguments = command.arguments
    name = command.name
    if name == Vt3Command.GET_CUSTOM_GROUPS:
        return Request(CUSTOM_GROUP, GET, {})
    if name == Vt3Command.SET_CUSTOM_GROUPS:
        groups = _custom_groups(_json(arguments.get(GROUPS)), known_groups)
        return Request(CUSTOM_GROUP, SET, {"settings": groups})
    if name == Vt3Command.SEND_REQUEST:
        return _raw(arguments, serial)
    if name == Vt3Command.REFRESH_GROUP:
        return Request(
            _group(arguments, {*UPLOADED_GROUPS, SYSINFO, *known_groups}), REFRESH, {}
        )
    if name == Vt3Command.RESET_GROUP:
        group = _group(arguments, UPLOADED_GROUPS)
        return Request(
            group, SET, {INTEREST: dict.fromkeys(_RESET_INTEREST[group], "")}
        )
    group = _group(arguments, {*UPLOADED_GROUPS, SUMMARY, *known_groups})
    if name == Vt3Command.SET_UPLOAD_INTERVAL:
        return Request(group, SET, {INTERVAL: _interval(arguments.get(VALUE))})
    if name == Vt3Command.SET_GROUP:
        return Request(group, SET, _settings(arguments))
    raise CommandUnsupported


def can_stop(command: Command, serial: str, cutting_outputs: Collection[str]) -> bool:
    """Tell whether a command can turn on an output that stops the vehicle.

    A command that the document does not know can do anything. An invalid one is not sent.
    """
    if command.name == Vt3Command.TURN_ON_OUTPUT:
        return str(command.arguments.get(PART)) in cutting_outputs
    if command.name != Vt3Command.SEND_REQUEST:
        return False
    try:
        request = _raw(command.arguments, serial)
    except InvalidArgument:
        return False
    if request.action in (GET, REFRESH, SET):
        # Nobody knows what a tracker does with an output in a request that sets none.
        return any(map(_LIKE_AN_OUTPUT.match, request.payload))
    if (request.group, request.action) != (IO, CONTROL):
        return True
    return any(
        not (found := _OUTPUT_KEY.fullmatch(key))
        or (found["output"] in cutting_outputs and value not in (0, "0"))
        for key, value in request.payload.items()
        if key != CLIENT_TOKEN
    )


def restores(command: Command, serial: str, cutting_outputs: Collection[str]) -> bool:
    """Tell whether a command turns off an output that stops the vehicle, and only that."""
    if command.name == Vt3Command.TURN_OFF_OUTPUT:
        return str(command.arguments.get(PART)) in cutting_outputs
    if command.name != Vt3Command.SEND_REQUEST or can_stop(
        command, serial, cutting_outputs
    ):
        return False
    try:
        request = _raw(command.arguments, serial)
    except InvalidArgument:
        return False
    return (request.group, request.action) == (IO, CONTROL) and any(
        (found := _OUTPUT_KEY.fullmatch(key)) and found["output"] in cutting_outputs
        for key in request.payload
    )


def settings_in(payload: Json) -> list[Mapping[str, Json]]:
    """Return the settings of groups in a payload or an answer (4.1)."""
    if isinstance(payload, Mapping):
        payload = payload.get("settings")
    if not isinstance(payload, list):
        return []
    return [
        group
        for group in payload
        if isinstance(group, Mapping) and _can_be_custom(group.get(GROUP_NAME))
    ]


def output_state(result: Json, output: int) -> bool | None:
    """Return what an answer says of an output, however it is spelled."""
    if not isinstance(result, Mapping):
        return None
    for with_zero in (False, True):
        name = io_name(output, with_zero=with_zero)
        state = PARAMETERS[name].read(result.get(name))
        if isinstance(state, bool):
            return state
    return None


def _can_be_custom(name: object) -> bool:
    """Tell whether a tracker may have a custom group of a name, whoever made it."""
    return (
        isinstance(name, str)
        and Topic.parse(str(Topic("x", name, INFO))) is not None
        and name not in _NOT_CUSTOM
    )


def _is_custom(name: object) -> bool:
    """Tell whether we make custom groups of a name."""
    return _can_be_custom(name) and _NAME.fullmatch(str(name)) is not None


def _group(arguments: Mapping[str, Argument], allowed: Collection[str]) -> str:
    group = arguments.get(PART)
    if not isinstance(group, str) or group not in allowed:
        raise InvalidArgument(
            key=INVALID_GROUP, placeholders={"group": str(group)[:32]}
        )
    return group


def _interval(value: object) -> int:
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or value != value // 1
        or not 0 <= value <= LONGEST_INTERVAL
    ):
        raise InvalidArgument(
            key="vt3_invalid_interval", placeholders={"longest": str(LONGEST_INTERVAL)}
        )
    return int(value)


def _settings(arguments: Mapping[str, Argument]) -> dict[str, Json]:
    """Return interval and interest, of which one at least must be there (3.2.1)."""
    settings: dict[str, Json] = {}
    if INTERVAL in arguments:
        settings[INTERVAL] = _interval(arguments[INTERVAL])
    if INTEREST in arguments:
        settings[INTEREST] = _interest(_json(arguments[INTEREST]))
    if not settings:
        raise InvalidArgument(key="vt3_nothing_to_set")
    return settings


def _interest(interest: Json) -> dict[str, str]:
    """Return the parameters of a group and their aliases, none of which may be ambiguous."""
    if not isinstance(interest, Mapping) or not interest:
        raise InvalidArgument(key="vt3_invalid_interest")
    if len(interest) > MOST_ITEMS:
        raise InvalidArgument(
            key="vt3_too_many_items", placeholders={"most": str(MOST_ITEMS)}
        )
    checked: dict[str, str] = {}
    for key, alias in interest.items():
        if (
            not _KEY.fullmatch(key)
            or not isinstance(alias, str)
            or len(alias) > _LONGEST_ALIAS
        ):
            raise InvalidArgument(key="vt3_invalid_interest")
        checked[key] = alias
    names = {alias or key for key, alias in checked.items()}
    if len(names) < len(checked):
        raise InvalidArgument(key="vt3_same_alias")
    return checked


def _custom_groups(groups: Json, known_groups: Collection[str]) -> list[Json]:
    if not isinstance(groups, list) or not groups:
        raise InvalidArgument(key="vt3_invalid_groups")
    checked: list[Json] = []
    names = set()
    for group in groups:
        if not isinstance(group, Mapping) or not _is_custom(group.get(GROUP_NAME)):
            raise InvalidArgument(key="vt3_invalid_groups")
        settings: dict[str, Json] = {GROUP_NAME: group[GROUP_NAME]}
        if INTERVAL in group:
            settings[INTERVAL] = _interval(group[INTERVAL])
        if INTEREST in group:
            settings[INTEREST] = _interest(group[INTEREST])
        if len(settings) == 1:
            raise InvalidArgument(key="vt3_nothing_to_set")
        checked.append(settings)
        names.add(group[GROUP_NAME])
    if len(names) < len(checked):
        raise InvalidArgument(key="vt3_invalid_groups")
    if len(names | set(known_groups)) > MOST_CUSTOM_GROUPS:
        raise InvalidArgument(
            key="vt3_too_many_groups", placeholders={"most": str(MOST_CUSTOM_GROUPS)}
        )
    return checked


def _raw(arguments: Mapping[str, Argument], serial: str) -> Request:
    found = _REQUEST.fullmatch(str(arguments.get(REQUEST, "")))
    if found is None or found["serial"] not in (None, serial):
        raise InvalidArgument(key="vt3_invalid_request")
    topic = Topic(serial, found["group"], found["action"])
    if Topic.parse(str(topic)) is None:
        raise InvalidArgument(key="vt3_invalid_request")
    payload = _json(arguments[PAYLOAD]) if PAYLOAD in arguments else {}
    if not isinstance(payload, Mapping):
        raise InvalidArgument(key="vt3_invalid_payload")
    token = payload.get(CLIENT_TOKEN, "")
    if (
        not isinstance(token, str)
        or len(token.encode(errors="replace")) > LONGEST_TOKEN
    ):
        raise InvalidArgument(key="vt3_invalid_payload")
    return Request(topic.group, topic.action, payload)


def _json(text: object) -> Json:
    try:
        value: Json = json.loads(str(text))
    except (ValueError, RecursionError) as err:
        raise InvalidArgument(key="vt3_invalid_payload") from err
    return value
