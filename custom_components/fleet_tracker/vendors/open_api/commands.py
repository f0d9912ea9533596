"""The commands of the Open API (2.5): how they are sent, and what they need."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ...model.vehicle import Capability, Reading, Value
from .vocabulary import OpenApiCapability, OpenApiCommand

# What the document calls them. SET_MILEAGE takes its parameter apart: "SET_MILEAGE,30"
# is refused.
WIRE_COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        OpenApiCommand.CUT_ENGINE: "RELAY,1",
        OpenApiCommand.RESTORE_ENGINE: "RELAY,0",
        OpenApiCommand.LOCK: "LOCKDOOR",
        OpenApiCommand.UNLOCK: "UNLOCKDOOR",
        OpenApiCommand.RESET: "RESET",
        OpenApiCommand.SET_MILEAGE: "SET_MILEAGE",
    }
)

# What a vehicle is capable of until it refuses one of the commands as unsupported.
CAPABILITY_OF: Mapping[str, str] = MappingProxyType(
    {
        OpenApiCommand.CUT_ENGINE: Capability.CUT_ENGINE,
        OpenApiCommand.RESTORE_ENGINE: Capability.RESTORE_ENGINE,
        OpenApiCommand.LOCK: Capability.LOCK,
        OpenApiCommand.UNLOCK: Capability.LOCK,
        OpenApiCommand.RESET: OpenApiCapability.RESET,
        OpenApiCommand.SET_MILEAGE: OpenApiCapability.SET_MILEAGE,
    }
)

# What is known once the tracker has confirmed a command. Nothing reads the lock back:
# doorstatus is whether the door stands open.
CONFIRMED: Mapping[str, Mapping[str, Value]] = MappingProxyType(
    {
        OpenApiCommand.CUT_ENGINE: {Reading.ENGINE_CUT: True},
        OpenApiCommand.RESTORE_ENGINE: {Reading.ENGINE_CUT: False},
        OpenApiCommand.LOCK: {Reading.LOCKED: True},
        OpenApiCommand.UNLOCK: {Reading.LOCKED: False},
    }
)

CAPABILITIES = frozenset({*CAPABILITY_OF.values(), Capability.EVENTS})
