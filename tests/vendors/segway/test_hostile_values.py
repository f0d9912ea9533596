"""No value that Segway tells shows anything absurd, or hides what the others say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.simulators.failures import replace_all
from tests.simulators.segway_mopeds import Moped
from tests.vendors.hostile import VALUES, check_house, check_kept

from .rig import PARKED, START, Door, Rig

pytestmark = pytest.mark.freeze_time(START)

QUERIES = ("status", "location", "extra_status", "battery_info")


async def test_any_value_in_all_fields(
    rig: Rig,
    hass_storage: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of the answers to each query."""
    told: list[object] = []

    def spoil(name: str) -> None:
        right: Callable[..., Mapping[str, object]] = getattr(Moped, name)

        def spoilt(*args: Any, **kwargs: Any) -> Mapping[str, object]:
            answer = dict(right(*args, **kwargs))
            if told:
                replace_all(answer, lambda _key, _value: told[0])
            return answer

        monkeypatch.setattr(Moped, name, spoilt)

    for name in QUERIES:
        spoil(name)
    for value in VALUES:
        told[:] = [value]
        await rig.press(PARKED, "refresh")
        await rig.advance(61)
        check_house(rig.hass, rig.coordinator, caplog, repr(value))
    told.clear()
    # Answers that tell nothing count as none: it is asked more slowly.
    await rig.advance(3600)
    await rig.press(PARKED, "refresh")
    await rig.advance(61)
    assert rig.state("sensor", PARKED, "battery").state == "76"
    await check_kept(rig.hass, rig.coordinator, hass_storage)


async def test_any_value_pushed(
    rig: Rig,
    door: Door,
    hass_storage: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """In all fields of each kind of push, which are texts."""
    server = rig.server
    for value in VALUES:
        # A form cannot hold half a surrogate pair.
        text = str(value).encode(errors="replace").decode()
        for kind, fields in (
            ("status", server.status_push(PARKED)),
            ("location", server.location_push(PARKED)),
            ("alert", server.alert_push(1)),
            ("fault", server.fault_push("E3")),
            ("components", server.components_push(1, 1)),
        ):
            await door.push(kind, PARKED, dict.fromkeys(fields, text))
        await rig.advance(41)
        check_house(rig.hass, rig.coordinator, caplog, text)
    await door.tell(PARKED)
    assert rig.state("sensor", PARKED, "battery").state == "76"
    await check_kept(rig.hass, rig.coordinator, hass_storage)
