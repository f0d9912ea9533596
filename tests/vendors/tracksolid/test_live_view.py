"""Live views, played by Home Assistant's own stream: real sockets, real pictures."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from io import BytesIO
import logging
import re
from threading import enumerate as enumerate_threads
from typing import Any, override
from unittest.mock import AsyncMock

from aiohttp.test_utils import TestClient
import av
from homeassistant.components import stream as stream_component
from homeassistant.components.camera import (
    CameraWebRTCProvider,
    WebRTCSendMessage,
    async_get_stream_source,
    async_register_webrtc_provider,
)
from homeassistant.components.camera.helper import get_camera_from_entity_id
from homeassistant.components.stream import Stream
from homeassistant.const import EVENT_HOMEASSISTANT_STARTED
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from PIL import Image
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed
from pytest_homeassistant_custom_component.typing import (
    ClientSessionGenerator,
    WebSocketGenerator,
)
from webrtc_models import RTCIceCandidateInit

from custom_components.fleet_tracker.cameras import captions, stand_in
from custom_components.fleet_tracker.const import DOMAIN
from custom_components.fleet_tracker.contract.errors import CannotConnect
from tests.common import set_up_component
from tests.languages import MARK
from tests.simulators.tracksolid.device import Device
from tests.simulators.tracksolid.media import OUTSIDE, shoot
from tests.simulators.tracksolid.pictures import HEIGHT, WIDTH, jpeg
from tests.turns import turns

from .helpers import CAM
from .home import NOW, Home

pytestmark = pytest.mark.freeze_time(NOW)

LIVE = "jimi.device.media.live.stream"
CLOSE = "jimi.device.media.close.stream"
SEGMENT = 7
"""Seconds of film that are surely more than a segment of Home Assistant's stream."""


@dataclass
class Viewer:
    """A browser that shows the truck's camera."""

    home: Home
    client: TestClient[Any, Any]
    ask: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]
    url: str = ""

    @property
    def truck(self) -> Device:
        """The vehicle at the vendor."""
        return self.home.sim.devices[CAM]

    @property
    def entity_id(self) -> str:
        """The camera."""
        return self.home.entity_id("camera", "live_view_1", CAM)

    @property
    def state(self) -> str:
        """The state of the camera."""
        return self.home.state("camera", "live_view_1", CAM).state

    def asked(self, method: str) -> int:
        """Return how often the vendor was asked for something."""
        return self.home.sim.requests[method]

    async def open(self) -> dict[str, Any]:
        """Ask for the stream as the front end does, and return the answer."""
        answer = await self.ask({"type": "camera/stream", "entity_id": self.entity_id})
        if answer["success"]:
            self.url = answer["result"]["url"].rpartition("/")[0]
        return answer

    async def read(self, path: str) -> bytes:
        """Return something of the stream."""
        answer = await self.client.get(f"{self.url}/{path}")
        assert answer.status == HTTPStatus.OK, f"{path}: {answer.status}"
        return await answer.read()

    async def newest_segment(self) -> bytes:
        """Return the newest segment, of another list if it is gone already.

        While much is left that was filmed before, each segment soon gives way to others. Who
        asks for one that is gone is answered after the next part of the film.
        """
        for _ in range(100):
            playlist = (await self.read("playlist.m3u8")).decode()
            segment = re.findall(r"segment/\d+\.m4s", playlist)[-1]
            asking = asyncio.ensure_future(self.client.get(f"{self.url}/{segment}"))
            await turns()
            await self.film_on(asking)
            answer = await asking
            if answer.status != HTTPStatus.NOT_FOUND:
                break
        assert answer.status == HTTPStatus.OK, f"{segment}: {answer.status}"
        return await answer.read()

    async def pictures(self) -> list[Image.Image]:
        """Play the newest whole segment, after a new one was filmed; return its pictures."""
        self.truck.streams[0].film(SEGMENT)
        await self.read("master_playlist.m3u8")
        film = await self.read("init.mp4") + await self.newest_segment()
        pictures: list[Image.Image] = []
        with av.open(BytesIO(film), "r") as container:
            for frame in container.decode(video=0):
                # The library's newest version does not say what this returns.
                to_image: Callable[[], Image.Image] = frame.to_image
                pictures.append(to_image())
        return pictures

    async def elapse(self, seconds: float) -> None:
        """Let time pass while the camera films on."""
        await self.film_on(self.home.elapse(seconds))

    async def film_on(self, work: Awaitable[object]) -> None:
        """Let the camera film on meanwhile: what reads only ends between pictures."""
        working = asyncio.ensure_future(work)
        while not working.done():
            for film in self.truck.streams.values():
                film.film_on()
            await asyncio.sleep(0)
        await working

    async def still(self) -> Image.Image | None:
        """Return the camera's picture, as a card shows it."""
        answer = await self.client.get(f"/api/camera_proxy/{self.entity_id}")
        if answer.status != HTTPStatus.OK:
            return None
        return Image.open(BytesIO(await answer.read()))


@pytest.fixture
async def stream(hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set up Home Assistant's stream, which tries again soon."""
    monkeypatch.setattr(stream_component, "STREAM_RESTART_INCREMENT", 0.1)
    logging.getLogger(stream_component.__name__).setLevel(logging.INFO)
    await set_up_component(hass, "stream")


@pytest.fixture
async def viewer(
    filming: Home,
    hass_client: ClientSessionGenerator,
    hass_ws_client: WebSocketGenerator,
) -> AsyncIterator[Viewer]:
    """Return a browser; what it left open is closed at the end."""
    filming.sim.frame_pause = None
    await set_up_component(filming.hass, "websocket_api")

    async def ask(message: dict[str, Any]) -> dict[str, Any]:
        # None outlives the time that a test lets pass.
        socket = await hass_ws_client()
        await socket.send_json_auto_id(message)
        answer: dict[str, Any] = await socket.receive_json()
        await socket.close()
        return answer

    viewer = Viewer(filming, await hass_client(), ask)
    yield viewer
    if filming.is_loaded:
        await viewer.film_on(
            filming.hass.config_entries.async_unload(filming.entry.entry_id)
        )
    # Home Assistant may leave a timer behind when a picture comes while it stops.
    await viewer.elapse(31)


def shows_the_road(picture: Image.Image) -> bool:
    """Tell whether a picture is what the simulated camera sees."""
    sky = picture.convert("RGB").getpixel((WIDTH - 5, 5))
    assert isinstance(sky, tuple)
    return picture.size == (WIDTH, HEIGHT) and all(
        abs(seen - real) < 16 for seen, real in zip(sky, OUTSIDE, strict=True)
    )


@pytest.mark.usefixtures("stream")
async def test_live_view_is_closed_when_nobody_watches(viewer: Viewer) -> None:
    """The stream is opened once for all viewers, and closed soon after the last."""
    opened, closed = viewer.asked(LIVE), viewer.asked(CLOSE)
    assert viewer.state == "idle"
    assert (await viewer.open())["success"]
    pictures = await viewer.pictures()
    assert len(pictures) > 10
    assert all(shows_the_road(picture) for picture in pictures)
    assert viewer.state == "streaming"
    assert (await viewer.open())["success"]
    for _ in range(8):
        await viewer.elapse(15)
        assert await viewer.pictures()
    assert viewer.asked(LIVE) == opened + 1
    assert viewer.asked(CLOSE) == closed
    film = viewer.truck.streams[0]
    await viewer.elapse(31)
    await viewer.film_on(film.until(lambda: not film.readers))
    await viewer.elapse(16)
    assert viewer.asked(CLOSE) == closed + 1
    assert not viewer.truck.streams
    assert viewer.state == "idle"
    assert (await viewer.open())["success"]
    assert shows_the_road((await viewer.pictures())[0])
    assert viewer.asked(LIVE) == opened + 2


@pytest.mark.usefixtures("stream")
async def test_live_view_lasts_ten_minutes_at_most(viewer: Viewer) -> None:
    """However long somebody watches; the camera's picture then says why it ended."""
    await viewer.open()
    for _ in range(23):
        await viewer.pictures()
        await viewer.elapse(25)
    await viewer.pictures()
    assert viewer.truck.streams
    film = viewer.truck.streams[0]
    await viewer.elapse(26)
    await viewer.film_on(film.until(lambda: not film.readers))
    assert not viewer.truck.streams
    assert viewer.state == "idle"
    still = await viewer.still()
    assert still
    assert not shows_the_road(still)
    await viewer.open()
    for _ in range(3):
        assert await viewer.pictures()
        await viewer.elapse(15)
    assert viewer.truck.streams


@pytest.mark.usefixtures("stream")
async def test_preloaded_live_view_ends_too(
    hass: HomeAssistant, viewer: Viewer
) -> None:
    """Home Assistant keeps a preloaded stream going, but the vehicle's data is dear."""
    settings = {"entity_id": viewer.entity_id, "preload_stream": True}
    assert (await viewer.ask({"type": "camera/update_prefs", **settings}))["success"]
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert viewer.truck.streams
    for _ in range(23):
        await viewer.elapse(25)
    film = viewer.truck.streams[0]
    await viewer.elapse(31)
    await viewer.film_on(film.until(lambda: not film.readers))
    assert not viewer.truck.streams
    assert not [thread for thread in enumerate_threads() if "stream" in thread.name]


@pytest.mark.usefixtures("stream")
async def test_live_view_that_breaks_off(
    viewer: Viewer, caplog: pytest.LogCaptureFixture
) -> None:
    """The stream is asked for anew and goes on, and its address is in no log."""
    await viewer.open()
    await viewer.pictures()
    gate = viewer.home.sim.hold(LIVE)
    viewer.truck.streams[0].end()
    await gate.waiting.wait()
    assert viewer.state == "idle"
    gate.open()
    await viewer.elapse(0)
    film = viewer.truck.streams[0]
    assert not film.ended
    await film.until(lambda: film.readers)
    assert shows_the_road((await viewer.pictures())[-1])
    assert viewer.state == "streaming"
    assert "Error from stream worker" in caplog.text
    assert CAM not in caplog.text


@pytest.mark.usefixtures("stream")
async def test_vehicle_that_takes_long(hass: HomeAssistant, viewer: Viewer) -> None:
    """Who gives up finds the live view open at the next try; else it is closed again."""
    gate = viewer.home.sim.hold(LIVE)
    opened = viewer.asked(LIVE)
    camera = get_camera_from_entity_id(hass, viewer.entity_id)
    for used in (True, False):
        first = asyncio.ensure_future(camera.async_create_stream())
        await gate.waiting.wait()
        first.cancel()
        viewer.home.freezer.tick(16)
        async_fire_time_changed(hass)
        gate.open()
        await viewer.elapse(0)
        assert viewer.truck.streams
        if used:
            assert (await viewer.open())["success"]
            assert await viewer.pictures()
        opened += 1
        assert viewer.asked(LIVE) == opened
        await viewer.elapse(31)
        await viewer.elapse(16)
        assert not viewer.truck.streams
        gate = viewer.home.sim.hold(LIVE)


async def test_removed_while_it_opens(hass: HomeAssistant, viewer: Viewer) -> None:
    """A stream that opens too late is closed with the account."""
    gate = viewer.home.sim.hold(LIVE)
    waiting = asyncio.ensure_future(async_get_stream_source(hass, viewer.entity_id))
    await gate.waiting.wait()
    closed = viewer.asked(CLOSE)
    await hass.config_entries.async_unload(viewer.home.entry.entry_id)
    gate.open()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert viewer.asked(CLOSE) > closed


@pytest.mark.usefixtures("stream")
@pytest.mark.parametrize(
    ("code", "message", "text"),
    [
        (12005, "Fail to send command. Result code：252", "busy"),
        (12005, "Fail to send command. Result code：228", "offline"),
        (12005, "Fail to send command. Result code：225", "not answered"),
        (1100, "Business exception", "could not carry out"),
        (-1, "System is busy", "busy"),
    ],
)
async def test_live_view_that_fails(
    viewer: Viewer, code: int, message: str, text: str
) -> None:
    """The front end is told why; since it does not show it, the camera's picture does.

    What may have been opened without an answer is closed.
    """
    before = await viewer.still()
    assert before
    assert shows_the_road(before)
    opened, closed = viewer.asked(LIVE), viewer.asked(CLOSE)
    viewer.home.sim.fail(LIVE, code, message)
    answer = await viewer.open()
    assert not answer["success"]
    assert text in answer["error"]["message"]
    for _ in range(2):
        told = await viewer.still()
        assert told
        assert not shows_the_road(told)
    await viewer.elapse(61)
    after = await viewer.still()
    assert after
    assert shows_the_road(after)
    assert viewer.asked(LIVE) == opened + 1
    assert (viewer.asked(CLOSE) > closed) is ("225" in message)


@pytest.mark.usefixtures("stream")
async def test_failure_is_forgotten(viewer: Viewer) -> None:
    """Once the live view opens, nothing says any more that it did not."""
    viewer.home.sim.fail(LIVE, -1, "System is busy")
    await viewer.open()
    assert (await viewer.open())["success"]
    still = await viewer.still()
    assert still
    assert shows_the_road(still)


@pytest.mark.usefixtures("stream")
async def test_live_view_of_an_offline_vehicle(viewer: Viewer) -> None:
    """The platform only says that it cannot: one look tells why."""
    await viewer.home.enable("binary_sensor", "online", imei=CAM)
    viewer.truck.online = False
    answer = await viewer.open()
    assert "offline" in answer["error"]["message"]
    await viewer.home.hass.async_block_till_done()
    assert viewer.home.state("binary_sensor", "online", CAM).state == "off"
    viewer.home.sim.fail("jimi.device.location.get", 1100, "Business exception")
    answer = await viewer.open()
    assert "could not carry out" in answer["error"]["message"]


async def test_without_home_assistants_stream(
    hass: HomeAssistant, viewer: Viewer, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is opened that nobody can play, and nothing of ours is an error."""
    assert "stream" not in hass.config.components
    opened = viewer.asked(LIVE)
    answer = await viewer.open()
    assert "integration stream" in answer["error"]["message"]
    assert viewer.asked(LIVE) == opened
    told = await viewer.still()
    assert told
    assert not shows_the_road(told)
    assert not [
        record
        for record in caplog.records
        if record.levelno >= logging.WARNING and DOMAIN in record.name
    ]


@pytest.mark.usefixtures("german", "stream")
async def test_reason_in_another_language(
    viewer: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The front end and the picture tell the reason in the language of Home Assistant."""
    drawn: list[tuple[str, ...]] = []

    def caption(picture: bytes | None, *texts: str) -> bytes:
        drawn.append(texts)
        return captions.caption(picture, *texts)

    monkeypatch.setattr(stand_in, "caption", caption)
    viewer.home.sim.fail(LIVE, -1, "System is busy")
    answer = await viewer.open()
    message = answer["error"]["message"]
    assert message.startswith(MARK)
    await viewer.still()
    ((shown, english),) = drawn
    assert shown == message
    assert shown.removeprefix(MARK).startswith(english)


async def test_pictures_while_nobody_watches(viewer: Viewer) -> None:
    """They open nothing: the camera's own newest photo is shown, if there is one."""
    opened = viewer.asked(LIVE)
    still = await viewer.still()
    assert still
    assert shows_the_road(still)
    shoot(viewer.home.sim, viewer.truck, 1)
    for _ in range(4):
        await viewer.elapse(1000)
        await viewer.home.poll(2)
    assert await viewer.still() is None
    assert viewer.asked(LIVE) == opened


@pytest.mark.usefixtures("stream")
async def test_picture_of_the_live_view(
    viewer: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who watches gets the stream's pictures, which a library makes that not all have."""
    picture = jpeg("now", (200, 30, 30))
    monkeypatch.setattr(Stream, "async_get_image", AsyncMock(return_value=picture))
    still = await viewer.still()
    assert still
    assert shows_the_road(still)
    await viewer.open()
    still = await viewer.still()
    assert still
    assert not shows_the_road(still)


@pytest.mark.usefixtures("stream")
async def test_live_view_that_cannot_be_closed(
    viewer: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The view has ended here all the same, and can be opened again."""
    await viewer.open()
    film = viewer.truck.streams[0]
    close = AsyncMock(side_effect=CannotConnect("Gone"))
    monkeypatch.setattr(viewer.home.connection.media, "close_live", close)
    await viewer.elapse(601)
    await viewer.film_on(film.until(lambda: not film.readers))
    assert viewer.state == "idle"
    close.assert_awaited_once()
    assert (await viewer.open())["success"]


async def test_played_elsewhere(hass: HomeAssistant, viewer: Viewer) -> None:
    """Who plays the address itself cannot be looked at, and is cut off at last."""
    source = await async_get_stream_source(hass, viewer.entity_id)
    assert source
    assert source.startswith(viewer.home.sim.root)
    assert await async_get_stream_source(hass, viewer.entity_id) == source
    for _ in range(23):
        await viewer.elapse(25)
    assert viewer.truck.streams
    await viewer.elapse(26)
    assert not viewer.truck.streams
    viewer.home.sim.fail(LIVE, 1100, "Business exception")
    with pytest.raises(HomeAssistantError):
        await async_get_stream_source(hass, viewer.entity_id)


@pytest.mark.usefixtures("stream")
async def test_live_view_is_closed_with_the_account(
    hass: HomeAssistant, viewer: Viewer
) -> None:
    """Nothing stays open behind an entry that is unloaded."""
    await viewer.open()
    await viewer.pictures()
    film = viewer.truck.streams[0]
    await hass.config_entries.async_unload(viewer.home.entry.entry_id)
    await viewer.film_on(film.until(lambda: not film.readers))
    assert not viewer.truck.streams


class Provider(CameraWebRTCProvider):
    """Plays everything by WebRTC, as go2rtc does."""

    @property
    @override
    def domain(self) -> str:
        """Return whose it is."""
        return "test"

    @callback
    @override
    def async_is_supported(self, stream_source: str) -> bool:
        """Return that it plays every address."""
        return True

    @override
    async def async_handle_async_webrtc_offer(
        self,
        camera: object,
        offer_sdp: str,
        session_id: str,
        send_message: WebRTCSendMessage,
    ) -> None:
        """Not asked for here."""

    @override
    async def async_on_webrtc_candidate(
        self, session_id: str, candidate: RTCIceCandidateInit
    ) -> None:
        """Not asked for here."""


@pytest.mark.usefixtures("stream")
async def test_webrtc_provider_opens_nothing(
    hass: HomeAssistant, viewer: Viewer
) -> None:
    """Home Assistant asks every camera for its address, at each start, for a provider."""
    opened = viewer.asked(LIVE)
    async_register_webrtc_provider(hass, Provider())
    await hass.async_block_till_done(wait_background_tasks=True)
    await viewer.home.reload()
    assert viewer.asked(LIVE) == opened
    answer = await viewer.ask(
        {"type": "camera/capabilities", "entity_id": viewer.entity_id}
    )
    assert answer["result"]["frontend_stream_types"] == ["hls"]
