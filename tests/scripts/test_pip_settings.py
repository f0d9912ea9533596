"""Tests of how uv is told what pip is configured to do."""

import os
from pathlib import Path
import subprocess
import sys

import pytest

from script.pip_settings import is_usable, translate

PIP_SETTINGS = Path(__file__).parent.parent.parent / "script" / "pip_settings.py"


def test_nothing_configured() -> None:
    """Without settings of pip, uv keeps its own."""
    assert translate({}) == {}


def test_indexes() -> None:
    """All of pip's indexes count alike, and uv has to be told so."""
    assert translate(
        {
            "index-url": ["https://one.example/simple"],
            "extra-index-url": ["https://two.example/simple", "file:///three"],
            "trusted-host": ["one.example", "two.example"],
        }
    ) == {
        "UV_DEFAULT_INDEX": "https://one.example/simple",
        "UV_INDEX": "https://two.example/simple file:///three",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_INSECURE_HOST": "one.example two.example",
    }


def test_folders_that_are_not_there(tmp_path: Path) -> None:
    """Pip ignores a folder that is not there, uv would fail."""
    here, missing = str(tmp_path), str(tmp_path / "missing")
    links = [missing, here, "https://one.example/files"]
    assert translate({"find-links": links}) == {
        "UV_FIND_LINKS": f"{here},https://one.example/files"
    }
    assert not is_usable(missing)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, "https://install.example/simple"),
        (
            {"PIP_INDEX_URL": "https://variable.example/simple"},
            "https://variable.example/simple",
        ),
        ({"UV_DEFAULT_INDEX": "https://own.example/simple"}, None),
    ],
)
def test_order_of_precedence(
    tmp_path: Path, variables: dict[str, str], expected: str | None
) -> None:
    """Variables outrank files, the command's section the global one, uv's own all."""
    # pip as far as it is asked: its answer is as pip 23 and 26 write it
    (tmp_path / "pip").mkdir()
    (tmp_path / "pip" / "__init__.py").touch()
    (tmp_path / "pip" / "__main__.py").write_text(
        "import os\n"
        "if 'PIP_INDEX_URL' in os.environ:\n"
        "    print(f\":env:.index-url={os.environ['PIP_INDEX_URL']!r}\")\n"
        "print(\"install.index-url='https://install.example/simple'\")\n"
        "print(\"global.index-url='https://global.example/simple'\")\n"
    )
    printed = subprocess.run(
        [sys.executable, PIP_SETTINGS],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path)} | variables,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert printed == (f"export UV_DEFAULT_INDEX={expected}\n" if expected else "")
