"""Reads the bodies of pushes: bounded in bytes, in time and in number.

A sender that falls silent halfway keeps nobody else out: when too many bodies are under
way, the oldest is given up.
"""

from __future__ import annotations

import asyncio
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from contextlib import suppress
from http import HTTPStatus
import re
from urllib.parse import urlencode

from aiohttp import web

LARGEST_BODY = 1024 * 1024
"""Bytes of a body, decompressed."""
BODY_WITHIN_S = 20.0
MOST_HALF_SENT = 32
"""Bodies that may be under way at a time."""

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"

_MOST_PARTS = 100
_NAME = re.compile(rb'\bname=(?:"([^"\r\n]*)"|([^\s;"]+))', re.IGNORECASE)


class BodyRefused(Exception):
    """A body is not read. ``status`` is the HTTP status of the answer to its sender."""

    def __init__(self, status: HTTPStatus) -> None:
        """Initialize with the answer to the sender."""
        super().__init__(status.phrase)
        self.status = status


class BodyReader:
    """Reads the bodies that come in at all doors."""

    def __init__(self) -> None:
        """Start with nothing under way."""
        self._under_way: list[asyncio.Timeout] = []

    async def read(self, request: web.Request) -> tuple[str, bytes]:
        """Return the content type and the body of a request; of a multipart form, as a form.

        A request that has its fields in the address, and no body, is read as that form. Text
        in another encoding, by its byte order mark or the content type, becomes UTF-8.

        Raises BodyRefused with 413 when it is too large, 408 when it takes too long, 503
        when too many are under way, and 400 when it ends early or is no multipart form.
        """
        try:
            async with asyncio.timeout(BODY_WITHIN_S) as limit:
                self._begin(limit)
                try:
                    body = await _read(request)
                finally:
                    given_up = limit not in self._under_way
                    if not given_up:
                        self._under_way.remove(limit)
        except TimeoutError:
            raise BodyRefused(
                HTTPStatus.SERVICE_UNAVAILABLE
                if given_up
                else HTTPStatus.REQUEST_TIMEOUT
            ) from None
        except (web.RequestPayloadError, ConnectionError):
            raise BodyRefused(HTTPStatus.BAD_REQUEST) from None
        query = request.rel_url.raw_query_string
        if query and not body:
            return FORM, query.encode()
        if request.content_type != MULTIPART:
            return request.content_type, _as_utf8(body, request.charset)
        boundary = _boundary(request.headers.get("Content-Type", ""))
        return FORM, _form_of(body, boundary)

    def _begin(self, limit: asyncio.Timeout) -> None:
        if len(self._under_way) >= MOST_HALF_SENT:
            oldest = self._under_way.pop(0)
            if not oldest.expired():
                oldest.reschedule(asyncio.get_running_loop().time())
        self._under_way.append(limit)


async def _read(request: web.Request) -> bytes:
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > LARGEST_BODY:
            raise BodyRefused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return bytes(body)


def _as_utf8(body: bytes, charset: str | None) -> bytes:
    """Return a text in UTF-8, without a byte order mark; as it is where that cannot be.

    What is UTF-8 already is taken for it, whatever its content type claims.
    """
    if len(body) > 2 and body.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        charset = "utf-16"
    elif body.startswith(BOM_UTF8):
        return body.removeprefix(BOM_UTF8)
    if charset and (b"\0" in body or not _is_utf8(body)):
        with suppress(LookupError, ValueError):
            # Codecs that are not for texts, such as those that decompress, are refused.
            return body.decode(charset, "replace").encode()
    return body


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _boundary(content_type: str) -> bytes:
    """Return what separates the parts of a multipart form (RFC 2046, 5.1.1)."""
    found = re.search(
        r'boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))', content_type, re.IGNORECASE
    )
    if found is None:
        raise BodyRefused(HTTPStatus.BAD_REQUEST)
    return (found[1] or found[2]).encode("utf-8", errors="replace")


def _form_of(body: bytes, boundary: bytes) -> bytes:
    """Return the fields of a multipart form (RFC 7578) as a form with escapes.

    Files among them count as fields. Raises BodyRefused when it is not whole.
    """
    _, *parts = (b"\r\n" + body).split(b"\r\n--" + boundary, _MOST_PARTS + 1)
    if not parts or not parts[-1].startswith(b"--"):
        raise BodyRefused(HTTPStatus.BAD_REQUEST)
    fields: list[tuple[bytes, bytes]] = []
    for part in parts[:-1]:
        head, gap, content = part.partition(b"\r\n\r\n")
        name = _NAME.search(head)
        if not gap or name is None:
            raise BodyRefused(HTTPStatus.BAD_REQUEST)
        fields.append((name[1] if name[1] is not None else name[2], content))
    return urlencode(fields).encode()
