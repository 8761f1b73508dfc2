"""By how much the seconds of a case move with the state of the machine, and whether that is worth knowing.

Blocks of a process's turns meet different states, and so do its processes: of each case the log of a block's seconds is
regressed on its state, in deviations from the case's means. A loading starts from what it is expected to be (1 for the
core, 0 for the memory); what its backend, and then the case itself, has beyond that is shrunk (ridge regression, which
is the posterior mean of normal loadings). How far, and with which factors, is decided by processes that were held out.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
from scipy import linalg

from bench.statistics.states import Array

Key = TypeVar("Key", bound=Hashable)

EXPECTED = np.array([1.0, 0.0])  # of FACTORS
PARTS, FEWEST = 8, 4  # blocks of a process, and rounds of a block, at most and at least
AS_GOOD = 1.01  # times the least error
RESOLUTION = 1e-6  # relative; no block is known better
FOLDS = 5  # sets of processes that are held out one after the other


class Spreads(NamedTuple):
    """A prior of loadings: of so many factors, the standard deviations of what a backend and a case have of their own.

    With 0 factors nothing is taken away.
    """

    factors: int
    backend: float
    case: float


RAW = Spreads(0, 0.0, 0.0)
PRIORS = (RAW, Spreads(1, 0.3, 0.1), Spreads(2, 0.3, 0.1))


@dataclass(frozen=True)
class Blocks:
    """Of one case, a row a block: the median log of its seconds, the same net of the state as it is expected to load,
    the mean state, and the process.
    """

    raw: Array
    net: Array
    states: Array
    process: npt.NDArray[np.int64]

    def only(self, rows: npt.NDArray[np.bool_]) -> "Blocks":
        return Blocks(self.raw[rows], self.net[rows], self.states[rows], self.process[rows])

    @cached_property
    def places(self) -> npt.NDArray[np.int64]:
        """Of each block, the place of its process, which lie one after the other."""
        return np.cumsum(np.diff(self.process, prepend=self.process[:1]) != 0)

    def left(self, loading: Array) -> Array:
        """What is left of the logs once so many factors are taken away."""
        used = len(loading)
        return self.net - self.states[:, :used] @ (loading - EXPECTED[:used]) if used else self.raw


@dataclass(frozen=True)
class Loading:
    """Of as many factors as are used, with its covariance."""

    value: Array
    covariance: Array


def blocks(logs: Array, states: Array, process: npt.NDArray[np.int64]) -> Blocks:
    """Those of a case's rounds, in the order in which they were made."""
    cut = [(number, part) for number in np.unique(process) for part in _parts(np.flatnonzero(process == number))]
    both = np.stack([logs, logs - states[:, :1] @ EXPECTED[:1]])
    raw, net = np.concatenate([np.median(both[:, rows], axis=2) for _, rows in cut], axis=1)
    return Blocks(
        raw,
        net,
        np.concatenate([states[rows].mean(axis=1) for _, rows in cut]),
        np.concatenate([np.full(len(rows), number) for number, rows in cut]),
    )


def _parts(rows: npt.NDArray[np.int64]) -> list[npt.NDArray[np.int64]]:
    """Blocks x rounds of rows, in their order: those that are longer by one round than the others first."""
    count = max(1, min(PARTS, len(rows) // FEWEST))
    size, longer = divmod(len(rows), count)
    cut = longer * (size + 1)
    parts = rows[:cut].reshape(longer, size + 1), rows[cut:].reshape(count - longer, size)
    return [one for one in parts if len(one)]


class Kin(NamedTuple):
    """Whom a case is like: those of its backend on its device somewhat, itself in another run quite."""

    backend: Hashable
    case: Hashable


def loadings(cases: Mapping[Key, Blocks], kin: Mapping[Key, Kin], prior: Spreads) -> dict[Key, Loading]:
    """Of each case, from its blocks and those of its kin."""
    mine: dict[Hashable, dict[Key, Blocks]] = {}
    for key, one in cases.items():
        mine.setdefault(kin[key].backend, {})[key] = one
    return {key: found for each in mine.values() for key, found in _of_backend(each, kin, prior).items()}


def _of_backend(cases: Mapping[Key, Blocks], kin: Mapping[Key, Kin], prior: Spreads) -> dict[Key, Loading]:
    used = prior.factors
    if not used:
        return dict.fromkeys(cases, Loading(np.zeros(0), np.zeros((0, 0))))
    x = {key: _centred(one.states[:, :used]) for key, one in cases.items()}
    y = {key: _centred(one.left(EXPECTED[:used])) for key, one in cases.items()}
    variance = _variance(cases, y)
    shared = _ridge(np.concatenate([*x.values()]), np.concatenate([*y.values()]), variance, prior.backend)
    rest = {key: y[key] - x[key] @ shared.value for key in cases}
    variance = _variance(cases, rest)
    same: dict[Hashable, list[Key]] = {}
    for key in cases:
        same.setdefault(kin[key].case, []).append(key)
    own = {
        case: _ridge(
            np.concatenate([x[key] for key in keys]), np.concatenate([rest[key] for key in keys]), variance, prior.case
        )
        for case, keys in same.items()
    }
    return {
        key: Loading(
            EXPECTED[:used] + shared.value + own[kin[key].case].value, shared.covariance + own[kin[key].case].covariance
        )
        for key in cases
    }


def _centred(values: Array) -> Array:
    return values - values.mean(axis=0)


def _variance(cases: Mapping[Key, Blocks], rest: Mapping[Key, Array]) -> float:
    """Of a block, as if blocks were independent: those of a process share what is the process's own."""
    means, counts = [], []
    for key, one in cases.items():
        means.append(process_means(rest[key], one.places))
        counts.append(np.bincount(one.places))
    together = float(np.mean(np.concatenate(counts)) * np.mean(np.concatenate(means) ** 2))
    alone = float(np.var(np.concatenate([*rest.values()])))
    return max(together, alone, RESOLUTION**2)


def _ridge(x: Array, y: Array, variance: float, spread: float) -> Loading:
    """The posterior of a normal loading about 0 with that standard deviation; 0 itself if that is 0."""
    used = x.shape[1]
    if not spread or not used:
        return Loading(np.zeros(used), np.zeros((used, used)))
    # By eigenvalues, as next to nothing may be left of y, and factors may move together.
    squares, axes = linalg.eigh(x.T @ x)
    whole = np.maximum(squares, 0) + variance / spread**2
    return Loading(axes @ ((axes.T @ (x.T @ y)) / whole), variance * (axes / whole) @ axes.T)


def held_out(cases: Mapping[Key, Blocks], kin: Mapping[Key, Kin], priors: Sequence[Spreads]) -> dict[Spreads, float]:
    """How far a process is from what the others foretell of it by a prior, which is the mean of what is left of theirs:
    the mean absolute error of the log, over cases and processes; infinite where there is one process alone.
    """
    processes = np.unique(np.concatenate([one.process for one in cases.values()]))
    errors: dict[Spreads, list[float]] = {prior: [] for prior in priors}
    for fold in np.array_split(processes, min(FOLDS, len(processes))):
        out = {key: np.isin(one.process, fold) for key, one in cases.items()}
        both = [key for key, rows in out.items() if rows.any() and not rows.all()]
        tried = {key: cases[key].only(out[key]) for key in both}
        known = {key: cases[key].only(~out[key]) for key in both}
        for prior in priors:
            for key, found in loadings(known, kin, prior).items():
                foretold = known[key].left(found.value).mean()
                rest = process_means(tried[key].left(found.value), tried[key].places)
                errors[prior] += np.abs(rest - foretold).tolist()
    return {prior: float(np.mean(each)) if each else np.inf for prior, each in errors.items()}


def chosen(errors: Mapping[Spreads, float]) -> Spreads:
    """The first prior, simple ones being first, whose error is as good as the least; the first if none was held out."""
    return next(prior for prior in errors if not errors[prior] > AS_GOOD * min(errors.values()))


def process_means(values: Array, places: npt.NDArray[np.int64]) -> Array:
    """By the place of the process."""
    return np.bincount(places, values) / np.bincount(places)
