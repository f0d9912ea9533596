"""The contract that every vendor fulfils, and the errors that it may raise.

A vendor is a package below ``vendors/``. Its `Connection` speaks the protocol and knows no
Home Assistant; its flow, entities and services say what Home Assistant shows of it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Protocol

from .derive import drives
from .models import Vehicle, VehicleUpdate
from .vendor_api import ApiMethod
from .vendor_media import VendorMedia

if TYPE_CHECKING:
    import aiohttp

    from .entity import VendorEntities
    from .vendor_action import VendorAction
    from .vendor_flow import VendorFlow

type Json = None | bool | int | float | str | Sequence[Json] | Mapping[str, Json]
type Argument = bool | int | float | str


# --- errors ---------------------------------------------------------------------------------


class VendorError(Exception):
    """Something went wrong at the vendor or on the way there.

    ``key`` names the translated text (section ``exceptions``), ``placeholders`` fill it. The
    exception's own text is for logs and names no vehicle, account or secret.
    """

    key: ClassVar[str] = "vendor_error"

    def __init__(
        self,
        message: str = "",
        *,
        key: str | None = None,
        placeholders: Mapping[str, str] | None = None,
    ) -> None:
        """Take a text for the log, and another translation key than the class's own."""
        self.translation_key = key or self.key
        self.placeholders: dict[str, str] = dict(placeholders or {})
        super().__init__(message or self.translation_key)


class CannotConnect(VendorError):
    """The server cannot be reached, or answers with an HTTP error or not in time."""

    key = "cannot_connect"


class InvalidAnswer(VendorError):
    """The server answers something that its document does not know: HTML, half a JSON."""

    key = "invalid_answer"


class AuthenticationFailed(VendorError):
    """The credentials are wrong. Only this starts reauthentication."""

    key = "invalid_auth"


class AccessDenied(VendorError):
    """The credentials are right, but the account may not do this (not enabled, blocked)."""

    key = "access_denied"


class ClockWrong(VendorError):
    """The server refuses requests because the clocks differ."""

    key = "clock_wrong"


class RateLimited(VendorError):
    """Too many requests. ``retry_after`` is how long to wait, where that is known.

    ``is_quota``: an allowance is used up that the vendor's document knows, so that only
    hours help.
    """

    key = "rate_limited"
    is_quota: ClassVar[bool] = False

    def __init__(
        self,
        message: str = "",
        *,
        key: str | None = None,
        placeholders: Mapping[str, str] | None = None,
        retry_after: timedelta | None = None,
    ) -> None:
        """Take how long to wait too."""
        super().__init__(message, key=key, placeholders=placeholders)
        self.retry_after = retry_after


class VehicleUnavailable(VendorError):
    """The vendor refuses one vehicle: unknown, not of this account, expired, blocked."""

    key = "vehicle_unavailable"


class CommandFailed(VendorError):
    """The vehicle or the vendor refused a command, or it failed; nothing has changed."""

    key = "command_failed"


class VehicleOffline(CommandFailed):
    """The command did not reach the vehicle, which is offline."""

    key = "vehicle_offline"


class CommandWithdrawn(CommandFailed):
    """The command was not sent: where it was to leave, it was not allowed any more."""

    key = "command_withdrawn"


class CommandUnsupported(CommandFailed):
    """The vehicle does not know the command, and never will."""

    key = "command_unsupported"


class CommandUnconfirmed(VendorError):
    """The command was sent, but whether it took effect is not known."""

    key = "command_unconfirmed"


class InvalidArgument(VendorError):
    """A value is outside of what the document allows; nothing was sent."""

    key = "invalid_argument"


# --- commands -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Command:
    """Something that a vehicle is told to do.

    Names and arguments are a contract between a vendor's connection and its entities.
    """

    name: str
    arguments: Mapping[str, Argument] = field(
        default_factory=lambda: MappingProxyType({})
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandResult:
    """What came of a command that the vehicle confirmed, as far as the API can tell.

    ``text`` is the vehicle's own words; ``update`` is what is now known of the vehicle;
    ``warning`` is the translation key of a reservation (done, but ...).
    """

    text: str | None = None
    update: VehicleUpdate | None = None
    warning: str | None = None


class Clearance:
    """What a command needs where its bytes leave: for harmless ones this one is enough.

    A connection hands it down to where the request is written to the socket, and calls
    `leave` there, for each further try too. Nothing may be waited for between the two.
    Before that, `check` tells early that there is nothing to wait for.
    """

    stops: bool = False
    """Whether it is one for a command that can stop a vehicle."""

    def check(self) -> None:
        """Raise CommandWithdrawn when the command must not be sent now."""

    def leave(self) -> None:
        """Let the bytes of the command leave now, or raise CommandWithdrawn."""
        self.check()


HARMLESS = Clearance()
"""The clearance of what cannot stop a vehicle. It allows nothing else."""


# --- pushes ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class PushRequest:
    """A request that came in at one of the doors for pushes.

    ``path`` starts behind the secret (``/pushgps``); ``at_root`` says that it came in by the
    root paths instead, which know no secret. The body is limited in size by the door.
    """

    method: str
    path: str
    content_type: str
    body: bytes
    remote: str
    at_root: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PushAnswer:
    """What the vendor is answered. Never 401: that would ban the vendor's address.

    ``verified`` says that the push is the account's for sure, which is a sign of life; a
    probe is not.
    """

    status: int = 200
    body: Mapping[str, Json] | None = None
    verified: bool = False


# --- the connection -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the user entered: credentials, options, and the vehicles added one by one."""

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
    """What a connection may ask of those who hold it."""

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

    def receive(self, updates: Iterable[VehicleUpdate]) -> None:
        """Take news that were pushed. The same way in as for polled ones."""

    def discover(self, vehicle_id: str, model: str | None = None) -> None:
        """Show the user a vehicle that is not accepted yet. Calling it again does nothing."""

    def raise_problem(self, cause: str, **placeholders: str) -> None:
        """Show a repair issue (section ``issues``) until it is cleared; one per cause.

        One of the vendor's ``fixable_problems`` comes with the offer to solve it.
        Placeholders never hold an IMEI, serial number, VIN or plate.
        """

    def clear_problem(self, cause: str) -> None:
        """Take the repair issue away, if there is one."""

    def poll_soon(self, seconds: float = 0) -> None:
        """Ask for a poll earlier than planned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PollResult:
    """What a poll brought.

    ``roster`` is the complete list of the account's vehicles where this poll read one. An
    error beside updates says that a part failed and the rest is good.
    """

    updates: Sequence[VehicleUpdate] = ()
    roster: frozenset[str] | None = None
    error: VendorError | None = None


class Connection(ABC):
    """One account (or listener) of a vendor."""

    def __init__(self, settings: Settings, host: Host) -> None:
        """Take the settings; no I/O before `open`."""
        self.settings = settings
        self.host = host

    @property
    def clock_offset(self) -> timedelta:
        """By how much the server's clock is ahead of ours, as far as that is known.

        Whatever the vendor tells is judged by the server's clock; timers are set by ours.
        """
        return timedelta()

    def receipt(self) -> datetime:
        """Return what the server's clock shows now: when news that come in were received."""
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

    def poll_interval(self) -> timedelta | None:
        """Return how long to wait until the next poll, None to never poll.

        Quick while any vehicle drives, slow while all are parked or stand for long.
        """
        now = self.host.now()
        driving = any(drives(one, now) for one in self.host.vehicles().values())
        settings = self.settings
        return settings.driving_interval if driving else settings.parked_interval

    @abstractmethod
    async def look(self, vehicle_id: str) -> VehicleUpdate:
        """Take one fresh look at a vehicle: the newest that the vendor knows.

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
        """Take a push. Hostile until verified."""
        del request
        return PushAnswer(status=404)

    async def vehicles_changed(
        self, vehicles: Mapping[str, Mapping[str, object]]
    ) -> None:
        """Take the accepted vehicles after one was added, removed or changed."""

    methods: Mapping[str, ApiMethod] = MappingProxyType({})
    """The documented methods that can be called by name."""

    async def call_method(self, name: str, parameters: Mapping[str, str]) -> Json:
        """Call one of `methods` as it is, and return its answer.

        Who calls it has checked that it may be called and that the parameters are known.
        Raises VendorError.
        """
        del name, parameters
        raise CommandUnsupported("No methods")

    media: VendorMedia | None = None
    """The cameras of the vehicles, where the vendor has any."""

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
        """Take nothing more that comes in by itself, and hand on what was taken.

        Commands still work. `close` comes later, once the entities are gone.
        """

    async def close(self) -> None:
        """Stop everything; ports and connections are free when this returns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """What the registry holds of a vendor."""

    key: str
    name: str
    connect: Callable[[Settings, Host], Connection]
    flow: VendorFlow
    entities: VendorEntities
    actions: tuple[VendorAction, ...] = ()
    fixable_problems: frozenset[str] = frozenset()
    """The problems that `Connection.solve` can solve, after a question to the user."""
    private_readings: frozenset[str] = frozenset()
    """Readings that tell whose or where a vehicle is, for the diagnostics to leave out.

    The shared ones need not be named. All parts of a reading are meant.
    """
    polls: bool = True
    """Whether the user can choose how often it is polled."""
    pushes: bool = False
    """Whether the vendor can push to Home Assistant over HTTP."""
    push_root_paths: tuple[str, ...] = ()
    """Paths at the root of Home Assistant that pushes may come in by, if the user allows it."""
