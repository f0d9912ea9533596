"""Input that makes no sense is refused in words, whatever it is."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path
import re
from typing import Any

from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from .calls import call, refused, trackers
from .test_websocket import ask

ZONES = ("Pacific/Kiritimati", "America/Adak")
"""Those in which a year begins first, and last."""
NUMBERS: tuple[Any, ...] = (
    *map(float, ("nan", "inf", "-inf", "1e308")),
    *(10**400, -1, "x", "", None, [], {}, "\ud800"),
)
NO_TIMES: tuple[Any, ...] = (
    *("0001-01-01T00:00:00", "9999-12-31T23:59:59"),
    *("0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00-14:00"),
    *("9999-12-31T23:59:59+14:00", "9999-12-31T23:59:59-14:00"),
    *("1999-12-31T00:00:00Z", "2025-02-30T00:00:00", "soon", ""),
)
TEXTS: tuple[Any, ...] = (
    *("=cmd|' /C calc'!A0", "\ud800", "\x00\x01", "x" * 10_000, "../../etc/passwd"),
    *("", None, [], {}, "٣", "²", "9" * 32, "recorded-", "recorded-²"),
)
CLASS_NAME = re.compile(r"\b[A-Z][a-z]+[A-Z]")
HISTORY = ("get_trips", "get_route", "get_stops", "get_alarms", "get_distance")


def wrong_calls() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield actions with fields that none of them takes."""
    times = (*NO_TIMES, "\ud800", None, [], float("nan"))
    for action, field, time in product(HISTORY, ("begin", "end"), times):
        yield action, {field: time}
    for field, time in product(("begin", "end"), times):
        yield "export_trips", {"format": "csv", field: time}
        yield "import_history", {"begin": "2025-10-01T00:00:00", field: time}
    for time in times:
        yield "set_dashboard_reading", {"kilometers": 5, "at": time}
    for number in NUMBERS:
        for action in HISTORY[:-1]:
            yield action, {"limit": number}
        yield "get_route", {"simplify": number}
        yield "export_trips", {"format": "gpx", "trim": number}
        yield "set_dashboard_reading", {"kilometers": number}
    for text in TEXTS:
        yield "export_trips", {"format": text}
        yield "export_trips", {"format": "csv", "separator": text}
        yield "export_trips", {"format": "gpx", "trip_id": text}
        yield "export_trips", {"format": "gpx", "file": text or ""}
        yield "mark_trip", {"trip_id": text, "class": "private"}
        yield "mark_trip", {"trip_id": "1", "class": text}
        yield "mark_trip", {"trip_id": "1", "purpose": text}


async def test_actions(hass: HomeAssistant, port: MockConfigEntry) -> None:
    """Nothing but an error for the user comes of it."""
    (nine,) = trackers(hass, port, "9")
    for zone, (action, fields) in product(ZONES, wrong_calls()):
        await hass.config.async_set_time_zone(zone)
        error = await refused(hass, action, entity_id=nine, **fields)
        assert error.translation_key, (zone, action, fields)
        told = str(error.translation_placeholders)
        assert not CLASS_NAME.search(told), (action, fields, told)


async def test_files(
    hass: HomeAssistant, port: MockConfigEntry, tmp_path: Path
) -> None:
    """None is written outside of the folders that are allowed, by whatever name."""
    (nine,) = trackers(hass, port, "9")
    allowed, other = tmp_path / "allowed", tmp_path / "other"
    for folder in (allowed, other):
        folder.mkdir()
    secret = other / "secret"
    secret.write_text("secret")
    (allowed / "link").symlink_to(secret)
    (allowed / "folder").symlink_to(other)
    (allowed / "loop").symlink_to(allowed / "loop")
    hass.config.allowlist_external_dirs = {str(allowed)}
    for name in (
        *("link", "folder/new", "../other/new", "folder", "", ".", ".."),
        *("a\x00b", "a\nb", "x" * 300, "x" * 5000, "no/such/folder"),
    ):
        file = f"{allowed}/{name}"
        error = await refused(
            hass, "export_trips", entity_id=nine, format="gpx", file=file
        )
        assert error.translation_key == "file_not_allowed", name
    # A link that leads nowhere is replaced, not followed.
    (allowed / "nowhere").symlink_to(other / "new")
    for name in ("nowhere", "new.gpx", "slash/"):
        file = f"{allowed}/{name}"
        await call(hass, "export_trips", entity_id=nine, format="gpx", file=file)
    assert [one.name for one in other.iterdir()] == ["secret"]
    assert secret.read_text() == "secret"
    for name in ("nowhere", "new.gpx", "slash"):
        assert (allowed / name).read_text().startswith("<?xml")


async def test_commands(
    hass: HomeAssistant,
    port: MockConfigEntry,
    hass_ws_client: WebSocketGenerator,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The browser is told too what is wrong."""
    (nine,) = trackers(hass, port, "9")
    client = await hass_ws_client(hass)
    days = ("0001-01-01", "9999-12-31", "1900-01-01", "", None)
    ids = ("", "\x00", "٣", "²", "9" * 11, "9" * 5000, "recorded-9999999999")
    wrong: list[tuple[str, dict[str, Any]]] = [
        *(("trips", {"date": day}) for day in days),
        *(("export", {"format": "csv", "date": day}) for day in days),
        *(("route", {"trip_id": one}) for one in ids),
        *(
            ("export", {"format": "csv", field: time})
            for field in ("begin", "end")
            for time in NO_TIMES
        ),
        (
            "export",
            {"format": "csv", "begin": "2025-10-09T00:00", "end": "2025-10-08T00:00"},
        ),
    ]
    for zone, (command, fields) in product(ZONES, wrong):
        await hass.config.async_set_time_zone(zone)
        answer = await ask(client, command, entity_id=nine, **fields)
        assert answer in ("invalid_format", "not_found", "failed"), (command, fields)
    assert "Traceback" not in caplog.text


async def test_days_of_other_lengths(
    hass: HomeAssistant, port: MockConfigEntry, hass_ws_client: WebSocketGenerator
) -> None:
    """Days on which clocks are changed are days."""
    await hass.config.async_set_time_zone("Europe/Berlin")
    (nine,) = trackers(hass, port, "9")
    client = await hass_ws_client(hass)
    for day in ("2025-03-30", "2024-10-27"):
        assert (await ask(client, "trips", entity_id=nine, date=day))["trips"] == []
        for time in ("02:30", "03:30"):
            data: dict[str, Any] = {"begin": f"{day}T00:00", "end": f"{day}T{time}"}
            assert await call(hass, "get_trips", entity_id=nine, **data)
