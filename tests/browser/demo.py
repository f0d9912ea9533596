"""A demo that runs as long as the tests do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
import contextlib
from dataclasses import dataclass
import json
from pathlib import Path
import signal
import socket
import subprocess
import sys
import time
from typing import Any
from urllib.request import Request, urlopen

from custom_components.fleet_tracker.const import DOMAIN
from script.demo_support.accounts import ACCOUNTS
from script.demo_support.flows import in_sections
from script.demo_support.home_assistant import ROOT, VERSION
from tests.simulators.failures import CONTROL_PATH
from tests.simulators.open_api_fleet import DEMO_ACCOUNT, DEMO_PASSWORD
from tests.simulators.tracksolid import ACCOUNT

START_TIMEOUT = 300
STOP_TIMEOUT = 60
PATIENCE = 60
"""How long Home Assistant and its pages may take, in seconds: longer than a busy machine needs."""
IS_READY = "Ctrl-C ends everything."
FLOW = "config/config_entries/flow"
VEHICLE_FLOW = "config/config_entries/subentries/flow"


@dataclass(frozen=True)
class Demo:
    """The demo: where it runs, who gets in by which token, and its first port."""

    url: str
    token: str
    port: int

    open_api = f"{DEMO_ACCOUNT} (127.0.0.1)"
    tracksolid = f"{ACCOUNT} (127.0.0.1)"
    """The titles of its accounts."""

    @classmethod
    def at(cls, port: int) -> Demo:
        """Return the demo that runs at a port."""
        token = ROOT / ".demo" / f"{VERSION}-{port}" / "token"
        return cls(f"http://127.0.0.1:{port}", token.read_text(encoding="ascii"), port)

    def ask(self, method: str, path: str, **values: object) -> Any:
        """Return what Home Assistant answers to a request."""
        request = Request(
            f"{self.url}/api/{path}",
            method=method,
            headers={
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
            },
            data=json.dumps(values).encode() if values else None,
        )
        # Adding an account with many vehicles takes longer than what a page asks for.
        with urlopen(request, timeout=START_TIMEOUT) as answer:
            return json.load(answer)

    def add_open_api(
        self, port: int, account: str = DEMO_ACCOUNT, password: str = DEMO_PASSWORD
    ) -> str:
        """Add the account of a simulator; return the id of its entry when it is set up."""
        return self.add_account(
            "open_api",
            server="other",
            address=f"http://localhost:{port}",
            account=account,
            password=password,
        )

    def add_account(self, vendor: str, **answer: object) -> str:
        """Add an account by its form; return the id of its entry when it is set up."""
        start = self.ask("POST", FLOW, handler=DOMAIN)
        flow = f"{FLOW}/{start['flow_id']}"
        form = self.ask("POST", flow, next_step_id=vendor)
        end = self.ask("POST", flow, **in_sections(form["data_schema"], answer))
        assert end["type"] == "create_entry", end
        return str(end["result"]["entry_id"])

    def add_vehicle(self, entry_id: str, **answer: object) -> None:
        """Add a vehicle to an account, where that is done one by one."""
        form = self.ask("POST", VEHICLE_FLOW, handler=[entry_id, "vehicle"])
        flow = f"{VEHICLE_FLOW}/{form['flow_id']}"
        end = self.ask("POST", flow, **in_sections(form["data_schema"], answer))
        assert end["type"] == "create_entry", end

    def accounts(self) -> set[str]:
        """Return the accounts of this integration, by the ids of their entries."""
        entries = self.ask("GET", f"config/config_entries/entry?domain={DOMAIN}")
        return {entry["entry_id"] for entry in entries}

    @property
    def is_oldest(self) -> bool:
        """Whether it is Home Assistant 2025, whose front end differs."""
        return VERSION.startswith("2025.")


@contextlib.contextmanager
def running_demo(port: int, ready: str = IS_READY) -> Iterator[Demo]:
    """Start the demo as a user would, and end it as by Ctrl-C."""
    log = ROOT / ".cache" / f"browser-demo-{port}.log"
    log.parent.mkdir(exist_ok=True)
    with running_program(
        log,
        *("-m", "script.demo_support", "--port", str(port)),
        ready=ready,
        patience=STOP_TIMEOUT,
    ):
        yield Demo.at(port)


@contextlib.contextmanager
def running_simulator(
    module: str, *arguments: str, port: int | None = None
) -> Iterator[int]:
    """Start a simulator, at a port that is free if none is given, and yield its port."""
    port = port or free_port()
    log = ROOT / ".cache" / f"browser-{module}-{port}.log"
    with running_program(log, "-m", module, "--port", str(port), *arguments):
        yield port


def tell_simulator(port: int, query: str) -> None:
    """Have a simulator do what a query says: `?fault=http_500`, nothing to end that, or more."""
    url = f"http://127.0.0.1:{port}{CONTROL_PATH}{query}"
    with urlopen(Request(url, method="POST"), timeout=10) as answer:
        assert answer.status == 200


@contextlib.contextmanager
def running_program(
    log: Path, *arguments: str, ready: str = "", patience: float = 5
) -> Iterator[None]:
    """Run Python, and go on when it has printed a text, or anything.

    At the end it is interrupted, and killed if that takes longer than the patience: a
    simulator waits for whoever is connected.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_for(
                lambda: _printed(process, log, ready), "it to be ready", START_TIMEOUT
            )
            yield
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(patience)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
    log.unlink()


def _printed(process: subprocess.Popen[bytes], log: Path, wanted: str) -> bool:
    text = log.read_text(encoding="utf-8", errors="replace")
    if process.poll() is not None:
        raise RuntimeError(f"It ended: {text}")
    return bool(text) and wanted in text


def free_port() -> int:
    """Return a port that nobody uses, with room behind it for the simulators."""
    for port in range(18_200, 60_000, 20):
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for one in range(port, port + 1 + len(ACCOUNTS)):
                listener = stack.enter_context(socket.socket())
                listener.bind(("127.0.0.1", one))
            return port
    raise RuntimeError("No port is free")


def wait_for(
    condition: Callable[[], object], what: str, seconds: float = PATIENCE
) -> None:
    """Return when a condition holds. Raises TimeoutError."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"Waited {seconds:.0f} s for {what}")
        time.sleep(0.2)
