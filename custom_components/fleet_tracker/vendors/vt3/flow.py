"""The forms of a listener for VT3 trackers and of each tracker, and their checks."""

from __future__ import annotations

from collections.abc import Mapping
import secrets
from typing import Any, ClassVar

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.const import CONF_HOST, CONF_NAME, CONF_PORT
from homeassistant.core import HomeAssistant
from homeassistant.helpers.selector import (
    SelectSelector,
    SelectSelectorConfig,
    TextSelector,
    TextSelectorConfig,
)
import voluptuous as vol

from ...const import CONF_IDENTITY, CONF_VENDOR, DOMAIN
from ...contract.connection import Connection, Memory
from ...contract.errors import InvalidArgument
from ...offer.flow import (
    Account,
    AddedVehicle,
    Input,
    OptionSection,
    VehicleFlow,
    VendorFlow,
    accepted_vehicles,
)
from ...offer.form_input import WholeNumber
from ...offer.texts import async_load_texts, common_text
from .commands import OUTPUTS
from .connection import (
    CONNECTIONS,
    CONNECTIONS_PER_ADDRESS,
    DEFAULT_CONNECTIONS,
    DEFAULT_CONNECTIONS_PER_ADDRESS,
    DEFAULT_PORT,
    KMH,
    KNOTS,
    NETWORKS,
    SPEED_UNIT,
)
from .server import check_listen, parse_networks
from .topics import INFO, Topic
from .tracker import CUTS_ENGINE

KEY = "vt3"
SERIAL = "vehicle_id"


class Vt3VehicleFlow(VehicleFlow):
    """A tracker is added by its serial number, before it connects or after it did."""

    error_fields: ClassVar[Mapping[str, str]] = {"vt3_invalid_serial": SERIAL}
    what_to_do_next = "vt3_set_up_tracker"

    def placeholders(self, hass: HomeAssistant, entry: ConfigEntry) -> dict[str, str]:
        """Return the port that the tracker connects to, and this machine's own address."""
        api = hass.config.api
        local = api.local_ip if api else ""
        return {
            "port": str(entry.data[CONF_PORT]),
            "local_address": entry.data[CONF_HOST] or local or "-",
        }

    def form(self, defaults: Input) -> vol.Schema:
        """Return the form that asks for a serial number."""
        return vol.Schema(
            {
                vol.Required(
                    SERIAL, default=defaults.get(SERIAL, vol.UNDEFINED)
                ): TextSelector(),
                vol.Optional(
                    CONF_NAME, default=defaults.get(CONF_NAME, vol.UNDEFINED)
                ): TextSelector(),
            }
        )

    def accept_form(self) -> vol.Schema:
        """Return the form that asks how a tracker that connected is called."""
        return vol.Schema({vol.Optional(CONF_NAME): TextSelector()})

    def settings_form(self, defaults: Input) -> vol.Schema:
        """Return the form with the name, and the outputs that stop the vehicle."""
        return vol.Schema(
            {
                vol.Required(
                    CONF_NAME, default=defaults.get(CONF_NAME, vol.UNDEFINED)
                ): TextSelector(),
                vol.Optional(
                    CUTS_ENGINE,
                    default=list,
                    description={"suggested_value": defaults.get(CUTS_ENGINE)},
                ): SelectSelector(
                    SelectSelectorConfig(
                        options=[str(output) for output in OUTPUTS],
                        multiple=True,
                        translation_key="vt3_outputs",
                    )
                ),
            }
        )

    async def async_check(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        user_input: Input,
        connection: Connection | None,
    ) -> AddedVehicle:
        """Check the serial number, which is in capitals, however it was typed.

        Whether there is such a tracker shows when it connects.
        """
        serial = user_input[SERIAL].strip().upper()
        if Topic.parse(str(Topic(serial, "gnss", INFO))) is None:
            raise InvalidArgument("No serial number", key="vt3_invalid_serial")
        name = user_input.get(CONF_NAME, "").strip() or serial
        # It may have been added in its own spelling, or before capitals were used.
        for vehicle_id in accepted_vehicles(entry):
            if vehicle_id.upper() == serial:
                serial = vehicle_id
        return AddedVehicle(vehicle_id=serial, title=name, data={CONF_NAME: name})


class Vt3Flow(VendorFlow):
    """Where to listen, tried by listening there."""

    error_fields: ClassVar[Mapping[str, str]] = {
        "cannot_connect": CONF_PORT,
        "vt3_address_unusable": CONF_HOST,
        "vt3_port_forbidden": CONF_PORT,
        "vt3_port_in_use": CONF_PORT,
    }

    vehicles = Vt3VehicleFlow()

    def form(self, name: str, defaults: Input) -> vol.Schema:
        """Return the form of the address and the port."""
        return vol.Schema(
            {
                vol.Required(
                    CONF_PORT, default=defaults.get(CONF_PORT, DEFAULT_PORT)
                ): WholeNumber(1, 65_535),
                vol.Optional(
                    CONF_HOST,
                    description={"suggested_value": defaults.get(CONF_HOST)},
                ): TextSelector(),
            }
        )

    async def async_check(
        self,
        hass: HomeAssistant,
        user_input: Input,
        entry: ConfigEntry | None,
        kept: Memory,
    ) -> Account:
        """Listen for a moment, where this integration does not listen already."""
        where = {
            CONF_HOST: user_input.get(CONF_HOST, "").strip(),
            CONF_PORT: int(user_input[CONF_PORT]),
        }
        same = _entry_at(hass, where)
        if same is None:
            await _check(where, entry)
        if entry is None:
            entry = same
        identity = (
            entry.data[CONF_IDENTITY] if entry else f"{KEY}_{secrets.token_hex(8)}"
        )
        await async_load_texts(hass)
        return Account(
            title=common_text(hass, "vt3_account", port=str(where[CONF_PORT])),
            unique_id=identity,
            identity=identity,
            data=where,
        )

    def options_form(
        self, entry: ConfigEntry
    ) -> Mapping[OptionSection, Mapping[vol.Marker, Any]]:
        """Return the unit of the speed, the allowed networks and the limits."""
        unit = SelectSelector(
            SelectSelectorConfig(options=[KMH, KNOTS], translation_key="vt3_speed_unit")
        )
        return {
            OptionSection.POSITION: {vol.Required(SPEED_UNIT, default=KMH): unit},
            OptionSection.ADVANCED: {
                vol.Optional(NETWORKS, default=list): TextSelector(
                    TextSelectorConfig(multiple=True)
                ),
                vol.Required(CONNECTIONS, default=DEFAULT_CONNECTIONS): WholeNumber(
                    1, 10_000
                ),
                vol.Required(
                    CONNECTIONS_PER_ADDRESS, default=DEFAULT_CONNECTIONS_PER_ADDRESS
                ): WholeNumber(1, 1_000),
            },
        }

    def options_error(self, user_input: Input) -> Mapping[str, str]:
        """Return whether one of the networks is none."""
        try:
            parse_networks(user_input.get(NETWORKS, ()))
        except InvalidArgument as err:
            return {NETWORKS: err.translation_key}
        return {}


def _entry_at(hass: HomeAssistant, where: Mapping[str, Any]) -> ConfigEntry | None:
    """Return the entry that listens at an address and port, if there is one."""
    return next(
        (
            entry
            for entry in hass.config_entries.async_entries(DOMAIN, include_ignore=False)
            if entry.data[CONF_VENDOR] == KEY
            and all(entry.data[key] == value for key, value in where.items())
        ),
        None,
    )


async def _check(where: Mapping[str, Any], entry: ConfigEntry | None) -> None:
    """Try to listen at an address and port. Raises CannotConnect."""
    port = where[CONF_PORT]
    if (
        entry is not None
        and entry.state is ConfigEntryState.LOADED
        and entry.data[CONF_PORT] == port
    ):
        # The entry itself holds the port, so only the address is tried.
        port = 0
    await check_listen(where[CONF_HOST] or None, port)
