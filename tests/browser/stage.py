"""A stage for one card of ours: a fixed fleet at a fixed time, within a real Home Assistant.

What Home Assistant is asked and told is the test's, and so are the states; its elements,
its words and its colors are the real ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
import contextlib
from typing import Any

from playwright.sync_api import Locator

from .demo import wait_for
from .screen import Screen

NOW = "2026-11-26T12:00:00+00:00"
DASHBOARD = "stage"
# The account and the times of a vehicle in answers, unless a test gives others.
ACCOUNT: Mapping[str, Any] = {
    "id": "account",
    "title": "Company",
    "vendor": "tracksolid",
    "state": "loaded",
    "reachable": True,
}
TIMES: Mapping[str, Any] = {
    "position": "2026-11-26T11:59:30+00:00",
    "fix": "2026-11-26T11:59:30+00:00",
    "contact": "2026-11-26T11:59:30+00:00",
    "activity": "driving",
    "since": "2026-11-26T11:42:00+00:00",
}
SET = """async ([element, module, config, told, width]) => {
  const home = document.querySelector("home-assistant");
  await window.loadCardHelpers().then(helpers => {
    for (const type of ["entities", "button"]) helpers.createCardElement({type, entities: [], entity: "sun.sun"});
  });
  const path = (await home.hass.callWS({type: "fleet_tracker/overview"})).path;
  const {fleet} = await import(`${path}/fleet.js`);
  await import(`${path}/${module}`);
  const answers = {"fleet_tracker/overview": {version: "1.0.0", path, routine: [], ...told.overview}, ...told.answers};
  const asked = window.staged = [];
  const hass = {
    ...home.hass,
    states: told.states,
    config: {...home.hass.config, ...told.config},
    locale: {...home.hass.locale, ...told.locale},
    language: told.locale?.language ?? home.hass.language,
    user: {...home.hass.user, ...told.user},
    callWS: async message => {
      asked.push(message);
      const answer = answers[message.type];
      if (answer?.error) throw {code: answer.error, message: answer.message ?? ""};
      return answer === undefined ? home.hass.callWS(message) : structuredClone(answer);
    },
    callService: async (...call) => { asked.push(call); },
  };
  home.shadowRoot.querySelector("#stage")?.remove();
  const stage = document.createElement("div");
  stage.id = "stage";
  stage.style = "position: fixed; inset: 0; z-index: 1000; overflow: auto; background: var(--primary-background-color)";
  const room = document.createElement("div");
  room.style.width = width;
  stage.append(room);
  home.shadowRoot.append(stage);
  fleet._hass = hass;
  await fleet._fetch();
  const card = document.createElement(element);
  Object.assign(card, {config, hass}, told.properties);
  card.style.height = "auto";
  room.append(card);
}"""
IS_DRAWN = """async () => {
  const parts = function* (node) {
    if (node.localName) yield node;
    for (const one of [...(node.shadowRoot?.childNodes ?? []), ...node.childNodes]) yield* parts(one);
  };
  await document.fonts.ready;
  const stage = document.querySelector("home-assistant").shadowRoot.querySelector("#stage");
  return [...parts(stage)].filter(one => one.localName === "ha-icon").every(
    one => [...parts(one)].some(inner => inner.localName === "path" && inner.getAttribute("d")));
}"""
MODULES = {
    "fleet-tracker-vehicle": "vehicle-card.js",
    "fleet-tracker-trips": "trip-card.js",
    "fleet-tracker-overview": "overview.js",
}


class Stage:
    """A page on which a card is shown alone."""

    def __init__(self, screen: Screen) -> None:
        """Stop the time of the page, and take the real van for the ids of entities."""
        self.screen = screen
        self.page = screen.page
        self.page.clock.set_fixed_time(NOW)
        devtools = self.page.context.new_cdp_session(self.page)
        devtools.send("Emulation.setTimezoneOverride", {"timezoneId": "UTC"})
        told = screen.command("fleet_tracker/overview")
        (self.van,) = (one for one in told["vehicles"] if one["name"] == "Van")

    def vehicle(
        self, states: Mapping[str, Mapping[str, Any]], **values: object
    ) -> dict[str, Any]:
        """Return a van that has these entities only, named by domain and reading."""
        entities: dict[str, dict[str, str]] = {}
        for name in states:
            domain, _, reading = name.partition(".")
            entities.setdefault(domain, {})[reading] = self.entity(name)
        return {
            **self.van,
            "account": ACCOUNT["id"],
            "entities": entities,
            "times": TIMES,
            "stopping": [self.entity("button.cut_engine")],
            "controls": [
                self.entity(one) for one in states if one.startswith(("button", "lock"))
            ],
            **values,
        }

    def entity(self, name: str) -> str:
        """Return the id of the van's entity: the real one, whose words are known."""
        domain, _, reading = name.partition(".")
        real = self.van["entities"].get(domain, {}).get(reading)
        return str(real or f"{domain}.van_{reading}")

    def show(
        self,
        element: str,
        vehicles: Sequence[Mapping[str, Any]],
        states: Mapping[str, Mapping[str, Any]],
        *,
        width: str = "400px",
        accounts: Sequence[Mapping[str, Any]] = (ACCOUNT,),
        card: Mapping[str, Any] | None = None,
        **told: Mapping[str, Any],
    ) -> Locator:
        """Show a card with a fleet and its states, and return it when it is drawn.

        `told` may be the `answers` to commands, and what differs of the `config`, the
        `locale`, the `user`, or the card's own `properties`.
        """
        device = vehicles[0]["id"] if vehicles else "none"
        self.page.evaluate(
            SET,
            [
                element,
                MODULES[element],
                {"device": device, **(card or {})},
                {
                    "overview": {"accounts": accounts, "vehicles": vehicles},
                    "states": {
                        self.entity(name): {
                            "entity_id": self.entity(name),
                            "last_changed": NOW,
                            "last_updated": NOW,
                            "attributes": {},
                            **state,
                        }
                        for name, state in states.items()
                    },
                    **told,
                },
                width,
            ],
        )
        shown = self.page.locator(f"#stage {element}")
        shown.locator("ha-card").first.wait_for()
        wait_for(lambda: self.page.evaluate(IS_DRAWN), "its icons")
        return shown

    def has_room(self) -> bool:
        """Tell whether what is shown is no wider than the screen."""
        return bool(
            self.page.evaluate(
                """() => {
                  const stage = document.querySelector("home-assistant").shadowRoot.querySelector("#stage");
                  return stage.scrollWidth <= stage.clientWidth;
                }"""
            )
        )


@contextlib.contextmanager
def on_stage(screen: Screen) -> Iterator[Stage]:
    """Open a dashboard on which nothing asks for the fleet but the card that is shown."""
    screen.open("/")
    dashboard = screen.command(
        "lovelace/dashboards/create",
        url_path=f"own-{DASHBOARD}",
        title=DASHBOARD,
        mode="storage",
        require_admin=False,
        show_in_sidebar=False,
    )
    try:
        screen.command(
            "lovelace/config/save",
            url_path=f"own-{DASHBOARD}",
            config={"views": [{"cards": [{"type": "markdown", "content": "Stage"}]}]},
        )
        screen.open(f"/own-{DASHBOARD}/0")
        screen.page.locator("hui-markdown-card").wait_for()
        yield Stage(screen)
    finally:
        screen.command("lovelace/dashboards/delete", dashboard_id=dashboard["id"])
