"""Tests of what is seen while the vendors' APIs are down, and of cutting engines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
import re
from typing import Any

from playwright.sync_api import expect
import pytest

from script.demo_support.accounts import ACCOUNTS

from .demo import tell_simulator, wait_for
from .screen import NO_WORDS, Screen

ALARM_WITHIN = 180
"""The town van is on errands: an alarm comes at least every minute and a half."""
TOLD_WITHIN = 120
"""By then every account was polled."""
RESTARTED_WITHIN = 180

BUTTON_ROWS = "hui-button-entity-row"


@contextmanager
def down(screen: Screen) -> Iterator[None]:
    """Let the APIs of all vendors fail meanwhile, and the pushes go on."""
    let_fail(screen, "?fault=http_500")
    try:
        yield
    finally:
        let_fail(screen, "")


def let_fail(screen: Screen, query: str) -> None:
    """Let all simulated APIs fail, or be well again if the query is empty."""
    for number, account in enumerate(ACCOUNTS, 1):
        if account.is_asked:
            tell_simulator(screen.demo.port + number, query)


def entity(screen: Screen, vehicle: str, name: str, domain: str = "") -> str:
    """Return an entity of a vehicle by the name that is shown."""
    (found,) = (
        one
        for one, shown in screen.vehicle(vehicle).entities.items()
        if shown == name and one.startswith(domain)
    )
    return found


def attributes(screen: Screen, entity_id: str) -> dict[str, Any]:
    """Return the attributes of an entity."""
    found = screen.page.evaluate(
        "([id]) => document.querySelector('home-assistant').hass.states[id].attributes",
        [entity_id],
    )
    return dict(found)


def place(screen: Screen, vehicle: str) -> tuple[object, ...]:
    """Return where a vehicle is shown, and as of when."""
    tracker = screen.vehicle(vehicle).only("device_tracker")
    seen = attributes(screen, tracker)
    last_fix = screen.state(entity(screen, vehicle, "Last position"))
    return screen.state(tracker), seen["latitude"], seen["longitude"], last_fix


def unavailable(screen: Screen, vehicle: str) -> list[str]:
    """Return which entities of a vehicle are unavailable."""
    every = screen.vehicle(vehicle).entities
    return [one for one in every if screen.state(one) == "unavailable"]


def failing_accounts(screen: Screen) -> set[str]:
    """Return of which accounts the log says that they cannot be read."""
    return {
        line
        for one in screen.command("system_log/list")
        for line in one["message"]
        if re.search(r"Error (fetching|requesting) .* data", line)
    }


def test_pushed_alarm_while_the_apis_are_down(screen: Screen) -> None:
    """It fires at once, is told by the automation, and nothing of its vehicle is lost."""
    screen.open_vehicle("Town van")
    alarm = entity(screen, "Town van", "Alarm", "event.")
    with down(screen):
        wait_for(
            lambda: len(failing_accounts(screen)) >= 2, "polls to fail", TOLD_WITHIN
        )
        before = screen.state(alarm)
        wait_for(lambda: screen.state(alarm) != before, "an alarm", ALARM_WITHIN)
        seen = attributes(screen, alarm)
        assert screen.state(alarm) > before
        assert seen["event_type"]
        assert not unavailable(screen, "Town van")
        screen.page.get_by_text("Device info").first.wait_for()
        screen.picture("pushed alarm while the APIs are down")

        told = {
            one["notification_id"]: one
            for one in screen.command("persistent_notification/get")
        }
        screen.open("/")
        screen.read_notification(told["event.town_van_alarm"]["title"])
        screen.picture("notification while the APIs are down")


def test_last_positions_after_a_restart_while_the_apis_are_down(
    screen: Screen,
) -> None:
    """They are shown as before, with the times of then, and nothing is unavailable."""
    screen.open("/")
    with down(screen):
        wait_for(
            lambda: len(failing_accounts(screen)) >= 2, "polls to fail", TOLD_WITHIN
        )
        before = place(screen, "Truck"), place(screen, "Car")
        assert None not in (*before[0], *before[1])
        cards = screen.page.locator("fleet-tracker-overview .slot")
        vehicles = cards.count()
        screen.restart(RESTARTED_WITHIN)

        # The page that was open all the time.
        expect(cards).to_have_count(vehicles)
        expect(cards.first.locator("fleet-tracker-vehicle button.open")).to_be_visible()
        assert not NO_WORDS.search(screen.text())
        screen.picture("open dashboard after a restart while the APIs are down")
        for name, was in zip(("Truck", "Car"), before, strict=True):
            screen.open_vehicle(name)
            assert place(screen, name) == was
            screen.page.locator("ha-device-entities-card").first.wait_for()
            assert not unavailable(screen, name)
            assert not NO_WORDS.search(screen.text())
            screen.picture(f"{name} after a restart while the APIs are down")


def test_cut_and_restore_engine(screen: Screen) -> None:
    """Two labeled buttons; what comes of them is shown beside them, in words."""
    screen.open_vehicle("Taxi")
    engine_cut = entity(screen, "Taxi", "Engine cut")
    wait_for(lambda: screen.state(engine_cut) == "off", "the engine to be free")

    screen.tap(entity(screen, "Taxi", "Cut engine"), "Press")
    screen.wait_for_state(engine_cut, "on")
    screen.picture("engine cut")
    screen.tap(entity(screen, "Taxi", "Restore engine"), "Press")
    screen.wait_for_state(engine_cut, "off")
    screen.picture("engine restored")


@pytest.mark.parametrize(
    ("vehicle", "words"),
    [
        ("Truck", re.compile(r"\d+ km/h")),
        ("Car", re.compile("offline|last heard of|no contact", re.IGNORECASE)),
    ],
)
def test_cut_that_is_refused(
    screen: Screen, vehicle: str, words: re.Pattern[str]
) -> None:
    """Who taps *Cut engine* reads why it is refused, and may restore all the same."""
    screen.open_vehicle(vehicle)
    before = screen.state(entity(screen, vehicle, "Engine cut"))
    screen.refusals = 1

    screen.tap(entity(screen, vehicle, "Cut engine"), "Press")

    screen.read_notice(words, seconds=90)
    screen.picture(f"{vehicle} is not cut")
    assert screen.state(entity(screen, vehicle, "Engine cut")) == before
    assert screen.state(entity(screen, vehicle, "Restore engine")) != "unavailable"


def test_cut_that_is_not_allowed(screen: Screen) -> None:
    """Where the account does not allow it, only *Restore engine* is offered."""
    screen.open_vehicle("Town van")
    rows = screen.page.locator(BUTTON_ROWS)
    rows.first.wait_for()
    names = set(screen.vehicle("Town van").entities.values())
    assert "Restore engine" in names
    assert "Cut engine" not in names
    assert "Cut engine" not in screen.text()
    screen.picture("cutting is not allowed")
