"""The simulated VT3 trackers, held against the document by a plain platform.

The platform knows nothing of the integration: it computes checksums bit by bit and cuts
packets where the document's own examples end.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
import json
import os
import signal
import socket
import sys
from typing import Any

import pytest

from tests.simulators.vt3 import DEMO_SERIALS, Behaviour, Vt3Simulator
from tests.simulators.vt3_wire import Crc
from tests.simulators.world import HOME, parked, stand

SERIAL = "VF3102020122201"
NOW = 1_760_000_000.0

# JSON as it comes in.
type Message = dict[str, Any]

# The requests of the document, with what it calls them.
INTEREST = {"gnss.latitude": "lat", "gnss.longitude": "lon", "obd.speed": "speed"}
GROUPS = [
    {
        "group_name": "group1",
        "interval": 60,
        "interest": {
            "gnss.latitude": "lat",
            "gnss.longitude": "lon",
            "gnss.altitude": "alt",
            "obd.speed": "speed",
            "obd.odo": "odo",
            "userdata.custom_key": "custom_key",
        },
    },
    {
        "group_name": "group2",
        "interval": 30,
        "interest": {f"io.{name}": name for name in ("DI1", "DI2", "DO1", "DO2")},
    },
]

WRONG_SETTINGS: list[Message] = [
    {},
    {"interval": -1},
    {"interval": 3601},
    {"interval": 1.5},
    {"interval": "60"},
    {"interval": True},
    {"interval": 60, "more": 1},
    {"interest": {}},
    {"interest": ["gnss.latitude"]},
    {"interest": {"gnss.latitude": None}},
    {"interest": {"gnss.nonsense": ""}},
    {"interest": {"latitude": ""}},
    {"interest": {"obd.dtc": ""}},
    {"interest": {f"userdata.k{number}": "" for number in range(33)}},
    {"interest": {"gnss.latitude": "a", "gnss.longitude": "a"}},
]


def crc(data: bytes) -> bytes:
    """Return the checksum of 2.1.0, bits reflected and the high byte first."""
    register = 0
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = (register >> 1) ^ (0xA001 if register & 1 else 0)
    return register.to_bytes(2)


def packet(message: Mapping[str, Any]) -> bytes:
    """Return a packet as the document draws it, with the spaces of its examples."""
    data = json.dumps(message).encode()
    return b"$" + data + crc(data) + b"\r\n"


class Platform:
    """Listens for one tracker and asks it."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.time = NOW
        self.port = 0
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._connected = asyncio.Event()
        self._server: asyncio.Server | None = None

    def clock(self) -> float:
        """Return the time of the tracker."""
        return self.time

    async def start(self) -> None:
        """Listen."""

        async def on_connect(
            reader: asyncio.StreamReader, writer: asyncio.StreamWriter
        ) -> None:
            self._reader, self._writer = reader, writer
            self._connected.set()

        self._server = await asyncio.start_server(on_connect, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """End it all."""
        assert self._server is not None
        self._server.close()
        if self._writer is not None:
            self._writer.close()
        await self._server.wait_closed()

    async def receive(self) -> Message:
        """Return the next message, whose packet must be right."""
        await self._connected.wait()
        assert self._reader is not None
        async with asyncio.timeout(10):
            data = b""
            # The checksum may have an end of line in it.
            while not data.endswith(b"\r\n") or crc(data[1:-4]) != data[-4:-2]:
                data += await self._reader.readexactly(1)
        assert data.startswith(b"$")
        message: Message = json.loads(data[1:-4])
        return message

    async def send(self, data: bytes) -> None:
        """Send anything."""
        await self._connected.wait()
        assert self._writer is not None
        self._writer.write(data)

    async def ask(self, request: str, **parts: Any) -> Message:
        """Send a request, spaced as 2.3 wants it, and return its answer."""
        self.time += 5
        await self.send(packet({"topic": f"v1/{SERIAL}/{request}", **parts}))
        answer = await self.receive()
        assert answer.pop("topic") == f"v1/{SERIAL}/{request}/resp"
        return answer

    async def refused(self, request: str, payload: Any = None) -> str:
        """Return the code of the error that a request is answered with."""
        parts = {} if payload is None else {"payload": payload}
        answer = await self.ask(request, **parts)
        assert set(answer) == {"result"}
        assert set(answer["result"]) - {"client_token"} == {"error", "error_desc"}
        code: str = answer["result"]["error"]
        return code


@pytest.fixture
async def platform() -> AsyncIterator[Platform]:
    """Return a platform that listens."""
    platform = Platform()
    await platform.start()
    yield platform
    await platform.stop()


@pytest.fixture
async def tracker(platform: Platform) -> AsyncIterator[Vt3Simulator]:
    """Return a connected tracker of a vehicle whose engine runs."""
    vehicle = parked(HOME, NOW)
    vehicle.live(NOW, stand(100_000, ignition=True))
    tracker = Vt3Simulator(SERIAL, vehicle, clock=platform.clock)
    await tracker.connect("127.0.0.1", platform.port)
    yield tracker
    await tracker.disconnect()


# --- data (3.1, 4.2, 5) -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("group", "keys"),
    [
        ("obd", {"obd.ts", "obd.rpm", "obd.speed"}),
        (
            "gnss",
            {
                *("gnss.ts", "gnss.latitude", "gnss.longitude", "gnss.altitude"),
                *("gnss.speed", "gnss.heading", "gnss.hdop", "gnss.fix"),
                "gnss.num_sv",
            },
        ),
        (
            "motion",
            {"motion.ts", *(f"motion.{kind}{axis}" for kind in "ag" for axis in "xyz")},
        ),
        (
            "io",
            {
                *("io.ts", "io.AI1", "io.IGT", "io.DO1", "io.DO2", "io.DO3"),
                *(f"io.DI{number}" for number in (1, 2, 3, 4)),
                *(f"io.DI{number}_pullup" for number in (1, 2, 3, 4)),
            },
        ),
        (
            "cellular1",
            {
                *("modem1.ts", "modem1.imei", "modem1.imsi", "modem1.iccid"),
                *("modem1.signal_lvl", "modem1.reg_status", "modem1.operator"),
                *("modem1.network", "modem1.lac", "modem1.cell_id"),
                *("cellular1.status", "cellular1.ip", "cellular1.netmask"),
                *("cellular1.gateway", "cellular1.dns1", "cellular1.up_at"),
            },
        ),
    ],
)
async def test_timer_triggered_data(
    platform: Platform, tracker: Vt3Simulator, group: str, keys: set[str]
) -> None:
    """The examples of 3.1: all that they have, and for all but OBD no more."""
    await tracker.upload(group)
    message = await platform.receive()
    assert message["topic"] == f"v1/{SERIAL}/{group}/info"
    found = set(message["payload"])
    assert found >= keys if group == "obd" else found == keys
    times = [value for key, value in message["payload"].items() if key.endswith(".ts")]
    assert times == [int(NOW)]


async def test_events(platform: Platform, tracker: Vt3Simulator) -> None:
    """The examples of 5.4."""
    await tracker.raise_event("IGON")
    event = await platform.receive()
    assert event["topic"] == f"v1/{SERIAL}/event/notice"
    assert set(event["payload"]) == {
        *("starts_at", "status", "type", "level"),
        *("gnss.longitude", "gnss.latitude", "gnss.altitude", "gnss.heading"),
        *("gnss.speed", "gnss.hdop", "obd.speed", "obd.f_lvl", "obd.odo"),
        *(f"motion.{kind}{axis}" for kind in "ag" for axis in "xyz"),
    }
    await tracker.raise_trouble_code("P070F", "Transmission Fluid Level Too Low")
    payload = (await platform.receive())["payload"]
    assert (payload["type"], payload["status"], payload["level"]) == (
        "OBDII_DTC_P070F",
        "raise",
        2,
    )
    assert (payload["dtc"], payload["desc"]) == (
        "P070F",
        "Transmission Fluid Level Too Low",
    )
    await tracker.clear_trouble_code("P070F")
    payload = (await platform.receive())["payload"]
    assert payload["status"] == "clear"
    assert payload["ends_at"] > payload["starts_at"]
    await tracker.raise_j1939(173, 3)
    payload = (await platform.receive())["payload"]
    assert payload["type"] == "J1939_DTC_173"
    assert [payload[key] for key in ("src_addr", "fmi", "oc", "spn")] == [0, 3, 1, 173]
    await tracker.raise_j1939(173, 3, ended=True)
    payload = (await platform.receive())["payload"]
    assert (payload["status"], payload["ends_at"]) == ("clear", int(NOW))


# --- requests (3.2 to 3.4, 4) -----------------------------------------------------------


@pytest.mark.parametrize("group", ["obd", "gnss", "motion", "io", "cellular1"])
async def test_settings(platform: Platform, tracker: Vt3Simulator, group: str) -> None:
    """Cases 1 to 4 of 3.2.1: interval, interest, both; the answer repeats them."""
    settings: list[Message] = [
        {"interval": 0},
        {"interval": 60},
        {"interest": INTEREST},
        {"interval": 3600, "interest": INTEREST},
    ]
    for payload in settings:
        answer = await platform.ask(
            f"{group}/set", payload={"client_token": "t", **payload}
        )
        assert answer == {"result": {"client_token": "t", **payload}}
    assert tracker.intervals[group] == 3600
    await tracker.upload(group)
    assert set((await platform.receive())["payload"]) == {"lat", "lon", "speed"}
    assert tracker.violations == []


@pytest.mark.parametrize(
    ("group", "more", "less"),
    [
        ("obd", set(), {"obd.ts"}),
        ("gnss", {"gnss.pdop", "gnss.hacc", "gnss.date", "gnss.time"}, {"gnss.ts"}),
        ("motion", {"motion.roll", "motion.pitch", "motion.yaw"}, {"motion.ts"}),
        ("io", set(), {"io.ts", "io.IGT"}),
        ("cellular1", {"cellular1.ts"}, set()),
    ],
)
async def test_on_demand(
    platform: Platform,
    tracker: Vt3Simulator,
    group: str,
    more: set[str],
    less: set[str],
) -> None:
    """The examples of 3.3 differ from those of 3.1."""
    await tracker.upload(group)
    uploaded = set((await platform.receive())["payload"])
    answer = await platform.ask(f"{group}/refresh")
    assert set(answer["result"]) == (uploaded | more) - less


async def test_system_info(platform: Platform, tracker: Vt3Simulator) -> None:
    """The example of 3.3.7, but for the time."""
    result = (await platform.ask("sysinfo/refresh"))["result"]
    assert result.pop("sysinfo.ts") == int(platform.time)
    assert result == {
        "sysinfo.model_name": "VT310",
        "sysinfo.oem_name": "inhand",
        "sysinfo.serial_number": SERIAL,
        "sysinfo.firmware_version": "VT3_V1.0.22",
        "sysinfo.product_number": "FQ58",
        "sysinfo.description": "www.inhand.com.cn",
    }


async def test_control(platform: Platform, tracker: Vt3Simulator) -> None:
    """Outputs are spelled as in 3.1.4, or as in 3.4.1, and never in both ways."""
    levels = {"io.DO1": 1, "io.DO2": 0, "io.DO3": 1}
    assert await platform.ask("io/control", payload=levels) == {"result": levels}
    assert tracker.outputs == [1, 0, 1]
    as_in_the_document = {key.replace("O", "0"): 0 for key in levels}
    assert await platform.refused("io/control", as_in_the_document) == (
        "invalid_parameter"
    )
    tracker.behaviour.zero_outputs = True
    assert await platform.refused("io/control", levels) == "invalid_parameter"
    assert await platform.ask("io/control", payload=as_in_the_document)
    assert tracker.outputs == [0, 0, 0]


async def test_custom_groups(platform: Platform, tracker: Vt3Simulator) -> None:
    """The examples of chapter 4."""
    assert await platform.ask("group/get") == {"result": []}
    answer = await platform.ask(
        "group/set", payload={"client_token": "t", "settings": GROUPS}
    )
    # A list has no room for the token.
    assert answer == {"result": GROUPS, "client_token": "t"}
    assert await platform.ask("group/get") == {"result": GROUPS}
    await tracker.upload("group1")
    message = await platform.receive()
    assert message["topic"] == f"v1/{SERIAL}/group1/info"
    values = {"lat", "lon", "alt", "speed", "odo", "custom_key"}
    assert set(message["payload"]) == values
    assert set((await platform.ask("group1/refresh"))["result"]) == values
    # Each can be changed alone, as those of the tracker itself.
    assert await platform.ask(
        "group2/set", payload={"client_token": "t", "interval": 0}
    )
    assert tracker.intervals["group2"] == 0
    assert tracker.violations == []


@pytest.mark.parametrize(
    ("request_name", "payload"),
    [
        *(("gnss/set", payload) for payload in WRONG_SETTINGS),
        *(
            ("group/set", {"settings": settings})
            for settings in (
                None,
                ["group1"],
                [{"interval": 5}],
                [{"group_name": "", "interval": 5}],
                [{"group_name": "gnss", "interval": 5}],
                [{"group_name": "group1"}],
                [{"group_name": "group1", "interval": 5}] * 2,
                [{"group_name": f"g{number}", "interval": 5} for number in range(9)],
            )
        ),
        ("group/set", {"settings": GROUPS, "more": 1}),
        *(
            ("io/control", payload)
            for payload in (
                {},
                {"io.DO4": 1},
                {"io.DO1": 2},
                {"io.DO1": True},
                {"io.DO1": "1"},
                {"io.DO1": 1, "io.DI1": 1},
            )
        ),
        ("gnss/refresh", {"interval": 60}),
        ("group/get", {"group_name": "group1"}),
        ("gnss/refresh", {"client_token": "x" * 33}),
    ],
)
async def test_parameters_that_are_not_allowed(
    platform: Platform, tracker: Vt3Simulator, request_name: str, payload: Message
) -> None:
    """What the document does not know is refused, and changes nothing."""
    before = dict(tracker.intervals), dict(tracker.interests), list(tracker.outputs)
    assert await platform.refused(request_name, payload) == "invalid_parameter"
    now = tracker.intervals, tracker.interests, tracker.outputs
    assert now == before


@pytest.mark.parametrize(
    "request_name",
    ["nonsense/refresh", "nonsense/set", "gnss/get", "gnss/control", "sysinfo/set"],
)
async def test_services_that_do_not_exist(
    platform: Platform, tracker: Vt3Simulator, request_name: str
) -> None:
    """2.1.2 has a code for them."""
    assert await platform.refused(request_name) == "not_found"


async def test_spacing(platform: Platform, tracker: Vt3Simulator) -> None:
    """2.3: 3 s between requests and 5 s between controls, which do not count together."""
    assert await platform.ask("gnss/refresh")
    platform.time -= 2.1
    assert await platform.refused("io/refresh") == "device_busy"
    assert await platform.ask("io/control", payload={"io.DO1": 1})
    platform.time -= 0.1
    assert await platform.refused("io/control", {"io.DO1": 0}) == "device_busy"
    assert tracker.outputs[0] == 1
    assert len(tracker.violations) == 2


async def test_no_requests(platform: Platform, tracker: Vt3Simulator) -> None:
    """What is no request, or for somebody else, is not answered, but noted."""
    for topic in ("nonsense", f"v1/{SERIAL}/gnss/refresh/resp", "v1/X/gnss/refresh"):
        await platform.send(packet({"topic": topic}))
    await platform.send(packet({"topic": f"v1/{SERIAL}/io/set", "payload": [1]}))
    assert await platform.ask("gnss/refresh")
    assert tracker.violations == [
        *("no request", "no request"),
        "a topic of somebody else",
        "no request",
    ]


@pytest.mark.parametrize(
    "broken",
    [
        b"?" + packet({"topic": "x"}),
        packet({"topic": "x"})[:-4] + b"??\r\n",
        packet({"topic": "x"})[:-2] + b"\n\r",
    ],
)
async def test_wire(platform: Platform, tracker: Vt3Simulator, broken: bytes) -> None:
    """Anything but packets one after the other is noted, and not forgiven."""
    await platform.send(broken)
    async with asyncio.timeout(10):
        await tracker.lost.wait()
    assert len(tracker.violations) == 1


# --- what the document leaves open ------------------------------------------------------


@pytest.mark.parametrize(
    ("behaviour", "result"),
    [
        (Behaviour(), {"result": {"interval": 5, "client_token": "t"}}),
        (Behaviour(echo="body"), {"result": {"interval": 5}, "client_token": "t"}),
        (Behaviour(echo=None), {"result": {"interval": 5}}),
    ],
)
async def test_client_token(
    platform: Platform, tracker: Vt3Simulator, behaviour: Behaviour, result: Message
) -> None:
    """It is repeated in the result, beside it, or nowhere."""
    tracker.behaviour = behaviour
    payload = {"client_token": "t", "interval": 5}
    assert await platform.ask("io/set", payload=payload) == result
    assert tracker.violations == []
    await platform.ask("io/set", payload={"interval": 5})
    assert tracker.violations == ["no client token"]


async def test_no_client_token(platform: Platform, tracker: Vt3Simulator) -> None:
    """It may be refused, as no example has it."""
    tracker.behaviour.without_token = True
    assert await platform.ask("io/set", payload={"interval": 5})
    answer = await platform.ask("io/refresh", payload={"client_token": "t"})
    assert answer["result"]["error"] == "invalid_parameter"
    assert tracker.violations == []


async def test_errors_in_the_body(platform: Platform, tracker: Vt3Simulator) -> None:
    """2.1.1 puts them there."""
    tracker.behaviour.error_in_body = True
    tracker.behaviour.errors["io/refresh"] = ["data_invalid"]
    assert await platform.ask("io/refresh") == {
        "error": "data_invalid",
        "error_desc": "resource invalid",
    }
    assert "result" in await platform.ask("io/refresh")


async def test_other_names(platform: Platform, tracker: Vt3Simulator) -> None:
    """The topic of 3.1.5, the trouble codes of A.4, and the unit of newer documents."""
    tracker.behaviour = Behaviour(cellular_topic="modem1", dtc="obd.dtc")
    await tracker.upload("cellular1")
    assert (await platform.receive())["topic"] == f"v1/{SERIAL}/modem1/info"
    await tracker.upload("obd")
    payload = (await platform.receive())["payload"]
    assert "obd.dtc" in payload
    assert "obd.dtcs" not in payload
    interest = {"client_token": "t", "interest": {"obd.dtc": ""}}
    assert "error" not in (await platform.ask("obd/set", payload=interest))["result"]


async def test_low_byte_first(platform: Platform, tracker: Vt3Simulator) -> None:
    """The order of the two bytes is not written anywhere."""
    await tracker.upload("gnss")
    usual = await platform.receive()
    tracker.behaviour.crc = Crc.LOW_BYTE_FIRST
    await tracker.upload("gnss")
    assert platform._reader is not None
    data = json.dumps(usual, separators=(",", ":")).encode()
    sent = await platform._reader.readexactly(len(data) + 5)
    assert sent == b"$" + data + crc(data)[::-1] + b"\r\n"


@pytest.mark.parametrize(
    ("behaviour", "temperature"),
    [
        (Behaviour(), "absent"),
        (Behaviour(nulls=True), None),
        (Behaviour(sentinels=True), -40),
    ],
)
async def test_engine_off(
    platform: Platform,
    tracker: Vt3Simulator,
    behaviour: Behaviour,
    temperature: object,
) -> None:
    """What is not known is left out, null, or the least of its scale."""
    tracker.behaviour = behaviour
    tracker.vehicle.live(NOW + 1)
    platform.time += 10
    await tracker.upload("obd")
    payload = (await platform.receive())["payload"]
    assert payload.get("obd.c_temp", "absent") == temperature


# --- alone ------------------------------------------------------------------------------


async def test_alone() -> None:
    """Trackers run by themselves, connect again after a loss, and end when told to."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        listening.setblocking(False)
        loop = asyncio.get_running_loop()
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "tests.simulators.vt3", "--host", "127.0.0.1"),
            *("--port", str(listening.getsockname()[1]), "--count", "2"),
            stdout=asyncio.subprocess.PIPE,
            env=os.environ,
        )
        serials = set()
        async with asyncio.timeout(30):
            for _ in range(2):
                connection, _ = await loop.sock_accept(listening)
                with connection:
                    data = await loop.sock_recv(connection, 60)
                    serials.add(data.split(b"/")[1].decode())
            again, _ = await loop.sock_accept(listening)
            again.close()
        assert serials == set(DEMO_SERIALS)
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
