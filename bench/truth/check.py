"""Is a fit right? Its checkpoints against the oracle, and how well they agree."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import mpmath

from bench.truth.agreement import Agreement
from bench.truth.oracle import Oracle
from bench.truth.probes import Probe
from bench.truth.problem import Checkpoint
from impls.variant import RMSprop

# Learning rates by which RMSprop may be further from the optimum than the exact fit is, once both cycle about it.
NEAR = 6
# The part of the error which rounding makes that no fit falls below, unless it computes in a wider dtype; and how many
# errors must do so together, since one may by chance.
TOO_EXACT, TELLING = 1e-4, 4


class DisagreementError(Exception):
    """A fit is wrong; the message says where it left the truth, in one line."""


@dataclass(frozen=True)
class Comparison:
    """One number that a backend computed, beside the exact one. Errors are relative to `scale`, which is not 0."""

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


def check(oracle: Oracle, checkpoints: Sequence[Checkpoint]) -> Agreement:
    """Compare a whole fit. Raises DisagreementError at the first checkpoint that is not right."""
    comparisons = []
    for checkpoint in checkpoints:
        for comparison in _at(oracle, checkpoint):
            _hold(oracle, comparison)
            comparisons.append(comparison)
    final = checkpoints[-1].after
    excess = _converged(oracle, checkpoints[-1].step, final)
    worst = max(comparisons, key=lambda comparison: comparison.error)
    replayed = sum(checkpoint.step > oracle.horizon for checkpoint in checkpoints)
    return Agreement(
        kind="trajectory, then replay" if replayed else "trajectory",
        horizon=min(oracle.horizon, oracle.problem.steps),
        replayed=replayed,
        worst_error=worst.error,
        worst_step=worst.step,
        worst_name=worst.name,
        # A dtype cannot hold more digits than half its eps, even where every comparison happens to be exact.
        digits=-math.log10(max(worst.error, oracle.problem.eps / 2)),
        bound_fraction=max(comparison.fraction for comparison in comparisons),
        largest_bound=max(comparison.allowed / comparison.scale for comparison in comparisons),
        excess_loss=excess,
    )


def check_timed(oracle: Oracle, step: int, state: Sequence[float], loss: float, further: Sequence[float]) -> None:
    """A timed fit at the checkpoint where it was left, and one untimed step further on. Raises DisagreementError."""
    if step <= oracle.horizon:
        compared = [*_trajectory(oracle, step, state), _loss(oracle, step, loss)]
    else:
        compared = list(_replay(oracle, step + 1, state, further))
    for comparison in compared:
        _hold(oracle, comparison)
    _converged(oracle, step, state)


def check_probes(oracle: Oracle, probes: Sequence[Probe]) -> None:
    """Single steps from far away. Raises DisagreementError where all of them are more exact than the dtype can be."""
    errors = probe_errors(oracle, probes)
    if len(errors) >= TELLING and max(errors) < TOO_EXACT:
        raise DisagreementError(
            f"more exact than {oracle.problem.dtype} can be: probed {len(errors)} times, the gradient errs by at most "
            f"{max(errors):.2g} of what rounding makes of it; it is computed in a wider dtype"
        )


def probe_errors(oracle: Oracle, probes: Sequence[Probe]) -> list[float]:
    """What probes err by, in parts of what rounding must be expected to, of each entry that can tell."""
    errors: list[float] = []
    for probe in probes:
        expected, rounding = oracle.step(probe.before), oracle.step_rounding(probe.before, probe.after)
        errors += [
            float(abs(mpmath.mpf(got) - exact)) / error
            for exact, got, error in zip(expected, probe.after, rounding.tolist(), strict=True)
            if error
        ]
    return errors


def _at(oracle: Oracle, checkpoint: Checkpoint) -> Iterator[Comparison]:
    step = checkpoint.step
    if step <= oracle.horizon:
        yield _loss(oracle, step, checkpoint.loss)
        yield from _trajectory(oracle, step, checkpoint.after)
    else:
        yield from _replay(oracle, step, checkpoint.before, checkpoint.after)


def _loss(oracle: Oracle, step: int, got: float) -> Comparison:
    expected = oracle.loss(step - 1)
    return Comparison(step, "loss", expected, got, oracle.loss_bound(step), float(abs(expected)) or 1.0)


def _trajectory(oracle: Oracle, step: int, got: Sequence[float]) -> Iterator[Comparison]:
    expected, allowed = oracle.state(step), oracle.state_bound(step).tolist()
    scale = max(float(abs(value)) for value in expected[: oracle.parameters]) or 1.0
    for i in range(oracle.parameters):
        yield Comparison(step, oracle.names[i], expected[i], got[i], allowed[i], scale)


def _replay(oracle: Oracle, step: int, before: Sequence[float], after: Sequence[float]) -> Iterator[Comparison]:
    expected = oracle.step(before)
    allowed = oracle.step_bound(before, after).tolist()
    for part in (range(oracle.parameters), range(oracle.parameters, len(expected))):
        scale = max((float(abs(expected[i])) for i in part), default=1.0) or 1.0
        for i in part:
            yield Comparison(step, oracle.names[i], expected[i], after[i], allowed[i], scale)


def _hold(oracle: Oracle, comparison: Comparison) -> None:
    if not math.isfinite(comparison.allowed):
        exact = mpmath.nstr(comparison.expected, 3)
        raise DisagreementError(
            f"the exact fit diverges: {comparison.name} is {exact} at step {comparison.step}; its rate is beyond the "
            "limit of stability"
        )
    # `not <=` catches NaN too.
    if not comparison.off <= comparison.allowed:
        unit = oracle.problem.eps * comparison.scale
        raise DisagreementError(
            f"left the exact fit at step {comparison.step}: {comparison.name} expected "
            f"{mpmath.nstr(comparison.expected, 17)}, got {comparison.got!r}, off by {comparison.off / unit:.3g} eps "
            f"where {comparison.allowed / unit:.3g} are allowed"
        )


def _converged(oracle: Oracle, step: int, state: Sequence[float]) -> float:
    """The loss fell, and the fit is as far from the optimum as theory says. Returns its exact loss above the least."""
    begun, ended, least = oracle.loss(0), oracle.loss_of(state[: oracle.parameters]), oracle.least
    if not ended < begun:
        raise DisagreementError(f"the loss did not fall: from {float(begun):.6g} to {float(ended):.6g} at step {step}")
    if step <= oracle.horizon:
        expected, allowed = oracle.loss(step), oracle.loss_bound(step + 1)
        if not abs(ended - expected) <= allowed:
            raise DisagreementError(
                f"the loss is {float(ended - least):.6g} above the least after step {step}, "
                f"where theory says {float(expected - least):.6g} to within {allowed:.2g}"
            )
    elif isinstance(oracle.problem.variant.optimiser, RMSprop):
        _near(oracle, step, state)
    return float(ended - least)


def _near(oracle: Oracle, step: int, state: Sequence[float]) -> None:
    """Rounding has parted the exact fit from this one, but both cycle about the optimum, within learning rates."""
    ours, exact = (oracle.off_optimum(one[: oracle.parameters]) for one in (state, oracle.state(step)))
    for name, off in ours.items():
        if not off <= exact[name] + NEAR * oracle.problem.rate:
            raise DisagreementError(
                f"{name} is {float(off):.3g} from the optimum after step {step}, "
                f"the exact fit {float(exact[name]):.3g}: more than {NEAR} learning rates further"
            )
