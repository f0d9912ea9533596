"""A vendor before its package is imported: a row of the registry."""

from __future__ import annotations

from dataclasses import dataclass

from .action import ActionSummary


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorSummary:
    """The registry's facts of a vendor. They equal those of the vendor's own record."""

    key: str
    name: str
    further_forms: tuple[str, ...] = ()
    """Forms of the config flow that follow the first one, by name."""
    adds_vehicles: bool = False
    """Whether vehicles are added one by one, because the vendor has no list of them."""
    push_root_paths: tuple[str, ...] = ()
    """Paths at the root of Home Assistant that pushes may come in by, if the user allows it."""
    actions: tuple[ActionSummary, ...] = ()
