"""How polled vendors are asked: whatever a server does, an error that is known, in time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
import gzip
from ipaddress import IPv4Address
import json
from pathlib import Path
import socket
import ssl
import tracemalloc
import zlib

import aiohttp
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, strategies as st
import pytest

from custom_components.fleet_tracker.contract.errors import (
    CommandWithdrawn,
    InvalidAnswer,
    RateLimited,
    VendorError,
)
from custom_components.fleet_tracker.transport import http_client
from custom_components.fleet_tracker.transport.http_client import (
    DEEPEST_JSON,
    HttpAnswer,
    HttpClient,
    NoAnswer,
    Redirected,
    Unreachable,
    _read_carefully,
    read_json,
    retry_after,
)
from tests.idle_clock import IdleClock
from tests.simulators.raw_http import (
    HANG,
    RESET,
    Part,
    RawRequest,
    RawServer,
    bomb,
    http,
)
from tests.vendors.fake_host import Cleared

NOW = datetime(2025, 10, 9, 9, 0, tzinfo=UTC)
GOOD = b'{"code": 0}'
LARGE = http_client.LARGEST_ANSWER
MANY_EMPTY_FILES = gzip.compress(b"", mtime=0) * 10_000


def bare_deflate(data: bytes) -> bytes:
    """Return data in the format that some servers send by mistake."""
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


@pytest.fixture
async def session(
    socket_enabled: None, idle_clock: IdleClock
) -> AsyncIterator[aiohttp.ClientSession]:
    """Return a session that believes every certificate; its limits pass at once."""
    connector = aiohttp.TCPConnector(ssl=False)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield session


def passed_since(began: float) -> int:
    """Return how many seconds of the event loop's time have passed."""
    return round(asyncio.get_running_loop().time() - began)


async def answered(session: aiohttp.ClientSession, *parts: Part) -> HttpAnswer:
    """Return what comes of an answer of these bytes."""
    async with RawServer(lambda _: parts) as server:
        return await HttpClient(session).ask("GET", server.url)


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("identity", GOOD),
        ("gzip", gzip.compress(GOOD, mtime=0)),
        ("X-GZIP", gzip.compress(GOOD, mtime=0)),
        ("gzip", gzip.compress(GOOD[:4], mtime=0) + gzip.compress(GOOD[4:], mtime=0)),
        ("gzip", gzip.compress(GOOD, mtime=0) + bytes(8)),
        ("deflate", zlib.compress(GOOD)),
        ("deflate", bare_deflate(GOOD)),
    ],
)
async def test_answers_are_decompressed(
    session: aiohttp.ClientSession, encoding: str, body: bytes
) -> None:
    """By the encodings that are asked for, in the forms that servers send."""
    answer = await answered(session, http(body, Content_Encoding=encoding))
    assert (answer.status, read_json(answer.body)) == (200, {"code": 0})


@pytest.mark.parametrize("status", [200, 204, 401, 403, 404, 500, 502, 503])
async def test_statuses_are_left_to_the_vendor(
    session: aiohttp.ClientSession, status: int
) -> None:
    """The helper returns it with the body, which may say more."""
    body = b"" if status == 204 else GOOD
    answer = await answered(session, http(body, status=status))
    assert (answer.status, answer.body) == (status, body)


@pytest.mark.parametrize(
    ("parts", "error"),
    [
        ([http(bytes(LARGE + 1))], InvalidAnswer),
        ([http(bomb(), Content_Encoding="gzip")], InvalidAnswer),
        ([http(MANY_EMPTY_FILES, Content_Encoding="gzip")], InvalidAnswer),
        (
            [http(gzip.compress(GOOD, mtime=0)[:-9], Content_Encoding="gzip")],
            InvalidAnswer,
        ),
        ([http(zlib.compress(GOOD)[:-5], Content_Encoding="deflate")], InvalidAnswer),
        ([http(GOOD, Content_Encoding="gzip")], InvalidAnswer),
        ([http(GOOD, Content_Encoding="br")], InvalidAnswer),
        (
            [http(gzip.compress(GOOD, mtime=0), Content_Encoding="gzip, gzip")],
            InvalidAnswer,
        ),
        ([http(GOOD, length=100), RESET], NoAnswer),
        ([http(GOOD, length=100), HANG], NoAnswer),
        ([http(b"", length=100), HANG], NoAnswer),
        ([b"HTTP/1.1 200 OK\r\nContent-", HANG], NoAnswer),
        ([HANG], NoAnswer),
        ([RESET], NoAnswer),
        ([b"SSH-2.0-OpenSSH_9.9\r\n"], NoAnswer),
        ([http(GOOD, X_Long="x" * 100_000)], NoAnswer),
    ],
    ids=lambda value: None if isinstance(value, list) else value.__name__,
)
async def test_bad_answers(
    session: aiohttp.ClientSession, parts: list[Part], error: type[VendorError]
) -> None:
    """Each is an error of the contract, which tells nothing of the address."""
    with pytest.raises(VendorError) as caught:
        await answered(session, *parts)
    assert type(caught.value) is error
    assert "127.0.0.1" not in str(caught.value)
    assert caught.value.__cause__ is None


async def test_a_bomb_takes_no_memory(session: aiohttp.ClientSession) -> None:
    """64 KB that would become 64 MB are given up after the 8 MiB that an answer may have."""
    explosive = http(bomb(), Content_Encoding="gzip")
    assert len(explosive) < 80_000
    tracemalloc.start()
    with pytest.raises(InvalidAnswer):
        await answered(session, explosive)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * LARGE


async def test_drops_do_not_keep_an_answer_open(
    session: aiohttp.ClientSession,
) -> None:
    """A byte now and then is progress, but not for ever."""
    dripping = True
    ended = asyncio.Event()

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(http(length=10_000))
        while dripping:
            writer.write(b" ")
            await asyncio.sleep(http_client.SILENCE_S / 2)
        writer.close()
        ended.set()

    async with await asyncio.start_server(drip, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        began = asyncio.get_running_loop().time()
        with pytest.raises(NoAnswer):
            await HttpClient(session).ask("GET", f"http://127.0.0.1:{port}")
        assert passed_since(began) == http_client.WHOLE_BODY_S
        dripping = False
        await ended.wait()


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1", "", "nowhere", "ftp://127.0.0.1", "http://[::1"]
)
async def test_nothing_was_sent(session: aiohttp.ClientSession, url: str) -> None:
    """Where there is no server, or no address."""
    with pytest.raises(Unreachable):
        await HttpClient(session).ask("GET", url)


async def test_header_with_a_line_break_is_not_sent(
    session: aiohttp.ClientSession,
) -> None:
    """A token with a line break would be a header of its own."""
    with pytest.raises(Unreachable):
        await HttpClient(session).ask(
            "GET", "http://127.0.0.1:1", headers={"Authorization": "a\r\nb: c"}
        )


async def test_connecting_has_a_time_of_its_own(
    session: aiohttp.ClientSession,
) -> None:
    """Who never shakes hands was sent nothing, however long an answer may take."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        began = asyncio.get_running_loop().time()
        with pytest.raises(Unreachable):
            await HttpClient(session).ask(
                "POST", f"https://127.0.0.1:{port}", connect_within=3
            )
        assert passed_since(began) == 3


async def test_commands_connect_quickly_or_not_at_all(
    session: aiohttp.ClientSession,
) -> None:
    """They must not go out when nobody expects them any more."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        began = asyncio.get_running_loop().time()
        with pytest.raises(Unreachable):
            await HttpClient(session).ask("POST", url, is_command=True)
        assert passed_since(began) == 5


# --- redirects ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """Return what makes a server one of https."""
    folder: Path = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=36_500))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    (folder / "key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    (folder / "certificate").write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "certificate", folder / "key")
    return context


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_the_same_host_by_https_is_followed_once(
    session: aiohttp.ClientSession, tls: ssl.SSLContext, status: int
) -> None:
    """With method, body and parameters as they were, asking who minds each time."""
    clearance = Cleared()
    async with RawServer(lambda _: (http(GOOD),), tls=tls) as secure:

        def redirect(request: RawRequest) -> tuple[Part, ...]:
            target = f"{secure.url}{request.target}"
            return (http(status=status, Location=target),)

        async with RawServer(redirect) as plain:
            answer = await HttpClient(session).ask(
                "POST",
                f"{plain.url}/api",
                params={"a": "1"},
                form={"b": "2"},
                clearance=clearance,
            )
    assert answer.body == GOOD
    [request] = secure.requests
    assert (request.method, request.target, request.body) == (
        "POST",
        "/api?a=1",
        b"b=2",
    )
    # Before each request, and again where its bytes leave.
    assert clearance.checks == 4


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("/api", "127.0.0.1"),
        ("http://127.0.0.1/", "127.0.0.1"),
        ("https://elsewhere.example/api", "elsewhere.example"),
        ("http://elsewhere.example/api", "elsewhere.example"),
        ("ftp://127.0.0.1/", "127.0.0.1"),
    ],
)
async def test_other_redirects_are_named(
    session: aiohttp.ClientSession, location: str, host: str
) -> None:
    """Loops among them: one request each, never a GET in place of a POST."""
    async with RawServer(lambda _: (http(status=301, Location=location),)) as server:
        with pytest.raises(Redirected) as caught:
            await HttpClient(session).ask("POST", server.url, form={"a": "1"})
    assert caught.value.placeholders == {"host": host}
    assert len(server.requests) == 1


async def test_a_chain_of_redirects_ends(
    session: aiohttp.ClientSession, tls: ssl.SSLContext
) -> None:
    """Also where the second is one that would be followed as the first."""
    async with (
        RawServer(lambda _: (http(status=301, Location="/again"),), tls=tls) as secure,
        RawServer(lambda _: (http(status=301, Location=secure.url),)) as plain,
    ):
        with pytest.raises(Redirected):
            await HttpClient(session).ask("GET", plain.url)
    assert (len(plain.requests), len(secure.requests)) == (1, 1)


@pytest.mark.parametrize(
    "location", ["", "Location: http://[::1\r\n", "Location: http://xn--/\r\n"]
)
async def test_a_redirect_to_nowhere(
    session: aiohttp.ClientSession, location: str
) -> None:
    """It is no answer that a document knows."""
    answer = f"HTTP/1.1 302 Found\r\n{location}Content-Length: 0\r\n\r\n"
    with pytest.raises(InvalidAnswer):
        await answered(session, answer.encode())


@pytest.mark.parametrize(
    ("status", "error"),
    [(301, Redirected), (307, Redirected), (302, NoAnswer), (303, NoAnswer)],
)
async def test_commands_follow_no_redirect(
    session: aiohttp.ClientSession, status: int, error: type[VendorError]
) -> None:
    """Nor is it sure that they were not carried out, where one follows the deed."""
    async with RawServer(
        lambda _: (http(status=status, Location="https://127.0.0.1/"),)
    ) as server:
        with pytest.raises(error):
            await HttpClient(session).ask("POST", server.url, is_command=True)
    assert len(server.requests) == 1


@pytest.mark.parametrize("allowed", [0, 1])
async def test_clearance_that_is_refused(
    session: aiohttp.ClientSession, allowed: int
) -> None:
    """Before the session is asked, or when it has connected: no byte is sent."""
    clearance = Cleared(allowed=allowed)
    async with RawServer(lambda _: (http(GOOD),)) as server:
        with pytest.raises(CommandWithdrawn):
            await HttpClient(session).ask("POST", server.url, clearance=clearance)
    assert not server.requests
    assert clearance.checks == allowed + 1


async def test_closed_client_asks_nothing(session: aiohttp.ClientSession) -> None:
    """Whoever goes on in the background comes too late."""
    client = HttpClient(session)
    async with RawServer(lambda _: (http(GOOD),)) as server:
        await client.ask("GET", server.url)
        client.close()
        with pytest.raises(Unreachable):
            await client.ask("GET", server.url)
    assert len(server.requests) == 1


# --- too often ------------------------------------------------------------------------------

S = timedelta(seconds=1)
MOST = timedelta(minutes=15)


@pytest.mark.parametrize(
    ("told", "wait"),
    [
        ("30", 30 * S),
        (" 30 ", 30 * S),
        ("1.5", 1.5 * S),
        ("0", S),
        ("-5", S),
        ("900", MOST),
        ("86400", MOST),
        ("99999999999999", MOST),
        ("9" * 400, MOST),
        ("1e400", MOST),
        ("nan", None),
        ("soon", None),
        ("", None),
        (format_datetime(NOW + timedelta(minutes=2), usegmt=True), 120 * S),
        (format_datetime(NOW - timedelta(days=2), usegmt=True), S),
        (format_datetime(NOW + timedelta(days=2), usegmt=True), MOST),
        ("Thu, 09 Oct 2025 11:01:00 +0200", 60 * S),
        ("Thu, 09 Oct 2025 09:01:00", 60 * S),
        ("Fri, 31 Dec 9999 23:59:59 -1400", None),
        ("Mon, 99 Foo 2025 99:99:99 GMT", None),
    ],
)
async def test_retry_after(
    session: aiohttp.ClientSession, told: str, wait: timedelta | None
) -> None:
    """Seconds or a date by the server's clock, from a second to a quarter of an hour."""
    date = format_datetime(NOW, usegmt=True)
    answer = http(b"slow down", status=429, Date=date, Retry_After=told)
    with pytest.raises(RateLimited) as caught:
        await answered(session, answer)
    assert caught.value.retry_after == wait


@given(st.text() | st.floats().map(str) | st.datetimes().map(format_datetime))
def test_any_retry_after(text: str) -> None:
    """It is bounded, or none."""
    wait = retry_after(text, NOW)
    assert wait is None or S <= wait <= MOST


async def test_statuses_that_mean_too_often(session: aiohttp.ClientSession) -> None:
    """429 is, whatever else it says; 503 only where it says when to come again."""
    with pytest.raises(RateLimited) as caught:
        await answered(session, http(status=429))
    assert caught.value.retry_after is None
    with pytest.raises(RateLimited):
        await answered(session, http(length=99, status=503, Retry_After="9"), HANG)
    assert (await answered(session, http(status=503))).status == 503


# --- JSON -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b'["caf\xe9"]', ["caf\N{REPLACEMENT CHARACTER}"]),
        (rb'["\ud83d\ude97"]', ["\N{AUTOMOBILE}"]),
        (rb'["a\ud83d", {"\udc00": 1}]', ["a\ufffd", {"\ufffd": 1}]),
        (b"[8986011234567890123456]", ["8986011234567890123456"]),
        (b"[9223372036854775807, 1e999]", [2**63 - 1, "1e999"]),
        (b"[NaN, Infinity, -Infinity]", [None, None, None]),
        (b"[" + b"9" * 100 + b", 1]", [None, 1]),
        (b"[" + b"9" * 10_000 + b", 1." + b"0" * 70 + b"]", [None, None]),
        (b"[1.5, 1e3, -7, true, null]", [1.5, 1000.0, -7, True, None]),
        (b"18446744073709551616", "18446744073709551616"),
        (b" [-18446744073709551616]", ["-18446744073709551616"]),
        (b'{"a" : 9223372036854775808}', {"a": "9223372036854775808"}),
        (b'["8986011234567890123456", 1]', ["8986011234567890123456", 1]),
        (b"[1.5E+0999]", ["1.5E+0999"]),
    ],
)
def test_json(body: bytes, value: object) -> None:
    """Texts are valid, and numbers such that they can be written again."""
    assert read_json(body) == value


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html></html>",
        b'{"a": [1',
        b"[" * 100 + b"]" * 100,
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b"\xff\xfe{\x00}\x00",
        b"\x00",
    ],
    ids=lambda body: repr(body[:20]),
)
def test_no_json(body: bytes) -> None:
    """The client raises InvalidAnswer for each, and nothing else."""
    with pytest.raises(InvalidAnswer):
        read_json(body)


_JSON_VALUES: st.SearchStrategy[object] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(2**65), 2**65)
    | st.floats()
    | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(_JSON_VALUES, st.booleans(), st.sampled_from([None, 1]))
def test_read_quickly_or_carefully(
    value: object, ascii_only: bool, indent: int | None
) -> None:
    """Orjson is only the quick way: what it reads is what the careful way reads."""
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    body = text.encode(errors="replace")
    assert repr(read_json(body)) == repr(_read_carefully(body.decode()))


def test_a_usual_answer_is_read_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """The careful way takes three times as long: it is for what orjson refuses."""
    monkeypatch.setattr(http_client, "_read_carefully", None)
    rows = [{"imei": "358511020000123", "iccid": "89860112345678901234", "lat": 22.57}]
    assert read_json(json.dumps({"record": rows}).encode()) == {"record": rows}


_NESTS = st.lists(
    st.sampled_from(
        ["[%s]", "[1,%s]", '{"a":%s}', "[{},%s]", '{"[]":[],"b":%s}', '["],{[{",%s]']
    ),
    min_size=50,
    max_size=80,
)


@given(_NESTS)
def test_depth_by_brackets(nests: list[str]) -> None:
    """What is too deep is refused, whichever brackets stand in it and in its texts."""
    text = "1"
    for nest in reversed(nests):
        text = nest.replace("%s", text)
    if len(nests) > DEEPEST_JSON:
        with pytest.raises(InvalidAnswer):
            read_json(text.encode())
    else:
        assert read_json(text.encode()) == json.loads(text)


def test_usual_depth_is_not_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The brackets of a list of flat records tell enough."""
    monkeypatch.setattr(http_client, "_check_depth", None)
    for record in (b'{"a":1,"b":[]}', b'{"a": 1, "b": [21.5, -3]}'):
        body = b'{"record":[' + b",".join([record] * 500) + b"]}"
        assert isinstance(read_json(body), dict)


@given(st.binary())
def test_any_bytes(body: bytes) -> None:
    """They are what can be written as JSON again, or an invalid answer."""
    try:
        value = read_json(body)
    except InvalidAnswer:
        return
    json.dumps(value, allow_nan=False).encode()
