"""What Home Assistant's recorder remembers of a vehicle's entities.

It is asked a day at a time, in its own thread, so that neither a long time nor a busy
vehicle makes one huge answer. The recorder need not be there.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
import math
from typing import Any

from homeassistant.const import (
    ATTR_GPS_ACCURACY,
    ATTR_LATITUDE,
    ATTR_LONGITUDE,
    STATE_OFF,
    STATE_ON,
    Platform,
)
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util

from ...account.coordinator import FleetCoordinator
from ...const import DOMAIN
from ...contract.history import Place, RoutePoint, Stop
from ...model.trips.fold import Fold, TripSettings
from ...model.trips.moments import Moment, join, moment
from ...model.trips.trip import FoundTrip
from ...model.vehicle import (
    Activity,
    Occurrence,
    OccurrenceKind,
    OccurrenceType,
    Reading,
    Value,
)

RECORDER = "recorder"
ASKED_AT_ONCE = timedelta(days=1)
OVERLAP = timedelta(milliseconds=1)
MOST_STATES = 50_000
WRITTEN_WITHIN = timedelta(seconds=2)
"""The states of one update are written one after the other, in no certain order."""

_OWN_ATTRIBUTES = frozenset(
    {
        "event_type",
        "event_types",
        "device_class",
        "friendly_name",
        "icon",
        "message",
        "occurred_at",
        "code",
        "name",
    }
)
"""Attributes of an event entity that are no details of an alarm.

Our answer has a field of its own for some of them, and leaves out the others.
"""


class RecordedPast:
    """The recorded past of one vehicle."""

    def __init__(self, coordinator: FleetCoordinator, vehicle_id: str) -> None:
        """Initialize with the vehicle."""
        self._hass = coordinator.hass
        self._coordinator = coordinator
        self._vehicle_id = vehicle_id

    @property
    def is_there(self) -> bool:
        """Whether Home Assistant records at all."""
        return RECORDER in self._hass.config.components

    def _entity(self, platform: Platform, reading: str) -> str | None:
        unique_id = self._coordinator.devices.unique_id(self._vehicle_id, reading)
        registry = er.async_get(self._hass)
        return registry.async_get_entity_id(platform, DOMAIN, unique_id)

    async def async_states(
        self,
        platform: Platform,
        reading: str,
        begin: datetime,
        end: datetime,
        most: int = MOST_STATES,
    ) -> list[State]:
        """Return the states of an entity, the oldest first, not many more than ``most``.

        The first may be from before the time: it is the state that held then.
        """
        entity_id = self._entity(platform, reading)
        if entity_id is None or not self.is_there:
            return []
        return await async_states(self._hass, entity_id, begin, end, most)

    async def async_route(
        self, begin: datetime, end: datetime, most: int
    ) -> list[RoutePoint]:
        """Return where the tracker was, each place once, with the speed at that time."""
        states = await self.async_states(
            Platform.DEVICE_TRACKER, Reading.POSITION, begin, end
        )
        points = [one for one in map(_point, states) if one and one.time >= begin]
        del points[most:]
        if not points:
            return []
        until = points[-1].time + WRITTEN_WITHIN
        speeds = _Values(
            await self.async_states(Platform.SENSOR, Reading.SPEED, begin, until)
        )
        keys = _Values(
            await self.async_states(
                Platform.BINARY_SENSOR, Reading.IGNITION, begin, until
            )
        )
        return [
            RoutePoint(
                time=one.time,
                latitude=one.latitude,
                longitude=one.longitude,
                accuracy=one.accuracy,
                speed=_number(speeds.at(one.time + WRITTEN_WITHIN)),
                ignition=_on_or_off(keys.at(one.time + WRITTEN_WITHIN)),
            )
            for one in points
        ]

    async def async_trips(
        self, begin: datetime, end: datetime, settings: TripSettings
    ) -> list[FoundTrip]:
        """Return the trips that are found in what was recorded."""
        if not self.is_there:
            return []
        route = await self.async_route(begin, end, MOST_STATES)
        keys = await self.async_states(
            Platform.BINARY_SENSOR, Reading.IGNITION, begin, end
        )
        return await self._hass.async_add_executor_job(
            found_trips, route, keys, end.timestamp(), settings
        )

    async def async_idling(self, begin: datetime, end: datetime) -> list[Stop]:
        """Return when the vehicle stood with its ignition on, and where."""
        states = await self.async_states(Platform.SENSOR, Reading.ACTIVITY, begin, end)
        stops: list[tuple[datetime, datetime | None]] = []
        since: datetime | None = None
        for state in states:
            idles = state.state == Activity.IDLING
            if idles and since is None:
                since = max(state.last_updated, begin)
            elif not idles and since is not None:
                stops.append((since, state.last_updated))
                since = None
        if since is not None:
            stops.append((since, None if end >= dt_util.utcnow() else end))
        if not stops:
            return []
        trackers = await self.async_states(
            Platform.DEVICE_TRACKER, Reading.POSITION, begin, end
        )
        points = [one for one in map(_point, trackers) if one is not None]
        times = [one.time for one in points]
        found = []
        for since, until in stops:
            index = bisect_right(times, since + WRITTEN_WITHIN) - 1
            place = points[index] if index >= 0 else None
            found.append(
                Stop(
                    begin=since,
                    end=until,
                    duration=None
                    if until is None
                    else round((until - since).total_seconds()),
                    place=None
                    if place is None
                    else Place(latitude=place.latitude, longitude=place.longitude),
                    idling=True,
                )
            )
        return found

    async def async_alarms(
        self, begin: datetime, end: datetime, most: int
    ) -> list[Occurrence]:
        """Return the alarms that the event entity fired, by the time they happened."""
        states = await self.async_states(
            Platform.EVENT, OccurrenceKind.ALARM, begin, end
        )
        alarms: dict[str, Occurrence] = {}
        for state in states:
            # A restart writes the state of the last one again.
            if (alarm := _alarm(state)) is not None and begin <= alarm.occurred_at:
                alarms.setdefault(state.state, alarm)
        ordered = sorted(alarms.values(), key=lambda one: one.occurred_at)
        return [one for one in ordered if one.occurred_at < end][:most]


async def async_states(
    hass: HomeAssistant, entity_id: str, begin: datetime, end: datetime, most: int
) -> list[State]:
    """Return the recorded states of an entity, see `RecordedPast.async_states`."""
    # Where the recorder is not set up, what it needs may not even be installed.
    from homeassistant.components.recorder import get_instance, history

    instance = get_instance(hass)
    end = min(end, dt_util.utcnow())
    found: list[State] = []
    while begin < end and len(found) < most:
        until = min(begin + ASKED_AT_ONCE, end)
        states = await instance.async_add_executor_job(
            partial(
                history.get_significant_states,
                hass,
                # What was written at one of the bounds is in neither of the two parts.
                begin - OVERLAP,
                until,
                [entity_id],
                include_start_time_state=not found,
                significant_changes_only=False,
            )
        )
        last = found[-1].last_updated if found else None
        found += [
            one
            for one in states.get(entity_id, ())
            if isinstance(one, State) and (last is None or one.last_updated > last)
        ]
        begin = until
    return found


class _Values:
    """The values of an entity by their times."""

    def __init__(self, states: Sequence[State]) -> None:
        """Initialize with states, the oldest first."""
        self._states = states
        self._times = [state.last_updated for state in states]

    def at(self, time: datetime) -> str | None:
        """Return the state that held at a time."""
        index = bisect_right(self._times, time) - 1
        return self._states[index].state if index >= 0 else None


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _on_or_off(text: str | None) -> bool | None:
    return {STATE_ON: True, STATE_OFF: False}.get(text or "")


def _point(state: State) -> RoutePoint | None:
    """Return where a tracker was by one of its states, None if that is not known."""
    attributes = state.attributes
    latitude, longitude = (
        attributes.get(ATTR_LATITUDE),
        attributes.get(ATTR_LONGITUDE),
    )
    if not isinstance(latitude, int | float) or not isinstance(longitude, int | float):
        return None
    accuracy = attributes.get(ATTR_GPS_ACCURACY)
    return RoutePoint(
        time=state.last_updated,
        latitude=latitude,
        longitude=longitude,
        accuracy=accuracy if isinstance(accuracy, int | float) else None,
    )


def _alarm(state: State) -> Occurrence | None:
    """Return the alarm that a state of an event entity is of."""
    attributes: Mapping[str, Any] = state.attributes
    fired_at = dt_util.parse_datetime(state.state)
    kind = attributes.get("event_type")
    if fired_at is None or kind is None:
        return None
    details: dict[str, Value] = {
        key: value
        for key, value in attributes.items()
        if key not in _OWN_ATTRIBUTES and isinstance(value, str | int | float | bool)
    }
    known = set(OccurrenceType)
    return Occurrence(
        kind=OccurrenceKind.ALARM,
        type=OccurrenceType(kind) if kind in known else OccurrenceType.OTHER,
        occurred_at=dt_util.parse_datetime(str(attributes.get("occurred_at")))
        or fired_at,
        code=_text(attributes.get("code")),
        name=_text(attributes.get("name")),
        details=details,
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def found_trips(
    route: Iterable[RoutePoint],
    keys: Iterable[State],
    until: float,
    settings: TripSettings,
) -> list[FoundTrip]:
    """Return the trips that ended in what was recorded: places, and the ignition."""
    moments: dict[int, Moment] = {}
    told = [
        moment(
            one.time.timestamp(),
            latitude=one.latitude,
            longitude=one.longitude,
            accuracy=one.accuracy,
            speed=one.speed,
        )
        for one in route
    ]
    told += [
        moment(state.last_updated.timestamp(), ignition=on)
        for state in keys
        if (on := _on_or_off(state.state)) is not None
    ]
    for one in told:
        held = moments.get(one.at_ms)
        moments[one.at_ms] = one if held is None else join(held, one)
    fold = Fold()
    for _, one in sorted(moments.items()):
        fold.add(one, settings)
    last = fold.current(until, settings)
    return [*fold.closed, *((last,) if last is not None and last.end else ())]
