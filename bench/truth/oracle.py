"""What the truth of a problem owes: the exact fit, what rounding may do to it, one exact step, the optimum.

A variant's model names the class that supplies it; `bench.truth.polynomial` is the first.
"""

import pkgutil
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Protocol

import mpmath
import numpy as np

from bench.truth.problem import Problem

State = tuple[Any, ...]  # the parameters, then what else the optimiser keeps


class Oracle(Protocol):
    """The truth of one problem, made from it alone. Steps are counted from 1; the state after 0 steps is the start.

    names: of the entries of a state, its parameters first; parameters: how many these are. horizon: the last
    checkpoint at which a correct fit must still be near the exact one; 0 if there is none. least: the loss that no
    parameters can go below.
    """

    problem: Problem

    @property
    def names(self) -> Sequence[str]: ...

    @property
    def parameters(self) -> int: ...

    @property
    def horizon(self) -> int: ...

    @property
    def least(self) -> mpmath.mpf: ...

    def state(self, t: int) -> State:
        """The exact state after t steps."""

    def loss(self, t: int) -> mpmath.mpf:
        """The exact loss in that state."""

    def state_bound(self, t: int) -> np.ndarray:
        """How far from the exact state a correct fit may be after t steps, entry by entry."""

    def loss_bound(self, step: int) -> float:
        """How far from the exact loss the one that a step saw may be."""

    def step(self, state: Sequence[float]) -> State:
        """The exact step from a state that a backend was in."""

    def step_bound(self, before: Sequence[float], after: Sequence[float]) -> np.ndarray:
        """How far from the exact step one of a backend may lead, entry by entry."""

    def step_rounding(self, before: Sequence[float], after: Sequence[float]) -> np.ndarray:
        """How far from the exact step rounding must be expected to lead, entry by entry; 0 where nothing tells."""

    def loss_of(self, parameters: Sequence[float]) -> mpmath.mpf:
        """The exact loss of parameters that a backend found."""

    def off_optimum(self, parameters: Sequence[Any]) -> Mapping[str, mpmath.mpf]:
        """How far parameters are from the best there are, by the name of what is compared."""


@cache  # every process of a run comes back to every problem
def oracle_of(problem: Problem) -> Oracle:
    """The truth of a problem."""
    supplied: Oracle = pkgutil.resolve_name(problem.variant.model.oracle)(problem)
    return supplied
