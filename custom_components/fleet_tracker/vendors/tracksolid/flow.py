"""The forms of a Tracksolid Pro account, and their checks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_VERIFY_SSL
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.selector import (
    BooleanSelector,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey
import voluptuous as vol
from yarl import URL

from ...const import CONF_IDENTITY, DOMAIN
from ...contract.connection import Memory
from ...contract.errors import CannotConnect, InvalidAnswer, InvalidArgument
from ...offer.flow import (
    PUSH_FORM,
    Account,
    FlowMemory,
    Input,
    OptionSection,
    VendorFlow,
    base_url,
)
from ...offer.servers import Servers
from .api.client import TracksolidClient
from .api.errors import WrongNode
from .api.transport import NODES, PATH, Credentials, hash_password
from .connection import (
    ACCOUNT,
    APP_KEY,
    APP_SECRET,
    HUB_TOKEN,
    HUB_URL,
    PASSWORD_MD5,
    PUSH_TOKEN,
    SERVER,
    SUB_ACCOUNTS,
    api_url,
)
from .readers.fleet import Fleet

PASSWORD = "password"
SERVERS = Servers(
    translation_key="tracksolid_server",
    known=dict(zip(("tracksolid", "hk", "eu", "us"), NODES, strict=True)),
)
OTHER_NODES = "other_nodes"
CHOICES = "choices"

# Facts of a login that limit the next login of the same account.
_LOGIN_LIMITS = ("token_asked_at", "logins_paused_until")


type _Login = tuple[str, str, str]
"""The accounts limited to one login a minute: node, app key and account."""

_MEMORIES: HassKey[dict[_Login, FlowMemory]] = HassKey(f"{DOMAIN}_tracksolid_logins")


class TracksolidFlow(VendorFlow):
    """App key, account and node, checked by a login and a device list.

    The token of that login is handed to the entry, since there is one a minute.
    """

    further_forms = (PUSH_FORM, CHOICES)
    error_fields: ClassVar[Mapping[str, str]] = {
        "access_denied": ACCOUNT,
        "invalid_auth": PASSWORD,
        "tracksolid_account_type": ACCOUNT,
        "tracksolid_account_unknown": ACCOUNT,
        "tracksolid_illegal": ACCOUNT,
        "tracksolid_wrong_node": SERVER,
        "tracksolid_wrong_secret": APP_SECRET,
    }

    def form(self, name: str, defaults: Input) -> vol.Schema:
        """Return the form of the credentials, or that of what else there is to choose."""
        if name == PUSH_FORM:
            return vol.Schema(_push_choices())
        if name == CHOICES:
            return vol.Schema(_choices())
        server = defaults.get(SERVER, next(iter(SERVERS.known))).removesuffix(PATH)
        return vol.Schema(
            {
                vol.Required(APP_KEY, default=defaults.get(APP_KEY, vol.UNDEFINED)): (
                    TextSelector()
                ),
                vol.Required(APP_SECRET): _secret(),
                vol.Required(ACCOUNT, default=defaults.get(ACCOUNT, vol.UNDEFINED)): (
                    TextSelector(TextSelectorConfig(autocomplete="username"))
                ),
                vol.Required(PASSWORD): _secret("current-password"),
                **SERVERS.fields({**defaults, SERVER: server}),
                vol.Required(OTHER_NODES, default=False): BooleanSelector(),
            }
        )

    def reauth_form(self) -> vol.Schema:
        """Return the form that asks for the password, and for new keys if any."""
        return vol.Schema(
            {
                vol.Required(PASSWORD): _secret("current-password"),
                vol.Optional(APP_KEY): TextSelector(),
                vol.Optional(APP_SECRET): _secret(),
            }
        )

    async def async_check(
        self,
        hass: HomeAssistant,
        user_input: Input,
        entry: ConfigEntry | None,
        kept: Memory,
    ) -> Account:
        """Log in and read the device list, on another node if the user agrees to that."""
        chosen = SERVERS.chosen(user_input)
        assert chosen is not None  # no server is automatic
        nodes = [api_url(chosen.url)]
        if user_input.get(OTHER_NODES):
            nodes += [url for url in map(api_url, NODES) if url not in nodes]
        client, memory = await _async_log_in(
            hass, nodes, user_input, entry, kept, verify_ssl=chosen.verify_ssl
        )
        options: Mapping[str, Any] = entry.options if entry else {}
        fleet = Fleet(client, dict, sub_accounts=bool(options.get(SUB_ACCOUNTS)))
        vehicles, _ = await fleet.read()
        entered = client.transport.credentials
        host = URL(entered.url).host or entered.url
        unique_id = f"tracksolid_{entered.account.lower()}@{host}"
        return Account(
            title=f"{entered.account} ({host})",
            unique_id=unique_id,
            identity=entry.data[CONF_IDENTITY] if entry else unique_id,
            data={
                SERVER: entered.url,
                CONF_VERIFY_SSL: chosen.verify_ssl,
                APP_KEY: entered.app_key,
                APP_SECRET: entered.app_secret,
                ACCOUNT: entered.account,
                PASSWORD_MD5: entered.password_md5,
            },
            vehicle_ids=frozenset(vehicles),
            memory=dict(memory.facts),
        )

    def options_form(
        self, entry: ConfigEntry
    ) -> Mapping[OptionSection, Mapping[vol.Marker, Any]]:
        """Return the choices, and the instruction host of an account that has one."""
        url = TextSelector(TextSelectorConfig(type=TextSelectorType.URL))
        return {
            OptionSection.VEHICLES: _choices(),
            OptionSection.PUSH: _push_choices(),
            OptionSection.ADVANCED: {
                vol.Optional(HUB_URL): url,
                vol.Optional(HUB_TOKEN): _secret(),
            },
        }

    def options_error(self, user_input: Input) -> Mapping[str, str]:
        """Return the problem of the instruction host."""
        if url := user_input.get(HUB_URL):
            try:
                base_url(url)
            except InvalidArgument as err:
                return {HUB_URL: err.translation_key}
        return {}


async def _async_log_in(
    hass: HomeAssistant,
    nodes: Iterable[str],
    user_input: Input,
    entry: ConfigEntry | None,
    kept: Memory,
    *,
    verify_ssl: bool,
) -> tuple[TracksolidClient, FlowMemory]:
    """Log in on the first node that knows the app key."""
    wrong_node: WrongNode | None = None
    for url in nodes:
        credentials = Credentials(
            url=url,
            app_key=user_input[APP_KEY].strip(),
            app_secret=user_input[APP_SECRET].strip(),
            account=user_input[ACCOUNT].strip(),
            password_md5=hash_password(user_input[PASSWORD]),
        )
        memory = _memory_of(hass, credentials, entry, kept)
        client = TracksolidClient(
            async_get_clientsession(hass, verify_ssl=verify_ssl),
            credentials,
            memory,
            now=dt_util.utcnow,
            sleep=asyncio.sleep,
            patient=True,
        )
        try:
            await client.log_in()
        except WrongNode as err:
            # A key that a node does not know is no login there.
            memory.facts.pop("token_asked_at", None)
            wrong_node = wrong_node or err
        except (CannotConnect, InvalidAnswer):
            if wrong_node is None:
                raise  # it is the one that was chosen
        else:
            _keep_limits(hass, memory, credentials)
            return client, memory
    assert wrong_node is not None  # there is one node at least
    raise wrong_node


def _memory_of(
    hass: HomeAssistant,
    credentials: Credentials,
    entry: ConfigEntry | None,
    kept: Memory,
) -> FlowMemory:
    """Return what is known of the logins of an account: earlier tries', the entry's."""
    login = (credentials.url, credentials.app_key, credentials.account)
    memory = hass.data.setdefault(_MEMORIES, {}).setdefault(login, FlowMemory())
    data: Mapping[str, Any] = entry.data if entry else {}
    if entry and login == (data[SERVER], data[APP_KEY], data[ACCOUNT]):
        for key in _LOGIN_LIMITS:
            times = (memory.get(key), kept.get(key))
            memory.facts[key] = max(
                (time for time in times if isinstance(time, int | float)), default=None
            )
    return memory


@callback
def _keep_limits(
    hass: HomeAssistant, memory: FlowMemory, credentials: Credentials
) -> None:
    """Keep the time of a login but not its token: the next flow has to log in anew."""
    login = (credentials.url, credentials.app_key, credentials.account)
    kept = hass.data[_MEMORIES][login] = FlowMemory()
    kept.facts = {key: memory.get(key) for key in _LOGIN_LIMITS}


def _choices() -> dict[vol.Marker, Any]:
    return {vol.Required(SUB_ACCOUNTS, default=False): BooleanSelector()}


def _push_choices() -> dict[vol.Marker, Any]:
    return {vol.Optional(PUSH_TOKEN): _secret()}


def _secret(autocomplete: str = "off") -> TextSelector:
    return TextSelector(
        TextSelectorConfig(type=TextSelectorType.PASSWORD, autocomplete=autocomplete)
    )
