"""Cases that hold their data at the same time: as many as fit into memory together."""

from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

from bench.support.system import available_memory

# Of the memory that is available: what is left over is for compilers, for what heaps keep, and for other programs.
PART = 0.8

T = TypeVar("T")


def room() -> float:
    """The bytes that data may take now."""
    return PART * available_memory()


def batches(items: Iterable[T], key: Callable[[T], Hashable], size: Callable[[T], int], room: float) -> list[list[T]]:
    """Items in batches that are no larger than the room; those of one key stay together, and have a batch of their own
    where they alone are larger. The largest go first, each where it fits: then there are few.
    """
    together: dict[Hashable, list[T]] = {}
    for item in items:
        together.setdefault(key(item), []).append(item)
    found: list[list[T]] = []
    for each in sorted(together.values(), key=lambda each: -sum(map(size, each))):
        batch = next((one for one in found if sum(map(size, [*one, *each])) <= room), None)
        if batch is None:
            found.append(batch := [])
        batch.extend(each)
    return found
