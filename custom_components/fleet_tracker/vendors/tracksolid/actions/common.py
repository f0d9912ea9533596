"""What the actions have in common: the vehicles that they are called on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from ....contract.errors import VendorError
from ....offer.action import ActionRequest, Outcome, Outcomes
from ..connection import TracksolidConnection

type Request = ActionRequest[TracksolidConnection]


async def by_account(request: Request) -> dict[str, list[str]]:
    """Return the vehicles of a call by the (sub-)account that each belongs to.

    Raises VendorError when the accounts' lists are not known and cannot be read.
    """
    found: dict[str, list[str]] = {}
    for vehicle_id in request.vehicle_ids:
        account = await request.connection.account_of(vehicle_id)
        found.setdefault(account, []).append(vehicle_id)
    return found


async def for_each_account(
    request: Request, act: Callable[[str, Sequence[str]], Awaitable[Outcomes]]
) -> Outcomes:
    """Act on the vehicles of each (sub-)account; an error is the outcome of all of them."""
    outcomes: dict[str, Outcome] = {}
    for account, vehicle_ids in (await by_account(request)).items():
        try:
            outcomes.update(await act(account, vehicle_ids))
        except VendorError as err:
            outcomes.update(dict.fromkeys(vehicle_ids, err))
    return outcomes
