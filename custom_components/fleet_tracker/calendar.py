"""Calendars of the drives that were made: one of the account, and one of each vehicle.

They answer from the trips that are kept and, from before, where the vendor tells trips.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import override

from homeassistant.components.calendar import (
    CalendarEntity,
    CalendarEntityDescription,
    CalendarEvent,
)
from homeassistant.const import UnitOfLength
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.util import dt as dt_util
from homeassistant.util.unit_conversion import DistanceConverter

from .account.coordinator import FleetCoordinator
from .account.trips.places import place_name
from .account_entity import AccountDescription, AccountEntity
from .actions.turns import in_turns
from .const import DOMAIN
from .contract.history import Place, Trip as VendorTrip
from .entity import FleetEntity, entities_of
from .model.trips.trip import FoundTrip
from .model.vehicle import Occurrence, OccurrenceKind, Vehicle
from .offer.descriptions import FleetDescription

PARALLEL_UPDATES = 0
SHOWN_AHEAD = timedelta(hours=1)
"""The end of a drive that is under way is not known: it is shown as so long from now."""
LEAST = timedelta(seconds=1)
OVERLAPS = 0.5
ACCOUNT_TRIPS = "account_trips"
TRIPS = "trips"


@dataclass(frozen=True, kw_only=True)
class FleetCalendarDescription(FleetDescription, CalendarEntityDescription):
    """A calendar."""


@dataclass(frozen=True, kw_only=True)
class AccountCalendarDescription(AccountDescription, CalendarEntityDescription):
    """The calendar of an account."""


OF_ACCOUNT = AccountCalendarDescription(key=ACCOUNT_TRIPS)
OF_VEHICLE = FleetCalendarDescription(key=TRIPS, entity_registry_enabled_default=False)


@dataclass(frozen=True, slots=True)
class _Drive:
    """A drive to show: the identity, the times in UTC, the distance in km, both places."""

    vehicle_id: str
    uid: str
    begin: datetime
    end: datetime
    kilometres: float | None
    places: tuple[float | None, float | None, float | None, float | None]


def _found(vehicle_id: str, uid: str, trip: FoundTrip) -> _Drive:
    return _Drive(
        vehicle_id,
        uid,
        datetime.fromtimestamp(round(trip.begin), UTC),
        datetime.fromtimestamp(round(trip.until), UTC),
        trip.distance_m / 1000,
        (
            trip.begin_latitude,
            trip.begin_longitude,
            trip.end_latitude,
            trip.end_longitude,
        ),
    )


def _told(vehicle_id: str, trip: VendorTrip) -> _Drive:
    begin, end = trip.begin_place or Place(), trip.end_place or Place()
    return _Drive(
        vehicle_id,
        str(int(trip.begin.timestamp())),
        trip.begin,
        trip.end,
        trip.distance,
        (begin.latitude, begin.longitude, end.latitude, end.longitude),
    )


async def _async_drives(
    coordinator: FleetCoordinator,
    begin: datetime,
    end: datetime,
    vehicle_id: str | None,
) -> list[_Drive]:
    """Return the drives that began in a time, of a vehicle or of all, oldest first.

    One over midnight belongs to the day on which it began.
    """
    wanted = None if vehicle_id is None else {vehicle_id}
    try:
        own = await coordinator.own_trips.async_trips(begin, end, wanted)
    except OSError as err:
        raise HomeAssistantError(
            translation_domain=DOMAIN, translation_key="kept_trips_unreadable"
        ) from err
    drives = [
        _found(one, trip.trip_id, trip.found)
        for one, trips in own.items()
        for trip in trips
    ]
    if begin < coordinator.trips_kept_since:
        known = {
            one: [(it.begin, it.end) for it in trips] for one, trips in own.items()
        }
        past = await coordinator.async_trips_before_kept(begin, end)
        drives += (
            _told(one, trip)
            for one, told in past.items()
            if wanted is None or one in wanted
            for trip in told
            if not _is_known(trip, known.get(one, ()))
        )
    return sorted(
        (one for one in drives if begin <= one.begin < end),
        key=lambda one: (one.begin, one.vehicle_id),
    )


def _is_known(trip: VendorTrip, known: Iterable[tuple[datetime, datetime]]) -> bool:
    length = trip.end - trip.begin
    return any(
        min(trip.end, end) - max(trip.begin, begin)
        >= OVERLAPS * min(length, end - begin)
        for begin, end in known
    )


@callback
def _running(coordinator: FleetCoordinator, vehicle_id: str) -> _Drive | None:
    vehicle = coordinator.vehicle(vehicle_id)
    trip = None if vehicle is None else vehicle.trips.running
    return None if trip is None else _found(vehicle_id, trip.trip_id, trip.found)


class _Shown:
    """Makes events of drives. The zones are looked up once for each place."""

    def __init__(
        self, coordinator: FleetCoordinator, names: Mapping[str, str] | None
    ) -> None:
        """Initialize with the vehicles' names, where the events are to tell them."""
        self._hass: HomeAssistant = coordinator.hass
        self._names = names
        self._unit = self._hass.config.units.length_unit
        if self._unit != UnitOfLength.MILES:
            self._unit = UnitOfLength.KILOMETERS
        self._zones: dict[tuple[float | None, float | None], str | None] = {}
        self._seen: set[str] = set()

    def _zone(self, latitude: float | None, longitude: float | None) -> str | None:
        place = (latitude, longitude)
        if place not in self._zones:
            self._zones[place] = place_name(self._hass, latitude, longitude)
        return self._zones[place]

    def event(self, drive: _Drive) -> CalendarEvent:
        """Return the event of a drive: names of zones, never a coordinate or an address."""
        begin, end = self._zone(*drive.places[:2]), self._zone(*drive.places[2:])
        parts = []
        if begin or end:
            parts.append(f"{begin or '…'} → {end or '…'}")
        if drive.kilometres is not None:
            distance = DistanceConverter.convert(
                drive.kilometres, UnitOfLength.KILOMETERS, self._unit
            )
            parts.append(f"{distance:.1f} {self._unit}")
        summary = ", ".join(parts)
        uid = drive.uid
        if self._names is not None:
            name = self._names.get(drive.vehicle_id, drive.vehicle_id)
            summary = f"{name}: {summary}" if summary else name
            if uid in self._seen:
                # Two vehicles left in the same second.
                of_vehicle = blake2b(drive.vehicle_id.encode(), digest_size=4)
                uid = f"{uid}-{of_vehicle.hexdigest()}"
            self._seen.add(drive.uid)
        return CalendarEvent(
            start=dt_util.as_local(drive.begin),
            end=dt_util.as_local(max(drive.end, drive.begin + LEAST)),
            summary=summary or "→",
            location=end,
            uid=uid,
        )


class _Drives(CalendarEntity):
    """A calendar of drives. Its state says whether one is under way."""

    coordinator: FleetCoordinator
    _begun: tuple[str, str] | None = None

    @abstractmethod
    def _of(self) -> str | None:
        """Return the vehicle whose drives it shows, None for all vehicles."""

    def _names_shown(self) -> Mapping[str, str] | None:
        return None

    def _under_way(self) -> _Drive | None:
        vehicle_id = self._of()
        ids = self.coordinator.vehicles() if vehicle_id is None else (vehicle_id,)
        running = filter(None, (_running(self.coordinator, one) for one in ids))
        return min(running, key=lambda one: (one.begin, one.vehicle_id), default=None)

    @property
    @override
    def event(self) -> CalendarEvent | None:
        """The drive that is under way, the first of several. One that ended is none."""
        drive = self._under_way()
        if drive is None:
            return None
        # The state is written when the drive begins: neither distance nor destination
        # is known.
        begun = replace(drive, kilometres=None, places=(*drive.places[:2], None, None))
        event = _Shown(self.coordinator, self._names_shown()).event(begun)
        event.end = dt_util.now().replace(microsecond=0) + SHOWN_AHEAD
        return event

    @override
    async def async_get_events(
        self, hass: HomeAssistant, start_date: datetime, end_date: datetime
    ) -> list[CalendarEvent]:
        """Return the drives that began in a time."""
        drives = await _async_drives(
            self.coordinator,
            dt_util.as_utc(start_date),
            dt_util.as_utc(end_date),
            self._of(),
        )
        shown = _Shown(self.coordinator, self._names_shown())
        return [one async for one in in_turns(shown.event, drives)]

    @override
    async def async_added_to_hass(self) -> None:
        """Write the state when a drive begins or ends, and at no other time."""
        await super().async_added_to_hass()
        self._begun = self._key()
        self.async_on_remove(
            self.coordinator.async_subscribe_occurrences(
                self._on_trip, self._of(), OccurrenceKind.TRIP
            )
        )

    def _key(self) -> tuple[str, str] | None:
        drive = self._under_way()
        return None if drive is None else (drive.vehicle_id, drive.uid)

    @callback
    def _on_trip(self, vehicle_id: str, occurrence: Occurrence) -> None:
        del vehicle_id, occurrence
        begun = self._key()
        if begun != self._begun:
            self._begun = begun
            self.async_write_ha_state()


class AccountCalendar(AccountEntity, _Drives):
    """The drives of all vehicles of an account, with their names."""

    entity_description: AccountCalendarDescription

    @override
    def _of(self) -> None:
        return None

    @override
    def _names_shown(self) -> Mapping[str, str]:
        coordinator = self.coordinator
        return coordinator.devices.names_by_vehicle(coordinator.vehicles())


class VehicleCalendar(FleetEntity, _Drives):
    """The drives of one vehicle."""

    entity_description: FleetCalendarDescription

    @override
    def _of(self) -> str:
        return self.vehicle_id


def _with_trips(
    vehicle: Vehicle, descriptions: Mapping[str, FleetDescription]
) -> Iterator[str]:
    if OccurrenceKind.TRIP in vehicle.occurrence_kinds:
        yield from descriptions


async_setup_entry = entities_of(
    VehicleCalendar,
    (OF_VEHICLE,),
    lambda _: (),
    _with_trips,
    of_account=lambda coordinator: [AccountCalendar(coordinator, OF_ACCOUNT)],
)
