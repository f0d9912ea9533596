"""Every operation of the Open API (`open-api-classic` and `open-api-2025`) as a method.

Batches, pages and bounds are this module's business: callers ask for any number of
vehicles and any period. Times are aware UTC. Sections named below are of both documents
unless it says otherwise.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import IntEnum, StrEnum
from itertools import batched
import json
from typing import cast

import aiohttp

from ...contract.commands import HARMLESS, Clearance
from ...contract.errors import (
    AccessDenied,
    CannotConnect,
    CommandFailed,
    CommandUnconfirmed,
    InvalidAnswer,
    InvalidArgument,
    RateLimited,
    VehicleUnavailable,
    VendorError,
)
from ...model.json_values import Json, as_integer, as_number, as_text, is_record
from ...model.plausibility import possible_distance
from ...transport.http_client import (
    FIRST_BYTE_S,
    AccountClosed,
    HttpClient,
    Redirected,
    Unreachable,
)
from .errors import MissingParameter, NoData, UnknownRequest
from .records import (
    Alarm,
    Point,
    User,
    parse_alarm,
    parse_alarm_text,
    parse_point,
    parse_user,
)
from .transport import Token, Transport, hash_password

MAX_ROWS = 500
"""Device and user lists are cut off at so many rows without a word (2.7, 2.15)."""

FENCE_RADIUS_M = (100, 5000)
MESSAGE_LENGTH = 300

_IMEIS_PER_CALL = 100
_POINTS_PER_PAGE = 1000
_ALARMS_PER_PAGE = 100
_ACCOUNTS_PER_MESSAGE = 200
_REPORT_STEP = timedelta(minutes=30)
_REPORT_LIMIT = timedelta(days=7)
_COMMAND_QUERIES = 30
_COMMAND_PATIENCE = timedelta(minutes=1)
_SECOND = timedelta(seconds=1)
_EPOCH = datetime.fromtimestamp(0, UTC)

type Record = Mapping[str, object]


class FenceAlarm(IntEnum):
    """When a geofence raises an alarm (2.4)."""

    OUT = 0
    IN = 1
    BOTH = 2


class AlarmForm(StrEnum):
    """How a server wants to be asked for alarms."""

    LIST2_IMEI = "list2_imei"
    LIST2_IMEIS = "list2_imeis"
    LIST = "list"


@dataclass(frozen=True, slots=True)
class Batch[T]:
    """Answers for many vehicles, by IMEI, and why some of them were refused.

    `error` is the reason why the rest was not asked for, None where all were.
    """

    found: Mapping[str, T]
    refused: Mapping[str, VehicleUnavailable]
    error: VendorError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MileageReport(Batch[float]):
    """Kilometres driven in a period, which is the one that the server really reports on."""

    begin: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Fleet:
    """The devices of an account and, on request, of the accounts below it, by IMEI.

    `cut_off` are the accounts whose lists were cut off, `refused` those whose list of
    devices or of accounts below was not to be had. It is complete when both are empty.
    """

    devices: Mapping[str, Record]
    cut_off: frozenset[str] = field(default=frozenset())
    refused: frozenset[str] = field(default=frozenset())

    @property
    def complete(self) -> bool:
        """Whether a device that is not here is really gone."""
        return not self.cut_off and not self.refused


class OpenApiClient:
    """An account of an Open API server.

    Every method may raise AuthenticationFailed, AccessDenied, ClockWrong, RateLimited,
    CannotConnect, InvalidAnswer, or what the error code stands for (see `errors`).
    `alarm_form` is how alarms were last read, kept by the caller; None is not known.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base_url: str,
        account: str,
        password_md5: str,
        *,
        now: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]],
        token: Token | None = None,
        save_token: Callable[[Token], Awaitable[None]] | None = None,
        clock_offset: timedelta = timedelta(),
        alarm_form: AlarmForm | None = None,
        timeout: float = FIRST_BYTE_S,
    ) -> None:
        """Initialize with the account, and with the token and clock of an earlier session."""
        self.alarm_form = alarm_form
        self._alarm_turn = asyncio.Lock()
        self._asked_for_alarms_at: datetime | None = None
        self._now = now
        self._sleep = sleep
        self._transport = Transport(
            session,
            base_url,
            account,
            password_md5,
            now=now,
            sleep=sleep,
            token=token,
            save_token=save_token,
            clock_offset=clock_offset,
            timeout=timeout,
        )

    @property
    def http(self) -> HttpClient:
        """What sends its requests."""
        return self._transport.http

    @property
    def token(self) -> Token | None:
        """The token in use."""
        return self._transport.token

    @property
    def contested(self) -> bool:
        """Whether another program keeps logging in with the same account."""
        return self._transport.contested

    @property
    def holds_back(self) -> bool:
        """Whether a login had to wait because of that."""
        return self._transport.holds_back

    @property
    def clock_offset(self) -> timedelta:
        """By how much the server's clock is ahead of ours, as far as it told."""
        return self._transport.clock_offset

    def forget_clock_offset(self) -> None:
        """Assume again that the clocks are alike."""
        self._transport.clock_offset = timedelta()

    @property
    def counters(self) -> Mapping[str, int]:
        """How often what happened, for diagnostics."""
        return self._transport.counters

    async def close(self) -> None:
        """Ask for nothing any more, once a login that is going on has its token."""
        await self._transport.close()

    async def log_in(self) -> Token:
        """Get a new token (2.1), which checks the credentials; the one before dies."""
        return await self._transport.log_in()

    async def call(self, method: str, path: str, parameters: Mapping[str, str]) -> Json:
        """Call any documented operation as it is (see `catalog`), return its record."""
        return cast("Json", await self._transport.call(method, path, **parameters))

    # Devices

    async def track(self, imeis: Sequence[str]) -> Batch[Record]:
        """Return the latest record of each device (2.2), as far as they could be had."""
        return await self._for_devices("/api/track", imeis)

    async def track_together(self, imeis: Sequence[str]) -> Mapping[str, Record]:
        """Return the latest record of up to 100 devices (2.2), by one call.

        Raises VehicleUnavailable when the server refuses one of them, whichever it is.
        """
        return await self._records_of("/api/track", imeis)

    async def device_detail(self, imeis: Sequence[str]) -> Batch[Record]:
        """Return the basic information of each device (2.12), as far as it was had."""
        return await self._for_devices("/api/device/detail", imeis)

    async def device_list(self, account: str | None = None) -> tuple[Record, ...]:
        """Return the devices of this account or of one below it (2.7).

        The list is cut off when it has `MAX_ROWS` rows; one row more does not exist.
        """
        params = {"account": account} if account else {}
        return await self._rows("GET", "/api/device/list", **params)

    async def fleet(self, *, sub_accounts: bool = False) -> Fleet:
        """Return all devices, of this account and of those below it if wanted.

        A list that is refused hides nothing else: only that of the own devices is needed.
        """
        own = self._transport.account
        devices: dict[str, Record] = {}
        cut_off, refused, seen = set[str](), set[str](), {own}
        accounts = [own]
        for account in accounts:
            below = None if account == own else account
            rows: tuple[Record, ...] = ()
            users: tuple[User, ...] = ()
            try:
                rows = await self.device_list(below)
            except (AccessDenied, VehicleUnavailable):
                if below is None:
                    raise
                refused.add(account)
            if sub_accounts:
                try:
                    users = await self.user_list(below)
                except (AccessDenied, VehicleUnavailable):
                    refused.add(account)
            if len(rows) >= MAX_ROWS or len(users) >= MAX_ROWS:
                cut_off.add(account)
            for row in rows:
                if imei := _imei(row):
                    devices.setdefault(imei, row)
                else:
                    self._count_dropped(1)
            new = [user.account for user in users if user.account not in seen]
            seen.update(new)
            accounts += new
        return Fleet(devices, frozenset(cut_off), frozenset(refused))

    async def playback(
        self, imei: str, begin: datetime, end: datetime, *, most: int | None = None
    ) -> list[Point]:
        """Return the fixes of a period in order (2.3).

        Once it has as many as are wanted at most, it asks for no further page.
        """
        points: list[Point] = []
        while begin <= end:
            groups = await self._groups("/api/playback", imei, begin, end)
            page = [point for group in groups if (point := parse_point(group))]
            self._count_dropped(len(groups) - len(page))
            known = {point for point in points if point.gpstime == begin}
            points += (point for point in page if point not in known)
            if len(groups) < _POINTS_PER_PAGE or _are_enough(points, most):
                break
            begin = _next_page(begin, [point.gpstime for point in page])
        return points

    async def mileage_report(
        self, imeis: Sequence[str], begin: datetime, end: datetime
    ) -> MileageReport:
        """Return the kilometres that were driven in a period (2.14).

        The vendor counts in half hours: the period is widened to them.
        """
        begin -= (begin - _EPOCH) % _REPORT_STEP
        end += -(end - _EPOCH) % _REPORT_STEP
        kilometres: dict[str, float] = {}
        refused: dict[str, VehicleUnavailable] = {}
        start = begin
        while start < end:
            stop = min(start + _REPORT_LIMIT, end)
            batch = await self._for_devices(
                "/api/device/mileage",
                [imei for imei in imeis if imei not in refused],
                begintime=_seconds(start),
                endtime=_seconds(stop),
            )
            if batch.error is not None:
                raise batch.error
            refused |= batch.refused
            for imei, record in batch.found.items():
                driven = possible_distance(
                    as_number(record.get("mileage")), stop - start
                )
                if driven is None:
                    self._count_dropped(1)
                else:
                    kilometres[imei] = kilometres.get(imei, 0) + driven
            start = stop
        return MileageReport(kilometres, refused, begin=begin, end=end)

    # Geofences and alarms

    async def create_geofence(
        self,
        imei: str,
        name: str,
        alarm: FenceAlarm,
        longitude: float,
        latitude: float,
        radius: int,
    ) -> None:
        """Create a circle around a place in WGS84 degrees (2.4); the radius is in m.

        Raises InvalidArgument for a radius outside of 100 to 5000 m.
        """
        least, most = FENCE_RADIUS_M
        if not least <= radius <= most:
            raise InvalidArgument("Radius out of range", key="parameter_out_of_range")
        await self._transport.call(
            "POST",
            "/api/geofence/create",
            imei=imei,
            efencename=name,
            alarmtype=int(alarm),
            longitude=longitude,
            latitude=latitude,
            radius=radius,
        )

    async def alarms(
        self,
        imei: str,
        begin: datetime,
        end: datetime,
        clearance: Clearance = HARMLESS,
        *,
        most: int | None = None,
    ) -> list[Alarm]:
        """Return the alarms that the server got in a period, in order.

        Once it has as many as are wanted at most, it asks for no further page.

        They come from `/api/alarm/list2` (2.17 of `open-api-2025`, where its path is
        missing) or, from servers that do not know it, from `/api/alarm/list` (2.8), whose
        alarms name no geofence. The server is asked for alarms once a second, however many
        calls run.
        """
        alarms: list[Alarm] = []
        while begin <= end:
            rows, page = await self._alarm_page(imei, begin, end, clearance)
            self._count_dropped(rows - len(page))
            known = {alarm for alarm in alarms if alarm.systemtime == begin}
            alarms += (alarm for alarm in page if alarm not in known)
            if rows < _ALARMS_PER_PAGE or _are_enough(alarms, most):
                break
            begin = _next_page(begin, [alarm.systemtime for alarm in page])
        return alarms

    async def _alarm_page(
        self, imei: str, begin: datetime, end: datetime, clearance: Clearance
    ) -> tuple[int, list[Alarm]]:
        """Return how many rows a page has, and the alarms among them."""
        if self.alarm_form is not None:
            try:
                return await self._alarm_page_by(
                    self.alarm_form, imei, begin, end, clearance
                )
            except (MissingParameter, UnknownRequest):
                # The server has changed: the older list is deprecated since 2025.
                self.alarm_form = None
        for form in (AlarmForm.LIST2_IMEI, AlarmForm.LIST2_IMEIS):
            try:
                page = await self._alarm_page_by(form, imei, begin, end, clearance)
            except MissingParameter:
                continue
            except UnknownRequest:
                break
            self.alarm_form = form
            return page
        page = await self._alarm_page_by(AlarmForm.LIST, imei, begin, end, clearance)
        self.alarm_form = AlarmForm.LIST
        return page

    async def _alarm_page_by(
        self,
        form: AlarmForm,
        imei: str,
        begin: datetime,
        end: datetime,
        clearance: Clearance,
    ) -> tuple[int, list[Alarm]]:
        await self._wait_for_turn()
        if form is AlarmForm.LIST:
            groups = await self._groups("/api/alarm/list", imei, begin, end, clearance)
            parsed = [parse_alarm_text(group) for group in groups]
        else:
            parameter = "imeis" if form is AlarmForm.LIST2_IMEIS else "imei"
            record = await self._history(
                "/api/alarm/list2", parameter, imei, begin, end, clearance
            )
            rows = () if record is None else self._records(record)
            parsed = [parse_alarm(row) for row in rows]
        return len(parsed), [alarm for alarm in parsed if alarm]

    async def _wait_for_turn(self) -> None:
        """Wait until the server may be asked for alarms again."""
        async with self._alarm_turn:
            if self._asked_for_alarms_at is not None:
                passed = self._now() - self._asked_for_alarms_at
                if timedelta() <= passed < _SECOND:
                    await self._sleep((_SECOND - passed).total_seconds())
            self._asked_for_alarms_at = self._now()

    # Commands

    async def send_command(
        self,
        imei: str,
        command: str,
        data: Mapping[str, str] | None = None,
        clearance: Clearance = HARMLESS,
    ) -> str:
        """Send a command and return the id by which to ask for its answer (2.5).

        Commands are RELAY,1 (stop engine), RELAY,0 (restore), RESET, LOCKDOOR,
        UNLOCKDOOR and, in `open-api-2025`, SET_MILEAGE with the data
        ``{"mileage": "30"}``, whose unit is not confirmed (km by the looks of it). It is
        never sent twice. Raises VehicleOffline, CommandFailed, CommandUnsupported or
        VehicleUnavailable when it was refused.
        """
        params = {"imei": imei, "command": command}
        if data:
            params["paramData"] = json.dumps(data, separators=(",", ":"))
        record = await self._transport.call(
            "POST", "/api/command/send", clearance, **params
        )
        number = as_text(record.get("commandid")) if is_record(record) else None
        if number is None:
            raise InvalidAnswer("The answer has no command id")
        return number

    async def query_command(self, commandid: str) -> str | None:
        """Return the tracker's answer to a command (2.6), None while there is none."""
        record = await self._transport.call(
            "POST", "/api/command/query", commandid=commandid
        )
        if not is_record(record):
            raise InvalidAnswer("The answer has no command status")
        if as_integer(record.get("commandstatus")) != 1:
            return None
        return as_text(record.get("response")) or ""

    async def run_command(
        self,
        imei: str,
        command: str,
        data: Mapping[str, str] | None = None,
        clearance: Clearance = HARMLESS,
    ) -> str:
        """Send a command and return the tracker's own words on it.

        Asks once a second, at most 30 times (2.6), and not for longer than a minute when
        the server is slow. Raises what `send_command` does, and CommandUnconfirmed when
        the tracker did not answer in that time, or when it is not known whether the
        command was sent at all.
        """
        await self._transport.prepare()
        try:
            commandid = await self.send_command(imei, command, data, clearance)
        except (Unreachable, Redirected, UnknownRequest):
            raise
        except (CannotConnect, InvalidAnswer) as error:
            raise CommandUnconfirmed("The answer to a command was lost") from error
        deadline = self._now() + _COMMAND_PATIENCE
        for _ in range(_COMMAND_QUERIES):
            await self._sleep(1)
            if self._now() > deadline:
                break
            try:
                answer = await self.query_command(commandid)
            except CommandFailed:
                raise
            except AccountClosed as error:
                raise CommandUnconfirmed("The account was closed") from error
            except (CannotConnect, InvalidAnswer, RateLimited, NoData):
                # The tracker may answer all the same.
                self._transport.counters["command_queries_failed"] += 1
                continue
            except VendorError as error:
                raise CommandUnconfirmed("The answer is not to be had") from error
            if answer is not None:
                return answer
        raise CommandUnconfirmed("The tracker did not answer")

    # Accounts

    async def block(self, account: str) -> None:
        """Block an account (2.9)."""
        await self._transport.call("POST", "/api/user/block", account=account)

    async def unblock(self, account: str) -> None:
        """Unblock an account (2.10)."""
        await self._transport.call("POST", "/api/user/unblock", account=account)

    async def user_info(self, account: str) -> User:
        """Return an account's brief information (2.11)."""
        record = await self._transport.call("GET", "/api/user/info", account=account)
        user = parse_user(record) if is_record(record) else None
        if user is None:
            raise InvalidAnswer("The answer is no account")
        return user

    async def user_list(self, account: str | None = None) -> tuple[User, ...]:
        """Return the accounts below this one or below another (2.15).

        The account itself may be among them, as in the documents' example. At most
        `MAX_ROWS` come.
        """
        params = {"account": account} if account else {}
        rows = await self._rows("GET", "/api/user/list", **params)
        users = tuple(user for row in rows if (user := parse_user(row)))
        self._count_dropped(len(rows) - len(users))
        return users

    async def change_password(self, path: str, account: str, password: str) -> None:
        """Change a sub-account's password (2.16 of `open-api-2025`).

        The path is an argument because no document tells it. Nor does any tell the
        method: it is POST as for all operations that change something. Sent is
        md5(password).
        """
        await self._transport.call(
            "POST", path, account=account, password=hash_password(password)
        )

    async def send_message(self, accounts: Sequence[str], content: str) -> None:
        """Send a message to accounts (2.13), 200 at a time.

        Raises InvalidArgument for no account or text, or one of more than 300 characters.
        """
        if not accounts or not 0 < len(content) <= MESSAGE_LENGTH:
            raise InvalidArgument("Message", key="parameter_out_of_range")
        for some in batched(accounts, _ACCOUNTS_PER_MESSAGE, strict=False):
            await self._transport.call(
                "POST",
                "/api/message/send",
                accounts=",".join(some),
                content=content,
            )

    # What the operations share

    async def _for_devices(
        self, path: str, imeis: Sequence[str], **params: int
    ) -> Batch[Record]:
        """Return the records of many devices, by batches.

        The server refuses a whole batch because of a single device. Such a batch is halved
        until that device is alone. Records that came before another error are kept:
        otherwise a fleet with many refused devices would begin anew each time.
        """
        found: dict[str, Record] = {}
        refused: dict[str, VehicleUnavailable] = {}
        waiting = list(batched(dict.fromkeys(imeis), _IMEIS_PER_CALL, strict=False))
        while waiting:
            batch = waiting.pop(0)
            try:
                found |= await self._records_of(path, batch, **params)
            except VehicleUnavailable as error:
                if len(batch) == 1:
                    refused[batch[0]] = error
                else:
                    half = len(batch) // 2
                    waiting[:0] = [batch[:half], batch[half:]]
                continue
            except VendorError as error:
                if not (found or refused):
                    raise
                return Batch(found, refused, error)
        return Batch(found, refused)

    async def _records_of(
        self, path: str, imeis: Sequence[str], **params: int
    ) -> Mapping[str, Record]:
        """Return the records of devices, by one call."""
        rows = await self._rows("GET", path, imeis=",".join(imeis), **params)
        if [row.get("imei") for row in rows] == list(imeis):
            # As it usually is: each once, and in the order asked for.
            return dict(zip(imeis, rows, strict=True))
        found: dict[str, Record] = {}
        asked = frozenset(imeis)
        for row in rows:
            imei = row.get("imei")
            if type(imei) is not str or imei not in asked:
                imei = as_text(imei)
            if imei in asked:
                found[imei] = row
            else:
                self._count_dropped(1)
        return found

    async def _rows(
        self, method: str, path: str, **params: str | int
    ) -> tuple[Record, ...]:
        """Return the records of an answer, without those that are none."""
        try:
            record = await self._transport.call(method, path, **params)
        except NoData:
            return ()
        return self._records(record)

    def _records(self, rows: object) -> tuple[Record, ...]:
        if not isinstance(rows, list):
            raise InvalidAnswer("The answer is no list")
        if set(map(type, rows)) <= {dict}:
            return tuple(rows)
        records = tuple([row for row in rows if type(row) is dict])
        self._count_dropped(len(rows) - len(records))
        return records

    async def _history(
        self,
        path: str,
        parameter: str,
        imei: str,
        begin: datetime,
        end: datetime,
        clearance: Clearance,
    ) -> object:
        """Return the record of a period, None where there is none: often nothing was."""
        try:
            return await self._transport.call(
                "GET",
                path,
                clearance,
                **{parameter: imei},
                begintime=_seconds(begin),
                endtime=_seconds(end),
            )
        except NoData:
            return None

    async def _groups(
        self,
        path: str,
        imei: str,
        begin: datetime,
        end: datetime,
        clearance: Clearance = HARMLESS,
    ) -> list[str]:
        """Return the groups of an answer that is one text."""
        record = await self._history(path, "imei", imei, begin, end, clearance)
        if record is None:
            return []
        if not isinstance(record, str):
            raise InvalidAnswer("The answer is no text")
        return [group for group in record.split(";") if group.strip()]

    def _count_dropped(self, rows: int) -> None:
        if rows:
            self._transport.counters["rows_dropped"] += rows


def _seconds(time: datetime) -> int:
    return int(time.timestamp())


def _imei(record: Record) -> str | None:
    """Return the IMEI of a record."""
    return as_text(record.get("imei"))


def _are_enough(found: Sequence[object], most: int | None) -> bool:
    return most is not None and len(found) >= most


def _next_page(begin: datetime, times: Sequence[datetime]) -> datetime:
    """Return from when on to ask for the next page: the last row's time.

    After a page that is full of rows of one second comes the page of the next second, since
    the same page would come again. Without that rule, a server that begins too early would
    be read for ever.
    """
    if not times or max(times) < begin.replace(microsecond=0):
        raise InvalidAnswer("A full page leads nowhere")
    return times[-1] if times[-1] > begin else begin + _SECOND
