"""Pages of servers that repeat them, count wrongly or never end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import pytest

from custom_components.fleet_tracker.model.json_values import Record
from custom_components.fleet_tracker.vendors.tracksolid.api import reports
from custom_components.fleet_tracker.vendors.tracksolid.api.reports import (
    all_pages,
    all_rows,
)

SIZE = 100


def rows(*numbers: int) -> list[Record]:
    """Return rows of their numbers."""
    return [{"id": number} for number in numbers]


PAGES = [rows(*range(start, start + SIZE)) for start in (0, 100, 200)]


class Server:
    """Answers pages in turn, those behind the last by a rule."""

    def __init__(
        self, pages: Sequence[list[Record]], beyond: Callable[[int], list[Record]]
    ) -> None:
        """Initialize with the pages, and what comes behind these."""
        self.pages, self.beyond, self.calls = pages, beyond, 0

    def answer(self) -> list[Record]:
        """Return the next page."""
        number, self.calls = self.calls, self.calls + 1
        return self.pages[number] if number < len(self.pages) else self.beyond(number)

    def counting(
        self, total: int | None
    ) -> Callable[[int], Awaitable[tuple[list[Record], int | None]]]:
        """Return the call for a page that says how many rows there are in all."""

        async def page(_position: int) -> tuple[list[Record], int | None]:
            return self.answer(), total

        return page


@pytest.mark.parametrize("total", [None, 10**9])
@pytest.mark.parametrize(
    "beyond",
    [
        lambda _: PAGES[-1],  # the last one for ever
        lambda number: PAGES[number % 3],  # from the begin again
        lambda _: [],
    ],
    ids=["last", "first", "none"],
)
async def test_pages_that_repeat_end(
    beyond: Callable[[int], list[Record]], total: int | None
) -> None:
    """Whatever total is told: each row is there once, and one call more is made."""
    for ask in (all_pages, lambda page, size: _found(all_rows(page, size))):
        server = Server(PAGES, beyond)
        assert await ask(server.counting(total), SIZE) == rows(*range(300))
        assert server.calls == 4


async def _found(both: Awaitable[tuple[list[Record], bool]]) -> list[Record]:
    return (await both)[0]


async def test_pages_without_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that makes rows up for ever is asked for so many pages and no more."""
    monkeypatch.setattr(reports, "_MOST_PAGES", 20)
    for ask in (all_pages, lambda page, size: _found(all_rows(page, size))):
        server = Server(
            (), lambda number: rows(*range(number * SIZE, (number + 1) * SIZE))
        )
        assert len(await ask(server.counting(10**9), SIZE)) == 20 * SIZE
        assert server.calls == 20


@pytest.mark.parametrize("total", [0, 1, 5])
async def test_a_total_that_is_too_low(total: int) -> None:
    """It ends the reading, and what came counts."""
    server = Server(PAGES, lambda _: [])
    assert await all_pages(server.counting(total), SIZE) == PAGES[0]


@pytest.mark.parametrize(
    ("pages", "beyond", "expected", "calls"),
    [
        (PAGES, lambda _: PAGES[-1], 300, 4),
        (PAGES, lambda number: PAGES[number % 3], 300, 4),
        (PAGES[:2], lambda _: PAGES[1], 200, 3),
        (PAGES[:1], lambda _: PAGES[0], None, 2),  # it does not look at the number
        (PAGES, lambda _: [], 300, 4),
    ],
)
async def test_numbered_alarms_that_repeat(
    pages: Sequence[list[Record]],
    beyond: Callable[[int], list[Record]],
    expected: int | None,
    calls: int,
) -> None:
    """6.1: the last page for ever is no reason to ask for a thousand."""
    server = Server(pages, beyond)

    async def page(_number: int | None, _size: int) -> list[Record]:
        return server.answer()

    found = await reports._numbered_alarms(page)
    assert (None if found is None else len(found)) == expected
    assert server.calls == calls
