"""An accepted tracker: the line to it, what was learned of it, and what it tells."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from ...model.json_values import Json
from ...model.record import replace
from ...model.vehicle import (
    Capability,
    Reading,
    TimeSource,
    Vehicle,
    VehicleDetails,
    VehicleUpdate,
    part_of,
    reading_parts,
)
from .commands import (
    CUSTOM_GROUP,
    GROUP_NAME,
    INTEREST,
    INTERVAL,
    LONGEST_INTERVAL,
    settings_in,
)
from .events import EVENT, map_event, time_of_event, values_of_event
from .frames import Message
from .line import Line
from .mapping import Mapper, map_details
from .parameters import IO, OBD, RESERVED_GROUPS, SYSINFO, UPLOADED_GROUPS
from .speed_unit import SpeedUnitWatch
from .topics import CONTROL, GET, INFO, REFRESH, SET, Topic
from .vocabulary import Vt3Capability

# Keys of what the user set for a tracker
NAME = "name"
CUTS_ENGINE = "cuts_engine"

MOST_CUSTOM_GROUPS = 16
"""Of one tracker: the vendor's larger devices have so many, VT3 trackers half (2.3)."""

_GAPS = 20
_SHORTEST_CONTACT = timedelta(seconds=100)  # three of them are 5 minutes
_LONGEST_CONTACT = timedelta(seconds=LONGEST_INTERVAL)


class Misunderstood(Exception):
    """A message has no news that can be read; the text names the counter for it."""


class Tracker:
    """An accepted tracker: its line, its names for things, and how often it speaks.

    All of its messages become news here, and nowhere else.
    """

    def __init__(
        self, serial: str, *, knots: bool, known: Vehicle | None, asked_at: datetime
    ) -> None:
        """Initialize with the unit of its GNSS speed, and the known vehicle.

        ``asked_at`` is when an earlier listener may have asked it something.
        """
        self.serial = serial
        self.line = Line(serial, asked_at)
        self.mapper = Mapper(serial, knots=knots)
        self.speed_unit = SpeedUnitWatch(knots=knots)
        self.name = serial
        self.custom_groups: set[str] = set()
        self.groups_are_known = False
        """Whether it has told which custom groups it has."""
        self.with_zero = False
        """Whether it wants its outputs spelled with a zero."""
        self.with_token = True
        """Whether requests to it have a client token."""
        self.token_settled = False
        """Whether it is known, on this connection, if the tracker takes a client token."""
        self.greeting: asyncio.Task[None] | None = None
        self._details = known.details if known else None
        self._told: object = None
        self._problems: tuple[bool | None, int] = (None, 0)
        self._heard_at: datetime | None = None
        self._gaps: deque[timedelta] = deque(maxlen=_GAPS)
        for capability in known.capabilities if known else ():
            kind, part = reading_parts(capability)
            if kind in (Vt3Capability.OUTPUT, Capability.CUT_ENGINE):
                self.mapper.outputs.add(part)

    def set_up(self, settings: Mapping[str, object]) -> None:
        """Apply the user's settings: the name, and the outputs that stop the vehicle."""
        self.name = str(settings.get(NAME) or self.serial)
        outputs = settings.get(CUTS_ENGINE)
        self.mapper.cutting_outputs = (
            frozenset(str(output) for output in outputs if output)
            if isinstance(outputs, list | tuple | set | frozenset)
            else frozenset()
        )

    def _forget_groups(self, kept: set[str]) -> None:
        """Forget all other custom groups than these."""
        for group in self.custom_groups - kept:
            self.mapper.aliases.pop(group, None)
        self.custom_groups = kept

    # --- what it tells ------------------------------------------------------------------

    def read_message(
        self, topic: Topic, message: Message, now: datetime
    ) -> VehicleUpdate:
        """Return the news in an upload or an event. Raises Misunderstood."""
        values = message.get("payload")
        if not isinstance(values, Mapping):
            raise Misunderstood("without_payload")
        if topic.group == EVENT:
            update = self.mapper.map_values(
                EVENT,
                values_of_event(values),
                now,
                measured_at=time_of_event(values),
                contact_interval=self._heard(now),
            )
            if (occurrence := map_event(values, now)) is not None:
                update = replace(update, occurrences=(occurrence,), pushed=True)
        elif topic.action == INFO:
            update = self._read_values(topic, values, now, self._heard(now))
        else:
            raise Misunderstood("unknown_topic")
        self._compare_speeds(update)
        return update

    def read_answer(
        self, topic: Topic, result: Json, asked: Mapping[str, Json], now: datetime
    ) -> VehicleUpdate:
        """Return the news in the result of a request, given what it asked to set.

        Notes what it teaches of the tracker's groups. Raises Misunderstood.
        """
        update = VehicleUpdate(
            vehicle_id=self.serial, heard_at=now, heard_source=TimeSource.OURS
        )
        if topic.group == CUSTOM_GROUP:
            found = settings_in(result)[:MOST_CUSTOM_GROUPS]
            if topic.action == GET and isinstance(result, list):
                self._forget_groups({str(group[GROUP_NAME]) for group in found})
                self.groups_are_known = True
            for group in found:
                update = self._learn(str(group[GROUP_NAME]), group, update, now)
        elif not isinstance(result, Mapping):
            raise Misunderstood("without_payload")
        elif topic.action == SET:
            update = self._learn(topic.group, {**asked, **result}, update, now)
        elif topic.action == REFRESH or (topic.group, topic.action) == (IO, CONTROL):
            update = self._read_values(topic, result, now)
        return update

    def _read_values(
        self,
        topic: Topic,
        values: Mapping[str, Json],
        now: datetime,
        contact_interval: timedelta | None = None,
    ) -> VehicleUpdate:
        """Return the news in a group's values, which only an upload lists completely."""
        update = self.mapper.map_values(
            topic.group,
            values,
            now,
            complete=topic.action == INFO,
            contact_interval=contact_interval,
        )
        if topic.group == SYSINFO:
            update = replace(update, details=self.details(values))
        if (capabilities := self._new_capabilities()) is not None:
            update = replace(update, capabilities=capabilities)
        return update

    def details(
        self, values: Mapping[str, Json] = MappingProxyType({})
    ) -> VehicleDetails:
        """Return what the device page shows, with what system parameters say of it now."""
        self._details = map_details(self.name, self.serial, self._details, values)
        return self._details

    def _learn(
        self,
        group: str,
        settings: Mapping[str, Json],
        update: VehicleUpdate,
        now: datetime,
    ) -> VehicleUpdate:
        """Note how a group is set up now, and add it to an update."""
        if isinstance(interest := settings.get(INTEREST), Mapping):
            self.mapper.learn(group, interest)
        if group not in RESERVED_GROUPS:
            self.custom_groups.add(group)
        interval = self.mapper.map_interval(group, settings.get(INTERVAL), now)
        return replace(
            update,
            groups=(*update.groups, *interval.groups),
            capabilities=self.capabilities(),
        )

    def _compare_speeds(self, update: VehicleUpdate) -> None:
        """Compare the speeds in an update, to learn whether their unit is right."""
        for group in update.groups:
            speed = group.readings.get(Reading.OBD_SPEED)
            if group.name == OBD and isinstance(speed, float):
                self.speed_unit.take_speedometer(group.measured_at, speed)
        fix = update.position
        if fix is not None and fix is self.mapper.fix_with_speed:
            self.speed_unit.take_fix(fix)
        self.mapper.unit_is_proven = self.speed_unit.is_wrong is False

    # --- what is known of it ------------------------------------------------------------

    def capabilities(self) -> frozenset[str]:
        """Return what the tracker can be told and asked, and that it tells of events."""
        mapper = self.mapper
        refreshed = {*UPLOADED_GROUPS, SYSINFO, *self.custom_groups}
        uploaded = {*UPLOADED_GROUPS, *self.custom_groups}
        return frozenset(
            {
                Capability.EVENTS,
                *(part_of(Vt3Capability.REFRESH_GROUP, group) for group in refreshed),
                *(part_of(Vt3Capability.UPLOAD_INTERVAL, group) for group in uploaded),
                *(
                    part_of(capability, part)
                    for part in mapper.outputs
                    for capability in (
                        (Capability.CUT_ENGINE, Capability.RESTORE_ENGINE)
                        if part in mapper.cutting_outputs
                        else (Vt3Capability.OUTPUT,)
                    )
                ),
            }
        )

    def _new_capabilities(self) -> frozenset[str] | None:
        """Return the capabilities if they changed since this was last asked."""
        mapper = self.mapper
        grounds = (
            mapper.cutting_outputs,
            len(mapper.outputs),
            frozenset(self.custom_groups),
        )
        if grounds == self._told:
            return None
        self._told = grounds
        return self.capabilities()

    def has_new_problems(self) -> bool:
        """Tell whether what the user should know changed since this was last asked."""
        before = self._problems
        self._problems = (self.speed_unit.is_wrong, len(self.mapper.strange_groups))
        return self._problems != before

    def connected(self) -> None:
        """Note the begin of a connection: the time before it says nothing."""
        self._heard_at = None
        self.token_settled = False

    def _heard(self, now: datetime) -> timedelta:
        """Note that the tracker spoke, and return how often it does."""
        if self._heard_at is not None:
            self._gaps.append(now - self._heard_at)
        self._heard_at = now
        longest = max(self._gaps, default=_SHORTEST_CONTACT)
        return min(max(longest, _SHORTEST_CONTACT), _LONGEST_CONTACT)
