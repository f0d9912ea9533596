"""Frames of FlexAPI over TCP: ``$`` + JSON + CRC-16 + CR LF ("FlexAPI Over TCP" 2.1.0).

The checksum is two raw bytes of any value, CR, LF and ``$`` among them, so a stream cannot
be cut at line ends. The decoder follows the JSON instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
import json
import re

import crcmod
import orjson

from ...contract.errors import InvalidAnswer
from ...model.json_values import Json
from ...transport.http_client import read_json

type Message = dict[str, Json]

LONGEST_JSON = 64 * 1024
"""Bytes of JSON in the longest frame that is read or written."""

_HEAD, _LEFT, _RIGHT, _QUOTE, _BACKSLASH = b'${}"\\'
_END = b"\r\n"
_TAIL_SIZE = 4  # the checksum and the end
_SLICE = 64 * 1024  # bytes that are taken at once
# To find quickly that no number has so many digits: each digit is 0.
_ALIKE = bytes.maketrans(b"123456789", b"000000000")
_MANY_DIGITS = b"0" * 19
_DEEPEST = 32  # levels of objects and lists in one another
_STEADY = 3  # frames in a row that make another checksum the peer's own

_MARK = re.compile(rb'[${}"\\\r\n]')
_MARK_IN_STRING = re.compile(rb'[$"\\\r\n]')
# Whole strings and what is between them, as far as it cannot open, close or end anything.
_PLAIN = re.compile(rb'(?:[^${}"\\]++|"[^$"\\\r\n]*+")*+')

# 2.1.0: polynomial 0x8005, initial value and final XOR 0. Frames of real
# devices show that bits are reflected and that the high byte comes first.
_reflected: Callable[[bytes], int] = crcmod.mkCrcFun(
    0x18005, initCrc=0, rev=True, xorOut=0
)
_not_reflected: Callable[[bytes], int] = crcmod.mkCrcFun(
    0x18005, initCrc=0, rev=False, xorOut=0
)
if _reflected(b"123456789") != 0xBB3D:
    raise ImportError("crcmod computes CRC-16/ARC wrongly")


class Checksum(Enum):
    """How a peer computes the CRC-16, and in which order it sends the two bytes."""

    DOCUMENTED = "documented"
    LOW_BYTE_FIRST = "low_byte_first"
    NOT_REFLECTED = "not_reflected"

    def of(self, data: bytes) -> bytes:
        """Return the two bytes that follow the JSON on the wire."""
        crc = (_not_reflected if self is Checksum.NOT_REFLECTED else _reflected)(data)
        return crc.to_bytes(2, "little" if self is Checksum.LOW_BYTE_FIRST else "big")


def encode(
    message: Mapping[str, Json], checksum: Checksum = Checksum.DOCUMENTED
) -> bytes:
    """Return the frame of a message.

    Raises ValueError for what is not JSON, or is longer than a frame may be.
    """
    data = json.dumps(message, separators=(",", ":"), allow_nan=False).encode()
    if len(data) > LONGEST_JSON:
        raise ValueError("The message is too long for a frame")
    return b"$" + data + checksum.of(data) + _END


class _Candidate:
    """A ``${`` that may have begun a frame, and how far its JSON was followed."""

    __slots__ = ("depth", "escaped", "in_string", "start")

    def __init__(self, start: int) -> None:
        self.start = start
        self.depth = 0
        self.in_string = False
        self.escaped = -1  # where a quote or backslash stands that means itself


class FrameDecoder:
    """Finds the frames in a stream of bytes, which may come in pieces and have noise in it.

    A frame is a JSON object with the right checksum. It is returned as soon as its last byte
    has come, even if an unfinished frame stands before it. Time is linear in the number
    of bytes, and memory is bounded by the longest frame.

    JSON has neither ``$`` nor backslash outside of strings, and no line end inside. So of
    two candidates one is in a string whenever the other is not, there are never more than
    two, and no frame can be found within another.
    """

    def __init__(self) -> None:
        """Expect the checksum of the document."""
        self.checksum = Checksum.DOCUMENTED
        """How the peer steadily computes the checksum."""
        self.wrong = 0
        """Frames that were whole, but with a wrong checksum or no valid JSON."""
        self.overlong = 0
        """Beginnings of frames that went on for too long."""
        self.skipped = 0
        """Bytes that belonged to no good frame."""
        self._buffer = bytearray()
        self._position = 0
        self._candidates: list[_Candidate] = []
        self._whole: _Candidate | None = None  # its JSON is, its tail may be to come
        self._suspected = Checksum.DOCUMENTED
        self._suspects: list[tuple[Message, int]] = []

    def feed(self, data: bytes) -> list[Message]:
        """Add bytes and return the messages that they complete."""
        messages: list[Message] = []
        for start in range(0, len(data), _SLICE):
            part = data[start : start + _SLICE]
            if rest := part[self._take_whole(part, messages) :]:
                self._buffer += rest
                self._scan(messages)
                self._trim()
        return messages

    def _take_whole(self, data: bytes, messages: list[Message]) -> int:
        """Add the good frames that bytes begin with, and return the size of these frames.

        All of a good frame is known at its first line end: the JSON has none inside. What
        is unusual is left to the scan, which would have found the same frames.
        """
        if self._buffer or self._suspects:
            return 0
        checksum = self.checksum
        position = 0
        while data.startswith(b"${", position):
            end = data.find(_END, position)
            body = data[position + 1 : end - 2]
            if (
                end < 0
                or not body.endswith(b"}")
                or len(body) > LONGEST_JSON
                or checksum.of(body) != data[end - 2 : end]
                or (message := _parse(body)) is None
            ):
                break
            messages.append(message)
            position = end + len(_END)
        return position

    def _scan(self, messages: list[Message]) -> None:
        """Follow the candidates through the new bytes, and add those that are frames."""
        size = len(self._buffer)
        while self._position < size:
            if self._whole is not None:
                if size - self._position < _TAIL_SIZE:
                    return
                self._finish(self._whole, messages)
                continue
            self._position = self._next_mark()
            if self._position == size:
                return
            if (byte := self._buffer[self._position]) != _HEAD:
                self._follow(byte)
            elif self._position + 1 == size:
                return
            else:
                self._candidates = [one for one in self._candidates if one.in_string]
                if self._buffer[self._position + 1] == _LEFT:
                    self._candidates.append(_Candidate(self._position))
            self._position += 1

    def _next_mark(self) -> int:
        """Return where the next byte is that matters to a candidate, or the end."""
        position = self._position
        pattern = _MARK
        match self._candidates:
            case []:
                found = self._buffer.find(b"$", position)
                return found if found >= 0 else len(self._buffer)
            case [one] if one.in_string:
                pattern = _MARK_IN_STRING
            case [one]:
                plain = _PLAIN.match(self._buffer, position)
                position = plain.end() if plain else position
        mark = pattern.search(self._buffer, position)
        return mark.start() if mark else len(self._buffer)

    def _follow(self, byte: int) -> None:
        """Note a byte other than ``$`` that changes where the candidates are."""
        candidates = self._candidates
        if byte == _QUOTE:
            for one in candidates:
                if one.escaped != self._position:
                    one.in_string = not one.in_string
        elif byte == _LEFT:
            for one in candidates:
                if not one.in_string:
                    one.depth += 1
        elif byte == _RIGHT:
            for one in candidates:
                if not one.in_string:
                    one.depth -= 1
                    if one.depth == 0:
                        self._whole = one
        elif byte == _BACKSLASH:
            self._candidates = [one for one in candidates if one.in_string]
            for one in self._candidates:
                if one.escaped != self._position:
                    one.escaped = self._position + 1
        else:
            self._candidates = [one for one in candidates if not one.in_string]

    def _finish(self, candidate: _Candidate, messages: list[Message]) -> None:
        """Judge a candidate with complete JSON and tail."""
        end = self._position
        data = bytes(self._buffer[candidate.start + 1 : end])
        tail = bytes(self._buffer[end : end + _TAIL_SIZE])
        self._whole = None
        self._candidates.remove(candidate)
        if tail[2:] != _END:
            return
        if len(data) > LONGEST_JSON:
            self.overlong += 1
            return
        if self._check(data, tail[:2], messages):
            self._candidates.clear()
            self._position = end + _TAIL_SIZE

    def _check(self, data: bytes, crc: bytes, messages: list[Message]) -> bool:
        """Add the message of a frame if it is a good one, and say whether it is.

        Frames with another checksum wait until they are enough in a row to be no accident.
        """
        fitting = [checksum for checksum in Checksum if checksum.of(data) == crc]
        message = _parse(data) if fitting else None
        if message is None:
            self.wrong += 1
            return False
        size = 1 + len(data) + _TAIL_SIZE
        if self.checksum in fitting:
            if self._suspected not in fitting:
                self._suspects.clear()
            messages.append(message)
            self.skipped -= size
            return True
        if self._suspected not in fitting:
            self._suspects.clear()
            self._suspected = fitting[0]
        self._suspects.append((message, size))
        if len(self._suspects) < _STEADY:
            self.wrong += 1
            return False
        self.checksum = self._suspected
        self.wrong -= len(self._suspects) - 1
        for message, size in self._suspects:
            messages.append(message)
            self.skipped -= size
        self._suspects.clear()
        return True

    def _trim(self) -> None:
        """Forget what cannot belong to a frame any more."""
        size = len(self._buffer)
        keep = self._position
        if self._whole is not None:
            keep = self._whole.start
        for one in list(self._candidates):
            if one is not self._whole and size - one.start > LONGEST_JSON:
                self._candidates.remove(one)
                self.overlong += 1
            else:
                keep = min(keep, one.start)
        if keep:
            del self._buffer[:keep]
            self.skipped += keep
            self._position -= keep
            for one in self._candidates:
                one.start -= keep
                one.escaped -= keep


def _parse(data: bytes) -> Message | None:
    """Return the JSON object, None if it is none. Bytes that are not UTF-8 cost no frame."""
    try:
        # An integer beyond 64 bits, such as a SIM card's number, would lose its last digits.
        if _MANY_DIGITS in data.translate(_ALIKE):
            message = _parse_carefully(data)
        else:
            message = orjson.loads(data)
    except orjson.JSONDecodeError:
        # NaN, half a surrogate pair, invalid UTF-8: the rest of the frame is good.
        message = _parse_carefully(data)
    if not isinstance(message, dict):
        return None
    # No message is nested so deeply, and code that walks through it may fail.
    levels = data.count(b"{") + data.count(b"[")
    return message if levels <= _DEEPEST or _is_flat(message, _DEEPEST) else None


def _parse_carefully(data: bytes) -> Json:
    """Return what is in JSON that orjson refuses or reads less exactly, None if it is none."""
    try:
        return read_json(data)
    except InvalidAnswer:
        return None


def _is_flat(value: Json, levels: int) -> bool:
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list):
        return True
    return levels > 0 and all(_is_flat(one, levels - 1) for one in value)
