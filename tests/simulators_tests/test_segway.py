"""The Segway simulator, held against the document by plain HTTP requests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
import sys
from typing import Any

import aiohttp
from aiohttp import web
import pytest

from tests.simulators.segway import (
    ANY_PATH,
    OVERLAP,
    TOKEN_PATH,
    TOKEN_SECONDS,
    SegwaySimulator,
    main,
)
from tests.simulators.segway_mopeds import (
    CONTROL,
    DEMO_PARKED,
    DEMO_RIDING,
    MOPED_CONTROL,
    MOPED_QUERY,
    MOPED_SETTING,
    QUERY,
    SETTING,
    Model,
    Moped,
    demo_mopeds,
    standing_moped,
)
from tests.simulators.segway_push import RETRY_AFTER, PushSender, signature
from tests.simulators.world import HOME
from tests.simulators_tests.alone import check_alone

NOW = 1_760_000_000.0

# JSON as it comes in.
type Answer = dict[str, Any]


class Clock:
    """A clock that moves when told to, and while somebody sleeps."""

    def __init__(self) -> None:
        """Start."""
        self.time = NOW
        self.naps: list[float] = []

    def __call__(self) -> float:
        """Return the time."""
        return self.time

    async def sleep(self, seconds: float) -> None:
        """Sleep, in no time."""
        self.naps.append(seconds)
        self.time += seconds
        await asyncio.sleep(0)


@pytest.fixture
def clock() -> Clock:
    """Return the simulator's clock."""
    return Clock()


@pytest.fixture
async def server(clock: Clock) -> AsyncIterator[SegwaySimulator]:
    """Return a server with the demo's mopeds."""
    async with SegwaySimulator(clock=clock, sleep=clock.sleep) as server:
        yield server


class Caller:
    """Sends plain requests with a token."""

    def __init__(self, session: aiohttp.ClientSession, server: SegwaySimulator) -> None:
        """Initialize with the server."""
        self.session = session
        self.server = server
        self.token = ""

    async def log_in(self, **changes: str) -> tuple[int, Answer]:
        """Ask for a token."""
        form = {
            "client_id": self.server.client_id,
            "client_secret": self.server.client_secret,
            "grant_type": "client_credentials",
        } | changes
        url = self.server.url + TOKEN_PATH
        async with self.session.post(url, data=form) as response:
            answer = await response.json()
            if response.status == 200:
                self.token = answer["access_token"]
            return response.status, answer

    async def get(self, path: str, **query: str) -> Answer:
        """Send a query."""
        return await self.send("GET", path, params={"iotCode": DEMO_PARKED} | query)

    async def post(self, path: str, **body: object) -> int:
        """Send a command and return the status code."""
        answer = await self.send("POST", path, json={"iotCode": DEMO_PARKED} | body)
        return int(answer["code"])

    async def send(self, method: str, path: str, **how: Any) -> Answer:
        """Send anything and return the body, with the HTTP status."""
        headers = {"Authorization": f"bearer {self.token}"}
        async with self.session.request(
            method, self.server.url + path, headers=headers, **how
        ) as response:
            answer: Answer = {"http": response.status}
            if response.content_type == "application/json":
                answer |= await response.json()
            return answer


@pytest.fixture
async def caller(server: SegwaySimulator) -> AsyncIterator[Caller]:
    """Return a caller who has logged in."""
    async with aiohttp.ClientSession() as session:
        caller = Caller(session, server)
        await caller.log_in()
        yield caller


@pytest.fixture
def parked(server: SegwaySimulator) -> Moped:
    """Return the parked moped."""
    return server.mopeds[DEMO_PARKED]


async def test_token(caller: Caller, clock: Clock) -> None:
    """A token stays the same until it is nearly over; then old and new are both good."""
    first = caller.token
    assert (await caller.log_in())[1]["expires_in"] == TOKEN_SECONDS
    assert caller.token == first
    clock.time += TOKEN_SECONDS - OVERLAP
    status, answer = await caller.log_in()
    assert (status, answer["token_type"], answer["expires_in"]) == (
        200,
        "bearer",
        TOKEN_SECONDS,
    )
    second, caller.token = caller.token, first
    assert (await caller.get(f"{QUERY}/status"))["code"] == 0
    clock.time += OVERLAP
    assert (await caller.get(f"{QUERY}/status"))["code"] == 15101
    caller.server.token_error_is_401 = True
    assert (await caller.get(f"{QUERY}/status"))["http"] == 401
    caller.token = second
    assert (await caller.get(f"{QUERY}/status"))["code"] == 0


async def test_token_refusals(caller: Caller) -> None:
    """Wrong credentials are an OAuth error, as the document shows it."""
    assert await caller.log_in(client_secret="wrong") == (
        401,
        {"error": "invalid_client", "error_description": "Bad client credentials"},
    )
    status, answer = await caller.log_in(grant_type="password")
    assert (status, answer["error"]) == (400, "unsupported_grant_type")
    assert (await caller.send("GET", TOKEN_PATH))["http"] == 405
    assert (await caller.send("POST", TOKEN_PATH, json={}))["http"] == 400


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (f"{CONTROL}/lock", {"force": 1}),
        (f"{CONTROL}/sound", {}),
        (f"{CONTROL}/sound", {"controlType": 4}),
        (f"{CONTROL}/sound", {"controlType": "2"}),
        (f"{CONTROL}/throttle-response", {"controlType": True}),
        (f"{SETTING}/bluetooth-key", {"key": "toolong12"}),
        (f"{SETTING}/ambient", {"bright": 1, "parkingMode": 2}),
        (f"{SETTING}/ambient", {"bright": 1, "parkingMode": {"mode": 2}}),
        (f"{SETTING}/time-adjust", {"utcOffset": 0, "dstOffset": 60}),
        (f"{SETTING}/interval", {"locationInterval": {"lockStatus": 10}}),
        (f"{MOPED_SETTING}/switch", {"lowPowerValue": 31}),
    ],
)
async def test_parameters_are_checked(
    caller: Caller, path: str, body: dict[str, object]
) -> None:
    """What the document does not allow is 15004."""
    assert await caller.post(path, **body) == 15004


async def test_requests_that_are_none(caller: Caller) -> None:
    """Unknown paths, methods, types and vehicles."""
    assert (await caller.get("/api/v2/vehicle/list"))["http"] == 404
    assert (await caller.send("POST", f"{QUERY}/status"))["http"] == 405
    assert (await caller.get(f"{QUERY}/status", speed="1"))["code"] == 15004
    assert (await caller.get(f"{QUERY}/location", realTimeLocation="yes"))[
        "code"
    ] == 15004
    assert (await caller.send("GET", f"{QUERY}/status"))["code"] == 15004
    assert (await caller.get(f"{QUERY}/status", iotCode="1"))["code"] == 15102
    lock = f"{CONTROL}/lock"
    assert (await caller.send("POST", lock, data={"iotCode": "1"}))["code"] == 15004
    json_type = {"Content-Type": "application/json"}
    async with caller.session.post(
        caller.server.url + lock,
        data="{",
        headers=json_type | {"Authorization": f"Bearer {caller.token}"},
    ) as response:
        assert (await response.json())["code"] == 15004


async def test_riding_moped_is_not_locked(caller: Caller) -> None:
    """Whoever rides is refused to lock and to end the rental."""
    assert await caller.post(f"{CONTROL}/lock", iotCode=DEMO_RIDING) == 15600
    assert await caller.post(f"{MOPED_CONTROL}/endRental", iotCode=DEMO_RIDING) == 15627
    status = (await caller.get(f"{QUERY}/status", iotCode=DEMO_RIDING))["data"]
    assert status["speed"] == 24
    assert status["locked"] is False


async def test_lock_state_machine(caller: Caller, parked: Moped) -> None:
    """Parts open only while it is unlocked; what is stuck or forbidden is refused."""
    for part in (
        f"{MOPED_CONTROL}/saddle",
        f"{MOPED_CONTROL}/tailbox",
        f"{CONTROL}/battery-cover",
    ):
        assert await caller.post(part) == 15635
    parked.handlebar_stuck = True
    assert await caller.post(f"{CONTROL}/unlock") == 15613
    assert await caller.post(f"{MOPED_CONTROL}/startRental") == 15622
    parked.handlebar_stuck = False
    assert await caller.post(f"{CONTROL}/unlock") == 0
    assert await caller.post(f"{MOPED_CONTROL}/saddle") == 0
    extra = (await caller.get(f"{MOPED_QUERY}/extra-status"))["data"]
    assert (extra["saddleStatus"], extra["handlebarStatus"]) == (0, 0)
    parked.lock_forbidden_here = True
    assert await caller.post(f"{CONTROL}/lock") == 15996
    parked.lock_forbidden_here, parked.handlebar_stuck = False, True
    assert await caller.post(f"{CONTROL}/lock") == 15603
    assert await caller.post(f"{MOPED_CONTROL}/endRental") == 15632
    parked.saddle_locked = True
    assert await caller.post(f"{MOPED_CONTROL}/endRental") == 15630
    parked.handlebar_stuck = False
    assert await caller.post(f"{CONTROL}/lock") == 0


async def test_rental_conditions(caller: Caller, parked: Moped) -> None:
    """What start and end of a rental open and check follows the rental setting."""
    rental = f"{MOPED_SETTING}/rental"
    end = f"{MOPED_CONTROL}/endRental"
    parked.seat_cask_helmets = 0
    assert await caller.post(rental, saddleSwitch=2, tailboxSwitch=1) == 0
    assert await caller.post(f"{MOPED_CONTROL}/startRental") == 0
    assert parked.saddle_locked
    assert not parked.tailbox_locked
    assert await caller.post(end) == 15631
    assert await caller.post(rental, helmetCheck=2) == 0
    assert await caller.post(end) == 15633
    parked.saddle_locked = False
    assert await caller.post(end) == 15634
    assert await caller.post(rental, saddleCheck=2, tailboxCheck=2) == 0
    assert await caller.post(end) == 0


async def test_states_that_refuse(caller: Caller, parked: Moped) -> None:
    """Upgrading refuses controls and settings; offline and other states say so."""
    status = f"{QUERY}/status"
    parked.upgrading = True
    assert await caller.post(f"{CONTROL}/unlock") == 15500
    assert await caller.post(f"{SETTING}/speed-mode", speedMode=1) == 15500
    assert (await caller.get(status))["code"] == 0
    parked.upgrading, parked.online = False, False
    assert await caller.post(f"{CONTROL}/unlock") == 15301
    assert (await caller.get(status))["data"]["online"] is False
    location = f"{QUERY}/location"
    assert (await caller.get(location))["code"] == 0
    assert (await caller.get(location, realTimeLocation="true"))["code"] == 15301
    caller.server.offline_refuses_queries = True
    assert (await caller.get(status))["code"] == 15301
    parked.refuses = 15300
    assert (await caller.get(status))["code"] == 15300


async def test_models(caller: Caller, parked: Moped) -> None:
    """An endpoint that the model lacks answers as told."""
    parked.model = Model.C80
    assert (await caller.get(f"{MOPED_QUERY}/battery-info"))["code"] == 0
    assert (await caller.get(f"{MOPED_QUERY}/extra-status"))["code"] == 15707
    parked.unsupported = 404
    assert (await caller.get(f"{MOPED_QUERY}/extra-status"))["http"] == 404


async def test_demanded_codes(caller: Caller, parked: Moped) -> None:
    """A demanded code comes once; the command may be carried out nevertheless."""
    unlock = f"{CONTROL}/unlock"
    caller.server.demand(unlock, 15302, iot_code=DEMO_PARKED)
    assert await caller.post(unlock) == 15302
    assert parked.locked
    caller.server.demand(ANY_PATH, 15302, carried_out=True, iot_code=DEMO_RIDING)
    caller.server.demand(ANY_PATH, 15302, carried_out=True)
    assert await caller.post(unlock) == 15302
    assert not parked.locked
    assert await caller.post(unlock) == 0
    caller.server.http_next(unlock, 429)
    assert (await caller.send("POST", unlock))["http"] == 429


async def test_requests_in_flight_are_counted(caller: Caller) -> None:
    """Requests can be held, so that it shows how many are made at once."""
    server = caller.server
    server.hold()
    tasks = [asyncio.create_task(caller.get(f"{QUERY}/status")) for _ in range(5)]
    await server.until_in_flight(5)
    server.release()
    await asyncio.gather(*tasks)
    assert server.max_in_flight == 5
    assert server.in_flight == 0


async def test_spellings(caller: Caller) -> None:
    """The two names of the range and of the fix time."""
    assert "remainderRange" in (await caller.get(f"{QUERY}/status"))["data"]
    caller.server.range_key = "remainingRange"
    caller.server.gps_time_key = "gpsUTCTime"
    assert "remainderRange" not in (await caller.get(f"{QUERY}/status"))["data"]
    location = (await caller.get(f"{QUERY}/location"))["data"]
    assert isinstance(location["gpsUTCTime"], str)
    assert "gpsUtcTime" not in location


def test_signature_of_the_known_vector() -> None:
    """The vector that was worked out by hand."""
    parameters = {
        "t": "1591067719000",
        "signature": "ignored",
        "powerPercent": "85",
        "iotCode": "LKV110ZZZ",
        "charging": "false",
    }
    assert signature(parameters, "abc123") == "0c9420b70c3f377e47a0d924a5c6972c"


class Receiver:
    """Takes pushes, and answers them as told (200 when told nothing)."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.pushes: list[tuple[str, dict[str, str]]] = []
        self.statuses: list[int] = []
        self.enough = asyncio.Event()
        self.wanted = 0

    async def take(self, request: web.BaseRequest) -> web.Response:
        """Answer a push."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.pushes.append((request.path.rsplit("/", 1)[1], form))
        if self.wanted and len(self.pushes) >= self.wanted:
            self.enough.set()
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)


@pytest.fixture
async def receiver(server: SegwaySimulator) -> AsyncIterator[Receiver]:
    """Return a receiver of the server's pushes."""
    receiver = Receiver()
    runner = web.ServerRunner(web.Server(receiver.take))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.push_url = f"http://127.0.0.1:{runner.addresses[0][1]}/secret/"
    yield receiver
    await runner.cleanup()


@pytest.fixture
async def sender(
    server: SegwaySimulator, receiver: Receiver
) -> AsyncIterator[PushSender]:
    """Return a sender of pushes."""
    sender = server.sender()
    yield sender
    await sender.close()


async def test_pushes_are_signed_texts(
    server: SegwaySimulator, sender: PushSender, receiver: Receiver
) -> None:
    """All five kinds arrive as forms, signed."""
    for kind, fields in (
        ("status", server.status_push(DEMO_PARKED)),
        ("location", server.location_push(DEMO_PARKED)),
        ("alert", server.alert_push(1)),
        ("fault", server.fault_push("E5", cleared=True)),
        ("components", server.components_push(1, 2)),
    ):
        assert await sender.push(kind, DEMO_PARKED, fields)
    assert [kind for kind, _ in receiver.pushes] == [
        "status",
        "location",
        "alert",
        "fault",
        "components",
    ]
    for _, form in receiver.pushes:
        assert form["signature"] == signature(form, server.client_secret)
        assert form["platformCode"] == server.client_id
    assert receiver.pushes[0][1]["locked"] == "true"


async def test_pushes_are_repeated_once(
    sender: PushSender,
    receiver: Receiver,
    server: SegwaySimulator,
    clock: Clock,
) -> None:
    """What is not processed comes once more after 5 s, and then never again."""
    receiver.statuses = [503, 200, 500, 500]
    assert await sender.push("alert", DEMO_PARKED, server.alert_push(1))
    assert clock.naps == [RETRY_AFTER]
    assert not await sender.push("alert", DEMO_PARKED, server.alert_push(2))
    assert sender.statuses == [503, 200, 500, 500]
    nobody = server.sender("http://127.0.0.1:9")
    assert not await nobody.push("alert", DEMO_PARKED, server.alert_push(2))
    assert nobody.statuses == [0, 0]
    await nobody.close()


async def test_pushing_for_ever(server: SegwaySimulator, receiver: Receiver) -> None:
    """The riding one is pushed every 10 s; the parked one is moved now and then.

    What was opened is shut 20 s later, which is pushed; nobody shuts a test's moped.
    """
    receiver.wanted = 30
    pushing = asyncio.create_task(server.push_for_ever())
    await receiver.enough.wait()
    parked, riding = server.mopeds[DEMO_PARKED], server.mopeds[DEMO_RIDING]
    parked.locked = False
    opened_at = int(server.now)
    for moped in (parked, riding):
        for part in ("saddle", "tailbox"):
            moped.control(f"{MOPED_CONTROL}/{part}", {}, opened_at)
    assert not parked.saddle_locked
    receiver.wanted = 60
    receiver.enough.clear()
    await receiver.enough.wait()
    pushing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await pushing
    statuses = [
        int(form["statusUtcTime"])
        for kind, form in receiver.pushes
        if kind == "status" and form["iotCode"] == DEMO_RIDING
    ]
    assert {b - a for a, b in zip(statuses, statuses[1:], strict=False)} == {10}
    alerts = [
        (form["code"], form["alertStatus"])
        for kind, form in receiver.pushes
        if kind == "alert"
    ]
    assert alerts[:2] == [("1", "0"), ("1", "1")]
    locks = [
        form["locked"]
        for kind, form in receiver.pushes
        if kind == "status" and form["iotCode"] == DEMO_PARKED
    ]
    assert locks[:2] == ["true", "false"]
    components = [
        (form["iotCode"], form["type"], form["status"], form["statusUtcTime"])
        for kind, form in receiver.pushes
        if kind == "components"
    ]
    shut_at = str(opened_at + 20)
    assert components == [
        (DEMO_PARKED, "1", "2", shut_at),
        (DEMO_PARKED, "2", "2", shut_at),
    ]
    assert parked.saddle_locked
    assert parked.tailbox_locked
    assert not riding.saddle_locked


async def test_upload_interval_changes_the_pace(
    caller: Caller, parked: Moped, clock: Clock
) -> None:
    """Locations and statuses come by the documented periods, or those that were set."""
    assert (parked.location_interval(), parked.status_interval(NOW)) == (900, None)
    riding = caller.server.mopeds[DEMO_RIDING]
    assert (riding.location_interval(), riding.status_interval(NOW)) == (10, 10)
    interval = {
        "locationInterval": {"unlockStatus": 20, "lockStatus": 300},
        "statusInterval": {"ridingStatus": 15, "nonRiding": 60, "lockStatus": 600},
    }
    assert await caller.post(f"{SETTING}/interval", **interval) == 0
    assert (parked.location_interval(), parked.status_interval(NOW)) == (300, 600)
    assert await caller.post(f"{CONTROL}/unlock") == 0
    assert (parked.location_interval(), parked.status_interval(NOW)) == (20, 60)
    clock.time += 39
    location = (await caller.get(f"{QUERY}/location"))["data"]
    assert int(location["gpsUtcTime"]) == NOW + 20


async def test_a_silent_moped_hangs(server: SegwaySimulator) -> None:
    """A request for a silent vehicle waits until the server stops."""
    server.mopeds[DEMO_PARKED].silent = True
    async with aiohttp.ClientSession() as session:
        caller = Caller(session, server)
        await caller.log_in()
        waiting = asyncio.create_task(caller.get(f"{QUERY}/status"))
        await server.hanging.wait()
        assert (await caller.get(f"{QUERY}/status", iotCode=DEMO_RIDING))["code"] == 0
        await server.stop()
        with pytest.raises(aiohttp.ClientError):
            await waiting


def test_demo_mopeds_are_where_they_should_be() -> None:
    """One rides near the home place, one stands there."""
    riding, standing = demo_mopeds(NOW)
    for later in range(0, 600, 60):
        assert riding.riding(NOW + later)
        assert riding.life.at(NOW + later).place.distance(HOME) < 300
    assert not standing.riding(NOW)
    assert standing.locked
    assert standing_moped("1", HOME, NOW).locked
    with pytest.raises(ValueError, match="Nowhere"):
        SegwaySimulator().sender()


async def test_alone() -> None:
    """The simulator runs by itself, says where, and ends when told to."""
    await check_alone("tests.simulators.segway", "--push-url=http://127.0.0.1:9")


def test_help(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command explains itself."""
    monkeypatch.setattr(sys, "argv", ["segway", "--help"])
    with pytest.raises(SystemExit):
        main()
    assert "--push-url" in capsys.readouterr().out
