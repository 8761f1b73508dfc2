"""The oracle of models that are polynomials in x: their exact trajectory, with the bound on rounding along it."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import mpmath
import numpy as np

from bench.truth.bound import Bound
from bench.truth.oracle import State
from bench.truth.problem import Problem
from bench.truth.trajectory import Trajectory, polynomial_of
from impls.variant import NAMES


class PolynomialOracle:
    """See bench.truth.oracle.Oracle."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.parameters = polynomial_of(problem).parameters
        names = NAMES[: self.parameters]
        kept = () if problem.variant.optimiser.keeps is None else (f"v_{name}" for name in names)
        self.names = (*names, *kept)

    @cached_property
    def trajectory(self) -> Trajectory:
        return Trajectory.of(self.problem)

    @cached_property
    def bound(self) -> Bound:
        return Bound(self.trajectory)

    @property
    def horizon(self) -> int:
        return self.bound.horizon

    @property
    def least(self) -> mpmath.mpf:
        return self.trajectory.optimum[1]

    def state(self, t: int) -> State:
        return self.trajectory.states[t]

    def loss(self, t: int) -> mpmath.mpf:
        return self.trajectory.losses[t]

    def state_bound(self, t: int) -> np.ndarray:
        return self.bound.state(t)

    def loss_bound(self, step: int) -> float:
        return self.bound.loss(step)

    def step(self, state: Sequence[float]) -> State:
        return self.trajectory.step(state)

    def step_bound(self, before: Sequence[float], after: Sequence[float]) -> np.ndarray:
        return self.bound.replay(np.array(before), np.array(after))

    def loss_of(self, parameters: Sequence[float]) -> mpmath.mpf:
        return self.trajectory.loss(parameters)

    def off_optimum(self, parameters: Sequence[Any]) -> Mapping[str, mpmath.mpf]:
        best, _ = self.trajectory.optimum
        ours = polynomial_of(self.problem).polynomial([mpmath.mpf(value) for value in parameters])
        return {f"the coefficient of x^{k}": abs(p - q) for k, (p, q) in enumerate(zip(ours, best, strict=True))}
