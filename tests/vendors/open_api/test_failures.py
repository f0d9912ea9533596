"""Failures as the user sees them, and how they heal by themselves."""

from __future__ import annotations

from collections.abc import Callable
import contextlib
from datetime import timedelta
import logging

from aiohttp import web
from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntryState
from homeassistant.core import HomeAssistant, State
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
import pytest

from custom_components.fleet_tracker.const import DOMAIN
from custom_components.fleet_tracker.diagnostics import (
    async_get_config_entry_diagnostics,
)
from custom_components.fleet_tracker.vendors.open_api.transport import hash_password
from tests.common import TALKATIVE
from tests.simulators.failures import Answer
from tests.simulators.open_api import OpenApiSimulator
from tests.simulators.open_api_fleet import Alarm, Device
from tests.simulators.server import ANY_PATH, Fault
from tests.simulators.world import HOME, parked

from .conftest import (
    ACCOUNT,
    BUS,
    CAR,
    PASSWORD,
    SPARE,
    START,
    TRUCK,
    Rig,
    accounts,
    add_account,
)

pytestmark = pytest.mark.freeze_time(START)

AUTHORIZATION = "/api/authorization"
TRACK = "/api/track"
LIST = "/api/device/list"


def states(rig: Rig) -> list[State]:
    """Return the states of all entities of the account."""
    return [state for state in rig.hass.states.async_all() if state.domain != "zone"]


def unavailable(rig: Rig) -> set[str]:
    """Return which entities are unavailable."""
    return {state.entity_id for state in states(rig) if state.state == "unavailable"}


def may_be_unavailable(rig: Rig) -> set[str]:
    """Return all entities but those that work while the account is not reached."""
    registry = er.async_get(rig.hass)
    of_account = rig.coordinator.devices.account_unique_id("")
    return {
        state.entity_id
        for state in states(rig)
        if state.domain != "event"
        and not state.entity_id.endswith("_restore_engine")
        and (entry := registry.async_get(state.entity_id)) is not None
        and not entry.unique_id.startswith(of_account)
    }


def said(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """Return what the integration, or Home Assistant of it, says in the log."""
    return [
        (record.levelname, record.message)
        for record in caplog.records
        if record.levelno >= logging.INFO
        and ("fleet_tracker" in record.name or record.levelno >= logging.ERROR)
        and "camera" not in record.name
    ]


# Nothing is wrong


async def test_a_poll_without_news_writes_no_state(rig: Rig) -> None:
    """An unmoved tracker least of all: writing it is an event for every listener."""
    for imei in (TRUCK, CAR):  # their heartbeat is all that there is
        assert rig.state("device_tracker", imei, "position").state == "not_home"
    assert len(states(rig)) > 30
    polls = rig.server.requests[TRACK]
    began = dt_util.utcnow()
    for _ in range(3):
        await rig.poll()
    assert rig.server.requests[TRACK] == polls + 3
    written = [state for state in states(rig) if state.last_reported > began]
    assert written == []
    # But one that has news does.
    rig.server.device(CAR).battery = 63
    await rig.poll()
    written = [state for state in states(rig) if state.last_reported > began]
    assert [state.entity_id for state in written] == ["sensor.car_tracker_battery"]


# Servers in trouble


@pytest.mark.parametrize("fault", [Fault.HTTP_500, Fault.HTML])
async def test_positions_fail_while_the_list_is_answered(
    rig: Rig, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    """A list that is read every 15 minutes is no news of the vehicles: told once, for hours."""
    lists = rig.server.requests[LIST]
    rig.server.break_until_healed(TRACK, fault)
    await rig.poll()
    caplog.clear()
    reachable = []
    for _ in range(24):
        await rig.advance(300)
        reachable.append(rig.coordinator.is_reachable)
    assert reachable == sorted(reachable, reverse=True)
    assert not any(reachable[3:])
    assert unavailable(rig) == may_be_unavailable(rig)
    assert rig.server.requests[LIST] >= lists + 7
    assert said(caplog) == []
    rig.server.heal()
    await rig.poll()
    assert rig.coordinator.is_reachable


@pytest.mark.parametrize(
    ("records", "operations", "restarts"),
    [
        *(([*records], {TRACK}, False) for records in ([], [None], [1, "x", []])),
        ([{"speed": 1}], {TRACK}, False),
        ([], {TRACK}, True),
        ([], {TRACK, LIST}, False),
        ([], {TRACK, LIST}, True),
        ([], {LIST}, True),
    ],
)
async def test_answers_without_any_vehicle(
    rig: Rig,
    records: list[object],
    operations: set[str],
    *,
    restarts: bool,
) -> None:
    """What all of a sudden tells of no vehicle is no sign of life, also after a start."""
    serve = rig.server.failures.serve

    async def without_vehicles(
        request: web.BaseRequest, operation: str, answer: Answer
    ) -> web.StreamResponse:
        if operation in operations:
            return web.json_response({"code": 0, "record": records})
        return await serve(request, operation, answer)

    online = rig.reading(TRUCK, "online")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(rig.server.failures, "serve", without_vehicles)
        if restarts:
            await rig.reload()
        await rig.advance(540)
        assert rig.coordinator.is_reachable
        assert rig.is_loaded
        assert rig.reading(TRUCK, "online") == online
        await rig.advance(120)
        assert not rig.coordinator.is_reachable
        assert rig.coordinator.fleet.vehicles
    await rig.advance(300)
    assert rig.coordinator.is_reachable


async def test_the_list_fails_while_positions_are_answered(rig: Rig) -> None:
    """All that is shown is told anew: nothing becomes unavailable, for hours."""
    rig.server.break_until_healed(LIST, Fault.HTTP_500)
    for _ in range(24):
        await rig.advance(300)
        assert rig.coordinator.is_reachable
    assert not unavailable(rig)


async def test_the_server_is_killed(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    """Everything is unavailable after 10 minutes; it is said once, until it is back."""
    before = {state.entity_id: state.state for state in states(rig)}
    await rig.server.stop()
    caplog.clear()
    for _ in range(4):
        await rig.poll()
    assert not unavailable(rig)
    await rig.advance(600)
    assert unavailable(rig) == may_be_unavailable(rig)
    assert said(caplog) == [
        ("ERROR", "Error fetching Open API data: The server cannot be reached")
    ]
    assert not rig.issues()
    await rig.server.start()
    await rig.poll()
    assert not unavailable(rig)
    after = {state.entity_id: state.state for state in states(rig)}
    assert after.keys() == before.keys()
    assert said(caplog)[1:] == [("INFO", "Fetching Open API data recovered")]
    assert rig.server.requests[AUTHORIZATION] == 1


@pytest.mark.parametrize("fault", Fault)
async def test_the_server_answers_nonsense(
    rig: Rig, caplog: pytest.LogCaptureFixture, fault: Fault
) -> None:
    """HTML, half a JSON, a 500, silence: unavailable with a reason, then well again."""
    rig.server.break_until_healed(ANY_PATH, fault)
    caplog.clear()
    await rig.poll()
    # Whoever waits for an answer gives up after half a minute.
    await rig.advance(31)
    assert not unavailable(rig)
    await rig.advance(600)
    assert unavailable(rig) == may_be_unavailable(rig)
    await rig.advance(31)
    reason = (
        "The server does not answer as the vendor's API does. Check its address"
        if fault in (Fault.HTML, Fault.HALF_JSON, Fault.NOT_AN_OBJECT)
        else "The server cannot be reached"
    )
    assert said(caplog) == [("ERROR", f"Error fetching Open API data: {reason}")]
    assert not rig.hass.config_entries.flow.async_progress()
    rig.server.heal()
    await rig.poll()
    assert not unavailable(rig)


@pytest.mark.parametrize("fault", Fault)
async def test_the_server_is_in_trouble_at_the_start(rig: Rig, fault: Fault) -> None:
    """Known vehicles are shown within 10 seconds, and polls go on until one works."""
    before = {state.entity_id: state.state for state in states(rig)}
    await rig.hass.config_entries.async_unload(rig.entry.entry_id)
    rig.server.break_until_healed(ANY_PATH, fault)
    began = dt_util.utcnow()
    await rig.wait_for(rig.hass.config_entries.async_setup(rig.entry.entry_id))
    assert dt_util.utcnow() - began <= timedelta(seconds=10)
    assert rig.is_in(ConfigEntryState.LOADED)
    # What was measured is as it was; a trip of the day may have gone on.
    shown = {state.entity_id: state.state for state in states(rig)}
    assert shown.keys() == before.keys()
    assert not unavailable(rig)
    # Who waits for an answer gives up after half a minute, or asks again after 15 seconds.
    await rig.advance(31)
    rig.server.heal()
    rig.server.device(CAR).battery = 61
    await rig.advance(61)
    await rig.advance(31)
    assert not unavailable(rig)
    assert float(rig.state("sensor", CAR, "tracker_battery").state) == 61


async def test_only_the_list_fails(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    """Positions come all the same, and one line says that something is wrong."""
    rig.server.break_until_healed("/api/device/list", Fault.HTTP_500)
    caplog.clear()
    await rig.advance(901)
    await rig.poll()
    assert not unavailable(rig)
    assert said(caplog) == [
        ("WARNING", "Some Open API vehicles cannot be read: HTTP status 500")
    ]
    rig.server.heal()
    await rig.poll()
    assert said(caplog)[1:] == [("INFO", "All Open API vehicles can be read again")]


async def test_only_alarms_fail(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody notices but the diagnostics; alarms of the meantime come later."""
    rig.server.break_until_healed("/api/alarm/list2", Fault.HTML)
    rig.server.device(CAR).alarms = [
        Alarm(1, 4.9, 52.4, int(START.timestamp()) + 5, int(START.timestamp()) + 5)
    ]
    caplog.clear()
    await rig.poll()
    await rig.poll()
    assert not unavailable(rig)
    assert not said(caplog)
    rig.server.heal()
    for _ in range(3):
        await rig.poll()
        await rig.advance(5)
    alarm = rig.state("event", CAR, "alarm")
    assert alarm.attributes["event_type"] == "sos"
    assert alarm.attributes["occurred_at"] == START + timedelta(seconds=5)


async def test_too_many_requests(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    """The pace slows down each time, and is normal again when all is well."""
    rig.server.fail_next(TRACK, 10009, 100)
    caplog.clear()
    pauses = []
    for _ in range(3):
        await rig.poll()
        for _ in range(10):  # within a call it is tried four times
            await rig.advance(1)
        pauses.append(rig.interval)
    assert not unavailable(rig)
    assert timedelta(seconds=45) <= pauses[0] <= timedelta(seconds=90)
    assert pauses[0] < pauses[1] < pauses[2]
    assert rig.server.requests[TRACK] == 1 + 3 * 4
    assert [level for level, _ in said(caplog)] == ["ERROR"]
    rig.server.heal()
    await rig.poll()
    assert not unavailable(rig)
    assert rig.interval <= timedelta(seconds=60)


async def test_too_many_requests_for_a_part(rig: Rig) -> None:
    """When only a part is refused, the pace slows down all the same."""
    await rig.advance(700)
    rig.server.device(CAR).overrides = {"accstatus": 1}
    await rig.poll()
    assert rig.interval == timedelta(seconds=15)
    asked = rig.server.requests[TRACK]
    rig.server.fail_next(TRACK, 10009, 4)
    await rig.advance(201)  # the list is good
    for _ in range(10):
        await rig.advance(1)
    assert rig.server.requests[TRACK] == asked + 4
    assert not unavailable(rig)
    assert rig.interval >= timedelta(seconds=60)
    await rig.poll()
    assert rig.interval == timedelta(seconds=15)


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
@pytest.mark.parametrize(
    ("ahead", "text"), [(3600, "server_clock_ahead"), (-3600, "server_clock_behind")]
)
async def test_clocks_that_differ(
    hass: HomeAssistant,
    hass_storage: dict[str, object],
    freezer: FrozenDateTimeFactory,
    ahead: int,
    text: str,
) -> None:
    """The server's time is learned, kept over a restart, and what ages are judged by.

    So positions, what follows from them and alarms are right; a repair issue says by how
    much. It is gone when the clock is set right.
    """
    async with OpenApiSimulator(
        *accounts(), clock=lambda: dt_util.utcnow().timestamp() + ahead
    ) as server:
        rig = Rig(hass, server, freezer, await add_account(hass, server))
        assert server.requests[AUTHORIZATION] == 2
        device = server.device(CAR)
        for number in range(4):
            if number == 2:
                # The token is still good: nobody learns the server's time anew.
                await rig.reload()
            now = int(server.now) + 60
            device.overrides = {
                "gpstime": now,
                "hearttime": now,
                "latitude": 52.38 + 0.01 * number,
                "speed": 50,
                "accstatus": 1,
            }
            device.alarms.append(Alarm(1, 4.9, 52.4, now, now))
            await rig.advance(61)
            await rig.advance(5)
            where = rig.state("device_tracker", CAR, "position")
            assert where.attributes["latitude"] == 52.38 + 0.01 * number
            for reading in ("moving", "online"):
                assert rig.state("binary_sensor", CAR, reading).state == "on"
            alarm = rig.state("event", CAR, "alarm")
            assert alarm.attributes["occurred_at"] == dt_util.utc_from_timestamp(now)
            told = rig.issues()
            assert told.keys() == {text}
            assert (told[text] or {})["minutes"] == "60"
        assert not unavailable(rig)
        assert server.requests[AUTHORIZATION] == 2
        ahead = 0
        await rig.advance(61)
        assert not rig.issues()
        await rig.reload()
        assert rig.connection.clock_offset == timedelta()


async def test_server_that_minds_the_time_and_does_not_tell_its_own(rig: Rig) -> None:
    """The reason is told, and it is tried again."""
    await rig.hass.config_entries.async_unload(rig.entry.entry_id)
    rig.freezer.tick(5400)
    rig.server.answer_next(AUTHORIZATION, {"code": 10014, "message": "No"})
    await rig.hass.config_entries.async_setup(rig.entry.entry_id)
    assert rig.is_in(ConfigEntryState.LOADED)
    assert not rig.coordinator.last_update_success
    assert "clocks" in str(rig.coordinator.last_exception)
    await rig.advance(16)
    assert rig.coordinator.last_update_success


# Accounts in trouble


async def test_the_token_is_dropped(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    """A new one is asked for, and nobody notices."""
    rig.server.drop_tokens()
    caplog.clear()
    await rig.poll()
    assert not unavailable(rig)
    assert not said(caplog)
    assert rig.server.requests[AUTHORIZATION] == 2


async def test_the_password_is_changed(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    """The user is asked for the new one, once, and all is well with it."""
    rig.server.account(ACCOUNT).set_password("New@34590")
    await rig.poll()
    assert not unavailable(rig)  # the token is good until it is to be renewed
    rig.server.drop_tokens()
    caplog.clear()
    await rig.poll()
    assert not unavailable(rig)
    logins = rig.server.requests[AUTHORIZATION]
    await rig.advance(600)
    assert unavailable(rig) == may_be_unavailable(rig)
    assert rig.server.requests[AUTHORIZATION] == logins  # no account is locked by us
    flows = rig.hass.config_entries.flow
    (flow,) = flows.async_progress()
    assert flow["context"]["source"] == SOURCE_REAUTH
    result = await flows.async_configure(flow["flow_id"], {"password": "guess"})
    assert result["type"] is FlowResultType.FORM
    assert result["errors"] == {"password": "invalid_auth"}
    result = await flows.async_configure(flow["flow_id"], {"password": "New@34590"})
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "reauth_successful"
    await rig.settle()
    assert rig.is_in(ConfigEntryState.LOADED)
    assert not unavailable(rig)
    # One for the guess, one for the right one, which is handed over.
    assert rig.server.requests[AUTHORIZATION] == logins + 2


async def test_the_password_is_changed_while_stopped(rig: Rig) -> None:
    """The same at the start."""
    await rig.hass.config_entries.async_unload(rig.entry.entry_id)
    rig.server.account(ACCOUNT).set_password("New@34590")
    rig.server.drop_tokens()
    await rig.hass.config_entries.async_setup(rig.entry.entry_id)
    await rig.settle()
    assert rig.is_in(ConfigEntryState.LOADED)
    assert not unavailable(rig)
    flows = rig.hass.config_entries.flow
    (flow,) = flows.async_progress()
    await flows.async_configure(flow["flow_id"], {"password": "New@34590"})
    await rig.settle()
    assert rig.is_in(ConfigEntryState.LOADED)
    assert not unavailable(rig)


@pytest.mark.parametrize(
    ("wrong", "right", "cause"),
    [
        (
            lambda account: setattr(account, "blocked", True),
            lambda account: setattr(account, "blocked", False),
            "account_blocked",
        ),
        (
            lambda account: setattr(account, "open_api", False),
            lambda account: setattr(account, "open_api", True),
            "permission_denied",
        ),
    ],
    ids=["blocked", "not_enabled"],
)
@pytest.mark.parametrize("restarted", [False, True])
async def test_the_account_may_not_be_read(
    rig: Rig,
    wrong: Callable[[object], None],
    right: Callable[[object], None],
    cause: str,
    restarted: bool,
) -> None:
    """A repair issue says so, survives a restart, and goes away by itself."""
    account = rig.server.account(ACCOUNT)
    wrong(account)
    rig.server.drop_tokens()
    await rig.poll()
    assert not unavailable(rig)
    assert set(rig.issues()) == {cause}
    assert not rig.hass.config_entries.flow.async_progress()
    if restarted:
        await rig.hass.config_entries.async_reload(rig.entry.entry_id)
        assert rig.is_in(ConfigEntryState.LOADED)
        assert set(rig.issues()) == {cause}
    right(account)
    await rig.advance(61)
    assert rig.is_in(ConfigEntryState.LOADED)
    assert not unavailable(rig)
    assert not rig.issues()


async def test_an_account_is_removed_with_its_problems(rig: Rig) -> None:
    """Nobody is told any more of an account that is gone."""
    rig.server.account(ACCOUNT).blocked = True
    await rig.poll()
    assert rig.issues()
    await rig.hass.config_entries.async_remove(rig.entry.entry_id)
    assert not rig.issues()


async def test_subscriptions_that_end(rig: Rig) -> None:
    """A warning two weeks before, another when it is too late, none once it is paid."""
    device = rig.server.device(CAR)
    device.user_due = int((START + timedelta(days=10)).timestamp())
    await rig.advance(901)
    assert rig.issues()["subscription_ending"]
    await rig.advance(11 * 86_400)
    assert set(rig.issues()) == {"subscription_expired"}
    device.user_due = 2_000_000_000
    await rig.advance(901)
    assert not rig.issues()


# Vehicles in trouble


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_one_forbidden_among_a_hundred(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    """It says why after a few polls, by which the other 99 have their news again."""
    fleet = [
        Device(
            imei=f"35{number:013}",
            vehicle=parked(HOME, START.timestamp()),
            name=f"Vehicle {number}",
        )
        for number in range(99)
    ]
    rig.server.account(ACCOUNT).devices = [rig.server.device(CAR), *fleet]
    await rig.advance(901)
    rig.server.device(CAR).error = 10013
    for device in fleet:
        device.battery = 50
    caplog.clear()
    for _ in range(4):
        await rig.poll()
    assert rig.reading(CAR, "status") == "not_authorized"
    assert rig.reading(CAR, "online") is False
    assert rig.state("sensor", CAR, "tracker_battery").state == "64.0"
    batteries = {
        rig.state("sensor", one.imei, "tracker_battery").state for one in fleet
    }
    assert batteries == {"50.0"}
    assert not said(caplog)
    rig.server.device(CAR).error = 0
    await rig.advance(901)
    assert rig.reading(CAR, "status") == "ok"
    assert rig.reading(CAR, "online") is True


FIELDS = [
    "course",
    "systemtime",
    "gpstime",
    "speed",
    "hearttime",
    "servertime",
    "longitude",
    "latitude",
    "acctime",
    "accstatus",
    "doorstatus",
    "chargestatus",
    "oilpowerstatus",
    "defencestatus",
    "datastatus",
    "battery",
    "mileage",
    "odometer",
    "todaymileage",
    "externalpower",
    "fuel",
    "fueltime",
    "temperature",
    "temperaturetime",
    "devicename",
    "devicetype",
    "platenumber",
    "onlinetime",
    "platformduetime",
    "simcard",
    "iccid",
    "activatedtime",
    "userduetime",
]


@pytest.mark.parametrize(
    "value",
    [None, True, -1, 7.5, 1e308, "", "x", "1e999", [], [None], {}, {"a": [1]}],
    ids=repr,
)
async def test_wrong_types_in_any_field(
    rig: Rig, caplog: pytest.LogCaptureFixture, value: object
) -> None:
    """Nothing breaks, no other vehicle notices, and what was known is not lost."""
    before = {state.entity_id: state.state for state in states(rig)}
    rig.server.device(CAR).overrides = dict.fromkeys(FIELDS, value)
    caplog.clear()
    await rig.poll()
    await rig.advance(901)
    assert not unavailable(rig)
    assert not [line for line in said(caplog) if line[0] != "INFO"]
    assert rig.state("sensor", CAR, "odometer").state == "21300.0"
    assert (
        rig.state("device_tracker", CAR, "position").attributes["latitude"] == 52.3702
    )
    assert rig.reading(SPARE, "status") == "never_online"
    assert rig.reading(TRUCK, "status") == "ok"
    rig.server.device(CAR).overrides = {}
    await rig.advance(901)
    for key in ("tracker_battery", "odometer"):
        assert rig.state("sensor", CAR, key).state == before[f"sensor.car_{key}"]


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
@pytest.mark.parametrize("value", [None, 7, [], ""], ids=repr)
async def test_wrong_types_in_the_imei(rig: Rig, value: object) -> None:
    """Such a record is nobody's; its vehicle is gone after two lists, and comes back."""
    rig.server.device(CAR).overrides = {"imei": value}
    await rig.poll()
    assert not unavailable(rig)
    await rig.advance(901)
    assert not unavailable(rig)
    await rig.advance(901)
    assert rig.state("sensor", CAR, "tracker_battery").state == "unavailable"
    assert rig.state("sensor", TRUCK, "tracker_battery").state == "100.0"
    rig.server.device(CAR).overrides = {}
    await rig.advance(901)
    assert not unavailable(rig)


# What must not be told


async def test_a_whole_life_without_a_secret_in_the_log(
    hass: HomeAssistant,
    hass_storage: dict[str, object],
    server: OpenApiSimulator,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """No IMEI, account, password, token, plate or place, at any level of the log.

    Nor in the diagnostics.
    """
    caplog.set_level(logging.DEBUG)
    for name in TALKATIVE:
        caplog.set_level(logging.DEBUG, name)
    rig = Rig(hass, server, freezer, await add_account(hass, server))
    server.device(CAR).alarms = [
        Alarm(1, 4.8951, 52.3701, int(START.timestamp()), int(START.timestamp()) + 30)
    ]
    tokens = set(server.tokens)
    for _ in range(12):  # the truck starts
        await rig.poll()
        await rig.advance(2)
    diagnostics = str(await async_get_config_entry_diagnostics(hass, rig.entry))
    server.device(SPARE).error = 10013
    server.device(TRUCK).refusals = {"RESET": 20048, "LOCKDOOR": 20018}
    await rig.enable("lock", TRUCK, "locked")
    await rig.enable("button", TRUCK, "reset")
    await rig.enable("button", SPARE, "refresh")
    for action, entity in (
        ("lock.unlock", ("lock", TRUCK, "locked")),
        ("lock.lock", ("lock", TRUCK, "locked")),
        ("button.press", ("button", TRUCK, "reset")),
        ("button.press", ("button", SPARE, "refresh")),
        ("button.press", ("button", TRUCK, "restore_engine")),
    ):
        domain, service = action.split(".")
        call = hass.services.async_call(
            domain, service, {"entity_id": rig.entity_id(*entity)}, blocking=True
        )
        with contextlib.suppress(HomeAssistantError):
            await rig.wait_for(call)
    for action in ("get_route", "get_alarms", "get_distance"):
        assert await rig.wait_for(
            hass.services.async_call(
                DOMAIN,
                action,
                {"entity_id": [rig.tracker(TRUCK), rig.tracker(CAR)]},
                blocking=True,
                return_response=True,
            )
        )
    for fault in Fault:
        server.break_next(TRACK, fault, 2)
        await rig.poll()
        await rig.advance(31)
        server.heal()
        await rig.poll()
    for code in (10000, 10005, 10013, 20005, 20046, 12345):
        server.fail_next(TRACK, code, 4)
        await rig.poll()
        server.heal()
        await rig.advance(901)
    server.drop_tokens()
    server.account(ACCOUNT).set_password("New@34590")
    await rig.poll()
    tokens |= set(server.tokens)
    (flow,) = hass.config_entries.flow.async_progress()
    for password in ("guess", "New@34590"):
        await hass.config_entries.flow.async_configure(
            flow["flow_id"], {"password": password}
        )
    await rig.settle()
    await rig.reload()
    tokens |= set(server.tokens)
    await hass.config_entries.async_remove(rig.entry.entry_id)

    private = {
        "IMEI": (TRUCK, CAR, SPARE, BUS),
        "password": (PASSWORD, hash_password(PASSWORD), "New@34590", "guess"),
        "token": tuple(tokens),
        "plate": ("92-BKL-6", "K-902-PT"),
        "SIM": ("3197010000003", "89966415211160402251"),
        "account": (ACCOUNT,),
        "place": ("52.37", "4.89"),
    }
    # The simulator's own log, the fixture's that stands for the disk, and where Home
    # Assistant writes down every event when it is told to (pytest -v does).
    others = (
        "aiohttp.access",
        "homeassistant.core",
        "pytest_homeassistant_custom_component.common",
    )
    told = {
        (what, "diagnostics", secret)
        for what, secrets in private.items()
        for secret in secrets
        if secret in diagnostics
    }
    for record in caplog.records:
        if record.name in others:
            continue
        text = logging.Formatter().format(record)
        for what, secrets in private.items():
            # Home Assistant itself logs every state, and the titles of entries.
            if record.name.startswith("homeassistant.") and what in (
                "account",
                "place",
            ):
                continue
            if any(secret in text for secret in secrets):
                told.add((what, record.name, text[:300]))
    assert told == set()
    assert tokens
    assert any("fleet_tracker" in record.name for record in caplog.records)
