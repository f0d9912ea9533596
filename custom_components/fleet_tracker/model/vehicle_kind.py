"""What kind of vehicle one is: guessed from its model and its name, unless the user says."""

from __future__ import annotations

from enum import StrEnum
import re


class VehicleKind(StrEnum):
    """The kinds of vehicles that have an icon of their own."""

    CAR = "car"
    VAN = "van"
    TRUCK = "truck"
    BUS = "bus"
    MOPED = "moped"
    SCOOTER = "scooter"
    TRAILER = "trailer"
    OTHER = "other"


# The first that is found counts: a "truck trailer" is no truck.
_WORDS: tuple[tuple[VehicleKind, tuple[str, ...]], ...] = (
    (
        VehicleKind.TRAILER,
        (
            r"(semi-?)?trailers?",
            "caravan",
            "anhänger",
            "wohnwagen",
            "remorque",
            "dorse",
        ),
    ),
    (
        VehicleKind.SCOOTER,
        (r"e?-?(kick)?-?scooters?", "trottinette", "tretroller"),
    ),
    (
        VehicleKind.MOPED,
        (
            *(r"e?-?mopeds?", r"e?-?motor(cycle|bike|rad)s?", r"e?-?bikes?", "moto"),
            *("vespa", "c80", "motosiklet"),
        ),
    ),
    (
        VehicleKind.BUS,
        (r"(mini|school)?-?bus(es)?", "coach", "autobus", "otobüs", "omnibus"),
    ),
    (
        VehicleKind.VAN,
        (
            *(r"(mini)?vans?", "transporter", "sprinter", "transit", "ducato", "vito"),
            *("crafter", "kangoo", "caddy", "berlingo", "camper", "kastenwagen"),
            *("furg[oó]n", "fourgon"),
        ),
    ),
    (
        VehicleKind.TRUCK,
        (
            *("trucks?", "lorry", "lorries", "pick-?up", "tipper", "tractor"),
            *("actros", "scania", "lkw", "cami[oó]n", "kamyon", "lastwagen"),
        ),
    ),
    (
        VehicleKind.OTHER,
        (
            *("boat", "ship", "yacht", "container", "excavator", "digger", "crane"),
            *("forklift", "generator", "bagger", "boot", "bateau"),
        ),
    ),
    (VehicleKind.CAR, ("cars?", "taxi", "auto", "pkw", "voiture", "coche", "araba")),
)
_PATTERNS = tuple(
    (kind, re.compile(rf"(?<!\w)({'|'.join(words)})(?!\w)", re.IGNORECASE))
    for kind, words in _WORDS
)


def guess_kind(*texts: str | None, default: VehicleKind) -> VehicleKind:
    """Return the kind that the texts speak of; earlier texts count more."""
    for text in filter(None, texts):
        # "Van2" and "truck_3" are a van and a truck.
        words = re.sub(r"[\d_]+(?!\w)|_", " ", text)
        for kind, pattern in _PATTERNS:
            if pattern.search(text) or pattern.search(words):
                return kind
    return default
