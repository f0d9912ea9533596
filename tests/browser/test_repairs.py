"""Tests of problems that are solved by clicking."""

from __future__ import annotations

from contextlib import AbstractContextManager

from playwright.sync_api import expect

from tests.simulators.vt3 import DEMO_SERIALS

from .demo import free_port, running_simulator, wait_for
from .screen import DOMAIN, Screen

NAMES_UNKNOWN = "vt3_unknown_names"


def connected_tracker(port: int) -> AbstractContextManager[int]:
    """Have a tracker connected whose values have names that another program gave them."""
    names = ("--count", "1", "--foreign-names")
    return running_simulator("tests.simulators.vt3", *names, port=port)


def problems(screen: Screen) -> set[str]:
    """Return our problems that are open."""
    issues = screen.command("repairs/list_issues")["issues"]
    return {one["translation_key"] for one in issues if one["domain"] == DOMAIN}


def test_names_are_reset(screen: Screen) -> None:
    """The repair says of which vehicle, and why it did not work; then it does, and is gone."""
    port = free_port()
    account = screen.demo.add_account("vt3", host="127.0.0.1", port=port)
    screen.demo.add_vehicle(account, vehicle_id=DEMO_SERIALS[0], name="Crane")
    screen.open("/config/repairs")
    screen.look(phone=True)
    with connected_tracker(port):
        wait_for(lambda: NAMES_UNKNOWN in problems(screen), "the problem")
    issue = screen.page.get_by_text("values have unknown names").first

    issue.click()
    screen.read("Reset the names?")
    screen.read("The vehicles are: Crane.")
    screen.submit()
    screen.read_error("The tracker is offline")

    online = next(
        one for one in screen.vehicle("Crane").entities if one.endswith("_online")
    )
    with connected_tracker(port):
        screen.wait_for_state(online, "on")
        screen.submit()
        screen.finish()
        expect(issue).to_have_count(0)
        assert NAMES_UNKNOWN not in problems(screen)
