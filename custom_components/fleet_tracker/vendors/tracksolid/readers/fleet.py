"""Which vehicles an account has, with its sub-accounts' if the user wishes, and where."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Set as AbstractSet
from datetime import UTC, datetime, timedelta
import math
from typing import NamedTuple, Self, override

from ....contract.errors import (
    AuthenticationFailed,
    RateLimited,
    VehicleUnavailable,
    VendorError,
)
from ....model.elapsed import is_within
from ....model.json_values import Record
from ....model.quiet_contacts import QuietContacts
from ....model.record import replace
from ....model.record_values import RecordValues
from ....model.vehicle import KnownRecord, TimeSource, Vehicle, VehicleUpdate
from ....transport.http_client import NoAnswer, Unreachable
from ..api.client import TracksolidClient
from ..api.records import Device, Location
from ..api.values import as_time
from ..mapping import map_location
from ..pushes.door import TAG_PATH, Push

HEARD_AT = "hbTime"
_MOVE_ON = frozenset({HEARD_AT})

MAPPED_AT_ONCE = 25
"""How many rows are mapped before the event loop has its turn: about 3 ms."""
LIST_EVERY = timedelta(minutes=30)
LIST_AGAIN_AFTER = timedelta(minutes=1)
MOST_ACCOUNTS = 500
PUSHED_FOR = timedelta(minutes=10)
"""How long after the last pushed position positions count as pushed."""
DRIVING_PUSH_AGE = timedelta(minutes=3)
MOST_FAILURES = 3
"""After so many accounts that cannot be read, the others are not asked either."""
ODOMETER_SETTLES = timedelta(minutes=10)
"""For how long after an odometer was set any value of it is believed."""

_POSITION_PATHS = frozenset({"pushgps", TAG_PATH})


class Located(NamedTuple):
    """Where vehicles are: the news, those without any, and those that were refused."""

    updates: list[VehicleUpdate]
    unchanged: set[str]
    refused: dict[str, VehicleUnavailable]
    error: VendorError | None = None
    """Why one of the accounts could not be read, where others were."""
    left_out: AbstractSet[str] = frozenset()
    """The devices that were told of until now, also before the start, and are not any more."""


class KnownRow(KnownRecord):
    """A row of locations (5.1, 5.2) that was merged. Every field of it counts."""

    __slots__ = (
        "_contacts",
        "_fleet",
        "_heard_at",
        "_left_out_at",
        "_row",
        "_values",
    )

    def __init__(self, row: Record, fleet: Fleet) -> None:
        """Initialize with a row, and with the fleet that knows when it was read last."""
        self._row = row
        self._values = RecordValues(row, _MOVE_ON)
        self._heard_at = row.get(HEARD_AT)
        self._fleet = fleet
        self._left_out_at: datetime | None = None
        self._contacts = QuietContacts()

    @property
    @override
    def has_contacts(self) -> bool:
        """Whether the vehicle was heard of in rows that were covered."""
        return bool(self._contacts)

    @override
    def begin(self, vehicle: Vehicle) -> None:
        """Note a vehicle as it is after the row was merged."""
        if vehicle.heard_at == as_time(self._heard_at):
            self._contacts.begin(vehicle)

    @classmethod
    def of(cls, row: Record, update: VehicleUpdate, fleet: Fleet) -> Self | None:
        """Return a row to hold later ones against, None where later ones may be news.

        That is so where a time is missing that we would put in, each time anew.
        """
        if update.heard_at is None:
            return None
        for group in update.groups:
            if group.time_source is TimeSource.OURS:
                return None
        return cls(row, fleet)

    @override
    def covers(self, record: Record, now: float) -> bool:
        """Tell whether a later row is the same, but for a contact that shows nothing new."""
        if not self._values.are_in(record):
            return False
        heard_at = record.get(HEARD_AT)
        if heard_at != self._heard_at:
            contact = _seconds(heard_at)
            if contact is None or not self._contacts.take(contact, now):
                return False
            self._heard_at = heard_at
        self._left_out_at = self._fleet.located_at
        return True

    @override
    def left_out(self, vehicle: Vehicle) -> VehicleUpdate | None:
        """Return the news in the last row that was the same, None if none was."""
        location = Location.from_row({**self._row, HEARD_AT: self._heard_at})
        if self._left_out_at is None or location is None:
            return None
        update = self._fleet.map_location(location, self._left_out_at)
        return replace(update, contacts=self._contacts.times)


def _seconds(text: object) -> float | None:
    """Return a time in the one form of the documents (chapter 1), in Unix seconds."""
    if type(text) is not str or len(text) != len("2026-01-01 00:00:00"):
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if time.tzinfo else time.replace(tzinfo=UTC).timestamp()


class Fleet:
    """The devices of an account: listed rarely, located in as few calls as possible."""

    def __init__(
        self,
        client: TracksolidClient,
        known_records: Callable[[], Mapping[str, KnownRecord]],
        *,
        sub_accounts: bool,
    ) -> None:
        """Initialize with the client and the host's known records."""
        self._known_records = known_records
        self.located_at = client.transport.present
        self._client = client
        self._sub_accounts = sub_accounts
        self.devices: dict[str, Device] = {}
        self.accounts: list[str] = [client.account]
        self.listed_at: datetime | None = None
        self._every = LIST_EVERY
        self._odometer_set_at: dict[str, datetime] = {}
        self._pushed: dict[str, datetime] = {}
        self._told_of: AbstractSet[str] | None = None

    def is_due(self, now: datetime) -> bool:
        """Tell whether the list is to be read."""
        return not is_within(self.listed_at, self._every, now)

    def list_again(self) -> None:
        """Read the list with the next poll, but not twice within a minute."""
        self._every = LIST_AGAIN_AFTER

    async def read(self) -> tuple[dict[str, Device], bool]:
        """Read the lists and return the devices, and whether the lists are complete.

        The lists do not include sub-accounts (4.1), which are gone through one by one. A
        sub-account that is refused leaves the list incomplete; its devices are kept. A
        list that is empty all of a sudden is none.
        """
        accounts, complete = await self._all_accounts()
        found: dict[str, Device] = {}
        with_devices = []
        for account in accounts:
            try:
                devices = await self._client.devices.devices(account)
            except VehicleUnavailable:
                if account == self._client.account:
                    raise
                complete = False
                continue
            if devices:
                with_devices.append(account)
            for device in devices:
                found.setdefault(device.imei, device)
        complete = complete and bool(found or not self.devices)
        if not complete:
            found = {**self.devices, **found}
        self.devices = found
        # With an empty one no vehicle can be shown.
        self._every = LIST_EVERY if found else LIST_AGAIN_AFTER
        self.accounts = with_devices or [self._client.account]
        self.listed_at = self._client.transport.now()
        return found, complete

    async def _all_accounts(self) -> tuple[list[str], bool]:
        """Return the account and those below it, however deep."""
        accounts = [self._client.account]
        if not self._sub_accounts:
            return accounts, True
        complete = True
        for account in accounts:  # grows while it is gone through
            try:
                below = await self._client.devices.sub_accounts(account)
            except VehicleUnavailable:
                complete = False
                continue
            accounts += [name for name in below if name not in accounts]
            if len(accounts) > MOST_ACCOUNTS:
                return accounts[:MOST_ACCOUNTS], False
        return accounts, complete

    async def locate(self) -> Located:
        """Return where the devices are, and which of them were refused.

        One call for each account that has devices, or batches of devices where that takes
        fewer calls. Devices without a position are not in the answers. Rows are mapped a
        few at a time, so that the event loop is not held.
        """
        refused: Mapping[str, VehicleUnavailable] = {}
        batches = math.ceil(len(self.devices) / self._client.batches.limit)
        rows: list[Record] = []
        error: VendorError | None = None
        if len(self.accounts) <= max(1, batches):
            rows, error = await self._rows_of_accounts()
        else:
            batch = await self._client.tracking.location_rows_of(self.devices)
            rows, refused = batch.found, batch.refused
        self.located_at = self._client.transport.present
        now = self.located_at.timestamp()
        known_records = self._known_records()
        updates: dict[str, list[VehicleUpdate]] = {}
        unchanged: set[str] = set()
        known_of, unchanged_too = known_records.get, unchanged.add
        mapped = 0
        for row in rows:
            imei = row.get("imei")
            if (
                type(imei) is str
                and (known := known_of(imei)) is not None
                and imei not in updates
                and known.covers(row, now)
            ):
                unchanged_too(imei)
                continue
            if mapped == MAPPED_AT_ONCE:
                mapped = 0
                await asyncio.sleep(0)
                known_of = self._known_records().get
            mapped += 1
            location = Location.from_row(row)
            if location is not None and location.imei in self.devices:
                update = self.map_location(location, self.located_at)
                record = KnownRow.of(row, update, self)
                updates.setdefault(location.imei, []).append(
                    replace(update, record=record)
                )
        return Located(
            [one for news in updates.values() for one in news],
            unchanged - updates.keys(),
            dict(refused),
            error,
            self._left_out(updates.keys() | unchanged | refused.keys())
            if error is None
            else frozenset(),
        )

    def _left_out(self, told_of: AbstractSet[str]) -> AbstractSet[str]:
        """Return the devices that the last answer told of and this one does not.

        An answer that tells of none is no answer.
        """
        if not told_of:
            return frozenset()
        before = self.devices.keys() if self._told_of is None else self._told_of
        self._told_of = told_of
        return before & self.devices.keys() - told_of

    async def _rows_of_accounts(self) -> tuple[list[Record], VendorError | None]:
        """Return the rows of all accounts, and why one of them could not be read.

        Raises VendorError where none could, or the account itself is refused.
        """
        rows: list[Record] = []
        error: VendorError | None = None
        failed = 0
        for account in self.accounts:
            try:
                rows += await self._client.tracking.location_rows(account)
            except (AuthenticationFailed, RateLimited, Unreachable, NoAnswer):
                raise
            except VendorError as err:
                error, failed = err, failed + 1
                if failed in (len(self.accounts), MOST_FAILURES):
                    raise
        return rows, error

    def note_odometer_set(self, imei: str) -> None:
        """Note that a user has set an odometer, so that its next value is believed."""
        self._odometer_set_at[imei] = self._client.transport.now()

    def map_location(self, location: Location, now: datetime) -> VehicleUpdate:
        """Return the news in a location, with whether its odometer was set."""
        update = map_location(location, now)
        set_at = self._odometer_set_at.get(location.imei)
        by_our_clock = self._client.transport.now()
        if not is_within(set_at, ODOMETER_SETTLES, by_our_clock):
            return update
        return replace(update, odometer_set=True)

    def account_of(self, imei: str) -> str:
        """Return the account that a device belongs to."""
        device = self.devices.get(imei)
        return (device.account if device else None) or self._client.account

    def take_push(self, push: Push, update: VehicleUpdate) -> VehicleUpdate:
        """Note that positions truly come by push; the news stays as it is."""
        if push.path in _POSITION_PATHS and update.position is not None:
            self._pushed[update.vehicle_id] = self._client.transport.now()
        return update

    def positions_are_pushed(self, driving: AbstractSet[str]) -> bool:
        """Tell whether positions come by push, and those of all driving vehicles just now."""
        now = self._client.transport.now()
        newest = max(self._pushed.values(), default=None)
        return is_within(newest, PUSHED_FOR, now) and all(
            is_within(self._pushed.get(imei), DRIVING_PUSH_AGE, now) for imei in driving
        )
