"""Texts of vendors are valid, printable and short, wherever they go."""

from __future__ import annotations

from datetime import UTC, datetime
import json
import math
import unicodedata

from homeassistant.helpers.json import json_dumps
from hypothesis import given, strategies as st
import pytest

from custom_components.fleet_tracker.account.codec import to_json
from custom_components.fleet_tracker.model.texts import (
    CUT,
    LARGEST_EVENT,
    LONGEST_SHOWN,
    LONGEST_TOLD,
    clean_json,
    clean_text,
    clean_update,
    is_vehicle_id,
)
from custom_components.fleet_tracker.model.vehicle import (
    Occurrence,
    OccurrenceKind,
    OccurrenceType,
    ReadingGroup,
    VehicleDetails,
    VehicleUpdate,
)

AT = datetime(2026, 1, 1, tzinfo=UTC)
# Surrogates and control characters among them, also a pair that belongs together.
anything = st.text(
    st.characters() | st.characters(categories=("Cs", "Cc", "Cf", "Zl", "Zp")),
    max_size=400,
)


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("Van", "Van"),
        ("Größe 大 🚚", "Größe 大 🚚"),
        ("half \ud83d", "half \ufffd"),
        ("whole \ud83d\ude9a", "whole 🚚"),
        ("two\r\nlines\x00", "two lines"),
        ("turned \u202eyaw", "turned yaw".replace(" ", "  ")),
        ("x" * 256, "x" * 254 + CUT),
        ("\n", ""),
        ("no\u200bwidth", "nowidth"),
        ("\ufeffVan", "Van"),
        ("Fuhr\xadpark", "Fuhrpark"),
        (
            "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
            "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        ),
        ("\u200b\u2060", ""),
        ("\u200d", ""),
        ("\u3164", ""),
        ("\u2800 \u115f", ""),
        ("\ufe0f", ""),
    ],
)
def test_texts_that_can_be_shown(told: str, shown: str) -> None:
    """What can be shown stays as it is."""
    assert clean_text(told) == shown


@given(anything)
def test_any_text(text: str) -> None:
    """It can be written, holds no control character, is short, and stays so."""
    cleaned = clean_text(text)
    cleaned.encode()
    assert len(cleaned) <= LONGEST_SHOWN
    assert not any(unicodedata.category(one) in {"Cc", "Zl", "Zp"} for one in cleaned)
    assert clean_text(cleaned) == cleaned


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | anything,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(anything, inner, max_size=3)
        ),
        max_leaves=5,
    )
)
def test_any_answer(answer: object) -> None:
    """An answer of a vendor that is handed on can be sent to a browser."""
    json.dumps(clean_json(answer), ensure_ascii=False).encode()


@given(st.lists(anything, min_size=6, max_size=6), st.dictionaries(anything, anything))
def test_any_update(texts: list[str], details: dict[str, str]) -> None:
    """Every field of the model that holds a text."""
    update = clean_update(
        VehicleUpdate(
            vehicle_id="1",
            details=VehicleDetails(name=texts[0], plate=texts[1], model=texts[2]),
            capabilities=frozenset(texts),
            groups=(
                ReadingGroup(
                    name="g", measured_at=AT, readings={texts[3]: texts[4], "n": 1}
                ),
            ),
            occurrences=(
                Occurrence(
                    kind=OccurrenceKind.ALARM,
                    type=OccurrenceType.SOS,
                    occurred_at=AT,
                    code=texts[5],
                    name=texts[0],
                    details=details,
                ),
            ),
        )
    )
    (occurrence,) = update.occurrences
    json_dumps(to_json(occurrence))
    assert update.details is not None
    json_dumps(to_json(update.details))
    assert update.details.name
    for key, value in update.groups[0].readings.items():
        json_dumps({key: value})
        assert not isinstance(value, str) or len(value) <= LONGEST_SHOWN


@pytest.mark.parametrize("letter", ["x", "大", "\x00", "\ud800", '"'])
def test_large_event(letter: str) -> None:
    """Its data stays far below what the recorder takes, in whatever letters."""
    occurrence = Occurrence(
        kind=OccurrenceKind.ALARM,
        type=OccurrenceType.SOS,
        occurred_at=AT,
        name=letter * 5000,
        details={f"{letter * 300}{number}": letter * 5000 for number in range(100)},
    )
    (cleaned,) = clean_update(
        VehicleUpdate(vehicle_id="1", occurrences=(occurrence,))
    ).occurrences
    assert cleaned.name is None or len(cleaned.name) <= LONGEST_TOLD
    assert (cleaned.name is None) is (letter == "\x00")
    data = {**cleaned.details, "name": cleaned.name}
    assert len(json.dumps(data, ensure_ascii=False).encode()) <= LARGEST_EVENT + 100


@pytest.mark.parametrize("text", ["", "\n", "\u200b", "\u3164"])
def test_what_nobody_sees_is_not_told(text: str) -> None:
    """It is no reading, no code and no name; a device has to have one."""
    update = clean_update(
        VehicleUpdate(
            vehicle_id="1",
            details=VehicleDetails(name=text, plate=text),
            groups=(
                ReadingGroup(
                    name="x", measured_at=AT, readings={"address": text, "vin": "V"}
                ),
            ),
            occurrences=(
                Occurrence(
                    kind=OccurrenceKind.ALARM,
                    type=OccurrenceType.SOS,
                    occurred_at=AT,
                    code=text,
                    name=text,
                ),
            ),
        )
    )
    assert update.details is not None
    assert (update.details.name, update.details.plate) == ("\ufffd", None)
    assert update.groups[0].readings == {"vin": "V"}
    (occurrence,) = update.occurrences
    assert (occurrence.code, occurrence.name) == (None, None)


CANNOT_BE_TOLD = (2**63, -(2**63), 10**30, 10**400, math.nan, math.inf, -math.inf)


@pytest.mark.parametrize("number", CANNOT_BE_TOLD)
def test_numbers_that_cannot_be_told(number: float) -> None:
    """One of them in an event would keep Home Assistant from telling any state at all."""
    occurrence = Occurrence(
        kind=OccurrenceKind.ALARM,
        type=OccurrenceType.SOS,
        occurred_at=AT,
        details={"wrong": number, "right": 2**63 - 1, "fine": 1.5, "yes": True},
    )
    (cleaned,) = clean_update(
        VehicleUpdate(vehicle_id="1", occurrences=(occurrence,))
    ).occurrences
    assert cleaned.details == {"right": 2**63 - 1, "fine": 1.5, "yes": True}
    json_dumps(to_json(cleaned))
    assert clean_json({"a": [number, 1]}) == {"a": [None, 1]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [("868120000000001", True), ("", False), ("\ud800", False), ("1\n", False)],
)
def test_ids(text: str, expected: bool) -> None:
    """What cannot name a device names no vehicle."""
    assert is_vehicle_id(text) is expected
    assert not is_vehicle_id("1" * 100)
