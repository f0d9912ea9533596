"""The vehicles of the Segway simulator: what they know, and what they let be done.

All from the document `segway-emoped`: the fields of chapter Query, the refusals of
chapter Control, the parameters and ranges of chapter Setting.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from .world import HOME, Place, Route, Vehicle, drive, parked

DEMO_RIDING = "861477038719116"
DEMO_PARKED = "862869030338078"

# Types of the components push
SADDLE, TAILBOX = 1, 2

QUERY = "/api/v2/vehicle/query/current"
MOPED_QUERY = "/api/v2/mopeds/query/current"
CONTROL = "/api/v2/vehicle/control"
MOPED_CONTROL = "/api/v2/mopeds/control"
SETTING = "/api/v2/vehicle/setting"
MOPED_SETTING = "/api/v2/mopeds/setting"


class Model(StrEnum):
    """The vehicles that the document's headings tell apart."""

    E_MOPED = "E-moped"
    C80 = "Ebike C80"
    ES = "ES"
    MAX = "Max"
    MAX_PRO = "MaxPro"
    MAX_PLUS = "MaxPlus"


_MOPED = frozenset({Model.E_MOPED})

# Endpoints whose heading limits them; all others are common for all models.
LIMITED: Mapping[str, frozenset[Model]] = {
    f"{MOPED_QUERY}/extra-status": _MOPED,
    f"{MOPED_QUERY}/battery-info": frozenset({Model.C80, Model.E_MOPED}),
    f"{MOPED_CONTROL}/startRental": _MOPED,
    f"{MOPED_CONTROL}/endRental": _MOPED,
    f"{MOPED_CONTROL}/saddle": _MOPED,
    f"{MOPED_CONTROL}/tailbox": _MOPED,
    f"{CONTROL}/battery-cover": frozenset(
        {Model.MAX_PRO, Model.MAX_PLUS, Model.E_MOPED}
    ),
    f"{MOPED_SETTING}/rental": _MOPED,
    f"{MOPED_SETTING}/switch": _MOPED,
    f"{SETTING}/speed-mode": frozenset(Model) - {Model.C80},
    f"{SETTING}/time-adjust": _MOPED,
}

# What an endpoint takes beside iotCode. A question mark makes a field optional; numbers
# are in a range or set, texts have a length of letters and digits, objects nest.
type Rule = range | frozenset[int] | int | Mapping[str, Rule]

_SWITCH = range(3)
_COLOUR = range(8)
_LAMP: Mapping[str, Rule] = {"mode": range(1, 3), "color": range(1, 8)}
_INTERVAL = range(10, 65_536)
_SOUNDS = (
    "unlocked",
    "locked",
    "openBoxes",
    "kickstand",
    "helmet",
    "turning",
    "ready",
    "unReady",
    "gearUp",
    "gearDown",
    "enterCruise",
    "exitCruise",
    "setSuccess",
    "setFailed",
    "defenseOn",
    "error",
    "lowPower",
    "batteryInserted",
)

PARAMETERS: Mapping[str, Mapping[str, Rule]] = {
    f"{MOPED_CONTROL}/startRental": {},
    f"{MOPED_CONTROL}/endRental": {},
    f"{CONTROL}/unlock": {},
    f"{CONTROL}/lock": {},
    f"{CONTROL}/throttle-response": {"controlType": range(2)},
    f"{MOPED_CONTROL}/saddle": {},
    f"{MOPED_CONTROL}/tailbox": {},
    f"{CONTROL}/battery-cover": {},
    f"{CONTROL}/sound": {"controlType": range(1, 4)},
    f"{MOPED_SETTING}/rental": {
        "saddleSwitch?": range(4),
        "tailboxSwitch?": range(4),
        "helmetCheck?": range(3),
        "saddleCheck?": range(3),
        "tailboxCheck?": range(3),
    },
    f"{MOPED_SETTING}/switch": {
        "bssDisplay?": _SWITCH,
        "alertCheck?": _SWITCH,
        "berLevel?": range(4),
        "alertSensitivity?": range(1, 4),
        "lowPowerValue?": range(10, 31),
        "displayTime?": _SWITCH,
        "displayODO?": _SWITCH,
        "lowSpeedLimit?": range(6, 43),
        "mediumSpeedLimit?": range(6, 43),
        "highSpeedLimit?": range(6, 43),
    },
    f"{MOPED_SETTING}/able-switch": {
        "assistedMode?": _SWITCH,
        "crashWarning?": _SWITCH,
        "kickstandCheck?": _SWITCH,
        "cruiseSwitch?": _SWITCH,
        "speedModeSwitch?": _SWITCH,
        "handlebarSwitch?": _SWITCH,
        "lowPowerSwitch?": _SWITCH,
        "saddleCheck?": _SWITCH,
    },
    f"{MOPED_SETTING}/light": {
        "brightness": range(4),
        "faultIndicator": _COLOUR,
        "readyIndicator": _COLOUR,
        "pushIndicator": _COLOUR,
        "parkingIndicator": _COLOUR,
        "lockIndicator": _COLOUR,
    },
    f"{SETTING}/ambient": {
        "bright": range(1, 4),
        "parkingMode": _LAMP,
        "cruiseMode?": _LAMP,
        "readyMode?": _LAMP,
        "faultMode?": _LAMP,
    },
    f"{SETTING}/sound": {
        "workMode": range(3),
        "volume?": range(1, 4),
        "moeqMask?": {f"{sound}?": range(3) for sound in _SOUNDS},
    },
    f"{SETTING}/speed-mode": {"speedMode": range(1, 4)},
    f"{SETTING}/bluetooth-key": {"key": 8},
    f"{SETTING}/interval": {
        "locationInterval": {"unlockStatus": _INTERVAL, "lockStatus": _INTERVAL},
        "statusInterval": {
            "ridingStatus": _INTERVAL,
            "nonRiding": _INTERVAL,
            "lockStatus": _INTERVAL,
        },
    },
    f"{SETTING}/time-adjust": {
        "utcOffset": range(-43_200, 43_201),
        "dstOffset": frozenset({0, 3600}),
    },
}

CONTROLS = frozenset(path for path in PARAMETERS if "/control/" in path)
SETTINGS = frozenset(PARAMETERS) - CONTROLS


class Refused(Exception):
    """A request is answered with a status code other than 0."""

    def __init__(self, code: int) -> None:
        """Initialize with the status code."""
        super().__init__(code)
        self.code = code


def check_parameters(path: str, body: Mapping[str, object]) -> None:
    """Refuse (15004) what an endpoint does not know or allow."""
    _check(PARAMETERS[path], {k: v for k, v in body.items() if k != "iotCode"})


def _check(rules: Mapping[str, Rule], values: Mapping[str, object]) -> None:
    known = {name.rstrip("?"): rule for name, rule in rules.items()}
    if not values.keys() <= known.keys():
        raise Refused(15004)
    for name in rules:
        if not name.endswith("?") and name not in values:
            raise Refused(15004)
    for name, value in values.items():
        rule = known[name]
        if isinstance(rule, Mapping):
            if not isinstance(value, dict):
                raise Refused(15004)
            _check(rule, value)
        elif isinstance(rule, int):
            if not (isinstance(value, str) and len(value) == rule and value.isalnum()):
                raise Refused(15004)
        elif type(value) is not int or value not in rule:
            raise Refused(15004)


@dataclass(frozen=True, slots=True)
class Battery:
    """A battery in one of the three ports: %, V, °C."""

    port: int
    percent: int
    voltage: int
    cycles: int
    temperature: int


@dataclass(kw_only=True)
class Moped:
    """A vehicle. Where it is and how fast follows from its life in the world.

    - `refuses`: the status code that answers everything about it (15102, 15302 ...).
    - `silent`: requests about it hang.
    - `unsupported`: how endpoints that its model lacks answer: a status code or 404.
    - `shut_after`: how many seconds saddle and tail box stand open until `shut` finds
      them shut again, None for ever.
    """

    iot_code: str
    life: Vehicle
    model: Model = Model.E_MOPED
    online: bool = True
    locked: bool = True
    upgrading: bool = False
    refuses: int | None = None
    silent: bool = False
    unsupported: int = 15707
    shut_after: float | None = None
    handlebar_stuck: bool = False
    lock_forbidden_here: bool = False
    charging: bool = False
    percent: int = 76
    speed_mode: int = 2
    seat_cask_helmets: int = 1
    tailbox_helmets: int = 1
    helmets: int = 2
    rider_seated: bool = False
    cruising: bool = False
    saddle_locked: bool = True
    tailbox_locked: bool = True
    battery_cover_locked: bool = True
    handlebar_locked: bool = True
    kickstand_open: bool = True
    throttle: bool = True
    bluetooth_key: str = "abcd1234"
    batteries: list[Battery] = field(
        default_factory=lambda: [
            Battery(1, 52, 48, 23, 25),
            Battery(2, 20, 48, 40, 25),
        ]
    )
    iot_percent: int = 100
    settings: dict[str, dict[str, object]] = field(default_factory=dict)
    sounds: list[int] = field(default_factory=list)
    changed_at: float = 0.0
    """When it was last locked or unlocked."""
    opened: dict[int, float] = field(default_factory=dict)
    """When what stands open was opened, by the type of the components push."""

    def riding(self, now: float) -> bool:
        """Tell whether it is being ridden."""
        return self.life.at(now).speed > 0

    def supports(self, path: str) -> bool:
        """Tell whether the document lists an endpoint for its model."""
        return self.model in LIMITED.get(path, Model)

    # --- what it tells ---

    def status(self, now: float) -> dict[str, object]:
        """Return the fields that status query and status push share."""
        state = self.life.at(now)
        return {
            "online": self.online,
            "locked": self.locked,
            "lockVoltage": 412,
            "networkSignal": 22,
            "charging": self.charging,
            "powerPercent": self.percent,
            "speedMode": self.speed_mode,
            "speed": round(state.speed),
            "odometer": round(state.odometer),
            "remainderRange": self.percent * 60,
            "totalRidingSecs": round(state.odometer / 6),
            "statusUtcTime": int(now),
        }

    def extra_status(self) -> dict[str, object]:
        """Return the fields of the extra-status."""
        return {
            "seatCaskHelmet": self.seat_cask_helmets,
            "tailboxHelmet": self.tailbox_helmets,
            "peopleSat": int(self.rider_seated),
            "cruiseStatus": int(self.cruising),
            "saddleStatus": int(self.saddle_locked),
            "tailboxStatus": int(self.tailbox_locked),
            "handlebarStatus": int(self.handlebar_locked),
            "kickstand": int(self.kickstand_open),
        }

    def location_interval(self) -> int:
        """Return how often it tells where it is: 10 s unlocked, 900 s locked."""
        chosen = self.settings.get(f"{SETTING}/interval", {}).get("locationInterval")
        if isinstance(chosen, dict):
            return int(chosen["lockStatus" if self.locked else "unlockStatus"])
        return 900 if self.locked else 10

    def status_interval(self, now: float) -> int | None:
        """Return how often it tells its status: 10 s riding, else only on change."""
        chosen = self.settings.get(f"{SETTING}/interval", {}).get("statusInterval")
        if isinstance(chosen, dict):
            if self.locked:
                return int(chosen["lockStatus"])
            return int(chosen["ridingStatus" if self.riding(now) else "nonRiding"])
        return 10 if self.riding(now) else None

    def location(self, now: float, *, real_time: bool = False) -> dict[str, object]:
        """Return where it was when it last told, or where it is."""
        every = self.location_interval()
        time = now if real_time else now - (now - self.changed_at) % every
        place = self.life.at(time).place
        return {
            "latitude": round(place.latitude, 6),
            "longitude": round(place.longitude, 6),
            "satelliteNumber": 9,
            "hdop": 1.38,
            "altitude": 10.1,
            "gpsUtcTime": int(time),
        }

    def battery_info(self, now: float) -> dict[str, object]:
        """Return the fields of the battery info."""
        return {
            "charging": self.charging,
            "vehiclePercent": self.percent,
            "batteryCount": len(self.batteries),
            "drivingVoltage": 48,
            "currentPower": 260 if self.riding(now) else 0,
            "iotPercent": self.iot_percent,
            "iotVoltage": 412,
            "batteryData": [
                {
                    "batteryPort": battery.port,
                    "batteryPercent": battery.percent,
                    "batteryVoltage": battery.voltage,
                    "cycleTimes": battery.cycles,
                    "temperatrue": battery.temperature,
                }
                for battery in self.batteries
            ],
        }

    # --- what it lets be done ---

    def control(self, path: str, body: Mapping[str, object], now: float) -> int:
        """Carry out a control and return the status code, 0 or a partial success."""
        match path.rsplit("/", 1)[1]:
            case "unlock":
                self._unlock(now, 15613)
            case "lock":
                if self.riding(now):
                    raise Refused(15600)
                if self.lock_forbidden_here:
                    raise Refused(15996)
                self._lock(now, 15603)
            case "startRental":
                return self._start_rental(now)
            case "endRental":
                self._end_rental(now)
            case "throttle-response":
                self.throttle = body["controlType"] == 1
            case "sound":
                self.sounds.append(int(str(body["controlType"])))
            case part:
                if self.locked:
                    raise Refused(15635)
                if part == "saddle":
                    self._open(SADDLE, now)
                elif part == "tailbox":
                    self._open(TAILBOX, now)
                else:
                    self.battery_cover_locked = False
        return 0

    def set(self, path: str, body: Mapping[str, object]) -> None:
        """Apply a setting; fields without a value stay."""
        values = {name: value for name, value in body.items() if name != "iotCode"}
        self.settings.setdefault(path, {}).update(values)
        if path == f"{SETTING}/speed-mode":
            self.speed_mode = int(str(values["speedMode"]))
        if path == f"{SETTING}/bluetooth-key":
            self.bluetooth_key = str(values["key"])

    def _unlock(self, now: float, stuck: int) -> None:
        if self.handlebar_stuck:
            raise Refused(stuck)
        self.locked = self.handlebar_locked = False
        self.changed_at = now

    def _lock(self, now: float, stuck: int) -> None:
        if self.handlebar_stuck:
            raise Refused(stuck)
        self.locked = self.handlebar_locked = True
        self.changed_at = now

    def _start_rental(self, now: float) -> int:
        self._unlock(now, 15622)
        if self._opens("saddleSwitch", self.seat_cask_helmets):
            self._open(SADDLE, now)
        if self._opens("tailboxSwitch", self.tailbox_helmets):
            self._open(TAILBOX, now)
        return 0

    def _open(self, component: int, now: float) -> None:
        self.opened[component] = now
        if component == SADDLE:
            self.saddle_locked = False
        else:
            self.tailbox_locked = False

    def shut(self, now: float) -> list[int]:
        """Shut what has stood open long enough, as its rider does, and return what."""
        if self.shut_after is None:
            return []
        shut = [part for part, at in self.opened.items() if now - at >= self.shut_after]
        for component in shut:
            del self.opened[component]
            if component == SADDLE:
                self.saddle_locked = True
            else:
                self.tailbox_locked = True
        return shut

    def _end_rental(self, now: float) -> None:
        if self.riding(now):
            raise Refused(15627)
        returned = self.seat_cask_helmets + self.tailbox_helmets >= self.helmets
        if self._checks("helmetCheck") and not returned:
            raise Refused(15631)
        saddle_open = self._checks("saddleCheck") and not self.saddle_locked
        tailbox_open = self._checks("tailboxCheck") and not self.tailbox_locked
        if saddle_open and tailbox_open:
            raise Refused(15634)
        if saddle_open:
            raise Refused(15632)
        if tailbox_open:
            raise Refused(15633)
        self._lock(now, 15630)

    def _opens(self, setting: str, helmets: int) -> bool:
        """Tell whether the start of a rental opens a part (rental setting)."""
        match self.settings.get(f"{MOPED_SETTING}/rental", {}).get(setting, 0):
            case 1:
                return True
            case 2:
                return helmets > 0
        return False

    def _checks(self, setting: str) -> bool:
        """Tell whether the end of a rental checks something, as it does unless told."""
        return self.settings.get(f"{MOPED_SETTING}/rental", {}).get(setting, 1) != 2


def demo_mopeds(now: float) -> tuple[Moped, Moped]:
    """Return one that is being ridden round the home place, and a parked, locked one."""
    corners = [HOME.away(course, 220) for course in (20, 95, 170, 250, 320)]
    loop = Route(*corners, corners[0])
    riding = Vehicle(
        corners[0], drive(loop, 24), start=now - 86_400, odometer=4_210_000.0
    )
    standing = parked(HOME.away(250, 60), now - 7200, odometer=1_873_000.0)
    return (
        Moped(
            iot_code=DEMO_RIDING,
            life=riding,
            locked=False,
            handlebar_locked=False,
            kickstand_open=False,
            rider_seated=True,
            seat_cask_helmets=0,
            changed_at=now - 900,
        ),
        Moped(
            iot_code=DEMO_PARKED, life=standing, changed_at=now - 7200, shut_after=20
        ),
    )


def standing_moped(iot_code: str, place: Place, now: float) -> Moped:
    """Return a parked and locked vehicle, for tests that need many."""
    return Moped(iot_code=iot_code, life=parked(place, now), changed_at=now)
