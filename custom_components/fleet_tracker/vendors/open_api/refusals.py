"""Finding the vehicles that a server refuses among many, by halving.

One refused vehicle makes the server refuse the whole call, without saying which one it is.
A vehicle alone in a refused call is refused for certain.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ...contract.errors import VehicleUnavailable


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Vehicles by their IMEIs; with a refusal, at least one of them is refused."""

    imeis: tuple[str, ...]
    refusal: VehicleUnavailable | None = None

    @property
    def asked(self) -> tuple[str, ...]:
        """The next group to ask for: half of a group with a refused vehicle."""
        if self.refusal is None:
            return self.imeis
        return self.imeis[: len(self.imeis) // 2]

    @property
    def rest(self) -> tuple[str, ...]:
        """The others."""
        return self.imeis[len(self.asked) :]


class Suspects:
    """The vehicles of calls that were refused, until it is known which of them are."""

    def __init__(self) -> None:
        """Initialize without suspects."""
        self._groups: list[Group] = []

    @property
    def imeis(self) -> frozenset[str]:
        """The vehicles that may be refused or not."""
        return frozenset(imei for group in self._groups for imei in group.imeis)

    def add(
        self, imeis: tuple[str, ...], refusal: VehicleUnavailable
    ) -> Mapping[str, VehicleUnavailable]:
        """Note a refused call. Returns the vehicles refused for certain, and why."""
        self._groups.append(Group(imeis, refusal))
        return self._certain()

    def keep(self, imeis: Collection[str]) -> None:
        """Forget all other vehicles. A refused group that shrinks proves nothing any more."""
        self._groups = [
            group if len(kept) == len(group.imeis) else Group(tuple(kept))
            for group in self._groups
            if (kept := [imei for imei in group.imeis if imei in imeis])
        ]

    def narrow(self) -> None:
        """Suspect only those groups that contain a refused vehicle for certain."""
        self._groups = [group for group in self._groups if group.refusal is not None]

    def next(self) -> Group | None:
        """Return the next group to ask for, None if there is none.

        The smallest group with a refused vehicle comes first.
        """
        known = [group for group in self._groups if group.refusal is not None]
        return min(
            known or self._groups, key=lambda group: len(group.imeis), default=None
        )

    def take(
        self, group: Group, refusal: VehicleUnavailable | None
    ) -> Mapping[str, VehicleUnavailable]:
        """Note whether a group was refused. Returns the refused vehicles, and why.

        When one half of a group is not refused, the other one is.
        """
        if group not in self._groups:
            return {}
        self._groups.remove(group)
        if group.rest:
            known = group.refusal if refusal is None else None
            self._groups.append(Group(group.rest, known))
        if refusal is not None:
            self._groups.append(Group(group.asked, refusal))
        return self._certain()

    def _certain(self) -> Mapping[str, VehicleUnavailable]:
        """Remove vehicles that are alone in a refused group."""
        found: dict[str, VehicleUnavailable] = {}
        for group in list(self._groups):
            if group.refusal is not None and len(group.imeis) == 1:
                found[group.imeis[0]] = group.refusal
                self._groups.remove(group)
        return found
