"""The Open API simulator, held against the documents by plain HTTP requests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
import json
import sys
from typing import Any, cast

import aiohttp
from freezegun.api import FrozenDateTimeFactory
import pytest

from tests.simulators.open_api import OpenApiSimulator, main
from tests.simulators.open_api_fleet import (
    DEMO_PASSWORD,
    MISSING,
    Account,
    Alarm,
    Device,
    Reply,
    demo_accounts,
    md5_hex,
)
from tests.simulators.server import ANY_PATH, Fault
from tests.simulators.world import HOME, Route, Vehicle, drive, parked, stand
from tests.simulators_tests.alone import check_alone

START = 1_760_000_400  # on a half hour
VAN, CAR = "358899051025339", "355139000000234"

# JSON as it comes in.
type Answer = dict[str, Any]


class Clock:
    """A clock that only moves when told to."""

    def __init__(self) -> None:
        """Start."""
        self.time: float = START

    def __call__(self) -> float:
        """Return the time."""
        return self.time


class Caller:
    """Sends plain requests, with the token once there is one."""

    def __init__(self, session: aiohttp.ClientSession, url: str, clock: Clock) -> None:
        """Initialize with the session, the URL and the clock."""
        self.session = session
        self.url = url
        self.clock = clock
        self.token: str | None = None

    async def send(self, method: str, path: str, **query: object) -> Answer:
        """Send a request and return the JSON of its answer."""
        if self.token:
            query = {"access_token": self.token, **query}
        params = {name: str(value) for name, value in query.items()}
        url = self.url + path
        async with self.session.request(method, url, params=params) as response:
            assert response.status == 200
            assert response.headers["Content-Type"].lower() == (
                "application/json; charset=utf-8"
            )
            answer: Answer = await response.json()
            return answer

    async def get(self, path: str, **query: object) -> Answer:
        """Send a GET."""
        return await self.send("GET", path, **query)

    async def post(self, path: str, **query: object) -> Answer:
        """Send a POST, whose parameters are in the URL too."""
        return await self.send("POST", path, **query)

    async def log_in(self, account: str = "test", password: str = "Abc@34590") -> str:
        """Get a token and keep it."""
        now = int(self.clock())
        signature = md5_hex(md5_hex(password) + str(now))
        self.token = None
        answer = await self.get(
            "/api/authorization", time=now, account=account, signature=signature
        )
        assert answer["code"] == 0, answer
        assert answer["record"]["expires_in"] == 7200
        token: str = answer["record"]["access_token"]
        self.token = token
        return token


def accounts() -> tuple[Account, ...]:
    """Return an account with two devices, one below it, and a strange one."""
    out = Route(HOME, HOME.away(0, 1000))
    back = Route(out.places[1], HOME)
    van = Vehicle(
        HOME,
        stand(20, door_open=True),
        drive(out, 36),
        stand(60),
        drive(back, 36),
        start=START,
        odometer=51_654,
    )
    devices = [
        Device(imei=VAN, vehicle=van, iccid="89966415211160402250"),
        Device(imei=CAR, vehicle=parked(HOME, START - 86_400)),
    ]
    below = Device(imei="351000091413001", vehicle=parked(HOME, START))
    strange = Device(imei="351000091413002", vehicle=parked(HOME, START))
    return (
        Account(name="test", password="Abc@34590", devices=devices, role=1),
        Account(name="below", password="b", parent="test", devices=[below]),
        Account(name="strange", password="s", devices=[strange]),
    )


@pytest.fixture
def clock() -> Clock:
    """Return the clock of simulator and caller."""
    return Clock()


@pytest.fixture
async def server(clock: Clock) -> AsyncIterator[OpenApiSimulator]:
    """Return a running simulator."""
    async with OpenApiSimulator(
        *accounts(), clock=clock, password_path="/api/user/password"
    ) as server:
        yield server


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """Return a session."""
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def caller(
    session: aiohttp.ClientSession, server: OpenApiSimulator, clock: Clock
) -> Caller:
    """Return a caller who is logged in."""
    caller = Caller(session, server.url, clock)
    await caller.log_in()
    return caller


async def test_signature_of_the_document(
    server: OpenApiSimulator, session: aiohttp.ClientSession, clock: Clock
) -> None:
    """The example of 2.1 logs in at its time, and nothing else does."""
    caller = Caller(session, server.url, clock)
    clock.time = 1_556_243_443
    query = {
        "time": 1_556_243_443,
        "account": "test",
        "signature": "3844afd2c3bf68f0f3f4aa0a9ee8ee6c",
    }
    assert (await caller.get("/api/authorization", **query))["code"] == 0
    wrong: list[tuple[dict[str, object], int]] = [
        ({"signature": "3844AFD2C3BF68F0F3F4AA0A9EE8EE6C"}, 20001),
        ({"time": 1_556_243_444}, 20001),
        ({"account": "nobody"}, 20001),
        ({"time": "noon"}, 10004),
        ({"time": ""}, 10005),
        ({"time": 1_556_243_443 - 301}, 10014),
    ]
    for change, code in wrong:
        answer = await caller.get("/api/authorization", **(query | change))
        assert answer["code"] == code, change
    assert "1556243443" in answer["message"]
    answer = await caller.get("/api/authorization", time=1, account="test")
    assert answer == {
        "code": 10005,
        "message": "Missing required parameter signature",
    }


async def test_accounts_that_may_not_log_in(
    server: OpenApiSimulator, caller: Caller
) -> None:
    """A blocked account is told so at once, one without Open API at the login."""
    server.account("test").blocked = True
    assert (await caller.get("/api/device/list"))["code"] == 10016
    with pytest.raises(AssertionError, match="10016"):
        await caller.log_in()
    server.account("strange").open_api = False
    with pytest.raises(AssertionError, match="10007"):
        await caller.log_in("strange", "s")
    server.account("below").set_password("other")
    with pytest.raises(AssertionError, match="20001"):
        await caller.log_in("below", "b")
    assert await caller.log_in("below", "other")


async def test_tokens(server: OpenApiSimulator, caller: Caller, clock: Clock) -> None:
    """A token lives for 7200 s, until there is a newer one, or until it is dropped."""
    first = caller.token
    second = await caller.log_in()
    assert (await caller.get("/api/device/list"))["code"] == 0
    caller.token = first
    assert (await caller.get("/api/device/list"))["code"] == 10011
    caller.token = second
    clock.time += 7199
    assert (await caller.get("/api/device/list"))["code"] == 0
    clock.time += 1
    assert (await caller.get("/api/device/list"))["code"] == 10012
    server.drop_tokens()
    assert (await caller.get("/api/device/list"))["code"] == 10010
    caller.token = None
    answer = await caller.get("/api/device/list")
    assert (answer["code"], "access_token" in answer["message"]) == (10005, True)


async def test_track(caller: Caller, clock: Clock) -> None:
    """Records are complete, typed as documented, and follow the vehicle."""
    clock.time += 75
    answer = await caller.get("/api/track", imeis=f"{VAN},{CAR}")
    van, car = answer["record"]
    assert van["imei"] == VAN
    assert (van["gpstime"], van["systemtime"]) == (START + 70, START + 71)
    assert (van["hearttime"], van["servertime"]) == (START + 70, START + 75)
    assert (van["speed"], van["course"]) == (36, 0)
    assert van["latitude"] == pytest.approx(HOME.away(0, 500).latitude, abs=1e-5)
    assert (van["accstatus"], van["acctime"], van["doorstatus"]) == (1, 55, 0)
    assert van["mileage"] == van["odometer"] == 51_654 + 500
    assert van["todaymileage"] == 500
    assert van["externalpower"] == "12.1"
    assert (van["fuel"], van["fueltime"]) == ("", 0)
    assert (van["temperature"], van["temperaturetime"]) == ([], 0)
    assert (car["gpstime"], car["speed"], car["accstatus"]) == (START - 86_400, 0, 0)
    assert car["datastatus"] == 2


async def test_track_of_strange_devices(
    server: OpenApiSimulator, caller: Caller, clock: Clock
) -> None:
    """Sentinels, statuses, and records of which a test changed a field."""
    van, car = server.device(VAN), server.device(CAR)
    van.never_online = True
    car.has_ignition = car.has_door = car.has_mileage = False
    car.tank, car.temperatures = 80, (4.2, -18.0)
    car.offline_since = START - 7230
    car.overrides = {"battery": "full", "course": MISSING, "imei": 7}
    answer = await caller.get("/api/track", imeis=f"{VAN},{CAR}")
    never, odd = answer["record"]
    assert (never["datastatus"], never["latitude"], never["gpstime"]) == (1, 0.0, 0)
    assert {never[f"{name}status"] for name in ("acc", "door", "charge")} == {-1}
    assert (odd["battery"], odd["imei"], "course" in odd) == ("full", 7, False)
    assert (odd["accstatus"], odd["acctime"]) == (-1, START)
    assert (odd["doorstatus"], odd["mileage"], odd["odometer"]) == (-1, -1, -1)
    assert odd["datastatus"] == 4
    assert odd["hearttime"] <= START - 7230
    assert 20 <= float(odd["fuel"]) <= 80
    assert len(odd["temperature"]) == 2
    assert all(isinstance(probe, str) for probe in odd["temperature"])
    for name, status in (("expired", 3), ("blocked", 5)):
        setattr(car, name, True)
        answer = await caller.get("/api/track", imeis=CAR)
        assert answer["record"][0]["datastatus"] == status


async def test_batches_and_ownership(server: OpenApiSimulator, caller: Caller) -> None:
    """At most 100 IMEIs, and a single bad one fails them all."""
    fleet = [
        Device(imei=f"35{number:013}", vehicle=parked(HOME, START))
        for number in range(101)
    ]
    server.account("test").devices += fleet
    imeis = [device.imei for device in fleet]
    for path in ("/api/track", "/api/device/detail"):
        assert (await caller.get(path))["message"].endswith("imeis")
        answer = await caller.get(path, imeis=",".join(imeis[:100]))
        assert [record["imei"] for record in answer["record"]] == imeis[:100]
        assert (await caller.get(path, imeis=",".join(imeis)))["code"] == 10006
        for other, code in (("351000091413002", 10013), ("1", 20005)):
            answer = await caller.get(path, imeis=f"{VAN},{other}")
            assert answer["code"] == code
        answer = await caller.get(path, imeis="351000091413001")
        assert answer["code"] == 0
    for code in (20046, 20089):
        server.device(CAR).error = code
        answer = await caller.get("/api/track", imeis=f"{VAN},{CAR}")
        assert answer["code"] == code


async def test_device_list(server: OpenApiSimulator, caller: Caller) -> None:
    """The own devices or a sub-account's, cut off at 500."""
    answer = await caller.get("/api/device/list")
    assert [record["imei"] for record in answer["record"]] == [VAN, CAR]
    assert set(answer["record"][0]) == {
        "imei",
        "devicename",
        "devicetype",
        "platenumber",
        "onlinetime",
        "platformduetime",
        "simcard",
        "iccid",
        "activatedtime",
        "userduetime",
    }
    answer = await caller.get("/api/device/list", account="below")
    assert [record["imei"] for record in answer["record"]] == ["351000091413001"]
    assert (await caller.get("/api/device/list", account="strange"))["code"] == 10007
    assert (await caller.get("/api/device/list", account="nobody"))["code"] == 20005
    server.account("test").devices = [
        Device(imei=f"35{number:013}", vehicle=parked(HOME, START))
        for number in range(501)
    ]
    assert len((await caller.get("/api/device/list"))["record"]) == 500


async def test_playback(caller: Caller, clock: Clock) -> None:
    """Fixes as text, 1000 at a time, the next page from the last time on."""
    clock.time += 130
    answer = await caller.get(
        "/api/playback", imei=VAN, begintime=START, endtime=START + 45
    )
    points = answer["record"].split(";")
    assert [point.split(",")[2] for point in points] == [
        str(START + seconds) for seconds in (0, 20, 30, 40)
    ]
    assert points[0] == f"{HOME.longitude:.6f},{HOME.latitude:.6f},{START},0,0"
    assert points[3].endswith(",36,0")
    clock.time += 10**6
    await caller.log_in()
    end = START + 14_000
    pages, begin = [], START
    while True:
        answer = await caller.get(
            "/api/playback", imei=VAN, begintime=begin, endtime=end
        )
        pages.append(answer["record"].split(";"))
        begin = int(pages[-1][-1].split(",")[2])
        if len(pages[-1]) < 1000:
            break
    assert [len(page) for page in pages] == [1000, 102]
    empty = await caller.get("/api/playback", imei=VAN, begintime=1, endtime=2)
    assert empty == {"record": "", "code": 0}
    query = {"imei": VAN, "begintime": 2, "endtime": 1}
    assert (await caller.get("/api/playback", **query))["code"] == 10006
    query["endtime"] = "soon"
    assert (await caller.get("/api/playback", **query))["code"] == 10004


async def test_mileage(server: OpenApiSimulator, caller: Caller, clock: Clock) -> None:
    """Kilometres between half hours, at most a week."""
    clock.time += 3600
    server.device(CAR).never_online = True
    query: dict[str, object] = {
        "imeis": f"{VAN},{CAR}",
        "begintime": START,
        "endtime": START + 1800,
    }
    answer = await caller.get("/api/device/mileage", **query)
    driven = server.device(VAN).vehicle.distance(START, START + 1800) / 1000
    assert answer["record"] == [
        {"imei": VAN, "mileage": pytest.approx(driven, abs=0.01)},
        {"imei": CAR, "mileage": 0.0},
    ]
    for name, value in (
        ("begintime", START + 60),
        ("endtime", START + 1801),
        ("endtime", START + 7 * 86_400 + 1800),
    ):
        answer = await caller.get("/api/device/mileage", **(query | {name: value}))
        assert answer["code"] == 10006
        assert name in answer["message"]


async def test_geofence_and_alarms(
    server: OpenApiSimulator, caller: Caller, clock: Clock
) -> None:
    """A geofence raises alarms from then on, in both forms of the list."""
    fence: dict[str, object] = {
        "imei": VAN,
        "efencename": "test-geofence",
        "alarmtype": 2,
        "longitude": HOME.longitude,
        "latitude": HOME.latitude,
        "radius": 305,
    }
    for name, value, code in (
        ("radius", 99, 10006),
        ("radius", 5001, 10006),
        ("radius", "wide", 10004),
        ("alarmtype", 3, 10006),
        ("latitude", 91, 10006),
        ("longitude", "east", 10004),
        ("efencename", "", 10005),
    ):
        answer = await caller.post("/api/geofence/create", **(fence | {name: value}))
        assert answer["code"] == code, name
        assert name in answer["message"]
    assert await caller.post("/api/geofence/create", **fence) == {"code": 0}
    leaving = fence | {"alarmtype": 0, "efencename": "out"}
    assert await caller.post("/api/geofence/create", **leaving) == {"code": 0}
    clock.time += 300
    period = {"imei": VAN, "begintime": START, "endtime": START + 251}
    old = (await caller.get("/api/alarm/list", **period))["record"].split(";")
    new = (await caller.get("/api/alarm/list2", **period))["record"]
    assert [row["alarmtype"] for row in new] == [9, 27, 6, 6, 10, 9, 5]
    assert [row.split(",")[0] for row in old] == [str(r["alarmtype"]) for r in new]
    assert old[2].split(",")[7] == str(new[2]["geofenceid"])
    assert (new[2]["geofencename"], new[3]["geofencename"]) == ("test-geofence", "out")
    assert new[2]["geofenceid"] != new[3]["geofenceid"]
    assert (new[2]["gpstime"], new[2]["systemtime"]) == (START + 51, START + 52)
    assert (new[2]["speed"], new[2]["course"]) == (36, 0)
    assert (new[0]["geofenceid"], new[0]["geofencename"]) == (0, "")
    assert old[0] == (
        f"9,{HOME.longitude},{HOME.latitude},{START + 20},{START + 21},36,0,0"
    )


async def test_alarm_pages(
    server: OpenApiSimulator, caller: Caller, clock: Clock
) -> None:
    """100 alarms a page; the next begins with the last one's system time."""
    server.device(CAR).alarms = [
        Alarm(1, 4.9, 52.4, START + number, START + number // 2)
        for number in range(150)
    ]
    clock.time += 1000
    period = {"imei": CAR, "begintime": START, "endtime": START + 900}
    first = (await caller.get("/api/alarm/list2", **period))["record"]
    assert len(first) == 100
    period["begintime"] = first[-1]["systemtime"]
    second = (await caller.get("/api/alarm/list2", **period))["record"]
    assert len(second) == 52
    assert second[:2] == first[-2:]
    clock.time = START + 10
    period["begintime"] = START
    assert len((await caller.get("/api/alarm/list2", **period))["record"]) == 22


async def test_switches_of_the_alarm_list(
    session: aiohttp.ClientSession, clock: Clock
) -> None:
    """The newer list may call its parameter `imeis`; no data may be an error."""
    async with OpenApiSimulator(
        *accounts(), clock=clock, list2_parameter="imeis", no_data=True
    ) as server:
        caller = Caller(session, server.url, clock)
        await caller.log_in()
        period = {"begintime": START - 9, "endtime": START - 8}
        answer = await caller.get("/api/alarm/list2", imei=VAN, **period)
        assert (answer["code"], answer["message"].split()[-1]) == (10005, "imeis")
        answer = await caller.get("/api/alarm/list2", imeis=VAN, **period)
        assert answer["code"] == 20023
        answer = await caller.get("/api/playback", imei=VAN, **period)
        assert answer["code"] == 20023


async def run(caller: Caller, imei: str, command: str, **more: object) -> Answer:
    """Send a command and ask once for its answer."""
    answer = await caller.post("/api/command/send", imei=imei, command=command, **more)
    assert answer["code"] == 0, answer
    commandid = answer["record"]["commandid"]
    return await caller.post("/api/command/query", commandid=commandid)


async def test_commands(server: OpenApiSimulator, caller: Caller, clock: Clock) -> None:
    """Each command acts when it is answered, in the tracker's words, and only once."""
    van = server.device(VAN)
    van.answers_after = 1
    answer = await caller.post("/api/command/send", imei=VAN, command="RELAY,1")
    commandid = answer["record"]["commandid"]
    asked = [
        (await caller.post("/api/command/query", commandid=commandid))["record"]
        for _ in range(2)
    ]
    assert asked[0] == {"response": "", "commandstatus": 0}
    assert asked[1] == {
        "response": "Cut off the fuel supply: Success! Speed: 0km/h.",
        "commandstatus": 1,
    }
    track = await caller.get("/api/track", imeis=VAN)
    assert track["record"][0]["oilpowerstatus"] == 0
    van.answers_after = 0
    await run(caller, VAN, "RELAY,0")
    await caller.post("/api/command/query", commandid=commandid)
    assert van.fuel_supply == 1
    await run(caller, VAN, "LOCKDOOR")
    assert van.door_locked is True
    await run(caller, VAN, "UNLOCKDOOR")
    assert van.door_locked is False
    await run(caller, VAN, "RESET")
    assert van.resets == 1
    await run(caller, VAN, "SET_MILEAGE", paramData='{"mileage":"30"}')
    clock.time += 120
    track = await caller.get("/api/track", imeis=VAN)
    assert track["record"][0]["mileage"] == 31_000


async def test_commands_that_go_wrong(server: OpenApiSimulator, caller: Caller) -> None:
    """Refused at once, by the tracker, or never answered."""
    van = server.device(VAN)
    send = "/api/command/send"
    for command, data, code in (
        ("DANCE", None, 20048),
        ("SET_MILEAGE,30", None, 20048),
        ("SET_MILEAGE", None, 10005),
        ("SET_MILEAGE", "{}", 10005),
        ("SET_MILEAGE", "30", 10004),
        ("SET_MILEAGE", '{"mileage":30}', 10004),
        ("SET_MILEAGE", '{"mileage":"-1"}', 10006),
    ):
        query = {"paramData": data} if data else {}
        answer = await caller.post(send, imei=VAN, command=command, **query)
        assert answer["code"] == code, command
    van.refusals = {"LOCKDOOR": 20048, "RELAY": 20018}
    for command, code in (("LOCKDOOR", 20048), ("RELAY,1", 20018)):
        answer = await caller.post(send, imei=VAN, command=command)
        assert answer["code"] == code
    van.replies = {"RESET": Reply("Not now", obeys=False)}
    van.answers_after = 0
    assert (await run(caller, VAN, "RESET"))["record"]["response"] == "Not now"
    assert van.resets == 0
    van.answers_after = None
    assert (await run(caller, VAN, "RESET"))["record"]["commandstatus"] == 0
    for name, value, code in (
        ("offline_since", START, 20017),
        ("expired", True, 20046),
        ("blocked", True, 20089),
    ):
        setattr(van, name, value)
        assert (await caller.post(send, imei=VAN, command="RESET"))["code"] == code
    answer = await caller.post("/api/command/query", commandid="NONE")
    assert answer["code"] == 20005


async def test_accounts(server: OpenApiSimulator, caller: Caller) -> None:
    """Information, lists, blocking, passwords and messages of sub-accounts."""
    info = (await caller.get("/api/user/info", account="below"))["record"]
    assert (info["account"], info["roletype"], info["blockstatus"]) == ("below", 2, 1)
    assert set(info) == {
        "createtime",
        "mobile",
        "telephone",
        "roletype",
        "account",
        "email",
        "blockstatus",
        "username",
    }
    users = (await caller.get("/api/user/list"))["record"]
    assert [user["account"] for user in users] == ["test", "below"]
    users = (await caller.get("/api/user/list", account="below"))["record"]
    assert [user["account"] for user in users] == ["below"]
    assert await caller.post("/api/user/block", account="below") == {"code": 0}
    info = (await caller.get("/api/user/info", account="below"))["record"]
    assert info["blockstatus"] == 0
    assert await caller.post("/api/user/unblock", account="below") == {"code": 0}
    assert not server.account("below").blocked
    for account, code in (("test", 10007), ("strange", 10007), ("nobody", 20005)):
        answer = await caller.post("/api/user/block", account=account)
        assert answer["code"] == code
    # The example of 2.16: md5(Abc@34590).
    secret = "9d591136280b3ec563e3062dbb6f915b"
    path = "/api/user/password"
    answer = await caller.post(path, account="below", password="Abc@34590")
    assert answer["code"] == 10004
    answer = await caller.post(path, account="below", password=secret)
    assert answer == {"code": 0}
    assert await caller.log_in("below", "Abc@34590")


async def test_messages(server: OpenApiSimulator, caller: Caller) -> None:
    """At most 200 accounts and 300 characters."""
    path = "/api/message/send"
    answer = await caller.post(path, accounts="test,below", content="Hello")
    assert answer == {"code": 0}
    assert server.messages[0].accounts == ("test", "below")
    assert server.messages[0].content == "Hello"
    for accounts_, content, code in (
        (",".join(["below"] * 201), "Hello", 10006),
        ("below", "x" * 301, 10006),
        ("nobody", "Hello", 20005),
        ("below", "", 10005),
    ):
        answer = await caller.post(path, accounts=accounts_, content=content)
        assert answer["code"] == code
    assert len(server.messages) == 1


async def test_methods_and_paths(server: OpenApiSimulator, caller: Caller) -> None:
    """Only the documented methods; parameters of a POST stay in the URL."""
    assert (await caller.post("/api/track", imeis=VAN))["code"] == 10001
    answer = await caller.get("/api/command/send", imei=VAN, command="RESET")
    assert answer["code"] == 10001
    assert (await caller.send("PUT", "/api/track", imeis=VAN))["code"] == 10001
    assert (await caller.get("/api/unheard"))["code"] == 10001
    async with caller.session.post(
        f"{server.url}/api/user/block",
        data={"access_token": caller.token, "account": "below"},
    ) as response:
        assert (await response.json())["code"] == 10005
    assert server.requests["/api/unheard"] == 1
    assert server.log[-1].path == "/api/user/block"


async def test_classic_generation(session: aiohttp.ClientSession, clock: Clock) -> None:
    """The older document's fields, operations and alarm types."""
    async with OpenApiSimulator(
        *accounts(), clock=clock, classic=True, odometer=False, password_path="/p"
    ) as server:
        caller = Caller(session, server.url, clock)
        await caller.log_in()
        server.device(CAR).alarms = [
            Alarm(kind, 4.9, 52.4, START, START) for kind in (27, 28)
        ]
        record = (await caller.get("/api/track", imeis=VAN))["record"][0]
        assert set(record) == {
            "imei",
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
        }
        assert "iccid" not in (await caller.get("/api/device/list"))["record"][0]
        period = {"imei": CAR, "begintime": START, "endtime": START}
        assert (await caller.get("/api/alarm/list2", **period))["code"] == 10001
        assert (await caller.post("/p", account="below"))["code"] == 10001
        answer = await caller.get("/api/alarm/list", **period)
        assert answer["record"] == f"27,4.9,52.4,{START},{START},0,0,0"
        query = {"command": "SET_MILEAGE", "paramData": '{"mileage":"30"}'}
        answer = await caller.post("/api/command/send", imei=VAN, **query)
        assert answer["code"] == 20048


async def test_codes_on_demand(
    server: OpenApiSimulator, caller: Caller, clock: Clock
) -> None:
    """Any code, so many times, at a path or anywhere."""
    server.fail_next("/api/track", 10000, 2)
    server.fail_next(ANY_PATH, 10002)
    codes = [(await caller.get("/api/track", imeis=VAN))["code"] for _ in range(4)]
    assert codes == [10000, 10000, 10002, 0]
    server.fail_next("/api/authorization", 10014)
    answer = await caller.get("/api/authorization")
    assert answer == {"code": 10014, "message": f"Request time error {START}"}
    server.fail_next("/api/track", 10000)
    server.answer_next("/api/track", {"code": "0", "record": 7})
    assert await caller.get("/api/track") == {"code": "0", "record": 7}
    server.heal()
    assert (await caller.get("/api/track", imeis=VAN))["code"] == 0
    assert server.requests["/api/track"] == 6
    assert server.log[-1].query["imeis"] == VAN


async def test_intervals(
    server: OpenApiSimulator, caller: Caller, clock: Clock
) -> None:
    """Calls that follow too soon are refused, each path and account by itself."""
    server.intervals = {"/api/track": 10, "/api/authorization": 60}
    codes = []
    for seconds in (0, 9, 10, 15):
        clock.time = START + seconds
        codes.append((await caller.get("/api/track", imeis=VAN))["code"])
    assert codes == [0, 10009, 0, 10009]
    assert (await caller.get("/api/device/list"))["code"] == 0
    clock.time = START + 60
    await caller.log_in()
    with pytest.raises(AssertionError, match="10009"):
        await caller.log_in()
    await caller.log_in("below", "b")


async def test_calls_per_minute(
    server: OpenApiSimulator, caller: Caller, clock: Clock
) -> None:
    """More than so many in any minute are refused, and do not count."""
    server.per_minute = {"/api/track": 3}
    codes = []
    for seconds in (0, 1, 2, 3, 59, 60, 60, 61):
        clock.time = START + seconds
        codes.append((await caller.get("/api/track", imeis=VAN))["code"])
    assert codes == [0, 0, 0, 10009, 10009, 0, 10009, 0]


@pytest.mark.usefixtures("idle_clock")
async def test_faults(server: OpenApiSimulator, caller: Caller) -> None:
    """What no document knows: another page, a torn answer, an error, silence."""
    url = f"{server.url}/api/track"
    texts = []
    for fault in (Fault.HTML, Fault.HALF_JSON, Fault.NOT_AN_OBJECT, Fault.HTTP_500):
        server.break_next("/api/track", fault)
        async with caller.session.get(url) as response:
            texts.append((response.status, await response.text()))
    assert [status for status, _ in texts] == [200, 200, 200, 500]
    assert texts[0][1].startswith("<!DOCTYPE html>")
    with pytest.raises(json.JSONDecodeError):
        json.loads(texts[1][1])
    assert json.loads(texts[2][1]) == ["0", None]
    server.break_until_healed(ANY_PATH, Fault.DISCONNECT)
    with pytest.raises(aiohttp.ClientError):
        await caller.session.get(url)
    server.heal()
    server.break_next(ANY_PATH, Fault.HANG)
    with pytest.raises(TimeoutError):
        await caller.session.get(url, timeout=aiohttp.ClientTimeout(total=60))
    assert (await caller.get("/api/track", imeis=VAN))["code"] == 0


async def test_killed_and_restarted(server: OpenApiSimulator, caller: Caller) -> None:
    """A stopped server drops waiting clients too, and comes back on the same port."""
    server.break_next(ANY_PATH, Fault.HANG)
    waiting = asyncio.create_task(caller.get("/api/track", imeis=VAN))
    await server.hanging.wait()
    url = server.url
    await server.stop()
    with pytest.raises(aiohttp.ClientError):
        await waiting
    with pytest.raises(aiohttp.ClientError):
        await caller.get("/api/track", imeis=VAN)
    await server.start()
    assert server.url == url
    assert (await caller.get("/api/track", imeis=VAN))["code"] == 0


async def test_frozen_time(
    session: aiohttp.ClientSession, freezer: FrozenDateTimeFactory
) -> None:
    """Without a clock of its own the simulator's time is the system's, frozen or not."""
    freezer.move_to("2026-03-01T12:00:00+00:00")
    async with OpenApiSimulator() as server:
        before = server.now
        freezer.tick(60)
        assert server.now == before + 60
        state = server.device(VAN).vehicle.at(server.now)
        assert state.ignition


async def test_demo_fleet() -> None:
    """Five distinct lives, as many more as wanted, and a sub-account's."""
    demo, partner = demo_accounts(START, 30)
    assert (demo.password, partner.parent) == (DEMO_PASSWORD, demo.name)
    assert len({device.imei for device in demo.devices}) == 30
    van, car, truck, spare, taxi = demo.devices[:5]
    assert van.track_record(START, classic=False, odometer=True)["datastatus"] == 2
    assert car.track_record(START, classic=False, odometer=True)["datastatus"] == 4
    record = truck.track_record(START, classic=False, odometer=True)
    assert record["fuel"]
    assert record["temperature"]
    assert spare.track_record(START, classic=False, odometer=True)["datastatus"] == 1
    for now in (START, START + 60):
        # Its engine is started in between, so that its position is always fresh.
        record = taxi.track_record(now, classic=False, odometer=True)
        assert record["speed"] == 0
        assert now - cast("int", record["gpstime"]) < 60
    kinds = {row.kind for row in van.alarm_rows(START, START + 180, START + 200)}
    assert kinds >= {4, 5, 6, 7, 9, 10, 26, 27}


async def test_alone() -> None:
    """The simulator runs by itself, says where, and ends when told to."""
    await check_alone("tests.simulators.open_api", "--classic", "--vehicles=2")


def test_help(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command explains itself."""
    monkeypatch.setattr(sys, "argv", ["open_api", "--help"])
    with pytest.raises(SystemExit):
        main()
    assert "--vehicles" in capsys.readouterr().out
