"""News of many vehicles: in which order it is merged and told."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from itertools import groupby
from unittest.mock import Mock

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
import pytest

from custom_components.fleet_tracker.account import fleet as fleet_module
from custom_components.fleet_tracker.account.fleet import Fleet
from custom_components.fleet_tracker.account.occurrences import OccurrenceLog
from custom_components.fleet_tracker.model.merge import Merged, merge
from custom_components.fleet_tracker.model.rules import Rules
from custom_components.fleet_tracker.model.vehicle import Vehicle, VehicleUpdate
from tests.common import START
from tests.neutral_vendor import told

from .test_known_records import Keeper


async def test_rules_are_asked_for_once_for_each_news(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """What is believed of news and when to look again is judged by the same rules."""
    freezer.move_to(START)
    asked: list[str] = []

    class AskedKeeper(Keeper):
        def rules(self, vehicle_id: str) -> Rules:
            asked.append(vehicle_id)
            return super().rules(vehicle_id)

    fleet = Fleet(hass, "Test", AskedKeeper(), Mock(spec=OccurrenceLog))
    for battery in (50, 51):
        fleet.receive([told("1", dt_util.utcnow(), battery=battery)])
    await fleet.async_done()
    fleet.close()
    assert asked == ["1", "1"]


async def test_20_updates_are_merged_before_they_are_told(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is merged once, and told once to each listener of what changed."""
    freezer.move_to(START)
    fleet = Fleet(hass, "Test", Keeper(), Mock(spec=OccurrenceLog))
    steps: list[str] = []

    def merge_and_note(
        vehicle: Vehicle | None, update: VehicleUpdate, rules: Rules, now: datetime
    ) -> Merged:
        steps.append("merged")
        return merge(vehicle, update, rules, now)

    def news(battery: int) -> list[VehicleUpdate]:
        now = dt_util.utcnow()
        return [
            told(str(number), now, battery=battery, door=True) for number in range(45)
        ]

    fleet.receive(news(50))
    await fleet.async_done()
    monkeypatch.setattr(fleet_module, "merge", merge_and_note)
    for number in range(45):
        for reading in ("battery", "door"):
            fleet.add_listener(str(number), reading, partial(steps.append, reading))
    freezer.tick(30)
    fleet.receive(news(51))
    await fleet.async_done()
    fleet.close()
    assert [(step, len(list(same))) for step, same in groupby(steps)] == [
        ("merged", 20),
        ("battery", 20),
        ("merged", 20),
        ("battery", 20),
        ("merged", 5),
        ("battery", 5),
    ]
