"""The records of one or more runs as pandas frames, raw in SI units. What each column means stands beside its name.

`cases` makes the one frame that tables and pictures are taken from: a row a case, whatever became of it. Columns that
are ordered (run, variant, backend) are categoricals, in the order in which everything shows them. A case that has no
figure keeps its row, with its outcome and its reason: a hole, which tables label and note.
"""

import itertools
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from bench.backends import backends
from bench.cases.case import COLUMN, PICTURE, ROW, Case, placed
from bench.cases.case import TABLE as TABLE_AXIS
from bench.cases.variants import variants
from bench.records.meanings import meanings
from bench.records.record import AGREED, MEASURED, RIGHT, Estimate, Facts, Record, Run, Sampling
from bench.records.rounds import COLUMNS as COLUMNS_OF_ROUNDS
from bench.records.rounds import PAGE_FAULTS, READ_SECONDS, Rounds, joined
from bench.reporting import units
from bench.reporting.baseline import BASELINE
from bench.reporting.columns import Columns, with_ends
from bench.reporting.ratios import MULTIPLES, SPEEDUP, compare
from bench.reporting.thread_ratios import THREAD_SPEEDUP, THREADS, compare_threads
from bench.statistics import cold_start, intervals
from bench.statistics.cost import costs
from bench.statistics.estimate import doubt
from bench.statistics.growth import named_without
from bench.statistics.intervals import Interval
from bench.statistics.model import Model, Net, fit
from bench.statistics.stability import DRIFT, Unstable
from bench.support.controls import CONTROLS
from bench.support.errors import InputError, printable
from bench.support.side_by_side import do_all
from bench.support.words import span
from bench.truth.agreement import Agreement
from impls.variant import NAMES

FIGURE = ["run", *placed(PICTURE)]  # the cases that share a picture
TABLE = [*FIGURE, *placed(TABLE_AXIS)]  # the cases that share a table
GROUP = [*TABLE, *placed(ROW)]  # the cases that take turns
KEYS = [*GROUP, *placed(COLUMN)]
ABOUT: Columns = {
    "run": "the file's name, after as many folders as it takes to tell several apart",
    **meanings(Case, *KEYS[1:]),
    **meanings(Record, "outcome", "reason"),
}
MEMORY = ["peak_memory_bytes", "data_peak_bytes", "data_predicted_bytes"]
RESOURCES = meanings(
    Facts, "device_name", "threads", "cores", "matmul_precision", *MEMORY, "recompiles", "graph_breaks"
)
FAULTS: Columns = {
    "page_faults": "pages that the system had to give, per iteration: the median of the rounds that count",
    "page_fault_share": "of the time of an iteration, at the `page_seconds` of the machine; at least, as larger pages"
    " take longer",
}
AGREEMENT = meanings(
    Agreement,
    *("kind", "horizon", "replayed", "digits", "worst_error", "worst_name", "worst_step", "bound_fraction"),
    *("excess_loss", "largest_bound"),
)
COEFFICIENTS = dict.fromkeys(NAMES, "the coefficients at the end of the fit; as many columns as any variant has")
INTERVAL = with_ends(
    ("seconds", "low_seconds", "high_seconds"),
    "per iteration, at the machine's own quiet state: the figure of the case",
)
AS_READ: Columns = {
    **with_ends(
        ("raw_seconds", "raw_low_seconds", "raw_high_seconds"),
        "per iteration, as read, whatever the machine did, without the rounds that shared their core: the median over"
        " the processes of the medians of their rounds",
    ),
    "raw_half_width": "the half-width of that, relative to it",
}
LOADINGS: Columns = {
    "core_loading": "by how much the log of the seconds moves with that of the controls of the core; empty where that"
    " is not taken away",
    "memory_loading": "the same of the controls of the memory",
}
MACHINE: Columns = {**LOADINGS, "rounds_taken": "rounds that had to share their core with another program"}
PROCESSES: Columns = {
    "processes": "that count",
    "processes_asked": "that were to count",
    "processes_lost": "that do not count, since their worker was lost",
}
SAMPLING: Columns = {
    **PROCESSES,
    "rounds": "that count",
    "warm_up_rounds": "that do not",
    "unsettled": "processes whose warm-up no test ended",
    **meanings(Sampling, "stopped"),
    "half_width": "of the 95 % interval of `seconds`, relative to it",
}
STABILITY: Columns = {
    "unstable": "evidence that the processes disagree, in words",
    **meanings(Estimate, "unstable_kind"),
    "mode_a_seconds": "of one of the two modes, or of the first process of a drift",
    "mode_b_seconds": "of the other, or of the last process",
}
STARTS: Columns = {
    "state": "`empty`, `warm` or `no cache`: of a fresh process; `steady`: of one that has made many fits",
    "state_processes": "that began so",
    **dict.fromkeys(cold_start.PARTS, "medians over these processes"),
    "total_seconds": "the median of their totals",
    "total_low": "the least of them",
    "total_high": "the largest",
}
BEFORE: Columns = {
    "start_empty_seconds": "what comes before the second iteration, in a fresh process with empty caches of compiled"
    " code, or of a backend that keeps none: the median over the processes",
    "start_warm_seconds": "the same with warm caches",
    "start_again_seconds": "the same in a process that has made such fits before",
}
COMPARED: Columns = {
    "baseline": "the backend that it is compared with",
    "baseline_variant": "of which variant: its own, or `tuned` where that has no such backend",
    "baseline_seconds": "its `seconds`",
}
SHARED: Columns = {
    "shared_processes": "in which both were measured; 0 where they are of two devices or two variants",
}
MADE = meanings(Record, "steps", "seed")
INTEGERS = [
    *[*PROCESSES, "rounds", "warm_up_rounds", "unsettled", *SHARED, "rounds_taken"],
    *["threads", "fewest_threads", *MEMORY, "recompiles", "graph_breaks", "horizon", "replayed", "worst_step"],
]
FLOATS = [
    *[*INTERVAL, *AS_READ, *LOADINGS, "half_width", "mode_a_seconds", "mode_b_seconds"],
    *["baseline_seconds", *BEFORE, *SPEEDUP, *MULTIPLES, "digits", "fewest_seconds", *THREAD_SPEEDUP, *FAULTS],
]
COLUMNS: dict[str, Columns] = {
    "iteration-time": {**INTERVAL, **AS_READ, **MACHINE, **SAMPLING, **STABILITY, **MULTIPLES, **MADE},
    "speedup": {**COMPARED, "seconds": INTERVAL["seconds"], **SPEEDUP, **SHARED},
    "agreement": {**AGREEMENT, **COEFFICIENTS},
    "resources": {**RESOURCES, **FAULTS},
}
EVERY: Columns = {
    name: meaning
    for columns in (ABOUT, BEFORE, *COLUMNS.values(), THREADS)  # of the one frame, objects aside
    for name, meaning in columns.items()
}
LOSSES: Columns = {
    "step": "of the checkpoint, counted from 1",
    "loss": "that it saw, before its update",
    "exact_loss": "the same of the exact fit",
    "relative_error": "of the loss",
}
OF_ROUNDS: Columns = {
    **meanings(Rounds, *COLUMNS_OF_ROUNDS),
    **dict.fromkeys(CONTROLS, "seconds of each control, by its name, in that turn"),
    PAGE_FAULTS: "pages of memory that the system had to give, per iteration; where they were read",
    READ_SECONDS: "in which a yardstick read the data of the fit once; where it was read",
}


def labelled(runs: Iterable[Run]) -> dict[str, Run]:
    """Runs by the name that a reader tells them apart by: the stem, after as many folders as it takes.

    Raises InputError for a file that is given twice.
    """
    files: dict[tuple[str, ...], Run] = {}
    for run in runs:
        parts = run.path.resolve().with_suffix("").parts
        if files.setdefault(parts, run) is not run:
            raise InputError(f"{run.path}: given twice; expected different runs")
    return {_shortest(parts, list(files)): run for parts, run in files.items()}


def _shortest(parts: tuple[str, ...], everyone: list[tuple[str, ...]]) -> str:
    sizes = range(1, len(parts) + 1)
    size = next(size for size in sizes if sum(other[-size:] == parts[-size:] for other in everyone) == 1)
    return "/".join(parts[-size:])


def cases(runs: Mapping[str, Run], baseline: str = BASELINE, copies: bool = False) -> pd.DataFrame:
    """One row a case: what names it, its outcome, and its figures in SI units, per iteration where it is timings.

    Column `record` holds the record, `net` the case net of the machine, `paces` the seconds of its processes, `starts`
    its cold starts, `growth` how its time grows with its size, `cost` what whole fits of it cost, `caches` the sizes of
    those of its machine; `row` all of these by name, as `itertuples` has them, which takes long with so many columns.

    seconds, low_seconds and high_seconds are those of the run's model, the raw ones those of intervals.median_interval;
    speedup is the backend `baseline` on the cpu, of the same run and else the same axes, over the case: see
    `ratios.ratio`. unsettled counts the processes whose warm-up no test ended. copies: whether copies of this process
    may help, which only a command can allow. Raises InputError for a run that contradicts itself.
    """
    made = do_all([partial(_of_run, label, run) for label, run in runs.items()], copies)
    records = [record for run in runs.values() for record in run.records]
    rows = [row | {"record": record} for record, row in zip(records, itertools.chain(*made), strict=True)]
    compare(rows, baseline)
    compare_threads(rows, runs)
    objects = ["record", "model", "net", "paces", "starts", "growth", "cost", "caches"]
    names = [*KEYS, "outcome", "reason", *objects, *BEFORE, *THREADS, *itertools.chain(*COLUMNS.values())]
    frame = pd.DataFrame(rows, columns=list(dict.fromkeys(names)))
    frame["baseline"] = baseline
    if (twice := frame[frame.duplicated(KEYS)]).size:
        case = ", ".join(str(twice.iloc[0][name]) for name in KEYS)
        raise InputError(f"{case}: the run holds this case twice")
    for name in INTEGERS:
        frame[name] = frame[name].astype("Int64")
    for name in FLOATS:
        frame[name] = frame[name].astype("float64")
    for name, known in (("run", runs), ("variant", variants()), ("backend", backends())):
        found = list(frame[name].unique())
        order = [*(each for each in known if each in found), *(each for each in found if each not in known)]
        frame[name] = pd.Categorical(frame[name], order, ordered=True)
    unused = [name for name in NAMES if frame[name].isna().all()]
    frame = frame.drop(columns=unused).sort_values(KEYS, ignore_index=True, kind="stable")
    return frame.assign(row=list(frame.itertuples()))


def _of_run(label: str, run: Run) -> list[dict[str, Any]]:
    """A row a case, as far as its run alone tells; its record, which takes long to be passed on, is not in it."""
    model = fit([*run.measured.values()]) if run.measured else None
    grown = {named_without(one.case, "points"): one for one in costs([(run, model)])} if model else {}
    rows = []
    for record in run.records:
        cost = grown.get(named_without(record.case, "points"))
        how = {"growth": cost and cost.growth, "cost": cost, "caches": run.machine.caches}
        rows.append(_row(label, record, model) | _faults(record, run.machine.page_seconds) | how)
    return rows


def _row(label: str, record: Record, model: Model | None) -> dict[str, Any]:
    row = {name: getattr(record, name) for name in ("outcome", "reason", "steps", "seed")}
    row |= {**record.case.values(), "run": label}
    if record.outcome == AGREED:
        row["reason"] = "right, but not timed, as asked"
    elif record.outcome != MEASURED:
        return row | {"reason": printable(record.reason or "no reason is recorded")}
    return row | _figures(record) | (_timing(record, model) if model and record.outcome == MEASURED else {})


def _figures(record: Record) -> dict[str, Any]:
    """What every case that is right has, and no other."""
    assert record.agreement is not None
    starts = cold_start.starts(record)
    before = [one and one.total for one in cold_start.asked(starts).values()]
    return {
        **asdict(record.agreement),
        **{name: getattr(record, name) for name in RESOURCES},
        "device_name": record.device_name and printable(record.device_name),
        "cores": None if record.cores is None else " ".join(map(str, record.cores)),
        "starts": starts,
        **dict(zip(BEFORE, before, strict=True)),
        **dict(zip(NAMES, record.coefficients or (), strict=False)),
    }


def _timing(record: Record, model: Model) -> dict[str, Any]:
    """What only a case that was timed has. Warm-up rounds are counted, and enter nothing else."""
    assert record.rounds is not None
    figure, net, sampling = model.figures[record.case], model.nets[record.case], record.sampling
    raw = _as_read(net)
    loadings = dict(zip(LOADINGS, net.loading.value.tolist(), strict=False))
    return {
        "model": model,
        "net": net,
        "paces": np.array(figure.processes),
        **dict(zip(INTERVAL, (figure.net.value, figure.net.low, figure.net.high), strict=True)),
        **dict(zip(AS_READ, (raw.value, raw.low, raw.high, raw.half_width), strict=True)),
        **loadings,
        "rounds_taken": net.taken,
        "processes": len(net.process),
        "processes_asked": sampling and sampling.asked,
        "processes_lost": len(record.lost),
        "rounds": record.rounds.warm_up.count(False),
        "warm_up_rounds": sum(record.rounds.warm_up),
        "unsettled": sum(not one.warm for one in record.processes or ()),
        "stopped": sampling and sampling.stopped,
        "half_width": figure.net.half_width,
        **_stability(doubt(model, record.case)),
    }


def _faults(record: Record, page_seconds: float | None) -> dict[str, Any]:
    """The page faults of an iteration, and the part of its time that they take at least; nothing where none were read.

    page_seconds: what one takes on the machine of the run.
    """
    if record.outcome != MEASURED or record.rounds is None or PAGE_FAULTS not in record.rounds.readings:
        return {}
    kept = record.kept
    faults = kept[PAGE_FAULTS]
    number, a_second = (float(np.nanmedian(column)) for column in (faults, faults / kept["seconds"]))
    return dict(zip(FAULTS, (number, math.nan if page_seconds is None else a_second * page_seconds), strict=True))


def _as_read(net: Net) -> Interval:
    """Of the logs, as the model has it, so that both have one middle of two processes."""
    found = intervals.median_interval(np.log(net.columns["seconds"]), net.columns["process"])
    return Interval(math.exp(found.value), math.exp(found.low), math.exp(found.high))


def _stability(found: Unstable | None) -> dict[str, Any]:
    return {} if found is None else dict(zip(STABILITY, (_evidence(found), found.kind, *found.modes), strict=True))


def _evidence(found: Unstable) -> str:
    """That the processes of a case disagree, in words."""
    one, other = found.modes
    apart = units.significant(100 * abs(other / one - 1), 2)
    if found.kind == DRIFT:
        sign = "+" if other > one else "-"
        trend = f"Kendall's tau {found.tau:.2g}, p {found.p:.2g}"
        return f"drifts by {sign}{apart} % from the first process to the last ({trend})"
    low, high = found.counts
    at = f"{low} of {low + high} processes at {units.seconds(one)}, {high} at {units.seconds(other)}"
    return f"{at}: {apart} % apart"


def rounds(frame: pd.DataFrame) -> pd.DataFrame:
    """One row a round, the warm-up's too: seconds and cpu_seconds are per iteration, as read; the rest says when it was
    made, by the name of each control what that took in the turn, and by the name of each reading what was read.
    """
    timed = frame[frame["outcome"] == MEASURED]
    several = joined(record.rounds for record in timed["record"])
    keys = timed[KEYS].loc[timed.index.repeat([len(record.rounds.seconds) for record in timed["record"]])]
    columns = {**several.columns(), **several.controls, **several.readings}
    return keys.reset_index(drop=True).assign(**columns)


def starts(frame: pd.DataFrame) -> pd.DataFrame:
    """One row a case and state of its start: the medians of its parts, in seconds, and the total with its range.

    A case that is not right has one row, without a state.
    """
    rows = []
    for row in frame["row"]:
        case = {name: getattr(row, name) for name in (*KEYS, "outcome", "reason")}
        rows += [{**case, **_start(one)} for one in row.starts] if isinstance(row.starts, list) else [case]
    found = pd.DataFrame(rows, columns=[*KEYS, "outcome", "reason", *STARTS])
    found["state_processes"] = found["state_processes"].astype("Int64")
    for name in ("run", "variant", "backend"):
        found[name] = pd.Categorical(found[name], frame[name].cat.categories, ordered=True)
    return found


def _start(one: cold_start.Start) -> dict[str, Any]:
    values = (one.state, one.processes, *one.parts.values(), one.total, one.low, one.high)
    return dict(zip(STARTS, values, strict=True))


def losses(frame: pd.DataFrame) -> pd.DataFrame:
    """One row a checkpoint of a case that is right: the loss, the exact one, and |loss - exact| / |exact|, NaN of 0."""
    rows = [
        (*(getattr(row, name) for name in KEYS), step, loss, exact, _relative(loss, exact))
        for row in frame.loc[right(frame), "row"]
        for (step, loss), (_, exact) in zip(row.record.losses or (), row.record.exact_losses or (), strict=False)
    ]
    return pd.DataFrame(rows, columns=[*KEYS, *LOSSES])


def _relative(value: float, exact: float) -> float:
    return abs(value - exact) / abs(exact) if exact else math.nan


def right(frame: pd.DataFrame) -> "pd.Series[bool]":
    """Which cases agree with the exact fit, timed or not."""
    return frame["outcome"].isin(RIGHT)


def net(frame: pd.DataFrame) -> bool:
    """Whether any figure is net of the machine's state, which is taken away only where that helps."""
    return any(model.factors for model in frame.loc[frame["outcome"] == MEASURED, "model"])


def present(frame: pd.DataFrame, column: str) -> list[str]:
    """What a column holds, in the order in which it is shown."""
    return list(frame[column].cat.remove_unused_categories().cat.categories)


def about(group: pd.DataFrame) -> str:
    """Which cases a picture or a table is about, in one line."""
    first, devices = group.iloc[0], ", ".join(dict.fromkeys(group["device"]))
    names = ", ".join(sorted(set(group["device_name"].dropna()) - {*group["device"]}))
    shared = [
        name for name in [*placed(TABLE_AXIS), *placed(PICTURE)] if name != "device" and group[name].nunique() == 1
    ]
    told = "".join(f", {first[name]}" if isinstance(first[name], str) else f", {first[name]} {name}" for name in shared)
    runs = [printable(run) for run in dict.fromkeys(group["run"])]
    where = f"{'Run' if len(runs) == 1 else 'Runs'} {', '.join(runs)}: {devices}{names and f' ({names})'}"
    return f"{where}{told}, {span(group['steps'])} steps"
