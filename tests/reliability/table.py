"""What is expected of each vendor's account in each phase while something fails.

A cell of the table holds an `Outcome`, or the reason why it cannot occur. Cells that say
the same in a phase for all vendors stand in `DEFAULTS`, all others in `EXCEPTIONS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from homeassistant.config_entries import ConfigEntryState

from tests.simulators.failures import Failure


class Vendor(StrEnum):
    """A vendor of the registry."""

    OPEN_API = "open_api"
    TRACKSOLID = "tracksolid"
    SEGWAY = "segway"
    VT3 = "vt3"


class Phase(StrEnum):
    """A phase in the life of an account."""

    SET_UP = "set-up"
    POLL = "poll"
    COMMAND = "command"
    PUSH = "push"
    RENEWAL = "token renewal"
    UNLOAD = "unload"


class Shown(StrEnum):
    """What the vehicle's entities show while it fails."""

    CURRENT = "the values as they are"
    KEPT = "the last values"
    GONE = "the last values, and unavailable once nothing came in for long"


class Told(StrEnum):
    """What comes of a command."""

    DONE = "done"
    FAILED = "failed, in words"
    EITHER = "done, or failed in words"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What is expected. Values that are wrong are never shown, whatever fails.

    `first` is the state of the entry after a first set-up, when nothing is stored; None
    says that it depends on what of the answers is spoilt.
    `lines` are the most lines of the log from warning on, `calls` the most requests per
    usual poll while it fails. `asks` says that the user is asked for new credentials,
    `problem` that a repair issue tells what is wrong. `sent` is how often the command is
    sent at most. `answers` are the statuses that a spoilt push may be answered with.
    """

    entry: ConfigEntryState = ConfigEntryState.LOADED
    first: ConfigEntryState | None = ConfigEntryState.SETUP_RETRY
    shown: Shown = Shown.GONE
    lines: int = 1
    calls: float = 4
    asks: bool = False
    problem: bool = False
    told: Told = Told.FAILED
    sent: int = 1
    answers: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Reason:
    """Why a cell cannot occur."""

    why: str


type Cell = Outcome | Reason

LOADED, NOT_LOADED = ConfigEntryState.LOADED, ConfigEntryState.NOT_LOADED

OUTAGE = Outcome()
"""The vendor does not answer, or nothing that can be read."""
SLOWED = Outcome(calls=1)
"""The vendor wants to be asked less often."""
UNNOTICED = Outcome(shown=Shown.CURRENT, lines=0, first=LOADED, told=Told.DONE, sent=2)
"""Nobody notices."""
IGNORED = Outcome(shown=Shown.KEPT, lines=2, first=None, told=Told.EITHER)
"""What makes no sense is not shown, and what was known stays."""
DENIED = Outcome(problem=True)
"""The account may not be read, which a repair issue tells."""

REDIRECTED = replace(OUTAGE, calls=2)
"""No redirect is followed, least of all with a token or a command."""

WHILE_IT_FAILS: Mapping[Failure, Outcome] = {
    Failure.REFUSED: replace(OUTAGE, sent=0),
    Failure.HANG: OUTAGE,
    Failure.HANG_AFTER_HEADERS: OUTAGE,
    Failure.RESET_IN_BODY: OUTAGE,
    Failure.TLS: replace(OUTAGE, sent=0),
    Failure.HTTP_401: OUTAGE,
    Failure.HTTP_403: OUTAGE,
    Failure.HTTP_404: OUTAGE,
    Failure.HTTP_429: SLOWED,
    Failure.HTTP_429_RETRY_AFTER: SLOWED,
    Failure.HTTP_500: OUTAGE,
    Failure.HTTP_503: OUTAGE,
    Failure.REDIRECT_LOOP: REDIRECTED,
    Failure.REDIRECT_ELSEWHERE: REDIRECTED,
    Failure.HTML: OUTAGE,
    Failure.EMPTY: OUTAGE,
    Failure.TRUNCATED: OUTAGE,
    Failure.OVERSIZED: OUTAGE,
    Failure.BOMB: OUTAGE,
    Failure.DEEP: OUTAGE,
    Failure.NAN: IGNORED,
    # Each answer is wrong in another way: some can be read, some cannot.
    Failure.WRONG_TYPE: replace(IGNORED, lines=20),
    Failure.SURROGATE: IGNORED,
    Failure.UNKNOWN_FIELD: UNNOTICED,
    Failure.CLOCK_JUMP: UNNOTICED,
    Failure.DEAD_TOKEN: UNNOTICED,
    Failure.BLOCKED: DENIED,
}

# What an alarm that is pushed while the vendor's API fails, or whose own body is spoilt,
# comes to: it fires, or it is refused so that the sender knows.
TAKEN = Outcome(answers=frozenset({200}))
REFUSED = Outcome(answers=frozenset({400, 403, 415}))
DROPPED = Outcome()
"""The connection is ended, or closed after 20 s; there is nobody to answer."""
WHILE_PUSHED: Mapping[Failure, Outcome] = dict.fromkeys(Failure, TAKEN) | {
    Failure.HANG: DROPPED,
    Failure.HANG_AFTER_HEADERS: DROPPED,
    Failure.RESET_IN_BODY: DROPPED,
    Failure.HTML: REFUSED,
    Failure.EMPTY: Outcome(answers=frozenset({200, 400, 403})),
    # Beside the API's failure, half a signed push has a wrong signature.
    Failure.TRUNCATED: Outcome(answers=frozenset({400, 403}), lines=2),
    Failure.OVERSIZED: Outcome(answers=frozenset({413})),
    Failure.BOMB: Outcome(answers=frozenset({400, 413, 415})),
    Failure.DEEP: Outcome(answers=frozenset({400, 403})),
    Failure.WRONG_TYPE: Outcome(answers=frozenset({200, 400})),
    Failure.SURROGATE: Outcome(answers=frozenset({200, 400, 403})),
}

UNLOADED = Outcome(entry=NOT_LOADED, calls=0)

DEFAULTS: Mapping[Phase, Mapping[Failure, Outcome]] = {
    Phase.SET_UP: WHILE_IT_FAILS,
    Phase.POLL: WHILE_IT_FAILS,
    Phase.COMMAND: WHILE_IT_FAILS,
    Phase.PUSH: WHILE_PUSHED,
    # Half a surrogate pair is in no token that works.
    Phase.RENEWAL: {**WHILE_IT_FAILS, Failure.SURROGATE: OUTAGE},
    Phase.UNLOAD: dict.fromkeys(Failure, UNLOADED),
}

NO_HTTP = Reason("trackers speak no HTTP")
NOT_POLLED = Reason("nothing is polled: trackers tell by themselves")
NO_TOKEN = Reason("trackers have no token")
ASKS_NOBODY = Reason("the listener is opened without asking anybody")
NO_PUSHES = Reason("the Open API pushes nothing")
NOT_COMPRESSED = Reason("frames are not compressed")
NO_ACCOUNT = Reason("trackers have no account")
HTTP = frozenset(failure for failure in Failure if failure.value.startswith("HTTP "))
VT3_NEVER: Mapping[Failure, Reason] = {
    **dict.fromkeys(HTTP, NO_HTTP),
    Failure.BOMB: NOT_COMPRESSED,
    Failure.DEAD_TOKEN: NO_TOKEN,
    Failure.BLOCKED: NO_ACCOUNT,
}

type Exceptions = Mapping[tuple[Vendor, Phase], Mapping[Failure, Cell]]

EXCEPTIONS: Exceptions = {
    (Vendor.TRACKSOLID, Phase.SET_UP): {
        # There is one login a minute, and the row makes two.
        Failure.DEAD_TOKEN: replace(UNNOTICED, first=None),
    },
    (Vendor.OPEN_API, Phase.PUSH): dict.fromkeys(Failure, NO_PUSHES),
    (Vendor.VT3, Phase.SET_UP): dict.fromkeys(Failure, ASKS_NOBODY),
    (Vendor.VT3, Phase.POLL): dict.fromkeys(Failure, NOT_POLLED),
    (Vendor.VT3, Phase.RENEWAL): dict.fromkeys(Failure, NO_TOKEN),
    (Vendor.VT3, Phase.COMMAND): {
        **VT3_NEVER,
        # The group of the answer, not the serial number that the request was sent to.
        Failure.TLS: OUTAGE,
        Failure.OVERSIZED: Outcome(lines=2),
    },
    (Vendor.VT3, Phase.PUSH): {
        **VT3_NEVER,
        # Of each connection that it spoils.
        Failure.OVERSIZED: Outcome(lines=2),
    },
    (Vendor.VT3, Phase.UNLOAD): VT3_NEVER,
}


def cell(vendor: Vendor, phase: Phase, failure: Failure) -> Cell:
    """Return a cell of the table. Raises KeyError where it is empty."""
    exceptions = EXCEPTIONS.get((vendor, phase), {})
    return exceptions[failure] if failure in exceptions else DEFAULTS[phase][failure]
