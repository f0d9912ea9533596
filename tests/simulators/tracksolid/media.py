"""Chapter 7: photos, videos, live and recorded streams."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

from aiohttp import web

from . import pictures
from .device import Device, Media, stamp
from .live import LiveStream
from .registry import Params, Refusal, Reply, method, one_of, whole

if TYPE_CHECKING:
    from .server import TracksolidSimulator

_LOGGER = logging.getLogger(__name__)

APP_ID = re.compile(r"[0-9A-Za-z]{15}")
PHOTO_DELAY = 3
KINDS = {"1": 1, "2": 2, "photo": 1, "video": 2}
OUTSIDE, INSIDE = (150, 190, 230), (214, 190, 160)


@method("jimi.device.live.page.url", "imei", optional=("type", "voice"))
def live_page(sim: TracksolidSimulator, params: Params) -> Reply:
    """7.1."""
    device = sim.device(params["imei"])
    for name, values in (("type", ("1", "2")), ("voice", ("0", "1"))):
        if name in params:
            one_of(params, name, *values)
    state, _ = device.report(sim.now)
    return Reply(
        {
            "lat": state.place.latitude,
            "lng": state.place.longitude,
            "gpsTime": stamp(state.time),
            "direction": round(state.course),
            "gpsSpeed": round(state.speed),
            "posType": 1,
            "satellite": 11,
            "VIN": device.vin,
            "plateNo": device.plate,
            "UrlCamera": f"{sim.root}/video/{device.imei[-4:]}",
        }
    )


def _kinds(sim: TracksolidSimulator, text: str, both: str) -> set[int]:
    """Return the kinds of media that a call asks for; sim.media_words turns the spelling."""
    words = ("photo", "video") if sim.media_words else ("1", "2")
    if text == both and not sim.media_words:
        return {1, 2}
    if text not in words:
        raise Refusal(1001, "Parameter error: media type")
    return {KINDS[text]}


def _camera(sim: TracksolidSimulator, params: Params) -> tuple[Device, set[int]]:
    device = sim.device(params["imei"])
    if not device.channels:
        raise Refusal(1100, "Business exception")
    camera = one_of(params, "camera", "1", "2", "3")
    return device, {0, 1} if camera == "3" else {int(camera) - 1}


def _acknowledge(device: Device) -> Reply:
    """Return how the device takes a command; it has to be online."""
    if not device.online:
        offline = {"code": "228", "data": "1.3.3", "msg": "Device is offline"}
        raise Refusal(-1, "Operation successful", {**offline, "cmdSeqNo": "1"})
    done = {"code": "100", "data": "1.3.3", "msg": "Communication successful response"}
    return Reply({**done, "cmdSeqNo": "1"}, message="Operation successful")


@method(
    "jimi.device.meida.cmd.send", "imei", "camera", "mediaType", optional=("shootTime",)
)
def media_command(sim: TracksolidSimulator, params: Params) -> Reply:
    """7.2: a photo, or a video of 3 to 10 seconds."""
    device, cameras = _camera(sim, params)
    (kind,) = _kinds(sim, params["mediaType"], "")
    seconds = whole(params, "shootTime", 0, 10, 0)
    if (kind == 2) != (seconds >= 3):
        raise Refusal(1001, "Parameter error: shootTime")
    reply = _acknowledge(device)
    for camera in sorted(cameras):
        shoot(sim, device, camera, kind, seconds)
    return reply


def shoot(
    sim: TracksolidSimulator,
    device: Device,
    camera: int,
    kind: int = 1,
    seconds: int = 3,
    *,
    alarm: str | None = None,
    ago: float = 0,
) -> Media:
    """Let a camera take a photo (kind 1) or a video, which is there 3 s later.

    With `alarm` it was taken because of that, with `ago` so many seconds before now.
    """
    created = sim.now - ago + PHOTO_DELAY
    colour = INSIDE if camera else OUTSIDE
    text = stamp(created)
    content = (
        pictures.jpeg(text, colour)
        if kind == 1
        else pictures.mp4([stamp(created + i)[11:] for i in range(seconds)], colour)
    )
    key = f"{device.imei}_{len(device.media)}.{'jpg' if kind == 1 else 'mp4'}"
    thumbnail = pictures.jpeg(text[11:], colour)
    media = Media(key, kind, camera, created, content, thumbnail, alarm)
    device.media.append(media)
    return media


@method(
    "jimi.device.history.cmd.send",
    "imei",
    "type",
    "camera",
    optional=("fileName", "time"),
)
def history_command(sim: TracksolidSimulator, params: Params) -> Reply:
    """7.3: a whole file by its name (1), or an event by its time (2)."""
    device = sim.device(params["imei"])
    kind = one_of(params, "type", "1", "2")
    camera = int(one_of(params, "camera", "1", "2")) - 1
    if ("fileName" if kind == "1" else "time") not in params:
        raise Refusal(1001, "Parameter error: fileName, time")
    reply = _acknowledge(device)
    shoot(sim, device, camera, 2)
    return reply


def _file(sim: TracksolidSimulator, media: Media) -> dict[str, object]:
    return {
        "thumb_URL": f"{sim.root}/thumb/{media.key}",
        "file_URL": f"{sim.root}/media/{media.key}",
        "create_time": int(media.created),
        "mime_type": "image/jpeg" if media.kind == 1 else "video/mp4",
        "media_type": media.kind,
        "alarm_time": None,
        "camera": media.camera,
        "file_size": str(len(media.content)),
    }


@method(
    "jimi.device.jimi.media.URL",
    "imei",
    "camera",
    "media_type",
    optional=("start_time", "end_time", "token", "page_no", "page_size"),
)
def media_url(sim: TracksolidSimulator, params: Params) -> Reply:
    """7.4: newest first, pages from 0, times in UNIX seconds."""
    device, cameras = _camera(sim, params)
    kinds = _kinds(sim, params["media_type"], "3")
    begin, end = 0.0, sim.now
    if "start_time" in params or "end_time" in params:
        begin, end = sim.period(params, "start_time", "end_time")
    found = [
        media
        for media in device.media
        if media.camera in cameras
        and media.kind in kinds
        and begin <= media.created <= min(end, sim.now)
    ]
    found.sort(key=lambda media: media.created, reverse=True)
    page = whole(params, "page_no", 0, 100_000, 0)
    size = whole(params, "page_size", 1, 100, 10)
    rows = [_file(sim, media) for media in found[page * size : (page + 1) * size]]
    return Reply(rows or None, message="Operation successful")


@method(
    "jimi.device.media.event.URL",
    "imeis",
    "media_type",
    "start_time",
    "end_time",
    "page_no",
    "page_size",
    optional=("event_type",),
)
def media_event_url(sim: TracksolidSimulator, params: Params) -> Reply:
    """7.5: below data.result, pages from 1."""
    kinds = _kinds(sim, params["media_type"], "3")
    begin, end = sim.period(params, "start_time", "end_time")
    page = whole(params, "page_no", 1, 100_000, 1)
    size = whole(params, "page_size", 1, 100, 10)
    rows = []
    for device in sim.batch(params):
        place = device.vehicle.at(sim.now).place
        for media in device.media:
            code = media.alarm
            if code is None or media.kind not in kinds:
                continue
            if params.get("event_type", code) != code:
                continue
            if not begin <= media.created <= min(end, sim.now):
                continue
            file = _file(sim, media)
            rows.append(
                {
                    "imei": device.imei,
                    "event_type_id": code,
                    "event_type": f"Alarm {code}",
                    "lat": str(place.latitude),
                    "lng": str(place.longitude),
                    "alarm_time": int(media.created) - PHOTO_DELAY,
                    "create_time": int(media.created),
                    "fileList": [file],
                }
            )
    rows.reverse()
    return Reply(
        data={
            "currentPage": page,
            "pageSize": size,
            "totalRecord": len(rows),
            "result": rows[(page - 1) * size : page * size],
        }
    )


def _session(sim: TracksolidSimulator, params: Params, name: str) -> tuple[Device, int]:
    """Return the device and the channel of a streaming request."""
    if not APP_ID.fullmatch(params["appId"]):
        raise Refusal(1001, "Parameter error: appId")
    device = sim.device(params["imei"])
    if name not in params:
        raise Refusal(1001, f"Parameter error: {name}")
    channel = whole(params, name, 0, 5, 0)
    if not sim.live_works or channel not in device.channels or not device.online:
        raise Refusal(1100, "Business exception")
    return device, channel


@method("jimi.device.media.live.stream", "imei", "channel", "appId")
def live_stream(sim: TracksolidSimulator, params: Params) -> Reply:
    """7.6: an http-FLV address."""
    device, channel = _session(sim, params, "channel")
    if (before := device.streams.get(channel)) is not None:
        before.end()
    stream = device.streams[channel] = LiveStream(params["appId"])
    _LOGGER.info("%s: live stream of channel %d opened", device.name, channel)
    address = f"{sim.root}/live/{channel}/{device.imei}.flv"
    return Reply(f"{address}?secret={stream.secret}")


@method(
    "jimi.device.media.history.list.cmd",
    "imei",
    "channel",
    "dateTime",
    "instructionId",
    "appId",
)
def recording_list_command(sim: TracksolidSimulator, params: Params) -> Reply:
    """7.7: the device is asked for the recordings of a day."""
    device, channel = _session(sim, params, "channel")
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", params["dateTime"]):
        raise Refusal(1001, "Parameter error: dateTime")
    key = params["instructionId"]
    sim.recordings[key] = (device.imei, channel, params["dateTime"])
    sim.lists[key] = [sim.ping_lists]
    return Reply()


@method("jimi.device.media.history.list.get", "instructionId")
def recording_list(sim: TracksolidSimulator, params: Params) -> Reply:
    """7.8: 1207 until the device's list is there."""
    key = params["instructionId"]
    if key not in sim.recordings:
        raise Refusal(1100, "Business exception")
    if sim.lists[key][0] > 0:
        sim.lists[key][0] -= 1
        raise Refusal(1207, "The list has not been uploaded")
    imei, channel, day = sim.recordings[key]
    by_name = sim.device(imei).model == "JC400"
    rows = [
        {
            "channel": str(channel),
            "beginTime": f"{day} 10:{minute:02}:19",
            "endTime": f"{day} 10:{minute + 1:02}:19",
            "alarmFlag": None if by_name else 0,
            "resourceType": None if by_name else 0,
            "codeType": 2,
            "storageType": None if by_name else 0,
            "fileSize": None if by_name else 6_630_206,
            "sortBeginTime": 1_763_030_059_000,
            "fileName": f"{day.replace('-', '_')}_10_{minute:02}_19_01.mp4"
            if by_name
            else None,
        }
        for minute in (34, 35, 36)
    ]
    return Reply(rows)


@method(
    "jimi.device.media.history.stream",
    "imei",
    "appId",
    optional=("channal", "channel", "beginTime", "endTime", "fileNameList"),
)
def recording_stream(sim: TracksolidSimulator, params: Params) -> Reply:
    """7.9: by file names or by times; a ws-FLV address."""
    device, channel = _session(sim, params, sim.channel_name)
    if "fileNameList" not in params and not {"beginTime", "endTime"} <= params.keys():
        raise Refusal(1001, "Parameter error: beginTime, endTime")
    host = sim.root.removeprefix("http")
    return Reply(f"ws{host}/live/{channel}/{device.imei}.history.flv?secret=035c73f7")


@method(
    "jimi.device.media.close.stream",
    "imei",
    "type",
    "appId",
    optional=("channal", "channel"),
)
def close_stream(sim: TracksolidSimulator, params: Params) -> Reply:
    """7.10: 0 is live, 1 recorded; the session is the one that opened it."""
    one_of(params, "type", "0", "1")
    device, channel = _session(sim, params, sim.channel_name)
    if params["type"] == "0":
        stream = device.streams.get(channel)
        if stream is None or stream.session != params["appId"]:
            raise Refusal(1100, "Business exception")
        device.streams.pop(channel).end()
        _LOGGER.info("%s: live stream of channel %d closed", device.name, channel)
    return Reply()


async def serve_file(
    sim: TracksolidSimulator, request: web.Request
) -> web.StreamResponse:
    """Answer a photo or a video, or a part of it, by its address; or its thumbnail."""
    key = request.match_info["key"]
    for device in sim.devices.values():
        for media in device.media:
            if media.key == key and media.created <= sim.now:
                if request.path.startswith("/thumb/"):
                    return web.Response(body=media.thumbnail, content_type="image/jpeg")
                if sim.cut_files:
                    return await _half(request, media.content)
                kind = "image/jpeg" if media.kind == 1 else "video/mp4"
                return _part(request, media.content, kind)
    raise web.HTTPNotFound


async def _half(request: web.Request, content: bytes) -> web.StreamResponse:
    response = web.StreamResponse()
    response.content_length = len(content)
    await response.prepare(request)
    await response.write(content[: len(content) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


def _part(request: web.Request, content: bytes, kind: str) -> web.Response:
    wanted = request.http_range
    if wanted.start is None:
        return web.Response(body=content, content_type=kind)
    begin, end, _ = wanted.indices(len(content))
    return web.Response(
        status=206,
        body=content[begin:end],
        content_type=kind,
        headers={"Content-Range": f"bytes {begin}-{end - 1}/{len(content)}"},
    )


async def serve_stream(
    sim: TracksolidSimulator, request: web.Request
) -> web.StreamResponse:
    """Stream what the camera sees until the stream ends, or the reader has enough."""
    imei, _, kind = request.match_info["name"].partition(".")
    channel = int(request.match_info["channel"])
    device = sim.devices.get(imei)
    stream = device.streams.get(channel) if device and kind == "flv" else None
    if device is None or stream is None or stream.ended:
        raise web.HTTPNotFound
    if request.query.get("secret") != stream.secret:
        raise web.HTTPForbidden
    _LOGGER.info("%s: somebody reads channel %d", device.name, channel)
    stream.count_reader(1)
    response = web.StreamResponse(headers={"Content-Type": "video/x-flv"})
    colour = INSIDE if channel else OUTSIDE
    shown = 0
    try:
        await response.prepare(request)
        await response.write(pictures.flv_header())
        while not stream.ended:
            text = stamp(sim.now)[11:]
            await response.write(pictures.flv_second(text, shown * 1000, colour))
            shown += 1
            stream.sent = max(stream.sent, shown)
            await stream.next_second(shown, sim.frame_pause)
    except ConnectionError:
        pass  # the reader has gone
    finally:
        stream.count_reader(-1)
        _LOGGER.info("%s: nobody reads channel %d any more", device.name, channel)
    return response
