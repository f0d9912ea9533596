"""Chapter 7: photos, videos, live and recorded streams.

Channels begin with 0 or 1, depending on the model. Commands number cameras 1 (front),
2 (inside) and 3 (both). Answers number them 0 and 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from enum import IntEnum
import secrets
import string
from uuid import uuid4

from ....contract.commands import HARMLESS, Clearance
from ....contract.errors import InvalidAnswer, InvalidArgument, VendorError
from ....model.json_values import Record, as_text, is_record
from .batches import Batch, Batches, in_either_spelling
from .errors import KNOWN_CODES, CommandPending, NotReady, error_for
from .media_records import LivePage, MediaFile, Recording
from .periods import check_period, spans
from .reports import all_pages
from .transport import Answer, Parameter, Transport, rows_of
from .values import as_count

MEDIA_DAYS = 366

_ROWS_PER_PAGE = 100
_MONTH = timedelta(days=30)
_LIST_QUERIES = 20
_COMMAND_WAIT_S = 45.0
_LETTERS = string.ascii_letters + string.digits


class MediaKind(IntEnum):
    """Photos and videos, as the manual numbers them."""

    PHOTO = 1
    VIDEO = 2


_WORDS = {MediaKind.PHOTO: "photo", MediaKind.VIDEO: "video"}


class StreamKind(IntEnum):
    """The kind of the closed stream (7.10)."""

    LIVE = 0
    RECORDED = 1


def new_session() -> str:
    """Return the id of a streaming session: 15 random letters and digits."""
    return "".join(secrets.choice(_LETTERS) for _ in range(15))


class MediaApi:
    """The methods of chapter 7. URLs in what they return are private."""

    def __init__(self, transport: Transport, batches: Batches) -> None:
        """Initialize with the transport of the calls."""
        self._transport = transport
        self._batches = batches

    async def live_page(
        self, imei: str, *, recorded: bool = False, voice: bool = True
    ) -> LivePage:
        """Return the page of a live (or recorded) stream to embed (7.1)."""
        answer = await self._transport.call(
            "jimi.device.live.page.url",
            {"imei": imei, "type": 2 if recorded else 1, "voice": int(voice)},
        )
        row = answer.result if is_record(answer.result) else {}
        if (url := as_text(row.get("UrlCamera"))) is None:
            raise InvalidAnswer("The answer has no page")
        return LivePage(url=url, plate=as_text(row.get("plateNo")))

    async def capture(
        self,
        imei: str,
        camera: int,
        kind: MediaKind = MediaKind.PHOTO,
        *,
        seconds: int | None = None,
        clearance: Clearance = HARMLESS,
    ) -> None:
        """Let a camera take a photo, or a video of 3 to 10 s (7.2).

        Returns when the device took the command; the file comes later. Raises
        VehicleOffline or CommandFailed.
        """
        if kind is MediaKind.VIDEO and not 3 <= (seconds or 0) <= 10:
            raise InvalidArgument("A video is 3 to 10 seconds long")
        if camera not in {1, 2, 3}:
            raise InvalidArgument("No such camera", key="tracksolid_camera_unknown")

        async def ask(by_document: bool) -> Answer:
            return await self._command(
                "jimi.device.meida.cmd.send",
                {
                    "imei": imei,
                    "camera": camera,
                    "mediaType": _WORDS[kind] if by_document else int(kind),
                    "shootTime": seconds if kind is MediaKind.VIDEO else None,
                },
                clearance,
            )

        await in_either_spelling(self._transport.memory, "media", ask)

    async def upload_recording(
        self,
        imei: str,
        camera: int,
        *,
        file_name: str | None = None,
        around: datetime | None = None,
    ) -> None:
        """Let a device upload a file by name, or what it recorded at a time (7.3)."""
        if (file_name is None) == (around is None):
            raise InvalidArgument("Either a file name or a time")
        await self._command(
            "jimi.device.history.cmd.send",
            {
                "imei": imei,
                "type": 2 if file_name is None else 1,
                "camera": camera,
                "fileName": file_name,
                "time": around,
            },
        )

    async def _command(
        self,
        method: str,
        parameters: dict[str, Parameter],
        clearance: Clearance = HARMLESS,
    ) -> Answer:
        """Send a command. Its own code is inside of the answer."""
        answer = await self._transport.call(
            method,
            parameters,
            wait_s=_COMMAND_WAIT_S,
            urgent=True,
            clearance=clearance,
        )
        if is_record(answer.result):
            code = as_text(answer.result.get("code"))
            # 100 and, in an example, 255 are success, a known error is one; of a device
            # that has not answered yet the file may come all the same.
            if code in KNOWN_CODES:
                error = error_for(code, "")
                if not isinstance(error, CommandPending):
                    raise error
        return answer

    async def files(
        self,
        imei: str,
        *,
        camera: int = 3,
        kind: MediaKind | None = None,
        begin: datetime | None = None,
        end: datetime | None = None,
        most: int | None = None,
    ) -> list[MediaFile]:
        """Return photos and videos in the cloud, the newest first (7.4)."""
        if begin is not None or end is not None:
            now = self._transport.present
            begin, end = check_period(
                begin or now - _MONTH, end or now, now, days=MEDIA_DAYS
            )

        async def ask(by_document: bool) -> list[MediaFile]:
            if by_document:
                kinds: list[Parameter] = [_WORDS[k] for k in MediaKind]
                if kind is not None:
                    kinds = [_WORDS[kind]]
            else:
                kinds = [3 if kind is None else int(kind)]
            found: list[MediaFile] = []
            for asked in kinds:
                found += await self._file_pages(imei, camera, asked, begin, end, most)
            found.sort(key=lambda file: file.created_at, reverse=True)
            return found[:most]

        return await in_either_spelling(self._transport.memory, "media", ask)

    async def _file_pages(
        self,
        imei: str,
        camera: int,
        kind: Parameter,
        begin: datetime | None,
        end: datetime | None,
        most: int | None,
    ) -> list[MediaFile]:
        size = min(_ROWS_PER_PAGE, most or _ROWS_PER_PAGE)

        async def page(number: int) -> tuple[list[Record], int | None]:
            answer = await self._transport.call(
                "jimi.device.jimi.media.URL",
                {
                    "imei": imei,
                    "camera": camera,
                    "media_type": kind,
                    "start_time": begin,
                    "end_time": end,
                    "page_no": number,
                    "page_size": size,
                },
            )
            return rows_of(answer.result), most

        rows = await all_pages(page, size, first=0)
        return [file for row in rows if (file := MediaFile.from_row(row))]

    async def alarm_files(
        self,
        imeis: Iterable[str],
        begin: datetime,
        end: datetime,
        *,
        kind: MediaKind | None = None,
        code: str | None = None,
    ) -> Batch[MediaFile]:
        """Return what cameras recorded of alarms, the newest first (7.5)."""
        begin, end = check_period(begin, end, self._transport.present, days=MEDIA_DAYS)

        async def ask(part: Sequence[str]) -> list[MediaFile]:
            async def spelled(by_document: bool) -> list[MediaFile]:
                if by_document:
                    kinds: list[Parameter] = [_WORDS[k] for k in MediaKind]
                    if kind is not None:
                        kinds = [_WORDS[kind]]
                else:
                    kinds = [3 if kind is None else int(kind)]
                found: list[MediaFile] = []
                for asked in kinds:
                    for start, until in spans(begin, end, _MONTH):
                        found += await self._alarm_file_pages(
                            part, start, until, asked, code
                        )
                return found

            return await in_either_spelling(self._transport.memory, "media", spelled)

        batch = await self._batches.each(imeis, ask)
        batch.found.sort(key=lambda file: file.created_at, reverse=True)
        return batch

    async def _alarm_file_pages(
        self,
        imeis: Sequence[str],
        begin: datetime,
        end: datetime,
        kind: Parameter,
        code: str | None,
    ) -> list[MediaFile]:
        async def page(number: int) -> tuple[list[Record], int | None]:
            answer = await self._transport.call(
                "jimi.device.media.event.URL",
                {
                    "imeis": ",".join(imeis),
                    "media_type": kind,
                    "start_time": begin,
                    "end_time": end,
                    "page_no": number,
                    "page_size": _ROWS_PER_PAGE,
                    "event_type": code,
                },
            )
            data = answer.data if is_record(answer.data) else {}
            rows = rows_of(data.get("result", answer.result))
            return rows, as_count(data.get("totalRecord"))

        rows = await all_pages(page, _ROWS_PER_PAGE)
        return [
            file
            for event in rows
            for row in rows_of(event.get("fileList"))
            if (file := MediaFile.from_row(row, event))
        ]

    async def live_stream(self, imei: str, channel: int, session: str) -> str:
        """Start a live stream and return its http-FLV address (7.6)."""
        answer = await self._transport.call(
            "jimi.device.media.live.stream",
            {"imei": imei, "channel": channel, "appId": session},
            wait_s=_COMMAND_WAIT_S,
            urgent=True,
        )
        return _address(answer)

    async def recordings(
        self, imei: str, channel: int, day: date, session: str
    ) -> list[Recording]:
        """Return what a device recorded on a day, from its own storage (7.7, 7.8).

        The device is asked for its list, which is then waited for: once a second, 20
        times. Raises NotReady when it does not come.
        """
        instruction = uuid4().hex
        await self._transport.call(
            "jimi.device.media.history.list.cmd",
            {
                "imei": imei,
                "channel": channel,
                "dateTime": day.isoformat(),
                "instructionId": instruction,
                "appId": session,
            },
            wait_s=_COMMAND_WAIT_S,
            urgent=True,
        )
        missing: VendorError = NotReady("No list")
        for _ in range(_LIST_QUERIES):
            await self._transport.sleep(1)
            try:
                answer = await self._transport.call(
                    "jimi.device.media.history.list.get",
                    {"instructionId": instruction},
                    urgent=True,
                )
            except NotReady as error:
                missing = error
                continue
            found = (Recording.from_row(row) for row in rows_of(answer.result))
            return sorted(
                (recording for recording in found if recording is not None),
                key=lambda recording: recording.begins_at,
            )
        raise missing

    async def recorded_stream(
        self, imei: str, recording: Recording, session: str
    ) -> str:
        """Start playing a recording and return the stream's address (7.9).

        Devices that name files are asked for by the name, others by the times.
        """
        by_name = recording.file_name is not None

        async def ask(by_document: bool) -> Answer:
            return await self._transport.call(
                "jimi.device.media.history.stream",
                {
                    "imei": imei,
                    "channel" if by_document else "channal": recording.channel,
                    "beginTime": None if by_name else recording.begins_at,
                    "endTime": None if by_name else recording.ends_at,
                    "fileNameList": recording.file_name,
                    "appId": session,
                },
                wait_s=_COMMAND_WAIT_S,
                urgent=True,
            )

        memory = self._transport.memory
        return _address(await in_either_spelling(memory, "channel", ask))

    async def close_stream(
        self,
        imei: str,
        channel: int,
        session: str,
        kind: StreamKind = StreamKind.LIVE,
    ) -> None:
        """Stop a stream, by the session that started it (7.10)."""

        async def ask(by_document: bool) -> Answer:
            return await self._transport.call(
                "jimi.device.media.close.stream",
                {
                    "imei": imei,
                    "channel" if by_document else "channal": channel,
                    "type": int(kind),
                    "appId": session,
                },
                urgent=True,
            )

        await in_either_spelling(self._transport.memory, "channel", ask)


def _address(answer: Answer) -> str:
    for value in (answer.result, answer.data):
        text = as_text(value)
        if text is not None and "://" in text:
            return text
    raise InvalidAnswer("The answer has no address")
