"""The Segway API, played from the document `segway-emoped`.

Where the document leaves something open, a switch of the simulator says how it behaves.

Alone: ``python -m tests.simulators.segway --port 8203`` shows the demo's two mopeds;
with ``--push-url`` it pushes to that base URL what the real system would. So it does with
``--push-url-file``, as soon as that file holds the URL.
"""

from __future__ import annotations

import argparse
import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
import secrets
from typing import override

from aiohttp import web

from .segway_mopeds import (
    CONTROLS,
    MOPED_QUERY,
    PARAMETERS,
    QUERY,
    SETTINGS,
    Moped,
    Refused,
    check_parameters,
    demo_mopeds,
)
from .segway_push import PushSender
from .server import ANY_PATH, Fault, SimulatedServer, push_url_of, run_until_stopped

DEMO_CLIENT_ID = "E20081"
DEMO_CLIENT_SECRET = "e2651be5-12d3-48f3-ba6c-bc2b04a447b6"

TOKEN_PATH = "/oauth/token"
TOKEN_SECONDS = 43_199
OVERLAP = 300
"""Seconds before its end in which a token is renewed while it stays valid."""

QUERIES: Mapping[str, frozenset[str]] = {
    f"{QUERY}/status": frozenset(),
    f"{MOPED_QUERY}/extra-status": frozenset(),
    f"{QUERY}/location": frozenset({"realTimeLocation"}),
    f"{MOPED_QUERY}/battery-info": frozenset(),
    f"{QUERY}/bluetooth-key": frozenset(),
}

STATUS_CODES: Mapping[int, str] = {
    0: "Success",
    15001: "server error",
    15004: "parameter error",
    15100: "incorrect platform info",
    15101: "token verification failed",
    15102: "device not found",
    15300: "inactive device",
    15301: "offline device",
    15302: "device response timeout",
    15303: "command send failed",
    15400: "latest location not found via device",
    15500: "device upgrading: command can not be executed",
    15600: "lock failed: vehicle is riding",
    15601: "device lock command failed",
    15602: "device lock failed: network error",
    15603: "handlebar lock failed",
    15611: "device unlock command failed",
    15612: "device unlock failed: network error",
    15613: "handlebar unlock failed",
    15620: "startRental failed",
    15621: "startRental failed: network error",
    15622: "startRental failed:handlebar failed",
    15623: "startRental success, but saddle failed",
    15624: "startRental success, but tailbox failed",
    15625: "startRental success, but tailbox and saddle failed",
    15627: "endRental failed: vehicle is riding",
    15628: "endRental failed",
    15629: "endRental: network error",
    15630: "endRental failed: handlebar lock failed",
    15631: "endRental failed: no return helmet",
    15632: "endRental failed: saddle lock failed",
    15633: "endRental failed: tailbox lock failed",
    15634: "endRental failed: tailbox and saddle lock failed",
    15635: "open failed: please operate when mopeds is unlocking",
    15638: "device execute failure",
    15707: "NOT supported by this vehicle or its firmware",
    15990: "API call is restricted, please contact Segway related personnel",
    15996: "device lock failed: denied by geofence strategy",
    15997: "device lock failed: unable to lock while riding",
}

PARTIAL_SUCCESS = frozenset({15623, 15624, 15625})


@dataclass(frozen=True, slots=True)
class _Demand:
    """A status code that a test asked for."""

    code: int
    iot_code: str | None
    carried_out: bool


class SegwaySimulator(SimulatedServer):
    """A server of the Segway API. Without mopeds it shows the demo's two.

    Switches, all for what the document does not settle:

    - `token_error_is_401`: a bad token is answered HTTP 401 instead of 15101.
    - `offline_refuses_queries`: queries about an offline vehicle are answered 15301
      instead of with what it told last.
    - `range_key`: the examples say `remainderRange`, the tables `remainingRange`.
    - `gps_time_key`: `gpsUtcTime`, or `gpsUTCTime` as seen elsewhere.
    - `command_seconds`: how long a vehicle takes to carry out a control or setting.

    `max_in_flight` is the most requests that were ever served at once.
    """

    def __init__(
        self,
        *mopeds: Moped,
        client_id: str = DEMO_CLIENT_ID,
        client_secret: str = DEMO_CLIENT_SECRET,
        token_seconds: int = TOKEN_SECONDS,
        token_error_is_401: bool = False,
        offline_refuses_queries: bool = False,
        range_key: str = "remainderRange",
        gps_time_key: str = "gpsUtcTime",
        command_seconds: float = 0,
        clock: Callable[[], float] | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        push_url: str | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        """Initialize with the vehicles, the switches, the clock and the addresses."""
        super().__init__(clock=clock, host=host, port=port)
        self.mopeds = {
            moped.iot_code: moped for moped in mopeds or demo_mopeds(self.now)
        }
        self.client_id = client_id
        self.client_secret = client_secret
        self.token_seconds = token_seconds
        self.token_error_is_401 = token_error_is_401
        self.offline_refuses_queries = offline_refuses_queries
        self.range_key = range_key
        self.gps_time_key = gps_time_key
        self.command_seconds = command_seconds
        self.tokens: dict[str, float] = {}
        self.queried: Counter[tuple[str, str]] = Counter()
        self.max_in_flight = 0
        self.in_flight = 0
        self._arrival = asyncio.Event()
        self._gate = asyncio.Event()
        self._gate.set()
        self._demands: dict[str, deque[_Demand]] = {}
        self._responses: dict[str, deque[tuple[int, Mapping[str, str]]]] = {}
        self._sleep = sleep
        self.push_url = push_url

    # --- what a test asks for ---

    def demand(
        self,
        path: str,
        code: int,
        *,
        iot_code: str | None = None,
        carried_out: bool = False,
        times: int = 1,
    ) -> None:
        """Answer the next requests of a path (or ANY_PATH) with a status code.

        Those for one vehicle if `iot_code` is given. The command is carried out
        nevertheless if `carried_out` says so, as may be after 15302.
        """
        demand = _Demand(code, iot_code, carried_out or code in PARTIAL_SUCCESS)
        self._demands.setdefault(path, deque()).extend([demand] * times)

    def http_next(
        self, path: str, status: int, headers: Mapping[str, str] | None = None
    ) -> None:
        """Answer the next request of a path with an HTTP status and no status code."""
        self._responses.setdefault(path, deque()).append((status, headers or {}))

    def drop_tokens(self) -> None:
        """Forget all tokens."""
        self.tokens.clear()

    def hold(self) -> None:
        """Let requests wait until `release`."""
        self._gate.clear()

    async def until_in_flight(self, number: int) -> None:
        """Wait until so many requests are being served at once."""
        while self.in_flight < number:
            self._arrival.clear()
            await self._arrival.wait()

    def release(self) -> None:
        """Let requests through again."""
        self._gate.set()

    # --- pushes ---

    def sender(self, base_url: str | None = None) -> PushSender:
        """Return a sender that pushes to a base URL for this account."""
        url = base_url or self.push_url
        if url is None:
            raise ValueError("Nowhere to push to")
        return PushSender(url, self.client_id, self.client_secret, self._sleep)

    def status_push(self, iot_code: str) -> dict[str, object]:
        """Return the fields of a status push."""
        return self._status(self.mopeds[iot_code])

    def location_push(self, iot_code: str) -> dict[str, object]:
        """Return the fields of a location push."""
        location = self._location(self.mopeds[iot_code], real_time=True)
        return {"locationStatus": "valid", **location}

    def alert_push(self, code: int, *, cleared: bool = False) -> dict[str, object]:
        """Return the fields of an alert push."""
        return {
            "statusUtcTime": int(self.now),
            "alertStatus": int(cleared),
            "code": code,
        }

    def fault_push(self, code: str, *, cleared: bool = False) -> dict[str, object]:
        """Return the fields of a fault push."""
        return {
            "statusUtcTime": int(self.now),
            "faultStatus": int(cleared),
            "code": code,
        }

    def components_push(self, component: int, status: int) -> dict[str, object]:
        """Return the fields of a components push."""
        return {"statusUtcTime": int(self.now), "type": component, "status": status}

    async def push_for_ever(
        self, *, alert_every: float = 90, alert_lasts: float = 30
    ) -> None:
        """Push what the real system would, second by second, until cancelled.

        Location and status by their intervals, status on every change too; that saddle or
        tail box was shut; and the parked vehicles are moved illegally now and then.
        """
        sender = self.sender()
        begin = self.now
        pushed: dict[tuple[str, str], float] = {}
        told: dict[str, tuple[bool, bool]] = {}
        alarmed: set[str] = set()
        try:
            while True:
                for code, moped in self.mopeds.items():
                    state = (moped.locked, moped.online)
                    if told.get(code) != state:
                        told[code] = state
                        pushed.pop(("status", code), None)
                        pushed.pop(("location", code), None)
                    await self._push_due(sender, moped, pushed)
                    for component in moped.shut(self.now):
                        # 2 is locked; that they were unlocked is not pushed.
                        fields = self.components_push(component, 2)
                        await sender.push("components", code, fields)
                    raised = (self.now - begin) % alert_every < alert_lasts
                    if (moped.locked and raised) != (code in alarmed):
                        alarmed ^= {code}
                        fields = self.alert_push(1, cleared=code not in alarmed)
                        await sender.push("alert", code, fields)
                await self._sleep(1)
        finally:
            await sender.close()

    async def _push_due(
        self, sender: PushSender, moped: Moped, pushed: dict[tuple[str, str], float]
    ) -> None:
        now, code = self.now, moped.iot_code
        for kind, every, fields in (
            ("status", moped.status_interval(now), self.status_push),
            ("location", moped.location_interval(), self.location_push),
        ):
            last = pushed.get((kind, code))
            if last is None or (every is not None and now - last >= every):
                pushed[kind, code] = now
                await sender.push(kind, code, fields(code))

    # --- requests ---

    @override
    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)
        self._arrival.set()
        try:
            await self._gate.wait()
            return await super()._serve(request)
        finally:
            self.in_flight -= 1

    @override
    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request that is not to fail."""
        path = request.path
        if responses := self._responses.get(path):
            status, headers = responses.popleft()
            return web.Response(status=status, headers=headers)
        if path == TOKEN_PATH:
            return await self._answer_token(request)
        if path not in QUERIES and path not in PARAMETERS:
            return web.json_response({"error": "Not Found", "path": path}, status=404)
        method = "GET" if path in QUERIES else "POST"
        if request.method != method:
            return web.Response(status=405)
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or self.tokens.get(token, 0) <= self.now:
            if self.token_error_is_401:
                error = {"error": "invalid_token", "error_description": "Invalid"}
                return web.json_response(error, status=401)
            return self._coded(15101)
        try:
            return await self._answer_call(request)
        except Refused as refusal:
            return self._coded(refusal.code)

    async def _answer_token(self, request: web.BaseRequest) -> web.Response:
        if request.method != "POST":
            return web.Response(status=405)
        if request.content_type != "application/x-www-form-urlencoded":
            return web.json_response({"error": "invalid_request"}, status=400)
        form = await request.post()
        if form.get("grant_type") != "client_credentials":
            return web.json_response({"error": "unsupported_grant_type"}, status=400)
        given = (form.get("client_id"), form.get("client_secret"))
        if given != (self.client_id, self.client_secret):
            error = {
                "error": "invalid_client",
                "error_description": "Bad client credentials",
            }
            return web.json_response(error, status=401)
        now = self.now
        self.tokens = {t: end for t, end in self.tokens.items() if end > now}
        token, end = max(
            self.tokens.items(), key=lambda item: item[1], default=("", now)
        )
        if end - now <= OVERLAP:
            token, end = secrets.token_hex(16), now + self.token_seconds
            self.tokens[token] = end
        return web.json_response(
            {
                "access_token": token,
                "token_type": "bearer",
                "expires_in": int(end - now),
                "scope": "read write trust",
            }
        )

    async def _answer_call(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path
        body = await self._parameters(request)
        iot_code = body.get("iotCode")
        if not isinstance(iot_code, str) or not iot_code:
            raise Refused(15004)
        self.queried[path, iot_code] += 1
        moped = self.mopeds.get(iot_code)
        if moped and moped.silent:
            return await self._fail(request, Fault.HANG)
        demand = self._demanded(path, iot_code)
        if demand is not None and not demand.carried_out:
            return self._coded(demand.code)
        if moped is None:
            raise Refused(15102)
        if moped.refuses is not None:
            raise Refused(moped.refuses)
        if not moped.supports(path):
            if moped.unsupported == 404:
                return web.json_response({"error": "Not Found"}, status=404)
            raise Refused(moped.unsupported)
        if path in QUERIES:
            return self._coded(0, self._answer_query(path, moped, body))
        if self.command_seconds:
            await self._sleep(self.command_seconds)
        code = self._carry_out(path, moped, body)
        return self._coded(demand.code if demand else code)

    async def _parameters(self, request: web.BaseRequest) -> Mapping[str, object]:
        path = request.path
        if path in QUERIES:
            query = dict(request.query)
            if not query.keys() <= QUERIES[path] | {"iotCode"}:
                raise Refused(15004)
            if query.get("realTimeLocation", "true") not in {"true", "false"}:
                raise Refused(15004)
            return query
        if request.content_type != "application/json":
            raise Refused(15004)
        body = None
        with suppress(ValueError):
            body = await request.json()
        if not isinstance(body, dict):
            raise Refused(15004)
        check_parameters(path, body)
        return body

    def _answer_query(
        self, path: str, moped: Moped, query: Mapping[str, object]
    ) -> dict[str, object]:
        if not moped.online and self.offline_refuses_queries:
            raise Refused(15301)
        match path.rsplit("/", 1)[1]:
            case "status":
                fields = self._status(moped)
            case "extra-status":
                fields = moped.extra_status()
            case "location":
                real_time = query.get("realTimeLocation") == "true"
                if real_time and not moped.online:
                    raise Refused(15301)
                fields = self._location(moped, real_time=real_time)
                # as the example has it
                fields[self.gps_time_key] = str(fields[self.gps_time_key])
            case "battery-info":
                fields = moped.battery_info(self.now)
            case _:
                fields = {"key": moped.bluetooth_key}
        return {"iotCode": moped.iot_code, **fields}

    def _carry_out(self, path: str, moped: Moped, body: Mapping[str, object]) -> int:
        if not moped.online:
            raise Refused(15301)
        if moped.upgrading and path in CONTROLS | SETTINGS:
            raise Refused(15500)
        if path in CONTROLS:
            return moped.control(path, body, self.now)
        moped.set(path, body)
        return 0

    def _status(self, moped: Moped) -> dict[str, object]:
        fields = moped.status(self.now)
        fields[self.range_key] = fields.pop("remainderRange")
        return fields

    def _location(self, moped: Moped, *, real_time: bool) -> dict[str, object]:
        fields = moped.location(self.now, real_time=real_time)
        fields[self.gps_time_key] = fields.pop("gpsUtcTime")
        return fields

    def _demanded(self, path: str, iot_code: str) -> _Demand | None:
        for key in (path, ANY_PATH):
            demands = self._demands.get(key, deque())
            for demand in demands:
                if demand.iot_code in (None, iot_code):
                    demands.remove(demand)
                    return demand
        return None

    def _coded(self, code: int, data: object = None) -> web.Response:
        return web.json_response(
            {
                "code": code,
                "msg": STATUS_CODES[code],
                "data": data,
                "t": int(self.now * 1000),
                "opId": "3de041d2-7f1e-4cb2-a7be-483378727c56",
            }
        )


async def run_demo(
    port: int,
    push_url: str | None = None,
    push_url_file: Path | None = None,
    *,
    host: str = "127.0.0.1",
    client_id: str = DEMO_CLIENT_ID,
) -> None:
    """Serve the demo's mopeds until stopped, pushing once there is where to."""
    server = SegwaySimulator(
        host=host,
        port=port,
        client_id=client_id,
        push_url=push_url,
        command_seconds=3,
    )
    pushing = None
    if push_url or push_url_file:
        pushing = asyncio.create_task(_push(server, push_url_file))
    try:
        await run_until_stopped(
            server,
            f"client ID {server.client_id}, client secret {server.client_secret}",
            f"vehicles {', '.join(server.mopeds)}",
        )
    finally:
        if pushing:
            pushing.cancel()
            with suppress(asyncio.CancelledError):
                await pushing


async def _push(server: SegwaySimulator, push_url_file: Path | None) -> None:
    if push_url_file is not None:
        server.push_url = await push_url_of(push_url_file)
    await server.push_for_ever()


def main() -> None:
    """Run the simulator alone, with the demo's mopeds."""
    parser = argparse.ArgumentParser(description="Play a server of the Segway API.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--push-url", help="base URL to push to")
    parser.add_argument("--push-url-file", type=Path, help="where to read that later")
    parser.add_argument("--client-id", default=DEMO_CLIENT_ID)
    options = parser.parse_args()
    asyncio.run(
        run_demo(
            options.port,
            options.push_url,
            options.push_url_file,
            client_id=options.client_id,
        )
    )


if __name__ == "__main__":
    main()
