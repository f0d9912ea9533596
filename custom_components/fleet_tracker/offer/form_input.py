"""What was typed into a form: whole numbers in a range, and texts that can be shown.

Home Assistant tells what a field refuses in English words of its own, and within a section
with the path of the field. So fields let it pass, and what is wrong is told here, by the
key of a text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, override

from homeassistant.data_entry_flow import section
from homeassistant.helpers.selector import (
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    TextSelector,
    TextSelectorType,
)
import voluptuous as vol

from ..model.texts import LONGEST_SHOWN, clean_text


class WholeNumber(NumberSelector):
    """A field for a whole number in a range, which `check_input` holds it to."""

    def __init__(self, lowest: int, highest: int, unit: str | None = None) -> None:
        """Initialize with the range, ends included."""
        config = NumberSelectorConfig(
            min=lowest, max=highest, step=1, mode=NumberSelectorMode.BOX
        )
        if unit is not None:
            config["unit_of_measurement"] = unit
        super().__init__(config)
        self.lowest = lowest
        self.highest = highest

    @override
    def __call__(self, data: Any) -> Any:
        """Let pass what was entered."""
        return data

    def number(self, entered: object) -> int | None:
        """Return what was entered as a number, None if it is none of the range."""
        if isinstance(entered, bool) or not isinstance(entered, int | float):
            return None
        if not (self.lowest <= entered <= self.highest and entered == int(entered)):
            return None
        return int(entered)


@dataclass(slots=True)
class CheckedInput:
    """What was entered, in order, and what is wrong with it.

    The errors are by the field, or by the section that it is in: the front end shows none
    of a field within. They are keys of texts, the placeholders what these name.
    """

    values: dict[str, Any]
    errors: dict[str, str] = field(default_factory=dict)
    placeholders: dict[str, str] = field(default_factory=dict)


def check_input(form: vol.Schema | None, entered: Mapping[str, Any]) -> CheckedInput:
    """Check what was entered into a form. Of several things that are wrong one is told."""
    checked = CheckedInput(dict(entered))
    if form is not None:
        for where, inner, values in _parts(form, checked.values):
            _check(where, inner, values, checked)
    return checked


def _parts(
    form: vol.Schema, values: dict[str, Any]
) -> Iterator[tuple[str, vol.Schema, dict[str, Any]]]:
    """Yield the form and its sections, with their names and what was entered there."""
    yield "", form, values
    for name, asked in form.schema.items():
        if isinstance(asked, section) and str(name) in values:
            inner = values[str(name)] = dict(values[str(name)])
            yield str(name), asked.schema, inner


def _check(
    where: str, form: vol.Schema, values: dict[str, Any], checked: CheckedInput
) -> None:
    for name, asked in form.schema.items():
        key = str(name)
        if key not in values or checked.errors:
            continue
        entered, error = values[key], None
        if isinstance(asked, WholeNumber):
            number = asked.number(entered)
            if number is None:
                error = "not_in_range"
                checked.placeholders = {
                    "entered": clean_text(str(entered)),
                    "lowest": str(asked.lowest),
                    "highest": str(asked.highest),
                }
            else:
                values[key] = number
        elif isinstance(asked, TextSelector) and isinstance(entered, str):
            if isinstance(name, vol.Required) and not entered.strip():
                error = "blank"
            elif _is_line(asked):
                text = values[key] = clean_text(entered.strip(), longest=len(entered))
                if len(text) > LONGEST_SHOWN:
                    error = "too_long"
                    checked.placeholders = {"longest": str(LONGEST_SHOWN)}
        if error is not None:
            checked.errors[where or key] = error


def _is_line(asked: TextSelector) -> bool:
    """Tell whether a field takes a line that is shown, as passwords are not."""
    kind = asked.config.get("type")
    return not asked.config.get("multiline") and kind != TextSelectorType.PASSWORD
