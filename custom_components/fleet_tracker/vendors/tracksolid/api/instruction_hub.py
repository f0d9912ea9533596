"""Appendix A: the instruction API of an IoT hub of one's own.

It has an address and a token of its own, waits for the device up to 30 seconds, and answers
with a code inside of `data`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
import json

import aiohttp

from ....contract.commands import HARMLESS, Clearance
from ....contract.errors import (
    AccessDenied,
    CannotConnect,
    CommandFailed,
    CommandUnconfirmed,
    InvalidAnswer,
    VehicleOffline,
    VendorError,
)
from ....model.json_values import Json, as_text, is_record
from ....transport.http_client import HttpClient, read_json
from .values import stamp

PATH = "/api/device/sendInstruct"
ANSWER_WAIT_S = 30.0

_HTTP_TIMEOUT_S = ANSWER_WAIT_S + 15
_NUMBERS = frozenset(
    {
        "alarmFlag",
        "channel",
        "cmd",
        "codeStreamType",
        "dataType",
        "playMethod",
        "resourceType",
        "tcpPort",
        "videoTCPPort",
    }
)


class Protocol(IntEnum):
    """The kind of an instruction (`proNo`)."""

    TEXT = 128
    START_LIVE = 37121
    CONTROL_LIVE = 37122
    LIST_RECORDINGS = 37381
    START_PLAYBACK = 37377
    ACKNOWLEDGE_ALARM = 33283


class LiveControl(IntEnum):
    """The control of a running stream (37122)."""

    OFF = 0
    SWITCH = 1
    PAUSE = 2
    RESUME = 3


@dataclass(frozen=True, slots=True)
class StreamTarget:
    """Where a device is to send a stream."""

    host: str
    port: int


class InstructionClient:
    """The instruction API of a hub.

    Methods return the device's words, None where it has none, and raise VehicleOffline
    (300), CommandFailed (200), CommandUnconfirmed (600: timed out or queued),
    AccessDenied, CannotConnect or InvalidAnswer.
    """

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str) -> None:
        """Initialize with the hub's address (without the path) and its token."""
        self.http = HttpClient(session)
        self.url = url.rstrip("/") + PATH
        self._token = token

    async def send_text(
        self, imei: str, text: str, clearance: Clearance = HARMLESS
    ) -> str | None:
        """Send a text command and wait for the answer; it is never kept for later."""
        return await self._send(
            imei,
            Protocol.TEXT,
            {
                "cmdContent": text,
                "sync": True,
                "offlineFlag": False,
                "timeOut": int(ANSWER_WAIT_S),
            },
            clearance,
        )

    async def start_live(
        self, imei: str, channel: int, target: StreamTarget, *, main_stream: bool = True
    ) -> str | None:
        """Let a device stream a channel to a media server."""
        return await self._send(
            imei,
            Protocol.START_LIVE,
            {
                "dataType": 0,
                "codeStreamType": 0 if main_stream else 1,
                "channel": channel,
                "videoIP": target.host,
                "videoTCPPort": target.port,
            },
        )

    async def control_live(
        self, imei: str, channel: int, control: LiveControl
    ) -> str | None:
        """Stop, switch, pause or resume a stream."""
        return await self._send(
            imei,
            Protocol.CONTROL_LIVE,
            {"channel": channel, "cmd": int(control), "dataType": 0},
        )

    async def list_recordings(
        self,
        imei: str,
        channel: int,
        begin: datetime,
        end: datetime,
        instruction_id: str,
    ) -> str | None:
        """Let a device tell its recordings, which it pushes (`/pushresourcelist`)."""
        return await self._send(
            imei,
            Protocol.LIST_RECORDINGS,
            {
                "channel": channel,
                "beginTime": stamp(begin),
                "endTime": stamp(end),
                "alarmFlag": 0,
                "resourceType": 0,
                "instructionID": instruction_id,
            },
        )

    async def start_playback(
        self,
        imei: str,
        channel: int,
        begin: datetime,
        end: datetime,
        target: StreamTarget,
        instruction_id: str,
    ) -> str | None:
        """Let a device stream what it recorded to a media server."""
        return await self._send(
            imei,
            Protocol.START_PLAYBACK,
            {
                "serverAddress": target.host,
                "tcpPort": target.port,
                "channel": channel,
                "beginTime": stamp(begin),
                "endTime": stamp(end),
                "playMethod": 0,
                "instructionID": instruction_id,
            },
        )

    async def acknowledge_alarm(self, imei: str, serial: str) -> str | None:
        """Acknowledge an alarm by its serial number."""
        return await self._send(
            imei, Protocol.ACKNOWLEDGE_ALARM, {"alarmSerialNo": serial}
        )

    async def call(
        self, imei: str, protocol: Protocol, fields: Mapping[str, str]
    ) -> str | None:
        """Send any instruction with its fields as texts (see `catalog`)."""
        content: dict[str, Json] = {
            name: int(value) if name in _NUMBERS and value.isdecimal() else value
            for name, value in fields.items()
        }
        return await self._send(imei, protocol, content)

    async def _send(
        self,
        imei: str,
        protocol: Protocol,
        content: Mapping[str, Json],
        clearance: Clearance = HARMLESS,
    ) -> str | None:
        form = {
            "deviceImei": imei,
            "proNo": str(int(protocol)),
            "cmdContent": json.dumps(content, ensure_ascii=False),
            "token": self._token,
        }
        answer = await self.http.ask(
            "POST",
            self.url,
            form=form,
            answer_within=_HTTP_TIMEOUT_S,
            is_command=True,
            clearance=clearance,
        )
        if answer.status in {401, 403}:
            raise AccessDenied(
                f"HTTP status {answer.status}", key="tracksolid_hub_token"
            )
        if answer.status != 200:
            raise CannotConnect(f"HTTP status {answer.status}")
        return _read(answer.body)


def _read(body: bytes) -> str | None:
    """Return the device's words (Appendix A), or raise what the code means."""
    answer = read_json(body)
    if not is_record(answer):
        raise InvalidAnswer("The answer is no JSON object")
    data = answer.get("data")
    if not is_record(data):
        if "token" in (as_text(answer.get("msg")) or "").lower():
            raise AccessDenied("Wrong token", key="tracksolid_hub_token")
        raise InvalidAnswer("The answer has no data")
    code = as_text(data.get("_code"))
    if code == "100":
        return as_text(data.get("_content"))
    raise _error_for(code)


def _error_for(code: str | None) -> VendorError:
    match code:
        case "200":
            return CommandFailed("Hub code 200", key="tracksolid_parameter")
        case "300":
            return VehicleOffline("Hub code 300")
        case "600":
            return CommandUnconfirmed("Hub code 600", key="tracksolid_command_sent")
        case "601":
            return CommandFailed("Hub code 601", key="tracksolid_device_busy")
        case None:
            return InvalidAnswer("The answer has no code")
    return VendorError(
        f"Hub code {code}",
        key="tracksolid_unknown_code",
        placeholders={"code": code},
    )
