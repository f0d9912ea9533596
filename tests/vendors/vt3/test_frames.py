"""Frames: every one is found, once, whatever its checksum and whatever is around it."""

from __future__ import annotations

from functools import partial
import json
import random

from hypothesis import example, given, settings, strategies as st
import pytest

from custom_components.fleet_tracker.vendors.vt3.frames import (
    LONGEST_JSON,
    Checksum,
    FrameDecoder,
    Message,
    encode,
)

# A packet of one of the vendor's devices, as the vendor published it.
PUBLISHED = (
    b'${"topic": "v1/VT7101937000089/userdata/info", "payload": '
    b'{"userdata.serial_number": "VG710", "userdata.custom_key": "custom_value"}}'
    b"\x71\xe4\r\n"
)
GOOD = b'{"topic":"v1/VF3102021111601/io/info","payload":{"io.DI1":0}}'

assert settings.default is not None
EXAMPLES = settings.default.max_examples
"""How many examples the profile wants: few in the tests, many in script/fuzz."""


def crc(data: bytes, *, reflected: bool = True) -> int:
    """Return the CRC-16 of polynomial 0x8005, bit by bit."""
    register = 0
    for byte in data:
        register ^= byte if reflected else byte << 8
        for _ in range(8):
            if reflected:
                register = (register >> 1) ^ (0xA001 if register & 1 else 0)
            else:
                register = (register << 1) ^ (0x18005 if register & 0x8000 else 0)
    return register


def frame(data: bytes, *, reflected: bool = True, order: str = "big") -> bytes:
    """Return the frame of some JSON."""
    low_first = order == "little"
    value = crc(data, reflected=reflected)
    checksum = value.to_bytes(2, "little" if low_first else "big")
    return b"$" + data + checksum + b"\r\n"


class AnyChecksum:
    """Makes JSON with a given checksum.

    A checksum is linear: flipping a bit of the data flips the same bits of it, whatever
    the rest is. So it is known which low bits of some letters lead to which checksum.
    """

    prefix = b'{"topic":"v1/VF3102021111601/io/info","payload":{"letters":"'
    suffix = b'"}}'
    size = 6

    def __init__(self) -> None:
        """Find 16 combinations of bits whose effects are independent."""
        self.nothing = crc(self._data(0))
        self.effects: list[tuple[int, int]] = []
        for index in range(4 * self.size):
            bits = 1 << index
            effect, bits = self._reduce(crc(self._data(bits)) ^ self.nothing, bits)
            if effect:
                self.effects.append((effect, bits))
                self.effects.sort(reverse=True)
        assert len(self.effects) == 16

    def _data(self, bits: int) -> bytes:
        letters = bytes(
            ord("@") | bits >> 4 * place & 0xF for place in range(self.size)
        )
        return self.prefix + letters + self.suffix

    def _reduce(self, rest: int, bits: int) -> tuple[int, int]:
        for effect, effect_bits in self.effects:
            if rest ^ effect < rest:
                rest, bits = rest ^ effect, bits ^ effect_bits
        return rest, bits

    def __call__(self, checksum: int) -> bytes:
        """Return JSON with a checksum."""
        _, bits = self._reduce(checksum ^ self.nothing, 0)
        return self._data(bits)


with_checksum = AnyChecksum()


def feed_in_pieces(data: bytes, cuts: list[int]) -> list[Message]:
    """Return the messages in some data that arrives cut at some places."""
    decoder = FrameDecoder()
    messages: list[Message] = []
    start = 0
    for cut in [*sorted(cuts), len(data)]:
        messages += decoder.feed(data[start:cut])
        start = max(start, cut)
    return messages


def find_frames(data: bytes) -> list[Message]:
    """Return the frames in some data by trying every beginning at every end."""
    messages = []
    start = end = 0
    while (end := data.find(b"\r\n", end)) >= 0:
        end += 2
        for begin in range(start, end - 5):
            body = data[begin + 1 : end - 4]
            if data[begin : begin + 2] != b"${" or body[-1:] != b"}":
                continue
            if crc(body).to_bytes(2) != data[end - 4 : end - 2]:
                continue
            try:
                message = json.loads(body.decode(errors="replace"))
            except ValueError:
                continue
            messages.append(message)
            start = end
            break
    return messages


def test_the_published_packet() -> None:
    """The vendor's own packet is read, and written the same but for its spaces."""
    message: Message = {
        "topic": "v1/VT7101937000089/userdata/info",
        "payload": {
            "userdata.serial_number": "VG710",
            "userdata.custom_key": "custom_value",
        },
    }
    assert FrameDecoder().feed(PUBLISHED) == [message]
    assert FrameDecoder().feed(encode(message)) == [message]


def test_checksum_of_the_document() -> None:
    """The well-known check values, and both byte orders."""
    assert Checksum.DOCUMENTED.of(b"123456789") == b"\xbb\x3d"
    assert Checksum.LOW_BYTE_FIRST.of(b"123456789") == b"\x3d\xbb"
    assert Checksum.NOT_REFLECTED.of(b"123456789") == b"\xfe\xe8"


@pytest.mark.parametrize(
    ("time", "checksum"),
    [
        (1700000021, "0AD8"),
        (1700000371, "0DC4"),
        (1700000381, "0DE0"),
        (1700000016, "2479"),
        (1700000445, "2465"),
    ],
)
def test_checksums_that_look_like_something_else(time: int, checksum: str) -> None:
    """CR, LF and the head of a frame in the checksum cost no frame."""
    data = (
        '{"topic":"v1/VF3102021111601/io/info","payload":'
        f'{{"io.ts":{time},"io.DI1":0,"io.IGT":1}}}}'
    ).encode()
    sent = b"$" + data + bytes.fromhex(checksum) + b"\r\n"
    for cut in range(len(sent)):
        assert feed_in_pieces(sent + sent, [cut]) == 2 * [json.loads(data)]


def test_every_checksum() -> None:
    """Each of the 65,536 checksums is read once, with garbage around and at any cut."""
    chance = random.Random(0x8005)
    garbage = (b"", b"$", b"{", b'${"a":"', b"\r\n", b'"', b"${}", b"\\", b"}", b"$$")
    decoder = FrameDecoder()
    found = []
    rest = b""
    for wanted in range(0x10000):
        data = with_checksum(wanted)
        rest += chance.choice(garbage) + b"$" + data + wanted.to_bytes(2) + b"\r\n"
        if chance.random() < 0.3:
            cut = chance.randrange(len(rest) + 1)
            found += decoder.feed(rest[:cut])
            rest = rest[cut:]
    found += decoder.feed(rest)
    assert found == [json.loads(with_checksum(wanted)) for wanted in range(0x10000)]
    assert decoder.wrong == 0


fragments = st.sampled_from(
    [
        b"$",
        b"${",
        b"{",
        b"}",
        b'"',
        b"\\",
        b"\r",
        b"\n",
        b"\r\n",
        b'${"a":"',
        b'":',
        b"${}",
        b"\x00",
        b"[",
        b",",
        b"1",
        b" ",
        frame(b"{}"),
        frame(b"{}")[:-1],
        frame(b'{"a":1}'),
        frame(b'{"a":"${\\"}"}'),
        frame(b'{"a":"${}"}')[:-4],
        frame(b'{"${":{"b":"\\\\"}}'),
        frame(b'{"a":1}')[:-3] + b"?\r\n",
        frame(b"{a}"),
        frame(b'{"a":"\n"}'),
        b'"' + frame(b'{",":1}') + b'":5}',
    ]
)


@given(
    st.lists(fragments | st.binary(max_size=4), max_size=30).map(b"".join),
    st.lists(st.integers(0, 200), max_size=20),
)
@example(b'${"k":"' + frame(b'{",":1}') + b'":5}', [])
@settings(max_examples=15 * EXAMPLES)
def test_nothing_else_than_trying_everything(data: bytes, cuts: list[int]) -> None:
    """The decoder finds what a slow search of all beginnings and ends finds."""
    assert feed_in_pieces(data, cuts) == find_frames(data)


class ScanningDecoder(FrameDecoder):
    """A decoder that scans every byte, the good frames too."""

    def _take_whole(self, data: bytes, messages: list[Message]) -> int:
        return 0


def state_of(decoder: FrameDecoder) -> tuple[object, ...]:
    """Return what a decoder tells of a stream beside the messages."""
    return decoder.checksum, decoder.wrong, decoder.overlong, decoder.skipped


good_frames = st.dictionaries(
    st.text(max_size=6) | st.sampled_from(["${", "}", '"', "\\", "\r\n", "$"]),
    st.text(max_size=6) | st.sampled_from(["${}", '{"a":1}', "}\x00\x00"]),
    max_size=4,
).flatmap(lambda message: st.sampled_from(Checksum).map(partial(encode, message)))
odd_frames = st.sampled_from(
    [
        frame(b'{"a":1} '),
        frame(b'{"a":1,\r\n"b":2}'),
        frame(b'{"a":"\xff"}'),
        frame(b'{"a":"\t"}'),
        frame(b'{"a":NaN}'),
        frame(b"{" * 40 + b"}" * 40),
        frame(b'{"a":' + b"[" * 40 + b"]" * 40 + b"}"),
        frame(with_checksum(0x0D0A)),
        frame(with_checksum(0x7D0D)),
        frame(b'{"a":"' + b"x" * LONGEST_JSON + b'"}'),
    ]
)


@given(
    st.lists(good_frames | odd_frames | fragments, max_size=12).map(b"".join),
    st.lists(st.integers(0, 1000), max_size=12),
)
@settings(max_examples=10 * EXAMPLES)
def test_taking_whole_frames_finds_what_scanning_finds(
    data: bytes, cuts: list[int]
) -> None:
    """The same messages at the same byte, and the same is told of the stream."""
    decoder, scanning = FrameDecoder(), ScanningDecoder()
    start = 0
    for cut in [*sorted(cuts), len(data)]:
        part = data[start:cut]
        start = max(start, cut)
        found = decoder.feed(part)
        assert [*map(repr, found)] == [*map(repr, scanning.feed(part))]
        assert state_of(decoder) == state_of(scanning)


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(
    st.lists(
        st.tuples(
            st.binary(max_size=8).filter(lambda noise: b"$" not in noise),
            st.dictionaries(st.text(), values, max_size=5),
        ),
        max_size=8,
    ),
    st.lists(st.integers(0, 2000), max_size=30),
    st.sampled_from(Checksum),
)
def test_written_messages_are_read(
    parts: list[tuple[bytes, Message]], cuts: list[int], checksum: Checksum
) -> None:
    """Every message is read once, in order, however the stream is cut."""
    decoder = FrameDecoder()
    decoder.checksum = checksum
    data = b"".join(noise + encode(message, checksum) for noise, message in parts)
    messages = []
    start = 0
    for cut in [*sorted(cuts), len(data)]:
        messages += decoder.feed(data[start:cut])
        start = max(start, cut)
    assert messages == [message for _, message in parts]
    assert decoder.skipped == sum(len(noise) for noise, _ in parts)


def test_behind_an_unfinished_frame() -> None:
    """A good frame is there with its last byte, whatever was begun before it."""
    good = frame(GOOD)
    for beginning in (b"$", b'${"topic":', b'${"topic":"v1', b'${"a":{"b":"\\'):
        decoder = FrameDecoder()
        assert decoder.feed(beginning + good[:-1]) == []
        assert decoder.feed(good[-1:]) == [json.loads(GOOD)]
        assert decoder.skipped == len(beginning)


def test_wrong_frames_are_dropped() -> None:
    """A wrong checksum, broken JSON or something else than an object is no frame."""
    decoder = FrameDecoder()
    deep = b'{"a":' + b"[" * 30_000 + b"]" * 30_000 + b"}"
    rather_deep = b'{"a":[' + b'{"b":[' * 16 + b"]}" * 16 + b"]}"
    for wrong in (
        frame(GOOD)[:-4] + b"??\r\n",
        frame(b"{'a':1}"),
        frame(b'{"a":1,}'),
        frame(deep),
        frame(rather_deep),
    ):
        assert decoder.feed(wrong) == []
    assert decoder.wrong == 5
    assert decoder.feed(frame(GOOD)) == [json.loads(GOOD)]


@pytest.mark.parametrize("data", [rb"{\}", rb'{\"a":1}', rb'{"a":\1}'])
def test_backslash_outside_of_a_string(data: bytes) -> None:
    """That is no JSON any more: no frame, not even a wrong one, and the next is read."""
    decoder = FrameDecoder()
    assert decoder.feed(frame(data) + frame(b'{"b":2}')) == [{"b": 2}]
    assert decoder.wrong == 0


def test_many_objects_beside_each_other() -> None:
    """Only depth is limited."""
    body = b'{"a":[' + b",".join([b'{"b":[1]}'] * 40) + b"]}"
    assert FrameDecoder().feed(frame(body)) == [{"a": [{"b": [1]}] * 40}]


@pytest.mark.parametrize(("depth", "is_read"), [(32, True), (33, False)])
def test_how_deep_values_may_be(depth: int, is_read: bool) -> None:
    """Flat values beside deep ones make no difference."""
    inner = depth - 1
    deep = b"[" * inner + b"1" + b"]" * inner
    flat = b",".join([b'{"c":1}'] * 40)
    body = b'{"a":' + deep + b',"b":[' + flat + b"]}"
    expected = [json.loads(body)] if is_read else []
    assert FrameDecoder().feed(frame(body)) == expected


def test_bytes_that_are_no_utf8() -> None:
    """An operator's name in some other encoding does not cost the other values."""
    assert FrameDecoder().feed(frame(b'{"a":"\xd6\xd0","b":1}')) == [
        {"a": "\ufffd\ufffd", "b": 1}
    ]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("89860012345678901234", "89860012345678901234"),
        ("-89860012345678901234", "-89860012345678901234"),
        ("1234567890123456789", 1234567890123456789),
        ("9" * 5_000, None),
        ("1e400", "1e400"),
        ("Infinity", None),
        ('"\\ud83d"', "\ufffd"),
        ("0.1", 0.1),
    ],
)
def test_values_that_orjson_does_not_read(value: str, expected: object) -> None:
    """They cost no frame, and no digit that anybody could read."""
    body = f'{{"a":{value},"b":1}}'.encode()
    assert FrameDecoder().feed(frame(body)) == [{"a": expected, "b": 1}]


@pytest.mark.parametrize("size", [1110, 5120, 16 * 1024])
def test_long_frames(size: int) -> None:
    """OBD frames of real trackers have 1110 bytes; what others stumbled over is read."""
    rows: dict[str, object] = {f"obd.k{number}": None for number in range(50)}
    body = {"topic": "v1/VF3102021111601/obd/info", "payload": rows, "filler": ""}
    rest = size - len(json.dumps(body, separators=(",", ":")))
    body["filler"] = "x" * rest
    data = json.dumps(body, separators=(",", ":")).encode()
    assert len(data) == size
    sent = frame(data)
    for cut in range(0, len(sent), 97):
        assert feed_in_pieces(sent + frame(GOOD), [cut]) == [body, json.loads(GOOD)]


def test_the_longest_frame() -> None:
    """64 KiB of JSON are read; more is dropped without being held."""
    longest = b'{"a":"' + b"x" * (LONGEST_JSON - 8) + b'"}'
    decoder = FrameDecoder()
    assert len(decoder.feed(frame(longest))) == 1
    overlong = b'{"a":"' + b"x" * (LONGEST_JSON - 7) + b'"}'
    for data in (frame(overlong), frame(overlong)[:100_000]):
        messages = []
        for start in range(0, len(data), 1000):
            messages += decoder.feed(data[start : start + 1000])
        assert messages == []
    assert decoder.overlong == 2
    assert decoder.feed(frame(GOOD)) == [json.loads(GOOD)]
    with pytest.raises(ValueError, match="too long"):
        encode({"a": "x" * LONGEST_JSON})
    with pytest.raises(ValueError, match="JSON compliant"):
        encode({"a": float("nan")})


def test_an_endless_line_is_not_held() -> None:
    """100 MB without an end cost time, but no memory, and the next frame is found."""
    decoder = FrameDecoder()
    decoder.feed(b'${"a":"')
    line = b"x" * 1_000_000
    for _ in range(100):
        decoder.feed(line)
        assert len(decoder._buffer) <= 2 * LONGEST_JSON
    assert decoder.feed(frame(GOOD)) == [json.loads(GOOD)]


@pytest.mark.parametrize(
    "piece",
    [
        *(b"$", b"${", b'"', b"\\", b"{", b"}", b'${"', b'${"$', b'${"\\"', b'${"a":"'),
        *(b"${}", b"${}ab\r\n", b'${"":""', b'"${"}', frame(b"{}")[:-1]),
    ],
)
def test_no_byte_is_looked_at_often(
    piece: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The work grows with the bytes, whatever they are and however they come."""
    looked_at = 0
    follow, of = FrameDecoder._next_mark, Checksum.of

    def counted_mark(decoder: FrameDecoder) -> int:
        nonlocal looked_at
        looked_at += 1
        return follow(decoder)

    def counted_checksum(checksum: Checksum, data: bytes) -> bytes:
        nonlocal looked_at
        looked_at += len(data)
        return of(checksum, data)

    monkeypatch.setattr(FrameDecoder, "_next_mark", counted_mark)
    monkeypatch.setattr(Checksum, "of", counted_checksum)
    data = piece * (20_000 // len(piece))
    for size in (1, 7, len(data)):
        decoder = FrameDecoder()
        looked_at = 0
        for start in range(0, len(data), size):
            decoder.feed(data[start : start + size])
            assert len(decoder._candidates) <= 2
        assert looked_at <= 8 * len(data)


@pytest.mark.parametrize(
    ("checksum", "options"),
    [
        (Checksum.LOW_BYTE_FIRST, {"order": "little"}),
        (Checksum.NOT_REFLECTED, {"reflected": False}),
    ],
)
def test_a_peer_with_another_checksum(
    checksum: Checksum, options: dict[str, object]
) -> None:
    """The third frame in a row shows how the peer computes, and no frame is lost."""
    reflected = options.get("reflected") is not False
    order = str(options.get("order", "big"))
    decoder = FrameDecoder()
    bodies = [b'{"n":%d}' % number for number in range(5)]
    found = [
        [
            message["n"]
            for message in decoder.feed(frame(body, reflected=reflected, order=order))
        ]
        for body in bodies
    ]
    assert found == [[], [], [0, 1, 2], [3], [4]]
    assert decoder.checksum is checksum
    assert (decoder.wrong, decoder.skipped) == (0, 0)
    # From then on the document's is the other one, and can be returned to.
    found = [[message["n"] for message in decoder.feed(frame(body))] for body in bodies]
    assert found == [[], [], [0, 1, 2], [3], [4]]
    assert decoder.checksum is Checksum.DOCUMENTED


@pytest.mark.parametrize("of_both_kinds", [True, False])
def test_an_accident_is_no_habit(of_both_kinds: bool) -> None:
    """Single frames with another checksum are dropped, however many come in all."""
    decoder = FrameDecoder()
    for number in (0, 1, 2, 3, 5, 6):  # {"n":4} has a checksum of two equal bytes
        body = b'{"n":%d}' % number
        assert decoder.feed(frame(body, order="little")) == []
        if of_both_kinds:
            assert decoder.feed(frame(body, reflected=False)) == []
        assert decoder.feed(frame(body)) == [{"n": number}]
    assert decoder.checksum is Checksum.DOCUMENTED
    assert decoder.wrong == (12 if of_both_kinds else 6)


def test_both_orders_at_once() -> None:
    """A checksum of two equal bytes fits both orders and interrupts neither."""
    both = with_checksum(0x4141)
    decoder = FrameDecoder()
    bodies = [b'{"n":%d}' % number for number in range(3)]
    assert decoder.feed(frame(bodies[0], order="little")) == []
    assert decoder.feed(frame(both)) == [json.loads(both)]
    assert decoder.feed(frame(bodies[1], order="little")) == []
    assert len(decoder.feed(frame(bodies[2], order="little"))) == 3
    assert decoder.checksum is Checksum.LOW_BYTE_FIRST
