"""Ways in which any simulated server can fail, in one layer that all of them share.

A `FailureLayer` stands between a simulator and its network. It answers in the simulator's
place, or spoils the true answer, for as long as a test says. Nothing waits for time: what
hangs is released by the test.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator
import copy
from enum import StrEnum
import gzip
import json

from aiohttp import web

MIB = 1024 * 1024
OVERSIZED = 9 * MIB
BOMB = 12 * MIB
DEPTH = 100_000
CONTROL_PATH = "/simulator"
"""The path whose requests make a simulator fail, and work again."""

SURROGATE = "half\ud83d a pair"
RETRY_AFTER = 120

# What no vendor documents for any field, but for text where text is expected, and truth
# where something is on or off.
WRONG_VALUES: tuple[object, ...] = (None, True, 1e308, "x", [], {"a": [1]})
_ON_OR_OFF = (0, 1, "0", "1", True, False)


class Failure(StrEnum):
    """A kind of failure."""

    REFUSED = "connection refused"
    HANG = "no answer"
    HANG_AFTER_HEADERS = "no body after the headers"
    RESET_IN_BODY = "connection reset in the body"
    TLS = "no TLS where it is expected"
    HTTP_401 = "HTTP 401"
    HTTP_403 = "HTTP 403"
    HTTP_404 = "HTTP 404"
    HTTP_429 = "HTTP 429"
    HTTP_429_RETRY_AFTER = "HTTP 429 with Retry-After"
    HTTP_500 = "HTTP 500"
    HTTP_503 = "HTTP 503"
    REDIRECT_LOOP = "HTTP 302 to itself"
    REDIRECT_ELSEWHERE = "HTTP 301 to another host"
    HTML = "a web page"
    EMPTY = "an empty body"
    TRUNCATED = "half a body"
    OVERSIZED = "a body that is too large"
    BOMB = "a small body that inflates to a huge one"
    DEEP = "a body that is nested too deeply"
    NAN = "NaN for every number"
    WRONG_TYPE = "wrong types in every field"
    SURROGATE = "half a surrogate pair in every text"
    UNKNOWN_FIELD = "unknown fields"
    CLOCK_JUMP = "a clock that jumps"
    DEAD_TOKEN = "a token that died"
    BLOCKED = "a blocked account"


STATUSES = {
    Failure.HTTP_401: 401,
    Failure.HTTP_403: 403,
    Failure.HTTP_404: 404,
    Failure.HTTP_429: 429,
    Failure.HTTP_429_RETRY_AFTER: 429,
    Failure.HTTP_500: 500,
    Failure.HTTP_503: 503,
}
SPOILT = frozenset(
    {
        Failure.DEEP,
        Failure.NAN,
        Failure.WRONG_TYPE,
        Failure.SURROGATE,
        Failure.UNKNOWN_FIELD,
        Failure.TRUNCATED,
        Failure.OVERSIZED,
        Failure.BOMB,
    }
)
"""Those that spoil the true answer. The others stand in its place."""
NOT_OF_AN_ANSWER = frozenset(
    {
        Failure.REFUSED,
        Failure.TLS,
        Failure.CLOCK_JUMP,
        Failure.DEAD_TOKEN,
        Failure.BLOCKED,
    }
)
"""Those that the simulator as a whole is put into; the layer has nothing to do then."""

type Answer = Callable[[], Awaitable[web.StreamResponse]]


class FailureLayer:
    """Lets the answers of a server fail while a test says so."""

    def __init__(self) -> None:
        """Let everything through."""
        self.hanging = 0
        """How many requests wait for an answer."""
        self._failure: Failure | None = None
        self._operations: Collection[str] | None = None
        self._kept: Collection[str] = ()
        self._released = asyncio.Event()
        self._answers = 0

    def begin(
        self,
        failure: Failure,
        operations: Collection[str] | None = None,
        *,
        kept: Collection[str] = (),
    ) -> None:
        """Let the answers to some operations fail, to all if None is given.

        `kept` are the fields that are left alone while all others are wrong at once,
        because without them an answer is nobody's.
        """
        self._failure, self._operations, self._kept = failure, operations, kept
        self._answers = 0

    def end(self) -> None:
        """Let everything through again, and what hangs go."""
        self._failure = None
        self._released.set()
        self._released = asyncio.Event()

    def control(self, request: web.BaseRequest) -> web.Response:
        """Begin the failure that the query names, as in `?fault=http_500`; end it without."""
        self.end()
        if name := request.query.get("fault"):
            possible = {
                failure.name.lower(): failure
                for failure in Failure
                if failure not in NOT_OF_AN_ANSWER
            }
            if name not in possible:
                return web.Response(status=400, text=" ".join(possible))
            self.begin(possible[name])
        return web.Response(text=name or "healed")

    async def serve(
        self, request: web.BaseRequest, operation: str, answer: Answer
    ) -> web.StreamResponse:
        """Answer a request, or fail."""
        failure = self._failure
        if (
            failure is None
            or failure in NOT_OF_AN_ANSWER
            or (self._operations is not None and operation not in self._operations)
        ):
            return await answer()
        if failure in STATUSES:
            headers = (
                {"Retry-After": str(RETRY_AFTER)}
                if failure is Failure.HTTP_429_RETRY_AFTER
                else None
            )
            return web.Response(status=STATUSES[failure], headers=headers)
        if failure in SPOILT:
            response = await answer()
            body = response.body if isinstance(response, web.Response) else None
            if not isinstance(body, bytes):
                return response
            number, self._answers = self._answers, self._answers + 1
            return self._spoilt(failure, body, number)
        return await self._broken(request, failure)

    def _spoilt(self, failure: Failure, body: bytes, number: int) -> web.Response:
        headers = {"Content-Type": "application/json"}
        if failure is Failure.BOMB:
            headers["Content-Encoding"] = "gzip"
        return web.Response(
            body=spoil(failure, body, number, self._kept), headers=headers
        )

    async def _broken(
        self, request: web.BaseRequest, failure: Failure
    ) -> web.StreamResponse:
        match failure:
            case Failure.HTML:
                page = "<!DOCTYPE html><html><body>Maintenance</body></html>"
                return web.Response(text=page, content_type="text/html")
            case Failure.EMPTY:
                return web.Response(content_type="application/json")
            case Failure.REDIRECT_LOOP:
                return web.Response(status=302, headers={"Location": str(request.url)})
            case Failure.REDIRECT_ELSEWHERE:
                # Whoever follows it arrives at this simulator once more.
                elsewhere = str(request.url.with_host("localhost"))
                return web.Response(status=301, headers={"Location": elsewhere})
            case Failure.HANG:
                await self._hang()
            case Failure.HANG_AFTER_HEADERS | Failure.RESET_IN_BODY:
                response = web.StreamResponse()
                response.content_length = 1000
                response.content_type = "application/json"
                await response.prepare(request)
                await response.write(b'{"code": 0, ')
                if failure is Failure.HANG_AFTER_HEADERS:
                    await self._hang()
                if request.transport:
                    request.transport.abort()
                return response
        if request.transport:
            request.transport.abort()
        return web.Response()

    async def _hang(self) -> None:
        self.hanging += 1
        try:
            await self._released.wait()
        finally:
            self.hanging -= 1


def spoil(
    failure: Failure, body: bytes, number: int = 0, kept: Collection[str] = ()
) -> bytes:
    """Return the JSON of a body as a failure spoils it.

    `number` counts the bodies. Of wrong types, the first bodies have one wrong value in
    all fields but the kept ones, each of the further ones has one in one field alone.
    """
    match failure:
        case Failure.TRUNCATED:
            return body[: len(body) // 2]
        case Failure.OVERSIZED:
            return body.rstrip() + b" " * OVERSIZED
        case Failure.BOMB:
            return gzip.compress(body.rstrip() + b" " * BOMB, compresslevel=1)
        case Failure.DEEP:
            return b'{"code": 0, "deep": ' + b"[" * DEPTH + b"]" * DEPTH + b"}"
    whole = json.loads(body)
    match failure:
        case Failure.NAN:
            replace_all(whole, lambda key, value: _nan(key, value, kept))
        case Failure.SURROGATE:
            replace_all(whole, lambda key, value: _surrogate(key, value, kept))
        case Failure.UNKNOWN_FIELD:
            add_everywhere(whole)
        case Failure.WRONG_TYPE:
            whole = with_wrong_type(whole, number, kept)
    return json.dumps(whole).encode()


def _nan(key: str, value: object, kept: Collection[str]) -> object:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float("nan") if is_number and key not in kept else value


def _surrogate(key: str, value: object, kept: Collection[str]) -> object:
    return SURROGATE if isinstance(value, str) and key not in kept else value


def with_wrong_type(whole: object, number: int, kept: Collection[str]) -> object:
    """Return an answer with a wrong value in all fields, or in one of them."""
    whole = copy.deepcopy(whole)
    if number < len(WRONG_VALUES):
        wrong = WRONG_VALUES[number]
        replace_all(
            whole, lambda key, value: value if key in kept else _wrong(value, wrong)
        )
        return whole
    places = list(fields_of(whole))
    place, key = places[number % len(places)]
    place[key] = _wrong(place[key], WRONG_VALUES[number % len(WRONG_VALUES)])
    return whole


def _wrong(value: object, wrong: object) -> object:
    """Return the wrong value, unless it would be a right one."""
    return value if wrong is True and value in _ON_OR_OFF else wrong


def fields_of(node: object) -> Iterator[tuple[dict[str, object], str]]:
    """Yield all fields of an answer: the object that has it, and its name."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield node, key
            yield from fields_of(value)
    elif isinstance(node, list):
        for value in node:
            yield from fields_of(value)


def replace_all(node: object, change: Callable[[str, object], object]) -> None:
    """Change the values of all fields that hold neither objects nor a list of them."""
    for place, key in list(fields_of(node)):
        value = place[key]
        holds_objects = isinstance(value, dict) or (
            isinstance(value, list) and any(isinstance(one, dict) for one in value)
        )
        if not holds_objects:
            place[key] = change(key, value)


def add_everywhere(node: object) -> None:
    """Add a field that no document knows to all objects."""
    places = {id(place): place for place, _ in fields_of(node)}
    for place in places.values():
        place["somethingNew"] = {"nested": [1, "two", None]}
