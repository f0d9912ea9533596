"""The sent and acknowledged news of the soak, and the states shown of it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

KILL_MARGIN = 5.0
"""Seconds before a kill in which an alarm that fired may fire again after it."""

_NOT_FIRED = frozenset({"unknown", "unavailable"})


class Firing(NamedTuple):
    """A state of an event entity, as the witness wrote it down."""

    time: float
    entity: str
    state: str
    code: str


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The outcome of the alarms."""

    acknowledged: int
    fired: int
    unanswered: int
    """Fired though their push was never answered with success, which is no harm."""
    lost: tuple[str, ...]
    double: tuple[str, ...]
    double_by_kill: tuple[str, ...]
    never_told: int
    """Raised without an acknowledgement (polled, or over a socket) and never fired."""


@dataclass
class Ledger:
    """Counts alarms, each with a code that no other has."""

    raised: dict[str, float] = field(default_factory=dict)
    acknowledged: dict[str, float] = field(default_factory=dict)
    kills: list[float] = field(default_factory=list)
    counters: Counter[str] = field(default_factory=Counter)
    is_down: bool = False
    """Whether Home Assistant was killed and does not run again yet."""
    failures: list[str] = field(default_factory=list)
    """The failures that no kill explains, in words."""
    _last_code: int = 700_000

    def raise_alarm(self, now: float) -> str:
        """Return the code of a new alarm."""
        self._last_code += 1
        code = str(self._last_code)
        self.raised[code] = now
        return code

    def acknowledge(self, code: str, now: float) -> None:
        """Note that the push of an alarm was answered with success."""
        self.acknowledged.setdefault(code, now)

    def note_reload(self, error: Exception | None, *, was_down: bool) -> None:
        """Note what came of a reload. None can succeed while Home Assistant is down."""
        if error is None:
            self.counters["reloads"] += 1
        elif was_down or self.is_down:
            self.counters["reloads that met a kill"] += 1
        else:
            self.counters["reloads that failed"] += 1
            self.failures.append(f"a reload: {type(error).__name__}: {error}")

    def judge(self, lines: Iterable[Firing]) -> Verdict:
        """Return what came of it. A state that is only shown again was not fired again."""
        fired: dict[str, list[float]] = {}
        shown: set[tuple[str, str, str]] = set()
        for line in lines:
            if line.state in _NOT_FIRED or line[1:] in shown:
                continue
            shown.add(line[1:])
            if line.code in self.raised:
                fired.setdefault(line.code, []).append(line.time)
        double = {code for code, times in fired.items() if len(times) > 1}
        by_kill = {code for code in double if self._was_killed(fired[code])}
        return Verdict(
            acknowledged=len(self.acknowledged),
            fired=len(fired),
            unanswered=len([one for one in fired if one not in self.acknowledged]),
            lost=tuple(sorted(self.acknowledged.keys() - fired.keys())),
            double=tuple(sorted(double - by_kill)),
            double_by_kill=tuple(sorted(by_kill)),
            never_told=len(
                self.raised.keys() - self.acknowledged.keys() - fired.keys()
            ),
        )

    def _was_killed(self, times: list[float]) -> bool:
        """Tell whether a kill explains each repetition: it fell just after the one before."""
        return all(
            any(before <= kill <= before + KILL_MARGIN for kill in self.kills)
            for before in times[:-1]
        )
