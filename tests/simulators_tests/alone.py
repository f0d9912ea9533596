"""Running a simulator as a program of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import sys


async def check_alone(module: str, *arguments: str) -> None:
    """Check that a simulator runs by itself, says where, and ends when told to."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        env=os.environ,
    )
    assert process.stdout
    url = (await process.stdout.readline()).decode().strip()
    assert url.startswith("http://127.0.0.1:")
    process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0
