"""Cases at several sizes, of which every second is known: of `builders.start`, and of a pace."""

from collections.abc import Callable, Sequence
from typing import Any

from builders import record, start

from bench.records.record import Record

SIZES = (100, 1000, 10_000)
START, BEFORE, AGAIN = 0.75, 2.125, 4e-5  # import and startup; build and first call; the same once more


def pace(points: float) -> float:
    """Seconds per iteration."""
    return 1e-6 + 1e-9 * points


def line(
    states: Sequence[str | None] = (None, None),
    sizes: Sequence[int] = SIZES,
    starts: Callable[[int], dict[str, float]] = lambda points: {},
    seconds: Callable[[float], float] = pace,
    **axes: Any,
) -> list[Record]:
    """A case at every size, in a process for each state of the cache; starts: by size, what is another than usual."""
    return [
        record(
            [[seconds(size)] * 3] * len(states),
            points=size,
            processes=[start(i, state, **starts(size)) for i, state in enumerate(states)],
            **axes,
        )
        for size in sizes
    ]
