"""A session whose answers come from memory, in place of aiohttp's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

from multidict import CIMultiDict
from yarl import URL

type Parameters = Mapping[str, str]
type Answerer = Callable[[str, Parameters], bytes]
"""Returns the body for a path and its parameters."""


class _Content:
    """The body of an answer, read in one piece."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def readany(self) -> bytes:
        """Return what is there, and then nothing."""
        body, self._body = self._body, b""
        return body


class _Answer:
    """An answer that is there as soon as it is asked for."""

    status = 200

    def __init__(self, body: bytes, headers: CIMultiDict[str]) -> None:
        self.body = body
        self.headers = headers

    async def __aenter__(self) -> Self:
        """Return it."""
        self.content = _Content(self.body)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Do nothing."""

    def raise_for_status(self) -> None:
        """Do nothing: it is good."""

    async def read(self) -> bytes:
        """Return the body."""
        return self.body


class MemorySession:
    """Answers requests from memory, and keeps the bodies that it served."""

    def __init__(self, answer: Answerer) -> None:
        """Initialize with what answers."""
        self._answer = answer
        self.served: list[bytes] = []
        self.headers: CIMultiDict[str] = CIMultiDict()

    def request(self, method: str, url: str | URL, **options: Any) -> _Answer:
        """Return the answer to a request."""
        del method
        parameters = {
            **(options.get("params") or {}),
            **(options.get("data") or {}),
            **(options.get("json") or {}),
        }
        body = self._answer(URL(url).path, parameters)
        self.served.append(body)
        return _Answer(body, self.headers)

    def get(self, url: str | URL, **options: Any) -> _Answer:
        """Return the answer to a request by GET."""
        return self.request("GET", url, **options)
