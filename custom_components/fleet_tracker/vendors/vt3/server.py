"""The listener for VT3 trackers, and the requests that go back to them.

FlexAPI over TCP knows neither login nor acknowledgement. A tracker is identified by the
topics of its messages, and only trackers with an accepted serial number are ever sent
anything.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
import errno
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
import logging
import socket
from time import perf_counter
from typing import Protocol

from ...contract.commands import HARMLESS, Clearance
from ...contract.connection import Host
from ...contract.errors import (
    CannotConnect,
    CommandUnconfirmed,
    InvalidArgument,
    VehicleOffline,
)
from ...model.json_values import Json
from .errors import RETRIED, error_in
from .frames import Checksum, Message
from .line import Line
from .session import READ_SIZE, Limits, Misbehaved, Session, Turns, Unanswered
from .topics import CONTROL, REFRESH, Topic
from .visitors import Visitors

_LOGGER = logging.getLogger(__name__)

type Network = IPv4Network | IPv6Network

RECENT_LIFE = timedelta(seconds=5)
"""For so long after a message a connection is alive without being asked."""
PROBE_PERIOD = timedelta(seconds=30)
"""For so long an answered probe speaks for all connections with its serial number."""

_UNREAD_SIZE = 16 * 1024  # bytes of a connection that may wait in the system to be read

_ODDITIES = {
    "too_fast": "A connection from %s sends too fast and is slowed down",
    "overlong_frames": "A connection from %s sends frames that are too long",
    Checksum.LOW_BYTE_FIRST.value: (
        "The tracker at %s sends checksums with the low byte first, and is answered so"
    ),
    Checksum.NOT_REFLECTED.value: (
        "The tracker at %s sends checksums of reversed bits, and is answered so"
    ),
}


class Owner(Protocol):
    """Handles what the listener hears, and decides which trackers it talks to."""

    def line_of(self, serial: str) -> Line | None:
        """Return the line to an accepted tracker, None for others.

        The case of letters makes no difference. It is the same one as long as the tracker
        is accepted.
        """

    def on_connect(self, serial: str) -> None:
        """Handle a new connection of an accepted tracker."""

    def on_disconnect(self, serial: str) -> None:
        """Handle the end of an accepted tracker's connection."""

    def on_message(self, topic: Topic, message: Message) -> None:
        """Handle a message of an accepted tracker that answers no request."""

    def on_stranger(self, topic: Topic, message: Message) -> None:
        """Handle a message of a tracker that is not accepted."""


def parse_networks(texts: Iterable[object]) -> tuple[Network, ...]:
    """Return networks written as CIDR, or as single addresses.

    Raises InvalidArgument for what is neither.
    """
    networks = []
    for text in texts:
        try:
            networks.append(ip_network(str(text).strip(), strict=False))
        except ValueError as err:
            raise InvalidArgument(
                key="vt3_invalid_network", placeholders={"network": str(text)}
            ) from err
    return tuple(networks)


async def check_listen(host: str | None, port: int) -> None:
    """Try whether a port can be listened on. Raises CannotConnect, see `Server.start`."""
    server = await _listen(_hang_up, host, port)
    server.close()
    await server.wait_closed()


async def _hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


class _Serve(Protocol):
    async def __call__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, /
    ) -> None:
        """Serve a connection."""


async def _listen(serve: _Serve, host: str | None, port: int) -> asyncio.Server:
    try:
        server = await asyncio.start_server(serve, host or None, port, limit=READ_SIZE)
    except OSError as err:
        key = {
            errno.EADDRINUSE: "vt3_port_in_use",
            errno.EACCES: "vt3_port_forbidden",
        }.get(err.errno or 0, "vt3_address_unusable")
        raise CannotConnect(
            f"Cannot listen: {err.strerror}", key=key, placeholders={"port": str(port)}
        ) from err
    except ValueError as err:  # a name that no machine can have (10.8..1)
        raise CannotConnect(
            "Cannot listen: no address", key="vt3_address_unusable"
        ) from err
    for listening in server.sockets:
        # Connections inherit how much they may send before they have to wait.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _UNREAD_SIZE)
    return server


def _counts(session: Session) -> dict[str, int]:
    return {
        "frames": session.received,
        "wrong_frames": session.decoder.wrong,
        "skipped_bytes": session.decoder.skipped,
    }


class Server:
    """A listener with its connections, one per accepted tracker and some strangers'."""

    def __init__(
        self,
        owner: Owner,
        host: Host,
        *,
        networks: tuple[Network, ...] = (),
        limits: Limits | None = None,
    ) -> None:
        """Apply the allowed networks. Without any, everybody may connect."""
        self._owner = owner
        self._host = host
        self._networks = networks
        self._limits = limits or Limits()
        self._server: asyncio.Server | None = None
        self._sessions: dict[Session, asyncio.Task[None]] = {}
        self._visitors = Visitors()
        self._noted: set[str] = set()
        self._turns = Turns()
        self.counts: Counter[str] = Counter()
        """Counts for the diagnostics."""

    # --- life ---------------------------------------------------------------------------

    async def start(self, host: str | None, port: int) -> None:
        """Listen on an address (None or empty: all, IPv4 and IPv6).

        Raises CannotConnect with a key of its own for a port in use, a port that needs
        more rights, and an address that this machine does not have.
        """
        self._server = await _listen(self._serve, host, port)

    @property
    def ports(self) -> list[int]:
        """The ports that are listened on."""
        if self._server is None:
            return []
        return [listening.getsockname()[1] for listening in self._server.sockets]

    async def stop(self) -> None:
        """Stop listening and end all connections. The port is free when this returns."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        tasks = list(self._sessions.values())
        for session, task in self._sessions.items():
            if session.serial is not None and (
                line := self._owner.line_of(session.serial)
            ):
                line.session = None
            session.close()
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        server.abort_clients()
        await server.wait_closed()

    # --- connections --------------------------------------------------------------------

    def is_connected(self, serial: str) -> bool:
        """Tell whether an accepted tracker has a connection."""
        line = self._owner.line_of(serial)
        return line is not None and line.session is not None

    def accepted_changed(self) -> None:
        """Handle a change of the accepted trackers."""
        for session in self._sessions:
            if session.serial is None or not session.accepted:
                continue
            line = self._owner.line_of(session.serial)
            if line is None or line.session is not session:
                session.accepted = False
                self._end(session)
        # Of several that name the same serial number the newest is most likely alive.
        for session in reversed(list(self._sessions)):
            if session.spelled is None or session.accepted or session.closed:
                continue
            line = self._owner.line_of(session.spelled)
            if line is None:
                continue
            if line.session is None:
                self._adopt(line, session)
            elif not line.contested:
                self._end(session)

    def state(self) -> dict[str, object]:
        """Return counters and how many are connected, for the diagnostics."""
        totals = Counter(self.counts)
        for session in self._sessions:
            totals.update(_counts(session))
        return {
            "connections": len(self._sessions),
            "connected_trackers": sum(session.accepted for session in self._sessions),
            **totals,
        }

    # --- connections --------------------------------------------------------------------

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, /
    ) -> None:
        """Serve one connection until it ends."""
        task = asyncio.current_task()
        session = Session(reader, writer, self._limits, self._host.sleep)
        if task is None or not self._is_welcome(session):
            session.close()
            return
        self._sessions[session] = task
        self._visitors.enter(session)
        try:
            while not session.closed and (data := await session.read()):
                await self._turns.wait()
                begin = perf_counter()
                messages = session.decode(data)
                if messages:
                    session.heard_at = self._host.now()
                for message in messages:
                    if session.closed:
                        break
                    await self._take(session, message)
                self._turns.spend(perf_counter() - begin)
                await session.throttle(len(data))
                self._note_oddities(session)
        except Misbehaved as err:
            self._note(
                str(err), "A connection from %s sent no valid data", session.address
            )
        except TimeoutError:
            self.counts["silent"] += 1
        except OSError as err:
            self.counts["broken"] += 1
            _LOGGER.debug("A connection broke: %s", err.strerror)
        finally:
            self._leave(session)

    def _is_welcome(self, session: Session) -> bool:
        """Tell whether a new connection may stay; strangers make room for others."""
        if self._server is None or not session.address:
            return False
        address = ip_address(session.address)
        if self._networks and not any(address in one for one in self._networks):
            self._note(
                "outside_networks",
                "A connection from %s was refused: not in an allowed network",
                session.address,
            )
            return False
        visitors = self._visitors
        if visitors.strangers_of(session.address) >= self._limits.strangers_per_address:
            # This one may be an accepted tracker behind the same router as they.
            self._note(
                "too_many_of_address",
                "There are too many connections from %s, and the oldest was closed",
                session.address,
            )
            oldest = visitors.oldest_stranger(session.address)
        elif len(visitors) >= self._limits.connections:
            self._note("too_many", "There are too many connections")
            oldest = visitors.oldest_stranger()
        else:
            return True
        if oldest is None:
            return False
        self._end(oldest)
        return True

    def _end(self, session: Session) -> None:
        """Close a connection, which from now on does not count."""
        self._visitors.leave(session)
        session.close()

    def _leave(self, session: Session) -> None:
        """Clear up after a connection."""
        del self._sessions[session]
        self._end(session)
        self.counts.update(_counts(session))
        if session.serial is None:
            return
        line = self._owner.line_of(session.serial)
        if line is not None and line.session is session:
            line.session = None
            self._owner.on_disconnect(session.serial)

    async def _take(self, session: Session, message: Message) -> None:
        """Handle a message. The first one of a connection names its tracker."""
        topic = Topic.parse(message.get("topic"))
        if topic is None:
            self.counts["without_topic"] += 1
            return
        if session.spelled is None:
            session.spelled = topic.serial
            line = self._owner.line_of(topic.serial)
            if line is not None:
                self._visitors.know(session)
                await self._claim(session, line)
                if session.closed:
                    return
        if topic.serial != session.spelled:
            self._note(
                "foreign_serial",
                "A tracker that is connected from %s spoke for another one",
                session.address,
            )
        elif session.serial is None or not session.accepted:
            self._owner.on_stranger(topic, message)
        else:
            if topic.serial != session.serial:
                topic = replace(topic, serial=session.serial)
            self._take_accepted(session, topic, message)

    def _take_accepted(self, session: Session, topic: Topic, message: Message) -> None:
        """Handle a message of an accepted tracker's connection."""
        if topic.is_answer and session.take_answer(topic, message):
            pass
        elif topic.is_answer and not session.was_waited_for(topic):
            self.counts["unasked_answers"] += 1
        else:
            self._owner.on_message(topic, message)

    async def _claim(self, session: Session, line: Line) -> None:
        """Make a connection the one of its tracker, or close it.

        It takes over at once from a connection of the same address that ended
        unnoticed. It takes over from any other only if that does not prove to be
        alive.
        """
        old = line.session
        if old is not None and old.address != session.address:
            if line.contested or await self._is_alive(line, old):
                self._note(
                    "claimed",
                    "A connection from %s was closed: its tracker is already connected",
                    session.address,
                )
                self._end(session)
                return
            if self._owner.line_of(line.serial) is not line or (
                line.session not in (old, None)
            ):
                self._end(session)
                return
        self._adopt(line, session)

    async def _is_alive(self, line: Line, session: Session) -> bool:
        """Tell whether a connection shows a sign of life.

        It is asked for one only when it says nothing by itself, and only when no request
        of the user would have to wait for that: then the answer to the request decides.
        """
        if self._is_within(RECENT_LIFE, session.heard_at) or self._is_within(
            PROBE_PERIOD, line.proved_at
        ):
            return not session.closed
        line.contested = True
        try:
            if await session.speaks(self._limits.grace_seconds):
                return True
            if session.is_asked or not line.requests.is_free(self._host.now()):
                return await session.speaks(self._limits.probe_seconds)
            return await self._probe(line, session)
        finally:
            line.contested = False

    async def _probe(self, line: Line, session: Session) -> bool:
        """Ask a connection for a sign of life, which any message is."""
        received = session.received
        self.counts["probes"] += 1
        topic = Topic(line.serial, "gnss", REFRESH)
        try:
            await self._send(line, session, topic, {}, self._limits.probe_seconds)
        except (Unanswered, VehicleOffline):
            if session.received == received or session.closed:
                return False
        line.proved_at = self._host.now()
        return True

    def _is_within(self, period: timedelta, time: datetime | None) -> bool:
        """Tell whether a time is at most a period ago, and not in the future."""
        return time is not None and timedelta() <= self._host.now() - time < period

    def _adopt(self, line: Line, session: Session) -> None:
        old, line.session = line.session, session
        line.proved_at = None
        session.serial, session.accepted = line.serial, True
        self._visitors.know(session)
        if old is not None:
            self.counts["taken_over"] += 1
            old.accepted = False
            self._end(old)
        self._owner.on_connect(line.serial)

    def _note_oddities(self, session: Session) -> None:
        for oddity in session.oddities - session.noted:
            session.noted.add(oddity)
            self._note(oddity, _ODDITIES[oddity], session.address)

    def _note(self, cause: str, text: str, *arguments: str) -> None:
        """Count what happened, and log it the first time only."""
        self.counts[cause] += 1
        if cause not in self._noted:
            self._noted.add(cause)
            _LOGGER.warning(text, *arguments)

    # --- requests -----------------------------------------------------------------------

    async def request(
        self,
        topic: Topic,
        payload: Mapping[str, Json] | None = None,
        *,
        repeat: bool = True,
        with_token: bool = True,
        clearance: Clearance = HARMLESS,
    ) -> Message:
        """Send a request to a connected tracker and return its answer.

        Requests are spaced as 2.3 asks for; where 2.1.2 says to retry, that is done once
        if ``repeat`` allows it. A request ends with the connection it was meant for.
        ``with_token`` adds a client token, if the payload has none. A request that can stop
        a vehicle and is not answered ends its connection: what the system still holds of
        it must not arrive when nobody expects it any more.

        Raises VehicleOffline (nothing was sent, or nothing answered what only reads),
        CommandUnconfirmed (sent, not answered), Refused (the tracker answered an error).
        """
        line = self._owner.line_of(topic.serial)
        if line is None or (session := line.session) is None:
            raise VehicleOffline
        try:
            for may_retry in (repeat, False):
                message = await self._send(
                    line,
                    session,
                    topic,
                    payload or {},
                    self._limits.answer_seconds,
                    with_token=with_token,
                    clearance=clearance,
                )
                if (error := error_in(message)) is None:
                    break
                if error.code not in RETRIED or not may_retry:
                    raise error
        except Unanswered as err:
            self.counts["unanswered"] += 1
            if clearance.stops and not session.closed:
                self._end(session)
            if topic.only_reads:
                raise VehicleOffline(key="vt3_no_answer") from err
            raise CommandUnconfirmed from err
        return message

    async def _send(
        self,
        line: Line,
        session: Session,
        topic: Topic,
        payload: Mapping[str, Json],
        seconds: float,
        *,
        with_token: bool = True,
        clearance: Clearance = HARMLESS,
    ) -> Message:
        """Send one request when its turn has come, and return the answer."""
        is_control = topic.action == CONTROL
        lane = line.controls if is_control else line.requests
        async with lane.lock:
            passed = (self._host.now() - lane.last).total_seconds()
            if passed < lane.spacing:
                # The wait must not grow when the clock was put back.
                await self._host.sleep(lane.spacing - max(0.0, passed))
            # The clearance comes first: its error says in words why a command is not
            # sent any more.
            clearance.check()
            if line.session is not session or session.closed:
                raise VehicleOffline
            if clearance.stops and session.has_unsent:
                # The command would arrive when the tracker reads again, whenever that is.
                raise VehicleOffline
            clearance.leave()
            lane.last = self._host.now()
            try:
                pending = session.ask(topic, payload, with_token=with_token)
            except ValueError as err:
                raise InvalidArgument(key="vt3_request_too_long") from err
        message = await session.wait(pending, seconds)
        # The tracker counts from when it got the request, however long that took.
        lane.last = max(lane.last, self._host.now())
        return message
