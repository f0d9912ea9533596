"""Reading files from where a vendor keeps them."""

from __future__ import annotations

import aiohttp

from .vendor import CannotConnect, InvalidAnswer

LARGEST_PHOTO = 20 * 1024 * 1024
TIMEOUT = aiohttp.ClientTimeout(total=30)


async def async_read(session: aiohttp.ClientSession, url: str) -> bytes:
    """Return a small file.

    Raises CannotConnect when it cannot be had, and InvalidAnswer when it is too large.
    Neither tells the address.
    """
    content = bytearray()
    try:
        async with session.get(url, timeout=TIMEOUT) as response:
            if response.status != 200:
                raise CannotConnect(f"HTTP status {response.status}")
            async for chunk in response.content.iter_any():
                content += chunk
                if len(content) > LARGEST_PHOTO:
                    raise InvalidAnswer("The file is too large")
    except (aiohttp.ClientError, TimeoutError) as err:
        # The cause is not chained: its text may hold the address.
        raise CannotConnect(f"No file ({type(err).__name__})") from None
    return bytes(content)
