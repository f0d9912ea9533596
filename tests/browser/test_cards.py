"""Tests of what cards show of a fleet that is not as usual, each on a stage of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from playwright.sync_api import expect
import pytest

from .screen import NO_WORDS, Screen
from .stage import ACCOUNT, TIMES, Stage, on_stage
from .test_dashboard import assert_accessible
from .test_pictures import ANSWERS, MOVING, PARKED, trip

VEHICLE, TRIPS, OVERVIEW = (
    "fleet-tracker-vehicle",
    "fleet-tracker-trips",
    "fleet-tracker-overview",
)
LARGE = {"size": "large"}
SMALLEST = {"width": 320, "height": 700}


def read(stage: Stage, selector: str) -> str:
    """Return what is read in the first element of a kind on the stage."""
    return " ".join(stage.page.locator(f"#stage {selector}").first.inner_text().split())


def test_vehicle_card(screen: Screen) -> None:
    """It says what is known, and what is in the way; it offers only what the user may do."""
    with on_stage(screen) as stage:
        van = stage.vehicle(PARKED)
        shown = stage.show(VEHICLE, [van], PARKED, card=LARGE)
        assert shown.locator(".controls .pill").count() == 3

        # A user who may only read.
        stage.show(VEHICLE, [{**van, "controls": []}], PARKED, card=LARGE)
        assert shown.locator(".controls").count() == 0
        assert_accessible(shown)

        # Its tracker is disabled: it has an id, and no state.
        states = {one: state for one, state in PARKED.items() if "tracker" not in one}
        without = stage.vehicle(states)
        shown = stage.show(VEHICLE, [without], states, card=LARGE)
        assert "Tracker disabled" in read(stage, ".line")
        assert f"The tracker {van['tracker']} is disabled" in read(stage, ".ask")
        expect(shown.get_by_role("button", name="Open the settings")).to_be_visible()
        assert "Parked" in read(stage, ".state")
        assert_accessible(shown)
        stage.show(VEHICLE, [without], states, card=LARGE, user={"is_admin": False})
        assert shown.get_by_role("button", name="Open the settings").count() == 0
        # Then its activity is told by the integration, not taken for silence.
        bare = stage.vehicle({}, times=TIMES)
        stage.show(VEHICLE, [bare], {})
        assert "Driving" in read(stage, ".state")

        # Nothing but a tracker that nothing was heard of.
        unheard = dict.fromkeys(TIMES)
        position = {"device_tracker.position": {"state": "unknown"}}
        stage.show(VEHICLE, [stage.vehicle(position, times=unheard)], position)
        assert read(stage, ".line") == "No position yet · not heard of yet"

        # The account is not reachable.
        account = {**ACCOUNT, "reachable": False}
        stage.show(VEHICLE, [van], PARKED, accounts=[account])
        assert "Account not reachable" in read(stage, ".chips")

        # A vehicle that was removed, or that the user may not read.
        other = {"device": "gone"}
        shown = stage.show(VEHICLE, [van], PARKED, card=other)
        assert "Choose another one in the settings" in read(stage, ".note")
        stage.show(VEHICLE, [van], PARKED, card={**other, "page": True})
        assert "or you may not see it" in read(stage, ".note")
        assert_accessible(shown)
        shown.get_by_role("button", name="Vehicles").click()
        screen.page.wait_for_url("**/fleet")


TIMES_OF_DAY: Sequence[tuple[Mapping[str, str], str]] = (
    ({"time_format": "24"}, "since 07:30"),
    ({"time_format": "12"}, "since 7:30 AM"),
    ({"time_format": "24", "time_zone": "server"}, "since 17:30"),
    ({"time_format": "system"}, "since 7:30 AM"),
)
NUMBERS: Sequence[tuple[str, str, str, str]] = (
    ("km", "language", "1,234 km", "88 km/h"),
    ("km", "decimal_comma", "1.234 km", "88 km/h"),
    ("km", "none", "1234 km", "88 km/h"),
    ("mi", "language", "767 mi", "55 mph"),
    ("mi", "space_comma", "767 mi", "55 mph"),
)
"""The system's length, how the user has numbers, and 1,234 km and 88 km/h then."""


def test_units_and_times(screen: Screen) -> None:
    """They are those of the user: his clock, his zone or the server's, his way of numbers."""
    drives = {
        "date": "2026-11-26",
        "distance": 1234.4,
        "trips": [trip(1, "06:00", "06:25", average_speed=88)],
    }
    with on_stage(screen) as stage:
        times = {**TIMES, "activity": "parked", "since": "2026-11-26T07:30:00+00:00"}
        van = stage.vehicle(PARKED, times=times)
        for locale, text in TIMES_OF_DAY:
            stage.show(
                VEHICLE,
                [van],
                PARKED,
                locale=locale,
                config={"time_zone": "Asia/Vladivostok"},
            )
            assert read(stage, ".line").endswith(text), locale
        for length, numbers, distance, speed in NUMBERS:
            shown = stage.show(
                TRIPS,
                [van],
                PARKED,
                locale={"number_format": numbers},
                config={"unit_system": {"length": length}},
                answers={**ANSWERS, "fleet_tracker/trips": drives},
            )
            shown.locator(".trip").wait_for()
            assert read(stage, ".day h2").endswith(distance), numbers
            assert read(stage, ".numbers").endswith(speed), numbers

        # A text of ours is in one language, though it is not the user's; his clock is his.
        german = {"language": "de", "time_format": "language"}
        for since, text in (
            ("2026-11-23T14:30:00+00:00", "since Mon, Nov 23, 14:30"),
            (None, "heard 30 sec. ago"),
        ):
            van = stage.vehicle(PARKED, times={**times, "since": since})
            stage.show(VEHICLE, [van], PARKED, locale=german)
            assert read(stage, ".line").endswith(text)

        # The sum of the fleet is of states in the units that their users chose.
        for unit, text in (
            ("m", "1.5 km"),
            ("mi", "2,414 km"),
            ("ft", "0.5 km"),
            ("", ""),
        ):
            today = {"state": "1500", "attributes": {"unit_of_measurement": unit}}
            states = {**MOVING, "sensor.distance_today": today}
            shown = stage.show(OVERVIEW, [stage.vehicle(states)], states)
            # The first cards come before the sums.
            shown.locator(".sums .pill").first.wait_for()
            shown_text = read(stage, ".sums")
            assert text in shown_text
            assert ("km" in shown_text) == bool(unit)


MANY_TRIPS = [
    trip(
        number,
        f"{number // 60:02}:{number % 60:02}",
        f"{number // 60:02}:{number % 60:02}",
    )
    for number in range(500)
]


def test_trips_of_any_kind(screen: Screen) -> None:
    """Over midnight, without a way, with one point, of one minute, and hundreds of them."""
    with on_stage(screen) as stage:
        van = stage.vehicle(MOVING)

        def show(
            trips: list[dict[str, Any]],
            points: list[list[float]],
            gaps: tuple[int, ...] = (),
        ) -> None:
            answers = {
                "fleet_tracker/trips": {
                    "date": "2026-11-26",
                    "distance": 1,
                    "trips": trips,
                },
                "fleet_tracker/route": {
                    "trip": trips[-1] if trips else None,
                    "points": points,
                    "gaps": gaps,
                },
            }
            shown = stage.show(
                TRIPS, [van], MOVING, width="min(100%, 400px)", answers=answers
            )
            shown.locator("ol, .note").first.wait_for()
            assert not NO_WORDS.search(screen.text())
            assert_accessible(shown)

        night = {
            **trip(1, "23:40", "23:59"),
            "end": "2026-11-27T00:20:00+00:00",
        }
        show([night], [])
        assert "Fri, Nov 27" in read(stage, ".times")
        assert "Nov 26" not in read(stage, ".times")
        expect(
            stage.page.locator("#stage").get_by_text(
                "The way of this trip is not known."
            )
        ).to_be_visible()
        show([trip(1, "06:00", "06:01")], [[1795672800.0, 52.5, 13.4, 0]])
        expect(
            stage.page.locator("#stage").get_by_text(
                "The way of this trip is not known."
            )
        ).to_be_visible()
        # Two that began at the same time are two.
        twins = [trip(1, "06:00", "06:01"), trip(2, "06:00", "06:05")]
        show(
            twins,
            [[1795672800.0 + i, 52.5, 13.4 + i / 1000, 0] for i in range(3)],
            gaps=(1,),
        )
        assert stage.page.locator("#stage .trip[aria-pressed=true]").count() == 1
        # Nothing is known of it but that it was.
        bare = dict.fromkeys(
            ("distance", "duration", "average_speed", "top_speed", "idle_time")
        )
        show(
            [
                trip(1, "06:00", "06:01", **bare),
                {**trip(2, "07:00", "07:30"), "trip_id": None},
            ],
            [],
        )
        expect(stage.page.locator("#stage .trip").last).to_be_disabled()
        show([], [])
        assert "No trips on this day." in read(stage, ".note")
        show(MANY_TRIPS, [])
        assert stage.page.locator("#stage .trip").count() == len(MANY_TRIPS)
        for code, message, text in (
            ("failed", "The server is busy", "The server is busy"),
            ("unauthorized", "No", "The trips cannot be read now."),
        ):
            answers = {"fleet_tracker/trips": {"error": code, "message": message}}
            shown = stage.show(TRIPS, [van], MOVING, answers=answers)
            expect(shown.get_by_text(text)).to_be_visible()


def test_downloads_of_any_name(screen: Screen) -> None:
    """A file is saved under a name of one part, whatever its vehicle is called."""
    with on_stage(screen) as stage:
        van = stage.vehicle(MOVING)
        for name, saved in (
            ("trips-2026-11-26.csv", "trips-2026-11-26.csv"),
            ("../A/B\\C.gpx", ".._A_B_C.gpx"),
        ):
            file = {
                "file_name": name,
                "mime_type": "text/csv",
                "content": "ä\n",
                "trips": 1,
            }
            shown = stage.show(
                TRIPS, [van], MOVING, answers={**ANSWERS, "fleet_tracker/export": file}
            )
            with screen.page.expect_download() as waiting:
                shown.get_by_role("button", name="CSV").click()
            assert waiting.value.suggested_filename.endswith(saved[-5:])
            assert not {"/", "\\"} & {*waiting.value.suggested_filename}
            assert waiting.value.path().read_text(encoding="utf-8") == "ä\n"


def test_smallest_phone_and_keyboard(screen: Screen) -> None:
    """All of it has room at 320 pixels, and the keyboard reaches and works all of it."""
    with on_stage(screen) as stage:
        screen.page.set_viewport_size(SMALLEST)
        van = stage.vehicle(
            PARKED,
            name="W" * 80,
            plate="B-FT 2026",
            controls=[stage.entity("button.cut_engine")],
        )
        for element, card in (
            (VEHICLE, {}),
            (VEHICLE, LARGE),
            (TRIPS, {}),
            (OVERVIEW, {}),
        ):
            shown = stage.show(
                element, [van], PARKED, card=card, width="100%", answers=ANSWERS
            )
            shown.locator("ha-card").first.wait_for()
            assert stage.has_room(), element
        shown = stage.show(VEHICLE, [van], PARKED, card=LARGE, width="100%")
        shown.locator("button.open").focus()
        for _ in range(20):
            if shown.get_by_role("button", name="Cut engine").evaluate(
                "one => one.matches(':focus')"
            ):
                break
            screen.page.keyboard.press("Tab")
        screen.page.keyboard.press("Enter")
        expect(shown.get_by_role("button", name="Keep")).to_be_focused()
        screen.page.keyboard.press("Tab")
        screen.page.keyboard.press("Enter")
        called = screen.page.evaluate("() => window.staged.filter(Array.isArray)")
        assert [call[:2] for call in called] == [["button", "press"]]


def test_texts_of_two_directions(screen: Screen) -> None:
    """Between Arabic words a number stays before its unit, and an arrow points to the end."""
    screen.speak("ar")
    with on_stage(screen) as stage:
        van = stage.vehicle(PARKED)
        stage.show(VEHICLE, [van], PARKED, card=LARGE)
        left = """all => all.map(one => {
          const range = document.createRange();
          const text = document.createTreeWalker(one, NodeFilter.SHOW_TEXT).nextNode();
          const at = (from, to) => { range.setStart(text, from); range.setEnd(text, to); return range.getBoundingClientRect().left; };
          return at(0, 1) < at(text.length - 1, text.length);
        })"""
        values = stage.page.locator("#stage .value bdi").filter(has_text="km")
        values.first.wait_for()
        assert all(values.evaluate_all(left))
        drives = {
            **ANSWERS["fleet_tracker/trips"],
            "trips": [
                trip(
                    1,
                    "06:00",
                    "06:25",
                    begin_place={"zone": "A"},
                    end_place={"zone": "B"},
                )
            ],
        }
        shown = stage.show(
            TRIPS, [van], PARKED, answers={**ANSWERS, "fleet_tracker/trips": drives}
        )
        arrow = shown.locator(".places .turns")
        assert arrow.evaluate("one => getComputedStyle(one).scale") == "-1 1"


@pytest.mark.parametrize("element", [VEHICLE, TRIPS])
def test_account_that_was_removed(screen: Screen, element: str) -> None:
    """Without a vehicle a card says why, and an administrator where to go on."""
    with on_stage(screen) as stage:
        for accounts, text in (
            ([], "There is no account yet."),
            ([{**ACCOUNT, "state": "setup_error"}], "No account is running now."),
            ([ACCOUNT], "There is no vehicle that you may see."),
        ):
            shown = stage.show(element, [], {}, accounts=accounts)
            assert text in read(stage, ".note")
            assert_accessible(shown)
