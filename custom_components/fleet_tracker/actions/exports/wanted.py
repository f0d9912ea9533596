"""What is wanted in a file of trips, and in which format.

It stands apart from what makes files, which is imported by the first export.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

SEPARATORS = (",", ";")
"""What may stand between the values of a logbook."""


class ExportFormat(StrEnum):
    """The formats of files."""

    GPX = "gpx"
    KML = "kml"
    GEOJSON = "geojson"
    CSV = "csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """What is wanted in a file: the trips that began in a time, or one of them."""

    format: ExportFormat
    begin: datetime
    end: datetime
    trip_id: str | None = None
    trim: float = 0.0
    separator: str = ","
    private_kilometers_only: bool = False
    history: bool = False
