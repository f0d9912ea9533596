"""The wire of FlexAPI over TCP, as a tracker has it ("FlexAPI Over TCP" 2.1.0).

Head ``$``, JSON, CRC16 of the JSON (polynomial 0x8005, initial value and final XOR 0),
end CR LF. The document leaves open how bits and bytes are ordered; real devices reflect the
bits and send the high byte first.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
import json
from typing import Any


class Crc(StrEnum):
    """A way to compute and send the checksum."""

    USUAL = "usual"
    LOW_BYTE_FIRST = "low_byte_first"
    NOT_REFLECTED = "not_reflected"


def _reflected_table() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            # x^16 + x^15 + x^2 + 1, its bits in reverse order
            value = (value >> 1) ^ (0xA001 if value & 1 else 0)
        table.append(value)
    return table


def _plain_table() -> list[int]:
    table = []
    for byte in range(256):
        value = byte << 8
        for _ in range(8):
            value = ((value << 1) ^ (0x8005 if value & 0x8000 else 0)) & 0xFFFF
        table.append(value)
    return table


_REFLECTED, _PLAIN = _reflected_table(), _plain_table()


def checksum(data: bytes, crc: Crc = Crc.USUAL) -> bytes:
    """Return the two bytes of a checksum as they are sent."""
    value = 0
    if crc is Crc.NOT_REFLECTED:
        for byte in data:
            value = ((value << 8) & 0xFFFF) ^ _PLAIN[(value >> 8) ^ byte]
        return bytes(divmod(value, 256))
    for byte in data:
        value = (value >> 8) ^ _REFLECTED[(value ^ byte) & 0xFF]
    high_first = bytes(divmod(value, 256))
    return high_first[::-1] if crc is Crc.LOW_BYTE_FIRST else high_first


def frame(message: Mapping[str, Any], crc: Crc = Crc.USUAL) -> bytes:
    """Return the packet of a message, without spaces as real trackers send it."""
    data = json.dumps(message, separators=(",", ":")).encode()
    return b"$" + data + checksum(data, crc) + b"\r\n"


class WireError(Exception):
    """The peer sent something else than packets."""


class Reader:
    """Reads packets strictly: one after the other, with nothing between and no error."""

    def __init__(self, crc: Crc) -> None:
        """Initialize with the expected checksum."""
        self._crc = crc
        self._buffer = b""

    def feed(self, data: bytes) -> list[dict[str, Any]]:
        """Return the messages that are complete. Raises WireError."""
        self._buffer += data
        messages = []
        while (size := self._size()) is not None:
            body, tail = self._buffer[1 : size - 4], self._buffer[size - 4 : size]
            self._buffer = self._buffer[size:]
            if tail != checksum(body, self._crc) + b"\r\n":
                raise WireError(f"wrong end {tail!r}")
            message = json.loads(body)
            if not isinstance(message, dict):
                raise WireError("no object")
            messages.append(message)
        return messages

    def _size(self) -> int | None:
        """Return the size of the first packet, None if it is not complete."""
        if not self._buffer:
            return None
        if not self._buffer.startswith(b"${"[: len(self._buffer)]):
            raise WireError("no head")
        depth, quoted, escaped = 0, False, False
        for index, byte in enumerate(self._buffer):
            if escaped:
                escaped = False
            elif quoted:
                escaped = byte == ord("\\")
                quoted = byte != ord('"')
            elif byte == ord('"'):
                quoted = True
            elif byte == ord("{"):
                depth += 1
            elif byte == ord("}"):
                depth -= 1
                if depth == 0:
                    size = index + 5
                    return size if len(self._buffer) >= size else None
        return None
