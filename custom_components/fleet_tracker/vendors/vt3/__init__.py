"""InHand VT3 trackers, which connect to Home Assistant over TCP."""

from ...offer.vendor import Vendor
from .connection import UNKNOWN_NAMES, WRONG_SPEED_UNIT, Vt3Connection
from .entities import ENTITIES
from .flow import KEY, Vt3Flow
from .services import ACTIONS

VENDOR = Vendor(
    key=KEY,
    name="InHand VT3",
    connect=Vt3Connection,
    flow=Vt3Flow(),
    entities=ENTITIES,
    actions=ACTIONS,
    fixable_problems=frozenset({WRONG_SPEED_UNIT, UNKNOWN_NAMES}),
    polls=False,
)
