"""The facts that each vendor's tests give to the common contract test.

A vendor's package of tests has a module ``contract.py`` with a `CONTRACT`. What it opens is
the real thing: the vendor's simulator, set up in Home Assistant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
import pytest

from custom_components.fleet_tracker.account.coordinator import (
    FleetConfigEntry,
    FleetCoordinator,
)
from custom_components.fleet_tracker.contract.errors import VendorError
from custom_components.fleet_tracker.model.vehicle import Vehicle


@dataclass(frozen=True, kw_only=True)
class FullAccount:
    """An account with a vehicle that has everything, in a time that stands still.

    ``private`` are the texts of its fixtures that tell whose the vehicle is, or let
    somebody in: numbers, names, plates, passwords and their hashes, tokens. Coordinates
    need not be named.
    """

    entry: FleetConfigEntry
    vehicle_id: str
    private: frozenset[str]

    @property
    def coordinator(self) -> FleetCoordinator:
        """The coordinator of the account."""
        return self.entry.runtime_data

    @property
    def vehicle(self) -> Vehicle:
        """What is known of the vehicle."""
        return self.coordinator.vehicles()[self.vehicle_id]


type Open = Callable[
    [HomeAssistant, FrozenDateTimeFactory, pytest.MonkeyPatch],
    AbstractAsyncContextManager[FullAccount],
]


@dataclass(frozen=True, kw_only=True)
class VendorContract:
    """The facts that the common tests need of a vendor.

    ``open`` sets the full account up. ``errors`` has one error for each code of the
    vendor's documents. ``without_entities`` are the capabilities that only actions or
    polls make use of. ``action_fields`` are fields with which an action is called, for
    every action that has any that must be given.
    """

    open: Open
    errors: Iterable[VendorError]
    action_fields: Mapping[str, Mapping[str, Any]]
    without_entities: frozenset[str] = frozenset()
