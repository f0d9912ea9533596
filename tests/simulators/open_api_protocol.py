"""Codes, limits and the shape of a request, as the Open API's documents fix them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
import json
import math

from .open_api_fleet import Account, Device, Record, Reply
from .world import Happening

CODES = {
    10000: "System error",
    10001: "Unknown request",
    10002: "Login timeout",
    10003: "Not login yet",
    10004: "Parameter error",
    10005: "Missing required parameter",
    10006: "The parameter is out of range",
    10007: "Permission denied",
    10009: "Request is too frequency",
    10010: "Access token doesn't exist",
    10011: "Access token is invalid",
    10012: "Access token is out of date",
    10013: "IMEI is not authorized",
    10014: "Request time error",
    10016: "Account is blocked",
    20001: "Account or password error",
    20005: "Target doesn't exist.",
    20017: "Device is offline.",
    20018: "Send command fail.",
    20023: "No Data.",
    20046: "Target is expired.",
    20048: "Unsupported command.",
    20089: "Device is blocked.",
}

TOKEN_SECONDS = 7200
MAX_IMEIS = 100
MAX_POINTS = 1000
MAX_ALARMS = 100
MAX_ROWS = 500
MAX_MESSAGE_ACCOUNTS = 200
MAX_MESSAGE_LENGTH = 300
HALF_HOUR = 1800
MAX_REPORT_SECONDS = 7 * 86_400
FENCE_RADIUS = range(100, 5001)
FENCE_KINDS = {
    0: frozenset({Happening.LEFT}),
    1: frozenset({Happening.ENTERED}),
    2: frozenset({Happening.LEFT, Happening.ENTERED}),
}

type Result = Record | list[Record] | str | None


class Refused(Exception):
    """A request that is answered with an error code."""

    def __init__(self, code: int, more: object = "") -> None:
        """Initialize with the code and an addition to its message."""
        super().__init__(code)
        self.code = code
        self.message = f"{CODES[code]} {more}".strip()


@dataclass(slots=True)
class Token:
    """An access token and what became of it."""

    account: Account
    issued: float
    replaced: bool = False


@dataclass(slots=True)
class SentCommand:
    """A command on its way; `waits` is how many queries it leaves unanswered."""

    account: Account
    device: Device
    reply: Reply
    obey: Callable[[], None]
    waits: int | None

    def query(self) -> Record:
        """Return the record of a query, and let the tracker act when it answers."""
        if self.waits is None or self.waits > 0:
            if self.waits:
                self.waits -= 1
            return {"response": "", "commandstatus": 0}
        if self.reply.obeys:
            self.obey()
            self.obey = _nothing
        return {"response": self.reply.text, "commandstatus": 1}


def _nothing() -> None:
    """Do nothing: an answered command is not carried out again."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message that was sent to accounts."""

    accounts: tuple[str, ...]
    content: str


@dataclass(frozen=True, slots=True)
class Call:
    """A request of an account, with its parameters."""

    account: Account
    query: Mapping[str, str]

    def text(self, name: str) -> str:
        """Return a required parameter."""
        if value := self.query.get(name, ""):
            return value
        raise Refused(10005, name)

    def integer(self, name: str) -> int:
        """Return a required whole number."""
        try:
            return int(self.text(name))
        except ValueError:
            raise Refused(10004, name) from None

    def degrees(self, name: str, limit: float) -> float:
        """Return a required coordinate."""
        try:
            value = float(self.text(name))
        except ValueError:
            raise Refused(10004, name) from None
        if not math.isfinite(value) or abs(value) > limit:
            raise Refused(10006, name)
        return value

    def period(self) -> tuple[int, int]:
        """Return the period asked for."""
        begin, end = self.integer("begintime"), self.integer("endtime")
        if begin > end:
            raise Refused(10006, "begintime")
        return begin, end


def mileage_parameter(text: str) -> float:
    """Return the kilometres of SET_MILEAGE's paramData: {"mileage":"30"}."""
    try:
        value = json.loads(text)["mileage"]
        kilometres = float(value)
    except KeyError:
        raise Refused(10005, "mileage") from None
    except (TypeError, ValueError):
        raise Refused(10004, "paramData") from None
    if not isinstance(value, str):
        raise Refused(10004, "mileage")
    if not 0 <= kilometres < math.inf:
        raise Refused(10006, "mileage")
    return kilometres
