"""The user is asked for new credentials at once, whichever call the vendor refuses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
import json
from typing import Any

import aiohttp
import pytest

from custom_components.fleet_tracker.contract.errors import (
    AuthenticationFailed,
    VendorError,
)
from custom_components.fleet_tracker.contract.methods import Use
from custom_components.fleet_tracker.transport.http_client import HttpAnswer, HttpClient
from custom_components.fleet_tracker.vendors.open_api import (
    catalog as open_api_catalog,
    transport as open_api,
)
from custom_components.fleet_tracker.vendors.segway.client import (
    Credentials as SegwayCredentials,
    SegwayClient,
)
from custom_components.fleet_tracker.vendors.tracksolid import (
    catalog as tracksolid_catalog,
)
from custom_components.fleet_tracker.vendors.tracksolid.api import (
    transport as tracksolid,
)

from .fake_host import FakeHost, FakeMemory

IMEI = "351000091413001"
TOLD = "Incorrect user name or password"

type Call = Callable[[], Awaitable[object]]
type Calls = Callable[[FakeHost], dict[str, tuple[HttpClient, Call]]]


def open_api_calls(host: FakeHost) -> dict[str, tuple[HttpClient, Call]]:
    """Return every operation, with a token and without."""
    now = host.now()
    token = open_api.Token("1", now, now + timedelta(hours=1))
    with_token, without = (
        open_api.Transport(
            host.session,
            "http://vendor",
            "acme",
            "0" * 32,
            now=host.now,
            sleep=host.sleep,
            token=kept,
        )
        for kept in (token, None)
    )
    calls: dict[str, tuple[HttpClient, Call]] = {
        path: (with_token.http, partial(with_token.call, "GET", path))
        for path in open_api_catalog.METHODS
    }
    return {**calls, "login": (without.http, without.prepare)}


def tracksolid_calls(host: FakeHost) -> dict[str, tuple[HttpClient, Call]]:
    """Return every method, with a token and without."""
    now = host.now()
    credentials = tracksolid.Credentials(
        "http://vendor", "key", "secret", "acme", "0" * 32
    )
    without = tracksolid.Transport(
        host.session, credentials, FakeMemory(), now=host.now, sleep=host.sleep
    )
    memory = FakeMemory()
    token = tracksolid.Token("1", "1", now, now + timedelta(hours=2))
    memory.stored["token"] = json.dumps(token.as_json())
    with_token = tracksolid.Transport(
        host.session, credentials, memory, now=host.now, sleep=host.sleep
    )
    calls: dict[str, tuple[HttpClient, Call]] = {
        name: (with_token.http, partial(with_token.call, name))
        for name, method in tracksolid_catalog.METHODS.items()
        if method.use is not Use.SIGNS_IN
    }
    return {**calls, "login": (without.http, without.log_in)}


def segway_calls(host: FakeHost) -> dict[str, tuple[HttpClient, Call]]:
    """Return queries and commands, and the request of a token."""
    credentials = SegwayCredentials("E1", "secret", "http://vendor")
    now = host.now().timestamp()
    without = SegwayClient(host.session, credentials, FakeMemory(), host.now)
    memory = FakeMemory()
    memory.stored["token"] = json.dumps(
        {
            "server": "http://vendor",
            "client_id": "E1",
            "value": "1",
            "expires_at": now + 3600,
            "renew_at": now + 3000,
        }
    )
    client = SegwayClient(host.session, credentials, memory, host.now)
    methods = ("status", "extra_status", "location", "battery_info", "bluetooth_key")
    commands = ("lock", "unlock", "start_rental", "end_rental")
    calls: dict[str, tuple[HttpClient, Call]] = {
        name: (client.http, partial(getattr(client, name), IMEI))
        for name in (*methods, *commands)
    }
    return {**calls, "login": (without.http, without.authorize)}


ANSWERS: list[tuple[str, Calls, int, Any]] = [
    ("open_api", open_api_calls, 200, {"code": 20001, "message": TOLD}),
    *(
        ("tracksolid", tracksolid_calls, 200, {"code": code, "message": text})
        for code, text in (
            (1001, TOLD),
            ("xxx", "The username or the password is wrong"),
            (500, "password does not match the account"),
            (1001, "Illegal appKey"),
            (1001, "sign error"),
        )
    ),
    *(
        ("segway", segway_calls, status, {"error": error})
        for status in (200, 400, 403)
        for error in ("invalid_client", "unauthorized_client")
    ),
]


def always_answer(monkeypatch: pytest.MonkeyPatch, status: int, body: object) -> None:
    """Let the vendor answer every call alike."""

    async def ask(*_: object, **__: object) -> HttpAnswer:
        return HttpAnswer(status, None, json.dumps(body).encode())

    monkeypatch.setattr(HttpClient, "ask", ask)


@pytest.mark.parametrize(
    ("calls", "status", "body"),
    [
        pytest.param(*rest, id=f"{vendor}-{number}")
        for number, (vendor, *rest) in enumerate(ANSWERS)
    ],
)
async def test_wrong_credentials(
    monkeypatch: pytest.MonkeyPatch, calls: Calls, status: int, body: object
) -> None:
    """They are asked for anew, once for each call that is refused."""
    always_answer(monkeypatch, status, body)
    async with aiohttp.ClientSession() as session:
        host = FakeHost(session)
        missed = []
        for name, (http, call) in calls(host).items():
            host.refusals = 0
            http.on_refused = host.credentials_refused
            try:
                await call()
            except AuthenticationFailed:
                pass
            except VendorError as err:
                missed.append((name, repr(err)))
            if host.refusals != 1:
                missed.append((name, f"asked for {host.refusals} times"))
        assert not missed


@pytest.mark.parametrize(
    ("calls", "status", "body"),
    [
        (open_api_calls, 200, {"code": 10004}),
        (tracksolid_calls, 200, {"code": 30010, "message": "Wrong password"}),
        (tracksolid_calls, 200, {"code": 12005, "message": "password: 30010"}),
        (tracksolid_calls, 200, {"code": 1002, "message": "illegal account"}),
        (segway_calls, 200, {"error": ["invalid_client"]}),
        (segway_calls, 500, {"error": {"code": "invalid_client"}}),
    ],
)
async def test_other_refusals(
    monkeypatch: pytest.MonkeyPatch, calls: Calls, status: int, body: object
) -> None:
    """What says something else asks nobody for anything."""
    always_answer(monkeypatch, status, body)
    async with aiohttp.ClientSession() as session:
        host = FakeHost(session)
        for name, (http, call) in calls(host).items():
            http.on_refused = host.credentials_refused
            if name != "login":
                with pytest.raises(VendorError):
                    await call()
        assert host.refusals == 0
