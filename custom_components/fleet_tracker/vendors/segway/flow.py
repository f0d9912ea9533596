"""The forms of a Segway account and of its vehicles, and their checks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_NAME, CONF_VERIFY_SSL
from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.selector import (
    BooleanSelector,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)
from homeassistant.util import dt as dt_util
import voluptuous as vol

from ...const import CONF_IDENTITY, CONF_PUSH_AT_ROOT, SUBENTRY_VEHICLE
from ...contract.connection import Memory
from ...contract.errors import CommandFailed, CommandUnconfirmed
from ...offer.flow import (
    PUSH_FORM,
    Account,
    AddedVehicle,
    FlowMemory,
    Input,
    OptionSection,
    VehicleFlow,
    VendorFlow,
)
from ...offer.servers import ChosenServer, Servers
from .client import REGIONS, Credentials, SegwayClient, region_of, server_for
from .commands import DEFAULT_MODEL, MODEL_CAPABILITIES
from .connection import CLIENT_ID, CLIENT_SECRET, SERVER, SegwayConnection
from .errors import DeviceInactive, DeviceNotFound, ParameterRefused
from .settings import check_imei
from .vehicle import MODEL, NAME, name_of
from .vocabulary import RENTS

VEHICLE_ID = "vehicle_id"
"""The IMEI of a vehicle that a push told of."""
IMEI = "iot_imei"
"""The IMEI that the user enters."""
SERVERS = Servers(
    translation_key="segway_server",
    known=dict(zip(("apac", "eu", "us", "cn"), REGIONS.values(), strict=True)),
    automatic=True,
)


class SegwayFlow(VendorFlow):
    """Client ID, secret and region, checked by a token; then where to push to."""

    further_forms = (PUSH_FORM,)
    error_fields: ClassVar[Mapping[str, str]] = {
        "segway_invalid_auth": CLIENT_SECRET,
        "segway_restricted": CLIENT_ID,
    }

    def __init__(self) -> None:
        """Vehicles are added one by one."""
        self.vehicles = SegwayVehicleFlow()

    def form(self, name: str, defaults: Input) -> vol.Schema:
        """Return the form of the credentials, or what is asked beside the push address."""
        if name == PUSH_FORM:
            return vol.Schema(_push_choices())
        return vol.Schema(
            {
                vol.Required(
                    CLIENT_ID, default=defaults.get(CLIENT_ID, vol.UNDEFINED)
                ): TextSelector(TextSelectorConfig(autocomplete="username")),
                vol.Required(CLIENT_SECRET): _secret(),
                **SERVERS.fields(
                    defaults, REGIONS.get(region_of(defaults.get(CLIENT_ID, "")))
                ),
            }
        )

    def reauth_form(self) -> vol.Schema:
        """Return the form that asks for the client secret alone."""
        return vol.Schema({vol.Required(CLIENT_SECRET): _secret()})

    async def async_check(
        self,
        hass: HomeAssistant,
        user_input: Input,
        entry: ConfigEntry | None,
        kept: Memory,
    ) -> Account:
        """Request a token. Of another account's vehicles, look for one of the entry's."""
        client_id = user_input[CLIENT_ID].strip()
        client_secret = user_input[CLIENT_SECRET].strip()
        server = SERVERS.chosen(user_input) or ChosenServer(server_for(client_id))
        memory = FlowMemory()
        client = SegwayClient(
            async_get_clientsession(hass, verify_ssl=server.verify_ssl),
            Credentials(client_id, client_secret, server.url),
            memory,
            dt_util.utcnow,
        )
        await client.authorize()
        unique_id = f"segway_{client_id}"
        shared: str | None = None
        if entry is not None and unique_id != entry.unique_id:
            shared = await _first_known(client, _vehicle_ids(entry))
        return Account(
            title=f"Segway {client_id}",
            unique_id=unique_id,
            identity=entry.data[CONF_IDENTITY] if entry else unique_id,
            data={
                CLIENT_ID: client_id,
                CLIENT_SECRET: client_secret,
                SERVER: server.url,
                CONF_VERIFY_SSL: server.verify_ssl,
            },
            vehicle_ids=frozenset({shared} if shared else ()),
            memory=memory.facts,
        )

    def options_form(
        self, entry: ConfigEntry
    ) -> Mapping[OptionSection, Mapping[vol.Marker, Any]]:
        """Return whether the account rents, and whether Segway may push to the root."""
        return {
            OptionSection.VEHICLES: {
                vol.Required(RENTS, default=False): BooleanSelector()
            },
            OptionSection.PUSH: _push_choices(),
        }


class SegwayVehicleFlow(VehicleFlow[SegwayConnection]):
    """The IoT IMEI, which Segway must know, the model, and a name."""

    error_fields: ClassVar[Mapping[str, str]] = {
        "segway_device_not_found": IMEI,
        "segway_invalid_imei": IMEI,
        "segway_parameter_refused": IMEI,
    }

    def form(self, defaults: Input) -> vol.Schema:
        """Return the form of a vehicle that the user enters."""
        return vol.Schema(
            {
                vol.Required(
                    IMEI, default=defaults.get(IMEI, vol.UNDEFINED)
                ): TextSelector(),
                **_description(defaults),
            }
        )

    def accept_form(self) -> vol.Schema:
        """Return the form of a vehicle that a push told of."""
        return vol.Schema(_description({}))

    def settings_form(self, defaults: Input) -> vol.Schema:
        """Return the form that changes model and name."""
        return vol.Schema(_description(defaults))

    async def async_check(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        user_input: Input,
        connection: SegwayConnection | None,
    ) -> AddedVehicle:
        """Ask Segway for the vehicle's status.

        One that is offline or not activated is a vehicle of the account all the same.
        """
        imei = check_imei((user_input.get(IMEI) or user_input[VEHICLE_ID]).strip())
        client = connection.client if connection else _client_of(hass, entry)
        await _check_known(client, imei)
        data = {MODEL: user_input[MODEL], NAME: user_input.get(CONF_NAME, "").strip()}
        return AddedVehicle(vehicle_id=imei, title=name_of(imei, data), data=data)


def _client_of(hass: HomeAssistant, entry: ConfigEntry) -> SegwayClient:
    """Return a client like that of an account that does not run."""
    credentials = Credentials(
        entry.data[CLIENT_ID], entry.data[CLIENT_SECRET], entry.data[SERVER]
    )
    return SegwayClient(
        async_get_clientsession(hass, verify_ssl=entry.data.get(CONF_VERIFY_SSL, True)),
        credentials,
        FlowMemory(),
        dt_util.utcnow,
    )


async def _check_known(client: SegwayClient, imei: str) -> None:
    """Raise VendorError unless the vehicle is one of the account's."""
    try:
        await client.status(imei)
    except ParameterRefused:
        raise
    except (CommandFailed, CommandUnconfirmed, DeviceInactive):
        # Segway knows it, but it does not answer now.
        return


async def _first_known(client: SegwayClient, imeis: Iterable[str]) -> str | None:
    """Return the first vehicle that the account has, None if it has none of them."""
    for imei in imeis:
        try:
            await _check_known(client, imei)
        except DeviceNotFound:
            continue
        return imei
    return None


def _vehicle_ids(entry: ConfigEntry) -> list[str]:
    return [
        subentry.unique_id
        for subentry in entry.subentries.values()
        if subentry.subentry_type == SUBENTRY_VEHICLE and subentry.unique_id
    ]


def _description(defaults: Input) -> dict[vol.Marker, Any]:
    return {
        vol.Required(MODEL, default=defaults.get(MODEL, DEFAULT_MODEL)): SelectSelector(
            SelectSelectorConfig(
                options=list(MODEL_CAPABILITIES),
                translation_key="segway_model",
                mode=SelectSelectorMode.DROPDOWN,
            )
        ),
        vol.Optional(
            CONF_NAME, default=defaults.get(CONF_NAME, vol.UNDEFINED)
        ): TextSelector(),
    }


def _push_choices() -> dict[vol.Marker, Any]:
    return {vol.Required(CONF_PUSH_AT_ROOT, default=False): BooleanSelector()}


def _secret() -> TextSelector:
    return TextSelector(
        TextSelectorConfig(
            type=TextSelectorType.PASSWORD, autocomplete="current-password"
        )
    )
