"""The commands of the Open API (2.5), by the names that entities and actions use."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ...model.vehicle import Reading, Value

ENGINE_CUT = "engine_cut"
ENGINE_RESTORE = "engine_restore"
LOCK = "lock"
UNLOCK = "unlock"
RESET = "reset"
SET_MILEAGE = "set_mileage"

# What the document calls them. SET_MILEAGE takes its parameter apart: "SET_MILEAGE,30"
# is refused.
WIRE_COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        ENGINE_CUT: "RELAY,1",
        ENGINE_RESTORE: "RELAY,0",
        LOCK: "LOCKDOOR",
        UNLOCK: "UNLOCKDOOR",
        RESET: "RESET",
        SET_MILEAGE: "SET_MILEAGE",
    }
)

# What a vehicle is capable of until it refuses one of the commands as unsupported.
CAPABILITY_OF: Mapping[str, str] = MappingProxyType(
    {
        ENGINE_CUT: "cut_engine",
        ENGINE_RESTORE: "restore_engine",
        LOCK: "lock",
        UNLOCK: "lock",
        RESET: "reset",
        SET_MILEAGE: "set_mileage",
    }
)

# What is known once the tracker has confirmed a command. Nothing reads the lock back:
# doorstatus is whether the door stands open.
CONFIRMED: Mapping[str, Mapping[str, Value]] = MappingProxyType(
    {
        ENGINE_CUT: {Reading.ENGINE_CUT: True},
        ENGINE_RESTORE: {Reading.ENGINE_CUT: False},
        LOCK: {Reading.LOCKED: True},
        UNLOCK: {Reading.LOCKED: False},
    }
)

ALARMS = "alarms"
CAPABILITIES = frozenset({*CAPABILITY_OF.values(), ALARMS})
