"""A listener for VT3 trackers: their news and their commands."""

from __future__ import annotations

import asyncio
from collections.abc import (
    Coroutine,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
    Set as AbstractSet,
)
from dataclasses import replace
import json
import logging

from ...contract.commands import HARMLESS, PART, Clearance, Command, CommandResult
from ...contract.connection import Connection, Host, PollResult, Settings
from ...contract.errors import InvalidArgument, VehicleOffline, VendorError
from ...model.vehicle import Reading, ReadingGroup, TimeSource, VehicleUpdate
from . import commands
from .commands import CUSTOM_GROUP, INVALID_GROUP, Request
from .discovery import Introductions
from .errors import error_in
from .frames import Message
from .line import Line
from .parameters import CELLULAR, GNSS, IO, OBD, SYSINFO, UPLOADED_GROUPS
from .requester import Requester
from .server import Server, parse_networks
from .session import Limits
from .topics import GET, REFRESH, Topic
from .tracker import Misunderstood, Tracker
from .tracker_memory import TrackerMemory
from .vocabulary import Vt3Command

_LOGGER = logging.getLogger(__name__)

DEFAULT_PORT = 8000
DEFAULT_CONNECTIONS = Limits().connections
DEFAULT_CONNECTIONS_PER_ADDRESS = Limits().strangers_per_address

# Keys of the settings
HOST = "host"
PORT = "port"
SPEED_UNIT = "speed_unit"
NETWORKS = "allowed_networks"
CONNECTIONS = "connections"
CONNECTIONS_PER_ADDRESS = "connections_per_address"

# Values of the speed unit
KMH = "kmh"
KNOTS = "knots"
_SHOWN_UNITS = {KMH: "km/h", KNOTS: "kn"}

# Repair issues
WRONG_SPEED_UNIT = "vt3_wrong_speed_unit"
UNKNOWN_NAMES = "vt3_unknown_names"

_LINK = "link"
"""The group of readings that tell whether a tracker is connected."""


class Vt3Connection(Connection):
    """Listens for trackers. They push, and are asked by the user and once they connect."""

    def __init__(
        self, settings: Settings, host: Host, *, limits: Limits | None = None
    ) -> None:
        """Initialize with the address to listen on, and the accepted trackers."""
        super().__init__(settings, host)
        options = settings.options
        self._knots = options.get(SPEED_UNIT) == KNOTS
        if limits is None:
            limits = Limits()
        connections = options.get(CONNECTIONS)
        if isinstance(connections, int | float):
            limits = replace(limits, connections=int(connections))
        per_address = options.get(CONNECTIONS_PER_ADDRESS)
        if isinstance(per_address, int | float):
            limits = replace(limits, strangers_per_address=int(per_address))
        networks = options.get(NETWORKS)
        self.server = Server(
            self,
            host,
            networks=parse_networks(networks if isinstance(networks, list) else ()),
            limits=limits,
        )
        self._introductions = Introductions(host, self.is_accepted)
        self._trackers: dict[str, Tracker] = {}
        self._spelled: dict[str, str] = {}
        """The serial numbers of accepted trackers as the user wrote them, by their capitals."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._shown_problems: dict[
            str, tuple[AbstractSet[str], Mapping[str, str]] | None
        ] = {}
        self._memory = TrackerMemory(host.memory)
        self._requester = Requester(self.server, host, self._memory)
        self._made_at = host.now()
        self._set_up(settings.vehicles)

    # --- life ---------------------------------------------------------------------------

    async def open(self) -> None:
        """Listen. Raises CannotConnect when the address cannot be listened on."""
        host, port = self.settings.data.get(HOST), self.settings.data.get(PORT)
        for cause in (WRONG_SPEED_UNIT, UNKNOWN_NAMES):
            self.host.clear_problem(cause)
        self._show_trackers(self._trackers)
        await self._memory.keep_only(self._trackers)
        await self.server.start(
            str(host) if host else None,
            int(port) if isinstance(port, int | float) else DEFAULT_PORT,
        )

    async def stop_receiving(self) -> None:
        """Stop listening and end all connections: nothing comes in otherwise."""
        await self.server.stop()

    async def close(self) -> None:
        """Stop listening, and all that goes on beside it."""
        await self.server.stop()
        await self._introductions.stop()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def vehicles_changed(
        self, vehicles: Mapping[str, Mapping[str, object]]
    ) -> None:
        """Apply which trackers are accepted, and their settings."""
        removed = self._trackers.keys() - vehicles.keys()
        for serial in removed:
            tracker = self._trackers.pop(serial)
            if tracker.greeting is not None:
                tracker.greeting.cancel()
        self._set_up(vehicles)
        self._show_trackers(vehicles)
        self._introductions.accepted_changed()
        self.server.accepted_changed()
        if removed:
            await self._memory.keep_only(self._trackers)
        self._tell_problems()

    def _set_up(self, vehicles: Mapping[str, Mapping[str, object]]) -> None:
        for serial, settings in vehicles.items():
            tracker = self._trackers.get(serial)
            if tracker is None:
                tracker = self._trackers[serial] = Tracker(
                    serial,
                    knots=self._knots,
                    known=self.host.vehicle(serial),
                    asked_at=self._made_at,
                )
                self._memory.recall(tracker)
            tracker.set_up(settings)
        self._spelled = {serial.upper(): serial for serial in self._trackers}

    def _show_trackers(self, serials: Iterable[str]) -> None:
        """Show accepted trackers by their names, even before they connect."""
        updates = []
        for serial in serials:
            known = self.host.vehicle(serial)
            tracker = self._trackers[serial]
            groups = []
            if tracker.line.session is None:
                groups.append(self._link(connected=False))
            if known is not None and (held := known.groups.get(IO)) is not None:
                renamed = tracker.mapper.rename_outputs(held.readings)
                groups.append(replace(held, readings=renamed, complete=True))
            updates.append(
                VehicleUpdate(
                    vehicle_id=serial,
                    details=tracker.details(),
                    capabilities=tracker.capabilities(),
                    groups=tuple(groups),
                )
            )
        self.host.receive(updates)

    def _link(self, *, connected: bool) -> ReadingGroup:
        """Return that a tracker is not connected; while it is, its silence decides."""
        return ReadingGroup(
            name=_LINK,
            measured_at=self.host.now(),
            readings={} if connected else {Reading.ONLINE: False},
            time_source=TimeSource.OURS,
        )

    # --- what is polled -----------------------------------------------------------------

    async def poll(self) -> PollResult:
        """Return nothing: trackers push."""
        return PollResult()

    def poll_interval(self) -> None:
        """Never poll."""

    async def look(self, vehicle_id: str) -> VehicleUpdate:
        """Refresh OBD, IO and GNSS data over the connection.

        Raises VehicleOffline without a connection, VendorError when none of them answers.
        """
        tracker = self._trackers.get(vehicle_id)
        if tracker is None:
            raise VehicleOffline
        updates: list[VehicleUpdate] = []
        error: VendorError | None = None
        # Requests are seconds apart. The speed is read last: it must be the newest
        # value before the vehicle is stopped.
        for group in (OBD, IO, GNSS):
            try:
                _, update = await self._requester.ask(
                    tracker, Request(group, REFRESH, {})
                )
            except VendorError as err:
                error = err
                if tracker.line.session is None:
                    break
            else:
                updates.append(update)
        if error is not None and not updates:
            raise error
        return _combined(updates)

    # --- what comes in (Owner) ----------------------------------------------------------

    def line_of(self, serial: str) -> Line | None:
        """Return the line to an accepted tracker, in whatever case the user wrote it."""
        tracker = self._trackers.get(serial)
        if tracker is None and (spelled := self._spelled.get(serial.upper())):
            tracker = self._trackers[spelled]
        return None if tracker is None else tracker.line

    def is_accepted(self, serial: str) -> bool:
        """Tell whether the user accepted a tracker, in whatever case he wrote it."""
        return self.line_of(serial) is not None

    def on_connect(self, serial: str) -> None:
        """Ask a tracker that connected what it does not tell by itself, once."""
        tracker = self._trackers[serial]
        tracker.connected()
        self.host.receive(
            [VehicleUpdate(vehicle_id=serial, groups=(self._link(connected=True),))]
        )
        if tracker.greeting is not None:
            tracker.greeting.cancel()
        tracker.greeting = self._start(self._greet(tracker))

    def on_disconnect(self, serial: str) -> None:
        """Show that a tracker is gone."""
        tracker = self._trackers.get(serial)
        if tracker is None:
            return
        if tracker.greeting is not None:
            tracker.greeting.cancel()
            tracker.greeting = None
        self.host.receive(
            [VehicleUpdate(vehicle_id=serial, groups=(self._link(connected=False),))]
        )

    def on_stranger(self, topic: Topic, message: Message) -> None:
        """Show a tracker that is not accepted. It is sent nothing."""
        self._introductions.take(topic, message)

    def on_message(self, topic: Topic, message: Message) -> None:
        """Handle a message that answers no waiting request."""
        tracker = self._trackers[topic.serial]
        if topic.is_answer:
            self._start(self._take_late_answer(tracker, topic, message))
            return
        try:
            update = tracker.read_message(topic, message, self.host.now())
        except Misunderstood as err:
            self.server.counts[str(err)] += 1
            return
        self.host.receive([update])
        if tracker.has_new_problems():
            self._tell_problems()

    async def _take_late_answer(
        self, tracker: Tracker, topic: Topic, message: Message
    ) -> None:
        """Handle an answer that no caller waits for any more: it is news all the same."""
        self.server.counts["late_answers"] += 1
        if error_in(message) is None:
            _, update = await self._requester.read_answer(tracker, topic, message, {})
            self.host.receive([update])

    async def _greet(self, tracker: Tracker) -> None:
        """Ask for what changes rarely, and for the names in custom groups."""
        for request in (
            Request(SYSINFO, REFRESH, {}),
            Request(CELLULAR, REFRESH, {}),
            Request(CUSTOM_GROUP, GET, {}),
        ):
            try:
                _, update = await self._requester.ask(tracker, request)
            except VendorError as err:
                self.server.counts["greetings_unanswered"] += 1
                _LOGGER.debug("A tracker did not answer: %s", err)
            else:
                self.host.receive([update])

    def _tell_problems(self) -> None:
        """Raise and clear what the user should know, when it changes."""
        in_other_unit = {
            serial
            for serial, tracker in self._trackers.items()
            if tracker.speed_unit.is_wrong
        }
        unit = _SHOWN_UNITS[self._other_unit]
        self._tell_problem(WRONG_SPEED_UNIT, in_other_unit, unit=unit)
        strange = list(self._groups_with_unknown_names())
        groups = ", ".join(sorted({group for _, group in strange}))
        self._tell_problem(UNKNOWN_NAMES, {one for one, _ in strange}, groups=groups)

    def _tell_problem(
        self, cause: str, vehicles: AbstractSet[str], **placeholders: str
    ) -> None:
        """Show a problem of some vehicles, or clear it if it is of none."""
        shown = (vehicles, placeholders) if vehicles else None
        if self._shown_problems.get(cause) == shown:
            return
        self._shown_problems[cause] = shown
        if vehicles:
            self.host.raise_problem(cause, vehicles=vehicles, **placeholders)
        else:
            self.host.clear_problem(cause)

    # --- commands -----------------------------------------------------------------------

    def can_stop(self, vehicle_id: str, command: Command) -> bool:
        """Tell whether a command can turn on an output that stops the vehicle."""
        tracker = self._trackers.get(vehicle_id)
        cutting = tracker.mapper.cutting_outputs if tracker else frozenset()
        return commands.can_stop(command, vehicle_id, cutting)

    async def check(self, vehicle_id: str, command: Command) -> None:
        """Raise InvalidArgument for what may not be sent, VehicleOffline without a connection."""
        tracker = self._trackers.get(vehicle_id)
        if tracker is None:
            raise VehicleOffline
        if command.name in (Vt3Command.TURN_ON_OUTPUT, Vt3Command.TURN_OFF_OUTPUT):
            commands.output_of(command)
        else:
            await self._request_of(tracker, command)
        if tracker.line.session is None:
            raise VehicleOffline

    async def _request_of(self, tracker: Tracker, command: Command) -> Request:
        """Return the request of a command, asking for the custom groups if need be.

        Raises InvalidArgument for what may not be sent, and VendorError when they are not
        known and not told either.
        """
        try:
            return commands.request_of(command, tracker.serial, tracker.custom_groups)
        except InvalidArgument as err:
            if err.translation_key != INVALID_GROUP or tracker.groups_are_known:
                raise
        _, update = await self._requester.ask(tracker, Request(CUSTOM_GROUP, GET, {}))
        self.host.receive([update])
        return commands.request_of(command, tracker.serial, tracker.custom_groups)

    def restores(self, vehicle_id: str, command: Command) -> bool:
        """Tell whether a command turns off an output that stops the vehicle."""
        tracker = self._trackers.get(vehicle_id)
        cutting = tracker.mapper.cutting_outputs if tracker else frozenset()
        return commands.restores(command, vehicle_id, cutting)

    async def execute(
        self, vehicle_id: str, command: Command, clearance: Clearance = HARMLESS
    ) -> CommandResult:
        """Carry out a command. The answers to requests are returned as JSON in ``text``.

        Raises InvalidArgument before anything is sent, VehicleOffline without a
        connection, Refused with the tracker's error, CommandUnconfirmed without an answer.
        """
        tracker = self._trackers.get(vehicle_id)
        if tracker is None:
            raise VehicleOffline
        self.check_clearance(vehicle_id, command, clearance)
        if command.name in (Vt3Command.TURN_ON_OUTPUT, Vt3Command.TURN_OFF_OUTPUT):
            on = command.name == Vt3Command.TURN_ON_OUTPUT
            update = await self._requester.switch(
                tracker, commands.output_of(command), clearance, on=on
            )
            return CommandResult(update=update)
        request = await self._request_of(tracker, command)
        if command.name == Vt3Command.RESET_GROUP:
            result, update = await self._requester.reset(tracker, request, clearance)
        else:
            result, update = await self._requester.ask(tracker, request, clearance)
        self._tell_problems()
        return CommandResult(text=json.dumps(result), update=update)

    # --- problems that can be solved ----------------------------------------------------

    async def solve(self, cause: str) -> Mapping[str, object]:
        """Read speeds in the other unit, or give values their own names again.

        Raises VendorError when one of the trackers could not be told.
        """
        if cause == WRONG_SPEED_UNIT:
            return {SPEED_UNIT: self._other_unit}
        error: VendorError | None = None
        for serial, group in list(self._groups_with_unknown_names()):
            command = Command(Vt3Command.RESET_GROUP, {PART: group})
            try:
                result = await self.execute(serial, command)
            except VendorError as err:
                error = err
            else:
                self.host.receive([result.update] if result.update else [])
        if error is not None:
            raise error
        return {}

    @property
    def _other_unit(self) -> str:
        return KMH if self._knots else KNOTS

    def _groups_with_unknown_names(self) -> Iterator[tuple[str, str]]:
        """Yield trackers with groups of changed names."""
        for serial, tracker in self._trackers.items():
            for group in sorted(tracker.mapper.strange_groups):
                if group in UPLOADED_GROUPS:
                    yield serial, group

    # --- the rest -----------------------------------------------------------------------

    def diagnostics(self) -> Mapping[str, object]:
        """Return counters, and per tracker what is unusual."""
        return {
            **self.server.state(),
            "introduced_trackers": self._introductions.pending,
            "messages_of_strangers_left_out": self._introductions.left_out,
            "trackers": [
                {
                    "connected": (session := tracker.line.session) is not None,
                    "checksum": session.decoder.checksum.value if session else None,
                    "outputs_with_zero": tracker.with_zero,
                    "client_token": tracker.with_token,
                    "custom_groups": len(tracker.custom_groups),
                    "other_speed_unit_fits": tracker.speed_unit.is_wrong,
                    "unknown_names": dict(tracker.mapper.unknown),
                }
                for tracker in self._trackers.values()
            ],
        }

    def _start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _combined(updates: Sequence[VehicleUpdate]) -> VehicleUpdate:
    """Return as one what several answers of a vehicle say."""
    first = updates[0]
    for update in updates[1:]:
        first = replace(
            update,
            details=update.details or first.details,
            capabilities=update.capabilities or first.capabilities,
            position=update.position or first.position,
            groups=(*first.groups, *update.groups),
        )
    return first
