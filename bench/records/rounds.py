"""The rounds of a case as columns: as they stand in a file, and as arrays for statistics."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Annotated, Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Meta

from bench.cases.choice import MOST_PROCESSES
from bench.records.limits import MOST_ROUNDS, Clock, Count, Positive, Seconds, Steps

MOST_CONTROLS = 30  # of a round
Columns = Mapping[str, npt.NDArray[Any]]
MOST = Meta(max_length=MOST_ROUNDS)
Numbers = Annotated[list[Count], MOST]
Controls = Annotated[
    dict[Annotated[str, Meta(pattern="^[a-z-]{1,40}-[0-9]{1,4}$")], Annotated[list[Positive | None], MOST]],
    Meta(max_length=MOST_CONTROLS),
]


class Row(NamedTuple):
    """One round, as it is made."""

    process: int
    turn: int
    place: int
    time: float
    steps: int
    seconds: float
    cpu_seconds: float
    controls: Mapping[str, float | None]


class Rounds(msgspec.Struct, frozen=True, kw_only=True):
    """Columns, a row a round, in the order in which they were made.

    process: whose round it is; turn, and place in it; time: when it ended, in seconds since 1970; steps; seconds and
    cpu_seconds per iteration; warm_up: whether the round came before the warm-up was over; controls: by the name of a
    control, the seconds that it took in that turn, None where it failed. Raises ValueError unless they are of one
    length.
    """

    process: Numbers
    turn: Numbers
    place: Numbers
    time: Annotated[list[Clock | None], MOST]
    steps: Annotated[list[Steps], MOST]
    seconds: Annotated[list[Positive], MOST]
    cpu_seconds: Annotated[list[Seconds], MOST]
    warm_up: Annotated[list[bool], MOST]
    controls: Controls = {}

    def __post_init__(self) -> None:
        if len({len(column) for column in (*self.columns().values(), *self.controls.values())}) > 1:
            raise ValueError(f"expected columns {', '.join(COLUMNS)} and those of controls of one length")
        if len(set(self.process)) > MOST_PROCESSES:
            raise ValueError(f"expected at most {MOST_PROCESSES} processes")

    @classmethod
    def of(cls, rows: Sequence[Row], warm_up: int) -> "Rounds":
        """Rounds of which the first `warm_up` came before the warm-up was over."""
        columns: dict[str, Any] = {name: [getattr(row, name) for row in rows] for name in COLUMNS if name != "warm_up"}
        names = dict.fromkeys(name for row in rows for name in row.controls)
        controls = {name: [row.controls.get(name) for row in rows] for name in names}
        return cls(**columns, warm_up=[i < warm_up for i in range(len(rows))], controls=controls)

    def columns(self) -> dict[str, list[Any]]:
        return {name: getattr(self, name) for name in COLUMNS}

    @property
    def kept(self) -> "Rounds":
        """The rounds that came after the warm-up."""
        return self._rows([i for i, warming in enumerate(self.warm_up) if not warming])

    def only(self, processes: Collection[int]) -> "Rounds":
        """Those of some processes."""
        return self._rows([i for i, process in enumerate(self.process) if process in processes])

    def _rows(self, rows: Sequence[int]) -> "Rounds":
        return Rounds(
            **{name: [column[i] for i in rows] for name, column in self.columns().items()},
            controls={name: [column[i] for i in rows] for name, column in self.controls.items()},
        )

    def arrays(self) -> Columns:
        """A numpy array a column, and one a control by its name; what is None is NaN."""
        columns: dict[str, npt.NDArray[Any]] = {
            name: np.array(column, dtype=WHOLE.get(name, float)) for name, column in self.columns().items()
        }
        return columns | {name: np.array(column, dtype=float) for name, column in self.controls.items()}


COLUMNS = tuple(name for name in Rounds.__struct_fields__ if name != "controls")
WHOLE: dict[str, type] = {"process": int, "turn": int, "place": int, "steps": int, "warm_up": bool}


def joined(parts: Iterable[Rounds]) -> Rounds:
    """The rounds of several processes, one after the other."""
    several = list(parts)
    names = dict.fromkeys(name for part in several for name in part.controls)
    nothing = [[None] * len(part.process) for part in several]
    return Rounds(
        **{name: [value for part in several for value in getattr(part, name)] for name in COLUMNS},
        controls={
            name: [
                value for part, none in zip(several, nothing, strict=True) for value in part.controls.get(name, none)
            ]
            for name in names
        },
    )
