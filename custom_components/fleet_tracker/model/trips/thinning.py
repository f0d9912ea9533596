"""Which points of a route may be left out: Douglas-Peucker, on a plane in metres.

The line stays within a distance of all that is left out. A point's weight is the largest
distance at which it is still kept, so that one pass serves any distance and any number.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from heapq import nlargest
import math

from .moments import METRES_PER_DEGREE

ALWAYS = math.inf


def weights(
    places: Sequence[tuple[float, float]], fixed: Collection[int] = ()
) -> list[float]:
    """Return the weight of each place in metres; places are degrees, in the order of time.

    The first, the last and the fixed ones have an infinite weight.
    """
    found = [0.0] * len(places)
    if not places:
        return found
    ends = sorted({0, len(places) - 1, *fixed})
    for index in ends:
        found[index] = ALWAYS
    flat = _on_a_plane(places)
    # What is between two places that are kept, and the weight that it cannot exceed.
    waiting = [(begin, end, ALWAYS) for begin, end in zip(ends, ends[1:], strict=False)]
    while waiting:
        begin, end, most = waiting.pop()
        farthest, distance = _farthest(flat, begin, end)
        if distance <= 0:
            continue
        weight = found[farthest] = min(distance, most)
        waiting.append((begin, farthest, weight))
        waiting.append((farthest, end, weight))
    return found


def thin(
    places: Sequence[tuple[float, float]],
    metres: float,
    most: int | None = None,
    fixed: Collection[int] = (),
) -> list[int]:
    """Return the indexes of the places to keep, in their order.

    What is left out is at most so many metres beside the line of the rest. Of more than
    ``most`` only those with the largest weights stay, in which case it may be more.
    """
    weighed = weights(places, fixed)
    kept = [index for index, weight in enumerate(weighed) if weight > metres]
    if most is not None and len(kept) > most:
        kept = sorted(nlargest(most, kept, key=lambda index: (weighed[index], -index)))
    return kept


def _on_a_plane(places: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return places in metres east and north, true near the middle of their latitudes."""
    latitudes = [latitude for latitude, _ in places]
    middle = math.radians((min(latitudes) + max(latitudes)) / 2)
    shrink = math.cos(middle) * METRES_PER_DEGREE
    origin = places[0][1]
    return [
        (
            ((longitude - origin + 540) % 360 - 180) * shrink,
            latitude * METRES_PER_DEGREE,
        )
        for latitude, longitude in places
    ]


def _farthest(
    flat: Sequence[tuple[float, float]], begin: int, end: int
) -> tuple[int, float]:
    """Return which place between two is farthest from their line, and how far."""
    east, north = flat[begin]
    to_east, to_north = flat[end][0] - east, flat[end][1] - north
    length = to_east * to_east + to_north * to_north
    index, largest = begin, 0.0
    for number in range(begin + 1, end):
        off_east, off_north = flat[number][0] - east, flat[number][1] - north
        if length:
            share = (off_east * to_east + off_north * to_north) / length
            share = min(1.0, max(0.0, share))
            off_east -= share * to_east
            off_north -= share * to_north
        distance = off_east * off_east + off_north * off_north
        if distance > largest:
            index, largest = number, distance
    return index, math.sqrt(largest)
