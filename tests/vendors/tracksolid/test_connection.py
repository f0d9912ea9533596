"""An account: what is polled when, what pushes change, and what is learned."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import date, timedelta
import json
from typing import Any

import aiohttp
from aiohttp import web
import pytest

from custom_components.fleet_tracker.contract.commands import Command
from custom_components.fleet_tracker.contract.errors import (
    AuthenticationFailed,
    CannotConnect,
    InvalidAnswer,
    RateLimited,
    VehicleOffline,
    VehicleUnavailable,
)
from custom_components.fleet_tracker.contract.pushes import PushRequest
from custom_components.fleet_tracker.model.vehicle import (
    FixKind,
    OccurrenceKind,
    OccurrenceType,
    Reading,
    part_of,
)
from custom_components.fleet_tracker.vendors.tracksolid.api.transport import NODES
from custom_components.fleet_tracker.vendors.tracksolid.connection import (
    EXCLUDED,
    PUSH_TOKEN,
    SUB_ACCOUNTS,
    TracksolidConnection,
    api_url,
)
from custom_components.fleet_tracker.vendors.tracksolid.pushes.receiver import (
    MOST_WAITING,
)
from custom_components.fleet_tracker.vendors.tracksolid.readers.trips import TripReader
from custom_components.fleet_tracker.vendors.tracksolid.vocabulary import (
    TracksolidCommand,
    TracksolidReading,
)
from tests.simulators import world
from tests.simulators.tracksolid import Device, TracksolidSimulator, pushes
from tests.simulators.tracksolid.media import shoot
from tests.vendors.fake_host import START, FakeHost, FakeMemory

from .helpers import (
    CAM,
    CAR,
    VAN,
    data,
    poll,
    read_photos,
    reader_of,
    request,
    settings,
    stand_still,
)

LIST = "jimi.user.device.list"
LOCATIONS = "jimi.user.device.location.list"
LOCATION = "jimi.device.location.get"
ALARMS = "jimi.device.alarm.list"
TRIPS = "jimi.device.track.mileage"
OBD = "jimi.device.obd.list"
FAULTS = "jimi.device.obd.fault"
INSTRUCTIONS = "jimi.open.instruction.list"
PHOTOS = "jimi.device.jimi.media.URL"
LIVE = "jimi.device.media.live.stream"
CLOSE = "jimi.device.media.close.stream"
TAG = "jimi.device.location.getTagMsg"
HOUR = 3600


# --- polling --------------------------------------------------------------------------------


async def test_first_poll(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """All vehicles, also those that have no position, and one location call."""
    sim.devices[CAR].located = False
    result = await poll(connection, host)
    assert result.error is None
    assert result.roster == frozenset({VAN, CAR, CAM})
    assert sim.requests[LIST] == 1
    assert sim.requests[LOCATIONS] == 1
    assert sim.requests[LOCATION] == 0
    assert host.known[VAN].position is not None
    assert host.known[VAN].details.name == "Van"
    assert host.known[CAR].position is None
    assert host.known[CAR].details.name == "FT-002"
    assert host.reading(VAN, Reading.DRIVER_NAME) == "Robin"
    assert host.reading(VAN, Reading.ONLINE) is True
    assert host.reading(CAM, Reading.FUEL) == 212.5


async def test_ten_restarts_ask_for_one_token(
    sim: TracksolidSimulator, host: FakeHost
) -> None:
    """A restart ten times within a minute asks for one token."""
    for _ in range(10):
        connection = TracksolidConnection(settings(sim), host)
        await connection.open()
        await poll(connection, host)
        await connection.close()
        host.advance(5)
    assert sim.requests["jimi.oauth.token.get"] == 1


async def test_lists_are_read_rarely(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """One location call a poll; the list every half hour; nothing else is repeated."""
    for _ in range(10):
        result = await poll(connection, host)
        host.advance(15)
    assert result.roster is None
    assert sim.requests[LOCATIONS] == 10
    assert sim.requests[LIST] == 1
    assert sim.requests[ALARMS] <= 3
    assert sim.requests[OBD] == 1
    host.advance(1800)
    assert (await poll(connection, host)).roster is not None


@pytest.mark.parametrize("by", [3600, 400 * 86_400], ids=["an hour", "years"])
async def test_our_clock_is_set_back(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost, by: int
) -> None:
    """All is asked for as before, from the next poll on."""
    await poll(connection, host)
    await connection.host.memory.put(
        "obd_refused_until", host.now().timestamp() + 86_400
    )
    for _ in range(2):
        before = Counter(sim.requests)
        host.advance(-by)
        await poll(connection, host)
        asked = sim.requests - before
        assert asked.keys() >= {LIST, LOCATIONS, ALARMS, TRIPS, OBD}


async def test_sub_accounts(sim: TracksolidSimulator, host: FakeHost) -> None:
    """With their vehicles only if the user wishes, however deep they are."""
    sim.children = {"fleet": ["north", "empty"], "north": ["deep"]}
    sim.devices[CAR].account = "north"
    sim.devices[CAM].account = "deep"
    without = TracksolidConnection(settings(sim), host)
    assert (await poll(without, host)).roster == frozenset({VAN})
    await without.close()
    connection = TracksolidConnection(settings(sim, **{SUB_ACCOUNTS: True}), host)
    assert (await poll(connection, host)).roster == frozenset({VAN, CAR, CAM})
    assert await connection.account_of(CAM) == "deep"
    assert await connection.account_of("stranger") == "fleet"
    # three accounts with devices, but one batch takes them all
    assert sim.requests[LOCATION] == 1
    await connection.close()


async def test_many_vehicles_in_few_accounts(
    sim: TracksolidSimulator, host: FakeHost
) -> None:
    """A call for each account where that takes fewer than batches."""
    sim.children = {"fleet": ["north"]}
    for number in range(250):
        vehicle = world.parked(world.HOME, START.timestamp() - 1000)
        imei = f"8612{number:011}"
        account = "north" if number % 2 else "fleet"
        sim.add(Device(imei, f"Car {number}", vehicle, account=account))
    connection = TracksolidConnection(settings(sim, **{SUB_ACCOUNTS: True}), host)
    result = await poll(connection, host)
    assert result.roster is not None
    assert len(result.roster) == 253
    assert sim.requests[LOCATIONS] == 2
    assert sim.requests[LOCATION] == 0
    await connection.close()


async def test_sub_account_that_is_refused(
    sim: TracksolidSimulator, host: FakeHost
) -> None:
    """The rest is read, but nothing is said to be gone."""
    sim.children = {"fleet": ["north"]}
    sim.devices[CAR].account = "north"
    connection = TracksolidConnection(settings(sim, **{SUB_ACCOUNTS: True}), host)
    assert (await poll(connection, host)).roster == frozenset({VAN, CAR, CAM})
    host.advance(1900)
    sim.children = {"fleet": ["north", "gone"]}
    sim.devices[CAR].account = "gone"
    sim.fail("jimi.user.child.list", 1002, "Illegal user")
    result = await poll(connection, host)
    assert result.roster is None
    assert connection.fleet.devices.keys() == {VAN, CAR, CAM}
    host.advance(1900)
    sim.fail(LIST, 1002, "Illegal user", times=-1)
    with pytest.raises(VehicleUnavailable):
        await connection.fleet.read()
    await connection.close()


async def test_excluded_vehicles(sim: TracksolidSimulator, host: FakeHost) -> None:
    """Excluded vehicles are not asked for one by one, but are in the roster."""
    connection = TracksolidConnection(settings(sim, **{EXCLUDED: [VAN]}), host)
    result = await poll(connection, host)
    assert result.roster is not None
    assert VAN in result.roster
    assert VAN not in host.known
    asked = [params["imeis"] for name, params in sim.calls if name == TRIPS]
    assert asked and all(VAN not in imeis for imeis in asked)
    await connection.close()


async def test_first_list_fails(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """Without any list there is nothing to show."""
    sim.fail(LIST, how="status")
    with pytest.raises(CannotConnect):
        await connection.poll()
    assert (await poll(connection, host)).error is None


async def test_later_list_fails(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """The known vehicles go on being located, and the error is told."""
    await poll(connection, host)
    host.advance(1900)
    sim.fail(LIST, how="html")
    result = await poll(connection, host)
    assert isinstance(result.error, InvalidAnswer)
    assert result.roster is None
    assert host.reading(VAN, Reading.ONLINE) is True
    assert (await poll(connection, host)).roster is not None


async def test_locations_fail(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """Without positions a poll has failed."""
    await poll(connection, host)
    sim.fail(LOCATIONS, how="half")
    result = await connection.poll()
    assert isinstance(result.error, InvalidAnswer)
    assert not result.updates


@pytest.mark.parametrize(
    ("method", "asked_within"),
    [
        (ALARMS, 2 * HOUR),
        (TRIPS, 2 * HOUR),
        (INSTRUCTIONS, 8 * 24 * HOUR),
        (PHOTOS, 2 * HOUR),
    ],
)
async def test_part_that_fails(
    connection: TracksolidConnection,
    sim: TracksolidSimulator,
    host: FakeHost,
    method: str,
    asked_within: int,
) -> None:
    """A reader that fails does not keep the others back."""
    stand_still(sim)
    await poll(connection, host)
    host.advance(asked_within)
    sim.fail(method, how="status", times=-1)
    result = await poll(connection, host)
    assert isinstance(result.error, CannotConnect)
    assert {update.vehicle_id for update in result.updates} == {VAN, CAR, CAM}
    sim.heal()
    host.advance(asked_within)
    assert (await poll(connection, host)).error is None


async def test_rate_limit_ends_the_poll(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """After "too frequent" nothing more is asked."""
    sim.fail(TRIPS, 1006, "request frequency is too high")
    result = await poll(connection, host)
    assert isinstance(result.error, RateLimited)
    assert result.updates
    assert not sim.requests[INSTRUCTIONS]
    host.advance(1900)
    sim.fail(LIST, 1006, "request frequency is too high")
    with pytest.raises(RateLimited):
        await connection.poll()


async def test_daily_quota_is_told_and_clears_by_itself(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """Requests stop for hours, with a repair issue."""
    await poll(connection, host)
    sim.fail(LOCATIONS, 1006, "The request frequency exceeds the times per day")
    result = await connection.poll()
    assert isinstance(result.error, RateLimited)
    assert "tracksolid_daily_quota" in host.problems
    host.advance(4 * 3600)
    assert (await poll(connection, host)).error is None
    assert not host.problems


async def test_wrong_password_later(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """A changed password asks for a new one."""
    await poll(connection, host)
    sim.password = "changed"
    sim.drop_tokens()
    host.advance(61)
    result = await connection.poll()
    assert isinstance(result.error, AuthenticationFailed)


async def test_another_program_is_told(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """Tokens that die again and again raise a problem, which clears."""
    await poll(connection, host)
    for _ in range(3):
        host.advance(61)
        sim.drop_tokens()
        await connection.poll()
    assert "account_shared" in host.problems
    host.advance(3600)
    await poll(connection, host)
    assert not host.problems


async def test_one_refused_vehicle(sim: TracksolidSimulator, host: FakeHost) -> None:
    """A vehicle that was moved away does not blind the others; the list is read again."""
    sim.children = {"fleet": ["a", "b"]}
    sim.devices[CAR].account, sim.devices[CAM].account = "a", "b"
    connection = TracksolidConnection(settings(sim, **{SUB_ACCOUNTS: True}), host)
    await poll(connection, host)
    host.advance(90)
    sim.devices[CAR].account = "elsewhere"
    result = await poll(connection, host)
    assert {VAN, CAM} <= {update.vehicle_id for update in result.updates}
    host.advance(90)
    assert (await poll(connection, host)).roster == frozenset({VAN, CAM})
    await connection.close()


async def test_poll_interval(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """Quick while somebody drives."""
    await poll(connection, host)
    assert connection.poll_interval() == timedelta(seconds=15)
    del sim.devices[CAM]
    host.known.pop(CAM)
    await poll(connection, host)
    assert connection.poll_interval() == timedelta(seconds=60)


async def test_look(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """One fresh look, even while polling pauses."""
    await poll(connection, host)
    host.advance(30)
    sim.fail(LOCATIONS, 1006, "request frequency is too high")
    await connection.poll()
    update = await connection.look(VAN)
    assert update.position is not None
    sim.devices[CAR].located = False
    assert (await connection.look(CAR)).position is None
    with pytest.raises(VehicleUnavailable):
        await connection.look("1")
    connection.fleet.devices.pop(CAR)
    with pytest.raises(VehicleUnavailable):
        await connection.look(CAR)


# --- TAGs -----------------------------------------------------------------------------------


async def test_tags(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """TAGs are asked for one by one; other vehicles once a day, over restarts too."""
    car, van = sim.devices[CAR], sim.devices[VAN]
    car.located, car.tag = False, True
    van.located = False
    assert (await poll(connection, host)).error is None
    assert sim.requests[TAG] == 2
    position = host.known[CAR].position
    assert position is not None
    assert position.kind is FixKind.BEACON
    assert host.known[VAN].position is None
    again = TracksolidConnection(settings(sim), host)
    host.advance(660)
    await poll(again, host)
    await poll(again, host)
    assert [p["imei"] for n, p in sim.calls if n == TAG] == [VAN, CAR, CAR]
    stand_still(sim)
    host.advance(86_400)
    van.tag = True
    for _ in range(2):
        await poll(again, host)
        host.advance(660)
    assert host.known[VAN].position is not None
    await again.close()


async def test_pushed_tag_is_not_polled(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """Until its pushes stop."""
    car = sim.devices[CAR]
    car.located, car.tag = False, True
    await poll(connection, host)
    raw = json.dumps([pushes.tag(car, host.clock())]).encode()
    push = PushRequest(
        method="POST",
        path="/api/v1/tag/data/push",
        content_type="application/json",
        body=raw,
        remote="127.0.0.1",
    )
    assert (await connection.receive_push(push)).status == 200
    for expected in (1, 1, 1, 2):
        assert sim.requests[TAG] == expected
        host.advance(660)
        await poll(connection, host)


async def test_tags_that_cannot_be_asked_for(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """A server that is down says nothing of what is a TAG; and no poll asks for many."""
    sim.devices[CAR].located = False
    sim.fail(TAG, how="status")
    assert isinstance((await poll(connection, host)).error, CannotConnect)
    sim.devices[CAR].tag = True
    await poll(connection, host)
    assert host.known[CAR].position is not None
    for number in range(12):
        imei = f"8612{number:011}"
        vehicle = world.parked(world.HOME, START.timestamp() - 1000)
        sim.add(Device(imei, "Tag", vehicle, tag=True, located=False))
    host.advance(1900)
    before = sim.requests[TAG]
    await poll(connection, host)
    assert sim.requests[TAG] == before + 5


# --- alarms ---------------------------------------------------------------------------------


async def test_alarms_are_told_once(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """Nothing from before the first poll; then each alarm, however often it is read."""
    await poll(connection, host)
    assert not [o for _, o in host.occurrences if o.kind is OccurrenceKind.ALARM]
    for _ in range(14):
        host.advance(30)
        await poll(connection, host)
    alarms = [
        (occurrence.code, occurrence.occurred_at)
        for vehicle, occurrence in host.occurrences
        if vehicle == VAN and occurrence.kind is OccurrenceKind.ALARM
    ]
    assert len(alarms) == len(set(alarms))
    assert {code for code, _ in alarms} >= {"1001", "1002", "28", "29", "3"}
    assert sim.requests[ALARMS] == 7


async def test_late_alarm_is_not_missed(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """A tracker that was in a tunnel tells its alarm minutes later."""
    await poll(connection, host)
    host.advance(600)
    await poll(connection, host)
    car = sim.devices[CAR]
    car.alarms.append(car.alarm("1", "SOS alert", host.clock() - 400))
    host.advance(61)
    await poll(connection, host)
    assert [o.code for v, o in host.occurrences if v == CAR] == ["1"]


async def test_alarms_after_a_restart(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """The cursor outlives a restart, so that nothing is missed meanwhile."""
    await poll(connection, host)
    host.advance(3600)
    car = sim.devices[CAR]
    car.alarms.append(car.alarm("1", "SOS alert", host.clock() - 1800))
    again = TracksolidConnection(settings(sim), host)
    await poll(again, host)
    assert [o.code for v, o in host.occurrences if v == CAR] == ["1"]
    await again.close()


async def test_engine_cut_follows_its_alarms(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """138 and 139 say what the immobiliser does, whoever told it to."""
    await poll(connection, host)
    host.advance(120)
    car = sim.devices[CAR]
    car.alarms.append(car.alarm("138", "Immobilizer on", host.clock() - 10))
    await poll(connection, host)
    assert host.reading(CAR, Reading.ENGINE_CUT) is True
    host.advance(120)
    car.alarms.append(car.alarm("139", "Immobilizer off", host.clock() - 10))
    await poll(connection, host)
    assert host.reading(CAR, Reading.ENGINE_CUT) is False


async def test_pushed_alarm_is_told_once(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """A pushed alarm fires once though sent twice, and once more by polling never."""
    await poll(connection, host)
    host.advance(120)
    car = sim.devices[CAR]
    at = host.clock() - 20
    car.alarms.append(car.alarm("3", "Vibration alert", at))
    item = pushes.alarm(car, "3", "Vibration alert", at + 5)
    for _ in range(2):
        answer = await connection.receive_push(request("/pushalarm", [item]))
        assert answer.body == {"code": 0, "msg": "success"}
    await poll(connection, host)
    host.advance(700)
    await poll(connection, host)
    assert [o.code for v, o in host.occurrences if v == CAR] == ["3"]


async def test_alarm_that_is_pushed_by_both_families(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """Who has both set up is told once, in whichever order they come."""
    await poll(connection, host)
    host.advance(120)
    car = sim.devices[CAR]
    for code, notified_first in (("3", False), ("2", True)):
        at = host.clock() - 20
        ways = [
            request("/pushalarm", [pushes.alarm(car, code, "Alert", at + 5)]),
            request(
                "",
                {
                    "msgType": "jimi.push.device.alarm",
                    "data": pushes.notification(car, code, "Alert", at),
                },
            ),
        ]
        for way in reversed(ways) if notified_first else ways:
            await connection.receive_push(way)
    assert [o.code for v, o in host.occurrences if v == CAR] == ["3", "2"]


async def test_end_of_an_alarm_is_not_its_repetition(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """It has the number of the alarm, and may come right after it in another way."""
    await poll(connection, host)
    host.advance(120)
    car = sim.devices[CAR]
    at = host.clock() - 20
    car.alarms.append(car.alarm("28", "Door open", at))
    await poll(connection, host)
    end = pushes.hub_alarm(car, "28", at + 5, removed=True)
    await connection.receive_push(request("/pushalarm", [end]))
    types = [o.type for v, o in host.occurrences if v == CAR]
    assert types == [OccurrenceType.DOOR_OPENED, OccurrenceType.CLEARED]


async def test_two_alarms_in_a_second(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """Two geofences that are left at once are two alarms."""
    await poll(connection, host)
    host.advance(120)
    car = sim.devices[CAR]
    for number in "12":
        left = car.alarm("out", "Exit fence", host.clock() - 20)
        car.alarms.append(left | {"geoid": number})
    await poll(connection, host)
    host.advance(61)
    await poll(connection, host)
    left_fences = [o.details for v, o in host.occurrences if v == CAR]
    assert [details["geofence"] for details in left_fences] == ["1", "2"]


async def test_alarm_that_is_polled_before_it_is_pushed(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """The other way round; but another alarm of the same type is another one."""
    await poll(connection, host)
    host.advance(120)
    car = sim.devices[CAR]
    at = host.clock() - 20
    car.alarms.append(car.alarm("3", "Vibration alert", at))
    await poll(connection, host)
    for seconds in (3, 600):
        item = pushes.alarm(car, "3", "Vibration alert", at + seconds)
        host.advance(seconds)
        await connection.receive_push(request("/pushalarm", [item]))
    assert len([o for v, o in host.occurrences if v == CAR]) == 2


@pytest.mark.parametrize(
    ("pushed", "polled", "told"),
    [
        ((0,), (0, 40), 2),  # of two that were raised one was pushed
        ((40,), (0, 40), 2),
        ((0, 40), (0, 40), 2),  # both were
        ((3, 43), (0, 40), 2),  # a little later by the gateway's clock
        ((0,), (40,), 2),  # of each only one form comes
        ((0, 8), (0, 8), 2),  # one soon after the other
        ((0,), (0, 8), 2),
        ((8,), (0, 8), 2),
        ((5,), (0,), 1),
        ((25,), (0,), 1),
    ],
)
@pytest.mark.parametrize("polled_first", [False, True])
async def test_alarms_of_one_type_soon_after_each_other(
    connection: TracksolidConnection,
    sim: TracksolidSimulator,
    host: FakeHost,
    pushed: tuple[int, ...],
    polled: tuple[int, ...],
    told: int,
    polled_first: bool,
) -> None:
    """Two forms of one alarm are one; two alarms are two, whichever form comes of them."""
    await poll(connection, host)
    host.advance(120)
    car = sim.devices[CAR]
    at = host.clock() - 60
    items = [
        pushes.alarm(car, "3", "Vibration alert", at + seconds) for seconds in pushed
    ]
    for seconds in polled:
        car.alarms.append(car.alarm("3", "Vibration alert", at + seconds))
    if polled_first:
        await poll(connection, host)
    await connection.receive_push(request("/pushalarm", items))
    for _ in range(2):
        host.advance(700)
        await poll(connection, host)
    assert len([o for v, o in host.occurrences if v == CAR]) == told


async def test_pushed_alarms_are_polled_rarely(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """Polling alarms slows when they truly are pushed, and takes over when that ends."""
    await poll(connection, host)
    item = pushes.alarm(sim.devices[CAR], "3", "Vibration alert", host.clock())
    await connection.receive_push(request("/pushalarm", [item]))
    reads = 0
    for _ in range(10):
        host.advance(60)
        before = sim.requests[ALARMS]
        await poll(connection, host)
        reads += sim.requests[ALARMS] > before
    assert reads == 1
    host.advance(7 * 3600)
    for _ in range(3):
        host.advance(60)
        before = sim.requests[ALARMS]
        await poll(connection, host)
        assert sim.requests[ALARMS] > before


# --- trips ----------------------------------------------------------------------------------


async def test_last_trip(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """The last trip is there from the start, and the vendor is asked after each stop."""
    await poll(connection, host)
    assert host.reading(VAN, Reading.LAST_TRIP_DISTANCE) is not None
    assert host.reading(CAR, Reading.LAST_TRIP_DISTANCE) is None
    before = sim.requests[TRIPS]
    for _ in range(24):
        host.advance(15)
        await poll(connection, host)
    # The van only stands at lights: its trip goes on, whatever the vendor makes of it.
    trips = host.known[VAN].trips
    assert len(trips.vendors) >= 2
    assert trips.running is not None
    assert sim.requests[TRIPS] - before <= 4
    # After a restart it is asked for all, and no time is counted twice.
    again = TracksolidConnection(settings(sim), host)
    await poll(again, host)
    after = host.known[VAN].trips
    assert set(after.vendors) > set(trips.vendors)
    assert len(set(after.vendors)) == len(after.vendors)
    assert all(
        one.found.until <= other.begin
        for one, other in zip(after.trips, after.trips[1:], strict=False)
    )
    await again.close()


async def test_pushed_trip_is_not_polled_again(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """A trip report and the mileage report tell of the same drive."""
    await poll(connection, host)
    van = sim.devices[VAN]
    host.advance(400)
    start, end = list(van.trips(host.clock() - 300, host.clock()))[-1]
    item = pushes.trip(van, start, end)
    await connection.receive_push(request("/pushtripreport", [item]))
    reader_of(connection, TripReader)._stopped[VAN] = START
    await poll(connection, host)
    told = host.known[VAN].trips.vendors
    again = TracksolidConnection(settings(sim), host)
    await poll(again, host)
    await again.close()
    assert host.known[VAN].trips.vendors is told
    begins = [one.begin for one in told]
    assert len(begins) == len(set(begins))
    assert [one.consumption for one in told if one.begin == start] == [1.4]
    assert host.reading(VAN, Reading.LAST_TRIP_CONSUMPTION) == 1.4


async def test_trip_that_goes_on(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """A row of a drive that still goes on is none yet."""
    await poll(connection, host)
    sim.devices[VAN].tells_open_drives = True
    host.advance(60)
    ended = host.reading(VAN, Reading.LAST_TRIP_ENDED)
    await poll(connection, host)
    assert host.reading(VAN, Reading.IGNITION) is True
    reader_of(connection, TripReader)._stopped[VAN] = START - timedelta(minutes=5)
    before = sim.requests[TRIPS]
    await poll(connection, host)
    assert sim.requests[TRIPS] == before + 1
    assert host.reading(VAN, Reading.LAST_TRIP_ENDED) == ended


async def an_hour_later(connection: TracksolidConnection, host: FakeHost) -> None:
    """Poll when all vehicles are asked for their trips again."""
    host.advance(HOUR + 1)
    await poll(connection, host)


def told_of(host: FakeHost, imei: str) -> list[tuple[float, float, float]]:
    """Return begins, ends and metres of a vehicle's trips."""
    return [
        (one.begin, one.found.until, one.found.distance_m)
        for one in host.known[imei].trips.trips
    ]


async def test_trips_that_the_platform_corrects(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """Distance, begin, end, one that it finds late, one that it takes back; by no more calls."""
    for device in sim.devices.values():
        device.reported = []
    car, now = sim.devices[CAR], START.timestamp()
    before, first = (now - 9000, now - 8400, 7000.0), (now - 5400, now - 4500, 9000.0)
    car.reported = [before, first]
    await poll(connection, host)
    assert told_of(host, CAR) == [first]
    second = (now + 600, now + 1800, 12_000.0)
    car.reported = [before, first, second]
    asked = sim.requests[TRIPS]
    await an_hour_later(connection, host)
    assert told_of(host, CAR) == [first, second]
    ids = [one.trip_id for one in host.known[CAR].trips.trips]
    for corrected in (
        (now + 600, now + 1800, 12_500.0),
        (now + 600, now + 1980, 12_500.0),
        (now + 480, now + 1980, 12_500.0),
        # Back to what it was at first.
        second,
    ):
        car.reported = [before, first, corrected]
        await an_hour_later(connection, host)
        assert told_of(host, CAR) == [first, corrected]
        assert [one.trip_id for one in host.known[CAR].trips.trips] == ids
    late = (now - 2400, now - 1800, 4000.0)
    car.reported = [before, first, late, second]
    await an_hour_later(connection, host)
    assert told_of(host, CAR) == [first, late, second]
    car.reported = [before, first, late]
    await an_hour_later(connection, host)
    assert told_of(host, CAR) == [first, late, second]
    await an_hour_later(connection, host)
    assert told_of(host, CAR) == [first, late]
    # It is there again.
    car.reported = [before, first, late, second]
    await an_hour_later(connection, host)
    assert told_of(host, CAR) == [first, late, second]
    vendors = host.known[CAR].trips.told_by_vendor
    await an_hour_later(connection, host)
    assert host.known[CAR].trips.told_by_vendor is vendors
    hours = 10
    assert sim.requests[TRIPS] - asked == hours


async def test_pushed_trip_that_is_never_listed_stays(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """Some platforms push trips and list none."""
    car = sim.devices[CAR]
    car.reported = []
    await poll(connection, host)
    now = host.clock()
    item = {**pushes.trip(car, now - 900, now - 300), "miles": 7.5}
    await connection.receive_push(request("/pushtripreport", [item]))
    told = told_of(host, CAR)
    assert len(told) == 1
    for _ in range(3):
        await an_hour_later(connection, host)
    assert told_of(host, CAR) == told


@pytest.mark.parametrize("drives", [3, 110])
async def test_what_may_be_corrected_is_asked_for_in_the_same_call(
    connection: TracksolidConnection,
    sim: TracksolidSimulator,
    host: FakeHost,
    drives: int,
) -> None:
    """Not where it takes another call: then only what is new."""
    car, now = sim.devices[CAR], START.timestamp()
    car.reported = [(now - 600, now - 500, 900.0)]
    await poll(connection, host)
    host.advance(1700)
    car.reported += [
        (now + 15 * number, now + 15 * number + 10, 250.0) for number in range(drives)
    ]
    for _ in range(2):
        asked = sim.requests[TRIPS]
        reader_of(connection, TripReader)._stopped[CAR] = START
        await poll(connection, host)
    assert sim.requests[TRIPS] - asked == 1
    assert len(told_of(host, CAR)) == min(drives + 1, 100)


# --- OBD ------------------------------------------------------------------------------------


async def test_obd(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """Read while driving, with trouble codes of those that have OBD."""
    cam = sim.devices[CAM]
    cam.faults.append(("P0301", "Misfire", host.clock() - 60))
    await poll(connection, host)
    host.advance(301)
    await poll(connection, host)
    assert host.reading(CAM, Reading.ENGINE_SPEED) is not None
    assert host.reading(CAM, Reading.VEHICLE_VOLTAGE) == 12.6
    assert host.reading(CAM, Reading.TROUBLE_CODES) == 1
    codes = [o.code for _, o in host.occurrences if o.code == "P0301"]
    assert codes == ["P0301"]
    assert host.reading(VAN, Reading.ENGINE_SPEED) is None
    asked = [params["imeis"] for name, params in sim.calls if name == FAULTS]
    assert asked == [CAM]


async def test_tracker_that_reports_obd_rarely(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """No report falls between two readings."""
    sim.devices[CAM].obd_every = 600
    await poll(connection, host)
    host.advance(240)
    for _ in range(3):
        await poll(connection, host)
        host.advance(301)
    # It was 4 minutes old when it was read.
    measured = host.known[CAM].groups["obd"].measured_at
    assert measured == START + timedelta(minutes=10)


async def test_pushed_obd_is_not_polled(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """Reports and trouble codes that truly are pushed are not asked for."""
    await poll(connection, host)
    cam = sim.devices[CAM]
    await connection.receive_push(
        request("/pushobd", [pushes.obd(cam, host.clock(), engine_rpm=900)])
    )
    await connection.receive_push(
        request("/pushfaultinfo", [pushes.faults(cam, host.clock(), "P0420")])
    )
    before = sim.requests[OBD], sim.requests[FAULTS]
    host.advance(600)
    await poll(connection, host)
    assert (sim.requests[OBD], sim.requests[FAULTS]) == before
    assert host.reading(CAM, Reading.ENGINE_SPEED) == 900
    assert host.reading(CAM, Reading.TROUBLE_CODES) == 1
    host.advance(2400)
    await poll(connection, host)
    assert sim.requests[OBD] == before[0] + 1


async def test_account_without_obd(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """An account that may not ask is asked once a day, and nobody is bothered."""
    sim.fail(OBD, 1100, "Business exception", times=-1)
    await poll(connection, host)
    for _ in range(3):
        host.advance(400)
        assert (await poll(connection, host)).error is None
    assert sim.requests[OBD] == 1
    stand_still(sim)
    host.advance(86_400)
    await poll(connection, host)
    await poll(connection, host)
    assert sim.requests[OBD] == 2


# --- what vehicles can be told --------------------------------------------------------------


async def test_capabilities(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """Each model's list is asked for once and kept over a restart."""
    for _ in range(3):
        await poll(connection, host)
        host.advance(15)
    assert sim.requests[INSTRUCTIONS] == 3
    assert host.known[VAN].capabilities == {
        "events",
        "commands",
        "cut_engine",
        "restore_engine",
        "reboot",
    }
    assert host.known[CAR].capabilities == {
        "events",
        "commands",
        "cut_engine",
        "restore_engine",
        "locate",
        "reboot",
    }
    assert host.known[CAM].capabilities >= {
        "camera",
        "take_photo:1",
        "take_photo:2",
        "commands",
        "reboot",
    }
    assert "cut_engine" not in host.known[CAM].capabilities
    again = TracksolidConnection(settings(sim), host)
    await poll(again, host)
    assert sim.requests[INSTRUCTIONS] == 3
    assert again.lists.capabilities(again.fleet.devices[VAN]) == {
        "commands",
        "cut_engine",
        "restore_engine",
        "reboot",
    }
    await again.close()


async def test_list_that_is_refused(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """A model without a list is asked for again a day later."""
    sim.fail(INSTRUCTIONS, 1100, "Business exception", times=-1)
    for _ in range(4):
        await poll(connection, host)
        host.advance(15)
    assert sim.requests[INSTRUCTIONS] == 3
    sim.heal()
    stand_still(sim)
    host.advance(86_500)
    for _ in range(2):
        await poll(connection, host)
    assert "cut_engine" in host.known[VAN].capabilities


async def test_instructions_on_demand(
    connection: TracksolidConnection, sim: TracksolidSimulator
) -> None:
    """A list is asked for when somebody wants it, if it is not there yet."""
    await connection.fleet.read()
    found = await connection.instructions(VAN)
    assert {one.id for one in found} == {"163", "12", "20", "99"}
    await connection.instructions(VAN)
    assert sim.requests[INSTRUCTIONS] == 1


@pytest.mark.parametrize(
    "stored",
    [None, 5, {"VL802": 5}, {"VL802": {"list": 5}}, {"VL802": {"list": [5, {}]}}],
)
async def test_memory_that_holds_something_else(
    sim: TracksolidSimulator, session: aiohttp.ClientSession, stored: object
) -> None:
    """Memories of another form count for nothing."""
    memory = FakeMemory()
    for key in (
        "instructions",
        "live",
        "last_trips",
        "obd_vehicles",
        "token",
        "batch_limit",
        "alarms_read_until",
        "lbs_calls",
    ):
        memory.stored[key] = json.dumps(stored)
    host = FakeHost(session, memory=memory)
    connection = TracksolidConnection(settings(sim), host)
    assert (await poll(connection, host)).error is None
    await connection.close()


# --- cameras --------------------------------------------------------------------------------


async def test_taking_a_photo(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """The photo is looked for until it is there, and is then the newest."""
    await poll(connection, host)
    assert connection.photos.newest(CAM) is None
    await connection.execute(CAM, Command(TracksolidCommand.TAKE_PHOTO, {"part": "2"}))
    assert host.polls_asked_for[-1] == 15
    host.advance(16)
    await poll(connection, host)
    photo = connection.photos.newest(CAM)
    assert photo is not None
    assert photo.camera == 1
    assert host.reading(CAM, Reading.PHOTO_TAKEN) == photo.created_at
    before = sim.requests[PHOTOS]
    host.advance(60)
    await poll(connection, host)
    assert sim.requests[PHOTOS] == before


async def test_photo_that_does_not_come(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """After some tries it is not waited for any more."""
    await poll(connection, host)
    connection.photos.expect(CAM)
    before = sim.requests[PHOTOS]
    for _ in range(20):
        host.advance(16)
        await poll(connection, host)
    assert sim.requests[PHOTOS] - before == 7
    assert connection.photos.wait() is None


async def test_video_and_offline_camera(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """A video of some seconds; a device that is not there says so."""
    await poll(connection, host)
    await connection.execute(
        CAM, Command(TracksolidCommand.RECORD_VIDEO, {"seconds": 3})
    )
    assert sim.devices[CAM].media[-1].kind == 2
    sim.fail_inside("jimi.device.meida.cmd.send", "228")
    with pytest.raises(VehicleOffline):
        await connection.execute(CAM, Command(TracksolidCommand.TAKE_PHOTO))


async def test_upload_brings_the_photo(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """A pushed upload is looked for soon."""
    await poll(connection, host)
    shoot(sim, sim.devices[CAM], 0)
    item = pushes.sample("/uploadCallback", sim.devices[CAM], host.clock())
    await connection.receive_push(request("/uploadCallback", [item]))
    assert host.polls_asked_for
    host.advance(16)
    await poll(connection, host)
    assert connection.photos.newest(CAM) is not None


async def test_live_is_learned_by_one_try(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """Only a vehicle that is awake is tried, once, and its stream is closed again."""
    for _ in range(4):
        await poll(connection, host)
        host.advance(15)
    assert connection.cameras.channels(CAM) == (0, 1)
    assert {"live_view:1", "live_view:2"} <= host.known[CAM].capabilities
    assert not sim.devices[CAM].streams
    assert sim.requests[LIVE] == 2
    again = TracksolidConnection(settings(sim), host)
    await poll(again, host)
    assert again.cameras.channels(CAM) == (0, 1)
    assert sim.requests[LIVE] == 2
    await again.close()


async def test_live_that_does_not_work(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """No camera entity then; tried again a week later."""
    sim.live_works = False
    for _ in range(4):
        await poll(connection, host)
        host.advance(15)
    assert sim.requests[LIVE] == 1
    assert not connection.cameras.channels(CAM)
    sim.live_works = True
    # The truck drives on: only then is its camera tried.
    van = sim.devices[VAN]
    van.vehicle = world.parked(world.HOME, host.clock())
    host.advance(8 * 86_400)
    for _ in range(3):
        await poll(connection, host)
    assert connection.cameras.channels(CAM) == (0, 1)


@pytest.mark.usefixtures("idle_clock")
@pytest.mark.parametrize("code", ["225", "228", "229", "238", "252", "-1", "hang"])
async def test_live_that_cannot_be_tried_now(
    connection: TracksolidConnection,
    sim: TracksolidSimulator,
    host: FakeHost,
    code: str,
) -> None:
    """A vehicle that is busy or does not answer says nothing of its camera."""
    await poll(connection, host)
    device = connection.fleet.devices[CAM]
    connection.cameras._live.clear()
    asked, closed = sim.requests[LIVE], sim.requests[CLOSE]
    if code == "hang":
        sim.fail(LIVE, how="hang")
    elif code == "-1":
        sim.fail(LIVE, -1, "System is busy")
    else:
        sim.fail(LIVE, 12005, f"Fail to send command. Result code：{code}")
    await connection.cameras.try_live(device)
    sim.heal()
    assert sim.requests[LIVE] == asked + 1
    assert (sim.requests[CLOSE] > closed) is (code in {"225", "hang"})
    assert not connection.cameras.wants_trying(CAM)
    host.advance(15 * 60)
    assert connection.cameras.wants_trying(CAM)
    await connection.cameras.try_live(device)
    assert connection.cameras.channels(CAM) == (0, 1)
    host.advance(8 * 86_400)
    assert not connection.cameras.wants_trying(CAM)


async def test_live_of_one_channel_only_so_far(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """What works is there at once; only the rest is tried again, also after a restart."""
    await poll(connection, host)
    connection.cameras._live.clear()
    device = connection.fleet.devices[CAM]
    sim.fail(LIVE, 12005, "Fail to send command. Result code：252", skip=1)
    await connection.cameras.try_live(device)
    assert connection.cameras.channels(CAM) == (0,)
    again = TracksolidConnection(settings(sim), host)
    assert again.cameras.channels(CAM) == (0,)
    assert not again.cameras.wants_trying(CAM)
    host.advance(15 * 60)
    assert again.cameras.wants_trying(CAM)
    asked = sim.requests[LIVE]
    await again.cameras.try_live(device)
    assert sim.requests[LIVE] == asked + 1
    assert again.cameras.channels(CAM) == (0, 1)
    await again.close()


async def test_live_is_not_tried_when_too_much_was_asked(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """A rate limit ends the try; the next poll goes on with it."""
    await poll(connection, host)
    connection.cameras._live.clear()
    sim.fail(LIVE, 1006, "request frequency is too high")
    with pytest.raises(RateLimited):
        await connection.cameras.try_live(connection.fleet.devices[CAM])
    assert connection.cameras.wants_trying(CAM)


async def test_photos_of_one_vehicle_fail(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """The others' are read all the same; too frequent asking stops, and loses none."""
    await poll(connection, host)
    sim.devices[VAN].model = "JC261"
    sim.devices[VAN].channels = (0,)
    connection.fleet.list_again()
    host.advance(61)
    await poll(connection, host)
    for imei in (CAM, VAN):
        shoot(sim, sim.devices[imei], 0)
    host.advance(3700)
    sim.fail(PHOTOS, 1002, "Illegal device", only=VAN)
    news = await read_photos(connection, VAN, CAM)
    assert [update.vehicle_id for update in news] == [CAM]
    host.advance(3700)
    shoot(sim, sim.devices[CAM], 0)
    host.advance(3700)
    sim.fail(PHOTOS, 1006, "request frequency is too high", only=VAN)
    news = await read_photos(connection, CAM, VAN)
    assert [update.vehicle_id for update in news] == [CAM]
    host.advance(120)
    assert [u.vehicle_id for u in await read_photos(connection, CAM, VAN)] == [VAN]


async def test_parked_camera_is_not_woken(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """Polling never wakes a device."""
    sim.devices[CAM].vehicle = world.parked(world.HOME, host.clock() - 1000)
    for _ in range(4):
        await poll(connection, host)
        host.advance(15)
    assert not sim.requests[LIVE]


async def test_live_stream(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """A live view is opened for a viewer, and closed after and at the end."""
    await poll(connection, host)
    url = await connection.cameras.open_live(CAM, 1)
    assert url.startswith(sim.root)
    await connection.cameras.close_live(CAM, 1)
    assert not sim.devices[CAM].streams
    await connection.cameras.close_live(CAM, 1)
    await connection.cameras.open_live(CAM, 0)
    sim.fail("jimi.device.media.close.stream", how="status", times=-1)
    await connection.cameras.close_live(CAM, 0)
    counters = connection.diagnostics()["counters"]
    assert isinstance(counters, dict)
    assert counters["streams_not_closed"] == 1
    sim.heal()
    await connection.cameras.open_live(CAM, 0)
    await connection.close()
    assert not sim.devices[CAM].streams


async def test_live_stream_that_is_closed_while_it_is_refused(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """Who opens it is told why it was refused, also when it was closed meanwhile."""
    await poll(connection, host)
    gate = sim.hold(LIVE)
    sim.fail(LIVE, 1006, "request frequency is too high")
    opening = asyncio.ensure_future(connection.cameras.open_live(CAM, 0))
    await gate.waiting.wait()
    await connection.cameras.close_live(CAM, 0)
    gate.open()
    with pytest.raises(RateLimited):
        await opening


async def test_browsing(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """Photos and videos by camera and day, alarm media, and what the device recorded."""
    await poll(connection, host)
    media, today = connection.media, host.now().replace(hour=0)
    assert media is not None
    tomorrow, yesterday = today + timedelta(days=1), today - timedelta(days=1)
    shoot(sim, sim.devices[CAM], 0)
    shoot(sim, sim.devices[CAM], 1, 2, alarm="147")
    host.advance(10)
    assert media.cameras(CAM) == (1, 2)
    assert not media.cameras(CAR)
    (photo,) = await media.files(CAM, 1, today, tomorrow)
    assert photo.is_photo
    assert photo.camera == 1
    (video,) = await media.files(CAM, 2, today, tomorrow)
    assert not video.is_photo
    assert video.camera == 2
    assert not await media.files(CAM, 1, yesterday, today)
    (alarm,) = await media.alarm_files(CAM, today, tomorrow)
    assert alarm.name == "Alarm 147"
    with pytest.raises(VehicleUnavailable):
        await media.alarm_files("1", today, tomorrow)
    camera = connection.fleet.devices[CAM]
    recordings = await connection.cameras.recordings(camera, 1, date(2025, 10, 9))
    assert len(recordings) == 3
    assert recordings[0].channel == 0


# --- pushes ---------------------------------------------------------------------------------


async def test_every_push_is_processed(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """All paths of chapter 10, notifications, and TAG pushes."""
    await poll(connection, host)
    host.updates.clear()
    for path in pushes.PATHS:
        item = pushes.sample(path, sim.devices[VAN], host.clock())
        answer = await connection.receive_push(request(path, [item]))
        assert answer.status == 200
        assert answer.body == {"code": 0, "msg": "success"}
    content = {"imei": VAN, "alarmType": "2", "alarmTime": "2025-10-09 09:00:00"}
    await connection.receive_push(
        request("", {"msgType": "jimi.push.device.alarm", "data": content})
    )
    raw = json.dumps([pushes.tag(sim.devices[VAN], host.clock())]).encode()
    tag = PushRequest(
        method="POST",
        path="/api/v1/tag/data/push",
        content_type="application/json",
        body=raw,
        remote="127.0.0.1",
    )
    assert (await connection.receive_push(tag)).body == {"code": 200, "msg": "success"}
    assert len(host.updates) == 22 + 2
    assert host.reading(VAN, Reading.HUMIDITY) == 61
    assert host.reading(VAN, part_of(TracksolidReading.FUEL_SENSOR_VOLUME, 1)) == 42.5


async def test_push_over_http(
    connection: TracksolidConnection,
    sim: TracksolidSimulator,
    host: FakeHost,
    session: aiohttp.ClientSession,
) -> None:
    """The simulator's pushes come through a real door, in all forms."""
    await poll(connection, host)
    host.updates.clear()

    async def door(incoming: web.Request) -> web.Response:
        answer = await connection.receive_push(
            PushRequest(
                method=incoming.method,
                path=incoming.path.removeprefix("/secret"),
                content_type=incoming.content_type,
                body=await incoming.read(),
                remote=incoming.remote or "",
            )
        )
        if answer.body is None:
            return web.Response(status=answer.status)
        return web.json_response(answer.body, status=answer.status)

    app = web.Application()
    app.router.add_route("*", "/secret{tail:.*}", door)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}/secret"
    pusher = pushes.Pusher(session, base)
    van = sim.devices[VAN]
    try:
        for as_json in (False, True):
            for path in pushes.PATHS:
                item = pushes.sample(path, van, host.clock() - as_json)
                assert await pusher.data(path, [item], as_json=as_json) == (
                    200,
                    {"code": 0, "msg": "success"},
                )
        alarm = {"imei": VAN, "alarmType": "1", "alarmTime": "2025-10-09 09:00:00"}
        assert (await pusher.message("jimi.push.device.alarm", alarm))[0] == 200
        assert await pusher.tags([pushes.tag(van, host.clock())]) == (
            200,
            {"code": 200, "msg": "success"},
        )
        assert (await pusher.data("/nowhere", []))[0] == 404
        async with session.get(base) as probe:
            assert probe.status == 200
    finally:
        await runner.cleanup()
    # face ids and the like are the same item whenever they come
    assert len(host.updates) >= 2 * 22


async def test_token(sim: TracksolidSimulator, host: FakeHost) -> None:
    """A wrong token is refused and told; a right one clears that."""
    connection = TracksolidConnection(settings(sim, **{PUSH_TOKEN: "secret"}), host)
    await poll(connection, host)
    item = pushes.heartbeat(sim.devices[VAN], host.clock())
    answer = await connection.receive_push(request("/pushhb", [item], token="wrong"))
    assert (answer.status, answer.body) == (403, None)
    assert "tracksolid_push_token" in host.problems
    answer = await connection.receive_push(request("/pushhb", [item], token="secret"))
    assert answer.status == 200
    assert not host.problems
    await connection.close()


async def test_stranger(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """An unknown vehicle is answered, ignored, and makes us look for new ones, once."""
    await poll(connection, host)
    host.advance(90)
    for number in range(3):
        item = {"deviceImei": "999", "gateTime": "2025-10-09 09:00:00", "n": number}
        answer = await connection.receive_push(request("/pushhb", [item]))
        assert answer.status == 200
    assert "999" not in host.known
    assert host.polls_asked_for == [1]
    assert (await poll(connection, host)).roster is not None
    counters = connection.diagnostics()["counters"]
    assert isinstance(counters, dict)
    assert counters["unknown_vehicles"] == 3


async def test_excluded_vehicle_is_not_pushed(
    sim: TracksolidSimulator, host: FakeHost
) -> None:
    """Pushes of an excluded vehicle are no news."""
    connection = TracksolidConnection(settings(sim, **{EXCLUDED: [VAN]}), host)
    await poll(connection, host)
    host.updates.clear()
    item = pushes.heartbeat(sim.devices[VAN], host.clock())
    await connection.receive_push(request("/pushhb", [item]))
    assert not host.updates
    await connection.close()


async def test_probe_and_odd_items(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """Empty probes are answered 200, items that say nothing are counted."""
    await poll(connection, host)
    probe = PushRequest(
        method="GET", path="", content_type="", body=b"", remote="127.0.0.1"
    )
    assert (await connection.receive_push(probe)).status == 200
    await connection.receive_push(request("/pushhb", [{"gateTime": "x"}]))
    counters = connection.diagnostics()["counters"]
    assert isinstance(counters, dict)
    assert counters["pushes_without_news"] == 1


async def test_flood(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """What is too much at once is refused, to be repeated; the rest is handed on."""
    await poll(connection, host)

    def heartbeats(number: int) -> PushRequest:
        items = [
            {"deviceImei": VAN, "gateTime": "2025-10-09 09:00:00", "n": f"{number}/{i}"}
            for i in range(50)
        ]
        return request("/pushhb", items)

    before = len(host.updates)
    many = MOST_WAITING // 50 + 2
    answers = await asyncio.gather(
        *(connection.receive_push(heartbeats(number)) for number in range(many))
    )
    refused = [number for number in range(many) if answers[number].status == 503]
    assert refused == [many - 2, many - 1]
    assert len(host.updates) - before == (many - 2) * 50
    # Repeated, it is taken.
    for number in refused:
        assert (await connection.receive_push(heartbeats(number))).status == 200
    assert len(host.updates) - before == many * 50


async def test_push_is_answered_when_it_was_handed_on(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """In the order in which pushes came, and none before its news is known."""
    await poll(connection, host)
    items = [
        pushes.alarm(sim.devices[VAN], "3", "Vibration alert", host.clock() + number)
        for number in range(60)
    ]
    first, second = items[:40], items[40:]
    answered: list[int] = []
    host.occurrences.clear()

    async def push(some: list[dict[str, Any]]) -> None:
        answer = await connection.receive_push(request("/pushalarm", some))
        assert answer.status == 200
        answered.append(len(host.occurrences))

    await asyncio.gather(push(first), push(second))
    assert answered == [40, 60]
    told = [occurrence.occurred_at for _, occurrence in host.occurrences]
    assert told == sorted(told)


async def test_polling_slows_only_while_positions_are_pushed(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """Never before a push came, never for a driver that is not pushed."""
    await poll(connection, host)
    slow, quick = timedelta(minutes=5), timedelta(seconds=15)
    assert connection.poll_interval() == quick
    # Alarms that are not pushed are still asked for every minute.
    for imei, expected in ((VAN, quick), (CAM, timedelta(minutes=1))):
        item = pushes.gps(sim.devices[imei], host.clock())
        await connection.receive_push(request("/pushgps", [item]))
        assert connection.poll_interval() == expected
    item = pushes.alarm(sim.devices[CAR], "3", "Vibration alert", host.clock())
    await connection.receive_push(request("/pushalarm", [item]))
    assert connection.poll_interval() == slow
    assert connection.diagnostics()["positions_pushed"] is True
    host.advance(200)
    assert connection.poll_interval() == quick
    del host.known[CAM]
    assert connection.poll_interval() == slow
    host.advance(600)
    assert connection.poll_interval() == timedelta(seconds=60)


async def test_diagnostics_hold_nothing_private(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """Counters and states, no IMEI, no secret."""
    await poll(connection, host)
    text = json.dumps(dict(connection.diagnostics()))
    for private in (VAN, CAR, CAM, sim.app_secret, sim.root, sim.account):
        assert private not in text


def test_addresses() -> None:
    """The four nodes, and an address by hand with or without its path."""
    assert len(NODES) == 4
    for url in NODES:
        assert api_url(url) == api_url(api_url(url)) == f"{url}/route/rest"
        assert url.startswith("https://")
    assert api_url(" https://my.node/ ") == "https://my.node/route/rest"


async def test_data_is_what_the_flow_stores(sim: TracksolidSimulator) -> None:
    """The keys of the entry's data."""
    assert data(sim).keys() == {
        "server",
        "app_key",
        "app_secret",
        "account",
        "password_md5",
    }


async def test_call_by_name(
    connection: TracksolidConnection, sim: TracksolidSimulator
) -> None:
    """A documented method can be called as it is, and answers what it answered."""
    answer = await connection.call_method(
        "jimi.device.group.list", {"account": "fleet"}
    )
    assert isinstance(answer, dict)
    assert answer["data"] is None
    assert answer["result"] == [
        {"group_id": "b54ab3c430864e31a64e54de44c79a1d", "group_name": "Default"}
    ]
    assert "jimi.device.group.list" in connection.methods


async def test_new_vehicle_that_is_listed_again_at_once(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """A list that was just read is read again a minute later."""
    await poll(connection, host)
    connection.fleet.list_again()
    host.advance(15)
    assert (await poll(connection, host)).roster is None
    host.advance(45)
    assert (await poll(connection, host)).roster is not None
    host.advance(61)
    assert (await poll(connection, host)).roster is None


async def test_list_that_is_empty_all_of_a_sudden(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """An empty list says nothing: vehicles can still be pushed and commanded."""
    await poll(connection, host)
    known = dict(sim.devices)
    host.advance(1900)
    sim.devices.clear()
    assert (await poll(connection, host)).roster is None
    sim.devices.update(known)
    await connection.execute(CAR, Command(TracksolidCommand.REBOOT))
    host.advance(1900)
    assert (await poll(connection, host)).roster == frozenset(known)


async def test_more_accounts_than_can_be_read(
    sim: TracksolidSimulator, host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a huge tree only a part is read, and nothing is said to be gone."""
    monkeypatch.setattr(
        "custom_components.fleet_tracker.vendors.tracksolid.readers.fleet.MOST_ACCOUNTS",
        3,
    )
    sim.children = {"fleet": [f"account{number}" for number in range(10)]}
    connection = TracksolidConnection(settings(sim, **{SUB_ACCOUNTS: True}), host)
    result = await poll(connection, host)
    assert result.roster is None
    assert sim.requests[LIST] == 3
    await connection.close()


async def test_devices_of_a_sub_account_that_are_refused(
    sim: TracksolidSimulator, host: FakeHost
) -> None:
    """A sub-account whose devices may not be listed leaves the list incomplete."""
    sim.children = {"fleet": ["north"]}
    connection = TracksolidConnection(settings(sim, **{SUB_ACCOUNTS: True}), host)
    await poll(connection, host)
    host.advance(1900)
    sim.refused_accounts.add("north")
    assert (await poll(connection, host)).roster is None
    await connection.close()


async def test_vehicle_with_neither_ignition_nor_list(
    connection: TracksolidConnection, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """A vehicle whose ignition is not known has no trips to watch."""
    sim.devices[CAR].fields["accStatus"] = ""
    for _ in range(2):
        assert (await poll(connection, host)).error is None
    assert host.reading(CAR, Reading.IGNITION) is None
