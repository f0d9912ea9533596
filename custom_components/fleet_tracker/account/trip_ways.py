"""The way of a trip that ended, asked for once where the vendor tells routes.

The tracker measures more often than the vendor is polled. So the vendor is asked for the way
of each trip some minutes after its end, one trip after the other; what it tells is late news
of the vehicle. Where that fails, the trip stays as it was found.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later
from homeassistant.util import dt as dt_util

from ..const import DOMAIN, LOGGER
from ..contract.connection import Connection
from ..contract.errors import VendorError
from ..contract.history import HistoryKind, HistoryQuery, RoutePoint
from ..model.trips.trip import TripFlag
from ..model.vehicle import (
    TYPICAL_ACCURACY_M,
    FixKind,
    Occurrence,
    OccurrenceKind,
    OccurrenceType,
    Position,
    Vehicle,
    VehicleUpdate,
)
from .occurrences import Subscriber

ASKED_AFTER = timedelta(minutes=5)
"""How long after the end of a trip the vendor is asked: it knows all of the trip then."""
BEFORE, BEHIND = timedelta(minutes=5), timedelta(minutes=1)
"""How much longer than the trip the period is that is asked for."""
UNHEARD = frozenset({TripFlag.ESTIMATED, TripFlag.BEGIN_ESTIMATED})
"""Trips that are not asked for. It is not known when they were made, and a way has no
ignition, so it could not be told from towing."""
MOST_POINTS = 1000
MOST_WAITING = 1000
LONGEST_WAIT_S = 240.0


class Account(Protocol):
    """What is needed of the account."""

    @property
    def config_entry(self) -> ConfigEntry[Any]:
        """Its config entry."""

    @property
    def connection(self) -> Connection:
        """The connection to its vendor."""

    @property
    def may_ask(self) -> bool:
        """Whether the vendor may be asked for what is not urgent."""

    def vehicles(self) -> Mapping[str, Vehicle]:
        """Return what is known of all vehicles, by their ids."""

    def receive(self, updates: Sequence[VehicleUpdate]) -> None:
        """Take news."""

    def async_subscribe_occurrences(
        self,
        subscriber: Subscriber,
        vehicle_id: str | None = None,
        kind: OccurrenceKind | None = None,
    ) -> CALLBACK_TYPE:
        """Subscribe to occurrences of vehicles."""


class TripWays:
    """Asks for the ways of an account's trips."""

    def __init__(self, hass: HomeAssistant, account: Account) -> None:
        """Initialize with the account; `start` starts."""
        self._hass = hass
        self._account = account
        self._waiting: dict[tuple[str, str], datetime] = {}
        """When to ask, by vehicle and trip, in the order of their ends."""
        self._cancel_timer: CALLBACK_TYPE | None = None
        self._is_asking = False

    @callback
    def start(self) -> None:
        """Ask from now on, where the vendor tells routes."""
        entry = self._account.config_entry
        entry.async_on_unload(
            self._account.async_subscribe_occurrences(
                self._on_trip, kind=OccurrenceKind.TRIP
            )
        )
        entry.async_on_unload(self._cancel)

    @callback
    def _cancel(self) -> None:
        self._waiting.clear()
        if self._cancel_timer is not None:
            self._cancel_timer()
            self._cancel_timer = None

    @callback
    def _on_trip(self, vehicle_id: str, occurrence: Occurrence) -> None:
        history = self._account.connection.history
        trip_id = occurrence.details.get("trip_id")
        if (
            occurrence.type is not OccurrenceType.TRIP_ENDED
            or not isinstance(trip_id, str)
            or history is None
            or HistoryKind.ROUTES not in history.offers
            or len(self._waiting) >= MOST_WAITING
        ):
            return
        self._waiting[vehicle_id, trip_id] = occurrence.occurred_at + ASKED_AFTER
        self._plan()

    @callback
    def _plan(self) -> None:
        if self._is_asking or self._cancel_timer is not None or not self._waiting:
            return
        wait = min(self._waiting.values()) - dt_util.utcnow()
        self._cancel_timer = async_call_later(
            self._hass, max(wait, timedelta()), HassJob(self._on_timer)
        )

    @callback
    def _on_timer(self, _now: datetime) -> None:
        self._cancel_timer = None
        self._is_asking = True
        self._account.config_entry.async_create_background_task(
            self._hass, self._async_ask_all(), f"{DOMAIN} ways of trips"
        )

    async def _async_ask_all(self) -> None:
        """Ask for all that is due, one after the other."""
        try:
            while due := [
                key for key, at in self._waiting.items() if at <= dt_util.utcnow()
            ]:
                del self._waiting[due[0]]
                if self._account.may_ask:
                    await self._async_ask(*due[0])
        finally:
            self._is_asking = False
        self._plan()

    async def _async_ask(self, vehicle_id: str, trip_id: str) -> None:
        vehicle = self._account.vehicles().get(vehicle_id)
        history = self._account.connection.history
        if vehicle is None or history is None:
            return
        trip = next((it for it in vehicle.trips.trips if it.trip_id == trip_id), None)
        if trip is None or trip.found.flags & UNHEARD:
            return
        query = HistoryQuery(
            vehicle_ids=[vehicle_id],
            begin=dt_util.utc_from_timestamp(int(trip.found.begin)) - BEFORE,
            end=dt_util.utc_from_timestamp(int(trip.found.until)) + BEHIND,
            limit=MOST_POINTS,
            until=asyncio.get_running_loop().time() + LONGEST_WAIT_S,
        )
        try:
            points = (await history.routes(query))[vehicle_id]
            if isinstance(points, VendorError):
                raise points
        except VendorError as err:
            LOGGER.debug("The way of a trip is not told: %s", type(err).__name__)
            return
        way = tuple(map(_fix, points[:MOST_POINTS]))
        if way and vehicle_id in self._account.vehicles():
            self._account.receive([VehicleUpdate(vehicle_id=vehicle_id, way=way)])


def _fix(point: RoutePoint) -> Position:
    kind = point.kind or FixKind.SATELLITE
    accuracy = point.accuracy
    return Position(
        latitude=point.latitude,
        longitude=point.longitude,
        accuracy=TYPICAL_ACCURACY_M[kind] if accuracy is None else accuracy,
        fixed_at=point.time,
        kind=kind,
        course=point.course,
        speed=point.speed,
    )
