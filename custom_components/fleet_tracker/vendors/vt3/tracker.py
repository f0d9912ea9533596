"""The state of an accepted tracker beside the readings of its vehicle."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta

from ...model.vehicle import Capability, Vehicle, part_of, reading_parts
from .commands import LONGEST_INTERVAL
from .mapping import Mapper
from .parameters import SYSINFO, UPLOADED_GROUPS
from .speed_unit import SpeedUnitWatch
from .vocabulary import Vt3Capability

# Keys of what the user set for a tracker
NAME = "name"
CUTS_ENGINE = "cuts_engine"

_GAPS = 20
_SHORTEST_CONTACT = timedelta(seconds=100)  # three of them are 5 minutes
_LONGEST_CONTACT = timedelta(seconds=LONGEST_INTERVAL)


class Tracker:
    """An accepted tracker: its names for things, and how often it speaks."""

    def __init__(self, serial: str, *, knots: bool, known: Vehicle | None) -> None:
        """Initialize with the unit of its GNSS speed, and the known vehicle."""
        self.serial = serial
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
        """Whether that has worked on this connection."""
        self.greeting: asyncio.Task[None] | None = None
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

    def forget_groups(self, kept: set[str]) -> None:
        """Forget all other custom groups than these."""
        for group in self.custom_groups - kept:
            self.mapper.aliases.pop(group, None)
        self.custom_groups = kept

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

    def new_capabilities(self) -> frozenset[str] | None:
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

    def heard(self, now: datetime) -> timedelta:
        """Note that the tracker spoke, and return how often it does."""
        if self._heard_at is not None:
            self._gaps.append(now - self._heard_at)
        self._heard_at = now
        longest = max(self._gaps, default=_SHORTEST_CONTACT)
        return min(max(longest, _SHORTEST_CONTACT), _LONGEST_CONTACT)
