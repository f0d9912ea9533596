"""Chapter 5: where devices are, and where one was."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from ....contract.errors import InvalidAnswer, RateLimited
from ....model.json_values import Record, as_text, is_record
from .batches import Batch, Batches
from .periods import check_period, spans
from .records import CellLocation, Point, TagLocation
from .transport import Transport, rows_of
from .values import Unit, as_count, as_place, as_positive

TRACK_DAYS = 90
"""How far back waypoints go: three months (5.5)."""

LBS_CALLS_PER_DAY = 10

# A week of a fix a second would be larger than any answer may be.
_TRACK_SPAN = timedelta(days=1)
# One production measured 137 s for half an hour of waypoints.
_TRACK_WAIT_S = 180.0


class TrackingApi:
    """The positions of chapter 5: WGS84, since no map type is ever asked for."""

    def __init__(self, transport: Transport, batches: Batches) -> None:
        """Initialize with the transport of the calls."""
        self._transport = transport
        self._batches = batches

    async def location_rows(self, account: str) -> list[Record]:
        """Return where the devices of an account are (5.1), to be read as `Location`.

        Devices that have no position are not there at all.
        """
        answer = await self._transport.call(
            "jimi.user.device.location.list", {"target": account}
        )
        return rows_of(answer.result)

    async def location_rows_of(
        self, imeis: Iterable[str], *, urgent: bool = False
    ) -> Batch[Record]:
        """Return the positions of some devices (5.2), and the refused ones apart."""

        async def ask(part: Sequence[str]) -> list[Record]:
            answer = await self._transport.call(
                "jimi.device.location.get", {"imeis": ",".join(part)}, urgent=urgent
            )
            return rows_of(answer.result)

        return await self._batches.each(imeis, ask)

    async def share_link(self, imei: str) -> str:
        """Return a link that shows a device on a map to whoever has it (5.3)."""
        answer = await self._transport.call(
            "jimi.device.location.URL.share", {"imei": imei}
        )
        row = answer.result if is_record(answer.result) else {}
        if (link := as_text(row.get("URL"))) is None:
            raise InvalidAnswer("The answer has no link")
        return link if "://" in link else f"https://{link}"

    async def track(
        self, imei: str, begin: datetime, end: datetime, *, most: int | None = None
    ) -> list[Point]:
        """Return the waypoints of one device in order, as slow as that is (5.5).

        Once it has as many as are wanted at most, it asks for no further day.
        Raises InvalidArgument for a period older than three months.
        """
        now = self._transport.present
        begin, end = check_period(begin, end, now, days=TRACK_DAYS, back=TRACK_DAYS)
        points: dict[datetime, Point] = {}
        for start, until in spans(begin, end, _TRACK_SPAN):
            answer = await self._transport.call(
                "jimi.device.track.list",
                {
                    "imei": imei,
                    "begin_time": start,
                    "end_time": until,
                },
                wait_s=_TRACK_WAIT_S,
            )
            found = (Point.from_row(row) for row in rows_of(answer.result))
            points.update((point.fixed_at, point) for point in found if point)
            if most is not None and len(points) >= most:
                break
        return [points[time] for time in sorted(points)]

    async def resolve(
        self, imei: str, *, cells: str | None = None, wifi: str | None = None
    ) -> CellLocation:
        """Return where cells and Wi-Fi networks are (5.6), 10 times a day and device.

        `cells` are groups of MCC,MNC,LAC,cell,RSSI, `wifi` of MAC,RSSI as the document
        has them. Raises RateLimited when the day's calls are used up.
        """
        await self._count_resolving(imei)
        answer = await self._transport.call(
            "jimi.lbs.address.get", {"imei": imei, "lbs": cells, "wifi": wifi}
        )
        row = answer.result if is_record(answer.result) else {}
        if (place := as_place(row)) is None:
            raise InvalidAnswer("The answer has no position")
        accuracy = as_positive(row.get("accuracy"), Unit.METRES) or None
        return CellLocation(latitude=place[0], longitude=place[1], accuracy=accuracy)

    async def tag_location(self, imei: str) -> TagLocation | None:
        """Return where a TAG was last seen, None if it never was (5.8)."""
        answer = await self._transport.call(
            "jimi.device.location.getTagMsg", {"imei": imei}
        )
        result = answer.result
        rows = [result] if is_record(result) else rows_of(result)
        found = [tag for row in rows if (tag := TagLocation.from_row(row))]
        return max(found, key=lambda tag: tag.fixed_at, default=None)

    async def _count_resolving(self, imei: str) -> None:
        memory = self._transport.memory
        today = self._transport.now().date().isoformat()
        stored = memory.get("lbs_calls")
        counts = stored.get(today) if is_record(stored) else None
        used = {
            name: count or 0
            for name, value in (counts if is_record(counts) else {}).items()
            if (count := as_count(value)) is not None
        }
        if used.get(imei, 0) >= LBS_CALLS_PER_DAY:
            raise RateLimited("10 a day", key="tracksolid_lbs_quota")
        used[imei] = used.get(imei, 0) + 1
        await memory.put("lbs_calls", {today: used})
