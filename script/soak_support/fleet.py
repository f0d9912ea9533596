"""Four simulated vendors with fifty vehicles each, in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
import time

from script.demo_support.accounts import DemoAccount
from tests.simulators import world
from tests.simulators.failures import FailureLayer
from tests.simulators.open_api import OpenApiSimulator
from tests.simulators.open_api_fleet import Account, Device as OpenApiDevice
from tests.simulators.segway import SegwaySimulator
from tests.simulators.segway_mopeds import Moped
from tests.simulators.tracksolid import Device as TracksolidDevice, TracksolidSimulator
from tests.simulators.vt3 import Vt3Simulator

EACH = 50
ACCOUNT, PASSWORD = "soak", "Soak@12345"


@dataclass
class Clock:
    """The clock of a vendor, which a failure may put forward or back."""

    shift: float = 0.0

    def __call__(self) -> float:
        """Return the time in UNIX seconds."""
        return time.time() + self.shift


@dataclass
class Fleet:
    """The simulators, and how to add their accounts."""

    open_api: OpenApiSimulator
    tracksolid: TracksolidSimulator
    segway: SegwaySimulator
    trackers: list[Vt3Simulator]
    vt3_port: int
    clocks: dict[str, Clock] = field(default_factory=dict)

    def layers(self) -> dict[str, FailureLayer]:
        """Return the layers of failures, by vendor."""
        return {
            "open_api": self.open_api.failures,
            "tracksolid": self.tracksolid.failures,
            "segway": self.segway.failures,
        }

    def drop_tokens(self, vendor: str) -> None:
        """Let a vendor forget all tokens."""
        {
            "open_api": self.open_api.drop_tokens,
            "tracksolid": self.tracksolid.drop_tokens,
            "segway": self.segway.drop_tokens,
        }[vendor]()

    def accounts(self) -> tuple[DemoAccount, ...]:
        """Return what a user enters to add all of them."""
        return (
            DemoAccount(
                name="Open API",
                simulator="",
                vehicles=(),
                answers={
                    "user": "open_api",
                    "open_api": {
                        "server": "other",
                        "address": self.open_api.url,
                        "account": ACCOUNT,
                        "password": PASSWORD,
                    },
                },
            ),
            DemoAccount(
                name="Tracksolid Pro",
                simulator="",
                vehicles=(),
                answers={
                    "user": "tracksolid",
                    "tracksolid": {
                        "server": "other",
                        "address": self.tracksolid.root,
                        "other_nodes": False,
                        "app_key": self.tracksolid.app_key,
                        "app_secret": self.tracksolid.app_secret,
                        "account": self.tracksolid.account,
                        "password": self.tracksolid.password,
                    },
                    "tracksolid_push": {},
                    "tracksolid_choices": {"sub_accounts": False},
                },
            ),
            DemoAccount(
                name="Segway",
                simulator="",
                vehicles=(),
                answers={
                    "user": "segway",
                    "segway": {
                        "client_id": self.segway.client_id,
                        "client_secret": self.segway.client_secret,
                        "server": "other",
                        "address": self.segway.url,
                    },
                    "segway_push": {"push_at_root": False},
                },
                add_vehicles=tuple(
                    {"iot_imei": imei, "model": "e_moped", "name": f"Moped {number}"}
                    for number, imei in enumerate(self.segway.mopeds)
                ),
            ),
            DemoAccount(
                name="InHand VT3",
                simulator="",
                vehicles=(),
                answers={
                    "user": "vt3",
                    "vt3": {"host": "127.0.0.1", "port": self.vt3_port},
                },
                add_vehicles=tuple(
                    {"vehicle_id": tracker.serial, "name": f"Bus {number}"}
                    for number, tracker in enumerate(self.trackers)
                ),
            ),
        )


def _life(now: float, number: int) -> world.Vehicle:
    """Return the life of a vehicle: every third is parked, the others run errands."""
    place = world.HOME.away(number * 37 % 360, 300 + 40 * number)
    if number % 3 == 0:
        return world.parked(place, now - 7200)
    return world.errand(now - number * 7, place, 45, 700)


@asynccontextmanager
async def open_fleet(vt3_port: int) -> AsyncIterator[Fleet]:
    """Start the simulators."""
    now = time.time()
    clocks = {name: Clock() for name in ("open_api", "tracksolid", "segway")}
    cars = [
        OpenApiDevice(
            imei=f"3510000914{number:05}",
            vehicle=_life(now, number),
            name=f"Car {number}",
        )
        for number in range(EACH)
    ]
    account = Account(name=ACCOUNT, password=PASSWORD, role=1, devices=cars)
    tracksolid = TracksolidSimulator(clocks["tracksolid"])
    tracksolid.token_quota = 1_000_000
    tracksolid.add(
        *(
            TracksolidDevice(
                f"8600000001{number:05}",
                f"Van {number}",
                _life(now, number),
                model="GT06N",
                since=now,
            )
            for number in range(EACH)
        )
    )
    mopeds = [
        Moped(
            iot_code=f"LKV{number:06}", life=_life(now, number), locked=number % 3 == 0
        )
        for number in range(EACH)
    ]
    async with AsyncExitStack() as stack:
        open_api = await stack.enter_async_context(
            OpenApiSimulator(account, clock=clocks["open_api"])
        )
        await stack.enter_async_context(tracksolid)
        segway = await stack.enter_async_context(
            SegwaySimulator(*mopeds, clock=clocks["segway"], command_seconds=0.5)
        )
        trackers = [
            Vt3Simulator(f"VF31020251{number:05}", _life(now, number))
            for number in range(EACH)
        ]
        yield Fleet(open_api, tracksolid, segway, trackers, vt3_port, clocks)
