"""Cameras: photos, live views, and the media browser."""

from __future__ import annotations

from http import HTTPStatus
from unittest.mock import AsyncMock, Mock

from homeassistant.components.camera import async_get_stream_source
from homeassistant.components.camera.helper import get_camera_from_entity_id
from homeassistant.components.image import DOMAIN as IMAGE
from homeassistant.components.media_player import BrowseError
from homeassistant.components.media_source import (
    DOMAIN as MEDIA_SOURCE,
    Unresolvable,
    async_browse_media,
    async_resolve_media,
)
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from tests.simulators.tracksolid.media import shoot

from .helpers import CAM
from .home import NOW, Home

pytestmark = pytest.mark.freeze_time(NOW)

LIVE = "jimi.device.media.live.stream"
CLOSE = "jimi.device.media.close.stream"
ROOT = "media-source://fleet_tracker"


@pytest.fixture
async def filming(home: Home) -> Home:
    """Return the account after the truck's cameras were found out about."""
    shoot(home.sim, home.sim.devices[CAM], 0)
    await home.elapse(3601)
    await home.poll(5)
    return home


async def test_photo_button_and_image(
    filming: Home, hass_client_no_auth: ClientSessionGenerator
) -> None:
    """Pressing the button takes a photo, which the image then shows."""
    home, truck = filming, filming.sim.devices[CAM]
    before = home.state(IMAGE, "photo_taken", CAM).state
    client = await hass_client_no_auth()
    await home.press("take_photo_1", CAM)
    assert len(truck.media) == 2
    for _ in range(8):
        await home.elapse(5)
    image = home.state(IMAGE, "photo_taken", CAM)
    assert image.state > before
    for _ in range(2):
        answer = await client.get(image.attributes["entity_picture"])
        assert answer.status == HTTPStatus.OK
        assert answer.content_type == "image/jpeg"
        assert await answer.read() == truck.media[-1].content


async def test_photo_that_cannot_be_had(
    filming: Home, hass_client_no_auth: ClientSessionGenerator
) -> None:
    """A file that is gone is no picture, and no error of ours."""
    image = filming.state(IMAGE, "photo_taken", CAM)
    filming.sim.devices[CAM].media.clear()
    client = await hass_client_no_auth()
    answer = await client.get(image.attributes["entity_picture"])
    assert answer.status == HTTPStatus.INTERNAL_SERVER_ERROR


async def test_photo_of_an_offline_vehicle(filming: Home) -> None:
    """The vendor says that the vehicle is offline."""
    filming.sim.devices[CAM].online = False
    with pytest.raises(HomeAssistantError):
        await filming.press("take_photo_1", CAM)


async def test_live_view_is_closed_when_nobody_watches(
    hass: HomeAssistant, filming: Home
) -> None:
    """Outputs are looked at; without any the stream is dropped."""
    home, truck = filming, filming.sim.devices[CAM]
    entity_id = home.entity_id("camera", "live_1", CAM)
    assert hass.states.get(entity_id).state == "idle"  # type: ignore[union-attr]
    source = await async_get_stream_source(hass, entity_id)
    assert source
    assert source.startswith(home.sim.root)
    assert truck.streams
    assert hass.states.get(entity_id).state == "streaming"  # type: ignore[union-attr]
    assert await async_get_stream_source(hass, entity_id) == source
    camera = get_camera_from_entity_id(hass, entity_id)
    stream = camera.stream = Mock(
        stop=AsyncMock(), outputs=Mock(return_value={"hls": 1})
    )
    await home.elapse(31)
    assert truck.streams
    stream.outputs.return_value = {}
    await home.elapse(31)
    assert not truck.streams
    stream.stop.assert_awaited_once()
    assert hass.states.get(entity_id).state == "idle"  # type: ignore[union-attr]


async def test_live_view_lasts_ten_minutes_at_most(
    hass: HomeAssistant, filming: Home
) -> None:
    """Who watches past Home Assistant's stream is cut off after ten minutes."""
    entity_id = filming.entity_id("camera", "live_1", CAM)
    await async_get_stream_source(hass, entity_id)
    for _ in range(19):
        await filming.elapse(30)
    assert filming.sim.devices[CAM].streams
    await filming.elapse(61)
    assert not filming.sim.devices[CAM].streams


async def test_live_view_is_closed_with_the_session(
    hass: HomeAssistant, filming: Home
) -> None:
    """A browser that says good-bye ends it, and so does the end of the account."""
    entity_id = filming.entity_id("camera", "live_1", CAM)
    await async_get_stream_source(hass, entity_id)
    get_camera_from_entity_id(hass, entity_id).close_webrtc_session("one")
    await hass.async_block_till_done()
    assert not filming.sim.devices[CAM].streams
    await async_get_stream_source(hass, entity_id)
    await hass.config_entries.async_unload(filming.entry.entry_id)
    assert not filming.sim.devices[CAM].streams


async def test_live_view_that_fails(hass: HomeAssistant, filming: Home) -> None:
    """What is wrong is told in words; a still picture opens no stream."""
    entity_id = filming.entity_id("camera", "live_1", CAM)
    asked = filming.sim.requests[LIVE]
    camera = get_camera_from_entity_id(hass, entity_id)
    assert await camera.async_camera_image() is None
    assert filming.sim.requests[LIVE] == asked
    filming.sim.live_works = False
    with pytest.raises(HomeAssistantError):
        await async_get_stream_source(hass, entity_id)
    camera.stream = Mock(async_get_image=AsyncMock(return_value=b"jpeg"))
    assert await camera.async_camera_image() == b"jpeg"
    camera.stream = None


async def test_browsing_and_resolving(
    hass: HomeAssistant, filming: Home, hass_client: ClientSessionGenerator
) -> None:
    """By vehicle, camera and day; files are read through Home Assistant."""
    assert await async_setup_component(hass, MEDIA_SOURCE, {})
    truck = filming.sim.devices[CAM]
    shoot(filming.sim, truck, 1, 2, alarm="147")
    await filming.elapse(10)
    root = await async_browse_media(hass, ROOT)
    (vehicle,) = root.children or ()
    assert vehicle.title == "Truck"
    folders = await async_browse_media(hass, vehicle.media_content_id)
    assert [one.title for one in folders.children or ()] == [
        "Camera 1",
        "Camera 2",
        "Alarms",
    ]
    kinds = []
    client = await hass_client()
    for folder in folders.children or ():
        days = await async_browse_media(hass, folder.media_content_id)
        today = (days.children or [])[0]
        files = await async_browse_media(hass, today.media_content_id)
        (file,) = files.children or ()
        kinds.append(file.media_content_type)
        played = await async_resolve_media(hass, file.media_content_id, None)
        assert filming.sim.root not in played.url
        answer = await client.get(played.url)
        assert answer.status == HTTPStatus.OK
        content = next(
            one.content
            for one in truck.media
            if answer.content_type.startswith("image") is (one.kind == 1)
        )
        assert await answer.read() == content
    assert kinds == ["image/jpeg", "video/mp4", "video/mp4"]


async def test_places_that_are_none(
    hass: HomeAssistant, filming: Home, hass_client: ClientSessionGenerator
) -> None:
    """Whatever is asked for that is not there is refused."""
    assert await async_setup_component(hass, MEDIA_SOURCE, {})
    truck, van = filming.device_id(CAM), filming.device_id()
    for identifier in (van, "nobody", f"{truck}/9x", f"{truck}/1/today", "a/1/2/3/4/5"):
        with pytest.raises(BrowseError):
            await async_browse_media(hass, f"{ROOT}/{identifier}")
    gone = f"{truck}/1/2025-10-09/1-1-image"
    for identifier in (gone, truck, f"{truck}/1/never/x"):
        with pytest.raises(Unresolvable):
            await async_resolve_media(hass, f"{ROOT}/{identifier}", None)
    client = await hass_client()
    for identifier in (gone, f"{truck}/9x", f"{van}/1"):
        answer = await client.get(f"/api/fleet_tracker/media/{identifier}")
        assert answer.status == HTTPStatus.NOT_FOUND
    filming.sim.fail("jimi.device.jimi.media.URL", 1100, "Business exception", times=-1)
    with pytest.raises(BrowseError):
        await async_browse_media(hass, f"{ROOT}/{truck}/1/2025-10-09")
    answer = await client.get(f"/api/fleet_tracker/media/{gone}")
    assert answer.status == HTTPStatus.BAD_GATEWAY
    with pytest.raises(Unresolvable):
        await async_resolve_media(hass, f"{ROOT}/{gone}", None)
