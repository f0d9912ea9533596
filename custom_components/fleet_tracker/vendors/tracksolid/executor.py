"""Carries out commands: the way of each, and the checks before it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from ...contract.commands import PART, Clearance, Command, CommandResult
from ...contract.errors import (
    CommandUnsupported,
    InvalidArgument,
    VehicleOffline,
    VehicleUnavailable,
)
from ...model.vehicle import Reading, ReadingGroup, TimeSource, Vehicle, VehicleUpdate
from . import commands
from .api.client import TracksolidClient
from .api.instruction_hub import InstructionClient
from .api.instructions import check_hex
from .api.records import Device, Instruction
from .cameras import FRONT, Cameras
from .commands import Chosen, Commander, Effect, Outcome
from .instruction_lists import InstructionLists
from .readers.photos import PhotoReader
from .vocabulary import TracksolidCommand


class Executor:
    """Carries out the commands of an account's vehicles."""

    def __init__(
        self,
        client: TracksolidClient,
        hub: InstructionClient | None,
        lists: InstructionLists,
        cameras: Cameras,
        photos: PhotoReader,
        *,
        device: Callable[[str], Device | None],
        vehicle: Callable[[str], Vehicle | None],
        receipt: Callable[[], datetime],
    ) -> None:
        """Initialize with the ways that commands go, and what is known of the vehicles.

        ``hub`` is the user's own instruction host, ``receipt`` the server's clock.
        """
        self._sender = Commander(client)
        self._hub = hub
        self._lists = lists
        self._cameras = cameras
        self._photos = photos
        self._device = device
        self._vehicle = vehicle
        self._receipt = receipt

    async def instructions(self, vehicle_id: str) -> Sequence[Instruction]:
        """Return the commands that a vehicle knows, asking for them if need be (8.1)."""
        device = self._device(vehicle_id)
        if device is None:
            raise VehicleUnavailable("No such vehicle", key="tracksolid_illegal")
        return self._lists.of(device) or await self._lists.ask(device)

    def can_stop(self, vehicle_id: str, command: Command) -> bool:
        """Tell whether a command can stop a vehicle; what cannot be judged can."""
        match command.name:
            case (
                TracksolidCommand.RESTORE_ENGINE
                | TracksolidCommand.LOCATE
                | TracksolidCommand.REBOOT
                | TracksolidCommand.TAKE_PHOTO
                | TracksolidCommand.RECORD_VIDEO
            ):
                return False
            case TracksolidCommand.SEND_TEXT:
                text = str(command.arguments.get(commands.ARGUMENT_TEXT, ""))
                return _can_stop(commands.effect_of(text))
            case TracksolidCommand.SEND_INSTRUCTION:
                return _can_stop(self._effect_of(vehicle_id, command))
        return True

    def _effect_of(self, vehicle_id: str, command: Command) -> Effect:
        """Return what a command of a vehicle's list may do, as far as the list is known."""
        device = self._device(vehicle_id)
        known = self._lists.of(device) if device else None
        try:
            chosen = commands.find_entry(known or (), command.arguments)
        except InvalidArgument:
            return Effect.UNKNOWN
        return chosen.effect

    async def check(self, vehicle_id: str, command: Command) -> None:
        """Raise the error that keeps a vehicle from carrying out an action, if any.

        Reads its command list if need be. Raises CommandUnsupported and InvalidArgument by
        that list, and VehicleOffline for a command that must not wait.
        """
        arguments = command.arguments
        if command.name == TracksolidCommand.SEND_RAW:
            check_hex(str(arguments.get(commands.ARGUMENT_HEX, "")))
            self._check_online(vehicle_id)
        elif command.name in (
            TracksolidCommand.SEND_INSTRUCTION,
            TracksolidCommand.SEND_TEXT,
        ):
            text = str(arguments.get(commands.ARGUMENT_TEXT, ""))
            if command.name == TracksolidCommand.SEND_TEXT and self._goes_to_hub(text):
                return
            chosen = commands.find(await self.instructions(vehicle_id), command)
            if _can_stop(chosen.effect):
                self._check_online(vehicle_id)

    def _goes_to_hub(self, text: str) -> bool:
        """Tell whether a text is sent by the own instruction host."""
        return self._hub is not None and not _can_stop(commands.effect_of(text))

    def restores(self, vehicle_id: str, command: Command) -> bool:
        """Tell whether a command ends an engine cut-off, and does nothing else."""
        match command.name:
            case TracksolidCommand.RESTORE_ENGINE:
                return True
            case TracksolidCommand.SEND_TEXT:
                text = str(command.arguments.get(commands.ARGUMENT_TEXT, ""))
                return commands.effect_of(text) is Effect.RESTORES
            case TracksolidCommand.SEND_INSTRUCTION:
                return self._effect_of(vehicle_id, command) is Effect.RESTORES
        return False

    async def execute(
        self, vehicle_id: str, command: Command, clearance: Clearance
    ) -> CommandResult:
        """Send a command and return when the vehicle answered it.

        What can stop a vehicle is sent only while it is online and never waits.
        """
        clearance.check()
        arguments = command.arguments
        match command.name:
            case TracksolidCommand.CUT_ENGINE | TracksolidCommand.RESTORE_ENGINE:
                return await self._switch_engine(
                    vehicle_id,
                    clearance,
                    cut=command.name == TracksolidCommand.CUT_ENGINE,
                )
            case TracksolidCommand.TAKE_PHOTO:
                await self._cameras.take_photo(
                    vehicle_id, _camera(arguments), clearance
                )
                self._photos.expect(vehicle_id)
                return CommandResult()
            case TracksolidCommand.RECORD_VIDEO:
                seconds = int(arguments.get(commands.ARGUMENT_SECONDS, 5))
                await self._cameras.record_video(
                    vehicle_id, _camera(arguments), seconds, clearance
                )
                return CommandResult()
            case TracksolidCommand.SEND_RAW:
                self._check_online(vehicle_id)
                text = await self._sender.send_raw(
                    vehicle_id,
                    str(arguments.get(commands.ARGUMENT_HEX, "")),
                    clearance,
                )
                warning = "tracksolid_command_sent" if text is None else None
                return CommandResult(text=text, warning=warning)
            case TracksolidCommand.SEND_TEXT:
                text = str(arguments.get(commands.ARGUMENT_TEXT, "")).strip()
                if text and self._hub is not None and self._goes_to_hub(text):
                    return CommandResult(
                        text=await self._hub.send_text(vehicle_id, text, clearance)
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
            measured_at=self._receipt(),
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
            return await self._sender.send(vehicle_id, chosen, clearance)
        self._check_online(vehicle_id)
        restore = commands.find_relay(known, cut=False)
        return await self._sender.cut(vehicle_id, chosen, restore, clearance)

    def _check_online(self, vehicle_id: str) -> None:
        """Raise VehicleOffline when a vehicle is known to be offline."""
        vehicle = self._vehicle(vehicle_id)
        if vehicle is not None and vehicle.readings.get(Reading.ONLINE) is False:
            raise VehicleOffline("Not sent")


def _can_stop(effect: Effect) -> bool:
    return effect in {Effect.STOPS, Effect.UNKNOWN}


def _camera(arguments: Mapping[str, object]) -> int:
    number = str(arguments.get(PART, FRONT))
    return int(number) if number.isdecimal() else FRONT


def _result(outcome: Outcome) -> CommandResult:
    return CommandResult(
        text=outcome.answer,
        warning=commands.QUEUED if outcome.waits else None,
    )
