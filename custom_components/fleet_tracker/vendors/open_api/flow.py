"""The form of an Open API account, and its check."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, ClassVar

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_VERIFY_SSL
from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.selector import (
    BooleanSelector,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)
from homeassistant.util import dt as dt_util
import voluptuous as vol
from yarl import URL

from ...const import CONF_IDENTITY
from ...contract.connection import Memory
from ...offer.flow import Account, Input, OptionSection, VendorFlow
from ...offer.servers import Servers
from .client import OpenApiClient
from .connection import ACCOUNT, CLOCK_OFFSET, PASSWORD_MD5, SERVER, SUB_ACCOUNTS, TOKEN
from .transport import hash_password

PASSWORD = "password"
# ProTrack answers http and https alike; the others only http for sure.
SERVERS = Servers(
    translation_key="open_api_server",
    known={
        "protrack": "https://api.protrack365.com",
        "itrack": "http://api.itrack.top",
        "etrack": "http://api.etrack.vip",
    },
)


class OpenApiFlow(VendorFlow):
    """Account, password and server, checked by a login and a device list."""

    error_fields: ClassVar[Mapping[str, str]] = {
        "access_denied": ACCOUNT,
        "account_blocked": ACCOUNT,
        "account_shared": ACCOUNT,
        "invalid_auth": PASSWORD,
        "permission_denied": ACCOUNT,
        "target_unknown": ACCOUNT,
    }

    def form(self, name: str, defaults: Input) -> vol.Schema:
        """Return the form of the credentials."""
        return vol.Schema(
            {
                vol.Required(ACCOUNT, default=defaults.get(ACCOUNT, vol.UNDEFINED)): (
                    TextSelector(TextSelectorConfig(autocomplete="username"))
                ),
                vol.Required(PASSWORD): _password(),
                **SERVERS.fields(defaults),
            }
        )

    def reauth_form(self) -> vol.Schema:
        """Return the form that asks for the password alone."""
        return vol.Schema({vol.Required(PASSWORD): _password()})

    async def async_check(
        self,
        hass: HomeAssistant,
        user_input: Input,
        entry: ConfigEntry | None,
        kept: Memory,
    ) -> Account:
        """Log in and read the device list."""
        chosen = SERVERS.chosen(user_input)
        assert chosen is not None  # no server is automatic
        server = chosen.url.removesuffix("/api")
        account = user_input[ACCOUNT].strip()
        password_md5 = hash_password(user_input[PASSWORD])
        client = OpenApiClient(
            async_get_clientsession(hass, verify_ssl=chosen.verify_ssl),
            server,
            account,
            password_md5,
            now=dt_util.utcnow,
            sleep=asyncio.sleep,
        )
        await client.log_in()
        sub_accounts = bool(entry and entry.options.get(SUB_ACCOUNTS, False))
        fleet = await client.fleet(sub_accounts=sub_accounts)
        host = URL(server).host or server
        unique_id = f"open_api_{account.lower()}@{host}"
        token = client.token
        return Account(
            title=f"{account} ({host})",
            unique_id=unique_id,
            identity=entry.data[CONF_IDENTITY] if entry else unique_id,
            data={
                SERVER: server,
                CONF_VERIFY_SSL: chosen.verify_ssl,
                ACCOUNT: account,
                PASSWORD_MD5: password_md5,
            },
            vehicle_ids=frozenset(fleet.devices),
            memory={
                TOKEN: token.as_json() if token else None,
                CLOCK_OFFSET: client.clock_offset.total_seconds() or None,
            },
        )

    def options_form(
        self, entry: ConfigEntry
    ) -> Mapping[OptionSection, Mapping[vol.Marker, Any]]:
        """Return the choice whether sub-accounts' vehicles are shown too."""
        choice = vol.Required(SUB_ACCOUNTS, default=False)
        return {OptionSection.VEHICLES: {choice: BooleanSelector()}}


def _password() -> TextSelector:
    return TextSelector(
        TextSelectorConfig(
            type=TextSelectorType.PASSWORD, autocomplete="current-password"
        )
    )
