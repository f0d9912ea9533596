"""The methods of the API, by the name that a request carries."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .server import TracksolidSimulator

type Params = dict[str, str]


class Refusal(Exception):
    """An answer whose code is not 0. The code goes out as it is: int or string."""

    def __init__(
        self, code: int | str, message: str, result: object = None, data: object = None
    ) -> None:
        """Initialize with the code, the message and further fields."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.result = result
        self.data = data


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer whose code is 0."""

    result: object = None
    data: object = None
    message: str = "success"


type Handler = Callable[["TracksolidSimulator", Params], Reply | Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class Method:
    """A documented method: its parameters and its handler."""

    name: str
    required: frozenset[str]
    optional: frozenset[str]
    handler: Handler = field(repr=False)


METHODS: dict[str, Method] = {}


def method(
    name: str, *required: str, optional: tuple[str, ...] = ()
) -> Callable[[Handler], Handler]:
    """Register the handler of a method with the parameters of its table."""

    def register(handler: Handler) -> Handler:
        METHODS[name] = Method(name, frozenset(required), frozenset(optional), handler)
        return handler

    return register


def whole(params: Params, name: str, least: int, most: int, default: int) -> int:
    """Return a whole number within limits; 1001 otherwise."""
    text = params.get(name)
    if text is None:
        return default
    try:
        value = int(text)
    except ValueError:
        raise Refusal(1001, f"Parameter error: {name}") from None
    if not least <= value <= most:
        raise Refusal(1001, f"Parameter error: {name} must be {least} to {most}")
    return value


def one_of(params: Params, name: str, *values: str) -> str:
    """Return one of the documented values; 1001 otherwise."""
    value = params[name]
    if value not in values:
        raise Refusal(1001, f"Parameter error: {name}")
    return value


def decimal(params: Params, name: str, limit: float) -> float:
    """Return a number between plus and minus a limit; 1001 otherwise."""
    try:
        value = float(params[name])
    except ValueError:
        raise Refusal(1001, f"Parameter error: {name}") from None
    if not -limit <= value <= limit:
        raise Refusal(1001, f"Parameter error: {name}")
    return value
