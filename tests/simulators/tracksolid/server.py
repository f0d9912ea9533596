"""The node of an Open API account: signature, tokens, limits, and errors on demand.

Written from chapters 1 to 9 of the document, and from what the real system answers.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import md5
import inspect
import json
import re
import time
from typing import Self

from aiohttp import web

from tests.simulators.failures import CONTROL_PATH, FailureLayer

from . import devices, fences, instructions, media, tracking  # noqa: F401 - registers
from .device import Device, stamp
from .hub import instruct
from .registry import METHODS, Params, Refusal, Reply, method, whole

COMMON = {
    "method",
    "app_key",
    "timestamp",
    "sign_method",
    "sign",
    "v",
    "format",
    "access_token",
}
APP_KEY = "8FB345B8693CCD00TESTAPPKEY"
APP_SECRET = "testsecret0000000000000000000000"
ACCOUNT, PASSWORD = "fleet", "drive-safely"

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
TIMESTAMP_TOLERANCE = 600
TOKEN_PAUSE = 60


@dataclass(slots=True)
class Token:
    """A token that was given out."""

    access: str
    refresh: str
    until: float


@dataclass(slots=True)
class Fault:
    """Faults of the next requests of a method."""

    times: int
    code: int | str | None = None
    message: str = ""
    how: str = "code"  # code, html, status, half, hang
    only: str | None = None
    after: bool = False
    skip: int = 0


FILE = "file"
"""The operation that reads a photo or a video by its address."""


@dataclass(slots=True)
class Gate:
    """Holds the requests of a method back until it is opened."""

    opened: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: asyncio.Event = field(default_factory=asyncio.Event)

    def open(self) -> None:
        """Let the held requests go on."""
        self.opened.set()


class TracksolidSimulator:
    """An account of Tracksolid Pro on one node, over a real socket."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        """Prepare an account without devices; times come from the clock."""
        self.clock = clock
        # How results of commands say whether they were carried out: as the document says.
        self.boolean_states = False
        self.app_key = APP_KEY
        self.app_secret = APP_SECRET
        self.account = ACCOUNT
        self.password = PASSWORD
        self.children: dict[str, list[str]] = {}
        self.refused_accounts: set[str] = set()
        self.devices: dict[str, Device] = {}
        self.groups: dict[str, str] = {"b54ab3c430864e31a64e54de44c79a1d": "Default"}
        self.platform_fences: dict[str, dict[str, str]] = {}
        self.bindings: dict[str, set[str]] = {}
        self.app_users: dict[str, set[str]] = {}
        self.lists: dict[str, list[int]] = {}
        self.alarm_pages: tuple[object, list[dict[str, object]]] | None = None
        self.recordings: dict[str, tuple[str, int, str]] = {}
        self.lbs_calls: Counter[tuple[str, str]] = Counter()
        # what the real system leaves open, to be turned by tests
        self.token_quota = 50
        self.calls_per_minute: int | None = None
        self.batch_limit = 100
        self.parking_codes = ("on", "off")
        self.ping_lists = 2
        self.channel_name = "channal"
        self.media_words = False
        self.frame_pause: float | None = 1.0
        self.codes_as_text = False
        self.trip_rows = 100
        self.has_pages = True  # else the first rows are all that can be had
        self.refuses_alarm_pages = False
        self.most_alarms = 1000  # at once, where there are no pages
        self.live_works = True
        self.cut_files = False  # the connection breaks in the middle of a file
        # what was seen
        self.requests: Counter[str] = Counter()
        self.calls: list[tuple[str, Params]] = []
        self.hub_token = "hub-token"
        self.hub_calls: list[dict[str, str]] = []
        self._tokens: dict[str, Token] = {}
        self._tokens_asked: list[float] = []
        self._called: list[float] = []
        self._faults: dict[str, list[Fault]] = {}
        self._gates: dict[str, Gate] = {}
        self._hanging: set[asyncio.Event] = set()
        self._runner: web.AppRunner | None = None
        self._given = 0
        self.root = ""
        self.failures = FailureLayer()

    # --- being a server ---

    async def start(self, port: int = 0) -> str:
        """Listen on 127.0.0.1 and return the address of the API."""
        app = web.Application()
        app.router.add_route("*", "/route/rest", self._rest)
        app.router.add_get("/media/{key}", self._media)
        app.router.add_get("/thumb/{key}", self._media)
        app.router.add_get("/live/{channel}/{name}", self._live)
        app.router.add_post("/api/device/sendInstruct", self._instruct)
        app.router.add_post(CONTROL_PATH, self._control)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.root = f"http://{host}:{port}"
        return self.url

    async def stop(self) -> None:
        """Stop listening; what hangs is let go."""
        self.failures.end()
        for event in self._hanging:
            event.set()
        for device in self.devices.values():
            for stream in device.streams.values():
                stream.end()
        for gate in self._gates.values():
            gate.open()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        """Start on any port."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        await self.stop()

    @property
    def url(self) -> str:
        """The address of the API."""
        return f"{self.root}/route/rest"

    # --- what a test may turn ---

    def add(self, *added: Device) -> None:
        """Add devices."""
        for device in added:
            self.devices[device.imei] = device

    def fail(
        self,
        name: str,
        code: int | str | None = None,
        message: str = "",
        *,
        how: str = "code",
        times: int = 1,
        only: str | None = None,
        after: bool = False,
        skip: int = 0,
    ) -> None:
        """Let the next requests of a method go wrong, all of them with times=-1.

        `how` is code (answered with the code), html, status (HTTP 500), half (half a
        JSON text) or hang; with `only` it concerns requests that name that device.
        `after` lets the request be carried out all the same; so many go well first as
        `skip` says.
        """
        fault = Fault(times, code, message, how, only, after, skip)
        self._faults.setdefault(name, []).append(fault)

    def fail_inside(self, name: str, code: str) -> None:
        """Let the next request of a method be answered with a code inside its result."""
        self.fail(name, code, how="inside")

    def heal(self) -> None:
        """Let nothing go wrong any more."""
        self._faults.clear()
        for event in self._hanging:
            event.set()

    def hold(self, name: str) -> Gate:
        """Hold back the answers of a method until the gate is opened."""
        gate = self._gates[name] = Gate()
        return gate

    def drop_tokens(self) -> None:
        """Forget all tokens, as if another program had logged in."""
        self._tokens.clear()

    @property
    def now(self) -> float:
        """The time, UNIX seconds."""
        return self.clock()

    # --- visibility ---

    def accounts(self) -> list[str]:
        """Return the account and all accounts below it."""
        found = [self.account]
        for account in found:
            found += self.children.get(account, [])
        return found

    def device(self, imei: str) -> Device:
        """Return a device of the account or of a sub-account; 1002 otherwise."""
        device = self.devices.get(imei)
        if device is None or device.account not in self.accounts():
            raise Refusal(1002, "Illegal device")
        return device

    def batch(self, params: Params, name: str = "imeis") -> list[Device]:
        """Return the devices of a comma separated list within the limit."""
        imeis = params[name].split(",")
        if len(imeis) > self.batch_limit:
            raise Refusal(1001, f"The number of imeis cannot exceed {self.batch_limit}")
        return [self.device(imei) for imei in imeis]

    def check_account(self, account: str) -> str:
        """Return an account that may be seen; 1002 otherwise."""
        if account not in self.accounts() or account in self.refused_accounts:
            raise Refusal(1002, "Illegal user: the account does not exist")
        return account

    def of_account(self, account: str) -> Iterable[Device]:
        """Return the devices of one account, without its sub-accounts'."""
        self.check_account(account)
        return [d for d in self.devices.values() if d.account == account]

    def period(self, params: Params, begin: str, end: str) -> tuple[float, float]:
        """Return a period of two parameters; 1001 unless both are UTC times in order."""
        times = []
        for name in (begin, end):
            text = params[name]
            if not TIMESTAMP.fullmatch(text):
                raise Refusal(1001, f"Parameter error: {name}")
            times.append(
                datetime.strptime(text, "%Y-%m-%d %H:%M:%S")
                .replace(tzinfo=UTC)
                .timestamp()
            )
        if times[0] > times[1] or times[1] > self.now + 1:
            raise Refusal(1001, f"Parameter error: {begin}, {end}")
        return times[0], times[1]

    # --- answering ---

    async def _control(self, request: web.Request) -> web.Response:
        return self.failures.control(request)

    async def _rest(self, request: web.Request) -> web.StreamResponse:
        if request.method != "POST":
            return self._refuse(Refusal(1007, "Illegal access, request method error!"))
        if request.content_type != "application/x-www-form-urlencoded":
            return self._refuse(Refusal(1001, "Parameter error: content type"))
        form = await request.post()
        params = {key: value for key, value in form.items() if isinstance(value, str)}
        name = params.get("method", "")
        self.requests[name] += 1
        self.calls.append((name, params))
        return await self.failures.serve(
            request, name, lambda: self._answer_or_fail(name, params)
        )

    async def _answer_or_fail(self, name: str, params: Params) -> web.StreamResponse:
        if (gate := self._gates.get(name)) is not None:
            gate.waiting.set()
            await gate.opened.wait()
        fault = self._fault(name, params)
        if fault is not None and not fault.after:
            return await self._go_wrong(fault)
        try:
            self._check(name, params)
            handler = METHODS[name].handler
            private = {k: v for k, v in params.items() if k not in COMMON and v != ""}
            if name == "jimi.oauth.token.refresh":
                private["access_token"] = params["access_token"]
            reply = handler(self, private)
            if inspect.isawaitable(reply):
                reply = await reply
        except Refusal as refusal:
            answer = self._refuse(refusal)
        else:
            answer = self._answer(0, reply.message, reply.result, reply.data)
        return answer if fault is None else await self._go_wrong(fault)

    def _fault(self, name: str, params: Params) -> Fault | None:
        for faults in (self._faults.get(name, []), self._faults.get("*", [])):
            for fault in faults:
                named = ",".join(params.get(key, "") for key in ("imei", "imeis"))
                if fault.times and (fault.only is None or fault.only in named):
                    if fault.skip:
                        fault.skip -= 1
                        continue
                    fault.times -= 1
                    return fault
        return None

    async def _go_wrong(self, fault: Fault) -> web.StreamResponse:
        match fault.how:
            case "html":
                return web.Response(
                    text="<html><body>502 Bad Gateway</body></html>",
                    content_type="text/html",
                )
            case "status":
                return web.Response(status=500, text="Internal Server Error")
            case "half":
                return web.Response(
                    text='{"code":0,"message":"succ', content_type="application/json"
                )
            case "inside":
                inner = {"code": fault.code, "msg": fault.message, "cmdSeqNo": "1"}
                return self._answer(0, "Operation successful", inner, None)
            case "hang":
                event = asyncio.Event()
                self._hanging.add(event)
                await event.wait()
                self._hanging.discard(event)
                return web.Response(status=503)
        assert fault.code is not None
        return self._answer(fault.code, fault.message, None, None)

    def _refuse(self, refusal: Refusal) -> web.Response:
        return self._answer(refusal.code, refusal.message, refusal.result, refusal.data)

    def _answer(
        self, code: int | str, message: str, result: object, data: object
    ) -> web.Response:
        if self.codes_as_text and code != 0:
            code = str(code)
        answer = {"code": code, "message": message, "result": result, "data": data}
        date = datetime.fromtimestamp(self.now, UTC)
        return web.Response(
            text=json.dumps(answer, ensure_ascii=False),
            content_type="application/json",
            headers={"Date": date.strftime("%a, %d %b %Y %H:%M:%S GMT")},
        )

    def _check(self, name: str, params: Params) -> None:
        """Check what chapters 1 and 2 ask of every request."""
        for key in ("method", "app_key", "timestamp", "sign_method", "sign", "v"):
            if not params.get(key):
                raise Refusal(1001, f"Missing {'AppKey' if key == 'app_key' else key}")
        if params.get("format") != "json" or params["sign_method"] != "md5":
            raise Refusal(1001, "Parameter error: format")
        if params["v"] != "1.0":
            raise Refusal(1001, "Parameter error: v")
        if params["app_key"] != self.app_key:
            raise Refusal(1001, "invalid AppKey")
        if not TIMESTAMP.fullmatch(params["timestamp"]):
            raise Refusal(1001, "Parameter error: timestamp")
        sent = datetime.strptime(params["timestamp"], "%Y-%m-%d %H:%M:%S")
        if abs(sent.replace(tzinfo=UTC).timestamp() - self.now) > TIMESTAMP_TOLERANCE:
            raise Refusal(1001, "Illegal timestamp")
        if params["sign"] != self.sign(params):
            raise Refusal(1001, "Illegal sign")
        if name not in METHODS:
            raise Refusal(1007, "Illegal access, request method error!")
        self._check_parameters(name, params)
        if name == "jimi.oauth.token.get":
            return
        token = self._tokens.get(params.get("access_token", ""))
        if token is None or token.until <= self.now:
            raise Refusal(1004, "Illegal access, token exception!")
        self._check_rate()

    def _check_parameters(self, name: str, params: Params) -> None:
        known = METHODS[name]
        given = {key for key, value in params.items() if value != ""} - COMMON
        if missing := known.required - given - {"access_token"}:
            raise Refusal(1001, f"Parameter error: {', '.join(sorted(missing))}")
        if strange := given - known.required - known.optional:
            raise Refusal(1001, f"Parameter error: {', '.join(sorted(strange))}")

    def _check_rate(self) -> None:
        if self.calls_per_minute is None:
            return
        self._called = [at for at in self._called if at > self.now - 60]
        if len(self._called) >= self.calls_per_minute:
            raise Refusal(1006, "Illegal access, request frequency is too high!")
        self._called.append(self.now)

    def sign(self, params: Params) -> str:
        """Return the signature of a request (chapter 2 of the document)."""
        text = "".join(
            f"{key}{value}"
            for key, value in sorted(params.items())
            if key != "sign" and value != ""
        )
        whole_text = f"{self.app_secret}{text}{self.app_secret}"
        return md5(whole_text.encode()).hexdigest().upper()

    # --- tokens ---

    def take_token_call(self) -> None:
        """Count a login; one a minute, and so many a day."""
        asked = self._tokens_asked
        if asked and abs(self.now - asked[-1]) < TOKEN_PAUSE:
            raise Refusal(1006, "Illegal access, request frequency is too high!")
        day = self.now - self.now % 86_400
        if sum(at >= day for at in asked) >= self.token_quota:
            raise Refusal(
                1006, "The request frequency exceeds the number of times per day"
            )
        asked.append(self.now)

    def give_token(self, seconds: int) -> dict[str, object]:
        """Return a new token."""
        self._given += 1
        access = md5(f"{self._given}/{self.now}".encode()).hexdigest()
        self._tokens[access] = Token(access, access, self.now + seconds)
        return {
            "appKey": self.app_key,
            "account": self.account,
            "accessToken": access,
            "expiresIn": str(seconds),
            "refreshToken": access,
            "time": stamp(self.now),
        }

    def refresh_token(self, access: str, refresh: str, seconds: int) -> Reply:
        """Return a new token for one that still lives."""
        token = self._tokens.get(access)
        if token is None or token.refresh != refresh or token.until <= self.now:
            raise Refusal(1004, "Illegal request，token is invalid")
        del self._tokens[access]
        return Reply(self.give_token(seconds))

    # --- files and streams ---

    async def _media(self, request: web.Request) -> web.StreamResponse:
        return await self.failures.serve(
            request, FILE, lambda: media.serve_file(self, request)
        )

    async def _live(self, request: web.Request) -> web.StreamResponse:
        return await media.serve_stream(self, request)

    async def _instruct(self, request: web.Request) -> web.StreamResponse:
        return await instruct(self, request)


@method("jimi.oauth.token.get", "user_id", "user_pwd_md5", "expires_in")
def token_get(sim: TracksolidSimulator, params: Params) -> Reply:
    """3.1: a login. A wrong password counts against the limits too."""
    seconds = whole(params, "expires_in", 60, 7200, 7200)
    sim.take_token_call()
    password = md5(sim.password.encode()).hexdigest()
    if (params["user_id"], params["user_pwd_md5"]) != (sim.account, password):
        raise Refusal(1001, "Incorrect user name or password")
    return Reply(sim.give_token(seconds))


@method("jimi.oauth.token.refresh", "access_token", "refresh_token", "expires_in")
def token_refresh(sim: TracksolidSimulator, params: Params) -> Reply:
    """3.2: a new token for one that is about to expire."""
    seconds = whole(params, "expires_in", 60, 7200, 7200)
    return sim.refresh_token(params["access_token"], params["refresh_token"], seconds)
