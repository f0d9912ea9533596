"""An Open API account: when it polls what, and how it confirms commands."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import batched
import logging
import re
from types import MappingProxyType
from typing import override

from ...contract.commands import HARMLESS, Clearance, Command, CommandResult
from ...contract.connection import Connection, Host, PollResult, Settings
from ...contract.errors import (
    AuthenticationFailed,
    CommandFailed,
    CommandUnsupported,
    InvalidArgument,
    RateLimited,
    VehicleUnavailable,
    VendorError,
)
from ...model.clocks import was_told
from ...model.json_values import Json, as_number, as_unix_time
from ...model.record import replace
from ...model.vehicle import ReadingGroup, TimeSource, VehicleUpdate
from . import commands
from .alarms import AlarmReader
from .catalog import METHODS, http_method
from .client import AlarmForm, OpenApiClient
from .history import OpenApiHistory
from .known_record import KnownTrack
from .mapping import (
    STATUS_BLOCKED,
    STATUS_EXPIRED,
    STATUS_NOT_AUTHORIZED,
    STATUS_UNKNOWN,
    is_lapsed,
    map_device,
    map_track,
    status_update,
)
from .refusals import Suspects
from .transport import WAR_LOGIN_SPACING, Token
from .vocabulary import OpenApiCommand

_LOGGER = logging.getLogger(__name__)

LIST_INTERVAL = timedelta(minutes=15)
LIST_RETRY = timedelta(minutes=1)
RETRY_SPACING = timedelta(minutes=1)
"""How long it is at least from one refused vehicle that is tried again to the next."""
ODOMETER_SETTLES = timedelta(minutes=10)
"""For so long after a command set it, a lower odometer is believed."""
CLOCK_TOLERANCE = timedelta(minutes=2)
"""Within this, two clocks show the same."""
VEHICLES_PER_CALL = 100
MAPPED_AT_ONCE = 20
"""The number of records that are mapped before the event loop gets its turn."""
HALVINGS_PER_POLL = 2
"""Calls of a poll that only find out which vehicles of a refused call are refused."""
HALVING_SPACING = 1
"""Seconds between such calls while there are vehicles that were not read since the start."""

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
LAPSED_ARE_TOLD = "lapsed_are_told"
CLOCK_OFFSET = "clock_offset"

# Repair issues
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
_SAYS_NOTHING: Mapping[str, object] = MappingProxyType({})
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
        """Initialize with the credentials and the token of the last session."""
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
            clock_offset=_clock_offset(host.memory.get(CLOCK_OFFSET)),
            alarm_form=AlarmForm(form) if isinstance(form, str) else None,
        )
        self.client.http.on_refused = host.credentials_refused
        self.history = OpenApiHistory(self.client)
        self._alarms = AlarmReader(self.client, host, self.receipt)
        excluded = settings.options.get(EXCLUDED, ())
        self._excluded = frozenset(excluded if isinstance(excluded, list) else ())
        self._listed: tuple[str, ...] = ()
        self._read: set[str] = set()
        self._unchanged = 0
        self._let_through: set[str] = set()
        self._only_heard: set[str] = set()
        self._lapsed: frozenset[str] = frozenset()
        self._are_lapsed_told = host.memory.get(LAPSED_ARE_TOLD) is True
        self._suspects = Suspects()
        self._search: asyncio.Task[None] | None = None
        self._search_from = host.now()
        self._closed = False
        self._listed_at: datetime | None = None
        self._list_due_at = host.now()
        self._refused = _refused_vehicles(host.memory.get(REFUSED_VEHICLES))
        self._trial: str | None = None
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
        await self._remember_clock()

    async def _remember_clock(self) -> None:
        """Keep by how much the server's clock differs: a token may last over a restart."""
        seconds = self.client.clock_offset.total_seconds()
        await self.host.memory.put(CLOCK_OFFSET, seconds or None)

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

    @override
    def poll_interval(self) -> timedelta | None:
        """Return how long to wait until the next poll.

        While another program uses the account, each poll may need a login.
        """
        interval = super().poll_interval()
        if interval is not None and self.client.holds_back:
            return max(interval, WAR_LOGIN_SPACING)
        return interval

    async def _poll(self) -> PollResult:
        updates: list[VehicleUpdate] = []
        roster: frozenset[str] | None = None
        error: VendorError | None = None
        self._unchanged = 0
        self._let_through.clear()
        self._only_heard.clear()
        if self._is_list_due():
            try:
                roster = await self._read_list(updates)
            except VendorError as err:
                # A wrong password is never tried twice.
                if self._listed_at is None or isinstance(err, AuthenticationFailed):
                    raise
                error = err
                self._list_due_at = self.host.now() + LIST_RETRY
        self._try_again_if_due(self.host.now())
        with_news: set[str] = set()
        if self._suspects.imeis <= self._read:
            # The other vehicles are asked for as usual, or they would miss news meanwhile.
            self._suspects.narrow()
        for imeis in self._calls():
            try:
                await self._track(imeis, updates, with_news)
            except VendorError as err:
                error = err
                break
        else:
            error = await self._halve_in_poll(updates, with_news) or error
        await self._remember_refusals()
        await self._remember_clock()
        if isinstance(error, RateLimited):
            self._alarms.rest(error.retry_after or timedelta())
        else:
            self._search_beside()
        self._alarms.read_soon(self._to_ask(), with_news, self._only_heard)
        if self.client.alarm_form is not None:
            await self.host.memory.put(ALARM_FORM, self.client.alarm_form)
        return PollResult(
            updates=updates,
            unchanged=self._unchanged,
            roster=roster,
            error=error,
            answered=error is None or self._was_told,
            tells=self._was_told,
        )

    @property
    def _was_told(self) -> bool:
        """Whether the last poll told how one of the vehicles is, or that it is refused."""
        return bool(
            self._unchanged
            or self._let_through
            or any(
                imei in self._refused or imei in self._suspects.imeis
                for imei in self._listed
            )
        )

    def _to_ask(self) -> list[str]:
        """Return the vehicles that are there and not known to be refused."""
        left_out = self._refused.keys() | self._suspects.imeis
        if not left_out:
            return list(self._listed)
        return [imei for imei in self._listed if imei not in left_out]

    def _calls(self) -> Iterator[tuple[str, ...]]:
        """Yield groups of vehicles, each for one call.

        Vehicles that were refused before are asked for apart: to find them again
        among the others would take many calls.
        """
        asked = self._to_ask()
        yield from batched(asked, VEHICLES_PER_CALL, strict=False)
        if self._trial is not None:
            yield (self._trial,)
            # The answer may have shown that ended subscriptions do not matter.
            more = [
                imei for imei in self._to_ask() if imei not in {*asked, self._trial}
            ]
            self._trial = None
            yield from batched(more, VEHICLES_PER_CALL, strict=False)

    # --- refused vehicles -------------------------------------------------------------------

    async def _halve_in_poll(
        self, updates: list[VehicleUpdate], with_news: set[str]
    ) -> VendorError | None:
        """Find out by a few calls which vehicles of a refused call are refused.

        Returns the error that stopped it, None if nothing did.
        """
        for _ in range(HALVINGS_PER_POLL):
            if self._is_searching or not self._suspects.imeis <= self._read:
                break
            try:
                updates += await self._halve(with_news)
            except VendorError as err:
                return err
        return None

    def _search_beside(self) -> None:
        """Find out beside the polls which vehicles that were never read are refused."""
        if not (
            self._closed
            or self._is_searching
            or self._suspects.imeis <= self._read
            or self.host.now() < self._search_from
        ):
            self._search = asyncio.create_task(self._search_slowly())

    @property
    def _is_searching(self) -> bool:
        return self._search is not None and not self._search.done()

    async def _search_slowly(self) -> None:
        """Ask once a second until every vehicle was read once."""
        try:
            while not self._suspects.imeis <= self._read:
                await self.host.sleep(HALVING_SPACING)
                self.host.receive(await self._halve(set()))
        except VendorError as err:
            # The next poll tells what is wrong, and goes on if nothing is.
            _LOGGER.debug("Refused vehicles cannot be told from others now: %s", err)
            if isinstance(err, RateLimited) and err.retry_after:
                self._search_from = self.host.now() + err.retry_after
        await self._remember_refusals()

    async def _halve(self, with_news: set[str]) -> list[VehicleUpdate]:
        """Ask for one group of those that may be refused, and return its news."""
        updates: list[VehicleUpdate] = []
        if (group := self._suspects.next()) is not None:
            refusal = None
            try:
                found = await self.client.track_together(group.asked)
            except VehicleUnavailable as err:
                refusal = err
            else:
                await self._take(group.asked, found, updates, with_news)
            self._leave_out(self._suspects.take(group, refusal), updates)
        return updates

    def _leave_out(
        self,
        refused: Mapping[str, VehicleUnavailable],
        updates: list[VehicleUpdate],
    ) -> None:
        """Ask no more for vehicles that are refused, and show why."""
        for imei, refusal in refused.items():
            # At the end of the vehicles that wait to be tried again.
            self._refused.pop(imei, None)
            self._refused[imei] = _status_of(refusal)
            updates.append(self._status_update(imei, self._refused[imei]))

    def _status_update(self, imei: str, status: str | None) -> VehicleUpdate:
        return status_update(
            imei, status, known=self.host.vehicle(imei), now=self.receipt()
        )

    def _sort_out(self, updates: list[VehicleUpdate], is_complete: bool) -> None:
        """Leave out vehicles with an ended subscription, unless the server tells of such.

        A vehicle with an extended subscription is asked for again.
        """
        now = self.receipt()
        lapsed = frozenset(one.vehicle_id for one in updates if is_lapsed(one, now))
        self._ask_again(self._lapsed - lapsed)
        self._lapsed = lapsed
        if not self._are_lapsed_told:
            new = sorted(lapsed - self._read - self._refused.keys())
            self._refused = dict.fromkeys(new, STATUS_EXPIRED) | self._refused
        if is_complete:
            for imei in self._refused.keys() - set(self._listed):
                del self._refused[imei]
        self._suspects.keep([one for one in self._listed if one not in self._refused])
        self._alarms.keep(self._to_ask())
        updates += [
            self._status_update(imei, status)
            for imei, status in self._refused.items()
            if imei in self._listed
        ]

    def _ask_again(self, lapsed: frozenset[str]) -> None:
        """Ask again for vehicles with an ended subscription."""
        for imei in lapsed:
            if self._refused.get(imei) == STATUS_EXPIRED:
                del self._refused[imei]

    async def _remember_refusals(self) -> None:
        """Store the refused vehicles: finding them anew at each start takes many calls."""
        kept: Json = dict(self._refused)
        if kept != self.host.memory.get(REFUSED_VEHICLES):
            await self.host.memory.put(REFUSED_VEHICLES, kept)
        if self._are_lapsed_told:
            await self.host.memory.put(LAPSED_ARE_TOLD, True)

    def _try_again(self, now: datetime) -> None:
        """Ask again for one refused vehicle: the one that has waited longest."""
        self._trial = next(iter(self._refused), None)
        self._tried_again_at = now

    def _try_again_if_due(self, now: datetime) -> None:
        """Ask again for a refused vehicle between the lists, so that each has its turn."""
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
            # A vehicle missing from such a list may be there all the same.
            listed += (one for one in self._listed if one not in fleet.devices)
        self._listed = tuple(listed)
        self._sort_out(updates, is_complete=bool(fleet.devices) and fleet.complete)
        # An early list only tells which vehicles are still there. The next regular one lets
        # refused vehicles be asked for again.
        if not self._was_listed_within(LIST_INTERVAL, now):
            self._try_again(now)
        self._listed_at = now
        # With an empty one no vehicle can be asked for.
        self._list_due_at = now + (LIST_INTERVAL if fleet.devices else LIST_RETRY)
        if fleet.cut_off:
            self.host.raise_problem(LIST_CUT_OFF, count=str(len(fleet.devices)))
        else:
            self.host.clear_problem(LIST_CUT_OFF)
        return frozenset(fleet.devices) if fleet.complete else None

    async def _track(
        self,
        imeis: tuple[str, ...],
        updates: list[VehicleUpdate],
        with_news: set[str],
    ) -> None:
        """Add the news of up to 100 vehicles, unless one of them is refused.

        Raises VendorError when they cannot be asked for.
        """
        try:
            found = await self.client.track_together(imeis)
        except VehicleUnavailable as err:
            self._leave_out(self._suspects.add(imeis, err), updates)
            if not self._was_listed_within(LIST_RETRY, self.host.now()):
                # What the account may see has changed since the list was read.
                self._list_due_at = self.host.now()
        else:
            # All of a sudden it tells of none: that is no news of any of them.
            if found or not any(map(self._is_known, imeis)):
                await self._take(imeis, found, updates, with_news)

    def _is_known(self, imei: str) -> bool:
        """Tell whether it was once told how a vehicle is, also before the start."""
        known = self.host.vehicle(imei)
        return known is not None and known.heard_at is not None

    async def _take(
        self,
        imeis: Sequence[str],
        found: Mapping[str, Mapping[str, object]],
        updates: list[VehicleUpdate],
        with_news: set[str],
    ) -> None:
        """Add the news of vehicles that the server did not refuse."""
        self._check_clock(found)
        self._read.update(imeis)
        known_records, now = self.host.known_records(), self.receipt().timestamp()
        if self._refused:
            for imei in imeis:
                self._refused.pop(imei, None)
        known_of, record_of = known_records.get, found.get
        let_through = self._let_through
        mapped = unchanged = 0
        for imei in imeis:
            record = record_of(imei, _SAYS_NOTHING)
            before = known_of(imei)
            if (
                before is not None
                and imei not in let_through
                and before.covers(record, now)
            ):
                unchanged += 1
                continue
            if mapped == MAPPED_AT_ONCE:
                mapped = 0
                await asyncio.sleep(0)
                known_of = self.host.known_records().get
            mapped += 1
            known = self.host.vehicle(imei)
            if (update := self._news(imei, record)) is None:
                # The server answered, and said nothing of it.
                updates.append(self._status_update(imei, None))
                continue
            self._let_through.add(imei)
            known_record = KnownTrack.of(record, update, self._only_heard)
            updates.append(replace(update, record=known_record))
            is_new = update.heard_at and not was_told(known, update.heard_at)
            if known is not None and is_new:
                with_news.add(imei)
            if imei in self._lapsed and not self._are_lapsed_told:
                self._are_lapsed_told = True
                self._ask_again(self._lapsed)
        self._unchanged += unchanged

    def _check_clock(self, found: Mapping[str, Mapping[str, object]]) -> None:
        """Forget that the clocks differ once the server tells our time (2.2: servertime)."""
        if not self.clock_offset:
            return
        for record in found.values():
            told = as_unix_time(record.get("servertime"))
            if (
                told is not None
                and abs(told - self.host.now()) <= CLOCK_TOLERANCE
                and abs(told - self.receipt()) > CLOCK_TOLERANCE
            ):
                self.client.forget_clock_offset()

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
        return command.name == OpenApiCommand.CUT_ENGINE

    async def check(self, vehicle_id: str, command: Command) -> None:
        """Raise CommandUnsupported for what a tracker once did not know (20048)."""
        capability = commands.CAPABILITY_OF.get(command.name)
        if capability in self._refused_commands.get(vehicle_id, ()):
            raise CommandUnsupported("It did not know the command")

    def restores(self, vehicle_id: str, command: Command) -> bool:
        """Tell whether it ends the engine cut-off."""
        return command.name == OpenApiCommand.RESTORE_ENGINE

    async def execute(
        self, vehicle_id: str, command: Command, clearance: Clearance = HARMLESS
    ) -> CommandResult:
        """Send a command and return when the tracker answered it (2.5, 2.6)."""
        self.check_clearance(vehicle_id, command, clearance)
        if command.name not in commands.WIRE_COMMANDS:
            raise InvalidArgument("Unknown command")
        data = None
        if command.name == OpenApiCommand.SET_MILEAGE:
            data = {"mileage": f"{command.arguments['kilometers']:.12g}"}
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
        if command == OpenApiCommand.SET_MILEAGE:
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
            "may_be_refused": len(self._suspects.imeis),
        }

    async def close(self) -> None:
        """Ask for nothing any more."""
        self._closed = True
        await self.client.close()
        if self._search is not None:
            self._search.cancel()
            await asyncio.gather(self._search, return_exceptions=True)
        await self._remember_refusals()
        await self._alarms.close()


def _clock_offset(stored: Json) -> timedelta:
    """Return by how much the server's clock was ahead in the last session."""
    seconds = as_number(stored) or 0
    return timedelta(seconds=seconds) if abs(seconds) < 1e9 else timedelta()


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
    """Return the vehicles refused in earlier sessions, and why."""
    if not isinstance(stored, Mapping):
        return {}
    return {imei: status for imei, status in stored.items() if isinstance(status, str)}


def _status_of(refusal: VehicleUnavailable) -> str:
    return _STATUS_OF_REFUSAL.get(refusal.translation_key, STATUS_NOT_AUTHORIZED)
