"""Advice for readers and for programs: in text, Markdown, JSON and CSV."""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tabulate import tabulate

from bench.reporting import units
from bench.reporting.escaping import escape
from bench.reporting.spreadsheets import csv_of
from bench.statistics.advice import Advice, Best, Question, Row
from bench.support.errors import printable
from bench.support.words import counted

NONE, MARK = "-", " *"
MOST = 1e4  # times as much, and more: no interval is of use


def text(advice: Advice) -> str:
    """For a terminal: a row a case, the cheapest of each column marked; what that means; what could not be told."""
    align = ("left", *["right"] * (len(advice.questions) + len(_heads(advice)) - 1))
    table = tabulate(_cells(advice), _titles(advice), "simple", colalign=align, disable_numparse=True)
    return printable("\n\n".join([_title(advice), table, "\n".join(_lines(advice))]))


def markdown(advice: Advice) -> str:
    """For GitHub: the same."""
    cells = [[escape(cell) for cell in row] for row in _cells(advice)]
    table = tabulate(cells, _titles(advice), "github", disable_numparse=True)
    items = "\n".join(f"- {escape(line)}" for line in _lines(advice))
    return "\n\n".join([f"### fitbench: {escape(_title(advice))}", table, items])


def _title(advice: Advice) -> str:
    asked = advice.asked
    steps = counted(asked.steps, "step")
    return f"{', '.join(asked.variants)}: {asked.points} points, {steps}, {asked.dtype}, {asked.device}"


def _heads(advice: Advice) -> list[str]:
    return ["variant", "backend"] if len(advice.asked.variants) > 1 else ["backend"]


def _titles(advice: Advice) -> list[str]:
    return [*_heads(advice), *(question.title for question in advice.questions)]


def _cells(advice: Advice) -> list[list[str]]:
    bests = {question: advice.best(question) for question in advice.questions}
    rows = []
    for row in advice.rows:
        marks = {question: MARK for question, best in bests.items() if best is not None and best.row is row}
        cells = [_cell(row, question) + marks.get(question, "") for question in advice.questions]
        rows.append([*(getattr(row, head) for head in _heads(advice)), *cells])
    return rows


def _cell(row: Row, question: Question) -> str:
    if (found := row.seconds.get(question)) is None:
        return NONE
    return (
        units.spread(found.value, found.low, found.high)
        if _bounded(found.high / found.value)
        else units.seconds(found.value)
    )


def _bounded(factor: float) -> bool:
    return factor < MOST  # NaN is not


def _lines(advice: Advice) -> Iterator[str]:
    first = advice.questions[0]
    best = advice.best(first)
    yield (
        f"take {_taken(advice, best)}: {_found(advice, first, best)}" if best else f"{first.title}: nothing can be told"
    )
    for question in advice.questions[1:]:
        if (best := advice.best(question)) is not None:
            yield _found(advice, question, best)
    yield from _rest(advice)
    yield (
        "seconds from the first import to the coefficients, in a process of its own or as one more in one that made "
        "such fits, with the 95 % interval of one process; without Python's own start and reading data; * cheapest"
    )


def _taken(advice: Advice, best: Best) -> str:
    """The best, or both where there is no telling them apart."""
    those = [best.row] if best.told_apart or best.second is None else [best.row, best.second]
    return " or ".join(_name(advice, row) for row in those)


def _found(advice: Advice, question: Question, best: Best) -> str:
    """ "one more: numpy 1.2 s (1.1 to 1.3), then torch 1.25 s: no telling them apart"."""
    told = f"{question.title}: {_name(advice, best.row)} {_cell(best.row, question)}"
    if best.second is None or best.more is None:
        return f"{told}; nothing to compare it with"
    second = f"{told}, then {_name(advice, best.second)} {_cell(best.second, question)}"
    if best.told_apart:
        return f"{second}: {_more(best)}"
    unknown = ", as nothing is known of what processes differ by" if math.isnan(best.more.low) else ""
    return f"{second}: no telling them apart{unknown}"


def _more(best: Best) -> str:
    assert best.more is not None
    costs = f"{units.significant(best.more.value)} times as much"
    ends = f" ({units.significant(best.more.low)} to {units.significant(best.more.high)})"
    return costs + (ends if _bounded(best.more.high) else "")


def _name(advice: Advice, row: Row) -> str:
    return " ".join(getattr(row, head) for head in _heads(advice))


def _rest(advice: Advice) -> Iterator[str]:
    """What is not predicted, a line a reason."""
    names: dict[str, dict[str, None]] = {}
    for row in advice.rows:
        for reason in dict.fromkeys(row.reasons.values()):
            names.setdefault(reason, {})[_name(advice, row)] = None
    for reason, those in names.items():
        yield f"not told of {', '.join(those)}: {reason}"


def data(advice: Advice) -> list[dict[str, Any]]:
    """A row a case and question, in SI units and full precision; what is unknown is None."""
    asked = advice.asked
    rows = []
    for question in advice.questions:
        best = advice.best(question)
        for row in advice.rows:
            case = {"variant": row.variant, "backend": row.backend, "device": asked.device, "dtype": asked.dtype}
            about = {"points": asked.points, "steps": asked.steps, "state": question.state, "fits": question.fits}
            rows.append({**case, **about, **_figures(row, question, best)})
    return rows


def _figures(row: Row, question: Question, best: Best | None) -> dict[str, Any]:
    found = row.seconds.get(question)
    ends = (found.value, found.low, found.high) if found else (math.nan,) * 3
    known = dict(zip(("seconds", "low", "high"), (each if math.isfinite(each) else None for each in ends), strict=True))
    told = {"best": False, "told_apart": False}
    if best is not None and best.row is row:
        told = {"best": True, "told_apart": best.told_apart}
    return {**known, **told, "reason": row.reasons.get(question)}


def as_json(advice: Advice) -> str:
    return json.dumps(data(advice), indent=2, allow_nan=False)


def as_csv(advice: Advice) -> str:
    rows = data(advice)
    return csv_of(rows, list(rows[0]))


FORMATS: Mapping[str, Callable[[Advice], str]] = {"text": text, "json": as_json, "csv": as_csv, "markdown": markdown}
