"""report.md: the answers first, a screen a size, the machines last. `report` writes everything else beside it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from bench.records.record import FAILED, MEASURED, Run
from bench.reporting import folder, frames, machine, tables, units
from bench.reporting.escaping import escape
from bench.reporting.ratios import ratio
from bench.reporting.section import nothing_timed

MOST_SIZES = 20  # that are shown: each is a screen
HOLES = 5  # reasons that are told

NET = "at the machine's own quiet state"
RAW = "as read (it is not shown that it helps to take the machine's state away)"
READ = f"""
Seconds per iteration {{}}, with the 95 % interval in brackets; the fastest of a row is **bold**. Steps that Python
calls and loops inside the compiler (`-loop`) stand side by side. \\* marks a case whose processes differ by more than
the machine explains. [`{folder.SITE}`]({folder.SITE}) has all of it to sort, filter and ask;
[`{folder.DETAILS}`]({folder.DETAILS}) has tables of every question, how each figure is made; `tables/` all as CSV."""


def page(
    runs: Mapping[str, Run], frame: pd.DataFrame, pictures: Mapping[str, str], others: Sequence[str] = ()
) -> Iterator[str]:
    """The parts of the text, after title, counts and caveats. pictures: by what a group is about, the name of the one
    of its iteration times; others: the names of those of all sizes together.
    """
    yield READ.format(NET if frames.net(frame) else RAW)
    groups = [group for _, group in frame.groupby(frames.FIGURE, sort=False, observed=True)]
    for group in groups[:MOST_SIZES]:
        yield from _group(group, pictures)
    if len(groups) > MOST_SIZES:
        yield f"And {len(groups) - MOST_SIZES} more devices and sizes: in [`{folder.SITE}`]({folder.SITE})."
    if others:
        yield "## Over all sizes"
        yield f"How cost grows, and which to take ([with tables]({folder.DETAILS}#how-cost-grows)):"
        yield "\n".join(f"- [{name}]({name}.png)" for name in others)
    yield from _holes(frame)
    yield "## Machines"
    for _, group in frame.groupby("run", observed=True):
        if (unknown := machine.unknown(group)) is None:
            yield machine.told(group)
        else:
            yield f"The machine: {unknown}"
    yield tables.markdown(tables.side_by_side(dict(runs)))


def _group(group: pd.DataFrame, pictures: Mapping[str, str]) -> Iterator[str]:
    about = frames.about(group)
    yield f"## {escape(about)}"
    if (nothing := nothing_timed(group)) is not None:
        yield nothing.capitalize()
    else:
        yield "\n".join(f"- {line}" for line in _answers(group))
        if (name := pictures.get(about)) is not None:
            yield f"![{escape(f'Iteration time. {about}')}]({name}.png)"
        for _, part in group.groupby(frames.TABLE, sort=False, observed=True):
            yield f"**{escape(str(part['dtype'].iloc[0]))}**"
            yield times(part)


def times(group: pd.DataFrame) -> str:
    """A Markdown table of seconds: a row a variant, a column a backend; the fastest bold, what is unstable marked."""
    fastest = {int(part["seconds"].idxmin()) for _, part in _by_variant(group)}
    cells = group.apply(lambda row: _cell(row, row.name in fastest), axis=1)
    table = group.assign(text=cells).pivot(index="variant", columns="backend", values="text").reset_index()
    shown = table.dropna(axis="columns", how="all").astype(object).where(lambda cells: cells.notna(), "")
    shown["variant"] = [escape(str(each)) for each in shown["variant"]]
    shown.columns = [escape(str(name)) for name in shown.columns]
    return str(shown.to_markdown(index=False, disable_numparse=True))


def _by_variant(group: pd.DataFrame) -> Iterator[tuple[Any, pd.DataFrame]]:
    timed = group[group["outcome"] == MEASURED]
    yield from timed.groupby(frames.GROUP, sort=False, observed=True)


def _cell(row: Any, fastest: bool) -> str | None:
    if row["outcome"] != MEASURED:
        return None if row["outcome"] == "skipped" else escape(row["outcome"])
    told = units.spread(row["seconds"], row["low_seconds"], row["high_seconds"])
    return (f"**{told}**" if fastest else told) + ("" if pd.isna(row["unstable"]) else " \\*")


def _answers(group: pd.DataFrame) -> Iterator[str]:
    for dtype, part in group.groupby("dtype", sort=False, observed=True):
        if nothing_timed(part) is None:
            yield f"{escape(str(dtype))}: {', '.join(_fastest(part))}."
    yield from _agreement(group)


def _fastest(group: pd.DataFrame) -> Iterator[str]:
    """Of which variants a backend is the fastest, and in how many of them beyond doubt."""
    wins: dict[str, list[bool]] = {}
    for _, part in _by_variant(group):
        order = [row._asdict() for row in part.sort_values("seconds")["row"].head(2)]
        sure = len(order) > 1 and ratio(order[0], order[1])[0].low > 1
        wins.setdefault(str(order[0]["backend"]), []).append(sure)
    all_of = f" is the fastest in {{}} of {sum(map(len, wins.values()))} variants"
    for i, (name, each) in enumerate(sorted(wins.items(), key=lambda item: -len(item[1]))):
        doubt = "" if all(each) else f" ({sum(each)} beyond doubt)"
        yield escape(name) + (" in {}" if i else all_of).format(len(each)) + doubt


def _agreement(group: pd.DataFrame) -> Iterator[str]:
    right, failed = group[frames.right(group)], group[group["outcome"] == FAILED]
    if len(right):
        worst = right.loc[right["digits"].idxmin()]
        where = f"{escape(str(worst['variant']))}, {escape(str(worst['backend']))}, {escape(str(worst['dtype']))}"
        yield (
            f"{len(right)} of {len(right) + len(failed)} cases that ran agree with the exact fit, "
            f"to {worst['digits']:.1f} digits or more ({where})."
        )
    if len(failed):
        yield f"**{len(failed)} failed**, and have no timing."


def _holes(frame: pd.DataFrame) -> Iterator[str]:
    """What was not measured and why, the most frequent reasons."""
    rest = frame[frame["outcome"] != MEASURED]
    if not len(rest):
        return
    yield "## Not measured"
    counts = rest.groupby(["outcome", "reason"], sort=False).size().sort_values(ascending=False, kind="stable")
    lines = [f"- {count} {escape(outcome)}: {escape(str(reason))}" for (outcome, reason), count in counts.items()]
    more = [f"- and {len(lines) - HOLES} more reasons: [`tables/not-measured.csv`](tables/not-measured.csv)"]
    yield "\n".join(lines[:HOLES] + more * (len(lines) > HOLES))
