"""Topics of FlexAPI: the tracker of a message, its group and its action.

``v1/{client_id}/{group}/{action}``, with ``/resp`` behind it in answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
import re

_TOPIC = re.compile(
    r"v1/(?P<serial>[A-Za-z0-9_.:-]{1,64})/(?P<group>[A-Za-z0-9_.-]{1,64})"
    r"/(?P<action>[A-Za-z0-9_-]{1,32})(?P<answer>/resp)?"
)

_LONGEST = 200
_REMEMBERED = 16_384
"""Texts of topics whose meaning is remembered: trackers repeat a few each."""

CLIENT_TOKEN = "client_token"
"""The part of a request that its answer repeats, if the tracker does so (2.1.1)."""

INFO = "info"
SET = "set"
GET = "get"
REFRESH = "refresh"
CONTROL = "control"


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic. The serial is the client id, which is the tracker's serial number (2.3)."""

    serial: str
    group: str
    action: str
    is_answer: bool = False

    @classmethod
    def parse(cls, text: object) -> Topic | None:
        """Return the topic of a message, None if it has none that makes sense."""
        if not isinstance(text, str) or len(text) > _LONGEST:
            return None
        return _topic(text)

    def __str__(self) -> str:
        """Return the topic as it is sent."""
        answer = "/resp" if self.is_answer else ""
        return f"v1/{self.serial}/{self.group}/{self.action}{answer}"

    @property
    def answer(self) -> Topic:
        """The topic of the answer to a request."""
        return Topic(self.serial, self.group, self.action, is_answer=True)

    @property
    def only_reads(self) -> bool:
        """Whether a request changes nothing on the tracker."""
        return self.action in (GET, REFRESH)


@lru_cache(maxsize=_REMEMBERED)
def _topic(text: str) -> Topic | None:
    if not (found := _TOPIC.fullmatch(text)):
        return None
    return Topic(
        found["serial"], found["group"], found["action"], found["answer"] is not None
    )
