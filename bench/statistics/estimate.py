"""The figure of a case, as reports show it and records keep it: net of the machine, its interval, and all doubts."""

import math
from collections.abc import Iterable

import msgspec
import numpy as np

from bench.cases.case import Case
from bench.records.record import MEASURED, Estimate, Record
from bench.statistics.model import CONFIDENCE, Model, fit
from bench.statistics.stability import Unstable, exceeds, unstable


def estimated(records: Iterable[Record]) -> list[Record]:
    """The records of a run, with what their rounds come to, all together, in those that were timed."""
    every = list(records)
    timed = [one for one in every if one.outcome == MEASURED]
    if not timed:
        return every
    model = fit(timed)
    return [_with_estimate(one, model) if one.outcome == MEASURED else one for one in every]


def doubt(model: Model, case: Case) -> Unstable | None:
    """Why a case has no one figure: its processes differ by more than the machine explains, and by more than processes
    of the run's cases differ anyway; or None.
    """
    net = model.nets[case]
    if len(net.logs) < 2 or not exceeds(net.logs, model.usual[case]):
        return None
    rows = net.quietest
    return unstable(np.exp(net.net[rows]), net.columns["process"][rows], net.columns["time"][rows])


def _with_estimate(record: Record, model: Model) -> Record:
    width = model.figures[record.case].net.half_width
    known = None if math.isnan(width) else width
    sampling = record.sampling and msgspec.structs.replace(record.sampling, half_width=known)
    return msgspec.structs.replace(record, estimate=estimate(model, record.case), sampling=sampling)


def estimate(model: Model, case: Case) -> Estimate:
    """As a record keeps it."""
    figure, net = model.figures[case], model.nets[case]
    low, high = (None if math.isnan(end) else end for end in (figure.net.low, figure.net.high))
    found = doubt(model, case)
    return Estimate(
        seconds=figure.net.value,
        low=low,
        high=high,
        confidence=CONFIDENCE,
        process_seconds=figure.processes,
        unstable=found is not None,
        unstable_kind=None if found is None else found.kind,
        modes=None if found is None else found.modes,
        raw_seconds=figure.raw,
        factors=list(model.factors),
        loadings=net.loading.value.tolist(),
        taken=net.taken,
    )
