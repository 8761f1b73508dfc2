"""Frames as text for Markdown: numbers for readers, and holes that are labelled and noted."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

import impls
from bench.backends import backends
from bench.cases.memory import REST
from bench.records.record import MEASURED, Run
from bench.reporting import units
from bench.reporting.escaping import escape
from bench.reporting.frames import present, right, starts
from bench.reporting.pairs import BEFORE, break_evens
from bench.reporting.setups import readable, setups
from bench.statistics.cold_start import CACHED, PARTS
from bench.support.imports import fit_packages

NONE = "-"
RULING = 0.2  # of an iteration: from here on its page faults rule its figure
SHARED = 0.05  # of a case's rounds: from here on it is noted that they shared their core


def side_by_side(runs: Mapping[str, Run]) -> pd.DataFrame:
    """The machines for readers: a column a run, with the packages of the backends and of what they run only."""
    frameworks = [package for backend in backends().values() for package in backend.packages]
    frame = readable(setups(runs, [*frameworks, *fit_packages(Path(impls.__path__[0]).parent)]))
    return frame.T.reset_index(names="")


def _text(column: str, unit: Callable[[float], str] = str) -> Callable[[Any], str | None]:
    """The text of one column of a row; None where it has no value."""
    return lambda row: None if pd.isna(value := getattr(row, column)) else unit(value)


# The tables with a row a case: what stands under each title.
SAMPLING_TABLE: dict[str, Callable[[Any], str | None]] = {
    "processes": lambda row: None if pd.isna(row.processes) else processes(row),
    "rounds": _text("rounds"),
    "warm-up rounds": lambda row: None if pd.isna(row.warm_up_rounds) else warm_up(row),
    "stopped by": _text("stopped"),
    "half-width": _text("half_width", units.percent),
    "unstable": _text("unstable"),
}
AS_READ_TABLE: dict[str, Callable[[Any], str | None]] = {
    "at the quiet state": lambda row: units.spread(row.seconds, row.low_seconds, row.high_seconds),
    "half-width": _text("half_width", units.percent),
    "as read": lambda row: units.spread(row.raw_seconds, row.raw_low_seconds, row.raw_high_seconds),
    "half-width as read": _text("raw_half_width", units.percent),
    "core loading": _text("core_loading", lambda value: f"{value:.2f}"),
    "memory loading": _text("memory_loading", lambda value: f"{value:.2f}"),
}
COLD_TABLE: dict[str, Callable[[Any], str | None]] = {
    "start": _text("state"),
    "processes": _text("state_processes"),
    **{title: _text(name, units.seconds) for name, title in PARTS.items()},
    "total": lambda row: None if pd.isna(row.total_seconds) else total(row),
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
    "of it data": lambda row: None if pd.isna(row.data_peak_bytes) else data(row),
    "page faults": lambda row: None if pd.isna(row.page_faults) else faults(row),
    "threads": _text("threads"),
    "cores": _text("cores"),
    "matrix products": _text("matmul_precision"),
    "recompiles": _text("recompiles"),
    "graph breaks": _text("graph_breaks"),
}


def data(row: Any) -> str:
    """What the data of a case took, with what was predicted; and whether that was too little."""
    if pd.isna(row.data_predicted_bytes):
        return units.memory(row.data_peak_bytes)
    exceeded = ", exceeded" if row.data_peak_bytes > row.data_predicted_bytes + REST else ""
    return f"{units.memory(row.data_peak_bytes)} (predicted {units.memory(row.data_predicted_bytes)}{exceeded})"


def faults(row: Any) -> str:
    """The page faults of an iteration; and whether they take so much of it that they rule its figure."""
    number = units.significant(row.page_faults) if row.page_faults >= 0.01 else "0"
    if pd.isna(row.page_fault_share) or row.page_fault_share < RULING:
        return number
    return f"{number}: ruled by the allocator ({units.percent(row.page_fault_share)})"


def processes(row: Any) -> str:
    """The processes that a case was measured in, "4 of 5 (1 lost)" where those are not all that it needed."""
    few = not pd.isna(row.processes_asked) and row.processes < row.processes_asked and row.stopped != "decided"
    lost = f" ({row.processes_lost} lost)" if row.processes_lost else ""
    return f"{row.processes}" + (f" of {row.processes_asked}" if few else "") + lost


def shared(row: Any) -> str:
    """That rounds of a case had to share their core."""
    return f"{row.rounds_taken} of {row.rounds} rounds shared their core with another program"


def warm_up(row: Any) -> str:
    """The rounds of a case that came before its warm-up was over, and in how many processes it never was."""
    return f"{row.warm_up_rounds}" + (f" (not over in {row.unsettled})" if row.unsettled else "")


def total(row: Any) -> str:
    """What a start costs in all, with the range over the processes where there are several."""
    ends = (row.total_low, row.total_high) if row.state_processes > 1 else (math.nan, math.nan)
    return units.spread(row.total_seconds, *ends)


def speed(row: Any) -> str:
    """How a measured case compares with the baseline, in words."""
    if row.backend == row.baseline:
        return "baseline"
    return f"no {row.baseline} to compare with" if pd.isna(row.speedup) else units.speed(row.speedup)


def speeds(row: Any) -> str:
    """The same, with its interval where there is one."""
    if row.backend == row.baseline or pd.isna(row.speedup):
        return speed(row)
    return units.speeds(row.speedup, row.speedup_low, row.speedup_high)


class Notes:
    """What is noted below one table, numbered as it comes: reasons of holes, and evidence against figures."""

    def __init__(self) -> None:
        self.reasons: dict[str, int] = {}

    def mark(self, row: Any) -> str:
        """What stands in a hole: its outcome, and the number of its reason."""
        return f"{row.outcome} [{self._number(row.reason)}]"

    def doubt(self, row: Any) -> str:
        """What is added to the figure of a case: nothing, or that it is unstable, or that rounds of it shared their
        core, and the number of the evidence.
        """
        unstable = "" if pd.isna(row.unstable) else f", unstable [{self._number(f'unstable: {row.unstable}')}]"
        return unstable + (f" [{self._number(shared(row))}]" if row.rounds_taken > SHARED * row.rounds else "")

    def lines(self) -> str:
        return "".join(f"\n- [{number}] {escape(reason)}" for reason, number in self.reasons.items())

    def _number(self, reason: str) -> int:
        return self.reasons.setdefault(reason, len(self.reasons) + 1)


def grid(group: pd.DataFrame, text: Callable[[Any], str]) -> str:
    """A Markdown table of the measured cases of one group: a row a variant, a column a backend; notes on its holes and
    its unstable cases.
    """
    notes = Notes()
    cells = [text(row) + notes.doubt(row) if row.outcome == MEASURED else notes.mark(row) for row in group["row"]]
    table = group.assign(text=cells).pivot(index="variant", columns="backend", values="text")
    return markdown(table.reset_index()) + notes.lines()


def cold_start(group: pd.DataFrame) -> str:
    """A Markdown table with a row a case and state of its start."""
    found = starts(group)
    return listing(found.assign(row=list(found.itertuples())), COLD_TABLE)


def break_even(group: pd.DataFrame) -> str:
    """Two Markdown tables, of empty and of warm caches: a row a case that has something to pay back, a column a
    backend that it is compared with.
    """
    pairs = break_evens(group)
    pairs = pairs[pairs["pays_back"]]
    return "\n\n".join(_break_even(group, state, pairs[pairs["state"] == state]) for state in CACHED)


def _break_even(group: pd.DataFrame, state: str, pairs: pd.DataFrame) -> str:
    if not len(pairs):
        return f"Caches {state}: no case that has something to pay back was started so."
    cells: dict[tuple[str, str], dict[str, str]] = {}
    for row in pairs.itertuples():
        cells.setdefault((row.variant, row.backend), {})[f"against {row.other}"] = paid_back(row)
    others = [name for name in present(group, "backend") if name in set(pairs["other"])]
    rows = [{"variant": variant, "backend": backend, **each} for (variant, backend), each in cells.items()]
    return f"Caches {state}:\n\n" + markdown(
        pd.DataFrame(rows, columns=["variant", "backend", *(f"against {name}" for name in others)])
    )


def paid_back(row: Any) -> str:
    """When a case has cost less in all than another, of a row of `break_evens`: "31 200 (28 000 to 36 000)"."""
    if row.cheaper == BEFORE:
        return f"until {units.counts(row.iterations, row.low, row.high, infinite='for ever')}"
    if row.iterations == 0 and not row.high > 0:
        return "at once"
    if math.isinf(row.iterations) and not row.low < math.inf:
        return "never"
    words = units.counts(row.iterations, row.low, row.high)
    return f"at once{words.removeprefix('0')}" if row.iterations == 0 else words


def measured(group: pd.DataFrame) -> "pd.Series[bool]":
    """Which cases were timed."""
    return group["outcome"] == MEASURED


def listing(
    group: pd.DataFrame,
    columns: Mapping[str, Callable[[Any], Any]],
    whole: Callable[[pd.DataFrame], "pd.Series[bool]"] = right,
) -> str:
    """A Markdown table with a row a case; the columns, by title, say what stands there for a case that is whole."""
    notes = Notes()
    rows = [
        {
            "variant": row.variant,
            "backend": row.backend,
            **({title: text(row) for title, text in columns.items()} if good else {}),
            "outcome": row.outcome if good else notes.mark(row),
        }
        for row, good in zip(group["row"], whole(group), strict=True)
    ]
    titles = ["variant", "backend", *columns, *(["outcome"] if notes.reasons else [])]
    return markdown(pd.DataFrame(rows, columns=titles)) + notes.lines()


def markdown(frame: pd.DataFrame) -> str:
    """A Markdown table of what is text or numbers already; None and what is missing become a dash."""
    cells = frame.astype(object).map(lambda cell: NONE if pd.isna(cell) else escape(str(cell)))
    cells.columns = [escape(str(name)) for name in cells.columns]
    # Without disable_numparse, "15.0" would be printed as 15.
    return str(cells.to_markdown(index=False, disable_numparse=True)) + "\n"
