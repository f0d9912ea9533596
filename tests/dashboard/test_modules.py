"""Tests of how the browser's modules are served."""

from __future__ import annotations

import hashlib
from pathlib import Path
import re

from homeassistant.components import frontend
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.fleet_tracker.const import DOMAIN
from custom_components.fleet_tracker.dashboard import modules
from custom_components.fleet_tracker.dashboard.modules import (
    ENTRY_MODULE,
    FOLDER,
    MODULES_PATH,
    fingerprint,
)
import script
from tests.common import set_up_component

OWN_MODULES = sorted(path for path in FOLDER.glob("*.js") if path.name != "lit.js")
IMPORT = re.compile(r"""(?:\bfrom\s+|\bimport\s*\(?\s*)["']([^"']+)["']""")


async def test_modules_are_served_and_loaded(
    hass: HomeAssistant,
    hass_client_no_auth: ClientSessionGenerator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The front end loads the first one once, and it is kept under a path of its own."""
    loaded: list[str] = []
    monkeypatch.setattr(modules, "add_extra_js_url", lambda _, url: loaded.append(url))
    hass.config.components.add("frontend")

    await set_up_component(hass, DOMAIN)

    path = hass.data[MODULES_PATH]
    assert re.fullmatch(rf"/{DOMAIN}/\d+\.\d+\.\d+-[0-9a-f]{{12}}", path)
    assert loaded == [f"{path}/{ENTRY_MODULE}"]
    client = await hass_client_no_auth()
    for file in FOLDER.iterdir():
        answer = await client.get(f"{path}/{file.name}")
        assert answer.status == 200
        assert await answer.read() == file.read_bytes()
        assert "max-age" in answer.headers["Cache-Control"]
    assert (await client.get(f"{path}/../const.py")).status == 404


async def test_without_front_end(hass: HomeAssistant) -> None:
    """A Home Assistant without its front end has the integration all the same."""
    await set_up_component(hass, DOMAIN)
    assert frontend.DATA_EXTRA_MODULE_URL not in hass.data


def test_path_changes_with_any_file(tmp_path: Path) -> None:
    """A browser that keeps files for a month is never given an old one beside a new one."""
    seen = set()
    for name, text in (("a.js", "1"), ("a.js", "2"), ("b.js", "1"), ("b.js", "")):
        (tmp_path / name).write_text(text)
        seen.add(fingerprint(tmp_path))
    (tmp_path / "b.js").rename(tmp_path / "c.js")
    seen.add(fingerprint(tmp_path))
    assert len(seen) == 5


def test_bundled_lit_is_the_pinned_one() -> None:
    """It is what script/vendor-lit made, and its licence is beside it."""
    notes = Path(script.__file__).parent / "frontend" / "lit.sha256"
    noted = {
        name: digest
        for digest, name in (
            line.split(maxsplit=1) for line in notes.read_text().splitlines()
        )
    }
    assert noted == {
        name: hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()
        for name in ("lit.js", "lit.LICENSE.txt")
    }


@pytest.mark.parametrize("path", OWN_MODULES, ids=lambda path: path.name)
def test_modules_import_only_what_is_served(path: Path) -> None:
    """By relative paths, which follow that of the first module; nothing from elsewhere."""
    text = path.read_text(encoding="utf-8")
    for name in IMPORT.findall(text):
        assert name.startswith("./"), name
        assert (FOLDER / name).is_file(), name
    assert "://" not in re.sub(r"http://www\.w3\.org/\S+", "", text)


@pytest.mark.parametrize("path", OWN_MODULES, ids=lambda path: path.name)
def test_formats_are_made_once(path: Path) -> None:
    """By one function: made for each value, they kept the browser busy for 0.3 s at a time."""
    text = path.read_text(encoding="utf-8")
    assert not re.search(
        r"new Intl\.|\.toLocale(?:Date|Time)?String\(|localeCompare\(", text
    )


def test_modules_that_are_fetched_ahead() -> None:
    """They are all that a page needs, so that none is found to be missing one by one."""
    named = re.search(
        r"const PAGE_MODULES = \[(.*?)\];",
        (FOLDER / ENTRY_MODULE).read_text(),
        re.DOTALL,
    )
    assert named
    assert sorted(re.findall(r'"([^"]+)"', named[1])) == sorted(
        path.stem for path in FOLDER.glob("*.js") if path.stem not in {"main", "editor"}
    )
