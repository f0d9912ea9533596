"""Makes a file of a vehicle's trips: what is shown, in which format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType

from homeassistant.const import ATTR_LATITUDE, ATTR_LONGITUDE, CONF_RADIUS
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from ...account.coordinator import FleetCoordinator
from ...account.trips.places import place_name
from ...account.trips.records import DashboardReading
from ...contract.errors import InvalidArgument, VendorError
from ...contract.history import Place
from ..past.known_trip import KnownTrip
from ..past.own import OwnPast, readable
from ..past.vendor import VendorKnowledge
from ..past.way import Way, thinned_parts, thinned_way
from .content import Circle, Content, ShownTrip, cut
from .geojson import MIME_TYPE as GEOJSON_TYPE, geojson
from .gpx import MIME_TYPE as GPX_TYPE, gpx
from .kml import MIME_TYPE as KML_TYPE, kml
from .logbook import MIME_TYPE as CSV_TYPE, is_private, logbook
from .wanted import Export, ExportFormat

HOME = "zone.home"
MOST_WAYS = 200
MOST_ROWS = 5_000


_MAPS: MappingProxyType[ExportFormat, tuple[Callable[[Content], str], str]] = (
    MappingProxyType(
        {
            ExportFormat.GPX: (gpx, GPX_TYPE),
            ExportFormat.KML: (kml, KML_TYPE),
            ExportFormat.GEOJSON: (geojson, GEOJSON_TYPE),
        }
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """A file: its name has neither that of the vehicle nor its plate."""

    file_name: str
    mime_type: str
    content: str
    trips: int


async def async_export(
    coordinator: FleetCoordinator, vehicle_id: str, wanted: Export
) -> Exported:
    """Return a file. Raises VendorError where there is too much, or no such trip."""
    hass = coordinator.hass
    own = OwnPast(coordinator, vehicle_id)
    vendor = VendorKnowledge(coordinator, vehicle_id)
    trips = await _async_trips(own, vendor, wanted)
    is_map = wanted.format is not ExportFormat.CSV
    most = MOST_WAYS if is_map else MOST_ROWS
    if len(trips) > most:
        raise InvalidArgument(
            "Too many trips", key="too_many_trips", placeholders={"most": str(most)}
        )
    home = _home(hass) if wanted.trim else None
    shown = []
    for trip in trips:
        one = _shown(hass, trip)
        if is_map:
            if wanted.private_kilometers_only and is_private(one):
                continue
            way = await _async_way(hass, own, vendor, trip, is_thinned=home is None)
            one = replace(one, way=way)
        if home is not None:
            key = f"{coordinator.config_entry.entry_id}/{vehicle_id}/{trip.begin}"
            trimmed = cut(one, home, wanted.trim, key)
            if trimmed is None:
                continue
            one = replace(trimmed, way=thinned_parts(trimmed.way))
        shown.append(one)
    readings: list[DashboardReading] = []
    if not is_map:
        with readable():
            readings = await coordinator.kept_trips.async_readings(
                vehicle_id, wanted.begin, wanted.end
            )
    vehicle = coordinator.vehicle(vehicle_id)
    content = Content(
        trips=shown,
        time_zone=dt_util.get_default_time_zone(),
        made_at=dt_util.utcnow(),
        vehicle=_name(coordinator, vehicle_id),
        plate=None if vehicle is None else vehicle.details.plate,
        readings=readings,
        users={user.id: user.name or "" for user in await hass.auth.async_get_users()},
    )
    make, mime_type = _maker(wanted)
    text = await hass.async_add_executor_job(make, content)
    return Exported(
        file_name=_file_name(wanted, shown),
        mime_type=mime_type,
        content=text,
        trips=len(shown),
    )


async def _async_way(
    hass: HomeAssistant,
    own: OwnPast,
    vendor: VendorKnowledge,
    trip: KnownTrip,
    *,
    is_thinned: bool,
) -> Way:
    """Return the way of a trip as we know it, else as the vendor tells it."""
    way = await own.async_way(trip, is_thinned=is_thinned)
    if len(way.points) > 1:
        return way
    points = await vendor.async_route(trip)
    if not points:
        return way
    make = partial(thinned_way, points)
    if not is_thinned:
        make = partial(make, tolerance_m=0.0, most=len(points))
    return await hass.async_add_executor_job(make)


async def _async_trips(
    own: OwnPast, vendor: VendorKnowledge, wanted: Export
) -> list[KnownTrip]:
    """Return the trips that ended, by their begins."""
    if wanted.trip_id is not None:
        trip = await own.async_trip(wanted.trip_id)
        if trip is None:
            raise InvalidArgument("No such trip", key="unknown_trip")
        return [trip]
    found = await own.async_trips(wanted.begin, wanted.end)
    found = await vendor.async_completed(found, wanted.begin, wanted.end)
    return [one for one in found if wanted.begin <= one.begin and not one.is_running]


def _shown(hass: HomeAssistant, trip: KnownTrip) -> ShownTrip:
    return ShownTrip(
        trip=trip,
        begin=trip.begin,
        end=trip.end,
        begin_place=_zone(hass, trip.begin_place),
        end_place=_zone(hass, trip.end_place),
    )


def _zone(hass: HomeAssistant, place: Place | None) -> str | None:
    if place is None:
        return None
    return place_name(hass, place.latitude, place.longitude)


def _home(hass: HomeAssistant) -> Circle:
    """Return the zone to cut around. Raises VendorError where there is none."""
    zone = hass.states.get(HOME)
    if zone is None:
        raise VendorError("No home", key="no_home_zone")
    attributes = zone.attributes
    return Circle(
        latitude=attributes[ATTR_LATITUDE],
        longitude=attributes[ATTR_LONGITUDE],
        radius=attributes.get(CONF_RADIUS, 0),
    )


def _name(coordinator: FleetCoordinator, vehicle_id: str) -> str:
    """Return how the user calls a vehicle."""
    return coordinator.devices.names_by_vehicle([vehicle_id]).get(vehicle_id, "")


def _maker(wanted: Export) -> tuple[Callable[[Content], str], str]:
    """Return what makes the text, and the type that browsers know it by."""
    if wanted.format is not ExportFormat.CSV:
        return _MAPS[wanted.format]

    def make(content: Content) -> str:
        return logbook(
            content,
            separator=wanted.separator,
            private_kilometers_only=wanted.private_kilometers_only,
            history=wanted.history,
        )

    return make, CSV_TYPE


def _file_name(wanted: Export, shown: list[ShownTrip]) -> str:
    """Return a name by the days that are in the file."""
    zone = dt_util.get_default_time_zone()
    times = [one.begin.astimezone(zone) for one in shown] or [
        wanted.begin.astimezone(zone)
    ]
    first, last = f"{times[0]:%Y-%m-%d}", f"{times[-1]:%Y-%m-%d}"
    days = first if first == last else f"{first}-to-{last}"
    return f"trips-{days}.{wanted.format.value}"
