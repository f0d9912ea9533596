"""Tests of how the demo's check judges files of trips."""

from __future__ import annotations

from typing import Any

import pytest

from custom_components.fleet_tracker.actions.exports.gpx import gpx
from script.demo_support.files import problems_of
from tests.actions.exports.test_formats import EVERYTHING

GPX = gpx(EVERYTHING)


@pytest.mark.parametrize(
    ("kind", "file", "problem"),
    [
        ("gpx", {"trips": 3, "content": GPX}, None),
        ("gpx", {"trips": 0, "content": GPX}, "no vehicle has a trip"),
        ("gpx", {"error": "Too slow"}, "Too slow"),
        (
            "gpx",
            {"trips": 3, "content": GPX.replace("<number>", "<speed>")},
            "mismatched",
        ),
        ("kml", {"trips": 1, "content": "<kml>"}, "no element"),
        ("geojson", {"trips": 1, "content": "{"}, "Expecting"),
        ("csv", {"trips": 1, "content": "\ufeffno,trip_id"}, None),
        ("csv", {"trips": 1, "content": "trip_id"}, "no table"),
    ],
)
def test_files(kind: str, file: dict[str, Any], problem: str | None) -> None:
    """Each has to be there, to be read, and to show a trip."""
    found = list(problems_of(kind, {"device_tracker.van": file}))
    assert bool(found) == (problem is not None)
    assert problem is None or any(problem in one for one in found)
