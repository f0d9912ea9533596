"""Random news that needs no further look gives what a further look would give."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
import math

from hypothesis import given, strategies as st

from custom_components.fleet_tracker.model import evidence, plausibility
from custom_components.fleet_tracker.model.evidence import TOLD_SPEED
from custom_components.fleet_tracker.model.json_values import as_flag
from custom_components.fleet_tracker.model.readings import KINDS, kind_of
from custom_components.fleet_tracker.model.vehicle import (
    Evidence,
    Reading,
    ReadingGroup,
    TimeSource,
    Value,
    VehicleUpdate,
)

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)

spans = st.one_of(
    st.sampled_from([0, 0, -1, 1, 599, 601, 3600, -3600, 86_400, -(10**9)]),
    st.integers(-(10**9), 10**6),
).map(lambda seconds: timedelta(seconds=seconds))
times = spans.map(lambda span: NOW + span)
sources = st.sampled_from(TimeSource)
numbers = st.one_of(
    st.floats(),
    st.integers(),
    st.integers(-300, 300).map(float),
    st.sampled_from([2**16 - 1, 2**24 - 1, 2**31 - 1, 2**32 - 1]).flatmap(
        lambda most: st.sampled_from([most, most * 0.1, most * 0.125, most / 1000])
    ),
)
values: st.SearchStrategy[Value] = st.one_of(
    numbers, st.booleans(), st.text(max_size=5), st.just(NOW)
)
readings = st.sampled_from(
    [*KINDS, "brake", "custom:one", "digital_input:1", *(f"{one}:2" for one in KINDS)]
)


def group(name: str, stamp: datetime, told: dict[str, Value]) -> ReadingGroup:
    """Return readings that were measured at a time."""
    return ReadingGroup(name=name, measured_at=stamp, readings=told)


@given(readings, values)
def test_values_that_are_plainly_plausible(reading: str, value: Value) -> None:
    """Of what does not grow, exactly the plausible counts, unchanged."""
    kind = kind_of(reading)
    if kind.growth is not None:
        return
    taken, not_known = plausibility.believe_readings(
        group("io", NOW, {reading: value}), None, {}, NOW, was_set=False
    )
    plausible = True
    if isinstance(value, int | float) and not isinstance(value, bool):
        means_nothing = (
            plausibility.is_never_available
            if reading.startswith("custom")
            else plausibility._means_nothing
        )
        try:
            plausible = math.isfinite(value)
        except OverflowError:
            plausible = False
        plausible = plausible and not means_nothing(value)
        if not reading.startswith("custom"):
            plausible = plausible and kind.can_be(value)
    assert (taken, not_known) == (
        ({reading: value}, frozenset()) if plausible else ({}, {reading})
    )


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["io", "obd", TOLD_SPEED]),
            st.dictionaries(
                st.one_of(
                    readings,
                    st.sampled_from(
                        [Reading.IGNITION, Reading.ENGINE_SPEED, Reading.OBD_SPEED]
                    ),
                ),
                values,
                max_size=4,
            ),
            times,
        ),
        max_size=4,
    ),
    st.builds(
        Evidence,
        driven_at=st.none() | times,
        ignition_off_since=st.none() | times,
        ignition=st.none() | st.booleans(),
    ).map(evidence._with_motion),
)
def test_news_that_is_no_evidence(
    told: list[tuple[str, dict[str, Value], datetime]], before: Evidence
) -> None:
    """News without a speed, the ignition or the engine leaves the evidence as it is."""
    update = VehicleUpdate(
        vehicle_id="1",
        groups=tuple(group(name, stamp, found) for name, found, stamp in told),
    )
    thorough = evidence._with_told(before, update, update, NOW)
    assert evidence.note(before, update, update, None, NOW) == thorough


@given(st.integers())
def test_whole_numbers_as_flags(number: int) -> None:
    """Only 1 and 0 say whether something is on, as numbers and as texts."""
    assert as_flag(number) is as_flag(str(number))
