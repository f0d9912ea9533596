"""Commands to vehicles, their results, and the clearances that let them leave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from ..model.vehicle import VehicleUpdate

PART = "part"
"""The argument with the part of a vehicle that a command is for, where it has several."""

type Argument = bool | int | float | str


@dataclass(frozen=True, slots=True)
class Command:
    """Something that a vehicle is told to do.

    Names and arguments are a contract between a vendor's connection and its entities.
    """

    name: str
    arguments: Mapping[str, Argument] = field(
        default_factory=lambda: MappingProxyType({})
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandResult:
    """The result of a confirmed command, as far as the API can tell.

    ``text`` is the vehicle's own words; ``update`` is what is now known of the vehicle;
    ``warning`` is the translation key of a reservation (done, but ...).
    """

    text: str | None = None
    update: VehicleUpdate | None = None
    warning: str | None = None


class Clearance:
    """What a command needs where its bytes leave. This class serves harmless commands.

    A connection hands it down to where the request is written to the socket, and calls
    `leave` there, for each further try too. Nothing may be waited for between the two.
    Before that, `check` tells early that there is nothing to wait for.
    """

    stops: bool = False
    """Whether it lets a command leave that can stop a vehicle."""

    def check(self) -> None:
        """Raise CommandWithdrawn when the command must not be sent now."""

    def leave(self) -> None:
        """Let the bytes of the command leave now, or raise CommandWithdrawn."""
        self.check()


HARMLESS = Clearance()
"""The clearance of what cannot stop a vehicle. It allows nothing else."""
