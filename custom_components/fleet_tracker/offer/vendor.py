"""The record of a vendor: all that the integration knows of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from homeassistant.const import Platform

from ..contract.connection import Connection, Host, Settings
from .action import VendorAction
from .descriptions import VendorEntities
from .flow import VendorFlow


def _no_portal(_data: Mapping[str, Any]) -> str | None:
    """Return None: the vendor has no website for users, as far as is documented."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """A vendor. The registry tells beforehand what is needed before this is imported."""

    key: str
    name: str
    connect: Callable[[Settings, Host], Connection]
    flow: VendorFlow
    entities: VendorEntities
    portal: Callable[[Mapping[str, Any]], str | None] = _no_portal
    """Returns where the vendor shows the vehicles on the web, by an entry's data."""
    actions: tuple[VendorAction[Any], ...] = ()
    fixable_problems: frozenset[str] = frozenset()
    """The problems that `Connection.solve` can solve, after a question to the user."""
    polls: bool = True
    """Whether the user can choose how often it is polled."""
    pushes: bool = False
    """Whether the vendor can push to Home Assistant over HTTP."""
    push_root_paths: tuple[str, ...] = ()
    """Paths at the root of Home Assistant that pushes may come in by, if the user allows it."""

    @property
    def platforms(self) -> tuple[Platform, ...]:
        """Return the platforms that can have entities of vehicles or of the account."""
        own = (Platform.NUMBER,) if self.polls else ()
        return tuple(dict.fromkeys((*self.entities.platforms, *own)))

    def action(self, name: str) -> VendorAction[Any] | None:
        """Return the action of a name as this vendor does it, None if it does not."""
        return next((action for action in self.actions if action.name == name), None)
