"""The listener, against simulated trackers, rubbish and foul play over real sockets."""

from __future__ import annotations

import _socket
import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, closing
from datetime import timedelta
import errno
import logging
import socket

import pytest

from custom_components.fleet_tracker.account.clearances import StopClearance
from custom_components.fleet_tracker.contract.errors import (
    CannotConnect,
    CommandFailed,
    CommandUnconfirmed,
    CommandUnsupported,
    InvalidArgument,
    VehicleOffline,
)
from custom_components.fleet_tracker.vendors.vt3.errors import CODES, Refused
from custom_components.fleet_tracker.vendors.vt3.frames import Checksum, Message
from custom_components.fleet_tracker.vendors.vt3.line import CONTROL_SPACING, Line
from custom_components.fleet_tracker.vendors.vt3.server import (
    PROBE_PERIOD,
    RECENT_LIFE,
    Server,
    check_listen,
    parse_networks,
)
from custom_components.fleet_tracker.vendors.vt3.session import Limits
from custom_components.fleet_tracker.vendors.vt3.topics import Topic
from tests.simulators.vt3 import Behaviour
from tests.simulators.vt3_wire import Crc, frame
from tests.turns import turns
from tests.vendors.fake_host import FakeHost

from .conftest import ELSEWHERE, OTHER, SERIAL, MakeTracker, until


class Listener:
    """Owns a server and records what it hears."""

    def __init__(self, host: FakeHost) -> None:
        """Accept one tracker."""
        self.accepted = {SERIAL}
        self.lines: dict[str, Line] = {}
        self._made_at = host.now()
        self.links: list[tuple[str, bool]] = []
        self.messages: list[tuple[Topic, Message]] = []
        self.strangers: list[tuple[Topic, Message]] = []

    def line_of(self, serial: str) -> Line | None:
        """Return the line to an accepted tracker, the same one while it is accepted."""
        if serial not in self.accepted:
            self.lines.pop(serial, None)
            return None
        return self.lines.setdefault(serial, Line(serial, self._made_at))

    def checksum(self, serial: str) -> Checksum | None:
        """Return how a connected tracker computes the checksum, None without a connection."""
        session = self.lines[serial].session
        return session.decoder.checksum if session else None

    def on_connect(self, serial: str) -> None:
        """Record it."""
        self.links.append((serial, True))

    def on_disconnect(self, serial: str) -> None:
        """Record it."""
        self.links.append((serial, False))

    def on_message(self, topic: Topic, message: Message) -> None:
        """Record it."""
        self.messages.append((topic, message))

    def on_stranger(self, topic: Topic, message: Message) -> None:
        """Record it."""
        self.strangers.append((topic, message))


@pytest.fixture
def listener(host: FakeHost) -> Listener:
    """Return the owner of the server."""
    return Listener(host)


@asynccontextmanager
async def listening(
    listener: Listener,
    host: FakeHost,
    limits: Limits | None = None,
    networks: tuple[str, ...] = (),
) -> AsyncIterator[tuple[Server, int]]:
    """Run a server on some port."""
    server = Server(listener, host, limits=limits, networks=parse_networks(networks))
    await server.start("127.0.0.1", 0)
    # What was asked before it started is long ago.
    host.advance(CONTROL_SPACING)
    try:
        yield server, server.ports[0]
    finally:
        await server.stop()


@pytest.fixture
async def server(listener: Listener, host: FakeHost) -> AsyncIterator[Server]:
    """Return a running server."""
    async with listening(listener, host) as (running, _):
        yield running


@pytest.fixture
def port(server: Server) -> int:
    """Return the port of the server."""
    return server.ports[0]


@asynccontextmanager
async def peer(
    port: int, local_address: str | None = None
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Connect somebody who says what the test wants."""
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, local_addr=(local_address, 0) if local_address else None
    )
    try:
        yield reader, writer
    finally:
        writer.close()


def info(serial: str = SERIAL, number: int = 0) -> bytes:
    """Return the frame of an upload."""
    return frame({"topic": f"v1/{serial}/io/info", "payload": {"io.DI1": number}})


async def ended(reader: asyncio.StreamReader) -> bool:
    """Tell whether the server ended the connection, having sent nothing."""
    try:
        return await reader.read() == b""
    except ConnectionError:
        return True


def fall_silent(host: FakeHost) -> None:
    """Let time pass until the last word of a tracker is no sign of life any more."""
    host.advance(RECENT_LIFE.total_seconds())


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was logged for the user to see."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.levelno >= logging.WARNING
        and record.name.startswith("custom_components")
    ]


# --- messages ---------------------------------------------------------------------------


async def test_messages_come_in(
    server: Server, port: int, listener: Listener, make_tracker: MakeTracker
) -> None:
    """An accepted tracker's uploads arrive, with its identity from the topic."""
    tracker = make_tracker()
    await tracker.connect("127.0.0.1", port)
    for group in ("gnss", "io", "obd", "motion", "cellular1"):
        await tracker.upload(group)
    await until(lambda: len(listener.messages) == 5)
    assert listener.links == [(SERIAL, True)]
    assert [topic.group for topic, _ in listener.messages] == [
        *("gnss", "io", "obd", "motion", "cellular1")
    ]
    assert server.is_connected(SERIAL)
    await tracker.disconnect()
    await until(lambda: listener.links == [(SERIAL, True), (SERIAL, False)])
    assert not server.is_connected(SERIAL)
    state = server.state()
    assert (state["frames"], state["wrong_frames"], state["connections"]) == (5, 0, 0)


async def test_several_trackers_and_cut_frames(
    server: Server, port: int, listener: Listener
) -> None:
    """Each connection has its own stream, however the bytes arrive."""
    listener.accepted.add(OTHER)
    async with peer(port) as (_, one), peer(port) as (_, other):
        for number in range(20):
            for serial, writer in ((SERIAL, one), (OTHER, other)):
                data = info(serial, number)
                cut = number % len(data)
                writer.write(data[:cut])
                await writer.drain()
                writer.write(data[cut:])
                await writer.drain()
        await until(lambda: len(listener.messages) == 40)
    for serial in (SERIAL, OTHER):
        assert [
            message["payload"]
            for topic, message in listener.messages
            if topic.serial == serial
        ] == [{"io.DI1": number} for number in range(20)]


async def test_topics_that_make_no_sense(
    server: Server, port: int, listener: Listener
) -> None:
    """A message without a known kind of topic is counted and left alone."""
    async with peer(port) as (_, writer):
        for topic in (None, 5, "", "v1/x", "v2/A/gnss/info", "v1/../gnss/info/x"):
            writer.write(frame({"topic": topic}))
        writer.write(info())
        await until(lambda: listener.messages)
    assert server.counts["without_topic"] == 6


async def test_other_checksums(
    host: FakeHost,
    listener: Listener,
    make_tracker: MakeTracker,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A tracker that computes otherwise is understood, answered so, and noted once."""
    for crc, checksum in (
        (Crc.LOW_BYTE_FIRST, Checksum.LOW_BYTE_FIRST),
        (Crc.NOT_REFLECTED, Checksum.NOT_REFLECTED),
    ):
        caplog.clear()
        listener.messages.clear()
        async with listening(listener, host) as (server, port):
            tracker = make_tracker(behaviour=Behaviour(crc=crc))
            await tracker.connect("127.0.0.1", port)
            for _ in range(6):
                await tracker.upload("gnss")
            await until(lambda: len(listener.messages) == 6)
            assert listener.checksum(SERIAL) is checksum
            answer = await server.request(Topic(SERIAL, "obd", "refresh"))
            assert "result" in answer
            assert tracker.violations == []
            assert len(warnings(caplog)) == 1
            assert SERIAL not in caplog.text
            await tracker.disconnect()
    assert listener.checksum(SERIAL) is None


# --- who may connect --------------------------------------------------------------------


async def test_strangers_are_sent_nothing(
    server: Server, port: int, listener: Listener, make_tracker: MakeTracker
) -> None:
    """A tracker that is not accepted is heard, but neither answered nor asked."""
    tracker = make_tracker(OTHER)
    await tracker.connect("127.0.0.1", port)
    await tracker.upload("gnss")
    await until(lambda: listener.strangers)
    with pytest.raises(VehicleOffline):
        await server.request(Topic(OTHER, "gnss", "refresh"))
    assert (tracker.requests, listener.messages, listener.links) == ([], [], [])
    listener.accepted.add(OTHER)
    server.accepted_changed()
    assert listener.links == [(OTHER, True)]
    await tracker.upload("gnss")
    await until(lambda: listener.messages)
    assert await server.request(Topic(OTHER, "gnss", "refresh"))
    listener.accepted.discard(OTHER)
    server.accepted_changed()
    await until(tracker.lost.is_set)
    assert not server.is_connected(OTHER)


async def test_the_newest_stranger_is_accepted(
    server: Server, port: int, listener: Listener
) -> None:
    """Of several connections with a serial number that is accepted one remains."""
    async with (
        peer(port) as (old, one),
        peer(port) as (_, two),
        peer(port) as (_, idle),
    ):
        one.write(info(OTHER))
        await until(lambda: len(listener.strangers) == 1)
        two.write(info(OTHER))
        await until(lambda: len(listener.strangers) == 2)
        listener.accepted.add(OTHER)
        server.accepted_changed()
        assert await ended(old)
        two.write(info(OTHER))
        await until(lambda: listener.messages)
        server.accepted_changed()
    assert listener.links[:1] == [(OTHER, True)]


async def test_allowed_networks(
    host: FakeHost, listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    """Who is outside of the allowed networks is sent away, and one line tells of it."""
    networks = ("10.0.0.0/8", " 127.0.0.1/32", "::1")
    async with listening(listener, host, networks=networks) as (server, port):
        for _ in range(3):
            async with peer(port, ELSEWHERE) as (reader, _):
                assert await ended(reader)
        async with peer(port) as (_, writer):
            writer.write(info())
            await until(lambda: listener.messages)
        assert server.counts["outside_networks"] == 3
    assert warnings(caplog) == [
        f"A connection from {ELSEWHERE} was refused: not in an allowed network"
    ]
    with pytest.raises(InvalidArgument) as raised:
        parse_networks(["10.0.0.0/33"])
    assert raised.value.translation_key == "vt3_invalid_network"


async def test_flood_of_connections(
    host: FakeHost, listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    """One address gets a few connections, the newest; an accepted tracker stays."""
    limits = Limits(strangers_per_address=3)
    async with (
        listening(listener, host, limits) as (server, port),
        peer(port) as (_, accepted),
    ):
        accepted.write(info())
        await until(lambda: listener.messages)
        flood = [await asyncio.open_connection("127.0.0.1", port) for _ in range(20)]
        await until(lambda: server.counts["too_many_of_address"] == 17)
        for reader, _ in flood[:17]:
            assert await ended(reader)
        assert server.state()["connections"] == 4
        async with peer(port, ELSEWHERE) as (_, writer):
            writer.write(info(OTHER))
            await until(lambda: listener.strangers)
        flood[17][1].write(info("THIRD"))
        await until(lambda: len(listener.strangers) == 2)
        accepted.write(info(number=1))
        await until(lambda: len(listener.messages) == 2)
        for _, writer in flood:
            writer.close()
    assert warnings(caplog) == [
        "There are too many connections from 127.0.0.1, and the oldest was closed"
    ]


async def test_accepted_behind_the_address_of_strangers(
    host: FakeHost, listener: Listener, make_tracker: MakeTracker
) -> None:
    """A router with many strange trackers behind it keeps no accepted one out."""
    async with listening(listener, host, Limits(strangers_per_address=3)) as (_, port):
        strangers = [make_tracker(f"X{number}") for number in range(3)]
        for stranger in strangers:
            await stranger.connect("127.0.0.1", port)
            await stranger.upload("io")
        await until(lambda: len(listener.strangers) == 3)
        tracker = make_tracker()
        await tracker.connect("127.0.0.1", port)
        await tracker.upload("io")
        await until(lambda: listener.messages)
        await until(strangers[0].lost.is_set)
        # Once it said who it is, it does not count.
        await strangers[0].disconnect()
        await strangers[0].connect("127.0.0.1", port)
        await strangers[0].upload("io")
        await until(lambda: len(listener.strangers) == 4)
        assert not any(one.lost.is_set() for one in (*strangers, tracker))


async def test_many_at_once(host: FakeHost, listener: Listener) -> None:
    """Connections that come at the same moment do not go beyond the limits together."""
    limits = Limits(strangers_per_address=3, connections=4)
    async with listening(listener, host, limits) as (server, port):
        with ExitStack() as stack:
            for number in range(60):
                connection = stack.enter_context(socket.socket())
                connection.bind((f"127.0.0.{2 + number % 3}", 0))
                connection.connect(("127.0.0.1", port))
            await until(lambda: server.counts.total() == 56)
            await until(lambda: server.state()["connections"] == 4)


async def test_too_many_connections_in_all(
    host: FakeHost, listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    """The oldest stranger makes room; accepted trackers stay."""
    limits = Limits(connections=3)
    listener.accepted.add(OTHER)
    async with (
        listening(listener, host, limits) as (server, port),
        peer(port) as (stranger, _),
        peer(port) as (_, one),
        peer(port) as (_, two),
    ):
        one.write(info())
        two.write(info(OTHER))
        await until(lambda: len(listener.messages) == 2)
        async with peer(port) as (_, third):
            assert await ended(stranger)
            third.write(info("THIRD"))
            await until(lambda: listener.strangers)
            listener.accepted.add("THIRD")
            server.accepted_changed()
            async with peer(port) as (reader, _):
                assert await ended(reader)
    assert warnings(caplog) == ["There are too many connections"]


async def test_same_address_takes_over_at_once(
    server: Server, port: int, listener: Listener, make_tracker: MakeTracker
) -> None:
    """A tracker that connects again is the one that counts; the old one ends."""
    old, new = make_tracker(), make_tracker()
    old.behaviour.silent.add("*")
    await old.connect("127.0.0.1", port)
    await old.upload("io")
    await until(lambda: listener.links)
    pending = asyncio.create_task(server.request(Topic(SERIAL, "gnss", "refresh")))
    await until(lambda: old.requests)
    await new.connect("127.0.0.1", port)
    await new.upload("io")
    await until(old.lost.is_set)
    with pytest.raises(VehicleOffline):
        await pending
    await until(lambda: len(listener.messages) == 2)
    assert listener.links == [(SERIAL, True), (SERIAL, True)]
    assert await server.request(Topic(SERIAL, "gnss", "refresh"))
    assert server.counts["taken_over"] == 1


async def test_another_address_claims_a_serial_number(
    server: Server,
    port: int,
    host: FakeHost,
    listener: Listener,
    make_tracker: MakeTracker,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """From another address nobody takes over from a tracker that answers.

    It is asked for a sign of life only when it was silent, and once for all who claim its
    serial number in a period.
    """
    tracker = make_tracker()
    await tracker.connect("127.0.0.1", port)
    await tracker.upload("io")
    await until(lambda: listener.messages)
    for silence, probes in (
        (timedelta(), 0),
        (RECENT_LIFE, 1),
        (RECENT_LIFE, 1),
        (PROBE_PERIOD, 2),
    ):
        host.advance(silence.total_seconds())
        for _ in range(5):
            async with peer(port, ELSEWHERE) as (reader, writer):
                writer.write(info(number=1))
                assert await ended(reader)
        assert [name for name, _ in tracker.requests] == probes * ["gnss/refresh"]
    assert server.counts["claimed"] == 20
    assert tracker.violations == []
    assert len(listener.messages) == 1
    assert listener.links == [(SERIAL, True)]
    assert warnings(caplog) == [
        f"A connection from {ELSEWHERE} was closed: its tracker is already connected"
    ]
    assert SERIAL not in caplog.text


async def test_an_answered_probe_speaks_for_one_connection(
    server: Server,
    port: int,
    host: FakeHost,
    listener: Listener,
    make_tracker: MakeTracker,
) -> None:
    """Who takes over and falls silent must prove that it is alive, like any other."""
    first, second, third = make_tracker(), make_tracker(), make_tracker()
    await first.connect("127.0.0.1", port)
    await first.upload("io")
    await until(lambda: listener.messages)
    fall_silent(host)
    async with peer(port, ELSEWHERE) as (reader, writer):
        writer.write(info(number=1))
        assert await ended(reader)
    assert [name for name, _ in first.requests] == ["gnss/refresh"]
    second.behaviour.silent.add("*")
    await second.connect("127.0.0.1", port)
    await second.upload("io")
    await until(first.lost.is_set)
    fall_silent(host)
    await third.connect("127.0.0.1", port, local_address=ELSEWHERE)
    await third.upload("io")
    await until(second.lost.is_set)
    assert server.is_connected(SERIAL)


async def test_life_is_proved_by_any_word(
    server: Server,
    port: int,
    host: FakeHost,
    listener: Listener,
    make_tracker: MakeTracker,
) -> None:
    """A busy tracker that just goes on uploading keeps its connection, too."""
    tracker = make_tracker(behaviour=Behaviour(silent={"*"}))
    await tracker.connect("127.0.0.1", port)
    await tracker.upload("io")
    await until(lambda: listener.messages)
    fall_silent(host)
    async with peer(port, ELSEWHERE) as (reader, writer):
        writer.write(info(number=1))
        await until(lambda: tracker.requests)
        await tracker.upload("io")
        assert await ended(reader)
    tracker.behaviour.silent.clear()
    tracker.behaviour.errors["gnss/refresh"].append("device_error")
    host.advance(PROBE_PERIOD.total_seconds())
    async with peer(port, ELSEWHERE) as (reader, writer):
        writer.write(info(number=1))
        assert await ended(reader)
    assert server.is_connected(SERIAL)


async def test_half_open_connection_is_taken_over(
    server: Server,
    port: int,
    host: FakeHost,
    listener: Listener,
    make_tracker: MakeTracker,
) -> None:
    """From another address a tracker takes over when the old end is silent."""
    old, new = make_tracker(), make_tracker()
    old.behaviour.silent.add("*")
    await old.connect("127.0.0.1", port, local_address=ELSEWHERE)
    await old.upload("io")
    await until(lambda: listener.messages)
    fall_silent(host)
    await new.connect("127.0.0.1", port)
    await new.upload("gnss")
    async with peer(port) as (reader, writer):
        # While that is being found out, nobody else gets a turn.
        await until(lambda: old.requests)
        writer.write(info())
        assert await ended(reader)
    await until(lambda: len(listener.messages) == 2)
    await until(old.lost.is_set)
    assert listener.messages[1][0].group == "gnss"
    assert await server.request(Topic(SERIAL, "gnss", "refresh"))


async def test_the_old_end_goes_while_it_is_asked(
    server: Server,
    port: int,
    host: FakeHost,
    listener: Listener,
    make_tracker: MakeTracker,
) -> None:
    """The newcomer becomes the tracker's connection when the old one ends."""
    old, new = make_tracker(), make_tracker()
    old.behaviour.silent.add("*")
    await old.connect("127.0.0.1", port, local_address=ELSEWHERE)
    await old.upload("io")
    await until(lambda: listener.messages)
    fall_silent(host)
    await new.connect("127.0.0.1", port)
    await new.upload("gnss")
    await until(lambda: old.requests)
    await old.disconnect()
    await until(lambda: len(listener.messages) == 2)
    assert listener.links == [(SERIAL, True), (SERIAL, False), (SERIAL, True)]


async def test_removed_while_another_claims_it(
    server: Server,
    port: int,
    host: FakeHost,
    listener: Listener,
    make_tracker: MakeTracker,
) -> None:
    """A claim of a serial number that is no longer accepted is refused."""
    old = make_tracker(behaviour=Behaviour(silent={"*"}))
    await old.connect("127.0.0.1", port, local_address=ELSEWHERE)
    await old.upload("io")
    await until(lambda: listener.messages)
    fall_silent(host)
    async with peer(port) as (reader, writer):
        writer.write(info())
        await until(lambda: old.requests)
        listener.accepted.clear()
        server.accepted_changed()
        assert await ended(reader)
    assert len(listener.messages) == 1


async def test_one_connection_speaks_for_another_tracker(
    server: Server, port: int, listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    """A connection belongs to the serial number that it named first."""
    listener.accepted.add(OTHER)
    async with peer(port) as (_, writer):
        writer.write(info(OTHER) + info(SERIAL) + info(SERIAL) + info(OTHER, 1))
        await until(lambda: len(listener.messages) == 2)
    assert {topic.serial for topic, _ in listener.messages} == {OTHER}
    assert warnings(caplog) == [
        "A tracker that is connected from 127.0.0.1 spoke for another one"
    ]


# --- rubbish ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rubbish",
    [
        b"GET / HTTP/1.1\r\nHost: example\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b'${"topic":"v1/VF3102021111601/io/info"}??\r\n',
        b"\x00" * 4000,
        b"${" * 2000,
    ],
    ids=["http", "tls", "wrong_checksum", "zeros", "heads"],
)
async def test_garbage(
    server: Server,
    port: int,
    listener: Listener,
    rubbish: bytes,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A connection that sends only rubbish is closed, with one line in the log."""
    for _ in range(2):
        async with peer(port) as (reader, writer):
            sending = asyncio.create_task(pour(writer, rubbish))
            assert await ended(reader)
            await sending
    assert warnings(caplog) == ["A connection from 127.0.0.1 sent no valid data"]
    assert (listener.messages, listener.strangers) == ([], [])


async def pour(
    writer: asyncio.StreamWriter, data: bytes, size: int = 1_000_000
) -> None:
    """Send something again and again, until the other end has had enough."""
    try:
        for _ in range(size // len(data) + 1):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass  # that is what should happen


async def test_garbage_between_good_frames_is_forgiven(
    server: Server, port: int, listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    """A bad line costs the frames that it broke, not the connection."""
    async with peer(port) as (_, writer):
        for number in range(60):
            writer.write(b'${"half":' + info()[:-4] + b"??\r\n" + info(number=number))
            await writer.drain()
        await until(lambda: len(listener.messages) == 60)
    assert warnings(caplog) == []


async def test_a_line_of_100_mb(
    host: FakeHost, listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    """An endless frame is neither held nor waited for."""
    async with (
        listening(listener, host) as (server, port),
        peer(port) as (reader, writer),
    ):
        writer.write(b'${"topic":"')
        sending = asyncio.create_task(pour(writer, b"x" * 65_536, 100_000_000))
        assert await ended(reader)
        await sending
        assert server.counts["skipped_bytes"] < 300_000
    assert "A connection from 127.0.0.1 sent no valid data" in warnings(caplog)
    assert len(warnings(caplog)) <= 2


async def test_overlong_frames_are_noted(
    server: Server, port: int, listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    """A frame that is too long is dropped, and the next one taken."""
    async with peer(port) as (_, writer):
        writer.write(frame({"topic": "x" * 70_000}) + info())
        await until(lambda: listener.messages)
    assert warnings(caplog) == [
        "A connection from 127.0.0.1 sends frames that are too long"
    ]


async def test_too_many_bytes_are_slowed_down(
    host: FakeHost, listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    """A flood of good frames is read at the rate that is allowed, and none is lost."""
    limits = Limits(bytes_per_second=1000, burst=2000)
    async with listening(listener, host, limits) as (server, port):
        async with peer(port) as (_, writer):
            writer.write(b"".join(info(number=number) for number in range(200)))
            await until(lambda: len(listener.messages) == 200)
        assert server.counts["too_fast"] == 1
    assert sum(host.slept) > 5
    assert warnings(caplog) == [
        "A connection from 127.0.0.1 sends too fast and is slowed down"
    ]


async def test_little_is_held_of_a_flood(host: FakeHost, listener: Listener) -> None:
    """What a peer sends while it is made to wait stays with the peer."""
    limits = Limits(bytes_per_second=1000, burst=2000)
    host.patient = True
    async with (
        listening(listener, host, limits) as (server, port),
        peer(port) as (_, writer),
    ):
        flooding = asyncio.create_task(pour(writer, 1000 * info(), 5_000_000))
        await until(lambda: host.slept)
        (session,) = server._sessions
        # Until it can send no more.
        waiting = -1
        while waiting != (waiting := writer.transport.get_write_buffer_size()):
            await turns()
        assert waiting > 0
        held = session._reader._buffer  # type: ignore[attr-defined] # it has
        assert len(held) < 64 * 1024
        flooding.cancel()
    await asyncio.gather(flooding, return_exceptions=True)


async def test_silence_ends_a_connection(
    host: FakeHost, listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    """A connection without a byte for a very long time is dead."""
    async with listening(listener, host) as (server, port):
        async with peer(port) as (reader, _):
            assert await ended(reader)
        assert server.counts["silent"] == 1
    assert warnings(caplog) == []


async def test_connection_reset(
    server: Server, port: int, listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    """A connection that breaks leaves nothing behind."""
    async with peer(port) as (_, writer):
        writer.write(info())
        await until(lambda: listener.messages)
        connection: socket.socket = writer.get_extra_info("socket")
        connection.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0"
        )
        writer.transport.abort()
        await until(lambda: len(listener.links) == 2)
    assert server.state()["connections"] == 0
    assert warnings(caplog) == []


async def test_keepalive_is_on(server: Server, port: int, listener: Listener) -> None:
    """The system notices a peer that vanished without a word."""
    async with peer(port) as (_, writer):
        writer.write(info())
        await until(lambda: listener.messages)
        (session,) = server._sessions
        connection: socket.socket = session._writer.get_extra_info("socket")
        assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        if hasattr(socket, "TCP_KEEPIDLE"):
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 60


# --- requests ---------------------------------------------------------------------------


@pytest.fixture
async def tracker(
    server: Server, port: int, listener: Listener, make_tracker: MakeTracker
) -> AsyncIterator[object]:
    """Return a connected tracker."""
    made = make_tracker()
    await made.connect("127.0.0.1", port)
    await made.upload("io")
    await until(lambda: listener.messages)
    yield made
    assert made.violations == []


@pytest.mark.parametrize("echo", ["result", "body", None])
async def test_answers_find_their_requests(
    server: Server,
    port: int,
    host: FakeHost,
    listener: Listener,
    make_tracker: MakeTracker,
    echo: str | None,
) -> None:
    """By the client token where it is repeated, else by the topic in order."""
    tracker = make_tracker(behaviour=Behaviour(echo=echo))
    await tracker.connect("127.0.0.1", port)
    await tracker.upload("io")
    await until(lambda: listener.messages)
    host.patient = True
    asked = [
        asyncio.create_task(server.request(Topic(SERIAL, group, action), payload))
        for group, action, payload in (
            ("obd", "set", {"interval": 20}),
            ("gnss", "refresh", {}),
            ("obd", "set", {"interval": 30}),
            ("group", "get", {}),
        )
    ]
    for number in range(1, 5):
        await until(lambda: len(tracker.requests) == number)  # noqa: B023 - at once
        host.advance(3)
    results = [(await task)["result"] for task in asked]
    for result in results:
        if isinstance(result, dict):
            result.pop("client_token", None)
    assert results[0] == {"interval": 20}
    assert isinstance(results[1], dict)
    assert "gnss.latitude" in results[1]
    assert results[2:] == [{"interval": 30}, []]
    tokens = [payload["client_token"] for _, payload in tracker.requests]
    assert len(set(tokens)) == 4
    assert all(len(token) <= 32 for token in tokens)
    assert tracker.violations == []


async def test_answers_in_another_order(
    server: Server, port: int, listener: Listener
) -> None:
    """A repeated token decides, a strange one fits nothing."""
    async with peer(port) as (reader, writer):
        writer.write(info())
        await until(lambda: listener.messages)
        topic = Topic(SERIAL, "obd", "refresh")
        waiting = [asyncio.create_task(server.request(topic)) for _ in range(2)]
        text = b""
        while text.count(b"\r\n") < 2:
            text += await reader.read(1000)
        tokens = [part.split(b'"')[0].decode() for part in text.split(b'token":"')[1:]]
        for token in ("strange", *reversed(tokens)):
            writer.write(
                frame({"topic": str(topic.answer), "result": {"client_token": token}})
            )
        for task, token in zip(waiting, tokens, strict=True):
            assert (await task)["result"] == {"client_token": token}
        assert server.counts["unasked_answers"] == 1
        assert len(listener.messages) == 1


async def test_own_client_token(server: Server, tracker: object) -> None:
    """A token that the caller chose is used."""
    answer = await server.request(
        Topic(SERIAL, "gnss", "refresh"), {"client_token": "mine"}
    )
    assert isinstance(answer["result"], dict)
    assert answer["result"]["client_token"] == "mine"


async def test_requests_are_spaced(
    server: Server, tracker: object, host: FakeHost
) -> None:
    """3 s between requests, 5 s between controls, and neither waits for the other."""
    begin = host.clock()
    for _ in range(3):
        await server.request(Topic(SERIAL, "gnss", "refresh"))
    assert host.clock() - begin == pytest.approx(6, abs=0.1)
    await server.request(Topic(SERIAL, "io", "control"), {"io.DO1": 1})
    assert host.clock() - begin == pytest.approx(6, abs=0.1)
    await server.request(Topic(SERIAL, "io", "control"), {"io.DO1": 0})
    assert host.clock() - begin == pytest.approx(11, abs=0.1)
    host.advance(60)
    slept = len(host.slept)
    await server.request(Topic(SERIAL, "gnss", "refresh"))
    assert len(host.slept) == slept
    host.advance(-1000)
    await server.request(Topic(SERIAL, "gnss", "refresh"))
    assert host.slept[-1] == 3


async def test_spacing_outlives_the_connection(
    server: Server,
    port: int,
    host: FakeHost,
    listener: Listener,
    make_tracker: MakeTracker,
) -> None:
    """A tracker that connects again is still the same device."""
    for _ in range(2):
        listener.messages.clear()
        tracker = make_tracker()
        await tracker.connect("127.0.0.1", port)
        await tracker.upload("io")
        await until(lambda: listener.messages)
        begin = host.clock()
        await server.request(Topic(SERIAL, "gnss", "refresh"))
        await tracker.disconnect()
        await until(lambda: not server.is_connected(SERIAL))
    assert host.clock() - begin == pytest.approx(3, abs=0.1)


@pytest.mark.parametrize("in_body", [False, True])
async def test_every_error_code(
    server: Server,
    port: int,
    listener: Listener,
    make_tracker: MakeTracker,
    in_body: bool,
) -> None:
    """Each code of the document is an error with a text of its own."""
    tracker = make_tracker(behaviour=Behaviour(error_in_body=in_body))
    await tracker.connect("127.0.0.1", port)
    await tracker.upload("io")
    await until(lambda: listener.messages)
    topic = Topic(SERIAL, "obd", "set")
    for code in sorted(CODES):
        tracker.behaviour.errors["obd/set"] = [code, code]
        with pytest.raises(CommandFailed) as raised:
            await server.request(topic, {"interval": 5}, repeat=False)
        assert raised.value.translation_key == f"vt3_{code}"
        assert isinstance(raised.value, CommandUnsupported) == (code == "not_support")
    tracker.behaviour.errors["obd/set"] = ["something_new"]
    with pytest.raises(Refused) as refused:
        await server.request(topic, {"interval": 5})
    assert refused.value.translation_key == "vt3_error"
    assert refused.value.placeholders == {
        "error": "something_new",
        "description": "something_new",
    }


@pytest.mark.parametrize("code", ["device_busy", "device_error", "data_invalid"])
async def test_retry_once(
    server: Server,
    port: int,
    host: FakeHost,
    listener: Listener,
    make_tracker: MakeTracker,
    code: str,
) -> None:
    """What the document says to retry is retried once, spaced; nothing else is."""
    tracker = make_tracker()
    await tracker.connect("127.0.0.1", port)
    await tracker.upload("io")
    await until(lambda: listener.messages)
    topic = Topic(SERIAL, "io", "control")
    tracker.behaviour.errors["io/control"] = [code]
    begin = host.clock()
    assert await server.request(topic, {"io.DO1": 1})
    assert host.clock() - begin == pytest.approx(5, abs=0.1)
    tracker.behaviour.errors["io/control"] = [code, code]
    with pytest.raises(Refused):
        await server.request(topic, {"io.DO1": 1})
    tracker.behaviour.errors["io/control"] = [code]
    with pytest.raises(Refused):
        await server.request(topic, {"io.DO1": 1}, repeat=False)
    tracker.behaviour.errors["io/control"] = ["invalid_parameter"]
    with pytest.raises(Refused):
        await server.request(topic, {"io.DO1": 1})
    assert [request for request, _ in tracker.requests] == 6 * ["io/control"]
    assert tracker.violations == []


async def test_no_answer(
    server: Server,
    port: int,
    listener: Listener,
    make_tracker: MakeTracker,
) -> None:
    """Without an answer reading failed, and of a command nothing is known."""
    tracker = make_tracker(behaviour=Behaviour(silent={"*"}))
    await tracker.connect("127.0.0.1", port)
    await tracker.upload("io")
    await until(lambda: listener.messages)
    with pytest.raises(VehicleOffline) as raised:
        await server.request(Topic(SERIAL, "gnss", "refresh"))
    assert raised.value.translation_key == "vt3_no_answer"
    with pytest.raises(CommandUnconfirmed):
        await server.request(Topic(SERIAL, "io", "control"), {"io.DO1": 1})
    assert server.counts["unanswered"] == 2


async def test_requests_die_with_their_connection(
    host: FakeHost, listener: Listener, make_tracker: MakeTracker
) -> None:
    """Neither what was sent nor what waits for its turn reaches a later connection."""
    async with listening(listener, host) as (server, port):
        tracker = make_tracker(behaviour=Behaviour(silent={"*"}))
        await tracker.connect("127.0.0.1", port)
        await tracker.upload("io")
        await until(lambda: listener.messages)
        host.patient = True
        topic = Topic(SERIAL, "io", "control")
        sent = asyncio.create_task(server.request(topic, {"io.DO1": 1}))
        waiting = asyncio.create_task(server.request(topic, {"io.DO2": 1}))
        await until(lambda: tracker.requests)
        again = make_tracker()
        await again.connect("127.0.0.1", port)
        await again.upload("io")
        with pytest.raises(CommandUnconfirmed):
            await sent
        host.advance(5)
        with pytest.raises(VehicleOffline):
            await waiting
        assert again.requests == []


async def test_a_peer_that_does_not_read(host: FakeHost, listener: Listener) -> None:
    """Unread bytes are not piled up, and no caller waits for such a peer."""
    limits = Limits(unsent_bytes=10_000)
    async with listening(listener, host, limits) as (server, port):
        async with peer(port) as (_, writer):
            writer.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_RCVBUF, 1024
            )
            writer.transport.pause_reading()  # type: ignore[attr-defined] # it can
            writer.write(info())
            await until(lambda: listener.messages)
            loop = asyncio.get_running_loop()
            began = loop.time()
            payload = {"noise": "x" * 60_000}
            requests = [
                asyncio.create_task(server.request(Topic(SERIAL, "a", "b"), payload))
                for _ in range(200)
            ]
            results = await asyncio.gather(*requests, return_exceptions=True)
            assert loop.time() == began
        unconfirmed = sum(isinstance(one, CommandUnconfirmed) for one in results)
        offline = sum(isinstance(one, VehicleOffline) for one in results)
        assert unconfirmed + offline == 200
        assert offline > 0


async def test_unanswered_command_ends_the_connection_by_a_reset(
    host: FakeHost, listener: Listener
) -> None:
    """So that the system drops what it still holds of it, instead of trying for minutes."""
    async with (
        listening(listener, host) as (server, port),
        peer(port) as (reader, writer),
    ):
        writer.write(info())
        await until(lambda: listener.messages)
        stop = StopClearance(lambda: None)
        topic = Topic(SERIAL, "io", "control")
        with pytest.raises(CommandUnconfirmed):
            await server.request(topic, {"io.DO1": 1}, repeat=False, clearance=stop)
        assert stop.may_be_sent
        with pytest.raises(ConnectionResetError):
            await reader.read()


async def test_a_request_that_is_too_long(server: Server, tracker: object) -> None:
    """A request that does not fit into a frame is refused, and nothing is sent."""
    with pytest.raises(InvalidArgument) as raised:
        await server.request(Topic(SERIAL, "a", "b"), {"noise": "x" * 70_000})
    assert raised.value.translation_key == "vt3_request_too_long"


# --- life -------------------------------------------------------------------------------


async def test_port_is_free_at_once(
    host: FakeHost, listener: Listener, make_tracker: MakeTracker
) -> None:
    """After a stop with connections, requests and a claim on, the port can be used."""
    async with listening(listener, host) as (server, port):
        tracker = make_tracker(behaviour=Behaviour(silent={"*"}))
        await tracker.connect("127.0.0.1", port)
        await tracker.upload("io")
        await until(lambda: listener.messages)
        fall_silent(host)
        pending = asyncio.create_task(
            server.request(Topic(SERIAL, "io", "control"), {"io.DO1": 1})
        )
        async with peer(port, ELSEWHERE) as (_, writer), peer(port):
            writer.write(info())
            await until(lambda: tracker.requests)
            await until(lambda: listener.lines[SERIAL].contested)
            await server.stop()
            with pytest.raises(CommandUnconfirmed):
                await pending
            await until(tracker.lost.is_set)
            assert listener.links == [(SERIAL, True)]
            again = Server(listener, host)
            await again.start("127.0.0.1", port)
            assert again.ports == [port]
            await again.stop()
            assert again.ports == []
            await again.stop()


async def test_port_in_use() -> None:
    """The flow tells that a port is taken, or an address is not this machine's."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(CannotConnect) as raised:
            await check_listen("127.0.0.1", port)
        assert raised.value.translation_key == "vt3_port_in_use"
        assert raised.value.placeholders == {"port": str(port)}
    await check_listen("127.0.0.1", port)
    with pytest.raises(CannotConnect) as raised:
        await check_listen("203.0.113.1", port)
    assert raised.value.translation_key == "vt3_address_unusable"


@pytest.mark.parametrize("address", ["10.8..1", "a" * 64, "\0"])
async def test_no_address(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """What cannot even be looked up is told like an address that is not here."""
    # Tests may look nothing up; these are refused before anybody is asked.
    monkeypatch.setattr(socket, "getaddrinfo", _socket.getaddrinfo)
    with pytest.raises(CannotConnect) as raised:
        await check_listen(address, 0)
    assert raised.value.translation_key == "vt3_address_unusable"


async def test_port_forbidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """The flow tells that a port needs more rights, whoever runs this test."""

    def bind(_socket: socket.socket, _address: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", bind)
    with pytest.raises(CannotConnect) as raised:
        await check_listen("127.0.0.1", 80)
    assert raised.value.translation_key == "vt3_port_forbidden"


def has_ipv6() -> bool:
    """Tell whether this machine has the IPv6 loopback."""
    try:
        with socket.socket(socket.AF_INET6) as one:
            one.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here")
async def test_ipv6(host: FakeHost, listener: Listener) -> None:
    """Trackers may come by IPv6, and the networks know it."""
    server = Server(listener, host, networks=parse_networks(["::1/128"]))
    await server.start("::1", 0)
    try:
        # Tests may only connect to the IPv4 loopback; this goes below what watches them.
        with closing(_socket.socket(socket.AF_INET6)) as connection:
            connection.connect(("::1", server.ports[0]))
            connection.send(info())
            await until(lambda: listener.messages)
    finally:
        await server.stop()


def test_topics() -> None:
    """Topics are taken apart and written again."""
    topic = Topic.parse("v1/VF1/gnss/refresh")
    assert topic == Topic("VF1", "gnss", "refresh")
    assert topic is not None
    assert str(topic.answer) == "v1/VF1/gnss/refresh/resp"
    assert Topic.parse(str(topic.answer)) == topic.answer
    assert topic.only_reads
    assert not Topic("VF1", "io", "control").only_reads
