"""Decisions about data that grow: after each process the cases are looked at, and those that are decided stop.

Who looks often sees more by chance. So each look has a smaller error of its own, by a spending function (Lan and DeMets
1983), and all looks together have that of a single one: the intervals are repeated confidence
intervals (Jennison and Turnbull 1989), which hold at all looks at once and therefore whatever makes a case stop.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import scipy
from scipy import special

from bench.statistics.decision import (
    CONFIDENCE,
    ERROR,
    FASTER,
    SAME,
    SLOWER,
    UNDECIDED,
    Array,
    Decision,
    judged,
)

FIRST = 3  # processes before the first look: of two, a case that is alone knows next to nothing
CONFIRMING = (
    2  # fresh processes that have to agree before a case is called slower or faster: one in each order of sides
)

HASTE, OWN_HASTE = 1.0, 4.0  # most cases are the same, and seen to be after few processes
CAREFUL = 0.8  # of a case's own error is spent: after three processes moderated variances are not quite of their df

FAR = 9.0  # standard deviations, beyond which there is nothing
POINTS = 256  # of Gauss-Legendre quadrature: eight digits of the error at up to 200 looks


@dataclass(frozen=True)
class Looks:
    """After how many processes of a case it is looked at: each number from the first to the last."""

    first: int
    last: int

    @classmethod
    def up_to(cls, most: int) -> "Looks":
        """Those of a case that may have so many processes."""
        return cls(min(FIRST, most), most)


def spent(share: Array, haste: float) -> Array:
    """How much of the error may be spent by the time when there is such a share of the data: Hwang, Shih and DeCani
    (1990). With a haste of 1 the boundaries are like Pocock's, about as wide at each look; with more, early looks have
    more of the error.
    """
    return np.expm1(-haste * share) / math.expm1(-haste)


@lru_cache(maxsize=64)
def levels(error: float, looks: Looks, haste: float) -> tuple[float, ...]:
    """The one-sided error of each look by itself, such that all together have `error`.

    For sums of normal observations, by the recursion of Armitage, McPherson and Rowe (1969): the density of those that
    have not crossed yet goes on to the next look, and so much of it as may be spent there lies beyond the boundary.
    """
    shares = np.arange(looks.first, looks.last + 1) / looks.last
    steps, errors = np.diff(shares, prepend=0), error * np.diff(spent(shares, haste), prepend=0)
    nodes, weights = np.polynomial.legendre.leggauss(POINTS)
    sums, mass = np.zeros(1), np.ones(1)
    found = []
    for share, step, now in zip(shares, np.sqrt(steps), errors, strict=True):
        boundary = _boundary(sums, mass, step, now)
        found.append(float(special.ndtr(-boundary / math.sqrt(share))))
        half = (boundary + FAR) / 2
        following = half * (nodes + 1) - FAR
        density = np.exp(-0.5 * ((following[:, None] - sums) / step) ** 2) @ mass / (step * math.sqrt(2 * math.pi))
        sums, mass = following, half * weights * density
    return tuple(found)


def _boundary(sums: Array, mass: Array, step: float, error: float) -> float:
    """What sums of such masses exceed with this probability, once they have gone a normal step further."""

    def excess(boundary: float) -> float:
        return float(mass @ special.ndtr((sums - boundary) / step)) - error

    return float(scipy.optimize.brentq(excess, -FAR, FAR, xtol=1e-10))


@dataclass
class _Course:
    """One case on its way. called, at: what it is about to be called, by how many processes; refuted: what it was to be
    called when fresh processes did not agree.
    """

    decision: Decision | None = None
    decided: bool = False
    called: str = ""
    at: int = 0
    refuted: str = ""

    def look(self, found: Decision, fresh: str) -> None:
        """After one more process. fresh: the verdict of the mean of the last CONFIRMING processes by themselves."""
        self.decision = found
        if self.called:
            if found.processes < self.at + CONFIRMING:
                return
            if found.verdict == fresh == self.called:
                self.decided = True
                return
            if fresh != self.called:
                self.refuted = (
                    f"{self.called} in {self.at} processes, but not in the {CONFIRMING} that were to confirm it"
                )
        self.called, self.at = (found.verdict, found.processes) if found.verdict in (SLOWER, FASTER) else ("", 0)
        self.decided = found.verdict == SAME

    def end(self) -> Decision:
        """What is said of it now."""
        assert self.decision is not None
        if self.decided:
            return self.decision
        fresh = self.decision.processes - self.at
        pending = f"{self.called} in {self.at} processes, and {fresh} of the {CONFIRMING} that confirm it were measured"
        reason = pending if self.called else self.refuted or self.decision.reason
        return replace(self.decision, verdict=UNDECIDED, reason=reason)


def sequential(logs: Array, threshold: float, looks: Looks) -> list[Decision]:
    """Decisions of log(new / old), cases x processes in their order; NaN where a process lacks a case.

    Each case is decided at the first look that decides it, by its processes until then: what it has of later ones
    counts for nothing. Slower and faster are said of what fresh processes confirm. Variances are moderated across all
    cases, with those that are decided as they stood. Decisions follow from the numbers alone, so that whoever has
    recorded them comes to the same.
    """
    cases = max(int(np.isfinite(logs).any(axis=1).sum()), 1)
    table = _by_count(levels((1 - CONFIDENCE) / 2 / cases, looks, HASTE), looks)
    own = _by_count(levels(CAREFUL * ERROR, looks, OWN_HASTE), looks)
    seen, courses = np.full(logs.shape, math.nan), [_Course() for _ in logs]

    def judge(those: Sequence[int]) -> Iterator[tuple[_Course, Decision]]:
        count = np.isfinite(seen).sum(axis=1).clip(max=looks.last)
        found = judged(seen, threshold, table[count], own[count], those) if those else []
        return zip((courses[i] for i in those), found, strict=True)

    for process, column in enumerate(logs.T):
        going = [i for i, course in enumerate(courses) if not course.decided and math.isfinite(column[i])]
        seen[going, process] = column[going]
        ready = [i for i in going if np.isfinite(seen[i]).sum() >= looks.first]
        for (course, found), i in zip(judge(ready), ready, strict=True):
            course.look(found, _fresh(seen[i], threshold))
    for course, found in judge([i for i, course in enumerate(courses) if course.decision is None]):
        course.decision = found
    return [course.end() for course in courses]


def _by_count(levels: Iterable[float], looks: Looks) -> Array:
    """The levels by the number of processes, from none on; NaN before the first look."""
    return np.array([*(math.nan,) * looks.first, *levels])


def _fresh(values: Array, threshold: float) -> str:
    """On which side of the threshold the last CONFIRMING processes lie, in their mean."""
    mean, log_threshold = float(values[np.isfinite(values)][-CONFIRMING:].mean()), math.log1p(threshold)
    return SLOWER if mean > log_threshold else FASTER if mean < -log_threshold else SAME
