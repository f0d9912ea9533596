"""The past as a vendor tells it: routes, trips, stops, alarms and driven distances.

All of it is private: it is asked for when an action is called, and returned to the caller.
It is never logged, and not in the diagnostics; the records do not show their places.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from ..model.vehicle import FixKind, Occurrence
from .errors import OF_THE_ACCOUNT, CommandUnsupported, VendorError


class HistoryKind(StrEnum):
    """The questions about the past, named as the methods of `VendorHistory`."""

    ROUTES = "routes"
    TRIPS = "trips"
    STOPS = "stops"
    ALARMS = "alarms"
    DISTANCES = "distances"


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryQuery:
    """Which vehicles are asked about, and which time, in aware UTC.

    A vendor may stop reading after the first ``limit`` records of each vehicle; more are no
    error. ``until`` is the time of the event loop until which the caller waits, None for as
    long as it takes.
    """

    vehicle_ids: Sequence[str]
    begin: datetime
    end: datetime
    limit: int
    until: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where something was: WGS84 degrees, and an address as the vendor writes it."""

    latitude: float | None = field(default=None, repr=False)
    longitude: float | None = field(default=None, repr=False)
    address: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutePoint:
    """A fix: WGS84 degrees, km/h, course in degrees, altitude and accuracy in m."""

    time: datetime
    latitude: float = field(repr=False)
    longitude: float = field(repr=False)
    speed: float | None = None
    course: float | None = None
    altitude: float | None = None
    accuracy: float | None = None
    kind: FixKind | None = None
    ignition: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    """A drive: km, seconds, km/h, litres.

    The speeds are as the vendor counts them; ``idle_time`` is how long it stood in between
    with the engine on.
    """

    begin: datetime
    end: datetime
    begin_place: Place | None = None
    end_place: Place | None = None
    distance: float | None = None
    duration: int | None = None
    average_speed: float | None = None
    top_speed: float | None = None
    idle_time: int | None = None
    consumption: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A time of standing still, in seconds. Without an ``end`` it goes on, or is not known.

    ``idling``: with the ignition on.
    """

    begin: datetime
    end: datetime | None = None
    duration: int | None = None
    place: Place | None = None
    idling: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Distance:
    """How far a vehicle drove, in km, None where the vendor does not know.

    The vendor may have counted from earlier and until later than was asked: ``begin`` and
    ``end`` say so.
    """

    begin: datetime
    end: datetime
    distance: float | None


type Found[T] = Mapping[str, T | VendorError]
"""The answers by vehicle ids, or the error of a vehicle."""


class VendorHistory(ABC):
    """The past of an account's vehicles, the oldest first.

    A vendor overrides what it can tell and names it in ``offers``; the rest raises
    CommandUnsupported. Every method answers for each vehicle that is asked about. It may
    raise VendorError, which is then the answer for all of them.
    """

    @property
    @abstractmethod
    def offers(self) -> frozenset[HistoryKind]:
        """What the vendor tells."""

    async def routes(self, query: HistoryQuery) -> Found[Sequence[RoutePoint]]:
        """Return where vehicles were."""
        del query
        raise not_told()

    async def trips(self, query: HistoryQuery) -> Found[Sequence[Trip]]:
        """Return the drives of vehicles."""
        del query
        raise not_told()

    async def stops(
        self, query: HistoryQuery, *, idling: bool
    ) -> Found[Sequence[Stop]]:
        """Return when vehicles stood, with the ignition on (idling) or else off."""
        del query, idling
        raise not_told()

    async def alarms(self, query: HistoryQuery) -> Found[Sequence[Occurrence]]:
        """Return the alarms of vehicles. What they tell holds no coordinates."""
        del query
        raise not_told()

    async def distances(self, query: HistoryQuery) -> Found[Distance]:
        """Return how far vehicles drove."""
        del query
        raise not_told()


def not_told() -> CommandUnsupported:
    """Return the error of what a vendor does not tell of the past."""
    return CommandUnsupported("Not told of the past", key="history_not_told")


def too_slow() -> VendorError:
    """Return the error of what was not told in time."""
    return VendorError("Not told in time", key="history_too_slow")


async def one_by_one[T](
    query: HistoryQuery, ask: Callable[[str], Awaitable[T]]
) -> Found[T]:
    """Ask about one vehicle after the other, whatever the results of the others.

    An error of the account is also that of the vehicles that follow: they are not asked
    about. Nor are vehicles asked about once the time is over.
    """
    found: dict[str, T | VendorError] = {}
    of_all: VendorError | None = None
    for vehicle_id in query.vehicle_ids:
        if of_all is not None:
            found[vehicle_id] = of_all
            continue
        try:
            async with asyncio.timeout_at(query.until):
                found[vehicle_id] = await ask(vehicle_id)
        except TimeoutError:
            found[vehicle_id] = of_all = too_slow()
        except VendorError as err:
            found[vehicle_id] = err
            of_all = err if isinstance(err, OF_THE_ACCOUNT) else None
    return found
