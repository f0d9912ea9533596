"""Start the demo, and end it on Ctrl-C. See `script/demo --help`."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Mapping
import contextlib
import os
from pathlib import Path
import shutil
import signal
import socket
import sys
import time

from tests.simulators.failures import CONTROL_PATH

from .accounts import ACCOUNTS, DemoAccount
from .arguments import arguments
from .check import check
from .flows import add_account, push_url
from .home_assistant import (
    DOMAIN,
    ROOT,
    STOP_TIMEOUT,
    VERSION,
    DemoError,
    HomeAssistant,
)
from .processes import Child
from .registry import enable_entities

SIMULATOR_TIMEOUT = 30


async def demo(options: argparse.Namespace) -> int:
    """Run the demo and return its exit status. Raises DemoError where it cannot."""
    ports = range(options.port, options.port + 1 + len(ACCOUNTS))
    for port in ports:
        require_free(port)
    folder = ROOT / ".demo" / f"{VERSION}-{options.port}"
    if not options.keep:
        shutil.rmtree(folder, ignore_errors=True)
    elif folder.exists():
        print(f"Going on with what is kept in {folder.relative_to(ROOT)}", flush=True)
    else:
        print(
            f"Nothing was kept yet; this run is, in {folder.relative_to(ROOT)}",
            flush=True,
        )
    simulators = {
        account.name: f"http://127.0.0.1:{port}{CONTROL_PATH}"
        for account, port in zip(ACCOUNTS, ports[1:], strict=True)
        if account.is_asked
    }
    home_assistant = HomeAssistant(folder, options.port)
    home_assistant.configure()
    home_assistant.child.log.unlink(missing_ok=True)
    async with contextlib.AsyncExitStack() as stack:
        if not options.keep:
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
        for account, port in zip(ACCOUNTS, ports[1:], strict=True):
            print(f"Starting the simulator of {account.name} ...", flush=True)
            await start_simulator(stack, account, folder, port)
        stack.callback(tell, "  the simulators end ...")
        print(
            f"Starting Home Assistant {VERSION}: ten seconds, and half a minute the "
            "first time ...",
            flush=True,
        )
        begin = time.monotonic()
        await stack.enter_async_context(home_assistant)
        stack.callback(
            tell,
            "  Home Assistant writes what it recorded and ends, which takes "
            f"{STOP_TIMEOUT} s at most ...",
        )
        print(f"  it runs after {time.monotonic() - begin:.0f} s", flush=True)
        for account, port in zip(ACCOUNTS, ports[1:], strict=True):
            print(f"Setting up the account at {account.name} ...", flush=True)
            if not await add_account(home_assistant, account, port):
                print(f"  found {account.title}, of an earlier run", flush=True)
            if account.pushes:
                push_url_file(account, folder).write_text(
                    await push_url(home_assistant, account.title), encoding="ascii"
                )
        print(
            f"All vehicles are at {home_assistant.url} after "
            f"{time.monotonic() - begin:.0f} s; more of their entities are enabled ...",
            flush=True,
        )
        # Some of these are read once a minute, which nobody has to wait for.
        for account in ACCOUNTS:
            await enable_entities(home_assistant, account)
        if options.check:
            return report(await check(home_assistant, simulators))
        introduce(home_assistant, simulators)
        await home_assistant.run()
    return 0


def tell(text: str) -> None:
    """Print something; a terminal that was closed shows nothing any more."""
    with contextlib.suppress(OSError):
        print(text, flush=True)


def require_free(port: int) -> None:
    """Raise DemoError when a port cannot be had."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except PermissionError:
            raise DemoError(
                f"Port {port} needs rights that you do not have; "
                "choose a higher one with --port."
            ) from None
        except OSError:
            raise DemoError(
                f"Port {port} is in use; choose others with --port."
            ) from None


async def start_simulator(
    stack: contextlib.AsyncExitStack, account: DemoAccount, folder: Path, port: int
) -> None:
    """Start a simulator and return when it is ready."""
    child = Child(account.simulator, folder / f"{account.simulator}.log")
    child.log.unlink(missing_ok=True)
    pushes: list[str] = []
    if account.pushes:
        file = push_url_file(account, folder)
        file.unlink(missing_ok=True)
        pushes = ["--push-url-file", str(file)]
    await child.start(
        *(sys.executable, "-m", account.simulator, "--port", str(port)),
        *account.arguments,
        *pushes,
        cwd=ROOT,
        environment=dict(os.environ),
    )
    stack.push_async_callback(child.stop, 5)
    for _ in range(SIMULATOR_TIMEOUT * 10):
        if child.last_lines(1) and child.exit_status is None:
            return
        if child.exit_status is not None:
            break
        await asyncio.sleep(0.1)
    raise DemoError(
        "\n".join([f"{account.simulator} does not start:", *child.last_lines()])
    )


def push_url_file(account: DemoAccount, folder: Path) -> Path:
    """Return the file by which a simulator learns where to push to."""
    return folder / f"{account.simulator}.push_url"


def introduce(home_assistant: HomeAssistant, simulators: Mapping[str, str]) -> None:
    """Tell where to look, and how the vendors are made to fail."""
    addresses = "\n".join(
        f'  curl -X POST "{url}?fault=http_500"   {name}'
        for name, url in simulators.items()
    )
    print(
        f"""
Home Assistant {VERSION} runs at {home_assistant.url}, and lets you in by itself.

  {home_assistant.url}/                 the fleet, with map, tiles and controls
  {home_assistant.url}/fleet-map        the vehicles on the map
  {home_assistant.url}/logbook          ignition, zones and alarms as they happen
  {home_assistant.url}/config/integrations/integration/{DOMAIN}

The van leaves home, parks at the station and comes back, every three minutes. Its engine
may be cut: not while it drives, and by its vendor's option; no other account allows it.

A vendor's API goes down, while its pushes go on, and comes back without ?fault=http_500:

{addresses}

Ctrl-C ends everything.
""",
        flush=True,
    )


def report(problems: list[str]) -> int:
    """Print what is wrong and return the exit status."""
    for problem in problems:
        print(f"FAILED: {problem}")
    if not problems:
        print("Everything is as it should be.")
    return 1 if problems else 0


async def main() -> int:
    """Run the demo until it ends or a signal ends it."""
    task = asyncio.create_task(demo(arguments()))
    stopped = False

    def stop() -> None:
        nonlocal stopped
        if not stopped:
            stopped = True
            task.cancel()
            tell("\nStopping:")

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop)
    try:
        return await task
    except DemoError as error:
        print(error, file=sys.stderr)
        return 1
    except asyncio.CancelledError:
        return 130


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
