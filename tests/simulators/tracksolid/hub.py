"""Appendix A: the instruction API, which has a host and a token of its own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from .server import TracksolidSimulator

FIELDS: dict[str, set[str]] = {
    "128": {"cmdContent"},
    "37121": {"dataType", "codeStreamType", "channel", "videoIP", "videoTCPPort"},
    "37122": {"channel", "cmd", "dataType"},
    "37381": {
        "channel",
        "beginTime",
        "endTime",
        "alarmFlag",
        "resourceType",
        "instructionID",
    },
    "37377": {
        "serverAddress",
        "tcpPort",
        "channel",
        "beginTime",
        "endTime",
        "playMethod",
        "instructionID",
    },
    "33283": {"alarmSerialNo"},
}


async def instruct(sim: TracksolidSimulator, request: web.Request) -> web.Response:
    """Answer a request: data._code is 100 done, 200 invalid, 300 offline, 600 late."""
    form = await request.post()
    params = {key: value for key, value in form.items() if isinstance(value, str)}
    sim.hub_calls.append(params)
    if params.get("token") != sim.hub_token:
        return web.json_response({"code": 401, "msg": "token error", "data": None})
    device = sim.devices.get(params.get("deviceImei", ""))
    fields = FIELDS.get(params.get("proNo", ""))
    code, message, content = 100, "success", ""
    try:
        command = json.loads(params.get("cmdContent", ""))
    except ValueError:
        command = None
    if (
        device is None
        or fields is None
        or not isinstance(command, dict)
        or not fields <= command.keys()
    ):
        code, message = 200, "invalid parameter"
    elif not device.online:
        code, message = 300, "device offline"
    elif device.behaviour in {"late", "silent"}:
        code, message = 600, "timeout"
    elif params["proNo"] == "128":
        content = device.command_answer(str(command["cmdContent"]))
    return web.json_response(
        {
            "code": 0,
            "msg": "success",
            "data": {
                "_code": str(code),
                "_msg": message,
                "_imei": params.get("deviceImei", ""),
                "_content": content,
                "_serverFlagId": 1,
            },
        }
    )
