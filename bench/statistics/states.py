"""The state of the machine in the turns of a run, as its controls tell.

A state has FACTORS: the mean of the logs of the controls of the core, and that of those of the memory, each control
about its median over the run. The cases themselves have no say in it: what all of them share would be taken for the
machine.
"""

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeVar

import numpy as np
import numpy.typing as npt

from bench.records.record import Record
from bench.records.rounds import Columns
from bench.support.controls import CORE, FIRST, MEMORY

Array = npt.NDArray[np.float64]
Key = TypeVar("Key", bound=Hashable)
T = TypeVar("T")

Factor = Literal["core", "memory"]
FACTORS: tuple[Factor, ...] = ("core", "memory")
CONTROLS_OF = ((*CORE, FIRST), MEMORY)

QUIET = 0.25  # the share of a run's turns in which its machine is said to be quiet: those whose core was fastest
RESAMPLES = 200  # of the quiet state, for its uncertainty
TAKEN = 0.9  # a round that got less of its core than this was made beside somebody else on it
COARSE = 1.2  # a clock of CPU time that tells more than this of a thread has too long ticks to tell of a round


def states(rounds: Mapping[Key, Columns]) -> dict[Key, Array]:
    """Of each set of columns, rounds x FACTORS, logs of seconds; NaN where no control of a factor was measured."""
    medians = {
        name: float(np.nanmedian(values))
        for name in sum(CONTROLS_OF, ())
        if np.isfinite(values := _all(rounds.values(), name)).any()
    }
    return {
        key: np.stack([_mean(columns, medians, names) for names in CONTROLS_OF], axis=1)
        for key, columns in rounds.items()
    }


def _all(rounds: Iterable[Columns], name: str) -> Array:
    """The logs of a control, of all rounds."""
    return np.log(np.concatenate([columns[name] for columns in rounds if name in columns] or [np.empty(0)]))


def _mean(columns: Columns, medians: Mapping[str, float], names: Sequence[str]) -> Array:
    there = np.array([np.log(columns[name]) - medians[name] for name in names if name in columns and name in medians])
    known = np.isfinite(there).sum(axis=0) if len(there) else np.zeros(len(columns["seconds"]))
    total = np.nansum(there, axis=0) if len(there) else known
    return np.divide(total, known, out=np.full(len(known), math.nan), where=known > 0)


@dataclass(frozen=True)
class Turns:
    """Those of a group in a process: the number of each, when it ended, in seconds since 1970, and its state, turns x
    FACTORS.
    """

    group: str
    process: int
    turn: npt.NDArray[np.int64]
    time: Array
    state: Array


@dataclass(frozen=True)
class Quiet:
    """The machine's own quiet state, by FACTORS, from the turns of a run, a part for each group and process.

    It is the state of the core that is undercut in QUIET of the turns, and the memory's in these; NaN without turns.
    """

    turns: Sequence[Turns]

    @cached_property
    def state(self) -> Array:
        return _quiet([one.state for one in self.turns]) if self.turns else np.full(len(FACTORS), math.nan)

    @cached_property
    def covariance(self) -> Array:
        """How well the turns tell it: a hierarchical bootstrap's, over processes and their groups, since turns that
        follow each other are alike. Zeros without turns.
        """
        if not self.turns:
            return np.zeros((len(FACTORS), len(FACTORS)))
        by_process: dict[int, list[Array]] = {}
        for one in self.turns:
            by_process.setdefault(one.process, []).append(one.state)
        processes, random = list(by_process.values()), np.random.default_rng(0)
        resampled = [
            _quiet([part for process in _drawn(processes, random) for part in _drawn(process, random)])
            for _ in range(RESAMPLES)
        ]
        return np.cov(np.array(resampled).T)


def _drawn(values: Sequence[T], random: np.random.Generator) -> list[T]:
    return [values[i] for i in random.integers(len(values), size=len(values))]


def _quiet(turns: Sequence[Array]) -> Array:
    every = np.concatenate(turns)
    core = float(np.quantile(every[:, 0], QUIET))
    return np.array([core, every[every[:, 0] <= core, 1].mean()])


def taken(record: Record, columns: Columns) -> npt.NDArray[np.bool_]:
    """Which rounds had to share their core with somebody else, as their CPU time tells.

    On the cpu alone, for who waits for a device takes no CPU time. Of one thread the share of its core should be 1; of
    several, what three rounds in four do not exceed.
    """
    share = columns["cpu_seconds"] / columns["seconds"]
    threads = record.threads or 1
    if record.case.device != "cpu" or not len(share) or share.max() > COARSE * threads:
        return np.zeros(len(share), dtype=bool)
    return np.asarray(share < TAKEN * (1.0 if threads == 1 else float(np.quantile(share, 0.75))))


def own_half_width(kept: Columns) -> float:
    """Half of the 95 % interval of one process's own figure, relative to it: the median of its rounds, net of the
    core's state where that is known. It says nothing of other processes.

    The standard error is that of a median of normal values whose spread is told by the median of absolute deviations.
    """
    core = states({0: kept})[0][:, 0]
    logs = np.log(kept["seconds"]) - (core if np.isfinite(core).all() else 0.0)
    return 1.96 * standard_error(logs)


def standard_error(logs: Array) -> float:
    """Of the median of values about it, which are as good as normal and independent."""
    spread = 1.4826 * float(np.median(np.abs(logs - np.median(logs))))
    return math.sqrt(math.pi / 2 / len(logs)) * spread
