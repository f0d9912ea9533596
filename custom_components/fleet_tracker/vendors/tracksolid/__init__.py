"""Tracksolid Pro (Jimi IoT): polls, pushes, commands, and cameras."""

from ...offer.vendor import Vendor
from .connection import TracksolidConnection
from .entities import ENTITIES
from .flow import TracksolidFlow
from .services import ACTIONS

VENDOR = Vendor(
    key="tracksolid",
    name="Tracksolid Pro",
    connect=TracksolidConnection,
    flow=TracksolidFlow(),
    entities=ENTITIES,
    actions=ACTIONS,
    pushes=True,
    portal=lambda _data: "https://www.tracksolidpro.com",
)
