"""Reads which commands the models of an account know (8.1), a few models with each poll."""

from __future__ import annotations

from collections.abc import Sequence
from typing import override

from ....model.vehicle import VehicleUpdate
from ..capabilities import Capabilities
from ..instruction_lists import InstructionLists, model_of
from .reader import Reader, Situation

MODELS_PER_POLL = 2


class InstructionReader(Reader):
    """Reads one command list for each model."""

    def __init__(self, lists: InstructionLists, capabilities: Capabilities) -> None:
        """Initialize with the lists that are known, and what follows from them."""
        self._lists = lists
        self._capabilities = capabilities

    @override
    def due(self, situation: Situation) -> Sequence[str]:
        """Return one vehicle of each model with a list that is to be asked for."""
        due = self._lists.due(situation.by_model)
        return [device.imei for device in due[:MODELS_PER_POLL]]

    @override
    async def read(
        self, imeis: Sequence[str], situation: Situation
    ) -> Sequence[VehicleUpdate]:
        """Ask for the lists and return the capabilities of all vehicles of these models."""
        models = set()
        for imei in imeis:
            device = situation.devices[imei]
            await self._lists.ask(device)
            models.add(model_of(device))
        return [
            self._capabilities.update_of(device)
            for device in situation.devices.values()
            if model_of(device) in models
        ]
