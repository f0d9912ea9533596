"""Chapters 5.4, 5.7 and 6, and OBD: drives, stops, alarms, what the engine said."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta

from ....contract.errors import VendorError
from ....model.json_values import Record, as_text, is_record
from .batches import Batch, Batches, in_either_spelling
from .errors import BusinessError, ParameterRefused
from .periods import check_period, spans
from .records import Alarm, Fault, ObdReport, Stop, Trip
from .transport import Parameter, Transport, rows_of
from .values import as_count

REPORT_DAYS = 366
"""How long a period of drives, stops, alarms or OBD reports may be."""
ROWS_PER_PAGE = 100
"""How many rows an answer takes."""

_MOST_ALARMS = 1000
_MOST_PAGES = 1000
_ALARMS_AT_ONCE = "alarms_at_once"
"""How many alarms are asked for at once, of a server that has no pages of them."""
_MONTH = timedelta(days=30)
_SHORTEST_PERIOD = timedelta(hours=1)


class ReportsApi:
    """Reports of a period, for any number of devices."""

    def __init__(self, transport: Transport, batches: Batches) -> None:
        """Initialize with the transport of the calls."""
        self._transport = transport
        self._batches = batches

    async def trips(
        self, imeis: Iterable[str], begin: datetime, end: datetime
    ) -> Batch[Trip]:
        """Return the drives of a period, the oldest first (5.4)."""
        begin, end = check_period(begin, end, self._transport.present, days=REPORT_DAYS)

        async def ask(part: Sequence[str]) -> list[Trip]:
            trips: dict[tuple[str, datetime], Trip] = {}
            for row in await self._trip_rows(part, begin, end):
                if trip := Trip.from_row(row):
                    trips.setdefault((trip.imei, trip.started_at), trip)
            return list(trips.values())

        batch = await self._batches.each(imeis, ask)
        batch.found.sort(key=lambda trip: trip.started_at)
        return batch

    async def _trip_rows(
        self, imeis: Sequence[str], begin: datetime, end: datetime
    ) -> list[Record]:
        """Return the rows of some devices, however many an answer takes.

        It takes 100. Where the server does not look at `start_row`, so that there is no
        second page, the rest is had by asking for less: fewer devices, shorter periods.
        """

        async def page(start: int) -> tuple[list[Record], int | None]:
            answer = await self._transport.call(
                "jimi.device.track.mileage",
                {
                    "imeis": ",".join(imeis),
                    "begin_time": begin,
                    "end_time": end,
                    "start_row": start,
                    "page_size": ROWS_PER_PAGE,
                },
            )
            return rows_of(answer.result), None

        rows, complete = await all_rows(page, ROWS_PER_PAGE)
        if complete or end - begin < _SHORTEST_PERIOD:
            return rows
        if len(imeis) > 1:
            middle = len(imeis) // 2
            halves = [(imeis[:middle], begin, end), (imeis[middle:], begin, end)]
        else:
            noon = begin + (end - begin) / 2
            halves = [(imeis, begin, noon), (imeis, noon, end)]
        return [row for half in halves for row in await self._trip_rows(*half)]

    async def stops(
        self,
        account: str,
        imeis: Iterable[str],
        begin: datetime,
        end: datetime,
        *,
        idling: bool = False,
    ) -> Batch[Stop]:
        """Return when devices stood still, or idled, the oldest first (5.7).

        The manual asks with `on` (idling) and `off` (parking), the document with 0 (all
        of them); the rows then say which they are.
        """
        begin, end = check_period(begin, end, self._transport.present, days=REPORT_DAYS)

        async def ask(part: Sequence[str]) -> list[Stop]:
            async def page(by_document: bool) -> list[Stop]:
                kind = "0" if by_document else "on" if idling else "off"
                rows = await self._stop_rows(account, part, begin, end, kind)
                if by_document:
                    rows = [row for row in rows if _is_idling(row) == idling]
                return [
                    stop for row in rows if (stop := Stop.from_row(row, idling=idling))
                ]

            return await in_either_spelling(self._transport.memory, "parking", page)

        batch = await self._batches.each(imeis, ask)
        batch.found.sort(key=lambda stop: stop.started_at)
        return batch

    async def _stop_rows(
        self,
        account: str,
        imeis: Sequence[str],
        begin: datetime,
        end: datetime,
        kind: str,
    ) -> list[Record]:
        async def page(start: int) -> tuple[list[Record], int | None]:
            answer = await self._transport.call(
                "jimi.open.platform.report.parking",
                {
                    "account": account,
                    "imeis": ",".join(imeis),
                    "start_time": begin,
                    "end_time": end,
                    "start_row": start,
                    "page_size": ROWS_PER_PAGE,
                    "acc_type": kind,
                },
            )
            data = answer.data if is_record(answer.data) else {}
            rows = rows_of(data.get("rows", answer.result))
            return rows, as_count(data.get("dataTotalRows"))

        return (await all_rows(page, ROWS_PER_PAGE))[0]

    async def alarms(
        self,
        imeis: Iterable[str],
        begin: datetime,
        end: datetime,
        *,
        code: str | None = None,
    ) -> Batch[Alarm]:
        """Return the alarms of a period, the oldest first (6.1).

        A call takes a month and answers 1000 alarms at most; a fuller period is asked
        for again up to the oldest of these.
        """
        begin, end = check_period(begin, end, self._transport.present, days=REPORT_DAYS)

        async def ask(part: Sequence[str]) -> list[Alarm]:
            found: dict[Alarm, None] = {}
            for start, until in spans(begin, end, _MONTH):
                while True:
                    rows, complete = await self._alarm_rows(part, start, until, code)
                    alarms = [alarm for row in rows if (alarm := Alarm.from_row(row))]
                    found.update(dict.fromkeys(alarms))
                    oldest = min((a.occurred_at for a in alarms), default=start)
                    if complete or not start < oldest < until:
                        break
                    until = oldest
            return list(found)

        batch = await self._batches.each(imeis, ask)
        batch.found.sort(key=lambda alarm: alarm.occurred_at)
        return batch

    async def _alarm_rows(
        self, imeis: Sequence[str], begin: datetime, end: datetime, code: str | None
    ) -> tuple[list[Record], bool]:
        """Return the newest alarms of a period, and whether they are all.

        The manual knows pages of 100, the document only a size of up to 1000. Where the
        pages are refused, or each is the first again, it is asked by the document from
        then on.
        """

        async def rows(page: int | None, size: int) -> list[Record]:
            answer = await self._transport.call(
                "jimi.device.alarm.list",
                {
                    "imeis": ",".join(imeis),
                    "alertTypeId": code,
                    "begin_time": begin,
                    "end_time": end,
                    "page_no": page,
                    "page_size": size,
                },
            )
            return rows_of(answer.result)

        memory = self._transport.memory
        learned = as_count(memory.get(_ALARMS_AT_ONCE))
        refusal: VendorError | None = None
        if not learned:
            try:
                if (found := await _numbered_alarms(rows)) is not None:
                    return found, len(found) < _MOST_ALARMS
            except (ParameterRefused, BusinessError) as error:
                refusal = error
        for size in (learned,) if learned else (_MOST_ALARMS, ROWS_PER_PAGE):
            try:
                found = await rows(None, size)
            except (ParameterRefused, BusinessError) as error:
                refusal = refusal or error
                continue
            if not learned:
                await memory.put(_ALARMS_AT_ONCE, size)
            # How many it takes at most is not known, but not fewer than this.
            return found, len(found) < ROWS_PER_PAGE
        await memory.put(_ALARMS_AT_ONCE, None)
        assert refusal is not None
        raise refusal

    async def obd(
        self, account: str, imeis: Iterable[str], begin: datetime, end: datetime
    ) -> Batch[ObdReport]:
        """Return OBD reports, the oldest first (`jimi.device.obd.list`)."""
        batch = await self._paged(
            "jimi.device.obd.list", account, imeis, begin, end, ObdReport.from_row
        )
        batch.found.sort(key=lambda report: report.reported_at)
        return batch

    async def faults(
        self, account: str, imeis: Iterable[str], begin: datetime, end: datetime
    ) -> Batch[Fault]:
        """Return trouble codes, the oldest first (`jimi.device.obd.fault`)."""
        batch = await self._paged(
            "jimi.device.obd.fault", account, imeis, begin, end, Fault.from_row
        )
        batch.found.sort(key=lambda fault: fault.occurred_at)
        return batch

    async def _paged[T](
        self,
        method: str,
        account: str,
        imeis: Iterable[str],
        begin: datetime,
        end: datetime,
        parse: Callable[[Record], T | None],
    ) -> Batch[T]:
        begin, end = check_period(begin, end, self._transport.present, days=REPORT_DAYS)

        async def ask(part: Sequence[str]) -> list[T]:
            found: list[T] = []
            for start, until in spans(begin, end, _MONTH):
                parameters: dict[str, Parameter] = {
                    "account": account,
                    "imeis": ",".join(part),
                    "start_time": start,
                    "end_time": until,
                    "page_size": ROWS_PER_PAGE,
                }
                found += await self._pages(method, parameters, parse)
            return found

        return await self._batches.each(imeis, ask)

    async def _pages[T](
        self,
        method: str,
        parameters: dict[str, Parameter],
        parse: Callable[[Record], T | None],
    ) -> list[T]:
        async def page(number: int) -> tuple[list[Record], int | None]:
            answer = await self._transport.call(
                method, {**parameters, "page_no": number}
            )
            data = answer.data if is_record(answer.data) else {}
            total = as_count(data.get("totalRecord"))
            return rows_of(data.get("result", answer.result)), total

        rows = await all_pages(page, ROWS_PER_PAGE)
        return [record for row in rows if (record := parse(row)) is not None]


async def _numbered_alarms(
    page: Callable[[int | None, int], Awaitable[list[Record]]],
) -> list[Record] | None:
    """Return the alarms of all pages, None where the second is the first again.

    A later page that was there before is what a server tells behind the last one.
    """
    pages: list[list[Record]] = []
    while len(pages) < _MOST_ALARMS // ROWS_PER_PAGE:
        rows = await page(len(pages) + 1, ROWS_PER_PAGE)
        if rows and rows in pages:
            if len(pages) == 1:
                return None
            break
        pages.append(rows)
        if len(rows) < ROWS_PER_PAGE:
            break
    return [row for rows in pages for row in rows]


type Page = Callable[[int], Awaitable[tuple[list[Record], int | None]]]
"""Asks for a page and returns its rows, and how many there are in all if it is told."""


async def all_rows(page: Page, size: int) -> tuple[list[Record], bool]:
    """Return the rows of all pages, which are asked for by their first row.

    Whether they are all is returned too: a server that does not look at what is asked for
    answers the same rows again.
    """
    found: list[Record] = []
    pages: list[list[Record]] = []
    while len(pages) < _MOST_PAGES:
        rows, total = await page(len(found))
        if not rows or rows in pages:
            return found, not rows
        pages.append(rows)
        found += rows
        if len(found) >= total if total is not None else len(rows) < size:
            return found, True
    return found, False


async def all_pages(page: Page, size: int, *, first: int = 1) -> list[Record]:
    """Return the rows of all pages, which are asked for by their number."""
    found: list[Record] = []
    pages: list[list[Record]] = []
    while len(pages) < _MOST_PAGES:
        rows, total = await page(first + len(pages))
        if rows in pages:
            break
        pages.append(rows)
        found += rows
        if len(rows) < size or (total is not None and len(found) >= total):
            break
    return found


def _is_idling(row: Record) -> bool:
    return (as_text(row.get("acc")) or "").lower() in {"on", "1"}
