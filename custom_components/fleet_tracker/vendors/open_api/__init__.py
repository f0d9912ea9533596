"""ProTrack, iTrack, eTrack and other white labels of the same Open API."""

from ...offer.vendor import Vendor
from .connection import OpenApiConnection
from .entities import ENTITIES
from .flow import OpenApiFlow
from .services import ACTIONS

VENDOR = Vendor(
    key="open_api",
    name="Open API",
    connect=OpenApiConnection,
    flow=OpenApiFlow(),
    entities=ENTITIES,
    actions=ACTIONS,
)
