"""Photos, and the media browser. Live views have a module of their own."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import ClientPayloadError
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
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.fleet_tracker.cameras import downloads as media
from tests.common import set_up_component
from tests.languages import MARK
from tests.simulators.failures import Failure
from tests.simulators.tracksolid.media import shoot
from tests.simulators.tracksolid.server import FILE

from .helpers import CAM
from .home import NOW, Home

pytestmark = pytest.mark.freeze_time(NOW)

FILES = "jimi.device.jimi.media.URL"
ROOT = "media-source://fleet_tracker"


async def test_photo_button_and_image(
    filming: Home, hass_client_no_auth: ClientSessionGenerator
) -> None:
    """Pressing the button takes a photo, which the image then shows."""
    home, truck = filming, filming.sim.devices[CAM]
    before = home.state(IMAGE, "photo_taken", CAM).state
    client = await hass_client_no_auth()
    await home.enable("button", "take_photo_1", imei=CAM)
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


SENT_ON = [Failure.REDIRECT_LOOP, Failure.REDIRECT_ELSEWHERE]


@pytest.mark.parametrize(
    "trouble",
    [
        "gone",
        "cut",
        "large",
        "unreachable",
        Failure.BOMB,
        Failure.RESET_IN_BODY,
        *SENT_ON,
    ],
)
async def test_photo_that_cannot_be_had(
    filming: Home,
    hass_client_no_auth: ClientSessionGenerator,
    monkeypatch: pytest.MonkeyPatch,
    trouble: str,
) -> None:
    """A picture says so, which is no photo; the next look may find it."""
    image = filming.state(IMAGE, "photo_taken", CAM)
    client = await hass_client_no_auth()
    with monkeypatch.context() as patch:
        match trouble:
            case "gone":
                patch.setattr(filming.sim.devices[CAM].media[0], "key", "elsewhere")
            case "cut":
                patch.setattr(filming.sim, "cut_files", True)
            case "large":
                patch.setattr(media, "LARGEST_PHOTO", 100)
            case "unreachable":
                await filming.sim.stop()
            case _:
                patch.setattr(media, "LARGEST_PHOTO", 1_000_000)
                filming.sim.failures.begin(Failure(trouble), {FILE})
        answer = await client.get(image.attributes["entity_picture"])
        assert (answer.status, answer.content_type) == (HTTPStatus.OK, "image/jpeg")
        stand_in = await answer.read()
        filming.sim.failures.end()
    if trouble != "unreachable":
        answer = await client.get(image.attributes["entity_picture"])
        assert answer.status == HTTPStatus.OK
        assert await answer.read() != stand_in


async def test_file_that_breaks_off(
    hass: HomeAssistant, filming: Home, hass_client: ClientSessionGenerator
) -> None:
    """The browser sees that it does not get all; one that is nowhere is told so."""
    await set_up_component(hass, MEDIA_SOURCE)
    place = f"{ROOT}/{filming.device_id(CAM)}/1/2025-10-09"
    (file,) = (await async_browse_media(hass, place)).children or ()
    played = await async_resolve_media(hass, file.media_content_id, None)
    client = await hass_client()
    filming.sim.cut_files = True
    with pytest.raises(ClientPayloadError):
        await (await client.get(played.url)).read()
    filming.sim.cut_files = False
    for failure in SENT_ON:
        filming.sim.failures.begin(failure, {FILE})
        answer = await client.get(played.url)
        assert answer.status == HTTPStatus.BAD_GATEWAY, failure
    filming.sim.failures.begin(Failure.BOMB, {FILE})
    answer = await client.get(played.url)
    # It is passed on as it is: who reads it knows that it is compressed.
    assert answer.headers["Content-Encoding"] == "gzip"
    await filming.sim.stop()
    answer = await client.get(played.url)
    assert answer.status == HTTPStatus.BAD_GATEWAY


async def test_photo_of_an_offline_vehicle(filming: Home) -> None:
    """The vendor says that the vehicle is offline."""
    filming.sim.devices[CAM].online = False
    await filming.enable("button", "take_photo_1", imei=CAM)
    with pytest.raises(HomeAssistantError):
        await filming.press("take_photo_1", CAM)


async def test_browsing_and_resolving(
    hass: HomeAssistant, filming: Home, hass_client: ClientSessionGenerator
) -> None:
    """By vehicle, camera and day; files are read through Home Assistant."""
    await set_up_component(hass, MEDIA_SOURCE)
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


async def test_days_that_have_files(hass: HomeAssistant, filming: Home) -> None:
    """The newest first, with how many files; the others are left out, as old ones are."""
    await set_up_component(hass, MEDIA_SOURCE)
    truck = filming.sim.devices[CAM]
    folder = f"{ROOT}/{filming.device_id(CAM)}/1"
    truck.media.clear()
    for age in (1, 3, 3, 40):
        shoot(filming.sim, truck, 0, ago=age * 86_400)
    asked = filming.sim.requests[FILES]

    days = (await async_browse_media(hass, folder)).children or []

    assert [one.title for one in days] == ["2025-10-08 (1)", "2025-10-06 (2)"]
    assert filming.sim.requests[FILES] == asked + 1
    truck.media.clear()
    assert not (await async_browse_media(hass, folder)).children


@pytest.mark.usefixtures("german")
async def test_media_browser_in_another_language(
    hass: HomeAssistant, filming: Home
) -> None:
    """Titles and refusals are translated; Home Assistant passes on nothing but the text."""
    await set_up_component(hass, MEDIA_SOURCE)
    truck, van = filming.device_id(CAM), filming.device_id()
    folders = await async_browse_media(hass, f"{ROOT}/{truck}")
    assert [one.title for one in folders.children or ()] == [
        f"{MARK}Camera 1",
        f"{MARK}Camera 2",
        f"{MARK}Alarms",
    ]
    days = await async_browse_media(hass, f"{ROOT}/{truck}/alarms")
    assert days.title == f"Truck, {MARK}Alarms"
    for identifier, told in (
        (f"{truck}/9x", "There is no such folder."),
        (van, "This is not a vehicle with cameras."),
    ):
        with pytest.raises(BrowseError) as browsing:
            await async_browse_media(hass, f"{ROOT}/{identifier}")
        assert str(browsing.value) == MARK + told
    file = f"{truck}/1/2025-10-09/1-1-image"
    with pytest.raises(Unresolvable) as playing:
        await async_resolve_media(hass, f"{ROOT}/{file}", None)
    assert str(playing.value) == f"{MARK}There is no such file."
    await filming.elapse(301)
    filming.sim.fail(FILES, 1100, "Business exception", times=-1)
    with pytest.raises(Unresolvable) as playing:
        await async_resolve_media(hass, f"{ROOT}/{file}", None)
    assert str(playing.value) == f"{MARK}The file cannot be read."
    with pytest.raises(BrowseError) as browsing:
        await async_browse_media(hass, f"{ROOT}/{truck}/1/2025-10-09")
    assert str(browsing.value).startswith(MARK)


async def test_folder_is_asked_for_once(
    hass: HomeAssistant, filming: Home, hass_client: ClientSessionGenerator
) -> None:
    """However many pictures are in it; their thumbnails are small, and of videos too."""
    await set_up_component(hass, MEDIA_SOURCE)
    truck = filming.sim.devices[CAM]
    for kind in (1, 1, 2):
        shoot(filming.sim, truck, 0, kind)
    await filming.elapse(10)
    place = f"{ROOT}/{filming.device_id(CAM)}/1/2025-10-09"
    asked = filming.sim.requests[FILES]
    files = (await async_browse_media(hass, place)).children or []
    assert len(files) == 4
    client = await hass_client()

    async def look() -> set[bytes]:
        seen = set()
        for file in files:
            assert file.thumbnail
            answer = await client.get(file.thumbnail)
            assert answer.content_type == "image/jpeg"
            seen.add(await answer.read())
            played = await async_resolve_media(hass, file.media_content_id, None)
            answer = await client.get(played.url, headers={"Range": "bytes=2-5"})
            assert answer.status == HTTPStatus.PARTIAL_CONTENT
            assert answer.headers["Content-Range"].startswith("bytes 2-5/")
            assert len(await answer.read()) == 4
        return seen

    assert await look() == {media.thumbnail for media in truck.media}
    assert filming.sim.requests[FILES] == asked + 1
    await filming.elapse(301)
    await look()
    assert filming.sim.requests[FILES] == asked + 2
    # What was just taken is there when the folder is opened again.
    shoot(filming.sim, truck, 0)
    await filming.elapse(10)
    assert len((await async_browse_media(hass, place)).children or []) == 5
    for taken in truck.media:
        taken.key += "-elsewhere"
    assert files[0].thumbnail
    answer = await client.get(files[0].thumbnail)
    assert answer.status == HTTPStatus.BAD_GATEWAY


async def test_places_that_are_none(
    hass: HomeAssistant, filming: Home, hass_client: ClientSessionGenerator
) -> None:
    """Whatever is asked for that is not there is refused."""
    await set_up_component(hass, MEDIA_SOURCE)
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
    await filming.elapse(301)
    filming.sim.fail(FILES, 1100, "Business exception", times=-1)
    with pytest.raises(BrowseError):
        await async_browse_media(hass, f"{ROOT}/{truck}/1/2025-10-09")
    answer = await client.get(f"/api/fleet_tracker/media/{gone}")
    assert answer.status == HTTPStatus.BAD_GATEWAY
    with pytest.raises(Unresolvable):
        await async_resolve_media(hass, f"{ROOT}/{gone}", None)
