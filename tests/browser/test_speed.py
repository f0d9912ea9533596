"""How fast the first page is, measured by hand: see script/measure-dashboard."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator, Mapping
import contextlib
import json
import os
import sys
import time
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page
import pytest

from .demo import (
    START_TIMEOUT,
    Demo,
    free_port,
    running_demo,
    running_simulator,
    wait_for,
)
from .screen import Screen

MANY = 200
VEHICLES, VENDORS = 10, 4
NEWCOMER_SECONDS = 60
FIRST_PAINT_MS = 1_500
LONG_MS = 50
WATCHED_SECONDS = 20
OURS = "/fleet_tracker/"
CATEGORIES = ["toplevel", "devtools.timeline", "disabled-by-default-v8.cpu_profiler"]
FIRST_CARD = """card => {
  const attach = Element.prototype.attachShadow;
  Element.prototype.attachShadow = function (...how) {
    if (this.localName === card && !window.firstCard) {
      window.firstCard = -1;
      requestAnimationFrame(() => setTimeout(() => { window.firstCard = performance.now(); }));
    }
    return attach.apply(this, how);
  };
}"""
"""What notes when a card of a kind is painted: it is drawn before the next frame."""
OTHERS = {
    "own-states": {"strategy": {"type": "original-states"}},
    "one-word": {
        "views": [{"cards": [{"type": "markdown", "content": "A word"}]}],
    },
}
"""Other dashboards, by their addresses: as Home Assistant makes it of all entities by itself,
and one of a single word, which no page can be faster than."""
PAGES = (
    ("Fleet Tracker", "/", "fleet-tracker-vehicle"),
    ("Home Assistant's own", "/own-states", "ha-card"),
    ("A single word", "/one-word", "ha-card"),
)
"""The pages that are compared: their names, addresses and cards."""
TIMES = 3
"""How often each page is opened, in turns."""


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


def test_newcomer(screen: Screen) -> None:
    """Ten vehicles of four vendors stand on the dashboard that opens first."""
    begin = time.monotonic()
    screen.open("/")

    def has_all() -> bool:
        told = screen.command("fleet_tracker/overview")["vehicles"]
        return len(told) >= VEHICLES and len({one["vendor"] for one in told}) == VENDORS

    wait_for(has_all, "ten vehicles of four vendors", START_TIMEOUT)
    slots = screen.page.locator("fleet-tracker-overview .slot")
    wait_for(lambda: slots.count() >= VEHICLES, "their cards")
    say(f"Then ten vehicles are seen: {time.monotonic() - begin:.1f} s")


def test_many_vehicles(screen: Screen, browser: Browser) -> None:
    """The first page is painted soon, and nothing of ours keeps the browser busy for long."""
    demo = screen.demo
    with running_simulator(
        "tests.simulators.open_api", "--vehicles", str(MANY)
    ) as port:
        # Not in the page: Home Assistant hangs up on one that is too slow to show what comes.
        screen.page.goto(f"{demo.url}/manifest.json")
        demo.add_open_api(port)
        wait_for(
            lambda: len(trackers(demo)) >= MANY, "many vehicles", 2 * START_TIMEOUT
        )
        # Home Assistant is busy with new entities for a while.
        time.sleep(20)
        screen.open("/config/info")
        measure(screen, browser)
        screen.page.goto(f"{demo.url}/manifest.json")


def trackers(demo: Demo) -> list[str]:
    """Return the trackers that have a state."""
    states = (str(one["entity_id"]) for one in demo.ask("GET", "states"))
    return [one for one in states if one.startswith("device_tracker.")]


def measure(screen: Screen, browser: Browser) -> None:
    """Open the first page and others in turns, then watch the first; print what was found."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name, _, _ in PAGES}
    with other_pages(screen):
        for _ in range(TIMES):
            for name, path, card in PAGES:
                page = screen.page.context.new_page()
                found[name].append(open_page(page, screen.demo.url, path, card))
                page.close()
    page = screen.page.context.new_page()
    browser.start_tracing(page=page, categories=CATEGORIES)
    open_page(page, screen.demo.url, "/", PAGES[0][2])
    time.sleep(WATCHED_SECONDS)
    told = json.loads(browser.stop_tracing())
    fleet = page.locator("fleet-tracker-overview")
    made = fleet.evaluate("one => one.made")
    assert fleet.locator(".slot").count() >= MANY
    page.close()
    say(f"\n{'page':<22}{'first card painted, ms':>26}{'CPU until then, ms':>26}")
    for name, all_of_it in found.items():
        painted, cpu = (
            ", ".join(f"{one:.0f}" for one in sorted(values))
            for values in zip(*all_of_it, strict=True)
        )
        say(f"{name:<22}{painted:>26}{cpu:>26}")
    say(f"Cards made of {fleet_size(screen)}: {made}\n")
    tasks = long_tasks(told["traceEvents"])
    say(
        f"{'task at, s':>10}{'long, ms':>10}{'ours, ms':>10}  functions of ours | of all"
    )
    for when, all_of_it_ms, ours, own, what in tasks:
        say(
            f"{when:>10.1f}{all_of_it_ms:>10.0f}{ours:>10.0f}  {', '.join(own) or '-'}"
            f" | {', '.join(what)}"
        )
    assert all(ours <= LONG_MS for _, _, ours, _, _ in tasks)
    assert min(first for first, _ in found[PAGES[0][0]]) <= FIRST_PAINT_MS


def fleet_size(screen: Screen) -> int:
    """Return how many vehicles there are."""
    return len(screen.command("fleet_tracker/overview")["vehicles"])


@contextlib.contextmanager
def other_pages(screen: Screen) -> Iterator[None]:
    """Have the dashboards that the first page is compared with."""
    made = []
    try:
        for path, config in OTHERS.items():
            made.append(
                screen.command(
                    "lovelace/dashboards/create",
                    url_path=path,
                    title=path,
                    mode="storage",
                    require_admin=False,
                    show_in_sidebar=False,
                )
            )
            screen.command("lovelace/config/save", url_path=path, config=config)
        yield
    finally:
        for one in made:
            screen.command("lovelace/dashboards/delete", dashboard_id=one["id"])


def open_page(page: Page, url: str, path: str, card: str) -> tuple[float, float]:
    """Return after how many ms the first card is painted, and how much CPU time it took."""
    page.add_init_script(f"({FIRST_CARD})('{card}')")
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
    # The next page runs in the same process, whose time is counted.
    page.goto(f"{url}/manifest.json")
    before = busy_ms(devtools)
    page.goto(url + path)
    page.wait_for_function("() => window.firstCard > 0", timeout=120_000)
    return page.evaluate("() => window.firstCard"), busy_ms(devtools) - before


def busy_ms(devtools: CDPSession) -> float:
    """Return how long the page was busy until now."""
    told = devtools.send("Performance.getMetrics")["metrics"]
    (found,) = (one["value"] for one in told if one["name"] == "TaskDuration")
    return float(found) * 1000


def long_tasks(
    events: list[dict[str, Any]],
) -> list[tuple[float, float, float, list[str], list[str]]]:
    """Return the long tasks of the page: when, how long in ms, and how long with us.

    And the functions that took most, of ours and of all. A task's length is its CPU time, where that is told. A
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

    def named(number: int) -> str:
        frame = nodes[number]["callFrame"]
        return f"{frame['functionName'] or '?'} {frame.get('url', '').rpartition('/')[2][:24]}"

    def ours_of(number: int | None) -> str:
        """Return the innermost function of ours on a stack, but those of the library."""
        last = ""
        while number is not None:
            if OURS in nodes[number]["callFrame"].get("url", ""):
                last = named(number)
                if not last.endswith(" lit.js"):
                    return last
            number = nodes[number].get("parent")
        return last

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
        spent: dict[str, float] = {}
        own: dict[str, float] = {}
        for i in span:
            if not i:
                continue
            length = times[i] - times[i - 1]
            name = named(found[i])
            spent[name] = spent.get(name, 0) + length
            if mine := ours_of(found[i]):
                own[mine] = own.get(mine, 0) + length
        cpu = task.get("tdur", task["dur"])
        result.append(
            (
                (task["ts"] - begin) / 1e6,
                cpu / 1000,
                # Samples tell when, not how long: other programs may have run meanwhile.
                sum(own.values()) / 1000 * cpu / task["dur"],
                most(own),
                most(spent),
            )
        )
    return result


def most(spent: Mapping[str, float]) -> list[str]:
    """Return what took longest, with the time in ms."""
    longest = sorted(spent, key=lambda one: -spent[one])[:3]
    return [f"{one} {spent[one] / 1000:.0f}" for one in longest]
