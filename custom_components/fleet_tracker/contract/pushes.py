"""Pushes of a vendor, and the answers to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..model.json_values import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class PushRequest:
    """A request that came in at one of the doors for pushes.

    ``path`` starts behind the secret (``/pushgps``); ``at_root`` says that it came in by the
    root paths instead, which know no secret. The body is limited in size by the door.
    """

    method: str
    path: str
    content_type: str
    body: bytes
    remote: str
    at_root: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PushAnswer:
    """The answer to a push. Never 401: Home Assistant would ban the vendor's address.

    ``verified`` says that the push is the account's for sure, which is a sign of life; a
    probe is not.
    """

    status: int = 200
    body: Mapping[str, Json] | None = None
    verified: bool = False
