"""How fast the first page is, measured by hand: see script/measure-dashboard."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator
import json
import os
import sys
import time
from typing import Any

from playwright.sync_api import Browser
import pytest

from tests.simulators.open_api_fleet import DEMO_ACCOUNT, DEMO_PASSWORD

from .demo import (
    START_TIMEOUT,
    Demo,
    free_port,
    running_demo,
    running_simulator,
    wait_for,
)
from .screen import Screen

pytestmark = pytest.mark.skipif(
    not os.environ.get("MEASURE"), reason="measured by hand: script/measure-dashboard"
)
MANY = 200
VEHICLES, VENDORS = 10, 4
NEWCOMER_SECONDS = 60
FIRST_PAINT_MS = 1_500
LONG_MS = 50
WATCHED_SECONDS = 20
OURS = "/fleet_tracker/"
CATEGORIES = ["toplevel", "devtools.timeline", "disabled-by-default-v8.cpu_profiler"]
FIRST_CARD = """() => {
  const attach = Element.prototype.attachShadow;
  Element.prototype.attachShadow = function (...how) {
    if (this.localName === "fleet-tracker-vehicle" && !window.firstCard) {
      window.firstCard = -1;
      requestAnimationFrame(() => requestAnimationFrame(() => { window.firstCard = performance.now(); }));
    }
    return attach.apply(this, how);
  };
}"""


def say(text: str) -> None:
    """Print a line of what was measured."""
    sys.stdout.write(f"{text}\n")


@pytest.fixture(scope="module", name="demo")
def a_demo_that_is_started() -> Iterator[Demo]:
    """Return a demo that has just begun to start, with the time that it took."""
    begin = time.monotonic()
    if port := os.environ.get("DEMO_PORT"):
        yield Demo.at(int(port))
        return
    with running_demo(free_port(), ready="All vehicles are at") as demo:
        say(
            f"\nThe demo says that its vehicles stand: {time.monotonic() - begin:.1f} s"
        )
        yield demo


def test_newcomer(screen: Screen, demo: Demo) -> None:
    """Ten vehicles of four vendors stand on the dashboard that opens first."""
    begin = time.monotonic()
    screen.open("/")
    wait_for(
        lambda: len(screen.command("fleet_tracker/overview")["vehicles"]) >= VEHICLES,
        "ten vehicles",
        START_TIMEOUT,
    )
    slots = screen.page.locator("fleet-tracker-overview .slot")
    wait_for(lambda: slots.count() >= VEHICLES, "their cards")
    told = screen.command("fleet_tracker/overview")["vehicles"]
    assert len({one["vendor"] for one in told}) == VENDORS
    say(f"Then ten vehicles are seen: {time.monotonic() - begin:.1f} s")


def test_many_vehicles(screen: Screen, browser: Browser) -> None:
    """The first page is painted soon, and nothing of ours keeps the browser busy for long."""
    with running_simulator(
        "tests.simulators.open_api", "--vehicles", str(MANY)
    ) as port:
        screen.add_account("ProTrack, iTrack, eTrack")
        screen.choose("server", "Another server")
        screen.unfold("Another server")
        screen.fill(address=f"http://localhost:{port}")
        screen.fill(account=DEMO_ACCOUNT, password=DEMO_PASSWORD)
        screen.submit()
        title = f"{DEMO_ACCOUNT} (localhost)"
        wait_for(lambda: screen.has_account(title), "the account", START_TIMEOUT)
        try:
            wait_for(
                lambda: (
                    len(screen.command("fleet_tracker/overview")["vehicles"]) >= MANY
                ),
                "many vehicles",
                START_TIMEOUT,
            )
            # Home Assistant is busy with new entities for a while.
            time.sleep(20)
            measure(screen, browser)
        finally:
            entries = screen.command("config_entries/get", domain="fleet_tracker")
            for entry in entries:
                if entry["title"] == title:
                    screen.page.request.delete(
                        f"{screen.demo.url}/api/config/config_entries/entry/{entry['entry_id']}",
                        headers={"Authorization": f"Bearer {screen.demo.token}"},
                        timeout=180_000,
                    )


def measure(screen: Screen, browser: Browser) -> None:
    """Open the first page in a tab of its own, watch it, and print what was measured."""
    page = screen.page.context.new_page()
    page.add_init_script(f"({FIRST_CARD})()")
    browser.start_tracing(page=page, categories=CATEGORIES)
    page.goto(screen.demo.url)
    page.wait_for_function("() => window.firstCard > 0")
    first = page.evaluate("() => window.firstCard")
    time.sleep(WATCHED_SECONDS)
    told = json.loads(browser.stop_tracing())
    fleet = page.locator("fleet-tracker-overview")
    made = fleet.evaluate("one => one.made")
    assert fleet.locator(".slot").count() >= MANY
    page.close()
    tasks = long_tasks(told["traceEvents"])
    say(f"First cards painted: {first:.0f} ms; cards made: {made}")
    for when, all_of_it, ours, what in tasks:
        say(
            f"  a task of {all_of_it:.0f} ms after {when:.1f} s, {ours:.0f} ms of it ours"
            f" ({', '.join(what)})"
        )
    assert all(ours <= LONG_MS for _, _, ours, _ in tasks)
    assert first <= FIRST_PAINT_MS


def long_tasks(
    events: list[dict[str, Any]],
) -> list[tuple[float, float, float, list[str]]]:
    """Return the long tasks of the page: when, how long in ms, and how long with us.

    And the functions that took most. A task's length is its CPU time, where that is told. A
    sample counts as ours where a function of ours is anywhere on the stack.
    """
    chunks = [one for one in events if one["name"] in {"Profile", "ProfileChunk"}]
    busiest = max(
        {(one["pid"], one["id"]) for one in chunks},
        key=lambda which: sum((one["pid"], one["id"]) == which for one in chunks),
    )
    nodes: dict[int, dict[str, Any]] = {}
    times: list[float] = []
    found: list[int] = []
    now = 0.0
    thread = None
    for one in (it for it in chunks if (it["pid"], it["id"]) == busiest):
        data = one["args"]["data"]
        if one["name"] == "Profile":
            now, thread = data["startTime"], one["tid"]
            continue
        profile = data.get("cpuProfile", {})
        nodes |= {node["id"]: node for node in profile.get("nodes", [])}
        for sample, delta in zip(
            profile.get("samples", []), data.get("timeDeltas", []), strict=True
        ):
            now += delta
            times.append(now)
            found.append(sample)

    def is_ours(number: int | None) -> bool:
        while number is not None:
            if OURS in nodes[number]["callFrame"].get("url", ""):
                return True
            number = nodes[number].get("parent")
        return False

    tasks = [
        one
        for one in events
        if one["name"].endswith("RunTask")
        and (one["pid"], one["tid"]) == (busiest[0], thread)
        and one.get("tdur", one.get("dur", 0)) > LONG_MS * 1000
    ]
    begin = min(one["ts"] for one in events if one.get("ts"))
    result = []
    for task in tasks:
        span = range(bisect(times, task["ts"]), bisect(times, task["ts"] + task["dur"]))
        ours = sum(times[i] - times[i - 1] for i in span if i and is_ours(found[i]))
        spent: dict[str, float] = {}
        for i in span:
            frame = nodes[found[i]]["callFrame"]
            name = f"{frame['functionName'] or '?'} {frame.get('url', '').rpartition('/')[2][:24]}"
            spent[name] = spent.get(name, 0) + times[i] - times[i - 1]
        most = sorted(spent, key=lambda one: -spent[one])[:4]
        result.append(
            (
                (task["ts"] - begin) / 1e6,
                task.get("tdur", task["dur"]) / 1000,
                # Samples tell when, not how long: other programs may have run meanwhile.
                ours / 1000 * task.get("tdur", task["dur"]) / task["dur"],
                [f"{one} {spent[one] / 1000:.0f}" for one in most],
            )
        )
    return result
