"""Segway e-mopeds and the other vehicles of Segway Discovery."""

from ...offer.vendor import Vendor
from .connection import SegwayConnection
from .entities import ENTITIES
from .flow import SegwayFlow
from .push import PUSH_PATHS
from .services import ACTIONS

VENDOR = Vendor(
    key="segway",
    name="Segway",
    connect=SegwayConnection,
    flow=SegwayFlow(),
    entities=ENTITIES,
    actions=ACTIONS,
    pushes=True,
    push_root_paths=tuple(PUSH_PATHS),
)
