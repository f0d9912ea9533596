"""Copies of stored files that could not be used, and other things in their places.

So nothing is lost that may be worth a look, and set-up goes on.
"""

from __future__ import annotations

from collections.abc import Iterable
import os
from pathlib import Path
import shutil

from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from ..const import LOGGER

_MARK = ".corrupt."


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}{_MARK}{dt_util.utcnow():%Y%m%dT%H%M%S}")


async def async_set_aside(hass: HomeAssistant, path: Path) -> str | None:
    """Keep a copy of a file as it is, and return its name; None where that failed."""
    copy = _beside(path)
    try:
        await hass.async_add_executor_job(shutil.copy2, path, copy)
    except OSError as err:
        LOGGER.warning("A stored file cannot be set aside: %s", type(err).__name__)
        return None
    return copy.name


def make_way(files: Iterable[Path], folder: Path) -> list[str]:
    """Rename what is no file where one belongs, and no folder where the folder belongs.

    Nothing could ever be written there otherwise. Returns the new names.
    """
    if os.path.lexists(folder) and not folder.is_dir():
        wrong = [folder]
    else:
        wrong = [one for one in folder.glob("*") if not one.is_file()]
    wrong += [one for one in files if os.path.lexists(one) and not one.is_file()]
    moved = []
    for path in wrong:
        try:
            moved.append(path.rename(_beside(path)).name)
        except OSError as err:
            LOGGER.warning("A stored file has no place: %s", type(err).__name__)
    return moved


def remove_all(directory: Path, prefix: str) -> None:
    """Remove everything whose name begins alike, whatever it is."""
    for path in directory.glob(f"{prefix}*"):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
