"""Which vehicles an account has, with its sub-accounts' if the user wishes, and where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
import math

from ....contract.errors import VehicleUnavailable
from ....model.elapsed import is_within
from ....model.vehicle import VehicleUpdate
from ..api.client import TracksolidClient
from ..api.records import Device, Location
from ..mapping import map_location

LIST_EVERY = timedelta(minutes=30)
LIST_AGAIN_AFTER = timedelta(minutes=1)
MOST_ACCOUNTS = 500
ODOMETER_SETTLES = timedelta(minutes=10)
"""For how long after an odometer was set any told one is right: it was meant so."""


class Fleet:
    """The devices of an account: listed rarely, located in as few calls as possible."""

    def __init__(self, client: TracksolidClient, *, sub_accounts: bool) -> None:
        """Initialize with the client, and whether to read sub-accounts too."""
        self._client = client
        self._sub_accounts = sub_accounts
        self.devices: dict[str, Device] = {}
        self.accounts: list[str] = [client.account]
        self.listed_at: datetime | None = None
        self._every = LIST_EVERY
        self._odometer_set_at: dict[str, datetime] = {}

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
        self._every = LIST_EVERY
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

    async def locate(self) -> tuple[list[VehicleUpdate], dict[str, VehicleUnavailable]]:
        """Return where the devices are, and which of them were refused.

        One call for each account that has devices, or batches of devices where that
        takes fewer calls. Devices without a position are not in the answers.
        """
        refused: Mapping[str, VehicleUnavailable] = {}
        batches = math.ceil(len(self.devices) / self._client.batches.limit)
        found: list[Location] = []
        if len(self.accounts) <= max(1, batches):
            for account in self.accounts:
                found += await self._client.tracking.locations(account)
        else:
            batch = await self._client.tracking.locations_of(self.devices)
            found, refused = batch.found, batch.refused
        now = self._client.transport.present
        updates = [
            self.map_location(location, now)
            for location in found
            if location.imei in self.devices
        ]
        return updates, dict(refused)

    def note_odometer_set(self, imei: str) -> None:
        """Note that a user has set an odometer, so that the next one told is right."""
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
