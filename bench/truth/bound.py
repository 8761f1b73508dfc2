"""How far rounding may carry a correct fit from the exact trajectory: the bound, and the horizon where it ends.

Every step makes small errors; the exact Jacobians carry them on. Two kinds are told apart:

- *Rounding the update.* Storing a parameter errs by at most half a unit in its last place. While the update changes
  by more than that unit from step to step, the errors are as good as random, and their squares add. Where it changes
  more slowly the same error repeats, for `persistence` steps, in the limit for ever (the fit stalls in that place).
- *Noise of the gradient*, a sum over all points: every residual is off by about eps times the size of the model's
  terms, and the sum by what adding in order does (bench.truth.adding). As far as that depends on the state alone,
  which hardly changes, it repeats and adds.

`expected` is the size that these errors are expected to reach, `MARGIN` times that is allowed (less for sums).
docs/measurement.md derives the terms and compares them with what every backend does.
"""

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from bench.truth.adding import errors_in_order
from bench.truth.problem import Problem
from bench.truth.sums import Sums
from bench.truth.trajectory import Trajectory, gradient, polynomial_of, update
from impls.variant import NAMES, Momentum, Polynomial

MARGIN = 8.0
# Times the error of a sum in order, which is known better: of what is another in each step, and of what is the same.
OTHER, AGAIN = 4.0, 3.0
GROWTH = 1000.0  # beyond it, two exact runs that started a hair apart have moved away from each other
RESOLVED = 1e-5  # of an error that is expected: what a state must be able to hold, for the error to be seen in it
PLACES = 200  # among the points, at which sums are looked into
# Of the reductions that err most, Inductor's: the bytes of a vector of lanes, and how many terms a lane adds in order.
VECTOR, BLOCK = 32, {"float32": 8192.0}
HAIR = 1e-30  # the imaginary step of complex-step differentiation: exact to rounding


@dataclass(frozen=True)
class Bound:
    """What rounding may do to one problem. Indices t count steps; columns are the entries of the state."""

    trajectory: Trajectory

    @property
    def problem(self) -> Problem:
        return self.trajectory.problem

    @cached_property
    def _model(self) -> Polynomial:
        return polynomial_of(self.problem)

    def _parameters(self, states: np.ndarray) -> np.ndarray:
        """Those of states of shape (n, len(state)); shape (parameters, n)."""
        return states[:, : self._model.parameters].T

    @cached_property
    def _sums(self) -> Sums:
        exact = self.trajectory.sums
        return Sums(exact.points, [float(s) for s in exact.x], [float(s) for s in exact.xy], float(exact.yy))

    def gradient_noise(self, states: np.ndarray, losses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The expected error of the computed gradient in consecutive states of shape (n, len(state)) with losses of
        shape (n,), and the part of it that is the same from step to step; both of shape (n, parameters).
        """
        noise, terms = self._plain_noise(states, losses), self._terms(states)
        same, change = noise.copy(), np.gradient(terms, axis=0) if len(states) > 1 else None
        for j, name in enumerate(NAMES[: self._model.parameters]):
            onto = self._carried_over(states, j)
            other, again = self._in_order(name, terms[:, j], None if change is None else change[:, j], onto)
            noise[:, j] += 2 * np.hypot(other, again)
            same[:, j] += 2 * again
        return noise, same

    def _plain_noise(self, states: np.ndarray, losses: np.ndarray) -> np.ndarray:
        """That of the residuals, and of sums which are added pairwise or in short blocks."""
        points, eps = self._sums.points, self.problem.eps
        norms = np.sqrt(self._sums.x[::2])  # of the powers of x, as vectors over the points
        residual = np.sqrt(np.maximum(losses, 0))  # the least may be 0, to 40 digits
        size = self._size_of_terms(states)
        direction = np.einsum("k,kjn->nj", norms, np.abs(self._slopes(states)))
        return eps * direction * (size / np.sqrt(points) + residual)[:, None]

    def _carried_over(self, states: np.ndarray, j: int) -> np.ndarray:
        """What a compiler may add a product to from the beginning, for the gradient by parameter j: half of what is
        left of its velocity, since the terms are half the gradient's; shape (n, 1).
        """
        optimiser = self.problem.variant.optimiser
        if not isinstance(optimiser, Momentum):
            return np.zeros((len(states), 1))
        return 0.5 * optimiser.momentum * states[:, [self._model.parameters + j]]

    def _in_order(
        self, name: str, terms: np.ndarray, change: np.ndarray | None, onto: np.ndarray | float = 0.0
    ) -> tuple[np.ndarray, np.ndarray]:
        """The errors of the sum of this name, such that MARGIN times them is allowed; see errors_in_order. In one step
        alone, whose terms change by nobody knows what, all may be either.
        """
        points, eps, dtype = self.problem.points, self.problem.eps, self.problem.dtype
        lanes, block = self.problem.variant.lanes.get(name), math.inf
        if lanes is None:
            lanes, block, onto = VECTOR // np.dtype(dtype).itemsize, BLOCK.get(dtype, math.inf), 0.0
        if change is None:
            other, _ = errors_in_order(terms, np.full_like(terms, np.inf), points, lanes, eps, block, onto)
            again = other
        else:
            other, again = errors_in_order(terms, change, points, lanes, eps, block, onto)
        return OTHER / MARGIN * other, AGAIN / MARGIN * again

    @cached_property
    def _places(self) -> tuple[np.ndarray, np.ndarray]:
        """The powers of x, shape (degree + 1, places), and the target, shape (places,), at places among the points."""
        problem = self.problem
        x, y = replace(problem, points=min(problem.points, PLACES), dtype="float64").data()
        return np.vander(x, self._model.fewest_points, increasing=True).T, y

    def _residuals(self, states: np.ndarray) -> np.ndarray:
        """Those at the places in each of n states, shape (n, places)."""
        powers, y = self._places
        return _stack(self._model.polynomial(tuple(self._parameters(states))), len(states)).T @ powers - y

    def _slopes(self, states: np.ndarray) -> np.ndarray:
        """How the coefficients of the powers of x go with the parameters, shape (powers, parameters, n)."""
        return np.array([_stack(row, len(states)) for row in self._model.jacobian(tuple(self._parameters(states)))])

    def _terms(self, states: np.ndarray) -> np.ndarray:
        """What half the gradient is added up from, at the places in each of n states, shape (n, parameters, places)."""
        return np.einsum(
            "kjn,kp,np->njp", self._slopes(states), self._places[0], self._residuals(states), optimize=True
        )

    def _size_of_terms(self, states: np.ndarray) -> np.ndarray:
        """The norm over the points of what the residual is added up from, at most, in each state."""
        terms = _stack(self._model.polynomial(tuple(self._parameters(states))), len(states))
        return np.sqrt(self._sums.x[::2]) @ np.abs(terms) + np.sqrt(self._sums.yy)

    def _hessians(self, states: np.ndarray) -> np.ndarray:
        """Second derivatives of the loss by the parameters in each of n states, shape (n, parameters, parameters)."""
        parameters = tuple(self._parameters(states).astype(complex))
        rows = [
            _derivative(lambda p: gradient(self._model, self._sums, p), parameters, j) for j in range(len(parameters))
        ]
        return np.transpose(rows, (2, 1, 0))

    def jacobians(self, states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Derivatives of one exact step from each of n states: by the state, shape (n, s, s), and by the gradient,
        shape (n, s, parameters).
        """
        rate, count, parameters = self.problem.rate, states.shape[1], self._model.parameters
        state = tuple(states.T.astype(complex))
        slope = [np.broadcast_to(g, len(states)) for g in gradient(self._model, self._sums, state[:parameters])]

        by_state = [
            _derivative(lambda s: update(self.problem, tuple(s), slope, np.sqrt, rate), state, j) for j in range(count)
        ]
        by_slope = [
            _derivative(lambda g: update(self.problem, state, g, np.sqrt, rate), slope, j) for j in range(parameters)
        ]
        through = np.transpose(by_slope, (2, 1, 0))
        whole = np.transpose(by_state, (2, 1, 0)).copy()
        whole[:, :, :parameters] += through @ self._hessians(states)
        return whole, through

    def _half_ulp(self, states: np.ndarray) -> np.ndarray:
        return 0.5 * np.spacing(np.abs(states).astype(self.problem.dtype)).astype(float)

    @cached_property
    def _steps(self) -> list[int]:
        """The steps after which the state is compared: before and after the step of each checkpoint."""
        return sorted({t for step in self.problem.checkpoints() for t in (step - 1, step)} - {0})

    @cached_property
    def _propagated(self) -> tuple[dict[int, np.ndarray], dict[int, float]]:
        """By step: the expected error of each entry of the state, and the growth of a hair's distance until there.

        One sweep back in time carries, for every step of interest at once, the product of the Jacobians after it.
        """
        states = self.trajectory.floats
        whole, through = self.jacobians(states[:-1])
        noise, same = self.gradient_noise(states[:-1], np.array([float(loss) for loss in self.trajectory.losses[:-1]]))
        half_ulp = self._half_ulp(states[1:])
        moves = np.diff(states, axis=0)
        change = np.abs(np.diff(moves, axis=0, prepend=0 * moves[:1]))
        persistence = np.maximum(1.0, 2 * half_ulp / np.maximum(change, np.finfo(float).tiny))

        ends = np.array(self._steps)
        size, parameters = states.shape[1], self._model.parameters
        carried = np.zeros((len(ends), size, size))
        repeated, scattered = np.zeros((len(ends), size, parameters)), np.zeros((len(ends), size))
        linear, square = np.zeros((len(ends), size)), np.zeros((len(ends), size))
        growth = np.zeros(len(ends))
        # Beyond the horizon, where nothing is read, all may overflow.
        with np.errstate(over="ignore", invalid="ignore"):
            for t in range(self.problem.steps - 1, -1, -1):
                carried[ends == t + 1] = np.eye(size)
                live = ends > t
                product = carried[live]
                by_slope = product @ through[t]
                repeated[live] += by_slope * same[t]
                scattered[live] += ((by_slope * noise[t]) ** 2).sum(axis=-1)
                linear[live] += np.abs(product) @ half_ulp[t]
                square[live] += product**2 @ (persistence[t] * half_ulp[t] ** 2)
                carried[live] = product @ whole[t]
                growth[live] = np.maximum(
                    growth[live], np.abs(carried[live][:, :parameters, :parameters]).max(axis=(1, 2))
                )
            expected = np.abs(repeated).sum(axis=-1) + np.sqrt(scattered) + np.minimum(linear, np.sqrt(square))
        return dict(zip(self._steps, expected, strict=True)), dict(zip(self._steps, growth.tolist(), strict=True))

    def state(self, t: int) -> np.ndarray:
        """The allowed error of each entry of the state after t steps, shape (len(state),)."""
        if t == 0:
            return np.zeros(self.trajectory.floats.shape[1])
        return MARGIN * self._propagated[0][t]

    def loss(self, step: int) -> float:
        """The allowed error of the loss that the step saw: of the state before it, and of summing the squares."""
        before = self.trajectory.floats[step - 1]
        off = self.state(step - 1)[: self._model.parameters]
        slope = [float(g) for g in gradient(self._model, self._sums, tuple(before[: self._model.parameters]))]
        (curvature,) = self._hessians(before[None])
        with np.errstate(over="ignore", invalid="ignore"):  # of a fit that diverges
            moved = np.abs(slope) @ off + 0.5 * off @ np.abs(curvature) @ off
        return float(moved + MARGIN * self.evaluation(before, float(self.trajectory.losses[step - 1])))

    def evaluation(self, state: np.ndarray, loss: float) -> float:
        """The expected error of computing the loss in a state: every residual is off, and so is their sum."""
        (size,), (residuals,) = self._size_of_terms(state[None]), self._residuals(state[None])
        plain = self.problem.eps * float(2 * np.sqrt(max(loss, 0)) * size / np.sqrt(self._sums.points) + loss)
        return plain + float(self._in_order("loss", residuals**2, None)[0])

    def replay(self, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        """The allowed error of one step from a state that a backend was in: as of a fit's first step."""
        _, through = self.jacobians(before[None])
        loss = float(self.trajectory.loss(before[: self._model.parameters].tolist()))
        (noise,), (same,) = self.gradient_noise(before[None], np.array([loss]))
        step = np.abs(through[0]) @ same + np.sqrt(through[0] ** 2 @ noise**2)
        return MARGIN * (step + self._half_ulp(after))

    def rounding(self, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        """The error that rounding the residuals and their sums must be expected to make in one step; 0 for an entry
        whose own rounding hides it.
        """
        _, through = self.jacobians(before[None])
        losses = np.array([float(self.trajectory.loss(before[: self._model.parameters].tolist()))])
        noise = np.abs(through[0]) @ self._plain_noise(before[None], losses)[0]
        return np.where(RESOLVED * noise >= self._half_ulp(after), noise, 0.0)

    @cached_property
    def horizon(self) -> int:
        """The last checkpoint up to which a hair's distance has never grown GROWTH-fold; 0 if there is none."""
        steps = self.problem.checkpoints()
        beyond = next((i for i, t in enumerate(steps) if not self._propagated[1][t] <= GROWTH), len(steps))
        return steps[beyond - 1] if beyond else 0


def _stack(values, count: int) -> np.ndarray:
    """Values, some of them constants, as one array of shape (len(values), count)."""
    return np.array([np.broadcast_to(value, count) for value in values])


def _derivative(function, arguments, index: int) -> np.ndarray:
    """Of what the function returns by one of its complex arguments, each of n values; shape (len(returned), n)."""
    moved = list(arguments)
    moved[index] = moved[index] + 1j * HAIR
    return _stack(function(moved), len(moved[index])).imag / HAIR
