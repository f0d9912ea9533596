"""The vendor's alarm types in our vocabulary, and what alarms say of a vehicle's state.

Numbers are raised by the device, texts by the platform; texts are compared without case.
Numbers of JT808 devices (`msgClass` 1) mean other things and never come here.
"""

from __future__ import annotations

from collections.abc import Mapping
import re
from types import MappingProxyType

from ...model.vehicle import OccurrenceType, Reading, Value
from .vocabulary import TracksolidReading

_T = OccurrenceType

# The second is the alarm that ended.
_ENDS: Mapping[str, OccurrenceType] = MappingProxyType(
    {
        "58": _T.TAMPERING,
        "100": _T.TEMPERATURE_HIGH,
        "101": _T.COLLISION,
        "266": _T.JAMMING,
        "268": _T.JAMMING,
    }
)

_TYPES: Mapping[str, OccurrenceType] = MappingProxyType(
    {
        "1": _T.SOS,
        "2": _T.POWER_DISCONNECTED,
        "3": _T.VIBRATION,
        "4": _T.GEOFENCE_ENTERED,
        "5": _T.GEOFENCE_LEFT,
        "6": _T.SPEEDING,
        "9": _T.TOWED,
        "10": _T.GPS_LOST,
        "11": _T.GPS_RECOVERED,
        "12": _T.POWERED_ON,
        "13": _T.GPS_RECOVERED,
        "14": _T.EXTERNAL_POWER_LOW,
        "15": _T.EXTERNAL_POWER_LOW,
        "16": _T.SIM_CHANGED,
        "17": _T.POWERED_OFF,
        "18": _T.SLEEP,
        "19": _T.TAMPERING,
        "20": _T.DOOR_OPENED,
        "21": _T.POWERED_OFF,
        "24": _T.COVER_MOVED,
        "25": _T.BATTERY_LOW,
        "28": _T.DOOR_OPENED,
        "29": _T.DOOR_CLOSED,
        "35": _T.FALLEN,
        "36": _T.POWER_CONNECTED,
        "39": _T.TAMPERING,
        "40": _T.POWERED_OFF,
        "41": _T.HARSH_ACCELERATION,
        "42": _T.SHARP_TURN,
        "43": _T.SHARP_TURN,
        "44": _T.COLLISION,
        "45": _T.ROLLOVER,
        "48": _T.HARSH_BRAKING,
        "50": _T.POWER_DISCONNECTED,
        "55": _T.COLLISION,
        "71": _T.FATIGUE,
        "76": _T.SHARP_TURN,
        "77": _T.LANE_DEPARTURE,
        "78": _T.DRIVER_BEHAVIOR,
        "79": _T.ROLLOVER,
        "80": _T.DOOR_CLOSED,
        "81": _T.DOOR_OPENED,
        "82": _T.TEMPERATURE_HIGH,
        "83": _T.FUEL_THEFT,
        "86": _T.CHARGING_STARTED,
        "87": _T.CHARGING_STOPPED,
        "89": _T.BATTERY_FULL,
        "90": _T.BATTERY_LOW,
        "91": _T.TEMPERATURE_HIGH,
        "92": _T.TEMPERATURE_LOW,
        "113": _T.FUEL_RISE,
        "126": _T.HUMIDITY_HIGH,
        "127": _T.HUMIDITY_LOW,
        "128": _T.VIBRATION,
        "135": _T.SPEEDING,
        "136": _T.POWERED_OFF,
        "138": _T.ENGINE_CUT,
        "139": _T.ENGINE_RESTORED,
        "140": _T.FATIGUE,
        "143": _T.DRIVER_BEHAVIOR,
        "144": _T.HARSH_ACCELERATION,
        "145": _T.HARSH_BRAKING,
        "146": _T.SHARP_TURN,
        "147": _T.COLLISION,
        "148": _T.DRIVER_BEHAVIOR,
        "151": _T.DRIVER_BEHAVIOR,
        "154": _T.DRIVER_BEHAVIOR,
        "160": _T.FATIGUE,
        "163": _T.DRIVER_BEHAVIOR,
        "168": _T.ENGINE_FAILURE,
        "169": _T.EXTERNAL_POWER_LOW,
        "170": _T.DRIVER_BEHAVIOR,
        "171": _T.TAMPERING,
        "191": _T.POWER_DISCONNECTED,
        "197": _T.IGNITION_ON,
        "198": _T.IGNITION_OFF,
        "199": _T.REST_MISSING,
        "202": _T.SPEEDING,
        "203": _T.PARKED_LONG,
        "204": _T.DRIVER_BEHAVIOR,
        "205": _T.LANE_DEPARTURE,
        "206": _T.DRIVER_BEHAVIOR,
        "207": _T.DRIVER_BEHAVIOR,
        "208": _T.FATIGUE,
        "224": _T.POWER_CONNECTED,
        "227": _T.TEMPERATURE_HIGH,
        "230": _T.INPUT_CHANGED,
        "231": _T.INPUT_CHANGED,
        "232": _T.INPUT_CHANGED,
        "233": _T.INPUT_CHANGED,
        "254": _T.IGNITION_ON,
        "256": _T.GEOFENCE_ENTERED,
        "257": _T.GEOFENCE_LEFT,
        "258": _T.GEOFENCE_ENTERED,
        "259": _T.GEOFENCE_LEFT,
        "260": _T.PARKED_LONG,
        "261": _T.MOTION_STARTED,
        "262": _T.MOTION_STOPPED,
        "263": _T.JAMMING,
        "267": _T.JAMMING,
        "1001": _T.IGNITION_OFF,
        "1002": _T.IGNITION_ON,
        "acc_off": _T.IGNITION_OFF,
        "acc_on": _T.IGNITION_ON,
        "burglarstatus_0": _T.DISARMED,
        "burglarstatus_1": _T.ARMED,
        "burglarstatus_2": _T.TAMPERING,
        "carfault": _T.TROUBLE_CODE,
        "displacementalarm": _T.RESTRICTED_DRIVING,
        "dmsalert": _T.DRIVER_BEHAVIOR,
        "drivingbehavioralert": _T.DRIVER_BEHAVIOR,
        "fenceoverspeed": _T.SPEEDING,
        "high_temp_alarm": _T.TEMPERATURE_HIGH,
        "in": _T.GEOFENCE_ENTERED,
        "laneshift": _T.LANE_DEPARTURE,
        "low_temp_alarm": _T.TEMPERATURE_LOW,
        "mileagealarm": _T.MAINTENANCE,
        "obd": _T.TROUBLE_CODE,
        "offline": _T.OFFLINE,
        "out": _T.GEOFENCE_LEFT,
        "overspeed": _T.SPEEDING,
        "sensitiveareasfence": _T.RESTRICTED_DRIVING,
        "statustrunk_0": _T.DOOR_CLOSED,
        "statustrunk_1": _T.DOOR_OPENED,
        "stayalert": _T.PARKED_LONG,
        "stayalerton": _T.IDLING,
        "staytimein": _T.GEOFENCE_DWELL,
        "staytimeout": _T.GEOFENCE_DWELL,
        "ubiacce": _T.HARSH_ACCELERATION,
        "ubicoll": _T.COLLISION,
        "ubidece": _T.HARSH_BRAKING,
        "ubilane": _T.LANE_DEPARTURE,
        "ubiroll": _T.ROLLOVER,
        "ubisatt": _T.DRIVER_BEHAVIOR,
        "ubistab": _T.DRIVER_BEHAVIOR,
        "ubiturn": _T.SHARP_TURN,
    }
)

# What has a number or a text and no type of its own in the vocabulary.
_UNTYPED = frozenset(
    {
        "22",  # voice
        "114",  # installed
        "115",  # the fuel sensor is silent
        "119",  # ADC 1 high
        "120",  # ADC 1 low
        "141",  # transport mode: on land
        "142",  # environment
        "149",  # transport mode: at sea
        "150",  # transport mode: not moving
        "165",  # RFID
        "172",  # a Bluetooth device was found
        "173",  # a Bluetooth device was lost
        "geozone",
        "other",
    }
)
TYPES = frozenset(
    {
        *_TYPES.values(),
        OccurrenceType.CLEARED,
        OccurrenceType.WINDOW_CLOSED,
        OccurrenceType.WINDOW_OPENED,
    }
)
"""The types of alarms, `other` apart."""

KNOWN_CODES = frozenset({*_TYPES, *_ENDS, *_UNTYPED})

# statusLeftFrontDoors_1: 0 is closed and 1 open. One entry of the official table calls a
# window a door; the code is right.
_OPENING = re.compile(r"status(left|right)(front|rear)(doors|windows)_([01])")

_OPENINGS: Mapping[tuple[str, str, str], TracksolidReading] = MappingProxyType(
    {
        ("left", "front", "doors"): TracksolidReading.DOOR_LEFT_FRONT,
        ("left", "rear", "doors"): TracksolidReading.DOOR_LEFT_REAR,
        ("right", "front", "doors"): TracksolidReading.DOOR_RIGHT_FRONT,
        ("right", "rear", "doors"): TracksolidReading.DOOR_RIGHT_REAR,
        ("left", "front", "windows"): TracksolidReading.WINDOW_LEFT_FRONT,
        ("left", "rear", "windows"): TracksolidReading.WINDOW_LEFT_REAR,
        ("right", "front", "windows"): TracksolidReading.WINDOW_RIGHT_FRONT,
        ("right", "rear", "windows"): TracksolidReading.WINDOW_RIGHT_REAR,
    }
)
"""By the parts of the code: the side, the end, and whether it is a door."""

_STATES: Mapping[str, tuple[str, bool]] = MappingProxyType(
    {
        "28": (Reading.DOOR, True),
        "29": (Reading.DOOR, False),
        "80": (Reading.DOOR, False),
        "81": (Reading.DOOR, True),
        "86": (Reading.TRACKER_CHARGING, True),
        "87": (Reading.TRACKER_CHARGING, False),
        "138": (Reading.ENGINE_CUT, True),
        "139": (Reading.ENGINE_CUT, False),
        "254": (Reading.IGNITION, True),
        "1001": (Reading.IGNITION, False),
        "1002": (Reading.IGNITION, True),
        "acc_off": (Reading.IGNITION, False),
        "acc_on": (Reading.IGNITION, True),
        "burglarstatus_0": (Reading.ARMED, False),
        "burglarstatus_1": (Reading.ARMED, True),
        "statustrunk_0": (TracksolidReading.TRUNK, False),
        "statustrunk_1": (TracksolidReading.TRUNK, True),
    }
)


def alarm_type(code: str) -> OccurrenceType:
    """Return the type of an alarm; unknown codes are `other`."""
    key = code.lower()
    if key in _ENDS:
        return OccurrenceType.CLEARED
    if found := _OPENING.fullmatch(key):
        opened = found[4] == "1"
        if found[3] == "windows":
            return _T.WINDOW_OPENED if opened else _T.WINDOW_CLOSED
        return _T.DOOR_OPENED if opened else _T.DOOR_CLOSED
    return _TYPES.get(key, OccurrenceType.OTHER)


def what_ended(code: str) -> OccurrenceType | None:
    """Return what an alarm is the end of, None if it is none."""
    return _ENDS.get(code.lower())


def state_of(code: str) -> tuple[str, Value] | None:
    """Return the reading that an alarm sets, None if it sets none."""
    key = code.lower()
    if found := _OPENING.fullmatch(key):
        return _OPENINGS[found[1], found[2], found[3]], found[4] == "1"
    return _STATES.get(key)
