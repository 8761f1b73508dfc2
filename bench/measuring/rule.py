"""Which cases of an A/B run go on: those that the samples so far leave undecided."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.cases.case import Case
from bench.measuring.assembly import is_over, is_wrong
from bench.records.record import Sample
from bench.records.rounds import Columns, joined

Sides = Sequence[Sequence[Sample]]  # the samples of a case on each side that can run it, by process


@dataclass(frozen=True)
class Rule:
    """Processes are added until a case is decided. threshold: as of the verdicts; looks: the first and the last."""

    threshold: float
    looks: tuple[int, int]

    def undecided(self, samples: Mapping[Case, Sides]) -> list[Case]:
        """The cases that need one more process, by the same decisions that the two runs will be judged by.

        One that a single side can run is compared with nothing, and has one process for its record.
        """
        from bench.statistics.sequential import Looks, sequential  # with SciPy: only where sides are compared
        from bench.statistics.verdict import paired_logs

        rounds = {case: found for case, sides in samples.items() if (found := _rounds(sides)) is not None}
        settled = set()
        if rounds:
            decisions = sequential(paired_logs(list(rounds.values())), self.threshold, Looks(*self.looks))
            settled = {case for case, one in zip(rounds, decisions, strict=True) if one.decided}
        alone = {case for case, sides in samples.items() if len(sides) == 1 and sides[0]}
        over = {case for case, sides in samples.items() if any(map(is_over, sides))}
        return [case for case in samples if case not in settled | alone | over]


def _rounds(sides: Sides) -> tuple[Columns, Columns] | None:
    """The rounds of either side, as the records of the case will keep them; None where one will have none."""
    if len(sides) < 2 or any(map(is_wrong, (one for side in sides for one in side))):
        return None
    a, b = ([one.rounds for one in side if one.failure is None and one.rounds is not None] for side in sides)
    return (joined(a).kept.arrays(), joined(b).kept.arrays()) if a and b else None
