"""Files in Home Assistant's storage, on a real disk, that hold what they should not."""

from __future__ import annotations

from collections.abc import Mapping
import json
from pathlib import Path
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.storage import STORAGE_DIR
import pytest

from custom_components.fleet_tracker import line_file
from custom_components.fleet_tracker.const import DOMAIN
from custom_components.fleet_tracker.storage import VERSION
from tests.common import cloud_entry, set_up
from tests.neutral_vendor import Clouds


@pytest.fixture
def hass_storage() -> dict[str, Any]:
    """Leave the storage as it is, where the test plugin would keep it in memory."""
    return {}


@pytest.fixture
def directory(
    hass: HomeAssistant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Return the folder of the stored files."""
    monkeypatch.setattr(line_file, "STORAGE_DIR", STORAGE_DIR)
    hass.config.config_dir = str(tmp_path)
    found = tmp_path / STORAGE_DIR
    found.mkdir()
    return found


NOT_OURS: Mapping[str, Any] = {
    "list": [1, 2],
    "text": "text",
    "null": None,
    "no version": {"data": {}},
    "wrong version": {"version": "new", "data": {}},
    "newer": {"version": VERSION + 1, "minor_version": 1, "data": {"token": "t"}},
    "data is a list": {"version": VERSION, "minor_version": 1, "data": [1]},
    "data is a number": {"version": 1, "minor_version": 1, "data": 7},
    "vehicles are a number": {
        "version": VERSION,
        "minor_version": 1,
        "data": {"vehicles": 7, "back_off": "x", "occurrences": [1]},
    },
    "vehicles are junk": {
        "version": VERSION,
        "minor_version": 1,
        "data": {"vehicles": [1, None, "{}"], "back_off": {"until": 1e300}},
    },
}


def write(path: Path, content: Any) -> None:
    """Put content into a file."""
    path.write_text(json.dumps(content))


def read(path: Path) -> Any:
    """Return the content of a file."""
    return json.loads(path.read_text())


def names(directory: Path, pattern: str) -> list[str]:
    """Return the names of files that fit a pattern."""
    return sorted(path.name for path in directory.glob(pattern))


@pytest.mark.parametrize("content", NOT_OURS.values(), ids=NOT_OURS)
async def test_file_that_is_not_ours_is_set_aside(
    content: Any, hass: HomeAssistant, directory: Path, clouds: Clouds
) -> None:
    """Set-up goes on, a repair issue names the copy, and removal takes it away."""
    entry = cloud_entry()
    for what in ("memory", "vehicles"):
        write(directory / f"{DOMAIN}.{entry.entry_id}.{what}", content)
    await set_up(hass, entry)
    issue = ir.async_get(hass).async_get_issue(
        DOMAIN, f"stored_data_set_aside_{entry.entry_id}"
    )
    copies = names(directory, "*.corrupt.*")
    assert copies
    assert issue is not None and issue.is_persistent
    assert issue.translation_placeholders is not None
    assert set(issue.translation_placeholders["files"].split(", ")) == set(copies)
    assert [read(directory / one) for one in copies] == [content] * len(copies)
    await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done()
    assert names(directory, f"{DOMAIN}.*") == []
