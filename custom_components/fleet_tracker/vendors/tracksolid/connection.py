"""A Tracksolid Pro account: polls, pushes and commands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
import logging

from ...contract.commands import HARMLESS, Clearance, Command, CommandResult
from ...contract.connection import Connection, Host, PollResult, Settings
from ...contract.errors import (
    AuthenticationFailed,
    CommandUnsupported,
    InvalidArgument,
    RateLimited,
    VehicleOffline,
    VehicleUnavailable,
    VendorError,
)
from ...contract.pushes import PushAnswer, PushRequest
from ...model.elapsed import is_within
from ...model.json_values import Json
from ...model.vehicle import Reading, ReadingGroup, TimeSource, VehicleUpdate
from . import commands
from .alarm_types import ALARMS
from .api.client import TracksolidClient
from .api.instruction_hub import InstructionClient
from .api.instructions import check_hex
from .api.records import Device, Instruction, Location
from .api.transport import PATH, Credentials
from .api.values import as_json
from .catalog import INSTRUCTIONS, METHODS
from .commands import Chosen, Commander, Effect, Outcome
from .history import TracksolidHistory
from .mapping import map_device
from .media import TracksolidMedia
from .pushes.door import TAG_PATH, Push
from .pushes.receiver import WRONG_TOKEN, PushReceiver
from .readers.alarms import EVERY as ALARMS_EVERY, AlarmReader, Way
from .readers.cameras import FRONT, INSIDE, LIVE, PHOTO, Cameras
from .readers.fleet import Fleet
from .readers.instruction_lists import CAMERA, InstructionLists
from .readers.obd import ObdReader
from .readers.tags import TagReader
from .readers.trips import TripReader

_LOGGER = logging.getLogger(__name__)

# Keys of the settings
SERVER = "server"
APP_KEY = "app_key"
APP_SECRET = "app_secret"
ACCOUNT = "account"
PASSWORD_MD5 = "password_md5"
# Options
SUB_ACCOUNTS = "sub_accounts"
PUSH_TOKEN = "push_token"
HUB_URL = "hub_url"
HUB_TOKEN = "hub_token"
EXCLUDED = "excluded_vehicles"

# Repair issues
DAILY_QUOTA = "tracksolid_daily_quota"
ACCOUNT_SHARED = "account_shared"

PUSHED_FOR = timedelta(minutes=10)
"""How long after the last pushed position positions count as pushed."""
DRIVING_PUSH_AGE = timedelta(minutes=3)
INTERVAL_WHILE_PUSHED = timedelta(minutes=5)

_LIST_SOON = timedelta(minutes=10)
_POSITION_PATHS = frozenset({"pushgps", TAG_PATH})


def credentials(data: Mapping[str, object]) -> Credentials:
    """Return the credentials in what the user entered."""
    return Credentials(
        url=api_url(str(data[SERVER])),
        app_key=str(data[APP_KEY]),
        app_secret=str(data[APP_SECRET]),
        account=str(data[ACCOUNT]),
        password_md5=str(data[PASSWORD_MD5]),
    )


def api_url(server: str) -> str:
    """Return the address of the API on a server that may be given without its path."""
    url = server.strip().rstrip("/")
    return url if url.endswith(PATH) else url + PATH


class TracksolidConnection(Connection):
    """Polls an account, takes its pushes, and carries its commands."""

    methods = METHODS

    def __init__(self, settings: Settings, host: Host) -> None:
        """Initialize with the credentials, the options and the memory of earlier sessions."""
        super().__init__(settings, host)
        options = settings.options
        self.client = TracksolidClient(
            host.session,
            credentials(settings.data),
            host.memory,
            now=host.now,
            sleep=host.sleep,
        )
        self.fleet = Fleet(
            self.client,
            host.known_records,
            sub_accounts=bool(options.get(SUB_ACCOUNTS)),
        )
        self.lists = InstructionLists(self.client)
        self.cameras = Cameras(self.client)
        self.media = TracksolidMedia(
            self.client, self.cameras, self.has_camera, self._is_offline
        )
        self.history = TracksolidHistory(self.client, self.account_of)
        self.hub = _hub(options, host)
        if self.hub is not None:
            own = {name: method for name, (_, method) in INSTRUCTIONS.items()}
            self.methods = {**METHODS, **own}
        self._commander = Commander(self.client)
        self._alarms = AlarmReader(self.client)
        self._trips = TripReader(self.client)
        self._tags = TagReader(self.client)
        self._obd = ObdReader(self.client, self.fleet.account_of)
        excluded = options.get(EXCLUDED)
        self._excluded = frozenset(excluded if isinstance(excluded, list) else ())
        token = str(options.get(PUSH_TOKEN) or "") or None
        self.pushes = PushReceiver(host, token, self._take, self.receipt)
        self._pushed_positions: dict[str, datetime] = {}
        self._located: set[str] = set()
        self._list_asked_at: datetime | None = None
        self._refused: set[str] = set()
        self.counters: Counter[str] = Counter()

    async def open(self) -> None:
        """Forget problems of pushes: the user may have changed the token."""
        self.host.clear_problem(WRONG_TOKEN)

    # --- polling ----------------------------------------------------------------------------

    async def poll(self) -> PollResult:
        """Ask for all that is due: positions always, the rest in its own time."""
        try:
            return await self._poll()
        finally:
            self._tell_problems()

    def _tell_problems(self) -> None:
        transport = self.client.transport
        for cause, there in (
            (DAILY_QUOTA, transport.quota_exhausted),
            (ACCOUNT_SHARED, transport.contested),
        ):
            if there:
                self.host.raise_problem(cause)
            else:
                self.host.clear_problem(cause)

    async def _poll(self) -> PollResult:
        now = self.host.now()
        updates: list[VehicleUpdate] = []
        roster: frozenset[str] | None = None
        error: VendorError | None = None
        if self.fleet.is_due(now):
            try:
                roster = await self._read_list(updates)
            except VendorError as err:
                if self.fleet.listed_at is None or isinstance(err, RateLimited):
                    raise
                error = err
        try:
            located = await self.fleet.locate()
        except VendorError as err:
            # A list that was read is news, but it must not hide why the rest failed.
            return PollResult(updates=updates, roster=roster, error=err)
        updates += located.updates
        self._located = located.unchanged.union(
            update.vehicle_id for update in located.updates
        )
        if located.refused and not located.refused.keys() <= self._refused:
            self.fleet.list_again()
        self._refused = set(located.refused)
        error = await self._read_rest(updates) or error
        shown = [u for u in updates if u.vehicle_id not in self._excluded]
        return PollResult(
            updates=shown,
            unchanged=len(located.unchanged),
            roster=roster,
            error=error,
        )

    async def _read_list(self, updates: list[VehicleUpdate]) -> frozenset[str] | None:
        """Read the device list; returns the roster if the list is complete."""
        devices, complete = await self.fleet.read()
        for device in devices.values():
            update = map_device(device, self.receipt())
            capabilities = self._capabilities(device.imei)
            updates.append(replace(update, capabilities=capabilities))
        return frozenset(devices) if complete else None

    async def _read_rest(self, updates: list[VehicleUpdate]) -> VendorError | None:
        """Read what else is due. One part that fails does not keep the others back."""
        now = self.host.now()
        imeis = [i for i in self.fleet.devices if i not in self._excluded]
        self._trips.watch(self.host.vehicles(), self.host.with_ignition_on(), now)
        error: VendorError | None = None
        for part in (
            self._read_alarms,
            self._read_tags,
            self._read_trips,
            self._read_obd,
            self._read_instruction_lists,
            self._read_photos,
            self._try_live,
        ):
            try:
                updates += await part(imeis, now)
            except (AuthenticationFailed, RateLimited) as err:
                return err
            except VendorError as err:
                self.counters["parts_failed"] += 1
                error = err
        return error

    async def _read_alarms(
        self, imeis: list[str], now: datetime
    ) -> Sequence[VehicleUpdate]:
        return await self._alarms.read(imeis) if self._alarms.is_due(now) else ()

    async def _read_tags(
        self, imeis: list[str], now: datetime
    ) -> Sequence[VehicleUpdate]:
        return await self._tags.read(
            imei
            for imei in imeis
            if imei not in self._located and imei not in self._refused
        )

    async def _read_trips(
        self, imeis: list[str], now: datetime
    ) -> Sequence[VehicleUpdate]:
        due = self._trips.due(imeis, now)
        return await self._trips.read(due) if due else ()

    async def _read_obd(
        self, imeis: list[str], now: datetime
    ) -> Sequence[VehicleUpdate]:
        return await self._obd.read(imeis, self._driving())

    async def _read_instruction_lists(
        self, imeis: list[str], now: datetime
    ) -> Sequence[VehicleUpdate]:
        devices = [self.fleet.devices[imei] for imei in imeis]
        models = set()
        for device in self.lists.due(devices):
            await self.lists.ask(device)
            models.add(device.model)
        return [
            self._with_capabilities(device.imei)
            for device in devices
            if device.model in models
        ]

    async def _read_photos(
        self, imeis: list[str], now: datetime
    ) -> Sequence[VehicleUpdate]:
        with_camera = self.lists.with_camera(self.fleet.devices[imei] for imei in imeis)
        updates = await self.cameras.read_photos(with_camera)
        if (wait := self.cameras.photo_wait()) is not None:
            self.host.poll_soon(wait)
        return updates

    async def _try_live(
        self, imeis: list[str], now: datetime
    ) -> Sequence[VehicleUpdate]:
        """Try one vehicle a poll, and only one that is awake: it drives."""
        driving = self._driving()
        for imei in imeis:
            if (
                imei in driving
                and self.has_camera(imei)
                and self.cameras.wants_trying(imei)
            ):
                await self.cameras.try_live(self.fleet.devices[imei])
                return [self._with_capabilities(imei)]
        return ()

    def _driving(self) -> set[str]:
        """Return the vehicles that are awake for sure: online, with the ignition on."""
        vehicles = self.host.vehicles()
        return {
            imei
            for imei in self.host.with_ignition_on()
            if vehicles[imei].readings.get(Reading.ONLINE) is not False
        }

    def poll_interval(self) -> timedelta | None:
        """Return how long to wait: longer only while positions truly are pushed.

        Alarms that are not pushed must not wait for the positions that are.
        """
        wanted = super().poll_interval()
        if wanted is None or not self._positions_are_pushed():
            return wanted
        alarms_too = self._alarms.are_pushed(self.host.now())
        return max(wanted, INTERVAL_WHILE_PUSHED if alarms_too else ALARMS_EVERY)

    def _positions_are_pushed(self) -> bool:
        now = self.host.now()
        newest = max(self._pushed_positions.values(), default=None)
        if not is_within(newest, PUSHED_FOR, now):
            return False
        return all(
            is_within(self._pushed_positions.get(imei), DRIVING_PUSH_AGE, now)
            for imei in self._driving()
        )

    # --- one vehicle ------------------------------------------------------------------------

    async def look(self, vehicle_id: str) -> VehicleUpdate:
        """Return the newest that the platform knows of a vehicle (5.2)."""
        batch = await self.client.tracking.location_rows_of([vehicle_id], urgent=True)
        if vehicle_id in batch.refused:
            raise batch.refused[vehicle_id]
        for row in batch.found:
            location = Location.from_row(row)
            if location is not None and location.imei == vehicle_id:
                return self.fleet.map_location(location, self.receipt())
        if self._device(vehicle_id) is not None:
            return VehicleUpdate(vehicle_id=vehicle_id)  # it has no position yet
        raise VehicleUnavailable("No such vehicle", key="tracksolid_illegal")

    def device(self, vehicle_id: str) -> Device:
        """Return a vehicle as it is listed.

        Before the list was read, as far as it is known from before the start: its commands
        and cameras depend on its model. Raises VehicleUnavailable for others.
        """
        if (device := self._device(vehicle_id)) is None:
            raise VehicleUnavailable("No such vehicle", key="tracksolid_illegal")
        return device

    def _device(self, vehicle_id: str) -> Device | None:
        if (device := self.fleet.devices.get(vehicle_id)) is not None:
            return device
        known = self.host.vehicle(vehicle_id)
        if known is None or self.fleet.listed_at is not None:
            return None
        return Device(imei=vehicle_id, model=known.details.model)

    async def account_of(self, vehicle_id: str) -> str:
        """Return the account that a vehicle belongs to, which some methods want.

        Only the list tells: it is read if it was not since the start. Raises VendorError
        when that fails.
        """
        if self.fleet.listed_at is None:
            updates: list[VehicleUpdate] = []
            await self._read_list(updates)
            self.host.receive(
                one for one in updates if one.vehicle_id not in self._excluded
            )
            # A poll tells which vehicles are gone.
            self.fleet.list_again()
        return self.fleet.account_of(vehicle_id)

    def has_camera(self, vehicle_id: str) -> bool:
        """Tell whether a vehicle has a camera, by its model or its command list."""
        device = self._device(vehicle_id)
        return device is not None and CAMERA in self.lists.capabilities(device)

    def _capabilities(self, vehicle_id: str) -> frozenset[str]:
        device = self.fleet.devices[vehicle_id]
        found = {ALARMS, *self.lists.capabilities(device)}
        if CAMERA in found:
            found |= {f"{PHOTO}:{FRONT}", f"{PHOTO}:{INSIDE}"}
        channels = self.cameras.channels(vehicle_id)
        found |= {f"{LIVE}:{camera}" for camera, _ in enumerate(channels, start=1)}
        return frozenset(found)

    def _with_capabilities(self, vehicle_id: str) -> VehicleUpdate:
        return VehicleUpdate(
            vehicle_id=vehicle_id, capabilities=self._capabilities(vehicle_id)
        )

    # --- commands ---------------------------------------------------------------------------

    async def instructions(self, vehicle_id: str) -> Sequence[Instruction]:
        """Return the commands that a vehicle knows, asking for them if need be (8.1)."""
        device = self.device(vehicle_id)
        return self.lists.of(device) or await self.lists.ask(device)

    def can_stop(self, vehicle_id: str, command: Command) -> bool:
        """Tell whether a command can stop a vehicle; what cannot be judged can."""
        match command.name:
            case (
                commands.ENGINE_RESTORE
                | commands.LOCATE
                | commands.REBOOT
                | commands.TAKE_PHOTO
                | commands.RECORD_VIDEO
            ):
                return False
            case commands.SEND_TEXT:
                text = str(command.arguments.get(commands.ARGUMENT_TEXT, ""))
                return _can_stop(commands.effect_of(text))
            case commands.SEND_INSTRUCTION:
                return _can_stop(self._effect_of(vehicle_id, command))
        return True

    def _effect_of(self, vehicle_id: str, command: Command) -> Effect:
        """Return what a command of a vehicle's list may do, as far as the list is known."""
        device = self._device(vehicle_id)
        known = self.lists.of(device) if device else None
        try:
            chosen = commands.find_entry(known or (), command.arguments)
        except InvalidArgument:
            return Effect.UNKNOWN
        return chosen.effect

    async def check(self, vehicle_id: str, command: Command) -> None:
        """Raise why a vehicle cannot carry out what an action sends.

        Its command list is asked for if need be. Raises CommandUnsupported and
        InvalidArgument by it, and VehicleOffline for what never waits.
        """
        arguments = command.arguments
        if command.name == commands.SEND_RAW:
            check_hex(str(arguments.get(commands.ARGUMENT_HEX, "")))
            self._check_online(vehicle_id)
        elif command.name in (commands.SEND_INSTRUCTION, commands.SEND_TEXT):
            text = str(arguments.get(commands.ARGUMENT_TEXT, ""))
            if command.name == commands.SEND_TEXT and self._goes_to_hub(text):
                return
            chosen = commands.find(await self.instructions(vehicle_id), command)
            if _can_stop(chosen.effect):
                self._check_online(vehicle_id)

    def _goes_to_hub(self, text: str) -> bool:
        """Tell whether a text is sent by the own instruction host."""
        return self.hub is not None and not _can_stop(commands.effect_of(text))

    def restores(self, vehicle_id: str, command: Command) -> bool:
        """Tell whether a command ends an engine cut-off, and does nothing else."""
        match command.name:
            case commands.ENGINE_RESTORE:
                return True
            case commands.SEND_TEXT:
                text = str(command.arguments.get(commands.ARGUMENT_TEXT, ""))
                return commands.effect_of(text) is Effect.RESTORES
            case commands.SEND_INSTRUCTION:
                return self._effect_of(vehicle_id, command) is Effect.RESTORES
        return False

    async def execute(
        self, vehicle_id: str, command: Command, clearance: Clearance = HARMLESS
    ) -> CommandResult:
        """Send a command and return when the vehicle answered it.

        What can stop a vehicle is sent only while it is online and never waits.
        """
        self.check_clearance(vehicle_id, command, clearance)
        clearance.check()
        arguments = command.arguments
        match command.name:
            case commands.ENGINE_CUT | commands.ENGINE_RESTORE:
                return await self._switch_engine(
                    vehicle_id, clearance, cut=command.name == commands.ENGINE_CUT
                )
            case commands.TAKE_PHOTO:
                await self.cameras.take_photo(vehicle_id, _camera(arguments), clearance)
                self.host.poll_soon(self.cameras.photo_wait() or 0)
                return CommandResult()
            case commands.RECORD_VIDEO:
                seconds = int(arguments.get(commands.ARGUMENT_SECONDS, 5))
                await self.cameras.record_video(
                    vehicle_id, _camera(arguments), seconds, clearance
                )
                return CommandResult()
            case commands.SEND_RAW:
                self._check_online(vehicle_id)
                text = await self._commander.send_raw(
                    vehicle_id,
                    str(arguments.get(commands.ARGUMENT_HEX, "")),
                    clearance,
                )
                warning = "tracksolid_command_sent" if text is None else None
                return CommandResult(text=text, warning=warning)
            case commands.SEND_TEXT:
                text = str(arguments.get(commands.ARGUMENT_TEXT, "")).strip()
                if text and self.hub is not None and self._goes_to_hub(text):
                    return CommandResult(
                        text=await self.hub.send_text(vehicle_id, text, clearance)
                    )
        known = await self.instructions(vehicle_id)
        chosen = commands.find(known, command)
        return _result(await self._send(vehicle_id, chosen, known, clearance))

    async def _switch_engine(
        self, vehicle_id: str, clearance: Clearance, *, cut: bool
    ) -> CommandResult:
        known = await self.instructions(vehicle_id)
        chosen = commands.find_relay(known, cut=cut)
        if chosen is None:
            waiting = cut and commands.find_relay(known, cut=False) is not None
            raise CommandUnsupported(
                "No relay in the device's list",
                key="tracksolid_cut_off_would_wait" if waiting else None,
            )
        outcome = await self._send(vehicle_id, chosen, known, clearance)
        if outcome.waits:
            return _result(outcome)
        state = ReadingGroup(
            name=Reading.ENGINE_CUT,
            measured_at=self.receipt(),
            readings={Reading.ENGINE_CUT: cut},
            time_source=TimeSource.OURS,
        )
        return CommandResult(
            text=outcome.answer,
            update=VehicleUpdate(vehicle_id=vehicle_id, groups=(state,)),
        )

    async def _send(
        self,
        vehicle_id: str,
        chosen: Chosen,
        known: Sequence[Instruction],
        clearance: Clearance,
    ) -> Outcome:
        if not _can_stop(chosen.effect):
            return await self._commander.send(vehicle_id, chosen, clearance)
        self._check_online(vehicle_id)
        restore = commands.find_relay(known, cut=False)
        return await self._commander.cut(vehicle_id, chosen, restore, clearance)

    async def _is_offline(self, vehicle_id: str) -> bool:
        """Read a vehicle once to find out whether it is offline."""
        try:
            update = await self.look(vehicle_id)
        except VendorError:
            self.counters["looks_failed"] += 1
            return False
        self.host.receive([update])
        return any(
            group.readings.get(Reading.ONLINE) is False for group in update.groups
        )

    def _check_online(self, vehicle_id: str) -> None:
        """Raise VehicleOffline when a vehicle is known to be offline."""
        vehicle = self.host.vehicle(vehicle_id)
        if vehicle is not None and vehicle.readings.get(Reading.ONLINE) is False:
            raise VehicleOffline("Not sent")

    async def call_method(self, name: str, parameters: Mapping[str, str]) -> Json:
        """Call a documented method by its name and return its `result` and `data`.

        Instructions go to the own host, if there is one, and return the device's words.
        """
        if self.hub is not None and name in INSTRUCTIONS:
            fields = dict(parameters)
            imei = fields.pop("deviceImei")
            words = await self.hub.call(imei, INSTRUCTIONS[name][0], fields)
            return {"result": words, "data": None}
        answer = await self.client.call(name, parameters)
        return {"result": as_json(answer.result), "data": as_json(answer.data)}

    # --- pushes -----------------------------------------------------------------------------

    async def receive_push(self, request: PushRequest) -> PushAnswer:
        """Verify and answer a push at once, and process it afterwards."""
        return await self.pushes.receive(request)

    async def _take(self, push: Push, update: VehicleUpdate) -> None:
        """Hand on the news in a push, and tell the readers what need not be polled."""
        if update.vehicle_id in self._excluded:
            return
        # After a start the list may not be read yet, for as long as the vendor is down.
        if (
            update.vehicle_id in self.fleet.devices
            or self.host.vehicle(update.vehicle_id) is not None
        ):
            self.host.receive([await self._noted(push, update)])
        else:
            self._note_unknown()

    async def _noted(self, push: Push, update: VehicleUpdate) -> VehicleUpdate:
        """Tell the readers what need not be polled, and return the rest of the news."""
        now = self.host.now()
        if push.path in _POSITION_PATHS and update.position is not None:
            self._pushed_positions[update.vehicle_id] = now
            if push.path == TAG_PATH:
                self._tags.note_pushed(update.vehicle_id)
        elif push.message == "jimi.push.device.alarm":
            return self._alarms.take_pushed(update, Way.NOTIFIED, now)
        elif push.path == "pushalarm" and push.message is None:
            return self._alarms.take_pushed(update, Way.PUSHED, now)
        elif push.path == "pushtripreport":
            await self._trips.note_pushed(update)
        elif push.path in {"pushobd", "pushfaultinfo"}:
            await self._obd.note_pushed(push.path, update.vehicle_id)
        elif push.path in {"uploadCallback", "pushfileupload"}:
            self.cameras.expect_photo(update.vehicle_id)
            self.host.poll_soon(self.cameras.photo_wait() or 0)
        return update

    def _note_unknown(self) -> None:
        """Look for new vehicles soon, but not for every push of a stranger."""
        self.counters["unknown_vehicles"] += 1
        now = self.host.now()
        asked_at = self._list_asked_at
        if not is_within(asked_at, _LIST_SOON, now):
            self._list_asked_at = now
            self.fleet.list_again()
            self.host.poll_soon(1)

    # --- the rest ---------------------------------------------------------------------------

    @property
    def clock_offset(self) -> timedelta:
        """By how much the server's clock is ahead of ours, as its answers tell."""
        return self.client.transport.clock_offset

    def diagnostics(self) -> Mapping[str, object]:
        """Return how the account does, without anything private."""
        return {
            "counters": dict(
                self.client.transport.counters + self.pushes.counters + self.counters
            ),
            "devices": len(self.fleet.devices),
            "accounts": len(self.fleet.accounts),
            "refused": len(self._refused),
            "vehicles_per_call": self.client.batches.limit,
            "positions_pushed": self._positions_are_pushed(),
            "alarms_pushed": self._alarms.are_pushed(self.host.now()),
            "pushes_waiting": self.pushes.waiting,
        }

    async def close(self) -> None:
        """Stop the streams that were started."""
        await self.cameras.close_all()
        self.client.close()
        if self.hub is not None:
            self.hub.http.close()


def _hub(options: Mapping[str, object], host: Host) -> InstructionClient | None:
    """Return the client of the user's own instruction host, if there is one."""
    url = str(options.get(HUB_URL) or "").strip()
    if not url:
        return None
    if "://" not in url:
        url = f"https://{url}"
    return InstructionClient(host.session, url, str(options.get(HUB_TOKEN) or ""))


def _can_stop(effect: Effect) -> bool:
    return effect in {Effect.STOPS, Effect.UNKNOWN}


def _camera(arguments: Mapping[str, object]) -> int:
    number = str(arguments.get(commands.ARGUMENT_CAMERA, FRONT))
    return int(number) if number.isdecimal() else FRONT


def _result(outcome: Outcome) -> CommandResult:
    return CommandResult(
        text=outcome.answer,
        warning=commands.QUEUED if outcome.waits else None,
    )
