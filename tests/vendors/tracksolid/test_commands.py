"""Commands: what they may do, which entry is sent, and what is made of the answers."""

from __future__ import annotations

from hypothesis import given, strategies as st
import pytest

from custom_components.fleet_tracker.contract.commands import Command
from custom_components.fleet_tracker.contract.errors import (
    CommandFailed,
    CommandUnconfirmed,
    CommandUnsupported,
    InvalidArgument,
    VehicleOffline,
    VehicleUnavailable,
)
from custom_components.fleet_tracker.model.vehicle import Reading
from custom_components.fleet_tracker.vendors.tracksolid.api.records import (
    Instruction,
    SentCommand,
)
from custom_components.fleet_tracker.vendors.tracksolid.commands import (
    Chosen,
    Commander,
    Effect,
    check_answer,
    effect_of,
    fill,
    find_button,
    find_entry,
    find_relay,
    places_of,
)
from custom_components.fleet_tracker.vendors.tracksolid.connection import (
    HUB_TOKEN,
    HUB_URL,
    TracksolidConnection,
)
from custom_components.fleet_tracker.vendors.tracksolid.vocabulary import (
    TracksolidCommand,
)
from tests.simulators.tracksolid import TracksolidSimulator
from tests.simulators.tracksolid.device import CUSTOM, Entry
from tests.simulators.tracksolid.instructions import deliver
from tests.vendors.fake_host import Cleared, FakeHost

from .helpers import CAM, CAR, VAN, poll, settings

SEND = "jimi.open.instruction.send"
RESULT = "jimi.open.instruction.result"
CUT, RESTORE = (
    Command(TracksolidCommand.CUT_ENGINE),
    Command(TracksolidCommand.RESTORE_ENGINE),
)


def entry(template: str, *, may_wait: bool = False, entry_id: str = "1") -> Instruction:
    """Return an entry of a list."""
    return Instruction(
        id=entry_id, name="", template=template, explanation=None, may_wait=may_wait
    )


# --- what a command may do ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "effect"),
    [
        ("STATUS#", Effect.HARMLESS),
        ("where#", Effect.HARMLESS),
        ("TIMER,10#", Effect.HARMLESS),
        ("RELAY#", Effect.HARMLESS),
        ("RELAY,0#", Effect.RESTORES),
        (" relay , 0 #", Effect.RESTORES),
        ("RELAY,1#", Effect.STOPS),
        ("relay,1", Effect.STOPS),
        ("RELAY,2#", Effect.STOPS),
        ("RELAY,00#", Effect.STOPS),
        ("666666,RELAY,0#", Effect.STOPS),
        ("STATUS#RELAY,1#", Effect.STOPS),
        ("STATUS;RELAY,1", Effect.STOPS),
        ("STATUS\nRELAY,1", Effect.STOPS),
        ("RELAY,0#RELAY,1#", Effect.STOPS),
        ("STATUS#RELAY,0#", Effect.RESTORES),
        ("STATUSRELAY,1#", Effect.STOPS),
        ("DYD#", Effect.UNKNOWN),
        ("STATUS#DYD#", Effect.UNKNOWN),
        ("7878#", Effect.UNKNOWN),
        ("", Effect.UNKNOWN),
        ("###", Effect.UNKNOWN),
        ("APN,internet.example.org,user,pass word#", Effect.HARMLESS),
        ("SOS,A,+31612345678,,#", Effect.HARMLESS),
        ("RTMP,ON,rtmp://10.0.0.1:1935/live/1#", Effect.HARMLESS),
        ("STATUS\0DYD#", Effect.UNKNOWN),
        ("STATUS,\x1aDYD#", Effect.UNKNOWN),
        ("STATUS,\x85DYD#", Effect.UNKNOWN),
        ("STATUS,\u2028DYD#", Effect.UNKNOWN),
        ("STATUS|DYD", Effect.UNKNOWN),
        ("STATUS,&DYD", Effect.UNKNOWN),
        ("WHERE*DYD*", Effect.UNKNOWN),
        ("STATUS:DYD", Effect.UNKNOWN),
        ("RELAY\u2028,0#", Effect.STOPS),
        ("RELAY,0\0#", Effect.STOPS),
    ],
)
def test_effects(text: str, effect: Effect) -> None:
    """Only what is known to be harmless is, and RELAY only restores when it plainly does."""
    assert effect_of(text) is effect


@given(st.text(max_size=20), st.text(max_size=20))
def test_relay_is_never_overlooked(before: str, after: str) -> None:
    """Wherever RELAY,1 hides, it stops."""
    assert effect_of(f"{before}RELAY,1{after}") is Effect.STOPS


# --- which entry is sent --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("templates", "cut", "expected"),
    [
        (["RELAY,1#", "RELAY,0#", "{0}"], True, ("RELAY,1#", ())),
        (["RELAY,1#", "RELAY,0#", "{0}"], False, ("RELAY,0#", ())),
        (["{0}", "RELAY,{0}#"], True, ("RELAY,{0}#", ("1",))),
        (["relay,{0}#"], False, ("relay,{0}#", ("0",))),
        (["{0}"], True, ("{0}", ("RELAY,1#",))),
        (["{0}"], False, ("{0}", ("RELAY,0#",))),
        (["RELAY,{0},{1}#", "RELAY#", "RELAY,ON#"], True, None),
        (["RELAY,{0},{1}#", "{0}"], True, ("{0}", ("RELAY,1#",))),
        (["STATUS#"], True, None),
        ([], True, None),
    ],
)
def test_relay_entries(
    templates: list[str], cut: bool, expected: tuple[str, tuple[str, ...]] | None
) -> None:
    """The RELAY entry of the device's own list, else the custom text."""
    chosen = find_relay([entry(template) for template in templates], cut=cut)
    if expected is None:
        assert chosen is None
        return
    assert chosen is not None
    assert (chosen.instruction.template, chosen.values) == expected
    assert chosen.effect is (Effect.STOPS if cut else Effect.RESTORES)


def test_commands_that_may_wait_never_cut() -> None:
    """Templates that wait for an offline device are used to restore only."""
    waiting = [entry("RELAY,{0}#", may_wait=True), entry("{0}", may_wait=True)]
    assert find_relay(waiting, cut=True) is None
    assert find_relay(waiting, cut=False) is not None
    mixed = [entry("RELAY,{0}#", may_wait=True), entry("{0}")]
    chosen = find_relay(mixed, cut=True)
    assert chosen is not None
    assert chosen.instruction.template == "{0}"


def test_buttons() -> None:
    """Only entries without places that plainly locate or restart."""
    known = [entry("URL#"), entry("RESET#"), entry("WHERE,{0}#"), entry("FACTORY#")]
    locate = find_button(known, TracksolidCommand.LOCATE)
    reboot = find_button(known, TracksolidCommand.REBOOT)
    assert locate is not None and locate.text == "URL#"
    assert reboot is not None and reboot.text == "RESET#"
    assert find_button([], TracksolidCommand.REBOOT) is None


def test_templates() -> None:
    """Places are filled by their numbers."""
    assert places_of("SOS,A,{0},{1},{10}#") == ["0", "1", "10"]
    assert fill("X,{1},{0},{1}#", ["a", "b"]) == "X,b,a,b#"
    assert fill("{0}", ["{1}"]) == "{1}"
    with pytest.raises(InvalidArgument):
        fill("X,{0}#", [])


def test_entries_by_id() -> None:
    """An id and a value for each place, no more and no less."""
    known = [entry("STATUS#", entry_id="7"), entry("SOS,{0},{1}#", entry_id="8")]
    assert find_entry(known, {"id": 7}) == Chosen(known[0])
    assert find_entry(known, {"id": "8", "0": 1, "1": "b"}).text == "SOS,1,b#"
    for wrong in ({}, {"id": "9"}, {"id": "8", "0": "a"}, {"id": "7", "0": "a"}):
        with pytest.raises(InvalidArgument):
            find_entry(known, wrong)


@pytest.mark.parametrize(
    "answer",
    [
        "Cut off the fuel supply: Success! Speed: 0 Km/h.",
        "OK",
        "Already in the state of fuel supply cut off, the command is not running!",
        "Battery:4.14V,NORMAL; GPRS:Link Up",
    ],
)
def test_words_that_say_yes(answer: str) -> None:
    """The command has worked, even if the vehicle was in that state already."""
    check_answer(answer)


@pytest.mark.parametrize(
    "answer",
    [
        "The command is not executed, speed is over 20km/h",
        "Parameter error",
        "OPEN command is not executed",
        "Fail!",
        "Unsupported command",
        "Command refused",
    ],
)
def test_words_that_say_no(answer: str) -> None:
    """The device's own words are told."""
    with pytest.raises(CommandFailed) as caught:
        check_answer(answer)
    assert caught.value.placeholders == {"answer": answer}


# --- cutting and restoring ------------------------------------------------------------------


@pytest.mark.parametrize("imei", [VAN, CAR])
async def test_cut_and_restore(
    connection: TracksolidConnection,
    sim: TracksolidSimulator,
    host: FakeHost,
    imei: str,
) -> None:
    """By whatever entry the model has; the state follows what was confirmed."""
    await poll(connection, host)
    for command, cut in ((CUT, True), (CUT, True), (RESTORE, False)):
        result = await connection.execute(imei, command, Cleared())
        assert result.update is not None
        host.receive([result.update])
        assert sim.devices[imei].relay is cut
        assert host.reading(imei, Reading.ENGINE_CUT) is cut


async def test_cut_by_custom_text(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """A model without a RELAY entry takes the text."""
    sim.devices[VAN].commands = (CUSTOM,)
    await poll(connection, host)
    await connection.execute(VAN, CUT, Cleared())
    assert sim.devices[VAN].sent[-1].text == "RELAY,1#"


async def test_cut_without_any_entry(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """Nothing is sent to a model that has no such command."""
    await poll(connection, host)
    with pytest.raises(CommandUnsupported) as caught:
        await connection.execute(CAM, CUT, Cleared())
    assert caught.value.translation_key == "command_unsupported"
    assert not sim.requests[SEND]


@pytest.mark.parametrize("may_wait", [False, True])
async def test_offline_is_refused(
    connection: TracksolidConnection,
    sim: TracksolidSimulator,
    host: FakeHost,
    may_wait: bool,
) -> None:
    """A cut-off is never queued: neither sent nor kept for later."""
    device = sim.devices[VAN]
    device.commands = ((163, "Relay", "RELAY,{0}#", may_wait), CUSTOM)
    device.online = False
    await poll(connection, host)
    with pytest.raises(VehicleOffline):
        await connection.execute(VAN, CUT, Cleared())
    assert not sim.requests[SEND]
    deliver(sim, device)
    assert not device.relay


async def test_cut_that_would_wait(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """Where every entry may wait, there is no cut-off; restoring may wait."""
    device = sim.devices[VAN]
    device.commands = ((163, "Relay", "RELAY,{0}#", True),)
    await poll(connection, host)
    with pytest.raises(CommandUnsupported) as caught:
        await connection.execute(VAN, CUT, Cleared())
    assert caught.value.translation_key == "tracksolid_cut_off_would_wait"
    device.online = False
    result = await connection.execute(VAN, RESTORE)
    assert result.warning == "tracksolid_command_queued"
    assert result.update is None


async def test_offline_since_the_last_look(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """The platform refuses what does not wait."""
    await poll(connection, host)
    sim.devices[VAN].online = False
    with pytest.raises(VehicleOffline):
        await connection.execute(VAN, CUT, Cleared())
    assert not sim.devices[VAN].sent


async def test_cut_that_came_to_wait_is_withdrawn(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """Should the platform keep a cut-off all the same, a restore replaces it."""
    device = sim.devices[VAN]
    waits: Entry = (163, "Relay", "RELAY,{0}#", True)
    device.commands = ((163, "Relay", "RELAY,{0}#", False), CUSTOM)
    await poll(connection, host)
    device.commands = (waits, CUSTOM)  # the list said otherwise
    device.online = False
    with pytest.raises(VehicleOffline) as caught:
        await connection.execute(VAN, CUT, Cleared())
    assert caught.value.translation_key == "tracksolid_cut_off_withdrawn"
    assert [(one.text, one.state) for one in device.sent] == [
        ("RELAY,1#", "4"),
        ("RELAY,0#", "3"),
    ]
    deliver(sim, device)
    assert not device.relay


@pytest.mark.parametrize("how", ["code", "status", "half"])
async def test_withdrawing_with_a_lost_answer(
    connection: TracksolidConnection,
    sim: TracksolidSimulator,
    host: FakeHost,
    how: str,
) -> None:
    """225, or none at all: what became of the cut-off is seen in the results."""
    device = sim.devices[VAN]
    device.commands = ((163, "Relay", "RELAY,{0}#", False), CUSTOM)
    await poll(connection, host)
    device.commands = ((163, "Relay", "RELAY,{0}#", True), CUSTOM)
    device.online = False
    sim.fail(SEND, 12005, "Result code：225", how=how, after=True, skip=1)
    with pytest.raises(VehicleOffline) as caught:
        await connection.execute(VAN, CUT, Cleared())
    assert caught.value.translation_key == "tracksolid_cut_off_withdrawn"
    assert [one.state for one in device.sent] == ["4", "3"]


@pytest.mark.parametrize(
    ("told", "state"),
    [
        (True, "1"),
        (False, "3"),
        ("true", "1"),
        ("False", "3"),
        ("1", "1"),
        (1, "1"),
        (4.0, "4"),
        ("0", "0"),
        (None, None),
        ("", None),
        ([], None),
    ],
)
def test_whether_a_command_was_carried_out(told: object, state: str | None) -> None:
    """A number for the system, truth for the document (8.3)."""
    assert SentCommand.from_row({"isExecute": told}).state == state


async def test_system_that_tells_truth_as_such(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """A cut-off that was carried out is confirmed, and its state shown."""
    sim.boolean_states = True
    await poll(connection, host)
    sim.devices[VAN].behaviour = "late"
    result = await connection.execute(VAN, CUT, Cleared())
    assert result.update is not None
    assert result.update.groups[0].readings == {Reading.ENGINE_CUT: True}


async def test_cut_that_cannot_be_withdrawn(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """The user is told that it may take effect later."""
    device = sim.devices[VAN]
    device.commands = ((163, "Relay", "RELAY,{0}#", False),)
    await poll(connection, host)
    device.commands = ((163, "Relay", "RELAY,{0}#", True),)
    device.online = False
    sim.fail(SEND, 0, "command is successfully sent.")
    device.sent.clear()
    # the first request is taken without a result; what waits is seen in the results
    from_before = sim.requests[SEND]
    commander = Commander(connection.client)
    known = await connection.instructions(VAN)
    cut, restore = find_relay(known, cut=True), find_relay(known, cut=False)
    assert cut is not None
    with pytest.raises(CommandUnconfirmed) as unheard:
        await commander.cut(VAN, cut, restore, Cleared())
    assert unheard.value.translation_key == "tracksolid_command_sent"
    assert sim.requests[SEND] == from_before + 1
    host.advance(1)
    with pytest.raises(CommandUnconfirmed) as caught:
        await commander.cut(VAN, cut, None, Cleared())
    assert caught.value.translation_key == "tracksolid_cut_off_waiting"
    sim.fail(RESULT, how="status", times=1)
    host.advance(60)


async def test_withdrawing_that_fails(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """An error while withdrawing is no reason to believe that it is gone."""
    device = sim.devices[VAN]
    device.commands = ((163, "Relay", "RELAY,{0}#", False),)
    await poll(connection, host)
    device.commands = ((163, "Relay", "RELAY,{0}#", True),)
    device.online = False
    known = await connection.instructions(VAN)
    cut = find_relay(known, cut=True)
    assert cut is not None
    unknown = Chosen(entry("RELAY,0#", entry_id="4711"))
    with pytest.raises(CommandUnconfirmed) as caught:
        await Commander(connection.client).cut(VAN, cut, unknown, Cleared())
    assert caught.value.translation_key == "tracksolid_cut_off_waiting"


async def test_commander_never_cuts_by_a_command_that_may_wait(
    connection: TracksolidConnection, sim: TracksolidSimulator
) -> None:
    """The last door, whatever was chosen."""
    chosen = Chosen(entry("RELAY,1#", may_wait=True))
    with pytest.raises(CommandUnsupported):
        await Commander(connection.client).cut(VAN, chosen, None, Cleared())
    assert not sim.requests[SEND]


# --- answers --------------------------------------------------------------------------------


@pytest.mark.parametrize("behaviour", ["late", "empty"])
async def test_answer_that_comes_later(
    connection: TracksolidConnection,
    sim: TracksolidSimulator,
    host: FakeHost,
    behaviour: str,
) -> None:
    """225, or an answer without words: the result is waited for."""
    await poll(connection, host)
    sim.devices[VAN].behaviour = behaviour
    result = await connection.execute(VAN, CUT, Cleared())
    assert result.text is not None
    assert "Success" in result.text
    assert sim.devices[VAN].relay
    assert sim.requests[SEND] == 1


async def test_answer_that_never_comes(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """Whether it took effect is not known; it is not repeated."""
    await poll(connection, host)
    sim.devices[VAN].behaviour = "silent"
    with pytest.raises(CommandUnconfirmed):
        await connection.execute(VAN, CUT, Cleared())
    assert sim.requests[SEND] == 1
    assert host.reading(VAN, Reading.ENGINE_CUT) is None


async def test_old_result_is_not_taken_for_the_answer(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """A cut-off that worked an hour ago says nothing of this one."""
    await poll(connection, host)
    await connection.execute(VAN, CUT, Cleared())
    host.advance(3600)
    sim.devices[VAN].relay = False
    sim.fail(SEND, 12005, "Fail to send command. Result code：225")
    with pytest.raises(CommandUnconfirmed):
        await connection.execute(VAN, CUT, Cleared())


async def test_result_of_a_moment_ago_is_not_taken_for_the_answer(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """Nor does one that worked a moment ago, though clocks may differ by more than that."""
    await poll(connection, host)
    await connection.execute(VAN, CUT, Cleared())
    await connection.execute(VAN, RESTORE)
    host.advance(2)
    sim.fail(SEND, 12005, "Fail to send command. Result code：225")
    with pytest.raises(CommandUnconfirmed):
        await connection.execute(VAN, CUT, Cleared())
    assert not sim.devices[VAN].relay


async def test_server_that_does_not_answer(
    connection: TracksolidConnection,
    sim: TracksolidSimulator,
    host: FakeHost,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A time-out is no failure: the result tells."""
    monkeypatch.setattr(
        "custom_components.fleet_tracker.vendors.tracksolid.api.instructions"
        ".SEND_WAIT_S",
        0.05,
    )
    await poll(connection, host)
    sim.fail(SEND, how="hang")
    with pytest.raises(CommandUnconfirmed):
        await connection.execute(VAN, CUT, Cleared())
    sim.heal()


@pytest.mark.parametrize("how", ["status", "html", "half"])
async def test_gateway_that_loses_its_patience(
    connection: TracksolidConnection,
    sim: TracksolidSimulator,
    host: FakeHost,
    how: str,
) -> None:
    """No answer to a cut-off is no failure of it, whatever the gateway says instead."""
    await poll(connection, host)
    sim.devices[VAN].behaviour = "late"
    sim.fail(SEND, how=how, times=1, after=True)
    result = await connection.execute(VAN, CUT, Cleared())
    assert result.text is not None
    assert "Success" in result.text
    assert sim.devices[VAN].relay
    assert sim.requests[SEND] == 1


async def test_result_that_cannot_be_read_at_first(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """A command that was sent has not failed because its result could not be read."""
    await poll(connection, host)
    sim.devices[VAN].behaviour = "late"
    sim.fail(RESULT, 1006, "request frequency is too high", times=1)
    sim.fail(RESULT, how="status", times=1)
    result = await connection.execute(VAN, CUT, Cleared())
    assert result.update is not None
    sim.devices[VAN].behaviour = "silent"
    sim.fail(RESULT, 1006, "request frequency is too high", times=-1)
    with pytest.raises(CommandUnconfirmed):
        await connection.execute(VAN, RESTORE)


@pytest.mark.parametrize(
    ("behaviour", "error", "key"),
    [
        ("refuses", CommandFailed, "tracksolid_command_failed"),
        ("busy", CommandFailed, "tracksolid_device_busy"),
        ("unsupported", CommandUnsupported, "command_unsupported"),
    ],
)
async def test_refusals(
    connection: TracksolidConnection,
    sim: TracksolidSimulator,
    host: FakeHost,
    behaviour: str,
    error: type[CommandFailed],
    key: str,
) -> None:
    """Each reason has its own text."""
    await poll(connection, host)
    sim.devices[VAN].behaviour = behaviour
    with pytest.raises(error) as caught:
        await connection.execute(VAN, CUT, Cleared())
    assert caught.value.translation_key == key


async def test_device_that_says_no(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """A success of the platform is none of the device."""
    await poll(connection, host)
    words = "The command is not executed, speed is over 20km/h"
    sim.devices[VAN].replies["RELAY"] = words
    with pytest.raises(CommandFailed) as caught:
        await connection.execute(VAN, CUT, Cleared())
    assert caught.value.placeholders == {"answer": words}
    sim.devices[VAN].behaviour = "late"
    host.advance(60)
    with pytest.raises(CommandFailed):
        await connection.execute(VAN, CUT, Cleared())


async def test_result_without_words(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """Done is done, even without words; a state that nobody knows says nothing."""
    await poll(connection, host)
    device = sim.devices[VAN]
    device.behaviour = "silent"
    states = ["9", "1"]
    sleep = host.sleep

    async def answer_meanwhile(seconds: float) -> None:
        device.sent[-1].state = states.pop(0)
        await sleep(seconds)

    connection.client.transport.sleep = answer_meanwhile
    result = await connection.execute(VAN, RESTORE)
    assert result.text is None
    assert result.update is not None


@pytest.mark.parametrize(("state", "words"), [("0", ""), ("4", "Parameter error")])
async def test_result_that_failed(
    connection: TracksolidConnection,
    sim: TracksolidSimulator,
    host: FakeHost,
    state: str,
    words: str,
) -> None:
    """Failed and cancelled commands are told, with words where there are some."""
    await poll(connection, host)
    device = sim.devices[VAN]
    device.behaviour = "silent"
    sleep = host.sleep

    async def fail_meanwhile(seconds: float) -> None:
        device.sent[-1].state, device.sent[-1].content = state, words
        await sleep(seconds)

    connection.client.transport.sleep = fail_meanwhile
    with pytest.raises(CommandFailed) as caught:
        await connection.execute(VAN, RESTORE)
    expected = "tracksolid_command_refused" if words else "tracksolid_command_failed"
    assert caught.value.translation_key == expected


async def test_result_without_its_text_is_found_by_its_id(
    connection: TracksolidConnection,
    sim: TracksolidSimulator,
    host: FakeHost,
) -> None:
    """Some results only have the id."""
    await poll(connection, host)
    device = sim.devices[VAN]
    device.behaviour = "empty"
    sleep = host.sleep

    async def drop_text(seconds: float) -> None:
        device.sent[-1].text = ""
        await sleep(seconds)

    connection.client.transport.sleep = drop_text
    result = await connection.execute(VAN, RESTORE)
    assert result.update is not None


# --- other commands -------------------------------------------------------------------------


async def test_buttons_of_the_list(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """Locate and reboot, where the list has them."""
    await poll(connection, host)
    await connection.execute(CAR, Command(TracksolidCommand.LOCATE))
    await connection.execute(CAR, Command(TracksolidCommand.REBOOT))
    assert [one.text for one in sim.devices[CAR].sent] == ["URL#", "RESET#"]
    with pytest.raises(CommandUnsupported):
        await connection.execute(VAN, Command(TracksolidCommand.LOCATE))


async def test_any_entry(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """By id, with values; what may wait says that it waits."""
    await poll(connection, host)
    timer = Command(TracksolidCommand.SEND_INSTRUCTION, {"id": "20", "0": "30"})
    assert not connection.can_stop(VAN, timer)
    result = await connection.execute(VAN, timer)
    assert result.text == "TIMER,30 OK"
    sim.devices[VAN].online = False
    host.advance(60)
    result = await connection.execute(VAN, timer)
    assert (result.text, result.warning) == (None, "tracksolid_command_queued")
    relay = Command(TracksolidCommand.SEND_INSTRUCTION, {"id": "163", "0": "1"})
    assert connection.can_stop(VAN, relay)
    restore = Command(TracksolidCommand.SEND_INSTRUCTION, {"id": "163", "0": "0"})
    assert not connection.can_stop(VAN, restore)
    unknown = Command(TracksolidCommand.SEND_INSTRUCTION, {"id": "4711"})
    assert connection.can_stop(VAN, unknown)
    with pytest.raises(InvalidArgument):
        await connection.execute(VAN, unknown, Cleared())


async def test_unknown_entry_that_may_wait_is_not_sent(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """Of what cannot be judged nothing waits either."""
    sim.devices[VAN].commands = ((55, "?", "DYD,{0}#", True),)
    await poll(connection, host)
    mystery = Command(TracksolidCommand.SEND_INSTRUCTION, {"id": "55", "0": "1"})
    assert connection.can_stop(VAN, mystery)
    with pytest.raises(CommandUnsupported):
        await connection.execute(VAN, mystery, Cleared())
    assert not sim.requests[SEND]


async def test_text(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """Any text, by the custom entry."""
    await poll(connection, host)
    status = Command(TracksolidCommand.SEND_TEXT, {"text": "STATUS#"})
    assert not connection.can_stop(VAN, status)
    result = await connection.execute(VAN, status)
    assert result.text is not None and result.text.startswith("Battery")
    assert connection.can_stop(
        VAN, Command(TracksolidCommand.SEND_TEXT, {"text": "RELAY,1#"})
    )
    assert connection.can_stop(VAN, Command(TracksolidCommand.SEND_TEXT))
    with pytest.raises(InvalidArgument):
        await connection.execute(
            VAN, Command(TracksolidCommand.SEND_TEXT, {"text": " "}), Cleared()
        )
    with pytest.raises(CommandUnsupported):
        await connection.execute(CAM, status)


async def test_raw(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """Hex cannot be judged, is not confirmed, and goes only to who is online."""
    await poll(connection, host)
    raw = Command(TracksolidCommand.SEND_RAW, {"hex": "0B02"})
    assert connection.can_stop(VAN, raw)
    result = await connection.execute(VAN, raw, Cleared())
    assert result.warning == "tracksolid_command_sent"
    sim.fail("jimi.open.instruction.raw.send", how="status", after=True)
    result = await connection.execute(VAN, raw, Cleared())
    assert result.warning == "tracksolid_command_sent"
    sim.devices[VAN].online = False
    host.advance(60)
    await poll(connection, host)
    with pytest.raises(VehicleOffline):
        await connection.execute(VAN, raw, Cleared())


async def test_unknown_commands_and_vehicles(
    connection: TracksolidConnection, host: FakeHost
) -> None:
    """An unknown command counts as stopping, and is not carried out."""
    await poll(connection, host)
    strange = Command("fly")
    assert connection.can_stop(VAN, strange)
    with pytest.raises(InvalidArgument):
        await connection.execute(VAN, strange, Cleared())
    with pytest.raises(VehicleUnavailable):
        await connection.execute("1", RESTORE)
    assert connection.can_stop(
        "1", Command(TracksolidCommand.SEND_INSTRUCTION, {"id": "1"})
    )
    for name in (
        TracksolidCommand.RESTORE_ENGINE,
        TracksolidCommand.TAKE_PHOTO,
        TracksolidCommand.REBOOT,
    ):
        assert not connection.can_stop(VAN, Command(name))


@pytest.mark.parametrize(
    ("entered", "address"),
    [
        (" hub.example:10088/ ", "https://hub.example:10088"),
        ("http://192.168.1.5:10088", "http://192.168.1.5:10088"),
    ],
)
async def test_address_of_the_own_hub(
    sim: TracksolidSimulator, host: FakeHost, entered: str, address: str
) -> None:
    """As with servers, an address without a scheme is read as https."""
    connection = TracksolidConnection(settings(sim, **{HUB_URL: entered}), host)
    assert connection.hub is not None
    assert connection.hub.url == f"{address}/api/device/sendInstruct"
    assert TracksolidConnection(settings(sim, **{HUB_URL: " "}), host).hub is None


async def test_text_by_the_own_hub(sim: TracksolidSimulator, host: FakeHost) -> None:
    """Who has an instruction host talks to it; what can stop a vehicle never does."""
    options = {HUB_URL: sim.root, HUB_TOKEN: sim.hub_token}
    connection = TracksolidConnection(settings(sim, **options), host)
    await poll(connection, host)
    result = await connection.execute(
        VAN, Command(TracksolidCommand.SEND_TEXT, {"text": "STATUS#"})
    )
    assert result.text is not None and result.text.startswith("Battery")
    assert len(sim.hub_calls) == 1
    assert not sim.requests[SEND]
    await connection.execute(
        VAN, Command(TracksolidCommand.SEND_TEXT, {"text": "RELAY,1#"}), Cleared()
    )
    assert len(sim.hub_calls) == 1
    assert sim.devices[VAN].relay
    await connection.close()
