"""The last look at a command before its bytes leave, behind all waits of the HTTP session.

Connecting, and waiting for a free connection, take time. A clearance is therefore checked
once more right before the headers are written, in a trace callback of aiohttp.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace

import aiohttp

from ..contract.commands import HARMLESS, Clearance


@asynccontextmanager
async def gated(
    session: aiohttp.ClientSession, clearance: Clearance
) -> AsyncIterator[aiohttp.ClientSession]:
    """Yield the session for a request with a clearance.

    For what needs a clearance it is one that shares the connections of the given session,
    and writes nothing that the clearance does not let leave at that moment. What it wrote once
    is not written again by itself: aiohttp repeats some requests whose connection ends.
    """
    if clearance is HARMLESS:
        yield session
        return
    written = False

    async def on_headers(
        _session: aiohttp.ClientSession,
        _context: SimpleNamespace,
        _params: aiohttp.TraceRequestHeadersSentParams,
    ) -> None:
        nonlocal written
        if written:
            raise aiohttp.ServerDisconnectedError
        clearance.leave()
        written = True

    trace = aiohttp.TraceConfig()
    # aiohttp's own type of this list holds what calls such functions, not the functions.
    trace.on_request_headers_sent.append(on_headers)  # type: ignore[arg-type, unused-ignore]
    own = aiohttp.ClientSession(
        connector=session.connector,
        connector_owner=False,
        cookie_jar=session.cookie_jar,
        headers=session.headers,
        trace_configs=[trace],
    )
    try:
        yield own
    finally:
        own.detach()
