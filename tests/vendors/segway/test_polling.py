"""What a connection asks for, when, and what it does when that fails."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest

from custom_components.fleet_tracker.contract.errors import (
    AccessDenied,
    AuthenticationFailed,
    CannotConnect,
    InvalidAnswer,
    RateLimited,
    VehicleOffline,
    VehicleUnavailable,
    VendorError,
)
from custom_components.fleet_tracker.model.vehicle import (
    FixKind,
    Vehicle,
    VehicleUpdate,
)
from custom_components.fleet_tracker.transport.http_client import Unreachable
from custom_components.fleet_tracker.vendors.segway import poller as poller_module
from custom_components.fleet_tracker.vendors.segway.commands import MODEL_CAPABILITIES
from custom_components.fleet_tracker.vendors.segway.connection import SegwayConnection
from custom_components.fleet_tracker.vendors.segway.errors import NoAnswer, ServerError
from custom_components.fleet_tracker.vendors.segway.schedule import Query
from custom_components.fleet_tracker.vendors.segway.vehicle import AcceptedVehicle
from custom_components.fleet_tracker.vendors.segway.vocabulary import SegwayCapability
from tests.simulators.segway import ANY_PATH, TOKEN_PATH, SegwaySimulator
from tests.simulators.segway_mopeds import (
    DEMO_PARKED,
    DEMO_RIDING,
    MOPED_QUERY,
    QUERY,
    Battery,
    Model,
    Moped,
    standing_moped,
)
from tests.simulators.server import Fault
from tests.simulators.world import HOME
from tests.vendors.fake_host import FakeHost
from tests.vendors.segway.conftest import make_connection

STATUS = f"{QUERY}/status"
LOCATION = f"{QUERY}/location"
EXTRA = f"{MOPED_QUERY}/extra-status"
BATTERY = f"{MOPED_QUERY}/battery-info"


@pytest.fixture
def connection(host: FakeHost, server: SegwaySimulator) -> SegwayConnection:
    """Return a connection that has not polled yet."""
    host.patient = True
    return make_connection(host, server)


def requests_of(connection: SegwayConnection) -> int:
    """Return how many requests a connection has sent, answered or not."""
    counters = connection.diagnostics()["client"]
    assert isinstance(counters, dict)
    return int(counters["requests"])


async def run(connection: SegwayConnection, host: FakeHost, seconds: float) -> None:
    """Poll as Home Assistant does, for some time."""
    end = host.now() + timedelta(seconds=seconds)
    while True:
        interval = connection.poll_interval()
        if host.now() + interval > end:
            host.advance((end - host.now()).total_seconds())
            return
        host.advance(interval.total_seconds())
        await connection.poll()


def asked(server: SegwaySimulator, imei: str) -> Counter[str]:
    """Return how often what was asked of a vehicle, and count anew."""
    counts = Counter(
        {
            path.rsplit("/", 1)[1]: count
            for (path, of), count in server.queried.items()
            if of == imei
        }
    )
    for key in [key for key in server.queried if key[1] == imei]:
        del server.queried[key]
    return counts


async def test_first_poll(connection: SegwayConnection, host: FakeHost) -> None:
    """Everything is read at once, and both mopeds are what they are."""
    result = await connection.poll()
    assert result.error is None
    riding, parked = host.known[DEMO_RIDING], host.known[DEMO_PARKED]
    assert parked.details.manufacturer == "Segway"
    assert parked.details.model == "E-moped"
    assert parked.details.serial_number == DEMO_PARKED
    assert parked.details.name == f"Segway {DEMO_PARKED[-4:]}"
    assert riding.capabilities == frozenset(SegwayCapability)
    assert riding.position is not None
    assert riding.position.kind is FixKind.SATELLITE
    assert riding.position.speed == 24
    assert parked.position is not None
    assert dict(riding.readings) == {
        "online": True,
        "locked": False,
        "ignition": True,
        "moving": True,
        "activity": "driving",
        "charging": False,
        "battery": 76,
        "odometer": pytest.approx(4786, rel=0.01),
        "signal": 67,
        "remaining_range": 45.6,
        "riding_time": pytest.approx(797_667, rel=0.01),
        "lock_voltage": 4.12,
        "speed_mode": "medium",
        "speed": 24,
        "altitude": 10.1,
        "satellites": 9,
        "hdop": 1.38,
        "last_fix": host.now(),
        "last_contact": host.now(),
        "condition": "connected",
        "seat_cask_helmets": 0,
        "tailbox_helmets": 1,
        "rider_seated": True,
        "cruise": False,
        "saddle_unlocked": False,
        "tailbox_unlocked": False,
        "handlebar_unlocked": True,
        "kickstand_open": False,
        "battery_voltage": 48,
        "current_power": 260,
        "tracker_battery": 100,
        "tracker_voltage": 4.12,
        "pack_charge:1": 52,
        "pack_voltage:1": 48,
        "pack_cycles:1": 23,
        "pack_temperature:1": 25,
        "pack_charge:2": 20,
        "pack_voltage:2": 48,
        "pack_cycles:2": 40,
        "pack_temperature:2": 25,
    }
    assert host.reading(DEMO_PARKED, "moving") is False
    assert host.reading(DEMO_PARKED, "locked") is True


async def test_each_vehicle_has_its_pace(
    connection: SegwayConnection, host: FakeHost, server: SegwaySimulator
) -> None:
    """An hour: the riding one every 15 s, the parked one every 15 minutes."""
    await connection.poll()
    asked(server, DEMO_RIDING)
    asked(server, DEMO_PARKED)
    await run(connection, host, 3600)
    riding = asked(server, DEMO_RIDING)
    assert riding == {
        "status": 240,
        "location": 240,
        "extra-status": 60,
        "battery-info": 12,
    }
    assert asked(server, DEMO_PARKED) == {
        "status": 4,
        "location": 4,
        "extra-status": 1,
        "battery-info": 1,
    }
    assert server.requests[TOKEN_PATH] == 1


async def test_polling_never_asks_the_vehicle_for_its_place(
    connection: SegwayConnection, host: FakeHost, server: SegwaySimulator
) -> None:
    """Only the refresh command does."""
    await connection.poll()
    await connection.look(DEMO_PARKED)
    assert not any("realTimeLocation" in request.query for request in server.log)


async def test_quick_after_riding_and_standing_unlocked(
    host: FakeHost, server: SegwaySimulator, parked: Moped
) -> None:
    """Unlocked elsewhere: quick for two minutes, then once a minute."""
    host.patient = True
    connection = make_connection(host, server, {DEMO_PARKED: {}})
    await connection.poll()
    parked.locked = False
    asked(server, DEMO_PARKED)
    await run(connection, host, 900)
    assert asked(server, DEMO_PARKED)["status"] == 1
    assert host.reading(DEMO_PARKED, "ignition") is True
    await run(connection, host, 120)
    assert asked(server, DEMO_PARKED)["status"] == 7
    await run(connection, host, 600)
    assert asked(server, DEMO_PARKED)["status"] == 10


# --- pushes and polls ---


async def push(
    connection: SegwayConnection, host: FakeHost, server: SegwaySimulator, *kinds: str
) -> None:
    """Let the riding one push, as the server would sign it."""
    sender = server.sender("http://unused.invalid")
    for kind in kinds:
        fields = {"status": server.status_push, "location": server.location_push}[kind]
        await deliver(connection, kind, sender.form(DEMO_RIDING, fields(DEMO_RIDING)))


async def deliver(
    connection: SegwayConnection, kind: str, form: Mapping[str, str]
) -> None:
    """Hand a signed form to the connection, which must take it."""
    from tests.vendors.segway.test_push import OK, request  # its way to make one

    assert await connection.receive_push(request(kind, form)) == OK


async def test_pushes_slow_polling_down_and_their_end_speeds_it_up(
    host: FakeHost, server: SegwaySimulator
) -> None:
    """With pushes every 10 s the riding one is hardly asked; without, quickly again."""
    host.patient = True
    connection = make_connection(host, server, {DEMO_RIDING: {}})
    await connection.poll()
    await push(connection, host, server, "status", "location")
    asked(server, DEMO_RIDING)
    for _ in range(360):
        await run(connection, host, 10)
        await push(connection, host, server, "status", "location")
    counts = asked(server, DEMO_RIDING)
    assert (counts["status"], counts["location"]) == (4, 4)
    # Locations still come, statuses do not any more.
    for _ in range(6):
        await run(connection, host, 10)
        await push(connection, host, server, "location")
    counts = asked(server, DEMO_RIDING)
    assert (counts["status"], counts["location"]) == (3, 0)
    await run(connection, host, 60)
    counts = asked(server, DEMO_RIDING)
    assert counts["status"] == 4
    # The first when 20 s without a push are over.
    assert counts["location"] == 3


async def test_a_push_that_tells_of_a_ride_wakes_polling_up(
    host: FakeHost, server: SegwaySimulator, riding: Moped
) -> None:
    """Only statuses are pushed: the places of the ride must be asked for, soon."""
    host.patient = True
    life = riding.life
    riding.life = standing_moped("1", HOME, host.clock()).life
    riding.locked = True
    connection = make_connection(host, server, {DEMO_RIDING: {}})
    await connection.poll()
    assert connection.poll_interval() == timedelta(minutes=15)
    host.advance(60)
    riding.life, riding.locked = life, False
    await push(connection, host, server, "status")
    assert host.polls_asked_for == [0]
    asked(server, DEMO_RIDING)
    await connection.poll()
    assert asked(server, DEMO_RIDING) == {"location": 1, "extra-status": 1}
    assert connection.poll_interval() == timedelta(seconds=15)


# --- many vehicles ---


async def test_fifty_mopeds_and_a_dead_one(
    host: FakeHost, server: SegwaySimulator
) -> None:
    """Never more than 4 requests at once; the dead one delays no other."""
    host.patient = True
    mopeds = [
        standing_moped(f"8600000000000{n:02}", HOME, host.clock()) for n in range(50)
    ]
    server.mopeds = {moped.iot_code: moped for moped in mopeds}
    mopeds[0].silent = True
    connection = make_connection(host, server)
    await connection.client.authorize()
    server.hold()
    polling = asyncio.create_task(connection.poll())
    await server.until_in_flight(3)
    server.release()
    await host.until(
        lambda: all(
            host.reading(moped.iot_code, "tracker_battery") for moped in mopeds[1:]
        )
    )
    assert not polling.done()
    assert server.max_in_flight <= 4
    assert "online" not in host.known[mopeds[0].iot_code].readings
    # The poll ends without it, and the next ones leave it alone.
    host.advance(5)
    await polling
    assert server.queried[STATUS, mopeds[0].iot_code] == 1
    await run(connection, host, 1800)
    assert server.queried[STATUS, mopeds[0].iot_code] == 1
    assert server.queried[STATUS, mopeds[1].iot_code] == 3
    assert server.max_in_flight <= 4
    await connection.close()


async def test_commands_do_not_wait_for_polls(
    host: FakeHost, server: SegwaySimulator
) -> None:
    """Three silent vehicles hold three of the four requests, never the fourth."""
    from custom_components.fleet_tracker.contract.commands import Command

    host.patient = True
    mopeds = [
        standing_moped(f"86000000000000{n}", HOME, host.clock()) for n in range(6)
    ]
    server.mopeds = {moped.iot_code: moped for moped in mopeds}
    for moped in mopeds[:5]:
        moped.silent = True
    connection = make_connection(host, server)
    polling = asyncio.create_task(connection.poll())
    await server.until_in_flight(3)
    result = await connection.execute(mopeds[5].iot_code, Command("unlock"))
    assert result.update is not None
    assert not mopeds[5].locked
    polling.cancel()
    await connection.close()


# --- vehicles that fail ---


@pytest.mark.parametrize(
    ("code", "condition", "online"),
    [
        (15301, "offline", False),
        (15302, "no_answer", True),
        (15303, "no_answer", True),
        (15300, "inactive", False),
        (15102, "not_found", False),
        (15707, "no_answer", True),
    ],
)
async def test_a_vehicle_that_cannot_be_read(
    connection: SegwayConnection,
    host: FakeHost,
    server: SegwaySimulator,
    riding: Moped,
    code: int,
    condition: str,
    online: bool,
) -> None:
    """The vehicle shows why, keeps its values, and does not move for ever."""
    await connection.poll()
    riding.refuses = code
    await run(connection, host, 60)
    assert host.reading(DEMO_RIDING, "condition") == condition
    assert host.reading(DEMO_RIDING, "online") is online
    assert host.reading(DEMO_RIDING, "moving") is True
    assert host.reading(DEMO_PARKED, "condition") == "connected"
    host.advance(3600)
    await connection.poll()
    assert host.reading(DEMO_RIDING, "moving") is False
    assert host.reading(DEMO_RIDING, "speed") is None
    assert host.reading(DEMO_RIDING, "battery") == 76
    riding.refuses = None
    host.advance(3600)
    await connection.poll()
    assert host.reading(DEMO_RIDING, "condition") == "connected"
    assert host.reading(DEMO_RIDING, "online") is True
    assert host.reading(DEMO_RIDING, "speed") == 24


async def test_a_vehicle_that_is_not_found_is_asked_for_hourly(
    host: FakeHost, server: SegwaySimulator, parked: Moped
) -> None:
    """The user is told which they are, until they are found."""
    host.patient = True
    connection = make_connection(host, server, {DEMO_PARKED: {}})
    parked.refuses = 15102
    await connection.poll()
    assert host.problems == {"segway_vehicles_not_found": {"vehicles": DEMO_PARKED}}
    asked(server, DEMO_PARKED)
    await run(connection, host, 3599)
    assert not asked(server, DEMO_PARKED)
    await run(connection, host, 2)
    assert asked(server, DEMO_PARKED) == {"status": 1}
    parked.refuses = None
    await run(connection, host, 3600)
    assert not host.problems
    assert asked(server, DEMO_PARKED)["location"] == 1


async def test_an_offline_vehicle_keeps_its_place(
    connection: SegwayConnection, host: FakeHost, parked: Moped
) -> None:
    """Where queries answer what it told last, it says itself that it is offline."""
    parked.online = False
    await connection.poll()
    assert host.reading(DEMO_PARKED, "condition") == "offline"
    assert host.known[DEMO_PARKED].position is not None
    # Only its place tells when it was last heard of.
    assert host.known[DEMO_PARKED].heard_at == host.now()


async def test_a_status_counts_before_it_is_merged(
    connection: SegwayConnection,
    host: FakeHost,
    server: SegwaySimulator,
    riding: Moped,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A busy host merges news later: what a push says of the vehicle holds at once."""
    await connection.poll()
    waiting: list[VehicleUpdate] = []
    monkeypatch.setattr(host, "receive", waiting.extend)
    riding.online = False
    await push(connection, host, server, "status")
    conditions = [
        group.readings["condition"]
        for update in waiting
        for group in update.groups
        if group.name == "condition"
    ]
    assert conditions == ["offline"]


async def test_an_older_status_says_nothing(
    connection: SegwayConnection,
    host: FakeHost,
    server: SegwaySimulator,
    parked: Moped,
) -> None:
    """The retry of a push may come after newer news."""
    await connection.poll()
    sender = server.sender("http://unused.invalid")
    parked.online = False
    late = sender.form(DEMO_PARKED, server.status_push(DEMO_PARKED))
    parked.online = True
    host.advance(900)
    await connection.poll()
    await deliver(connection, "status", late)
    assert host.reading(DEMO_PARKED, "online") is True
    assert host.reading(DEMO_PARKED, "condition") == "connected"


async def test_no_location_yet(
    connection: SegwayConnection, host: FakeHost, server: SegwaySimulator
) -> None:
    """15400 is no failure: there is a vehicle, but no place."""
    server.demand(LOCATION, 15400, iot_code=DEMO_PARKED, times=2)
    await connection.poll()
    assert host.known[DEMO_PARKED].position is None
    assert host.reading(DEMO_PARKED, "condition") == "connected"
    assert host.reading(DEMO_PARKED, "tracker_battery") == 100
    update = await connection.look(DEMO_PARKED)
    assert update.position is None
    assert update.groups


async def test_failure_of_a_lesser_query(
    connection: SegwayConnection, host: FakeHost, server: SegwaySimulator
) -> None:
    """A place or a battery that cannot be read does not hide the rest."""
    server.demand(LOCATION, 15302, iot_code=DEMO_PARKED)
    server.demand(EXTRA, 15303, iot_code=DEMO_PARKED)
    await connection.poll()
    assert host.reading(DEMO_PARKED, "condition") == "connected"
    assert host.reading(DEMO_PARKED, "tracker_battery") == 100
    assert host.reading(DEMO_PARKED, "kickstand_open") is None
    assert connection.diagnostics()["counters"] == {
        "locations without a fix": 0,
        "location: segway_device_timeout": 1,
        "extra_status: segway_send_failed": 1,
    }


@pytest.mark.parametrize("unsupported", [15707, 15004, 404])
async def test_models_are_learned(
    host: FakeHost, server: SegwaySimulator, parked: Moped, unsupported: int
) -> None:
    """A question that a vehicle cannot answer is tried once, and remembered."""
    host.patient = True
    parked.model, parked.unsupported = Model.MAX, unsupported
    connection = make_connection(host, server, {DEMO_PARKED: {"model": "other"}})
    await connection.poll()
    expected = MODEL_CAPABILITIES["other"] - {
        SegwayCapability.EXTRA_STATUS,
        SegwayCapability.BATTERY_INFO,
    }
    assert host.known[DEMO_PARKED].capabilities == expected
    assert host.known[DEMO_PARKED].details.model is None
    assert host.reading(DEMO_PARKED, "condition") == "connected"
    again = make_connection(host, server, {DEMO_PARKED: {"model": "other"}})
    await again.poll()
    assert asked(server, DEMO_PARKED)["extra-status"] == 1
    # Another model is another vehicle.
    parked.model = Model.E_MOPED
    await again.vehicles_changed({DEMO_PARKED: {"model": "e_moped", "name": "Blue"}})
    await again.poll()
    assert host.known[DEMO_PARKED].capabilities == frozenset(SegwayCapability)
    assert host.known[DEMO_PARKED].details.name == "Blue"
    host.advance(1)
    await again.poll()
    assert host.reading(DEMO_PARKED, "tailbox_helmets") == 1


async def test_a_battery_that_is_taken_out_is_gone(
    host: FakeHost, server: SegwaySimulator, parked: Moped
) -> None:
    """What the battery info no longer lists is not known any more."""
    host.patient = True
    connection = make_connection(host, server, {DEMO_PARKED: {}})
    await connection.poll()
    assert host.reading(DEMO_PARKED, "pack_charge:2") == 20
    parked.batteries = [Battery(1, 50, 48, 24, 20)]
    await run(connection, host, 3600)
    assert host.reading(DEMO_PARKED, "pack_charge:1") == 50
    assert host.reading(DEMO_PARKED, "pack_charge:2") is None


# --- accounts that fail ---


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.HTML, InvalidAnswer),
        (Fault.HALF_JSON, InvalidAnswer),
        (Fault.HTTP_500, ServerError),
    ],
)
async def test_a_server_that_fails(
    connection: SegwayConnection,
    host: FakeHost,
    server: SegwaySimulator,
    fault: Fault,
    error: type[VendorError],
) -> None:
    """The account is unavailable; one vehicle at a time finds out when it is back."""
    await connection.poll()
    server.break_until_healed(ANY_PATH, fault)
    host.advance(900)
    with pytest.raises(error):
        await connection.poll()
    assert host.reading(DEMO_PARKED, "condition") == "connected"
    for _ in range(3):
        server.requests.clear()
        assert connection.poll_interval() == timedelta(seconds=60)
        host.advance(60)
        with pytest.raises(error):
            await connection.poll()
        # A second question may be answered where the first is not.
        assert sum(server.requests.values()) <= 2
    server.heal()
    host.advance(60)
    await connection.poll()
    assert host.known[DEMO_RIDING].heard_at == host.now()
    assert host.known[DEMO_PARKED].heard_at == host.now()
    assert connection.poll_interval() == timedelta(seconds=15)


async def test_a_server_that_is_gone(
    connection: SegwayConnection, host: FakeHost, server: SegwaySimulator
) -> None:
    """Nobody listens, then somebody does again."""
    await server.stop()
    with pytest.raises(Unreachable):
        await connection.poll()
    await server.start()
    host.advance(60)
    await connection.poll()
    assert host.reading(DEMO_PARKED, "locked") is True


async def test_a_server_that_is_gone_delays_no_vehicle(
    host: FakeHost, server: SegwaySimulator
) -> None:
    """The first vehicle shows that the server is gone: no other is tried."""
    host.patient = True
    server.mopeds = {
        moped.iot_code: moped
        for moped in (
            standing_moped(f"8600000000000{n:02}", HOME, host.clock())
            for n in range(50)
        )
    }
    connection = make_connection(host, server)
    await connection.client.authorize()
    await server.stop()
    with pytest.raises(Unreachable):
        await connection.poll()
    await connection.close()
    # The token, and those that were asked before the first refusal was heard of.
    assert requests_of(connection) < 25


async def test_a_token_that_is_not_issued_concerns_the_account(
    host: FakeHost, server: SegwaySimulator
) -> None:
    """The token is asked for once, not by every vehicle."""
    host.patient = True
    connection = make_connection(host, server)
    server.break_until_healed(TOKEN_PATH, Fault.HTTP_500)
    for _ in range(2):
        with pytest.raises(ServerError):
            await connection.poll()
    assert server.requests == {TOKEN_PATH: 2}
    assert connection.poll_interval() == timedelta(seconds=60)
    server.heal()
    await connection.poll()
    assert host.reading(DEMO_PARKED, "locked") is True


async def test_pushes_do_not_try_an_account_that_is_down(
    connection: SegwayConnection, host: FakeHost, server: SegwaySimulator
) -> None:
    """A server that fails is tried at the pace of polls, however much is pushed."""
    await connection.poll()
    server.break_until_healed(ANY_PATH, Fault.HTTP_500)
    host.advance(900)
    with pytest.raises(ServerError):
        await connection.poll()
    assert connection.poll_interval() == timedelta(seconds=60)
    host.polls_asked_for.clear()
    for _ in range(3):
        host.advance(10)
        await push(connection, host, server, "status", "location")
    assert not host.polls_asked_for
    server.heal()
    host.advance(60)
    await connection.poll()
    # It is up again: what is pushed may bring the next poll nearer.
    connection.poll_interval()
    await push(connection, host, server, "status", "location")
    connection.poll_interval()
    assert connection.poll_interval() > timedelta(seconds=15)
    host.advance(10)
    server.mopeds[DEMO_RIDING].life = server.mopeds[DEMO_PARKED].life
    await push(connection, host, server, "status")
    assert host.polls_asked_for


@pytest.mark.usefixtures("idle_clock")
async def test_all_vehicles_hang(
    connection: SegwayConnection, host: FakeHost, server: SegwaySimulator
) -> None:
    """A poll in which nothing came is no success, however long it takes."""
    await connection.client.authorize()
    server.break_until_healed(ANY_PATH, Fault.HANG)
    polling = asyncio.create_task(connection.poll())
    await server.hanging.wait()
    host.advance(5)
    with pytest.raises(NoAnswer):
        await polling


@pytest.mark.usefixtures("idle_clock")
async def test_one_vehicle_of_two_gets_no_answer(
    connection: SegwayConnection,
    host: FakeHost,
    server: SegwaySimulator,
    riding: Moped,
) -> None:
    """Its silence is its own, even in polls in which nobody else is asked."""
    await connection.poll()
    riding.silent = True
    for _ in range(4):
        await run(connection, host, 60)
    assert host.reading(DEMO_PARKED, "condition") == "connected"
    diagnostics = connection.diagnostics()["vehicles"]
    assert isinstance(diagnostics, list)
    assert diagnostics[0]["server_error"] == "segway_no_answer"
    assert diagnostics[0]["failures"]["status"] > 2


async def test_wrong_credentials(host: FakeHost, server: SegwaySimulator) -> None:
    """Only they ask for reauthentication, and they are not tried again and again."""
    host.patient = True
    connection = make_connection(host, server, secret="wrong")
    with pytest.raises(AuthenticationFailed):
        await connection.poll()
    assert connection.poll_interval() == timedelta(minutes=15)
    assert not host.updates[-1].groups


@pytest.mark.parametrize(
    ("code", "error"),
    [(15990, AccessDenied), (15100, AccessDenied), (15001, CannotConnect)],
)
async def test_codes_that_concern_the_account(
    connection: SegwayConnection,
    server: SegwaySimulator,
    code: int,
    error: type[VendorError],
) -> None:
    """Where every vehicle is refused so, the account is."""
    server.demand(ANY_PATH, code, times=10)
    with pytest.raises(error):
        await connection.poll()


@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize("path", [LOCATION, EXTRA, BATTERY])
async def test_one_thing_that_the_server_fails_at(
    host: FakeHost, server: SegwaySimulator, path: str, alone: bool
) -> None:
    """It is asked less often; the account is read, however many vehicles there are."""
    host.patient = True
    names = [DEMO_RIDING] if alone else [DEMO_RIDING, DEMO_PARKED]
    vehicles = {imei: {"model": "e_moped"} for imei in names}
    connection = make_connection(host, server, vehicles)
    server.demand(path, 15001, times=100_000)
    await connection.poll()
    await run(connection, host, 1300)
    assert asked(server, DEMO_RIDING)["status"] > 50
    for other in {LOCATION, EXTRA, BATTERY} - {path}:
        assert server.requests[other] > 1, other


async def test_an_unknown_code_is_one_vehicles(
    connection: SegwayConnection, host: FakeHost, server: SegwaySimulator
) -> None:
    """One vehicle with a strange answer does not make the account unavailable."""
    server.answer_next(STATUS, {"code": 15999, "data": None})
    await connection.poll()
    with_status = [v for v in host.known.values() if "locked" in v.readings]
    assert len(with_status) == 1


async def test_too_many_requests(
    connection: SegwayConnection, server: SegwaySimulator
) -> None:
    """Not in the document, but HTTP: the server says how long to wait."""
    for _ in range(2):
        server.http_next(STATUS, 429, {"Retry-After": "90"})
    with pytest.raises(RateLimited) as caught:
        await connection.poll()
    assert caught.value.retry_after == timedelta(seconds=90)


# --- the rest ---


async def test_an_account_without_vehicles(
    host: FakeHost, server: SegwaySimulator
) -> None:
    """Its credentials are checked, and it waits for vehicles."""
    connection = make_connection(host, server, {})
    await connection.poll()
    assert server.requests[TOKEN_PATH] == 1
    assert connection.poll_interval() == timedelta(minutes=15)
    host.patient = True
    await connection.vehicles_changed({DEMO_PARKED: {}})
    await connection.poll()
    assert host.reading(DEMO_PARKED, "locked") is True
    await connection.vehicles_changed({})
    with pytest.raises(VehicleUnavailable):
        await connection.look(DEMO_PARKED)


async def test_a_vehicle_is_removed_while_it_is_asked(
    host: FakeHost, server: SegwaySimulator, parked: Moped
) -> None:
    """Removing does not wait for an answer, and the poll goes on."""
    host.patient = True
    connection = make_connection(host, server)
    parked.silent = True
    polling = asyncio.create_task(connection.poll())
    await server.hanging.wait()
    await connection.vehicles_changed({DEMO_RIDING: {}})
    await polling
    assert host.reading(DEMO_RIDING, "locked") is False
    diagnostics = connection.diagnostics()["vehicles"]
    assert isinstance(diagnostics, list)
    assert len(diagnostics) == 1


async def test_an_account_that_is_unloaded_while_it_looks_what_is_due(
    connection: SegwayConnection, host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The event loop has its turn between vehicles: what ends the account may come then."""
    monkeypatch.setattr(poller_module, "LONGEST_HOLD", -1.0)
    monkeypatch.setattr(poller_module, "LOOKED_AT_ONCE", 1)
    await connection.open()
    looked_at: list[str] = []
    closing: list[asyncio.Task[None]] = []

    def due(
        vehicle: AcceptedVehicle, _known: Vehicle | None, _now: datetime
    ) -> list[Query]:
        looked_at.append(vehicle.imei)
        closing.append(asyncio.create_task(connection.close()))
        return [Query.STATUS]

    monkeypatch.setattr(AcceptedVehicle, "due", due)
    await connection.poll()
    await asyncio.gather(*closing)
    assert len(looked_at) == 1


async def test_facts_of_a_removed_vehicle_are_forgotten(
    connection: SegwayConnection, host: FakeHost
) -> None:
    """Facts of the other vehicles stay."""
    await connection.poll()
    kept = host.memory.get("vehicles")
    assert isinstance(kept, Mapping)
    assert kept.keys() == {DEMO_PARKED, DEMO_RIDING}
    await connection.vehicles_changed({DEMO_RIDING: {}})
    assert host.memory.get("vehicles") == {DEMO_RIDING: kept[DEMO_RIDING]}


async def test_a_straggler_is_handed_on_when_it_answers(
    connection: SegwayConnection,
    host: FakeHost,
    server: SegwaySimulator,
) -> None:
    """An answer that comes after the end of the poll is news."""
    await connection.poll()
    host.advance(900)
    gate = asyncio.Event()
    original = connection.client.status

    async def slow(imei: str) -> object:
        if imei == DEMO_PARKED:
            await gate.wait()
        return await original(imei)

    connection.client.status = slow  # type: ignore[method-assign, assignment] # a test's
    polling = asyncio.create_task(connection.poll())
    await host.until(lambda: host.known[DEMO_RIDING].heard_at == host.now())
    host.advance(5)
    await polling
    assert connection.poll_interval() < timedelta(seconds=15)
    assert host.known[DEMO_PARKED].heard_at != host.now()
    gate.set()
    await host.until(lambda: host.known[DEMO_PARKED].heard_at == host.now())
    await connection.close()


async def test_a_bug_is_not_hidden(
    connection: SegwayConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error that is no VendorError ends the poll as it is."""

    async def broken(imei: str) -> object:
        raise KeyError(imei)

    monkeypatch.setattr(connection.client, "status", broken)
    with pytest.raises(KeyError):
        await connection.poll()


async def test_look(
    connection: SegwayConnection, host: FakeHost, parked: Moped
) -> None:
    """A fresh look has status, place and speed, or says why there is none."""
    update = await connection.look(DEMO_RIDING)
    assert update.position is not None
    assert update.position.speed == 24
    assert {group.name for group in update.groups} == {
        "status",
        "motion",
        "location",
    }
    assert update.heard_at == host.now()
    parked.refuses = 15301
    with pytest.raises(VehicleOffline):
        await connection.look(DEMO_PARKED)


async def test_diagnostics_tell_nothing_private(
    connection: SegwayConnection, server: SegwaySimulator, host: FakeHost
) -> None:
    """Neither IMEIs nor places, keys, secrets or tokens."""
    await connection.poll()
    await push(connection, host, server, "status", "location")
    shown = repr(connection.diagnostics())
    for private in (
        *server.mopeds,
        *server.tokens,
        server.client_secret,
        server.client_id,
        "abcd1234",
        "52.37",
        "127.0.0.1",
    ):
        assert private not in shown
    assert "'pushed_seconds_ago': {'status': 0, 'location': 0}" in shown


@pytest.mark.parametrize(
    "kept",
    [
        [],
        {DEMO_PARKED: 7},
        {DEMO_PARKED: {"model": "e_moped", "refused": 3, "faults": {"1": "x"}}},
        {DEMO_PARKED: {"refused": ["x", 3], "periods": {"status_riding": 1}}},
    ],
)
async def test_damaged_memory(
    host: FakeHost, server: SegwaySimulator, kept: list[int]
) -> None:
    """Damaged memories count for nothing."""
    host.patient = True
    await host.memory.put("vehicles", kept)
    connection = make_connection(host, server, {DEMO_PARKED: {"model": "unheard of"}})
    await connection.poll()
    assert host.known[DEMO_PARKED].capabilities == frozenset(SegwayCapability)
