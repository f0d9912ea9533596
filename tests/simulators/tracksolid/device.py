"""A tracker of the simulated account, and what it knows at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.simulators.world import Event, Happening, State, Vehicle

from .live import LiveStream

REPORT_DRIVING = 10
HEARTBEAT = 180

# What happens in the world, as the device raises it (official alarm types).
ALARMS: dict[Happening, tuple[str, str]] = {
    Happening.IGNITION_ON: ("1002", "ACC On"),
    Happening.IGNITION_OFF: ("1001", "ACC Off"),
    Happening.DOOR_OPENED: ("28", "Door open alert"),
    Happening.DOOR_CLOSED: ("29", "Door close alert"),
    Happening.SOS: ("1", "SOS alert"),
    Happening.VIBRATION: ("3", "Vibration alert"),
    Happening.SPEEDING: ("overSpeed", "Overspeed alert"),
    Happening.HARSH_BRAKING: ("48", "Harsh braking"),
    Happening.HARSH_ACCELERATION: ("41", "Harsh acceleration"),
    Happening.COLLISION: ("44", "Collision alert"),
    Happening.TOWED: ("9", "Displacement alert"),
    Happening.FALLEN: ("35", "Fall alert"),
    Happening.LOW_BATTERY: ("25", "Internal battery low"),
    Happening.POWER_CUT: ("2", "Power cut alert"),
    Happening.ENTERED: ("in", "Enter fence"),
    Happening.LEFT: ("out", "Exit fence"),
}

# What the command list of a model holds: id, name, template, whether it may wait for
# a device that is offline.
type Entry = tuple[int, str, str, bool]

CUSTOM: Entry = (99, "User defined command", "{0}", False)
GT06: tuple[Entry, ...] = (
    (113, "Cut off oil/electricity", "RELAY,1#", False),
    (114, "Restore oil/electricity", "RELAY,0#", False),
    (81, "SOS setting", "SOS,A,{0},{1},{2}#", True),
    (12, "Reboot", "RESET#", False),
    (17, "Position link", "URL#", True),
    CUSTOM,
)
VL802: tuple[Entry, ...] = (
    (163, "Fuel/Power Remote Control", "RELAY,{0}#", False),
    (12, "Reboot", "RESET#", False),
    (20, "Upload interval", "TIMER,{0}#", True),
    CUSTOM,
)
JC400: tuple[Entry, ...] = (
    (201, "Live video", "RTMP,ON,{0}#", False),
    (202, "Take a picture", "PICTURE,{0}#", False),
    (12, "Reboot", "REBOOT#", False),
)
LISTS: dict[str, tuple[Entry, ...]] = {
    "GT06N": GT06,
    "VL802": VL802,
    "JC400": JC400,
    "VL502_E": VL802,
}


def stamp(time: float) -> str:
    """Return a time as the API writes it: UTC, yyyy-MM-dd HH:mm:ss."""
    return datetime.fromtimestamp(time, UTC).isoformat(" ")[:19]


@dataclass(slots=True)
class Media:
    """A photo or a video in the vendor's cloud."""

    key: str
    kind: int  # 1 photo, 2 video
    camera: int
    created: float
    content: bytes
    thumbnail: bytes
    alarm: str | None = None


@dataclass(slots=True)
class Sent:
    """A command that was sent, as the results list it."""

    entry_id: str
    text: str
    sent: float
    sender: str
    state: str = "3"
    content: str = ""
    offline: bool = False
    result_after: float | None = None
    answer: str = ""


@dataclass(slots=True)
class Device:
    """A tracker in a vehicle, with all that a test may turn."""

    imei: str
    name: str
    vehicle: Vehicle
    model: str = "VL802"
    account: str = "fleet"
    sim: str = "894450021"
    iccid: str = "8931440400000000001"
    plate: str | None = None
    driver: str | None = None
    vin: str | None = None
    expiration: str = "2037-04-01 23:59:59"
    expired: bool = False
    located: bool = True
    online: bool = True
    position_type: str = "GPS"
    battery: str = "86"
    battery_power: str = "4.14"
    power: str | None = "12.6"
    temperature: str | None = None
    oil: str | None = "0.00L"
    address: str | None = None
    obd: bool = False
    obd_every: int = 60
    tag: bool = False
    channels: tuple[int, ...] = ()
    distance_unit: str = "m"
    commands: tuple[Entry, ...] | None = None
    # the way a command ends: answers, late, silent, refuses, busy, unsupported,
    # empty (accepted without the device's words)
    behaviour: str = "answers"
    late_by: float = 6
    replies: dict[str, str] = field(default_factory=dict)
    fields: dict[str, object] = field(default_factory=dict)
    relay: bool = False
    sent: list[Sent] = field(default_factory=list)
    media: list[Media] = field(default_factory=list)
    alarms: list[dict[str, object]] = field(default_factory=list)
    faults: list[tuple[str, str, float]] = field(default_factory=list)
    streams: dict[int, LiveStream] = field(default_factory=dict)
    fences: dict[str, dict[str, str]] = field(default_factory=dict)
    tells_open_drives: bool = False
    reported: list[tuple[float, float, float]] | None = None
    """The begins, ends and metres that the mileage report makes of its drives."""
    since: float = 0
    """When it was registered: the platform knows nothing of what was before."""
    _drives: tuple[tuple[float, float], list[tuple[float, float]]] | None = None

    def command_list(self) -> tuple[Entry, ...]:
        """Return the command list of its model."""
        if self.commands is not None:
            return self.commands
        return LISTS.get(self.model, (CUSTOM,))

    def report(self, now: float) -> tuple[State, float]:
        """Return the last state that it reported, and when it was last heard of."""
        fix = self.vehicle.last_report(now, driving=REPORT_DRIVING)
        heard = self.vehicle.last_report(
            now, driving=REPORT_DRIVING, standing=HEARTBEAT
        )
        return self.vehicle.at(fix), heard

    def list_row(self) -> dict[str, object]:
        """Return its row of jimi.user.device.list (4.1)."""
        return {
            "imei": self.imei,
            "deviceName": self.name,
            "mcType": self.model,
            "mcTypeUseScope": "automobile",
            "sim": self.sim,
            "expiration": self.expiration,
            "activationTime": "2024-04-01 11:02:20",
            "reMark": "",
            "vehicleName": None,
            "vehicleIcon": "automobile",
            "vehicleNumber": self.plate,
            "vehicleModels": None,
            "carFrame": self.vin,
            "driverName": self.driver,
            "driverPhone": None,
            "enabledFlag": 1,
            "engineNumber": None,
            "deviceGroupId": "b54ab3c430864e31a64e54de44c79a1d",
            "deviceGroup": "Default group",
        }

    def detail(self, now: float) -> dict[str, object]:
        """Return its jimi.track.device.detail (4.2)."""
        state, _ = self.report(now)
        return self.list_row() | {
            "account": self.account,
            "customerName": self.account,
            "iccid": self.iccid,
            "imsi": "",
            "importTime": "2024-04-01 11:02:20",
            "licensePlatNo": self.plate,
            "VIN": self.vin,
            "vehicleBrand": None,
            "fuel_100km": "9",
            "status": "1",
            "currentMileage": f"{state.odometer / 1000:.1f}",
        }

    def location_row(self, now: float) -> dict[str, object]:
        """Return its row of the locations (5.1, 5.2): numbers are strings."""
        state, heard = self.report(now)
        row: dict[str, object] = {
            "imei": self.imei,
            "deviceName": self.name,
            "mcType": self.model,
            "icon": "automobile",
            "status": "1" if self.online else "0",
            "posType": self.position_type,
            "lat": 0.0 if self.expired else round(state.place.latitude, 6),
            "lng": 0.0 if self.expired else round(state.place.longitude, 6),
            "hbTime": stamp(heard),
            "accStatus": "1" if state.ignition else "0",
            "gpsSignal": "4",
            "powerValue": self.power,
            "batteryPowerVal": self.battery_power,
            "speed": str(round(state.speed)),
            "gpsNum": "12",
            "gpsTime": stamp(state.time),
            "direction": f"{state.course:.0f}",
            "activationFlag": "1",
            "expireFlag": "0" if self.expired else "1",
            "electQuantity": self.battery,
            "locDesc": self.address,
            "distance": "-1",
            "temperature": self.temperature,
            "trackerOil": self.oil,
            "trackerOils": None,
            "currentMileage": f"{state.odometer / 1000:.13f}",
            "account": self.account,
            "customerName": self.account,
            "iccid": self.iccid,
            "confidence": None,
        }
        return row | self.fields

    def track_rows(self, begin: float, end: float) -> list[dict[str, object]]:
        """Return its waypoints (5.5)."""
        rows: list[dict[str, object]] = []
        for time in self.vehicle.reports(begin, end, driving=REPORT_DRIVING):
            state = self.vehicle.at(time)
            acc = "ON" if state.ignition else "OFF"
            rows.append(
                {
                    "lat": round(state.place.latitude, 6),
                    "lng": round(state.place.longitude, 6),
                    "gpsTime": stamp(time),
                    "direction": round(state.course),
                    "gpsSpeed": round(state.speed, 1),
                    "posType": 1,
                    "satellite": 12,
                    "ignition": acc,
                    "accStatus": acc,
                    "gpsMode": 0,
                    "confidence": None,
                }
            )
        return rows

    def trips(self, begin: float, end: float) -> list[tuple[float, float]]:
        """Return the drives between two times, in pages often asked for."""
        if self.reported is not None:
            return [
                (start, until)
                for start, until, _ in self.reported
                if begin <= start and until <= end
            ]
        if self._drives is None or self._drives[0] != (begin, end):
            self._drives = (begin, end), list(self._find_drives(begin, end))
        return self._drives[1]

    def _find_drives(self, begin: float, end: float) -> Iterator[tuple[float, float]]:
        started: float | None = None
        for event in self.vehicle.happenings(max(begin, self.since), end):
            if event.what is Happening.IGNITION_ON:
                started = event.time
            elif event.what is Happening.IGNITION_OFF and started is not None:
                yield started, event.time
                started = None
        if started is not None and started < end and self.tells_open_drives:
            yield started, end

    def trip_row(self, start: float, end: float) -> dict[str, object]:
        """Return a drive as the mileage report has it (5.4)."""
        metres = self.vehicle.distance(start, end)
        for told_start, told_end, told in self.reported or ():
            if (told_start, told_end) == (start, end):
                metres = told
        hours = (end - start) / 3600
        first, last = self.vehicle.at(start).place, self.vehicle.at(end).place
        top = max(
            self.vehicle.at(time).speed
            for time in [
                start,
                *self.vehicle.reports(start, end, driving=REPORT_DRIVING),
            ]
        )
        return {
            "imei": self.imei,
            "startTime": stamp(start),
            "endTime": stamp(end),
            "startLat": first.latitude,
            "startLng": first.longitude,
            "endLat": last.latitude,
            "endLng": last.longitude,
            "runTimeSecond": int(end - start),
            "idleSecond": 5,
            "distance": round(metres / 1000, 3)
            if self.distance_unit == "km"
            else round(metres, 1),
            "avgSpeed": round(metres / 1000 / hours, 1),
            "maxSpeed": round(top, 1),
        }

    def stops(
        self, begin: float, end: float, *, ignition: bool
    ) -> Iterator[tuple[float, float]]:
        """Yield when it stood with the ignition off, or idled with it on."""
        changes = [
            event
            for event in self.vehicle.happenings(max(begin, self.since), end)
            if event.what in {Happening.IGNITION_ON, Happening.IGNITION_OFF}
        ]
        opening = Happening.IGNITION_ON if ignition else Happening.IGNITION_OFF
        for index, event in enumerate(changes[:-1]):
            if event.what is not opening:
                continue
            until = changes[index + 1].time
            if ignition:
                moved = next(
                    (
                        time
                        for time in self.vehicle.reports(event.time, until, driving=5)
                        if self.vehicle.at(time).speed
                    ),
                    until,
                )
                until = moved
            if until > event.time:
                yield event.time, until

    def alarm_rows(self, begin: float, end: float) -> list[dict[str, object]]:
        """Return its alarms, newest first (6.1)."""
        begin = max(begin, self.since)
        rows = [self.alarm_row(e) for e in self.vehicle.happenings(begin, end)]
        first, last = stamp(begin), stamp(end)
        rows += [row for row in self.alarms if first <= str(row["alertTime"]) <= last]
        return sorted(rows, key=lambda row: str(row["alertTime"]), reverse=True)

    def alarm_row(self, event: Event) -> dict[str, object]:
        """Return something that happened as an alarm."""
        return self.alarm(*ALARMS[event.what], event.time)

    def alarm(self, code: str, name: str, time: float) -> dict[str, object]:
        """Return an alarm with any code."""
        state = self.vehicle.at(time)
        return {
            "deviceName": self.name,
            "imei": self.imei,
            "model": self.model,
            "account": self.account,
            "alertTypeId": code,
            "alarmTypeName": name,
            "alertTime": stamp(time),
            "positioningTime": stamp(time),
            "lat": state.place.latitude,
            "lng": state.place.longitude,
            "speed": str(round(state.speed)),
            "geoid": None,
        }

    def obd_rows(self, begin: float, end: float) -> list[dict[str, object]]:
        """Return its OBD reports while the engine runs (the manual)."""
        rows: list[dict[str, object]] = []
        time = begin - begin % self.obd_every + self.obd_every
        while self.obd and time <= end:
            state = self.vehicle.at(time)
            if state.ignition:
                rows.append(
                    {
                        "imei": self.imei,
                        "dataReportTime": stamp(time),
                        "odometerReading": f"{state.odometer / 1000 + 1200:.1f}",
                        "deviceAccumulatedMileage": f"{state.odometer / 1000:.1f}",
                        "remainingFuel": None,
                        "remainingFuelPercentage": "58",
                        "coolantTemperature": "77",
                        "vehicleBatterVoltage": "138",
                        "currentRPM": str(900 + round(state.speed) * 25),
                        "currentSpeed": f"{state.speed:.1f}",
                        "vin": self.vin,
                    }
                )
            time += self.obd_every
        return rows[::-1]

    def fault_rows(self, begin: float, end: float) -> list[dict[str, object]]:
        """Return its faults (the manual)."""
        return [
            {
                "imei": self.imei,
                "deviceName": self.name,
                "faultCode": code,
                "faultDetail": detail,
                "eventTime": stamp(time),
            }
            for code, detail, time in self.faults
            if begin <= time <= end
        ]

    def command_answer(self, text: str) -> str:
        """Carry out a command and return the device's words."""
        for known, reply in self.replies.items():
            if text.upper().startswith(known.upper()):
                return reply
        match text.upper():
            case "RELAY,1#":
                if self.relay:
                    return (
                        "Already in the state of fuel supply cut off, "
                        "the command is not running!"
                    )
                self.relay = True
                return "Cut off the fuel supply: Success! Speed: 0 Km/h."
            case "RELAY,0#":
                self.relay = False
                return "Restore fuel supply: Success!"
            case "STATUS#":
                return "Battery:4.14V,NORMAL; GPRS:Link Up; GSM Signal Level:Strong;"
            case "RESET#" | "REBOOT#":
                return "The terminal will restart after 60s! OK"
            case _:
                return f"{text.partition('#')[0]} OK"


type Clock = Callable[[], float]
