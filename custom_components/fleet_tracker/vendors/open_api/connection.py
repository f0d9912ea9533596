"""An Open API account: what is polled when, and how commands are confirmed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import batched, islice
import logging
import re
from types import MappingProxyType
from typing import override

from ...clocks import was_told
from ...models import ReadingGroup, TimeSource, VehicleUpdate
from ...vendor import (
    HARMLESS,
    AuthenticationFailed,
    Clearance,
    Command,
    CommandFailed,
    CommandResult,
    CommandUnsupported,
    Connection,
    Host,
    InvalidArgument,
    Json,
    PollResult,
    RateLimited,
    Settings,
    VehicleUnavailable,
    VendorError,
)
from . import commands
from .alarms import AlarmReader
from .catalog import METHODS, http_method
from .client import AlarmForm, OpenApiClient
from .mapping import (
    STATUS_BLOCKED,
    STATUS_EXPIRED,
    STATUS_NOT_AUTHORIZED,
    STATUS_UNKNOWN,
    map_device,
    map_track,
    status_update,
)
from .transport import Token

_LOGGER = logging.getLogger(__name__)

LIST_INTERVAL = timedelta(minutes=15)
LIST_RETRY = timedelta(minutes=1)
RETRY_SPACING = timedelta(minutes=1)
"""How long it is at least from one refused vehicle that is tried again to the next."""
ODOMETER_SETTLES = timedelta(minutes=10)
"""For so long after it was set, a lower odometer is what was meant."""
VEHICLES_PER_CALL = 100

# Keys of the settings
SERVER = "server"
ACCOUNT = "account"
PASSWORD_MD5 = "password_md5"
SUB_ACCOUNTS = "sub_accounts"
EXCLUDED = "excluded_vehicles"

# Keys of the memory
TOKEN = "token"
ALARM_FORM = "alarm_form"
REFUSED_COMMANDS = "refused_commands"
REFUSED_VEHICLES = "refused_vehicles"

# Problems that the user is told of
ACCOUNT_SHARED = "account_shared"
LIST_CUT_OFF = "list_cut_off"

_BRANDS: Mapping[str, str] = MappingProxyType(
    {"protrack": "ProTrack", "itrack": "iTrack", "etrack": "eTrack"}
)
# Why a vehicle was refused, by the error's translation key
_STATUS_OF_REFUSAL: Mapping[str, str] = MappingProxyType(
    {
        "vehicle_not_authorized": STATUS_NOT_AUTHORIZED,
        "target_unknown": STATUS_UNKNOWN,
        "vehicle_expired": STATUS_EXPIRED,
        "vehicle_blocked": STATUS_BLOCKED,
    }
)
# How trackers say no: each has words of its own, and there is no list of them.
_SAYS_NO = re.compile(
    r"\b(fail|error|refus|reject|invalid|unvalue|denied|unsuccess|unsupport|speed limit"
    r"|not (success|support|allow|execut))",
    re.IGNORECASE,
)


def brand(server: str) -> str:
    """Return the brand of a server: a known one by its name, else the API's."""
    return next((name for part, name in _BRANDS.items() if part in server), "Open API")


class OpenApiConnection(Connection):
    """Polls an account: the device list rarely, all positions in few calls, alarms spread."""

    def __init__(self, settings: Settings, host: Host) -> None:
        """Take the credentials, and the token of the last session."""
        super().__init__(settings, host)
        self._server = str(settings.data[SERVER])
        form = host.memory.get(ALARM_FORM)
        self.client = OpenApiClient(
            host.session,
            self._server,
            str(settings.data[ACCOUNT]),
            str(settings.data[PASSWORD_MD5]),
            now=host.now,
            sleep=host.sleep,
            token=Token.from_json(host.memory.get(TOKEN)),
            save_token=self._save_token,
            alarm_form=AlarmForm(form) if isinstance(form, str) else None,
        )
        self._alarms = AlarmReader(self.client, host, self.receipt)
        excluded = settings.options.get(EXCLUDED, ())
        self._excluded = frozenset(excluded if isinstance(excluded, list) else ())
        self._listed: tuple[str, ...] = ()
        self._suspects: frozenset[str] = frozenset()
        self._listed_at: datetime | None = None
        self._list_due_at = host.now()
        self._refused = _refused_vehicles(host.memory.get(REFUSED_VEHICLES))
        self._tried_again_at = host.now()
        self._refused_commands = _refused_commands(host.memory.get(REFUSED_COMMANDS))
        self._odometer_set_at: dict[str, datetime] = {}

    @property
    @override
    def clock_offset(self) -> timedelta:
        """By how much the server's clock is ahead, which it tells when it minds (10014)."""
        return self.client.clock_offset

    async def open(self) -> None:
        """Recall since when alarms are read."""
        await self._alarms.open()

    async def _save_token(self, token: Token) -> None:
        await self.host.memory.put(TOKEN, token.as_json())

    # --- polling ----------------------------------------------------------------------------

    async def poll(self) -> PollResult:
        """Read the device list when it is time, and where all vehicles are."""
        try:
            return await self._poll()
        finally:
            if self.client.contested:
                self.host.raise_problem(ACCOUNT_SHARED)
            else:
                self.host.clear_problem(ACCOUNT_SHARED)

    async def _poll(self) -> PollResult:
        updates: list[VehicleUpdate] = []
        roster: frozenset[str] | None = None
        error: VendorError | None = None
        if self._is_list_due():
            try:
                roster = await self._read_list(updates)
            except VendorError as err:
                # Nobody tries a wrong password twice.
                if self._listed_at is None or isinstance(err, AuthenticationFailed):
                    raise
                error = err
                self._list_due_at = self.host.now() + LIST_RETRY
        self._try_again_if_due(self.host.now())
        with_news: set[str] = set()
        refused_before = dict(self._refused)
        asked = [imei for imei in self._listed if imei not in self._refused]
        for imeis in self._batches(asked):
            try:
                failure = await self._track(imeis, updates, with_news)
            except VendorError as err:
                failure = err
            if failure is not None:
                error = failure
                break
        if self._refused != refused_before or self._suspects:
            await self._remember_refusals()
        if isinstance(error, RateLimited):
            self._alarms.rest(error.retry_after or timedelta())
        self._alarms.read_soon(asked, with_news)
        if self.client.alarm_form is not None:
            await self.host.memory.put(ALARM_FORM, self.client.alarm_form)
        return PollResult(updates=updates, roster=roster, error=error)

    async def _remember_refusals(self) -> None:
        """Keep who is refused: to find out anew at each start takes many calls."""
        kept: Json = dict(self._refused)
        if kept != self.host.memory.get(REFUSED_VEHICLES):
            await self.host.memory.put(REFUSED_VEHICLES, kept)

    def _batches(self, imeis: list[str]) -> Iterator[tuple[str, ...]]:
        """Yield whom to ask for in one call each.

        Who was refused before is asked for apart: to find them again among the others would
        take many calls.
        """
        for suspect in (False, True):
            some = [imei for imei in imeis if (imei in self._suspects) is suspect]
            yield from batched(some, VEHICLES_PER_CALL, strict=False)

    def _try_again(self, now: datetime) -> None:
        """Ask again for the one that was refused first: of many, one with each call."""
        self._suspects = frozenset(islice(self._refused, 1))
        self._tried_again_at = now
        for imei in self._suspects:
            del self._refused[imei]

    def _try_again_if_due(self, now: datetime) -> None:
        """Ask again for one of many between the lists, so that all have their turn."""
        if len(self._refused) > 1:
            spacing = max(LIST_INTERVAL / len(self._refused), RETRY_SPACING)
            if not timedelta() <= now - self._tried_again_at < spacing:
                self._try_again(now)

    def _is_list_due(self) -> bool:
        now = self.host.now()
        return (
            # A clock that was set back does not put the list off.
            self._listed_at is None or now < self._listed_at or now >= self._list_due_at
        )

    def _was_listed_within(self, period: timedelta, now: datetime) -> bool:
        listed_at = self._listed_at
        return listed_at is not None and timedelta() <= now - listed_at < period

    async def _read_list(self, updates: list[VehicleUpdate]) -> frozenset[str] | None:
        """Read the device list. Returns the roster if the list is complete."""
        now = self.host.now()
        fleet = await self.client.fleet(
            sub_accounts=bool(self.settings.options.get(SUB_ACCOUNTS, False))
        )
        for record in fleet.devices.values():
            update = map_device(record, brand(self._server), self.receipt())
            if update is not None and update.vehicle_id not in self._excluded:
                updates.append(
                    replace(update, capabilities=self._capabilities(update.vehicle_id))
                )
        listed = [update.vehicle_id for update in updates]
        if not (listed and fleet.complete):
            # Whom such a list leaves out may be there all the same.
            listed += (one for one in self._listed if one not in fleet.devices)
        self._listed = tuple(listed)
        # A list that is read early is to tell who is still there. With the next one, who
        # was refused is asked for again.
        if not self._was_listed_within(LIST_INTERVAL, now):
            self._try_again(now)
        self._listed_at = now
        self._list_due_at = now + LIST_INTERVAL
        if fleet.cut_off:
            self.host.raise_problem(LIST_CUT_OFF, count=str(len(fleet.devices)))
        else:
            self.host.clear_problem(LIST_CUT_OFF)
        return frozenset(fleet.devices) if fleet.complete else None

    async def _track(
        self, imeis: Sequence[str], updates: list[VehicleUpdate], with_news: set[str]
    ) -> VendorError | None:
        """Add the news of up to 100 vehicles, and why some of them were refused.

        Returns what kept the rest of them from being asked for.
        """
        batch = await self.client.track(imeis)
        now = self.receipt()
        for imei in imeis:
            known = self.host.vehicle(imei)
            if (refusal := batch.refused.get(imei)) is not None:
                self._refused[imei] = _status_of(refusal)
                updates.append(
                    status_update(imei, self._refused[imei], known=known, now=now)
                )
            elif (update := self._news(imei, batch.found.get(imei, {}))) is not None:
                updates.append(update)
                is_new = update.heard_at and not was_told(known, update.heard_at)
                if known is not None and is_new:
                    with_news.add(imei)
            elif batch.error is None:
                # The server answered, and said nothing of it.
                updates.append(status_update(imei, None, known=known, now=now))
        if batch.refused and not self._was_listed_within(LIST_RETRY, self.host.now()):
            # What the account may see has changed since the list was read.
            self._list_due_at = self.host.now()
        return batch.error

    def _news(self, imei: str, record: Mapping[str, object]) -> VehicleUpdate | None:
        now = self.host.now()
        update = map_track(record, self.host.vehicle(imei), self.receipt())
        set_at = self._odometer_set_at.get(imei)
        if update and set_at and now - set_at <= ODOMETER_SETTLES:
            return replace(update, odometer_set=True)
        return update

    async def look(self, vehicle_id: str) -> VehicleUpdate:
        """Return the newest that the vendor knows of one vehicle (2.2)."""
        batch = await self.client.track([vehicle_id])
        if vehicle_id in batch.refused:
            raise batch.refused[vehicle_id]
        update = self._news(vehicle_id, batch.found.get(vehicle_id, {}))
        if update is None:
            raise VehicleUnavailable("No record of the vehicle", key="target_unknown")
        return update

    # --- commands ---------------------------------------------------------------------------

    def can_stop(self, vehicle_id: str, command: Command) -> bool:
        """Tell whether it is the engine cut-off."""
        return command.name == commands.ENGINE_CUT

    async def check(self, vehicle_id: str, command: Command) -> None:
        """Raise CommandUnsupported for what a tracker once did not know (20048)."""
        capability = commands.CAPABILITY_OF.get(command.name)
        if capability in self._refused_commands.get(vehicle_id, ()):
            raise CommandUnsupported("It did not know the command")

    def restores(self, vehicle_id: str, command: Command) -> bool:
        """Tell whether it ends the engine cut-off."""
        return command.name == commands.ENGINE_RESTORE

    async def execute(
        self, vehicle_id: str, command: Command, clearance: Clearance = HARMLESS
    ) -> CommandResult:
        """Send a command and return when the tracker answered it (2.5, 2.6)."""
        self.check_clearance(vehicle_id, command, clearance)
        if command.name not in commands.WIRE_COMMANDS:
            raise InvalidArgument("Unknown command")
        data = None
        if command.name == commands.SET_MILEAGE:
            data = {"mileage": f"{command.arguments['kilometres']:.12g}"}
        try:
            answer = await self.client.run_command(
                vehicle_id, commands.WIRE_COMMANDS[command.name], data, clearance
            )
        except CommandUnsupported:
            await self._note_refusal(vehicle_id, command.name)
            raise
        if _SAYS_NO.search(answer):
            raise CommandFailed(
                "The tracker said no",
                key="command_answered_no",
                placeholders={"answer": answer},
            )
        return CommandResult(
            text=answer, update=await self._after(vehicle_id, command.name)
        )

    async def _after(self, vehicle_id: str, command: str) -> VehicleUpdate:
        """Return what is known after a command that the tracker confirmed."""
        now = self.host.now()
        if command == commands.SET_MILEAGE:
            self._odometer_set_at[vehicle_id] = now
        try:
            update = await self.look(vehicle_id)
        except VendorError as err:
            _LOGGER.debug("No look at a vehicle after a command: %s", err)
            update = VehicleUpdate(vehicle_id=vehicle_id)
        confirmed = commands.CONFIRMED.get(command)
        if confirmed is None:
            return update
        # The record may still be of the time before the command. By the server's clock,
        # what the tracker tells later counts more.
        group = ReadingGroup(
            name=next(iter(confirmed)),
            measured_at=max(
                (one.measured_at for one in update.groups), default=self.receipt()
            ),
            readings=confirmed,
            time_source=TimeSource.SERVER,
        )
        return replace(update, groups=(*update.groups, group))

    async def _note_refusal(self, vehicle_id: str, command: str) -> None:
        """Offer no longer what a tracker does not know (20048)."""
        refused = self._refused_commands.setdefault(vehicle_id, set())
        capability = commands.CAPABILITY_OF[command]
        if capability in refused:
            # An action has no entity that could disappear.
            return
        _LOGGER.info(
            "A tracker does not know the command %s, which is no longer offered for it",
            command,
        )
        refused.add(capability)
        await self.host.memory.put(
            REFUSED_COMMANDS,
            {one: sorted(names) for one, names in self._refused_commands.items()},
        )
        self.host.receive(
            [
                VehicleUpdate(
                    vehicle_id=vehicle_id, capabilities=self._capabilities(vehicle_id)
                )
            ]
        )

    def _capabilities(self, vehicle_id: str) -> frozenset[str]:
        return commands.CAPABILITIES - self._refused_commands.get(vehicle_id, set())

    # --- methods by name --------------------------------------------------------------------

    methods = METHODS

    async def call_method(self, name: str, parameters: Mapping[str, str]) -> Json:
        """Call an operation by its path and return its record."""
        return await self.client.call(http_method(name), name, parameters)

    # --- the rest ---------------------------------------------------------------------------

    def diagnostics(self) -> Mapping[str, object]:
        """Return how the account does."""
        return {
            "server": brand(self._server),
            "counters": dict(self.client.counters),
            "alarm_form": self.client.alarm_form,
            "alarms_waiting": self._alarms.waiting,
            "listed": len(self._listed),
            "refused": len(self._refused),
        }

    async def close(self) -> None:
        """Ask for nothing any more."""
        self.client.close()
        await self._alarms.close()


def _refused_commands(stored: Json) -> dict[str, set[str]]:
    """Return what trackers of earlier sessions did not know, by their IMEIs."""
    if not isinstance(stored, Mapping):
        return {}
    return {
        vehicle_id: set(map(str, names))
        for vehicle_id, names in stored.items()
        if isinstance(names, list)
    }


def _refused_vehicles(stored: Json) -> dict[str, str]:
    """Return who was refused in earlier sessions, and why."""
    if not isinstance(stored, Mapping):
        return {}
    return {imei: status for imei, status in stored.items() if isinstance(status, str)}


def _status_of(refusal: VehicleUnavailable) -> str:
    return _STATUS_OF_REFUSAL.get(refusal.translation_key, STATUS_NOT_AUTHORIZED)
