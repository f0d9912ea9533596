"""The registry: the one place that knows all vendors."""

from collections.abc import Mapping
from types import MappingProxyType

from ..offer.vendor import Vendor
from . import open_api, segway, tracksolid, vt3

VENDORS: Mapping[str, Vendor] = MappingProxyType(
    {
        vendor.key: vendor
        for vendor in (
            open_api.VENDOR,
            segway.VENDOR,
            tracksolid.VENDOR,
            vt3.VENDOR,
        )
    }
)
