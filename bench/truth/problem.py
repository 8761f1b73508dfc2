"""The data, the start and the rate of one fit, as every backend gets them: computed in float64, then cast once."""

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from bench.cases.case import Case
from bench.cases.variants import variants
from impls.variant import Variant

Target = Callable[[np.ndarray], np.ndarray]
EARLY = (1, 2, 5, 10, 20, 50)  # checkpoints before the first 100 steps


@dataclass(frozen=True)
class Checkpoint:
    """A fit at one step t: the state before it, the loss that it saw, the state after it, as floats.

    pace: the seconds per iteration of the steps that led there; None where there were none.
    """

    step: int
    before: Sequence[float]
    loss: float
    after: Sequence[float]
    pace: float | None


@dataclass(frozen=True)
class Problem:
    """One fit to be made: which variant, in which dtype, on how many points, from which seed, for how many steps."""

    variant: Variant
    dtype: str
    points: int
    seed: int
    steps: int

    @classmethod
    def of(cls, case: Case, seed: int, steps: int) -> "Problem":
        """The problem that a case, whatever its backend, is to solve."""
        return cls(variants()[case.variant], case.dtype, case.points, seed, steps)

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """x and y = target(x), each of shape (points,), in the dtype of the problem."""
        return data(self.variant.target, self.dtype, self.points)

    @property
    def digest(self) -> str:
        """The digest of the data; see `digest`."""
        return _digest_of(self.variant.target, self.dtype, self.points)

    def start(self) -> np.ndarray:
        """The starting parameters, shape (parameters,), in the dtype of the problem."""
        return self.variant.start(self.seed).astype(self.dtype)

    @property
    def rate(self) -> float:
        """The learning rate, rounded to the dtype once, so that no backend rounds it in its own way."""
        return self.rounded(self.variant.optimiser.rate_at(self.points))

    def rounded(self, value: float) -> float:
        """The nearest number of the dtype."""
        return float(np.dtype(self.dtype).type(value))

    @property
    def eps(self) -> float:
        """The distance from 1 to the next number of the dtype."""
        return float(np.finfo(self.dtype).eps)

    def checkpoints(self) -> list[int]:
        """The steps, counted from 1, at which a fit is compared with the oracle: early ones, every 100th, and the last.

        A short fit, as large sizes have it, is so held to as many of them as a long one is until there.
        """
        return sorted({*(step for step in EARLY if step < self.steps), *range(100, self.steps + 1, 100), self.steps})


def data(target: Target, dtype: str, points: int) -> tuple[np.ndarray, np.ndarray]:
    """x and y = target(x), each of shape (points,), in the dtype."""
    x = np.linspace(-math.pi, math.pi, points)
    y = target(x)
    return x.astype(dtype), y.astype(dtype)


@cache  # most variants have the same data, and every process of a run asks again
def _digest_of(target: Target, dtype: str, points: int) -> str:
    return digest(*data(target, dtype, points))


def digest(x: np.ndarray, y: np.ndarray) -> str:
    """The SHA-256 of the data's bits: two processes that disagree about it do not solve the same problem."""
    found = hashlib.sha256(x.data)
    found.update(y.data)
    return found.hexdigest()
