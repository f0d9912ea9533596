"""Commands: what they may do to a vehicle, and how they are sent and confirmed (8.1-8.3).

A cut-off is sent only to a device that is online, and only by a template that does not wait
for a device to come online. Should it wait all the same, it is withdrawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
import logging
import re

from ...contract.commands import HARMLESS, Argument, Clearance, Command
from ...contract.errors import (
    CommandFailed,
    CommandUnconfirmed,
    CommandUnsupported,
    CommandWithdrawn,
    InvalidAnswer,
    InvalidArgument,
    VehicleOffline,
    VendorError,
)
from ...transport.http_client import NoAnswer
from .api.client import TracksolidClient
from .api.errors import CommandPending
from .api.records import Instruction, SentCommand
from .vocabulary import TracksolidCommand

_LOGGER = logging.getLogger(__name__)

# Arguments of commands. The values of a template's places are "0", "1" and on.
ARGUMENT_ID = "id"
ARGUMENT_TEXT = "text"
ARGUMENT_HEX = "hex"
ARGUMENT_SECONDS = "seconds"

QUEUED = "tracksolid_command_queued"
"""The reservation of a command that waits for a vehicle that is offline."""

CUT_TEXT = "RELAY,1#"
RESTORE_TEXT = "RELAY,0#"

_CUSTOM = "{0}"
_PLACE = re.compile(r"\{(\d+)\}")
_RESULT_EVERY_S = 3.0
_RESULT_QUERIES = 12
_RESULT_WITHIN = timedelta(minutes=2)
"""How long the result of a command is asked for after it was sent."""
_WITHDRAWAL_QUERIES = 4
_CANCELLED = "4"
_CLOCK_TOLERANCE = timedelta(seconds=5)

# Commands of the vendor's trackers that read, report, restart or take pictures.
_HARMLESS = frozenset(
    {
        "ACCALM",
        "ANGLEREP",
        "APN",
        "BATALM",
        "CENTER",
        "GMT",
        "GPRSSET",
        "HBT",
        "ICCID",
        "IMSI",
        "LANG",
        "MILEAGE",
        "PARAM",
        "PICTURE",
        "POWERALM",
        "REBOOT",
        "RESET",
        "RTMP",
        "SCXSZ",
        "SENALM",
        "SOS",
        "STATUS",
        "TIMER",
        "URL",
        "VERSION",
        "VIDEO",
        "WHERE",
    }
)
# A word, and its values behind commas: numbers, names, addresses, paths.
_PLAIN = re.compile(r"[ \t]*[A-Za-z]+[ \t]*(,[A-Za-z0-9 \t.,:/@+=_%?-]*)?")
_LOCATE_WORDS = ("WHERE", "URL")
_REBOOT_WORDS = ("RESET", "REBOOT")

# "Already in the state of fuel supply cut off, the command is not running!" is what the
# user wanted.
_ALREADY = re.compile(r"\balready\b", re.IGNORECASE)
_SAYS_NO = re.compile(
    r"\b(fail|error|refus|reject|invalid|illegal|denied|wrong|unsupport|cannot|can't"
    r"|not (been )?(execut|run|support|allow))",
    re.IGNORECASE,
)


class Effect(StrEnum):
    """The effect of a command on a vehicle."""

    HARMLESS = "harmless"
    RESTORES = "restores"
    STOPS = "stops"
    UNKNOWN = "unknown"


def effect_of(text: str) -> Effect:
    """Return what a text command may do: the worst effect of the commands in it.

    A command with RELAY that does not plainly restore can stop a vehicle. The effect of
    words that are not listed as harmless is unknown, and so is that of signs that stand in
    no command: behind one of them a device may find another command.
    """
    effects = {_effect_of_one(part) for part in re.split(r"[#;\r\n]", text) if part}
    for effect in (Effect.STOPS, Effect.UNKNOWN, Effect.RESTORES, Effect.HARMLESS):
        if effect in effects:
            return effect
    return Effect.UNKNOWN


def _effect_of_one(text: str) -> Effect:
    if not _PLAIN.fullmatch(text):
        return Effect.STOPS if "RELAY" in text.upper() else Effect.UNKNOWN
    command = "".join(text.upper().split())
    if command == "RELAY,0":
        return Effect.RESTORES
    if command == "RELAY":
        return Effect.HARMLESS  # it only asks
    if "RELAY" in command:
        return Effect.STOPS
    word = re.match(r"[A-Z]+", command)
    if word is not None and word[0] in _HARMLESS:
        return Effect.HARMLESS
    return Effect.UNKNOWN


def places_of(template: str) -> list[str]:
    """Return the numbers of a template's places, in order."""
    return sorted(set(_PLACE.findall(template)), key=int)


def fill(template: str, values: Sequence[str]) -> str:
    """Return a template with its places filled.

    Raises InvalidArgument unless there is one value for each place.
    """
    places = places_of(template)
    if len(places) != len(values):
        raise InvalidArgument("Values do not fit", key="tracksolid_ambiguous_command")
    by_place = dict(zip(places, values, strict=True))
    return _PLACE.sub(lambda found: by_place[found[1]], template)


@dataclass(frozen=True, slots=True)
class Chosen:
    """A command of a device's list, with the values of its places."""

    instruction: Instruction
    values: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The text for the device."""
        return fill(self.instruction.template, self.values)

    @property
    def effect(self) -> Effect:
        """Its effect."""
        return effect_of(self.text)


def find_relay(instructions: Iterable[Instruction], *, cut: bool) -> Chosen | None:
    """Return what cuts the engine off or restores it, by a device's own list.

    A RELAY entry comes first, the custom text second. Entries that wait for a device
    that is offline are never used to cut.
    """
    wanted = CUT_TEXT if cut else RESTORE_TEXT
    custom = None
    for instruction in instructions:
        if cut and instruction.may_wait:
            continue
        template = instruction.template
        if template == _CUSTOM:
            custom = Chosen(instruction, (wanted,))
        elif template.upper().startswith("RELAY"):
            values = ("1" if cut else "0",) * len(places_of(template))
            chosen = Chosen(instruction, values)
            if len(values) < 2 and _same(chosen.text, wanted):
                return chosen
    return custom


def find_custom(instructions: Iterable[Instruction], text: str) -> Chosen | None:
    """Return the entry that sends any text, None where the device has none."""
    for instruction in instructions:
        if instruction.template == _CUSTOM:
            return Chosen(instruction, (text,))
    return None


def find_button(instructions: Sequence[Instruction], name: str) -> Chosen | None:
    """Return the entry that locates or restarts a device, None where it has none."""
    words = _LOCATE_WORDS if name == TracksolidCommand.LOCATE else _REBOOT_WORDS
    for word in words:
        for instruction in instructions:
            if _same(instruction.template, word):
                return Chosen(instruction)
    return None


def find_entry(
    instructions: Iterable[Instruction], arguments: Mapping[str, Argument]
) -> Chosen:
    """Return the entry of an id, with the values that are given for its places.

    Raises InvalidArgument when there is none, or the values do not fit.
    """
    wanted = str(arguments.get(ARGUMENT_ID, ""))
    for instruction in instructions:
        if instruction.id == wanted:
            given = {key for key in arguments if key.isdecimal()}
            places = places_of(instruction.template)
            if given != set(places):
                break
            return Chosen(instruction, tuple(str(arguments[key]) for key in places))
    raise InvalidArgument("No such command", key="tracksolid_ambiguous_command")


def find(instructions: Sequence[Instruction], command: Command) -> Chosen:
    """Return the entry by which a device is sent a command, other than a cut-off.

    Raises InvalidArgument for what is not valid, CommandUnsupported where it has none.
    """
    if command.name in (TracksolidCommand.LOCATE, TracksolidCommand.REBOOT):
        chosen = find_button(instructions, command.name)
    elif command.name == TracksolidCommand.SEND_INSTRUCTION:
        chosen = find_entry(instructions, command.arguments)
    elif command.name == TracksolidCommand.SEND_TEXT:
        text = str(command.arguments.get(ARGUMENT_TEXT, "")).strip()
        if not text:
            raise InvalidArgument("An empty text")
        chosen = find_custom(instructions, text)
    else:
        raise InvalidArgument("Unknown command")
    if chosen is None:
        raise CommandUnsupported("Not in the device's list")
    return chosen


def _same(one: str, other: str) -> bool:
    """Tell whether two texts are the same command."""
    return one.strip().rstrip("#").upper() == other.rstrip("#")


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a command: the device's words, or that it waits for the device."""

    answer: str | None = None
    waits: bool = False


class Commander:
    """Sends commands of an account's devices and finds out what came of them."""

    def __init__(self, client: TracksolidClient) -> None:
        """Initialize with the client that carries the calls."""
        self._client = client
        self._ended: dict[tuple[str, str], datetime] = {}
        """When a text that was sent to a device had its result, by the server's clock."""

    async def send(
        self, imei: str, chosen: Chosen, clearance: Clearance = HARMLESS
    ) -> Outcome:
        """Send a command and return when the device answered, or when it waits for it.

        Raises CommandFailed when the device says no, VehicleOffline,
        CommandUnsupported, or CommandUnconfirmed when nothing is heard in time.
        """
        try:
            return await self._send(imei, chosen, clearance)
        finally:
            now = self._client.transport.server_now
            self._ended[imei, chosen.text] = now

    async def _send(self, imei: str, chosen: Chosen, clearance: Clearance) -> Outcome:
        started = self._client.transport.server_now
        # The result of an earlier command with the same text is not the result of this one.
        ended = self._ended.get((imei, chosen.text))
        until = self._client.transport.now() + _RESULT_WITHIN
        try:
            answer = await self._client.instructions.send(
                imei, chosen.instruction, chosen.values, clearance=clearance
            )
        except (CommandPending, InvalidAnswer, NoAnswer):
            answer = None
        if answer is not None:
            check_answer(answer)
            return Outcome(answer)
        for _ in range(_RESULT_QUERIES):
            await self._client.transport.sleep(_RESULT_EVERY_S)
            if self._client.transport.now() > until:
                break
            try:
                sent = await self._newest(imei, chosen)
            except VendorError:
                continue  # it was sent all the same, and the next look may tell
            if sent is None or sent.sent_at is None:
                continue
            if sent.sent_at < started - _CLOCK_TOLERANCE:
                continue
            if ended is not None and sent.sent_at <= ended:
                continue
            if (outcome := _outcome(sent)) is not None:
                return outcome
        raise CommandUnconfirmed("No answer in time", key="tracksolid_command_sent")

    async def send_raw(
        self, imei: str, data: str, clearance: Clearance = HARMLESS
    ) -> str | None:
        """Send bytes given as hex and return the answer, None where none came in time."""
        try:
            return await self._client.instructions.send_raw(imei, data, clearance)
        except (CommandPending, InvalidAnswer, NoAnswer):
            return None

    async def cut(
        self,
        imei: str,
        chosen: Chosen,
        restore: Chosen | None,
        clearance: Clearance,
    ) -> Outcome:
        """Send what can stop a vehicle; it never waits.

        Raises what `send` raises; VehicleOffline when it had to be withdrawn, and
        CommandUnconfirmed when even that failed.
        """
        if chosen.instruction.may_wait:
            raise CommandUnsupported(
                "The entry may wait", key="tracksolid_cut_off_would_wait"
            )
        if not clearance.stops:
            raise CommandWithdrawn("No clearance", key="engine_cut_not_cleared")
        outcome = await self.send(imei, chosen, clearance)
        if not outcome.waits:
            return outcome
        if restore is None or not await self._withdraw(imei, chosen, restore):
            raise CommandUnconfirmed(
                "A cut-off waits", key="tracksolid_cut_off_waiting"
            )
        raise VehicleOffline("Withdrawn", key="tracksolid_cut_off_withdrawn")

    async def _withdraw(self, imei: str, chosen: Chosen, restore: Chosen) -> bool:
        """Replace a command that waits for a device by a restore; return whether it is gone.

        The answer to the restore does not tell that: for a device that is offline it is "no
        answer yet" (225). Only the list of results tells it, maybe a little later.
        """
        try:
            await self._client.instructions.send(
                imei, restore.instruction, restore.values, replace_waiting=True
            )
        except VendorError as err:
            _LOGGER.debug("What waits is being withdrawn: %s", err)
        for look in range(_WITHDRAWAL_QUERIES):
            if look:
                await self._client.transport.sleep(_RESULT_EVERY_S)
            try:
                sent = await self._newest(imei, chosen)
            except VendorError:
                continue
            if sent is not None and sent.state == _CANCELLED:
                return True
        return False

    async def _newest(self, imei: str, chosen: Chosen) -> SentCommand | None:
        """Return the newest result of a command, by its text or else by its id."""
        results = await self._client.instructions.results(imei)
        for sent in results:
            if sent.text is not None and _same(sent.text, chosen.text.upper()):
                return sent
        return next(
            (
                sent
                for sent in results
                if sent.id == chosen.instruction.id and sent.text is None
            ),
            None,
        )


def check_answer(answer: str) -> None:
    """Raise CommandFailed when a device's words say no."""
    if _SAYS_NO.search(answer) and not _ALREADY.search(answer):
        raise CommandFailed(
            "The device said no",
            key="tracksolid_command_refused",
            placeholders={"answer": answer},
        )


def _outcome(sent: SentCommand) -> Outcome | None:
    """Return what came of a command (8.3), None while nothing is known."""
    match sent.state:
        case "1":
            if sent.answer is not None:
                check_answer(sent.answer)
            return Outcome(sent.answer)
        case "3":
            return Outcome(waits=True) if sent.offline else None
        case "0" | "4":
            if sent.answer is None:
                raise CommandFailed(
                    "Failed or cancelled", key="tracksolid_command_failed"
                )
            raise CommandFailed(
                "The device said no",
                key="tracksolid_command_refused",
                placeholders={"answer": sent.answer},
            )
    return None
