"""Files of trips: each format is asked for, and the GPX has to keep its schema's rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
import json
from typing import Any
from xml.etree import ElementTree as ET

from tests.actions.exports.gpx_rules import broken_rules

from .home_assistant import DOMAIN, HomeAssistant

FORMATS = ("gpx", "kml", "geojson", "csv")
BACK = timedelta(hours=1)

type Files = Mapping[str, Mapping[str, Any]]


async def check_files(home_assistant: HomeAssistant) -> list[str]:
    """Return what is wrong with the files of all vehicles' trips of the last days."""
    trackers = [
        entity["entity_id"]
        for entity in await home_assistant.get("states")
        if entity["entity_id"].startswith("device_tracker.")
        and "latitude" in entity["attributes"]
    ]
    problems: list[str] = []
    for kind in FORMATS:
        answer = await home_assistant.post(
            f"services/{DOMAIN}/export_trips?return_response",
            {
                "entity_id": trackers,
                "format": kind,
                "begin": (datetime.now(UTC) - BACK).isoformat(),
            },
        )
        problems += problems_of(kind, answer["service_response"])
    return problems


def problems_of(kind: str, files: Files) -> Iterator[str]:
    """Yield what is wrong with the files of a format, by the trackers' entity ids."""
    for entity_id, file in files.items():
        if "error" in file:
            yield f"{entity_id} has no {kind}: {file['error']}"
            continue
        content: str = file["content"]
        yield from (f"{kind} of {entity_id}: {it}" for it in _broken(kind, content))
    driven = [file for file in files.values() if file.get("trips")]
    if not driven:
        yield f"no vehicle has a trip as {kind}"
    elif kind == "gpx" and not any("<trkpt" in file["content"] for file in driven):
        yield "no trip has a way"


def _broken(kind: str, content: str) -> list[str]:
    try:
        if kind == "gpx":
            return broken_rules(content)
        if kind == "kml":
            ET.fromstring(content)  # noqa: S314
        elif kind == "geojson":
            json.loads(content)
        elif not content.startswith("\ufeffno"):
            return ["no table"]
    except (ET.ParseError, ValueError) as err:
        return [str(err)]
    return []
