"""Tests of the dashboard and its cards, as a person reads and taps them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
import json
import os
from pathlib import Path

from axe_playwright_python.base import AXE_FILE_PATH
from playwright.sync_api import Locator, expect
import pytest

from .demo import running_simulator, wait_for
from .screen import DOMAIN, NO_WORDS, Screen
from .stage import on_stage
from .test_pictures import PARKED

OVERVIEW = "fleet-tracker-overview"
VEHICLES = ("Van", "Truck", "Moped", "Bus")
IN_DEMO = 10
MANY = 200
MOST_CARDS = 60
"""So many cards of 200 vehicles are made at most: those seen, and some around them."""
LOOKS = ((False, False), (True, False), (False, True), (True, True))
"""Dark, and on a phone."""
PICTURES = os.environ.get("PICTURES", "")
"""The folder for pictures; `script/screenshots` sets it."""


def open_fleet(screen: Screen) -> Locator:
    """Open the page of all vehicles, and return it when they are seen."""
    screen.open("/")
    fleet = screen.page.locator("fleet-tracker-overview")
    for name in VEHICLES:
        card(screen, name).wait_for()
    return fleet


def card(screen: Screen, name: str) -> Locator:
    """Return the card of a vehicle among all, having scrolled to it."""
    page = screen.page
    slots = page.locator("fleet-tracker-overview .slot")
    slots.first.wait_for()
    slot = page.locator(f".slot[data-device='{screen.vehicle(name).device_id}']")
    slot.scroll_into_view_if_needed()
    return slot.locator("fleet-tracker-vehicle")


def open_page(screen: Screen, name: str) -> Locator:
    """Open the page of a vehicle by tapping its card; return its large card."""
    open_fleet(screen)
    card(screen, name).locator("button.open").click()
    large = screen.page.locator("fleet-tracker-vehicle .facts").first
    large.wait_for()
    return screen.page.locator("hui-section fleet-tracker-vehicle").first


def assert_accessible(element: Locator) -> None:
    """Hold that axe finds nothing in an element of ours; the map is Home Assistant's."""
    element.page.evaluate(AXE_FILE_PATH.read_text(encoding="utf-8"))
    found = element.evaluate(
        """async one => {
          const exclude = [...one.shadowRoot.querySelectorAll("ha-map")];
          const {violations} = await axe.run(
            {include: [one], exclude},
            {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]},
          );
          return violations.flatMap(({id, nodes}) => nodes.map(
            ({html, any}) => `${id}: ${html.slice(0, 160)} ${any[0]?.message ?? ""}`));
        }"""
    )
    assert found == []


def assert_reads_well(screen: Screen) -> None:
    """Hold that there is a word for everything, and room for it."""
    assert not NO_WORDS.search(screen.text())
    assert "dashboard_" not in screen.text()
    assert screen.has_room()


def in_all_looks(screen: Screen, *elements: Locator, **pictures: Locator) -> None:
    """Hold that elements read well, and are accessible, light and dark, large and small.

    Pictures are made of each look for the docs where they are asked for: never of a map,
    which has no tiles where the tests run.
    """
    for dark, phone in LOOKS:
        screen.look(dark=dark, phone=phone)
        assert_reads_well(screen)
        for element in elements:
            assert_accessible(element)
        for name, shown in pictures.items() if PICTURES else ():
            screen.page.mouse.move(0, 0)
            look = f"{name}{'-phone' * phone}{'-dark' * dark}.png"
            shown.screenshot(path=Path(PICTURES) / look, animations="disabled")


@pytest.mark.core
def test_all_vehicles(screen: Screen) -> None:
    """The fleet opens first, with a card of each vehicle and the map."""
    fleet = open_fleet(screen)
    fleet.locator("ha-map").wait_for()
    vehicles = screen.command("fleet_tracker/overview")["vehicles"]
    assert len(vehicles) >= IN_DEMO
    for vehicle in vehicles:
        expect(card(screen, vehicle["name"])).to_contain_text(vehicle["name"])
    assert_reads_well(screen)


def test_first_page(screen: Screen) -> None:
    """The fleet opens first: all vehicles with what they do, a map, and alarms."""
    fleet = open_fleet(screen)
    fleet.locator("ha-map").wait_for()
    fleet.locator(".alarm").first.wait_for()
    fleet.locator(".sums").scroll_into_view_if_needed()

    in_all_looks(screen, fleet, vehicles=fleet.locator(".vehicles"))


TOLD_ALARMS: Sequence[tuple[dict[str, str], str]] = (
    ({"event_type": "sos"}, "Van: SOS"),
    ({"event_type": "sos", "occurred_at": "no time"}, ""),
    ({"event_type": "ignition_on"}, ""),
    ({"event_type": "door_opened"}, ""),
    ({"event_type": "cleared", "cleared": "vibration"}, "Van: Cleared: Vibration"),
    ({"event_type": "cleared", "cleared": "door_opened"}, ""),
    ({"event_type": "cleared", "name": "A"}, "Van: Cleared: A"),
    ({"event_type": "other", "code": "99", "name": "Siren"}, "Van: Other: 99, Siren"),
)
"""What an alarm entity was told today, and how that is read; "" if it is no alarm."""


def test_alarms_of_today(screen: Screen) -> None:
    """They are what went wrong, and what of it has ended: not each turn of the key."""
    fleet = open_fleet(screen)
    van = screen.vehicle("Van").entities
    (alarm,) = (
        one for one, name in van.items() if one.startswith("event.") and name == "Alarm"
    )

    fleet.evaluate(
        """async (one, [entity, told]) => {
          const start = Date.now() - told.length * 1000;
          const answer = told.map((a, index) => ({s: new Date(start + index).toISOString(), a}));
          const long_ago = {s: "2020-01-01T12:00:00+00:00", a: {event_type: "sos"}};
          const {hass} = one;
          one.hass = {
            ...hass,
            states: {},
            callWS: message => message.type.startsWith("history/")
              ? {[entity]: [long_ago, ...answer]} : hass.callWS(message),
          };
          await one._readAlarms();
        }""",
        [alarm, [told for told, _ in TOLD_ALARMS]],
    )

    expect(fleet.locator(".alarm .of")).to_have_text(
        [text for _, text in reversed(TOLD_ALARMS) if text]
    )


TIMES: Sequence[tuple[str, str, str]] = (
    ("en", "24", "00:05"),
    ("en", "12", "12:05 AM"),
    ("en", "language", "12:05 AM"),
    ("de", "language", "00:05"),
    ("de", "12", "12:05 AM"),
)
"""The language and the clock of a user, and how five past midnight is written."""


def test_times(screen: Screen) -> None:
    """Times are as Home Assistant writes them, and a day is one of its own."""
    fleet = open_fleet(screen)

    told = fleet.evaluate(
        """async (one, users) => {
          const path = (await one.hass.callWS({type: "fleet_tracker/overview"})).path;
          const {clock, dayOf} = await import(`${path}/format.js`);
          const midnight = "2026-11-30T10:05:00Z";
          return users.map(([language, time_format]) => {
            const hass = {
              language,
              locale: {time_format, time_zone: "server"},
              config: {time_zone: "Pacific/Kiritimati"},
            };
            return [clock(hass, midnight, {day: false}), dayOf(hass, midnight)];
          });
        }""",
        TIMES,
    )

    # Some browsers write a narrow space before AM.
    assert [[time.replace("\u202f", " "), day] for time, day in told] == [
        [text, "2026-12-01"] for _, _, text in TIMES
    ]


def test_state_that_is_newer_than_the_times(screen: Screen) -> None:
    """When a vehicle began to drive is not shown as since when it is parked."""
    open_fleet(screen)
    van = card(screen, "Van")
    change = """async (one, activity) => {
      const vehicle = one.vehicle;
      const now = one.hass.states[vehicle.entities.sensor.activity]?.state;
      vehicle.times = {...vehicle.times, activity: activity ?? now, since: "2026-01-02T03:04:05Z"};
      one.requestUpdate("words");
      await one.updateComplete;
      return one.shadowRoot.querySelector(".line").textContent;
    }"""

    assert "since" in van.evaluate(change, None)
    assert "since" not in van.evaluate(change, "towed")


def test_activity_without_its_sensor(screen: Screen) -> None:
    """Where the sensor is disabled, a driving vehicle is not shown as parked."""
    open_fleet(screen)

    told = card(screen, "Van").evaluate(
        """async one => {
          const vehicle = one.vehicle;
          const {activity, ...sensors} = vehicle.entities.sensor;
          vehicle.entities = {...vehicle.entities, sensor: sensors, binary_sensor: {}};
          vehicle.times = {...vehicle.times, activity: "idling"};
          one.requestUpdate("words");
          await one.updateComplete;
          return one.shadowRoot.querySelector(".state").textContent;
        }"""
    )

    assert "Idling" in told


NAMES = ("<img src=x onerror=alert(1)>", "A" * 300, "word " * 60, "\u202eشاحنة")


def test_names_of_any_kind(screen: Screen) -> None:
    """A name is text, has room on a phone, and turns nothing around that follows it."""
    screen.page.on("dialog", lambda _: screen.complaints.append("a dialog"))
    with on_stage(screen) as stage:
        screen.look(phone=True)
        for name in NAMES:
            van = stage.vehicle(PARKED, name=name, plate=name)
            fleet = stage.show(OVERVIEW, [van], PARKED, width="100%")
            fleet.evaluate(
                """(one, vehicle) => {
                  one.alarms = [{time: new Date().toISOString(), vehicle, entity: "", what: "SOS"}];
                }""",
                van,
            )

            expect(fleet.locator(".alarm bdi").first).to_have_text(name.strip())
            expect(fleet.locator(".name bdi").first).to_have_text(name.strip())
            assert stage.has_room()
            wait_for(
                partial(is_lower_than, fleet.locator(".alarm").first, 80),
                "a line that is low",
            )
            assert_accessible(fleet)


def is_lower_than(element: Locator, height: float) -> bool:
    """Tell whether an element is; what is drawn anew has no box for a moment."""
    box = element.bounding_box()
    return box is not None and box["height"] < height


def test_vehicles_that_come_while_the_page_is_open(screen: Screen) -> None:
    """They have pages too: the dashboard is made anew for them."""
    fleet = open_fleet(screen)
    (account,) = (
        one
        for one in screen.command("config_entries/get", domain="fleet_tracker")
        if one["title"].startswith("Segway")
    )

    def enable(is_enabled: bool) -> None:
        screen.command(
            "config_entries/disable",
            entry_id=account["entry_id"],
            disabled_by=None if is_enabled else "user",
        )

    enable(False)
    try:
        screen.open("/")
        expect(fleet.locator(".slot").first).to_be_visible()
        expect(fleet.get_by_text("Moped", exact=True)).to_have_count(0)
    finally:
        enable(True)

    moped = card(screen, "Moped")
    moped.wait_for()
    if screen.demo.is_oldest:
        # It asks first.
        screen.page.get_by_role("button", name="Refresh").click()
        moped = card(screen, "Moped")
    moped.locator("button.open").click()
    large = screen.page.locator("hui-section fleet-tracker-vehicle")
    expect(large.locator(".name")).to_have_text("Moped")


def test_page_of_a_vehicle(screen: Screen) -> None:
    """It has values, controls and trips; the tapped trip is drawn, the slider moves on it."""
    large = open_page(screen, "Van")
    trips = screen.page.locator("fleet-tracker-trips")
    trips.locator(".trip").first.click()
    draw_and_replay(trips)

    in_all_looks(screen, large, trips, vehicle=large)


def draw_and_replay(trips: Locator) -> None:
    """Hold that a route is drawn, and that the slider moves a point along it."""
    way = "one => one.paths.flatMap(path => path.points.map(at => at.point.join()))"
    route = trips.locator("ha-map")
    wait_for(lambda: len(route.evaluate(way)) > 2, "a route to be drawn")
    slider, told = trips.locator("input[type=range]"), trips.locator("output")
    before = told.inner_text()
    slider.press("Home")
    expect(told).not_to_have_text(before)
    points = route.evaluate(way)
    assert points[-1] == points[0]
    slider.press("End")


def test_gauges_of_what_is_not_known(screen: Screen) -> None:
    """They are not there, rather than warnings that it is no number."""
    open_page(screen, "Van")
    page = screen.page
    gauge = page.locator("hui-gauge-card").filter(has_text="Vehicle voltage")
    expect(gauge).to_have_count(1)
    voltage = next(
        one
        for one, name in screen.vehicle("Van").entities.items()
        if name == "Vehicle voltage"
    )

    # Until its next news, which comes within half a minute.
    page.request.post(
        f"{screen.demo.url}/api/states/{voltage}",
        headers={"Authorization": f"Bearer {screen.demo.token}"},
        data={"state": "unknown"},
    )

    expect(gauge).to_have_count(0)
    expect(page.locator("hui-warning")).to_have_count(0)


def test_from_right_to_left(screen: Screen) -> None:
    """In Arabic both pages are mirrored, and nothing runs out of them."""
    screen.speak("ar")
    fleet = open_fleet(screen)

    assert screen.page.evaluate("() => document.documentElement.dir") == "rtl"
    assert_reads_well(screen)
    assert_accessible(fleet)
    card(screen, "Van").locator("button.open").click()
    trips = screen.page.locator("fleet-tracker-trips")
    trips.locator(".trip").first.wait_for()
    screen.look(phone=True)
    assert_reads_well(screen)
    assert_accessible(trips)


def test_download(screen: Screen) -> None:
    """The trips of the day are saved as a file of each kind."""
    open_page(screen, "Van")
    trips = screen.page.locator("fleet-tracker-trips")
    trips.locator(".trip").first.wait_for()

    for kind in ("gpx", "kml", "csv"):
        with screen.page.expect_download() as waiting:
            trips.get_by_role("button", name=kind.upper()).click()
        file = waiting.value
        assert file.suggested_filename.endswith(f".{kind}")
        assert file.path().stat().st_size > 100


def test_search_and_filter(screen: Screen) -> None:
    """What is typed and what is tapped leaves the vehicles that fit, on a phone too."""
    fleet = open_fleet(screen)
    search = fleet.locator("input[type=search]")
    screen.look(phone=True)
    search.evaluate("() => scrollTo(0, 0)")
    expect(search).to_be_in_viewport(ratio=1)
    slots = fleet.locator(".slot")
    everything = slots.count()

    search.fill("moped")
    expect(slots).to_have_count(2)
    search.fill("no such vehicle")
    expect(slots).to_have_count(0)
    assert "No vehicle fits." in screen.text()
    search.fill("")
    fleet.locator(".sums").get_by_role("button", name="Offline").click()
    wait_for(lambda: 0 < slots.count() < everything, "some to be left out")
    fleet.locator(".sums").get_by_role("button", name="All").click()
    expect(slots).to_have_count(everything)


def test_cutting_is_asked_in_words(screen: Screen) -> None:
    """The keyboard is on *Keep*: what is pressed by mistake cuts nothing."""
    large = open_page(screen, "Van")
    cut = large.get_by_role("button", name="Cut engine")
    button = screen.vehicle("Van").entities
    (entity_id,) = (one for one, name in button.items() if name == "Cut engine")
    before = screen.state(entity_id)

    for key in ("Enter", "Escape"):
        cut.click()
        question = large.get_by_role("alertdialog")
        expect(question).to_contain_text("Cut the engine of Van?")
        expect(question.get_by_role("button", name="Keep")).to_be_focused()
        if key == "Enter":
            assert_accessible(large)
        screen.page.keyboard.press(key)
        expect(question).to_have_count(0)
        expect(cut).to_be_focused()

    assert screen.state(entity_id) == before


def test_many_vehicles(screen: Screen) -> None:
    """Of 200 vehicles only the cards around what is seen are made."""
    with on_stage(screen) as stage:
        van = stage.vehicle(PARKED)
        vans = [
            {**van, "id": f"{van['id']}-{index}", "name": f"Van {index}"}
            for index in range(MANY)
        ]
        fleet = stage.show(OVERVIEW, vans, PARKED, width="100%")

        expect(fleet.locator(".slot")).to_have_count(MANY)
        fleet.locator("fleet-tracker-vehicle").first.wait_for()
        assert 0 < fleet.locator("fleet-tracker-vehicle").count() <= MOST_CARDS


NO_VEHICLES: Sequence[tuple[str, list[object] | None, str]] = (
    ("", [], "There is no account yet."),
    ("", [{"id": "1", "state": "setup_retry"}], "No account is running now."),
    ("", [{"id": "1", "state": "disabled"}], "No account is running now."),
    ("", [{"id": "1", "state": "loaded"}], "There is no vehicle that you may see."),
    ("unknown_command", None, "Fleet Tracker is not running."),
    ("timeout", None, "The fleet cannot be read now."),
)
"""The error of the question, the accounts of the answer, and what is read then."""


def test_without_vehicles(screen: Screen) -> None:
    """It is said why there are none, and where that can be changed."""
    with on_stage(screen) as stage:
        fleet = stage.show(OVERVIEW, [stage.vehicle({})], {})
        for error, accounts, text in NO_VEHICLES:
            fleet.evaluate(
                """async (one, [error, accounts]) => {
                  const path = (await one.hass.callWS({type: "fleet_tracker/overview"})).path;
                  const {fleet} = await import(`${path}/fleet.js`);
                  fleet.error = error;
                  fleet.overview = accounts && {version: "", path, accounts, vehicles: []};
                  one.requestUpdate("words");
                }""",
                [error, accounts],
            )

            expect(fleet.get_by_text(text)).to_be_visible()
            assert_accessible(fleet)


CARDS = {
    "fleet-tracker-card": ["Vehicle", "Size"],
    "fleet-tracker-trip-card": ["Vehicle"],
}
"""The cards, with the fields of their forms."""


def test_cards_of_own_dashboards(screen: Screen) -> None:
    """A card is in the picker, is suggested for a tracker, begins with a vehicle, has a form."""
    open_fleet(screen)
    van = screen.vehicle("Van")

    for kind, fields in CARDS.items():
        told = screen.page.evaluate(
            """async ([kind, tracker]) => {
              const hass = document.querySelector("home-assistant").hass;
              const picked = window.customCards.find(({type}) => type === kind);
              const card = customElements.get(kind);
              const editor = await card.getConfigElement();
              editor.hass = hass;
              editor.setConfig(card.getStubConfig(hass));
              const host = document.querySelector("home-assistant").shadowRoot;
              host.append(editor);
              for (let tries = 0; tries < 100 && !editor.shadowRoot?.querySelector("ha-form"); tries++)
                await new Promise(resolve => setTimeout(resolve, 100));
              const form = editor.shadowRoot.querySelector("ha-form");
              const fields = form.schema.map(field => form.computeLabel(field));
              editor.remove();
              return {
                name: picked.name,
                stub: card.getStubConfig(hass),
                suggested: picked.getEntitySuggestion(hass, tracker)?.config,
                other: picked.getEntitySuggestion(hass, "sun.sun"),
                fields,
              };
            }""",
            [kind, van.only("device_tracker")],
        )

        assert told["name"].startswith("Fleet Tracker")
        assert told["stub"]["device"]
        assert told["suggested"] == {"type": f"custom:{kind}", "device": van.device_id}
        assert told["other"] is None
        assert told["fields"] == fields


def test_cards_of_a_dashboard_without_the_strategy(screen: Screen) -> None:
    """All of them have their words, though they ask for them at one time."""
    screen.open("/")
    van = screen.vehicle("Van").device_id
    cards: list[dict[str, object]] = [
        {"type": "custom:fleet-tracker-card", "device": van},
        {"type": "custom:fleet-tracker-card", "device": van, "size": "large"},
        {"type": "custom:fleet-tracker-card", "device": "none"},
        {"type": "custom:fleet-tracker-trip-card", "device": van},
        {"type": "custom:fleet-tracker-overview-card"},
        {"type": "custom:fleet-tracker-fold-card", "title": "Empty"},
    ]
    dashboard = screen.command(
        "lovelace/dashboards/create",
        url_path="own-cards",
        title="Own cards",
        mode="storage",
        require_admin=False,
        show_in_sidebar=False,
    )
    try:
        screen.command(
            "lovelace/config/save",
            url_path="own-cards",
            config={"views": [{"title": "Cards", "cards": cards}]},
        )
        screen.open("/own-cards/0")
        page = screen.page
        page.locator("fleet-tracker-vehicle .facts").first.wait_for()
        page.locator("fleet-tracker-trips .day").first.wait_for()
        page.locator("fleet-tracker-overview .sums").first.wait_for()

        assert_reads_well(screen)
        expect(page.locator("hui-error-card")).to_be_visible()
        # The older Home Assistant says it in the console too.
        screen.complaints = [
            one for one in screen.complaints if "folded is missing" not in one
        ]
        expect(page.get_by_text("This vehicle is not there any more.")).to_be_visible()
    finally:
        screen.command("lovelace/dashboards/delete", dashboard_id=dashboard["id"])


def test_page_that_was_open_over_an_update(screen: Screen) -> None:
    """It offers to be loaded anew."""
    fleet = open_fleet(screen)

    fleet.evaluate(
        """async one => {
          const path = (await one.hass.callWS({type: "fleet_tracker/overview"})).path;
          const {fleet} = await import(`${path}/fleet.js`);
          fleet.overview = {...fleet.overview, path: "/another", version: "9.9.9"};
          one.requestUpdate("words");
        }"""
    )

    expect(fleet.get_by_text("updated to version 9.9.9")).to_be_visible()
    assert_accessible(fleet)
    fleet.get_by_role("button", name="Reload").click()
    card(screen, "Van").wait_for()


AHEAD = 'link[rel="modulepreload"][href*="/fleet_tracker/"]'
"""The modules that are fetched while Home Assistant starts."""


def test_dashboard_that_was_shown_before(screen: Screen) -> None:
    """Its modules and the fleet are fetched at once, and no page of others has to wait."""
    asked: list[str] = []

    def hear(message: str | bytes) -> None:
        told = json.loads(message)
        asked.extend(
            str(one.get("category") or one["type"])
            for one in (told if isinstance(told, list) else [told])
        )

    screen.page.on("websocket", lambda one: one.on("framesent", hear))
    open_fleet(screen)
    assert not screen.page.locator(AHEAD).count()
    first = [one for one in asked if one in {"fleet_tracker/overview", "common"}]
    assert first == ["common", "fleet_tracker/overview"]
    asked.clear()

    open_fleet(screen)

    assert screen.page.locator(AHEAD).count()
    first = [one for one in asked if one in {"fleet_tracker/overview", "common"}]
    assert first == ["fleet_tracker/overview", "common"]
    screen.open("/config/integrations")
    assert not screen.page.locator(AHEAD).count()


def test_page_that_was_hidden(screen: Screen) -> None:
    """It asks anew as soon as it is seen again, not when a minute is over."""
    fleet = open_fleet(screen)
    path = screen.command("fleet_tracker/overview")["path"]

    fleet.evaluate(
        """async (one, path) => {
          const {fleet} = await import(`${path}/fleet.js`);
          fleet.overview = {...fleet.overview, version: "of yesterday"};
          document.dispatchEvent(new Event("visibilitychange"));
        }""",
        path,
    )

    wait_for(
        lambda: (
            fleet.evaluate(
                """async (one, path) => (await import(`${path}/fleet.js`)).fleet.overview.version""",
                path,
            )
            != "of yesterday"
        ),
        "the fleet to be asked for",
        10,
    )


@pytest.mark.newest("Home Assistant 2025 offers no dashboards of others")
def test_new_dashboard(screen: Screen) -> None:
    """From 2026 on it is added in three clicks, and shows the fleet."""
    listed = "lovelace/dashboards/list"
    screen.open("/config/lovelace/dashboards")
    before = {one.get("id") for one in screen.command(listed)}
    page = screen.page

    page.get_by_text("Add dashboard", exact=True).last.click()
    choice = page.locator("ha-dialog-new-dashboard")
    choice.get_by_text("Fleet Tracker", exact=True).first.click()
    form = page.locator("dialog-lovelace-dashboard-detail")
    form.get_by_text("Create", exact=True).click()

    wait_for(lambda: len(screen.command(listed)) > len(before), "the dashboard")
    # A dialog that closes goes a step back in the history, from wherever the page is then.
    page.wait_for_function("() => !history.state?.dialog")
    (added,) = (one for one in screen.command(listed) if one.get("id") not in before)
    try:
        screen.open(f"/{added['url_path']}")
        card(screen, "Van").wait_for()
        assert added["title"] == "Fleet Tracker"
        assert added["show_in_sidebar"]
    finally:
        screen.command("lovelace/dashboards/delete", dashboard_id=added["id"])


def test_page_of_a_vehicle_that_is_gone(screen: Screen) -> None:
    """A kept address says so, rather than showing all vehicles as if they were it."""
    open_fleet(screen)
    screen.open("/lovelace/vehicle-0123456789abcdef")
    gone = screen.page.get_by_text("This vehicle is not there any more")
    gone.wait_for()
    assert_accessible(screen.page.locator("hui-section fleet-tracker-vehicle").first)

    screen.page.get_by_role("button", name="Vehicles").last.click()

    card(screen, "Van").wait_for()


def test_account_that_is_removed(screen: Screen) -> None:
    """Who looks at a vehicle of it reads that it is gone; other open pages stay what they are."""
    with running_simulator("tests.simulators.open_api", "--vehicles", "2") as port:
        account = screen.demo.add_open_api(port)
        stays = screen.demo.add_open_api(port, "partner", "Partner@2025")
        screen.open("/")
        vehicles = screen.command("fleet_tracker/overview")["vehicles"]
        of_it, of_other = (
            next(it["id"] for it in vehicles if it["account"] == wanted)
            for wanted in (account, stays)
        )
        gone = Screen(screen.demo, screen.page.context.new_page())
        gone.open(f"/lovelace/vehicle-{of_it}")
        screen.open(f"/lovelace/vehicle-{of_other}")
        for page in (screen.page, gone.page):
            page.locator("hui-section fleet-tracker-vehicle .facts").first.wait_for()

        screen.demo.ask("DELETE", f"config/config_entries/entry/{account}")

        gone.page.get_by_text("This vehicle is not there any more").first.wait_for()
        of_entities = gone.page.locator("hui-history-graph-card, hui-logbook-card")
        expect(of_entities).to_have_count(0)
        card_of_other = screen.page.locator("hui-section fleet-tracker-vehicle").first
        expect(card_of_other.locator(".facts")).to_be_visible()
        assert card_of_other.evaluate("one => one.config.device") == of_other
        assert not gone.complaints


def test_change_of_something_else(screen: Screen) -> None:
    """The page stays as it is, with what was scrolled and typed; a vehicle's new name appears."""
    fleet = open_fleet(screen)
    fleet.evaluate("one => { one.isTheSame = true; }")
    entities = screen.command("config/entity_registry/list")
    other = next(one for one in entities if one["platform"] != DOMAIN)["entity_id"]
    van = screen.vehicle("Van")

    def rename(kind: str, **values: object) -> None:
        screen.command(f"config/{kind}_registry/update", **values)

    try:
        rename("entity", entity_id=other, icon="mdi:numeric")
        # Home Assistant waits half a second for more changes.
        screen.page.wait_for_timeout(2000)
        assert fleet.evaluate("one => one.isTheSame")

        rename("device", device_id=van.device_id, name_by_user="Old van")
        fleet.get_by_text("Old van", exact=True).first.wait_for()
    finally:
        rename("entity", entity_id=other, icon=None)
        rename("device", device_id=van.device_id, name_by_user=None)
