"""The rounds of a case as columns: as they stand in a file, and as arrays for statistics."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Meta

from bench.cases.choice import MOST_PROCESSES
from bench.records.limits import MOST_ROUNDS, Clock, Count, Positive, Seconds, Steps

Columns = Mapping[str, npt.NDArray[Any]]
MOST = Meta(max_length=MOST_ROUNDS)
Numbers = Annotated[list[Count], MOST]


class Row(NamedTuple):
    """One round, as it is made."""

    process: int
    turn: int
    place: int
    time: float
    steps: int
    seconds: float
    cpu_seconds: float
    yardstick_seconds: float | None


class Rounds(msgspec.Struct, frozen=True, kw_only=True):
    """Columns, a row a round, in the order in which they were made.

    process: whose round it is; turn, and place in it; time: when it ended, in seconds since 1970; steps; seconds and
    cpu_seconds per iteration; yardstick_seconds: what the fixed yardstick took in that turn, None where it failed;
    warm_up: whether the round came before the warm-up was over. Raises ValueError unless they are of one length.
    """

    process: Numbers
    turn: Numbers
    place: Numbers
    time: Annotated[list[Clock | None], MOST]
    steps: Annotated[list[Steps], MOST]
    seconds: Annotated[list[Positive], MOST]
    cpu_seconds: Annotated[list[Seconds], MOST]
    yardstick_seconds: Annotated[list[Positive | None], MOST]
    warm_up: Annotated[list[bool], MOST]

    def __post_init__(self) -> None:
        if len({len(column) for column in self.columns().values()}) > 1:
            raise ValueError(f"expected columns {', '.join(COLUMNS)} of one length")
        if len(set(self.process)) > MOST_PROCESSES:
            raise ValueError(f"expected at most {MOST_PROCESSES} processes")

    @classmethod
    def of(cls, rows: Sequence[Row], warm_up: int) -> "Rounds":
        """Rounds of which the first `warm_up` came before the warm-up was over."""
        columns = {name: [getattr(row, name) for row in rows] for name in Row._fields}
        return cls(**columns, warm_up=[i < warm_up for i in range(len(rows))])

    def columns(self) -> dict[str, list[Any]]:
        return {name: getattr(self, name) for name in COLUMNS}

    @property
    def kept(self) -> "Rounds":
        """The rounds that came after the warm-up."""
        rows = [i for i, warming in enumerate(self.warm_up) if not warming]
        return Rounds(**{name: [column[i] for i in rows] for name, column in self.columns().items()})

    def arrays(self) -> Columns:
        """A numpy array a column; what is None is NaN."""
        return {name: np.array(column, dtype=WHOLE.get(name, float)) for name, column in self.columns().items()}


COLUMNS = Rounds.__struct_fields__
WHOLE: dict[str, type] = {"process": int, "turn": int, "place": int, "steps": int, "warm_up": bool}


def joined(parts: Iterable[Rounds]) -> Rounds:
    """The rounds of several processes, one after the other."""
    several = list(parts)
    return Rounds(**{name: [value for part in several for value in getattr(part, name)] for name in COLUMNS})
