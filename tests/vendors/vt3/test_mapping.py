"""What is made of a tracker's values, parameter by parameter."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
import math

from hypothesis import given, strategies as st
import pytest

from custom_components.fleet_tracker.model.clocks import is_wrong, judge
from custom_components.fleet_tracker.model.evidence import TOLD_SPEED
from custom_components.fleet_tracker.model.json_values import Json
from custom_components.fleet_tracker.model.merge import merge
from custom_components.fleet_tracker.model.readings import kind_of
from custom_components.fleet_tracker.model.rules import Rules
from custom_components.fleet_tracker.model.vehicle import (
    OccurrenceKind,
    OccurrenceType,
    Position,
    Reading,
    TimeSource,
    Value,
    VehicleUpdate,
)
from custom_components.fleet_tracker.vendors.vt3.entities import ENTITIES
from custom_components.fleet_tracker.vendors.vt3.events import (
    IGNITION_TYPES,
    TYPES,
    map_event,
    time_of_event,
    values_of_event,
)
from custom_components.fleet_tracker.vendors.vt3.mapping import Mapper, map_details
from custom_components.fleet_tracker.vendors.vt3.parameters import (
    HOME_GROUPS,
    PARAMETERS,
    POSITION_PARAMETERS,
    TIME_PARAMETERS,
)
from custom_components.fleet_tracker.vendors.vt3.speed_unit import SpeedUnitWatch
from custom_components.fleet_tracker.vendors.vt3.values import as_shown_text
from tests.simulators.world import HOME, Place

NOW = datetime(2025, 10, 9, 9, 0, tzinfo=UTC)
TS = int(NOW.timestamp()) - 5
MEASURED = NOW - timedelta(seconds=5)


def mapper(**options: bool) -> Mapper:
    """Return what maps a tracker's values."""
    return Mapper("VF1", **options)


def readings(update: VehicleUpdate) -> dict[str, Value]:
    """Return all readings of an update."""
    return {
        key: value for group in update.groups for key, value in group.readings.items()
    }


def read(group: str, **values: Json) -> dict[str, Value]:
    """Return the readings of some parameters of a group (``rpm=1`` is ``obd.rpm``)."""
    named = {f"{group}.{key}": value for key, value in values.items()}
    return readings(mapper().map_values(group, named, NOW))


# Appendix A, row by row; GNSS position and times have tests of their own.
APPENDIX_A: list[tuple[str, Json, str, Value]] = [
    ("gnss.hdop", 1.2, Reading.HDOP, 1.2),
    ("gnss.fix", 4, "gnss_fix", "3d_and_dead_reckoning"),
    ("gnss.num_sv", 14, Reading.SATELLITES, 14),
    ("motion.ax", 0.08, "acceleration:x", 0.08),
    ("motion.ay", 0.0, "acceleration:y", 0.0),
    ("motion.az", -1, "acceleration:z", -1.0),
    ("motion.gx", 0.15, "rotation:x", 0.15),
    ("motion.gy", 0.03, "rotation:y", 0.03),
    ("motion.gz", -0.47, "rotation:z", -0.47),
    ("io.AI1", 12.5, "analog_input:1", 12.5),
    ("io.DI1", 1, "digital_input:1", True),
    ("io.DI2", 0, "digital_input:2", False),
    ("io.DI3", 1, "digital_input:3", True),
    ("io.DI4", 0, "digital_input:4", False),
    ("io.DI1_pullup", 1, "input_pullup:1", True),
    ("io.DI2_pullup", 0, "input_pullup:2", False),
    ("io.DI3_pullup", 1, "input_pullup:3", True),
    ("io.DI4_pullup", 0, "input_pullup:4", False),
    ("io.DO1", 1, "output:1", True),
    ("io.DO2", 0, "output:2", False),
    ("io.DO3", 1, "output:3", True),
    ("io.IGT", 1, Reading.IGNITION, True),
    ("obd.vin", "WDB9066571S000001", Reading.VIN, "WDB9066571S000001"),
    ("obd.e_load", 31.37, "engine_load", 31.37),
    ("obd.c_temp", 88, "coolant_temperature", 88.0),
    ("obd.rpm", 1234, "engine_speed", 1234.0),
    ("obd.speed", 20, "obd_speed", 20.0),
    ("obd.f_lvl", 21.5, Reading.FUEL_LEVEL, 21.5),
    ("obd.f_rate", 4.2, "fuel_rate", 4.2),
    ("obd.dtc", 3, Reading.TROUBLE_CODES, 3),
    ("obd.mil", 1, "malfunction_indicator", True),
    ("obd.b_volt", 13.9, Reading.VEHICLE_VOLTAGE, 13.9),
    ("obd.a_temp", -12, "ambient_temperature", -12.0),
    ("obd.o_temp", 92, "oil_temperature", 92.0),
    ("obd.up_time", 611, "engine_run_time", 611),
    ("obd.m_dist", 12, "distance_with_malfunction", 12.0),
    ("obd.d_dist", 3400, "distance_since_cleared", 3400.0),
    ("obd.m_time", 20, "time_with_malfunction", 20.0),
    ("obd.d_time", 9000, "time_since_cleared", 9000.0),
    ("obd.f_press", 350, "fuel_pressure", 350.0),
    ("obd.t_pos", 15.2, "throttle_position", 15.2),
    ("obd.brake", 1, "brake", True),
    ("obd.parking", 0, "parking_brake", False),
    ("obd.s_w_angle", math.pi, "steering_wheel_angle", 180.0),
    ("obd.f_econ", 8.5, "fuel_economy", 8.5),
    ("obd.odo", 51654.25, Reading.ODOMETER, 51654.25),
    ("obd.a_pos", 12, "accelerator_position", 12.0),
    ("obd.t_dist", 12.5, "trip_meter", 12.5),
    ("obd.i_temp", 35, "intake_temperature", 35.0),
    ("obd.i_press", 101, "intake_pressure", 101.0),
    ("obd.b_press", 100, "barometric_pressure", 100.0),
    ("obd.f_r_press", 40000, "fuel_rail_pressure", 40000.0),
    ("obd.r_torque", 1100, "reference_torque", 1100.0),
    ("obd.f_torque", 8, "friction_torque", 8.0),
    ("obd.max_avl_torque", 90, "available_torque", 90.0),
    ("obd.a_torque", 12.5, "engine_torque", 12.5),
    ("obd.d_e_f_vol", 55, "exhaust_fluid_level", 55.0),
    ("obd.mf_mon", 1, "monitor:misfire", True),
    ("obd.f_s_mon", 0, "monitor:fuel_system", False),
    ("obd.c_c_mon", 1, "monitor:comprehensive_component", True),
    ("obd.c_mon", 1, "monitor:catalyst", True),
    ("obd.h_c_mon", 0, "monitor:heated_catalyst", False),
    ("obd.e_s_mon", 1, "monitor:evaporative_system", True),
    ("obd.s_a_s_mon", 1, "monitor:secondary_air_system", True),
    ("obd.a_s_r_mon", 1, "monitor:ac_refrigerant", True),
    ("obd.e_g_s_mon", 1, "monitor:exhaust_gas_sensor", True),
    ("obd.e_g_s_h_mon", 1, "monitor:exhaust_gas_sensor_heater", True),
    ("obd.e_v_s_mon", 1, "monitor:egr_vvt_system", True),
    ("obd.c_s_a_s_mon", 1, "monitor:cold_start_aid", True),
    ("obd.b_p_c_s_mon", 1, "monitor:boost_pressure_control", True),
    ("obd.dpf_mon", 1, "monitor:dpf", True),
    ("obd.n_c_mon", 1, "monitor:nox_catalyst", True),
    ("obd.nmhc_mon", 1, "monitor:nmhc_catalyst", True),
    ("obd.o_s_mon", 1, "monitor:oxygen_sensor", True),
    ("obd.o_s_h_mon", 1, "monitor:oxygen_sensor_heater", True),
    ("obd.pf_mon", 1, "monitor:particulate_filter", True),
    ("obd.brake_prim_press", 800, "brake_pressure:1", 800.0),
    ("obd.brake_sec_press", 790, "brake_pressure:2", 790.0),
    ("obd.e_hours", 4210, "engine_hours", 4210.0),
    ("obd.ab_level", 61, "exhaust_fluid_tank_level", 61.0),
    ("modem1.imei", "862104021247207", "imei", "862104021247207"),
    ("modem1.imsi", "460013231603009", "imsi", "460013231603009"),
    ("modem1.iccid", "89860118802836799717", Reading.ICCID, "89860118802836799717"),
    ("modem1.phone_num", "+31612345678", Reading.SIM, "+31612345678"),
    ("modem1.signal_lvl", 28, "signal_strength", 28),
    ("modem1.reg_status", 5, "network_registration", "roaming"),
    ("modem1.operator", "46001", "network_operator", "46001"),
    ("modem1.network", 3, "network_type", "4g"),
    ("modem1.lac", "EA00", "location_area", "EA00"),
    ("modem1.cell_id", "71CF520", "cell", "71CF520"),
    ("modem1.rssi", -71, "rssi", -71.0),
    ("modem1.rsrp", -98, "rsrp", -98.0),
    ("modem1.rsrq", -11, "rsrq", -11.0),
    ("modem1.sinr", 7.5, "sinr", 7.5),
    ("cellular1.status", 3, "network_link", "up"),
    ("cellular1.ip", "10.210.255.168", "ip_address", "10.210.255.168"),
    ("cellular1.netmask", "255.255.255.255", "netmask", "255.255.255.255"),
    ("cellular1.gateway", "1.1.1.3", "gateway", "1.1.1.3"),
    ("cellular1.dns1", "119.7.7.7", "dns_server", "119.7.7.7"),
    ("cellular1.up_at", TS, "network_up_since", MEASURED),
    ("sysinfo.hostname", "van-7", "hostname", "van-7"),
    ("sysinfo.model_name", "VT310", "model_name", "VT310"),
    ("sysinfo.oem_name", "inhand", "manufacturer", "inhand"),
    ("sysinfo.serial_number", "VF1", "serial_number", "VF1"),
    ("sysinfo.firmware_version", "V1.0.22", "firmware_version", "V1.0.22"),
    ("sysinfo.product_number", "FQ58", "product_number", "FQ58"),
    ("sysinfo.description", "a tracker", "description", "a tracker"),
]
# Parameters of the document's examples, and of newer firmware
BEYOND: list[tuple[str, Json, str, Value]] = [
    ("gnss.pdop", 2.1, "pdop", 2.1),
    ("motion.roll", -0.65, "roll", -0.65),
    ("motion.pitch", 1.03, "pitch", 1.03),
    ("motion.yaw", 302.49, "yaw", 302.49),
    ("io.AI2", 1, "analog_input:2", 1.0),
    ("io.AI3", 2, "analog_input:3", 2.0),
    ("io.D01", 1, "output:1", True),
    ("io.D02", 0, "output:2", False),
    ("io.D03", 1, "output:3", True),
    ("io.igt_status", 0, Reading.IGNITION, False),
    ("io.power_input", 12.6, Reading.VEHICLE_VOLTAGE, 12.6),
    ("io.battery_lvl", 87, Reading.TRACKER_BATTERY, 87.0),
    ("obd.dtcs", 2, Reading.TROUBLE_CODES, 2),
    ("obd.status", "Connected", "obd_status", "Connected"),
    ("modem1.active_sim", 1, "active_sim", "1"),
]


@pytest.mark.parametrize(("key", "value", "reading", "expected"), APPENDIX_A + BEYOND)
def test_parameter(key: str, value: Json, reading: str, expected: Value) -> None:
    """Each parameter becomes its reading, also when it comes as a text."""
    for told in (value, str(value) if isinstance(value, int | float) else value):
        found = readings(mapper().map_values(key.partition(".")[0], {key: told}, NOW))
        assert found == {reading: pytest.approx(expected)}
        assert isinstance(found[reading], type(expected))


def test_table_is_complete() -> None:
    """The tables above hold every parameter that is read, and the readings differ."""
    keys = [key for key, *_ in APPENDIX_A + BEYOND]
    assert sorted(keys) == sorted(PARAMETERS)
    reading_names = {parameter.reading for parameter in PARAMETERS.values()}
    private = {reading for reading in reading_names if kind_of(reading).private}
    assert private == {
        "cell",
        "gateway",
        "hostname",
        "iccid",
        "imei",
        "imsi",
        "ip_address",
        "location_area",
        "serial_number",
        "sim",
        "vin",
    }


@pytest.mark.parametrize("key", PARAMETERS)
def test_nothing_is_absent(key: str) -> None:
    """Nulls, empty texts, wrong types and numbers out of all scales leave no reading."""
    nothing: list[Json] = [None, "", " ", [], {}]
    if PARAMETERS[key].read is not as_shown_text:
        nothing += ["?", 9e99, -9e99, "nan"]
    for value in nothing:
        update = mapper().map_values(key.partition(".")[0], {key: value}, NOW)
        assert readings(update) == {}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("obd.o_temp", -273),
        ("obd.a_temp", -273),
        ("obd.odo", 0),
        ("gnss.hdop", 99.99),
        ("gnss.num_sv", 3.5),
        ("modem1.signal_lvl", 99),
        ("modem1.network", 0),
        ("modem1.rssi", 0),
        ("cellular1.up_at", 381),
        ("io.DI1", 2),
        ("obd.mil", "yes"),
        ("obd.rpm", True),
        ("obd.rpm", "1" * 400),
        ("obd.vin", True),
    ],
)
def test_unknown_values_are_absent(key: str, value: Json) -> None:
    """Trackers have many ways to say that they do not know."""
    update = mapper().map_values(key.partition(".")[0], {key: value}, NOW)
    assert readings(update) == {}


def test_sentinels_while_the_engine_is_off() -> None:
    """The least of a scale means nothing while the engine is off, and cold when it runs."""
    least: dict[str, Json] = {
        "b_press": 0,
        "c_temp": -40,
        "i_temp": -40,
        "a_torque": -125,
        "f_torque": -125,
        "s_w_angle": -31.374,
        "f_lvl": 0,
        "d_e_f_vol": 0,
        "ab_level": 0,
    }
    assert read("obd", **least) == {}
    assert read("obd", rpm=0, **least) == {"engine_speed": 0.0}
    assert read("obd", rpm=None, **least) == {}
    assert len(read("obd", rpm=900, **least)) == 10


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"rssi": 0, "rsrp": 0, "rsrq": 0, "sinr": 0}, {}),
        ({"rsrp": "0", "rsrq": "0"}, {}),
        ({"rssi": 0, "sinr": 0}, {}),
        ({"rssi": -71, "rsrp": -98, "rsrq": 0, "sinr": 0}, {"rsrq": 0, "sinr": 0}),
        ({"rsrq": 0}, {"rsrq": 0}),
        ({"rssi": 0, "rsrp": 0, "rsrq": -9}, {"rsrq": -9}),
    ],
)
def test_quality_of_no_reception(
    told: dict[str, Json], expected: dict[str, float]
) -> None:
    """0 dB is a good signal, but nothing where the strengths beside it are 0 too."""
    found = read("modem1", **told)
    assert {key: found[key] for key in ("rsrq", "sinr") if key in found} == expected


def test_texts_can_be_shown_and_stored() -> None:
    """Control characters and halves of surrogates do not get through."""
    found = read("modem1", operator=" A\x00B\ud800C\n ", lac="x" * 1000)
    assert found["network_operator"] == "A B C"
    assert len(str(found["location_area"])) == 255


# --- position ---------------------------------------------------------------------------

GNSS: dict[str, Json] = {
    "gnss.ts": TS,
    "gnss.latitude": 40.232213,
    "gnss.longitude": 116.34366,
    "gnss.altitude": 346.0,
    "gnss.speed": 87.6,
    "gnss.heading": 234.0,
    "gnss.hdop": 1.2,
    "gnss.fix": 3,
    "gnss.num_sv": 7,
}


def test_position() -> None:
    """The example of 3.1.2."""
    update = mapper().map_values("gnss", GNSS, NOW)
    assert update.position == Position(
        latitude=40.232213,
        longitude=116.34366,
        accuracy=6.0,
        fixed_at=MEASURED,
        altitude=346.0,
        course=234.0,
        speed=87.6,
    )
    assert update.heard_at == NOW
    # Only the position carries where it is.
    assert readings(update) == {
        Reading.HDOP: 1.2,
        "gnss_fix": "3d",
        Reading.SATELLITES: 7,
        # The most that it can mean, for the guard alone: its unit is not proven yet.
        Reading.SPEED: pytest.approx(87.6 * 1.852),
    }
    assert [group.name for group in update.groups] == ["gnss", TOLD_SPEED]


def test_speed_in_knots() -> None:
    """A listener's option says that trackers tell knots."""
    update = mapper(knots=True).map_values("gnss", GNSS, NOW)
    assert update.position is not None
    assert update.position.speed == pytest.approx(87.6 * 1.852)


def test_refreshed_position() -> None:
    """The example of 3.3.3: date and time instead of a timestamp, and an accuracy."""
    values = {key: value for key, value in GNSS.items() if key != "gnss.ts"}
    values |= {"gnss.hacc": 1.0, "gnss.date": "2025-10-9", "gnss.time": "8:59:55"}
    update = mapper().map_values("gnss", values, NOW)
    assert update.position is not None
    assert (update.position.accuracy, update.position.fixed_at) == (1.0, MEASURED)
    for broken in ({"gnss.date": "2025-13-9"}, {"gnss.date": None}, {"gnss.time": 7}):
        update = mapper().map_values("gnss", values | broken, NOW)
        assert update.position is not None
        assert update.position.fixed_at == NOW


@pytest.mark.parametrize(
    "broken",
    [
        {"gnss.fix": 0},
        {"gnss.fix": "0"},
        {"gnss.fix": 5},
        {"gnss.latitude": None},
        {"gnss.longitude": None},
        {"gnss.latitude": 0, "gnss.longitude": 0.0},
        {"gnss.latitude": 90.5},
        {"gnss.longitude": -181},
        {"gnss.latitude": "north"},
    ],
)
def test_no_fix(broken: dict[str, Json]) -> None:
    """Frames come without a fix, too."""
    assert mapper().map_values("gnss", GNSS | broken, NOW).position is None


def test_parts_of_a_position() -> None:
    """Senseless parts of a fix are absent, and the rest counts."""
    values: dict[str, Json] = GNSS | {
        "gnss.ts": 381,
        "gnss.altitude": None,
        "gnss.heading": 360.0,
        "gnss.speed": -1,
        "gnss.hdop": 99.99,
        "gnss.fix": None,
    }
    assert mapper().map_values("gnss", values, NOW).position == Position(
        latitude=40.232213,
        longitude=116.34366,
        accuracy=15.0,
        fixed_at=NOW,
        course=0.0,
        time_source=TimeSource.OURS,
    )


# --- groups and times -------------------------------------------------------------------


def test_an_upload_lists_all_of_its_group() -> None:
    """What is missing in an upload is not known; what outlives the engine stays."""
    values: dict[str, Json] = {"obd.ts": TS, "obd.odo": 100, "obd.rpm": None}
    update = mapper().map_values("obd", values, NOW, complete=True)
    assert [
        (group.name, group.complete, group.measured_at, dict(group.readings))
        for group in update.groups
    ] == [
        ("obd", True, MEASURED, {}),
        ("vehicle", False, MEASURED, {Reading.ODOMETER: 100.0}),
    ]
    for topic in ("modem1", "cellular1"):
        update = mapper().map_values(
            topic, {"modem1.rssi": -70, "cellular1.ts": TS}, NOW, complete=True
        )
        assert [
            (group.name, group.complete, group.measured_at) for group in update.groups
        ] == [("cellular1", True, MEASURED)]
    update = mapper().map_values("summary", {"io.DI1": 1}, NOW, complete=True)
    assert [(group.name, group.complete) for group in update.groups] == [("io", False)]


def test_times_that_cannot_be() -> None:
    """A clock that is ahead, or not set, does not count."""
    for ts in (TS + 7200, 381, None, "soon", 1e300):
        update = mapper().map_values("io", {"io.ts": ts, "io.DI1": 1}, NOW)
        judged = judge(None, update, NOW).update
        assert judged.groups[0].measured_at == NOW


def test_answers_by_the_clock_of_the_tracker() -> None:
    """Answers without a time are as old as what the tracker's clock would say."""
    one = mapper()
    later = NOW + timedelta(seconds=90, microseconds=400_000)

    def measured(now: datetime, **values: Json) -> datetime:
        named = {f"io.{key}": value for key, value in values.items()}
        told = judge(None, one.map_values("io", named, now), now).update
        (group,) = told.groups
        return group.measured_at

    assert measured(NOW, DI1=1) == NOW
    # It is two minutes behind, and was told at once or later.
    assert measured(NOW, DI1=1, ts=TS - 115) == NOW - timedelta(seconds=120)
    assert measured(NOW, DI1=1, ts=TS - 300) == NOW - timedelta(seconds=305)
    assert measured(later, DI1=1) == NOW - timedelta(seconds=30)
    # It is set, and a whole second is what it tells.
    assert measured(later, DI1=1, ts=TS + 95) == NOW + timedelta(seconds=90)
    assert measured(later, DI1=1) == NOW + timedelta(seconds=90)
    # One that is ahead is believed to be right.
    assert measured(later, DI1=1, ts=TS + 500) == later
    assert measured(later, DI1=1) == later


@pytest.mark.parametrize(
    "told", [{}, {"gnss.date": "2025-10-9", "gnss.time": "9:00:00"}]
)
def test_positions_on_demand(told: dict[str, Json]) -> None:
    """One is fresh, and no position is older that a clock that is behind tells later."""
    one = mapper()
    # The tracker's clock is two minutes behind.
    one.map_values("gnss", GNSS | {"gnss.ts": TS - 115}, NOW, complete=True)
    values = {key: value for key, value in GNSS.items() if key != "gnss.ts"}
    answer = one.map_values("gnss", values | told, NOW)
    assert answer.position is not None
    assert answer.position.fixed_at == NOW

    def fixed_at(ts: int) -> datetime:
        later = NOW + timedelta(seconds=300)
        upload = one.map_values("gnss", GNSS | {"gnss.ts": ts}, later, complete=True)
        assert upload.position is not None
        return upload.position.fixed_at

    assert fixed_at(TS - 115) == NOW
    assert fixed_at(TS - 114) == NOW + timedelta(seconds=1)
    assert fixed_at(TS + 15) == NOW + timedelta(seconds=130)
    # What it kept from before is older.
    assert fixed_at(TS - 125) == NOW - timedelta(seconds=130)
    # It is set meanwhile.
    assert fixed_at(TS + 290) == NOW + timedelta(seconds=285)
    assert fixed_at(TS + 15) == NOW + timedelta(seconds=10)


@pytest.mark.parametrize("satellites", [False, True])
@pytest.mark.parametrize("looks", [(), (1,), (20,), (5, 20, 40)], ids=str)
@pytest.mark.parametrize(
    "off_by",
    [
        *(timedelta(), timedelta(seconds=-40), timedelta(minutes=-37)),
        *(timedelta(hours=-3), timedelta(hours=8), timedelta(days=-1000)),
    ],
    ids=str,
)
def test_positions_on_demand_of_one_that_drives(
    off_by: timedelta, looks: tuple[int, ...], satellites: bool
) -> None:
    """Whatever its clock shows, it goes on moving as of now when it was looked at."""
    one, vehicle, now, latitude = mapper(), None, NOW, 52.0
    for number in range(60):
        now += timedelta(seconds=20)
        latitude += 0.0025
        told: dict[str, Json] = {
            "gnss.latitude": latitude,
            "gnss.longitude": 13.4,
            "gnss.speed": 50,
            "gnss.fix": 3,
        }
        stamped = told | {"gnss.ts": int((now + off_by).timestamp())}
        update = one.map_values("gnss", stamped, now, complete=True)
        vehicle = merge(vehicle, update, Rules(), now).vehicle
        if number in looks:
            now += timedelta(seconds=1)
            if satellites:
                told |= {"gnss.date": f"{now:%Y-%m-%d}", "gnss.time": f"{now:%H:%M:%S}"}
            answer = one.map_values("gnss", told, now)
            vehicle = merge(vehicle, answer, Rules(), now).vehicle
        assert vehicle.latest_fix is not None
        # Of a clock that is wrong by no known span nothing is known before a look.
        was_looked_at = number >= min(looks, default=60)
        if was_looked_at or (number >= 3 and off_by != timedelta(minutes=-37)):
            assert vehicle.latest_fix.latitude == latitude
            assert now - vehicle.latest_fix.fixed_at <= timedelta(minutes=1)
            assert vehicle.readings[Reading.MOVING] is True
    assert vehicle is not None
    assert is_wrong(vehicle.clock) is (abs(off_by) > timedelta(minutes=10))


@pytest.mark.parametrize(
    ("after", "more", "expected"),
    [
        (20, {}, (6.0, 346.0, 234.0, 87.6)),
        (20, {"gnss.speed": 50, "gnss.altitude": 3}, (6.0, 3.0, 234.0, 50.0)),
        (20, {"gnss.speed": None, "gnss.hdop": 3}, (15.0, 346.0, 234.0, None)),
        (20, {"gnss.hacc": 2, "gnss.heading": 10}, (2.0, 346.0, 10.0, 87.6)),
        (61, {}, (15.0, None, None, None)),
        (-1, {}, (15.0, None, None, None)),
    ],
)
def test_position_of_a_custom_group(
    after: int, more: dict[str, Json], expected: tuple[float | None, ...]
) -> None:
    """What a group leaves out is known from the GNSS group, if that is no minute old."""
    one = mapper()
    one.map_values("gnss", GNSS, NOW)
    own = one.fix_with_speed
    place: dict[str, Json] = {"gnss.latitude": 41, "gnss.longitude": 116}
    now = MEASURED + timedelta(seconds=after)
    update = one.map_values(
        "group1", place | more | {"gnss.ts": TS + after}, now, complete=True
    )
    fix = update.position
    assert fix is not None
    assert (fix.latitude, fix.fixed_at) == (41, now)
    assert (fix.accuracy, fix.altitude, fix.course, fix.speed) == expected
    # The unit of the speed is found out by what was told with the place.
    assert one.fix_with_speed is (fix if "gnss.speed" in more else own)
    # It does not go on from one to the next.
    again = one.map_values("group1", place, now + timedelta(seconds=62))
    assert again.position is not None
    assert again.position.speed is None


def test_gnss_without_a_speed() -> None:
    """Parts that the GNSS group leaves out are not known."""
    one = mapper()
    one.map_values("gnss", GNSS, NOW)
    values = {key: value for key, value in GNSS.items() if key != "gnss.speed"}
    update = one.map_values("gnss", values, NOW, complete=True)
    assert update.position is not None
    assert update.position.speed is None


def test_custom_groups() -> None:
    """Known parameters feed their readings, others are named by their key."""
    learned = mapper()
    learned.learn(
        "group1",
        {
            "gnss.latitude": "lat",
            "gnss.longitude": "lon",
            "io.AI1": "ai1",
            "obd.speed": "",
            "userdata.custom_key": "custom_key",
            "sensor.temp": "t",
            "sensor.door": "d",
            "gnss.geohash": "where",
            "bad key": "b",
        },
    )
    update = learned.map_values(
        "group1",
        {
            "lat": 40.2,
            "lon": 116.3,
            "ai1": "1.5",
            "obd.speed": 50,
            "custom_key": "custom_value",
            "t": 21,
            "d": True,
            "where": "wx4g0",
            "more": 1,
            "client_token": "abc",
        },
        NOW,
        complete=True,
    )
    assert update.position is not None
    assert update.position.latitude == 40.2
    assert readings(update) == {
        "analog_input:1": 1.5,
        "obd_speed": 50.0,
        "custom:userdata.custom_key": "custom_value",
        "custom:sensor.temp": 21.0,
        "custom:sensor.door": True,
    }
    assert not any(group.complete for group in update.groups)
    assert dict(learned.unknown) == {"custom/gnss.geohash": 1, "group1/more": 1}
    assert learned.strange_groups == set()


def test_user_data_without_a_group() -> None:
    """The vendor's published packet comes in a group of its own."""
    update = mapper().map_values(
        "userdata",
        {"userdata.serial_number": "VG710", "userdata.nothing": None, "userdata.": 1},
        NOW,
    )
    assert readings(update) == {"custom:userdata.serial_number": "VG710"}


def test_as_many_custom_readings_as_there_can_be() -> None:
    """8 groups of 32 items; a tracker that tells more is not believed."""
    one = mapper()
    values: dict[str, Json] = {f"userdata.k{number}": number for number in range(300)}
    for _ in range(2):
        assert len(readings(one.map_values("userdata", values, NOW))) == 256
    assert len(one.unknown) == 44


def test_aliases_of_reserved_groups() -> None:
    """Those of real trackers are known, those that were set are learned, others told."""
    one = mapper()
    values: dict[str, Json] = {
        "time": TS,
        "lat": 40.2,
        "log": 116.3,
        "gnss.speed": 10,
        "gnss.fix": 3,
        "hoehe": 5,
        "gnss.new": 1,
    }
    update = one.map_values("gnss", values, NOW, complete=True)
    assert update.position is not None
    assert update.position.fixed_at == MEASURED
    assert dict(one.unknown) == {"gnss/hoehe": 1, "gnss/gnss.new": 1}
    assert one.strange_groups == {"gnss"}
    one.learn("gnss", {"gnss.altitude": "hoehe", "gnss.latitude": "", "gnss.ts": None})
    assert one.strange_groups == set()
    update = one.map_values("gnss", values, NOW)
    assert update.position is not None
    assert update.position.altitude == 5.0


def test_names_of_a_group_with_two_topics() -> None:
    """Cellular data is set up as cellular1, and may be told as modem1."""
    one = mapper()
    one.learn("cellular1", {"modem1.rssi": "level"})
    assert readings(one.map_values("modem1", {"level": -70}, NOW)) == {"rssi": -70.0}
    one.map_values("modem1", {"other": 1}, NOW)
    assert one.strange_groups == {"cellular1"}
    # These cannot be reset, so nobody is bothered.
    one.map_values("sysinfo", {"other": 1}, NOW)
    one.map_values("summary", {"other": 1}, NOW)
    assert one.strange_groups == {"cellular1"}


def test_strange_names_are_counted_within_bounds() -> None:
    """Names of a hostile tracker fill neither memory nor diagnostics."""
    one = mapper()
    one.map_values("gnss", {f"name{number}": 1 for number in range(500)}, NOW)
    one.map_values("gnss", {"52.3731 4.8922": 1, "x" * 100: 1}, NOW)
    assert len(one.unknown) == 100
    fresh = mapper()
    fresh.map_values("gnss", {"52.3731, 4.8922": 1, "x" * 100: 1}, NOW)
    assert dict(fresh.unknown) == {"gnss/(no name)": 2}


def test_outputs_that_stop_the_vehicle() -> None:
    """Such outputs have readings of another kind, and so other entities."""
    one = mapper()
    one.cutting_outputs = frozenset({"2"})
    values: dict[str, Json] = {"io.DO1": 1, "io.DO2": 0, "io.DO3": None}
    assert readings(one.map_values("io", values, NOW)) == {
        "output:1": True,
        "engine_cut:2": False,
    }
    assert one.outputs == {"1", "2"}


def test_interval() -> None:
    """The upload interval of a group is a reading, once it is known."""
    assert readings(mapper().map_interval("gnss", 60, NOW)) == {
        "upload_interval:gnss": 60
    }
    assert readings(mapper().map_interval("gnss", None, NOW)) == {}


def test_details() -> None:
    """The example of 3.3.7; before it came, what was known stays."""
    sysinfo: dict[str, Json] = {
        "sysinfo.model_name": "VT310",
        "sysinfo.firmware_version": "VT3_V1.0.22",
        "sysinfo.product_number": "FQ58",
    }
    details = map_details("Van", "VF1", None, sysinfo)
    assert (details.name, details.manufacturer, details.model) == (
        *("Van", "InHand Networks"),
        "VT310",
    )
    assert (details.serial_number, details.sw_version, details.hw_version) == (
        *("VF1", "VT3_V1.0.22"),
        "FQ58",
    )
    assert map_details("Van", "VF1", details, {}) == details
    assert map_details("Van", "VF1", None, {}).model == "VT3"


# --- events -----------------------------------------------------------------------------


def test_ignition_event() -> None:
    """The example of 5.4.1."""
    payload: dict[str, Json] = {
        "starts_at": TS,
        "status": "raise",
        "type": "IGON",
        "level": 1,
        "gnss.longitude": -111.33,
        "gnss.latitude": 38.2222,
        "obd.odo": 2000,
        "motion.ax": 0.0,
    }
    occurrence = map_event(payload, NOW)
    assert occurrence is not None
    assert (occurrence.kind, occurrence.type, occurrence.code) == (
        *(OccurrenceKind.IGNITION, OccurrenceType.IGNITION_ON),
        "IGON",
    )
    assert occurrence.occurred_at == MEASURED
    assert occurrence.details == {"level": "notice", "starts_at": MEASURED}
    assert values_of_event(payload)["io.IGT"] is True
    assert time_of_event(payload) == MEASURED
    off = values_of_event({"type": "IGOFF", "status": "raise"})
    assert off == {"io.IGT": False}
    assert values_of_event({"type": "IGON", "status": "clear"}) == {}


@pytest.mark.parametrize("status", ["raise", "clear"])
@pytest.mark.parametrize(
    "type_name", [*TYPES, *IGNITION_TYPES, "OBDII_DTC_P070F", "J1939_DTC_173"]
)
def test_events_are_of_types_that_their_entities_fire(
    type_name: str, status: str
) -> None:
    """The end of anything fires `cleared`, never the type for what is not known."""
    occurrence = map_event({"type": type_name, "status": status}, NOW)
    assert occurrence is not None
    (entity,) = (one for one in ENTITIES.events if one.key == occurrence.kind)
    assert occurrence.type in entity.types
    assert (occurrence.type is OccurrenceType.CLEARED) is (status == "clear")


def test_trouble_codes() -> None:
    """The examples of 5.4.3: raised and cleared, OBD-II and J1939."""
    raised: dict[str, Json] = {
        "starts_at": TS - 255,
        "status": "raise",
        "type": "OBDII_DTC_P070F",
        "level": 2,
        "dtc": "P070F",
        "desc": "Transmission Fluid Level Too Low",
    }
    occurrence = map_event(raised, NOW)
    assert occurrence is not None
    assert (occurrence.kind, occurrence.type, occurrence.code, occurrence.name) == (
        *(OccurrenceKind.TROUBLE_CODE, OccurrenceType.TROUBLE_CODE, "P070F"),
        "Transmission Fluid Level Too Low",
    )
    cleared = map_event(raised | {"status": "clear", "ends_at": TS, "dtc": None}, NOW)
    assert cleared is not None
    assert (cleared.type, cleared.code) == (OccurrenceType.CLEARED, "P070F")
    assert cleared.occurred_at == MEASURED
    assert cleared.details["cleared"] == "trouble_code"
    assert cleared.details["ends_at"] == MEASURED
    j1939: dict[str, Json] = {
        "starts_at": TS,
        "status": "raise",
        "type": "J1939_DTC_173",
        "level": 2,
        "src_addr": 0,
        "fmi": 3,
        "oc": 1,
        "spn": 173,
    }
    occurrence = map_event(j1939, NOW)
    assert occurrence is not None
    assert occurrence.code == "SPN 173 FMI 3"
    assert occurrence.details == {
        "level": "warning",
        "source_address": 0,
        "spn": 173,
        "fmi": 3,
        "occurrence_count": 1,
        "starts_at": MEASURED,
    }
    occurrence = map_event({"type": "J1939_DTC_173"}, NOW)
    assert occurrence is not None
    assert (occurrence.code, occurrence.occurred_at) == ("SPN 173", NOW)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("SYS_SLEEP", OccurrenceType.SLEEP),
        ("SYS_WKUP", OccurrenceType.WAKE_UP),
        ("DI_CHG", OccurrenceType.INPUT_CHANGED),
        ("OVERSPEED", OccurrenceType.SPEEDING),
        ("COLLISION", OccurrenceType.COLLISION),
        ("HARSH_ACCELERATION", OccurrenceType.HARSH_ACCELERATION),
        ("HARSH_BRAKING", OccurrenceType.HARSH_BRAKING),
        ("TURN_LEFT", OccurrenceType.SHARP_TURN),
        ("TURN_RIGHT", OccurrenceType.SHARP_TURN),
        ("IDLE", OccurrenceType.IDLING),
        ("IDLE_END", OccurrenceType.IDLING_ENDED),
        ("SOMETHING_NEW", OccurrenceType.OTHER),
    ],
)
def test_other_events(name: str, kind: OccurrenceType) -> None:
    """Everything else is an alarm; what is not known keeps its name."""
    occurrence = map_event({"type": name, "status": "raise", "starts_at": TS}, NOW)
    assert occurrence is not None
    assert (occurrence.kind, occurrence.type, occurrence.code) == (
        *(OccurrenceKind.ALARM, kind),
        name,
    )


@pytest.mark.parametrize("name", [[], {}, ["IGON"], True, None, 1.5])
def test_an_event_of_any_type_is_read(name: Json) -> None:
    """What names no type is no event, and its values count all the same."""
    payload: dict[str, Json] = {"type": name, "status": "raise", "io.DI1": 1}
    assert values_of_event(payload) == {"io.DI1": 1}
    map_event(payload, NOW)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"spn": 2**19 - 1, "fmi": 31, "oc": 126, "src_addr": 255}, 4),
        ({"spn": 2**19, "fmi": 32, "oc": 127, "src_addr": 256}, 0),
        ({"spn": -1, "fmi": -1, "oc": -1, "src_addr": -1}, 0),
        ({"spn": 1e30, "fmi": 2**64, "oc": "1e300", "src_addr": 0.5}, 0),
        ({"move_duration": 86_400, "idle_duration": 0}, 2),
        ({"move_duration": 2**32 - 1, "idle_duration": -1}, 0),
    ],
)
def test_numbers_of_events_in_their_range(told: dict[str, Json], expected: int) -> None:
    """What cannot be is absent; the last count of J1939 is "not available"."""
    occurrence = map_event({"type": "J1939_DTC_1", **told}, NOW)
    assert occurrence is not None
    assert len(occurrence.details) == expected
    assert occurrence.code is not None
    assert occurrence.code.endswith("FMI 31") is (told.get("fmi") == 31)


def test_event_details() -> None:
    """Durations, inputs and the side of a turn are told; where it was is not."""
    occurrence = map_event(
        {
            "type": "TURN_LEFT",
            "idle_duration": 12,
            "duration": None,
            "io.DI2": 1,
            "io.DI3": None,
            "level": 9,
            "lat": 52.3731,
            "gnss.latitude": 52.3731,
        },
        NOW,
    )
    assert occurrence is not None
    assert occurrence.details == {
        "direction": "left",
        "idle_duration": 12.0,
        "digital_input_2": True,
    }
    assert map_event({"status": "raise"}, NOW) is None


# --- anything ---------------------------------------------------------------------------

json_values: st.SearchStrategy[Json] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["1", "-1", "nan", "inf", "1e999", "2025-10-9"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
    ),
    max_leaves=5,
)
keys = (
    st.sampled_from(sorted({*PARAMETERS, *POSITION_PARAMETERS, *TIME_PARAMETERS}))
    | st.sampled_from(["type", "status", "starts_at", "ends_at", "level", "dtc", "spn"])
    | st.text(max_size=10)
)
payloads = st.dictionaries(keys, json_values, max_size=20)


@given(
    st.sampled_from([*HOME_GROUPS, "event", "group1"]),
    payloads,
    st.dictionaries(st.text(max_size=5), st.text(max_size=5) | st.none(), max_size=3),
    st.booleans(),
)
def test_no_payload_breaks_it(
    group: str, payload: dict[str, Json], interest: dict[str, Json], complete: bool
) -> None:
    """Whatever comes: the result is of the neutral model, finite and encodable."""
    one = mapper()
    one.learn(group, interest)
    update = one.map_values(group, payload, NOW, complete=complete)
    map_event(payload, NOW)
    map_details("Van", "VF1", None, payload)
    for part in update.groups:
        assert part.measured_at <= NOW
        for key, value in part.readings.items():
            key.encode()
            assert isinstance(value, bool | int | float | str | datetime)
            if isinstance(value, float):
                assert math.isfinite(value)
            if isinstance(value, str):
                assert value.strip() == value != ""
                value.encode()
    if (position := update.position) is not None:
        assert abs(position.latitude) <= 90
        assert position.accuracy > 0
        assert position.speed is None or position.speed >= 0


# --- unit of the speed ------------------------------------------------------------------


def fixes(
    speed: float, told: float, count: int = 15, every: int = 10
) -> list[Position]:
    """Return fixes of a drive at a speed in km/h, with the speed that is told."""
    places: list[Place] = [
        HOME.away(90, speed / 3.6 * every * number) for number in range(count)
    ]
    return [
        Position(
            latitude=place.latitude,
            longitude=place.longitude,
            accuracy=5,
            fixed_at=NOW + timedelta(seconds=every * number),
            speed=told,
        )
        for number, place in enumerate(places)
    ]


@pytest.mark.parametrize(
    ("knots", "told", "wrong"),
    [
        (False, 80, False),
        (False, 80 / 1.852, True),
        (True, 80, False),
        (True, 80 * 1.852, True),
        (False, 60, None),
    ],
)
def test_speed_unit_by_the_way(knots: bool, told: float, wrong: bool | None) -> None:
    """A tracker that drives 80 km/h and tells 43 tells knots."""
    watch = SpeedUnitWatch(knots=knots)
    assert watch.is_wrong is None
    for fix in fixes(80, told):
        watch.take_fix(fix)
    assert watch.is_wrong is wrong


def test_speed_unit_by_the_speedometer() -> None:
    """The vehicle's own speed of the same moment tells it, too."""
    watch = SpeedUnitWatch(knots=False)
    for number, fix in enumerate(fixes(80, 80 / 1.852, count=30, every=90)):
        if number % 2:
            watch.take_speedometer(fix.fixed_at + timedelta(seconds=1), 80)
            watch.take_fix(fix)
        else:
            watch.take_fix(fix)
            watch.take_speedometer(fix.fixed_at, 80)
            watch.take_speedometer(fix.fixed_at + timedelta(seconds=30), 20)
    assert watch.is_wrong is True
    for fix in fixes(80, 80, count=30):
        watch.take_fix(fix)
    assert watch.is_wrong is False


def test_speeds_that_tell_nothing() -> None:
    """Standing, crawling, turning, speeding up and long gaps are no evidence."""
    watch = SpeedUnitWatch(knots=False)
    for drive in (
        fixes(10, 10 / 1.852),
        fixes(80, 80 / 1.852, every=120),
        [fix for one in range(10) for fix in fixes(80, 20 + 40 * (one % 2), count=1)],
        [fix for fix in fixes(80, 43) for _ in range(2)][:2],
    ):
        for fix in drive:
            watch.take_fix(fix)
    silent = fixes(80, 43)[0]
    watch.take_fix(
        Position(latitude=1, longitude=1, accuracy=5, fixed_at=silent.fixed_at)
    )
    watch.take_speedometer(silent.fixed_at, 80)
    assert watch.is_wrong is None


@pytest.mark.parametrize("group", ["gnss", "io", "obd", "summary", "mine"])
def test_a_name_means_the_same_beside_an_unknown_one(group: str) -> None:
    """Documented names are resolved for all trackers at once, others one by one."""
    aliases = ("time", "lat", "log")
    for name in (*PARAMETERS, *POSITION_PARAMETERS, *TIME_PARAMETERS, *aliases):
        updates = [
            Mapper("VF1").map_values(group, values, NOW, complete=True)
            for values in (
                {name: 1, "gnss.longitude": 9.5},
                {name: 1, "gnss.longitude": 9.5, "?": 1},
            )
        ]
        assert updates[0] == updates[1], name
