"""The records of one or more runs as pandas frames: raw in SI units for CSV, and as text for Markdown.

`cases` makes the one frame that tables and pictures are taken from: a row a case, whatever became of it. Columns that
are ordered (run, variant, backend) are categoricals, in the order in which everything shows them. A case that has no
figure keeps its row, with its outcome and its reason: a hole, which tables label and note.
"""

import itertools
import re
from collections.abc import Callable, Iterable, Mapping
from statistics import median
from typing import Any

import pandas as pd

import impls
from bench import units
from bench.backends import backends
from bench.errors import InputError
from bench.record import AGREED, MEASURED, Record, Run

BASELINE, BASELINE_DEVICE = "numpy", "cpu"
KEYS = ["run", "device", "points", "dtype", "variant", "backend"]
FIGURE = KEYS[:3]  # the cases that share a picture
TABLE = KEYS[:4]  # the cases that share a table
PARTS = {
    "import_seconds": "import",
    "startup_seconds": "startup",
    "build_seconds": "build",
    "first_call_seconds": "first call",
}
RESOURCES = ["device_name", "threads", "cores", "matmul_precision", "peak_memory_bytes", "recompiles", "graph_breaks"]
AGREEMENT = ["kind", "horizon", "replayed", "digits", "worst_error", "worst_name", "worst_step", "bound_fraction"]
TIMING = ["rounds", "median_seconds", "min_seconds", "max_seconds"]
INTEGERS = ["rounds", "threads", "peak_memory_bytes", "recompiles", "graph_breaks", "horizon", "replayed", "worst_step"]
COLUMNS = {
    "iteration-time": [*TIMING, "steps", "seed"],
    "speedup": ["baseline_seconds", "median_seconds", "speedup"],
    "cold-start": [*PARTS, "total_seconds", "cache_state"],
    "agreement": [*AGREEMENT, "excess_loss", "largest_bound", "a", "b", "c", "d"],
    "resources": RESOURCES,
}
NONE = "-"


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


def cases(runs: Mapping[str, Run]) -> pd.DataFrame:
    """One row a case: what names it, its outcome, and its figures in SI units, per iteration where it is timings.

    Column `record` holds the record. Speedup is the median of the baseline, of the same run, variant, dtype and points
    on the cpu, over the median of the case. Raises InputError for a run that contradicts itself.
    """
    rows = [_row(label, run, record) for label, run in runs.items() for record in run.records]
    baselines = {
        _peers(row): row.get("median_seconds")
        for row in rows
        if row["backend"] == BASELINE and row["device"] == BASELINE_DEVICE
    }
    for row in rows:
        row["baseline_seconds"] = baselines.get(_peers(row))
    names = list(dict.fromkeys([*KEYS, "outcome", "reason", "record", *itertools.chain(*COLUMNS.values())]))
    frame = pd.DataFrame(rows, columns=names)
    if (twice := frame[frame.duplicated(KEYS)]).size:
        case = ", ".join(str(twice.iloc[0][name]) for name in KEYS)
        raise InputError(f"{case}: the run holds this case twice")
    for name in INTEGERS:
        frame[name] = frame[name].astype("Int64")
    for name in ("median_seconds", "baseline_seconds", "total_seconds", "digits", *PARTS):
        frame[name] = frame[name].astype("float64")
    frame["speedup"] = frame["baseline_seconds"] / frame["median_seconds"]
    for name, known in (("run", runs), ("variant", impls.variants()), ("backend", backends())):
        found = list(frame[name].unique())
        order = [*(each for each in known if each in found), *(each for each in found if each not in known)]
        frame[name] = pd.Categorical(frame[name], order, ordered=True)
    return frame.sort_values(KEYS, ignore_index=True, kind="stable")


def _peers(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("run", "variant", "dtype", "points"))


def _row(label: str, run: Run, record: Record) -> dict[str, Any]:
    row = {name: getattr(record, name) for name in (*KEYS[1:], "outcome", "reason", "steps", "seed")}
    row |= {"run": label, "record": record}
    if record.outcome == AGREED:
        row["reason"] = "right, but not timed, as asked"
    elif record.outcome != MEASURED:
        return row | {"reason": record.reason or "no reason is recorded"}
    # Only a case that is right has figures.
    try:
        return row | _figures(record)
    except (TypeError, KeyError) as error:
        case = ", ".join(str(row[name]) for name in KEYS[1:])
        raise InputError(f"{run.path}: {case}: {record.outcome}, but its record is incomplete ({error})") from None


def _figures(record: Record) -> dict[str, Any]:
    if record.agreement is None or (record.outcome == MEASURED and not record.rounds):
        raise KeyError("rounds" if record.agreement else "agreement")
    parts = {name: getattr(record, name) for name in PARTS}
    known = None not in parts.values()
    figures = {
        **record.agreement,
        **parts,
        **{name: getattr(record, name) for name in RESOURCES},
        "cores": None if record.cores is None else " ".join(map(str, record.cores)),
        "total_seconds": sum(parts.values()) if known else None,
        "cache_state": record.cache_state,
        **dict(zip("abcd", record.coefficients or (), strict=False)),
    }
    if record.rounds:
        times = [one["seconds"] for one in record.rounds]
        figures |= dict(zip(TIMING, (len(times), median(times), min(times), max(times)), strict=True))
    return figures


def rounds(frame: pd.DataFrame) -> pd.DataFrame:
    """One row a timed fit: seconds and cpu_seconds are per iteration; `turn` and `place` say when it was made."""
    rows = [
        {**{name: getattr(row, name) for name in KEYS}, **one}
        for row in frame[frame["outcome"] == MEASURED].itertuples()
        for one in row.record.rounds
    ]
    return pd.DataFrame(rows, columns=[*KEYS, "turn", "place", "seconds", "cpu_seconds"])


def losses(frame: pd.DataFrame) -> pd.DataFrame:
    """One row a checkpoint of a case that is right: the loss, the exact one, and |loss - exact| / exact."""
    rows = [
        (*(getattr(row, name) for name in KEYS), step, loss, exact, abs(loss - exact) / exact)
        for row in frame[right(frame)].itertuples()
        for (step, loss), (_, exact) in zip(row.record.losses or (), row.record.exact_losses or (), strict=False)
    ]
    return pd.DataFrame(rows, columns=[*KEYS, "step", "loss", "exact_loss", "relative_error"])


def right(frame: pd.DataFrame) -> "pd.Series[bool]":
    """Which cases agree with the exact fit, timed or not."""
    return frame["outcome"].isin([MEASURED, AGREED])


def present(frame: pd.DataFrame, column: str) -> list[str]:
    """What a column holds, in the order in which it is shown."""
    return list(frame[column].cat.remove_unused_categories().cat.categories)


def about(group: pd.DataFrame) -> str:
    """Which cases a picture or a table is about, in one line."""
    first = group.iloc[0]
    names = ", ".join(sorted(set(group["device_name"].dropna()) - {first["device"]}))
    dtype = f", {first['dtype']}" if group["dtype"].nunique() == 1 else ""
    points, steps = first["points"], first["steps"]
    return f"Run {first['run']}: {first['device']}{names and f' ({names})'}{dtype}, {points} points, {steps} steps"


def machines(runs: Mapping[str, Run]) -> pd.DataFrame:
    """One row a run: the machine, the software, and how the run was made."""
    return pd.DataFrame([_machine(label, run) for label, run in runs.items()]).set_index("run")


def side_by_side(runs: Mapping[str, Run]) -> pd.DataFrame:
    """The machines for readers: a column a run, without the packages that no backend computes with."""
    frame = machines(runs)
    computing = {package for backend in backends().values() for package in backend.packages}
    installed = {package for run in runs.values() for package in run.machine.get("fitbench", {}).get("packages", {})}
    frame = frame.drop(columns=list(installed - computing))
    frame["memory_bytes"] = [None if pd.isna(size) else units.memory(size) for size in frame["memory_bytes"]]
    frame.columns = frame.columns.str.removesuffix("_bytes").str.replace("_", " ")
    return frame.T.reset_index(names="")


def _machine(label: str, run: Run) -> dict[str, Any]:
    told = run.machine.get("fitbench", {})
    commit = told.get("git_commit")
    return {
        "run": label,
        "file": str(run.path),
        "date": run.datetime,
        "CPU": told.get("cpu"),
        "cores": told.get("cores"),
        "physical_cores": told.get("physical_cores"),
        "affinity": _listed(told.get("affinity") or ()),
        "governor": told.get("governor"),
        "load_average": _listed(f"{load:.2f}" for load in told.get("load_average") or ()),
        "memory_bytes": told.get("memory_bytes"),
        "devices": _listed(f"{one.device}: {one.device_name}" for one in run.records if one.device_name),
        "OS": told.get("os"),
        "threads": _listed(one.threads for one in run.records if one.threads is not None),
        "steps": _listed(one.steps for one in run.records),
        "seed": _listed(one.seed for one in run.records),
        "git_commit": commit and commit[:10] + (" + uncommitted changes" if told.get("git_dirty") else ""),
        "Python": told.get("python"),
        **told.get("packages", {}),
    }


def _listed(values: Iterable[Any]) -> str | None:
    return ", ".join(dict.fromkeys(map(str, values))) or None


def _text(column: str, unit: Callable[[float], str] = str) -> Callable[[Any], str | None]:
    """The text of one column of a row; None where it has no value."""
    return lambda row: None if pd.isna(value := getattr(row, column)) else unit(value)


# The tables with a row a case: what stands under each title.
COLD_TABLE = {
    **{title: _text(name, units.seconds) for name, title in PARTS.items()},
    "total": _text("total_seconds", units.seconds),
    "cache": _text("cache_state"),
}
AGREED_TABLE: dict[str, Callable[[Any], str | None]] = {
    "held to": _text("kind"),
    "horizon": _text("horizon"),
    "digits": _text("digits", lambda value: f"{value:.1f}"),
    "worst error": _text("worst_error", units.error),
    "where": lambda row: f"{row.worst_name}, step {row.worst_step}",
    "of its bound": _text("bound_fraction", units.percent),
}
RESOURCE_TABLE = {
    "peak memory": _text("peak_memory_bytes", units.memory),
    "threads": _text("threads"),
    "cores": _text("cores"),
    "matrix products": _text("matmul_precision"),
    "recompiles": _text("recompiles"),
    "graph breaks": _text("graph_breaks"),
}


def speed(row: Any) -> str:
    """How a measured case compares with the baseline, in words."""
    if row.backend == BASELINE:
        return "baseline"
    return f"no {BASELINE} to compare with" if pd.isna(row.speedup) else units.speed(row.speedup)


class Notes:
    """The reasons of the holes of one table, numbered as they come."""

    def __init__(self) -> None:
        self.reasons: dict[str, int] = {}

    def mark(self, row: Any) -> str:
        """What stands in a hole: its outcome, and the number of its reason."""
        return f"{row.outcome} [{self.reasons.setdefault(row.reason, len(self.reasons) + 1)}]"

    def lines(self) -> str:
        return "".join(f"\n- [{number}] {escape(reason)}" for reason, number in self.reasons.items())


def grid(group: pd.DataFrame, text: Callable[[Any], str]) -> str:
    """A Markdown table of the measured cases of one group: a row a variant, a column a backend; notes on its holes."""
    notes = Notes()
    cells = [text(row) if row.outcome == MEASURED else notes.mark(row) for row in group.itertuples()]
    table = group.assign(text=cells).pivot(index="variant", columns="backend", values="text")
    return markdown(table.reset_index()) + notes.lines()


def listing(group: pd.DataFrame, columns: Mapping[str, Callable[[Any], Any]]) -> str:
    """A Markdown table with a row a case; the columns, by title, say what stands there for a case that is right."""
    notes = Notes()
    rows = [
        {
            "variant": row.variant,
            "backend": row.backend,
            **({title: text(row) for title, text in columns.items()} if good else {}),
            "outcome": row.outcome if good else notes.mark(row),
        }
        for row, good in zip(group.itertuples(), right(group), strict=True)
    ]
    titles = ["variant", "backend", *columns, *(["outcome"] if notes.reasons else [])]
    return markdown(pd.DataFrame(rows, columns=titles)) + notes.lines()


def markdown(frame: pd.DataFrame) -> str:
    """A Markdown table of what is text or numbers already; None and what is missing become a dash."""
    cells = frame.astype(object).map(lambda cell: NONE if pd.isna(cell) else escape(str(cell)))
    cells.columns = [escape(str(name)) for name in cells.columns]
    # Without disable_numparse, "15.0" would be printed as 15.
    return str(cells.to_markdown(index=False, disable_numparse=True)) + "\n"


def escape(text: str) -> str:
    """Text that Markdown shows as it is, also in a table. Underscores inside words are safe, and stay readable."""
    return re.sub(r"[\\`*<|~$]|(?<!\w)_|_(?!\w)", r"\\\g<0>", " ".join(text.split()))
