"""Tests of the demo's first page. Its pictures are those of the README and the docs."""

from __future__ import annotations

import os
from pathlib import Path

from .demo import wait_for
from .screen import Screen

PICTURES = os.environ.get("PICTURES", "")
"""The folder for pictures; `script/screenshots` sets it."""


def test_first_page(screen: Screen) -> None:
    """The fleet opens first, with its map and its vehicles, and fits a phone."""
    screen.open("/")
    screen.page.locator("ha-map").first.wait_for()
    vehicles = ("Van", "Truck", "Moped")
    for name, dark, phone in (
        ("dashboard", False, False),
        ("dashboard-dark", True, False),
        ("dashboard-phone", False, True),
    ):
        screen.look(dark=dark, phone=phone)
        wait_for(
            lambda: all(one in screen.text() for one in vehicles), "all to be shown", 30
        )
        assert "Entity not found" not in screen.text()
        assert screen.has_room()
        if PICTURES:
            screen.page.wait_for_timeout(3000)  # the map draws its markers
            screen.page.screenshot(path=Path(PICTURES) / f"{name}.png")
