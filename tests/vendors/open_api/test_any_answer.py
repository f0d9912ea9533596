"""Whatever a server answers: an error that is known, or sane news, and then all is well."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
import contextlib
from datetime import timedelta
import json
import math

import aiohttp
from aiohttp import web
from hypothesis import given, settings, strategies as st
import pytest

from custom_components.fleet_tracker.contract.errors import VendorError
from custom_components.fleet_tracker.model.vehicle import Reading
from custom_components.fleet_tracker.vendors.open_api.client import (
    AlarmForm,
    FenceAlarm,
    OpenApiClient,
)
from custom_components.fleet_tracker.vendors.open_api.mapping import map_alarm
from custom_components.fleet_tracker.vendors.open_api.transport import hash_password
from tests.simulators.failures import replace_all
from tests.simulators.open_api import OpenApiSimulator
from tests.simulators.open_api_fleet import MISSING
from tests.vendors.fake_host import FakeHost

from .conftest import ACCOUNT, CAR, PASSWORD, SPARE, START, TRUCK, accounts
from .test_connection import ALARMS, DEVICE_LIST, TRACK, Line, alarm
from .test_mapping import (
    DEVICE,
    HALF_A_PAIR,
    TRACK as TRACK_RECORD,
    is_sane,
    json_values,
)

BEFORE = START - timedelta(hours=1)
# Each example sets a server up; script/fuzz tries more of them.
EXAMPLES = settings().max_examples
ALARM = alarm(-60, 5).as_record()
USER = accounts()[0].record()
POINT = f"4.9,52.4,{int(START.timestamp())},0,0"


def spoilt(record: Mapping[str, object]) -> st.SearchStrategy[dict[str, object]]:
    """Return records of which some fields are of any type, or missing."""
    return st.fixed_dictionaries(
        {key: st.just(value) | json_values for key, value in record.items()}
        | {"imei": st.sampled_from([TRUCK, CAR, SPARE]) | json_values}
    ) | st.fixed_dictionaries(
        {}, optional={key: st.just(value) for key, value in record.items()}
    )


def answers(record: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    """Return answers that may have such a record, or be nothing of the kind."""
    return json_values | st.fixed_dictionaries(
        {},
        optional={
            "code": st.just(0)
            | st.sampled_from(["0", 0.0, 10009, 20048])
            | json_values,
            "record": record | json_values,
            "message": json_values,
        },
    )


rows = st.lists(
    spoilt(TRACK_RECORD) | spoilt(DEVICE) | spoilt(ALARM) | spoilt(USER) | json_values,
    max_size=4,
)
texts = st.lists(
    st.just(POINT) | st.just(f"1,{POINT},0,0") | st.text(max_size=12), max_size=4
).map(";".join)
tokens = spoilt({"access_token": "a", "expires_in": 7200})
commands = spoilt({"commandid": "1B454", "commandstatus": 1, "response": "Success!"})
any_answer = answers(rows | texts | tokens | commands | spoilt(USER))


async def _alarms(client: OpenApiClient) -> object:
    return [map_alarm(one) for one in await client.alarms(CAR, BEFORE, START)]


async def _older_alarms(client: OpenApiClient) -> object:
    client.alarm_form = AlarmForm.LIST
    return await _alarms(client)


OPERATIONS: Mapping[str, Callable[[OpenApiClient], Awaitable[object]]] = {
    "/api/authorization": lambda client: client.log_in(),
    TRACK: lambda client: client.track([TRUCK, CAR]),
    "/api/playback": lambda client: client.playback(CAR, BEFORE, START),
    "/api/geofence/create": lambda client: client.create_geofence(
        CAR, "Depot", FenceAlarm.BOTH, 4.9, 52.4, 300
    ),
    "/api/command/send": lambda client: client.run_command(CAR, "RELAY,0"),
    "/api/command/query": lambda client: client.run_command(CAR, "RELAY,0"),
    DEVICE_LIST: lambda client: client.fleet(sub_accounts=True),
    "/api/alarm/list": _older_alarms,
    "/api/user/block": lambda client: client.block("partner"),
    "/api/user/unblock": lambda client: client.unblock("partner"),
    "/api/user/info": lambda client: client.user_info("partner"),
    "/api/device/detail": lambda client: client.device_detail([TRUCK, CAR]),
    "/api/message/send": lambda client: client.send_message(["partner"], "Hello"),
    "/api/device/mileage": lambda client: client.mileage_report([CAR], BEFORE, START),
    "/api/user/list": lambda client: client.fleet(sub_accounts=True),
    ALARMS: _alarms,
}


@pytest.mark.parametrize("path", OPERATIONS)
@settings(max_examples=EXAMPLES // 2)
@given(bodies=st.lists(any_answer, min_size=1, max_size=3))
def test_any_answer_to_any_operation(path: str, bodies: list[object]) -> None:
    """The caller gets what it asked for or an error it knows, and the next time is well."""

    async def check() -> None:
        async with aiohttp.ClientSession() as session:
            host = FakeHost(session, now=START)
            async with OpenApiSimulator(*accounts(), clock=host.clock) as server:
                client = OpenApiClient(
                    session,
                    server.url,
                    ACCOUNT,
                    hash_password(PASSWORD),
                    now=host.now,
                    sleep=host.sleep,
                )
                for body in bodies:
                    server.answer_next(path, body)
                with contextlib.suppress(VendorError):
                    await OPERATIONS[path](client)
                server.heal()
                host.advance(5400)  # an invented token is renewed by then
                await OPERATIONS[path](client)

    asyncio.run(check())


@settings(max_examples=EXAMPLES // 3)
@given(
    st.sampled_from([TRACK, DEVICE_LIST, ALARMS]),
    answers(
        st.lists(spoilt(TRACK_RECORD) | spoilt(DEVICE) | spoilt(ALARM), max_size=4)
    ),
)
def test_any_answer_while_polling(path: str, body: object) -> None:
    """States stay sane, and the next good poll finds every vehicle again."""

    async def check() -> None:
        async with aiohttp.ClientSession() as session:
            host = FakeHost(session, now=START)
            async with (
                OpenApiSimulator(*accounts(), clock=host.clock) as server,
                Line(server, host) as line,
            ):
                await line.poll()
                await line.advance(3)
                server.answer_next(path, body)
                poll = asyncio.create_task(line.poll(900))
                while not poll.done():  # a call that is too frequent is repeated
                    await line.advance(1)
                with contextlib.suppress(VendorError):
                    poll.result()
                await line.advance(3)
                for vehicle in host.known.values():
                    for value in vehicle.readings.values():
                        assert not isinstance(value, float) or math.isfinite(value)
                server.heal()
                # A list that named nobody, or a refusal, is made good by the next list.
                for _ in range(17):
                    await line.poll(60)
                await line.advance(3)
                assert host.reading(TRUCK, Reading.STATUS) == "ok"
                assert host.reading(CAR, Reading.TRACKER_BATTERY) == 64
                assert host.reading(SPARE, Reading.ONLINE) is False

    asyncio.run(check())


@settings(max_examples=EXAMPLES // 2)
@given(
    st.dictionaries(st.sampled_from(sorted({*TRACK_RECORD} - {"imei"})), json_values)
)
def test_any_type_in_any_field(fields: dict[str, object]) -> None:
    """Of one vehicle: the others do not notice, and it is well when it is heard again.

    So are its fuel and temperature, though they were measured long before.
    """

    async def check() -> None:
        async with aiohttp.ClientSession() as session:
            host = FakeHost(session, now=START)
            async with (
                OpenApiSimulator(*accounts(), clock=host.clock) as server,
                Line(server, host) as line,
            ):
                await line.poll()
                before = {imei: one.readings for imei, one in host.known.items()}
                server.device(TRUCK).overrides = fields
                assert (await line.poll(15)).error is None
                assert host.known[CAR].readings == before[CAR]
                assert host.known[SPARE].readings == before[SPARE]
                server.device(TRUCK).overrides = {}
                assert (await line.poll(60)).error is None
                assert host.known[TRUCK].readings == before[TRUCK]

    asyncio.run(check())


POLLED = frozenset({TRACK, DEVICE_LIST, ALARMS})


class SpoilingSimulator(OpenApiSimulator):
    """A server that tells one value in all fields of its answers to a path."""

    spoilt: tuple[str, object] | None = None
    kept: tuple[str, ...] = ()

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer as it should, then spoil that."""
        response = await super().answer(request)
        if self.spoilt is None or request.path != self.spoilt[0]:
            return response
        assert isinstance(response, web.Response)
        assert isinstance(response.body, bytes)
        whole, value = json.loads(response.body), self.spoilt[1]
        replace_all(whole, lambda key, told: told if key in self.kept else value)
        return web.json_response(whole)


@pytest.mark.parametrize(
    "value",
    [10**400, 2**31 - 1, math.nan, HALF_A_PAIR, {"a": [1]}],
    ids=["400_digits", "maximum", "nan", "half_a_pair", "object"],
)
async def test_wrong_value_in_all_fields_of_every_operation(value: object) -> None:
    """Each says what is wrong or tells what it can, shows nothing absurd, and heals."""
    async with aiohttp.ClientSession() as session:
        host = FakeHost(session, now=START)
        async with (
            SpoilingSimulator(*accounts(), clock=host.clock) as server,
            Line(server, host) as line,
        ):
            host.patient = False
            server.device(CAR).alarms.append(alarm(-60, 5))
            for kept in (("code", "imei"), ()):
                server.kept = kept
                for path, operation in OPERATIONS.items():
                    server.spoilt = (path, value)
                    with contextlib.suppress(VendorError):
                        await operation(line.connection.client)
                    if path in POLLED:
                        with contextlib.suppress(VendorError):
                            host.receive((await line.connection.poll()).updates)
                    server.spoilt = None
                    host.advance(5400)  # an invented token is renewed by then
                    await operation(line.connection.client)
            for vehicle in host.known.values():
                for reading in vehicle.readings.values():
                    assert is_sane(reading)
                assert (
                    vehicle.position is None
                    or vehicle.position.speed is None
                    or (0 <= vehicle.position.speed <= 1000)
                )
            assert host.known.keys() >= {TRUCK, CAR, SPARE}


async def test_fields_that_are_missing() -> None:
    """An answer without any of them is a vehicle of which nothing is known."""
    async with aiohttp.ClientSession() as session:
        host = FakeHost(session, now=START)
        async with (
            OpenApiSimulator(*accounts(), clock=host.clock) as server,
            Line(server, host) as line,
        ):
            server.device(CAR).overrides = dict.fromkeys(
                {*TRACK_RECORD, *DEVICE} - {"imei"}, MISSING
            )
            assert (await line.poll()).error is None
            assert host.known[CAR].readings == {}
            assert host.known[CAR].position is None
            assert host.known[CAR].details.name == "Open API"
            server.device(CAR).overrides = {}
            await line.poll(900)
            assert host.reading(CAR, Reading.TRACKER_BATTERY) == 64
