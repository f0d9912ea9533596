"""A listener with its trackers: from what they send to what Home Assistant is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from itertools import groupby
import json
import logging
import socket
import sys
from types import FrameType

import pytest

from custom_components.fleet_tracker.contract.commands import PART, Command
from custom_components.fleet_tracker.contract.connection import (
    Connection,
    PollResult,
    Settings,
)
from custom_components.fleet_tracker.contract.errors import (
    CannotConnect,
    CommandFailed,
    CommandUnconfirmed,
    InvalidArgument,
    VehicleOffline,
)
from custom_components.fleet_tracker.model.evidence import TOLD_SPEED
from custom_components.fleet_tracker.model.json_values import Json
from custom_components.fleet_tracker.model.vehicle import (
    OccurrenceKind,
    OccurrenceType,
    Reading,
)
from custom_components.fleet_tracker.vendors.vt3 import (
    commands,
    connection as vt3_connection,
)
from custom_components.fleet_tracker.vendors.vt3.connection import Vt3Connection
from custom_components.fleet_tracker.vendors.vt3.errors import Refused
from custom_components.fleet_tracker.vendors.vt3.line import CONTROL_SPACING
from custom_components.fleet_tracker.vendors.vt3.session import Limits
from custom_components.fleet_tracker.vendors.vt3.vocabulary import Vt3Command
from tests.simulators.vt3 import Behaviour, Vt3Simulator
from tests.simulators.world import HOME, Route, drive, stand
from tests.vendors.fake_host import Cleared, FakeHost, FakeMemory

from .conftest import ELSEWHERE, OTHER, SERIAL, MakeTracker, until

type Vehicles = Mapping[str, Mapping[str, object]]

VAN: Vehicles = {SERIAL: {"name": "Van"}}
CUTTING: Vehicles = {SERIAL: {"name": "Van", "cuts_engine": ["1"]}}


@asynccontextmanager
async def opened(
    host: FakeHost,
    vehicles: Vehicles = VAN,
    options: Mapping[str, object] | None = None,
    limits: Limits | None = None,
) -> AsyncIterator[Vt3Connection]:
    """Open a connection on some port."""
    settings = Settings(
        data={"host": "127.0.0.1", "port": 0},
        options=options or {},
        vehicles=vehicles,
        driving_interval=timedelta(seconds=15),
        parked_interval=timedelta(seconds=60),
    )
    connection = Vt3Connection(settings, host, limits=limits)
    await connection.open()
    # What was asked before it was opened is long ago.
    host.advance(CONTROL_SPACING)
    try:
        yield connection
    finally:
        await connection.close()


async def connect(
    connection: Vt3Connection, tracker: Vt3Simulator, *, greeted: bool = True
) -> None:
    """Let a tracker connect, and wait until it was asked what it is."""
    await tracker.connect("127.0.0.1", connection.server.ports[0])
    await tracker.upload("io")
    if greeted:
        await until(lambda: len(tracker.requests) >= 3)
        await until(lambda: not connection._tasks)


async def uploaded(tracker: Vt3Simulator, host: FakeHost, *groups: str) -> None:
    """Let a tracker upload groups, and wait until they have come in."""
    for group in groups:
        updates = len(host.updates)
        await tracker.upload(group)
        await until(lambda: len(host.updates) > updates)  # noqa: B023 - awaited here


@pytest.fixture
async def connection(host: FakeHost) -> AsyncIterator[Vt3Connection]:
    """Return an open connection that has accepted one tracker."""
    async with opened(host) as one:
        yield one


@pytest.fixture
async def tracker(connection: Vt3Connection, make_tracker: MakeTracker) -> Vt3Simulator:
    """Return a connected tracker that behaves well."""
    made = make_tracker()
    await connect(connection, made)
    return made


async def test_way_of_a_frame(
    connection: Vt3Connection, tracker: Vt3Simulator, host: FakeHost
) -> None:
    """An upload goes straight from the bytes over its tracker and the mapping to the host."""
    await uploaded(tracker, host, "gnss")
    package = vt3_connection.__name__.rpartition(".")[0]
    called: list[str] = []

    def note(frame: FrameType, event: str, _argument: object) -> None:
        folder, _, module = frame.f_globals.get("__name__", "").rpartition(".")
        if event == "call" and (folder == package or frame.f_code is receive):
            called.append(module)

    receive = FakeHost.receive.__code__
    sys.setprofile(note)
    try:
        await uploaded(tracker, host, "gnss")
    finally:
        sys.setprofile(None)
    way = [module for module in called if module not in ("values", "topics")]
    way = way[way.index("frames") : way.index("fake_host") + 1]
    assert [module for module, _ in groupby(way)] == [
        "frames",
        "session",
        "server",
        "connection",
        "tracker",
        "mapping",
        "tracker",
        "speed_unit",
        "fake_host",
    ]


async def test_groups_missing_at_the_connection(
    connection: Vt3Connection, make_tracker: MakeTracker
) -> None:
    """A group that is not known is asked for once, before it is refused."""
    tracker = make_tracker(behaviour=Behaviour(silent={"group/get"}))
    tracker.intervals["mine"] = 60
    tracker.interests["mine"] = {"obd.f_lvl": "tank"}
    await connect(connection, tracker)
    command = Command(Vt3Command.REFRESH_GROUP, {PART: "mine"})
    with pytest.raises(VehicleOffline):
        await connection.check(SERIAL, command)
    tracker.behaviour.silent.clear()
    await connection.check(SERIAL, command)
    result = await connection.execute(SERIAL, command)
    assert "62.5" in str(result.text)
    asked = [name for name, _ in tracker.requests].count("group/get")
    other = Command(Vt3Command.REFRESH_GROUP, {PART: "yours"})
    with pytest.raises(InvalidArgument):
        await connection.check(SERIAL, other)
    assert [name for name, _ in tracker.requests].count("group/get") == asked


# --- news -------------------------------------------------------------------------------


async def test_after_connect(
    connection: Vt3Connection, tracker: Vt3Simulator, host: FakeHost
) -> None:
    """System, cellular and custom groups are asked for once, spaced."""
    assert [request for request, _ in tracker.requests] == [
        "sysinfo/refresh",
        "cellular1/refresh",
        "group/get",
    ]
    assert tracker.violations == []
    vehicle = host.known[SERIAL]
    assert vehicle.details.name == "Van"
    assert vehicle.details.model == "VT310"
    assert vehicle.details.sw_version == "VT3_V1.0.22"
    assert vehicle.details.serial_number == SERIAL
    assert vehicle.readings["network_type"] == "4g"
    await tracker.upload("gnss")
    await until(lambda: host.known[SERIAL].position)
    assert len(tracker.requests) == 3


async def test_every_group(tracker: Vt3Simulator, host: FakeHost) -> None:
    """Every upload of a tracker becomes readings and a position."""
    tracker.vehicle.live(host.clock(), stand(1000, ignition=True))
    tracker.inputs[1] = 1
    await uploaded(tracker, host, "gnss", "motion", "io", "obd", "cellular1")
    readings = host.known[SERIAL].readings
    assert readings[Reading.IGNITION] is True
    assert readings[Reading.ONLINE] is True
    assert readings["engine_speed"] == 800
    assert readings["digital_input:2"] is True
    assert readings["acceleration:z"] == 0.98
    assert readings[Reading.SPEED] == 0
    position = host.known[SERIAL].position
    assert position is not None
    assert position.latitude == pytest.approx(HOME.latitude, abs=1e-6)
    assert Reading.SIM not in readings
    # The engine stops: what it measures is not known any more, what it drove is.
    tracker.vehicle.live(host.clock() + 1, stand(1000))
    host.advance(10)
    await tracker.upload("obd")
    await until(lambda: host.reading(SERIAL, "engine_speed") is None)
    assert host.reading(SERIAL, Reading.FUEL_LEVEL) == 62.5


@pytest.mark.parametrize(
    "behaviour", [Behaviour(nulls=True), Behaviour(sentinels=True), Behaviour()]
)
async def test_engine_off(
    connection: Vt3Connection,
    make_tracker: MakeTracker,
    host: FakeHost,
    behaviour: Behaviour,
) -> None:
    """Whether as null, as the least of the scale or left out: it is not known."""
    tracker = make_tracker(behaviour=behaviour)
    await connect(connection, tracker)
    await tracker.upload("obd")
    await until(lambda: host.reading(SERIAL, Reading.ODOMETER))
    for reading in ("coolant_temperature", "oil_temperature", "engine_torque"):
        assert host.reading(SERIAL, reading) is None


async def test_topic_of_the_document(
    connection: Vt3Connection, make_tracker: MakeTracker, host: FakeHost
) -> None:
    """Cellular data comes as modem1, too."""
    tracker = make_tracker(behaviour=Behaviour(cellular_topic="modem1", silent={"*"}))
    await connect(connection, tracker, greeted=False)
    await tracker.upload("cellular1")
    await until(lambda: host.reading(SERIAL, "network_link") == "up")


async def test_online(
    connection: Vt3Connection, tracker: Vt3Simulator, host: FakeHost
) -> None:
    """Offline when the connection ends, or after three times the usual silence."""
    assert host.reading(SERIAL, Reading.ONLINE) is True
    assert host.known[SERIAL].contact_interval == timedelta(seconds=100)
    for _ in range(3):
        host.advance(600)
        await uploaded(tracker, host, "io", "gnss")
    interval = host.known[SERIAL].contact_interval
    assert interval is not None
    assert interval.total_seconds() == pytest.approx(600, abs=10)
    await tracker.disconnect()
    await until(lambda: host.reading(SERIAL, Reading.ONLINE) is False)
    await connect(connection, tracker, greeted=False)
    await until(lambda: host.reading(SERIAL, Reading.ONLINE) is True)


async def test_events(tracker: Vt3Simulator, host: FakeHost) -> None:
    """Events fire, and their values and the ignition update readings."""
    await tracker.raise_event("IGON")
    await tracker.raise_trouble_code("P070F", "Transmission Fluid Level Too Low")
    host.advance(60)
    await tracker.clear_trouble_code("P070F")
    await tracker.raise_j1939(173, 3)
    await tracker.raise_event("IGOFF", place=False)
    await until(lambda: len(host.occurrences) == 5)
    happened = [(one.kind, one.type, one.code) for _, one in host.occurrences]
    assert happened == [
        (OccurrenceKind.IGNITION, OccurrenceType.IGNITION_ON, "IGON"),
        (OccurrenceKind.TROUBLE_CODE, OccurrenceType.TROUBLE_CODE, "P070F"),
        (OccurrenceKind.TROUBLE_CODE, OccurrenceType.CLEARED, "P070F"),
        (OccurrenceKind.TROUBLE_CODE, OccurrenceType.TROUBLE_CODE, "SPN 173 FMI 3"),
        (OccurrenceKind.IGNITION, OccurrenceType.IGNITION_OFF, "IGOFF"),
    ]
    assert host.reading(SERIAL, Reading.IGNITION) is False
    assert host.reading(SERIAL, Reading.FUEL_LEVEL) == 62.5
    assert host.known[SERIAL].position is not None
    for _, one in host.occurrences:
        assert not any("itude" in key for key in one.details)


async def test_messages_without_sense(
    connection: Vt3Connection, tracker: Vt3Simulator, host: FakeHost
) -> None:
    """Unknown topics and payloads that are none are counted, nothing breaks."""
    await tracker.send("io/info")
    await tracker.send("io/info", payload=[1])
    await tracker.send("io/upgrade", payload={})
    await tracker.send("event/notice", payload={"status": "raise"})
    await tracker.send("io/set/resp", result={"error": "late"})
    await tracker.send("io/refresh/resp", result=5)
    await tracker.upload("gnss")
    await until(lambda: host.known[SERIAL].position)
    counts = connection.server.counts
    assert (counts["without_payload"], counts["unknown_topic"]) == (2, 1)
    assert counts["unasked_answers"] == 2
    assert host.occurrences == []


async def test_late_answers_are_news(
    connection: Vt3Connection, tracker: Vt3Simulator, host: FakeHost
) -> None:
    """An answer that comes after its request has timed out is news."""
    tracker.behaviour.silent.add("*")
    late: tuple[tuple[Command, str, Json], ...] = (
        (
            Command(Vt3Command.SET_UPLOAD_INTERVAL, {"part": "gnss", "value": 60}),
            "gnss/set",
            {"interval": 77},
        ),
        (
            Command(Vt3Command.TURN_ON_OUTPUT, {"part": "3"}),
            "io/control",
            {"io.D03": 1},
        ),
        (Command(Vt3Command.REFRESH_GROUP, {"part": "io"}), "io/refresh", 5),
        (
            Command(Vt3Command.REFRESH_GROUP, {"part": "io"}),
            "io/refresh",
            {"error": "x"},
        ),
    )
    counts = connection.server.counts
    for number, (command, request, result) in enumerate(late, start=1):
        with pytest.raises((CommandUnconfirmed, VehicleOffline)):
            await connection.execute(SERIAL, command)
        await tracker.send(f"{request}/resp", result=result)
        await until(lambda: counts["late_answers"] == number)  # noqa: B023 - at once
    await until(lambda: not connection._tasks)
    assert host.reading(SERIAL, "output:3") is True
    assert host.reading(SERIAL, "upload_interval:gnss") == 77
    assert counts["without_payload"] == 1


async def test_answers_without_a_request(
    connection: Vt3Connection, tracker: Vt3Simulator, host: FakeHost
) -> None:
    """Such answers are no news, and make neither groups nor memories."""
    assert isinstance(host.memory, FakeMemory)
    before = dict(host.memory.stored)
    capabilities = host.known[SERIAL].capabilities
    interest = {"obd.rpm": "r"}
    for number in range(100):
        result = {"interval": 5, "interest": interest}
        await tracker.send(f"g{number}/set/resp", result=result)
    group = {"group_name": "mine", "interval": 5, "interest": interest}
    await tracker.send("group/get/resp", result=[group])
    await tracker.send("io/control/resp", result={"io.DO1": 1})
    counts = connection.server.counts
    await until(lambda: counts["unasked_answers"] == 102)
    assert host.memory.stored == before
    assert host.known[SERIAL].capabilities == capabilities
    assert host.reading(SERIAL, "output:1") is False


async def test_more_groups_than_there_can_be(
    connection: Vt3Connection, tracker: Vt3Simulator, host: FakeHost
) -> None:
    """A tracker that names groups without end is not believed."""
    for number in range(100):
        tracker.intervals[f"g{number}"] = 5
        tracker.interests[f"g{number}"] = {"obd.rpm": ""}
    result = await connection.execute(SERIAL, Command(Vt3Command.GET_CUSTOM_GROUPS))
    assert result.update is not None
    host.receive([result.update])
    groups = [
        one
        for one in host.known[SERIAL].capabilities
        if one.startswith("upload_interval:g") and one != "upload_interval:gnss"
    ]
    assert len(groups) == 16


async def test_custom_groups(
    connection: Vt3Connection, make_tracker: MakeTracker, host: FakeHost
) -> None:
    """Names in custom groups are read after connecting, and outlive a restart."""
    tracker = make_tracker()
    tracker.intervals["mine"] = 45
    tracker.interests["mine"] = {
        "gnss.latitude": "lat",
        "gnss.longitude": "lon",
        "io.AI1": "analog",
        "userdata.custom_key": "key",
    }
    await connect(connection, tracker)
    assert host.reading(SERIAL, "upload_interval:mine") == 45
    capabilities = host.known[SERIAL].capabilities
    assert {"refresh_group:mine", "upload_interval:mine"} <= capabilities
    await tracker.upload("mine")
    await until(lambda: host.reading(SERIAL, "custom:userdata.custom_key"))
    assert host.known[SERIAL].position is not None
    assert host.reading(SERIAL, "analog_input:1") == 0.0
    assert "lat" not in str(host.known[SERIAL].readings)
    result = await connection.execute(
        SERIAL, Command(Vt3Command.REFRESH_GROUP, {"part": "mine"})
    )
    assert result.update is not None
    assert result.update.position is not None

    assert isinstance(host.memory, FakeMemory)
    later = FakeHost(host.session, memory=host.memory)
    async with opened(later) as again:
        silent = make_tracker(behaviour=Behaviour(silent={"*"}))
        silent.interests, silent.intervals = tracker.interests, tracker.intervals
        await connect(again, silent, greeted=False)
        await silent.upload("mine")
        await until(lambda: later.reading(SERIAL, "custom:userdata.custom_key"))
        assert later.known[SERIAL].position is not None
    # A group that is gone is forgotten.
    del tracker.intervals["mine"]
    host.advance(10)
    await connection.execute(SERIAL, Command(Vt3Command.GET_CUSTOM_GROUPS))
    await tracker.upload("gnss")
    assert json.loads(host.memory.stored["interests"]) == {}


async def test_strange_names(
    connection: Vt3Connection, tracker: Vt3Simulator, host: FakeHost
) -> None:
    """A group whose names somebody else changed is told of, and can be reset."""
    tracker.interests["io"] = {"io.DI1": "door", "io.IGT": ""}
    tracker.interests["gnss"] = {
        "gnss.ts": "time",
        "gnss.latitude": "lat",
        "gnss.longitude": "log",
        "gnss.fix": "",
    }
    await tracker.upload("gnss")
    await tracker.upload("io")
    await until(lambda: host.problems)
    assert host.known[SERIAL].position is not None
    assert host.problems == {"vt3_unknown_names": {"groups": "io", "vehicles": SERIAL}}
    host.advance(10)
    tracker.behaviour.errors["io/set"] = ["not_found"]
    with pytest.raises(Refused, match="not_found"):
        await connection.solve("vt3_unknown_names")
    assert host.problems == {"vt3_unknown_names": {"groups": "io", "vehicles": SERIAL}}
    host.advance(10)
    assert await connection.solve("vt3_unknown_names") == {}
    assert host.problems == {}
    host.advance(10)
    await tracker.upload("io")
    await until(lambda: host.reading(SERIAL, "digital_input:1") is False)
    assert tracker.violations == []


@pytest.mark.parametrize("dtc", ["obd.dtcs", "obd.dtc"])
async def test_names_of_trouble_codes(
    connection: Vt3Connection, tracker: Vt3Simulator, host: FakeHost, dtc: str
) -> None:
    """The document has two names for one parameter; a reset finds the one that is known."""
    tracker.behaviour.dtc = dtc
    tracker.interests["obd"] = {dtc: "codes"}
    await tracker.upload("obd")
    await until(lambda: host.problems)
    assert await connection.solve("vt3_unknown_names") == {}
    assert host.problems == {}
    assert tracker.interests["obd"][dtc] == ""
    tracker.trouble_codes.add("P070F")
    host.advance(10)
    await tracker.upload("obd")
    await until(lambda: host.reading(SERIAL, Reading.TROUBLE_CODES) == 1)
    assert tracker.violations == []


async def test_groups_made_by_others(
    connection: Vt3Connection, make_tracker: MakeTracker, host: FakeHost
) -> None:
    """Names that we would not give are understood all the same."""
    tracker = make_tracker()
    name = "fleet.1-" + 30 * "x"
    tracker.intervals[name] = 45
    tracker.interests[name] = {"obd.f_lvl": "tank"}
    await connect(connection, tracker)
    await tracker.upload(name)
    await until(lambda: host.reading(SERIAL, Reading.FUEL_LEVEL) == 62.5)
    assert host.reading(SERIAL, f"upload_interval:{name}") == 45


async def test_own_names_are_remembered(
    connection: Vt3Connection, tracker: Vt3Simulator, host: FakeHost
) -> None:
    """Names of a reserved group that were set from here are understood."""
    host.advance(10)
    await connection.execute(
        SERIAL,
        Command(
            Vt3Command.SET_GROUP,
            {"part": "io", "interval": 60, "interest": '{"io.DI1": "door"}'},
        ),
    )
    host.advance(10)
    tracker.inputs[0] = 1
    await tracker.upload("io")
    await until(lambda: host.reading(SERIAL, "digital_input:1") is True)
    assert host.problems == {}


@pytest.mark.parametrize("knots", [False, True])
async def test_speed_unit(
    host: FakeHost, make_tracker: MakeTracker, knots: bool
) -> None:
    """A tracker that tells the other unit than was set is found out, and told of."""
    options = {"speed_unit": "kmh" if knots else "knots"}
    async with opened(host, options=options) as connection:
        tracker = make_tracker(behaviour=Behaviour(knots=knots))
        await connect(connection, tracker)
        route = Route(HOME, HOME.away(90, 20_000))
        tracker.vehicle.live(host.clock(), drive(route, 90))
        for _ in range(12):
            host.advance(10)
            await uploaded(tracker, host, "obd", "gnss")
        unit = "kn" if knots else "km/h"
        assert host.problems == {
            "vt3_wrong_speed_unit": {"unit": unit, "vehicles": SERIAL}
        }
        # The guard goes on to take the speed for knots.
        told = [
            speed
            for update in host.updates
            for group in update.groups
            if group.name == TOLD_SPEED
            and isinstance(speed := group.readings[Reading.SPEED], float)
        ]
        assert max(told) == pytest.approx(90 if knots else 90 * 1.852, abs=1)
        solution = await connection.solve("vt3_wrong_speed_unit")
        assert solution == {"speed_unit": "knots" if knots else "kmh"}
    async with opened(host, options=solution) as connection:
        assert host.problems == {}
        await connect(connection, tracker)
        for _ in range(12):
            host.advance(10)
            await uploaded(tracker, host, "obd", "gnss")
        assert connection._trackers[SERIAL].speed_unit.is_wrong is False
        assert host.problems == {}
        assert host.reading(SERIAL, Reading.SPEED) == pytest.approx(90, abs=1)


# --- accepting --------------------------------------------------------------------------


async def test_strangers_are_introduced(
    connection: Vt3Connection, make_tracker: MakeTracker, host: FakeHost
) -> None:
    """A tracker that is not accepted gets one card, with its model, and no answer."""
    host.patient = True
    tracker = make_tracker(OTHER)
    await tracker.connect("127.0.0.1", connection.server.ports[0])
    await tracker.upload("gnss")
    await tracker.upload("sysinfo")
    await tracker.upload("gnss")
    await until(lambda: host.slept and connection.server.state()["frames"] == 3)
    host.advance(5)
    await until(lambda: host.discovered)
    await tracker.upload("gnss")
    await until(lambda: connection.server.state()["frames"] == 4)
    assert host.discovered == [(OTHER, "VT310")]
    assert OTHER not in host.known
    assert tracker.requests == []
    assert isinstance(host.memory, FakeMemory)
    assert OTHER not in str(host.memory.stored)
    # Accepting it takes effect on the connection that is there.
    await connection.vehicles_changed({**VAN, OTHER: {"name": "Truck"}})
    assert host.known[OTHER].details.name == "Truck"
    host.patient = False
    host.advance(5)
    await tracker.upload("gnss")
    await until(lambda: host.known[OTHER].position)
    assert connection.diagnostics()["introduced_trackers"] == 0


async def test_no_card_for_a_tracker_accepted_meanwhile(
    connection: Vt3Connection, make_tracker: MakeTracker, host: FakeHost
) -> None:
    """A tracker that the user added in the meantime is not shown as new."""
    host.patient = True
    tracker = make_tracker(OTHER)
    await tracker.connect("127.0.0.1", connection.server.ports[0])
    await tracker.upload("gnss")
    await until(lambda: connection._introductions.pending)
    await connection.vehicles_changed({OTHER: {}})
    host.advance(10)
    host.patient = False
    await until(lambda: not connection._introductions._tasks)
    assert host.discovered == []


async def test_cards_are_few(
    connection: Vt3Connection, host: FakeHost, make_tracker: MakeTracker
) -> None:
    """At most 20 at a time, one in 5 seconds, and room again after an hour."""

    introductions = connection._introductions
    for number in range(25):
        tracker = make_tracker(f"X{number}")
        await tracker.connect("127.0.0.1", connection.server.ports[0])
        await tracker.upload("io")
        done = number + 1
        await until(
            lambda: len(host.discovered) + introductions.left_out == done  # noqa: B023
        )
    assert len(host.discovered) == 20
    assert connection.diagnostics()["messages_of_strangers_left_out"] == 5
    host.advance(3600)
    host.patient = True
    await tracker.upload("io")
    await until(lambda: introductions.pending == 1)
    tracker = make_tracker("Y1")
    await tracker.connect("127.0.0.1", connection.server.ports[0])
    await tracker.upload("io")
    await until(lambda: introductions.left_out == 6)
    host.advance(5)
    await until(lambda: len(host.discovered) == 21)
    assert host.discovered[20] == ("X24", None)


async def test_a_tracker_added_in_advance(host: FakeHost) -> None:
    """The tracker is shown by its name, offline, before it ever connects."""
    async with opened(host, {SERIAL: {}}) as connection:
        assert host.known[SERIAL].details.name == SERIAL
        assert host.reading(SERIAL, Reading.ONLINE) is False
        assert "events" in host.known[SERIAL].capabilities
        await connection.vehicles_changed(VAN)
        assert host.known[SERIAL].details.name == "Van"


@pytest.mark.parametrize("added_first", [True, False])
async def test_serial_number_in_another_case(
    host: FakeHost, make_tracker: MakeTracker, added_first: bool
) -> None:
    """A vehicle that was added in lower case is the tracker, which is asked by its name."""
    added: dict[str, Mapping[str, object]] = {SERIAL.lower(): {}}
    async with opened(host, added if added_first else {}) as connection:
        tracker = make_tracker()
        await connect(connection, tracker, greeted=added_first)
        if not added_first:
            sessions = connection.server._sessions
            await until(lambda: any(one.spelled for one in sessions))
            await connection.vehicles_changed(added)
            await until(lambda: len(tracker.requests) >= 3)
        await uploaded(tracker, host, "obd")
        assert tracker.violations == []
        assert host.known.keys() == added.keys()
        assert host.reading(SERIAL.lower(), Reading.ODOMETER) is not None
        assert connection.server.is_connected(SERIAL.lower())
        assert (await connection.look(SERIAL.lower())).groups
        assert host.discovered == []
        await tracker.disconnect()
        await until(lambda: not connection.server.is_connected(SERIAL.lower()))
        assert host.reading(SERIAL.lower(), Reading.ONLINE) is False


async def test_trackers_removed_while_nothing_ran(host: FakeHost) -> None:
    """What was learned of them is forgotten with the next start; of others it is not."""
    assert isinstance(host.memory, FakeMemory)
    both: dict[str, Json] = {
        "interests": {one: {"io": {"io.DI1": "d"}} for one in (SERIAL, OTHER)},
        "outputs_with_zero": [SERIAL, OTHER],
        "without_client_token": [OTHER, SERIAL],
    }
    for key, value in both.items():
        await host.memory.put(key, value)
    async with opened(host):
        assert OTHER not in str(host.memory.stored)
        assert host.memory.get("interests") == {SERIAL: {"io": {"io.DI1": "d"}}}
        assert host.memory.get("outputs_with_zero") == [SERIAL]
        assert host.memory.get("without_client_token") == [SERIAL]


async def test_a_removed_tracker(
    connection: Vt3Connection, tracker: Vt3Simulator, host: FakeHost
) -> None:
    """Its connection ends, what was learned is forgotten, and it is a stranger again."""
    host.advance(10)
    await connection.execute(
        SERIAL,
        Command(Vt3Command.SET_GROUP, {"part": "io", "interest": '{"io.DI1": "d"}'}),
    )
    assert isinstance(host.memory, FakeMemory)
    assert SERIAL in host.memory.stored["interests"]
    updates = len(host.updates)
    await connection.vehicles_changed({})
    await until(tracker.lost.is_set)
    assert SERIAL not in str(host.memory.stored)
    await tracker.disconnect()
    await tracker.connect("127.0.0.1", connection.server.ports[0])
    await tracker.upload("io")
    await until(lambda: host.discovered)
    assert len(host.updates) == updates
    with pytest.raises(VehicleOffline):
        await connection.look(SERIAL)
    with pytest.raises(VehicleOffline):
        await connection.execute(SERIAL, Command(Vt3Command.GET_CUSTOM_GROUPS))


@pytest.mark.parametrize("removed", [True, False])
async def test_gone_while_it_is_greeted(
    connection: Vt3Connection,
    host: FakeHost,
    make_tracker: MakeTracker,
    removed: bool,
) -> None:
    """Nothing more is asked of a tracker that was removed, or went away."""
    host.patient = True
    tracker = make_tracker()
    await connect(connection, tracker, greeted=False)
    await until(lambda: tracker.requests)
    if removed:
        await connection.vehicles_changed({})
    else:
        await tracker.disconnect()
    await until(lambda: not connection._tasks)
    host.advance(100)
    assert len(tracker.requests) == 1


# --- looking and commands ---------------------------------------------------------------


async def test_look(
    connection: Vt3Connection, tracker: Vt3Simulator, host: FakeHost
) -> None:
    """A fresh look refreshes OBD, IO and GNSS, at the documented pace."""
    tracker.requests.clear()
    host.advance(10)
    update = await connection.look(SERIAL)
    assert [request for request, _ in tracker.requests] == [
        *("obd/refresh", "io/refresh"),
        "gnss/refresh",
    ]
    assert tracker.violations == []
    assert update.position is not None
    assert update.position.accuracy == 1.0
    assert update.heard_at is not None
    host.receive([update])
    assert host.reading(SERIAL, "output:1") is False
    assert host.reading(SERIAL, Reading.ODOMETER)
    assert await connection.poll() == PollResult()
    polls: Connection = connection
    assert polls.poll_interval() is None


@pytest.mark.parametrize("claims_first", [True, False])
async def test_claims_do_not_delay_a_look(
    host: FakeHost, make_tracker: MakeTracker, *, claims_first: bool
) -> None:
    """A look takes as long as ever while many others claim the tracker's serial number.

    Its first answer is the sign of life that all of them wait for.
    """
    limits = Limits(grace_seconds=10)
    async with opened(host, limits=limits) as connection, AsyncExitStack() as stack:
        tracker = make_tracker()
        await connect(connection, tracker)
        took = []
        for claims in (0, 20):
            host.advance(60)
            tracker.requests.clear()
            others = [make_tracker() for _ in range(claims)]
            for other in others:
                await other.connect(
                    "127.0.0.1",
                    connection.server.ports[0],
                    local_address=ELSEWHERE,
                )
                stack.push_async_callback(other.disconnect)
                if claims_first:
                    await other.upload("io")
            if claims and claims_first:
                await until(lambda: connection._trackers[SERIAL].line.contested)
            begin = host.clock()
            looking = asyncio.create_task(connection.look(SERIAL))
            for other in others:
                if not claims_first:
                    await other.upload("io")
            await looking
            took.append(host.clock() - begin)
            for other in others:
                await until(other.lost.is_set)
            assert [name for name, _ in tracker.requests] == [
                *("obd/refresh", "io/refresh"),
                "gnss/refresh",
            ]
        assert took[0] == took[1] == pytest.approx(6, abs=0.1)
        assert connection.server.counts["claimed"] == 20
        assert tracker.violations == []


async def test_look_of_which_a_part_fails(
    connection: Vt3Connection, tracker: Vt3Simulator, host: FakeHost
) -> None:
    """What answers counts; when nothing does, that is an error."""
    for group in ("gnss", "obd"):
        tracker.behaviour.errors[f"{group}/refresh"] = ["not_found"]
    update = await connection.look(SERIAL)
    assert update.position is None
    assert [group.name for group in update.groups] == ["io"]
    tracker.behaviour.silent.add("*")
    with pytest.raises(VehicleOffline) as raised:
        await connection.look(SERIAL)
    assert raised.value.translation_key == "vt3_no_answer"
    await tracker.disconnect()
    await until(lambda: host.reading(SERIAL, Reading.ONLINE) is False)
    with pytest.raises(VehicleOffline) as raised:
        await connection.look(SERIAL)
    assert raised.value.translation_key == "vehicle_offline"


async def test_outputs(
    connection: Vt3Connection, tracker: Vt3Simulator, host: FakeHost
) -> None:
    """A switch follows the tracker's answer and its uploads."""
    assert "output:2" in host.known[SERIAL].capabilities
    for name, on in (
        (Vt3Command.TURN_ON_OUTPUT, True),
        (Vt3Command.TURN_OFF_OUTPUT, False),
    ):
        host.advance(10)
        result = await connection.execute(SERIAL, Command(name, {"part": "2"}))
        assert result.update is not None
        host.receive([result.update])
        assert host.reading(SERIAL, "output:2") is on
        assert tracker.outputs == [0, int(on), 0]
    tracker.outputs[1] = 1
    host.advance(10)
    await tracker.upload("io")
    await until(lambda: host.reading(SERIAL, "output:2") is True)
    assert tracker.violations == []


async def test_outputs_with_a_zero(
    connection: Vt3Connection, make_tracker: MakeTracker, host: FakeHost
) -> None:
    """A tracker that refuses DO1 is sent D01, and that is remembered."""
    tracker = make_tracker(behaviour=Behaviour(zero_outputs=True))
    await connect(connection, tracker)
    switch = Command(Vt3Command.TURN_ON_OUTPUT, {"part": "1"})

    async def asked() -> list[str]:
        tracker.requests.clear()
        await connection.execute(SERIAL, switch)
        return [key for _, payload in tracker.requests for key in payload]

    assert await asked() == ["client_token", "io.DO1", "client_token", "io.D01"]
    assert tracker.violations == []
    assert await asked() == ["client_token", "io.D01"]
    assert isinstance(host.memory, FakeMemory)
    assert json.loads(host.memory.stored["outputs_with_zero"]) == [SERIAL]
    async with opened(FakeHost(host.session, memory=host.memory)) as again:
        assert again._trackers[SERIAL].with_zero
    # New firmware may know only the other spelling.
    tracker.behaviour.zero_outputs = False
    assert await asked() == ["client_token", "io.D01", "client_token", "io.DO1"]
    assert await asked() == ["client_token", "io.DO1"]
    tracker.behaviour.errors["io/control"] = 2 * ["invalid_parameter"]
    with pytest.raises(CommandFailed) as raised:
        await connection.execute(SERIAL, switch)
    assert raised.value.translation_key == "vt3_invalid_parameter"
    tracker.behaviour.errors["io/control"] = ["not_found"]
    with pytest.raises(CommandFailed) as raised:
        await connection.execute(SERIAL, switch)
    assert raised.value.translation_key == "vt3_not_found"


async def test_client_token_that_is_not_wanted(
    host: FakeHost, make_tracker: MakeTracker
) -> None:
    """A tracker that refuses a client token is sent none, and that is remembered."""
    switch = Command(Vt3Command.TURN_ON_OUTPUT, {"part": "1"})
    asked = ["sysinfo/refresh", "cellular1/refresh", "group/get"]

    def tokens(tracker: Vt3Simulator) -> list[tuple[str, bool]]:
        return [(name, "client_token" in payload) for name, payload in tracker.requests]

    async with opened(host) as connection:
        tracker = make_tracker(behaviour=Behaviour(without_token=True))
        await connect(connection, tracker)
        assert tokens(tracker) == [(asked[0], True), *((name, False) for name in asked)]
        assert host.known[SERIAL].details.model == "VT310"
        await connection.execute(SERIAL, switch)
        assert tracker.requests[-1] == ("io/control", {"io.DO1": 1})
        assert tracker.outputs == [1, 0, 0]
        await tracker.disconnect()
        await until(lambda: not connection.server.is_connected(SERIAL))
        tracker.requests.clear()
        host.advance(10)
        await connect(connection, tracker)
        assert tokens(tracker) == [(name, False) for name in asked]
        assert tracker.violations == []
    assert isinstance(host.memory, FakeMemory)
    assert json.loads(host.memory.stored["without_client_token"]) == [SERIAL]
    async with opened(host) as connection:
        tracker.requests.clear()
        await tracker.disconnect()
        # New firmware may want one.
        tracker.behaviour.without_token = False
        tracker.behaviour.errors["sysinfo/refresh"] = ["invalid_token"]
        await connect(connection, tracker)
        assert tokens(tracker) == [(asked[0], False), *((name, True) for name in asked)]
    assert json.loads(host.memory.stored["without_client_token"]) == []


async def test_refusals_that_are_not_for_the_token(
    connection: Vt3Connection, tracker: Vt3Simulator
) -> None:
    """Once it is known what the tracker wants, and for commands, nothing is sent twice."""
    refresh = Command(Vt3Command.REFRESH_GROUP, {"part": "io"})
    set_interval = Command(Vt3Command.SET_UPLOAD_INTERVAL, {"part": "io", "value": 5})
    for command, request in ((refresh, "io/refresh"), (set_interval, "io/set")):
        for settled in (True, False):
            connection._trackers[SERIAL].token_settled = settled
            tracker.requests.clear()
            tracker.behaviour.errors[request] = 2 * ["invalid_parameter"]
            with pytest.raises(Refused):
                await connection.execute(SERIAL, command)
            twice = request == "io/refresh" and not settled
            assert len(tracker.requests) == 1 + twice
            tracker.behaviour.errors.clear()
    assert connection._trackers[SERIAL].with_token
    # Nor with a token that the user chose.
    tracker.requests.clear()
    tracker.behaviour.errors["io/refresh"] = ["invalid_parameter"]
    with pytest.raises(Refused):
        await connection.execute(
            SERIAL, commands.raw_request("io/refresh", {"client_token": "mine"})
        )
    assert tracker.requests == [("io/refresh", {"client_token": "mine"})]
    assert tracker.violations == []


async def test_an_output_that_does_not_follow(
    connection: Vt3Connection, tracker: Vt3Simulator
) -> None:
    """An answer that says otherwise, or nothing, confirms nothing."""
    tracker._control = lambda asked: {}  # type: ignore[method-assign] # plays a fault
    with pytest.raises(CommandUnconfirmed):
        await connection.execute(
            SERIAL, Command(Vt3Command.TURN_ON_OUTPUT, {"part": "1"})
        )
    tracker.behaviour.silent.add("*")
    with pytest.raises(CommandUnconfirmed):
        await connection.execute(
            SERIAL, Command(Vt3Command.TURN_ON_OUTPUT, {"part": "1"})
        )


async def test_cutting_the_engine(host: FakeHost, make_tracker: MakeTracker) -> None:
    """An output that the user marked can stop the vehicle, and is never tried twice."""
    async with opened(host, CUTTING) as connection:
        tracker = make_tracker()
        await connect(connection, tracker)
        assert {"cut_engine:1", "restore_engine:1"} <= host.known[SERIAL].capabilities
        assert host.reading(SERIAL, "engine_cut:1") is False
        assert host.reading(SERIAL, "output:1") is None
        cut = Command(Vt3Command.TURN_ON_OUTPUT, {"part": "1"})
        restore = Command(Vt3Command.TURN_OFF_OUTPUT, {"part": "1"})
        assert connection.can_stop(SERIAL, cut)
        assert not connection.can_stop(SERIAL, restore)
        assert not connection.can_stop(OTHER, cut)
        tracker.requests.clear()
        tracker.behaviour.errors["io/control"] = ["device_busy"]
        with pytest.raises(CommandFailed) as raised:
            await connection.execute(SERIAL, cut, Cleared())
        assert raised.value.translation_key == "vt3_device_busy"
        assert len(tracker.requests) == 1
        raw = commands.raw_request("io/control", {"io.DO1": 1})
        assert connection.can_stop(SERIAL, raw)
        tracker.behaviour.errors["io/control"] = ["device_busy"]
        with pytest.raises(CommandFailed):
            await connection.execute(SERIAL, raw, Cleared())
        assert len(tracker.requests) == 2
        tracker.behaviour.errors["io/control"] = ["device_busy"]
        await connection.execute(SERIAL, restore)
        assert len(tracker.requests) == 4
        assert tracker.violations == []
        # The mark is taken away: the switch is one like the others, with the next upload.
        await connection.vehicles_changed(VAN)
        assert "output:1" in host.known[SERIAL].capabilities
        host.advance(10)
        await tracker.upload("io")
        await until(lambda: host.reading(SERIAL, "output:1") is False)
        assert host.reading(SERIAL, "engine_cut:1") is None


async def test_capabilities_outlive_a_restart(
    connection: Vt3Connection, tracker: Vt3Simulator, host: FakeHost
) -> None:
    """The switches are there before the tracker connects again."""
    await connection.close()
    async with opened(host) as again:
        assert "output:3" in again._trackers[SERIAL].capabilities()
        assert "output:3" in host.known[SERIAL].capabilities


async def test_settings(
    connection: Vt3Connection, tracker: Vt3Simulator, host: FakeHost
) -> None:
    """Intervals are what the tracker confirmed; answers come back as they are."""
    result = await connection.execute(
        SERIAL, Command(Vt3Command.SET_UPLOAD_INTERVAL, {"part": "gnss", "value": 30.0})
    )
    assert result.update is not None
    host.receive([result.update])
    assert host.reading(SERIAL, "upload_interval:gnss") == 30
    assert tracker.intervals["gnss"] == 30
    groups: list[Json] = [
        {"group_name": "a", "interval": 5, "interest": {"obd.rpm": "r"}},
        {"group_name": "b", "interval": 0, "interest": {"obd.odo": ""}},
    ]
    result = await connection.execute(SERIAL, commands.custom_groups(groups))
    assert json.loads(result.text or "") == groups
    result = await connection.execute(SERIAL, Command(Vt3Command.GET_CUSTOM_GROUPS))
    assert json.loads(result.text or "") == groups
    result = await connection.execute(SERIAL, commands.raw_request("sysinfo/refresh"))
    answer = json.loads(result.text or "")
    assert answer["sysinfo.model_name"] == "VT310"
    many: list[Json] = [{"group_name": f"g{n}", "interval": 5} for n in range(7)]
    with pytest.raises(InvalidArgument):
        await connection.execute(SERIAL, commands.custom_groups(many))
    assert tracker.violations == []


async def test_set_without_an_echo(
    connection: Vt3Connection, tracker: Vt3Simulator, host: FakeHost
) -> None:
    """An answer that says nothing but success confirms what was asked."""
    tracker._set = lambda group, asked: {}  # type: ignore[method-assign] # says no more
    result = await connection.execute(
        SERIAL, Command(Vt3Command.SET_UPLOAD_INTERVAL, {"part": "gnss", "value": 30})
    )
    assert result.update is not None
    host.receive([result.update])
    assert host.reading(SERIAL, "upload_interval:gnss") == 30


# --- life -------------------------------------------------------------------------------


async def test_takeover_greets_again(
    connection: Vt3Connection, tracker: Vt3Simulator, make_tracker: MakeTracker
) -> None:
    """Each connection is asked once; the pending questions of the old one end."""
    again = make_tracker()
    await connect(connection, again)
    await until(tracker.lost.is_set)
    assert [request for request, _ in again.requests] == [
        "sysinfo/refresh",
        "cellular1/refresh",
        "group/get",
    ]


async def test_a_tracker_that_answers_no_greeting(
    connection: Vt3Connection, make_tracker: MakeTracker, host: FakeHost
) -> None:
    """Its uploads count all the same."""
    tracker = make_tracker(behaviour=Behaviour(silent={"*"}))
    await connect(connection, tracker)
    await tracker.upload("gnss")
    await until(lambda: host.known[SERIAL].position)
    assert connection.server.counts["greetings_unanswered"] == 3


async def test_port_in_use(host: FakeHost) -> None:
    """Set-up is told why it cannot listen."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings = Settings(
            data={"host": "127.0.0.1", "port": taken.getsockname()[1]},
            options={},
            vehicles={},
            driving_interval=timedelta(seconds=15),
            parked_interval=timedelta(seconds=60),
        )
        connection = Vt3Connection(settings, host)
        with pytest.raises(CannotConnect) as raised:
            await connection.open()
        assert raised.value.translation_key == "vt3_port_in_use"
        await connection.close()


async def test_options(host: FakeHost, make_tracker: MakeTracker) -> None:
    """Networks and connections per address are what the user set."""
    options = {"allowed_networks": ["127.0.0.1"], "connections_per_address": 1.0}
    async with opened(host, options=options) as connection:
        port = connection.server.ports[0]
        tracker, second = make_tracker(OTHER), make_tracker(OTHER)
        await tracker.connect("127.0.0.1", port)
        await tracker.upload("io")
        await second.connect("127.0.0.1", port)
        await until(tracker.lost.is_set)
        elsewhere = make_tracker(OTHER)
        await elsewhere.connect("127.0.0.1", port, local_address=ELSEWHERE)
        await until(elsewhere.lost.is_set)
        assert connection.server.counts["outside_networks"] == 1
    with pytest.raises(InvalidArgument):
        Vt3Connection(
            Settings(
                data={},
                options={"allowed_networks": ["?"]},
                vehicles={},
                driving_interval=timedelta(seconds=15),
                parked_interval=timedelta(seconds=60),
            ),
            host,
        )


async def test_close_with_work_on(host: FakeHost, make_tracker: MakeTracker) -> None:
    """Greetings and introductions end with the connection."""
    async with opened(host) as connection:
        host.patient = True
        tracker, stranger = make_tracker(), make_tracker(OTHER)
        await connect(connection, tracker, greeted=False)
        await stranger.connect("127.0.0.1", connection.server.ports[0])
        await stranger.upload("io")
        await until(lambda: connection._introductions._tasks)
        await until(lambda: tracker.requests)
        await connection.close()
        assert not connection._tasks
        assert not connection._introductions._tasks
    assert host.discovered == []


async def test_nothing_private_is_logged_or_diagnosed(
    connection: Vt3Connection,
    tracker: Vt3Simulator,
    host: FakeHost,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Neither serial numbers nor places."""
    caplog.set_level(logging.DEBUG)
    tracker.behaviour.silent.add("*")
    await tracker.upload("gnss")
    with pytest.raises(VehicleOffline) as raised:
        await connection.look(SERIAL)
    diagnostics = connection.diagnostics()
    json.dumps(diagnostics)
    for text in (
        str(diagnostics),
        str(raised.value),
        *(
            record.getMessage()
            for record in caplog.records
            if record.name.startswith("custom_components")
        ),
    ):
        assert SERIAL not in text
        assert "52.3" not in text
    assert diagnostics["connected_trackers"] == 1
    assert diagnostics["trackers"] == [
        {
            "connected": True,
            "checksum": "documented",
            "outputs_with_zero": False,
            "client_token": True,
            "custom_groups": 0,
            "other_speed_unit_fits": None,
            "unknown_names": {},
        }
    ]


async def test_simulator_lives(
    connection: Vt3Connection, make_tracker: MakeTracker, host: FakeHost
) -> None:
    """A tracker left alone uploads by its intervals and tells what happens."""
    tracker = make_tracker()
    tracker.vehicle.live(host.clock() + 25, stand(60, ignition=True))
    await tracker.connect("127.0.0.1", connection.server.ports[0])
    life = asyncio.create_task(tracker.live(trouble=True, tick=0.1))
    wanted = {OccurrenceType.IGNITION_ON, OccurrenceType.TROUBLE_CODE}
    for _ in range(20):
        host.advance(10)
        updates = len(host.updates)
        await until(lambda: len(host.updates) > updates)  # noqa: B023 - awaited here
        wanted -= {one.type for _, one in host.occurrences}
    await tracker.disconnect()
    await life
    assert not wanted
    assert host.known[SERIAL].position is not None
    assert host.reading(SERIAL, Reading.IGNITION) is True
