"""The door for pushes: both families, verified, answered at once, each item once.

The data push of chapter 10 comes as `token` and `data_list`, a notification of the Open
API as `msgType` and `data`, TAG positions as a bare list; all of them as a form or as
JSON. Only the data push knows a token; the others rely on the secret in the path.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
import hmac
import json
from urllib.parse import parse_qsl

from ....contract.pushes import PushAnswer, PushRequest
from ....model.json_values import Record, as_text, is_record
from ..api.values import from_text

PATHS = frozenset(
    {
        "pushevent",
        "pushhb",
        "pushgps",
        "pushalarm",
        "rfid",
        "wgtc",
        "pushoil",
        "pushfileupload",
        "pushtem",
        "pushlbs",
        "pushresourcelist",
        "pushftpfileupload",
        "pushIothubEvent",
        "pushPassThroughData",
        "pushTerminalTransInfo",
        "pushInstructResponse",
        "pushFileContent",
        "pushextendedkks",
        "uploadCallback",
        "pushobd",
        "pushfaultinfo",
        "pushtripreport",
    }
)
"""The 22 paths of chapter 10, as the last part of the URL."""

TAG_PATH = "api/v1/tag/data/push"
DUPLICATES_FOR = timedelta(minutes=10)

_MOST_HASHES = 20_000
_OF_A_PROBE = frozenset({"token", "data_list", "data", "msgType"})
_PAYLOADS = frozenset({"data_list", "data"})
_BY_LOWER_CASE: Mapping[str, str] = {path.lower(): path for path in PATHS}


@dataclass(frozen=True, slots=True)
class Push:
    """A verified push: items of a path, a notification, or TAG positions."""

    path: str
    items: Sequence[Record]
    message: str | None = None
    """The kind of a notification (`jimi.push.device.alarm`)."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a push is not taken: an HTTP status."""

    status: int


def path_of(request: PushRequest) -> str | None:
    """Return the path of a push, "" for the base URL, None for an unknown one."""
    path = request.path.strip("/")
    if path in {"", TAG_PATH}:
        return path
    return _BY_LOWER_CASE.get(path.lower())


def read_push(request: PushRequest, token: str | None) -> Push | Refused | None:
    """Return what a request pushes, None for a probe with nothing, or why it is refused.

    404 is an unknown path, 403 a wrong token, 400 what cannot be read. The token is
    compared in constant time. Whatever the method, a push with items is no probe.
    """
    if (path := path_of(request)) is None:
        return Refused(404)
    if not request.body.strip():
        return None
    body = _body(request)
    if request.method != "POST" and not (is_record(body) and body.keys() & _PAYLOADS):
        # A probe may have anything in its address.
        return None
    if isinstance(body, list) and path == TAG_PATH:
        return _items_of(path, body)
    if not is_record(body):
        return Refused(400)
    kind = as_text(body.get("msgType"))
    if kind is not None and kind.startswith("jimi."):
        return _items_of(path, from_text(body.get("data")), kind)
    if token and not _same(as_text(body.get("token")) or "", token):
        return Refused(403)
    if path in {TAG_PATH, ""}:
        return Refused(400)
    told = (body.get(name) for name in ("data_list", "data"))
    items = next((one for one in told if one is not None and one != ""), None)
    if items is None:
        # What says something else is no probe: answered as one, it would be lost. A page
        # without an equals sign is read as the name of a field without a value. With
        # semicolons between the fields, all others are part of the token.
        is_probe = body.keys() <= _OF_A_PROBE and "data_list=" not in str(body)
        return None if is_probe else Refused(400)
    return _items_of(path, from_text(items))


def answer(path: str, *, verified: bool = False) -> PushAnswer:
    """Return the answer to a push that is taken, or to a probe, which is not verified."""
    code = 200 if path == TAG_PATH else 0
    return PushAnswer(body={"code": code, "msg": "success"}, verified=verified)


class Duplicates:
    """Remembers pushes, since they are repeated."""

    def __init__(self) -> None:
        """Start with nothing."""
        self._seen: OrderedDict[bytes, datetime] = OrderedDict()

    def is_new(self, push: Push, item: Record, now: datetime) -> bool:
        """Note an item of a push; tell whether it was not pushed in the last ten minutes."""
        self._forget(now)
        text = json.dumps([push.path, push.message, item], sort_keys=True)
        digest = sha256(text.encode()).digest()
        if digest in self._seen:
            return False
        self._seen[digest] = now
        return True

    def _forget(self, now: datetime) -> None:
        """Forget pushes that are too old; the oldest come first."""
        while self._seen:
            oldest = next(iter(self._seen.values()))
            if now - oldest < DUPLICATES_FOR and len(self._seen) <= _MOST_HASHES:
                break
            self._seen.popitem(last=False)


def _items_of(path: str, items: object, message: str | None = None) -> Push | Refused:
    """Return the items of a list, or of one object where it comes alone."""
    if is_record(items):
        items = [items]
    if not isinstance(items, list):
        return Refused(400)
    records = tuple(_records(items))
    # Where nothing can be read, success would lose it all.
    return Refused(400) if items and not records else Push(path, records, message)


def _records(items: Iterable[object]) -> Iterable[Record]:
    """Yield the objects of a list; one may be a text of JSON once more."""
    for item in items:
        read = from_text(item)
        if is_record(read):
            yield read


def _body(request: PushRequest) -> object:
    """Return the body as an object or a list, whatever its content type claims.

    One invalid letter, such as in a name, must not lose all other items.
    """
    text = request.body.decode(errors="replace")
    if text.lstrip()[:1] in {"{", "["}:
        # Of a list that comes twice, one would be lost.
        return None if text.count('"data_list"') > 1 else from_text(text)
    try:
        fields = parse_qsl(text, keep_blank_values=True, max_num_fields=100)
    except ValueError:
        return None
    body = dict(fields)
    # Of a name that comes twice, one value would be lost.
    return body if len(body) == len(fields) else None


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())
