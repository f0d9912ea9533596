"""The choice of a vendor's server: one of its own by name, or another with the same API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from homeassistant.const import CONF_VERIFY_SSL
from homeassistant.data_entry_flow import section
from homeassistant.helpers.selector import (
    BooleanSelector,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
)
import voluptuous as vol

from .flow import Input, base_url

SERVER = "server"
"""The field of the choice. In the data of an entry, the address of the server."""
OWN_SERVER = "own_server"
"""The section for another server than those of the vendor."""
ADDRESS = "address"
AUTOMATIC = "automatic"
OTHER = "other"


@dataclass(frozen=True, slots=True)
class ChosenServer:
    """A server, and whether its certificate is checked."""

    url: str
    verify_ssl: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """A vendor's servers by the keys of their names, which say whether they encrypt.

    ``translation_key`` is that of the names. Where `automatic`, the account names its server
    itself, and that is offered first.
    """

    translation_key: str
    known: Mapping[str, str]
    automatic: bool = False

    def fields(
        self, defaults: Input, named: str | None = None
    ) -> dict[vol.Marker, Any]:
        """Return the fields of the choice, filled in.

        The defaults are what was entered, or the data of an entry; ``named`` is the server
        that the entry's account names itself.
        """
        chosen, address = self._shown(defaults, named)
        options = [*((AUTOMATIC,) if self.automatic else ()), *self.known, OTHER]
        own = {
            vol.Optional(ADDRESS, description={"suggested_value": address}): (
                TextSelector()
            ),
            vol.Required(
                CONF_VERIFY_SSL, default=defaults.get(CONF_VERIFY_SSL, True)
            ): BooleanSelector(),
        }
        return {
            vol.Required(SERVER, default=chosen): SelectSelector(
                SelectSelectorConfig(
                    options=options,
                    translation_key=self.translation_key,
                    mode=SelectSelectorMode.DROPDOWN,
                )
            ),
            vol.Required(OWN_SERVER): section(
                vol.Schema(own), {"collapsed": chosen != OTHER}
            ),
        }

    def chosen(self, user_input: Input) -> ChosenServer | None:
        """Return the server of what was entered, or of an entry's data; None: automatic.

        Raises InvalidArgument for what is no address.
        """
        server = user_input[SERVER]
        if server == AUTOMATIC:
            return None
        if server in self.known:
            return ChosenServer(self.known[server])
        own = user_input.get(OWN_SERVER, {}) if server == OTHER else user_input
        address = own.get(ADDRESS, "") if server == OTHER else server
        return ChosenServer(base_url(address), own.get(CONF_VERIFY_SSL, True))

    def _shown(self, defaults: Input, named: str | None) -> tuple[str, str | None]:
        """Return which choice is shown as made, and the address of another server."""
        first = AUTOMATIC if self.automatic else next(iter(self.known))
        server = defaults.get(SERVER, first)
        if server in (AUTOMATIC, OTHER) or server in self.known:
            return server, None
        if self.automatic and server == named:
            return AUTOMATIC, None
        for key, url in self.known.items():
            if server == url:
                return key, None
        return OTHER, server
