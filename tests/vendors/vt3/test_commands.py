"""What a tracker may be told, checked against the document before it is sent."""

from __future__ import annotations

import json
import math

import pytest

from custom_components.fleet_tracker.contract.commands import Argument, Command
from custom_components.fleet_tracker.contract.errors import (
    CommandUnsupported,
    InvalidArgument,
)
from custom_components.fleet_tracker.model.json_values import Json
from custom_components.fleet_tracker.vendors.vt3 import commands
from custom_components.fleet_tracker.vendors.vt3.commands import Request
from custom_components.fleet_tracker.vendors.vt3.parameters import (
    PARAMETERS,
    POSITION_PARAMETERS,
    TIME_PARAMETERS,
    UPLOADED_GROUPS,
)
from custom_components.fleet_tracker.vendors.vt3.vocabulary import Vt3Command

SERIAL = "VF1"


def request(name: str, known: tuple[str, ...] = (), **arguments: Argument) -> Request:
    """Return what a command sends."""
    return commands.request_of(Command(name, arguments), SERIAL, known)


def groups(*settings: Json, known: tuple[str, ...] = ()) -> Request:
    """Return what the command for custom groups sends."""
    return commands.request_of(commands.custom_groups(list(settings)), SERIAL, known)


def refused(name: str, **arguments: Argument) -> str:
    """Return the key of the error that a command's arguments raise."""
    with pytest.raises(InvalidArgument) as raised:
        commands.request_of(Command(name, arguments), SERIAL, ())
    return raised.value.translation_key


def test_refresh() -> None:
    """Reserved groups and those that the tracker has; nothing else."""
    for group in (*UPLOADED_GROUPS, "sysinfo"):
        assert request(Vt3Command.REFRESH_GROUP, part=group) == Request(
            group, "refresh", {}
        )
    assert request(Vt3Command.REFRESH_GROUP, ("mine",), part="mine").group == "mine"
    others: tuple[Argument, ...] = ("mine", "summary", "", 5, "io/control")
    for other in others:
        assert refused(Vt3Command.REFRESH_GROUP, part=other) == "vt3_invalid_group"
    assert refused(Vt3Command.REFRESH_GROUP) == "vt3_invalid_group"


def test_interval() -> None:
    """0 to 3600 whole seconds, as numbers come from Home Assistant."""
    for value in (0, 10.0, 3600):
        sent = request(Vt3Command.SET_UPLOAD_INTERVAL, part="gnss", value=value)
        assert sent == Request("gnss", "set", {"interval": value})
        assert isinstance(sent.payload["interval"], int)
    wrong: tuple[Argument, ...] = (-1, 3601, 1.5, math.nan, math.inf, True, "10")
    for argument in wrong:
        assert (
            refused(Vt3Command.SET_UPLOAD_INTERVAL, part="gnss", value=argument)
            == "vt3_invalid_interval"
        )
    assert (
        refused(Vt3Command.SET_UPLOAD_INTERVAL, part="gnss") == "vt3_invalid_interval"
    )
    assert (
        refused(Vt3Command.SET_UPLOAD_INTERVAL, part="sysinfo", value=5)
        == "vt3_invalid_group"
    )


def test_settings() -> None:
    """Interval, interest or both (3.2.1), of custom groups and the summary, too."""
    interest = {"obd.mil": "MIL", "obd.dtcs": ""}
    sent = request(
        Vt3Command.SET_GROUP, part="obd", interval=60, interest=json.dumps(interest)
    )
    assert sent == Request("obd", "set", {"interval": 60, "interest": interest})
    assert request(Vt3Command.SET_GROUP, part="summary", interval=0).payload == {
        "interval": 0
    }
    assert request(
        Vt3Command.SET_GROUP, ("mine",), part="mine", interest='{"io.DI1": "d"}'
    ).payload == {"interest": {"io.DI1": "d"}}
    assert refused(Vt3Command.SET_GROUP, part="obd") == "vt3_nothing_to_set"


@pytest.mark.parametrize(
    ("interest", "key"),
    [
        ("", "vt3_invalid_payload"),
        ("[" * 100_000, "vt3_invalid_payload"),
        ("{}", "vt3_invalid_interest"),
        ("[]", "vt3_invalid_interest"),
        ('{"rpm": ""}', "vt3_invalid_interest"),
        ('{"obd.rpm": null}', "vt3_invalid_interest"),
        ('{"obd. rpm": ""}', "vt3_invalid_interest"),
        (json.dumps({"obd.rpm": "x" * 65}), "vt3_invalid_interest"),
        (json.dumps({f"obd.k{n}": "" for n in range(33)}), "vt3_too_many_items"),
        ('{"obd.rpm": "a", "obd.speed": "a"}', "vt3_same_alias"),
        ('{"obd.rpm": "obd.speed", "obd.speed": ""}', "vt3_same_alias"),
    ],
)
def test_interest_that_is_not_allowed(interest: str, key: str) -> None:
    """Up to 32 parameters, each under a name of its own."""
    assert refused(Vt3Command.SET_GROUP, part="obd", interest=interest) == key
    if key != "vt3_invalid_payload":
        with pytest.raises(InvalidArgument) as raised:
            groups({"group_name": "g", "interest": json.loads(interest)})
        assert raised.value.translation_key == key


def test_reset() -> None:
    """Names are reset to those of the document, of at most 32 parameters that exist."""
    known = {*PARAMETERS, *POSITION_PARAMETERS, *TIME_PARAMETERS}
    for group in UPLOADED_GROUPS:
        sent = request(Vt3Command.RESET_GROUP, part=group)
        interest = sent.payload["interest"]
        assert isinstance(interest, dict)
        assert set(interest.values()) == {""}
        assert set(interest) <= known
        assert len(interest) <= 32
        again = request(Vt3Command.SET_GROUP, part=group, interest=json.dumps(interest))
        assert again == sent
    assert refused(Vt3Command.RESET_GROUP, part="mine") == "vt3_invalid_group"


def test_custom_groups() -> None:
    """The example of 4.1.1, and reading them."""
    one: Json = {"group_name": "group1", "interval": 60, "interest": {"io.DI1": "D"}}
    two: Json = {"group_name": "group2", "interval": 0, "more": 1}
    assert groups(one, two) == Request(
        "group",
        "set",
        {"settings": [one, {"group_name": "group2", "interval": 0}]},
    )
    assert request(Vt3Command.GET_CUSTOM_GROUPS) == Request("group", "get", {})


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ([], "vt3_invalid_groups"),
        (["a"], "vt3_invalid_groups"),
        ([{"interval": 5}], "vt3_invalid_groups"),
        ([{"group_name": "gnss", "interval": 5}], "vt3_invalid_groups"),
        ([{"group_name": "event", "interval": 5}], "vt3_invalid_groups"),
        ([{"group_name": "a/b", "interval": 5}], "vt3_invalid_groups"),
        ([{"group_name": "a" * 33, "interval": 5}], "vt3_invalid_groups"),
        (2 * [{"group_name": "a", "interval": 5}], "vt3_invalid_groups"),
        ([{"group_name": "a"}], "vt3_nothing_to_set"),
        ([{"group_name": "a", "interval": 3601}], "vt3_invalid_interval"),
        (
            [{"group_name": f"g{n}", "interval": 5} for n in range(9)],
            "vt3_too_many_groups",
        ),
    ],
)
def test_custom_groups_that_are_not_allowed(settings: list[Json], key: str) -> None:
    """Up to 8 groups with names of their own."""
    with pytest.raises(InvalidArgument) as raised:
        groups(*settings)
    assert raised.value.translation_key == key


def test_custom_groups_in_all() -> None:
    """The groups that are there count, unless they are changed."""
    known = tuple(f"g{number}" for number in range(8))
    assert groups({"group_name": "g3", "interval": 5}, known=known)
    with pytest.raises(InvalidArgument) as raised:
        groups({"group_name": "new", "interval": 5}, known=known)
    assert raised.value.placeholders == {"most": "8"}
    assert refused(Vt3Command.SET_CUSTOM_GROUPS, groups="5") == "vt3_invalid_groups"
    assert refused(Vt3Command.SET_CUSTOM_GROUPS, groups="?") == "vt3_invalid_payload"


def test_raw_requests() -> None:
    """Any request to this tracker, with or without a payload."""
    for text in ("mgmt/cfg-get", "v1/VF1/mgmt/cfg-get"):
        sent = commands.request_of(commands.raw_request(text, {"a": [1]}), SERIAL, ())
        assert sent == Request("mgmt", "cfg-get", {"a": [1]})
    bare = commands.request_of(commands.raw_request("gnss/refresh"), SERIAL, ())
    assert str(bare.topic(SERIAL)) == "v1/VF1/gnss/refresh"
    for text in ("", "gnss", "v1/VF2/gnss/refresh", "a b/c", "gnss/refresh/resp"):
        assert refused(Vt3Command.SEND_REQUEST, request=text) == "vt3_invalid_request"
    assert refused(Vt3Command.SEND_REQUEST) == "vt3_invalid_request"
    for payload in (
        "5",
        "{",
        '{"client_token": 5}',
        '{"client_token": "%s"}' % ("é" * 17),
    ):
        assert (
            refused(Vt3Command.SEND_REQUEST, request="a/b", payload=payload)
            == "vt3_invalid_payload"
        )


def test_outputs() -> None:
    """Outputs 1 to 3, spelled in both ways."""
    for part in ("1", 2, "3"):
        command = Command(Vt3Command.TURN_ON_OUTPUT, {"part": part})
        assert commands.output_of(command) == int(part)
    for part in (0, "4", "x", True, "01"):
        with pytest.raises(InvalidArgument):
            commands.output_of(Command(Vt3Command.TURN_ON_OUTPUT, {"part": part}))
    assert commands.set_output(2, on=True, with_zero=False) == Request(
        "io", "control", {"io.DO2": 1}
    )
    assert commands.set_output(2, on=False, with_zero=True).payload == {"io.D02": 0}
    assert commands.output_state({"io.DO2": 1}, 2) is True
    assert commands.output_state({"io.D02": "0"}, 2) is False
    assert commands.output_state({"io.DO1": 1}, 2) is None
    assert commands.output_state([], 2) is None


def test_commands_of_others() -> None:
    """Commands of other vendors are not supported."""
    with pytest.raises(CommandUnsupported):
        request("lock", part="gnss")


def can_stop(command: Command) -> bool:
    """Tell whether a command can stop a vehicle whose second output cuts its engine."""
    return commands.can_stop(command, SERIAL, frozenset({"2"}))


def test_requests_that_can_stop_a_vehicle() -> None:
    """Turning on an output that cuts, in whatever words; restoring never."""
    on, off = Vt3Command.TURN_ON_OUTPUT, Vt3Command.TURN_OFF_OUTPUT
    assert can_stop(Command(on, {"part": "2"}))
    assert can_stop(Command(on, {"part": 2}))
    assert not can_stop(Command(on, {"part": "1"}))
    assert not can_stop(Command(off, {"part": "2"}))
    assert not can_stop(Command(Vt3Command.REFRESH_GROUP, {"part": "io"}))
    raw = commands.raw_request
    on_values: tuple[Json, ...] = (1, True, "1", None, [0], "off", 2)
    for value in on_values:
        assert can_stop(raw("io/control", {"io.DO2": value}))
        assert can_stop(raw("v1/VF1/io/control", {"io.D02": value, "io.DO1": 0}))
    off_values: tuple[Json, ...] = (0, "0", False, 0.0)
    for value in off_values:
        assert not can_stop(raw("io/control", {"io.DO2": value}))
    assert not can_stop(raw("io/control", {"io.DO1": 1, "client_token": "x"}))
    assert not can_stop(raw("io/control"))
    assert can_stop(raw("io/control", {"io.DO4": 1}))
    assert can_stop(raw("io/control", {"io.do2": 1}))
    assert can_stop(raw("mgmt/control", {"cmd": "upgrade"}))
    for harmless in ("io/refresh", "group/get", "io/set", "group/set"):
        assert not can_stop(raw(harmless))
        for key in ("io.DO2", "io.D02", "io.do1", " io.DO2"):
            assert can_stop(raw(harmless, {key: 1}))
    assert not can_stop(raw("io/set", {"interval": 5, "interest": {"io.DO2": ""}}))
    # What is not valid is refused before it is sent.
    assert not can_stop(raw("v1/VF2/io/control", {"io.DO2": 1}))


def test_settings_in_answers() -> None:
    """Both a list and the form of the request are understood."""
    one: Json = {"group_name": "group1", "interval": 60}
    strange: Json = {"group_name": "gnss"}
    assert commands.settings_in([one, strange, 5, {}]) == [one]
    assert commands.settings_in({"settings": [one]}) == [one]
    assert commands.settings_in({}) == commands.settings_in(None) == []


def test_another_spelling_only_where_there_is_one() -> None:
    """A refused request is not repeated unchanged (3.2.3 against A.4)."""
    spelled = commands.spelled_as_in_appendix(
        Request("obd", "set", {"interest": {"obd.dtcs": "", "obd.rpm": "r"}})
    )
    assert spelled is not None
    assert spelled.payload == {"interest": {"obd.dtc": "", "obd.rpm": "r"}}
    for payload in (
        {"interest": {"obd.rpm": ""}},
        {"interest": "obd.dtcs"},
        {"interest": ["obd.dtcs"]},
        {"interval": 5},
    ):
        assert commands.spelled_as_in_appendix(Request("obd", "set", payload)) is None
