"""The words of the Open API beside the common ones: readings, capabilities, commands."""

from __future__ import annotations

from enum import StrEnum


class OpenApiReading(StrEnum):
    """The readings that the Open API adds."""

    FUEL_MEASURED_AT = "fuel_measured_at"
    TEMPERATURE_MEASURED_AT = "temperature_measured_at"
    # without an entity, in the diagnostics
    POSITION_RECEIVED_AT = "position_received_at"
    FIRST_ONLINE_AT = "first_online_at"
    ACTIVATED_AT = "activated_at"


class OpenApiCapability(StrEnum):
    """The capabilities that the Open API adds."""

    RESET = "reset"
    SET_MILEAGE = "set_mileage"


class OpenApiCommand(StrEnum):
    """The commands of the Open API (2.5), by the names that entities and actions use."""

    CUT_ENGINE = "cut_engine"
    RESTORE_ENGINE = "restore_engine"
    LOCK = "lock"
    UNLOCK = "unlock"
    RESET = "reset"
    SET_MILEAGE = "set_mileage"
