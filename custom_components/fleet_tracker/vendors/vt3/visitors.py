"""Connections, and those of them that have not named an accepted tracker.

Nothing here takes longer the more there are: all trackers come at once after a restart.
"""

from __future__ import annotations

from .session import Session


class Visitors:
    """The connections that count, strangers until they are known."""

    def __init__(self) -> None:
        """Initialize without connections."""
        # Used as sets that keep their order.
        self._present: dict[Session, None] = {}
        self._strangers: dict[Session, None] = {}
        self._of_address: dict[str, dict[Session, None]] = {}

    def __len__(self) -> int:
        """Return how many connections there are."""
        return len(self._present)

    def enter(self, session: Session) -> None:
        """Add a connection that has not named its tracker."""
        self._present[session] = None
        self._strangers[session] = None
        self._of_address.setdefault(session.address, {})[session] = None

    def know(self, session: Session) -> None:
        """Note that a connection has named an accepted tracker."""
        if session in self._strangers:
            del self._strangers[session]
            of_address = self._of_address[session.address]
            del of_address[session]
            if not of_address:
                del self._of_address[session.address]

    def leave(self, session: Session) -> None:
        """Note the end of a connection, which may have been noted before."""
        self.know(session)
        self._present.pop(session, None)

    def strangers_of(self, address: str) -> int:
        """Return how many strangers come from an address."""
        return len(self._of_address.get(address, ()))

    def oldest_stranger(self, address: str | None = None) -> Session | None:
        """Return the oldest connection that names no accepted tracker, of all or an address."""
        strangers = (
            self._strangers if address is None else self._of_address.get(address, {})
        )
        return next(iter(strangers), None)
