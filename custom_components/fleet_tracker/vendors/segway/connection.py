"""A Segway account: its polls, its pushes, and how its commands are confirmed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import override

from ...contract.commands import HARMLESS, Clearance, Command, CommandResult
from ...contract.connection import Connection, Host, PollResult, Settings
from ...contract.errors import (
    CommandUnconfirmed,
    CommandUnsupported,
    InvalidArgument,
    VehicleUnavailable,
    VendorError,
)
from ...contract.pushes import PushAnswer, PushRequest
from ...model.confirmation import Expectation
from ...model.elapsed import is_within
from ...model.vehicle import TimeSource, Value, VehicleUpdate
from .arguments import upload_interval
from .client import Credentials, SegwayClient, server_for
from .commands import OPERATIONS, Operation, Sent
from .mapping import (
    Component,
    Group,
    map_alert,
    map_components,
    map_fault,
    map_location,
    map_status,
    motion_in,
)
from .poller import Poller
from .push import Push, PushInbox, PushKind, PushRefused
from .schedule import SELDOM, Query, UploadPeriods
from .values import whole
from .vehicle import AcceptedVehicle, FactsBook, model_of, name_of, stop_asking
from .vocabulary import SegwayCommand

# Keys of the settings
CLIENT_ID = "client_id"
CLIENT_SECRET = "client_secret"
SERVER = "server"
"""The base URL. Empty: that of the region which the client ID names."""

CONFIRMATIONS = 5
CONFIRM_PAUSE = 2
DISCOVERY_PAUSE = timedelta(hours=1)
_MOST_STRANGERS = 1000


class SegwayConnection(Connection):
    """Polls each vehicle at its own pace and takes pushes of all of them."""

    def __init__(self, settings: Settings, host: Host) -> None:
        """Initialize with the credentials, the accepted vehicles, and the memory."""
        super().__init__(settings, host)
        client_id = str(settings.data[CLIENT_ID])
        client_secret = str(settings.data[CLIENT_SECRET])
        self.client = SegwayClient(
            host.session,
            Credentials(
                client_id,
                client_secret,
                str(settings.data.get(SERVER) or server_for(client_id)),
            ),
            host.memory,
            host.now,
        )
        self.client.http.on_refused = host.credentials_refused
        self._inbox = PushInbox(host, client_id, client_secret)
        self._book = FactsBook(host.memory)
        self._strangers: dict[str, datetime] = {}
        self._vehicles = {
            imei: self._accept(imei, entered)
            for imei, entered in settings.vehicles.items()
        }
        self._poller = Poller(
            self.client, host, self._book, self._vehicles, settings.parked_interval
        )

    def _accept(self, imei: str, entered: Mapping[str, object]) -> AcceptedVehicle:
        return AcceptedVehicle.accept(
            imei,
            entered,
            self._book,
            driving=self.settings.driving_interval,
            standing=self.settings.parked_interval,
        )

    @override
    def change_pace(self, driving: timedelta, parked: timedelta) -> None:
        """Ask every vehicle at another pace from now on."""
        super().change_pace(driving, parked)
        for vehicle in self._vehicles.values():
            schedule = vehicle.schedule
            schedule.driving, schedule.standing = driving, parked

    # --- queries ---

    @override
    async def poll(self) -> PollResult:
        """Ask the due vehicles for news, and hand it on at once.

        Raises VendorError when the account cannot be read.
        """
        await self._poller.poll()
        return PollResult()

    @override
    def poll_interval(self) -> timedelta:
        """Return how long until the next vehicle's time comes."""
        return self._poller.interval()

    @override
    def pace(self) -> timedelta:
        """Return how often the vehicle that is asked most often is asked for its status."""
        return self._poller.pace()

    @override
    async def look(self, vehicle_id: str) -> VehicleUpdate:
        """Return how and where a vehicle is, as far as Segway knows."""
        return await self._look(self._vehicle(vehicle_id))

    async def _look(
        self, vehicle: AcceptedVehicle, *, real_time: bool = False
    ) -> VehicleUpdate:
        update = await self._poller.ask(vehicle, Query.STATUS)
        location = await self._poller.ask(
            vehicle, Query.LOCATION, real_time=real_time, motion=motion_in(update)
        )
        return _joined(vehicle.imei, update, location)

    def _vehicle(self, vehicle_id: str) -> AcceptedVehicle:
        if (vehicle := self._vehicles.get(vehicle_id)) is None:
            raise VehicleUnavailable("Not an accepted vehicle")
        return vehicle

    # --- commands ---

    @override
    def can_stop(self, vehicle_id: str, command: Command) -> bool:
        """Tell whether it turns the throttle off. A ridden vehicle is never locked."""
        return command.name == SegwayCommand.THROTTLE_OFF

    @override
    async def check(self, vehicle_id: str, command: Command) -> None:
        """Raise CommandUnsupported for what the model lacks, InvalidArgument for wrong values."""
        vehicle = self._vehicle(vehicle_id)
        if command.name != SegwayCommand.REFRESH:
            _operation(vehicle, command).check(command.arguments)

    @override
    def restores(self, vehicle_id: str, command: Command) -> bool:
        """Tell whether it turns the throttle on."""
        return command.name == SegwayCommand.THROTTLE_ON

    @override
    async def execute(
        self, vehicle_id: str, command: Command, clearance: Clearance = HARMLESS
    ) -> CommandResult:
        """Carry out a command; what a query shows is confirmed by one."""
        self.check_clearance(vehicle_id, command, clearance)
        vehicle = self._vehicle(vehicle_id)
        if command.name == SegwayCommand.REFRESH:
            return CommandResult(update=await self._refresh(vehicle))
        operation = _operation(vehicle, command)
        operation.check(command.arguments)
        vehicle.schedule.be_quick(self.host.now())
        vehicle.schedule.asked.pop(Query.EXTRA_STATUS, None)
        expected = await self._expectation(vehicle, operation, command)
        doubt: CommandUnconfirmed | None = None
        sent = Sent()
        try:
            sent = await operation.send(
                self.client, vehicle.imei, command.arguments, clearance
            )
        except CommandUnconfirmed as err:
            doubt = err
        except VendorError as err:
            if not vehicle.lacks(operation.capability, err):
                raise
            await self._poller.learn_refusal(vehicle, operation.capability)
            raise CommandUnsupported(str(err), key="segway_not_supported") from err
        else:
            await self._poller.learn_proof(vehicle, operation.capability)
        update = await self._confirm(vehicle, operation, expected, doubt)
        effect = await self._effect(vehicle, command)
        return CommandResult(
            text=sent.text,
            warning=sent.warning,
            update=_joined(vehicle.imei, update, effect),
        )

    async def _expectation(
        self, vehicle: AcceptedVehicle, operation: Operation, command: Command
    ) -> Expectation | None:
        """Return what a vehicle is to show after a command, None if nothing can be read.

        A reading that only follows from the command, or has no time of its own, is read
        before it: somebody else may have changed it since it was last told.
        """
        query = Query(operation.group)
        if operation.shows is None or query not in vehicle.queries:
            return None
        wanted = operation.shows(command.arguments)
        if operation.is_shown_itself:
            known = self.host.vehicle(vehicle.imei)
            group = known.groups.get(operation.group) if known else None
            return Expectation(
                wanted=wanted,
                before=group.readings if group else {},
                sent_at=self.host.now(),
            )
        before: Mapping[str, Value] = {}
        try:
            before = _readings(await self._poller.ask(vehicle, query))
        except VendorError as err:
            self._poller.counters[f"before a command: {err.translation_key}"] += 1
        return Expectation(wanted=wanted, before=before)

    async def _confirm(
        self,
        vehicle: AcceptedVehicle,
        operation: Operation,
        expected: Expectation | None,
        doubt: CommandUnconfirmed | None,
    ) -> VehicleUpdate | None:
        """Return what shows that a command was carried out, None if nothing can.

        The document's 15302 leaves open what the vehicle did: it is read again before
        that is said, and only what proves it counts. Raises CommandUnconfirmed where the
        vehicle does not show it.
        """
        if expected is None:
            if doubt is not None:
                await self._show_status(vehicle)
                raise doubt
            return None
        query = Query(operation.group)
        update: VehicleUpdate | None = None
        for attempt in range(CONFIRMATIONS):
            if attempt:
                await self.host.sleep(CONFIRM_PAUSE)
            try:
                update = await self._poller.ask(vehicle, query)
            except VendorError as err:
                self._poller.counters[f"confirmation: {err.translation_key}"] += 1
                continue
            shown = _readings(update)
            if doubt is not None:
                if expected.is_confirmed(
                    shown, measured_at=_told_at(update), read_at=self.host.now()
                ):
                    return update
            elif expected.is_shown(shown) or not (
                operation.lasting and any(key in shown for key in expected.wanted)
            ):
                return update
        if update is not None:
            self.host.receive([update])
        elif doubt is None:
            return None
        raise doubt or CommandUnconfirmed("Not shown", key="segway_not_confirmed")

    async def _show_status(self, vehicle: AcceptedVehicle) -> None:
        """Show how a vehicle is after a command of which nothing can be read back."""
        try:
            update = await self._poller.ask(vehicle, Query.STATUS)
        except VendorError as err:
            self._poller.counters[f"confirmation: {err.translation_key}"] += 1
        else:
            self.host.receive([update])

    async def _effect(
        self, vehicle: AcceptedVehicle, command: Command
    ) -> VehicleUpdate | None:
        """Return what is known of a vehicle because it carried out a command."""
        now = self.host.now()
        if command.name == SegwayCommand.GET_BLUETOOTH_KEY:
            return None
        if command.name == SegwayCommand.SET_UPLOAD_INTERVAL:
            interval = upload_interval(command.arguments)
            vehicle.facts.periods = vehicle.schedule.configured = UploadPeriods(
                location_unlocked=interval.location.unlocked,
                location_locked=interval.location.locked,
                status_riding=interval.status.riding,
                status_standing=interval.status.standing,
                status_locked=interval.status.locked,
            )
            await self._book.save(vehicle.imei)
        return VehicleUpdate(
            vehicle_id=vehicle.imei,
            heard_at=now,
            heard_source=TimeSource.OURS,
        )

    async def _refresh(self, vehicle: AcceptedVehicle) -> VehicleUpdate:
        """Return all that can be read, the place as the vehicle itself says it is now."""
        update = await self._look(vehicle, real_time=True)
        for query in vehicle.queries:
            if query in SELDOM:
                vehicle.schedule.asked.pop(query, None)
                await self._poller.read(vehicle, query)
        return update

    # --- pushes ---

    @override
    async def receive_push(self, request: PushRequest) -> PushAnswer:
        """Receive a push. A repeated one is answered as the first was, and does nothing."""
        try:
            push = self._inbox.open(request)
        except PushRefused as refusal:
            return PushAnswer(status=refusal.status)
        if not self._inbox.is_repetition(push):
            vehicle = self._vehicles.get(push.imei)
            if vehicle is None:
                self._discover(push.imei)
            elif not self._take(vehicle, push):
                self._inbox.counters["malformed"] += 1
                return PushAnswer(status=400)
            self._inbox.remember(push)
            await self._book.save(push.imei)
        return PushAnswer(body={"code": 0, "message": "success"}, verified=True)

    def _discover(self, imei: str) -> None:
        """Show a vehicle that is not accepted, once in a while."""
        now = self.host.now()
        shown = self._strangers.get(imei)
        if is_within(shown, DISCOVERY_PAUSE, now):
            return
        if len(self._strangers) >= _MOST_STRANGERS:
            self._strangers.clear()
        self._strangers[imei] = now
        self.host.discover(imei)

    def _take(self, vehicle: AcceptedVehicle, push: Push) -> bool:
        """Hand on the news in a push; return whether the push was complete."""
        now = self.host.now()
        known = self.host.vehicle(vehicle.imei)
        clock = known.clock if known else None
        match push.kind:
            case PushKind.STATUS:
                vehicle.schedule.pushed[Query.STATUS] = now
                self._poller.take_status(
                    vehicle,
                    replace(
                        map_status(vehicle.imei, push.fields, now, clock, pushed=True),
                        pushed=True,
                    ),
                )
            case PushKind.LOCATION:
                vehicle.schedule.pushed[Query.LOCATION] = now
                motion = known.groups.get(Group.MOTION) if known else None
                update = map_location(vehicle.imei, push.fields, now, motion, clock)
                self._poller.counters["locations without a fix"] += update is None
                if update is not None:
                    self.host.receive([replace(update, pushed=True)])
            case PushKind.ALERT | PushKind.FAULT:
                is_fault = push.kind is PushKind.FAULT
                alert = (map_fault if is_fault else map_alert)(push.fields, now)
                if alert is None:
                    return False
                take = vehicle.take_fault if is_fault else vehicle.take_alert
                self.host.receive([take(alert, now)])
                vehicle.schedule.be_quick(now)
            case PushKind.COMPONENTS:
                update = map_components(vehicle.imei, push.fields, now)
                if update is not None:
                    self.host.receive([replace(update, pushed=True)])
                elif whole(push.fields.get("type"), 4, 4) == Component.TAILBOX_HELMET:
                    # It tells that one was put in or taken out, not how many there are.
                    vehicle.schedule.asked.pop(Query.EXTRA_STATUS, None)
                else:
                    self._poller.counters["unknown components"] += 1
        self._poller.poll_sooner(vehicle)
        return True

    # --- the rest ---------------------------------------------------------------------------

    @override
    async def vehicles_changed(
        self, vehicles: Mapping[str, Mapping[str, object]]
    ) -> None:
        """Apply vehicles that were added, removed, renamed or got another model."""
        for imei in self._vehicles.keys() - vehicles.keys():
            await stop_asking([self._vehicles.pop(imei)])
            await self._book.forget(imei)
        for imei, entered in vehicles.items():
            vehicle = self._vehicles.get(imei)
            if vehicle is None:
                self._vehicles[imei] = self._accept(imei, entered)
                continue
            vehicle.name = name_of(imei, entered)
            if (model := model_of(entered)) != vehicle.facts.model:
                vehicle.change_model(model)
                await self._book.save(imei)
            vehicle.introduced = False

    @override
    def diagnostics(self) -> Mapping[str, object]:
        """Return the health of the account and its vehicles, without anything private."""
        now = self.host.now()
        return {
            "client": dict(self.client.counters),
            "counters": dict(self._poller.counters),
            "pushes": dict(self._inbox.counters),
            "strangers": len(self._strangers),
            "vehicles": [
                vehicle.diagnostics(now) for vehicle in self._vehicles.values()
            ],
        }

    @override
    async def close(self) -> None:
        """Stop asking."""
        self._poller.stop()
        await self.client.close()
        await stop_asking(self._vehicles.values())


def _operation(vehicle: AcceptedVehicle, command: Command) -> Operation:
    """Return how a vehicle carries out a command. Raises CommandUnsupported if it cannot."""
    if (operation := OPERATIONS.get(command.name)) is None:
        raise InvalidArgument("Unknown command")
    if operation.capability not in vehicle.capabilities:
        raise CommandUnsupported("Not on this model", key="segway_not_on_model")
    return operation


def _joined(imei: str, *updates: VehicleUpdate | None) -> VehicleUpdate:
    """Return the news of several updates of one vehicle in one."""
    parts = [update for update in updates if update is not None]
    heard = [
        (update.heard_at, update.heard_source)
        for update in parts
        if update.heard_at is not None
    ]
    heard_at, heard_source = max(heard, default=(None, TimeSource.TRACKER))
    return VehicleUpdate(
        vehicle_id=imei,
        position=next((update.position for update in parts if update.position), None),
        groups=tuple(group for update in parts for group in update.groups),
        heard_at=heard_at,
        heard_source=heard_source,
    )


def _readings(update: VehicleUpdate) -> dict[str, Value]:
    return {
        key: value for group in update.groups for key, value in group.readings.items()
    }


def _told_at(update: VehicleUpdate) -> datetime | None:
    """Return when the answer to a query was measured, None if the vehicle does not say."""
    group = update.groups[0]
    return group.measured_at if group.time_source is TimeSource.TRACKER else None
