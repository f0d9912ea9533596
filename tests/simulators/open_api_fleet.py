"""The accounts and devices that the Open API simulator shows.

Records are as in `open-api-classic` 2.2, 2.7 and 2.11, with the fields that
`open-api-2025` adds, and with what real records show beside them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import md5
from math import sin

from .world import (
    HOME,
    Event,
    Happening,
    Place,
    Vehicle,
    Zone,
    errand,
    parked,
    ring_truck,
    town_van,
    waiting,
)

type Record = dict[str, object]

CLASSIC_ALARM_TYPES = 27
GEOFENCE_IN, GEOFENCE_OUT = 5, 6
ALARM_TYPES = {
    Happening.SOS: 1,
    Happening.LOW_BATTERY: 2,
    Happening.POWER_CUT: 3,
    Happening.VIBRATION: 4,
    Happening.ENTERED: GEOFENCE_IN,
    Happening.LEFT: GEOFENCE_OUT,
    Happening.SPEEDING: 7,
    Happening.TOWED: 8,
    Happening.IGNITION_ON: 9,
    Happening.IGNITION_OFF: 10,
    Happening.COLLISION: 20,
    Happening.FALLEN: 21,
    Happening.HARSH_ACCELERATION: 23,
    Happening.HARSH_BRAKING: 24,
    Happening.DOOR_OPENED: 26,
    Happening.DOOR_CLOSED: 27,
}

_FIELDS_OF_2025 = (
    "todaymileage",
    "externalpower",
    "fuel",
    "fueltime",
    "temperature",
    "temperaturetime",
)


def md5_hex(text: str) -> str:
    """Return an MD5 as 32 lower-case characters, as the documents want it."""
    return md5(text.encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class Fence:
    """A geofence of a device; `kinds` are the happenings that raise an alarm."""

    number: int
    name: str
    zone: Zone
    kinds: frozenset[Happening]
    created: float


@dataclass(frozen=True, slots=True)
class Alarm:
    """A row of the alarm list."""

    kind: int
    longitude: float
    latitude: float
    gps_time: int
    system_time: int
    speed: int = 0
    course: int = 0
    fence_number: int = 0
    fence_name: str = ""

    def as_text(self) -> str:
        """Return the row as in open-api-classic 2.8."""
        return (
            f"{self.kind},{self.longitude},{self.latitude},{self.gps_time},"
            f"{self.system_time},{self.speed},{self.course},{self.fence_number}"
        )

    def as_record(self) -> Record:
        """Return the row as in open-api-2025 2.17."""
        return {
            "alarmtype": self.kind,
            "latitude": self.latitude,
            "longitude": self.longitude,
            "gpstime": self.gps_time,
            "systemtime": self.system_time,
            "speed": self.speed,
            "course": self.course,
            "geofenceid": self.fence_number,
            "geofencename": self.fence_name,
        }


@dataclass(frozen=True, slots=True)
class Reply:
    """A tracker's own words on a command, and whether it obeys."""

    text: str
    obeys: bool = True


@dataclass(slots=True, kw_only=True, eq=False)
class Device:
    """A tracker and what it is set up to be like. Times are UNIX seconds.

    `error` is the code that refuses every call naming the device; `refusals` are
    the codes that refuse single commands (by their first word); `answers_after` is how
    many queries go unanswered before a command's answer comes, None for never.
    `overrides` replaces fields of its records (`MISSING` removes one).
    """

    imei: str
    vehicle: Vehicle
    name: str = "VT05S-01234"
    model: str = "VT05S"
    plate: str = ""
    sim: str = ""
    iccid: str = ""
    first_online: int = 1_419_905_754
    activated: int = 1_419_805_754
    platform_due: int = 2_000_000_000
    user_due: int = 2_000_000_000

    never_online: bool = False
    offline_since: float | None = None
    expired: bool = False
    blocked: bool = False
    has_ignition: bool = True
    has_door: bool = True
    has_mileage: bool = True
    battery: int = 100
    charging: int = 0
    armed: int = 0
    fuel_supply: int = 1
    external_voltage: str = "12.1"
    tank: float = 0
    temperatures: tuple[float, ...] = ()
    mileage_shift: float = 0
    fix_interval: int = 10
    heartbeat: int = 60
    system_lag: int = 1

    error: int = 0
    refusals: dict[str, int] = field(default_factory=dict)
    replies: dict[str, Reply] = field(default_factory=dict)
    answers_after: int | None = 1
    overrides: dict[str, object] = field(default_factory=dict)
    door_locked: bool | None = None
    resets: int = 0
    fences: list[Fence] = field(default_factory=list)
    alarms: list[Alarm] = field(default_factory=list)

    def status(self) -> int:
        """Return the datastatus."""
        if self.blocked:
            return 5
        if self.expired:
            return 3
        if self.never_online:
            return 1
        return 2 if self.offline_since is None else 4

    def heard(self, now: float) -> float:
        """Return the last moment of which the tracker could tell."""
        return now if self.offline_since is None else min(now, self.offline_since)

    def track_record(self, now: float, *, classic: bool, odometer: bool) -> Record:
        """Return the record of `/api/track`."""
        record = (
            self._silent_record(now) if self.never_online else self._live_record(now)
        )
        if odometer:
            record["odometer"] = record["mileage"]
        if classic:
            for name in _FIELDS_OF_2025:
                del record[name]
        return overridden(record, self.overrides)

    def _silent_record(self, now: float) -> Record:
        """Return the record of a tracker that never was online."""
        return {
            "imei": self.imei,
            "course": 0,
            "systemtime": 0,
            "gpstime": 0,
            "speed": 0,
            "hearttime": 0,
            "servertime": int(now),
            "longitude": 0.0,
            "latitude": 0.0,
            "acctime": int(now),
            "accstatus": -1,
            "doorstatus": -1,
            "chargestatus": -1,
            "oilpowerstatus": -1,
            "defencestatus": -1,
            "datastatus": self.status(),
            "battery": -1,
            "mileage": -1,
            "todaymileage": -1,
            "externalpower": "",
            "fuel": "",
            "fueltime": 0,
            "temperature": [],
            "temperaturetime": 0,
        }

    def _live_record(self, now: float) -> Record:
        heard = self.heard(now)
        fixed = self.vehicle.last_report(heard, driving=self.fix_interval)
        state = self.vehicle.at(fixed)
        since = self.vehicle.ignition_since(heard)
        midnight = now // 86_400 * 86_400
        today = self.vehicle.distance(midnight, max(midnight, fixed))
        warmth = [f"{degrees + sin(fixed / 600):.2f}" for degrees in self.temperatures]
        return {
            "imei": self.imei,
            "course": round(state.course) % 360,
            "systemtime": int(fixed) + self.system_lag,
            "gpstime": int(fixed),
            "speed": round(state.speed),
            "hearttime": int(max(fixed, heard // self.heartbeat * self.heartbeat)),
            "servertime": int(now),
            "longitude": round(state.place.longitude, 6),
            "latitude": round(state.place.latitude, 6),
            "acctime": int(heard - since) if self.has_ignition else int(now),
            "accstatus": int(state.ignition) if self.has_ignition else -1,
            "doorstatus": int(state.door_open) if self.has_door else -1,
            "chargestatus": self.charging,
            "oilpowerstatus": self.fuel_supply,
            "defencestatus": self.armed,
            "datastatus": self.status(),
            "battery": self.battery,
            "mileage": (
                round(state.odometer + self.mileage_shift) if self.has_mileage else -1
            ),
            "todaymileage": round(today) if self.has_mileage else -1,
            "externalpower": self.external_voltage,
            "fuel": self._fuel(state.odometer),
            "fueltime": int(fixed) if self.tank else 0,
            "temperature": warmth,
            "temperaturetime": int(fixed) if warmth else 0,
        }

    def _fuel(self, odometer: float) -> str:
        """Return the litres left of a tank: 30 L/100 km, filled up at a quarter."""
        if not self.tank:
            return ""
        burnt = odometer / 1000 * 0.3 % (self.tank * 0.75)
        return f"{self.tank - burnt:.1f}"

    def detail_record(self, *, classic: bool) -> Record:
        """Return the record of `/api/device/list` and `/api/device/detail`."""
        record: Record = {
            "imei": self.imei,
            "devicename": self.name,
            "devicetype": self.model,
            "platenumber": self.plate,
            "onlinetime": 0 if self.never_online else self.first_online,
            "platformduetime": self.platform_due,
            "simcard": self.sim,
            "iccid": self.iccid,
            "activatedtime": self.activated,
            "userduetime": self.user_due,
        }
        if classic:
            del record["iccid"]
        return overridden(record, self.overrides)

    def points(self, begin: float, end: float, now: float) -> Iterator[str]:
        """Yield the fixes from a time to another, as in open-api-classic 2.3."""
        if self.never_online:
            return
        end = min(end, self.heard(now))
        for time in self.vehicle.reports(begin, end, driving=self.fix_interval):
            state = self.vehicle.at(time)
            yield (
                f"{state.place.longitude:.6f},{state.place.latitude:.6f},{int(time)},"
                f"{round(state.speed)},{round(state.course) % 360}"
            )

    def kilometres(self, begin: float, end: float, now: float) -> float:
        """Return what was driven from a time to another (not included), in km."""
        if self.never_online:
            return 0.0
        heard = self.heard(now)
        metres = self.vehicle.distance(min(begin, heard), min(end, heard))
        return round(metres / 1000, 2)

    def alarm_rows(self, begin: int, end: int, now: float) -> list[Alarm]:
        """Return the alarms that the server got from a time to another, in order."""
        first, last = begin - self.system_lag, min(end - self.system_lag + 1, now)
        rows = list(self.alarms)
        if not self.never_online:
            last = min(last, self.heard(now))
            rows += map(self._alarm, self.vehicle.happenings(first, last))
            for fence in self.fences:
                rows += (
                    self._alarm(event, fence)
                    for event in self.vehicle.crossings(
                        fence.zone, max(first, fence.created), last
                    )
                    if event.what in fence.kinds
                )
        rows.sort(key=lambda row: row.system_time)
        return [row for row in rows if begin <= row.system_time <= min(end, now)]

    def _alarm(self, event: Event, fence: Fence | None = None) -> Alarm:
        state = self.vehicle.at(event.time)
        return Alarm(
            ALARM_TYPES[event.what],
            round(state.place.longitude, 6),
            round(state.place.latitude, 6),
            int(event.time),
            int(event.time) + self.system_lag,
            round(state.speed),
            round(state.course) % 360,
            fence.number if fence else 0,
            fence.name if fence else "",
        )


MISSING = object()


def overridden(record: Record, overrides: dict[str, object]) -> Record:
    """Return a record in which those of its fields that are to be otherwise are so."""
    return {
        name: overrides.get(name, value)
        for name, value in record.items()
        if overrides.get(name) is not MISSING
    }


@dataclass(slots=True, kw_only=True, eq=False)
class Account:
    """An account; `parent` is the name of the account whose sub-customer it is."""

    name: str
    password: str
    devices: list[Device] = field(default_factory=list)
    parent: str | None = None
    user_name: str = "openapidemo"
    email: str = ""
    mobile: str = ""
    telephone: str = ""
    created: int = 1_562_570_435
    role: int = 2
    blocked: bool = False
    open_api: bool = True
    password_md5: str = field(init=False)

    def __post_init__(self) -> None:
        """Keep the MD5 of the password, which is what the signature is made from."""
        self.set_password(self.password)

    def set_password(self, password: str) -> None:
        """Change the password."""
        self.password = password
        self.password_md5 = md5_hex(password)

    def record(self) -> Record:
        """Return the record of `/api/user/info` and `/api/user/list`."""
        return {
            "createtime": self.created,
            "mobile": self.mobile,
            "telephone": self.telephone,
            "roletype": self.role,
            "account": self.name,
            "email": self.email,
            "blockstatus": 0 if self.blocked else 1,
            "username": self.user_name,
        }


DEMO_ACCOUNT = "demo"
DEMO_PASSWORD = "Abc@34590"


def demo_accounts(now: float, vehicles: int = 4) -> tuple[Account, ...]:
    """Return the demo's accounts, with so many vehicles that lead distinct lives.

    A van on errands through the zone `home`, a parked car out of reach, a truck with
    fuel and two temperature probes that always drives, one that was never online, a taxi
    that waits with its engine started now and then; further ones run errands around the town. One more belongs to a sub-account.
    """
    van = Device(
        imei="358899051025339",
        vehicle=town_van(now, month_before=True),
        name="Van",
        model="VT05S",
        plate="V-415-XB",
        sim="3197010000001",
        iccid="89966415211160402250",
    )
    van.fences.append(
        Fence(
            1_075_558,
            "Home",
            Zone(HOME, 300),
            frozenset({Happening.ENTERED, Happening.LEFT}),
            now,
        )
    )
    car = Device(
        imei="355139000000234",
        vehicle=parked(Place(52.3702, 4.8952), now - 9 * 86_400),
        name="Car",
        model="GT06N",
        plate="K-902-PT",
        has_door=False,
        battery=64,
        external_voltage="",
        offline_since=now - 5 * 3600,
    )
    truck = Device(
        imei="351000091413001",
        vehicle=ring_truck(now),
        name="Truck",
        model="VT900",
        plate="92-BKL-6",
        sim="3197010000003",
        iccid="89966415211160402251",
        external_voltage="24.3",
        tank=400,
        temperatures=(-18.4, 4.2),
        refusals={"LOCKDOOR": 20048, "UNLOCKDOOR": 20048},
    )
    spare = Device(
        imei="351000091413002",
        vehicle=parked(HOME, now),
        name="Spare tracker",
        never_online=True,
        activated=0,
    )
    taxi = Device(
        imei="351000091413003",
        vehicle=waiting(now, HOME.away(200, 250)),
        name="Taxi",
    )
    devices = [van, car, truck, spare, taxi]
    devices += (
        Device(
            imei=f"3510000914{number:05}",
            vehicle=errand(
                now - number * 7, HOME.away(number * 37, 900 + 40 * number), 45, 700
            ),
            name=f"Courier {number}",
            fix_interval=15,
        )
        for number in range(1, vehicles - len(devices) + 1)
    )
    partner = Device(
        imei="351000091413099",
        vehicle=errand(now, HOME.away(250, 1500), 200, 800),
        name="Partner's bus",
    )
    return (
        Account(
            name=DEMO_ACCOUNT,
            password=DEMO_PASSWORD,
            role=1,
            devices=devices[:vehicles],
        ),
        Account(
            name="partner",
            password="Partner@2025",
            parent=DEMO_ACCOUNT,
            user_name="Partner",
            devices=[partner],
        ),
    )
