"""Values that no vehicle has, and what an owner may see whatever is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
import json
import math
from typing import Any

from homeassistant.core import HomeAssistant, State
from homeassistant.helpers.json import json_bytes
import pytest

from custom_components.fleet_tracker.account.coordinator import FleetCoordinator
from custom_components.fleet_tracker.diagnostics import (
    async_get_config_entry_diagnostics,
)
from custom_components.fleet_tracker.model.readings import kind_of

VALUES: tuple[object, ...] = (
    *(2**16 - 1, (2**31 - 1) / 1000, 2**32 - 1, (2**32 - 1) * 0.125),
    *(-1, -(2**31), 2**53, 2**63, 2**64, 10**400, 1e30, -1e300, math.nan, math.inf),
    *("98%", "1_000", "1e999", "", "9" * 5_000, "x" * 10_000),
    *("half\ud83d a pair", "\u200b", "\x00\x1b[31m"),
    *(True, [], ["1"] * 3_000, [[[[]]]], {"a": [1]}),
)
"""JSON writes the numbers that are none as NaN and Infinity."""

_LARGEST = 2**53
_LONGEST_STATE = 255
_LARGEST_ATTRIBUTES = 16_384
_MOST_READINGS = 400
_WORST_ACCURACY_M = 100_000
_FREE = "custom:"
"""Readings that users name themselves: nobody else knows what can be."""


def numbers_in(value: object) -> Iterator[float]:
    """Yield all numbers in a value of JSON."""
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from numbers_in(inner)
    elif isinstance(value, list | tuple | set | frozenset):
        for inner in value:
            yield from numbers_in(inner)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield value


def _is_wrong(number: float) -> bool:
    return abs(number) > _LARGEST or not math.isfinite(number)


def _wrong_in(state: State) -> Iterator[str]:
    """Yield what is wrong with a state, whatever was told."""
    attributes = dict(state.attributes)
    try:
        told = json_bytes({"state": state.state, "attributes": attributes})
    except (TypeError, ValueError) as err:
        yield f"it cannot be told: {err}"
        return
    if len(state.state) > _LONGEST_STATE:
        yield "the state is too long"
    if len(told) > _LARGEST_ATTRIBUTES:
        yield "it is too large for the recorder"
    for number in filter(_is_wrong, numbers_in(attributes)):
        yield f"it holds {str(number)[:40]}"
    is_known = state.state not in {"unknown", "unavailable"}
    if (
        is_known
        and "unit_of_measurement" in attributes
        and _is_wrong(float(state.state))
    ):
        yield f"it is {state.state[:40]}"
    if "gps_accuracy" in attributes and attributes.get("latitude") is not None:
        place = abs(attributes["latitude"]), abs(attributes["longitude"])
        if place[0] > 90 or place[1] > 180:
            yield "it is no place"
        if not 0 <= attributes["gps_accuracy"] <= _WORST_ACCURACY_M:
            yield f"it is within {attributes['gps_accuracy']} m"


def _wrong_readings(coordinator: FleetCoordinator) -> Iterator[str]:
    """Yield what is wrong with readings, those that are not shown included."""
    for vehicle in coordinator.vehicles().values():
        if len(vehicle.readings) > _MOST_READINGS:
            yield f"{len(vehicle.readings)} readings"
        for key, value in vehicle.readings.items():
            if isinstance(value, str):
                if not 0 < len(value.strip()) <= _LONGEST_STATE:
                    yield f"{key} is {value!r:.40}"
            elif key.startswith(_FREE):
                continue
            elif not isinstance(value, datetime | bool) and (
                _is_wrong(value) or not kind_of(key).can_be(value)
            ):
                yield f"{key} is {str(value)[:40]}"


def check_house(
    hass: HomeAssistant,
    coordinator: FleetCoordinator,
    caplog: pytest.LogCaptureFixture,
    told: str,
) -> None:
    """Fail for what an owner must not see after something was told."""
    wrong = [
        f"{state.entity_id}: {what}"
        for state in hass.states.async_all()
        for what in _wrong_in(state)
    ]
    wrong += _wrong_readings(coordinator)
    wrong += [
        f"logged: {one.getMessage()[:200]}"
        for one in caplog.records
        if one.levelname == "ERROR"
        # In a frozen time aiohttp cannot write its access log.
        and one.name != "aiohttp.access"
    ]
    assert not wrong, (told[:80], wrong[:5])


async def check_kept(
    hass: HomeAssistant, coordinator: FleetCoordinator, stored: Mapping[str, Any]
) -> None:
    """Fail where the stored files or the diagnostics cannot be written."""
    await coordinator._store.async_save_pending()
    json.dumps(stored, allow_nan=False).encode()
    json_bytes(await async_get_config_entry_diagnostics(hass, coordinator.config_entry))
