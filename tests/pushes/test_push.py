"""The doors for pushes: accepted requests, and the answers to all others."""

from __future__ import annotations

import asyncio
import hmac
from http import HTTPStatus
import json
import sys
from unittest.mock import Mock
from urllib.parse import parse_qsl
import zlib

from aiohttp.test_utils import TestClient
from aiohttp.web import Application, Request
from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import SOURCE_IGNORE, ConfigEntryDisabler
from homeassistant.core import HomeAssistant
from homeassistant.core_config import async_process_ha_core_config
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator
from yarl import URL

from custom_components.fleet_tracker.const import CONF_PUSH_AT_ROOT, DOMAIN
from custom_components.fleet_tracker.pushes import door as push_module
from custom_components.fleet_tracker.pushes.body import (
    BODY_WITHIN_S,
    LARGEST_BODY,
    MOST_HALF_SENT,
    BodyRefused,
    _as_utf8,
    _boundary,
    _form_of,
)
from custom_components.fleet_tracker.pushes.door import push_url
from tests.common import SECRET, START, cloud_entry, listener_entry, set_up, state_of
from tests.neutral_vendor import ROOT_PATH, Cloud, Clouds, told
from tests.turns import turns

type Door = TestClient[Request, Application]

DOOR = f"/api/{DOMAIN}/push"
NEWS = json.dumps({"vehicle": "1", "battery": 42})


@pytest.fixture
def cloud(clouds: Clouds, freezer: FrozenDateTimeFactory) -> Cloud:
    """Return the cloud of one account, with a vehicle."""
    freezer.move_to(START)
    cloud = clouds["acme"]
    cloud.tell(told("1", START, name="Van", battery=80))
    return cloud


@pytest.fixture
async def door(
    hass: HomeAssistant, cloud: Cloud, hass_client_no_auth: ClientSessionGenerator
) -> Door:
    """Return a client of an account's door."""
    await set_up(hass, cloud_entry())
    client: Door = await hass_client_no_auth()
    return client


async def test_push_through_the_door(
    hass: HomeAssistant, cloud: Cloud, door: Door
) -> None:
    """Whoever knows the secret is heard, and answered by the vendor."""
    response = await door.post(
        f"{DOOR}/{SECRET}/pushgps?x=1",
        data=NEWS,
        headers={"Content-Type": "application/json; charset=utf-8"},
    )
    assert response.status == HTTPStatus.OK
    assert await response.json() == {"code": 0}
    assert state_of(hass, "sensor", "battery").state == "42"
    (request,) = cloud.pushes
    assert request.method == "POST"
    assert request.path == "/pushgps"
    assert request.content_type == "application/json"
    assert request.body == NEWS.encode()
    assert request.remote == "127.0.0.1"
    assert not request.at_root


async def test_byte_order_mark_is_no_part_of_a_body(cloud: Cloud, door: Door) -> None:
    """No vendor has to know that some write it before their JSON."""
    response = await door.post(
        f"{DOOR}/{SECRET}/pushgps", data=b"\xef\xbb\xbf" + NEWS.encode()
    )
    assert response.status == HTTPStatus.OK
    assert cloud.pushes[0].body == NEWS.encode()


@pytest.mark.parametrize(
    ("suffix", "path"),
    [("", ""), ("/", "/"), ("/a/b", "/a/b"), ("/a%20b", "/a b")],
)
async def test_paths_behind_the_secret(
    cloud: Cloud, door: Door, suffix: str, path: str
) -> None:
    """They are the vendor's business, and an empty probe is one too."""
    response = await door.get(f"{DOOR}/{SECRET}{suffix}")
    assert response.status == HTTPStatus.OK
    assert await response.read() == b""
    assert [(one.method, one.path) for one in cloud.pushes] == [("GET", path)]


@pytest.mark.parametrize(
    "path",
    [
        f"{DOOR}/wrong",
        f"{DOOR}/{SECRET[:-1]}",
        f"{DOOR}/{SECRET}x",
        f"{DOOR}/{SECRET.upper()}",
        f"{DOOR}/%00",
        f"{DOOR}/%FF%FE",
        f"{DOOR}/%F0%9F%9A%97",
        f"{DOOR}/",
        DOOR,
        f"{DOOR}//pushgps",
    ],
)
async def test_wrong_secret_is_an_unknown_path(
    hass: HomeAssistant, cloud: Cloud, door: Door, path: str
) -> None:
    """Never 401, for which Home Assistant would ban the vendor's address."""
    for method in ("get", "post"):
        response = await getattr(door, method)(path)
        assert response.status == HTTPStatus.NOT_FOUND
    assert cloud.pushes == []


@pytest.mark.parametrize(
    "status",
    [HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.BAD_REQUEST],
)
async def test_refusal_of_the_vendor(
    cloud: Cloud, door: Door, status: HTTPStatus
) -> None:
    """A wrong signature or token is told as the vendor's connection wants it."""
    cloud.push_status = status
    response = await door.post(f"{DOOR}/{SECRET}/x", data=NEWS)
    assert response.status == status


async def test_other_methods_are_not_allowed(door: Door) -> None:
    """Nobody needs them."""
    for method in ("put", "delete", "patch"):
        response = await getattr(door, method)(f"{DOOR}/{SECRET}")
        assert response.status == HTTPStatus.METHOD_NOT_ALLOWED


async def test_body_that_is_too_large(cloud: Cloud, door: Door) -> None:
    """It is refused before all of it was read; one of the right size is not."""
    response = await door.post(f"{DOOR}/{SECRET}", data=b" " * (LARGEST_BODY + 1))
    assert response.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert cloud.pushes == []
    news = NEWS.encode()
    response = await door.post(
        f"{DOOR}/{SECRET}", data=news + b" " * (LARGEST_BODY - len(news))
    )
    assert response.status == HTTPStatus.OK


async def test_entry_that_is_not_loaded(
    hass: HomeAssistant, cloud: Cloud, door: Door
) -> None:
    """The vendor may try again later; and when it is gone for good, need not."""
    entry = hass.config_entries.async_entries(DOMAIN)[0]
    await hass.config_entries.async_set_disabled_by(
        entry.entry_id, ConfigEntryDisabler.USER
    )
    response = await door.post(f"{DOOR}/{SECRET}", data=NEWS)
    assert response.status == HTTPStatus.SERVICE_UNAVAILABLE
    await hass.config_entries.async_remove(entry.entry_id)
    response = await door.post(f"{DOOR}/{SECRET}", data=NEWS)
    assert response.status == HTTPStatus.NOT_FOUND
    assert cloud.pushes == []


async def test_secret_opens_its_own_account_only(
    hass: HomeAssistant, clouds: Clouds, cloud: Cloud, door: Door
) -> None:
    """Others hear nothing, whether they have a secret, none, or are ignored."""
    await set_up(hass, cloud_entry("beta"))
    await set_up(hass, listener_entry("port"))
    MockConfigEntry(domain=DOMAIN, source=SOURCE_IGNORE, unique_id="x").add_to_hass(
        hass
    )
    response = await door.post(f"{DOOR}/secret-of-beta", data=NEWS)
    assert response.status == HTTPStatus.OK
    assert len(clouds["beta"].pushes) == 1
    assert cloud.pushes == clouds["port"].pushes == []


async def test_secrets_are_compared_in_constant_time(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How long a wrong one takes must not tell how much of it was right."""
    compared: list[tuple[bytes, bytes]] = []

    class Watched:
        @staticmethod
        def compare_digest(one: bytes, other: bytes) -> bool:
            compared.append((one, other))
            return hmac.compare_digest(one, other)

    monkeypatch.setattr(push_module, "hmac", Watched)
    await door.post(f"{DOOR}/wrong", data=NEWS)
    assert compared == [(SECRET.encode(), b"wrong")]


async def test_root_path_is_closed_until_the_user_opens_it(
    hass: HomeAssistant, cloud: Cloud, door: Door
) -> None:
    """Then pushes come in there too, and the connection knows where they came in."""
    for method in ("get", "post"):
        response = await getattr(door, method)(ROOT_PATH, data=NEWS)
        assert response.status == HTTPStatus.NOT_FOUND
    assert cloud.pushes == []
    entry = hass.config_entries.async_entries(DOMAIN)[0]
    hass.config_entries.async_update_entry(entry, options={CONF_PUSH_AT_ROOT: True})
    await hass.async_block_till_done()
    response = await door.post(ROOT_PATH, data=NEWS)
    assert response.status == HTTPStatus.OK
    assert state_of(hass, "sensor", "battery").state == "42"
    response = await door.get(ROOT_PATH)
    assert response.status == HTTPStatus.OK
    assert [(one.method, one.at_root, one.path) for one in cloud.pushes] == [
        ("POST", True, ROOT_PATH),
        ("GET", True, ROOT_PATH),
    ]


async def test_root_path_finds_the_account(
    hass: HomeAssistant, clouds: Clouds, cloud: Cloud, door: Door
) -> None:
    """Those that do not know the push pass it on; none knows it: 404."""
    acme = hass.config_entries.async_entries(DOMAIN)[0]
    hass.config_entries.async_update_entry(acme, options={CONF_PUSH_AT_ROOT: True})
    await hass.async_block_till_done()
    beta = cloud_entry("beta", options={CONF_PUSH_AT_ROOT: True})
    await set_up(hass, beta)
    MockConfigEntry(domain=DOMAIN, source=SOURCE_IGNORE, unique_id="x").add_to_hass(
        hass
    )
    response = await door.post(ROOT_PATH, data=NEWS)
    assert response.status == HTTPStatus.OK
    assert (len(cloud.pushes), len(clouds["beta"].pushes)) == (1, 0)
    cloud.push_status = HTTPStatus.NOT_FOUND
    response = await door.post(ROOT_PATH, data=NEWS)
    assert response.status == HTTPStatus.OK
    assert (len(cloud.pushes), len(clouds["beta"].pushes)) == (2, 1)

    clouds["beta"].push_status = HTTPStatus.NOT_FOUND
    response = await door.post(ROOT_PATH, data=NEWS)
    assert response.status == HTTPStatus.NOT_FOUND
    # It may be that of the one that is not loaded.
    await hass.config_entries.async_unload(beta.entry_id)
    response = await door.post(ROOT_PATH, data=NEWS)
    assert response.status == HTTPStatus.SERVICE_UNAVAILABLE


async def test_url_to_push_to(hass: HomeAssistant) -> None:
    """It is one that the vendor can reach, or none at all."""
    await async_process_ha_core_config(hass, {"internal_url": "http://192.168.1.2"})
    assert push_url(hass, "s") is None
    await async_process_ha_core_config(hass, {"external_url": "https://example.org"})
    assert push_url(hass, "s") == f"https://example.org{DOOR}/s"
    # Servers need no name, whatever the certificate of Home Assistant says.
    hass.config.api = Mock(use_ssl=True)
    await async_process_ha_core_config(hass, {"external_url": "https://203.0.113.5"})
    assert push_url(hass, "s") == f"https://203.0.113.5{DOOR}/s"


async def test_url_of_remote_access(
    hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It serves where there is no other."""
    cloud = Mock(async_remote_ui_url=Mock(return_value="https://remote.example.org"))
    monkeypatch.setitem(sys.modules, "homeassistant.components.cloud", cloud)
    hass.config.components.add("cloud")
    assert push_url(hass, "s") == f"https://remote.example.org{DOOR}/s"


type Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def half_a_push(door: Door) -> Line:
    """Return a connection by which half of a push was sent."""
    reader, writer = await asyncio.open_connection(door.host, door.port)
    writer.write(
        f"POST {DOOR}/{SECRET} HTTP/1.1\r\nHost: x\r\n"
        "Content-Length: 1000\r\n\r\nhalf".encode()
    )
    await writer.drain()
    return reader, writer


async def test_half_sent_pushes_keep_no_other_out(
    cloud: Cloud, door: Door, freezer: FrozenDateTimeFactory
) -> None:
    """The first are given up for those that come later, the others after 20 s."""
    lines = [await half_a_push(door) for _ in range(100)]
    await turns()
    response = await door.post(f"{DOOR}/{SECRET}", data=NEWS)
    assert response.status == HTTPStatus.OK
    freezer.tick(BODY_WITHIN_S + 1)
    answers = [await reader.readline() for reader, _ in lines]
    assert answers.count(b"HTTP/1.1 408 Request Timeout\r\n") == MOST_HALF_SENT - 1
    assert answers.count(b"HTTP/1.1 503 Service Unavailable\r\n") == (
        100 - MOST_HALF_SENT + 1
    )
    for _, writer in lines:
        writer.close()
    assert len(cloud.pushes) == 1


async def test_push_as_a_multipart_form(cloud: Cloud, door: Door) -> None:
    """It is read as the form that it stands for."""
    body = (
        b'--x y\r\nContent-Disposition: form-data; name="a b"\r\n\r\n1&2'
        b"\r\n--x y\r\nContent-Type: text/plain; charset=utf-8\r\n"
        b"Content-Disposition: form-data; name=b\r\n\r\n\xc3\xbc\r\n--x y--\r\n"
    )
    await door.post(
        f"{DOOR}/{SECRET}/pushgps",
        data=body,
        headers={"Content-Type": 'multipart/form-data; boundary="x y"'},
    )
    push = cloud.pushes[-1]
    assert push.content_type == "application/x-www-form-urlencoded"
    assert parse_qsl(push.body.decode()) == [("a b", "1&2"), ("b", "\u00fc")]


async def test_push_in_the_address(cloud: Cloud, door: Door) -> None:
    """Fields of a request without a body are read: as a probe they would be lost."""
    query = "token=t&data_list=%5B%7B%22a%22%3A1%7D%5D"
    for ask in (door.post, door.get):
        await ask(URL(f"{DOOR}/{SECRET}/pushgps?{query}", encoded=True))
        push = cloud.pushes[-1]
        assert push.content_type == "application/x-www-form-urlencoded"
        assert push.body.decode() == query
    await door.get(f"{DOOR}/{SECRET}/pushgps")
    assert cloud.pushes[-1].body == b""


@pytest.mark.parametrize(
    ("sent", "charset", "read"),
    [
        ("W\u00fcrth".encode("latin-1"), "latin-1", "W\u00fcrth"),
        ("\u8f66".encode("gbk"), "GBK", "\u8f66"),
        ("\u8f66".encode("utf-16"), None, "\u8f66"),
        ("\ufeff\u8f66".encode("utf-16-be"), "utf-16", "\u8f66"),
        ("\ufeff\u8f66".encode(), "utf-8", "\u8f66"),
        (b"\xff1", "ascii", "\ufffd1"),
        ("\u8f66".encode(), "latin-1", "\u8f66"),
        (b"[1]", "utf-16", "[1]"),
        ("[1]".encode("utf-16-le"), "utf-16-le", "[1]"),
        ("\u8f66".encode(), "nonsense", "\u8f66"),
        (zlib.compress(b"x" * 10_000), "zlib", None),
        (b"x", "\x00", "x"),
    ],
)
def test_texts_become_utf8(sent: bytes, charset: str | None, read: str | None) -> None:
    """Whatever encoding a sender names, and by its mark where it names none."""
    assert _as_utf8(sent, charset) == (sent if read is None else read.encode())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--x",
        b"--x\r\n\r\n1",
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1',
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x\r\n',
        b"--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--",
        b"--x\r\n" * 1000,
    ],
)
def test_half_a_multipart_form(body: bytes) -> None:
    """It is refused, never answered with success and dropped."""
    with pytest.raises(BodyRefused):
        _form_of(body, _boundary("multipart/form-data; boundary=x"))


def test_multipart_form_without_a_boundary() -> None:
    """Nobody can tell its parts."""
    with pytest.raises(BodyRefused):
        _boundary("multipart/form-data")
