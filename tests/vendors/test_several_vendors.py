"""Actions on vehicles of several vendors at once."""

from __future__ import annotations

from contextlib import AsyncExitStack

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
import pytest

from custom_components.fleet_tracker.const import DOMAIN
from custom_components.fleet_tracker.vendors.open_api.client import OpenApiClient
from custom_components.fleet_tracker.vendors.tracksolid.api.fences import FencesApi
from tests.common import tracker_of

from .open_api.contract import CONTRACT as OPEN_API
from .tracksolid.contract import CONTRACT as TRACKSOLID


async def test_geofence_is_checked_by_all_vendors_first(
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A radius that only one of them takes is refused before the other creates anything."""
    created: list[str] = []

    async def create(*_: object, **__: object) -> str:
        created.append("fence")
        return "1"

    monkeypatch.setattr(OpenApiClient, "create_geofence", create)
    monkeypatch.setattr(FencesApi, "create_circle", create)
    monkeypatch.setattr(FencesApi, "bind", create)
    async with AsyncExitStack() as stack:
        targets = []
        for contract in (OPEN_API, TRACKSOLID):
            account = await stack.enter_async_context(
                contract.open(hass, freezer, monkeypatch)
            )
            targets.append(tracker_of(hass, account.coordinator, account.vehicle_id))
        place = {"name": "Yard", "latitude": 1, "longitude": 2}

        async def call(radius: int) -> None:
            await hass.services.async_call(
                DOMAIN,
                "create_geofence",
                {"entity_id": targets, "radius": radius, **place},
                blocking=True,
            )

        with pytest.raises(ServiceValidationError) as refused:
            await call(150)
        assert refused.value.translation_key == "radius_out_of_range"
        assert created == []
        await call(300)
        assert created == ["fence", "fence", "fence"]
