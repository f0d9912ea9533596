"""Photos are read within bounds: of size after decompression, and of redirects."""

from __future__ import annotations

import gzip

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
import pytest

from custom_components.fleet_tracker.cameras.downloads import LARGEST_PHOTO, async_read
from custom_components.fleet_tracker.contract.errors import CannotConnect, InvalidAnswer
from custom_components.fleet_tracker.transport.http_client import Redirected

PHOTO = b"\xff\xd8 a photo"
COMPRESSED = {"Content-Encoding": "gzip"}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (web.Response(body=PHOTO), None),
        (web.Response(body=gzip.compress(PHOTO), headers=COMPRESSED), None),
        (
            web.Response(
                body=gzip.compress(bytes(LARGEST_PHOTO + 1), 1), headers=COMPRESSED
            ),
            InvalidAnswer,
        ),
        (web.Response(body=PHOTO, headers=COMPRESSED), InvalidAnswer),
        (web.Response(status=302, headers={"Location": "/photo"}), Redirected),
        (
            web.Response(status=301, headers={"Location": "http://elsewhere.invalid/"}),
            Redirected,
        ),
        (web.Response(status=404), CannotConnect),
    ],
    ids=["plain", "gzip", "bomb", "not gzip", "loop", "elsewhere", "gone"],
)
async def test_photo(
    socket_enabled: None,
    answer: web.Response,
    expected: type[Exception] | None,
) -> None:
    """What is too large, broken or elsewhere is refused, and nothing follows a loop."""
    asked = 0

    async def photo(_request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return answer

    app = web.Application()
    app.router.add_get("/photo", photo)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        url = str(server.make_url("/photo"))
        if expected is None:
            assert await async_read(session, url) == PHOTO
        else:
            with pytest.raises(expected):
                await async_read(session, url)
    assert asked == 1
