"""The samples that the processes of a run left of a case, put together into its record."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import msgspec

from bench.anatomy.texts import agreed
from bench.cases.case import Case
from bench.cases.choice import Choice
from bench.measuring.sampling import MOST_ROUNDS, is_precise
from bench.records.record import AGREED, FAILED, MEASURED, NOT_REACHED, Facts, Outcome, Record, Sample, Sampling
from bench.records.rounds import Rounds, joined

# Of all processes; of the rest, the last one's stand.
WORST = ("graph_breaks", "recompiles", "peak_memory_bytes", "data_peak_bytes", "data_predicted_bytes")
LOST_IN_A_ROW = 2  # processes that a case may lose: then it is not tried again, for each may take its whole timeout


def samples_of(samples: Iterable[Sample], label: str, case: Case) -> list[Sample]:
    """Those of one case on one side, by process. A later sample of a process takes the place of an earlier one."""
    found = {one.process: one for one in samples if one.side == label and one.case == case}
    return [found[process] for process in sorted(found)]


def is_over(samples: Sequence[Sample]) -> bool:
    """Whether a case, with these samples by process, has failed for good: it is wrong, or was lost time and again."""
    given_up = len(samples) >= LOST_IN_A_ROW and all(one.transient for one in samples[-LOST_IN_A_ROW:])
    return given_up or any(is_wrong(one) for one in samples)


def untimed(case: Case, choice: Choice, outcome: Outcome, reason: str) -> Record:
    """The record of a case of which nothing else is known."""
    return Record(case=case, outcome=outcome, reason=reason, seed=choice.seed, steps=choice.steps_at(case.points))


def not_reached(case: Case, choice: Choice) -> Record:
    return untimed(case, choice, NOT_REACHED, "the run ended before it was measured and reported")


def record_of(case: Case, choice: Choice, samples: Sequence[Sample], timed: bool, decided: bool = False) -> Record:
    """The record of a case, as it follows from its samples; `timed`: whether rounds were to be made; `decided`: whether
    it needs no more processes than it had.

    A process in which it is wrong fails it. One whose worker was lost counts for nothing, unless there is no other.
    """
    if not samples:
        return not_reached(case, choice)
    sound = [one for one in samples if one.failure is None]
    lost = [f"process {one.process + 1}: {one.failure}" for one in samples if one.transient]
    wrong = next((one for one in samples if is_wrong(one)), None)
    if failed := wrong or (None if sound else samples[0]):
        where = f"process {failed.process + 1}: " if failed.process else ""
        record = untimed(case, choice, FAILED, f"{where}{failed.failure}")
        return msgspec.structs.replace(record, lost=lost, **_facts([failed]))
    return Record(
        case=case,
        outcome=MEASURED if timed else AGREED,
        reason=None,
        seed=choice.seed,
        steps=choice.steps_at(case.points),
        agreement=min((one.agreement for one in sound if one.agreement), key=lambda agreement: agreement.digits),
        lost=lost,
        **_facts(sound),
        **(_timing(samples, choice, decided) if timed else {}),
    )


def is_wrong(sample: Sample) -> bool:
    """Whether it says that the case is wrong, and not only that its worker was lost."""
    return sample.failure is not None and not sample.transient


def _facts(samples: Sequence[Sample]) -> dict[str, Any]:
    worst = {name: [getattr(one.facts, name) for one in samples] for name in WORST}
    return {
        **{name: getattr(samples[-1].facts, name) for name in Facts.__struct_fields__},
        "fingerprint": agreed([one.facts.fingerprint for one in samples]),
        **{name: max((value for value in values if value is not None), default=None) for name, values in worst.items()},
        "processes": [one.start for one in samples],
    }


def _timing(samples: Sequence[Sample], choice: Choice, decided: bool) -> dict[str, Any]:
    """Its rounds; what they come to follows from those of all cases (`statistics.estimate`)."""
    parts = [one.rounds for one in samples if one.rounds is not None]
    few = len(samples) < choice.processes and not is_over(samples)
    precise = all(is_precise(one.kept, choice.precision) for one in parts)
    early: Literal["decided", "interrupted"] = "decided" if decided else "interrupted"
    stopped = early if few else "precision" if precise else _out_of(parts)
    return {"rounds": joined(parts), "sampling": Sampling(stopped, None, choice.processes)}


def _out_of(parts: Iterable[Rounds]) -> Literal["max-rounds", "max-time"]:
    """What ended the rounds of the processes if not all of them knew their own figure well enough."""
    return "max-rounds" if any(len(one.seconds) >= MOST_ROUNDS for one in parts) else "max-time"
