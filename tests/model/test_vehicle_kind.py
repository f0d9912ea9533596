"""What kind of vehicle one is, as its model and its name say."""

from __future__ import annotations

import pytest

from custom_components.fleet_tracker.account.vehicle_settings import (
    settings_of,
    with_settings,
)
from custom_components.fleet_tracker.model.vehicle_kind import VehicleKind, guess_kind

GUESSES = [
    (("GT06N", "Delivery van"), VehicleKind.VAN),
    (("GT06N", "Van2"), VehicleKind.VAN),
    (("GT06N", "truck_3"), VehicleKind.TRUCK),
    (("GT06N", "Mercedes Sprinter 316"), VehicleKind.VAN),
    (("GT06N", "LKW 7"), VehicleKind.TRUCK),
    (("E-moped", "Blue"), VehicleKind.MOPED),
    (("KickScooter Max Pro", "Blue"), VehicleKind.SCOOTER),
    ((None, "Truck trailer"), VehicleKind.TRAILER),
    ((None, "School bus"), VehicleKind.BUS),
    ((None, "Anhänger"), VehicleKind.TRAILER),
    ((None, "Excavator"), VehicleKind.OTHER),
    ((None, "Company car"), VehicleKind.CAR),
    # Parts of other words say nothing.
    (("Advanced", "Vancouver Buster"), None),
    ((None, "B 1234"), None),
    ((None, ""), None),
]


@pytest.mark.parametrize("default", [VehicleKind.CAR, VehicleKind.MOPED])
@pytest.mark.parametrize(("texts", "kind"), GUESSES)
def test_guess(
    texts: tuple[str | None, str], kind: VehicleKind | None, default: VehicleKind
) -> None:
    """Where nothing says it, it is what the vendor's vehicles mostly are."""
    assert guess_kind(*texts, default=default) is (kind or default)


def test_settings_of_vehicles_do_not_touch_each_other() -> None:
    """Nor other options."""
    options = with_settings({"driving_interval": 15}, "1", {"kind": "van"})
    options = with_settings(options, "2", {"kind": "bus"})
    assert settings_of(options, "1").kind is VehicleKind.VAN
    options = with_settings(options, "1", {})
    assert settings_of(options, "1").kind is None
    assert settings_of(options, "2").kind is VehicleKind.BUS
    assert options["driving_interval"] == 15


@pytest.mark.parametrize(
    "stored", [None, 5, {"1": 5}, {"1": {"kind": "rocket"}}, {"1": {"kind": 5}}]
)
def test_settings_that_cannot_be(stored: object) -> None:
    """They count as not set."""
    assert settings_of({"vehicles": stored}, "1").kind is None
