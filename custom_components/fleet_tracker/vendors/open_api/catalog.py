"""The documented operations, for whoever calls them by name (their path).

Sections are those of `open-api-2025`. `access_token` is never among the parameters. 2.16
(password change) is left out: no document tells its path.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ...contract.methods import ApiMethod, Use

_PERIOD = ("begintime", "endtime")

METHODS: Mapping[str, ApiMethod] = MappingProxyType(
    {
        "/api/authorization": ApiMethod(
            "2.1", Use.SIGNS_IN, ("time", "account", "signature")
        ),
        "/api/track": ApiMethod("2.2", Use.READS, ("imeis",)),
        "/api/playback": ApiMethod("2.3", Use.READS, ("imei", *_PERIOD)),
        "/api/geofence/create": ApiMethod(
            "2.4",
            Use.CHANGES,
            ("imei", "efencename", "alarmtype", "longitude", "latitude", "radius"),
        ),
        "/api/command/send": ApiMethod(
            "2.5", Use.STOPS, ("imei", "command"), ("paramData",)
        ),
        "/api/command/query": ApiMethod("2.6", Use.READS, ("commandid",)),
        "/api/device/list": ApiMethod("2.7", Use.READS, (), ("account",)),
        "/api/alarm/list": ApiMethod("2.8", Use.READS, ("imei", *_PERIOD)),
        "/api/user/block": ApiMethod("2.9", Use.CHANGES, ("account",)),
        "/api/user/unblock": ApiMethod("2.10", Use.CHANGES, ("account",)),
        "/api/user/info": ApiMethod("2.11", Use.READS, ("account",)),
        "/api/device/detail": ApiMethod("2.12", Use.READS, ("imeis",)),
        "/api/message/send": ApiMethod("2.13", Use.CHANGES, ("accounts", "content")),
        "/api/device/mileage": ApiMethod("2.14", Use.READS, ("imeis", *_PERIOD)),
        "/api/user/list": ApiMethod("2.15", Use.READS, (), ("account",)),
        "/api/alarm/list2": ApiMethod("2.17", Use.READS, ("imei", *_PERIOD)),
    }
)

# Operations that change something are sent by POST. Of those that read, only this one is.
_READ_BY_POST = frozenset({"/api/command/query"})


def http_method(path: str) -> str:
    """Return how an operation is called."""
    by_post = path in _READ_BY_POST or METHODS[path].use is not Use.READS
    return "POST" if by_post else "GET"
