"""The connection to an account of a vendor, and what it needs of its host.

A connection speaks the vendor's protocol and knows no Home Assistant.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence, Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from ..model.derive import drives
from ..model.json_values import Json
from ..model.vehicle import KnownRecord, Vehicle, VehicleUpdate
from .commands import HARMLESS, Clearance, Command, CommandResult
from .errors import CommandUnsupported, CommandWithdrawn, VendorError
from .history import VendorHistory
from .media import VendorMedia
from .methods import ApiMethod
from .pushes import PushAnswer, PushRequest

if TYPE_CHECKING:
    import aiohttp


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The user's entries: credentials, options, and the vehicles added one by one."""

    data: Mapping[str, object]
    options: Mapping[str, object]
    vehicles: Mapping[str, Mapping[str, object]]
    """The accepted vehicles by their id, for vendors that have no list of their own."""
    driving_interval: timedelta
    parked_interval: timedelta


class Memory(Protocol):
    """Small facts of a connection that outlive a restart: tokens, cursors, refusals."""

    def get(self, key: str) -> Json:
        """Return what was put under the key, None before."""

    async def put(self, key: str, value: Json) -> None:
        """Keep a value; it is on disk when this returns."""


class Host(Protocol):
    """What a connection needs of its host."""

    session: aiohttp.ClientSession

    @property
    def memory(self) -> Memory:
        """Where small facts are kept."""

    def now(self) -> datetime:
        """Return the time, aware UTC."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""

    def vehicle(self, vehicle_id: str) -> Vehicle | None:
        """Return what is known of a vehicle."""

    def vehicles(self) -> Mapping[str, Vehicle]:
        """Return what is known of all vehicles, by their ids."""

    def with_ignition_on(self) -> AbstractSet[str]:
        """Return the vehicles of which it was last told that their ignition is on."""

    def moving(self) -> AbstractSet[str]:
        """Return the vehicles of which it was last told that they move."""

    def known_records(self) -> Mapping[str, KnownRecord]:
        """Return the record that was merged last of each vehicle that nothing touched since.

        A record that it covers is no news.
        """

    def receive(self, updates: Iterable[VehicleUpdate]) -> None:
        """Receive pushed news. It goes the same way as polled news."""

    def discover(self, vehicle_id: str, model: str | None = None) -> None:
        """Show the user a vehicle that is not accepted yet. Calling it again does nothing."""

    def raise_problem(
        self, cause: str, *, vehicles: Collection[str] = (), **placeholders: str
    ) -> None:
        """Show a repair issue (section ``issues``) until it is cleared; one per cause.

        One of the vendor's ``fixable_problems`` comes with the offer to solve it.
        ``vehicles`` are the ids of those concerned: the text has their names as
        ``{vehicles}``. Placeholders never hold an IMEI, serial number, VIN or plate.
        """

    def clear_problem(self, cause: str) -> None:
        """Remove the repair issue, if there is one."""

    def poll_soon(self, seconds: float = 0) -> None:
        """Ask for a poll earlier than planned."""

    def credentials_refused(self) -> None:
        """Ask the user for new credentials. Calling it again does nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PollResult:
    """The result of a poll.

    ``roster`` is the complete list of the account's vehicles where this poll read one. An
    error beside updates or beside ``unchanged`` vehicles says that a part failed, and the
    rest is good.
    """

    answered: bool = True
    """Whether the vendor answered how its vehicles are, at least in part.

    A list of vehicles alone is no such answer: a poll that got no other has failed.
    """
    tells: bool = True
    """Whether that answer tells of any vehicle.

    Where one did before, also before the start, a poll has failed that tells of none.
    """

    updates: Sequence[VehicleUpdate] = ()
    unchanged: int = 0
    """The number of vehicles whose record was read and is no news."""
    roster: frozenset[str] | None = None
    error: VendorError | None = None


class Connection(ABC):
    """One account (or listener) of a vendor."""

    def __init__(self, settings: Settings, host: Host) -> None:
        """Initialize with the settings; no I/O before `open`."""
        self.settings = settings
        self.host = host

    @property
    def clock_offset(self) -> timedelta:
        """By how much the server's clock is ahead of ours, as far as that is known.

        Whatever the vendor tells is judged by the server's clock; timers are set by ours.
        """
        return timedelta()

    def receipt(self) -> datetime:
        """Return what the server's clock shows now: the receipt of news of now."""
        return self.host.now() + self.clock_offset

    async def open(self) -> None:
        """Start what runs all the time (a listener, say).

        Raises VendorError where that fails; set-up is then tried again.
        """

    @abstractmethod
    async def poll(self) -> PollResult:
        """Ask the vendor for news, never waking a device.

        Raises VendorError when nothing could be read. Push-only vendors return an empty
        result.
        """

    def pace(self) -> timedelta | None:
        """Return how often the account's vehicles are asked, None for never.

        It may be longer than the time until the next poll, where each vehicle has a time
        of its own. An account counts as reachable for some of these after a success.
        """
        return self.poll_interval()

    def change_pace(self, driving: timedelta, parked: timedelta) -> None:
        """Poll at another pace from now on: while a vehicle drives, while all are parked."""
        self.settings = replace(
            self.settings, driving_interval=driving, parked_interval=parked
        )

    def poll_interval(self) -> timedelta | None:
        """Return how long to wait until the next poll, None to never poll.

        Quick while any vehicle drives, slow while all are parked or stand for long.
        """
        now = self.host.now()
        vehicles = self.host.vehicles()
        driving = any(
            drives(vehicles[one], now)
            for awake in (self.host.moving(), self.host.with_ignition_on())
            for one in awake
        )
        settings = self.settings
        return settings.driving_interval if driving else settings.parked_interval

    @abstractmethod
    async def look(self, vehicle_id: str) -> VehicleUpdate:
        """Read a vehicle once, now: the newest that the vendor knows.

        Raises VendorError when that fails.
        """

    @abstractmethod
    async def execute(
        self, vehicle_id: str, command: Command, clearance: Clearance = HARMLESS
    ) -> CommandResult:
        """Carry out a command and return when the vehicle confirmed it.

        The clearance is checked right before the bytes leave. A command that can stop a
        vehicle connects within 5 s, never waits for a vehicle that is offline,
        and is never repeated after it may have been sent.

        Raises CommandFailed (nothing changed), CommandWithdrawn (not sent any more),
        CommandUnconfirmed (not known), CommandUnsupported or another VendorError.
        """

    async def check(self, vehicle_id: str, command: Command) -> None:
        """Raise why a vehicle cannot carry out a command, where that is known beforehand.

        Nothing is sent to the vehicle. Raises CommandUnsupported when it never can,
        InvalidArgument or another VendorError. What passes may fail all the same.
        """
        del vehicle_id, command

    def can_stop(self, vehicle_id: str, command: Command) -> bool:
        """Tell whether a command can stop a vehicle. What cannot be judged can.

        Such a command passes the guard before it is executed; restoring is never guarded.
        """
        del vehicle_id, command
        return False

    def restores(self, vehicle_id: str, command: Command) -> bool:
        """Tell whether a command lets a vehicle drive again that was stopped.

        It withdraws what is about to stop the vehicle and waits for nothing.
        """
        del vehicle_id, command
        return False

    def check_clearance(
        self, vehicle_id: str, command: Command, clearance: Clearance
    ) -> None:
        """Raise CommandWithdrawn for what can stop a vehicle without a clearance for it."""
        if self.can_stop(vehicle_id, command) and not clearance.stops:
            raise CommandWithdrawn("No clearance", key="engine_cut_not_cleared")

    async def receive_push(self, request: PushRequest) -> PushAnswer:
        """Verify a push and process it. It is hostile until verified."""
        del request
        return PushAnswer(status=404)

    async def vehicles_changed(
        self, vehicles: Mapping[str, Mapping[str, object]]
    ) -> None:
        """Apply the accepted vehicles after one was added, removed or changed."""

    methods: Mapping[str, ApiMethod] = MappingProxyType({})
    """The documented methods that can be called by name."""

    async def call_method(self, name: str, parameters: Mapping[str, str]) -> Json:
        """Call one of `methods` as it is, and return its answer.

        The caller has checked that it may be called and that the parameters are
        known. Raises VendorError.
        """
        del name, parameters
        raise CommandUnsupported("No methods")

    media: VendorMedia | None = None
    """The cameras of the vehicles, where the vendor has any."""

    history: VendorHistory | None = None
    """What can be asked about the past, where the vendor tells of it."""

    async def solve(self, cause: str) -> Mapping[str, object]:
        """Do what is offered to solve a problem, now that the user agreed.

        Returns the options that change with it. Raises VendorError when it failed.
        """
        del cause
        return {}

    def diagnostics(self) -> Mapping[str, object]:
        """Return counters and states for the diagnostics, without anything private."""
        return {}

    async def stop_receiving(self) -> None:
        """Refuse further news that comes in by itself, and hand on what was received.

        Commands still work. `close` comes later, once the entities are gone.
        """

    async def close(self) -> None:
        """Stop everything; ports and connections are free when this returns."""
