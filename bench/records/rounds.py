"""The rounds of a case as columns: as they stand in a file, and as arrays for statistics."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Annotated, Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Meta

from bench.cases.choice import MOST_PROCESSES
from bench.records.limits import MOST_ROUNDS, Clock, Count, Error, Positive, Seconds, Steps

MOST_CONTROLS = 30  # of a round
Columns = Mapping[str, npt.NDArray[Any]]
MOST = Meta(max_length=MOST_ROUNDS)
Numbers = Annotated[list[Count], MOST]
Controls = Annotated[
    dict[Annotated[str, Meta(pattern="^[a-z-]{1,40}-[0-9]{1,4}$")], Annotated[list[Positive | None], MOST]],
    Meta(max_length=MOST_CONTROLS),
]
PAGE_FAULTS, READ_SECONDS = "page_faults", "read_seconds"
Readings = dict[Annotated[str, Meta(pattern=f"^({PAGE_FAULTS}|{READ_SECONDS})$")], Annotated[list[Error | None], MOST]]


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
    readings: Mapping[str, float | None] = {}


class Rounds(msgspec.Struct, frozen=True, kw_only=True):
    """Columns; a row is one timed stretch of a fit, in the order in which they were made.

    Raises ValueError unless they are of one length.
    """

    process: Annotated[Numbers, Meta(description="whose round it is")]
    turn: Annotated[Numbers, Meta(description="in which turn of its group; cases are paired by it")]
    place: Annotated[Numbers, Meta(description="in that turn: 0 is first")]
    time: Annotated[list[Clock | None], MOST, Meta(description="when it ended, in seconds since 1970")]
    steps: Annotated[list[Steps], MOST, Meta(description="iterations in it")]
    seconds: Annotated[list[Positive], MOST, Meta(description="per iteration, as read")]
    cpu_seconds: Annotated[list[Seconds], MOST, Meta(description="of the process, per iteration")]
    warm_up: Annotated[
        list[bool],
        MOST,
        Meta(description="whether it came before the warm-up was over, and so counts for nothing"),
    ]
    controls: Annotated[
        Controls,
        Meta(
            description="by the name of a control, the seconds that it took in that turn, or in the last one that it"
            " had; null where it failed. A name ends with a number, which goes up when the computation changes"
        ),
    ] = {}
    readings: Annotated[
        Readings,
        Meta(
            description="by name, what else was read, per iteration: `page_faults`, pages of memory that the system had"
            " to give, and of a yardstick `read_seconds`, in which it read the data of the fit once, right after the"
            " round; none in older files"
        ),
    ] = {}

    def __post_init__(self) -> None:
        if len({len(column) for column in (*self.columns().values(), *self._more().values())}) > 1:
            raise ValueError(f"expected columns {', '.join(COLUMNS)} and those of controls and readings of one length")
        if len(set(self.process)) > MOST_PROCESSES:
            raise ValueError(f"expected at most {MOST_PROCESSES} processes")

    @classmethod
    def of(cls, rows: Sequence[Row], warm_up: int) -> "Rounds":
        """Rounds of which the first `warm_up` came before the warm-up was over."""
        columns: dict[str, Any] = {name: [getattr(row, name) for row in rows] for name in COLUMNS if name != "warm_up"}
        controls, readings = _columns([row.controls for row in rows]), _columns([row.readings for row in rows])
        return cls(**columns, warm_up=[i < warm_up for i in range(len(rows))], controls=controls, readings=readings)

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
            readings={name: [column[i] for i in rows] for name, column in self.readings.items()},
        )

    def _more(self) -> dict[str, list[float | None]]:
        """The columns of controls and readings, by name."""
        return {**self.controls, **self.readings}

    def arrays(self) -> Columns:
        """A numpy array a column, and one a control or reading by its name; what is None is NaN."""
        columns: dict[str, npt.NDArray[Any]] = {
            name: np.array(column, dtype=WHOLE.get(name, float)) for name, column in self.columns().items()
        }
        return columns | {name: np.array(column, dtype=float) for name, column in self._more().items()}


COLUMNS = tuple(name for name in Rounds.__struct_fields__ if name not in ("controls", "readings"))
WHOLE: dict[str, type] = {"process": int, "turn": int, "place": int, "steps": int, "warm_up": bool}


def joined(parts: Iterable[Rounds]) -> Rounds:
    """The rounds of several processes, one after the other."""
    several = list(parts)
    return Rounds(
        **{name: [value for part in several for value in getattr(part, name)] for name in COLUMNS},
        controls=_joined(several, lambda part: part.controls),
        readings=_joined(several, lambda part: part.readings),
    )


def _columns(rows: Sequence[Mapping[Any, float | None]]) -> dict[Any, list[float | None]]:
    """By name, what each row has."""
    return {name: [row.get(name) for row in rows] for name in dict.fromkeys(name for row in rows for name in row)}


def _joined(parts: Sequence[Rounds], of: Callable[[Rounds], Mapping[Any, list[Any]]]) -> dict[Any, list[Any]]:
    """Columns that not all of the parts need have: None where one has none."""
    names = dict.fromkeys(name for part in parts for name in of(part))
    return {
        name: [value for part in parts for value in of(part).get(name) or [None] * len(part.process)] for name in names
    }
