"""The client against the simulated server: endpoints, values, token, errors."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
import json
from pathlib import Path

import pytest

import custom_components.fleet_tracker as integration
from custom_components.fleet_tracker.contract.errors import (
    AccessDenied,
    AuthenticationFailed,
    CannotConnect,
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
from custom_components.fleet_tracker.transport.http_client import (
    Redirected,
    Unreachable,
)
from custom_components.fleet_tracker.vendors.segway.client import (
    Credentials,
    SegwayClient,
    server_for,
)
from custom_components.fleet_tracker.vendors.segway.errors import (
    STATUS_CODES,
    WARNINGS,
    DeviceNotFound,
    DeviceTimeout,
    LocationUnknown,
    NoAnswer,
    ServerError,
    UnknownCode,
)
from custom_components.fleet_tracker.vendors.segway.settings import (
    AmbientSetting,
    FeatureSetting,
    LampEffect,
    LightSetting,
    LocationInterval,
    RentalSetting,
    Sound,
    SoundSetting,
    StatusInterval,
    SwitchSetting,
    TimeSetting,
    UploadInterval,
)
from tests.simulators import segway as simulator
from tests.simulators.failures import Failure
from tests.simulators.segway import TOKEN_PATH, SegwaySimulator
from tests.simulators.segway_mopeds import (
    CONTROL,
    DEMO_PARKED,
    DEMO_RIDING,
    MOPED_CONTROL,
    MOPED_QUERY,
    MOPED_SETTING,
    PARAMETERS,
    QUERY,
    SETTING,
    Model,
    Moped,
)
from tests.simulators.server import Fault
from tests.vendors.fake_host import FakeHost
from tests.vendors.segway.conftest import make_client

STATUS_PATH = f"{QUERY}/status"
LOCK_PATH = f"{CONTROL}/lock"

LAMP = LampEffect(mode=2, color=3)
INTERVAL = UploadInterval(
    location=LocationInterval(unlocked=10, locked=65_535),
    status=StatusInterval(riding=10, standing=60, locked=3600),
)

type Call = Callable[[SegwayClient], Awaitable[object]]

SETTINGS: list[tuple[str, Call, dict[str, object]]] = [
    (
        f"{MOPED_SETTING}/rental",
        lambda c: c.set_rental(
            DEMO_PARKED,
            RentalSetting(
                saddle_switch=3, tailbox_switch=2, helmet_check=2, saddle_check=1
            ),
        ),
        {"saddleSwitch": 3, "tailboxSwitch": 2, "helmetCheck": 2, "saddleCheck": 1},
    ),
    (
        f"{MOPED_SETTING}/switch",
        lambda c: c.set_switches(
            DEMO_PARKED,
            SwitchSetting(
                bss_display=1,
                alert_check=2,
                brake_regeneration=3,
                alert_sensitivity=1,
                low_power_value=30,
                display_time=0,
                display_odometer=2,
                low_speed_limit=6,
                medium_speed_limit=20,
                high_speed_limit=42,
            ),
        ),
        {
            "bssDisplay": 1,
            "alertCheck": 2,
            "berLevel": 3,
            "alertSensitivity": 1,
            "lowPowerValue": 30,
            "displayTime": 0,
            "displayODO": 2,
            "lowSpeedLimit": 6,
            "mediumSpeedLimit": 20,
            "highSpeedLimit": 42,
        },
    ),
    (
        f"{MOPED_SETTING}/able-switch",
        lambda c: c.set_features(
            DEMO_PARKED, FeatureSetting(assisted_mode=1, saddle_check=2)
        ),
        {"assistedMode": 1, "saddleCheck": 2},
    ),
    (
        f"{MOPED_SETTING}/light",
        lambda c: c.set_light(
            DEMO_PARKED,
            LightSetting(
                brightness=3,
                fault_indicator=7,
                ready_indicator=1,
                push_indicator=2,
                parking_indicator=0,
                lock_indicator=4,
            ),
        ),
        {
            "brightness": 3,
            "faultIndicator": 7,
            "readyIndicator": 1,
            "pushIndicator": 2,
            "parkingIndicator": 0,
            "lockIndicator": 4,
        },
    ),
    (
        f"{SETTING}/ambient",
        lambda c: c.set_ambient(
            DEMO_PARKED,
            AmbientSetting(
                bright=1, parking_mode=LAMP, ready_mode=LampEffect(mode=1, color=7)
            ),
        ),
        {
            "bright": 1,
            "parkingMode": {"mode": 2, "color": 3},
            "readyMode": {"mode": 1, "color": 7},
        },
    ),
    (
        f"{SETTING}/sound",
        lambda c: c.set_sounds(
            DEMO_PARKED,
            SoundSetting(
                work_mode=2, volume=3, mask={Sound.OPEN_BOXES: 0, Sound.UNREADY: 2}
            ),
        ),
        {"workMode": 2, "volume": 3, "moeqMask": {"openBoxes": 0, "unReady": 2}},
    ),
    (
        f"{SETTING}/speed-mode",
        lambda c: c.set_speed_mode(DEMO_PARKED, 3),
        {"speedMode": 3},
    ),
    (
        f"{SETTING}/bluetooth-key",
        lambda c: c.set_bluetooth_key(DEMO_PARKED, "4BKNwi77"),
        {"key": "4BKNwi77"},
    ),
    (
        f"{SETTING}/interval",
        lambda c: c.set_upload_interval(DEMO_PARKED, INTERVAL),
        {
            "locationInterval": {"unlockStatus": 10, "lockStatus": 65_535},
            "statusInterval": {
                "ridingStatus": 10,
                "nonRiding": 60,
                "lockStatus": 3600,
            },
        },
    ),
    (
        f"{SETTING}/time-adjust",
        lambda c: c.set_time(
            DEMO_PARKED, TimeSetting(utc_offset=-43_200, dst_offset=3600)
        ),
        {"utcOffset": -43_200, "dstOffset": 3600},
    ),
]


@pytest.mark.parametrize(("path", "call", "stored"), SETTINGS)
async def test_settings_arrive_as_documented(
    client: SegwayClient,
    parked: Moped,
    path: str,
    call: Call,
    stored: dict[str, object],
) -> None:
    """Every setting is sent in the document's names and types; what is None is not."""
    await call(client)
    assert parked.settings[path] == stored


def test_every_endpoint_of_settings_is_tried() -> None:
    """The list above leaves out no setting."""
    assert {path for path, _, _ in SETTINGS} == simulator.SETTINGS


def rental(**values: int) -> Call:
    """Set rental conditions."""
    return lambda c: c.set_rental(DEMO_PARKED, RentalSetting(**values))


def switch(**values: int) -> Call:
    """Set switches."""
    return lambda c: c.set_switches(DEMO_PARKED, SwitchSetting(**values))


def ambient(bright: int, mode: int, color: int) -> Call:
    """Set an ambient light."""
    lamp = LampEffect(mode=mode, color=color)
    return lambda c: c.set_ambient(
        DEMO_PARKED, AmbientSetting(bright=bright, parking_mode=lamp)
    )


def location_interval(seconds: int) -> Call:
    """Set an upload interval."""
    return lambda c: c.set_upload_interval(
        DEMO_PARKED,
        UploadInterval(
            location=LocationInterval(unlocked=seconds, locked=900),
            status=INTERVAL.status,
        ),
    )


def clock(utc: int, dst: int) -> Call:
    """Set a time."""
    return lambda c: c.set_time(
        DEMO_PARKED, TimeSetting(utc_offset=utc, dst_offset=dst)
    )


@pytest.mark.parametrize(
    "call",
    [
        rental(saddle_switch=4),
        rental(helmet_check=3),
        rental(tailbox_check=-1),
        rental(),
        rental(saddle_check=True),
        switch(brake_regeneration=4),
        switch(alert_sensitivity=0),
        switch(alert_sensitivity=4),
        switch(low_power_value=9),
        switch(low_power_value=31),
        switch(low_speed_limit=5),
        switch(high_speed_limit=43),
        switch(display_time=3),
        lambda c: c.set_features(DEMO_PARKED, FeatureSetting(crash_warning=3)),
        ambient(0, 2, 1),
        ambient(4, 2, 1),
        ambient(1, 0, 1),
        ambient(1, 3, 1),
        ambient(1, 2, 0),
        ambient(1, 2, 8),
        lambda c: c.set_sounds(DEMO_PARKED, SoundSetting(work_mode=3)),
        lambda c: c.set_sounds(DEMO_PARKED, SoundSetting(work_mode=1, volume=4)),
        lambda c: c.set_sounds(
            DEMO_PARKED, SoundSetting(work_mode=1, mask={Sound.ERROR: 3})
        ),
        location_interval(9),
        location_interval(65_536),
        clock(43_201, 0),
        clock(0, 1800),
        lambda c: c.set_speed_mode(DEMO_PARKED, 0),
        lambda c: c.set_speed_mode(DEMO_PARKED, 4),
        lambda c: c.sound(DEMO_PARKED, 0),
        lambda c: c.set_bluetooth_key(DEMO_PARKED, "short"),
        lambda c: c.set_bluetooth_key(DEMO_PARKED, "abcd-234"),
        lambda c: c.lock("12&iotCode=34"),
        lambda c: c.status(""),
    ],
)
async def test_values_out_of_range_are_not_sent(
    client: SegwayClient, server: SegwaySimulator, call: Call
) -> None:
    """Values outside of the document are not sent."""
    with pytest.raises(InvalidArgument) as caught:
        await call(client)
    assert caught.value.translation_key in texts()
    assert not server.requests


async def test_queries_return_the_data_of_their_answers(
    client: SegwayClient, server: SegwaySimulator
) -> None:
    """Each query returns the data of its answer."""
    assert (await client.status(DEMO_RIDING))["locked"] is False
    assert (await client.extra_status(DEMO_PARKED))["tailboxHelmet"] == 1
    assert (await client.battery_info(DEMO_PARKED))["batteryCount"] == 2
    assert await client.bluetooth_key(DEMO_PARKED) == "abcd1234"
    location = await client.location(DEMO_RIDING)
    assert set(location) >= {"latitude", "longitude", "hdop"}
    assert server.log[-1].query == {"iotCode": DEMO_RIDING}
    await client.location(DEMO_RIDING, real_time=True)
    assert server.log[-1].query == {"iotCode": DEMO_RIDING, "realTimeLocation": "true"}


async def test_controls(client: SegwayClient, parked: Moped) -> None:
    """Each control does what it says."""
    await client.unlock(DEMO_PARKED)
    assert not parked.locked
    await client.open_saddle(DEMO_PARKED)
    await client.open_tailbox(DEMO_PARKED)
    await client.open_battery_cover(DEMO_PARKED)
    assert not (
        parked.saddle_locked or parked.tailbox_locked or parked.battery_cover_locked
    )
    await client.throttle_response(DEMO_PARKED, on=False)
    assert not parked.throttle
    await client.throttle_response(DEMO_PARKED, on=True)
    assert parked.throttle
    await client.sound(DEMO_PARKED, 2)
    assert parked.sounds == [2]
    await client.lock(DEMO_PARKED)
    assert parked.locked
    assert await client.start_rental(DEMO_PARKED) is None
    assert not parked.locked
    parked.saddle_locked = parked.tailbox_locked = True
    await client.end_rental(DEMO_PARKED)
    assert parked.locked


async def test_throttle_waits_for_no_others(
    client: SegwayClient, server: SegwaySimulator, parked: Moped
) -> None:
    """However many queries hang, the throttle is turned on and off at once."""
    await client.status(DEMO_PARKED)
    hanging = server.failures
    hanging.begin(Failure.HANG, {"/api/v2/vehicle/query/current/status"})
    queries = [asyncio.create_task(client.status(DEMO_PARKED)) for _ in range(9)]
    while hanging.hanging < 4:  # noqa: ASYNC110 - what changes is a plain value
        await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await client.throttle_response(DEMO_PARKED, on=False)
        assert not parked.throttle
        await client.throttle_response(DEMO_PARKED, on=True)
        assert parked.throttle
    assert not any(query.done() for query in queries)
    for query in queries:
        query.cancel()
    await asyncio.gather(*queries, return_exceptions=True)


# --- token ---


async def test_one_token_for_many_calls(
    client: SegwayClient, server: SegwaySimulator
) -> None:
    """However many calls run at once, one token is asked for."""
    await asyncio.gather(*(client.status(DEMO_PARKED) for _ in range(20)))
    assert server.requests[TOKEN_PATH] == 1
    assert server.max_in_flight <= 4


async def test_token_is_renewed_before_it_expires(
    client: SegwayClient, server: SegwaySimulator, host: FakeHost
) -> None:
    """The token is good for 43199 s, and renewed in the last five minutes of them."""
    await client.status(DEMO_PARKED)
    host.advance(simulator.TOKEN_SECONDS - 301)
    await client.status(DEMO_PARKED)
    assert server.requests[TOKEN_PATH] == 1
    host.advance(2)
    await client.status(DEMO_PARKED)
    assert server.requests[TOKEN_PATH] == 2
    assert client.counters["code 15101"] == 0


async def test_short_lived_token_is_not_asked_for_all_the_time(
    server: SegwaySimulator, host: FakeHost, client: SegwayClient
) -> None:
    """Of a token that lives for a minute, nine tenths are used."""
    server.token_seconds = 60
    await client.status(DEMO_PARKED)
    host.advance(53)
    await client.status(DEMO_PARKED)
    assert server.requests[TOKEN_PATH] == 1
    host.advance(2)
    await client.status(DEMO_PARKED)
    assert server.requests[TOKEN_PATH] == 2


async def test_token_serves_on_while_it_cannot_be_renewed(
    client: SegwayClient, server: SegwaySimulator, host: FakeHost
) -> None:
    """The token serves for five more minutes; a new one is tried once a minute."""
    await client.status(DEMO_PARKED)
    server.break_until_healed(TOKEN_PATH, Fault.HTTP_500)
    host.advance(simulator.TOKEN_SECONDS - 299)
    for _ in range(3):
        await client.status(DEMO_PARKED)
    assert server.requests[TOKEN_PATH] == 2
    host.advance(61)
    await client.status(DEMO_PARKED)
    assert server.requests[TOKEN_PATH] == 3
    host.advance(240)
    with pytest.raises(ServerError):
        await client.status(DEMO_PARKED)
    server.heal()
    await client.status(DEMO_PARKED)
    assert client.counters["code 15101"] == 0


async def test_renewal_that_is_refused(
    client: SegwayClient, server: SegwaySimulator, host: FakeHost
) -> None:
    """A refused secret is told at once."""
    await client.status(DEMO_PARKED)
    server.client_secret = "new"
    host.advance(simulator.TOKEN_SECONDS - 299)
    with pytest.raises(AuthenticationFailed):
        await client.status(DEMO_PARKED)


@pytest.mark.parametrize("as_401", [True, False])
async def test_refused_token_is_renewed_once_for_all(
    client: SegwayClient, server: SegwaySimulator, parked: Moped, as_401: bool
) -> None:
    """15101 and HTTP 401 renew the token, once for all calls, and repeat the call."""
    server.token_error_is_401 = as_401
    await client.status(DEMO_PARKED)
    server.drop_tokens()
    await asyncio.gather(
        client.unlock(DEMO_PARKED), *(client.status(DEMO_PARKED) for _ in range(8))
    )
    assert not parked.locked
    assert server.requests[TOKEN_PATH] == 2


async def test_token_that_is_refused_again(
    client: SegwayClient, server: SegwaySimulator
) -> None:
    """A new token that is refused too says nothing against the credentials."""
    server.demand(STATUS_PATH, 15101, times=2)
    with pytest.raises(AccessDenied) as caught:
        await client.status(DEMO_PARKED)
    assert caught.value.translation_key == "segway_token_refused"
    assert server.requests[STATUS_PATH] == 2
    await client.status(DEMO_PARKED)


async def test_token_outlives_a_restart(
    client: SegwayClient, server: SegwaySimulator, host: FakeHost
) -> None:
    """A new client uses the token that was kept, unless it is of another account."""
    await client.authorize()
    await make_client(host, server).status(DEMO_PARKED)
    assert server.requests[TOKEN_PATH] == 1
    other = SegwayClient(
        host.session, Credentials("E2", "secret", server.url), host.memory, host.now
    )
    with pytest.raises(AuthenticationFailed):
        await other.status(DEMO_PARKED)


@pytest.mark.parametrize(
    "kept", ["3", '{"value": 1}', '{"value": "x", "expires_at": "soon"}']
)
async def test_damaged_memory_is_no_token(
    server: SegwaySimulator, host: FakeHost, kept: str
) -> None:
    """A damaged token in the memory is not used."""
    content = json.loads(kept)
    if isinstance(content, dict):
        content |= {"server": server.url, "client_id": server.client_id}
    await host.memory.put("token", content)
    await make_client(host, server).status(DEMO_PARKED)
    assert server.requests[TOKEN_PATH] == 1


async def test_wrong_secret(host: FakeHost, server: SegwaySimulator) -> None:
    """Only what the token request refuses is a wrong credential."""
    client = make_client(host, server, secret="wrong")
    with pytest.raises(AuthenticationFailed) as caught:
        await client.authorize()
    assert caught.value.translation_key == "segway_invalid_auth"
    assert "wrong" not in str(caught.value)
    assert "wrong" not in repr(client._credentials)


@pytest.mark.parametrize(
    "error", ["invalid_client", "unauthorized_client", "unauthorized"]
)
async def test_refusals_of_oauth(
    client: SegwayClient, server: SegwaySimulator, error: str
) -> None:
    """However the token request says it, it is a wrong credential."""
    server.answer_next(TOKEN_PATH, {"error": error, "error_description": "Bad"})
    with pytest.raises(AuthenticationFailed):
        await client.authorize()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"error": "server_error"}, InvalidAnswer),
        ({"access_token": "", "expires_in": 10}, InvalidAnswer),
        ({"access_token": "x", "expires_in": -1}, InvalidAnswer),
        ({"access_token": "x"}, InvalidAnswer),
        ({"code": 15100, "msg": "incorrect platform info"}, AccessDenied),
        ([], InvalidAnswer),
    ],
)
async def test_strange_token_answers(
    client: SegwayClient,
    server: SegwaySimulator,
    answer: object,
    error: type[VendorError],
) -> None:
    """A strange answer raises InvalidAnswer, and starts no reauthentication."""
    server.answer_next(TOKEN_PATH, answer)
    with pytest.raises(error):
        await client.authorize()
    await client.authorize()


async def test_command_is_not_sent_without_a_token(
    client: SegwayClient, server: SegwaySimulator
) -> None:
    """While there is no token, a command has certainly not been carried out."""
    server.break_next(TOKEN_PATH, Fault.HTTP_500)
    with pytest.raises(ServerError):
        await client.unlock(DEMO_PARKED)
    assert not server.requests[f"{CONTROL}/unlock"]


# --- errors ---


@pytest.mark.parametrize("code", sorted(STATUS_CODES.keys() - {15101}))
async def test_every_status_code_has_its_error(
    client: SegwayClient, server: SegwaySimulator, code: int
) -> None:
    """Each code is raised as its type with its own text; the server's is not shown."""
    server.demand(LOCK_PATH, code)
    expected, key = STATUS_CODES[code]
    error = CommandUnconfirmed if expected is ServerError else expected
    with pytest.raises(error) as caught:
        await client.lock(DEMO_PARKED)
    if expected is not ServerError:
        assert caught.value.translation_key == key
    assert simulator.STATUS_CODES[code] not in str(caught.value)
    assert DEMO_PARKED not in str(caught.value)


def texts() -> dict[str, str]:
    """Return what users read instead of the server's messages."""
    folder = Path(integration.__file__).parent
    strings = json.loads((folder / "translations/en.json").read_text(encoding="utf-8"))
    return {key: text["message"] for key, text in strings["exceptions"].items()}


def test_status_codes_are_those_of_the_document() -> None:
    """No code of the document lacks its meaning, and all texts differ."""
    assert STATUS_CODES.keys() | WARNINGS.keys() | {0} == simulator.STATUS_CODES.keys()
    keys = [*(key for _, key in STATUS_CODES.values()), *WARNINGS.values()]
    assert len(set(keys)) == len(keys)
    shown = [texts()[key] for key in keys]
    assert len(set(shown)) == len(shown)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (15001, CannotConnect),
        (15102, VehicleUnavailable),
        (15300, VehicleUnavailable),
        (15301, VehicleOffline),
        (15302, CommandUnconfirmed),
        (15500, CommandFailed),
        (15600, CommandFailed),
        (15707, CommandUnsupported),
        (15990, AccessDenied),
        (15996, CommandFailed),
    ],
)
def test_meaning_of_status_codes(code: int, error: type[VendorError]) -> None:
    """The codes on which behaviour depends are of the right family."""
    assert issubclass(STATUS_CODES[code][0], error)


@pytest.mark.parametrize("code", sorted(WARNINGS))
async def test_rental_that_started_with_a_reservation(
    client: SegwayClient, server: SegwaySimulator, parked: Moped, code: int
) -> None:
    """15623, 15624 and 15625 are a started rental."""
    server.demand(f"{MOPED_CONTROL}/startRental", code)
    assert await client.start_rental(DEMO_PARKED) == WARNINGS[code]
    assert not parked.locked


async def test_unknown_status_code(
    client: SegwayClient, server: SegwaySimulator
) -> None:
    """A code that the document does not know is shown by its number."""
    server.answer_next(LOCK_PATH, {"code": "15777", "msg": "?", "data": None})
    with pytest.raises(UnknownCode) as caught:
        await client.lock(DEMO_PARKED)
    assert caught.value.placeholders == {"code": "15777"}


async def test_code_as_text_and_message_in_lower_case(
    client: SegwayClient, server: SegwaySimulator
) -> None:
    """Success is the code 0, however it is written."""
    server.answer_next(
        STATUS_PATH, {"code": "0", "msg": "success", "data": {"locked": True}}
    )
    assert await client.status(DEMO_PARKED) == {"locked": True}


@pytest.mark.parametrize(
    ("fault", "query_error"),
    [
        (Fault.HTML, InvalidAnswer),
        (Fault.HALF_JSON, InvalidAnswer),
        (Fault.NOT_AN_OBJECT, InvalidAnswer),
        (Fault.HTTP_500, ServerError),
        (Fault.DISCONNECT, NoAnswer),
    ],
)
async def test_servers_that_fail(
    client: SegwayClient,
    server: SegwaySimulator,
    fault: Fault,
    query_error: type[VendorError],
) -> None:
    """A query fails; of a command it is not known whether it was carried out."""
    await client.authorize()
    # A query whose kept connection was dropped is repeated once; a command never is.
    server.break_next(STATUS_PATH, fault, 2 if fault is Fault.DISCONNECT else 1)
    with pytest.raises(query_error):
        await client.status(DEMO_PARKED)
    server.break_next(LOCK_PATH, fault)
    with pytest.raises(CommandUnconfirmed) as caught:
        await client.lock(DEMO_PARKED)
    assert DEMO_PARKED not in str(caught.value.__cause__)
    await client.lock(DEMO_PARKED)


@pytest.mark.usefixtures("idle_clock")
async def test_hanging_server(client: SegwayClient, server: SegwaySimulator) -> None:
    """A server that does not answer is given up in time."""
    await client.authorize()
    server.break_next(STATUS_PATH, Fault.HANG)
    with pytest.raises(NoAnswer):
        await client.status(DEMO_PARKED)
    server.break_next(LOCK_PATH, Fault.HANG)
    with pytest.raises(CommandUnconfirmed):
        await client.lock(DEMO_PARKED)


async def test_server_that_is_not_there(
    client: SegwayClient, server: SegwaySimulator
) -> None:
    """A command that could not be sent has certainly not been carried out.

    One that was sent through a connection which turned out to be closed may have been; a
    connection may be known to be closed before.
    """
    await client.authorize()
    await server.stop()
    with pytest.raises((CommandUnconfirmed, Unreachable)):
        await client.lock(DEMO_PARKED)
    with pytest.raises(Unreachable):
        await client.lock(DEMO_PARKED)


@pytest.mark.parametrize(
    ("status", "headers", "error"),
    [
        (403, {}, AccessDenied),
        (404, {}, InvalidAnswer),
        (301, {"Location": "https://elsewhere.invalid/"}, Redirected),
        (429, {"Retry-After": "120"}, RateLimited),
        (429, {"Retry-After": "soon"}, RateLimited),
    ],
)
async def test_http_statuses(
    client: SegwayClient,
    server: SegwaySimulator,
    status: int,
    headers: dict[str, str],
    error: type[VendorError],
) -> None:
    """HTTP errors without a status code have a meaning too; nobody is redirected."""
    await client.authorize()
    server.http_next(STATUS_PATH, status, headers)
    with pytest.raises(error) as caught:
        await client.status(DEMO_PARKED)
    if isinstance(caught.value, RateLimited):
        wait = caught.value.retry_after
        assert (wait and wait.total_seconds()) == (
            120 if headers["Retry-After"] == "120" else None
        )


@pytest.mark.parametrize("unsupported", [15707, 404])
async def test_models_that_lack_endpoints(
    client: SegwayClient, parked: Moped, unsupported: int
) -> None:
    """A 404 of an endpoint that models may lack is "unsupported"; others are errors."""
    parked.model, parked.unsupported = Model.MAX, unsupported
    for call in (
        client.extra_status(DEMO_PARKED),
        client.battery_info(DEMO_PARKED),
        client.start_rental(DEMO_PARKED),
        client.open_battery_cover(DEMO_PARKED),
        client.set_time(DEMO_PARKED, TimeSetting(utc_offset=0, dst_offset=0)),
    ):
        with pytest.raises(CommandUnsupported) as caught:
            await call
        assert caught.value.translation_key == "segway_not_supported"
    await client.set_speed_mode(DEMO_PARKED, 1)


async def test_answers_without_data(
    client: SegwayClient, server: SegwaySimulator
) -> None:
    """Success without data is no answer; no location is an error of its own."""
    server.answer_next(STATUS_PATH, {"code": 0, "data": None})
    with pytest.raises(InvalidAnswer):
        await client.status(DEMO_PARKED)
    server.answer_next(f"{QUERY}/bluetooth-key", {"code": 0, "data": {}})
    with pytest.raises(InvalidAnswer):
        await client.bluetooth_key(DEMO_PARKED)
    server.demand(f"{QUERY}/location", 15400)
    with pytest.raises(LocationUnknown):
        await client.location(DEMO_PARKED)
    with pytest.raises(DeviceNotFound):
        await client.status("999999999999999")
    server.demand(f"{MOPED_QUERY}/extra-status", 15302)
    with pytest.raises(DeviceTimeout):
        await client.extra_status(DEMO_PARKED)


def test_regions() -> None:
    """The first letter of the client ID names the server."""
    assert server_for("A20081") == "https://apac-api.segwaydiscovery.com"
    assert server_for("E20081") == "https://eu-api.segwaydiscovery.com"
    assert server_for("u20081") == "https://us-api.segwaydiscovery.com"
    assert server_for("C20081") == "https://cn-api.segwaydiscovery.com"
    for client_id in ("X20081", ""):
        with pytest.raises(InvalidArgument):
            server_for(client_id)


def test_simulator_knows_every_command_of_the_document() -> None:
    """9 controls and 10 settings."""
    assert len(simulator.CONTROLS) == 9
    assert len(simulator.SETTINGS) == 10
    assert PARAMETERS.keys() == simulator.CONTROLS | simulator.SETTINGS
