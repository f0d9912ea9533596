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
    RateLimited,
    VehicleUnavailable,
    VendorError,
)
from ...contract.pushes import PushAnswer, PushRequest
from ...model.elapsed import is_within
from ...model.json_values import Json
from ...model.vehicle import Reading, VehicleUpdate
from ...transport.http_client import Unreachable
from .api.client import TracksolidClient
from .api.instruction_hub import InstructionClient
from .api.records import Device, Instruction, Location
from .api.transport import PATH, Credentials
from .api.values import as_json
from .cameras import Cameras
from .capabilities import Capabilities
from .catalog import INSTRUCTIONS, METHODS
from .executor import Executor
from .history import TracksolidHistory
from .instruction_lists import InstructionLists, by_model
from .mapping import map_device, map_nothing
from .media import TracksolidMedia
from .pushes.door import Push
from .pushes.receiver import WRONG_TOKEN, PushReceiver
from .readers.alarms import EVERY as ALARMS_EVERY, AlarmReader
from .readers.fleet import Fleet, Located
from .readers.instructions import InstructionReader
from .readers.live_views import LiveViewReader
from .readers.obd import FaultReader, ObdReportReader, ObdVehicles
from .readers.photos import PhotoReader
from .readers.reader import Reader, Situation
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

INTERVAL_WHILE_PUSHED = timedelta(minutes=5)

_LIST_SOON = timedelta(minutes=10)


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
        self.client.transport.http.on_refused = host.credentials_refused
        self.fleet = Fleet(
            self.client,
            host.known_records,
            sub_accounts=bool(options.get(SUB_ACCOUNTS)),
        )
        self.lists = InstructionLists(self.client)
        self.cameras = Cameras(self.client)
        self.photos = PhotoReader(self.client, self.lists, host.poll_soon)
        self.capabilities = Capabilities(self.lists, self.cameras)
        self.media = TracksolidMedia(
            self.client, self.cameras, self.photos, self.has_camera, self._is_offline
        )
        self.history = TracksolidHistory(self.client, self.account_of)
        self.hub = _hub(options, host)
        if self.hub is not None:
            own = {name: method for name, (_, method) in INSTRUCTIONS.items()}
            self.methods = {**METHODS, **own}
        self._executor = Executor(
            self.client,
            self.hub,
            self.lists,
            self.cameras,
            self.photos,
            device=self._device,
            vehicle=host.vehicle,
            receipt=self.receipt,
        )
        self._alarms = AlarmReader(self.client)
        obd = ObdVehicles(self.client, self.fleet.account_of)
        self._readers: Sequence[Reader] = (
            self._alarms,
            TagReader(self.client),
            TripReader(self.client),
            ObdReportReader(self.client, obd),
            FaultReader(self.client, obd),
            InstructionReader(self.lists, self.capabilities),
            self.photos,
            LiveViewReader(self.cameras, self.capabilities),
        )
        excluded = options.get(EXCLUDED)
        self._excluded = frozenset(excluded if isinstance(excluded, list) else ())
        token = str(options.get(PUSH_TOKEN) or "") or None
        self.pushes = PushReceiver(host, token, self._take, self.receipt)
        self._list_asked_at: datetime | None = None
        self._wanted: Mapping[str, Device] = {}
        self._by_model: Mapping[str, Sequence[Device]] = {}
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
            # A list that was read is news, but the error of the rest must still be raised.
            if not isinstance(err, AuthenticationFailed | RateLimited | Unreachable):
                # Alarms may be told all the same.
                await self._read_rest([self._alarms], Located([], set(), {}), updates)
            return PollResult(
                updates=self._shown(updates), roster=roster, error=err, answered=False
            )
        updates += located.updates
        if located.refused and not located.refused.keys() <= self._refused:
            self.fleet.list_again()
        self._refused = set(located.refused)
        rest = await self._read_rest(self._readers, located, updates)
        updates += [
            map_nothing(imei, self.receipt())
            for imei in located.left_out
            if (known := self.host.vehicle(imei)) and Reading.ONLINE in known.readings
        ]
        error = rest or located.error or error
        return PollResult(
            updates=self._shown(updates),
            unchanged=len(located.unchanged),
            roster=roster,
            error=error,
            tells=bool(located.updates or located.unchanged or located.refused),
        )

    def _shown(self, updates: list[VehicleUpdate]) -> list[VehicleUpdate]:
        return [u for u in updates if u.vehicle_id not in self._excluded]

    async def _read_list(self, updates: list[VehicleUpdate]) -> frozenset[str] | None:
        """Read the device list; returns the roster if the list is complete."""
        devices, complete = await self.fleet.read()
        self._wanted = {
            imei: device
            for imei, device in devices.items()
            if imei not in self._excluded
        }
        self._by_model = by_model(self._wanted.values())
        for device in devices.values():
            update = map_device(device, self.receipt())
            updates.append(replace(update, capabilities=self.capabilities.of(device)))
        return frozenset(devices) if complete else None

    async def _read_rest(
        self,
        readers: Sequence[Reader],
        located: Located,
        updates: list[VehicleUpdate],
    ) -> VendorError | None:
        """Read what else is due. A reader that fails does not keep the others back."""
        situation = self._situation(located)
        error: VendorError | None = None
        for reader in readers:
            try:
                if due := reader.due(situation):
                    updates += await reader.read(due, situation)
            except (AuthenticationFailed, RateLimited) as err:
                return err
            except VendorError as err:
                self.counters["parts_failed"] += 1
                error = err
        if (wait := self.photos.wait()) is not None:
            self.host.poll_soon(wait)
        return error

    def _situation(self, located: Located) -> Situation:
        without = self._wanted.keys() - located.unchanged
        without -= located.refused.keys()
        without.difference_update(update.vehicle_id for update in located.updates)
        return Situation(
            now=self.host.now(),
            devices=self._wanted,
            by_model=self._by_model,
            vehicles=self.host.vehicles(),
            with_ignition_on=self.host.with_ignition_on(),
            driving=self._driving(),
            without_location=[imei for imei in self._wanted if imei in without]
            if without
            else (),
        )

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
        return self.fleet.positions_are_pushed(self._driving())

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
        return device is not None and self.capabilities.has_camera(device)

    # --- commands ---------------------------------------------------------------------------

    async def instructions(self, vehicle_id: str) -> Sequence[Instruction]:
        """Return the commands that a vehicle knows, asking for them if need be (8.1)."""
        return await self._executor.instructions(vehicle_id)

    def can_stop(self, vehicle_id: str, command: Command) -> bool:
        """Tell whether a command can stop a vehicle; what cannot be judged can."""
        return self._executor.can_stop(vehicle_id, command)

    def restores(self, vehicle_id: str, command: Command) -> bool:
        """Tell whether a command ends an engine cut-off, and does nothing else."""
        return self._executor.restores(vehicle_id, command)

    async def check(self, vehicle_id: str, command: Command) -> None:
        """Raise why a vehicle cannot carry out what an action sends."""
        await self._executor.check(vehicle_id, command)

    async def execute(
        self, vehicle_id: str, command: Command, clearance: Clearance = HARMLESS
    ) -> CommandResult:
        """Send a command and return when the vehicle answered it."""
        self.check_clearance(vehicle_id, command, clearance)
        return await self._executor.execute(vehicle_id, command, clearance)

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
        """Hand on the news in a push, once the readers know what they need not poll."""
        if update.vehicle_id in self._excluded:
            return
        # While the vendor is down after a start, the list is not read yet.
        if (
            update.vehicle_id in self.fleet.devices
            or self.host.vehicle(update.vehicle_id) is not None
        ):
            update = self.fleet.take_push(push, update)
            for reader in self._readers:
                update = await reader.take_push(push, update)
            self.host.receive([update])
        else:
            self._note_unknown()

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
        await self.client.close()
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
