"""Prints what is loaded once Home Assistant has set up an account of one vendor.

For each vendor a process of its own, forked from one that has loaded Home Assistant, and
nothing of the integration.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
import json
import logging
import os
import sys
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any

from homeassistant import block_async_io
from homeassistant.components.http import HomeAssistantHTTP
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.loader import DATA_CUSTOM_COMPONENTS
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_test_home_assistant,
)

import custom_components  # the one that Home Assistant looks into  # noqa: F401

DOMAIN = "fleet_tracker"
PACKAGE = f"custom_components.{DOMAIN}"
HTTP = MappingProxyType(
    {
        "server": "http://127.0.0.1:9",
        "account": "acme",
        "password_md5": "0" * 32,
        "app_key": "key",
        "app_secret": "secret",
        "client_id": "id",
        "client_secret": "secret",
        "push_secret": "a-secret",
    }
)
ACCOUNTS: Mapping[str, Mapping[str, Any]] = {
    "open_api": HTTP,
    "segway": HTTP,
    "tracksolid": HTTP,
    "vt3": {"host": "127.0.0.1", "port": 0},
}


class Complaints(logging.Handler):
    """Keeps what Home Assistant logs of imports in the event loop."""

    def __init__(self) -> None:
        """Start with none."""
        super().__init__()
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record that tells of one."""
        if "blocking call" in (text := record.getMessage()):
            self.texts.append(text)


def loaded() -> dict[str, Any]:
    """Return the vendors, what exports trips, and the components of Home Assistant."""
    vendors, components = f"{PACKAGE}.vendors.", "homeassistant.components."
    exports = f"{PACKAGE}.actions.exports."
    return {
        "vendors": sorted(
            name.removeprefix(vendors)
            for name in sys.modules
            if name.startswith(vendors) and name.count(".") == 3
        ),
        "exports": sorted(
            name.removeprefix(exports)
            for name in sys.modules
            if name.startswith(exports)
        ),
        "components": sorted(
            name.removeprefix(components)
            for name in sys.modules
            if name.startswith(components) and name.count(".") == 2
        ),
    }


async def open_nothing(*_: object) -> None:
    """Listen on no port of Home Assistant's: it may be taken."""


async def poll_first(_coordinator: object) -> None:
    """Ask nobody."""


async def set_up(hass: HomeAssistant, key: str) -> dict[str, Any]:
    """Set up an account of a vendor, and return what is loaded before and after."""
    complaints = Complaints()
    logging.getLogger().addHandler(complaints)
    del hass.data[DATA_CUSTOM_COMPONENTS]
    for name in ("async_bind", "start"):
        # The oldest Home Assistant has only one of them.
        if hasattr(HomeAssistantHTTP, name):
            setattr(HomeAssistantHTTP, name, open_nothing)
    assert await async_setup_component(hass, "http", {})
    assert await async_setup_component(hass, DOMAIN, {})
    found: dict[str, Any] = {"without an account": loaded()}
    found["actions"] = sorted(hass.services.async_services_for_domain(DOMAIN))
    coordinator = sys.modules[f"{PACKAGE}.account.coordinator"]
    coordinator.FleetCoordinator.async_poll_first = poll_first
    entry = MockConfigEntry(
        domain=DOMAIN,
        data={**ACCOUNTS[key], "vendor": key, "identity": f"{key}_one"},
    )
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    found["with an account"] = loaded()
    found["preloaded"] = [
        name
        for name in ("config_flow", "diagnostics", "media_source", "repairs")
        if f"{PACKAGE}.{name}" in sys.modules
    ]
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert entry.state is ConfigEntryState.NOT_LOADED
    await hass.async_block_till_done()
    found["complaints"] = complaints.texts
    return found


async def run(key: str, folder: str) -> None:
    """Print, as one line of JSON, what is loaded with a vendor.

    The folder is that of Home Assistant's configuration, where it writes to.
    """
    async with async_test_home_assistant(config_dir=folder) as hass:
        block_async_io.enable()
        found = await set_up(hass, key)
        await hass.async_stop(force=True)
    sys.stdout.write(json.dumps({"vendor": key, **found}) + "\n")
    sys.stdout.flush()


def main() -> int:
    """Try the vendors one after the other, and return the exit status."""
    status = 0
    for key in ACCOUNTS:
        if (child := os.fork()) == 0:
            with TemporaryDirectory() as folder:
                asyncio.run(run(key, folder))
            os._exit(0)
        status |= os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return status


if __name__ == "__main__":
    sys.exit(main())
