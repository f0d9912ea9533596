"""Which commands each model knows: asked once a model, kept over restarts.

Also what a model's list says of a vehicle's capabilities.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from ...contract.errors import VendorError
from ...model.json_values import Json, as_flag, as_text, is_record
from ...model.vehicle import Capability
from . import commands
from .api.client import TracksolidClient
from .api.records import Device, Instruction
from .api.values import as_time
from .vocabulary import TracksolidCapability, TracksolidCommand

LIST_EVERY = timedelta(days=7)
AFTER_REFUSAL = timedelta(days=1)


_KEY = "instructions"
_CAMERA_WORDS = ("RTMP", "VIDEO", "PICTURE", "CAMERA", "FLV")
_CAMERA_MODELS = "JC"


class InstructionLists:
    """The command lists of the models of an account."""

    def __init__(self, client: TracksolidClient) -> None:
        """Initialize with the client; its memory keeps the lists of earlier sessions."""
        self._client = client
        self._memory = client.transport.memory
        self._lists: dict[str, tuple[Instruction, ...]] = {}
        self._due: dict[str, float] = {}
        self._capabilities: dict[str, frozenset[str]] = {}
        self._load()

    def of(self, device: Device) -> tuple[Instruction, ...] | None:
        """Return the list of a device's model, None before it is known."""
        return self._lists.get(model_of(device))

    def due(self, by_model: Mapping[str, Sequence[Device]]) -> list[Device]:
        """Return one device of each model with a list still to be asked for."""
        now = self._client.transport.now().timestamp()
        return [
            alike[-1]
            for model, alike in by_model.items()
            if self._due.get(model, 0) <= now
        ]

    async def ask(self, device: Device) -> tuple[Instruction, ...]:
        """Ask for the list of a device's model and keep it.

        A refusal keeps the list that was known (an empty one before) for a day; raises
        what was the matter.
        """
        model = model_of(device)
        try:
            found = tuple(await self._client.instructions.instructions(device.imei))
        except VendorError:
            self._lists.setdefault(model, ())
            await self._keep(model, AFTER_REFUSAL)
            raise
        self._lists[model] = found
        await self._keep(model, LIST_EVERY)
        return found

    def capabilities(self, device: Device) -> frozenset[str]:
        """Return what a device can be told, by its model's list.

        It is asked for each vehicle with each poll, so that a list is gone through once.
        """
        model = model_of(device)
        if (found := self._capabilities.get(model)) is None:
            found = _capabilities(device.model or "", self._lists.get(model, ()))
            self._capabilities[model] = found
        return found

    def with_camera(self, by_model: Mapping[str, Sequence[Device]]) -> list[str]:
        """Return the devices that have a camera, looking at each model once."""
        return [
            device.imei
            for alike in by_model.values()
            if TracksolidCapability.CAMERA in self.capabilities(alike[0])
            for device in alike
        ]

    async def _keep(self, model: str, time: timedelta) -> None:
        self._capabilities.pop(model, None)
        self._due[model] = (self._client.transport.now() + time).timestamp()
        stored: dict[str, Json] = {
            name: {
                "due": self._due.get(name, 0),
                "list": [_as_json(instruction) for instruction in instructions],
            }
            for name, instructions in self._lists.items()
        }
        await self._memory.put(_KEY, stored)

    def _load(self) -> None:
        stored = self._memory.get(_KEY)
        for model, kept in (stored if is_record(stored) else {}).items():
            rows = kept.get("list") if is_record(kept) else None
            if not is_record(kept) or not isinstance(rows, list):
                continue
            found = (_from_json(row) for row in rows if is_record(row))
            self._lists[model] = tuple(one for one in found if one is not None)
            due = as_time(kept.get("due"))
            self._due[model] = due.timestamp() if due else 0


def model_of(device: Device) -> str:
    """Return what devices with one list have in common: the model, if it is known."""
    return device.model or device.imei


def by_model(devices: Iterable[Device]) -> Mapping[str, Sequence[Device]]:
    """Return devices by what those with one list have in common."""
    found: dict[str, list[Device]] = {}
    for device in devices:
        found.setdefault(model_of(device), []).append(device)
    return found


def _capabilities(model: str, known: Sequence[Instruction]) -> frozenset[str]:
    """Return what devices of a model (its name, "" if unknown) can be told."""
    found: set[str] = set()
    if known:
        found.add(TracksolidCapability.COMMANDS)
    if commands.find_relay(known, cut=True) is not None:
        found.add(Capability.CUT_ENGINE)
    if commands.find_relay(known, cut=False) is not None:
        found.add(Capability.RESTORE_ENGINE)
    for name, capability in (
        (TracksolidCommand.LOCATE, TracksolidCapability.LOCATE),
        (TracksolidCommand.REBOOT, TracksolidCapability.REBOOT),
    ):
        if commands.find_button(known, name) is not None:
            found.add(capability)
    if model.upper().startswith(_CAMERA_MODELS) or any(
        word in instruction.template.upper()
        for instruction in known
        for word in _CAMERA_WORDS
    ):
        found.add(TracksolidCapability.CAMERA)
    return frozenset(found)


def _as_json(instruction: Instruction) -> Json:
    return {
        "id": instruction.id,
        "name": instruction.name,
        "template": instruction.template,
        "explanation": instruction.explanation,
        "may_wait": instruction.may_wait,
    }


def _from_json(row: Mapping[str, object]) -> Instruction | None:
    entry_id, template = as_text(row.get("id")), as_text(row.get("template"))
    if entry_id is None or template is None:
        return None
    return Instruction(
        id=entry_id,
        name=as_text(row.get("name")) or template,
        template=template,
        explanation=as_text(row.get("explanation")),
        may_wait=as_flag(row.get("may_wait")) is True,
    )
