"""The Open API of an account: every method of chapters 3 to 9, by chapters.

Batches, pages, periods and spellings are these modules' business: callers ask for any
number of vehicles and any period. Every method may raise AuthenticationFailed,
AccessDenied, ClockWrong, RateLimited, CannotConnect, InvalidAnswer, or what the answer's
code stands for (see `errors`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

import aiohttp

from ....contract.connection import Memory
from .batches import Batches
from .devices import DevicesApi
from .fences import FencesApi
from .instructions import InstructionsApi
from .media import MediaApi
from .reports import ReportsApi
from .tracking import TrackingApi
from .transport import Answer, Credentials, Transport


class TracksolidClient:
    """An account on one node."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        credentials: Credentials,
        memory: Memory,
        *,
        now: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]],
        patient: bool = False,
    ) -> None:
        """Initialize with the account, the memory of earlier sessions and a clock.

        `patient` waits out the minute between two logins instead of raising
        RateLimited.
        """
        self.account = credentials.account
        self.transport = Transport(
            session, credentials, memory, now=now, sleep=sleep, patient=patient
        )
        self.batches = Batches(memory)
        self.devices = DevicesApi(self.transport, self.batches)
        self.tracking = TrackingApi(self.transport, self.batches)
        self.reports = ReportsApi(self.transport, self.batches)
        self.media = MediaApi(self.transport, self.batches)
        self.instructions = InstructionsApi(self.transport)
        self.fences = FencesApi(self.transport, self.batches)

    async def log_in(self) -> None:
        """Check the credentials, which costs a token only where there is none (3.1)."""
        await self.transport.log_in()

    async def close(self) -> None:
        """Ask for nothing any more, once a login that is going on has its token."""
        await self.transport.close()

    async def call(self, method: str, parameters: Mapping[str, str]) -> Answer:
        """Call any documented method as it is (see `catalog`)."""
        return await self.transport.call(method, parameters)
