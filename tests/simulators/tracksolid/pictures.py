"""Photos and videos that the simulated cameras take: small, but real files.

The video is H.264 whose pictures are written as they are (I_PCM macroblocks) and then
repeated by pictures in which every macroblock is skipped, so that no encoder is needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from io import BytesIO
import re
import struct

from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 160, 96
FRAMES_A_SECOND = 15


_font = cache(ImageFont.load_default)


def picture(text: str, colour: tuple[int, int, int]) -> Image.Image:
    """Draw a road under a sky, and a text."""
    image = _road(colour).copy()
    ImageDraw.Draw(image).text((4, 4), text, fill=(20, 20, 20), font=_font())
    return image


@cache
def _road(colour: tuple[int, int, int]) -> Image.Image:
    """Draw a road under a sky."""
    image = Image.new("RGB", (WIDTH, HEIGHT), colour)
    draw = ImageDraw.Draw(image)
    horizon = HEIGHT // 2
    draw.rectangle((0, horizon, WIDTH, HEIGHT), fill=(70, 74, 78))
    draw.polygon(
        [(WIDTH // 2, horizon), (WIDTH // 2 - 12, HEIGHT), (WIDTH // 2 + 12, HEIGHT)],
        fill=(235, 235, 220),
    )
    return image


def jpeg(text: str, colour: tuple[int, int, int] = (150, 190, 230)) -> bytes:
    """Return a photo."""
    file = BytesIO()
    picture(text, colour).save(file, "JPEG", quality=85)
    return file.getvalue()


class _Bits:
    """Writes the bits of a NAL unit."""

    def __init__(self) -> None:
        self._bits: list[str] = []
        self._bytes = bytearray()

    def put(self, value: int, width: int) -> None:
        self._bits.append(f"{value:0{width}b}")

    def golomb(self, value: int) -> None:
        text = f"{value + 1:b}"
        self._bits.append("0" * (len(text) - 1) + text)

    def align(self) -> None:
        text = "".join(self._bits)
        text += "0" * (-len(text) % 8)
        self._bytes += bytes(int(text[i : i + 8], 2) for i in range(0, len(text), 8))
        self._bits.clear()

    @property
    def written(self) -> bytes:
        """What was written up to the last whole byte that was aligned to."""
        return bytes(self._bytes)

    def end(self) -> bytes:
        self.put(1, 1)
        self.align()
        return self.written


_START_CODE = re.compile(rb"\x00\x00(?=[\x00-\x03])")


def _nal(header: int, payload: bytes) -> bytes:
    """Return a NAL unit in which no start code can be mistaken for one."""
    return bytes([header]) + _START_CODE.sub(b"\x00\x00\x03", payload)


@cache
def _sequence() -> bytes:
    bits = _Bits()
    bits.put(66, 8)  # baseline profile
    bits.put(0xC0, 8)
    bits.put(11, 8)  # level 1.1
    bits.golomb(0)  # id
    bits.golomb(0)  # frame numbers have 4 bits
    bits.golomb(2)  # pictures are shown in the order in which they come
    bits.golomb(1)  # reference frames
    bits.put(0, 1)
    bits.golomb(WIDTH // 16 - 1)
    bits.golomb(HEIGHT // 16 - 1)
    bits.put(1, 1)  # frames only
    bits.put(1, 1)
    bits.put(0, 1)  # no cropping
    bits.put(0, 1)  # no usability information
    return _nal(0x67, bits.end())


@cache
def _picture_parameters() -> bytes:
    bits = _Bits()
    bits.golomb(0)
    bits.golomb(0)
    bits.put(0, 2)  # CAVLC
    bits.golomb(0)  # one slice group
    bits.golomb(0)
    bits.golomb(0)
    bits.put(0, 3)  # no weighted prediction
    for _ in range(3):
        bits.golomb(0)
    bits.put(0b100, 3)  # the deblocking filter can be switched off
    return _nal(0x68, bits.end())


def _whole_frame(image: Image.Image) -> bytes:
    """Return a picture that needs no other (IDR), every macroblock as it is."""
    luma, blue, red = image.convert("YCbCr").split()
    half = (WIDTH // 2, HEIGHT // 2)
    planes = (
        (luma.tobytes(), WIDTH, 16),
        (blue.resize(half).tobytes(), WIDTH // 2, 8),
        (red.resize(half).tobytes(), WIDTH // 2, 8),
    )
    out = bytearray(_whole_frame_header())
    for row in range(HEIGHT // 16):
        for column in range(WIDTH // 16):
            if row or column:
                out += _macroblock_header()
            for plane, stride, size in planes:
                for line in range(size):
                    start = (row * size + line) * stride + column * size
                    out += plane[start : start + size]
    return _nal(0x65, bytes(out) + b"\x80")


@cache
def _whole_frame_header() -> bytes:
    """Return what stands before the bytes of the first macroblock."""
    bits = _Bits()
    bits.golomb(0)
    bits.golomb(7)  # I
    bits.golomb(0)
    bits.put(0, 4)
    bits.golomb(0)
    bits.put(0, 2)
    bits.golomb(0)
    bits.golomb(1)  # no deblocking
    bits.golomb(25)  # I_PCM
    bits.align()
    return bits.written


@cache
def _macroblock_header() -> bytes:
    """Return what stands before the bytes of each further macroblock."""
    bits = _Bits()
    bits.golomb(25)  # I_PCM
    bits.align()
    return bits.written


@cache
def _same_frame(number: int) -> bytes:
    """Return a picture that is the one before."""
    bits = _Bits()
    bits.golomb(0)
    bits.golomb(5)  # P
    bits.golomb(0)
    bits.put(number % 16, 4)
    bits.put(0, 3)
    bits.golomb(0)
    bits.golomb(1)
    bits.golomb(WIDTH // 16 * (HEIGHT // 16))  # all skipped
    return _nal(0x41, bits.end())


def _sample(nal: bytes) -> bytes:
    return struct.pack(">I", len(nal)) + nal


# Where time stands still, one picture follows another that is the same.
@lru_cache(maxsize=8)
def _key_sample(text: str, colour: tuple[int, int, int]) -> bytes:
    return _sample(_whole_frame(picture(text, colour)))


def second(text: str, colour: tuple[int, int, int]) -> Iterator[tuple[bool, bytes]]:
    """Yield the samples of a second of video, and whether each is a key frame."""
    yield True, _key_sample(text, colour)
    for number in range(1, FRAMES_A_SECOND):
        yield False, _sample(_same_frame(number))


def _decoder_configuration() -> bytes:
    sequence, parameters = _sequence(), _picture_parameters()
    return (
        bytes((1, 66, 0xC0, 11, 0xFF, 0xE1))
        + struct.pack(">H", len(sequence))
        + sequence
        + b"\x01"
        + struct.pack(">H", len(parameters))
        + parameters
    )


def _box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I", len(body) + 8) + kind + body


def _full(kind: bytes, flags: int, *parts: bytes) -> bytes:
    return _box(kind, struct.pack(">I", flags), *parts)


MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


def mp4(texts: Iterable[str], colour: tuple[int, int, int] = (150, 190, 230)) -> bytes:
    """Return a video that shows each text for a second."""
    samples = [sample for text in texts for sample in second(text, colour)]
    sizes = [len(data) for _, data in samples]
    keys = [number for number, (key, _) in enumerate(samples, 1) if key]
    scale, step = 1000, 1000 // FRAMES_A_SECOND
    length = step * len(samples)
    file_type = _box(b"ftyp", b"isom", struct.pack(">I", 512), b"isomiso2avc1mp41")
    entry = _box(
        b"avc1",
        bytes(6) + struct.pack(">H", 1) + bytes(16),
        struct.pack(">HHII", WIDTH, HEIGHT, 0x480000, 0x480000),
        bytes(4) + struct.pack(">H", 1) + bytes(32) + struct.pack(">Hh", 24, -1),
        _box(b"avcC", _decoder_configuration()),
    )

    def movie(offset: int) -> bytes:
        table = _box(
            b"stbl",
            _full(b"stsd", 0, struct.pack(">I", 1), entry),
            _full(b"stts", 0, struct.pack(">III", 1, len(samples), step)),
            _full(b"stss", 0, struct.pack(f">{len(keys) + 1}I", len(keys), *keys)),
            _full(b"stsc", 0, struct.pack(">4I", 1, 1, len(samples), 1)),
            _full(
                b"stsz", 0, struct.pack(f">{len(sizes) + 2}I", 0, len(sizes), *sizes)
            ),
            _full(b"stco", 0, struct.pack(">II", 1, offset)),
        )
        media = _box(
            b"mdia",
            _full(b"mdhd", 0, struct.pack(">4IHH", 0, 0, scale, length, 0x55C4, 0)),
            _full(b"hdlr", 0, bytes(4) + b"vide" + bytes(12) + b"video\0"),
            _box(
                b"minf",
                _full(b"vmhd", 1, bytes(8)),
                _box(
                    b"dinf",
                    _full(b"dref", 0, struct.pack(">I", 1), _full(b"url ", 1)),
                ),
                table,
            ),
        )
        track = _box(
            b"trak",
            _full(
                b"tkhd",
                3,
                struct.pack(">5I", 0, 0, 1, 0, length),
                bytes(16) + MATRIX + struct.pack(">II", WIDTH << 16, HEIGHT << 16),
            ),
            media,
        )
        header = _full(
            b"mvhd",
            0,
            struct.pack(">4I", 0, 0, scale, length),
            struct.pack(">IH", 0x10000, 0x100) + bytes(10),
            MATRIX + bytes(24) + struct.pack(">I", 2),
        )
        return _box(b"moov", header, track)

    offset = len(file_type) + len(movie(0)) + 8
    return file_type + movie(offset) + _box(b"mdat", *(data for _, data in samples))


def flv_header() -> bytes:
    """Return how a live stream begins: FLV with the configuration of the decoder."""
    return (
        b"FLV\x01\x01"
        + struct.pack(">II", 9, 0)
        + _flv_tag(0, b"\x17\x00\x00\x00\x00" + _decoder_configuration())
    )


def flv_second(text: str, start_ms: int, colour: tuple[int, int, int]) -> bytes:
    """Return a second of a live stream."""
    out = b""
    for number, (key, data) in enumerate(second(text, colour)):
        kind = b"\x17" if key else b"\x27"
        time = start_ms + number * 1000 // FRAMES_A_SECOND
        out += _flv_tag(time, kind + b"\x01\x00\x00\x00" + data)
    return out


def _flv_tag(time: int, body: bytes) -> bytes:
    head = b"\x09" + len(body).to_bytes(3, "big")
    head += (time & 0xFFFFFF).to_bytes(3, "big") + bytes([time >> 24 & 0xFF]) + bytes(3)
    tag = head + body
    return tag + struct.pack(">I", len(tag))
