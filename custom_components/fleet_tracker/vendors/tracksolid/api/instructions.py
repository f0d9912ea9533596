"""Chapter 8: commands in their raw form. What they may do is `commands`' business."""

from __future__ import annotations

from collections.abc import Sequence
import json
import re

from ....contract.commands import HARMLESS, Clearance
from ....contract.errors import InvalidArgument
from ....model.json_values import as_text
from .records import Instruction, SentCommand
from .transport import Transport, rows_of

SEND_WAIT_S = 45.0
"""How long sending may take: the server waits for the device."""

_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+")


def check_hex(data: str) -> str:
    """Return bytes given as hex in capitals, without spaces. Raises InvalidArgument."""
    text = "".join(data.split())
    if not _HEX.fullmatch(text):
        raise InvalidArgument("Not hexadecimal")
    return text.upper()


class InstructionsApi:
    """The methods of chapter 8."""

    def __init__(self, transport: Transport) -> None:
        """Initialize with the transport of the calls."""
        self._transport = transport

    async def instructions(self, imei: str) -> list[Instruction]:
        """Return the commands that a device's model knows (8.1)."""
        answer = await self._transport.call(
            "jimi.open.instruction.list", {"imei": imei}
        )
        found = (Instruction.from_row(row) for row in rows_of(answer.result))
        return [instruction for instruction in found if instruction is not None]

    async def send(
        self,
        imei: str,
        instruction: Instruction,
        values: Sequence[str] = (),
        *,
        replace_waiting: bool = True,
        clearance: Clearance = HARMLESS,
    ) -> str | None:
        """Send a command with the values of its places (8.2).

        Returns the device's words, None when the server only says that it was sent.
        `replace_waiting` cancels what waits for an offline device. Raises CommandPending
        when the device has not answered yet, NoAnswer when the server has not,
        VehicleOffline, CommandUnsupported or CommandFailed.
        """
        command = {
            "inst_id": instruction.id,
            "inst_template": instruction.template,
            "params": list(values),
            "is_cover": "true" if replace_waiting else "false",
        }
        answer = await self._transport.call(
            "jimi.open.instruction.send",
            {
                "imei": imei,
                "inst_param_json": json.dumps(command, ensure_ascii=False),
            },
            wait_s=SEND_WAIT_S,
            urgent=True,
            clearance=clearance,
        )
        return as_text(answer.result)

    async def results(self, imei: str) -> list[SentCommand]:
        """Return the commands sent to a device and their outcomes, newest first (8.3)."""
        answer = await self._transport.call(
            "jimi.open.instruction.result", {"imei": imei}, urgent=True
        )
        found = [SentCommand.from_row(row) for row in rows_of(answer.result)]
        found.sort(
            key=lambda sent: sent.sent_at.timestamp() if sent.sent_at else 0,
            reverse=True,
        )
        return found

    async def send_raw(
        self, imei: str, data: str, clearance: Clearance = HARMLESS
    ) -> str | None:
        """Send bytes given as hex (8.4). Returns the server's or the device's words.

        Raises InvalidArgument for what is not hex, and what `send` raises.
        """
        text = check_hex(data)
        answer = await self._transport.call(
            "jimi.open.instruction.raw.send",
            {"imei": imei, "raw_cmd": text},
            wait_s=SEND_WAIT_S,
            urgent=True,
            clearance=clearance,
        )
        return as_text(answer.result)
