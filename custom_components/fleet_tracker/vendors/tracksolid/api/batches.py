"""Many vehicles in as few calls as the server takes, none of them blinding the others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import batched

from ....contract.connection import Memory
from ....contract.errors import VehicleUnavailable
from .errors import BusinessError, ParameterRefused, TooManyVehicles
from .values import as_count

VEHICLES_PER_CALL = 100


@dataclass(slots=True)
class Batch[T]:
    """Answers for many vehicles, and why some of them were refused."""

    found: list[T] = field(default_factory=list)
    refused: dict[str, VehicleUnavailable] = field(default_factory=dict)


class Batches:
    """Splits lists of IMEIs: 100 a call, fewer where the server says so."""

    def __init__(self, memory: Memory) -> None:
        """Initialize with the memory that keeps a learned limit."""
        self._memory = memory

    @property
    def limit(self) -> int:
        """How many vehicles a call may name."""
        learned = as_count(self._memory.get("batch_limit"))
        return learned or VEHICLES_PER_CALL

    async def each[T](
        self,
        imeis: Iterable[str],
        ask: Callable[[Sequence[str]], Awaitable[Iterable[T]]],
    ) -> Batch[T]:
        """Ask for vehicles in batches, and again for the rest where one is refused.

        Raises what asking raises, VehicleUnavailable apart.
        """
        batch = Batch[T]()
        waiting: list[tuple[str, ...]] = list(
            batched(dict.fromkeys(imeis), self.limit, strict=False)
        )
        while waiting:
            part = waiting.pop(0)
            try:
                batch.found += await ask(part)
            except TooManyVehicles as error:
                if len(part) == 1:
                    raise
                waiting = await self._lower(error.limit, part, waiting)
            except VehicleUnavailable as error:
                if len(part) == 1:
                    batch.refused[part[0]] = error
                    continue
                middle = len(part) // 2
                waiting[:0] = [part[:middle], part[middle:]]
        return batch

    async def _lower(
        self,
        named: int | None,
        part: tuple[str, ...],
        waiting: list[tuple[str, ...]],
    ) -> list[tuple[str, ...]]:
        """Learn a lower limit and return the parts anew."""
        half = len(part) // 2
        limit = named if named is not None and named < len(part) else half
        await self._memory.put("batch_limit", max(1, limit))
        rest = [imei for other in (part, *waiting) for imei in other]
        return list(batched(rest, self.limit, strict=False))


async def in_either_spelling[T](
    memory: Memory, name: str, ask: Callable[[bool], Awaitable[T]]
) -> T:
    """Ask in the manual's spelling and, if that is refused, in the document's.

    `ask` is told whether to use the document's. Which of the two was taken is remembered
    under the name. Raises the first refusal when neither is taken.
    """
    key = f"spelling:{name}"
    first = memory.get(key) is True
    try:
        return await ask(first)
    except (ParameterRefused, BusinessError) as refusal:
        try:
            answer = await ask(not first)
        except (ParameterRefused, BusinessError):
            raise refusal from None
    await memory.put(key, not first)
    return answer
