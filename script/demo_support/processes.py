"""Child processes that do not outlive the demo."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
import contextlib
import os
from pathlib import Path
import signal


class Child:
    """A process of its own session, so that Ctrl-C reaches only the demo itself.

    What it prints goes to a file.
    """

    def __init__(self, name: str, log: Path) -> None:
        """Initialize with the name of the process and the file for its output."""
        self.name = name
        self.log = log
        self._process: asyncio.subprocess.Process | None = None

    async def start(
        self, *command: str, cwd: Path, environment: Mapping[str, str]
    ) -> None:
        """Start it."""
        with self.log.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *command,
                cwd=cwd,
                env=environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def exit_status(self) -> int | None:
        """The exit status, None while it runs or before it was started."""
        return self._process.returncode if self._process else None

    async def wait(self) -> int:
        """Return the exit status when the process has ended."""
        assert self._process is not None
        return await self._process.wait()

    async def stop(self, patience: float) -> None:
        """End it and everything that it started; by force after so many seconds."""
        if (process := self._process) is None:
            return
        if process.returncode is None:
            process.terminate()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    await process.wait()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        self._process = None

    async def kill(self) -> None:
        """End it by force, with everything that it started."""
        if (process := self._process) is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        self._process = None

    def last_lines(self, count: int = 30) -> Sequence[str]:
        """Return the end of what it printed."""
        return self.log.read_text(encoding="utf-8", errors="replace").splitlines()[
            -count:
        ]
