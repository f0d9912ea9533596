"""Tests of what can be typed into the forms of all vendors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from homeassistant.data_entry_flow import section
from homeassistant.helpers.selector import (
    NumberSelector,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)
import pytest
import voluptuous as vol

from custom_components.fleet_tracker.account.vehicle_settings import settings_form
from custom_components.fleet_tracker.offer.form_input import WholeNumber, check_input
from tests.common import vendor_records

SECRET = TextSelector(TextSelectorConfig(type=TextSelectorType.PASSWORD))
ADDRESS = TextSelector(TextSelectorConfig(multiline=True))
LISTS = TextSelector(TextSelectorConfig(multiple=True))
FORM = vol.Schema(
    {
        vol.Required("name"): TextSelector(),
        vol.Required("port"): WholeNumber(1, 65_535),
        vol.Optional("note"): TextSelector(),
        vol.Optional("secret"): SECRET,
        vol.Optional("shown"): ADDRESS,
        vol.Optional("networks"): LISTS,
        vol.Optional("pace"): section(
            vol.Schema({vol.Optional("seconds"): WholeNumber(5, 600, "s")})
        ),
    }
)
RIGHT = {"name": "Van", "port": 8000}


@pytest.mark.parametrize(
    ("entered", "errors"),
    [
        ({"port": 0}, {"port": "not_in_range"}),
        ({"port": 70_000}, {"port": "not_in_range"}),
        ({"port": 80.5}, {"port": "not_in_range"}),
        ({"port": "abc"}, {"port": "not_in_range"}),
        ({"port": None}, {"port": "not_in_range"}),
        ({"port": True}, {"port": "not_in_range"}),
        ({"port": float("nan")}, {"port": "not_in_range"}),
        ({"port": float("inf")}, {"port": "not_in_range"}),
        # The front end shows an error of a section, not one of a field within.
        ({"pace": {"seconds": 4}}, {"pace": "not_in_range"}),
        ({"name": ""}, {"name": "blank"}),
        ({"name": " \t "}, {"name": "blank"}),
        ({"name": "x" * 256}, {"name": "too_long"}),
        ({"name": "x" * 256, "port": 0}, {"name": "too_long"}),
    ],
)
def test_what_is_wrong(entered: dict[str, Any], errors: dict[str, str]) -> None:
    """One thing is told, where it was entered and in words that are translated."""
    checked = check_input(FORM, {**RIGHT, **entered})

    assert checked.errors == errors


@pytest.mark.parametrize(
    ("entered", "values"),
    [
        ({"port": 8000.0}, {"port": 8000}),
        ({"pace": {"seconds": 5.0}}, {"pace": {"seconds": 5}}),
        ({"name": " V\x00a\nn\u202e "}, {"name": "V a n"}),
        ({"name": "🚚 <b>"}, {"name": "🚚 <b>"}),
        ({"name": "x" * 255}, {"name": "x" * 255}),
        ({"note": ""}, {"note": ""}),
        ({"secret": " \x00 " + "x" * 300}, {"secret": " \x00 " + "x" * 300}),
        ({"shown": "x" * 300}, {"shown": "x" * 300}),
        ({"networks": ["10.0.0.0/8"]}, {"networks": ["10.0.0.0/8"]}),
    ],
)
def test_what_is_right(entered: dict[str, Any], values: dict[str, Any]) -> None:
    """Numbers become whole ones, and lines can be shown; secrets stay as they are."""
    checked = check_input(FORM, {**RIGHT, **entered})

    assert not checked.errors
    assert checked.values == {**RIGHT, **values}
    assert type(checked.values["port"]) is int


def test_range_is_told() -> None:
    """What was entered is named, so that it is found, also among several fields."""
    checked = check_input(FORM, {**RIGHT, "port": -5})

    assert checked.placeholders == {
        "entered": "-5",
        "lowest": "1",
        "highest": "65535",
    }


def _numbers(form: vol.Schema) -> Iterable[NumberSelector]:
    for asked in form.schema.values():
        if isinstance(asked, section):
            yield from _numbers(asked.schema)
        elif isinstance(asked, NumberSelector):
            yield asked


def test_all_numbers_are_checked() -> None:
    """No form has a number that Home Assistant would refuse in its own words."""
    forms = [settings_form()]
    for vendor in vendor_records().values():
        forms.append(vendor.flow.form("", {}))
        if vendor.flow.vehicles:
            forms += [
                vendor.flow.vehicles.form({}),
                vendor.flow.vehicles.settings_form({}),
            ]
    numbers = [number for form in forms for number in _numbers(form)]

    assert len(numbers) > 3
    assert all(isinstance(number, WholeNumber) for number in numbers)
