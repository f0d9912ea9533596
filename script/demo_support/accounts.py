"""The accounts of the demo: a new vendor adds one entry to `ACCOUNTS`.

An entry says which simulator to start, what a user would enter in the config flow, and
what should then be seen of each vehicle.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.simulators.open_api_fleet import DEMO_ACCOUNT, DEMO_PASSWORD
from tests.simulators.segway import DEMO_CLIENT_ID, DEMO_CLIENT_SECRET
from tests.simulators.segway_mopeds import DEMO_PARKED, DEMO_RIDING
from tests.simulators.tracksolid import ACCOUNT, APP_KEY, APP_SECRET, PASSWORD
from tests.simulators.vt3 import DEMO_SERIALS
from tests.simulators.world import HOME, Place

type Entity = Mapping[str, Any]
"""An entity as the API shows it: entity_id, state, attributes."""

type Expectation = Callable[[Entity], bool]
"""Tells whether an entity is as it should be."""


def number(low: float, high: float) -> Expectation:
    """Expect a number in a range, ends included."""

    def matches(entity: Entity) -> bool:
        try:
            return low <= float(entity["state"]) <= high
        except ValueError:
            return False

    return matches


def one_of(*states: str) -> Expectation:
    """Expect one of some states."""
    return lambda entity: entity["state"] in states


def or_unknown(expectation: Expectation) -> Expectation:
    """Expect something, or that it is not known."""
    return lambda entity: entity["state"] == "unknown" or expectation(entity)


def moment(*, within: timedelta | None = None) -> Expectation:
    """Expect a time, if told so at most so long ago, and not in the future."""

    def matches(entity: Entity) -> bool:
        try:
            age = datetime.now(UTC) - datetime.fromisoformat(entity["state"])
        except ValueError:
            return False
        return timedelta(minutes=-1) <= age <= (within or timedelta.max)

    return matches


def near_home(metres: float) -> Expectation:
    """Expect a position so near to home, with an accuracy."""

    def matches(entity: Entity) -> bool:
        seen = entity["attributes"]
        if "latitude" not in seen:
            return False
        place = Place(seen["latitude"], seen["longitude"])
        return place.distance(HOME) <= metres and seen["gps_accuracy"] > 0

    return matches


ON_OR_OFF = one_of("on", "off")


@dataclass(frozen=True, kw_only=True)
class DemoVehicle:
    """A vehicle that the demo should show.

    `entities` are written as in the registries: the domain, and the end of the unique id
    (which is the reading). Those in `enable` are disabled until the demo enables them.
    `drives` says that it has to be seen moving, `returns_home` that it has to be seen
    leaving home and coming home. `late` says why it may take a while to tell something.
    """

    name: str
    entities: Mapping[str, Expectation]
    enable: tuple[str, ...] = ()
    drives: bool = False
    returns_home: bool = False
    late: str = "it comes with the vehicle's next news"


@dataclass(frozen=True, kw_only=True)
class DemoAccount:
    """An account at a simulated vendor.

    `simulator` is a module that is run with `--port` and prints a line when it is ready;
    it is given a port of its own, which is put wherever `answers` says `{port}`.
    `answers` are by step of the config flow: what to enter there, or which item of its
    menu to choose, and `options` what to choose in the account's options after that; all
    else keeps its default. Where the vendor has no list of vehicles, `add_vehicles` is what to
    enter for each, `accept_vehicles` how many show up by themselves and are accepted, and
    `leave_vehicles` how many of them are left to be accepted by who looks at the demo.
    `title` is what the account is then called, by which an earlier run's is found. One that
    `pushes` is given `--push-url-file` too: the demo writes there where to push to once the
    account is added, as the vendor's staff would be told. `is_asked` says that the vendor has an API
    that is asked and can be down; else the vehicles connect by themselves.
    """

    name: str
    simulator: str
    answers: Mapping[str, str | Mapping[str, Any]]
    vehicles: tuple[DemoVehicle, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    add_vehicles: tuple[Mapping[str, Any], ...] = ()
    accept_vehicles: int = 0
    leave_vehicles: int = 0
    title: str = ""
    pushes: bool = False
    is_asked: bool = True
    arguments: tuple[str, ...] = ()

    @property
    def is_silent_when_down(self) -> bool:
        """Whether nothing is heard of its vehicles while its API is down."""
        return self.is_asked and not self.pushes


ACCOUNTS = (
    DemoAccount(
        name="Open API",
        title=f"{DEMO_ACCOUNT} (127.0.0.1)",
        simulator="tests.simulators.open_api",
        answers={
            "user": "open_api",
            "open_api": {
                "server": "other",
                "address": "http://127.0.0.1:{port}",
                "account": DEMO_ACCOUNT,
                "password": DEMO_PASSWORD,
            },
        },
        options={"allow_engine_cut": True},
        arguments=("--vehicles", "5"),
        vehicles=(
            DemoVehicle(
                name="Van",
                drives=True,
                returns_home=True,
                enable=("lock.locked", "sensor.tracker_battery"),
                entities={
                    "device_tracker.position": near_home(1_000),
                    "binary_sensor.ignition": ON_OR_OFF,
                    "binary_sensor.moving": ON_OR_OFF,
                    "binary_sensor.online": one_of("on"),
                    "binary_sensor.door": ON_OR_OFF,
                    "sensor.speed": number(0, 60),
                    "sensor.odometer": number(51_000, 60_000),
                    "sensor.last_fix": moment(within=timedelta(minutes=20)),
                    "sensor.last_contact": moment(within=timedelta(minutes=20)),
                    "lock.locked": one_of("locked", "unlocked", "unknown"),
                    "binary_sensor.engine_cut": one_of("off"),
                    "button.cut_engine": or_unknown(moment()),
                    "button.restore_engine": or_unknown(moment()),
                },
            ),
            DemoVehicle(
                name="Truck",
                drives=True,
                enable=("sensor.temperature_2",),
                entities={
                    "device_tracker.position": near_home(10_000),
                    "binary_sensor.ignition": one_of("on"),
                    "binary_sensor.moving": one_of("on"),
                    "binary_sensor.online": one_of("on"),
                    "sensor.speed": number(70, 90),
                    "sensor.temperature_1": number(-25, -10),
                    "sensor.temperature_2": number(0, 10),
                    "sensor.last_fix": moment(within=timedelta(minutes=20)),
                },
            ),
            DemoVehicle(
                name="Car",
                enable=("lock.locked",),
                entities={
                    "device_tracker.position": near_home(1_000),
                    "binary_sensor.ignition": one_of("off"),
                    "binary_sensor.online": one_of("off"),
                    "sensor.tracker_battery": number(64, 64),
                    "sensor.last_fix": moment(),
                    "lock.locked": one_of("locked", "unlocked", "unknown"),
                },
            ),
            DemoVehicle(
                name="Taxi",
                entities={
                    "device_tracker.position": near_home(1_000),
                    "binary_sensor.ignition": ON_OR_OFF,
                    "binary_sensor.engine_cut": ON_OR_OFF,
                    "button.cut_engine": or_unknown(moment()),
                    "button.restore_engine": or_unknown(moment()),
                    "sensor.last_fix": moment(within=timedelta(minutes=20)),
                },
            ),
        ),
    ),
    DemoAccount(
        name="Tracksolid Pro",
        simulator="tests.simulators.tracksolid",
        title=f"{ACCOUNT} (127.0.0.1)",
        pushes=True,
        answers={
            "user": "tracksolid",
            "tracksolid": {
                "server": "other",
                "address": "http://127.0.0.1:{port}",
                "other_nodes": False,
                "app_key": APP_KEY,
                "app_secret": APP_SECRET,
                "account": ACCOUNT,
                "password": PASSWORD,
            },
            "tracksolid_push": {},
            "tracksolid_choices": {"sub_accounts": False},
        },
        vehicles=(
            DemoVehicle(
                name="Town van",
                drives=True,
                returns_home=True,
                enable=("button.take_photo_1",),
                entities={
                    "device_tracker.position": near_home(1_000),
                    "binary_sensor.ignition": ON_OR_OFF,
                    "binary_sensor.moving": ON_OR_OFF,
                    "binary_sensor.online": one_of("on"),
                    "sensor.speed": number(0, 60),
                    "sensor.last_fix": moment(within=timedelta(minutes=20)),
                    "image.photo_taken": moment(within=timedelta(hours=1)),
                    "camera.live_view_1": one_of("idle", "streaming"),
                    "button.take_photo_1": or_unknown(moment()),
                    "button.restore_engine": or_unknown(moment()),
                    "event.alarm": moment(within=timedelta(minutes=5)),
                },
            ),
            DemoVehicle(
                name="Ring truck",
                drives=True,
                late="its engine is read once a minute, as by the real tracker",
                enable=(
                    "sensor.temperature",
                    "sensor.fuel",
                    "sensor.engine_speed",
                    "sensor.coolant_temperature",
                ),
                entities={
                    "device_tracker.position": near_home(10_000),
                    "binary_sensor.ignition": one_of("on"),
                    "binary_sensor.moving": one_of("on"),
                    "sensor.speed": number(70, 90),
                    "sensor.temperature": number(4, 5),
                    "sensor.engine_speed": number(2_000, 4_000),
                    "sensor.last_fix": moment(within=timedelta(minutes=20)),
                },
            ),
            DemoVehicle(
                name="Parked car",
                enable=("sensor.tracker_battery",),
                entities={
                    "device_tracker.position": near_home(1_000),
                    "binary_sensor.ignition": one_of("off"),
                    "sensor.tracker_battery": number(1, 100),
                    "sensor.last_fix": moment(),
                },
            ),
        ),
    ),
    DemoAccount(
        name="InHand VT3",
        title="VT3 trackers",
        simulator="tests.simulators.vt3",
        is_asked=False,
        answers={"user": "vt3", "vt3": {"host": "127.0.0.1", "port": "{port}"}},
        add_vehicles=({"vehicle_id": DEMO_SERIALS[0], "name": "Bus"},),
        leave_vehicles=1,
        vehicles=(
            DemoVehicle(
                name="Bus",
                drives=True,
                enable=(
                    "sensor.trouble_codes",
                    "sensor.coolant_temperature",
                    "sensor.obd_speed",
                ),
                entities={
                    "device_tracker.position": near_home(1_000),
                    "binary_sensor.ignition": ON_OR_OFF,
                    "binary_sensor.moving": ON_OR_OFF,
                    "binary_sensor.online": one_of("on"),
                    "binary_sensor.malfunction_indicator": ON_OR_OFF,
                    "sensor.speed": number(0, 60),
                    "sensor.odometer": number(1_250, 9_000),
                    "sensor.fuel_level": number(62, 63),
                    "sensor.trouble_codes": number(0, 1),
                    # Known only while the engine runs.
                    "sensor.vehicle_voltage": or_unknown(number(13, 15)),
                    "sensor.coolant_temperature": or_unknown(number(80, 95)),
                    "sensor.obd_speed": or_unknown(number(0, 60)),
                    "sensor.last_fix": moment(within=timedelta(minutes=20)),
                    "event.trouble_code": moment(within=timedelta(minutes=5)),
                    "switch.output_1": ON_OR_OFF,
                },
            ),
        ),
    ),
    DemoAccount(
        name="Segway",
        simulator="tests.simulators.segway",
        title=f"Segway {DEMO_CLIENT_ID}",
        pushes=True,
        answers={
            "user": "segway",
            "segway": {
                "client_id": DEMO_CLIENT_ID,
                "client_secret": DEMO_CLIENT_SECRET,
                "server": "other",
                "address": "http://127.0.0.1:{port}",
            },
            "segway_push": {"push_at_root": False},
        },
        add_vehicles=(
            {"iot_imei": DEMO_PARKED, "model": "e_moped", "name": "Moped"},
            {"iot_imei": DEMO_RIDING, "model": "e_moped", "name": "Ridden moped"},
        ),
        vehicles=(
            DemoVehicle(
                name="Moped",
                enable=(
                    "binary_sensor.saddle_unlocked",
                    "button.open_saddle",
                    "select.speed_mode",
                ),
                entities={
                    "device_tracker.position": near_home(1_000),
                    "lock.locked": one_of("locked", "unlocked"),
                    "binary_sensor.ignition": ON_OR_OFF,
                    "binary_sensor.moving": one_of("off"),
                    "binary_sensor.online": one_of("on"),
                    "binary_sensor.saddle_unlocked": ON_OR_OFF,
                    "binary_sensor.alert_illegal_movement": ON_OR_OFF,
                    "sensor.battery": number(76, 76),
                    "sensor.remaining_range": number(45, 46),
                    "sensor.last_fix": moment(within=timedelta(minutes=20)),
                    "select.speed_mode": one_of("low", "medium", "high"),
                    "event.alarm": moment(within=timedelta(minutes=5)),
                },
            ),
            DemoVehicle(
                name="Ridden moped",
                drives=True,
                entities={
                    "device_tracker.position": near_home(1_000),
                    "lock.locked": one_of("unlocked"),
                    "binary_sensor.ignition": one_of("on"),
                    "binary_sensor.moving": one_of("on"),
                    "binary_sensor.online": one_of("on"),
                    "sensor.odometer": number(4_210, 6_000),
                    "sensor.last_fix": moment(within=timedelta(minutes=20)),
                },
            ),
        ),
    ),
)
