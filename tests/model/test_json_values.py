"""Single values of JSON: whatever comes, it is what it should be or None."""

from __future__ import annotations

from datetime import UTC, datetime
import math

from hypothesis import given, strategies as st
import pytest

from custom_components.fleet_tracker.model.json_values import (
    as_flag,
    as_integer,
    as_number,
    as_text,
    as_unix_time,
    is_record,
)

ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["-1", "1e999", "0x1f", "nan", " 7 ", "NULL", "9" * 40]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=4,
)


@given(ANYTHING)
def test_nothing_raises_and_all_makes_sense(value: object) -> None:
    """A value of any type is read, and never as something that it is not."""
    number = as_number(value)
    if number is None:
        assert as_integer(value) is None
        assert as_unix_time(value) is None
    else:
        assert not isinstance(value, bool)
        assert math.isfinite(number)
    assert as_text(value) != ""
    assert as_flag(value) in (True, False, None)
    assert is_record(value) is isinstance(value, dict)
    time = as_unix_time(value)
    assert time is None or 2000 <= time.year < 2200


def test_numbers() -> None:
    """A server may send them as such or as texts."""
    assert (as_number("12.1"), as_number(" 7 "), as_number(3)) == (12.1, 7, 3)
    assert (as_integer("7"), as_integer(7.0), as_integer(7.5)) == (7, 7, None)
    assert [as_number(value) for value in ("", "nan", 10**400, True, [1])] == [None] * 5


@pytest.mark.parametrize("value", [True, 1, 1.0, "1", "TRUE", " on "])
def test_on(value: object) -> None:
    """All ways in which it is written that something is on."""
    assert as_flag(value) is True


@pytest.mark.parametrize("value", [False, 0, 0.0, "0", "False", "OFF"])
def test_off(value: object) -> None:
    """All ways in which it is written that something is off."""
    assert as_flag(value) is False


@pytest.mark.parametrize("value", [None, "", "-1", -1, 2, "yes?", [], {}])
def test_neither_on_nor_off(value: object) -> None:
    """What is not known is not off."""
    assert as_flag(value) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (" E0 ", "E0"),
        (10, "10"),
        ("", None),
        ("  ", None),
        ("null", None),
        (None, None),
        (True, None),
        ({}, None),
    ],
)
def test_texts(value: object, expected: str | None) -> None:
    """Numbers are texts as they are written; what says nothing is absent."""
    assert as_text(value) == expected


def test_unix_times() -> None:
    """Seconds and milliseconds, as numbers or texts."""
    expected = datetime(2020, 6, 2, 3, 15, 19, tzinfo=UTC)
    for value in (1591067719, "1591067719", 1591067719000, "1591067719000"):
        assert as_unix_time(value) == expected


@pytest.mark.parametrize("value", [0, -5, 1, "0", "", None, math.inf, 1e15, "soon"])
def test_no_unix_times(value: object) -> None:
    """Zero, 1970 and what no calendar knows."""
    assert as_unix_time(value) is None


def slow_number(value: object) -> float | None:
    """Read a number as the definition says."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and "_" in value:
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def slow_integer(value: object) -> int | None:
    """Read a whole number as the definition says."""
    number = slow_number(value)
    if number is None or not number.is_integer() or abs(number) >= 2**53:
        return None
    return int(number)


def slow_flag(value: object) -> bool | None:
    """Read a flag as the definition says."""
    if not isinstance(value, bool | int | float | str):
        return None
    text = str(value).strip().lower()
    if text in {"1", "1.0", "true", "on"}:
        return True
    return False if text in {"0", "0.0", "false", "off"} else None


def slow_text(value: object) -> str | None:
    """Read a text as the definition says."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = str(value).strip()
    return text if text.lower() not in ("", "null") else None


@given(
    ANYTHING
    | st.integers(2**53 - 2, 2**53 + 2)
    | st.sampled_from(["On", " off ", "1.0", "True", "null ", "\u00a07", "1_000", -0.0])
)
def test_quick_as_by_definition(value: object) -> None:
    """Reading by class returns what the slow definition returns, with the same type."""
    for quick, slow in (
        (as_number, slow_number),
        (as_integer, slow_integer),
        (as_flag, slow_flag),
        (as_text, slow_text),
    ):
        assert repr(quick(value)) == repr(slow(value))


@pytest.mark.parametrize(
    "value", [2**53, -(2**53), 2**63, 10**30, 10**400, 1e30, "1e300", str(2**53)]
)
def test_no_whole_number_beyond_what_a_float_holds(value: object) -> None:
    """Nobody counts so far, and Home Assistant could not tell the largest of them."""
    assert as_integer(value) is None


def test_numbers_that_only_python_writes() -> None:
    """No vendor writes one hundred so."""
    assert as_number("1_00") is None
    assert as_integer("1_00") is None
