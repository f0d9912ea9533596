"""The soak's counts of lost alarms, and of alarms that fired twice."""

from __future__ import annotations

from script.soak_support.ledger import Firing, Ledger


def firing(time: float, code: str, state: str | None = None) -> Firing:
    """Return that an event entity shows an alarm since a time."""
    return Firing(time, "event.van_alarm", state or f"at {time}", code)


def test_acknowledged_and_fired() -> None:
    """All is well; a state that a reload shows again was not fired again."""
    ledger = Ledger()
    code = ledger.raise_alarm(1)
    ledger.acknowledge(code, 2)
    lines = [firing(3, code), firing(9, code, "at 3"), firing(9, code, "unavailable")]
    verdict = ledger.judge(lines)
    assert (verdict.acknowledged, verdict.fired) == (1, 1)
    assert not verdict.lost
    assert not verdict.double


def test_lost() -> None:
    """Only what was acknowledged can be lost. What was not is counted apart."""
    ledger = Ledger()
    acknowledged, polled = ledger.raise_alarm(1), ledger.raise_alarm(1)
    ledger.acknowledge(acknowledged, 2)
    verdict = ledger.judge([])
    assert verdict.lost == (acknowledged,)
    assert verdict.never_told == 1
    assert polled not in verdict.lost


def test_fired_twice() -> None:
    """A kill excuses it for five seconds."""
    ledger = Ledger(kills=[100])
    early, late, after = (ledger.raise_alarm(1) for _ in range(3))
    lines = [
        firing(94, early),
        firing(120, early),
        firing(96, late),
        firing(121, late),
        firing(101, after),
        firing(122, after),
    ]
    verdict = ledger.judge(lines)
    assert verdict.double == (early, after)
    assert verdict.double_by_kill == (late,)


def test_alarms_of_other_causes() -> None:
    """Alarms that the simulated vehicles raise by themselves are not judged."""
    verdict = Ledger().judge([firing(1, "3"), firing(2, "3")])
    assert (verdict.fired, verdict.double) == (0, ())
