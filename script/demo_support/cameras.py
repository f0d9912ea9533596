"""Checks of the demo's cameras: watch them, take a photo, and browse."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from io import BytesIO
import re
from typing import Any

import av

from .home_assistant import DOMAIN, DemoError, HomeAssistant
from .registry import entries_by_device, find

PHOTO_TIMEOUT = 90
CLOSE_TIMEOUT = 90
ROOT = f"media-source://{DOMAIN}"
DAYS = 2
"""How many days back the simulator's cameras have filmed."""

_SEGMENT = re.compile(r"segment/\d+\.m4s")


async def check_cameras(home_assistant: HomeAssistant) -> list[str]:
    """Return what is wrong with the cameras, their photos and what they recorded."""
    cameras = [camera async for camera in _cameras(home_assistant)]
    problems = [] if cameras else ["There is no camera"]
    looks = [("the media browser", partial(_browse, home_assistant))]
    for camera, button, image in cameras:
        looks += [
            (camera, partial(_watch, home_assistant, camera)),
            (image, partial(_take_photo, home_assistant, button, image)),
            (camera, partial(_wait_for_end, home_assistant, camera)),
        ]
    for name, look in looks:
        try:
            await look()
        except DemoError as error:
            problems.append(f"{name}: {error}")
    return problems


async def _cameras(
    home_assistant: HomeAssistant,
) -> AsyncIterator[tuple[str, str, str]]:
    """Yield the cameras that can be watched, with their button and their image."""
    for entries in (await entries_by_device(home_assistant)).values():
        found = [
            entry["entity_id"]
            for wanted in (
                "camera.live_view_1",
                "button.take_photo_1",
                "image.photo_taken",
            )
            for entry in find(entries, wanted)
        ]
        if len(found) == 3:
            yield found[0], found[1], found[2]


async def _watch(home_assistant: HomeAssistant, camera: str) -> None:
    """Play some seconds of a live view."""
    url = (await home_assistant.command("camera/stream", entity_id=camera))["url"]
    # It comes when there is enough film.
    await home_assistant.read(url)
    base = url.rpartition("/")[0]
    playlist = (await home_assistant.read(f"{base}/playlist.m3u8")).decode()
    segments = _SEGMENT.findall(playlist)
    if not segments:
        raise DemoError("there is nothing to play")
    film = await home_assistant.read(f"{base}/init.mp4")
    film += await home_assistant.read(f"{base}/{segments[-1]}")
    try:
        with av.open(BytesIO(film), "r") as container:
            pictures = sum(1 for _ in container.decode(video=0))
    except av.FFmpegError as error:
        raise DemoError(f"what is played is no film: {error}") from None
    if not pictures:
        raise DemoError("there are no pictures")


async def _take_photo(home_assistant: HomeAssistant, button: str, image: str) -> None:
    """Press the button, and wait until the image shows another photo."""
    before = await _state(home_assistant, image)
    await home_assistant.post("services/button/press", {"entity_id": button})
    for _ in range(PHOTO_TIMEOUT):
        now = await _state(home_assistant, image)
        picture = now["attributes"].get("entity_picture")
        # An image without one is unavailable for now.
        if picture is not None and now["state"] != before["state"]:
            await _read(home_assistant, picture, b"\xff\xd8")
            return
        await asyncio.sleep(1)
    raise DemoError("no new photo came")


async def _wait_for_end(home_assistant: HomeAssistant, camera: str) -> None:
    """Wait until the live view is closed, since nobody watches it any more."""
    for _ in range(CLOSE_TIMEOUT):
        if (await _state(home_assistant, camera))["state"] == "idle":
            return
        await asyncio.sleep(1)
    raise DemoError("the live view is not closed, though nobody watches it")


async def _browse(home_assistant: HomeAssistant) -> None:
    """Open what the media browser has of the last days, and read every file."""
    kinds = set()
    for vehicle in await _children(home_assistant, ROOT):
        for folder in await _children(home_assistant, vehicle["media_content_id"]):
            days = await _children(home_assistant, folder["media_content_id"])
            for day in days[:DAYS]:
                for file in await _children(home_assistant, day["media_content_id"]):
                    kinds.add((folder["title"], file["media_class"]))
                    await _open(home_assistant, file)
    wanted = {
        (folder, kind)
        for folder in ("Camera 1", "Camera 2", "Alarms")
        for kind in ("image", "video")
    }
    if missing := wanted - kinds:
        raise DemoError(f"there is no {sorted(missing)}")


async def _open(home_assistant: HomeAssistant, file: dict[str, Any]) -> None:
    """Read a file and its thumbnail."""
    played = await home_assistant.command(
        "media_source/resolve_media", media_content_id=file["media_content_id"]
    )
    is_photo = file["media_class"] == "image"
    await _read(home_assistant, played["url"], b"\xff\xd8" if is_photo else b"ftyp")
    await _read(home_assistant, file["thumbnail"], b"\xff\xd8")


async def _children(home_assistant: HomeAssistant, place: str) -> list[dict[str, Any]]:
    found = await home_assistant.command(
        "media_source/browse_media", media_content_id=place
    )
    children: list[dict[str, Any]] = found["children"]
    return children


async def _read(home_assistant: HomeAssistant, path: str, mark: bytes) -> None:
    """Read a file. Raises DemoError unless it begins as files of its kind do."""
    if mark not in (await home_assistant.read(path))[:8]:
        raise DemoError(f"{path.partition('?')[0]} is not the file that it should be")


async def _state(home_assistant: HomeAssistant, entity_id: str) -> dict[str, Any]:
    state: dict[str, Any] = await home_assistant.get(f"states/{entity_id}")
    return state
