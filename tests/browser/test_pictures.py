"""Tests that cards look as they did: each is compared with the picture that was kept of it.

Of cards only, never of maps. A kept picture belongs to one Home Assistant, one browser and
certain fonts, which `made_with.json` tells. With others it is not compared, and the test
says so; that two pictures of a card are the same is tested all the same.
`script/card-pictures` makes them anew: look at each before you keep it.
"""

from __future__ import annotations

from collections.abc import Mapping
import io
import json
import os
from pathlib import Path
import subprocess
from typing import Any

from PIL import Image, ImageChops
from playwright.sync_api import Locator
import pytest

from .screen import Screen, color
from .stage import Stage, on_stage

KEPT = Path(__file__).parent / "pictures"
MADE_WITH = KEPT / "made_with.json"
FAILURES = Path(__file__).parent.parent.parent / ".cache" / "browser-failures"
MAKES_THEM = bool(os.environ.get("KEEP_PICTURES"))
MOST_DIFFERENT = 0.001
"""The part of a picture's pixels that may differ."""
NOTICEABLE = 2
"""How much a color of a pixel may differ, of 255."""

MOVING: Mapping[str, Mapping[str, Any]] = {
    "device_tracker.position": {
        "state": "not_home",
        "attributes": {"friendly_name": "Van", "latitude": 52.5, "longitude": 13.4},
    },
    "sensor.activity": {
        "state": "driving",
        "attributes": {
            "friendly_name": "Van Activity",
            "device_class": "enum",
            "options": ["driving", "idling", "parked", "towed", "offline"],
        },
    },
    "sensor.speed": {
        "state": "47",
        "attributes": {
            "friendly_name": "Van Speed",
            "device_class": "speed",
            "unit_of_measurement": "km/h",
        },
    },
    "sensor.distance_today": {
        "state": "83.4",
        "attributes": {
            "friendly_name": "Van Distance today",
            "device_class": "distance",
            "unit_of_measurement": "km",
        },
    },
    "sensor.vehicle_voltage": {
        "state": "13.9",
        "attributes": {
            "friendly_name": "Van Vehicle voltage",
            "device_class": "voltage",
            "unit_of_measurement": "V",
        },
    },
    "sensor.fuel_level": {
        "state": "64",
        "attributes": {"friendly_name": "Van Fuel level", "unit_of_measurement": "%"},
    },
    "lock.locked": {
        "state": "locked",
        "attributes": {"friendly_name": "Van Door lock"},
    },
}
"""A van that drives."""

PARKED: Mapping[str, Mapping[str, Any]] = {
    **MOVING,
    "sensor.speed": {**MOVING["sensor.speed"], "state": "0"},
    "device_tracker.position": {
        "state": "home",
        "attributes": {"friendly_name": "Van", "latitude": 52.5, "longitude": 13.4},
    },
    "sensor.activity": {
        **MOVING["sensor.activity"],
        "state": "parked",
    },
    "sensor.fuel_level": {**MOVING["sensor.fuel_level"], "state": "12"},
    "binary_sensor.ignition": {
        "state": "off",
        "attributes": {"friendly_name": "Van Ignition", "device_class": "running"},
    },
    "binary_sensor.door": {
        "state": "on",
        "attributes": {"friendly_name": "Van Door", "device_class": "door"},
    },
    "button.cut_engine": {
        "state": "unknown",
        "attributes": {"friendly_name": "Van Cut engine", "icon": "mdi:engine-off"},
    },
    "button.restore_engine": {
        "state": "unknown",
        "attributes": {"friendly_name": "Van Restore engine", "icon": "mdi:engine"},
    },
}
"""A van that is parked: low on fuel, with an open door, and controls."""


def trip(number: int, begin: str, end: str | None, **values: object) -> dict[str, Any]:
    """Return a trip as Home Assistant tells it."""
    return {
        "trip_id": str(number),
        "begin": f"2026-11-26T{begin}:00+00:00",
        "end": end and f"2026-11-26T{end}:00+00:00",
        "running": end is None,
        "distance": 12.3,
        "duration": 1500,
        "average_speed": 29.5,
        "top_speed": 81,
        "idle_time": 120,
        **values,
    }


TRIPS: Mapping[str, Any] = {
    "date": "2026-11-26",
    "distance": 52.3,
    "trips": [
        trip(
            1,
            "06:00",
            "06:25",
            begin_place={"zone": "Yard"},
            end_place={"zone": "Shop"},
        ),
        trip(2, "08:10", "09:00", end_place={"address": "1 Long Street, a Town"}),
        trip(3, "11:42", None, distance=8.1, duration=1080, average_speed=27),
    ],
}
ROUTE: Mapping[str, Any] = {
    "trip": TRIPS["trips"][2],
    "points": [[1795693320 + 60 * i, 52.5, 13.4 + i / 100, 40] for i in range(18)],
    "gaps": [],
}
ANSWERS = {"fleet_tracker/trips": TRIPS, "fleet_tracker/route": ROUTE}


def draw(stage: Stage, name: str) -> Locator:
    """Show one of the cards of which pictures are kept."""
    is_parked = name in {"large", "question"}
    states = PARKED if is_parked else MOVING
    vehicle = stage.vehicle(states, plate="B-FT 2026")
    if is_parked:
        times = {"activity": "parked", "since": "2026-11-26T07:30:00+00:00"}
        vehicle["times"] = {**vehicle["times"], **times}
    if name == "trips":
        shown = stage.show(
            "fleet-tracker-trips",
            [vehicle],
            states,
            width="min(100%, 480px)",
            answers=ANSWERS,
        )
        # A picture of a map would be one of its tiles.
        shown.locator(".trip").first.wait_for()
        shown.locator("input[type=range]").wait_for()
        shown.evaluate("one => { one.hasMap = false; return one.updateComplete; }")
        return shown
    shown = stage.show(
        "fleet-tracker-vehicle",
        [vehicle],
        states,
        width="min(100%, 400px)",
        card={"size": "large" if is_parked else "compact"},
    )
    if name == "question":
        shown.get_by_role("button", name="Cut engine").click()
        shown.get_by_role("alertdialog").wait_for()
    return shown


CARDS = ("compact", "large", "question", "trips")
WIDTHS = {"light": 1280, "dark": 1280, "phone": 320, "arabic": 1280}


@pytest.mark.pictures
@pytest.mark.newest("Pictures are kept of the newest Home Assistant only")
@pytest.mark.parametrize("look", WIDTHS)
def test_cards_look_as_they_did(screen: Screen, look: str) -> None:
    """To 0.1 % of the pixels, in light and dark colors, on a phone, and in Arabic."""
    if look == "arabic":
        screen.speak("ar")
    with on_stage(screen) as stage:
        color(screen.page, dark=look == "dark")
        screen.page.set_viewport_size({"width": WIDTHS[look], "height": 1200})
        pictures: dict[str, bytes] = {}
        for name in CARDS:
            shown = draw(stage, name)
            pictures[name] = picture(shown)
            assert pictures[name] == picture(shown), "It is drawn anew each time"
        made_with = {
            "home_assistant": screen.page.evaluate(
                "() => document.querySelector('home-assistant').hass.config.version"
            ),
            "browser": f"Chromium {browser_version(screen)}",
            "fonts": sorted(fonts(screen)),
        }

    if MAKES_THEM:
        KEPT.mkdir(exist_ok=True)
        for name, content in pictures.items():
            (KEPT / f"{name}-{look}.png").write_bytes(content)
        kept = json.loads(MADE_WITH.read_text()) if MADE_WITH.exists() else {}
        MADE_WITH.write_text(json.dumps({**kept, look: made_with}, indent=2) + "\n")
    kept = json.loads(MADE_WITH.read_text())[look]
    if kept != made_with:
        pytest.skip(
            f"The pictures were made with {kept}, this is {made_with}: not compared"
        )
    for name, content in pictures.items():
        file = KEPT / f"{name}-{look}.png"
        part = difference(file.read_bytes(), content)
        if part > MOST_DIFFERENT:
            FAILURES.mkdir(parents=True, exist_ok=True)
            (FAILURES / file.name).write_bytes(content)
        assert part <= MOST_DIFFERENT, f"{file.name}: {part:.2%} of its pixels differ"


def picture(shown: Locator) -> bytes:
    """Return a picture of a card."""
    shown.page.mouse.move(0, 0)
    part = shown.locator("ha-card").first
    return bytes(part.screenshot(animations="disabled", caret="hide"))


def browser_version(screen: Screen) -> str:
    """Return the number before the first dot: pictures differ from one to the next."""
    browser = screen.page.context.browser
    assert browser
    return str(browser.version).partition(".")[0]


def fonts(screen: Screen) -> set[str]:
    """Return the fonts that the stage is drawn with, those of the machine with a version."""
    devtools = screen.page.context.new_cdp_session(screen.page)
    devtools.send("DOM.enable")
    devtools.send("CSS.enable")
    root = devtools.send("DOM.getDocument", {"depth": -1, "pierce": True})["root"]
    found = set()
    waiting = [(root, False)]
    while waiting:
        node, is_within = waiting.pop()
        is_within = is_within or "stage" in node.get("attributes", [])
        inner = [*node.get("children", []), *node.get("shadowRoots", [])]
        waiting += [(one, is_within) for one in inner]
        if is_within and any(one["nodeType"] == 3 for one in inner):
            told = devtools.send(
                "CSS.getPlatformFontsForNode", {"nodeId": node["nodeId"]}
            )
            found |= {
                f"{font['familyName']}, of Home Assistant"
                if font["isCustomFont"]
                else f"{font['familyName']}, {installed_version(font['familyName'])}"
                for font in told["fonts"]
            }
    devtools.detach()
    return found


def installed_version(family: str) -> str:
    """Return the version of a font of the machine, as fontconfig tells it."""
    try:
        told = subprocess.run(
            ["fc-match", "--format=%{fontversion}", family],
            capture_output=True,
            text=True,
            check=True,
        )
    except OSError:
        return "of unknown version"
    return f"version {told.stdout}"


def difference(one: bytes, other: bytes) -> float:
    """Return the part of the pixels that differ between two pictures."""
    first, second = (Image.open(io.BytesIO(it)).convert("RGB") for it in (one, other))
    if first.size != second.size:
        return 1.0
    bands = ImageChops.difference(first, second).split()
    most = ImageChops.lighter(ImageChops.lighter(bands[0], bands[1]), bands[2])
    different = sum(most.histogram()[NOTICEABLE + 1 :])
    return different / (first.width * first.height)


def test_difference_is_noticed() -> None:
    """One line of text too many is, and a shade that nobody sees is not."""

    def made(color: int, changed: int = 0) -> bytes:
        image = Image.new("RGB", (100, 100), (color, color, color))
        for place in range(changed):
            image.putpixel((place % 100, place // 100), (0, 0, 0))
        content = io.BytesIO()
        image.save(content, "png")
        return content.getvalue()

    assert difference(made(200), made(202)) == 0
    assert difference(made(200), made(203)) == 1
    assert difference(made(200), made(200, changed=10)) == MOST_DIFFERENT
    assert difference(made(200), made(200, changed=11)) > MOST_DIFFERENT
