"""Files in Home Assistant's storage, on a real disk, that hold what they should not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product
import json
from pathlib import Path
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.storage import STORAGE_DIR
from homeassistant.util import dt as dt_util
from homeassistant.util.file import WriteError
import pytest

from custom_components.fleet_tracker.account import line_file
from custom_components.fleet_tracker.account.occurrence_journal import (
    OccurrenceJournal,
    journal_name,
)
from custom_components.fleet_tracker.account.occurrences import OccurrenceLog
from custom_components.fleet_tracker.account.storage import VERSION, EntryMemory
from custom_components.fleet_tracker.const import DOMAIN
from tests.common import START, cloud_entry, set_up
from tests.neutral_vendor import Clouds, told


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


def folder_with_a_file(path: Path) -> None:
    """Put a folder in the place of a file."""
    path.mkdir()
    (path / "x").touch()


def file_of_junk(path: Path) -> None:
    """Put a file in the place of a folder."""
    path.write_bytes(b"\0\xff{")


def loop(path: Path) -> None:
    """Put a link that leads to itself."""
    path.symlink_to(path)


@pytest.mark.parametrize(
    ("what", "put"),
    [
        *product(("memory", "vehicles", "occurrences"), (folder_with_a_file, loop)),
        ("trips", file_of_junk),
        ("trips", loop),
    ],
)
async def test_what_stands_in_the_place_of_a_file(
    what: str,
    put: Callable[[Path], None],
    hass: HomeAssistant,
    directory: Path,
    clouds: Clouds,
) -> None:
    """It is moved away, so that things are kept again; nothing is left after removal."""
    clouds["acme"].tell(told("1", START, name="Van"))
    entry = cloud_entry()
    path = directory / f"{DOMAIN}.{entry.entry_id}.{what}"
    put(path)
    await set_up(hass, entry)
    issue = ir.async_get(hass).async_get_issue(
        DOMAIN, f"stored_data_set_aside_{entry.entry_id}"
    )
    assert issue is not None
    await hass.config_entries.async_unload(entry.entry_id)
    assert (directory / f"{DOMAIN}.{entry.entry_id}.vehicles").is_file()
    put(path.with_name(f"{path.name}.more"))
    await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done()
    assert names(directory, f"{DOMAIN}.*") == []


WAITING = (
    b'{"received":7,"vehicle":"1","occurrence":{"kind":"alarm","type":"sos",'
    b'"occurred_at":"2026-03-04T08:00:00+00:00","code":"kept"}}'
)
FIRED = (
    b'{"fired":["alarm/sos/1","2026-03-04T07:00:00+00:00","c",true,'
    b'"2026-03-04T07:00:00+00:00","2026-03-04T07:00:00+00:00"],"vehicle":"1"}'
)
DAMAGED: Mapping[str, bytes] = {
    "garbage": b"%$ garbage",
    "invalid text": b'{"forgotten":"\xff\xfe"}',
    "zeros": bytes(512),
    "no object": b"[1,2]",
    "deep": b"[" * 5000,
    "an unknown line, as of a newer version": b'{"snoozed":7,"vehicle":"1"}',
    "an unknown type, as of a newer version": WAITING.replace(b"sos", b"newer"),
    "no vehicle": b'{"received":8,"occurrence":{}}',
    "a row that makes no sense": b'{"fired":[1,2],"vehicle":"1"}',
    "a past that makes no sense": b'{"past":{"fired":[1]},"vehicle":"2"}',
}


@pytest.mark.parametrize("junk", DAMAGED.values(), ids=DAMAGED)
async def test_damaged_line_of_occurrences(
    junk: bytes, hass: HomeAssistant, directory: Path
) -> None:
    """The file is set aside, all else of it is read, and the next start finds it whole."""
    path = directory / journal_name("1")
    path.write_bytes(b"\n".join([FIRED, junk, WAITING, b""]))

    async def load() -> OccurrenceJournal:
        journal = OccurrenceJournal(hass, "1")
        log = OccurrenceLog(journal, EntryMemory(hass, "1").core, dt_util.utcnow())
        (receipt,) = await log.async_load()
        assert receipt.occurrence.code == "kept"
        assert log._past["1"].count == 1
        await log.async_save()
        return journal

    damaged = await load()
    assert damaged.set_aside == names(directory, "*.corrupt.*")
    assert [junk in (directory / one).read_bytes() for one in damaged.set_aside] == [
        True
    ]
    assert junk not in path.read_bytes()
    assert (await load()).set_aside == []


@pytest.mark.parametrize("half", [WAITING[:-9], bytes(512)], ids=["a line", "zeros"])
async def test_line_that_a_crash_cut_off_is_no_damage(
    half: bytes, hass: HomeAssistant, directory: Path
) -> None:
    """Nobody was told that it is kept."""
    path = directory / journal_name("1")
    path.write_bytes(WAITING + b"\n" + half)
    journal = OccurrenceJournal(hass, "1")
    log = OccurrenceLog(journal, EntryMemory(hass, "1").core, dt_util.utcnow())
    assert len(await log.async_load()) == 1
    assert journal.set_aside == []
    log.receive("2", (await log.async_load())[0].occurrence)
    await log.async_save()
    again = OccurrenceJournal(hass, "1")
    log = OccurrenceLog(again, EntryMemory(hass, "1").core, dt_util.utcnow())
    assert [one.vehicle_id for one in await log.async_load()] == ["1", "2"]
    assert again.set_aside == []


async def test_damaged_occurrences_end_no_set_up(
    hass: HomeAssistant,
    directory: Path,
    clouds: Clouds,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A repair issue names the copy, though the disk has no room for the whole file."""
    entry = cloud_entry()
    path = directory / journal_name(entry.entry_id)
    path.write_bytes(bytes(9) + b"\n")
    with monkeypatch.context() as full:
        full.setattr(line_file, "write_utf8_file_atomic", _no_room)
        await set_up(hass, entry)
    issue = ir.async_get(hass).async_get_issue(
        DOMAIN, f"stored_data_set_aside_{entry.entry_id}"
    )
    assert issue is not None and issue.translation_placeholders is not None
    assert issue.translation_placeholders["files"].split(", ") == names(
        directory, "*.corrupt.*"
    )
    await hass.config_entries.async_unload(entry.entry_id)
    assert path.read_bytes() == b""
    await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done()
    assert names(directory, f"{DOMAIN}.*") == []


def _no_room(*_args: object, **_kwargs: object) -> None:
    raise WriteError
