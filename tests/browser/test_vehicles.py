"""Tests of the pages of vehicles, and of what is tapped there."""

from __future__ import annotations

import pytest

from .demo import wait_for
from .screen import NO_WORDS, Screen, Vehicle

# One of each vendor
VEHICLES = ("Van", "Town van", "Bus", "Moped")


@pytest.mark.parametrize(
    "name", [pytest.param(VEHICLES[0], marks=pytest.mark.core), *VEHICLES[1:]]
)
def test_device_page(screen: Screen, name: str) -> None:
    """The page of a vehicle names all that is enabled, in the dark and on a phone too."""
    vehicle = screen.open_vehicle(name)
    screen.page.get_by_text("Device info").first.wait_for()
    screen.page.locator("ha-device-entities-card").first.wait_for()
    assert len(vehicle.entities) > 5
    for dark, phone in ((False, False), (True, False), (True, True)):
        screen.look(dark=dark, phone=phone)
        wait_for(lambda: not missing(screen, vehicle), "all entities to be named")
        assert not NO_WORDS.search(screen.text())
        assert screen.has_room()


def missing(screen: Screen, vehicle: Vehicle) -> set[str]:
    """Return the names of entities that cannot be read yet."""
    text = screen.text()
    return {name for name in vehicle.entities.values() if name not in text}


@pytest.mark.core
def test_unlock_and_lock(screen: Screen) -> None:
    """A moped is unlocked and locked by tapping, from whichever it is."""
    lock = screen.open_vehicle("Moped").only("lock")
    taps = [("Unlock", "unlocked"), ("Lock", "locked")]
    if screen.state(lock) == "unlocked":
        taps.reverse()

    for button, state in taps:
        screen.tap(lock, button)
        screen.wait_for_state(lock, state)


def test_refusal(screen: Screen) -> None:
    """What a vehicle refuses can be read: the car is offline."""
    screen.open_vehicle("Car")
    screen.refusals = 1

    screen.tap_details("Door lock", "Lock")

    screen.read_notice("offline")
