"""The samples that the processes of a run left of a case, put together into its record."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from bench.case import Case, Choice
from bench.estimate import median_interval
from bench.record import AGREED, FAILED, NOT_REACHED, Record
from bench.sampling import joined, kept_columns

# What is the same in every process, or of which the last process's stands for all.
FACTS = ("device_name", "threads", "cores", "matmul_precision", "coefficients", "losses", "exact_losses")
WORST = ("graph_breaks", "recompiles", "peak_memory_bytes")


def samples_of(samples: Iterable[dict[str, Any]], label: str, case: Case) -> list[dict[str, Any]]:
    """Those of one case on one side, by process. A later sample of a process takes the place of an earlier one."""
    found = {one["process"]: one for one in samples if one["side"] == label and one["case"] == case.id}
    return [found[process] for process in sorted(found)]


def record_of(
    case: Case,
    choice: Choice,
    outcome: str | None,
    reason: str | None = None,
    samples: Sequence[dict[str, Any]] = (),
) -> Record:
    """The record of a case. With an outcome and a reason it is what it says; else it follows from the samples, and
    `outcome` is what it is if all is well: measured, or None where nothing was to be timed.
    """
    facts: dict[str, Any] = {}
    failures = [one for one in samples if one["failure"] is not None]
    if reason is None:
        if failures:
            first = failures[0]
            where = f"process {first['process'] + 1}: " if first["process"] else ""
            outcome, reason, facts = FAILED, f"{where}{first['failure']}", _facts(failures[:1])
        elif not samples or outcome == NOT_REACHED:
            outcome, reason = NOT_REACHED, "the run ended before it was measured and reported"
        else:
            facts = {**_facts(samples), **_agreement(samples)}
            facts |= _timing(samples, choice) if outcome else {}
            outcome = outcome or AGREED
    assert outcome is not None
    return Record(
        variant=case.variant,
        backend=case.backend,
        device=case.device,
        dtype=case.dtype,
        points=case.points,
        outcome=outcome,
        reason=reason,
        seed=choice.seed,
        steps=choice.steps,
        **facts,
    )


def _facts(samples: Sequence[dict[str, Any]]) -> dict[str, Any]:
    last = samples[-1]["facts"]
    worst = {name: [one["facts"].get(name) for one in samples] for name in WORST}
    return {
        **{name: last.get(name) for name in FACTS},
        **{name: max((value for value in values if value is not None), default=None) for name, values in worst.items()},
        "processes": [one["cold"] for one in samples],
    }


def _agreement(samples: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Of the process that agreed the worst."""
    return {"agreement": min((one["agreement"] for one in samples), key=lambda agreement: agreement["digits"])}


def _timing(samples: Sequence[dict[str, Any]], choice: Choice) -> dict[str, Any]:
    rounds = joined(one["rounds"] for one in samples)
    used = kept_columns(rounds)
    found = median_interval(np.array(used["seconds"]), np.array(used["process"])).half_width
    half_width = None if math.isnan(found) else found  # of one round, as Ctrl-C may leave, nothing is known
    stopped = "precision" if half_width is not None and half_width <= choice.precision else "max-time"
    return {"rounds": rounds, "sampling": {"stopped": stopped, "half_width": half_width}}
