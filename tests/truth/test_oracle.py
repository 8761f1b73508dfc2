"""What the truth of a problem owes: polynomials supply all of it, and a model may name an oracle of its own."""

import inspect
import re
from collections.abc import Sequence
from dataclasses import dataclass

import mpmath
import numpy as np
import pytest

import impls
from bench.truth.check import DisagreementError, check, check_timed
from bench.truth.oracle import Oracle, oracle_of
from bench.truth.polynomial import PolynomialOracle
from bench.truth.problem import Checkpoint, Problem
from impls.variant import GradientDescent, Variant

VARIANTS = impls.variants()
MEMBERS = {*Oracle.__annotations__, *(name for name in vars(Oracle) if not name.startswith("_"))}


def problem(variant: str, steps: int = 5) -> Problem:
    return Problem(VARIANTS[variant], "float64", 50, 0, steps)


def lacking(supplied: type, made: object) -> set[str]:
    """The members of the protocol that an oracle does not have, or that take other arguments there."""
    methods = {name for name in MEMBERS if inspect.isfunction(getattr(Oracle, name, None))}
    wrong = {name for name in methods & {*dir(supplied)} if _arguments(supplied, name) != _arguments(Oracle, name)}
    return wrong | {name for name in MEMBERS if not hasattr(made, name)}


def _arguments(of: type, name: str) -> list[str]:
    return list(inspect.signature(getattr(of, name)).parameters)


def test_the_protocol_is_what_the_check_asks_for():
    asked = re.findall(r"\boracle\.(\w+)", inspect.getsource(inspect.getmodule(check)))
    assert set(asked) == MEMBERS


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_oracle_of_polynomials_has_every_member(variant):
    oracle = oracle_of(problem(variant))
    assert type(oracle) is PolynomialOracle and lacking(PolynomialOracle, oracle) == set()
    assert oracle_of(problem(variant)) is oracle  # every process of a run comes back to it


def test_a_member_that_is_missing_or_takes_something_else_is_found():
    class Half(PolynomialOracle):
        horizon = property()  # raises AttributeError

        def state(self, t, further):
            """Asks for more."""

    assert lacking(Half, Half(problem("manual"))) == {"horizon", "state"}


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_members_of_the_oracle_of_polynomials_fit_together(variant):
    oracle = oracle_of(problem(variant))
    begun, ended = ([float(value) for value in oracle.state(t)] for t in (0, 5))
    size, count = len(begun), oracle.parameters
    assert oracle.problem == problem(variant) and count == 4 and len(oracle.names) >= size in (4, 8)
    assert begun[:count] == oracle.problem.start().tolist() and oracle.horizon == 5
    assert [float(value) for value in oracle.step(begun)] == pytest.approx([float(value) for value in oracle.state(1)])
    assert float(oracle.loss_of(ended[:count])) == pytest.approx(float(oracle.loss(5)), rel=1e-12)
    assert oracle.least < oracle.loss(5) < oracle.loss(0)
    for bound in (oracle.state_bound(5), oracle.step_bound(begun, ended)):
        assert bound.shape == (size,) and (bound[:count] > 0).all()
    assert oracle.loss_bound(5) > 0


def test_the_optimum_is_nowhere_off_itself():
    oracle = oracle_of(problem("manual"))
    best, _ = oracle.trajectory.optimum
    assert max(oracle.off_optimum(best).values()) < mpmath.mpf("1e-38")
    off = oracle.off_optimum([best[0], best[1] + 0.5, *best[2:]])
    assert float(off["the coefficient of x^1"]) == 0.5 and len(off) == 4


# A model that is no polynomial. Its fit halves two parameters at each step, from 4 and 2; the loss is their sum.


class Halving:
    oracle = f"{__name__}:HalvingOracle"
    parameters = fewest_points = 2

    @staticmethod
    def equation(parameters: Sequence[float]) -> str:
        return "y = {} + {}".format(*parameters)


@dataclass(frozen=True)
class HalvingOracle:
    """The truth of it, in closed form; every member is within 1e-9, or beyond the horizon within one step's 1e-9."""

    problem: Problem
    names = ("left", "right")
    parameters = 2
    horizon = 200
    least = mpmath.mpf(0)

    def state(self, t: int) -> tuple[mpmath.mpf, ...]:
        return mpmath.mpf(4) / 2**t, mpmath.mpf(2) / 2**t

    def loss(self, t: int) -> mpmath.mpf:
        return mpmath.fsum(self.state(t))

    def state_bound(self, t: int) -> np.ndarray:
        return 1e-9 * np.array([float(value) for value in self.state(t)])

    def loss_bound(self, step: int) -> float:
        return 1e-9 * float(self.loss(step - 1))

    def step(self, state: Sequence[float]) -> tuple[mpmath.mpf, ...]:
        return tuple(mpmath.mpf(value) / 2 for value in state)

    def step_bound(self, before: Sequence[float], after: Sequence[float]) -> np.ndarray:
        return 1e-9 * np.abs(after)

    def step_rounding(self, before: Sequence[float], after: Sequence[float]) -> np.ndarray:
        return np.zeros(2)

    def loss_of(self, parameters: Sequence[float]) -> mpmath.mpf:
        return mpmath.fsum(mpmath.mpf(value) for value in parameters)

    def off_optimum(self, parameters):
        return dict(zip(self.names, parameters, strict=True))


HALF = Problem(
    Variant(9, "another model", Halving(), lambda _: np.zeros(2), GradientDescent(0.5)), "float64", 4, 0, 300
)


def halved(factor: float = 1.0) -> list[Checkpoint]:
    """The checkpoints of a fit whose second parameter is wrong by a factor, from the beginning."""
    states = {t: (4 / 2**t, factor * 2 / 2**t) for step in HALF.checkpoints() for t in (step - 1, step)}
    return [Checkpoint(t, states[t - 1], 6 / 2 ** (t - 1), states[t], None) for t in HALF.checkpoints()]


def test_a_model_may_name_an_oracle_of_its_own():
    oracle = oracle_of(HALF)
    assert type(oracle) is HalvingOracle and oracle.problem == HALF and lacking(HalvingOracle, oracle) == set()
    found = check(oracle, halved())
    assert (found.kind, found.horizon, found.replayed) == ("trajectory, then replay", 200, 1)
    assert (found.worst_error, found.excess_loss) == (0, float(6 / mpmath.mpf(2) ** 300))


def test_fits_are_held_to_it():
    message = r"^left the exact fit at step 1: right expected 1\.0, got 1\.0001, off by .* eps where .*"
    with pytest.raises(DisagreementError, match=message):
        check(oracle_of(HALF), halved(1.0001))
    state, loss, further = (4 / 2**100, 2 / 2**100), 6 / 2**99, (4 / 2**101, 2 / 2**101)
    check_timed(oracle_of(HALF), 100, state, loss, further)
    with pytest.raises(DisagreementError, match=r"left the exact fit at step 100: loss expected"):
        check_timed(oracle_of(HALF), 100, state, 1.0001 * loss, further)
