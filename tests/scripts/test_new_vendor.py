"""The script that writes the skeleton of a further vendor."""

from __future__ import annotations

import json
from pathlib import Path
import shutil
import subprocess
import sys

import pytest

from script.new_vendor.__main__ import INTEGRATION, ROOT, main

LEFT_OUT = shutil.ignore_patterns("__pycache__", "__snapshots__", "browser")


@pytest.fixture(name="copy")
def a_copy_of_the_project(tmp_path: Path) -> Path:
    """Return a folder with what the contract test needs of the project."""
    for folder in ("custom_components", "docs", "script", "tests"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=LEFT_OUT)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_skeleton_passes_the_first_stage(copy: Path) -> None:
    """The new vendor is in the registry, has its texts, and can be set up and polled."""
    main(["north_star", "North Star"], copy)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q"),
            *("-m", "first_stage", "-k", "north_star", "tests/contract"),
        ],
        cwd=copy,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "7 passed" in done.stdout
    changed = {
        str(path.relative_to(copy))
        for path in copy.rglob("*")
        if path.is_file()
        and not {"__pycache__", ".cache"} & {*path.parts}
        and not (
            (kept := ROOT / path.relative_to(copy)).is_file()
            and kept.read_bytes() == path.read_bytes()
        )
    }
    package = INTEGRATION / "vendors" / "north_star"
    assert {one for one in changed if not one.startswith(str(package))} == {
        str(INTEGRATION / "translations" / "en.json"),
        str(INTEGRATION / "vendors" / "__init__.py"),
        "docs/vendors/north_star.md",
        "tests/vendors/north_star/__init__.py",
        "tests/vendors/north_star/contract.py",
    }


@pytest.mark.parametrize("key", ["North", "north-star", "1st", "vt3"])
def test_names_that_are_refused(tmp_path: Path, key: str) -> None:
    """A name that no package can have, or that is taken, writes nothing."""
    vendors = tmp_path / INTEGRATION / "vendors"
    (vendors / "vt3").mkdir(parents=True)
    with pytest.raises(SystemExit):
        main([key], tmp_path)
    assert [path.name for path in vendors.iterdir()] == ["vt3"]


def test_registry_that_looks_otherwise(tmp_path: Path) -> None:
    """The user is told to add the vendor by hand, and the texts stay as they are."""
    vendors = tmp_path / INTEGRATION / "vendors"
    texts = tmp_path / INTEGRATION / "translations" / "en.json"
    for folder in (vendors, texts.parent):
        folder.mkdir(parents=True)
    (vendors / "__init__.py").write_text("VENDORS = {}\n")
    texts.write_text(json.dumps({}))
    with pytest.raises(SystemExit, match="by hand"):
        main(["north_star"], tmp_path)
    assert texts.read_text() == "{}"
