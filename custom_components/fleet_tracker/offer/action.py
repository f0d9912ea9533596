"""The actions that a vendor offers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from homeassistant.core import HomeAssistant, SupportsResponse
from homeassistant.exceptions import HomeAssistantError
import voluptuous as vol

from ..contract.commands import Command, CommandResult
from ..contract.connection import Connection
from ..contract.errors import OF_THE_ACCOUNT, VendorError

type Outcome = Mapping[str, Any] | None | VendorError | HomeAssistantError
"""The answer of an action for a vehicle, None if there is none; or its error there."""
type Outcomes = Mapping[str, Outcome]
"""The outcomes by vehicle ids."""


class ActionTarget(Enum):
    """The targets of an action."""

    VEHICLES = auto()
    ACCOUNT = auto()


class ActionEffect(Enum):
    """Whether an action tells something, or changes something.

    Its caller must be allowed to read the vehicles' trackers, or to control them.
    """

    TELLS = auto()
    CHANGES = auto()


@dataclass(frozen=True, kw_only=True)
class ActionRequest[C: Connection = Connection]:
    """A call of an action for one account: the vehicles, and the fields.

    ``execute`` sends a command to a vehicle by the way that all commands go, guarded;
    ``poll_soon`` asks for a poll earlier than planned.
    """

    hass: HomeAssistant
    connection: C
    execute: Callable[[str, Command], Awaitable[CommandResult]]
    poll_soon: Callable[[], None]
    vehicle_ids: tuple[str, ...]
    data: Mapping[str, Any]


type Check[C: Connection] = Callable[
    [ActionRequest[C]], Awaitable[Mapping[str, VendorError]]
]
type Handler[C: Connection] = Callable[
    [ActionRequest[C]], Awaitable[Mapping[str, Any] | None]
]


async def _nothing_to_check(_request: object) -> Mapping[str, VendorError]:
    """Check nothing: no vehicle is refused."""
    return {}


@dataclass(frozen=True, kw_only=True)
class ActionSummary:
    """The facts of an action that are known before it is called."""

    name: str
    effect: ActionEffect
    target: ActionTarget = ActionTarget.VEHICLES
    response: SupportsResponse = SupportsResponse.NONE
    administrators_only: bool = False


@dataclass(frozen=True, kw_only=True)
class VendorAction[C: Connection = Connection](ActionSummary):
    """An action that a vendor offers. Vendors may offer the same one, each in its way.

    ``check`` returns the vehicles that are known beforehand to be unable, and why:
    CommandUnsupported where one never can. It changes nothing, and judges all vehicles of
    the call before anything is changed. It raises ServiceValidationError or VendorError
    where the fields are wrong for every vehicle.

    ``handler`` does it. For vehicles it returns `Outcomes`; for an account, the answer.
    It may raise VendorError, which is then the outcome of all its vehicles.
    """

    fields: Mapping[vol.Marker, Any]
    handler: Handler[C]
    check: Check[C] = _nothing_to_check


def command_action(
    *,
    name: str,
    effect: ActionEffect,
    fields: Mapping[vol.Marker, Any],
    command: Callable[[Mapping[str, Any]], Command],
    answer: Callable[[CommandResult], Mapping[str, Any] | None] = lambda _: None,
    at_once: bool = False,
    response: SupportsResponse = SupportsResponse.NONE,
    administrators_only: bool = False,
) -> VendorAction:
    """Return an action that sends a command to vehicles, one by one or all at once.

    ``command`` makes it from the fields. It may raise ServiceValidationError or VendorError.
    """

    async def check(request: ActionRequest) -> Mapping[str, VendorError]:
        wanted = command(request.data)
        found = {}
        for vehicle_id in request.vehicle_ids:
            try:
                await request.connection.check(vehicle_id, wanted)
            except VendorError as err:
                found[vehicle_id] = err
        return found

    async def handle(request: ActionRequest) -> Outcomes:
        wanted = command(request.data)

        async def send(vehicle_id: str) -> Mapping[str, Any] | None:
            return answer(await request.execute(vehicle_id, wanted))

        return await for_each(request, send, at_once=at_once)

    return VendorAction(
        name=name,
        effect=effect,
        fields=fields,
        handler=handle,
        check=check,
        response=response,
        administrators_only=administrators_only,
    )


async def for_each(
    request: ActionRequest[Any],
    act: Callable[[str], Awaitable[Mapping[str, Any] | None]],
    *,
    at_once: bool = False,
) -> Outcomes:
    """Act on each vehicle, whatever comes of the others, and return the outcomes.

    An error of the account is also that of the vehicles that follow: they are not tried.
    """
    outcomes: dict[str, Outcome] = {}

    async def try_one(vehicle_id: str) -> None:
        try:
            outcomes[vehicle_id] = await act(vehicle_id)
        except (VendorError, HomeAssistantError) as err:
            outcomes[vehicle_id] = err

    if at_once:
        await asyncio.gather(*map(try_one, request.vehicle_ids))
        return {one: outcomes[one] for one in request.vehicle_ids}
    for vehicle_id in request.vehicle_ids:
        await try_one(vehicle_id)
        if _is_of_the_account(failed := outcomes[vehicle_id]):
            return {one: outcomes.get(one, failed) for one in request.vehicle_ids}
    return outcomes


def _is_of_the_account(outcome: Outcome) -> bool:
    """Tell whether it is an error that every vehicle of the account would meet."""
    cause = outcome.__cause__ if isinstance(outcome, HomeAssistantError) else outcome
    return isinstance(cause, OF_THE_ACCOUNT)
