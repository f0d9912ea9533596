"""Every parameter of FlexAPI (Appendix A), and the reading that it becomes.

Beside Appendix A stand the parameters that only the document's examples know, and some of
newer firmware. Numbers outside of the documented range are not known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
import math
from types import MappingProxyType

from ...model.json_values import as_flag
from ...model.vehicle import ELECTRONICS, Reading, part_of, reading_parts
from .values import Reader, as_shown_text, as_time, kmh, number, one_of, whole
from .vocabulary import Vt3Reading

# Reserved groups, as topics name them.
GNSS = "gnss"
MOTION = "motion"
IO = "io"
OBD = ELECTRONICS
CELLULAR = "cellular1"
SYSINFO = "sysinfo"
SUMMARY = "summary"
RESERVED_GROUPS = (OBD, GNSS, MOTION, IO, CELLULAR, SYSINFO, SUMMARY)
UPLOADED_GROUPS = (OBD, GNSS, MOTION, IO, CELLULAR)
"""Groups with an upload interval (3.2)."""

# The group of readings that a parameter belongs to, by the first part of its name.
HOME_GROUPS: Mapping[str, str] = MappingProxyType(
    {
        "gnss": GNSS,
        "motion": MOTION,
        "io": IO,
        "obd": OBD,
        "modem1": CELLULAR,
        "cellular1": CELLULAR,
        "sysinfo": SYSINFO,
    }
)
TOPIC_GROUPS: Mapping[str, str] = MappingProxyType(
    {GNSS: GNSS, MOTION: MOTION, IO: IO, OBD: OBD, CELLULAR: CELLULAR}
    # 3.1.5 calls the topic so; real trackers use the name of 3.2.7 and 3.3.6.
    | {"modem1": CELLULAR, SYSINFO: SYSINFO}
)
"""The topics that list all of a group of readings."""
VEHICLE = "vehicle"
"""Readings of the OBD group that stay true while the engine is off."""

FIXES: Mapping[int, str] = MappingProxyType(
    {
        0: "no_fix",
        1: "dead_reckoning",
        2: "2d",
        3: "3d",
        4: "3d_and_dead_reckoning",
        5: "time_only",
    }
)
NO_POSITION = ("no_fix", "time_only")
REGISTRATIONS: Mapping[int, str] = MappingProxyType(
    {
        0: "not_registered",
        1: "home",
        2: "searching",
        3: "denied",
        4: "unknown",
        5: "roaming",
        6: "sms_only",
    }
)
NETWORKS: Mapping[int, str] = MappingProxyType({1: "2g", 2: "3g", 3: "4g"})
LINKS: Mapping[int, str] = MappingProxyType(
    {0: "destroyed", 1: "created", 2: "down", 3: "up"}
)
MONITORS: Mapping[str, str] = MappingProxyType(
    {
        "mf_mon": "misfire",
        "f_s_mon": "fuel_system",
        "c_c_mon": "comprehensive_component",
        "c_mon": "catalyst",
        "h_c_mon": "heated_catalyst",
        "e_s_mon": "evaporative_system",
        "s_a_s_mon": "secondary_air_system",
        "a_s_r_mon": "ac_refrigerant",
        "e_g_s_mon": "exhaust_gas_sensor",
        "e_g_s_h_mon": "exhaust_gas_sensor_heater",
        "e_v_s_mon": "egr_vvt_system",
        "c_s_a_s_mon": "cold_start_aid",
        "b_p_c_s_mon": "boost_pressure_control",
        "dpf_mon": "dpf",
        "n_c_mon": "nox_catalyst",
        "nmhc_mon": "nmhc_catalyst",
        "o_s_mon": "oxygen_sensor",
        "o_s_h_mon": "oxygen_sensor_heater",
        "pf_mon": "particulate_filter",
    }
)
"""Readiness monitors; true is completed."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a parameter becomes.

    ``idle`` is the value that says nothing while the engine is off, the least that its
    scale can express, or while nothing is received. ``output`` is the number of the output whose state it is, and
    ``is_slow`` says that an explicit null leaves the reading as it is.
    """

    reading: str
    read: Reader
    group: str
    idle: float | None = None
    output: str | None = None
    is_slow: bool = False


def _parameters() -> Iterator[tuple[str, Parameter]]:
    for group, table in (
        (GNSS, _GNSS),
        (MOTION, _MOTION),
        (IO, _IO),
        (OBD, _OBD),
        (VEHICLE, _VEHICLE),
        (CELLULAR, _CELLULAR),
        (SYSINFO, _SYSINFO),
    ):
        for name, (reading, read) in table.items():
            kind, part = reading_parts(reading)
            yield (
                name,
                Parameter(
                    reading,
                    read,
                    group,
                    idle=_IDLE.get(name),
                    output=part if kind == Vt3Reading.OUTPUT else None,
                    is_slow=reading in SLOW_READINGS,
                ),
            )


_GNSS: Mapping[str, tuple[str, Reader]] = {
    "gnss.hdop": (Reading.HDOP, number(0.1, 98)),  # 99 and more: no fix
    "gnss.pdop": (Vt3Reading.PDOP, number(0.1, 98)),
    "gnss.fix": (Vt3Reading.GNSS_FIX, one_of(FIXES)),
    # The document ends at 12, receivers do not.
    "gnss.num_sv": (Reading.SATELLITES, whole(0, 99)),
}
_MOTION: Mapping[str, tuple[str, Reader]] = {
    **{
        f"motion.a{axis}": (part_of(Vt3Reading.ACCELERATION, axis), number(-100, 100))
        for axis in "xyz"
    },
    **{
        f"motion.g{axis}": (part_of(Vt3Reading.ROTATION, axis), number(-10_000, 10_000))
        for axis in "xyz"
    },
    "motion.roll": (Vt3Reading.ROLL, number(-360, 360)),
    "motion.pitch": (Vt3Reading.PITCH, number(-360, 360)),
    "motion.yaw": (Vt3Reading.YAW, number(-360, 360)),
}
_IO: Mapping[str, tuple[str, Reader]] = {
    **{
        f"io.AI{n}": (part_of(Vt3Reading.ANALOG_INPUT, n), number(0, 36))
        for n in (1, 2, 3)
    },
    **{
        f"io.DI{n}": (part_of(Vt3Reading.DIGITAL_INPUT, n), as_flag)
        for n in (1, 2, 3, 4)
    },
    **{
        f"io.DI{n}_pullup": (part_of(Vt3Reading.INPUT_PULLUP, n), as_flag)
        for n in (1, 2, 3, 4)
    },
    **{f"io.DO{n}": (part_of(Vt3Reading.OUTPUT, n), as_flag) for n in (1, 2, 3)},
    # 3.4.1 writes them with a zero.
    **{f"io.D0{n}": (part_of(Vt3Reading.OUTPUT, n), as_flag) for n in (1, 2, 3)},
    "io.IGT": (Reading.IGNITION, as_flag),
    "io.igt_status": (Reading.IGNITION, as_flag),
    "io.power_input": (Reading.VEHICLE_VOLTAGE, number(0.1, 100)),
    "io.battery_lvl": (Reading.TRACKER_BATTERY, number(0, 100)),
}
_OBD: Mapping[str, tuple[str, Reader]] = {
    "obd.e_load": (Reading.ENGINE_LOAD, number(0, 250)),
    "obd.c_temp": (Reading.COOLANT_TEMPERATURE, number(-40, 215)),
    "obd.rpm": (Reading.ENGINE_SPEED, number(0, 16383.75)),
    "obd.speed": (Reading.OBD_SPEED, kmh(0, 255)),
    "obd.f_rate": (Vt3Reading.FUEL_RATE, number(0, 3276.75)),
    "obd.b_volt": (Reading.VEHICLE_VOLTAGE, number(0.1, 3212.75)),
    "obd.a_temp": (Vt3Reading.AMBIENT_TEMPERATURE, number(-272, 1734)),
    "obd.o_temp": (Vt3Reading.OIL_TEMPERATURE, number(-272, 1734)),
    "obd.up_time": (Vt3Reading.ENGINE_RUN_TIME, whole(0, 65_535)),
    "obd.f_press": (Vt3Reading.FUEL_PRESSURE, number(0, 6425)),
    "obd.t_pos": (Reading.THROTTLE_POSITION, number(0, 100)),
    "obd.brake": (Vt3Reading.BRAKE, as_flag),
    "obd.parking": (Vt3Reading.PARKING_BRAKE, as_flag),
    "obd.s_w_angle": (
        Vt3Reading.STEERING_WHEEL_ANGLE,
        number(-31.374, 31.374, factor=180 / math.pi),
    ),
    "obd.f_econ": (Vt3Reading.FUEL_ECONOMY, number(0, 125.5)),
    "obd.a_pos": (Vt3Reading.ACCELERATOR_POSITION, number(0, 100)),
    "obd.i_temp": (Vt3Reading.INTAKE_TEMPERATURE, number(-40, 215)),
    "obd.i_press": (Reading.INTAKE_PRESSURE, number(0, 255)),
    "obd.b_press": (Vt3Reading.BAROMETRIC_PRESSURE, number(0, 255)),
    "obd.f_r_press": (Vt3Reading.FUEL_RAIL_PRESSURE, number(0, 65_530)),
    "obd.f_torque": (Vt3Reading.FRICTION_TORQUE, number(-125, 125)),
    "obd.max_avl_torque": (Vt3Reading.AVAILABLE_TORQUE, number(0, 100)),
    "obd.a_torque": (Vt3Reading.ENGINE_TORQUE, number(-125, 125)),
    "obd.brake_prim_press": (part_of(Vt3Reading.BRAKE_PRESSURE, 1), number(0, 10_000)),
    "obd.brake_sec_press": (part_of(Vt3Reading.BRAKE_PRESSURE, 2), number(0, 10_000)),
    "obd.status": (Vt3Reading.OBD_STATUS, as_shown_text),
}
_VEHICLE: Mapping[str, tuple[str, Reader]] = {
    "obd.vin": (Reading.VIN, as_shown_text),
    "obd.f_lvl": (Reading.FUEL_LEVEL, number(0, 100)),
    "obd.dtc": (Reading.TROUBLE_CODES, whole(0, 250)),
    "obd.dtcs": (Reading.TROUBLE_CODES, whole(0, 250)),
    "obd.mil": (Vt3Reading.MALFUNCTION_INDICATOR, as_flag),
    # 0 is sent by trackers that do not know it.
    "obd.odo": (Reading.ODOMETER, number(0.001, 526_385_151.875)),
    "obd.t_dist": (Vt3Reading.TRIP_METER, number(0, 526_385_151.875)),
    "obd.m_dist": (Vt3Reading.DISTANCE_WITH_MALFUNCTION, number(0, 65_535)),
    "obd.d_dist": (Vt3Reading.DISTANCE_SINCE_CLEARED, number(0, 65_535)),
    "obd.m_time": (Vt3Reading.TIME_WITH_MALFUNCTION, number(0, 65_535)),
    "obd.d_time": (Vt3Reading.TIME_SINCE_CLEARED, number(0, 65_535)),
    "obd.r_torque": (Vt3Reading.REFERENCE_TORQUE, number(1, 64_255)),
    "obd.d_e_f_vol": (Vt3Reading.EXHAUST_FLUID_LEVEL, number(0, 100)),
    "obd.ab_level": (Vt3Reading.EXHAUST_FLUID_TANK_LEVEL, number(0, 100)),
    "obd.e_hours": (Vt3Reading.ENGINE_HOURS, number(0, 1_000_000)),
    **{
        f"obd.{name}": (part_of(Vt3Reading.MONITOR, part), as_flag)
        for name, part in MONITORS.items()
    },
}
_CELLULAR: Mapping[str, tuple[str, Reader]] = {
    "modem1.imei": (Vt3Reading.IMEI, as_shown_text),
    "modem1.imsi": (Vt3Reading.IMSI, as_shown_text),
    "modem1.iccid": (Reading.ICCID, as_shown_text),
    "modem1.phone_num": (Reading.SIM, as_shown_text),
    "modem1.active_sim": (Vt3Reading.ACTIVE_SIM, as_shown_text),
    "modem1.signal_lvl": (Vt3Reading.SIGNAL_STRENGTH, whole(0, 97)),  # 99: not known
    "modem1.reg_status": (Vt3Reading.NETWORK_REGISTRATION, one_of(REGISTRATIONS)),
    "modem1.operator": (Vt3Reading.NETWORK_OPERATOR, as_shown_text),
    "modem1.network": (Vt3Reading.NETWORK_TYPE, one_of(NETWORKS)),
    "modem1.lac": (Vt3Reading.LOCATION_AREA, as_shown_text),
    "modem1.cell_id": (Vt3Reading.CELL, as_shown_text),
    "modem1.rssi": (Vt3Reading.RSSI, number(-150, -1)),
    "modem1.rsrp": (Vt3Reading.RSRP, number(-200, -1)),
    "modem1.rsrq": (Vt3Reading.RSRQ, number(-50, 30)),
    "modem1.sinr": (Vt3Reading.SINR, number(-50, 50)),
    "cellular1.status": (Vt3Reading.NETWORK_LINK, one_of(LINKS)),
    "cellular1.ip": (Vt3Reading.IP_ADDRESS, as_shown_text),
    "cellular1.netmask": (Vt3Reading.NETMASK, as_shown_text),
    "cellular1.gateway": (Vt3Reading.GATEWAY, as_shown_text),
    "cellular1.dns1": (Vt3Reading.DNS_SERVER, as_shown_text),
    # Small numbers, the seconds for which it has been up, are no time.
    "cellular1.up_at": (Vt3Reading.NETWORK_UP_SINCE, as_time),
}
_SYSINFO: Mapping[str, tuple[str, Reader]] = {
    "sysinfo.hostname": (Vt3Reading.HOSTNAME, as_shown_text),
    "sysinfo.model_name": (Vt3Reading.MODEL_NAME, as_shown_text),
    "sysinfo.oem_name": (Vt3Reading.MANUFACTURER, as_shown_text),
    "sysinfo.serial_number": (Vt3Reading.SERIAL_NUMBER, as_shown_text),
    "sysinfo.firmware_version": (Vt3Reading.FIRMWARE_VERSION, as_shown_text),
    "sysinfo.product_number": (Vt3Reading.PRODUCT_NUMBER, as_shown_text),
    "sysinfo.description": (Vt3Reading.DESCRIPTION, as_shown_text),
}
_IDLE: Mapping[str, float] = {
    "obd.b_press": 0,
    "obd.f_lvl": 0,
    "obd.d_e_f_vol": 0,
    "obd.ab_level": 0,
    "obd.c_temp": -40,
    "obd.i_temp": -40,
    "obd.f_torque": -125,
    "obd.a_torque": -125,
    "obd.s_w_angle": -31.374,
    # 0 dB is a value, but not where a strength of 0 says that nothing is received.
    "modem1.rsrq": 0,
    "modem1.sinr": 0,
}

STRENGTHS = ("modem1.rssi", "modem1.rsrp")
"""Where one of them is 0, nothing is received."""

SLOW_READINGS = frozenset(
    {
        Reading.ODOMETER,
        Reading.VIN,
        Reading.FUEL_LEVEL,
        Vt3Reading.ENGINE_HOURS,
        Vt3Reading.EXHAUST_FLUID_LEVEL,
        Vt3Reading.EXHAUST_FLUID_TANK_LEVEL,
        Vt3Reading.TRIP_METER,
        Vt3Reading.DISTANCE_WITH_MALFUNCTION,
        Vt3Reading.DISTANCE_SINCE_CLEARED,
        Vt3Reading.TIME_WITH_MALFUNCTION,
        Vt3Reading.TIME_SINCE_CLEARED,
        Vt3Reading.REFERENCE_TORQUE,
    }
)
"""An explicit null leaves these as they are. All other values become unknown by it."""
PARAMETERS: Mapping[str, Parameter] = MappingProxyType(dict(_parameters()))
POSITION_PARAMETERS = frozenset(
    {
        "gnss.latitude",
        "gnss.longitude",
        "gnss.altitude",
        "gnss.speed",
        "gnss.heading",
        "gnss.hacc",
    }
)
"""Parameters that make a position, together with the fix and the HDOP."""
TIME_PARAMETERS = frozenset(f"{prefix}.ts" for prefix in HOME_GROUPS) | {
    "gnss.date",
    "gnss.time",
}
