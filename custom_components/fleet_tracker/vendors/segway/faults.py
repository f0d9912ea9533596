"""The fault codes of a moped (Appendix 2 of `segway-emoped`)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

_IOT = "IoT"
_CENTRAL = "centralControl"
_DRIVE = "drive"
_BMS = "BMS"
_RESERVED = "Reserved"


class Fault(NamedTuple):
    """The system that a fault code belongs to, and its description."""

    system: str
    description: str


FAULTS: Mapping[str, Fault] = MappingProxyType(
    {
        "E0": Fault(_IOT, "ECU communication error"),
        "E1": Fault(_IOT, "Backup battery abnormality"),
        "E2": Fault(_IOT, "RTC clock error"),
        "E3": Fault(_IOT, "File system error"),
        "E4": Fault(_IOT, "I2C communication error"),
        "E5": Fault(_IOT, "GNSS communication error"),
        "E6": Fault(_IOT, "4G Modem communication error"),
        "E7": Fault(_IOT, "Bluetooth communication error"),
        "E8": Fault(_IOT, "NFC communication error"),
        "E9": Fault(_IOT, "G-Sensor communication error"),
        "10": Fault(
            _CENTRAL,
            "ECU (Electronic Control Unit) communication error, please check the ECU,"
            " dashboard and the connecting cables",
        ),
        "11": Fault(
            _DRIVE,
            "Motor controller undervoltage protection, please charge before use",
        ),
        "12": Fault(
            _DRIVE,
            "Motor Hall failure, please check the motor, motor controller and the"
            " connecting cables",
        ),
        "13": Fault(
            _DRIVE,
            "MOS tube malfunction, please check the motor, motor controller and the"
            " connecting cables",
        ),
        "14": Fault(
            _DRIVE,
            "Throttle malfunction, please check the throttle handle, motor controller"
            " and the connecting cables",
        ),
        "15": Fault(
            _DRIVE,
            "The brake switch is abnormal, please check the brake lever, motor"
            " controller and the connecting cables",
        ),
        "16": Fault(
            _CENTRAL,
            "An error occurred when saving the configuration, please replace the ECU",
        ),
        "17": Fault(
            _CENTRAL,
            "Dashboard communication error, please check the LCD cables in the"
            " dashboard",
        ),
        "18": Fault(_BMS, _RESERVED),
        "19": Fault(
            _BMS,
            "Lithium-ion battery 1 temperature sensor error, please check the battery",
        ),
        "20": Fault(
            _BMS,
            "Lithium-ion battery 1 communication error, please check the dashboard,"
            " battery and the connecting cables",
        ),
        "21": Fault(
            _BMS,
            "Lithium-ion battery 1 has the default serial number, please confirm"
            " whether it is a genuine battery",
        ),
        "22": Fault(
            _BMS,
            "Lithium-ion battery 1 password error, please confirm whether it is a"
            " genuine battery",
        ),
        "23": Fault(
            _BMS,
            "Lithium-ion battery 2 temperature sensor error, please check the battery",
        ),
        "24": Fault(
            _BMS,
            "Lithium-ion battery 2 communication error, please check the dashboard,"
            " battery and the connecting cables",
        ),
        "25": Fault(
            _BMS,
            "Lithium-ion battery 2 has the default serial number, please confirm"
            " whether it is a genuine battery",
        ),
        "26": Fault(
            _BMS,
            "Lithium-ion battery 2 password error, please confirm whether it is a"
            " genuine battery",
        ),
        "27": Fault(_BMS, _RESERVED),
        "28": Fault(_BMS, _RESERVED),
        "29": Fault(_BMS, _RESERVED),
        "30": Fault(_BMS, _RESERVED),
        "31": Fault(
            _CENTRAL,
            "The vehicle has the default serial number, please confirm whether it is a"
            " genuine product",
        ),
        "32": Fault(
            _CENTRAL,
            "Vehicle password error, please confirm whether it is a genuine product",
        ),
        "33": Fault(
            _CENTRAL, "Program error. The dashboard program upgrade has failed"
        ),
        "34": Fault(
            _CENTRAL,
            "Abnormal vehicle temperature detection, please check the dashboard"
            " temperature sensor",
        ),
        "35": Fault(
            _CENTRAL,
            "Dashboard and ECU communication error, please check the ECU, dashboard"
            " and the connecting cables",
        ),
        "36": Fault(_CENTRAL, _RESERVED),
        "37": Fault(_CENTRAL, _RESERVED),
        "38": Fault(
            _CENTRAL,
            "Electric lock malfunction, please check whether the cables are"
            " short-circuited or broken",
        ),
        "39": Fault(_CENTRAL, "The storage compartment is not locked"),
        "40": Fault(_CENTRAL, _RESERVED),
        "41": Fault(
            _CENTRAL,
            "The handlebar lock is not in place. Please restart the vehicle and move"
            " the handlebar so that the lock pin is retracted",
        ),
        "42": Fault(_CENTRAL, "The tail box is not locked"),
        "43": Fault(_CENTRAL, _RESERVED),
        "44": Fault(_CENTRAL, _RESERVED),
        "45": Fault(_CENTRAL, _RESERVED),
        "46": Fault(_CENTRAL, _RESERVED),
        "47": Fault(_CENTRAL, "Battery compartment is unlocked"),
    }
)
