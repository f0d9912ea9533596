"""The common parts of the simulators' HTTP servers: life, counting and faults."""

from __future__ import annotations

from abc import ABC, abstractmethod
import asyncio
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
import signal
import time
from typing import Self

from aiohttp import web

from .failures import CONTROL_PATH, FailureLayer

ANY_PATH = "*"


class Fault(StrEnum):
    """A way in which a server can fail beside the errors that its document knows."""

    HTML = "html"
    HALF_JSON = "half_json"
    NOT_AN_OBJECT = "not_an_object"
    HTTP_500 = "http_500"
    HANG = "hang"
    DISCONNECT = "disconnect"


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """A request as it came in."""

    method: str
    path: str
    query: Mapping[str, str]


class SimulatedServer(ABC):
    """An HTTP server on loopback that answers as a vendor does, or fails as told.

    It is an asynchronous context manager. It may be stopped and started again and
    keeps its port. `requests` counts the requests of each path, failed ones too, and
    `hanging` is set as soon as one is left without an answer.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        """Initialize with the clock (UNIX seconds; the system's, frozen or not, by default)."""
        self.requests: Counter[str] = Counter()
        self.log: deque[LoggedRequest] = deque(maxlen=10_000)
        self._clock = clock
        self._host = host
        self._port = port
        self._bodies: dict[str, deque[object]] = {}
        self._faults: dict[str, deque[Fault]] = {}
        self._lasting_faults: dict[str, Fault] = {}
        self._held: dict[str, asyncio.Event] = {}
        self.failures = FailureLayer()
        self.hanging = asyncio.Event()
        self._stopping = asyncio.Event()
        self._runner: web.ServerRunner | None = None

    @property
    def now(self) -> float:
        """The server's time in UNIX seconds."""
        return self._clock() if self._clock else time.time()

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end."""
        return f"http://{self._host}:{self._port}"

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        await self.stop()

    async def start(self) -> None:
        """Listen, on the port that was given or used before."""
        self._stopping.clear()
        # A client that goes away is served no further.
        self._runner = web.ServerRunner(
            # The access log stumbles over frozen clocks.
            web.Server(self._serve, handler_cancellation=True, access_log=None)
        )
        await self._runner.setup()
        await web.TCPSite(
            self._runner, self._host, self._port, reuse_address=True
        ).start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Drop all connections at once and free the port."""
        self._stopping.set()
        self.failures.end()
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    def break_next(self, path: str, fault: Fault, times: int = 1) -> None:
        """Let the next requests of a path (or ANY_PATH) fail."""
        self._faults.setdefault(path, deque()).extend([fault] * times)

    def break_until_healed(self, path: str, fault: Fault) -> None:
        """Let all requests of a path (or ANY_PATH) fail until `heal` is called."""
        self._lasting_faults[path] = fault

    def answer_next(self, path: str, body: object) -> None:
        """Answer the next request of a path with this JSON, whatever it asks."""
        self._bodies.setdefault(path, deque()).append(body)

    def keep_back(self, path: str) -> asyncio.Event:
        """Keep back the right answers to a path until the event is set."""
        return self._held.setdefault(path, asyncio.Event())

    def heal(self) -> None:
        """Forget all faults that were asked for, and let go of what is kept back."""
        for held in self._held.values():
            held.set()
        self._held.clear()
        self._bodies.clear()
        self._faults.clear()
        self._lasting_faults.clear()

    @abstractmethod
    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request that is not to fail."""

    def control(self, request: web.BaseRequest) -> web.Response:
        """Do what a request to the control path says: let answers fail, or end that."""
        return self.failures.control(request)

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == CONTROL_PATH and request.method == "POST":
            return self.control(request)
        self.requests[request.path] += 1
        self.log.append(
            LoggedRequest(request.method, request.path, dict(request.query))
        )
        return await self.failures.serve(
            request, request.path, lambda: self._answer_or_fail(request)
        )

    async def _answer_or_fail(self, request: web.BaseRequest) -> web.StreamResponse:
        if fault := self._fault(request.path):
            return await self._fail(request, fault)
        if bodies := self._bodies.get(request.path):
            return web.json_response(bodies.popleft())
        answer = await self.answer(request)
        if held := self._held.get(request.path):
            await held.wait()
        return answer

    def _fault(self, path: str) -> Fault | None:
        for key in (path, ANY_PATH):
            if queue := self._faults.get(key):
                return queue.popleft()
            if fault := self._lasting_faults.get(key):
                return fault
        return None

    async def _fail(self, request: web.BaseRequest, fault: Fault) -> web.StreamResponse:
        match fault:
            case Fault.HTML:
                page = "<!DOCTYPE html><html><body>Maintenance</body></html>"
                return web.Response(text=page, content_type="text/html")
            case Fault.HALF_JSON:
                return web.Response(
                    text='{"code": 0, "record": [{"imei": "12',
                    content_type="application/json",
                )
            case Fault.NOT_AN_OBJECT:
                return web.json_response(["0", None])
            case Fault.HTTP_500:
                return web.Response(status=500, text="Internal Server Error")
            case Fault.HANG:
                self.hanging.set()
                await self._stopping.wait()
        if request.transport:
            request.transport.abort()
        return web.Response()


async def push_url_of(file: Path) -> str:
    """Return the address for pushes, once it was written to a file."""
    # Another process writes the file.
    while not (found := await asyncio.to_thread(_read, file)):  # noqa: ASYNC110
        await asyncio.sleep(0.5)
    return found


def _read(file: Path) -> str:
    return file.read_text(encoding="ascii").strip() if file.exists() else ""


async def run_until_stopped(server: SimulatedServer, *lines: str) -> None:
    """Run a server alone: print its URL and more when ready, end on a signal."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with server:
        print(server.url, *lines, sep="\n", flush=True)
        await stop.wait()
