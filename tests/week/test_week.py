"""Days in the town: each alarm fires once, each automation runs as often as counted by hand.

Two days with one vehicle of each vendor belong to the tests; `script/soak --week` plays a
whole week with five of each.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
import os
from pathlib import Path
import shutil
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er

from custom_components.fleet_tracker.actions.blueprints import SOURCE
from custom_components.fleet_tracker.const import DOMAIN
from tests.simulators.failures import Failure

from .house import House
from .town import ALARMS_OF_A_DAY, BEGIN, RUNS_OF_A_DAY, open_town

DAYS = int(os.environ.get("WEEK_DAYS", "2"))
EACH = int(os.environ.get("WEEK_VEHICLES_EACH", "1"))
# When each of four days, by the hour, and whether it is killed: parked at night, on the
# first drive, and a minute after the first is bumped. A kill on a drive is five minutes after
# the last vehicle left: so old may be what is known after it of a vehicle that only tells
# by itself, and its ignition would be turned on once more.
RESTARTS = (
    ((3, False), (6.24, True)),
    ((7.3, True),),
    ((3, True), (6.1, False)),
    ((7.3, False),),
)
# Of the second day: once in a week, and once in two days.
REPORTS_ON = (BEGIN + timedelta(days=1)).strftime("%a").lower()


def automations(hass: HomeAssistant) -> list[dict[str, Any]]:
    """Return an automation of each blueprint, for all vehicles of the town."""
    registry = er.async_get(hass)
    ours = [
        entry
        for entry in registry.entities.values()
        if entry.platform == DOMAIN and entry.disabled_by is None
    ]

    def of(domain: str, key: str) -> list[str]:
        return sorted(
            entry.entity_id
            for entry in ours
            if entry.domain == domain and entry.unique_id.endswith(f"_{key}")
        )

    trackers = of("device_tracker", "position")
    inputs: dict[str, dict[str, Any]] = {
        "ignition_notice": {
            "ignition": of("binary_sensor", "ignition"),
            "which": ["on", "off"],
        },
        "left_unlocked": {
            "locks": of("lock", "locked"),
            "activities": of("sensor", "activity"),
        },
        "low_battery": {
            "batteries": of("sensor", "battery"),
            "alarms": of("event", "alarm"),
        },
        "silent": {"contacts": of("sensor", "last_contact"), "hours": 2},
        "theft_and_tow": {
            "alarms": of("event", "alarm"),
            "activities": of("sensor", "activity"),
            "trackers": trackers,
        },
        "weekly_report": {"trackers": trackers, "weekday": REPORTS_ON},
        "zone_arrive_leave": {
            "trackers": trackers,
            "zone": "zone.depot",
            "dwell": {"minutes": 5},
        },
    }
    return [
        {
            "id": name,
            "alias": name,
            "initial_state": True,
            "use_blueprint": {
                "path": f"{DOMAIN}/{name}.yaml",
                "input": {
                    **values,
                    "actions": [
                        {
                            "event": "ran",
                            "event_data": {
                                "of": name,
                                "vehicle": "{{ vehicle | default('all', true) }}",
                            },
                        }
                    ],
                },
            },
        }
        for name, values in inputs.items()
    ]


async def test_each_alarm_once_and_each_automation_as_counted(
    hass_storage: dict[str, Any], freezer: FrozenDateTimeFactory, tmp_path: Path
) -> None:
    """With restarts while parked, driving and right after an alarm, and with an outage.

    Some restarts are orderly, and some are of a process that was killed.
    """
    folder = tmp_path / "config"
    shutil.copytree(SOURCE, folder / "blueprints" / "automation" / DOMAIN)
    freezer.move_to(BEGIN)
    async with open_town(EACH) as town:
        house = House(town, folder, freezer, hass_storage, automations)
        for day in range(DAYS):
            begin = 24 * day
            for until, killed in RESTARTS[day % len(RESTARTS)]:
                async with house.up(killed=killed):
                    await house.live_until(begin + until)
                freezer.tick(60)
            async with house.up():
                # The power is cut while the servers cannot be asked.
                await house.live_until(begin + 12.3)
                for layer in town.failures:
                    layer.begin(Failure.HTTP_503)
                await house.live_until(begin + 12.9)
                for layer in town.failures:
                    layer.end()
                await house.live_until(begin + 24)
    vendors = {vendor: range(EACH) for vendor in ALARMS_OF_A_DAY}
    assert house.alarms == Counter(
        {
            (f"{vendor} {number}", kind): DAYS * count
            for vendor, numbers in vendors.items()
            for number in numbers
            for kind, count in ALARMS_OF_A_DAY[vendor].items()
        }
    )
    runs = Counter(
        {
            (name, f"{vendor} {number}"): DAYS * count
            for name, counts in RUNS_OF_A_DAY.items()
            for vendor, count in counts.items()
            for number in vendors[vendor]
        }
    )
    runs["weekly_report", "all"] = 1
    assert house.runs == runs
