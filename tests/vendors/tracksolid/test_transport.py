"""Signature, tokens, limits and errors of a call (chapters 1 to 3)."""

from __future__ import annotations

import asyncio
from datetime import timedelta
import logging
import socket

from aiohttp import web
import pytest

from custom_components.fleet_tracker.contract.errors import (
    AccessDenied,
    AuthenticationFailed,
    CannotConnect,
    ClockWrong,
    CommandFailed,
    CommandUnsupported,
    CommandWithdrawn,
    InvalidAnswer,
    InvalidArgument,
    RateLimited,
    VehicleOffline,
    VehicleUnavailable,
    VendorError,
)
from custom_components.fleet_tracker.transport.http_client import (
    NoAnswer,
    Unreachable,
    http_date,
)
from custom_components.fleet_tracker.vendors.tracksolid.api.client import (
    TracksolidClient,
)
from custom_components.fleet_tracker.vendors.tracksolid.api.errors import (
    KNOWN_CODES,
    BusinessError,
    Busy,
    CommandPending,
    DailyQuota,
    MethodUnknown,
    NotReady,
    ParameterRefused,
    TokenRejected,
    TooManyVehicles,
    WrongNode,
    WrongSecret,
    error_for,
    is_daily_quota,
    is_token_problem,
    is_too_frequent,
    sign_in_error,
)
from custom_components.fleet_tracker.vendors.tracksolid.api.transport import (
    Credentials,
    Token,
    Transport,
    hash_password,
    sign,
    stamp,
)
from tests.simulators.tracksolid import TracksolidSimulator
from tests.vendors.fake_host import START, Cleared, FakeHost, FakeMemory

from .conftest import make_client
from .helpers import VAN

TOKEN_GET = "jimi.oauth.token.get"
TOKEN_REFRESH = "jimi.oauth.token.refresh"
DEVICES = "jimi.user.device.list"


def test_signature_of_the_vendors_string_example() -> None:
    """The manual's own example of what is signed, with its sample secret."""
    parameters = {"foo": "1", "bar": "2", "foo_bar": "3", "foobar": "4"}
    assert (
        sign(parameters, "h9lri085eachcz4sn7gwnkh6j0jt0yz4")
        == "2CEB0E3B7EA209555DFFC9296378FDD9"
    )


def test_signature_leaves_empty_values_out() -> None:
    """Empty values and the signature itself are not signed."""
    parameters = {
        "access_token": "tok123",
        "app_key": "TESTAPPKEY",
        "format": "json",
        "map_type": "",
        "method": "jimi.user.device.location.list",
        "sign": "anything",
        "sign_method": "md5",
        "target": "demo",
        "timestamp": "2026-01-02 03:04:05",
        "v": "1.0",
    }
    assert (
        sign(parameters, "testsecret0000000000000000000000")
        == "CFE5E14D6EE618B690D07AC59E61DD6E"
    )


def test_password_is_hashed_in_lower_case() -> None:
    """3.1 wants the MD5 in lower case."""
    assert hash_password("123456") == "e10adc3949ba59abbe56e057f20f883e"


async def test_one_token_for_many_calls_at_once(
    client: TracksolidClient, sim: TracksolidSimulator
) -> None:
    """Calls that run at once share a login, and later ones need none."""
    await asyncio.gather(*(client.devices.devices("fleet") for _ in range(5)))
    await client.devices.devices("fleet")
    assert sim.requests[TOKEN_GET] == 1
    assert sim.requests[DEVICES] == 6


async def test_ten_restarts_within_a_minute_ask_for_one_token(
    sim: TracksolidSimulator, host: FakeHost
) -> None:
    """The token outlives a restart, and so does the memory of having asked for one."""
    memory = FakeMemory()
    for _ in range(10):
        client = make_client(sim, host, memory)
        assert await client.devices.devices("fleet")
        host.advance(5)
    assert sim.requests[TOKEN_GET] == 1


async def test_ten_restarts_with_a_wrong_password_ask_once(
    sim: TracksolidSimulator, host: FakeHost
) -> None:
    """A login that failed is not tried again within the minute."""
    memory = FakeMemory()
    clients = [make_client(sim, host, memory) for _ in range(11)]
    sim.password = "changed"
    with pytest.raises(AuthenticationFailed):
        await clients.pop().log_in()
    for _ in range(9):
        host.advance(5)
        with pytest.raises(RateLimited) as caught:
            await clients.pop().log_in()
    assert caught.value.translation_key == "tracksolid_token_soon"
    assert caught.value.retry_after == timedelta(seconds=15)
    assert sim.requests[TOKEN_GET] == 1
    host.advance(16)
    with pytest.raises(AuthenticationFailed):
        await clients.pop().log_in()
    assert sim.requests[TOKEN_GET] == 2


async def test_patient_client_waits_for_the_minute(
    sim: TracksolidSimulator, host: FakeHost
) -> None:
    """A second try in the config flow waits instead of failing."""
    client = make_client(sim, host)
    await host.memory.put("token_asked_at", host.now().timestamp())
    patient = Transport(
        host.session,
        client.transport.credentials,
        host.memory,
        now=host.now,
        sleep=host.sleep,
        patient=True,
    )
    await patient.log_in()
    assert host.slept == [60]


async def test_token_is_refreshed_before_it_dies(
    client: TracksolidClient, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """3.2: a login is only needed where there is no token to refresh."""
    await client.log_in()
    host.advance(7200 - 200)
    await client.devices.devices("fleet")
    assert sim.requests[TOKEN_REFRESH] == 1
    assert sim.requests[TOKEN_GET] == 1
    host.advance(8000)
    await client.devices.devices("fleet")
    assert sim.requests[TOKEN_GET] == 2


@pytest.mark.parametrize(
    ("code", "message", "how", "logins"),
    [
        (1006, "request frequency is too high", "code", 1),
        (None, "", "status", 1),
        (None, "", "html", 1),
        (0, "success, but without a token", "code", 1),
        (1004, "token is invalid", "code", 2),
    ],
)
async def test_refresh_that_fails(
    client: TracksolidClient,
    sim: TracksolidSimulator,
    host: FakeHost,
    code: int | None,
    message: str,
    how: str,
    logins: int,
) -> None:
    """A token that still lives is used on; only a dead one costs a login."""
    await client.log_in()
    host.advance(7200 - 200)
    sim.fail(TOKEN_REFRESH, code, message, how=how, times=-1)
    assert await client.devices.devices("fleet")
    assert await client.devices.devices("fleet")
    assert sim.requests[TOKEN_REFRESH] == 1
    assert sim.requests[TOKEN_GET] == logins


async def test_dead_token_is_renewed_once_and_the_call_repeated(
    client: TracksolidClient, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """1004 renews once; a server that refuses the new token too is told as such."""
    await client.log_in()
    host.advance(61)
    sim.drop_tokens()
    assert await client.devices.devices("fleet")
    assert sim.requests[TOKEN_GET] == 2
    host.advance(61)
    sim.fail(DEVICES, "1004", "Illegal access, token exception!", times=2)
    with pytest.raises(TokenRejected):
        await client.devices.devices("fleet")
    assert sim.requests[TOKEN_GET] == 3


async def test_one_login_for_many_calls_with_a_dead_token(
    client: TracksolidClient, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """However many calls find the token dead, it died once."""
    await client.log_in()
    host.advance(61)
    sim.drop_tokens()
    await asyncio.gather(*(client.devices.devices("fleet") for _ in range(5)))
    assert sim.requests[TOKEN_GET] == 2
    assert client.transport.counters["tokens_died_early"] == 1


async def test_one_failed_login_for_many_calls(
    client: TracksolidClient, sim: TracksolidSimulator
) -> None:
    """Who waited for a login that failed does not try another one."""
    sim.password = "changed"
    gate = sim.hold(TOKEN_GET)
    calls = [asyncio.create_task(client.devices.devices("fleet")) for _ in range(5)]
    await gate.waiting.wait()
    gate.open()
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(result) for result in results} == {AuthenticationFailed}
    assert sim.requests[TOKEN_GET] == 1


@pytest.mark.parametrize(
    ("date", "minutes"),
    [
        ("", 0),
        ("yesterday", 0),
        ("Thu, 09 Oct 2025 09:00:05 GMT", 0),
        ("Thu, 09 Oct 2025 09:00:05 -0000", 0),
        ("Thu, 09 Oct 2025 10:00:00 GMT", 60),
    ],
)
def test_clocks(client: TracksolidClient, date: str, minutes: int) -> None:
    """What the server's clock says; a date that cannot be read says nothing."""
    client.transport._compare_clocks(http_date(date))
    assert client.transport.clock_offset == timedelta(minutes=minutes)


async def test_token_that_dies_within_the_minute(
    client: TracksolidClient, sim: TracksolidSimulator
) -> None:
    """No second login within a minute, whatever the server says."""
    await client.log_in()
    sim.drop_tokens()
    with pytest.raises(RateLimited) as caught:
        await client.devices.devices("fleet")
    assert caught.value.translation_key == "tracksolid_token_soon"
    assert sim.requests[TOKEN_GET] == 1


async def test_tokens_that_die_again_and_again(
    client: TracksolidClient, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """Another program with the same account is noticed, and logins become rare."""
    await client.log_in()
    for _ in range(2):
        host.advance(61)
        sim.drop_tokens()
        await client.devices.devices("fleet")
    assert not client.transport.contested
    host.advance(61)
    sim.drop_tokens()
    with pytest.raises(RateLimited):
        await client.devices.devices("fleet")
    assert client.transport.contested
    assert sim.requests[TOKEN_GET] == 3
    host.advance(600)
    await client.devices.devices("fleet")
    host.advance(3600)
    assert not client.transport.contested


async def test_too_frequent_backs_off_without_renewing(
    client: TracksolidClient, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """1006: nothing is sent for a while, which grows, and no token is asked for."""
    sim.fail(DEVICES, 1006, "request frequency is too high", times=2)
    for seconds in (30, 60):
        with pytest.raises(RateLimited) as caught:
            await client.devices.devices("fleet")
        assert caught.value.retry_after == timedelta(seconds=seconds)
        asked = sim.requests[DEVICES]
        host.advance(seconds - 1)
        with pytest.raises(RateLimited):
            await client.devices.devices("fleet")
        assert sim.requests[DEVICES] == asked
        # What cannot wait is sent all the same.
        assert not (await client.tracking.location_rows_of([VAN], urgent=True)).refused
        host.advance(1)
    assert await client.devices.devices("fleet")
    assert sim.requests[TOKEN_GET] == 1
    # It is over, and the next time begins anew.
    sim.fail(DEVICES, 1006, "request frequency is too high")
    with pytest.raises(RateLimited) as caught:
        await client.devices.devices("fleet")
    assert caught.value.retry_after == timedelta(seconds=30)


async def test_calls_a_minute(
    client: TracksolidClient, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """A limit of the server is kept to once it was met."""
    sim.calls_per_minute = 3
    for _ in range(3):
        await client.devices.devices("fleet")
    with pytest.raises(RateLimited):
        await client.devices.devices("fleet")
    host.advance(61)
    assert await client.devices.devices("fleet")


async def test_daily_quota_of_calls_stops_for_hours(
    sim: TracksolidSimulator, host: FakeHost
) -> None:
    """The day's text is remembered over a restart and clears by itself."""
    client = make_client(sim, host)
    sim.fail(DEVICES, 1006, "The request frequency exceeds the times per day")
    with pytest.raises(DailyQuota):
        await client.devices.devices("fleet")
    again = make_client(sim, host)
    assert again.transport.quota_exhausted
    host.advance(3600)
    with pytest.raises(DailyQuota):
        await again.devices.devices("fleet")
    assert sim.requests[DEVICES] == 1
    host.advance(2.5 * 3600)
    assert await again.devices.devices("fleet")
    assert not again.transport.quota_exhausted


@pytest.mark.parametrize("what", ["calls", "logins"])
async def test_quota_by_a_clock_that_was_set_back(
    sim: TracksolidSimulator, host: FakeHost, what: str
) -> None:
    """It does not keep the account out for as long as the clock was ahead."""
    next_year = host.now() + timedelta(days=365)
    await host.memory.put(f"{what}_paused_until", next_year.timestamp())
    client = make_client(sim, host)
    assert not client.transport.quota_exhausted
    assert await client.devices.devices("fleet")


async def test_quota_of_one_method_stops_no_other(
    client: TracksolidClient, sim: TracksolidSimulator
) -> None:
    """5.6: cells can be resolved 10 times a day, whoever asks."""
    where = {"imei": VAN, "lbs": "204,8,1,2,-70"}
    for _ in range(10):
        await client.call("jimi.lbs.address.get", where)
    with pytest.raises(RateLimited) as caught:
        await client.call("jimi.lbs.address.get", where)
    assert caught.value.translation_key == "tracksolid_lbs_quota"
    assert not client.transport.quota_exhausted
    assert await client.devices.devices("fleet")


async def test_daily_quota_of_logins_stops_only_logins(
    sim: TracksolidSimulator, host: FakeHost
) -> None:
    """The quota of tokens is met by a login."""
    sim.token_quota = 0
    client = make_client(sim, host)
    with pytest.raises(DailyQuota):
        await client.log_in()
    host.advance(61)
    with pytest.raises(DailyQuota):
        await client.log_in()
    assert sim.requests[TOKEN_GET] == 1
    assert client.transport.quota_exhausted
    sim.token_quota = 50
    host.advance(4 * 3600)
    await client.log_in()
    assert not client.transport.quota_exhausted


async def test_login_too_soon_by_another_program(
    client: TracksolidClient, sim: TracksolidSimulator
) -> None:
    """1006 to a login means that somebody else asked within the minute."""
    sim.take_token_call()
    with pytest.raises(RateLimited) as caught:
        await client.log_in()
    assert caught.value.translation_key == "tracksolid_token_soon"


async def test_app_key_on_the_wrong_node(
    sim: TracksolidSimulator, host: FakeHost
) -> None:
    """The app key works on one node only, which is told as such."""
    client = make_client(sim, host)
    sim.app_key = "another node's"
    with pytest.raises(WrongNode) as caught:
        await client.log_in()
    assert caught.value.translation_key == "tracksolid_wrong_node"
    host.advance(61)
    sim.fail(TOKEN_GET, 1001, "Missing AppKey")
    with pytest.raises(WrongNode):
        await client.log_in()


async def test_wrong_app_secret(sim: TracksolidSimulator, host: FakeHost) -> None:
    """A signature that does not fit means a wrong secret."""
    client = make_client(sim, host)
    sim.app_secret = "another"
    with pytest.raises(WrongSecret):
        await client.log_in()


@pytest.mark.parametrize("minutes", [-100, -60, 11, 60, 600])
async def test_clock_of_the_server(
    sim: TracksolidSimulator, host: FakeHost, minutes: int
) -> None:
    """Refused for its time, a request is stamped by the server's clock from then on."""
    client = make_client(sim, host)
    sim.clock = lambda: host.clock() + minutes * 60
    assert len(await client.devices.devices("fleet")) == 3
    assert sim.requests[TOKEN_GET] == 2
    assert client.transport.counters["logins"] == 1
    assert client.transport.clock_offset == timedelta(minutes=minutes)
    # Whoever is put right, the other way round it is found out alike.
    sim.clock = host.clock
    assert len(await client.devices.devices("fleet")) == 3
    assert sim.requests[DEVICES] == 3
    assert await client.devices.devices("fleet")
    assert sim.requests[DEVICES] == 4


async def test_clock_of_a_gateway(sim: TracksolidSimulator, host: FakeHost) -> None:
    """Its date may be wrong: as long as the server takes ours, ours is told."""
    client = make_client(sim, host)
    await client.log_in()
    client.transport._compare_clocks(host.now() + timedelta(hours=1))
    assert await client.devices.devices("fleet")
    assert sim.requests[DEVICES] == 1


async def test_refused_for_its_time_all_the_same(
    sim: TracksolidSimulator, host: FakeHost
) -> None:
    """The request is tried once more, and then the error is told in words."""
    client = make_client(sim, host)
    sim.fail(TOKEN_GET, 1001, "Illegal timestamp", times=-1)
    sim.clock = lambda: host.clock() + 3600
    with pytest.raises(ClockWrong):
        await client.log_in()
    assert sim.requests[TOKEN_GET] == 2


async def test_a_command_refused_for_its_time_is_carried_out_once(
    client: TracksolidClient, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """The clearance is judged again before the command is sent again."""
    await client.log_in()
    clearance = Cleared()

    def an_hour_behind() -> float:
        # From the first request on it is no longer allowed.
        clearance.refuses = True
        return host.clock() - 3600

    sim.clock = an_hour_behind
    with pytest.raises(CommandWithdrawn):
        await client.instructions.send_raw(VAN, "0102", clearance)
    assert sim.requests["jimi.open.instruction.raw.send"] == 1


@pytest.mark.parametrize("how", ["html", "half"])
async def test_no_api_there(
    client: TracksolidClient, sim: TracksolidSimulator, how: str
) -> None:
    """HTML, or half a JSON, is no answer."""
    await client.log_in()
    sim.fail(DEVICES, how=how)
    with pytest.raises(InvalidAnswer):
        await client.devices.devices("fleet")
    assert await client.devices.devices("fleet")


async def test_server_error_and_hang(
    client: TracksolidClient,
    sim: TracksolidSimulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """HTTP errors and time-outs are told as such, and pass."""
    await client.log_in()
    sim.fail(DEVICES, how="status")
    with pytest.raises(CannotConnect):
        await client.devices.devices("fleet")
    sim.fail(DEVICES, how="hang")
    with pytest.raises(NoAnswer):
        await client.transport.call(DEVICES, {"target": "fleet"}, wait_s=0.05)
    assert await client.devices.devices("fleet")


async def test_server_not_there(host: FakeHost) -> None:
    """A closed port, and an address that is none."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    for url in (f"http://127.0.0.1:{port}/route/rest", "ftp://nowhere/route/rest"):
        transport = Transport(
            host.session,
            Credentials(url, "key", "secret", "account", "md5"),
            FakeMemory(),
            now=host.now,
            sleep=host.sleep,
        )
        with pytest.raises(Unreachable):
            await transport.log_in()


@pytest.mark.parametrize(
    "body", ["[]", "{}", '{"code": true}', '{"code": null}', '"text"', "[" * 100_000]
)
async def test_answers_that_are_none(
    client: TracksolidClient,
    sim: TracksolidSimulator,
    monkeypatch: pytest.MonkeyPatch,
    body: str,
) -> None:
    """Whatever is not an object with a code is no answer."""

    async def answer(_fault: object) -> object:
        return web.Response(text=body, content_type="application/json")

    monkeypatch.setattr(sim, "_go_wrong", answer)
    sim.fail(TOKEN_GET)
    with pytest.raises(InvalidAnswer):
        await client.log_in()


async def test_login_without_a_token_in_it(
    client: TracksolidClient,
    sim: TracksolidSimulator,
    host: FakeHost,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An answer without a token is none; an odd lifetime is not believed."""
    monkeypatch.setattr(sim, "give_token", lambda _seconds: {"accessToken": ""})
    with pytest.raises(InvalidAnswer):
        await client.log_in()
    monkeypatch.setattr(
        sim, "give_token", lambda _s: {"accessToken": "abc", "expiresIn": "-5"}
    )
    host.advance(61)
    token = await client.transport.log_in()
    assert token.expires_at - token.issued_at == timedelta(hours=2)
    assert token.refresh == "abc"


@pytest.mark.parametrize("stored", [None, 1, "x", {}, {"access": "a"}, {"access": 1}])
def test_token_that_was_not_stored(stored: object) -> None:
    """A memory that holds something else holds no token."""
    assert Token.from_json(stored) is None


def test_token_survives_being_stored() -> None:
    """A stored token is read back as it was."""
    token = Token("a", "b", START, START + timedelta(hours=2))
    assert Token.from_json(token.as_json()) == token


def test_times_are_sent_as_utc() -> None:
    """Chapter 1: yyyy-MM-dd HH:mm:ss, UTC."""
    assert stamp(START) == "2025-10-09 09:00:00"


# --- what codes mean ------------------------------------------------------------------------

MEANINGS: dict[str, type[VendorError]] = {
    "-1": Busy,
    "10": VendorError,
    "213": VendorError,
    "214": VendorError,
    "215": AccessDenied,
    "216": BusinessError,
    "217": VendorError,
    "218": AccessDenied,
    "219": InvalidArgument,
    "220": TooManyVehicles,
    "225": CommandPending,
    "226": CommandFailed,
    "227": CommandFailed,
    "228": VehicleOffline,
    "229": CommandFailed,
    "238": CommandFailed,
    "240": CommandFailed,
    "243": CommandUnsupported,
    "252": CommandFailed,
    "1001": ParameterRefused,
    "1002": VehicleUnavailable,
    "1003": VendorError,
    "1004": TokenRejected,
    "1005": AccessDenied,
    "1006": RateLimited,
    "1007": MethodUnknown,
    "1008": VendorError,
    "1100": BusinessError,
    "1112": VendorError,
    "1114": InvalidArgument,
    "1207": NotReady,
    "10006": TokenRejected,
    "10011": TokenRejected,
    "12001": VendorError,
    "12002": VendorError,
    "12003": VendorError,
    "12004": VendorError,
    "12005": CommandFailed,
    "30010": CommandFailed,
    "41001": VendorError,
    "41002": InvalidArgument,
    "41003": VehicleOffline,
    "41004": VendorError,
}


def test_every_documented_code_has_a_meaning() -> None:
    """The list above is all that the document, the manual and the system know."""
    assert MEANINGS.keys() == KNOWN_CODES


@pytest.mark.parametrize("as_text", [False, True])
@pytest.mark.parametrize(("code", "error"), MEANINGS.items())
async def test_code(
    client: TracksolidClient,
    sim: TracksolidSimulator,
    code: str,
    error: type[VendorError],
    as_text: bool,
) -> None:
    """Each code raises its error, be it a number or a text."""
    await client.log_in()
    await client.transport.memory.put("token_asked_at", None)
    sim._tokens_asked.clear()
    sim.codes_as_text = as_text
    sim.fail(DEVICES, int(code), "something about imei 860000000000021", times=2)
    with pytest.raises(error) as caught:
        await client.devices.devices("fleet")
    assert type(caught.value) is error
    assert "8600" not in str(caught.value)


def test_unknown_code() -> None:
    """An unknown code is told with its number."""
    error = error_for("4711", "mystery")
    assert type(error) is VendorError
    assert error.translation_key == "tracksolid_unknown_code"
    assert error.placeholders == {"code": "4711"}


@pytest.mark.parametrize(
    ("code", "message", "error", "key"),
    [
        ("12005", "Fail to send command. Result code：226", CommandFailed, None),
        ("12005", "Fail to send command. Result code: 228", VehicleOffline, None),
        ("12005", "Fail to send command. Result code：225", CommandPending, None),
        ("12005", "Fail to send command. Result code：999", CommandFailed, None),
        (
            "1001",
            "The device has expired{86}",
            VehicleUnavailable,
            "tracksolid_expired",
        ),
        ("9", "The device has expired{86}", VehicleUnavailable, "tracksolid_expired"),
        ("9", "IMEI does not exist{86}", VehicleUnavailable, "tracksolid_illegal"),
        ("9", "Illegal device", VehicleUnavailable, "tracksolid_illegal"),
        ("9", "invalid AppKey", WrongNode, "tracksolid_wrong_node"),
        ("1001", "Illegal sign", WrongSecret, "tracksolid_wrong_secret"),
        ("1001", "assign something", ParameterRefused, "tracksolid_parameter"),
    ],
)
def test_code_with_a_text(
    code: str, message: str, error: type[VendorError], key: str | None
) -> None:
    """Texts tell more than some codes."""
    found = error_for(code, message)
    assert type(found) is error
    if key is not None:
        assert found.translation_key == key


@pytest.mark.parametrize(
    ("code", "message", "error"),
    [
        ("1001", "Incorrect user name or password", AuthenticationFailed),
        ("xxx", "Incorrect user name or password", AuthenticationFailed),
        ("1001", "Parameter error", AuthenticationFailed),
        ("1002", "Illegal user", AuthenticationFailed),
        ("214", "", AuthenticationFailed),
        ("-1", "The system is busy", Busy),
        ("1005", "IP limit", AccessDenied),
    ],
)
def test_login_that_is_refused(
    code: str, message: str, error: type[VendorError]
) -> None:
    """Only wrong credentials ask for new ones."""
    assert type(sign_in_error(code, message)) is error


def test_too_many_vehicles_may_name_the_limit() -> None:
    """The number in the text is the limit; IMEIs are none."""
    error = error_for("220", "too many, max 50")
    assert isinstance(error, TooManyVehicles)
    assert error.limit == 50
    error = error_for("220", "illegal 860000000000021")
    assert isinstance(error, TooManyVehicles)
    assert error.limit is None


def test_which_texts_mean_too_frequent() -> None:
    """Both messages contain "frequen"; only one of them means the day."""
    assert is_too_frequent("1006", "")
    assert is_too_frequent("77", "Too frequently")
    assert not is_too_frequent("1001", "day")
    assert is_daily_quota("request frequency exceeds the daily quota")
    assert is_daily_quota("frequency: 100 times per day")
    assert not is_daily_quota("requests too frequent")
    assert not is_daily_quota("every day")


def test_which_texts_mean_a_dead_token() -> None:
    """The known codes, and "token" in the text of unknown ones."""
    assert is_token_problem("1004", "")
    assert is_token_problem("10011", "")
    assert is_token_problem("xxx", "Illegal request，token is invalid")
    assert not is_token_problem("1001", "Parameter error: token")


async def test_nothing_private_is_logged(
    client: TracksolidClient,
    sim: TracksolidSimulator,
    host: FakeHost,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Neither credentials nor IMEIs nor addresses get into logs or errors."""
    caplog.set_level(logging.DEBUG, "custom_components.fleet_tracker")
    sim.fail(DEVICES, 1002, f"Illegal device {VAN}")
    with pytest.raises(VehicleUnavailable) as caught:
        await client.devices.devices("fleet")
    text = caplog.text + repr(caught.value) + str(caught.value)
    for private in (VAN, sim.app_secret, hash_password(sim.password), sim.root):
        assert private not in text


async def test_logins_that_bring_nothing_become_rare(
    sim: TracksolidSimulator, host: FakeHost
) -> None:
    """The day's quota of logins outlasts a server that answers nonsense for hours."""
    client = make_client(sim, host)
    sim.fail(TOKEN_GET, how="html", times=-1)

    async def log_ins(minutes: int) -> int:
        before = sim.requests[TOKEN_GET]
        for _ in range(minutes):
            with pytest.raises(VendorError):
                await client.log_in()
            host.advance(60)
        return sim.requests[TOKEN_GET] - before

    # At 0, 1, 3, 7 and 15 minutes, and every 8 minutes then.
    assert await log_ins(16) == 5
    assert await log_ins(64) == 8
    sim.heal()
    host.advance(8 * 60)
    await client.log_in()
    sim.drop_tokens()
    host.advance(60)
    assert await client.devices.devices("fleet")
