"""OBD reports and trouble codes that are polled, for the vehicles that drive."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from ....contract.errors import AccessDenied
from ....model.elapsed import is_within, left
from ....model.json_values import as_text
from ....model.vehicle import VehicleUpdate
from ..api.client import TracksolidClient
from ..api.errors import BusinessError, MethodUnknown
from ..api.records import Fault, ObdReport
from ..api.values import as_time
from ..mapping import FAULT_WINDOW, map_faults, map_obd

REPORTS_EVERY = timedelta(minutes=5)
REPORTS_OVERLAP = timedelta(minutes=1)
REPORTS_BACK = timedelta(minutes=30)
"""Only the newest report counts, so that a pause is not made up for altogether."""
FAULTS_EVERY = timedelta(minutes=30)
AFTER_REFUSAL = timedelta(days=1)
REPORTS_PUSHED_FOR = timedelta(minutes=30)
FAULTS_PUSHED_FOR = timedelta(days=1)

_KEY = "obd_vehicles"
_REFUSED_UNTIL = "obd_refused_until"


class ObdReader:
    """Reads OBD data. An account that has none is asked once a day."""

    def __init__(
        self, client: TracksolidClient, account_of: Callable[[str], str]
    ) -> None:
        """Initialize with the client, and with the function that names a vehicle's account."""
        self._client = client
        self._account_of = account_of
        self._memory = client.transport.memory
        stored = self._memory.get(_KEY)
        self._with_obd: set[str] = {
            imei
            for value in (stored if isinstance(stored, list) else ())
            if (imei := as_text(value)) is not None
        }
        self._reports_at: datetime | None = None
        self._faults_at: datetime | None = None
        self._reports_pushed_at: datetime | None = None
        self._faults_pushed_at: datetime | None = None

    async def note_pushed(self, path: str, imei: str) -> None:
        """Note that reports or trouble codes truly come by push."""
        now = self._client.transport.now()
        if path == "pushobd":
            self._reports_pushed_at = now
            await self._note_obd({imei})
        else:
            self._faults_pushed_at = now

    async def read(
        self, imeis: Iterable[str], driving: set[str]
    ) -> list[VehicleUpdate]:
        """Return what is due: reports of driving vehicles, trouble codes of those with OBD."""
        now = self._client.transport.now()
        ahead = self._client.transport.clock_offset
        refused_until = as_time(self._memory.get(_REFUSED_UNTIL))
        if left(refused_until, AFTER_REFUSAL, now):
            return []
        known = list(imeis)
        updates: list[VehicleUpdate] = []
        try:
            if asked := self._reports_due(known, driving, now):
                last_at, self._reports_at = self._reports_at, now
                # What was reported since then, for some trackers report every 10 minutes.
                begin = min(last_at or now, now - REPORTS_EVERY) - REPORTS_OVERLAP
                begin = max(begin, now - REPORTS_BACK)
                updates += await self._reports(asked, begin + ahead, now + ahead)
            if asked := self._faults_due(known, now):
                self._faults_at = now
                updates += await self._faults(asked, now + ahead)
        except (AccessDenied, BusinessError, MethodUnknown):
            await self._memory.put(_REFUSED_UNTIL, (now + AFTER_REFUSAL).timestamp())
        return updates

    def _reports_due(
        self, known: list[str], driving: set[str], now: datetime
    ) -> list[str]:
        if is_within(self._reports_at, REPORTS_EVERY, now) or is_within(
            self._reports_pushed_at, REPORTS_PUSHED_FOR, now
        ):
            return []
        return [imei for imei in known if imei in driving]

    def _faults_due(self, known: list[str], now: datetime) -> list[str]:
        if is_within(self._faults_at, FAULTS_EVERY, now) or is_within(
            self._faults_pushed_at, FAULTS_PUSHED_FOR, now
        ):
            return []
        return [imei for imei in known if imei in self._with_obd]

    async def _reports(
        self, imeis: list[str], begin: datetime, now: datetime
    ) -> list[VehicleUpdate]:
        last: dict[str, ObdReport] = {}
        for account, own in self._by_account(imeis).items():
            batch = await self._client.reports.obd(account, own, begin, now)
            for report in batch.found:
                last[report.imei] = report
        await self._note_obd(last.keys())
        return [map_obd(report) for report in last.values()]

    async def _faults(self, imeis: list[str], now: datetime) -> list[VehicleUpdate]:
        by_vehicle: dict[str, list[Fault]] = {imei: [] for imei in imeis}
        for account, own in self._by_account(imeis).items():
            batch = await self._client.reports.faults(
                account, own, now - FAULT_WINDOW, now
            )
            for fault in batch.found:
                by_vehicle.setdefault(fault.imei, []).append(fault)
        return [map_faults(imei, faults, now) for imei, faults in by_vehicle.items()]

    async def _note_obd(self, imeis: Iterable[str]) -> None:
        if not self._with_obd.issuperset(imeis := set(imeis)):
            self._with_obd |= imeis
            await self._memory.put(_KEY, sorted(self._with_obd))

    def _by_account(self, imeis: list[str]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for imei in imeis:
            found.setdefault(self._account_of(imei), []).append(imei)
        return found
