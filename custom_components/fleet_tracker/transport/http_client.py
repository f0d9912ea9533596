"""The one way of asking polled vendors: bounded in bytes and in time.

`HttpClient.ask` sends a request and reads its answer, `read_json` reads what is in it, and `read_body`
reads the body of an answer that somebody else asked for. Nothing is repeated here, and no
error tells an address: the texts of aiohttp's own errors do.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
import json
import math
import re
import zlib

import aiohttp
from aiohttp import hdrs
import orjson
from yarl import URL

from ..contract.commands import HARMLESS, Clearance
from ..contract.errors import (
    AuthenticationFailed,
    CannotConnect,
    InvalidAnswer,
    RateLimited,
    VendorError,
)
from ..model.json_values import Json
from .gated_session import gated

LARGEST_ANSWER = 8 * 1024 * 1024
"""Bytes of an answer, decompressed."""

CONNECT_S = 10.0
COMMAND_CONNECT_S = 5.0
"""How long connecting may take for a command: it must not go out much later than asked."""
FIRST_BYTE_S = 30.0
SILENCE_S = 10.0
"""How long the rest of an answer may make no progress."""
WHOLE_BODY_S = 300.0
"""How long the rest of an answer may take in all, a byte now and then."""

LEAST_RETRY_AFTER = timedelta(seconds=1)
MOST_RETRY_AFTER = timedelta(minutes=15)

DEEPEST_JSON = 64
LONGEST_NUMBER = 64
"""Characters. No field of any vendor has nearly as many."""

_ACCEPTED = "gzip, deflate"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
# These may lead to the result of a request that was already carried out.
_AFTER_THE_DEED = frozenset({302, 303})
_INFLATE_STEP = 512 * 1024
_GZIP = 16 + zlib.MAX_WBITS
_MOST_MEMBERS = 100
_INT64 = 2**63
# What orjson may read wrongly: half a surrogate pair, and numbers of many digits.
_ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_LARGE_NUMBER = re.compile(r"\d{19}|\d[eE]\+?\d{3}")
# To find out quickly that a body has no such number: each digit is 0, and what may stand
# before a number is ":". Signs, points and blanks are taken out.
_ALIKE = bytes.maketrans(b"123456789E,[", b"000000000e::")
_TAKEN_OUT = b"+-. \t\r\n"
_MANY_DIGITS = b"0" * 19
_MANY_DIGITS_INSIDE = b":" + _MANY_DIGITS
_LARGE_EXPONENT = b"0e000"
# How deep a body is shows in its brackets, and in what stands right before each.
_CLOSE_ALIKE = bytes.maketrans(b"}", b"]")
_NO_SHAPE = bytes(set(range(256)) - set(b'[]{},"'))


class Unreachable(CannotConnect):
    """No connection could be made, so that the request was certainly not carried out."""


class AccountClosed(Unreachable):
    """Nothing is sent any more: the account was closed."""


class NoAnswer(CannotConnect):
    """The request was sent, but no whole answer came: it may have been carried out."""


class Redirected(CannotConnect):
    """The server sends requests on to another address, which is not followed."""

    key = "redirected"

    def __init__(self, host: str) -> None:
        """Initialize with the host of the other address."""
        super().__init__("Sent on to another address", placeholders={"host": host})


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An answer that was read: its status, the server's time if told, and its body."""

    status: int
    date: datetime | None
    body: bytes


class HttpClient:
    """The requests of one account, until it is closed."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        """Initialize with a session, which may be shared."""
        self._session = session
        self._closed = False
        self.on_refused: Callable[[], None] | None = None
        """Called when an answer says that the credentials are wrong."""

    def judged[E: VendorError](self, error: E) -> E:
        """Return what an answer stands for, to be raised.

        If the credentials are wrong, `on_refused` is called at once. The error itself may
        still be handled by the caller without a word to the user.
        """
        if isinstance(error, AuthenticationFailed) and self.on_refused is not None:
            self.on_refused()
        return error

    def close(self) -> None:
        """Send nothing any more, whoever asks for it."""
        self._closed = True

    async def ask(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str | int | float] | None = None,
        form: Mapping[str, str] | None = None,
        json_body: Mapping[str, Json] | None = None,
        headers: Mapping[str, str] | None = None,
        answer_within: float = FIRST_BYTE_S,
        connect_within: float | None = None,
        is_command: bool = False,
        clearance: Clearance = HARMLESS,
    ) -> HttpAnswer:
        """Send a request and return its answer, whatever its status.

        `answer_within` are the seconds until the first byte of the answer, `connect_within`
        those for the connection (5 for a command, else 10). A redirect from http to https of
        the same host is followed once, with the same method and body, but not by a command.
        The clearance of a command is checked where its bytes leave.

        Raises Unreachable when nothing was sent, NoAnswer when no whole answer came,
        InvalidAnswer when it is too large or cannot be decompressed, Redirected, and
        RateLimited for 429 and for 503 with Retry-After, or what the clearance raises.
        """
        if connect_within is None:
            connect_within = COMMAND_CONNECT_S if is_command else CONNECT_S
        target = _url(url)
        may_follow = not is_command
        while True:
            # The clearance comes first: its error says in words why a command is not
            # sent any more.
            clearance.check()
            if self._closed:
                raise AccountClosed("The account is closed")
            try:
                async with (
                    asyncio.timeout(connect_within + answer_within) as waiting,
                    gated(self._session, clearance) as session,
                    session.request(
                        method,
                        target,
                        params=params,
                        data=form,
                        json=json_body,
                        headers={**(headers or {}), hdrs.ACCEPT_ENCODING: _ACCEPTED},
                        allow_redirects=False,
                        auto_decompress=False,
                        timeout=aiohttp.ClientTimeout(
                            total=None, connect=connect_within, sock_read=answer_within
                        ),
                    ) as response,
                ):
                    # From here on the body has limits of its own.
                    if not waiting.expired():
                        waiting.reschedule(None)
                    if response.status in _REDIRECTS:
                        if is_command and response.status in _AFTER_THE_DEED:
                            raise NoAnswer("Sent on to another address")
                        target = _followed(target, response, may_follow)
                        may_follow = False
                        # The other address is reported as a whole.
                        params = None if target.query_string else params
                        continue
                    _check_rate(response)
                    body = await read_body(response, LARGEST_ANSWER)
                    return HttpAnswer(response.status, _date(response), body)
            # The causes are not chained: their texts may hold the URL, and with it a secret.
            except (
                aiohttp.ClientConnectorError,
                aiohttp.ConnectionTimeoutError,
            ) as err:
                raise Unreachable(f"No connection ({type(err).__name__})") from None
            except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError):
                raise Unreachable("The address is not valid") from None
            except (aiohttp.ClientError, TimeoutError) as err:
                raise NoAnswer(f"No answer ({type(err).__name__})") from None
            except ValueError:
                # A token with a line break, say.
                raise Unreachable("The request cannot be written") from None


@asynccontextmanager
async def open_file(
    session: aiohttp.ClientSession,
    url: str,
    limits: aiohttp.ClientTimeout,
    headers: Mapping[str, str] | None = None,
) -> AsyncIterator[aiohttp.ClientResponse]:
    """Yield the answer that holds a file, as it comes: `read_body` decompresses it.

    A redirect is followed as by `HttpClient.ask`. Raises Redirected, InvalidAnswer,
    Unreachable for what is no address, and what aiohttp raises.
    """
    target, may_follow = _url(url), True
    while True:
        async with session.get(
            target,
            headers=headers,
            timeout=limits,
            allow_redirects=False,
            auto_decompress=False,
        ) as response:
            if response.status not in _REDIRECTS:
                yield response
                return
            target, may_follow = _followed(target, response, may_follow), False


async def read_body(response: aiohttp.ClientResponse, most: int) -> bytes:
    """Return the body of an answer that was asked for without `auto_decompress`.

    Raises InvalidAnswer when it is larger than `most` bytes or cannot be decompressed, and
    NoAnswer when it does not go on.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + WHOLE_BODY_S
    inflate = _Inflation(response.headers.get(hdrs.CONTENT_ENCODING, ""))
    body, received = bytearray(), 0
    while True:
        try:
            async with asyncio.timeout_at(min(loop.time() + SILENCE_S, end)):
                chunk = await response.content.readany()
        except (aiohttp.ClientError, TimeoutError) as err:
            raise NoAnswer(f"Half an answer ({type(err).__name__})") from None
        if not chunk:
            inflate.finish()
            return bytes(body)
        # A long compressed body may decompress to nothing.
        received += len(chunk)
        for part in inflate.feed(chunk):
            body += part
            if max(len(body), received) > most:
                raise InvalidAnswer("The answer is too large")
            # A small chunk may become a large one: others have their turn meanwhile.
            await asyncio.sleep(0)
        if received > most:
            raise InvalidAnswer("The answer is too large")


class _Inflation:
    """Decompresses a body piece by piece, in parts that stay small."""

    def __init__(self, encoding: str) -> None:
        """Initialize for the encoding of a body. Raises InvalidAnswer for an unknown one."""
        self._encoding = encoding.strip().lower()
        if self._encoding not in {"", "identity", "gzip", "x-gzip", "deflate"}:
            raise InvalidAnswer("The answer has an encoding that was not asked for")
        self._inflater: zlib._Decompress | None = None
        self._members = 0

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield what a chunk contains, in parts. Raises InvalidAnswer."""
        if self._encoding in {"", "identity"}:
            for start in range(0, len(chunk), _INFLATE_STEP):
                yield chunk[start : start + _INFLATE_STEP]
            return
        while chunk:
            if self._inflater is None:
                if self._members and not chunk.lstrip(b"\0"):
                    return  # the padding behind a gzip file
                self._inflater = self._new(chunk)
                self._members += 1
                if self._members > _MOST_MEMBERS:
                    raise InvalidAnswer("The answer consists of too many files")
            try:
                part = self._inflater.decompress(chunk, _INFLATE_STEP)
            except zlib.error:
                raise InvalidAnswer("The answer cannot be decompressed") from None
            chunk = self._inflater.unconsumed_tail
            if self._inflater.eof:
                # A gzip file may consist of several.
                chunk = self._inflater.unused_data
                self._inflater = None
            if part:
                yield part
            elif not chunk:
                return

    def finish(self) -> None:
        """Make sure that nothing is missing. Raises InvalidAnswer."""
        if self._inflater is not None:
            raise InvalidAnswer("The answer ends too early")

    def _new(self, start: bytes) -> zlib._Decompress:
        if self._encoding != "deflate":
            return zlib.decompressobj(_GZIP)
        # *deflate* is the zlib format (RFC 9110, 8.4.1.2); some servers send the bare data.
        has_header = start[0] & 0x0F == 8 and start[0] >> 4 <= 7
        return zlib.decompressobj(zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS)


def read_json(body: bytes) -> Json:
    """Return what is in a body of JSON: UTF-8, with or without a byte order mark.

    Texts are valid Unicode afterwards. A number that does not fit 64 bits is its text, NaN
    or one of very many digits is null: a senseless field of one vehicle must not hide all
    others. Raises InvalidAnswer, and nothing else, for what is no JSON or is nested too
    deeply.
    """
    # orjson makes of an integer beyond 64 bits a float that has lost its last digits.
    if not _may_have_large_numbers(body):
        try:
            value: Json = orjson.loads(body)
        except orjson.JSONDecodeError:
            # NaN, half a surrogate pair, invalid UTF-8: one bad name is no bad answer.
            pass
        else:
            if _may_be_deep(body):
                _check_depth(value)
            return value
    return _read_carefully(body.decode("utf-8-sig", errors="replace"))


def read_json_text(text: str) -> Json:
    """Return what is in a text of JSON, as `read_json` does. Raises InvalidAnswer."""
    try:
        body = text.encode()
    except UnicodeEncodeError:
        return _read_carefully(text)
    return read_json(body)


def _may_have_large_numbers(body: bytes) -> bool:
    """Tell whether a body may have a number that needs a second look.

    Digits in a text, such as those of a SIM card, are none.
    """
    alike = body.translate(_ALIKE, _TAKEN_OUT)
    return (
        _MANY_DIGITS_INSIDE in alike
        or _LARGE_EXPONENT in alike
        or alike.startswith(_MANY_DIGITS)
    )


def _read_carefully(text: str) -> Json:
    """Return what is in a text of JSON, also where it is more than orjson reads."""
    # Reading numbers by functions of our own takes longer.
    careful = _LARGE_NUMBER.search(text) is not None
    try:
        value: Json = json.loads(
            text,
            parse_constant=_no_number,
            parse_int=_integer if careful else None,
            parse_float=_decimal if careful else None,
        )
    except (ValueError, RecursionError):
        raise InvalidAnswer("It is no JSON") from None
    _check_depth(value)
    return _with_valid_texts(value) if _ESCAPED_SURROGATE.search(text) else value


def _no_number(_constant: str) -> None:
    """Return what NaN and infinity are, which JSON does not know."""


def _integer(digits: str) -> int | str | None:
    if len(digits) > LONGEST_NUMBER:
        return None
    number = int(digits)
    return number if -_INT64 <= number < _INT64 else digits


def _decimal(digits: str) -> float | str | None:
    if len(digits) > LONGEST_NUMBER:
        return None
    return number if math.isfinite(number := float(digits)) else digits


def _may_be_deep(body: bytes) -> bool:
    """Tell whether a body of valid JSON may be nested too deeply, by its brackets alone.

    On the way to the deepest part each list holds at most one object, and every other
    object but the first follows its key. Each list but the last holds something with
    brackets: the first of that follows the list's own bracket, or a comma behind a plain
    value. Brackets in texts only make it more careful.
    """
    shape = body.translate(_CLOSE_ALIKE, _NO_SHAPE)
    first_in_lists = (
        shape.count(b"[{")
        + shape.count(b"[[")
        + shape.count(b",{")
        + shape.count(b",[")
        - shape.count(b"],{")
        - shape.count(b"],[")
    )
    after_keys = shape.count(b'"{')
    return 2 * first_in_lists + after_keys + 2 > DEEPEST_JSON


def _check_depth(value: object) -> None:
    """Raise InvalidAnswer for a value with too deeply nested parts."""
    level: list[dict[str, object] | list[object]] = (
        [value] if type(value) is dict or type(value) is list else []
    )
    for _ in range(DEEPEST_JSON):
        if not level:
            return
        level = [
            inner
            for outer in level
            for inner in (outer.values() if type(outer) is dict else outer)
            if type(inner) is dict or type(inner) is list
        ]
    if level:
        raise InvalidAnswer("It is nested too deeply")


def _with_valid_texts(value: Json) -> Json:
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, Mapping):
        return {
            str(_with_valid_texts(key)): _with_valid_texts(inner)
            for key, inner in value.items()
        }
    if isinstance(value, Sequence):
        return [_with_valid_texts(inner) for inner in value]
    return value


def bounded_retry_after(wait: timedelta) -> timedelta:
    """Return how long to leave a server alone, given the wait that it asks for."""
    return min(max(wait, LEAST_RETRY_AFTER), MOST_RETRY_AFTER)


def retry_after(text: str, now: datetime) -> timedelta | None:
    """Return what a Retry-After says, seconds or a date, bounded; None if it is neither."""
    text = text.strip()
    try:
        seconds = float(text)
    except ValueError:
        return _until(text, now)
    if math.isnan(seconds):
        return None
    # A timedelta does not hold every number.
    most = MOST_RETRY_AFTER.total_seconds()
    return bounded_retry_after(timedelta(seconds=min(max(seconds, 0), most)))


def _until(text: str, now: datetime) -> timedelta | None:
    date = http_date(text)
    return None if date is None else bounded_retry_after(date - now)


def http_date(text: str) -> datetime | None:
    """Return an HTTP date as aware UTC, None if it is none."""
    try:
        date = parsedate_to_datetime(text)
        return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _date(response: aiohttp.ClientResponse) -> datetime | None:
    return http_date(response.headers.get(hdrs.DATE, ""))


def _check_rate(response: aiohttp.ClientResponse) -> None:
    """Raise RateLimited if the server says that it is asked too often."""
    told = response.headers.get(hdrs.RETRY_AFTER)
    if response.status == 429 or (response.status == 503 and told is not None):
        # A date is one of the server's clock.
        now = _date(response) or datetime.now(UTC)
        raise RateLimited(
            f"HTTP status {response.status}",
            retry_after=None if told is None else retry_after(told, now),
        )


def _url(text: str) -> URL:
    try:
        return URL(text)
    except ValueError:
        raise Unreachable("The address is not valid") from None


def _followed(url: URL, response: aiohttp.ClientResponse, may_follow: bool) -> URL:
    """Return where a request is sent on to, if that may be followed; else Redirected."""
    try:
        target = url.join(URL(response.headers[hdrs.LOCATION]))
        host = target.host or ""
    except (KeyError, ValueError):
        raise InvalidAnswer("Sent on to nowhere") from None
    if (
        may_follow
        and url.scheme == "http"
        and target.scheme == "https"
        and host == url.host
    ):
        return target
    raise Redirected(host)
