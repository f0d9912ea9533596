"""What a person does in front of Home Assistant, on both of its front ends."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
import json
from pathlib import Path
import re
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import (
    APIResponse,
    ConsoleMessage,
    Error,
    Locator,
    Page,
    Response,
    expect,
)

from .demo import PATIENCE, Demo, wait_for

DOMAIN = "fleet_tracker"
DESKTOP = (1280, 900)
PHONE = (390, 844)
CALL = "([values]) => document.querySelector('home-assistant').hass.callWS(values)"
IS_DARK = "() => !!document.querySelector('home-assistant').hass.themes.darkMode"
IS_FADING = """async () => {
  const parts = function* (root) {
    yield root;
    for (const one of root.querySelectorAll("*")) if (one.shadowRoot) yield* parts(one.shadowRoot);
  };
  // Elements draw themselves in the frame after Home Assistant told them.
  for (let frames = 0; frames < 2; frames += 1) await new Promise(requestAnimationFrame);
  return [...parts(document)].some(root => root.getAnimations().some(
    one => one instanceof CSSTransition && /color|fill|stroke|shadow|opacity/.test(one.transitionProperty)));
}"""
"""Whether any color of the page is on its way to another, in shadow roots too."""
DIALOG = "dialog-data-entry-flow"
PICTURES_KEPT = Path(__file__).parent.parent.parent / ".cache" / "browser-pictures"
# Pictures from the network that a test must not need: map tiles and brands of others.
PICTURES = re.compile(
    r"/api/map_tiles|/api/brands/|brands\.home-assistant\.io|cartocdn"
)
# What the front ends say of themselves, whatever is shown. What failed to load is counted
# where it was asked for.
OWN_WORDS = re.compile(
    r"Failed to load resource|GPU stall|WebGL|Vaadin|preload|Lit is in dev mode|deprecated",
    re.IGNORECASE,
)

# What the map of Home Assistant 2025.4 complains of where it is removed while it zooms, that
# of its own map card too: it does not stop the timer that ends the zoom. The front end then
# looks for the source of that.
OLD_MAP = re.compile(
    r"^TypeError: Cannot read properties of undefined \(reading '_leaflet_pos'\)\n"
    r"(?s:.*)\._onZoomTransitionEnd \("
    r"|^GET /unknown/src/(dom/DomUtil|map/Map)\.js: 404$"
)


# Keys that no text was found for, and values that JavaScript made of nothing
NO_WORDS = re.compile(r"component\.fleet_tracker|\bundefined\b|\bNaN\b|\[object")


@dataclass(frozen=True)
class Vehicle:
    """A vehicle: its device, and its enabled entities with their names."""

    device_id: str
    entities: Mapping[str, str]

    def only(self, domain: str) -> str:
        """Return the only entity of a domain."""
        (found,) = (one for one in self.entities if one.startswith(f"{domain}."))
        return found


def color(page: Page, *, dark: bool) -> None:
    """Have an open page in dark or light colors, and return when none of them fades any more.

    Where its themes came before its configuration, Home Assistant leaves them undecided,
    and light, until the colors of the screen change.
    """
    page.emulate_media(color_scheme="dark" if dark else "light")
    wait_for(lambda: page.evaluate(IS_DARK) == dark, "the colors of the page")
    wait_for(lambda: not page.evaluate(IS_FADING), "the colors to have faded")


class Screen:
    """A page of Home Assistant, with what it complained of."""

    def __init__(self, demo: Demo, page: Page) -> None:
        """Begin to listen to the console."""
        self.demo = demo
        self.page = page
        self.complaints: list[str] = []
        self.refusals = 0
        page.on("console", self._hear)
        page.on("pageerror", self._catch)
        page.on("response", self._receive)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not OWN_WORDS.search(message.text):
            where = urlsplit(str(message.location.get("url", ""))).path
            self._complain(f"{message.text} ({where})")

    def _receive(self, response: Response) -> None:
        if response.status >= HTTPStatus.BAD_REQUEST and not PICTURES.search(
            response.url
        ):
            path = urlsplit(response.url).path
            self._complain(f"{response.request.method} {path}: {response.status}")

    def _catch(self, error: Error) -> None:
        # The front end itself does not catch the error of an action that it shows.
        if self.refusals:
            self.refusals -= 1
        else:
            self._complain(error.stack or str(error))

    def _complain(self, text: str) -> None:
        if not (self.demo.is_oldest and OLD_MAP.search(text)):
            self.complaints.append(text)

    # --- where to go

    def open(self, path: str) -> None:
        """Open a page, and return when it is connected, and hears of changed colors."""
        self.page.goto(self.demo.url + path)
        self.page.wait_for_function(
            """() => {
              const hass = document.querySelector("home-assistant")?.hass;
              return hass?.connected && hass.config && hass.themes;
            }"""
        )

    def open_vehicle(self, name: str) -> Vehicle:
        """Open the page of a vehicle's device, by the vehicle's name."""
        answer = self.page.request.post(
            f"{self.demo.url}/api/template",
            headers={"Authorization": f"Bearer {self.demo.token}"},
            data={"template": f"{{{{ device_id('{name}') }}}}"},
        )
        self.open(f"/config/devices/device/{answer.text()}")
        self.page.locator("ha-config-device-page ha-card").first.wait_for()
        return self.vehicle(name)

    def configure(self, title: str, choice: str = "") -> None:
        """Open the options of an account, and choose from their menu."""
        row = self._row(title)
        row.locator("ha-icon-button").evaluate_all(
            "all => all.forEach(button => button.dataset.label = button.label ?? '')"
        )
        button = row.locator("ha-icon-button[data-label='Configure']")
        button.or_(row.locator("ha-button", has_text="Configure")).first.click()
        if choice:
            self.page.locator(DIALOG).get_by_text(choice, exact=True).first.click()
        self.field_names()

    def reconfigure(self, title: str) -> None:
        """Choose from the menu of an account that its connection is changed."""
        row = self._row(title)
        menu = row.locator("ha-dropdown, ha-md-button-menu, ha-button-menu").first
        menu.locator("ha-icon-button").first.click()
        item = self.page.get_by_text("Reconfigure", exact=True)
        item.locator("visible=true").first.click()
        self.field_names()

    def _row(self, title: str) -> Locator:
        self.open(f"/config/integrations/integration/{DOMAIN}")
        rows = self.page.locator("ha-config-entry-row, ha-md-list-item.config_entry")
        row = rows.filter(has=self.page.get_by_text(title, exact=True)).first
        row.wait_for()
        return row

    # --- what Home Assistant knows

    def command(self, kind: str, **values: object) -> Any:
        """Return the answer to a command, sent by the connection of the page itself."""
        return self.page.evaluate(CALL, [{"type": kind, **values}])

    def vehicle(self, name: str) -> Vehicle:
        """Return a vehicle by its name."""
        device_id = next(
            device["id"]
            for device in self.command("config/device_registry/list")
            if device["name"] == name
        )
        entities = {
            entry["entity_id"]: entry["original_name"] or name
            for entry in self.command("config/entity_registry/list")
            if entry["device_id"] == device_id and entry["disabled_by"] is None
        }
        return Vehicle(device_id, entities)

    def has_vehicle(self, name: str) -> bool:
        """Tell whether there is a vehicle of that name."""
        devices = self.command("config/device_registry/list")
        return any(device["name"] == name for device in devices)

    def has_account(self, title: str) -> bool:
        """Tell whether there is an account of that title."""
        entries = self.command("config_entries/get", domain=DOMAIN)
        return any(entry["title"] == title for entry in entries)

    def is_reachable(self, entry_id: str) -> bool:
        """Tell whether an account is loaded, and answers."""
        accounts = self.command("fleet_tracker/overview")["accounts"]
        (account,) = (one for one in accounts if one["id"] == entry_id)
        return account["state"] == "loaded" and bool(account["reachable"])

    def is_asked_to_log_in(self, entry_id: str) -> bool:
        """Tell whether the user is asked for the credentials of an account."""
        contexts = (
            it["context"] for it in self.command("config_entries/flow/progress")
        )
        return any(
            (one["source"], one.get("entry_id")) == ("reauth", entry_id)
            for one in contexts
        )

    def state(self, entity_id: str) -> str:
        """Return the state of an entity."""
        found = self.page.evaluate(
            "([id]) => document.querySelector('home-assistant').hass.states[id]?.state",
            [entity_id],
        )
        return str(found)

    def wait_for_state(self, entity_id: str, wanted: str) -> None:
        """Return when an entity has a state."""
        wait_for(lambda: self.state(entity_id) == wanted, f"{entity_id} to be {wanted}")

    def text(self) -> str:
        """Return all that can be read on the page, through shadow roots."""
        return str(
            self.page.evaluate(
                """() => {
                  const read = node => node.nodeType === Node.TEXT_NODE
                    ? node.textContent + "\\n"
                    : ["STYLE", "SCRIPT"].includes(node.nodeName) ? "" :
                      [...(node.shadowRoot?.childNodes ?? []), ...node.childNodes]
                        .map(read).join("");
                  return read(document.querySelector("home-assistant"));
                }"""
            )
        )

    def speak(self, language: str) -> None:
        """Have the pages that are opened from now on in a language."""
        chosen = json.dumps(json.dumps(language))
        self.page.add_init_script(f"localStorage.setItem('selectedLanguage', {chosen})")

    def look(self, *, dark: bool = False, phone: bool = False) -> None:
        """Look at the page in dark colours, or as wide as a phone; else as usual."""
        width, height = PHONE if phone else DESKTOP
        self.page.set_viewport_size({"width": width, "height": height})
        color(self.page, dark=dark)
        wait_for(
            lambda: self.page.evaluate("() => innerWidth") == width, f"{width} pixels"
        )

    def hold_phone(self) -> None:
        """Have the pages that are opened from now on as wide as a phone."""
        width, height = PHONE
        self.page.set_viewport_size({"width": width, "height": height})

    def has_room(self) -> bool:
        """Tell whether the page is no wider than the screen."""
        return bool(
            self.page.evaluate(
                "() => document.documentElement.scrollWidth <= innerWidth"
            )
        )

    # --- what to tap and type

    def tap(self, entity_id: str, button: str) -> None:
        """Tap the button of an entity on the page of its device."""
        rows = self.page.locator("hui-lock-entity-row, hui-button-entity-row")
        rows.first.wait_for()
        rows.evaluate_all(
            "all => all.forEach(row => row.dataset.entity = row._config.entity)"
        )
        row = self.page.locator(f"[data-entity='{entity_id}']")
        row.locator("ha-button, mwc-button").filter(
            has_text=re.compile(rf"^\s*{button}\s*$")
        ).click()

    def tap_details(self, name: str, button: str) -> None:
        """Tap the button of an entity in its dialog, by the name on its device's page."""
        rows = self.page.locator("hui-lock-entity-row")
        rows.get_by_text(name, exact=True).first.click()
        buttons = self.page.locator("ha-more-info-dialog ha-control-button")
        buttons.first.wait_for()
        buttons.evaluate_all("all => all.forEach(one => one.dataset.label = one.label)")
        self.page.locator(f"ha-control-button[data-label='{button}']").click()

    def read_notice(
        self, text: str | re.Pattern[str], seconds: float = PATIENCE
    ) -> None:
        """Return when a notice at the bottom of the page says a text."""
        notice = self.page.locator("notification-manager").get_by_text(text).first
        notice.wait_for(timeout=seconds * 1000)

    def read_notification(self, text: str) -> None:
        """Open the notifications, and return when one of them says a text."""
        self.page.get_by_text("Notifications", exact=True).first.click()
        self.page.locator("notification-drawer").get_by_text(text).first.wait_for()

    def restart(self, seconds: float) -> None:
        """Restart Home Assistant, and return when it runs again."""
        with suppress(Error):
            self._api("post", "services/homeassistant/restart")
        wait_for(lambda: not self._runs(), "Home Assistant to end", seconds)
        wait_for(self._runs, "Home Assistant to run", seconds)
        # What was asked for meanwhile could not be answered.
        self.complaints.clear()

    def _runs(self) -> bool:
        with suppress(Error):
            return bool(self._api("get", "config").json()["state"] == "RUNNING")
        return False

    def _api(self, method: str, path: str) -> APIResponse:
        return self.page.request.fetch(
            f"{self.demo.url}/api/{path}",
            method=method,
            headers={"Authorization": f"Bearer {self.demo.token}"},
        )

    def picture(self, name: str) -> None:
        """Keep a picture of what is seen, to be looked at later."""
        PICTURES_KEPT.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=PICTURES_KEPT / f"{name}.png")

    def add_account(self, vendor: str) -> None:
        """Begin to add an account, and choose the vendor."""
        self.open(f"/config/integrations/dashboard/add?domain={DOMAIN}")
        self.page.get_by_role("button", name="OK").click()
        other = self.page.get_by_text(re.compile("Set ?up another instance"))
        choice = self.page.locator(DIALOG).get_by_text(vendor)
        other.or_(choice).first.wait_for()
        if other.count():
            other.click()
        choice.first.click()
        self.field_names()

    def field_names(self) -> list[str]:
        """Wait for a form; return the names of its fields, also of those in sections."""
        fields = self.page.locator(f"{DIALOG} ha-selector")
        fields.first.wait_for(state="attached")
        return [
            str(name)
            for name in fields.evaluate_all(
                "all => all.map(one => one.dataset.field = one.name)"
            )
        ]

    def field(self, name: str) -> Locator:
        """Return a field of the form that is shown."""
        self.field_names()
        return self.page.locator(f"{DIALOG} ha-selector[data-field='{name}']")

    def fill(self, **values: str) -> None:
        """Type into fields."""
        for name, value in values.items():
            self.field(name).locator("input, textarea").first.fill(value)

    def typed(self, name: str) -> str:
        """Return what stands in a field."""
        field = self.field(name).locator("input, textarea").first
        return str(field.input_value())

    def unfold(self, section: str) -> None:
        """Open a section of the form."""
        panel = self.page.locator(f"{DIALOG} ha-expansion-panel").filter(
            has_text=section
        )
        panel.first.get_by_text(section, exact=True).first.click()

    def choose(self, name: str, label: str) -> None:
        """Open the list of a field, and tap one of its choices."""
        field = self.field(name)
        field.locator("ha-select").first.click()
        choices = field.locator("ha-dropdown-item, ha-list-item, mwc-list-item")
        choices.filter(has_text=label).first.click()

    def switch(self, name: str) -> None:
        """Tap a switch."""
        self.field(name).locator("ha-switch").click()

    def submit(self) -> None:
        """Send the form."""
        self._button("Submit").click()

    def wait_for_field(self, name: str) -> None:
        """Return when the next form is there, by one of its fields."""
        wait_for(lambda: name in self.field_names(), f"the field {name}")

    def read(self, text: str | re.Pattern[str]) -> None:
        """Return when a text can be read in the dialog."""
        self.page.locator(DIALOG).get_by_text(text).first.wait_for()

    def read_error(self, text: str | re.Pattern[str]) -> None:
        """Return when an error of the form can be seen without scrolling."""
        error = self.page.locator(DIALOG).locator("ha-alert").filter(has_text=text)
        expect(error.first).to_be_in_viewport(ratio=1)

    def finish(self) -> None:
        """Close the dialog of a flow that has ended."""
        self._button("(Finish|OK|Close|Skip.*)").click()
        self.page.locator(DIALOG).wait_for(state="hidden")

    def _button(self, words: str) -> Locator:
        """Return the button of the dialog with certain words, and no others, on it."""
        buttons = self.page.locator(DIALOG).locator("ha-button, mwc-button")
        return buttons.filter(has_text=re.compile(rf"^\s*{words}\s*$")).first
