"""The data, the start and the rate of one fit, as every backend gets them: computed in float64, then cast once."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bench.cases.case import Case
from bench.cases.variants import variants
from impls.variant import Variant


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
        x = np.linspace(-math.pi, math.pi, self.points)
        y = self.variant.target(x)
        return x.astype(self.dtype), y.astype(self.dtype)

    @cached_property
    def digest(self) -> str:
        """The digest of the data; see `digest`."""
        return digest(*self.data())

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
        """The steps, counted from 1, at which a fit is compared with the oracle: every 100th and the last."""
        return sorted({*range(100, self.steps + 1, 100), self.steps})


def digest(x: np.ndarray, y: np.ndarray) -> str:
    """The SHA-256 of the data's bits: two processes that disagree about it do not solve the same problem."""
    return hashlib.sha256(x.tobytes() + y.tobytes()).hexdigest()
