"""The way of a trip is asked for once, some minutes after its end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
import pytest

from custom_components.fleet_tracker.contract.errors import CannotConnect
from custom_components.fleet_tracker.contract.history import HistoryKind, RoutePoint
from custom_components.fleet_tracker.model.vehicle import (
    Occurrence,
    OccurrenceKind,
    VehicleUpdate,
)
from tests.common import START, cloud_entry, elapse, set_up
from tests.neutral_vendor import Cloud, Clouds, Past

from .trips.test_account import kept, news

MINUTE = timedelta(minutes=1)
HEARD = (0.0, 0.002, 0.004, 0.01, 0.016, 0.02)
"""Where it was heard of on the way, a minute apart, in degrees north of the begin."""


def way(begin: float) -> list[RoutePoint]:
    """Return where it was every 10 s: to the east and back between two times."""
    points = []
    for number in range(6 * len(HEARD) - 5):
        first, step = divmod(number, 6)
        north = HEARD[first]
        if step:
            north += (HEARD[first + 1] - north) * step / 6
        points.append(
            RoutePoint(
                time=dt_util.utc_from_timestamp(begin + 10 * number),
                latitude=52 + north,
                longitude=5 + 0.001 * min(step, 6 - step),
                speed=27,
            )
        )
    return points


async def drive(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> None:
    """Drive to the north in five minutes, and park."""
    cloud.past["1"] = Past(route=way(dt_util.utcnow().timestamp()))
    for number, north in enumerate(HEARD):
        cloud.push(news("1", 52 + north, 27 * (number < len(HEARD) - 1), ignition=True))
        freezer.tick(60)
    cloud.push(news("1", 52.02, 0, ignition=False))


@pytest.mark.parametrize("fails", [None, "once", "not told", "busy"])
async def test_way_is_asked_for_once(
    hass: HomeAssistant,
    clouds: Clouds,
    freezer: FrozenDateTimeFactory,
    fails: str | None,
) -> None:
    """Between 5 and 10 minutes after the end; the trip grows by what it tells."""
    freezer.move_to(START)
    cloud, entry = clouds["acme"], cloud_entry()
    cloud.tell(news("1", 52, 0, ignition=False))
    coordinator = await set_up(hass, entry)
    told: list[Occurrence] = []
    coordinator.async_subscribe_occurrences(
        lambda _, one: told.append(one), "1", OccurrenceKind.TRIP
    )
    if fails == "not told":
        cloud.untold = {HistoryKind.ROUTES}
    elif fails == "once":
        cloud.past_errors["1"] = CannotConnect("no")
    freezer.tick(60)
    await drive(hass, cloud, freezer)
    await elapse(hass, freezer, 4 * MINUTE)
    assert [one.type for one in told] == ["trip_started", "trip_ended"]
    ended_at = told[-1].occurred_at
    cloud.queries.clear()
    asked: list[timedelta] = []
    with pytest.MonkeyPatch.context() as patched:
        if fails == "busy":
            patched.setattr(type(coordinator), "may_ask", False)
        for _ in range(40):
            await elapse(hass, freezer, MINUTE)
            if cloud.queries and not asked:
                asked.append(dt_util.utcnow() - ended_at)
                cloud.past_errors.clear()
    if fails in ("not told", "busy"):
        assert cloud.queries == []
        assert await kept(coordinator) == [2.2]
        return
    (query,) = cloud.queries
    assert query.begin < told[0].occurred_at < ended_at < query.end
    assert 5 * MINUTE <= asked[0] <= 10 * MINUTE
    corrected = [one.type for one in told[2:]]
    if fails == "once":
        assert (corrected, await kept(coordinator)) == ([], [2.2])
    else:
        assert (corrected, await kept(coordinator)) == (["trip_corrected"], [3.1])
        last = coordinator.vehicles()["1"].latest_fix
        assert last is not None
        assert last.longitude == 5


@pytest.mark.parametrize("has_ignition", [True, False])
async def test_trip_that_nobody_heard_of(
    hass: HomeAssistant,
    clouds: Clouds,
    freezer: FrozenDateTimeFactory,
    has_ignition: bool,
) -> None:
    """Its way is not asked for: what is known of its time would come undone."""
    freezer.move_to(START)
    cloud, entry = clouds["acme"], cloud_entry()

    def stands(latitude: float) -> VehicleUpdate:
        update = news("1", latitude, 0, ignition=False)
        return update if has_ignition else replace(update, groups=())

    cloud.tell(stands(52))
    coordinator = await set_up(hass, entry)
    told: list[Occurrence] = []
    coordinator.async_subscribe_occurrences(
        lambda _, one: told.append(one), "1", OccurrenceKind.TRIP
    )
    cloud.poll_error = CannotConnect()
    await elapse(hass, freezer, 50 * MINUTE)
    cloud.poll_error = None
    cloud.past["1"] = Past(
        route=[
            RoutePoint(
                time=dt_util.utcnow() - number * MINUTE / 2,
                latitude=52.04,
                longitude=5,
                speed=0,
            )
            for number in range(40)
        ]
    )
    for _ in range(60):
        cloud.push(stands(52.04))
        await elapse(hass, freezer, MINUTE)
    assert [one.type for one in told] == ["trip_started", "trip_ended"]
    assert cloud.queries == []
    assert await kept(coordinator) == [4.4]
