"""Clearances of commands, judged at the moment when the bytes leave."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import override

from ..contract.commands import Clearance
from ..contract.errors import CommandWithdrawn
from ..model.guard import Refusal

type WhyNot = Callable[[], Refusal | None]
"""Returns why a command must not be sent now, None if it may."""


class JudgedClearance(Clearance):
    """The clearance of a command that is judged anew each time that it is asked for."""

    def __init__(self, judge: WhyNot) -> None:
        """Initialize with the function that judges the command."""
        self._judge = judge

    def why_not(self) -> Refusal | None:
        """Return why the command must not be sent now."""
        return self._judge()

    @override
    def check(self) -> None:
        """Raise CommandWithdrawn when the command must not be sent now."""
        if refusal := self.why_not():
            raise CommandWithdrawn(
                "Not sent", key=refusal.key, placeholders=refusal.placeholders
            )


class StopClearance(JudgedClearance):
    """The clearance of a command that can stop a vehicle. It can be withdrawn.

    Withdrawing it before anything was sent ends `over` too: the command may wait for
    long, but it is certain then that it is never sent.
    """

    stops = True

    def __init__(self, judge: WhyNot) -> None:
        """Initialize with the function that judges the command; it can be withdrawn too."""
        super().__init__(judge)
        self.over = asyncio.Event()
        self._withdrawn: Refusal | None = None
        self._may_be_sent = False

    @property
    def may_be_sent(self) -> bool:
        """Whether its bytes may be on their way."""
        return self._may_be_sent

    @property
    def is_unsent(self) -> bool:
        """Whether it was withdrawn before anything was sent."""
        return self._withdrawn is not None and not self._may_be_sent

    @property
    def withdrawn(self) -> Refusal | None:
        """Why it was withdrawn, None if it was not."""
        return self._withdrawn

    def withdraw(self, reason: Refusal) -> None:
        """Let nothing be sent from now on."""
        self._withdrawn = self._withdrawn or reason
        if not self._may_be_sent:
            self.over.set()

    @override
    def why_not(self) -> Refusal | None:
        """Return why the command must not be sent now."""
        return self._withdrawn or self._judge()

    @override
    def leave(self) -> None:
        """Let the bytes of the command leave now, or raise CommandWithdrawn."""
        self.check()
        self._may_be_sent = True
