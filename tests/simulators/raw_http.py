"""A server that answers HTTP requests with whatever bytes it is given, however wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
import ssl
from typing import Self
import zlib

from multidict import CIMultiDict

RESET = object()
"""Stands in an answer for the end of the connection without a word."""
HANG = object()
"""Stands in an answer for silence until the server stops."""

type Part = bytes | object


@dataclass(frozen=True, slots=True)
class RawRequest:
    """A request as it came in."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class RawServer:
    """An HTTP server on loopback. `answer` says what bytes a request is answered with.

    It is an asynchronous context manager; `requests` are those that came in.
    """

    def __init__(
        self,
        answer: Callable[[RawRequest], tuple[Part, ...]],
        *,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Initialize with the answers, and with the context of an https server."""
        self.requests: list[RawRequest] = []
        self.answer = answer
        self._tls = tls
        self._stopping = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        assert self._server
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end."""
        return f"http{'s' if self._tls else ''}://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        """Start."""
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", 0, ssl=self._tls
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        """Drop all connections and stop."""
        assert self._server
        self._stopping.set()
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._writers.add(writer)
        try:
            while True:
                request = await self._read(reader)
                self.requests.append(request)
                for part in self.answer(request):
                    if part is RESET:
                        writer.transport.abort()
                        return
                    if part is HANG:
                        await self._stopping.wait()
                        return
                    assert isinstance(part, bytes)
                    writer.write(part)
                    await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> RawRequest:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.strip().split("\r\n")
        method, target, _ = first.split(" ", 2)
        headers = CIMultiDict(
            (name, value.strip())
            for name, _, value in (line.partition(":") for line in lines)
        )
        body = await reader.readexactly(int(headers.get("Content-Length", "0")))
        return RawRequest(method, target, headers, body)


def http(
    body: bytes = b"",
    *,
    status: int = 200,
    length: int | None = None,
    **headers: str,
) -> bytes:
    """Return an HTTP answer. Underlines in names of headers stand for dashes."""
    lines = [f"HTTP/1.1 {status} Whatever"]
    if length is None:
        length = len(body)
    lines.append(f"Content-Length: {length}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode("utf-8") + b"\r\n\r\n" + body


@cache
def bomb(megabytes: int = 64) -> bytes:
    """Return gzipped zeros: a kilobyte for each of their megabytes."""
    packer = zlib.compressobj(9, wbits=31)
    return b"".join(
        [packer.compress(bytes(1024 * 1024)) for _ in range(megabytes)]
        + [packer.flush()]
    )
