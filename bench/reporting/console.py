"""The figures of a run for a terminal or a log: plain text, at most 100 columns wide, and without pandas."""

import math
import textwrap
from collections.abc import Iterable, Iterator, Sequence

from bench.backends import backends
from bench.cases.case import PICTURE, TABLE, placed
from bench.cases.variants import variants
from bench.records.record import MEASURED, RIGHT, Estimate, Record
from bench.reporting import units

WIDTH = 100
GAP = "  "
NAME, HEADING = 20, 10  # characters of a variant, and of a line of a backend's name
FASTEST, UNSTABLE, NONE = " <", "*", "-"
PARTS = ("  95 % interval", "  digits")  # below the time
LEGEND = {
    FASTEST: "the fastest of its row",
    UNSTABLE: "unstable: its processes differ by more than the machine explains",
}
Cell = tuple[str, str, str]  # a time or an outcome, an interval, digits


def lines(records: Iterable[Record]) -> Iterator[str]:
    """A table for each device, size and dtype in which something was timed: a variant a row, a backend a column.

    Times are those of the report: per iteration, net of the machine where that helps, with the 95 % interval. A case
    that was not timed has its outcome in its place.
    """
    groups: dict[tuple[object, ...], list[Record]] = {}
    for one in records:
        groups.setdefault(tuple(getattr(one.case, name) for name in SHARED), []).append(one)
    shown = {key: those for key, those in groups.items() if any(one.outcome == MEASURED for one in those)}
    tables = ["\n".join([_title(key), *_table(those)]) for key, those in shown.items()]
    for table in tables:
        yield from table.splitlines()
        yield ""
    if tables:
        yield from textwrap.wrap(_legend(shown.values(), "\n".join(tables)), WIDTH)


SHARED = placed(PICTURE, TABLE)  # by the cases of a table


def _title(key: tuple[object, ...]) -> str:
    told = zip(SHARED, key, strict=True)
    return textwrap.shorten(
        ", ".join(value if isinstance(value, str) else f"{value} {name}" for name, value in told), WIDTH
    )


def _legend(groups: Iterable[Sequence[Record]], text: str) -> str:
    """What the figures are, and the marks that the tables have."""
    net = any(figure.factors for those in groups for one in those if (figure := _figure(one)) is not None)
    told = [f"{mark.strip()} is {meaning}." for mark, meaning in LEGEND.items() if mark in text]
    return " ".join([f"Time per iteration, {'net of the machine' if net else 'as read'}.", *told])


def _table(records: Sequence[Record]) -> Iterator[str]:
    """As many tables, one below the other, as it takes for all backends to fit."""
    rows = _ordered((one.case.variant for one in records), variants())
    cells = _cells(records)
    columns = [
        _column(name, [cells.get((row, name), (NONE, "", "")) for row in rows])
        for name in _ordered((one.case.backend for one in records), backends())
    ]
    labels = ["variant", *(label for row in rows for label in (_cut(row), *PARTS))]
    width = max(map(len, labels))
    height = max(len(column) for column in columns)
    first = [""] * (height - len(labels)) + labels
    for part in _fitting(columns, WIDTH - width):
        for label, *texts in zip(first, *(_bottom(column, height) for column in part), strict=True):
            yield GAP.join([label.ljust(width), *texts]).rstrip()


def _ordered(found: Iterable[str], known: Iterable[str]) -> list[str]:
    """Those that are found, as reports order them."""
    names = dict.fromkeys(found)
    return list(dict.fromkeys([*(name for name in known if name in names), *names]))


def _cells(records: Sequence[Record]) -> dict[tuple[str, str], Cell]:
    """By variant and backend."""
    times: dict[str, list[float]] = {}
    for one in records:
        if (figure := _figure(one)) is not None:
            times.setdefault(one.case.variant, []).append(figure.seconds)
    least = {variant: min(each) for variant, each in times.items() if len(each) > 1}
    return {(one.case.variant, one.case.backend): _cell(one, least.get(one.case.variant)) for one in records}


def _figure(record: Record) -> Estimate | None:
    return record.estimate if record.outcome == MEASURED else None


def _cell(record: Record, least: float | None) -> Cell:
    """least: the seconds of the fastest of the row, where there are others."""
    digits = f"{record.agreement.digits:.1f}" if record.outcome in RIGHT and record.agreement else ""
    if (figure := _figure(record)) is None:
        return record.outcome, "", digits
    low, high = (math.nan if end is None else end for end in (figure.low, figure.high))
    time, _, interval = units.spread(figure.seconds, low, high).partition(" (")
    marks = (UNSTABLE if figure.unstable else "") + (FASTEST if figure.seconds == least else "")
    return time + marks, interval.removesuffix(")").replace(" to ", "-") or NONE, digits


def _column(name: str, cells: Sequence[Cell]) -> list[str]:
    """The lines of a column, of one width: its heading, and three lines a row."""
    texts = [*textwrap.wrap(name, HEADING), *(text for cell in cells for text in cell)]
    width = max(map(len, texts))
    return [text.rjust(width) for text in texts]


def _bottom(column: Sequence[str], height: int) -> list[str]:
    """The column on as many lines, where headings are of several."""
    return [" " * len(column[0])] * (height - len(column)) + list(column)


def _fitting(columns: Sequence[list[str]], width: int) -> Iterator[list[list[str]]]:
    """The columns in parts of at most so many characters."""
    part: list[list[str]] = []
    for column in columns:
        if part and sum(len(GAP) + len(one[0]) for one in [*part, column]) > width:
            yield part
            part = []
        part.append(column)
    yield part


def _cut(name: str) -> str:
    return name if len(name) <= NAME else f"{name[: NAME - 3]}..."
