"""Lines of bug reports: each is mapped, and what stands beside it holds."""

from __future__ import annotations

import pytest

from custom_components.fleet_tracker.vendors import VENDORS

from .payloads import MAPPINGS, Case

CASES = list(Case.all())


@pytest.mark.parametrize("case", CASES, ids=str)
def test_reported_line(case: Case) -> None:
    """Mapping the line raises nothing and gives the expected record and readings."""
    expected, found = dict(case.expected), case.map()
    expected.pop("now", None)
    readings = expected.pop("readings", {})
    assert {key: found["readings"].get(key) for key in readings} == readings
    position = expected.pop("position", {})
    if position:
        assert {key: found["position"][key] for key in position} == position
    elif position is None:
        assert found["position"] is None
    assert {key: found[key] for key in expected} == expected


def test_every_vendor_has_cases() -> None:
    """Each vendor has a mapping of its lines, and two lines at least with expectations."""
    assert set(MAPPINGS) == set(VENDORS)
    for vendor in VENDORS:
        assert sum(bool(one.expected) for one in CASES if one.vendor == vendor) >= 2
