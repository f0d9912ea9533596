"""Tests of the demo's command line, and of how its check judges what it sees."""

import argparse
import os
from pathlib import Path
import pty
import signal
import socket
import subprocess
import sys

import pytest

from script.demo_support.__main__ import require_free
from script.demo_support.accounts import ACCOUNTS
from script.demo_support.arguments import SIMULATORS, first_port
from script.demo_support.check import complaints, left_and_came_home
from script.demo_support.home_assistant import ROOT, DemoError


def test_port() -> None:
    """A port is taken that has room behind it for the simulators'."""
    assert first_port("8123") == 8123
    assert first_port("65531") == 65531


@pytest.mark.parametrize("text", ["0", "-1", "65532", "99999", "http", "8123.0", ""])
def test_no_port(text: str) -> None:
    """Anything else is refused in words."""
    with pytest.raises(argparse.ArgumentTypeError, match="is not a number from 1 to"):
        first_port(text)


@pytest.mark.usefixtures("socket_enabled")
def test_port_in_use() -> None:
    """It is said that a port is in use."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        with pytest.raises(DemoError, match=f"Port {port} is in use"):
            require_free(port)
    require_free(port)


def test_closed_terminal() -> None:
    """The demo ends when its terminal is closed, though it can tell nobody."""
    ours, terminal = pty.openpty()
    program = """
import asyncio, sys
from script.demo_support import __main__ as main
async def demo(options):
    print("running", flush=True)
    await asyncio.Event().wait()
main.demo = demo
sys.exit(asyncio.run(main.main()))
"""
    with subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=ROOT,
        stdin=terminal,
        stdout=terminal,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        try:
            os.close(terminal)
            seen = b""
            while b"running" not in seen:
                seen += os.read(ours, 1000)
            os.close(ours)
            process.send_signal(signal.SIGHUP)
            assert process.wait(timeout=30) > 0
        finally:
            process.kill()


def test_complaints(tmp_path: Path) -> None:
    """Warnings and errors that name the integration count, with what follows them."""
    log = tmp_path / "log"
    log.write_text(
        """\
2026-01-01 10:00:00.001 WARNING (SyncWorker_0) [homeassistant.loader] We found a \
custom integration fleet_tracker which has not been tested by Home Assistant.
2026-01-01 10:00:00.002+00:00 ERROR (MainThread) [haffmpeg.core] FFmpeg fails
FileNotFoundError: ffmpeg
2026-01-01 10:00:00.003 INFO (MainThread) [custom_components.fleet_tracker] Hello
2026-01-01 10:00:00.004+00:00 ERROR (MainThread) [homeassistant] Error doing job
Traceback (most recent call last):
  File "custom_components/fleet_tracker/sensor.py", line 1
ValueError
2026-01-01 10:00:00.005 WARNING (MainThread) [homeassistant.components.automation.x] No
2026-01-01 10:00:00.006 WARNING (MainThread) [custom_components.fleet_tracker.pushes.door] Last
""",
        encoding="utf-8",
    )
    found = list(complaints(log))
    assert [text.splitlines()[0][-4:] for text in found] == [" job", "] No", "Last"]
    assert found[0].endswith("ValueError")


def test_quiet_log(tmp_path: Path) -> None:
    """A log without them has no complaints."""
    log = tmp_path / "log"
    log.write_text("", encoding="utf-8")
    assert list(complaints(log)) == []


@pytest.mark.parametrize(
    ("zones", "expected"),
    [
        (["home", "not_home", "home"], True),
        (["Station", "home", "not_home"], True),
        (["home", "not_home", "Station"], False),
        (["not_home", "home"], False),
        (["not_home", "Station"], False),
        (["home"], False),
        ([], False),
    ],
)
def test_left_and_came_home(zones: list[str], expected: bool) -> None:
    """Both have to be seen, whichever is first."""
    assert left_and_came_home(zones) is expected


def test_ports_of_the_simulators() -> None:
    """Help tells how many ports are taken, without loading the accounts."""
    assert len(ACCOUNTS) == SIMULATORS


def test_help_needs_no_environment(tmp_path: Path) -> None:
    """It is told by any Python, with nothing installed and nothing set up."""
    done = subprocess.run(
        [
            sys.executable,
            "-I",
            "-S",
            str(ROOT / "script/demo_support/arguments.py"),
            "-h",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert "--keep" in done.stdout
