"""The errors in a tracker's answers by their codes ("FlexAPI Over TCP" 2.1.2).

The further codes are those that the vendor's other devices with FlexAPI know.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...contract.errors import CommandFailed, CommandUnsupported
from ...model.json_values import Json

RETRIED = frozenset({"device_busy", "device_error", "data_invalid"})
"""Codes that the document says to retry."""
INVALID_PARAMETER = "invalid_parameter"
INVALID_TOKEN = "invalid_token"
UNSUPPORTED = "not_support"

CODES = RETRIED | {
    "auth_failed",
    INVALID_PARAMETER,
    "not_found",
    # of the vendor's other devices
    INVALID_TOKEN,
    "data_empty",
    "over_group_num",
    "over_data_num",
    "find_same_key",
    "interval_invalid",
    UNSUPPORTED,
}

_LONGEST_TEXT = 100


class Refused(CommandFailed):
    """The tracker answered with an error code."""

    key = "vt3_error"

    def __init__(self, code: str, description: str = "") -> None:
        """Initialize with the code, and the tracker's own words for an unknown one."""
        self.code = code
        known = code in CODES
        super().__init__(
            f"The tracker answered {code if known else 'an unknown error'}",
            key=f"vt3_{code}" if known else None,
            placeholders=None
            if known
            else {
                "error": code[:_LONGEST_TEXT],
                "description": description[:_LONGEST_TEXT],
            },
        )


class Unsupported(Refused, CommandUnsupported):
    """The tracker does not know what it was asked for."""


def error_in(message: Mapping[str, Json]) -> Refused | None:
    """Return the error that an answer holds, in its body or inside of its result.

    2.1.1 puts ``error`` and ``error_desc`` into the body, the examples into ``result``.
    """
    for part in (message, message.get("result"), message.get("payload")):
        if isinstance(part, Mapping) and isinstance(code := part.get("error"), str):
            description = part.get("error_desc")
            kind = Unsupported if code == UNSUPPORTED else Refused
            return kind(code, description if isinstance(description, str) else "")
    return None
