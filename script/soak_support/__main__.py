"""Run the soak and tell what it counted. See `script/soak --help`."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Iterator, Mapping, Sequence
import contextlib
import json
from pathlib import Path
import secrets
import shutil
import signal
import sys
import time
from typing import Any

from script.demo_support.flows import add_account, push_url
from script.demo_support.home_assistant import (
    DOMAIN,
    ROOT,
    VERSION,
    DemoError,
    HomeAssistant,
)

from .fleet import EACH, Fleet, open_fleet
from .ledger import Firing, Ledger, Verdict
from .traffic import Traffic

HERE = Path(__file__).parent
WITNESS = "soak_witness"
SETTLE = 30
"""Seconds after the end in which what is on its way is to arrive."""
RELOADS_A_MINUTE = 20
KILL_EVERY = 200
"""Seconds between two kills; there is one at least, in the middle."""

# Lines of the log of a poll that failed, which the soak provokes.
_EXPECTED = ("Error fetching ", "cannot be read", "cannot be reached")
_DEAD = "does not generate unique IDs"


def arguments() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(prog="script/soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    parser.add_argument("--port", type=int, default=8323, help="the next one is VT3's")
    return parser.parse_args()


class SoakedHomeAssistant(HomeAssistant):
    """A Home Assistant with a witness in it, that can be killed."""

    configuration = HERE / "configuration"

    def configure(self) -> None:
        """Write the configuration, and put the witness into it."""
        super().configure()
        witness = self.folder / "custom_components" / WITNESS
        witness.unlink(missing_ok=True)
        witness.symlink_to(HERE / "witness")

    async def kill(self) -> None:
        """End it without a chance to do anything about it."""
        await self.child.kill()


async def soak(options: argparse.Namespace) -> int:
    """Run the soak and return its exit status."""
    folder = ROOT / ".soak" / f"{VERSION}-{options.port}"
    shutil.rmtree(folder, ignore_errors=True)
    print(
        f"Soaking Home Assistant {VERSION} for {options.minutes:g} minutes with"
        f" {4 * EACH} vehicles, seed {options.seed}",
        flush=True,
    )
    home_assistant = SoakedHomeAssistant(folder, options.port)
    home_assistant.configure()
    ledger = Ledger()
    async with (
        open_fleet(options.port + 1) as fleet,
        home_assistant,
    ):
        urls = await add_accounts(home_assistant, fleet)
        traffic = Traffic(fleet, home_assistant, ledger, urls, options.seed)
        await run(traffic, home_assistant, ledger, options.minutes * 60)
        states = await home_assistant.get("states")
    verdict = ledger.judge(firings(folder))
    complaints = list(complaints_of(home_assistant.child.log))
    return report(ledger, verdict, complaints, health_of(folder), shown(states))


async def add_accounts(home_assistant: HomeAssistant, fleet: Fleet) -> dict[str, str]:
    """Add all accounts, and return where two of them push to."""
    for account in fleet.accounts():
        print(f"Adding {account.name} ...", flush=True)
        await add_account(home_assistant, account, 0)
    entries = await home_assistant.get(f"config/config_entries/entry?domain={DOMAIN}")
    titles = [entry["title"] for entry in entries]
    return {
        vendor: await push_url(
            home_assistant, next(title for title in titles if title.startswith(start))
        )
        for vendor, start in (
            ("tracksolid", fleet.tracksolid.account),
            ("segway", "Segway"),
        )
    }


async def run(
    traffic: Traffic,
    home_assistant: SoakedHomeAssistant,
    ledger: Ledger,
    seconds: float,
) -> None:
    """Let the traffic go on for some time, with kills in between, and end it."""
    kills = max(1, int(seconds // KILL_EVERY))
    reloads = int(seconds / 60 * RELOADS_A_MINUTE)
    going_on = asyncio.create_task(traffic.run(60 / RELOADS_A_MINUTE, reloads=reloads))
    try:
        for _ in range(kills):
            await wait_or_fail(going_on, seconds / (kills + 1))
            ledger.kills.append(time.time())
            ledger.is_down = True
            await home_assistant.kill()
            print("Killed and started again ...", flush=True)
            await home_assistant.start()
            ledger.is_down = False
        await wait_or_fail(going_on, seconds / (kills + 1))
        traffic.stop()
        await going_on
        print("Waiting for what is on its way ...", flush=True)
        await traffic.drain(SETTLE)
        await asyncio.sleep(SETTLE)
    finally:
        going_on.cancel()
        await asyncio.gather(going_on, return_exceptions=True)


async def wait_or_fail(task: asyncio.Task[None], seconds: float) -> None:
    """Wait so long, unless a task ends before, which raises what it ended by."""
    done, _ = await asyncio.wait({task}, timeout=seconds)
    if done:
        task.result()
        raise DemoError("The traffic ended before its time")


# --- what was written down ---


def lines_of(file: Path) -> Iterator[Mapping[str, Any]]:
    """Yield the lines of a file of JSON lines. A kill may have cut one off."""
    for line in file.read_text(encoding="utf-8").splitlines():
        with contextlib.suppress(ValueError):
            yield json.loads(line)


def firings(folder: Path) -> Iterator[Firing]:
    """Yield what the event entities showed."""
    for line in lines_of(folder / "fired.jsonl"):
        yield Firing(**line)


def complaints_of(log: Path) -> Iterator[str]:
    """Yield the errors of ours, and entities that were not created."""
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        if _DEAD in line:
            yield line
        elif " ERROR " in line and DOMAIN in line:
            if not any(expected in line for expected in _EXPECTED):
                yield line


def health_of(folder: Path) -> Sequence[Mapping[str, float]]:
    """Return how Home Assistant did, second by second."""
    return list(lines_of(folder / "health.jsonl"))


def shown(states: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    """Return how many vehicles' entities there are, and how many are unavailable."""
    ours = [
        state
        for state in states
        if state["entity_id"]
        .partition(".")[2]
        .startswith(("car_", "van_", "moped_", "bus_"))
    ]
    gone = [state for state in ours if state["state"] == "unavailable"]
    return len(ours), len(gone)


def report(
    ledger: Ledger,
    verdict: Verdict,
    complaints: Sequence[str],
    health: Sequence[Mapping[str, float]],
    entities: tuple[int, int],
) -> int:
    """Print the figures and return the exit status."""
    lags = sorted(line["lag"] for line in health)
    memory = [line["memory"] / 1024**2 for line in health]
    rows: list[tuple[str, object]] = [
        ("alarms raised", len(ledger.raised)),
        ("alarms acknowledged to their pusher", verdict.acknowledged),
        ("alarms fired", verdict.fired),
        ("LOST: acknowledged and never fired", len(verdict.lost)),
        ("DOUBLE: fired twice", len(verdict.double)),
        ("fired twice around a kill", len(verdict.double_by_kill)),
        ("not acknowledged and never fired (polled, sockets)", verdict.never_told),
        ("kills", len(ledger.kills)),
        *sorted(ledger.counters.items()),
        ("entities", entities[0]),
        ("entities that are unavailable at the end", entities[1]),
        ("lag of the event loop, median (ms)", f"{1000 * share(lags, 0.5):.0f}"),
        (
            "lag of the event loop, 99th percentile (ms)",
            f"{1000 * share(lags, 0.99):.0f}",
        ),
        ("lag of the event loop, most (ms)", f"{1000 * share(lags, 1):.0f}"),
        ("memory at first (MiB)", f"{memory[0] if memory else 0:.0f}"),
        ("memory at most (MiB)", f"{max(memory, default=0):.0f}"),
        ("memory at the end (MiB)", f"{memory[-1] if memory else 0:.0f}"),
        ("complaints in the log", len(complaints)),
    ]
    width = max(len(name) for name, _ in rows)
    print()
    for name, value in rows:
        print(f"{name:<{width}}  {value:>9}")
    for line in [*complaints[:20], *ledger.failures[:20]]:
        print(f"FAILED: {line}")
    for what, codes in (("lost", verdict.lost), ("fired twice", verdict.double)):
        if codes:
            print(f"FAILED: {what}: {', '.join(codes[:20])}")
    failed = bool(
        complaints
        or ledger.failures
        or verdict.lost
        or verdict.double
        or not verdict.acknowledged
    )
    print("The soak failed." if failed else "Nothing was lost, nothing fired twice.")
    return int(failed)


def share(ordered: Sequence[float], part: float) -> float:
    """Return what a part of some ordered numbers does not exceed, 0 without any."""
    if not ordered:
        return 0.0
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


async def main() -> int:
    """Run the soak until it ends or a signal ends it."""
    task = asyncio.create_task(soak(arguments()))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, task.cancel)
    try:
        return await task
    except DemoError as error:
        print(error, file=sys.stderr)
        return 1
    except asyncio.CancelledError:
        return 130


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
