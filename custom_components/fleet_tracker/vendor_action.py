"""What a vendor tells of an action that it offers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from homeassistant.core import SupportsResponse
import voluptuous as vol

from .coordinator import FleetCoordinator


class ActionTarget(Enum):
    """What an action is called on."""

    VEHICLES = auto()
    ACCOUNT = auto()


@dataclass(frozen=True, kw_only=True)
class ActionRequest:
    """A call of an action for one account: its vehicles that are meant, and the fields."""

    coordinator: FleetCoordinator
    vehicle_ids: tuple[str, ...]
    data: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class VendorAction:
    """An action that a vendor offers. Vendors may offer the same one, each in its way.

    The handler returns, for vehicles, an answer for each vehicle id; for an account, the
    answer. It may raise VendorError.
    """

    name: str
    fields: Mapping[vol.Marker, Any]
    handler: Callable[[ActionRequest], Awaitable[Mapping[str, Any] | None]]
    target: ActionTarget = ActionTarget.VEHICLES
    response: SupportsResponse = SupportsResponse.NONE
    administrators_only: bool = False
