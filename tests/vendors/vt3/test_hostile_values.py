"""No value in a frame shows anything absurd, ends the connection, or hides other values."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import batched
import json
from typing import Any

import pytest

from custom_components.fleet_tracker.vendors.vt3.frames import Checksum
from custom_components.fleet_tracker.vendors.vt3.parameters import (
    HOME_GROUPS,
    PARAMETERS,
    POSITION_PARAMETERS,
    TIME_PARAMETERS,
)
from tests.simulators.vt3 import Vt3Simulator
from tests.vendors.hostile import VALUES, check_house, check_kept

from .conftest import SERIAL
from .home import Home

IN_A_FRAME = 3
"""So many of the longest values fit into one."""
EVENT_FIELDS = (
    *("starts_at", "ends_at", "status", "level", "src_addr", "spn", "fmi", "oc"),
    *("dtc", "desc", "move_duration", "gnss.speed", "io.DI1"),
)


async def send(
    tracker: Vt3Simulator, topic: str, payload: Mapping[str, object]
) -> None:
    """Send a frame with values that only JSON of Python knows, such as NaN."""
    message = {"topic": f"v1/{SERIAL}/{topic}", "payload": payload}
    body = json.dumps(message).encode()
    await tracker.send_bytes(b"$" + body + Checksum.DOCUMENTED.of(body) + b"\r\n")


async def test_any_value_in_all_parameters(
    home: Home, hass_storage: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """In uploads, events and custom groups: the connection stands, and good news counts."""
    await home.listen(SERIAL)
    tracker = await home.connect(SERIAL)
    groups: dict[str, list[str]] = {"userdata": ["userdata.any"]}
    for key in (*PARAMETERS, *POSITION_PARAMETERS, *TIME_PARAMETERS):
        groups.setdefault(HOME_GROUPS[key.partition(".")[0]], []).append(key)
    for value in VALUES:
        await home.elapse(31)
        for group, keys in groups.items():
            for some in batched(keys, IN_A_FRAME, strict=False):
                await send(tracker, f"{group}/info", dict.fromkeys(some, value))
        for some in batched(EVENT_FIELDS, IN_A_FRAME, strict=False):
            event = {"type": "J1939_DTC_1", **dict.fromkeys(some, value)}
            await send(tracker, "event/notice", event)
        await send(tracker, "event/notice", {"type": value, "status": value})
        await home.settle()
        check_house(home.hass, home.coordinator, caplog, repr(value))
        assert not tracker.lost.is_set(), value
    await home.elapse(31)
    await tracker.upload("io")
    await tracker.upload("gnss")
    await home.settle()
    assert home.state("binary_sensor", "ignition", SERIAL).state == "off"
    assert home.connection.server.state()["connected_trackers"] == 1
    await check_kept(home.hass, home.coordinator, hass_storage)


async def test_any_value_in_the_settings_of_groups(
    home: Home, hass_storage: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """They are kept, so it must be possible to write them."""
    await home.listen(SERIAL)
    tracker = await home.connect(SERIAL)
    for value in VALUES:
        told: Any = value
        tracker.intervals["mine"] = told
        tracker.interests["mine"] = {"obd.speed": told, str(value)[:60]: told}
        await home.elapse(31)
        await home.reconnect(tracker)
        check_house(home.hass, home.coordinator, caplog, repr(value))
        await check_kept(home.hass, home.coordinator, hass_storage)
