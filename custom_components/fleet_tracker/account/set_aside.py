"""Copies of stored files that could not be used.

So nothing is lost that may be worth a look, and set-up goes on.
"""

from __future__ import annotations

from pathlib import Path
import shutil

from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from ..const import LOGGER

_MARK = ".corrupt."


async def async_set_aside(hass: HomeAssistant, path: Path) -> str | None:
    """Keep a copy of a file as it is, and return its name; None where that failed."""
    copy = path.with_name(f"{path.name}{_MARK}{dt_util.utcnow():%Y%m%dT%H%M%S}")
    try:
        await hass.async_add_executor_job(shutil.copy2, path, copy)
    except OSError as err:
        LOGGER.warning("A stored file cannot be set aside: %s", type(err).__name__)
        return None
    return copy.name


def remove_copies(directory: Path, prefix: str) -> None:
    """Remove the copies of files whose names begin alike."""
    for copy in directory.glob(f"{prefix}*{_MARK}*"):
        copy.unlink(missing_ok=True)
