"""ProTrack, iTrack, eTrack and other white labels of the same Open API."""

from collections.abc import Mapping
from typing import Any

from yarl import URL

from ...offer.vendor import Vendor
from .connection import SERVER, OpenApiConnection
from .entities import ENTITIES
from .flow import OpenApiFlow
from .services import ACTIONS

# The websites of the servers in the form. That of an own server is not known.
_PORTALS = {
    "api.protrack365.com": "https://www.protrack365.com",
    "api.itrack.top": "http://www.itrack.top",
}


def _portal(data: Mapping[str, Any]) -> str | None:
    """Return the website of an account's server, None if that is not known."""
    return _PORTALS.get(URL(str(data.get(SERVER, ""))).host or "")


VENDOR = Vendor(
    key="open_api",
    name="Open API",
    connect=OpenApiConnection,
    flow=OpenApiFlow(),
    entities=ENTITIES,
    actions=ACTIONS,
    portal=_portal,
)
