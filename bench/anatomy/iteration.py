"""What one iteration consists of, as a worker tells it: counted, not timed."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Part:
    """An operation, a kernel or a loop. count: of it per iteration; reads, writes: the arrays of N that all of them
    read and write together, those that stay in a cache too; None where nothing tells.
    """

    name: str
    count: float = 1.0
    reads: float | None = 0.0
    writes: float | None = 0.0


@dataclass(frozen=True)
class Iteration:
    """kind: what the parts are, and who tells of them; allocated: new arrays of N, None where nothing tells."""

    kind: str
    parts: list[Part]
    allocated: float | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def arrays(self) -> float:
        """How many arrays of N are moved, at least: read and written."""
        return sum((part.reads or 0.0) + (part.writes or 0.0) for part in self.parts)

    @property
    def whole(self) -> bool:
        """Whether all parts tell what they move."""
        return all(part.reads is not None and part.writes is not None for part in self.parts)


def arrays_of(size: int, points: int) -> float:
    """How many arrays of N so many numbers are; those that do not fill one are none."""
    return size / points if size >= points else 0.0


class Tally:
    """Counts operations, by name: how often, and what they read, write and allocate."""

    def __init__(self) -> None:
        self.counts: dict[str, list[float]] = {}
        self.allocated = 0.0

    def add(self, name: str, reads: float, writes: float, allocated: float) -> None:
        entry = self.counts.setdefault(name, [0.0, 0.0, 0.0])
        for place, value in enumerate((1.0, reads, writes)):
            entry[place] += value
        self.allocated += allocated

    def parts(self, steps: int = 1) -> list[Part]:
        """Of so many steps that were counted, in the order in which they came first."""
        return [Part(name, *(value / steps for value in entry)) for name, entry in self.counts.items()]

    def iteration(self, kind: str, steps: int, notes: list[str] | None = None) -> Iteration:
        """Of so many steps that were counted: the operations that move most, or come most often, first."""
        parts = self.parts(steps)
        parts.sort(key=lambda part: (-(part.reads or 0) - (part.writes or 0), -part.count, part.name))
        return Iteration(kind, parts, self.allocated / steps, notes or [])


def shares(seconds: Mapping[str, float]) -> dict[str, float]:
    """Each as a fraction of all of them, the largest first."""
    whole = sum(seconds.values()) or 1.0
    return {name: value / whole for name, value in sorted(seconds.items(), key=lambda item: -item[1])}
