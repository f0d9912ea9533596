"""The pushing side of the Segway simulator (chapter Push of `segway-emoped`)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
import hashlib

import aiohttp

RETRY_AFTER = 5


def signature(parameters: Mapping[str, str], client_secret: str) -> str:
    """Sign parameters in the document's four steps."""
    received = [name for name in parameters if name != "signature"]
    ordered = sorted(received, key=lambda name: name.encode("ascii"))
    text = ""
    for name in ordered:
        text += f"{'&' if text else ''}{name}={parameters[name]}"
    text += f"&client_secret={client_secret}"
    return hashlib.md5(text.encode()).hexdigest()


def as_text(value: object) -> str:
    """Return a value as it stands in a form."""
    return str(value).lower() if isinstance(value, bool) else str(value)


class PushSender:
    """Sends signed forms to a base URL, once more after 5 s if that was not processed.

    `statuses` lists the HTTP status of every attempt, 0 where nobody answered.
    """

    def __init__(
        self,
        base_url: str,
        client_id: str,
        client_secret: str,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """Initialize with the address, the account and the wait before the retry."""
        self.base_url = base_url.rstrip("/")
        self.client_id = client_id
        self.client_secret = client_secret
        self.statuses: list[int] = []
        self._sleep = sleep
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Drop the connections."""
        if self._session:
            await self._session.close()
            self._session = None

    def form(self, iot_code: str, fields: Mapping[str, object]) -> dict[str, str]:
        """Return the signed parameters of a push."""
        parameters = {
            "iotCode": iot_code,
            "platformCode": self.client_id,
            **{name: as_text(value) for name, value in fields.items()},
        }
        parameters["signature"] = signature(parameters, self.client_secret)
        return parameters

    async def push(
        self, kind: str, iot_code: str, fields: Mapping[str, object]
    ) -> bool:
        """Push and tell whether it was processed, at the latest by the retry."""
        form = self.form(iot_code, fields)
        if await self.send(kind, form):
            return True
        await self._sleep(RETRY_AFTER)
        return await self.send(kind, form)

    async def send(self, kind: str, form: Mapping[str, str]) -> bool:
        """Send a form as it is, once, and tell whether it was processed."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=10)
            )
        url = f"{self.base_url}/v2/vehicle/{kind}"
        try:
            async with self._session.post(url, data=form) as response:
                status = response.status
        except (aiohttp.ClientError, TimeoutError):
            status = 0
        self.statuses.append(status)
        return status == 200
