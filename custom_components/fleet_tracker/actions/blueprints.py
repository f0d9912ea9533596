"""The blueprints that come with the integration, put where Home Assistant finds them.

It is done when the user asks for it, and never over a file that he changed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.storage import Store
from homeassistant.util.yaml import load_yaml_dict

from ..const import DOMAIN
from ..offer.errors import invalid, told

SOURCE = Path(__file__).parent.parent / "blueprints" / "automation"
_STORAGE_VERSION = 1


@dataclass(slots=True)
class Installed:
    """What became of each blueprint, by the names of their files."""

    written: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    """Left alone, because the user changed the file."""


async def async_install_blueprints(hass: HomeAssistant) -> Installed:
    """Write the blueprints into the folder of automations, and return what was done.

    A file that is as it was written last is replaced by a newer one; any other is the
    user's own. Raises ServiceValidationError where there are no automations, and
    HomeAssistantError where the folder cannot be read or written.
    """
    if "automation" not in hass.config.components:
        raise invalid("no_automations")
    # They are loaded by now.
    from homeassistant.components.automation.config import AUTOMATION_BLUEPRINT_SCHEMA
    from homeassistant.components.automation.helpers import async_get_blueprints
    from homeassistant.components.blueprint.models import Blueprint

    blueprints = async_get_blueprints(hass)
    folder = blueprints.blueprint_folder / DOMAIN
    store: Store[dict[str, str]] = Store(hass, _STORAGE_VERSION, f"{DOMAIN}.blueprints")
    digests = await store.async_load() or {}
    installed = Installed()
    contents = await hass.async_add_executor_job(_contents)
    try:
        present = await hass.async_add_executor_job(_texts, folder, list(contents))
        for name, content in contents.items():
            blueprint = Blueprint(
                content,
                path=f"{DOMAIN}/{name}",
                expected_domain="automation",
                schema=AUTOMATION_BLUEPRINT_SCHEMA,
            )
            text = present.get(name)
            if text == blueprint.yaml():
                installed.unchanged.append(name)
            elif text is not None and digests.get(name) != _digest(text):
                installed.kept.append(name)
            else:
                await blueprints.async_add_blueprint(
                    blueprint, f"{DOMAIN}/{name}", allow_override=True
                )
                digests[name] = _digest(blueprint.yaml())
                installed.written.append(name)
    except OSError as err:
        raise told(HomeAssistantError, "blueprints_not_written") from err
    finally:
        await store.async_save(digests)
    return installed


def _contents() -> dict[str, dict[str, Any]]:
    """Return the blueprints that come with the integration, by the names of their files."""
    return {
        path.name: load_yaml_dict(str(path)) for path in sorted(SOURCE.glob("*.yaml"))
    }


def _texts(folder: Path, names: list[str]) -> dict[str, str]:
    """Return the texts of those of the files that are there."""
    return {
        name: (folder / name).read_text(encoding="utf-8", errors="replace")
        for name in names
        if (folder / name).exists()
    }


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()
