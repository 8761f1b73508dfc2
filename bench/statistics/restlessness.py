"""How restless the machine of a run was, and what was done about it: told once a run, in a line."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from bench.statistics.loadings import RAW
from bench.statistics.model import Model
from bench.statistics.states import Array
from bench.support.words import counted

OFTEN, SELDOM = 0.5, 0.9  # quantiles over the turns


def slow_down(model: Model[Any], state: Array) -> Array:
    """By how much it was slower in some turns than in its quiet state, turns x FACTORS, as a fraction of 1."""
    return np.asarray(np.exp(state - model.quiet.state) - 1)


def restlessness(model: Model[Any]) -> str:
    """The machine beside its own quiet state, what was taken away of it or why nothing was, and what is left."""
    return "; ".join(_parts(model))


def _parts(model: Model[Any]) -> Iterator[str]:
    if math.isfinite(model.quiet.state[0]):
        core = slow_down(model, np.concatenate([one.state for one in model.turns]))[:, 0]
        half, tenth = (_percent(float(np.quantile(core, share))) for share in (OFTEN, SELDOM))
        quiet = "slower than in its quiet state"
        yield f"half of the time its core was up to {half} {quiet}, a tenth of the time {tenth} or more"
    if taken := sum(one.taken for one in model.nets.values()):
        yield f"{counted(taken, 'round')} shared a core with another program"
    yield taken_away(model)
    if math.isfinite(model.correlation):
        yield f"what is left goes with the core's state by a correlation of {model.correlation:.2f}"


def taken_away(model: Model[Any]) -> str:
    """What the controls took away of the figures, or that they are as read, and why."""
    raw, net = (
        min((error for prior, error in model.errors.items() if (prior == RAW) == told), default=math.nan)
        for told in (True, False)
    )
    if model.factors:
        error = _percent(model.errors[model.prior])
        helped = f"a process then differs from the others by {error}, as read by {_percent(raw)}"
        return f"figures are net of what the controls tell of the {' and '.join(model.factors)} ({helped})"
    if math.isnan(net):
        return "all figures are as read: the controls were not measured in every case"
    if math.isinf(net):
        return "all figures are as read: one process cannot show whether it helps to take the machine's state away"
    helped = f"a process would differ from the others by {_percent(net)}, as read by {_percent(raw)}"
    return f"all figures are as read: taking the machine's state away does not help ({helped})"


def _percent(fraction: float) -> str:
    """To two digits, no finer than a tenth."""
    digits = 0 if 100 * fraction >= 9.95 else 1
    return f"{100 * fraction:.{digits}f} %"
