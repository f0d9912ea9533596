"""Names and defaults that several modules share."""

from datetime import timedelta
import logging
from typing import Final

DOMAIN: Final = "fleet_tracker"
LOGGER = logging.getLogger(__package__)

# Entry data
CONF_VENDOR: Final = "vendor"
CONF_IDENTITY: Final = "identity"
CONF_PUSH_SECRET: Final = "push_secret"

# Options
CONF_DRIVING_INTERVAL: Final = "driving_interval"
CONF_PARKED_INTERVAL: Final = "parked_interval"
CONF_EXCLUDED_VEHICLES: Final = "excluded_vehicles"
CONF_HOLD_WHILE_PARKED: Final = "hold_while_parked"
CONF_ACCURACY_LIMIT: Final = "accuracy_limit"
CONF_ALLOW_ENGINE_CUT: Final = "allow_engine_cut"
CONF_ENGINE_CUT_SPEED_LIMIT: Final = "engine_cut_speed_limit"
CONF_VEHICLES: Final = "vehicles"
"""What the user set for single vehicles, by their ids."""
CONF_KEEP_TRIPS: Final = "keep_trips"
CONF_KEEP_TRIPS_YEARS: Final = "keep_trips_years"
CONF_PUSH_AT_ROOT: Final = "push_at_root"

DEFAULT_DRIVING_INTERVAL: Final = timedelta(seconds=15)
DEFAULT_PARKED_INTERVAL: Final = timedelta(seconds=60)
DRIVING_INTERVAL_LIMITS: Final = (5, 600)
PARKED_INTERVAL_LIMITS: Final = (15, 3600)
"""In seconds."""
DEFAULT_KEEP_TRIPS_YEARS: Final = 3
MOST_KEEP_TRIPS_YEARS: Final = 10
DEFAULT_ENGINE_CUT_SPEED_LIMIT: Final = 20
LEAST_ENGINE_CUT_SPEED_LIMIT: Final = 5

EVENT_OCCURRENCE: Final = f"{DOMAIN}_event"
"""Fired on the bus for each occurrence that an event entity shows."""
ATTR_KIND: Final = "kind"
ATTR_LAST_ACTIVITY: Final = "last_activity"
"""In its data: the kind of the occurrence, such as ``alarm``."""

# Config subentries: vehicles that are added one by one
SUBENTRY_VEHICLE: Final = "vehicle"
