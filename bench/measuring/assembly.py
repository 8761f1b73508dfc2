"""The samples that the processes of a run left of a case, put together into its record."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from bench.cases.case import Case
from bench.cases.choice import Choice
from bench.records.record import AGREED, FAILED, MEASURED, NOT_REACHED, Facts, Outcome, Record, Sample, Sampling
from bench.records.rounds import joined
from bench.statistics.intervals import median_interval

WORST = ("graph_breaks", "recompiles", "peak_memory_bytes")  # of all processes; of the rest, the last one's stand


def samples_of(samples: Iterable[Sample], label: str, case: Case) -> list[Sample]:
    """Those of one case on one side, by process. A later sample of a process takes the place of an earlier one."""
    found = {one.process: one for one in samples if one.side == label and one.case == case}
    return [found[process] for process in sorted(found)]


def untimed(case: Case, choice: Choice, outcome: Outcome, reason: str) -> Record:
    """The record of a case of which nothing else is known."""
    return Record(case=case, outcome=outcome, reason=reason, seed=choice.seed, steps=choice.steps)


def not_reached(case: Case, choice: Choice) -> Record:
    return untimed(case, choice, NOT_REACHED, "the run ended before it was measured and reported")


def record_of(case: Case, choice: Choice, samples: Sequence[Sample], timed: bool) -> Record:
    """The record of a case, as it follows from its samples; `timed`: whether rounds were to be made."""
    if not samples:
        return not_reached(case, choice)
    if failed := next((one for one in samples if one.failure is not None), None):
        where = f"process {failed.process + 1}: " if failed.process else ""
        reason = f"{where}{failed.failure}"
        record = untimed(case, choice, FAILED, reason)
        return msgspec.structs.replace(record, **_facts([failed]))
    return Record(
        case=case,
        outcome=MEASURED if timed else AGREED,
        reason=None,
        seed=choice.seed,
        steps=choice.steps,
        agreement=min((one.agreement for one in samples if one.agreement), key=lambda agreement: agreement.digits),
        **_facts(samples),
        **(_timing(samples, choice) if timed else {}),
    )


def _facts(samples: Sequence[Sample]) -> dict[str, Any]:
    worst = {name: [getattr(one.facts, name) for one in samples] for name in WORST}
    return {
        **{name: getattr(samples[-1].facts, name) for name in Facts.__struct_fields__},
        **{name: max((value for value in values if value is not None), default=None) for name, values in worst.items()},
        "processes": [one.start for one in samples],
    }


def _timing(samples: Sequence[Sample], choice: Choice) -> dict[str, Any]:
    rounds = joined(one.rounds for one in samples if one.rounds is not None)
    kept = rounds.kept.arrays()
    found = median_interval(kept["seconds"], kept["process"]).half_width
    half_width = None if math.isnan(found) else found  # of one round, as Ctrl-C may leave, nothing is known
    precise = half_width is not None and half_width <= choice.precision
    return {"rounds": rounds, "sampling": Sampling("precision" if precise else "max-time", half_width)}
