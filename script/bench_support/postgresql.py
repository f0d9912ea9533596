"""A PostgreSQL server of its own, for as long as it is needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
import os
from pathlib import Path
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

USER = "postgres"
"""The user that runs it where the bench is run by root: initdb refuses root."""
_START_SECONDS = 60


@dataclass(frozen=True, slots=True)
class PostgreSQL:
    """A server that runs."""

    port: int
    binaries: Path

    def make_database(self, name: str) -> str:
        """Make a database, and return its URL for the recorder."""
        _run(
            [
                str(self.binaries / "createdb"),
                *("-h", "127.0.0.1", "-p", str(self.port), "-U", USER, name),
            ]
        )
        return self.make_url(name)

    def make_url(self, name: str) -> str:
        """Return the URL of a database."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{name}"


def find_binaries() -> Path:
    """Return the folder of the server's programs, and install Debian's where there is none.

    Raises RuntimeError where they cannot be installed.
    """
    if (found := _find()) is None and shutil.which("apt-get"):
        print("Installing Debian's postgresql ...", file=sys.stderr, flush=True)
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update"], ["install", "--yes", "postgresql"]):
            subprocess.run(
                ["apt-get", "-qq", *command],
                check=True,
                env=environment,
                stdout=sys.stderr,
            )
        found = _find()
    if found is None:
        raise RuntimeError("PostgreSQL's server is needed, and could not be installed")
    return found


def _find() -> Path | None:
    # Debian's are not on the path.
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if (there := shutil.which("postgres")) is not None:
        folders.append(Path(there).resolve().parent)
    programs = ("initdb", "postgres", "createdb")
    return next(
        (
            one
            for one in folders
            if all((one / program).exists() for program in programs)
        ),
        None,
    )


def _run(command: Sequence[str], **options: object) -> str:
    told: str = subprocess.run(
        command,
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **options,  # type: ignore[call-overload]
    ).stdout
    return told


@contextmanager
def postgresql() -> Iterator[PostgreSQL]:
    """Run a server on this machine alone, with a cluster that is removed afterwards."""
    binaries = find_binaries()
    as_user: dict[str, object] = {}
    folder = Path(tempfile.mkdtemp(prefix="bench-postgresql-"))
    if os.geteuid() == 0:
        as_user = {"user": USER, "group": USER, "extra_groups": []}
        shutil.chown(folder, USER, USER)
    cluster = folder / "cluster"
    try:
        _run(
            [
                str(binaries / "initdb"),
                *("--auth=trust", f"--username={USER}", "--encoding=UTF8", "--no-sync"),
                *("--locale=C", "--pgdata", str(cluster)),
            ],
            cwd=folder,
            **as_user,
        )
        port = _free_port()
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [
                    str(binaries / "postgres"),
                    *("-D", str(cluster), "-p", str(port), "-k", str(folder)),
                    *("-c", "listen_addresses=127.0.0.1"),
                ],
                cwd=folder,
                stdout=log,
                stderr=log,
                **as_user,  # type: ignore[call-overload]
            )
        try:
            _wait(port, server)
            yield PostgreSQL(port, binaries)
        finally:
            server.send_signal(signal.SIGINT)
            server.wait()
    finally:
        shutil.rmtree(folder)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


def _wait(port: int, server: subprocess.Popen[bytes]) -> None:
    """Wait until the server takes connections."""
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("PostgreSQL did not start")
