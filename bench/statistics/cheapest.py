"""Which case costs the least in all, over sizes and numbers of steps."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.statistics.cost import Cost

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Map:
    """Of cases, at every size and number of steps, in a process that begins in a state.

    seconds: steps x points x cases, infinite where nothing is predicted; reach: how far their 95 % intervals reach in
    the log, of cases that meet the machine alike.
    """

    costs: Sequence[Cost]
    points: Array
    steps: Array
    seconds: Array
    reach: Array

    @property
    def known(self) -> npt.NDArray[np.bool_]:
        """Where any is predicted, steps x points."""
        return np.asarray(np.isfinite(self.seconds).any(axis=-1))

    @property
    def best(self) -> npt.NDArray[np.int64]:
        """The place of the cheapest case, steps x points."""
        return self.seconds.argmin(axis=-1)

    @property
    def told_apart(self) -> npt.NDArray[np.bool_]:
        """Where the cheapest case is cheaper than the next beyond the 95 % interval of their ratio, or there is none;
        steps x points.
        """
        order = self.seconds.argsort(axis=-1, kind="stable")[..., :2]
        logs = np.log(np.take_along_axis(self.seconds, order, axis=-1))
        reach = np.take_along_axis(self.reach, order, axis=-1)
        if logs.shape[-1] < 2:
            return self.known
        alone = np.isfinite(logs[..., 0]) & np.isinf(logs[..., 1])
        with np.errstate(invalid="ignore"):
            return alone | (logs[..., 1] - logs[..., 0] > np.hypot(reach[..., 0], reach[..., 1]))

    def margin(self, place: int) -> Array:
        """The log of what the cheapest of all others costs over this case, steps x points: 0 on the border of its
        field, NaN where it is not predicted.
        """
        others = np.delete(self.seconds, place, axis=-1).min(axis=-1, initial=np.inf)
        own = self.seconds[..., place]
        with np.errstate(invalid="ignore"):
            return np.where(np.isfinite(own), np.log(others) - np.log(own), np.nan)


def cheapest(costs: Sequence[Cost], points: Array, steps: Array, state: str) -> Map:
    """Of cases that were measured together, in a fresh process whose caches are in a state."""
    where = (points[None, :], steps[:, None], state)
    seconds, reach = np.zeros((2, len(steps), len(points), len(costs)))
    for place, cost in enumerate(costs):
        seconds[..., place] = cost.seconds(*where)
        reach[..., place] = cost.log_reach(*where, alike=True)
    return Map(costs, points, steps, np.where(np.isnan(seconds), np.inf, seconds), reach)
