"""Actions that are offered for the vehicles of every vendor."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from homeassistant.auth.models import User
import voluptuous as vol

from ..account.coordinator import FleetCoordinator
from ..contract.errors import VendorError
from ..offer.action import ActionRequest, ActionSummary, Outcomes


@dataclass(frozen=True, kw_only=True)
class AccountRequest(ActionRequest):
    """A call of an action for one account, with the account and the caller.

    The caller is None for an automation. ``vehicles_in_call`` counts those of all accounts.
    """

    coordinator: FleetCoordinator
    caller: User | None
    vehicles_in_call: int = 0
    returns_answer: bool = True


async def _nothing_to_check(_request: object) -> Mapping[str, VendorError]:
    """Check nothing: no vehicle is refused."""
    return {}


@dataclass(frozen=True, kw_only=True)
class CommonAction(ActionSummary):
    """An action of vehicles, whoever their vendor is. See `VendorAction`."""

    fields: Mapping[vol.Marker, Any]
    handler: Callable[[AccountRequest], Awaitable[Outcomes]]
    check: Callable[[AccountRequest], Awaitable[Mapping[str, VendorError]]] = (
        _nothing_to_check
    )
