"""A language that exists only in tests: every English text with a mark in front."""

from __future__ import annotations

from collections.abc import Mapping
import json
from pathlib import Path
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.helpers import translation
from homeassistant.util.json import JsonValueType, load_json
import pytest

from custom_components import fleet_tracker
from custom_components.fleet_tracker.const import DOMAIN

LANGUAGE = "de"
MARK = "Auf Deutsch: "
ENGLISH = Path(fleet_tracker.__file__).parent / "translations" / "en.json"


def translated(texts: Mapping[str, Any]) -> dict[str, Any]:
    """Return texts with the mark in front of each."""
    return {
        key: MARK + value if isinstance(value, str) else translated(value)
        for key, value in texts.items()
    }


async def speak_german(
    hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    """Write a translation and make it the language of Home Assistant."""
    file = folder / f"{LANGUAGE}.json"
    file.write_text(json.dumps(translated(json.loads(ENGLISH.read_text("utf-8")))))

    def load(path: Path) -> JsonValueType:
        return load_json(
            file if path.parts[-3:] == (DOMAIN, "translations", file.name) else path
        )

    monkeypatch.setattr(translation, "load_json", load)
    await hass.config.async_update(language=LANGUAGE)
    await hass.async_block_till_done()
