"""Topics of FlexAPI: the tracker of a message, its group and its action.

``v1/{client_id}/{group}/{action}``, with ``/resp`` behind it in answers.
"""

from __future__ import annotations

from dataclasses import dataclass
import re
from typing import Self

_TOPIC = re.compile(
    r"v1/(?P<serial>[A-Za-z0-9_.:-]{1,64})/(?P<group>[A-Za-z0-9_.-]{1,64})"
    r"/(?P<action>[A-Za-z0-9_-]{1,32})(?P<answer>/resp)?"
)

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
    def parse(cls, text: object) -> Self | None:
        """Return the topic of a message, None if it has none that makes sense."""
        if not isinstance(text, str) or not (found := _TOPIC.fullmatch(text)):
            return None
        return cls(
            found["serial"],
            found["group"],
            found["action"],
            found["answer"] is not None,
        )

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
