"""Tests of the automation editor, as one who makes an automation of a vehicle sees it."""

from __future__ import annotations

from typing import Any

import pytest

from .demo import wait_for
from .screen import Screen

SAVE_DIALOG = "ha-dialog-automation-save"
TRIGGER = "Vehicle ignition turned on"
DRIVES_WITHIN = 300
"""The van of the demo drives every three minutes."""
STATE = "([id]) => document.querySelector('home-assistant').hass.states[id]"


@pytest.mark.newest("Home Assistant 2025 has no triggers for targets")
def test_new_automation_of_a_vehicle(screen: Screen) -> None:
    """From the page of the van, by clicks, to an automation that runs at its next ignition.

    Nothing is typed: text in the search box of the dialog would lose the van.
    """
    vehicle = screen.open_vehicle("Van")
    (ignition,) = (one for one, name in vehicle.entities.items() if name == "Ignition")
    page = screen.page
    page.get_by_text("Related").first.wait_for()
    page.get_by_text("Add to").first.click()
    page.get_by_text("Create as a new trigger").click()

    # Ours stand last, under the name of the integration.
    choice = page.get_by_text(TRIGGER).first
    choice.wait_for()
    choice.scroll_into_view_if_needed()
    page.get_by_text("Fleet Tracker").first.wait_for()
    choice.click()
    page.get_by_text("1 entity").first.wait_for()

    before = automations(screen)
    page.get_by_role("button", name="Save").first.click()
    page.locator(SAVE_DIALOG).get_by_role("button", name="Save").click()
    wait_for(lambda: automations(screen) - before, "the automation to be saved")
    (automation,) = automations(screen) - before
    try:
        saved = screen.command("automation/config", entity_id=automation)["config"]
        (trigger,) = saved["triggers"]
        assert trigger["trigger"] == "fleet_tracker.ignition_turned_on"
        assert trigger["target"]["device_id"] == vehicle.device_id
        wait_for(
            lambda: screen.state(ignition) == "off",
            "the ignition to be off",
            DRIVES_WITHIN,
        )
        ran = last_run(screen, automation)
        wait_for(
            lambda: screen.state(ignition) == "on",
            "the ignition to be on",
            DRIVES_WITHIN,
        )
        wait_for(lambda: last_run(screen, automation) != ran, "the automation to run")
    finally:
        page.request.delete(
            f"{screen.demo.url}/api/config/automation/config/{saved_id(screen, automation)}",
            headers={"Authorization": f"Bearer {screen.demo.token}"},
        )


def shown(screen: Screen, automation: str) -> Any:
    """Return the attributes of an automation."""
    return screen.page.evaluate(STATE, [automation])["attributes"]


def last_run(screen: Screen, automation: str) -> object:
    """Return when an automation ran last."""
    return shown(screen, automation)["last_triggered"]


def saved_id(screen: Screen, automation: str) -> str:
    """Return by which id an automation is saved."""
    return str(shown(screen, automation)["id"])


def automations(screen: Screen) -> set[str]:
    """Return the entities of the automations."""
    states = screen.page.evaluate(
        "() => Object.keys(document.querySelector('home-assistant').hass.states)"
    )
    return {one for one in states if one.startswith("automation.")}
