"""What is written from the table of triggers and conditions is what the table says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from homeassistant.util.yaml import load_yaml_dict
import pytest

from custom_components.fleet_tracker.automations.table import (
    ALARM_TYPES,
    CONDITIONS,
    TRIGGERS,
)
from script.write_automations import INTEGRATION, PAGES, files

TEXTS: dict[str, Any] = json.loads(
    (INTEGRATION / "translations" / "en.json").read_text(encoding="utf-8")
)
ICONS: dict[str, Any] = json.loads(
    (INTEGRATION / "icons.json").read_text(encoding="utf-8")
)


@pytest.mark.parametrize(
    ("path", "text"), [pytest.param(*one, id=one[0].name) for one in files()]
)
def test_written_files_follow_from_the_table(path: Path, text: str) -> None:
    """Each file is as ``script/write-automations`` writes it now."""
    assert path.read_text(encoding="utf-8") == text


def test_no_page_is_left_of_what_is_gone() -> None:
    """Each page is of a trigger or condition that exists."""
    assert set(PAGES.rglob("*.md")) == {
        path for path, _ in files() if path.suffix == ".md"
    }


@pytest.mark.parametrize("section", ["triggers", "conditions"])
def test_each_has_words_and_an_icon(section: str) -> None:
    """Each has a name, a description, an icon, and words for each of its options."""
    rows = {"triggers": TRIGGERS, "conditions": CONDITIONS}[section]
    written = load_yaml_dict(str(INTEGRATION / f"{section}.yaml"))
    assert set(TEXTS[section]) == set(rows) == set(ICONS[section]) == set(written)
    for key in rows:
        words = TEXTS[section][key]
        assert words["name"].startswith("Vehicle ")
        assert words["description"].endswith(".")
        assert set(words.get("fields", {})) == set(written[key].get("fields", {}))
        for field in words.get("fields", {}).values():
            assert field["name"]
            assert field["description"].endswith(".")


def test_alarms_are_called_as_in_the_event() -> None:
    """An alarm that can be chosen has the name that the event entity shows."""
    shown = TEXTS["entity"]["event"]["alarm"]["state_attributes"]["event_type"]["state"]
    chosen = TEXTS["selector"]["alarm_type"]["options"]
    assert chosen == {kind.value: shown[kind.value] for kind in ALARM_TYPES}
