"""The registry: the one place that knows all vendors.

It tells what Home Assistant asks of vendors that nobody uses, and imports none of them. The
record of a vendor is loaded with the first account of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType

from homeassistant.core import HomeAssistant, SupportsResponse
from homeassistant.helpers.importlib import async_import_module

from ..offer.action import ActionEffect, ActionSummary, ActionTarget
from ..offer.summary import VendorSummary
from ..offer.vendor import Vendor

_telling = partial(
    ActionSummary, effect=ActionEffect.TELLS, response=SupportsResponse.ONLY
)
_changing = partial(ActionSummary, effect=ActionEffect.CHANGES)
_answering = partial(_changing, response=SupportsResponse.OPTIONAL)

VENDORS: Mapping[str, VendorSummary] = MappingProxyType(
    {
        vendor.key: vendor
        for vendor in (
            VendorSummary(
                key="open_api",
                name="Open API",
                actions=(
                    _answering(name="create_geofence"),
                    _answering(name="open_api_set_mileage"),
                    _changing(
                        name="open_api_send_message", target=ActionTarget.ACCOUNT
                    ),
                ),
            ),
            VendorSummary(
                key="segway",
                name="Segway",
                further_forms=("push",),
                adds_vehicles=True,
                push_root_paths=(
                    "/v2/vehicle/alert",
                    "/v2/vehicle/fault",
                    "/v2/vehicle/location",
                    "/v2/vehicle/status",
                    "/v2/vehicle/components",
                ),
                actions=(
                    _changing(
                        name="segway_set_rental_conditions", administrators_only=True
                    ),
                    _changing(name="segway_set_moped_switches"),
                    _changing(name="segway_set_moped_features"),
                    _changing(name="segway_set_ambient_light"),
                    _changing(name="segway_set_lights"),
                    _changing(name="segway_set_sounds"),
                    _changing(name="segway_set_upload_interval"),
                    _changing(name="segway_set_clock"),
                    _telling(name="segway_get_bluetooth_key", administrators_only=True),
                    _changing(
                        name="segway_set_bluetooth_key", administrators_only=True
                    ),
                ),
            ),
            VendorSummary(
                key="tracksolid",
                name="Tracksolid Pro",
                further_forms=("push", "choices"),
                actions=(
                    _telling(name="tracksolid_get_obd_history"),
                    _telling(
                        name="tracksolid_get_share_link", administrators_only=True
                    ),
                    _telling(name="tracksolid_get_cell_position"),
                    _telling(name="tracksolid_get_recordings"),
                    _changing(name="tracksolid_upload_recording"),
                    _telling(name="tracksolid_list_commands"),
                    _answering(name="tracksolid_send_command"),
                    _answering(
                        name="tracksolid_send_raw_command", administrators_only=True
                    ),
                    _changing(name="tracksolid_update_vehicle"),
                    _answering(name="create_geofence"),
                    _changing(name="tracksolid_delete_geofence"),
                    _answering(name="tracksolid_bind_geofence"),
                ),
            ),
            VendorSummary(
                key="vt3",
                name="InHand VT3",
                adds_vehicles=True,
                actions=(
                    _telling(name="vt3_get_custom_groups"),
                    _answering(name="vt3_set_custom_groups"),
                    _answering(name="vt3_set_group"),
                    _answering(name="vt3_send_request", administrators_only=True),
                ),
            ),
        )
    }
)


async def async_load_vendor(hass: HomeAssistant, key: str) -> Vendor:
    """Return the record of a vendor. Its package is imported beside the event loop."""
    module = await async_import_module(hass, f"{__name__}.{key}")
    vendor: Vendor = module.VENDOR
    return vendor
