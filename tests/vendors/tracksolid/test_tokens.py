"""One token for as long as it lives: logins are the scarcest thing of this vendor."""

from __future__ import annotations

from datetime import timedelta

import pytest

from .helpers import CAR, VAN
from .home import NOW, Home

pytestmark = pytest.mark.freeze_time(NOW)

TOKEN = "jimi.oauth.token.get"
LOCATIONS = "jimi.user.device.location.list"


async def test_ten_restarts_within_a_minute_ask_for_one_token(home: Home) -> None:
    """Adding the account, its set-up and ten restarts cost one login."""
    for _ in range(10):
        home.freezer.tick(5)
        await home.reload()
        assert home.is_loaded
    assert home.sim.requests[TOKEN] == 1
    assert home.sim.requests[LOCATIONS] == 11


async def test_expired_token_is_renewed_once(home: Home) -> None:
    """1004 costs one login, and the vehicles stay available."""
    await home.elapse(120)
    home.sim.drop_tokens()
    await home.poll()
    assert home.sim.requests[TOKEN] == 2
    assert home.coordinator.last_update_success


async def test_too_frequent_is_waited_out(home: Home) -> None:
    """1006 renews nothing, and slows polling down."""
    home.sim.fail(LOCATIONS, 1006, "frequency is too high", times=1)
    await home.poll()
    assert home.sim.requests[TOKEN] == 1
    assert not home.coordinator.last_update_success
    assert (home.coordinator.update_interval or timedelta()) >= timedelta(minutes=1)
    await home.poll()
    assert home.coordinator.last_update_success


async def test_daily_quota_stops_for_hours(home: Home) -> None:
    """The day's quota raises a repair issue that goes away by itself.

    Over a reload too, which shows the stored vehicles and asks nothing.
    """
    home.sim.fail(
        LOCATIONS, 1006, "The request frequency exceeds the number per day", times=1
    )
    await home.poll()
    asked = home.sim.requests.total()
    assert home.issues() == {"tracksolid_daily_quota"}
    assert (home.coordinator.update_interval or timedelta()) >= timedelta(hours=3)
    await home.hass.config_entries.async_reload(home.entry.entry_id)
    await home.hass.async_block_till_done(wait_background_tasks=True)
    assert home.is_loaded
    assert home.coordinator.vehicles().keys() >= {VAN, CAR}
    assert home.sim.requests.total() == asked
    assert home.issues() == {"tracksolid_daily_quota"}
    await home.elapse(3 * 3600 + 60)
    assert home.sim.requests.total() > asked
    assert home.coordinator.last_update_success
    assert home.issues() == set()
