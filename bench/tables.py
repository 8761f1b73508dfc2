"""Frames as text for Markdown: numbers for readers, and holes that are labelled and noted."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from bench import units
from bench.backends import backends
from bench.frames import BASELINE, PARTS, machines, right
from bench.record import MEASURED, Run

NONE = "-"


def side_by_side(runs: Mapping[str, Run]) -> pd.DataFrame:
    """The machines for readers: a column a run, without the packages that no backend computes with."""
    frame = machines(runs)
    computing = {package for backend in backends().values() for package in backend.packages}
    installed = {package for run in runs.values() for package in run.machine.get("fitbench", {}).get("packages", {})}
    frame = frame.drop(columns=list(installed - computing))
    frame["memory_bytes"] = [None if pd.isna(size) else units.memory(size) for size in frame["memory_bytes"]]
    frame.columns = frame.columns.str.removesuffix("_bytes").str.replace("_", " ")
    return frame.T.reset_index(names="")


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
