"""Serving the browser's modules, under a path that changes with them."""

from __future__ import annotations

import hashlib
from pathlib import Path

from homeassistant.components.frontend import add_extra_js_url
from homeassistant.components.http import StaticPathConfig
from homeassistant.core import HomeAssistant
from homeassistant.loader import async_get_integration
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN

FOLDER = Path(__file__).parent / "www"
ENTRY_MODULE = "main.js"
MODULES_PATH: HassKey[str] = HassKey(f"{DOMAIN}_modules_path")


def fingerprint(folder: Path) -> str:
    """Return what changes with any file of a folder."""
    digest = hashlib.sha256()
    for path in sorted(one for one in folder.iterdir() if one.is_file()):
        digest.update(f"{path.name}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


async def async_register_modules(hass: HomeAssistant) -> None:
    """Serve the modules, and let the front end, where there is one, load the first of them.

    Browsers keep what is served for a month. The modules name each other by relative paths,
    which a query behind the first one would not reach: hence the path is a new one.
    """
    integration = await async_get_integration(hass, DOMAIN)
    files = await hass.async_add_executor_job(fingerprint, FOLDER)
    path = f"/{DOMAIN}/{integration.version}-{files}"
    hass.data[MODULES_PATH] = path
    await hass.http.async_register_static_paths(
        [StaticPathConfig(path, str(FOLDER), cache_headers=True)]
    )
    if "frontend" in hass.config.components:
        add_extra_js_url(hass, f"{path}/{ENTRY_MODULE}")
