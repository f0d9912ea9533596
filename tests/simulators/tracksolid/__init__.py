"""Tracksolid Pro, played from `tracksolid-pro.md`, strictly.

The signature, the time window, the limits on tokens, batches, pages and periods are
checked; numbers are typed as strings and devices without a position are left out, as the
real system does. Where sources differ, a switch of the simulator says which holds.
"""

from .device import Device
from .registry import METHODS
from .server import ACCOUNT, APP_KEY, APP_SECRET, PASSWORD, TracksolidSimulator

__all__ = [
    "ACCOUNT",
    "APP_KEY",
    "APP_SECRET",
    "METHODS",
    "PASSWORD",
    "Device",
    "TracksolidSimulator",
]
