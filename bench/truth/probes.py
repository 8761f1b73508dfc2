"""Single steps from far away, in which rounding is most of what moves a parameter: they tell the dtype of a gradient.

A probe starts the fit anew with its constant term at some 10^6, and with another parameter, or all of them, at 0. Then
every residual is that large, those of the two halves of x all but cancel in the gradient of the odd parameters, and
what is left of it is mostly rounding. A parameter that was 0 before the step, and a second moment that was, keep it in
full. A fit that computes in a wider dtype than it stores is right there to the last digit, which no other can ever be.

Workers make the steps and need no more than NumPy; bench.truth.check judges them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.truth.problem import Problem
from impls.variant import Polynomial

FAR = 2.0**20  # all of the data still counts beside it, in float32

# Probes that have the same parameters at 0. A single entry may be too exact by chance; four together are not
# (TELLING in bench.truth.check). One of each has three to eight entries that tell, by the variant, so that two are
# enough at any size, and four only make it surer. At sizes where fits are short, four of each would take longer than
# the fit.
EACH, FEW, MANY = 4, 2, 100_000  # points, from which on there are few


@dataclass(frozen=True)
class Probe:
    """The state before and after one step, as floats."""

    before: Sequence[float]
    after: Sequence[float]


def starts(problem: Problem) -> list[np.ndarray]:
    """The parameters from which to probe, in the problem's dtype; none for a model that has no constant term."""
    start, model = problem.start(), problem.variant.model
    if not isinstance(model, Polynomial):
        return []
    columns = np.array(model.jacobian(start.tolist()), dtype=float).T
    constant = next((j for j, column in enumerate(columns) if column[0] == 1 and not column[1:].any()), None)
    if constant is None:
        return []
    random = np.random.default_rng(problem.seed)
    others = [j for j in range(len(start)) if j != constant]
    found = []
    for zeros in [*([j] for j in others), others]:
        for far in random.uniform(FAR, 2 * FAR, EACH if problem.points < MANY else FEW):
            probe = start.copy()
            probe[constant], probe[zeros] = far, 0
            found.append(probe)
    return found
