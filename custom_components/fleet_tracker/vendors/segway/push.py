"""Takes what Segway pushes (chapter Push of `segway-emoped`) and trusts none of it.

A push is a form. All its parameters, unknown ones too, are signed with the client secret.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
import hashlib
import hmac
import logging
from types import MappingProxyType
from urllib.parse import parse_qsl

from ...contract.connection import Host
from ...contract.pushes import PushRequest

_LOGGER = logging.getLogger(__name__)

SIGNATURE_PROBLEM = "segway_push_signature"

_MOST_PARAMETERS = 100
_REMEMBERED = 5000
_MOST_SUSPECTS = 20


class PushKind(StrEnum):
    """The kind of a push, by the last part of its path."""

    ALERT = "alert"
    FAULT = "fault"
    LOCATION = "location"
    STATUS = "status"
    COMPONENTS = "components"


PUSH_PATHS: Mapping[str, PushKind] = MappingProxyType(
    {f"/v2/vehicle/{kind}": kind for kind in PushKind}
)

# What tells two pushes of a kind apart, beside vehicle and time: the code or type, and
# the status. Of the other kinds all parameters do.
_APART: Mapping[PushKind, tuple[str, str]] = MappingProxyType(
    {
        PushKind.ALERT: ("code", "alertStatus"),
        PushKind.FAULT: ("code", "faultStatus"),
        PushKind.COMPONENTS: ("type", "status"),
    }
)

type Parameters = Iterable[tuple[str, str]]


class PushRefused(Exception):
    """A push is answered with an HTTP status other than 200."""

    def __init__(self, reason: str, status: int) -> None:
        """Initialize with the reason and the HTTP status."""
        super().__init__(reason)
        self.reason = reason
        self.status = status


@dataclass(frozen=True, slots=True)
class Push:
    """A push with a right signature."""

    kind: PushKind
    imei: str
    fields: Mapping[str, str]

    @property
    def identity(self) -> tuple[object, ...]:
        """The identity that a push shares with its repetitions alone."""
        told: tuple[object, ...]
        if (apart := _APART.get(self.kind)) is not None:
            told = tuple(self.fields.get(name, "") for name in apart)
        else:
            told = tuple(sorted(self.fields.items()))
        return self.imei, self.kind, told, self.fields.get("statusUtcTime", "")


def sign(parameters: Parameters, client_secret: str) -> str:
    """Return the signature of all parameters except `signature`.

    Ordered by ASCII, joined as in a query without escapes, empty values included, then
    `&client_secret=`, and of that the MD5 in hexadecimal digits.
    """
    ordered = sorted((name, value) for name, value in parameters if name != "signature")
    signed = "&".join(f"{name}={value}" for name, value in ordered)
    return hashlib.md5(
        f"{signed}&client_secret={client_secret}".encode(), usedforsecurity=False
    ).hexdigest()


class PushInbox:
    """Verifies the pushes to one account and tells new ones from repetitions."""

    def __init__(self, host: Host, client_id: str, client_secret: str) -> None:
        """Initialize with the account whose pushes are accepted, and its secret."""
        self.counters: Counter[str] = Counter()
        self._host = host
        self._client_id = client_id
        self._client_secret = client_secret
        self._seen: OrderedDict[tuple[object, ...], None] = OrderedDict()
        self._wrong_signatures = 0
        """In a row, at the address that holds the account's secret."""
        self._problem_is_shown = True
        """The repair may be shown from before a reload."""
        self._suspects: set[str] = set()

    def open(self, request: PushRequest) -> Push:
        """Return a push with a right signature. Raises PushRefused for any other.

        At the root, where other accounts may be asked too, a foreign `platformCode`
        is not found; behind this account's secret it is forbidden.
        """
        try:
            push = self._verified(request)
        except PushRefused as refusal:
            self.counters[refusal.reason] += 1
            raise
        if self._problem_is_shown:
            self._problem_is_shown = False
            self._wrong_signatures = 0
            self._host.clear_problem(SIGNATURE_PROBLEM)
        return push

    def _verified(self, request: PushRequest) -> Push:
        kind = PUSH_PATHS.get(request.path)
        if kind is None:
            raise PushRefused("unknown path", 404)
        if request.method != "POST":
            raise PushRefused("wrong method", 405)
        try:
            parameters = parse_qsl(
                request.body.decode(),
                keep_blank_values=True,
                errors="strict",
                max_num_fields=_MOST_PARAMETERS,
            )
        except ValueError:
            raise PushRefused("malformed", 400) from None
        fields = dict(parameters)
        if fields.get("platformCode") != self._client_id:
            raise PushRefused("foreign account", 404 if request.at_root else 403)
        expected = sign(parameters, self._client_secret)
        given = fields.get("signature", "").lower()
        if not hmac.compare_digest(expected.encode(), given.encode()):
            self._note_wrong_signature(request)
            raise PushRefused("wrong signature", 403)
        imei = fields.get("iotCode", "")
        if not imei or not imei.isascii() or not imei.isalnum() or len(imei) > 32:
            raise PushRefused("malformed", 400)
        return Push(kind, imei, MappingProxyType(fields))

    def _note_wrong_signature(self, request: PushRequest) -> None:
        """Log each address once, and tell the user if the URL's secret was right.

        Pushes at the root may come from anybody, so nothing is shown for them.
        """
        suspects = self._suspects
        if request.remote not in suspects and len(suspects) < _MOST_SUSPECTS:
            suspects.add(request.remote)
            _LOGGER.warning(
                "A push from %s has a wrong signature; further ones are only counted",
                request.remote,
            )
        if request.at_root:
            return
        self._wrong_signatures += 1
        # Not at each of them: a fleet pushes several times a second.
        if self._wrong_signatures.bit_count() == 1:
            self._problem_is_shown = True
            self._host.raise_problem(
                SIGNATURE_PROBLEM, count=str(self._wrong_signatures)
            )

    def is_repetition(self, push: Push) -> bool:
        """Tell whether a push was processed before."""
        if push.identity not in self._seen:
            return False
        self.counters["repetitions"] += 1
        return True

    def remember(self, push: Push) -> None:
        """Note that a push was processed."""
        self.counters[push.kind] += 1
        self._seen[push.identity] = None
        while len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
