"""The examples of property tests: always the same in script/test, others in script/fuzz."""

from __future__ import annotations

import sys

from hypothesis import settings
import pytest

from script import fuzz


def test_tests_are_deterministic() -> None:
    """No luck and no memory of earlier runs decide what script/test tries."""
    tried = settings.get_profile("fleet_tracker")
    assert tried.derandomize
    assert tried.database is None
    assert tried.max_examples == 50


def test_fuzzing_tries_many_others() -> None:
    """What failed before is remembered beside the checkout, and tried again first."""
    tried = settings.get_profile("fuzz")
    assert not tried.derandomize
    assert tried.database is not None
    assert tried.print_blob
    assert tried.max_examples >= 1000


@pytest.mark.parametrize("code", [0, 1])
def test_fuzz_tells_its_seed_and_fails_with_its_tests(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], code: int
) -> None:
    """A run can be seen again, and CI sees that something failed."""
    monkeypatch.setattr(sys, "argv", ["fuzz", "--seed", "7", "-k", "frames"])
    monkeypatch.setattr(
        fuzz, "command", lambda seed, more: [sys.executable, "-c", f"exit({code})"]
    )
    assert fuzz.main() == code
    told = capsys.readouterr().out
    assert "script/fuzz --seed 7 --examples 2000" in told
    assert ("failed" in told) is bool(code)


def test_fuzz_runs_the_property_tests_alone() -> None:
    """They have a mark, a profile and the seed; what else was said goes to pytest."""
    assert fuzz.command(7, ["-k", "frames"])[1:] == [
        *("-m", "pytest", "-q", "-m", "hypothesis", "--hypothesis-profile=fuzz"),
        *("--hypothesis-seed=7", "-k", "frames"),
    ]
