"""Tests of how the demo's check judges what it sees."""

from pathlib import Path

import pytest

from script.demo_support.check import complaints, left_and_came_home


def test_complaints(tmp_path: Path) -> None:
    """Warnings and errors that name the integration count, with what follows them."""
    log = tmp_path / "log"
    log.write_text(
        """\
2026-01-01 10:00:00.001 WARNING (SyncWorker_0) [homeassistant.loader] We found a \
custom integration fleet_tracker which has not been tested by Home Assistant.
2026-01-01 10:00:00.002+00:00 ERROR (MainThread) [haffmpeg.core] FFmpeg fails
FileNotFoundError: ffmpeg
2026-01-01 10:00:00.003 INFO (MainThread) [custom_components.fleet_tracker] Hello
2026-01-01 10:00:00.004+00:00 ERROR (MainThread) [homeassistant] Error doing job
Traceback (most recent call last):
  File "custom_components/fleet_tracker/sensor.py", line 1
ValueError
2026-01-01 10:00:00.005 WARNING (MainThread) [homeassistant.components.automation.x] No
2026-01-01 10:00:00.006 WARNING (MainThread) [custom_components.fleet_tracker.push] Last
""",
        encoding="utf-8",
    )
    found = list(complaints(log))
    assert [text.splitlines()[0][-4:] for text in found] == [" job", "] No", "Last"]
    assert found[0].endswith("ValueError")


def test_quiet_log(tmp_path: Path) -> None:
    """A log without them has no complaints."""
    log = tmp_path / "log"
    log.write_text("", encoding="utf-8")
    assert list(complaints(log)) == []


@pytest.mark.parametrize(
    ("zones", "expected"),
    [
        (["home", "not_home", "home"], True),
        (["Station", "home", "not_home"], True),
        (["home", "not_home", "Station"], False),
        (["not_home", "home"], False),
        (["not_home", "Station"], False),
        (["home"], False),
        ([], False),
    ],
)
def test_left_and_came_home(zones: list[str], expected: bool) -> None:
    """Both have to be seen, whichever is first."""
    assert left_and_came_home(zones) is expected
