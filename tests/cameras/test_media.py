"""Photos and the media browser, with a vendor that exists only in tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus

from aiohttp import web
from aiohttp.test_utils import TestServer
from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.media_player import BrowseError
from homeassistant.components.media_source import (
    DOMAIN as MEDIA_SOURCE,
    async_browse_media,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockUser
from pytest_homeassistant_custom_component.typing import (
    ClientSessionGenerator,
    WebSocketGenerator,
)

from custom_components.fleet_tracker.contract.errors import CannotConnect
from custom_components.fleet_tracker.contract.media import MediaFile
from custom_components.fleet_tracker.model.vehicle import Reading
from tests.common import (
    START,
    device_of,
    filming_entry,
    set_up,
    set_up_component,
    state_of,
)
from tests.neutral_vendor import Cloud, Clouds, told

pytestmark = pytest.mark.freeze_time(START)

PHOTO = b"\xff\xd8 a photo"
ROOT = "media-source://fleet_tracker"


@pytest.fixture(name="address")
async def photo_server(socket_enabled: None) -> AsyncIterator[str]:
    """Return the address of a photo."""

    async def photo(_request: web.Request) -> web.Response:
        return web.Response(body=PHOTO)

    app = web.Application()
    app.router.add_get("/photo", photo)
    async with TestServer(app) as server:
        yield str(server.make_url("/photo"))


@pytest.fixture(name="cloud")
def filming_cloud(clouds: Clouds, address: str) -> Cloud:
    """Return a cloud with a vehicle that has a camera, and one that has none."""
    cloud = clouds["film"]
    taken = MediaFile(
        url=address, mime_type="image/jpeg", created_at=START, camera=1, name="Door"
    )
    alarm = replace(taken, camera=None, mime_type="video/mp4", name="Shock")
    cloud.tell(told("1", START, {Reading.PHOTO_TAKEN: START}), told("2", START))
    cloud.photos["1"] = taken
    cloud.files["1"] = (taken, alarm)
    return cloud


async def test_newest_photo(
    hass: HomeAssistant, cloud: Cloud, hass_client_no_auth: ClientSessionGenerator
) -> None:
    """The image entity shows the photo; without one the picture that stands in."""
    await set_up(hass, filming_entry())
    client = await hass_client_no_auth()
    picture = state_of(hass, "image", "photo_taken").attributes["entity_picture"]
    answer = await client.get(picture)
    assert (answer.status, await answer.read()) == (HTTPStatus.OK, PHOTO)
    cloud.media_error = CannotConnect()
    cloud.photos.clear()
    answer = await client.get(picture)
    assert answer.status == HTTPStatus.OK
    assert await answer.read() != PHOTO


async def test_browsing(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> None:
    """Only vehicles with cameras are there, each with a folder per camera and of alarms."""
    await set_up_component(hass, MEDIA_SOURCE)
    coordinator = await set_up(hass, filming_entry())
    device = device_of(hass, coordinator, "1")
    assert device is not None
    root = await async_browse_media(hass, ROOT)
    assert [one.media_content_id for one in root.children or ()] == [
        f"{ROOT}/{device.id}"
    ]
    folders = await async_browse_media(hass, f"{ROOT}/{device.id}")
    assert [one.title for one in folders.children or ()] == ["Camera 1", "Alarms"]
    for folder, kind in (("1", "image"), ("alarms", "video")):
        day = f"{ROOT}/{device.id}/{folder}/{START.date().isoformat()}"
        files = await async_browse_media(hass, day)
        (file,) = files.children or ()
        assert file.media_content_type.startswith(kind)
        before = day.replace(
            START.date().isoformat(), (START - timedelta(days=1)).date().isoformat()
        )
        assert not (await async_browse_media(hass, before)).children
    cloud.media_error = CannotConnect()
    with pytest.raises(BrowseError, match="reached"):
        await async_browse_media(hass, day)


@pytest.mark.parametrize("may_read", [True, False])
async def test_user_without_rights(
    hass: HomeAssistant,
    cloud: Cloud,
    hass_client: ClientSessionGenerator,
    hass_ws_client: WebSocketGenerator,
    hass_admin_user: MockUser,
    may_read: bool,
) -> None:
    """For a user who may not read a vehicle's tracker, its camera and files are not there."""
    await set_up_component(hass, MEDIA_SOURCE)
    coordinator = await set_up(hass, filming_entry())
    device = device_of(hass, coordinator, "1")
    assert device is not None
    folder = f"{device.id}/1/{START.date().isoformat()}"
    (file,) = (await async_browse_media(hass, f"{ROOT}/{folder}")).children or ()
    name = file.media_content_id.removeprefix(f"{ROOT}/")
    trackers = {
        one.entity_id: {"read": may_read}
        for one in er.async_entries_for_device(er.async_get(hass), device.id)
        if one.domain == "device_tracker"
    }
    hass_admin_user.groups = []
    hass_admin_user.mock_policy({"entities": {"entity_ids": trackers}})

    browser = await hass_ws_client()
    client = await hass_client()
    answer = await client.get(f"/api/fleet_tracker/media/{name}")
    assert answer.status == (HTTPStatus.OK if may_read else HTTPStatus.NOT_FOUND)
    asked = []
    for command, place in (
        ("media_source/browse_media", ROOT),
        ("media_source/browse_media", f"{ROOT}/{folder}"),
        ("media_source/resolve_media", file.media_content_id),
    ):
        await browser.send_json_auto_id({"type": command, "media_content_id": place})
        asked.append(await browser.receive_json())
    root, opened, resolved = asked
    assert len(root["result"]["children"]) == int(may_read)
    assert opened["success"] is may_read
    assert resolved["success"] is may_read
