"""Is a fit right? Its checkpoints against the exact trajectory, and the record of how well they agree."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import mpmath
import numpy as np

from bench.bound import Bound
from bench.oracle import PARAMETERS
from impls.variant import RMSprop

NAMES = ("a", "b", "c", "d", "v_a", "v_b", "v_c", "v_d")
# Learning rates by which RMSprop may be further from the optimum than the exact fit is, once both cycle about it.
NEAR = 6


class DisagreementError(Exception):
    """A fit is wrong; the message says where it left the truth, in one line."""


@dataclass(frozen=True)
class Comparison:
    """One number that a backend computed, beside the exact one. Errors are relative to `scale`."""

    step: int
    name: str
    expected: mpmath.mpf
    got: float
    allowed: float
    scale: float

    @property
    def off(self) -> float:
        return float(abs(mpmath.mpf(self.got) - self.expected))

    @property
    def error(self) -> float:
        return self.off / self.scale

    @property
    def fraction(self) -> float:
        """Of the bound."""
        return self.off / self.allowed


@dataclass(frozen=True)
class Agreement:
    """How well a fit agrees with the oracle.

    kind: "trajectory", or "trajectory, then replay": up to step `horizon` the coefficients and the loss match the exact
    trajectory; at later checkpoints, of which there are `replayed`, one step from the backend's own state matches the
    oracle's step from there. worst_error is relative, to the largest coefficient of that step or to the loss;
    digits is -log10 of it. bound_fraction is the largest error in units of its own bound.
    """

    kind: str
    horizon: int
    replayed: int
    worst_error: float
    worst_step: int
    worst_name: str
    digits: float
    bound_fraction: float
    largest_bound: float
    excess_loss: float

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def check(bound: Bound, checkpoints: Sequence[Mapping[str, Any]]) -> Agreement:
    """Compare a whole fit. Raises DisagreementError at the first checkpoint that is not right."""
    comparisons = []
    for checkpoint in checkpoints:
        for comparison in _at(bound, checkpoint):
            _hold(bound, comparison)
            comparisons.append(comparison)
    final = checkpoints[-1]["after"]
    excess = _converged(bound, checkpoints[-1]["step"], final)
    worst = max(comparisons, key=lambda comparison: comparison.error)
    replayed = sum(checkpoint["step"] > bound.horizon for checkpoint in checkpoints)
    return Agreement(
        kind="trajectory, then replay" if replayed else "trajectory",
        horizon=min(bound.horizon, bound.problem.steps),
        replayed=replayed,
        worst_error=worst.error,
        worst_step=worst.step,
        worst_name=worst.name,
        # A dtype cannot hold more digits than half its eps, even where every comparison happens to be exact.
        digits=-math.log10(max(worst.error, bound.problem.eps / 2)),
        bound_fraction=max(comparison.fraction for comparison in comparisons),
        largest_bound=max(comparison.allowed / comparison.scale for comparison in comparisons),
        excess_loss=excess,
    )


def check_timed(bound: Bound, step: int, state: Sequence[float], loss: float, further: Sequence[float]) -> None:
    """A timed fit at the checkpoint where it was left, and one untimed step further on. Raises DisagreementError."""
    if step <= bound.horizon:
        compared = [*_trajectory(bound, step, state), _loss(bound, step, loss)]
    else:
        compared = list(_replay(bound, step + 1, state, further))
    for comparison in compared:
        _hold(bound, comparison)
    _converged(bound, step, state)


def _at(bound: Bound, checkpoint: Mapping[str, Any]) -> Iterator[Comparison]:
    step = checkpoint["step"]
    if step <= bound.horizon:
        yield _loss(bound, step, checkpoint["loss"])
        yield from _trajectory(bound, step, checkpoint["after"])
    else:
        yield from _replay(bound, step, checkpoint["before"], checkpoint["after"])


def _loss(bound: Bound, step: int, got: float) -> Comparison:
    expected = bound.trajectory.losses[step - 1]
    return Comparison(step, "loss", expected, got, bound.loss(step), float(expected))


def _trajectory(bound: Bound, step: int, got: Sequence[float]) -> Iterator[Comparison]:
    expected, allowed = bound.trajectory.states[step], bound.state(step)
    scale = max(float(abs(value)) for value in expected[:PARAMETERS])
    for i in range(PARAMETERS):
        yield Comparison(step, NAMES[i], expected[i], got[i], allowed[i], scale)


def _replay(bound: Bound, step: int, before: Sequence[float], after: Sequence[float]) -> Iterator[Comparison]:
    expected = bound.trajectory.step(before)
    allowed = bound.replay(np.array(before), np.array(after))
    for part in (range(PARAMETERS), range(PARAMETERS, len(expected))):
        scale = max((float(abs(expected[i])) for i in part), default=1.0)
        for i in part:
            yield Comparison(step, NAMES[i], expected[i], after[i], allowed[i], scale)


def _hold(bound: Bound, comparison: Comparison) -> None:
    # `not <=` catches NaN too.
    if not comparison.off <= comparison.allowed:
        unit = bound.problem.eps * comparison.scale
        raise DisagreementError(
            f"left the exact fit at step {comparison.step}: {comparison.name} expected "
            f"{mpmath.nstr(comparison.expected, 17)}, got {comparison.got!r}, off by {comparison.off / unit:.3g} eps "
            f"where {comparison.allowed / unit:.3g} are allowed"
        )


def _converged(bound: Bound, step: int, state: Sequence[float]) -> float:
    """The loss fell, and the fit is as far from the optimum as theory says. Returns its exact loss above the least."""
    trajectory = bound.trajectory
    begun, ended = trajectory.losses[0], trajectory.loss(state[:PARAMETERS])
    if not ended < begun:
        raise DisagreementError(f"the loss did not fall: from {float(begun):.6g} to {float(ended):.6g} at step {step}")
    _, least = trajectory.optimum
    if step <= bound.horizon:
        expected, allowed = trajectory.losses[step], bound.loss(step + 1)
        if not abs(ended - expected) <= allowed:
            raise DisagreementError(
                f"the loss is {float(ended - least):.6g} above the least after step {step}, "
                f"where theory says {float(expected - least):.6g} to within {allowed:.2g}"
            )
    elif isinstance(bound.problem.variant.optimiser, RMSprop):
        _near(bound, step, state)
    return float(ended - least)


def _near(bound: Bound, step: int, state: Sequence[float]) -> None:
    """Rounding has parted the exact fit from this one, but both cycle about the optimum, within learning rates."""
    trajectory, polynomial = bound.trajectory, bound.problem.variant.model.polynomial
    best, _ = trajectory.optimum
    exact = polynomial(trajectory.states[step][:PARAMETERS])
    ours = polynomial([mpmath.mpf(value) for value in state[:PARAMETERS]])
    for k, (p, q, r) in enumerate(zip(ours, exact, best, strict=True)):
        if not abs(p - r) <= abs(q - r) + NEAR * bound.problem.rate:
            raise DisagreementError(
                f"the coefficient of x^{k} is {float(abs(p - r)):.3g} from the optimum after step {step}, "
                f"the exact fit {float(abs(q - r)):.3g}: more than {NEAR} learning rates further"
            )
