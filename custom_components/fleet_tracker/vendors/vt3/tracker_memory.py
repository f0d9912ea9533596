"""What was learned of trackers, kept over restarts: names, spellings, client tokens."""

from __future__ import annotations

from collections.abc import Container, Mapping

from ...contract.connection import Memory
from ...model.json_values import Json
from .parameters import RESERVED_GROUPS
from .tracker import Tracker

# Keys of the memory
INTERESTS = "interests"
WITH_ZERO = "outputs_with_zero"
WITHOUT_TOKEN = "without_client_token"


class TrackerMemory:
    """What was learned of an account's trackers, by their serial numbers."""

    def __init__(self, memory: Memory) -> None:
        """Initialize with the memory of the connection."""
        self._memory = memory

    def recall(self, tracker: Tracker) -> None:
        """Give a tracker what was remembered of it."""
        tracker.with_zero = tracker.serial in self._serials(WITH_ZERO)
        tracker.with_token = tracker.serial not in self._serials(WITHOUT_TOKEN)
        interests = _object(self._memory.get(INTERESTS))
        for group, interest in _object(interests.get(tracker.serial)).items():
            tracker.mapper.learn(group, _object(interest))
            if group not in RESERVED_GROUPS:
                tracker.custom_groups.add(group)

    async def remember(self, tracker: Tracker) -> None:
        """Keep what was learned of a tracker, if that is new."""
        memory, serial = self._memory, tracker.serial
        interests: dict[str, Json] = {
            group: {key: "" if alias == key else alias for alias, key in names.items()}
            for group, names in tracker.mapper.aliases.items()
        }
        kept = _object(memory.get(INTERESTS))
        if interests != kept.get(serial, {}):
            others = {one: names for one, names in kept.items() if one != serial}
            news = {serial: interests} if interests else {}
            await memory.put(INTERESTS, {**others, **news})
        for key, is_so in (
            (WITH_ZERO, tracker.with_zero),
            (WITHOUT_TOKEN, not tracker.with_token),
        ):
            serials = self._serials(key)
            if is_so and serial not in serials:
                await memory.put(key, [*serials, serial])
            elif not is_so and serial in serials:
                await memory.put(key, [one for one in serials if one != serial])

    async def keep_only(self, accepted: Container[str]) -> None:
        """Forget what was learned of trackers that are not accepted any more."""
        memory = self._memory
        interests = _object(memory.get(INTERESTS))
        kept = {one: interests[one] for one in interests if one in accepted}
        if len(kept) < len(interests):
            await memory.put(INTERESTS, kept)
        for key in (WITH_ZERO, WITHOUT_TOKEN):
            serials = self._serials(key)
            left = [one for one in serials if one in accepted]
            if left != serials:
                await memory.put(key, left)

    def _serials(self, key: str) -> list[Json]:
        """Return the serial numbers that are remembered for something."""
        serials = self._memory.get(key)
        return list(serials) if isinstance(serials, list) else []


def _object(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, Mapping) else {}
