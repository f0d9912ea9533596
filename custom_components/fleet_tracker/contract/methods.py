"""The documented methods of a vendor that can be called by name."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Use(StrEnum):
    """The effect of calling a method by name."""

    READS = "reads"
    CHANGES = "changes"
    """It changes the account or a device, and wants to be confirmed."""
    STOPS = "stops"
    """It can carry an engine cut-off, so it is refused: there are commands for it."""
    SIGNS_IN = "signs_in"
    """It deals with tokens and passwords, so it is refused."""


@dataclass(frozen=True, slots=True)
class ApiMethod:
    """A documented method: its section, what it may do, and its parameters."""

    section: str
    use: Use
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()

    @property
    def refused(self) -> bool:
        """Whether it must not be called by name."""
        return self.use in (Use.STOPS, Use.SIGNS_IN)

    @property
    def wants_confirmation(self) -> bool:
        """Whether the caller has to confirm it."""
        return self.use is Use.CHANGES
