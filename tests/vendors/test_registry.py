"""A user of one vendor loads one: its package, and what Home Assistant needs for it."""

from __future__ import annotations

import json
from pathlib import Path
import subprocess
import sys
from typing import Any

import pytest

from custom_components.fleet_tracker.services import COMMON_ACTIONS
from custom_components.fleet_tracker.vendors import VENDORS

ROOT = Path(__file__).parents[2]
HOLDING_CAMERAS = {"camera", "image", "stream"}


@pytest.fixture(name="loaded", scope="module")
def loaded_modules() -> dict[str, dict[str, Any]]:
    """Return what is loaded with an account of each vendor, by their keys."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.vendors.loaded_modules"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = map(json.loads, done.stdout.splitlines())
    return {line["vendor"]: line for line in lines}


type Loaded = dict[str, dict[str, Any]]


def test_every_vendor_is_tried(loaded: Loaded) -> None:
    """The registry has no other."""
    assert loaded.keys() == VENDORS.keys()


@pytest.mark.parametrize("vendor", VENDORS)
def test_no_vendor_is_loaded_before_it_has_an_account(
    vendor: str, loaded: Loaded
) -> None:
    """Although all actions are there, and what Home Assistant loads beforehand."""
    found = loaded[vendor]
    assert found["without an account"]["vendors"] == []
    actions = {action.name for one in VENDORS.values() for action in one.actions}
    common = {action.name for action in COMMON_ACTIONS}
    assert set(found["actions"]) == {
        "call_api",
        "install_blueprints",
        *common,
        *actions,
    }
    assert found["preloaded"] == [
        "config_flow",
        "diagnostics",
        "media_source",
        "repairs",
    ]


@pytest.mark.parametrize("vendor", VENDORS)
def test_only_the_vendor_of_the_account_is_loaded(vendor: str, loaded: Loaded) -> None:
    """And not in the event loop, which Home Assistant would complain of."""
    found = loaded[vendor]
    assert found["with an account"]["vendors"] == [vendor]
    assert found["complaints"] == []


@pytest.mark.parametrize("vendor", VENDORS)
def test_what_makes_files_is_loaded_by_the_first_export(
    vendor: str, loaded: Loaded
) -> None:
    """Before it, only what can be wanted is known."""
    assert loaded[vendor]["with an account"]["exports"] == ["wanted"]


@pytest.mark.parametrize("vendor", VENDORS)
def test_cameras_are_loaded_only_for_those_who_have_some(
    vendor: str, loaded: Loaded
) -> None:
    """What plays streams is large."""
    found = loaded[vendor]
    assert not HOLDING_CAMERAS & set(found["without an account"]["components"])
    has_cameras = vendor == "tracksolid"
    components = set(found["with an account"]["components"])
    assert (HOLDING_CAMERAS & components == HOLDING_CAMERAS) is has_cameras
    assert bool(HOLDING_CAMERAS & components) is has_cameras
