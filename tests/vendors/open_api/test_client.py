"""The Open API client, against the simulator over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
import logging
import socket
import traceback

import aiohttp
import pytest

from custom_components.fleet_tracker.contract.errors import (
    AccessDenied,
    AuthenticationFailed,
    CannotConnect,
    ClockWrong,
    CommandFailed,
    CommandUnconfirmed,
    CommandUnsupported,
    InvalidAnswer,
    InvalidArgument,
    RateLimited,
    VehicleOffline,
    VehicleUnavailable,
    VendorError,
)
from custom_components.fleet_tracker.vendors.open_api.client import (
    AlarmForm,
    FenceAlarm,
    OpenApiClient,
)
from custom_components.fleet_tracker.vendors.open_api.errors import (
    MissingParameter,
    TokenRejected,
    UnknownRequest,
    error_for,
)
from custom_components.fleet_tracker.vendors.open_api.transport import (
    Token,
    hash_password,
    sign,
)
from tests.simulators.open_api import OpenApiSimulator
from tests.simulators.open_api_fleet import Account, Alarm as AlarmRow, Device, Reply
from tests.simulators.server import Fault
from tests.simulators.world import HOME, Route, Vehicle, drive, parked, stand

START = 1_760_000_400  # on a half hour
VAN, CAR = "358899051025339", "355139000000234"
BUS, STRANGE = "351000091413001", "351000091413002"
PASSWORD = "Abc@34590"
AUTHORIZATION = "/api/authorization"
TRACK = "/api/track"


def utc(time: float) -> datetime:
    """Return UNIX seconds as a time."""
    return datetime.fromtimestamp(time, UTC)


class Clock:
    """A clock that moves when told to, or when somebody sleeps."""

    def __init__(self) -> None:
        """Start."""
        self.time: float = START
        self.slept: list[float] = []

    def __call__(self) -> float:
        """Return the time."""
        return self.time

    def now(self) -> datetime:
        """Return the time as the client wants it."""
        return utc(self.time)

    async def sleep(self, seconds: float) -> None:
        """Let the time pass at once."""
        self.slept.append(seconds)
        self.time += seconds


def accounts() -> tuple[Account, ...]:
    """Return an account with two devices, one below with one, and a strange one."""
    out = Route(HOME, HOME.away(0, 1000))
    van = Vehicle(
        HOME,
        stand(20, door_open=True),
        drive(out, 36),
        stand(60),
        drive(Route(out.places[1], HOME), 36),
        start=START - 280 * 10,
        odometer=51_654,
    )
    return (
        Account(
            name="test",
            password=PASSWORD,
            role=1,
            devices=[
                Device(imei=VAN, vehicle=van),
                Device(imei=CAR, vehicle=parked(HOME, START - 86_400)),
            ],
        ),
        Account(
            name="below",
            password="b",
            parent="test",
            devices=[Device(imei=BUS, vehicle=parked(HOME, START))],
        ),
        Account(
            name="strange",
            password="s",
            devices=[Device(imei=STRANGE, vehicle=parked(HOME, START))],
        ),
    )


@pytest.fixture
def clock() -> Clock:
    """Return the clock of simulator and client."""
    return Clock()


@pytest.fixture
async def server(clock: Clock) -> AsyncIterator[OpenApiSimulator]:
    """Return a running simulator."""
    async with OpenApiSimulator(*accounts(), clock=clock) as server:
        yield server


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """Return a session."""
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def client(
    session: aiohttp.ClientSession, server: OpenApiSimulator, clock: Clock
) -> OpenApiClient:
    """Return a client of the account `test`."""
    return make_client(session, server.url, clock)


def make_client(
    session: aiohttp.ClientSession,
    url: str,
    clock: Clock,
    *,
    account: str = "test",
    password: str = PASSWORD,
    token: Token | None = None,
    save_token: Callable[[Token], Awaitable[None]] | None = None,
    alarm_form: AlarmForm | None = None,
) -> OpenApiClient:
    """Return a client."""
    return OpenApiClient(
        session,
        url,
        account,
        hash_password(password),
        now=clock.now,
        sleep=clock.sleep,
        token=token,
        save_token=save_token,
        alarm_form=alarm_form,
    )


# Signing in


@pytest.mark.parametrize(
    ("password", "time", "signature"),
    [
        ("Abc@34590", 1_556_243_443, "3844afd2c3bf68f0f3f4aa0a9ee8ee6c"),
        ("123456", 1_504_084_954, "ecca11e8e116455c48c8ad2ef5c1e0ee"),
    ],
)
def test_signature(password: str, time: int, signature: str) -> None:
    """Both published examples."""
    assert sign(hash_password(password), time) == signature


async def test_one_token_for_all(
    client: OpenApiClient, server: OpenApiSimulator
) -> None:
    """However many calls run at once, there is one login, and none for later calls."""
    batches = await asyncio.gather(*(client.track([VAN]) for _ in range(20)))
    assert all(VAN in batch.found for batch in batches)
    await client.track([VAN])
    assert server.requests[AUTHORIZATION] == 1
    assert client.counters["logins"] == 1
    assert client.counters["requests"] == 22


async def test_token_is_renewed_after_90_minutes(
    client: OpenApiClient, server: OpenApiSimulator, clock: Clock
) -> None:
    """Before it dies, and once for calls that run at once."""
    await client.track([VAN])
    clock.time += 5399
    await client.track([VAN])
    assert server.requests[AUTHORIZATION] == 1
    clock.time += 1
    await asyncio.gather(*(client.track([VAN]) for _ in range(5)))
    assert server.requests[AUTHORIZATION] == 2
    assert {entry.query["access_token"] for entry in list(server.log)[-5:]} == {
        client.token.value if client.token else None
    }
    # A clock that was set back does not make an old token young.
    clock.time -= 7000
    await client.track([VAN])
    assert server.requests[AUTHORIZATION] == 3


@pytest.mark.parametrize("code", [10002, 10003, 10010, 10011, 10012])
async def test_token_that_died_is_renewed_once(
    client: OpenApiClient, server: OpenApiSimulator, code: int
) -> None:
    """The call is repeated once; a second refusal is the caller's."""
    await client.log_in()
    server.fail_next(TRACK, code)
    assert VAN in (await client.track([VAN])).found
    assert server.requests[AUTHORIZATION] == 2
    server.fail_next(TRACK, code, 2)
    with pytest.raises(TokenRejected):
        await client.track([VAN])
    assert server.requests[AUTHORIZATION] == 3


async def test_token_dies_for_many_calls_at_once(
    client: OpenApiClient, server: OpenApiSimulator
) -> None:
    """One new login serves all calls that the old token was refused to."""
    await client.log_in()
    server.drop_tokens()
    await asyncio.gather(*(client.track([VAN]) for _ in range(10)))
    assert server.requests[AUTHORIZATION] == 2
    assert client.counters["tokens_died_early"] == 1


async def test_token_outlives_the_client(
    session: aiohttp.ClientSession, server: OpenApiSimulator, clock: Clock
) -> None:
    """The client returns a new token, and the next client logs in with the stored one."""
    saved: list[Token] = []

    async def save(token: Token) -> None:
        saved.append(token)

    await make_client(session, server.url, clock, save_token=save).track([VAN])
    assert len(saved) == 1
    assert saved[0].renew_at == utc(START + 5400)
    token = Token.from_json(saved[0].as_json())
    assert token == saved[0]
    client = make_client(session, server.url, clock, token=token, save_token=save)
    await client.track([VAN])
    assert server.requests[AUTHORIZATION] == 1
    await client.log_in()
    assert server.requests[AUTHORIZATION] == 2
    assert len(saved) == 2
    assert client.token == saved[1]


@pytest.mark.parametrize(
    "stored",
    [
        None,
        "token",
        {},
        {"value": "", "issued_at": 1, "renew_at": 2},
        {"value": "a", "issued_at": "soon", "renew_at": 2},
        {"value": "a", "issued_at": 1},
    ],
)
def test_stored_token_that_is_none(stored: object) -> None:
    """A stored token that cannot be read counts as none."""
    assert Token.from_json(stored) is None


@pytest.mark.parametrize(
    ("record", "renew_after"),
    [
        ({"access_token": "a", "expires_in": 7200}, 5400),
        ({"access_token": "a", "expires_in": "3600"}, 2700),
        ({"access_token": "a"}, 5400),
        ({"access_token": "a", "expires_in": -1}, 5400),
        ({"access_token": "a", "expires_in": 1e300}, 5400),
    ],
)
async def test_life_of_a_token(
    client: OpenApiClient,
    server: OpenApiSimulator,
    record: dict[str, object],
    renew_after: int,
) -> None:
    """Renewed after three quarters of what the server says, at most 90 minutes."""
    server.answer_next(AUTHORIZATION, {"code": 0, "record": record})
    token = await client.log_in()
    assert token.renew_at - token.issued_at == timedelta(seconds=renew_after)


@pytest.mark.parametrize("record", [None, [], {}, {"access_token": [7]}, "token"])
async def test_login_without_a_token(
    client: OpenApiClient, server: OpenApiSimulator, record: object
) -> None:
    """An answer that holds no token is invalid."""
    server.answer_next(AUTHORIZATION, {"code": 0, "record": record})
    with pytest.raises(InvalidAnswer):
        await client.log_in()


@pytest.mark.parametrize("name", ["Größe GmbH", "a+b&c=d", "демо", "100 %"])
async def test_names_of_accounts(
    session: aiohttp.ClientSession, server: OpenApiSimulator, clock: Clock, name: str
) -> None:
    """Any letter reaches the server as it is (UTF-8, 1.1)."""
    password = f"{name}-pass"
    server.accounts[name] = Account(name=name, password=password, parent="test")
    client = make_client(session, server.url, clock, account=name, password=password)
    assert (await client.user_info(name)).account == name


async def test_wrong_password_is_tried_once(
    session: aiohttp.ClientSession, server: OpenApiSimulator, clock: Clock
) -> None:
    """Calls that wait for the same login share its failure."""
    client = make_client(session, server.url, clock, password="wrong")
    results = await asyncio.gather(
        *(client.track([VAN]) for _ in range(10)), return_exceptions=True
    )
    assert all(isinstance(result, AuthenticationFailed) for result in results)
    assert server.requests[AUTHORIZATION] == 1
    # A later call tries again: the password may be right by then.
    server.account("test").set_password("wrong")
    assert VAN in (await client.track([VAN])).found


async def test_accounts_that_may_not(
    client: OpenApiClient, server: OpenApiSimulator
) -> None:
    """Not enabled, and blocked: no wrong credentials."""
    server.account("test").open_api = False
    with pytest.raises(AccessDenied) as denied:
        await client.log_in()
    assert denied.value.translation_key == "permission_denied"
    server.account("test").open_api = True
    server.account("test").blocked = True
    with pytest.raises(AccessDenied) as denied:
        await client.log_in()
    assert denied.value.translation_key == "account_blocked"


@pytest.mark.parametrize("skew", [-86_400, 3600])
async def test_clock_offset_is_learned(
    session: aiohttp.ClientSession, clock: Clock, skew: int
) -> None:
    """The server's time in the message of 10014 makes the next try right."""
    there = Clock()
    there.time = START + skew
    async with OpenApiSimulator(*accounts(), clock=there) as server:
        client = make_client(session, server.url, clock)
        assert VAN in (await client.track([VAN])).found
        assert server.requests[AUTHORIZATION] == 2
        await client.log_in()
        assert server.requests[AUTHORIZATION] == 3
        assert client.counters["clock_corrections"] == 1


async def test_clock_that_cannot_be_corrected(
    client: OpenApiClient, server: OpenApiSimulator
) -> None:
    """Refused twice, or without the server's time."""
    server.fail_next(AUTHORIZATION, 10014, 2)
    with pytest.raises(ClockWrong):
        await client.log_in()
    assert server.requests[AUTHORIZATION] == 2
    body = {"code": 10014, "message": "Request time error"}
    server.answer_next(AUTHORIZATION, body)
    with pytest.raises(ClockWrong):
        await client.log_in()
    assert server.requests[AUTHORIZATION] == 3


async def test_token_war(
    session: aiohttp.ClientSession, server: OpenApiSimulator, clock: Clock
) -> None:
    """Another program with the same account is noticed and not fought."""
    client = make_client(session, server.url, clock)
    other = make_client(session, server.url, clock)
    await client.track([VAN])
    for _ in range(2):
        await other.log_in()
        clock.time += 15
        await client.track([VAN])
        assert not client.contested
    await other.log_in()
    clock.time += 15
    with pytest.raises(RateLimited) as limited:
        await client.track([VAN])
    assert client.contested
    assert limited.value.translation_key == "account_shared"
    assert limited.value.retry_after == timedelta(seconds=45)
    clock.time += 45
    assert VAN in (await client.track([VAN])).found
    clock.time += 1800
    assert not client.contested
    # A token that dies old is no sign of war.
    await client.log_in()
    clock.time += 1000
    await other.log_in()
    await client.track([VAN])
    assert client.counters["tokens_died_early"] == 3


async def test_too_frequent(
    client: OpenApiClient, server: OpenApiSimulator, clock: Clock
) -> None:
    """Waits grow and differ; then callers are told to pause, longer each time."""
    server.fail_next(TRACK, 10009, 3)
    assert VAN in (await client.track([VAN])).found
    for number, wait in enumerate(clock.slept):
        assert 0.75 * 2**number <= wait <= 1.25 * 2**number
    assert len(clock.slept) == 3
    server.fail_next(TRACK, 10009, 4 * 6)
    pauses = []
    for _ in range(6):
        with pytest.raises(RateLimited) as limited:
            await client.track([VAN])
        assert limited.value.retry_after
        pauses.append(limited.value.retry_after.total_seconds())
    for number, pause in enumerate(pauses):
        typical = min(60 * 2**number, 900)
        assert 0.75 * typical <= pause <= 1.25 * typical
    assert client.counters["too_frequent"] == 27
    await client.track([VAN])
    server.fail_next(TRACK, 10009, 4)
    with pytest.raises(RateLimited) as limited:
        await client.track([VAN])
    assert limited.value.retry_after
    assert limited.value.retry_after <= timedelta(seconds=75)


async def test_too_frequent_for_one_operation(
    client: OpenApiClient, server: OpenApiSimulator
) -> None:
    """Its pauses grow, though others are answered meanwhile."""
    pauses = []
    for _ in range(3):
        server.fail_next("/api/alarm/list2", 10009, 4)
        with pytest.raises(RateLimited) as limited:
            await client.alarms(VAN, utc(START), utc(START + 1))
        assert limited.value.retry_after
        pauses.append(limited.value.retry_after.total_seconds())
        assert VAN in (await client.track([VAN])).found
    for number, pause in enumerate(pauses):
        assert 45 * 2**number <= pause <= 75 * 2**number


async def test_too_frequent_by_the_clock(
    client: OpenApiClient, server: OpenApiSimulator
) -> None:
    """A server with a limit gets its answer across."""
    server.intervals = {TRACK: 5, AUTHORIZATION: 5}
    for _ in range(3):
        assert VAN in (await client.track([VAN])).found
        await client.log_in()


# Servers in trouble


@pytest.mark.usefixtures("idle_clock")
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.HTML, InvalidAnswer),
        (Fault.HALF_JSON, InvalidAnswer),
        (Fault.NOT_AN_OBJECT, InvalidAnswer),
        (Fault.HTTP_500, CannotConnect),
        (Fault.HANG, CannotConnect),
        (Fault.DISCONNECT, CannotConnect),
    ],
)
@pytest.mark.parametrize("path", [AUTHORIZATION, TRACK])
async def test_faults(
    session: aiohttp.ClientSession,
    server: OpenApiSimulator,
    clock: Clock,
    path: str,
    fault: Fault,
    error: type[VendorError],
) -> None:
    """Each has its error, and the next call finds the server well."""
    client = make_client(session, server.url, clock)
    server.break_until_healed(path, fault)
    with pytest.raises(error):
        await client.track([VAN])
    server.heal()
    assert VAN in (await client.track([VAN])).found


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"code": None},
        {"code": "zero"},
        {"code": True},
        {"code": 0, "record": None},
        {"code": 0, "record": {}},
        {"code": 0, "record": "text"},
        7,
        None,
    ],
)
async def test_answers_of_a_wrong_shape(
    client: OpenApiClient, server: OpenApiSimulator, body: object
) -> None:
    """A list is wanted here and nothing else."""
    server.answer_next(TRACK, body)
    with pytest.raises(InvalidAnswer):
        await client.track([VAN])


async def test_code_as_text(client: OpenApiClient, server: OpenApiSimulator) -> None:
    """Some servers send it so."""
    server.answer_next(TRACK, {"code": "0", "record": [{"imei": VAN}]})
    assert (await client.track([VAN])).found == {VAN: {"imei": VAN}}
    server.answer_next(TRACK, {"code": "10004", "message": 5})
    with pytest.raises(InvalidArgument):
        await client.track([VAN])


async def test_too_deep_for_a_parser(
    client: OpenApiClient, server: OpenApiSimulator
) -> None:
    """A hostile answer is just an invalid one."""
    nested: object = 0
    for _ in range(900):
        nested = [nested]
    server.answer_next(TRACK, {"code": 0, "record": nested})
    with pytest.raises(InvalidAnswer):
        await client.track([VAN])


async def test_no_server_there(session: aiohttp.ClientSession, clock: Clock) -> None:
    """A refused connection, an URL that is none, and one of another server."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        client = make_client(session, f"http://127.0.0.1:{port}/", clock)
        with pytest.raises(CannotConnect):
            await client.log_in()
    for url in ("nonsense", "ftp://127.0.0.1", "http://"):
        with pytest.raises(CannotConnect):
            await make_client(session, url, clock).log_in()


async def test_another_servers_404(
    session: aiohttp.ClientSession, server: OpenApiSimulator, clock: Clock
) -> None:
    """An HTTP server that knows no such path is no Open API server."""

    async def handler(request: aiohttp.web.BaseRequest) -> aiohttp.web.Response:
        return aiohttp.web.Response(status=404)

    async with serving(handler) as url:
        with pytest.raises(InvalidAnswer):
            await make_client(session, url, clock).log_in()


@asynccontextmanager
async def serving(
    handler: Callable[[aiohttp.web.BaseRequest], Awaitable[aiohttp.web.Response]],
) -> AsyncIterator[str]:
    """Serve another HTTP server."""
    runner = aiohttp.web.ServerRunner(aiohttp.web.Server(handler))
    await runner.setup()
    try:
        await aiohttp.web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_server_comes_back(
    client: OpenApiClient, server: OpenApiSimulator
) -> None:
    """A killed server is not reached; the same one, restarted, is."""
    await client.track([VAN])
    await server.stop()
    with pytest.raises(CannotConnect):
        await client.track([VAN])
    await server.start()
    assert VAN in (await client.track([VAN])).found
    assert server.requests[AUTHORIZATION] == 1


@pytest.mark.usefixtures("idle_clock")
async def test_secrets_stay_out_of_errors_and_logs(
    session: aiohttp.ClientSession,
    server: OpenApiSimulator,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Neither a traceback nor a log line tells account, signature, token or IMEI."""
    # The simulator and the event loop run in this process too.
    caplog.set_level(logging.CRITICAL, logger="aiohttp.access")
    client = make_client(session, server.url, clock)
    token = await client.log_in()
    texts = []
    for fault in Fault:
        server.break_next(TRACK, fault)
        if fault is Fault.DISCONNECT:  # aiohttp repeats a GET once
            server.break_next(TRACK, fault)
        with pytest.raises(VendorError) as raised:
            await client.track([VAN])
        texts += traceback.format_exception(raised.value)
    server.device(VAN).error = 20046
    refused = (await client.track([VAN])).refused[VAN]
    texts += traceback.format_exception(refused)
    text = "".join(texts) + caplog.text
    for secret in (
        token.value,
        VAN,
        "access_token=",
        sign(hash_password(PASSWORD), START),
    ):
        assert secret not in text


@pytest.mark.parametrize(
    ("code", "error", "key"),
    [
        (10000, VendorError, "system_error"),
        (10001, UnknownRequest, "unknown_request"),
        (10002, TokenRejected, "token_rejected"),
        (10003, TokenRejected, "token_rejected"),
        (10004, InvalidArgument, "parameter_error"),
        (10005, MissingParameter, "parameter_error"),
        (10006, InvalidArgument, "parameter_out_of_range"),
        (10007, AccessDenied, "permission_denied"),
        (10009, RateLimited, "rate_limited"),
        (10010, TokenRejected, "token_rejected"),
        (10011, TokenRejected, "token_rejected"),
        (10012, TokenRejected, "token_rejected"),
        (10013, VehicleUnavailable, "vehicle_not_authorized"),
        (10014, ClockWrong, "clock_wrong"),
        (10016, AccessDenied, "account_blocked"),
        (20001, AuthenticationFailed, "invalid_auth"),
        (20005, VehicleUnavailable, "target_unknown"),
        (20017, VehicleOffline, "vehicle_offline"),
        (20018, CommandFailed, "command_failed"),
        (20046, VehicleUnavailable, "vehicle_expired"),
        (20048, CommandUnsupported, "command_unsupported"),
        (20089, VehicleUnavailable, "vehicle_blocked"),
        (12345, VendorError, "unknown_error_code"),
    ],
)
async def test_every_code_has_its_meaning(
    client: OpenApiClient,
    server: OpenApiSimulator,
    code: int,
    error: type[VendorError],
    key: str,
) -> None:
    """The class says what to do, the key what to tell the user."""
    await client.log_in()
    body = {"code": code, "message": f"About {VAN}"}
    for _ in range(4):
        server.answer_next("/api/user/block", body)
    with pytest.raises(error) as raised:
        await client.block("below")
    assert raised.value.translation_key == key
    assert VAN not in str(raised.value)
    if key == "unknown_error_code":
        assert raised.value.placeholders == {"code": "12345"}


def test_no_data_is_an_error_only_where_data_is_needed() -> None:
    """20023 has a class of its own, which lists turn into nothing."""
    assert error_for(20023).translation_key == "no_data"


# Devices


async def test_track(client: OpenApiClient) -> None:
    """Records come as they are, by IMEI."""
    batch = await client.track([VAN, CAR, VAN])
    assert set(batch.found) == {VAN, CAR}
    assert batch.found[VAN]["accstatus"] == 0
    assert batch.found[CAR]["gpstime"] == START - 86_400
    assert not batch.refused
    assert (await client.track([])).found == {}


async def test_500_vehicles_cost_5_calls(
    client: OpenApiClient, server: OpenApiSimulator
) -> None:
    """100 IMEIs a call."""
    fleet = [
        Device(imei=f"35{number:013}", vehicle=parked(HOME, START))
        for number in range(500)
    ]
    server.account("test").devices = fleet
    imeis = [device.imei for device in fleet]
    assert list((await client.track(imeis)).found) == imeis
    assert server.requests[TRACK] == 5
    details = await client.device_detail(imeis)
    assert details.found[imeis[7]]["devicename"] == "VT05S-01234"
    assert server.requests["/api/device/detail"] == 5


@pytest.mark.parametrize(
    ("imei", "code", "key"),
    [
        (STRANGE, 0, "vehicle_not_authorized"),
        ("1", 0, "target_unknown"),
        (CAR, 20046, "vehicle_expired"),
        (CAR, 20089, "vehicle_blocked"),
    ],
)
async def test_one_forbidden_among_a_hundred(
    client: OpenApiClient, server: OpenApiSimulator, imei: str, code: int, key: str
) -> None:
    """The others are found all the same, and the culprit is told with the reason."""
    fleet = [
        Device(imei=f"35{number:013}", vehicle=parked(HOME, START))
        for number in range(99)
    ]
    server.account("test").devices += fleet
    server.device(CAR).error = code
    imeis = [device.imei for device in fleet]
    batch = await client.track([*imeis[:40], imei, *imeis[40:]])
    assert set(batch.found) == set(imeis)
    assert [error.translation_key for error in batch.refused.values()] == [key]
    assert set(batch.refused) == {imei}
    assert server.requests[TRACK] <= 15


async def test_many_forbidden_and_a_server_that_has_enough(
    client: OpenApiClient, server: OpenApiSimulator, clock: Clock
) -> None:
    """Refusals that were found before an error are kept and not searched again."""
    fleet = [
        Device(imei=f"35{number:013}", vehicle=parked(HOME, START))
        for number in range(100)
    ]
    server.account("test").devices = fleet
    for device in fleet[::2]:
        device.error = 20046
    server.per_minute = {TRACK: 40}
    found, refused = set[str](), set[str]()
    for minute in range(12):
        waiting = [device.imei for device in fleet if device.imei not in refused]
        batch = await client.track(waiting)
        found |= set(batch.found)
        refused |= set(batch.refused)
        if batch.error is None:
            break
        assert isinstance(batch.error, RateLimited)
        assert len(refused) > 4 * minute
        clock.time += 60
    assert found == {device.imei for device in fleet[1::2]}
    assert refused == {device.imei for device in fleet[::2]}
    # Where nothing was found out, and where a part is of no use, it is the error.
    server.per_minute = {TRACK: 0, "/api/device/mileage": 3}
    with pytest.raises(RateLimited):
        await client.track([fleet[1].imei])
    with pytest.raises(RateLimited):
        await client.mileage_report(
            [device.imei for device in fleet], utc(START - 1800), utc(START)
        )


async def test_wrong_types_in_records(
    client: OpenApiClient, server: OpenApiSimulator
) -> None:
    """Rows that are none, or of nobody we asked for, are counted and left out."""
    rows: list[object] = [
        None,
        7,
        [],
        {},
        {"imei": 5},
        {"imei": ["x"]},
        {"imei": STRANGE},
        {"imei": VAN, "speed": "fast"},
    ]
    server.answer_next(TRACK, {"code": 0, "record": rows})
    batch = await client.track([VAN, CAR])
    assert batch.found == {VAN: {"imei": VAN, "speed": "fast"}}
    assert client.counters["rows_dropped"] == 7


async def test_device_list(client: OpenApiClient, server: OpenApiSimulator) -> None:
    """The own devices, or another account's."""
    assert [row["imei"] for row in await client.device_list()] == [VAN, CAR]
    assert [row["imei"] for row in await client.device_list("below")] == [BUS]
    server.fail_next("/api/device/list", 20023)
    assert await client.device_list() == ()
    with pytest.raises(AccessDenied):
        await client.device_list("strange")


async def test_fleet(client: OpenApiClient, server: OpenApiSimulator) -> None:
    """With the accounts below, at any depth, if wanted."""
    fleet = await client.fleet()
    assert set(fleet.devices) == {VAN, CAR}
    assert fleet.complete
    assert server.requests["/api/user/list"] == 0
    deeper = Device(imei="351000091413003", vehicle=parked(HOME, START))
    server.accounts["deeper"] = Account(
        name="deeper", password="d", parent="below", devices=[deeper]
    )
    fleet = await client.fleet(sub_accounts=True)
    assert set(fleet.devices) == {VAN, CAR, BUS, deeper.imei}
    assert fleet.complete


async def test_fleet_that_is_not_complete(
    client: OpenApiClient, server: OpenApiSimulator
) -> None:
    """A list that was cut off, and an account below that refuses its own."""
    server.account("test").devices = [
        Device(imei=f"35{number:013}", vehicle=parked(HOME, START))
        for number in range(501)
    ]
    fleet = await client.fleet()
    assert len(fleet.devices) == 500
    assert fleet.cut_off == {"test"}
    assert not fleet.complete
    server.account("test").devices = server.account("test").devices[:1]
    rows: list[object] = [{"imei": VAN}, {"devicename": "nameless"}]
    server.answer_next("/api/device/list", {"code": 0, "record": rows})
    server.answer_next("/api/device/list", {"code": 10007})
    fleet = await client.fleet(sub_accounts=True)
    assert set(fleet.devices) == {VAN}
    assert fleet.refused == {"below"}
    assert not fleet.complete
    assert client.counters["rows_dropped"] == 1
    server.fail_next("/api/device/list", 10007)
    with pytest.raises(AccessDenied):
        await client.fleet(sub_accounts=True)


async def test_an_account_that_may_not_list_others(
    client: OpenApiClient, server: OpenApiSimulator
) -> None:
    """An end user, say: the own vehicles are there all the same."""
    server.fail_next("/api/user/list", 10007)
    fleet = await client.fleet(sub_accounts=True)
    assert set(fleet.devices) == {VAN, CAR}
    assert fleet.refused == {"test"}
    # Nor does one below lose its vehicles because of those below itself.
    rows = [{"account": "test"}, {"account": "below"}]
    server.answer_next("/api/user/list", {"code": 0, "record": rows})
    server.answer_next("/api/user/list", {"code": 10007})
    fleet = await client.fleet(sub_accounts=True)
    assert set(fleet.devices) == {VAN, CAR, BUS}
    assert fleet.refused == {"below"}


async def test_playback(
    client: OpenApiClient, server: OpenApiSimulator, clock: Clock
) -> None:
    """All pages, each fix once."""
    clock.time += 14_000
    points = await client.playback(VAN, utc(START), utc(START + 14_000))
    device = server.device(VAN)
    times = device.vehicle.reports(START, START + 14_000, driving=10)
    assert [point.gpstime for point in points] == [utc(time) for time in times]
    assert len(points) == 1101
    assert server.requests["/api/playback"] == 2
    assert points[3].speed == 36
    assert await client.playback(VAN, utc(1000), utc(2000)) == []
    server.no_data = True
    assert await client.playback(VAN, utc(1000), utc(2000)) == []
    with pytest.raises(VehicleUnavailable):
        await client.playback(STRANGE, utc(1000), utc(2000))


@pytest.mark.parametrize(("most", "calls"), [(1, 1), (1000, 1), (1001, 2), (None, 4)])
async def test_route_is_read_no_further_than_wanted(
    client: OpenApiClient,
    server: OpenApiSimulator,
    clock: Clock,
    most: int | None,
    calls: int,
) -> None:
    """No page is asked for behind the one that has enough."""
    clock.time += 40_000
    period = utc(START), utc(START + 40_000)
    points = await client.playback(VAN, *period, most=most)
    assert len(points) > (most or 3000) - 1
    assert server.requests["/api/playback"] == calls


@pytest.mark.parametrize(("most", "calls"), [(1, 1), (100, 1), (101, 2), (None, 3)])
async def test_alarms_are_read_no_further_than_wanted(
    client: OpenApiClient, server: OpenApiSimulator, most: int | None, calls: int
) -> None:
    """No page is asked for behind the one that has enough."""
    times = [int(START - 300 + each) for each in range(250)]
    server.device(VAN).alarms = [
        AlarmRow(4, 4.9, 52.4, time, time, 0, 0, 0, "") for time in times
    ]
    alarms = await client.alarms(VAN, utc(START - 400), utc(START), most=most)
    assert len(alarms) > (most or 250) - 1
    assert server.requests["/api/alarm/list2"] == calls


@pytest.mark.parametrize(("size", "calls"), [(999, 1), (1000, 2), (1001, 2), (2000, 3)])
async def test_playback_of_a_full_page(
    client: OpenApiClient,
    server: OpenApiSimulator,
    clock: Clock,
    size: int,
    calls: int,
) -> None:
    """A page that is just full is followed by one with what it ends with, and no more."""
    clock.time += 40_000
    device = server.device(VAN)
    times = device.vehicle.reports(START, START + 40_000, driving=10)
    until = list(times)[size - 1]
    points = await client.playback(VAN, utc(START), utc(until))
    assert len(points) == len(set(points)) == size
    assert server.requests["/api/playback"] == calls


async def test_pages_that_lead_nowhere(
    client: OpenApiClient, server: OpenApiSimulator
) -> None:
    """A server that answers the same page whatever it is asked is not asked for ever."""
    page = ";".join(f"4.9,52.4,{START - 1000 + each},0,0" for each in range(1000))
    for _ in range(5):
        server.answer_next("/api/playback", {"code": 0, "record": page})
    with pytest.raises(InvalidAnswer):
        await client.playback(VAN, utc(START - 2000), utc(START + 9000))
    assert server.requests["/api/playback"] == 3


@pytest.mark.parametrize("body", [{"code": 0}, {"code": 0, "record": None}])
async def test_a_period_without_a_record(
    client: OpenApiClient, server: OpenApiSimulator, body: object
) -> None:
    """Where nothing was, the record itself may be missing."""
    server.answer_next("/api/playback", body)
    assert await client.playback(VAN, utc(START), utc(START + 9)) == []
    server.answer_next("/api/alarm/list2", body)
    assert await client.alarms(VAN, utc(START), utc(START + 9)) == []
    assert client.alarm_form is AlarmForm.LIST2_IMEI


async def test_playback_keeps_what_is_twice_there(
    client: OpenApiClient, server: OpenApiSimulator
) -> None:
    """Only what a page repeats of the page before is left out."""
    twice = f"4.9,52.4,{START},0,0"
    full = ";".join([f"4.8,52.4,{START - 5},9,9"] * 997 + ["broken"] + [twice] * 2)
    server.answer_next("/api/playback", {"code": 0, "record": full})
    rest = ";".join([twice] * 2 + [f"4.9,52.4,{START},0,1", "", " "])
    server.answer_next("/api/playback", {"code": 0, "record": rest})
    points = await client.playback(VAN, utc(START - 9), utc(START + 9))
    assert [point.course for point in points[-3:]] == [0, 0, 1]
    assert len(points) == 1000
    assert client.counters["rows_dropped"] == 1


async def test_playback_of_a_crowded_second(
    client: OpenApiClient, server: OpenApiSimulator
) -> None:
    """A page full of one second does not come again and again."""
    full = ";".join([f"4.9,52.4,{START},0,0"] * 1000)
    for _ in range(2):
        server.answer_next("/api/playback", {"code": 0, "record": full})
    points = await client.playback(VAN, utc(START - 9), utc(START))
    assert len(points) == 1000
    assert server.requests["/api/playback"] == 2
    server.answer_next("/api/playback", {"code": 0, "record": ";".join(["x"] * 1000)})
    with pytest.raises(InvalidAnswer):
        await client.playback(VAN, utc(START), utc(START + 9))
    server.answer_next("/api/playback", {"code": 0, "record": ["x"]})
    with pytest.raises(InvalidAnswer):
        await client.playback(VAN, utc(START), utc(START + 9))


async def test_mileage_report(
    client: OpenApiClient, server: OpenApiSimulator, clock: Clock
) -> None:
    """Any period is widened to half hours, and added up where it is too long."""
    device = server.device(VAN)
    device.vehicle = Vehicle(
        HOME,
        drive(Route(HOME, HOME.away(0, 500), HOME), 36),
        start=START - 20 * 86_400,
    )
    begin, end = START - 16 * 86_400 + 100, START - 1700
    report = await client.mileage_report([VAN, CAR, STRANGE], utc(begin), utc(end))
    assert report.begin == utc(START - 16 * 86_400)
    assert report.end == utc(START)
    driven = device.vehicle.distance(START - 16 * 86_400, START) / 1000
    assert report.found[VAN] == pytest.approx(driven, abs=0.03)
    assert report.found[CAR] == 0
    assert set(report.refused) == {STRANGE}
    # Two for the first week, where the refused one had to be found, and its two halves.
    calls = [entry for entry in server.log if entry.path == "/api/device/mileage"]
    assert {call.query["begintime"] for call in calls} == {
        str(START - days * 86_400) for days in (16, 9, 2)
    }
    even = await client.mileage_report([CAR], utc(START - 1800), utc(START))
    assert (even.begin, even.end) == (utc(START - 1800), utc(START))
    rows = [{"imei": VAN, "mileage": "much"}, {"imei": CAR, "mileage": -1}]
    server.answer_next("/api/device/mileage", {"code": 0, "record": rows})
    odd = await client.mileage_report([VAN, CAR], utc(START - 1800), utc(START))
    assert odd.found == {}


# Geofences and alarms


async def test_geofence_and_its_alarms(
    client: OpenApiClient, server: OpenApiSimulator, clock: Clock
) -> None:
    """A geofence is made as asked, and its alarms tell its name."""
    await client.create_geofence(
        VAN, "Garden & yard", FenceAlarm.BOTH, HOME.longitude, HOME.latitude, 305
    )
    fence = server.device(VAN).fences[0]
    assert (fence.name, fence.zone.radius) == ("Garden & yard", 305)
    clock.time += 300
    alarms = await client.alarms(VAN, utc(START + 2), clock.now())
    assert [alarm.alarmtype for alarm in alarms] == [9, 27, 6, 10, 9, 5, 10, 26]
    left = alarms[2]
    assert (left.geofenceid, left.geofencename) == (fence.number, "Garden & yard")
    assert left.systemtime == utc(START + 52)
    assert alarms[0].geofencename is None
    assert client.alarm_form is AlarmForm.LIST2_IMEI
    for radius in (99, 5001):
        with pytest.raises(InvalidArgument):
            await client.create_geofence(VAN, "x", FenceAlarm.IN, 1, 1, radius)
    assert server.requests["/api/geofence/create"] == 1


async def test_alarm_forms(
    session: aiohttp.ClientSession, server: OpenApiSimulator, clock: Clock
) -> None:
    """The form that the server wants is found out once and remembered."""
    server.device(CAR).alarms = [AlarmRow(1, 4.9, 52.4, START, START)]
    period = utc(START), utc(START)
    server.list2_parameter = "imeis"
    client = make_client(session, server.url, clock)
    for _ in range(2):
        assert [row.alarmtype for row in await client.alarms(CAR, *period)] == [1]
    assert client.alarm_form is AlarmForm.LIST2_IMEIS
    assert server.requests["/api/alarm/list2"] == 3
    # A server that changes is asked anew.
    server.list2_parameter = "imei"
    assert [row.alarmtype for row in await client.alarms(CAR, *period)] == [1]
    assert server.log[-1].query["imei"] == CAR
    server.list2_parameter = "device"
    client = make_client(session, server.url, clock)
    assert [row.alarmtype for row in await client.alarms(CAR, *period)] == [1]
    assert client.alarm_form is AlarmForm.LIST
    async with OpenApiSimulator(*accounts(), clock=clock, classic=True) as old:
        old.device(CAR).alarms = [AlarmRow(1, 4.9, 52.4, START, START)]
        client = make_client(session, old.url, clock)
        for _ in range(2):
            assert len(await client.alarms(CAR, *period)) == 1
        assert old.requests["/api/alarm/list2"] == 1
        handed_in = make_client(session, old.url, clock, alarm_form=client.alarm_form)
        assert len(await handed_in.alarms(CAR, *period)) == 1
        assert old.requests["/api/alarm/list2"] == 1
        # The older list is deprecated, and may be there no longer one day.
        old.fail_next("/api/alarm/list", 10001, 2)
        with pytest.raises(UnknownRequest):
            await handed_in.alarms(CAR, *period)
        assert handed_in.alarm_form is None
        with pytest.raises(VehicleUnavailable):
            await make_client(session, old.url, clock).alarms(STRANGE, *period)


@pytest.mark.parametrize("classic", [False, True])
async def test_alarm_pages(
    session: aiohttp.ClientSession, clock: Clock, classic: bool
) -> None:
    """Each alarm once and in order, at most one call a second."""
    async with OpenApiSimulator(*accounts(), clock=clock, classic=classic) as server:
        server.device(CAR).alarms = [
            AlarmRow(1 + number % 3, 4.9, 52.4, START + number, START + number // 2)
            for number in range(350)
        ]
        clock.time += 1000
        server.intervals = {"/api/alarm/list2": 1, "/api/alarm/list": 1}
        client = make_client(session, server.url, clock)
        alarms = await client.alarms(CAR, utc(START), clock.now())
        assert [alarm.gpstime for alarm in alarms] == [
            utc(START + number) for number in range(350)
        ]
        # The older server was asked for the newer list first.
        assert clock.slept == [1] * (4 if classic else 3)
        assert client.counters["too_frequent"] == 0
        server.no_data = True
        assert await client.alarms(CAR, utc(1000), utc(2000)) == []


async def test_alarms_of_a_crowded_second(
    client: OpenApiClient, server: OpenApiSimulator, clock: Clock
) -> None:
    """More alarms in one second than a page holds do not come again and again."""
    server.device(CAR).alarms = [
        AlarmRow(1, 4.9, 52.4, START + number, START) for number in range(120)
    ]
    assert len(await client.alarms(CAR, utc(START), utc(START))) == 100
    assert server.requests["/api/alarm/list2"] == 1


# Commands


async def test_command(
    client: OpenApiClient, server: OpenApiSimulator, clock: Clock
) -> None:
    """Sent once, asked for once a second, and answered in the tracker's words."""
    server.intervals = {"/api/command/query": 1}
    server.device(VAN).answers_after = 3
    words = await client.run_command(VAN, "RELAY,1")
    assert words == "Cut off the fuel supply: Success! Speed: 0km/h."
    assert server.device(VAN).fuel_supply == 0
    assert clock.slept == [1, 1, 1, 1]
    assert server.requests["/api/command/send"] == 1
    assert {entry.method for entry in server.log if "/command/" in entry.path} == {
        "POST"
    }
    server.device(VAN).replies["RESET"] = Reply("")
    assert await client.run_command(VAN, "RESET") == ""


async def test_set_mileage(client: OpenApiClient, server: OpenApiSimulator) -> None:
    """The data looks as in the document's example."""
    await client.run_command(VAN, "SET_MILEAGE", {"mileage": "30"})
    sent = next(entry for entry in server.log if entry.path == "/api/command/send")
    assert sent.query["paramData"] == '{"mileage":"30"}'
    assert (await client.track([VAN])).found[VAN]["mileage"] == 30_000


async def test_command_without_an_answer(
    client: OpenApiClient, server: OpenApiSimulator, clock: Clock
) -> None:
    """Thirty questions, then nobody knows; nothing is sent again."""
    server.device(VAN).answers_after = None
    with pytest.raises(CommandUnconfirmed):
        await client.run_command(VAN, "RELAY,1")
    assert server.requests["/api/command/query"] == 30
    assert server.requests["/api/command/send"] == 1
    assert clock.slept == [1] * 30


@pytest.mark.parametrize(
    ("refusals", "command", "error"),
    [
        ({"LOCKDOOR": 20048}, "LOCKDOOR", CommandUnsupported),
        ({"RELAY": 20018}, "RELAY,1", CommandFailed),
        ({"RESET": 20017}, "RESET", VehicleOffline),
    ],
)
async def test_refused_commands(
    client: OpenApiClient,
    server: OpenApiSimulator,
    refusals: dict[str, int],
    command: str,
    error: type[VendorError],
) -> None:
    """Refused at once, which changes nothing."""
    server.device(VAN).refusals = refusals
    with pytest.raises(error):
        await client.run_command(VAN, command)
    assert server.requests["/api/command/query"] == 0


@pytest.mark.usefixtures("idle_clock")
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.HANG, CommandUnconfirmed),
        (Fault.HTTP_500, CommandUnconfirmed),
        (Fault.HALF_JSON, CommandUnconfirmed),
        (Fault.DISCONNECT, CommandUnconfirmed),
    ],
)
async def test_answer_to_a_command_is_lost(
    session: aiohttp.ClientSession,
    server: OpenApiSimulator,
    clock: Clock,
    fault: Fault,
    error: type[VendorError],
) -> None:
    """The command may have arrived: it is not repeated, and not called a failure."""
    client = make_client(session, server.url, clock)
    server.break_next("/api/command/send", fault)
    with pytest.raises(error):
        await client.run_command(VAN, "RELAY,1")
    assert server.requests["/api/command/send"] == 1


async def test_command_that_was_not_sent(
    client: OpenApiClient, server: OpenApiSimulator
) -> None:
    """Where it certainly was not, that is what is said."""
    server.fail_next("/api/command/send", 10001)
    with pytest.raises(UnknownRequest):
        await client.run_command(VAN, "RELAY,1")
    await server.stop()
    with pytest.raises(CannotConnect):  # over the connection that was left open
        await client.track([VAN])
    with pytest.raises(CannotConnect):
        await client.run_command(VAN, "RELAY,1")
    await server.start()
    assert server.requests["/api/command/send"] == 1
    server.answer_next("/api/command/send", {"code": 0, "record": {"commandid": 7}})
    with pytest.raises(CommandUnconfirmed):
        await client.run_command(VAN, "RELAY,1")


async def test_login_fails_before_a_command(
    client: OpenApiClient, server: OpenApiSimulator
) -> None:
    """Then nothing was sent."""
    server.break_next(AUTHORIZATION, Fault.HTTP_500)
    with pytest.raises(CannotConnect):
        await client.run_command(VAN, "RELAY,1")
    assert server.requests["/api/command/send"] == 0


async def test_trouble_while_a_command_is_answered(
    client: OpenApiClient, server: OpenApiSimulator
) -> None:
    """A question that fails is asked again."""
    query = "/api/command/query"
    for fault in (Fault.HTTP_500, Fault.HALF_JSON):
        server.break_next(query, fault)
    server.answer_next(query, {"code": 0, "record": "soon"})
    server.fail_next(query, 20023)
    server.fail_next(query, 10009, 4)
    assert "Success" in await client.run_command(VAN, "RELAY,1")
    assert client.counters["command_queries_failed"] == 5
    server.fail_next(query, 20018)
    with pytest.raises(CommandFailed):
        await client.run_command(VAN, "RELAY,1")
    server.fail_next(query, 20005)
    with pytest.raises(CommandUnconfirmed):
        await client.run_command(VAN, "RELAY,1")


async def test_slow_server_while_a_command_is_answered(
    client: OpenApiClient, server: OpenApiSimulator, clock: Clock
) -> None:
    """Nobody waits for much longer than a minute."""
    server.fail_next("/api/command/query", 10009, 200)
    with pytest.raises(CommandUnconfirmed):
        await client.run_command(VAN, "RELAY,1")
    assert 60 <= clock.time - START <= 75


# Accounts


async def test_accounts(client: OpenApiClient, server: OpenApiSimulator) -> None:
    """Information, list, block and unblock."""
    assert (await client.user_info("below")).blocked is False
    await client.block("below")
    assert (await client.user_info("below")).blocked is True
    await client.unblock("below")
    assert not server.account("below").blocked
    assert [user.account for user in await client.user_list()] == ["test", "below"]
    assert [user.account for user in await client.user_list("below")] == ["below"]
    with pytest.raises(VehicleUnavailable) as unknown:
        await client.user_info("nobody")
    assert unknown.value.translation_key == "target_unknown"
    for record in (None, {"username": "x"}):
        server.answer_next("/api/user/info", {"code": 0, "record": record})
        with pytest.raises(InvalidAnswer):
            await client.user_info("below")
    rows = [{"account": ""}, {"account": "below"}]
    server.answer_next("/api/user/list", {"code": 0, "record": rows})
    assert len(await client.user_list()) == 1
    assert client.counters["rows_dropped"] == 1


async def test_change_password(session: aiohttp.ClientSession, clock: Clock) -> None:
    """Sent is the MD5 of the document's example, to the path that was named."""
    path = "/api/user/modifypassword"
    async with OpenApiSimulator(*accounts(), clock=clock, password_path=path) as server:
        client = make_client(session, server.url, clock)
        await client.change_password(path, "below", PASSWORD)
        assert server.log[-1].query["password"] == "9d591136280b3ec563e3062dbb6f915b"
        below = make_client(session, server.url, clock, account="below")
        assert BUS in (await below.track([BUS])).found


async def test_messages(client: OpenApiClient, server: OpenApiSimulator) -> None:
    """Any number of accounts, 200 at a time."""
    for number in range(250):
        name = f"user{number}"
        server.accounts[name] = Account(name=name, password="x", parent="test")
    names = [f"user{number}" for number in range(250)]
    await client.send_message(names, "Grüße & mehr, 100 %")
    assert [len(message.accounts) for message in server.messages] == [200, 50]
    assert {message.content for message in server.messages} == {"Grüße & mehr, 100 %"}
    bad: list[tuple[list[str], str]] = [
        ([], "x"),
        (["below"], ""),
        (["below"], "x" * 301),
    ]
    for some, content in bad:
        with pytest.raises(InvalidArgument):
            await client.send_message(some, content)
    assert server.requests["/api/message/send"] == 2
