"""The words of Tracksolid beside the common ones: readings, capabilities, commands."""

from __future__ import annotations

from enum import StrEnum


class TracksolidReading(StrEnum):
    """The readings that Tracksolid adds.

    Those of fuel sensors have the sensor's number as their part.
    """

    SIGNAL_LEVEL = "signal_level"
    """0 none to 4 very strong"""
    FUEL_HEIGHT = "fuel_height"
    """cm"""
    FUEL_VOLTAGE = "fuel_voltage"
    """V"""
    FUEL_SENSOR_VOLUME = "fuel_sensor_volume"
    """L"""
    FUEL_SENSOR_LEVEL = "fuel_sensor_level"
    """%"""
    FUEL_SENSOR_HEIGHT = "fuel_sensor_height"
    """cm"""
    FUEL_SENSOR_VOLTAGE = "fuel_sensor_voltage"
    """V"""
    TRACKER_MILEAGE = "tracker_mileage"
    """km"""
    OBD_ODOMETER = "obd_odometer"
    """km"""
    OBD_MILEAGE = "obd_mileage"
    """km"""
    # of the drive that ended last
    # doors and windows beside the plain door
    DOOR_LEFT_FRONT = "door_left_front"
    DOOR_LEFT_REAR = "door_left_rear"
    DOOR_RIGHT_FRONT = "door_right_front"
    DOOR_RIGHT_REAR = "door_right_rear"
    TRUNK = "trunk"
    WINDOW_LEFT_FRONT = "window_left_front"
    WINDOW_LEFT_REAR = "window_left_rear"
    WINDOW_RIGHT_FRONT = "window_right_front"
    WINDOW_RIGHT_REAR = "window_right_rear"
    # without an entity, in the diagnostics
    ENABLED = "enabled"
    """Whether the account may use the vehicle."""
    ACTIVATED = "activated"
    ACTIVATED_AT = "activated_at"
    EXPIRED = "expired"
    CONFIDENCE = "confidence"
    """Of a fix, in a unit that no document names."""
    FIX_STATUS = "fix_status"
    """Flags that no document explains."""
    UPLOAD_MODE = "upload_mode"
    """0 to 15: why the tracker sent a fix."""
    TIME_ZONE = "time_zone"
    """The tracker's own."""


class TracksolidCapability(StrEnum):
    """The capabilities that Tracksolid adds."""

    CAMERA = "camera"
    """It has any, by its model or its list of commands."""
    COMMANDS = "commands"
    """It has a list of commands."""
    LOCATE = "locate"
    REBOOT = "reboot"
    TAKE_PHOTO = "take_photo"


class TracksolidCommand(StrEnum):
    """The commands of a vehicle, by the names that entities and actions use."""

    CUT_ENGINE = "cut_engine"
    RESTORE_ENGINE = "restore_engine"
    LOCATE = "locate"
    REBOOT = "reboot"
    TAKE_PHOTO = "take_photo"
    RECORD_VIDEO = "record_video"
    SEND_INSTRUCTION = "send_instruction"
    SEND_TEXT = "send_text"
    SEND_RAW = "send_raw"
