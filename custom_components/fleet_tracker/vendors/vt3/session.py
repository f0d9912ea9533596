"""One connection of a tracker: its frames, its limits, and the requests on their way."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from ipaddress import ip_address
import math
import secrets
import socket
import struct

from ...model.json_values import Json
from .frames import Checksum, FrameDecoder, Message, encode
from .topics import CLIENT_TOKEN, Topic

LONGEST_TOKEN = 32
"""Bytes in a client token (2.3)."""
READ_SIZE = 4096
"""Bytes that are read at once: few frames, so that none holds the event loop for long."""
_LONGEST_TURN = 0.005  # seconds
_SHORTEST_WORK = 0.00002  # seconds
_REMEMBERED_WORKS = 32
_MOST_OVERDUE = 32
_KEEPALIVE = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits and waits of a listener."""

    connections: int = 2_000
    strangers_per_address: int = 32
    """Connections of one address that have not named an accepted serial number."""
    bytes_per_second: int = 32 * 1024
    burst: int = 512 * 1024
    """Bytes that may come at once before the rate counts."""
    wrong_frames: int = 20
    """Wrong frames in a row, and below: bytes that belong to none."""
    skipped_bytes: int = 128 * 1024
    unsent_bytes: int = 64 * 1024
    """Bytes that a peer may leave unread."""
    idle_seconds: float = 24 * 3600
    answer_seconds: float = 10
    probe_seconds: float = 5
    """How long a connection has to prove that it is alive when another takes its place."""
    grace_seconds: float = 2
    """How long to listen for a sign of life before asking for one."""


class Misbehaved(Exception):
    """A peer went beyond the limits; the text says how."""


class Unanswered(Exception):
    """A request was sent, but no answer came."""


class Turns:
    """Shares the event loop: after a few milliseconds of work others have their turn.

    Waiting tasks go on in order, as many in a turn as usually fit into it.
    """

    def __init__(self) -> None:
        """Start with a fresh turn."""
        self._spent = 0.0
        self._usual = _LONGEST_TURN
        self._begun = False
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def wait(self) -> None:
        """Return when there is time to work."""
        if self._spent < _LONGEST_TURN and not self._waiting:
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._begin()
        await turn

    def spend(self, seconds: float) -> None:
        """Note work that ends with the event loop's next round."""
        self._begin()
        self._spent += seconds
        self._usual += (seconds - self._usual) / _REMEMBERED_WORKS

    def _begin(self) -> None:
        if not self._begun:
            self._begun = True
            asyncio.get_running_loop().call_soon(self._end)

    def _end(self) -> None:
        self._begun = False
        self._spent = 0.0
        fitting = max(1, int(_LONGEST_TURN / max(self._usual, _SHORTEST_WORK)))
        for _ in range(min(fitting, len(self._waiting))):
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
        if self._waiting:
            self._begin()


@dataclass(slots=True, eq=False)
class Pending:
    """A request that was sent."""

    topic: Topic
    token: str | None
    answer: asyncio.Future[Message]


class Session:
    """A connection. It belongs to the serial number that its first message names."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        limits: Limits,
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        """Initialize with a connection that was just accepted."""
        self._reader = reader
        self._writer = writer
        self._limits = limits
        self._sleep = sleep
        self._loop = asyncio.get_running_loop()
        self._pending: list[Pending] = []
        self._overdue: deque[Topic] = deque(maxlen=_MOST_OVERDUE)
        self._allowance = float(limits.burst)
        self._allowed_at = self._loop.time()
        self._tolerated = (0, 0)
        self.decoder = FrameDecoder()
        self.address = _address(writer)
        self.spelled: str | None = None
        """The serial number that it named, which goes into the topics of requests."""
        self.serial: str | None = None
        """The accepted tracker of this connection, now or before, as the user wrote it."""
        self.accepted = False
        """Whether it is the one connection of an accepted tracker."""
        self.oddities: set[str] = set()
        """Peculiarities of the connection that are no reason to end it."""
        self.noted: set[str] = set()
        self.received = 0
        """How many messages came."""
        self.heard_at: datetime | None = None
        """When the last message came."""
        self._stirred = asyncio.Event()
        self._reads_since = math.inf
        self._silence_timer = self._loop.call_later(
            limits.idle_seconds, self._watch_silence
        )
        _keep_alive(writer)

    @property
    def closed(self) -> bool:
        """Whether it was closed from this side, or broke."""
        return self._writer.is_closing()

    @property
    def has_unsent(self) -> bool:
        """Whether something waits to be sent because the peer does not read."""
        return self._writer.transport.get_write_buffer_size() > 0

    async def read(self) -> bytes:
        """Wait for the next bytes; none at the end.

        Raises OSError when the connection breaks, TimeoutError when it was silent for
        too long.
        """
        self._reads_since = self._loop.time()
        try:
            return await self._reader.read(READ_SIZE)
        finally:
            self._reads_since = math.inf

    def _watch_silence(self) -> None:
        """End the reading once it lasts too long. A timer for each read would cost more."""
        now, longest = self._loop.time(), self._limits.idle_seconds
        if now - self._reads_since >= longest:
            self._reader.set_exception(TimeoutError())
            return
        self._silence_timer = self._loop.call_at(
            min(now, self._reads_since) + longest, self._watch_silence
        )

    def decode(self, data: bytes) -> list[Message]:
        """Return the messages that are complete. Raises Misbehaved for too much rubbish."""
        decoder = self.decoder
        messages = decoder.feed(data)
        self.received += len(messages)
        wrong, skipped = self._tolerated
        if messages:
            self._stirred.set()
            self._tolerated = (decoder.wrong, decoder.skipped)
        elif decoder.wrong - wrong > self._limits.wrong_frames:
            raise Misbehaved("only_wrong_frames")
        elif decoder.skipped - skipped > self._limits.skipped_bytes:
            raise Misbehaved("no_frames")
        if decoder.overlong:
            self.oddities.add("overlong_frames")
        if decoder.checksum is not Checksum.DOCUMENTED:
            self.oddities.add(decoder.checksum.value)
        return messages

    @property
    def is_asked(self) -> bool:
        """Whether a request is on its way that was not answered yet."""
        return bool(self._pending)

    async def speaks(self, seconds: float) -> bool:
        """Wait for a message, and tell whether one came in time."""
        received = self.received
        self._stirred.clear()
        try:
            async with asyncio.timeout(seconds):
                while self.received == received and not self.closed:
                    await self._stirred.wait()
                    self._stirred.clear()
        except TimeoutError:
            return False
        return not self.closed

    async def throttle(self, size: int) -> None:
        """Slow a peer down that sends too much, by not reading for a while."""
        limits = self._limits
        now = self._loop.time()
        self._allowance += (now - self._allowed_at) * limits.bytes_per_second
        self._allowance = min(self._allowance, limits.burst) - size
        self._allowed_at = now
        if self._allowance < 0:
            self.oddities.add("too_fast")
            await self._sleep(-self._allowance / limits.bytes_per_second)

    def ask(
        self, topic: Topic, payload: Mapping[str, Json], *, with_token: bool = True
    ) -> Pending:
        """Send a request, and return what waits for its answer.

        Raises ValueError when it does not fit into a frame.
        """
        token = payload.get(CLIENT_TOKEN)
        if not isinstance(token, str):
            token = secrets.token_hex(LONGEST_TOKEN // 4) if with_token else None
        if token is not None:
            payload = {CLIENT_TOKEN: token, **payload}
        sent = replace(topic, serial=self.spelled or topic.serial)
        message: dict[str, Json] = {"topic": str(sent)}
        if payload:
            message["payload"] = payload
        frame = encode(message, self.decoder.checksum)
        pending = Pending(topic.answer, token, self._loop.create_future())
        self._pending.append(pending)
        self._writer.write(frame)
        unsent = self._writer.transport.get_write_buffer_size()
        if self.closed or unsent > self._limits.unsent_bytes:
            self.close()
        return pending

    async def wait(self, pending: Pending, seconds: float) -> Message:
        """Return the answer to a request, which may be an error.

        Raises Unanswered when none came in time or the connection ended.
        """
        try:
            async with asyncio.timeout(seconds):
                return await pending.answer
        except TimeoutError as err:
            self._overdue.append(pending.topic)
            raise Unanswered from err
        finally:
            self._pending.remove(pending)

    def take_answer(self, topic: Topic, message: Message) -> bool:
        """Give an answer to the request that waits for it, and say whether one does.

        It is found by the client token where that is echoed, else by the topic in order.
        """
        token = _token_in(message)
        for pending in self._pending:
            if pending.answer.done():
                continue
            if pending.topic == topic if token is None else pending.token == token:
                pending.answer.set_result(message)
                return True
        return False

    def was_waited_for(self, topic: Topic) -> bool:
        """Handle an answer that came too late; False if there was no such request."""
        if topic not in self._overdue:
            return False
        self._overdue.remove(topic)
        return True

    def close(self) -> None:
        """End it at once; requests stay unanswered.

        Requests that the system has not sent yet are not sent any more.
        """
        self._silence_timer.cancel()
        if self._pending or self._overdue:
            _discard_unsent(self._writer)
        self._writer.transport.abort()
        self._stirred.set()
        for pending in self._pending:
            if not pending.answer.done():
                pending.answer.set_exception(Unanswered())


def _token_in(message: Message) -> str | None:
    for part in (message, message.get("result"), message.get("payload")):
        if isinstance(part, dict) and isinstance(token := part.get(CLIENT_TOKEN), str):
            return token
    return None


def _address(writer: asyncio.StreamWriter) -> str:
    """Return the peer's address, an IPv4 one in its own form even behind IPv6."""
    peer = writer.get_extra_info("peername")
    if not peer:  # it went away before it was accepted
        return ""
    address = ip_address(peer[0])
    return str(getattr(address, "ipv4_mapped", None) or address)


def _discard_unsent(writer: asyncio.StreamWriter) -> None:
    """Let the system send nothing more: it would go on trying for minutes."""
    if not writer.is_closing():
        connection: socket.socket = writer.get_extra_info("socket")
        # A linger of 0 seconds ends a connection by a reset.
        connection.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )


def _keep_alive(writer: asyncio.StreamWriter) -> None:
    """Let the system find out when the peer is gone without a word."""
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE.items():
        if (option := getattr(socket, name, None)) is not None:
            connection.setsockopt(socket.IPPROTO_TCP, option, value)
