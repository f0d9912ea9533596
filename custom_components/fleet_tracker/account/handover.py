"""What the config flow hands to the entry that it makes: facts that are not settings.

A vendor that allows one login a minute must not be asked for a second token just because
the first one was used to check the credentials.
"""

from collections.abc import Mapping

from homeassistant.core import HomeAssistant, callback
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN
from ..model.json_values import Json

_HANDED_OVER: HassKey[dict[str, Mapping[str, Json]]] = HassKey(f"{DOMAIN}_handed_over")


@callback
def hand_over(hass: HomeAssistant, identity: str, memory: Mapping[str, Json]) -> None:
    """Leave facts for the entry with this identity."""
    hass.data.setdefault(_HANDED_OVER, {})[identity] = memory


@callback
def take_handed_over(hass: HomeAssistant, identity: str) -> Mapping[str, Json]:
    """Return the facts that were left for an entry, once."""
    return hass.data.get(_HANDED_OVER, {}).pop(identity, {})
