"""OBD reports of the vehicles that drive, and trouble codes of those that have OBD."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import ClassVar, override

from ....contract.errors import AccessDenied
from ....model.elapsed import is_within, left
from ....model.json_values import as_text
from ....model.vehicle import VehicleUpdate
from ..api.client import TracksolidClient
from ..api.errors import BusinessError, MethodUnknown
from ..api.records import Fault, ObdReport
from ..api.values import as_time
from ..mapping import FAULT_WINDOW, map_faults, map_obd
from ..pushes.door import Push
from .reader import Reader, Situation

REPORTS_EVERY = timedelta(minutes=5)
REPORTS_OVERLAP = timedelta(minutes=1)
REPORTS_BACK = timedelta(minutes=30)
"""How far back reports are read: only the newest counts, whatever was missed."""
FAULTS_EVERY = timedelta(minutes=30)
AFTER_REFUSAL = timedelta(days=1)
REPORTS_PUSHED_FOR = timedelta(minutes=30)
FAULTS_PUSHED_FOR = timedelta(days=1)

_REPORTS_PUSHED = "pushobd"
_FAULTS_PUSHED = "pushfaultinfo"
_KEY = "obd_vehicles"
_REFUSED_UNTIL = "obd_refused_until"
_REFUSALS = (AccessDenied, BusinessError, MethodUnknown)


class ObdVehicles:
    """Which vehicles have OBD, and until when an account has none at all."""

    def __init__(
        self, client: TracksolidClient, account_of: Callable[[str], str]
    ) -> None:
        """Initialize with the client, and with the function that names a vehicle's account.

        The client's memory keeps what is learned here.
        """
        self._account_of = account_of
        self._memory = client.transport.memory
        stored = self._memory.get(_KEY)
        self._with_obd: set[str] = {
            imei
            for value in (stored if isinstance(stored, list) else ())
            if (imei := as_text(value)) is not None
        }

    def are_refused(self, now: datetime) -> bool:
        """Tell whether the account was refused OBD data within the last day."""
        refused_until = as_time(self._memory.get(_REFUSED_UNTIL))
        return bool(left(refused_until, AFTER_REFUSAL, now))

    async def note_refusal(self, now: datetime) -> None:
        """Ask an account that has no OBD data again in a day."""
        await self._memory.put(_REFUSED_UNTIL, (now + AFTER_REFUSAL).timestamp())

    def among(self, imeis: Iterable[str]) -> Sequence[str]:
        """Return the vehicles of some that have reported OBD data."""
        with_obd = self._with_obd
        return [imei for imei in imeis if imei in with_obd] if with_obd else ()

    async def add(self, imeis: Iterable[str]) -> None:
        """Note vehicles that have reported OBD data."""
        if not self._with_obd.issuperset(imeis := set(imeis)):
            self._with_obd |= imeis
            await self._memory.put(_KEY, sorted(self._with_obd))

    def by_account(self, imeis: Iterable[str]) -> dict[str, list[str]]:
        """Return vehicles by the account that each belongs to."""
        found: dict[str, list[str]] = {}
        for imei in imeis:
            found.setdefault(self._account_of(imei), []).append(imei)
        return found


class _ObdReader(Reader):
    """Reads OBD data at a pace of its own, unless it is pushed or the account has none."""

    _every: ClassVar[timedelta]
    _pushed_for: ClassVar[timedelta]

    def __init__(self, client: TracksolidClient, vehicles: ObdVehicles) -> None:
        """Initialize with the client, and with what is known of vehicles with OBD."""
        self._client = client
        self._vehicles = vehicles
        self._asked_at: datetime | None = None
        self._pushed_at: datetime | None = None

    @abstractmethod
    def _with_data(self, situation: Situation) -> Sequence[str]:
        """Return the vehicles that may have new data."""

    @override
    def due(self, situation: Situation) -> Sequence[str]:
        """Return the vehicles, unless their data is pushed or was just read."""
        now = situation.now
        if (
            is_within(self._asked_at, self._every, now)
            or is_within(self._pushed_at, self._pushed_for, now)
            or self._vehicles.are_refused(now)
        ):
            return ()
        return self._with_data(situation)


class ObdReportReader(_ObdReader):
    """Reads the newest OBD report of each driving vehicle."""

    _every = REPORTS_EVERY
    _pushed_for = REPORTS_PUSHED_FOR

    @override
    async def take_push(self, push: Push, update: VehicleUpdate) -> VehicleUpdate:
        """Note that reports truly come by push, and that the vehicle has OBD."""
        if push.path == _REPORTS_PUSHED:
            self._pushed_at = self._client.transport.now()
            await self._vehicles.add({update.vehicle_id})
        return update

    @override
    def _with_data(self, situation: Situation) -> Sequence[str]:
        """Return the driving vehicles."""
        driving = situation.driving
        return (
            [imei for imei in situation.devices if imei in driving] if driving else ()
        )

    @override
    async def read(
        self, imeis: Sequence[str], situation: Situation
    ) -> Sequence[VehicleUpdate]:
        """Return the newest reports."""
        now = situation.now
        ahead = self._client.transport.clock_offset
        last_at, self._asked_at = self._asked_at, now
        # What was reported since then, for some trackers report every 10 minutes.
        begin = min(last_at or now, now - REPORTS_EVERY) - REPORTS_OVERLAP
        begin = max(begin, now - REPORTS_BACK)
        last: dict[str, ObdReport] = {}
        try:
            for account, own in self._vehicles.by_account(imeis).items():
                batch = await self._client.reports.obd(
                    account, own, begin + ahead, now + ahead
                )
                for report in batch.found:
                    last[report.imei] = report
        except _REFUSALS:
            await self._vehicles.note_refusal(now)
            return ()
        await self._vehicles.add(last)
        return [map_obd(report) for report in last.values()]


class FaultReader(_ObdReader):
    """Reads the trouble codes of vehicles that have reported OBD data."""

    _every = FAULTS_EVERY
    _pushed_for = FAULTS_PUSHED_FOR

    @override
    async def take_push(self, push: Push, update: VehicleUpdate) -> VehicleUpdate:
        """Note that trouble codes truly come by push."""
        if push.path == _FAULTS_PUSHED:
            self._pushed_at = self._client.transport.now()
        return update

    @override
    def _with_data(self, situation: Situation) -> Sequence[str]:
        """Return the vehicles with OBD."""
        return self._vehicles.among(situation.devices)

    @override
    async def read(
        self, imeis: Sequence[str], situation: Situation
    ) -> Sequence[VehicleUpdate]:
        """Return the trouble codes that are raised, none for vehicles without any."""
        self._asked_at = situation.now
        now = situation.now + self._client.transport.clock_offset
        by_vehicle: dict[str, list[Fault]] = {imei: [] for imei in imeis}
        try:
            for account, own in self._vehicles.by_account(imeis).items():
                batch = await self._client.reports.faults(
                    account, own, now - FAULT_WINDOW, now
                )
                for fault in batch.found:
                    by_vehicle.setdefault(fault.imei, []).append(fault)
        except _REFUSALS:
            await self._vehicles.note_refusal(situation.now)
            return ()
        return [map_faults(imei, faults, now) for imei, faults in by_vehicle.items()]
