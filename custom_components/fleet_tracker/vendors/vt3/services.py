"""The actions of VT3 trackers: groups of uploaded values, and any request."""

from __future__ import annotations

from collections.abc import Mapping
import json
from typing import Any

from homeassistant.const import CONF_NAME
from homeassistant.core import SupportsResponse
from homeassistant.helpers import config_validation as cv
import voluptuous as vol

from ...contract.commands import PART, Argument, Command, CommandResult
from ...model.json_values import Json
from ...offer.action import ActionEffect, command_action
from . import commands
from .commands import GROUP_NAME, GROUPS, INTEREST, INTERVAL, PAYLOAD, REQUEST
from .topics import CLIENT_TOKEN
from .vocabulary import Vt3Command

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


def _get_custom_groups(_data: Mapping[str, Any]) -> Command:
    """Return the custom groups of trackers (4.1.2)."""
    return Command(Vt3Command.GET_CUSTOM_GROUPS)


def _set_custom_groups(data: Mapping[str, Any]) -> Command:
    """Create or change custom groups of trackers (4.1.1)."""
    groups = [
        {GROUP_NAME if key == CONF_NAME else key: value for key, value in group.items()}
        for group in data[GROUPS]
    ]
    return commands.custom_groups(groups)


def _set_group(data: Mapping[str, Any]) -> Command:
    """Change how a group is uploaded (3.2)."""
    arguments: dict[str, Argument] = {PART: data[ATTR_GROUP]}
    if INTERVAL in data:
        arguments[INTERVAL] = data[INTERVAL]
    if INTEREST in data:
        arguments[INTEREST] = json.dumps(data[INTEREST])
    return Command(Vt3Command.SET_GROUP, arguments)


def _send_request(data: Mapping[str, Any]) -> Command:
    """Send any request to trackers."""
    return commands.raw_request(data[REQUEST], data.get(PAYLOAD))


def _result(result: CommandResult) -> Json:
    """Return what a tracker answered."""
    answer: Json = json.loads(result.text or "null")
    return answer


def _answer(result: CommandResult) -> dict[str, Any]:
    """Return an answer without the client token, which some trackers repeat."""
    answer = _result(result)
    if isinstance(answer, Mapping):
        answer = {key: value for key, value in answer.items() if key != CLIENT_TOKEN}
    return {"answer": answer}


def _groups_in(result: CommandResult) -> dict[str, Any]:
    return {
        GROUPS: [
            {
                CONF_NAME: group[GROUP_NAME],
                **{key: group[key] for key in (INTERVAL, INTEREST) if key in group},
            }
            for group in commands.settings_in(_result(result))
        ]
    }


ACTIONS = (
    command_action(
        name="vt3_get_custom_groups",
        effect=ActionEffect.TELLS,
        fields={},
        command=_get_custom_groups,
        answer=_groups_in,
        response=SupportsResponse.ONLY,
    ),
    command_action(
        name="vt3_set_custom_groups",
        effect=ActionEffect.CHANGES,
        fields={
            vol.Required(GROUPS): vol.All(
                cv.ensure_list,
                [vol.Schema({vol.Required(CONF_NAME): cv.string, **_GROUP_SETTINGS})],
                vol.Length(min=1, max=commands.MOST_CUSTOM_GROUPS),
            )
        },
        command=_set_custom_groups,
        answer=_groups_in,
        response=SupportsResponse.OPTIONAL,
    ),
    command_action(
        name="vt3_set_group",
        effect=ActionEffect.CHANGES,
        fields={vol.Required(ATTR_GROUP): cv.string, **_GROUP_SETTINGS},
        command=_set_group,
        answer=_answer,
        response=SupportsResponse.OPTIONAL,
    ),
    command_action(
        name="vt3_send_request",
        effect=ActionEffect.CHANGES,
        fields={
            vol.Required(REQUEST): cv.string,
            vol.Optional(PAYLOAD): vol.Schema({cv.string: object}),
        },
        command=_send_request,
        answer=_answer,
        response=SupportsResponse.OPTIONAL,
        administrators_only=True,
    ),
)
