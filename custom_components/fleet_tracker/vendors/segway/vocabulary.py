"""The words of Segway beside the common ones: readings, capabilities, commands."""

from __future__ import annotations

from enum import StrEnum

from ...model.vehicle import Capability


class SegwayReading(StrEnum):
    """The readings that Segway adds.

    Charge, voltage, cycles and temperature of single batteries are written with the
    battery's port (``pack_charge:1``).
    """

    REMAINING_RANGE = "remaining_range"
    """km"""
    SIGNAL = "signal"
    """%, of the mobile network"""
    RIDING_TIME = "riding_time"
    """s"""
    LOCK_VOLTAGE = "lock_voltage"
    """V"""
    SPEED_MODE = "speed_mode"
    """low, medium or high"""
    BATTERY_VOLTAGE = "battery_voltage"
    """V, of the battery that drives it"""
    CURRENT_POWER = "current_power"
    """W"""
    PACK_CHARGE = "pack_charge"
    """%"""
    PACK_VOLTAGE = "pack_voltage"
    """V"""
    PACK_CYCLES = "pack_cycles"
    PACK_TEMPERATURE = "pack_temperature"
    """°C"""
    SEAT_CASK_HELMETS = "seat_cask_helmets"
    TAILBOX_HELMETS = "tailbox_helmets"
    RIDER_SEATED = "rider_seated"
    CRUISE = "cruise"
    SADDLE_UNLOCKED = "saddle_unlocked"
    TAILBOX_UNLOCKED = "tailbox_unlocked"
    HANDLEBAR_UNLOCKED = "handlebar_unlocked"
    KICKSTAND_OPEN = "kickstand_open"
    PROBLEM = "problem"
    ALERT_ILLEGAL_MOVEMENT = "alert_illegal_movement"
    ALERT_FALLEN = "alert_fallen"
    ALERT_TAMPERING = "alert_tampering"
    ALERT_BATTERY_REMOVED = "alert_battery_removed"
    ALERT_BATTERY_LOW = "alert_battery_low"
    CONDITION = "condition"
    """Whether Segway tells of the vehicle, see `mapping.Condition`."""


class SegwayCapability(StrEnum):
    """The capabilities that some Segway vehicles have and others do not."""

    LOCK = Capability.LOCK.value
    KEYLESS = Capability.KEYLESS.value
    RENTAL = "rental"
    THROTTLE = "throttle"
    SADDLE = "saddle"
    TAILBOX = "tailbox"
    BATTERY_COVER = "battery_cover"
    SOUND = "sound"
    SPEED_MODE = "speed_mode"
    RENTAL_CONDITIONS = "rental_conditions"
    SWITCHES = "switches"
    FEATURES = "features"
    AMBIENT_LIGHT = "ambient_light"
    LIGHTS = "lights"
    """The deprecated setting, which the ambient light replaced."""
    SOUNDS = "sounds"
    UPLOAD_INTERVAL = "upload_interval"
    TIME = "time"
    BLUETOOTH_KEY = "bluetooth_key"
    EXTRA_STATUS = "extra_status"
    BATTERY_INFO = "battery_info"
    EVENTS = Capability.EVENTS.value
    """It raises alerts and faults, which are pushed."""


class SegwayCommand(StrEnum):
    """The commands of a vehicle, by the names that entities and actions use."""

    LOCK = "lock"
    UNLOCK = "unlock"
    START_RENTAL = "start_rental"
    END_RENTAL = "end_rental"
    THROTTLE_ON = "throttle_on"
    THROTTLE_OFF = "throttle_off"
    OPEN_SADDLE = "open_saddle"
    OPEN_TAILBOX = "open_tailbox"
    OPEN_BATTERY_COVER = "open_battery_cover"
    SOUND_1 = "sound_1"
    SOUND_2 = "sound_2"
    SOUND_3 = "sound_3"
    SET_SPEED_MODE = "set_speed_mode"
    SET_RENTAL_CONDITIONS = "set_rental_conditions"
    SET_SWITCHES = "set_switches"
    SET_FEATURES = "set_features"
    SET_AMBIENT_LIGHT = "set_ambient_light"
    SET_LIGHTS = "set_lights"
    SET_SOUNDS = "set_sounds"
    SET_UPLOAD_INTERVAL = "set_upload_interval"
    SET_TIME = "set_time"
    GET_BLUETOOTH_KEY = "get_bluetooth_key"
    SET_BLUETOOTH_KEY = "set_bluetooth_key"
    REFRESH = "refresh"
    """Asks the vehicle itself where it is, and reads all that Segway knows of it."""


RENTS = "rents"
"""The option of an account whose vehicles are rented out."""
