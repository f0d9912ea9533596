"""The actions of VT3 trackers: groups of uploaded values, and any request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
import json
from typing import Any

from homeassistant.const import CONF_NAME
from homeassistant.core import SupportsResponse
from homeassistant.helpers import config_validation as cv
import voluptuous as vol

from ...vendor import Argument, Command, Json
from ...vendor_action import ActionRequest, VendorAction
from . import commands
from .commands import GROUP_NAME, GROUPS, INTEREST, INTERVAL, PART, PAYLOAD, REQUEST
from .topics import CLIENT_TOKEN

ATTR_GROUP = "group"

_INTERVAL = vol.All(vol.Coerce(int), vol.Range(min=0, max=commands.LONGEST_INTERVAL))


def _interest(value: Any) -> dict[str, str]:
    """Return parameters with their aliases; a list of parameters gives them none."""
    if isinstance(value, list):
        value = dict.fromkeys(value, "")
    checked: dict[str, str] = vol.Schema(
        vol.All({str: vol.Any(str, None)}, vol.Length(min=1, max=commands.MOST_ITEMS))
    )(value)
    return {name: alias or "" for name, alias in checked.items()}


_GROUP_SETTINGS: Mapping[vol.Marker, Any] = {
    vol.Optional(INTERVAL): _INTERVAL,
    vol.Optional(INTEREST): _interest,
}


async def _send(
    request: ActionRequest, command: Command, answer: Callable[[Json], dict[str, Any]]
) -> dict[str, Any]:
    """Send a command to each tracker and return what they answered."""
    answers = {}
    for vehicle_id in request.vehicle_ids:
        result = await request.coordinator.async_execute(vehicle_id, command)
        answers[vehicle_id] = answer(json.loads(result.text or "null"))
    return answers


async def _get_custom_groups(request: ActionRequest) -> dict[str, Any]:
    """Return the custom groups of trackers (4.1.2)."""
    return await _send(request, Command(commands.GET_CUSTOM_GROUPS), _groups_in)


async def _set_custom_groups(request: ActionRequest) -> dict[str, Any]:
    """Create or change custom groups of trackers (4.1.1)."""
    groups = [
        {GROUP_NAME if key == CONF_NAME else key: value for key, value in group.items()}
        for group in request.data[GROUPS]
    ]
    return await _send(request, commands.custom_groups(groups), _groups_in)


async def _set_group(request: ActionRequest) -> dict[str, Any]:
    """Change how a group is uploaded (3.2)."""
    data = request.data
    arguments: dict[str, Argument] = {PART: data[ATTR_GROUP]}
    if INTERVAL in data:
        arguments[INTERVAL] = data[INTERVAL]
    if INTEREST in data:
        arguments[INTEREST] = json.dumps(data[INTEREST])
    return await _send(request, Command(commands.SET_GROUP, arguments), _answer)


async def _send_request(request: ActionRequest) -> dict[str, Any]:
    """Send any request to trackers."""
    data = request.data
    command = commands.raw_request(data[REQUEST], data.get(PAYLOAD))
    return await _send(request, command, _answer)


def _answer(result: Json) -> dict[str, Any]:
    """Return an answer without the token of the request, which some trackers repeat."""
    if isinstance(result, Mapping):
        result = {key: value for key, value in result.items() if key != CLIENT_TOKEN}
    return {"answer": result}


def _groups_in(result: Json) -> dict[str, Any]:
    return {
        GROUPS: [
            {
                CONF_NAME: group[GROUP_NAME],
                **{key: group[key] for key in (INTERVAL, INTEREST) if key in group},
            }
            for group in commands.settings_in(result)
        ]
    }


ACTIONS = (
    VendorAction(
        name="get_custom_groups",
        fields={},
        handler=_get_custom_groups,
        response=SupportsResponse.ONLY,
    ),
    VendorAction(
        name="set_custom_groups",
        fields={
            vol.Required(GROUPS): vol.All(
                cv.ensure_list,
                [vol.Schema({vol.Required(CONF_NAME): cv.string, **_GROUP_SETTINGS})],
                vol.Length(min=1, max=commands.MOST_CUSTOM_GROUPS),
            )
        },
        handler=_set_custom_groups,
        response=SupportsResponse.OPTIONAL,
    ),
    VendorAction(
        name="set_group",
        fields={vol.Required(ATTR_GROUP): cv.string, **_GROUP_SETTINGS},
        handler=_set_group,
        response=SupportsResponse.OPTIONAL,
    ),
    VendorAction(
        name="send_request",
        fields={
            vol.Required(REQUEST): cv.string,
            vol.Optional(PAYLOAD): vol.Schema({cv.string: object}),
        },
        handler=_send_request,
        response=SupportsResponse.OPTIONAL,
        administrators_only=True,
    ),
)
