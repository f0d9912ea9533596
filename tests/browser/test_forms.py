"""Tests that the texts of our forms can be read by everybody."""

from __future__ import annotations

from axe_playwright_python.base import AXE_FILE_PATH
from playwright.sync_api import Locator
import pytest

from .screen import DIALOG, Screen, color
from .stage import on_stage
from .test_dashboard import assert_accessible

VENDORS = ("ProTrack, iTrack, eTrack", "Tracksolid Pro", "Segway", "InHand VT3")
OF_TEXTS = (
    "definition-list",
    "dlitem",
    "empty-heading",
    "image-alt",
    "link-in-text-block",
    "link-name",
    "list",
    "listitem",
    "object-alt",
    "table-fake-caption",
    "td-headers-attr",
    "valid-lang",
)
"""The rules of axe for what a text decides. The colors of fields are Home Assistant's: in the
dark their labels have too little contrast by these rules, whatever they say."""
CONTRAST = "color-contrast"


def assert_texts_accessible(texts: Locator, *rules: str) -> None:
    """Hold that axe finds nothing in texts, in light and dark colors."""
    page = texts.page
    page.evaluate(AXE_FILE_PATH.read_text(encoding="utf-8"))
    for is_dark in (False, True):
        color(page, dark=is_dark)
        found = texts.evaluate_all(
            """async (all, rules) => {
              const seen = all.filter(one => one.checkVisibility());
              if (!seen.length) return ["there is no text"];
              const {violations} = await axe.run({include: seen}, {runOnly: {type: "rule", values: rules}});
              return violations.flatMap(({id, nodes}) => nodes.map(({html, any}) =>
                `${id}: ${html.slice(0, 200)} ${any[0]?.message ?? ""}`));
            }""",
            [*OF_TEXTS, *rules],
        )
        assert found == []


@pytest.mark.parametrize("vendor", VENDORS)
def test_form_of_a_vendor(screen: Screen, vendor: str) -> None:
    """Its names, explanations and links, also those that are folded at first."""
    screen.add_account(vendor)
    dialog = screen.page.locator(DIALOG)
    panels = dialog.locator("ha-expansion-panel")
    for index in range(panels.count()):
        panels.nth(index).click(position={"x": 40, "y": 20})

    assert_texts_accessible(dialog.locator("ha-selector, ha-expansion-panel"))
    assert_texts_accessible(dialog.locator("ha-markdown"), CONTRAST)


def test_options(screen: Screen) -> None:
    """The settings of an account, which have most words of all."""
    screen.configure(screen.demo.tracksolid, "Settings")

    assert_texts_accessible(screen.page.locator(DIALOG).locator("ha-selector"))


@pytest.mark.parametrize("card", ["vehicle", "trip", "overview", "fold"])
def test_editor_of_a_card(screen: Screen, card: str) -> None:
    """Its fields have names, or it says that there is nothing to set."""
    with on_stage(screen) as stage:
        stage.page.evaluate(
            """async form => {
              const home = document.querySelector("home-assistant");
              const path = (await home.hass.callWS({type: "fleet_tracker/overview"})).path;
              await import(`${path}/editor.js`);
              const editor = document.createElement("fleet-tracker-editor");
              Object.assign(editor, {form, hass: home.hass});
              editor.setConfig({});
              editor.style = "position: fixed; inset: 0; z-index: 1000; background: var(--card-background-color)";
              home.shadowRoot.append(editor);
            }""",
            card,
        )
        editor = stage.page.locator("fleet-tracker-editor")
        editor.locator("p, ha-form").first.wait_for()
        assert_texts_accessible(editor)
        if card == "overview":
            assert_accessible(editor)
