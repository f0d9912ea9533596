"""Facts that the config flow hands to the entry that it makes; they are no settings.

A vendor that allows one login a minute must not be asked for a second token just because
the first one was used to check the credentials.
"""

from collections.abc import Mapping
from typing import NamedTuple

from homeassistant.core import HomeAssistant, callback
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN
from ..model.json_values import Json


class HandedOver(NamedTuple):
    """Facts for the memory of an entry: the connection's, and the account's own."""

    vendor: Mapping[str, Json]
    core: Mapping[str, Json]


_HANDED_OVER: HassKey[dict[str, HandedOver]] = HassKey(f"{DOMAIN}_handed_over")


@callback
def hand_over(
    hass: HomeAssistant,
    identity: str,
    vendor: Mapping[str, Json],
    core: Mapping[str, Json] | None = None,
) -> None:
    """Leave facts for the entry with this identity."""
    handed_over = hass.data.setdefault(_HANDED_OVER, {})
    handed_over[identity] = HandedOver(vendor, core or {})


@callback
def take_handed_over(hass: HomeAssistant, identity: str) -> HandedOver:
    """Return the facts that were left for an entry, once."""
    return hass.data.get(_HANDED_OVER, {}).pop(identity, HandedOver({}, {}))
