"""What the servers of polled vendors tell of a fleet, from poll to poll.

The records are those of the simulators, which are written from the vendors' documents.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from enum import StrEnum
from typing import Any

import orjson

from tests.simulators.open_api_fleet import Device as OpenApiDevice
from tests.simulators.tracksolid.device import Device as TracksolidDevice, stamp
from tests.simulators.world import HOME, parked

from .measuring import Clock
from .memory_session import MemorySession, Parameters

POLL_SECONDS = 15
type Record = dict[str, Any]


class Scenario(StrEnum):
    """What happens from one poll to the next."""

    SAME = "same"
    HEARTBEATS = "heartbeats"
    TENTH_MOVED = "tenth moved"
    ALL_MOVED = "all moved"


_SHARE = {Scenario.TENTH_MOVED: 0.1, Scenario.ALL_MOVED: 1.0}


class Server(ABC):
    """A vendor's server, in memory, with an account of many vehicles."""

    vendor: str
    identity = "bench"
    secrets: Mapping[str, Any]

    def __init__(
        self, vehicles: int, clock: Clock, interval: int = POLL_SECONDS
    ) -> None:
        """Begin with all vehicles parked for an hour. The interval is that of the polls."""
        self.vehicles = vehicles
        self.interval = interval
        self.clock = clock
        self.records = [self.first_record(number) for number in range(vehicles)]
        self.session = MemorySession(self.answer)
        self._prepare()

    @property
    def data(self) -> dict[str, Any]:
        """The data of the account's config entry."""
        return {
            "vendor": self.vendor,
            "identity": f"{self.vendor}_{self.identity}",
            "push_secret": "a-secret-that-nobody-guesses",
            **self.secrets,
        }

    def next_poll(self, scenario: Scenario) -> None:
        """Let the time pass until the next poll, and prepare the answers to it."""
        self.clock.advance(self.interval)
        if scenario is Scenario.HEARTBEATS:
            for record in self.records:
                self.beat(record)
        moving = int(self.vehicles * _SHARE.get(scenario, 0))
        for number, record in enumerate(self.records[:moving]):
            self.move(number, record)
        self._prepare()

    def _prepare(self) -> None:
        self.session.headers["Date"] = format_datetime(
            datetime.fromtimestamp(self.clock.time, UTC), usegmt=True
        )
        self.prepare()
        self.session.served.clear()

    def imei(self, number: int) -> str:
        """Return the number of a tracker."""
        return f"35{number:013}"

    @abstractmethod
    def first_record(self, number: int) -> Record:
        """Return the first news of a vehicle."""

    @abstractmethod
    def beat(self, record: Record) -> None:
        """Let a tracker be heard of now."""

    @abstractmethod
    def move(self, number: int, record: Record) -> None:
        """Let a vehicle drive on."""

    @abstractmethod
    def prepare(self) -> None:
        """Make the bodies of the next answers, by the server's clock."""

    @abstractmethod
    def answer(self, path: str, parameters: Parameters) -> bytes:
        """Return the body of an answer."""


class OpenApiServer(Server):
    """A server of the Open API. Of 100 vehicles at once it tells where they are."""

    vendor = "open_api"
    secrets = {
        "server": "http://memory",
        "account": "bench",
        "password_md5": "0" * 32,
    }

    def first_record(self, number: int) -> Record:
        """Return its record of `track` (2.2)."""
        now = self.clock.time
        device = self._device(number)
        record: Record = device.track_record(now, classic=False, odometer=False)
        return record

    def _device(self, number: int) -> OpenApiDevice:
        return OpenApiDevice(
            imei=self.imei(number),
            vehicle=parked(HOME.away(number, 10.0 * number), self.clock.time - 3600),
            name=f"Truck {number}",
            plate=f"P-{number}",
            sim=f"31970{number:08}",
            iccid=f"8996641{number:013}",
            external_voltage="24.3",
            tank=400,
            temperatures=(-18.4, 4.2),
        )

    def beat(self, record: Record) -> None:
        """Let a tracker be heard of now."""
        record["hearttime"] = self.clock.time

    def move(self, number: int, record: Record) -> None:
        """Let a vehicle drive on at about 50 km/h."""
        now = self.clock.time
        record |= {
            "gpstime": now - 2,
            "systemtime": now - 1,
            "hearttime": now - 2,
            "accstatus": 1,
            "speed": 40 + (now // POLL_SECONDS + number) % 30,
            "course": (record["course"] + 7) % 360,
            "latitude": round(record["latitude"] + 0.0015, 6),
            "longitude": round(record["longitude"] + 0.0008, 6),
            "mileage": record["mileage"] + 210,
            "todaymileage": record["todaymileage"] + 210,
        }

    def prepare(self) -> None:
        """Make the bodies of `track`, with the server's own times moved on."""
        now, bodies = self.clock.time, []
        for record in self.records:
            record["servertime"] = now
            if record["accstatus"] == 0:
                record["acctime"] += self.interval
        for start in range(0, self.vehicles, 100):
            part = self.records[start : start + 100]
            bodies.append(orjson.dumps({"code": 0, "record": part}))
        self._bodies = bodies

    def answer(self, path: str, parameters: Parameters) -> bytes:
        """Return the body of an answer."""
        record: Any = []
        match path:
            case "/api/track":
                number = int(parameters["imeis"].partition(",")[0][2:])
                return self._bodies[number // 100]
            case "/api/authorization":
                record = {"access_token": "token", "expires_in": 7200}
            case "/api/device/list":
                record = [
                    self._device(number).detail_record(classic=False)
                    for number in range(self.vehicles)
                ]
        return orjson.dumps({"code": 0, "record": record})


class TracksolidServer(Server):
    """A server of Tracksolid Pro. It tells where all vehicles are in one answer."""

    vendor = "tracksolid"
    secrets = {
        "server": "http://memory/route/rest",
        "app_key": "key",
        "app_secret": "secret",
        "account": "fleet",
        "password_md5": "0" * 32,
        "sub_accounts": False,
    }

    def first_record(self, number: int) -> Record:
        """Return its row of the locations (5.1)."""
        record: Record = self._device(number).location_row(self.clock.time)
        return record

    def _device(self, number: int) -> TracksolidDevice:
        return TracksolidDevice(
            self.imei(number),
            f"Truck {number}",
            parked(HOME.away(number, 10.0 * number), self.clock.time - 3600),
            plate=f"P-{number}",
            oil="212.50L",
            temperature="4.5",
        )

    def beat(self, record: Record) -> None:
        """Let a tracker be heard of now."""
        record["hbTime"] = stamp(self.clock.time)

    def move(self, number: int, record: Record) -> None:
        """Let a vehicle drive on at about 50 km/h."""
        now = self.clock.time
        record |= {
            "gpsTime": stamp(now - 2),
            "hbTime": stamp(now - 2),
            "accStatus": "1",
            "speed": str(40 + (now // POLL_SECONDS + number) % 30),
            "direction": str((int(record["direction"]) + 7) % 360),
            "lat": round(record["lat"] + 0.0015, 6),
            "lng": round(record["lng"] + 0.0008, 6),
            "currentMileage": f"{float(record['currentMileage']) + 0.21:.13f}",
        }

    def prepare(self) -> None:
        """Make the body of the locations. The server's own time is in the headers."""
        self._body = orjson.dumps(
            {"code": 0, "message": "success", "result": self.records, "data": None}
        )

    def answer(self, path: str, parameters: Parameters) -> bytes:
        """Return the body of an answer."""
        result: Any = []
        match parameters["method"]:
            case "jimi.user.device.location.list":
                return self._body
            case "jimi.oauth.token.get":
                result = {
                    "appKey": "key",
                    "account": "fleet",
                    "accessToken": "token",
                    "expiresIn": "7200",
                    "refreshToken": "token",
                    "time": stamp(self.clock.time),
                }
            case "jimi.user.device.list":
                result = [
                    self._device(number).list_row() for number in range(self.vehicles)
                ]
        return orjson.dumps(
            {"code": 0, "message": "success", "result": result, "data": None}
        )


SERVERS: Mapping[str, type[Server]] = {
    one.vendor: one for one in (OpenApiServer, TracksolidServer)
}
