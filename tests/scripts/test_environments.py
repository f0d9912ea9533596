"""Tests of which interpreter the scripts take."""

from pathlib import Path
import subprocess
import sys

import pytest

ROOT = Path(__file__).parent.parent.parent


def put_python(folder: Path, name: str, version: str, flags: str = "") -> Path:
    """Make a command that answers like an interpreter of a version."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    numbers = ", ".join(version.split("."))
    path.write_text(
        "#!/bin/sh\n"
        # the code that describes the interpreter runs on the real one, with another sys
        f"""exec {sys.executable} -c '
import sys, types
fake = types.SimpleNamespace(
    version_info=({numbers}), abiflags="{flags}", executable="{path}",
    implementation=types.SimpleNamespace(name="cpython"))
sys.modules["sys"] = fake
exec(sys.argv[-1])
' "$@"
"""
    )
    path.chmod(0o755)
    return path


def find_python(tmp_path: Path, wanted: str = "", python: str = "") -> tuple[int, str]:
    """Return the exit status of the search, and what it found or said."""
    uv = tmp_path / "uv"
    uv.write_text(f'#!/bin/sh\n[ "$2" = dir ] && echo {tmp_path}/uv-pythons\n')
    uv.chmod(0o755)
    done = subprocess.run(
        [
            "bash",
            "-c",
            f"""set -euo pipefail
            source {ROOT}/script/environments.sh
            find_uv() {{ uv={uv}; }}
            find_python {wanted} && echo "$python_version"
            """,
        ],
        env={
            "HOME": str(tmp_path),
            "PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin",
            "PYTHON": python,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, (done.stdout or done.stderr).strip()


@pytest.fixture(name="here")
def a_machine_with_some(tmp_path: Path) -> Path:
    """Return a folder that has interpreters at all the places."""
    put_python(tmp_path / "bin", "python3.13", "3.13.5")
    put_python(tmp_path / "bin", "python3", "3.15.0")
    put_python(tmp_path / ".pyenv/versions/3.14.1/bin", "python3", "3.14.1")
    put_python(tmp_path / ".pyenv/versions/3.14.3/bin", "python3", "3.14.3")
    put_python(tmp_path / "uv-pythons/cpython-3.14.9/bin", "python3", "3.14.9", "t")
    return tmp_path


@pytest.mark.parametrize(
    ("wanted", "expected"), [("", "3.14.3"), ("3.13", "3.13.5"), ("3.14", "3.14.3")]
)
def test_newest(here: Path, wanted: str, expected: str) -> None:
    """The newest is taken that Home Assistant runs on, wherever it is."""
    assert find_python(here, wanted) == (0, expected)


def test_uv_has_a_newer_one(here: Path) -> None:
    """Those that uv fetched count as well."""
    put_python(here / "uv-pythons/cpython-3.14.10/bin", "python3", "3.14.10")
    assert find_python(here) == (0, "3.14.10")


def test_own_choice(here: Path) -> None:
    """PYTHON decides, unless a lane wants another version."""
    python = str(here / "bin" / "python3.13")
    assert find_python(here, python=python) == (0, "3.13.5")
    assert find_python(here, "3.14", python=python) == (0, "3.14.3")


def test_own_choice_of_a_version(here: Path) -> None:
    """PYTHON may be a version as well, wherever that is."""
    assert find_python(here, python="3.13") == (0, "3.13.5")
    assert find_python(here, python="3.14") == (0, "3.14.3")
    assert find_python(here, "3.14", python="3.13") == (0, "3.14.3")


def test_own_choice_that_does_not_do(here: Path) -> None:
    """An interpreter that Home Assistant does not run on is refused in words."""
    status, said = find_python(here, python=str(here / "bin" / "python3"))
    assert status == 1
    assert "is not an interpreter that Home Assistant runs on" in said


def test_none(tmp_path: Path) -> None:
    """It is said what is missing."""
    (tmp_path / "bin").mkdir()
    status, said = find_python(tmp_path, "3.14")
    assert status == 1
    assert "Python 3.14 is missing" in said
    assert find_python(tmp_path, python="3.14") == (status, said)


def test_demo_takes_the_environment_of_the_browser_tests(tmp_path: Path) -> None:
    """It has all that the demo needs; where it is not made, or is old, the demo has its own."""
    done = subprocess.run(
        [
            "bash",
            "-c",
            f"""set -euo pipefail
            source {ROOT}/script/environments.sh
            root={tmp_path} python=/python3.14 python_version=3.14.2
            make_environment() {{ env=$1; }}
            make_demo_environment; echo "$env"
            files=(requirements_demo.txt requirements_browser.txt)
            find_environment browser "${{files[@]}}" || mkdir -p "$env"
            echo "$wanted" >"$env/installed.txt"
            make_demo_environment; echo "$env"
            python_version=3.14.3
            make_demo_environment; echo "$env"
            """,
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    made = f"{tmp_path}/.venv/browser-3.14"
    assert done.stdout.split() == ["demo", made, "demo"]
