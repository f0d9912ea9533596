"""Triggers of a vehicle's device, on every Home Assistant: its alarms and its trips.

Home Assistant's own device triggers serve what its entities show, as moving and locked.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from homeassistant.components.device_automation import DEVICE_TRIGGER_BASE_SCHEMA
from homeassistant.components.device_automation.exceptions import (
    InvalidDeviceAutomationConfig,
)
from homeassistant.components.event import ATTR_EVENT_TYPE, ATTR_EVENT_TYPES
from homeassistant.components.homeassistant.triggers import event as event_trigger
from homeassistant.const import (
    ATTR_DEVICE_ID,
    CONF_DEVICE_ID,
    CONF_DOMAIN,
    CONF_EVENT_DATA,
    CONF_PLATFORM,
    CONF_TYPE,
)
from homeassistant.core import CALLBACK_TYPE, Context, HomeAssistant, callback
from homeassistant.helpers import config_validation as cv, entity_registry as er
from homeassistant.helpers.trigger import TriggerActionType, TriggerInfo
from homeassistant.helpers.typing import ConfigType
import voluptuous as vol

from .automations.entities import entities_of
from .automations.table import ANY, DEVICE_TRIGGERS, OccurrenceTrigger
from .const import ATTR_KIND, DOMAIN, EVENT_OCCURRENCE

CONF_SUBTYPE = "subtype"

TRIGGER_SCHEMA = DEVICE_TRIGGER_BASE_SCHEMA.extend(
    {
        vol.Required(CONF_TYPE): vol.In(DEVICE_TRIGGERS),
        vol.Optional(CONF_SUBTYPE): cv.string,
    }
)


@callback
def _types_of(
    hass: HomeAssistant, device_id: str, row: OccurrenceTrigger
) -> frozenset[str]:
    """Return the types of occurrences that the device can show for a trigger.

    They are none where the entity that shows them is missing or disabled.
    """
    registry = er.async_get(hass)
    entries = er.async_entries_for_device(registry, device_id)
    found = entities_of(registry, row.basis, (entry.entity_id for entry in entries))
    wanted = {one.value for one in row.choices or row.types}
    return frozenset(
        kind
        for entity_id in found
        if (entry := registry.async_get(entity_id)) is not None
        for kind in (entry.capabilities or {}).get(ATTR_EVENT_TYPES, ())
        if kind in wanted
    )


def _offered(hass: HomeAssistant, device_id: str) -> Iterator[tuple[str, str | None]]:
    """Yield the triggers of a device: the type, and the alarm where there is a choice."""
    for key, row in DEVICE_TRIGGERS.items():
        types = _types_of(hass, device_id, row)
        if not row.choices:
            yield from ((key, None) for _ in types)
            continue
        if not types.isdisjoint(row.types):
            yield key, ANY
        yield from ((key, kind) for kind in sorted(types))


async def async_get_triggers(
    hass: HomeAssistant, device_id: str
) -> list[dict[str, Any]]:
    """Return the triggers that a device has."""
    return [
        {
            CONF_PLATFORM: "device",
            CONF_DOMAIN: DOMAIN,
            CONF_DEVICE_ID: device_id,
            CONF_TYPE: key,
            **({CONF_SUBTYPE: subtype} if subtype is not None else {}),
        }
        for key, subtype in _offered(hass, device_id)
    ]


async def async_validate_trigger_config(
    hass: HomeAssistant, config: ConfigType
) -> ConfigType:
    """Return the checked trigger.

    Raises InvalidDeviceAutomationConfig if the vehicle cannot have it.
    """
    config = TRIGGER_SCHEMA(config)
    wanted = (config[CONF_TYPE], config.get(CONF_SUBTYPE))
    if wanted not in _offered(hass, config[CONF_DEVICE_ID]):
        raise InvalidDeviceAutomationConfig(
            f"The vehicle has no trigger {' '.join(filter(None, wanted))}"
        )
    return config


async def async_attach_trigger(
    hass: HomeAssistant,
    config: ConfigType,
    action: TriggerActionType,
    trigger_info: TriggerInfo,
) -> CALLBACK_TYPE:
    """Run the action whenever it happens."""
    row = DEVICE_TRIGGERS[config[CONF_TYPE]]
    chosen = config.get(CONF_SUBTYPE)
    kinds = {chosen} if chosen not in (None, ANY) else {one.value for one in row.types}

    async def run(
        run_variables: dict[str, Any], context: Context | None = None
    ) -> None:
        """Run the action if it is of a type that is wanted."""
        if run_variables["trigger"]["event"].data[ATTR_EVENT_TYPE] in kinds:
            await action(run_variables, context)

    event_config = event_trigger.TRIGGER_SCHEMA(
        {
            CONF_PLATFORM: "event",
            event_trigger.CONF_EVENT_TYPE: EVENT_OCCURRENCE,
            CONF_EVENT_DATA: {
                ATTR_DEVICE_ID: config[CONF_DEVICE_ID],
                ATTR_KIND: row.basis.key,
            },
        }
    )
    return await event_trigger.async_attach_trigger(
        hass, event_config, run, trigger_info, platform_type="device"
    )
