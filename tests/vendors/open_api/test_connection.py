"""An account is polled gently: few calls, alarms spread, no vehicle hidden by another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping
import contextlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
import json
import logging
from typing import Self

import aiohttp
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from hypothesis import given, strategies as st
import pytest

from custom_components.fleet_tracker.contract.commands import Command
from custom_components.fleet_tracker.contract.connection import PollResult, Settings
from custom_components.fleet_tracker.contract.errors import (
    AuthenticationFailed,
    CannotConnect,
    CommandUnsupported,
    InvalidArgument,
    RateLimited,
    VehicleUnavailable,
)
from custom_components.fleet_tracker.model.vehicle import OccurrenceType, Reading
from custom_components.fleet_tracker.vendors.open_api.client import OpenApiClient
from custom_components.fleet_tracker.vendors.open_api.connection import (
    OpenApiConnection,
    brand,
)
from custom_components.fleet_tracker.vendors.open_api.refusals import Suspects
from custom_components.fleet_tracker.vendors.open_api.transport import hash_password
from custom_components.fleet_tracker.vendors.open_api.vocabulary import OpenApiCommand
from tests.simulators.open_api import OpenApiSimulator
from tests.simulators.open_api_fleet import Alarm, Device
from tests.simulators.server import Fault
from tests.simulators.world import HOME, parked
from tests.vendors.fake_host import FakeHost, FakeMemory
from tests.vendors.rig import settle

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

AUTHORIZATION = "/api/authorization"
DEVICE_LIST = "/api/device/list"
TRACK = "/api/track"
ALARMS = "/api/alarm/list2"
ALL = frozenset({TRUCK, CAR, SPARE})
HALVINGS_OF_200 = 332
"""Calls that find who is refused of 200, when it is every second one."""


def fleet(size: int) -> list[Device]:
    """Return so many parked trackers."""
    return [
        Device(
            imei=f"35{number:013}",
            vehicle=parked(HOME, START.timestamp() - 7200),
            name=f"Vehicle {number}",
        )
        for number in range(size)
    ]


def alarm(seconds: float, kind: int = 4) -> Alarm:
    """Return an alarm (vibration) that the server gets some seconds from the start."""
    time = int(START.timestamp() + seconds)
    return Alarm(kind, 4.9, 52.4, time, time)


@dataclass
class Line:
    """A connection with its host and server, whose one clock stands still."""

    server: OpenApiSimulator
    host: FakeHost
    options: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make the connection."""
        self.host.patient = True
        self.connection = OpenApiConnection(
            Settings(
                data={
                    "server": self.server.url,
                    "account": ACCOUNT,
                    "password_md5": hash_password(PASSWORD),
                },
                options=self.options,
                vehicles={},
                driving_interval=timedelta(seconds=15),
                parked_interval=timedelta(seconds=60),
            ),
            self.host,
        )

    async def __aenter__(self) -> Self:
        """Open it."""
        await self.connection.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close it."""
        await self.connection.close()

    async def poll(self, after: float = 0) -> PollResult:
        """Poll after some seconds, and take the news."""
        self.host.advance(after)
        result = await self.connection.poll()
        self.host.receive(result.updates)
        await settle(self.server)
        return result

    async def advance(self, seconds: int) -> None:
        """Let seconds pass one by one, and happen what happens in each."""
        for _ in range(seconds):
            self.host.advance(1)
            await settle(self.server)

    def asked_for_positions(self) -> list[set[str]]:
        """Return the vehicles whose positions were asked for, call by call."""
        return [
            set(entry.query["imeis"].split(","))
            for entry in self.server.log
            if entry.path == TRACK
        ]

    def alarms_of(self, imei: str) -> list[OccurrenceType]:
        """Return what happened to a vehicle, each once."""
        return list(
            dict.fromkeys(
                occurrence.type
                for vehicle_id, occurrence in self.host.occurrences
                if vehicle_id == imei
            )
        )

    def asked_for_alarms(self) -> list[str]:
        """Return the vehicles whose alarms were asked for, in order."""
        return [
            entry.query["imei"] for entry in self.server.log if entry.path == ALARMS
        ]


def _remembered(host: FakeHost) -> Mapping[str, object]:
    """Return the vehicles remembered to be refused."""
    kept = host.memory.get("refused_vehicles")
    assert isinstance(kept, dict)
    return kept


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """Return a session."""
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def line(session: aiohttp.ClientSession) -> AsyncIterator[Line]:
    """Return a connection to a server."""
    host = FakeHost(session, now=START)
    async with (
        OpenApiSimulator(*accounts(), clock=host.clock) as server,
        Line(server, host) as line,
    ):
        yield line


# The device list


async def test_the_list_is_read_every_15_minutes(line: Line) -> None:
    """And not with every poll, which is one call for all vehicles."""
    rosters = [(await line.poll(after)).roster for after in (0, 60, 839, 1, 60)]
    assert rosters == [ALL, None, None, ALL, None]
    assert line.server.requests[DEVICE_LIST] == 2
    assert line.server.requests[TRACK] == 5
    assert line.server.requests[AUTHORIZATION] == 1


async def test_500_vehicles_cost_five_calls(line: Line) -> None:
    """A hundred of them a call."""
    line.server.account(ACCOUNT).devices = fleet(500)
    await line.poll()
    line.server.requests.clear()
    result = await line.poll(60)
    assert len(result.updates) == 500
    assert line.server.requests[TRACK] == 5
    assert line.server.requests[DEVICE_LIST] == 0


async def test_a_list_of_exactly_500_is_warned_of(line: Line) -> None:
    """The list may be cut off: no vehicle counts as gone because of it."""
    line.server.account(ACCOUNT).devices = fleet(501)
    assert (await line.poll()).roster is None
    assert line.host.problems["list_cut_off"] == {"count": "500"}
    line.server.account(ACCOUNT).devices = fleet(499)
    assert len((await line.poll(900)).roster or ()) == 499
    assert "list_cut_off" not in line.host.problems


async def test_an_empty_list_stops_nothing(line: Line) -> None:
    """Vehicles that were there are asked for until a list has others."""
    await line.poll()
    line.server.answer_next(DEVICE_LIST, {"code": 0, "record": []})
    result = await line.poll(900)
    assert result.roster == frozenset()
    assert {update.vehicle_id for update in result.updates} == ALL


async def test_a_vehicle_that_left_is_not_asked_for(line: Line) -> None:
    """The vehicle is missing from the roster, and that is no error."""
    await line.poll()
    del line.server.account(ACCOUNT).devices[1]
    result = await line.poll(900)
    assert result.roster == ALL - {CAR}
    assert result.error is None
    assert line.asked_for_positions()[-1] == {TRUCK, SPARE}


async def test_a_list_that_fails(line: Line) -> None:
    """The first is needed; a later one is tried again after a minute, not at once."""
    line.server.fail_next(DEVICE_LIST, 10000)
    with pytest.raises(Exception, match="10000"):
        await line.poll()
    await line.poll()
    line.server.fail_next(DEVICE_LIST, 10000)
    result = await line.poll(900)
    assert result.error is not None
    assert result.roster is None
    assert {update.vehicle_id for update in result.updates} == ALL
    assert line.server.requests[DEVICE_LIST] == 3
    assert (await line.poll(15)).error is None
    assert line.server.requests[DEVICE_LIST] == 3
    assert (await line.poll(45)).roster
    assert line.server.requests[DEVICE_LIST] == 4


async def test_a_clock_that_was_set_back(line: Line) -> None:
    """The list is read anew rather than never."""
    await line.poll()
    assert (await line.poll(-86_400)).roster


async def test_devices_are_news_with_the_list(line: Line) -> None:
    """Names and subscriptions come with it."""
    await line.poll()
    line.server.device(CAR).name = "Grandma's car"
    await line.poll(60)
    assert line.host.known[CAR].details.name == "Car"
    await line.poll(840)
    assert line.host.known[CAR].details.name == "Grandma's car"


async def test_a_list_with_rows_that_are_none(line: Line) -> None:
    """Broken rows hide no other."""
    rows: list[object] = [None, 7, {}, {"imei": [5]}, {"imei": TRUCK, "devicename": []}]
    line.server.answer_next(DEVICE_LIST, {"code": 0, "record": rows})
    assert (await line.poll()).roster == ALL - {CAR, SPARE}
    assert line.host.known[TRUCK].details.name == "Open API"


async def test_excluded_vehicles_are_not_asked_for(
    session: aiohttp.ClientSession,
) -> None:
    """Excluded vehicles cost no requests, and stay in the roster."""
    host = FakeHost(session, now=START)
    async with (
        OpenApiSimulator(*accounts(), clock=host.clock) as server,
        Line(server, host, {"excluded_vehicles": [CAR]}) as line,
    ):
        assert (await line.poll()).roster == ALL
        assert set(host.known) == {TRUCK, SPARE}
        assert line.asked_for_positions()[-1] == {TRUCK, SPARE}


async def test_sub_accounts(session: aiohttp.ClientSession) -> None:
    """Their vehicles are an option; one that refuses its list hides nobody."""
    host = FakeHost(session, now=START)
    async with (
        OpenApiSimulator(*accounts(), clock=host.clock) as server,
        Line(server, host, {"sub_accounts": True}) as line,
    ):
        assert (await line.poll()).roster == ALL | {BUS}
        assert host.known[BUS].details.name == "Bus"
        server.answer_next(
            DEVICE_LIST, {"code": 0, "record": [{"imei": TRUCK}, {"imei": CAR}]}
        )
        server.answer_next(DEVICE_LIST, {"code": 10007})
        result = await line.poll(900)
        assert result.roster is None
        # Such a list says nothing about those that it leaves out.
        assert line.asked_for_positions()[-1] == {TRUCK, CAR, SPARE, BUS}


# Vehicles that are refused


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (10013, "not_authorized"),
        (20005, "unknown_target"),
        (20046, "expired"),
        (20089, "blocked"),
    ],
)
async def test_a_refused_vehicle(line: Line, code: int, status: str) -> None:
    """The vehicle shows why, and is not asked for until the next list; others are."""
    await line.poll()
    line.server.device(CAR).error = code
    result = await line.poll(300)
    assert result.error is None
    assert line.host.reading(CAR, Reading.STATUS) == status
    assert line.host.reading(CAR, Reading.ONLINE) is False
    assert line.host.reading(TRUCK, Reading.STATUS) == "ok"
    # What the account may see has changed: the list is read with the next poll, once.
    line.server.requests.clear()
    assert (await line.poll(60)).roster
    assert line.host.reading(CAR, Reading.STATUS) == status
    line.server.requests.clear()
    for _ in range(14):
        assert (await line.poll(60)).roster is None
    assert line.server.requests[TRACK] == 14
    assert line.asked_for_positions()[-14:] == [{TRUCK, SPARE}] * 14
    line.server.device(CAR).error = 0
    await line.poll(60)
    assert line.host.reading(CAR, Reading.STATUS) == "ok"
    assert line.asked_for_positions()[-1] == {CAR}


async def test_refused_vehicles_are_asked_for_apart(line: Line) -> None:
    """With a new list they cost a call of their own, and no halving of the others."""
    devices = fleet(100)
    line.server.account(ACCOUNT).devices = devices
    devices[63].error = 20046
    await line.poll()
    await line.advance(20)
    line.server.requests.clear()
    assert (await line.poll(900)).roster
    assert line.server.requests[TRACK] == 2
    assert line.asked_for_positions()[-1] == {devices[63].imei}
    # Among the others again once it was not refused.
    devices[63].error = 0
    await line.poll(900)
    await line.poll(900)
    assert len(line.asked_for_positions()[-1]) == 100


async def test_first_start_with_many_refused(line: Line) -> None:
    """The first poll asks for each hundred once; who is refused is found out beside it.

    It is remembered: a later start costs two calls, and so does each poll.
    """
    devices = fleet(200)
    line.server.account(ACCOUNT).devices = devices
    for device in devices[::2]:
        device.error = 20046
    line.host.patient = False
    result = await line.connection.poll()
    assert result.error is None
    line.host.receive(result.updates)
    assert line.server.requests[TRACK] == 2
    assert line.host.known.keys() == {device.imei for device in devices}
    await line.host.until(lambda: line.connection.diagnostics()["refused"] == 100)
    await settle(line.server)
    assert line.server.requests[TRACK] == 2 + HALVINGS_OF_200
    assert line.connection.diagnostics()["may_be_refused"] == 0
    line.host.patient = True
    await line.poll(60)
    statuses = [line.host.reading(device.imei, Reading.STATUS) for device in devices]
    assert statuses == ["expired", "ok"] * 100
    async with Line(line.server, line.host) as again:
        line.server.requests.clear()
        await again.poll()
        assert line.server.requests[TRACK] == 2
        # One a minute is tried again, by itself.
        for _ in range(3):
            line.server.requests.clear()
            await again.poll(60)
            assert line.server.requests[TRACK] == 2
        assert again.connection.diagnostics()["refused"] == 100
        next_one = list(_remembered(line.host))[4]
        line.server.device(next_one).error = 0
        await again.poll(60)
        assert again.connection.diagnostics()["refused"] == 99
        assert line.host.reading(next_one, Reading.STATUS) == "ok"


async def test_halving_takes_a_call_a_second_until_every_vehicle_was_read(
    line: Line,
) -> None:
    """Polls do not add to it, nor does a server that is asked too much."""
    devices = fleet(8)
    line.server.account(ACCOUNT).devices = devices
    for device in devices[::2]:
        device.error = 20089
    await line.poll()
    assert line.server.requests[TRACK] == 1
    for second in range(1, 7):
        await line.advance(1)
        assert line.server.requests[TRACK] == 1 + second
    polled = len(line.asked_for_positions())
    await line.poll()
    assert (
        len(line.asked_for_positions()) == polled + 1
    )  # for the vehicles known to be well
    line.server.fail_next(TRACK, 10009, 4)
    await line.advance(20)
    asked = line.server.requests[TRACK]
    await line.advance(30)
    assert line.server.requests[TRACK] == asked
    for _ in range(3):
        await line.poll(60)
        await line.advance(10)
    assert line.connection.diagnostics()["may_be_refused"] == 0
    statuses = [line.host.reading(device.imei, Reading.STATUS) for device in devices]
    assert statuses == ["blocked", "ok"] * 4


async def test_halving_takes_two_calls_of_a_poll_once_all_were_read(line: Line) -> None:
    """One of a hundred that is refused later keeps nobody long from being told of."""
    devices = fleet(100)
    line.server.account(ACCOUNT).devices = devices
    await line.poll()
    devices[40].error = 10013
    for device in devices:
        device.battery = 50
    calls, without_news = [], []
    while line.host.reading(devices[40].imei, Reading.STATUS) == "ok":
        line.server.requests.clear()
        await line.poll(15)
        await line.advance(5)
        calls.append(line.server.requests[TRACK])
        batteries = [
            line.host.reading(one.imei, Reading.TRACKER_BATTERY) for one in devices
        ]
        without_news.append(batteries.count(100))
    # One for all of them, and two to halve.
    assert (calls, without_news) == ([3, 3, 3], [75, 13, 3])
    assert line.host.reading(devices[40].imei, Reading.STATUS) == "not_authorized"
    for _ in range(5):
        await line.poll(15)
    assert line.connection.diagnostics()["refused"] == 1
    assert line.connection.diagnostics()["may_be_refused"] == 0


async def test_vehicles_with_an_ended_subscription_in_the_list(line: Line) -> None:
    """They are left out, but for one that is tried; with a later date they are back."""
    devices = fleet(200)
    line.server.account(ACCOUNT).devices = devices
    for device in devices[::2]:
        device.error = 20046
        device.user_due = int(START.timestamp()) - 86400
    await line.poll()
    assert [len(imeis) for imeis in line.asked_for_positions()] == [100, 1]
    statuses = [line.host.reading(device.imei, Reading.STATUS) for device in devices]
    assert statuses == ["expired", "ok"] * 100
    await line.advance(5)
    assert line.server.requests[TRACK] == 2
    for device in devices[::2]:
        device.error = 0
        device.user_due = 2_000_000_000
    await line.poll(900)
    statuses = [line.host.reading(device.imei, Reading.STATUS) for device in devices]
    assert statuses == ["ok"] * 200


async def test_server_that_tells_of_vehicles_with_an_ended_subscription(
    line: Line,
) -> None:
    """The one that is tried brings back all, and after a restart none is left out."""
    devices = fleet(200)
    line.server.account(ACCOUNT).devices = devices
    for device in devices[::2]:
        device.user_due = int(START.timestamp()) - 86400
    for calls in ([100, 1, 99], [100, 100]):
        line.server.log.clear()
        async with Line(line.server, line.host) as again:
            await again.poll()
        assert [len(imeis) for imeis in line.asked_for_positions()] == calls
        statuses = [line.host.reading(one.imei, Reading.STATUS) for one in devices]
        assert statuses == ["ok"] * 200


async def test_removed_vehicle_is_not_searched_for(line: Line) -> None:
    """What was refused may have been the one that left."""
    devices = fleet(64)
    line.server.account(ACCOUNT).devices = devices
    await line.poll()
    devices[5].error = 20005
    await line.poll(60)
    gone = devices.pop(5)
    line.server.log.clear()
    await line.poll(15)
    assert all(gone.imei not in imeis for imeis in line.asked_for_positions())
    await line.poll(15)
    assert line.connection.diagnostics()["may_be_refused"] == 0
    assert line.connection.diagnostics()["refused"] == 0


@given(
    st.integers(1, 120).flatmap(
        lambda size: st.tuples(st.just(size), st.sets(st.integers(0, size - 1)))
    )
)
def test_halving_finds_exactly_the_refused_vehicles(
    fleet: tuple[int, set[int]],
) -> None:
    """Whoever it is, and never by more than two calls for each vehicle."""
    size, refused = fleet
    found: set[str] = set()
    suspects, refusal = Suspects(), VehicleUnavailable("Refused")
    meant = {str(number) for number in refused}
    if refused:
        found |= suspects.add(tuple(map(str, range(size))), refusal).keys()
    calls = 0
    while (group := suspects.next()) is not None:
        calls += 1
        answer = None if meant.isdisjoint(group.asked) else refusal
        found |= suspects.take(group, answer).keys()
    assert found == meant
    assert calls <= 2 * size


async def test_a_vehicle_that_an_answer_leaves_out(line: Line) -> None:
    """Nobody knows whether it is online, until it is told again."""
    await line.poll()
    row = line.server.device(TRUCK).track_record(
        line.server.now, classic=False, odometer=True
    )
    line.server.answer_next(TRACK, {"code": 0, "record": [row]})
    assert (await line.poll(15)).error is None
    assert line.host.reading(TRUCK, Reading.ONLINE) is True
    for key in (Reading.ONLINE, Reading.STATUS):
        assert line.host.reading(CAR, key) is None
    assert line.host.reading(CAR, Reading.TRACKER_BATTERY) == 64
    await line.poll(15)
    assert line.host.reading(CAR, Reading.ONLINE) is True


async def test_refused_from_the_start(line: Line) -> None:
    """The list was just read then: it is not read again because of it."""
    line.server.device(CAR).error = 20089
    await line.poll()
    await line.advance(5)
    assert line.host.reading(CAR, Reading.STATUS) == "blocked"
    await line.poll(15)
    assert line.server.requests[DEVICE_LIST] == 1
    assert line.connection.diagnostics()["refused"] == 1


# Calls that fail


async def test_a_batch_that_fails(line: Line) -> None:
    """Updates of the batches before are kept, and the error stands beside them."""
    line.server.account(ACCOUNT).devices = fleet(250)
    await line.poll()
    line.server.answer_next(
        TRACK, {"code": 0, "record": [{"imei": f"35{5:013}", "accstatus": 1}]}
    )
    line.server.answer_next(TRACK, {"code": 10000})
    result = await line.poll(60)
    assert [update.vehicle_id for update in result.updates] == [
        f"35{number:013}" for number in range(100)
    ]
    assert line.host.reading(f"35{5:013}", Reading.IGNITION) is True
    assert result.error is not None
    assert line.server.requests[TRACK] == 5
    assert (await line.poll(60)).error is None


@pytest.mark.parametrize(
    ("fault", "error"),
    [(Fault.HTTP_500, CannotConnect), (Fault.DISCONNECT, CannotConnect)],
)
async def test_nothing_to_be_had(
    line: Line, fault: Fault, error: type[Exception]
) -> None:
    """Without any news the error is the result."""
    line.server.break_until_healed("*", fault)
    with pytest.raises(error):
        await line.poll()
    line.server.heal()
    assert (await line.poll(60)).roster


async def test_wrong_password(line: Line) -> None:
    """A poll raises the refusal of the credentials, whatever else it read."""
    await line.poll()
    line.server.account(ACCOUNT).set_password("changed")
    line.server.drop_tokens()
    result = await line.poll(60)
    assert isinstance(result.error, AuthenticationFailed)
    # When it is time for the list, the wrong one is not tried twice either.
    line.server.requests.clear()
    with pytest.raises(AuthenticationFailed):
        await line.poll(900)
    assert line.server.requests[AUTHORIZATION] == 1


async def test_a_look_at_a_vehicle(line: Line) -> None:
    """The newest of one vehicle, or why there is none."""
    await line.poll()
    update = await line.connection.look(TRUCK)
    assert update.heard_at == START
    line.server.device(TRUCK).error = 20046
    with pytest.raises(VehicleUnavailable):
        await line.connection.look(TRUCK)
    line.server.answer_next(TRACK, {"code": 0, "record": []})
    with pytest.raises(VehicleUnavailable):
        await line.connection.look(CAR)


async def test_another_program_with_the_same_account(line: Line) -> None:
    """Tokens that die again and again are a problem that the user is told of."""
    await line.poll()
    for _ in range(3):
        assert "account_shared" not in line.host.problems
        line.server.drop_tokens()
        try:
            await line.poll(60)
        except RateLimited:
            pytest.fail("the login before was a minute ago")
    assert "account_shared" in line.host.problems
    # A login a minute is not fought any faster.
    line.server.drop_tokens()
    assert isinstance((await line.poll(15)).error, RateLimited)
    await line.poll(60)
    await line.poll(1800)
    assert "account_shared" not in line.host.problems


# Alarms


async def test_alarms_of_500_vehicles_do_not_burst(line: Line) -> None:
    """However often is polled, alarms are asked for once a second, each vehicle in turn."""
    devices = fleet(500)
    line.server.account(ACCOUNT).devices = devices
    line.server.intervals = {ALARMS: 1}
    await line.poll()
    await settle(line.server)
    assert len(line.asked_for_alarms()) == 1
    assert line.connection.diagnostics()["alarms_waiting"] == 498
    for seconds in range(1, 71):
        await line.advance(1)
        if seconds in (15, 61):
            await line.poll()
        assert len(line.asked_for_alarms()) == seconds + 1
    # All were heard of meanwhile, which does not put anybody back.
    assert line.asked_for_alarms() == [device.imei for device in devices[:71]]
    assert line.connection.client.counters["too_frequent"] == 0


async def test_vehicles_with_news_come_first(line: Line) -> None:
    """Vehicles heard of since are asked for before the others."""
    devices = fleet(40)
    for device in devices:
        device.offline_since = START.timestamp() - 3600
    line.server.account(ACCOUNT).devices = devices
    await line.poll()
    await line.advance(5)
    assert line.asked_for_alarms() == [device.imei for device in devices[:6]]
    devices[30].offline_since = START.timestamp()
    await line.poll()
    await line.poll()  # nothing new in this one, which does not put it back
    await line.advance(3)
    # The seventh was waiting for the second to pass already.
    assert line.asked_for_alarms()[6:] == [
        devices[number].imei for number in (6, 30, 7)
    ]


async def test_40_vehicles_with_news_wait_a_minute_at_most(line: Line) -> None:
    """However many others wait: 300 requests in 5 minutes, two of three for those."""
    devices = fleet(400)
    for number, device in enumerate(devices):
        if number % 10:
            device.offline_since = START.timestamp() - 3600
        else:
            device.heartbeat = 1
    line.server.account(ACCOUNT).devices = devices
    line.server.intervals = {ALARMS: 1}
    with_news = {device.imei for device in devices[::10]}
    await line.poll()
    await line.advance(60)
    begin = len(line.asked_for_alarms())
    for _ in range(20):
        await line.poll()
        await line.advance(15)
    asked = line.asked_for_alarms()[begin:]
    assert len(asked) == 300
    assert line.connection.client.counters["too_frequent"] == 0
    # Once a second is asked, so that a place in the order is a second. Each poll has news.
    for imei in with_news:
        for poll in range(0, 240, 15):
            assert imei in asked[poll : poll + 60]
    others = [imei for imei in asked if imei not in with_news]
    assert len(others) >= 99
    assert len(set(others)) == len(others)


async def test_vehicle_without_news_is_not_forgotten(line: Line) -> None:
    """Even when there are always more vehicles with news than can be asked for."""
    devices = fleet(12)
    for device in devices:
        device.heartbeat = 1
    devices[11].offline_since = START.timestamp() - 3600
    line.server.account(ACCOUNT).devices = devices
    await line.poll()
    await line.advance(12)
    assert line.asked_for_alarms().count(devices[11].imei) == 1
    for _ in range(48):
        await line.poll(15)
    assert line.asked_for_alarms().count(devices[11].imei) == 3


async def test_each_alarm_once_and_in_order(line: Line) -> None:
    """The cursor is the time of the last alarm; nothing is lost at its second."""
    await line.poll()
    await line.advance(3)
    device = line.server.device(CAR)
    device.alarms = [alarm(seconds, kind) for seconds, kind in ((5, 4), (9, 1), (9, 7))]
    await line.advance(20)
    await line.poll(40)
    await line.advance(5)
    device.alarms.append(alarm(9, 20))  # the same second, but known only later
    device.alarms.append(alarm(70, 4))
    await line.poll(60)
    await line.advance(5)
    seen = [
        (occurrence.occurred_at, occurrence.type)
        for imei, occurrence in line.host.occurrences
        if imei == CAR
    ]
    assert list(dict.fromkeys(seen)) == [
        (START + timedelta(seconds=5), OccurrenceType.VIBRATION),
        (START + timedelta(seconds=9), OccurrenceType.SOS),
        (START + timedelta(seconds=9), OccurrenceType.SPEEDING),
        (START + timedelta(seconds=9), OccurrenceType.COLLISION),
        (START + timedelta(seconds=70), OccurrenceType.VIBRATION),
    ]
    begins = [
        int(entry.query["begintime"]) - START.timestamp()
        for entry in line.server.log
        if entry.path == ALARMS and entry.query["imei"] == CAR
    ]
    assert begins == [0, 0, 9]


async def test_alarms_from_before_the_account_was_added(
    session: aiohttp.ClientSession,
) -> None:
    """Such alarms do not fire; after a restart those of 15 minutes are read."""
    memory = FakeMemory()
    host = FakeHost(session, memory=memory, now=START)
    async with OpenApiSimulator(*accounts(), clock=host.clock) as server:
        for seconds in (-60, 60):
            server.device(CAR).alarms.append(alarm(seconds))
        async with Line(server, host) as line:
            await line.poll()
            await line.advance(3)
            assert not host.occurrences
        for minutes in (5, 60):
            host.advance(60 * minutes)
            begin = max(START, host.now() - timedelta(minutes=15)).timestamp()
            server.log.clear()
            host = FakeHost(session, memory=memory, now=host.now())
            server._clock = host.clock
            async with Line(server, host) as line:
                await line.poll()
                await line.advance(3)
                begins = [
                    int(entry.query["begintime"])
                    for entry in server.log
                    if entry.path == ALARMS
                ]
                assert all(begin <= asked <= begin + 3 for asked in begins)
            seen = [imei for imei, _ in host.occurrences if imei == CAR]
            assert len(seen) == (1 if minutes == 5 else 0)


async def test_alarms_that_cannot_be_read(line: Line) -> None:
    """Nobody's turn is lost, and who is refused holds up nobody."""
    line.server.fail_next(ALARMS, 10000)
    line.server.device(TRUCK).alarms.append(alarm(0))
    await line.poll()
    await line.advance(5)
    assert line.asked_for_alarms() == [TRUCK]
    await line.poll(10)
    await line.advance(5)
    # The one that failed comes last.
    assert line.asked_for_alarms() == [TRUCK, CAR, SPARE, TRUCK]
    assert [imei for imei, _ in line.host.occurrences] == [TRUCK]
    line.server.fail_next(ALARMS, 20046)
    await line.poll(300)
    await line.advance(5)
    assert line.asked_for_alarms()[4:] == [TRUCK, CAR, SPARE]
    # Nor is it asked for more often than the others.
    await line.poll(60)
    await line.advance(5)
    assert line.asked_for_alarms()[7:] == [TRUCK, CAR]


async def test_alarms_of_a_time_without_the_server(line: Line) -> None:
    """Alarms of an outage are read when it is over, if it was not too long."""
    await line.poll()
    await line.advance(3)
    line.server.device(CAR).alarms = [alarm(60, 1), alarm(90_000, 4)]
    line.server.break_until_healed("*", Fault.HTTP_500)
    with contextlib.suppress(CannotConnect):
        await line.poll(3600)
    line.server.heal()
    await line.poll(60)
    await line.advance(3)
    assert line.alarms_of(CAR) == [OccurrenceType.SOS]
    line.server.device(CAR).alarms = [alarm(7200, 1), alarm(93_600, 4)]
    line.server.break_until_healed("*", Fault.HTTP_500)
    with contextlib.suppress(CannotConnect):
        await line.poll(2 * 86_400)
    line.server.heal()
    await line.poll(60)
    await line.advance(3)
    assert line.alarms_of(CAR) == [OccurrenceType.SOS, OccurrenceType.VIBRATION]


async def test_alarms_of_a_vehicle_that_waits_long(line: Line) -> None:
    """In a large fleet the first turn may come late: what was by then is not lost."""
    devices = fleet(3)
    line.server.account(ACCOUNT).devices = devices
    devices[2].alarms = [alarm(-60, 1), alarm(60, 4)]
    await line.poll()
    await line.advance(1)
    line.host.advance(1800)
    await line.advance(2)
    assert line.alarms_of(devices[2].imei) == [OccurrenceType.VIBRATION]


@pytest.mark.parametrize("skew", [-240, 240])
async def test_alarms_by_a_clock_that_differs(
    session: aiohttp.ClientSession, skew: int
) -> None:
    """Alarms come with the next poll, whichever clock is ahead."""
    host = FakeHost(session, now=START)
    async with (
        OpenApiSimulator(*accounts(), clock=lambda: host.clock() + skew) as server,
        Line(server, host) as line,
    ):
        await line.poll()
        await line.advance(3)
        await line.poll(600)
        await line.advance(3)
        for round_ in range(1, 4):
            server.device(CAR).alarms.append(
                alarm(server.now - START.timestamp(), round_)
            )
            await line.poll(60)
            await line.advance(3)
            assert len(line.alarms_of(CAR)) == round_


async def test_alarms_rest_when_they_are_too_many(line: Line) -> None:
    """The pause grows, though positions are told all the while."""
    await line.poll()
    await line.advance(5)
    line.server.fail_next(ALARMS, 10009, 100)
    refused_at: list[datetime] = []
    while len(refused_at) < 4:
        asked = line.server.requests[ALARMS]
        assert (await line.poll(25)).error is None
        if line.server.requests[ALARMS] > asked:
            await line.advance(10)
            refused_at.append(line.host.now())
            # One call, which is tried four times.
            assert line.server.requests[ALARMS] == asked + 4
    pauses = [
        (later - earlier).total_seconds() for earlier, later in pairwise(refused_at)
    ]
    assert 45 <= pauses[0] <= 125
    assert pauses[0] < pauses[1] < pauses[2]
    line.server.heal()
    line.server.device(CAR).alarms.append(alarm(100))
    await line.poll(900)
    await line.advance(5)
    assert line.alarms_of(CAR) == [OccurrenceType.VIBRATION]


async def test_alarms_rest_while_positions_are_too_many(line: Line) -> None:
    """Nothing more is asked of a server that has had enough."""
    devices = fleet(40)
    line.server.account(ACCOUNT).devices = devices
    line.host.patient = False
    line.server.fail_next(TRACK, 10009, 4)
    assert isinstance((await line.poll()).error, RateLimited)
    assert not line.asked_for_alarms()
    await line.poll(15)
    assert not line.asked_for_alarms()
    await line.poll(75)
    await settle(line.server)
    assert line.asked_for_alarms()


async def test_a_clock_that_is_set_back_delays_no_alarm(line: Line) -> None:
    """By a day, say: they are read with the next poll all the same."""
    line.host.advance(86_400)
    await line.poll()
    await line.advance(3)
    line.host.advance(-86_400 + 600)
    line.server.device(CAR).alarms = [alarm(500)]
    await line.poll()
    await line.advance(3)
    assert line.alarms_of(CAR) == [OccurrenceType.VIBRATION]


async def test_a_vehicle_that_left_is_not_waited_for(line: Line) -> None:
    """Nor are its alarms asked for, not even if it is the next one whose turn comes."""
    await line.poll()
    await line.advance(10)
    before = len(line.asked_for_alarms())
    await line.poll(888.2)
    await line.advance(1)
    assert line.asked_for_alarms()[before:] == [TRUCK, CAR]
    del line.server.account(ACCOUNT).devices[2]
    assert SPARE not in ((await line.poll(0.8)).roster or ())
    await line.advance(10)
    assert line.asked_for_alarms()[before:] == [TRUCK, CAR] * 2
    assert line.connection.diagnostics()["alarms_waiting"] == 0


async def test_how_alarms_were_had_is_remembered(
    session: aiohttp.ClientSession,
) -> None:
    """An older server is asked for the newer list once, not after each restart."""
    memory = FakeMemory()
    host = FakeHost(session, memory=memory, now=START)
    async with OpenApiSimulator(*accounts(), clock=host.clock, classic=True) as server:
        for _ in range(2):
            async with Line(server, host) as line:
                await line.poll()
                await line.advance(5)
                await line.poll(60)
                assert line.connection.diagnostics()["alarm_form"] == "list"
        assert server.requests[ALARMS] == 1
        assert server.requests["/api/alarm/list"] > 3


# What is kept


async def test_a_command_that_a_tracker_does_not_know(line: Line) -> None:
    """Its entity goes, after a restart too; those of other commands stay."""
    await line.poll()
    before = line.host.known[TRUCK].capabilities
    line.server.device(TRUCK).refusals = {"LOCKDOOR": 20048, "RESET": 20048}
    for name in ("lock", "reset"):
        with pytest.raises(CommandUnsupported):
            await line.connection.execute(TRUCK, Command(name))
    expected = before - {"lock", "reset"}
    assert line.host.known[TRUCK].capabilities == expected
    assert line.host.known[CAR].capabilities == before
    async with Line(line.server, line.host) as again:
        await again.poll()
    assert line.host.known[TRUCK].capabilities == expected


async def test_an_action_that_a_tracker_does_not_know(
    line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    """It has no entity that could disappear; that it is not known is noted once."""
    await line.poll()
    line.server.device(TRUCK).refusals = {"SET_MILEAGE": 20048}
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            with pytest.raises(CommandUnsupported):
                await line.connection.execute(
                    TRUCK, Command("set_mileage", {"kilometers": 5})
                )
    lines = [record for record in caplog.records if "open_api" in record.name]
    assert len(lines) == 1
    assert line.host.memory.get("refused_commands") == {TRUCK: ["set_mileage"]}


async def test_a_command_of_another_vendor(line: Line) -> None:
    """Nothing is sent."""
    with pytest.raises(InvalidArgument):
        await line.connection.execute(TRUCK, Command("open_trunk"))
    assert not line.server.requests


async def test_memory_that_makes_no_sense(session: aiohttp.ClientSession) -> None:
    """Memories that cannot be read are forgotten."""
    memory = FakeMemory()
    for key in ("token", "refused_commands", "alarms_since"):
        await memory.put(key, ["nonsense"])
    host = FakeHost(session, memory=memory, now=START)
    async with (
        OpenApiSimulator(*accounts(), clock=host.clock) as server,
        Line(server, host) as line,
    ):
        assert (await line.poll()).roster
        assert server.requests[AUTHORIZATION] == 1


async def test_diagnostics_hold_nothing_private(line: Line) -> None:
    """Counters and states, no account, token or IMEI."""
    await line.poll()
    await line.advance(5)
    told = line.connection.diagnostics()
    assert told["listed"] == 3
    text = json.dumps(told)
    token = line.connection.client.token
    assert token
    for private in (
        ACCOUNT,
        PASSWORD,
        hash_password(PASSWORD),
        token.value,
        TRUCK,
        CAR,
    ):
        assert private not in text


@pytest.mark.parametrize(
    ("server", "name"),
    [
        ("https://api.protrack365.com", "ProTrack"),
        ("http://api.itrack.top", "iTrack"),
        ("http://api.etrack.vip", "eTrack"),
        ("https://gps.example.com", "Open API"),
    ],
)
def test_brands(server: str, name: str) -> None:
    """Known servers have one."""
    assert brand(server) == name


# In Home Assistant


@pytest.mark.freeze_time(START)
async def test_adding_an_account_costs_one_login(rig: Rig) -> None:
    """The token that checked the credentials is the one that is used."""
    assert rig.server.requests[AUTHORIZATION] == 1


@pytest.mark.freeze_time(START)
async def test_ten_restarts_cost_no_login(rig: Rig) -> None:
    """A token that is good is kept over restarts, until it is 90 minutes old."""
    for _ in range(10):
        await rig.reload()
        await rig.advance(60)
    assert rig.server.requests[AUTHORIZATION] == 1
    rig.freezer.tick(5400)
    await rig.reload()
    assert rig.server.requests[AUTHORIZATION] == 2


@pytest.mark.freeze_time(START)
async def test_login_that_is_going_on_while_the_account_is_reloaded(rig: Rig) -> None:
    """Its token is not lost; of a server that does not answer nobody waits for it long."""
    rig.freezer.tick(5400)
    answer = rig.server.keep_back(AUTHORIZATION)
    await rig.poll()
    assert rig.server.requests[AUTHORIZATION] == 2
    reload = asyncio.create_task(
        rig.hass.config_entries.async_reload(rig.entry.entry_id)
    )
    await settle(rig.server)
    assert not reload.done()
    answer.set()
    await reload
    rig.server.heal()
    await rig.poll()
    assert rig.server.requests[AUTHORIZATION] == 2
    rig.freezer.tick(5400)
    rig.server.break_until_healed(AUTHORIZATION, Fault.HANG)
    await rig.poll()
    began = rig.hass.loop.time()
    unload = rig.hass.config_entries.async_unload(rig.entry.entry_id)
    assert await rig.wait_for(unload, seconds=10)
    assert rig.hass.loop.time() - began <= 6


async def _in_a_poll(rig: Rig) -> None:
    rig.server.keep_back(TRACK)
    await rig.poll()


async def _reading_alarms(rig: Rig) -> None:
    await rig.advance(301)
    assert rig.connection.diagnostics()["alarms_waiting"]


async def _asking_for_alarms(rig: Rig) -> None:
    rig.server.keep_back(ALARMS)
    await rig.advance(301)


async def _getting_a_token(rig: Rig) -> None:
    rig.freezer.tick(5400)
    rig.server.break_until_healed(AUTHORIZATION, Fault.HANG)
    await rig.poll()


async def _confirming_a_command(rig: Rig) -> None:
    rig.server.device(TRUCK).answers_after = None
    command = rig.coordinator.async_execute(
        TRUCK, Command(OpenApiCommand.RESTORE_ENGINE)
    )
    rig.hass.async_create_background_task(_failing(command), COMMAND)
    await settle(rig.server)
    await rig.advance(3)


async def _failing(command: Awaitable[object]) -> None:
    with pytest.raises(HomeAssistantError):
        await command


async def _searching_who_is_refused(rig: Rig) -> None:
    rig.server.device(CAR).error = 20046
    await rig.reload()
    assert rig.connection.diagnostics()["may_be_refused"]


COMMAND = "command of the test"
PHASES = (
    _in_a_poll,
    _reading_alarms,
    _asking_for_alarms,
    _getting_a_token,
    _confirming_a_command,
    _searching_who_is_refused,
)


@pytest.mark.freeze_time(START)
@pytest.mark.parametrize("removed", [False, True], ids=["unloaded", "removed"])
async def test_nothing_is_asked_of_an_account_that_is_gone(
    rig: Rig, removed: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever was going on, not one request more; and it is no failure."""
    entries = rig.hass.config_entries
    for phase in PHASES:
        await phase(rig)
        entry_id = rig.entry.entry_id
        gone = entries.async_remove(entry_id) if removed else None
        caplog.clear()
        await rig.wait_for(gone or entries.async_unload(entry_id), seconds=10)
        rig.server.log.clear()
        await rig.advance(2)
        assert COMMAND not in {task.get_name() for task in asyncio.all_tasks()}
        await rig.advance(61)
        await rig.advance(7200)
        assert not rig.server.log, phase.__name__
        told = [
            (record.levelname, record.message)
            for record in caplog.records
            # The loop of a test is in debug mode and tells of every long step.
            if record.levelno >= logging.WARNING and record.name != "asyncio"
        ]
        assert told == [], phase.__name__
        rig.server.heal()
        rig.server.device(CAR).error = 0
        if removed:
            rig.entry = await add_account(rig.hass, rig.server)
        else:
            assert await entries.async_setup(entry_id)
        await rig.settle()


@pytest.mark.freeze_time(START)
async def test_a_shared_account_is_a_repair_issue(rig: Rig) -> None:
    """The issue says what to do, and goes away by itself."""
    for _ in range(3):
        rig.server.drop_tokens()
        await rig.poll()
    assert set(rig.issues()) == {"account_shared"}
    assert rig.reading(TRUCK, "online") is True
    await rig.advance(1800)
    await rig.poll()
    assert not rig.issues()


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
@pytest.mark.freeze_time(START)
async def test_another_program_fights_for_the_token(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    """Everything stays available and new, by a login a minute; one hint, one line tell it."""
    other = OpenApiClient(
        rig.coordinator.session,
        rig.server.url,
        ACCOUNT,
        hash_password(PASSWORD),
        now=rig.coordinator.now,
        sleep=rig.coordinator.sleep,
    )
    rig.server.requests.clear()
    for theirs in range(1, 91):  # a quarter of an hour, in which the truck starts
        login = asyncio.create_task(other.log_in())
        await settle(rig.server)
        await login
        await rig.advance(10)
        ours = rig.server.requests[AUTHORIZATION] - theirs
        assert ours <= 3 + theirs // 6
        unavailable = [
            state.entity_id
            for state in rig.hass.states.async_all()
            if state.state == "unavailable"
        ]
        assert not unavailable
        if theirs > 45:
            assert rig.state("binary_sensor", TRUCK, "moving").state == "on"
            assert set(rig.issues()) == {"account_shared"}
    errors = [
        record.message
        for record in caplog.records
        if record.levelno >= logging.WARNING and "fleet_tracker" in record.name
    ]
    assert len(errors) == 1
    await rig.advance(1800)
    await rig.poll()
    assert not rig.issues()
    assert rig.interval == timedelta(seconds=60)


@pytest.mark.freeze_time(START)
async def test_one_entry_per_account(
    hass: HomeAssistant,
    hass_storage: dict[str, object],
    server: OpenApiSimulator,
) -> None:
    """A sub-account is an account of its own."""
    first = await add_account(hass, server)
    second = await add_account(hass, server, "partner", "p")
    assert first.runtime_data.vehicles().keys() == {TRUCK, CAR, SPARE}
    assert second.runtime_data.vehicles().keys() == {BUS}
