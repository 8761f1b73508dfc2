"""The report: index.html and report.md with the answers, details.md with all pictures, and the tables as CSV.

Each section of details.md answers one question.
"""

import math
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from operator import attrgetter
from pathlib import Path

import pandas as pd

from bench.cases.memory import REST
from bench.records.record import Run
from bench.reporting import (
    canvas,
    cold_plots,
    cost_map,
    folder,
    frames,
    growth,
    heatmaps,
    machine,
    multiples,
    page,
    plots,
    short,
    tables,
    threads,
    units,
)
from bench.reporting.baseline import BASELINE, BASELINE_DEVICE
from bench.reporting.caveats import caveats
from bench.reporting.data import TABLES, Data, not_measured
from bench.reporting.escaping import code, escape
from bench.reporting.pairs import with_break_evens
from bench.reporting.section import Picture, Section, nothing_timed
from bench.reporting.spreadsheets import write_csv
from bench.statistics.roofline import YARDSTICK_VARIANT
from bench.support.errors import InputError
from bench.support.side_by_side import do_all

Writer = Callable[[], None]  # of a file of the report


def write(runs: dict[str, Run], output: Path, baseline: str = BASELINE, pictures: bool = False) -> None:
    """Write the report of the runs, by label, into a folder; ratios are relative to the `baseline`; with all `pictures`
    or the usual ones.

    Raises InputError where it cannot be written, and for a baseline that no run holds, unless it is the usual one.

    Everything is made elsewhere first: what stood in the folder stays as it was unless the report is whole.
    """
    frame = frames.cases(runs, baseline, copies=True)
    if baseline != BASELINE and baseline not in (known := frames.present(frame, "backend")):
        raise InputError(f"--baseline {baseline!r}: in none of the runs; allowed: {', '.join(known)}")
    frame = with_break_evens(frame)
    with tempfile.TemporaryDirectory() as scratch:
        draft = Path(scratch)
        (draft / "tables").mkdir()
        try:
            folder.check(output)
            (output / "tables").mkdir(parents=True, exist_ok=True)
            graphs = folder.graphs(output)
            taken = Taken(pictures)
            answers: Writer = partial(_write_answers, runs, frame, draft, taken, graphs)
            page: Writer = partial(_write_page, runs, frame, draft, graphs)
            do_all([answers, page, *_tables(runs, frame, draft / "tables")])
            do_all(taken.drawings)
            folder.publish(draft, output)
        except OSError as error:
            raise InputError(f"{output}: cannot be written ({error.strerror or error}); expected a folder") from None


def _tables(runs: dict[str, Run], frame: pd.DataFrame, place: Path) -> Iterator[Writer]:
    """What writes them: all but those of sections that there are none of."""
    shown = {name for section in _wanted(frame) for name in section.csv}
    unwanted = {name for section in sections(BASELINE) for name in section.csv} - shown
    for table in TABLES:
        if table.name not in unwanted:
            yield partial(_write_table, table, runs, frame, place)


def _write_table(table: Data, runs: dict[str, Run], frame: pd.DataFrame, place: Path) -> None:
    write_csv(table.make(runs, frame), place / f"{table.name}.csv")


def _write_answers(
    runs: dict[str, Run], frame: pd.DataFrame, draft: Path, taken: "Taken", graphs: Sequence[str]
) -> None:
    """In Markdown; what draws the pictures that are linked there is taken."""
    (draft / folder.DETAILS).write_text(_details(runs, frame, draft, taken, graphs), encoding="utf-8")
    (draft / folder.PAGE).write_text(_answers(runs, frame, taken), encoding="utf-8")


def _write_page(runs: dict[str, Run], frame: pd.DataFrame, draft: Path, graphs: Sequence[str]) -> None:
    (draft / folder.SITE).write_text(page.html(runs, frame, graphs), encoding="utf-8")


def _wanted(frame: pd.DataFrame) -> list[Section]:
    return [section for section in sections(frame["baseline"].iloc[0]) if section.wanted(frame)]


def _no_baseline(group: pd.DataFrame) -> str | None:
    if group["speedup"].notna().any():
        return None
    name = f"{code(group['baseline'].iloc[0])} on the {BASELINE_DEVICE}"
    return nothing_timed(group) or f"{name} was not timed in this run, so there is nothing to compare with."


def _nothing_right(group: pd.DataFrame) -> str | None:
    return None if frames.right(group).any() else "no case came to agree with the exact fit."


def sections(baseline: str) -> tuple[Section, ...]:
    """The questions that a report answers, in its order."""
    return (
        Section(
            "Iteration time",
            """
Seconds per iteration at the machine's own quiet state, with the 95 % interval in brackets. The *quiet state* is the
state of the core, as short fixed computations (controls) tell it in every turn, that was undercut in a quarter of the
run's turns: it is the same for all cases of the run. It is the machine's own, so it says nothing of another machine,
and a machine that was never quiet during the run has no quieter state to show. The figure is the mean over the
processes of the median of each one's rounds, net of the state. A round is a stretch of steps that takes about 5 ms, or
the whole fit where that is shorter; the rounds of the warm-up count for nothing. The interval holds what processes
differ by, how well the level of the quiet state is known, and how well the loading, by how much a case moves with the
state. Of one process it says nothing of others. *Unstable* is a case whose processes differ by more than the machine
explains, and by more than processes of this run's cases differ anyway: it has no one figure, and the note says what
there is instead. Two questions stand side by side: a step that Python calls, and a loop inside the compiler (`-loop`),
which Python calls once a round.""",
            (
                Picture("iteration-time", plots.iteration_time, frames.FIGURE, usual=True),
                Picture("processes", plots.processes, frames.FIGURE),
            ),
            lambda group: tables.grid(group, lambda row: units.spread(row.seconds, row.low_seconds, row.high_seconds)),
            ("iteration-time", "rounds"),
            nothing_timed,
        ),
        Section(
            f"Speed against {escape(baseline)}",
            f"""
The seconds of {code(baseline)} on the {BASELINE_DEVICE}, of the same variant, dtype, size and run, over
those of the case: the ratio of the two times shown above. "2.00x faster": an iteration takes half the time; in
brackets, the 95 % interval of that factor, where less than 1 is the other way round. The two took turns, and what they
share in a process is in neither's way. A variant that has no such backend is compared with the one of
{code(YARDSTICK_VARIANT)}, where that was timed: these took no turns, and the interval is that of two figures. Without
brackets nothing is known of it: the two are of two devices, or were measured in one process at the same time or in
none. `ratios.csv` has every two backends.""",
            (Picture("speedup", heatmaps.speedup, frames.FIGURE),),
            lambda group: tables.grid(group, tables.speeds),
            ("speedup", "ratios"),
            _no_baseline,
        ),
        multiples.SECTION,
        growth.SECTION,
        threads.SECTION,
        Section(
            "The machine",
            """
How much slower than in its quiet state the machine of a run was, turn by turn: the core by those controls that compute,
the memory by those that read more than the caches of a core hold. It is taken away of the figures only where processes
that were held out say that this helps.""",
            (Picture("machine", machine.state, ["run"]),),
            machine.told,
            ("machine",),
            machine.unknown,
            by=("run",),
            tables=("run",),
        ),
        Section(
            "As read",
            """
The figures net of the machine beside those as read: the median over the processes of the median of each one's rounds,
whatever the machine did meanwhile. Half-widths are of the 95 % intervals, relative to the figure. A loading of 1 means
that a case slows down as much as the controls do; without one the figures are as read, for the reason that is given
above.""",
            (),
            lambda group: tables.listing(group, tables.AS_READ_TABLE, tables.measured),
            ("iteration-time",),
            nothing_timed,
        ),
        Section(
            "Sampling",
            """
How the figures above came about. A case is sampled in a process until that one's own figure is known well enough
(`precision`), its time is up (`max-time`) or it has made the most rounds that any may (`max-rounds`), unless its A/B
run needed no more of the processes that were asked for (`decided`) or ended before all of them had their turn
(`interrupted`). The half-width is that of the interval above, relative to the figure: it holds what processes differ
by, too, and may be wider. A process whose worker was lost (killed, or too late) counts for nothing. A process is warm
when its rounds have stopped getting faster; where no test ended its warm-up before its time was up, its last rounds
were kept all the same, and are to be doubted.""",
            (),
            lambda group: tables.listing(group, tables.SAMPLING_TABLE, tables.measured),
            ("iteration-time",),
            nothing_timed,
        ),
        Section(
            "Cold start",
            """
What is paid before the second iteration, in three states: a fresh process whose cache of compiled code on disk is
*empty*; one that finds there what an earlier process compiled (*warm*); and *steady*, a process that has made many
fits and begins another. Backends without such a cache have one kind of fresh process. Import (of NumPy and the
framework) and startup (first use of the device and of the compiler) are paid once by a process, and the cases that
share it share them: cases that import the same have the same figures in several rows. Build (the implementation's own
file, data to the device) and the first call (compiling, and one step) are the case's own. Starts may go side by side,
on cores of their own: of several processes those count that had the fewest others beside them (`beside` in the JSON),
and one core alone has them one after the other. A figure is the median over the processes of that state, and the
total, with their range in brackets, is the median of their totals.""",
            (Picture("cold-start", cold_plots.cold_start, frames.FIGURE),),
            tables.cold_start,
            ("cold-start",),
            _nothing_right,
        ),
        Section(
            "Break-even",
            f"""
After how many iterations what a case costs in all, its cold start and its iterations, has fallen below what another
does, both in fresh processes: with empty caches, and with warm ones; a backend without a cache is the same in both.
*At once*: no dearer to start and no slower. *Never*: dearer to start, and not faster. *Until*: cheaper to start but
slower, so cheaper in all up to there and no further. In brackets, the 95 % interval of a bootstrap over the processes,
in which 0 is at once: where it runs from 0 to never, the data do not tell which of the two is dearer to start. There
is none where fewer than two processes of a case began so. Listed are the cases that
keep compiled code on disk, or have else something to pay back; `break-even.csv` has every two. In the picture, which
`--pictures` draws, the curves cross there, and the strips below say which backend has cost the least so far.
`{tables.NONE}` is a case compared with itself, or one that was not started so.""",
            (Picture("break-even", cold_plots.break_even, frames.FIGURE),),
            tables.break_even,
            ("break-even",),
            nothing_timed,
        ),
        cost_map.SECTION,
        Section(
            "Agreement with the exact fit",
            """
The worst relative error over the checkpoints, its digits (-log10), and the largest share of its bound that any error
took. A fit is held to the exact trajectory up to the horizon; where rounding makes that meaningless further on, single
steps are replayed exactly. The pictures of the loss hold every backend over the exact curve and show, on the right, how
far from it. There, the dashed line is the spacing of the dtype (eps), what lies on the lower edge is eps/4 or less, and
the dotted line is the horizon.""",
            (Picture("agreement", heatmaps.digits, frames.FIGURE), Picture("loss", plots.loss, frames.TABLE)),
            lambda group: tables.listing(group, tables.AGREED_TABLE),
            ("agreement", "losses"),
            _nothing_right,
        ),
        Section(
            "Memory, threads and compilation",
            f"""
Peak memory is the resident size of the whole worker process, framework included, while the case ran. The data of the
case are what of it came on top of what was resident before they were made, with what its arrays were predicted to take:
*exceeded* where that, and {units.memory(REST)} for what compiling and small arrays leave behind, were not enough. Page
faults are the pages of memory that the system had to give in an iteration, the median of the rounds that count. A
figure is *ruled by the allocator* where they take more than {units.percent(tables.RULING)} of the iteration, at what a
page took at least on the machine before the run (`page_seconds` in machines.csv); it is then more than that, since some
pages are larger. The idiomatic variants keep the allocators' and the system's defaults on purpose, for that is what
their users have; `tuned` allocates nothing in its steps.""",
            (),
            lambda group: tables.listing(group, tables.RESOURCE_TABLE),
            ("resources",),
            _nothing_right,
        ),
    )


@dataclass
class Taken:
    """The names of the pictures, what is to be drawn, and of how many rows each kind has been: all kinds, or few."""

    all: bool
    names: set[str] = field(default_factory=set)
    times: dict[str, str] = field(default_factory=dict)  # the name of that of iteration times, by what it is about
    overall: list[str] = field(default_factory=list)  # the names of the other usual ones, which are of all sizes
    drawings: list[Writer] = field(default_factory=list)
    rows: Counter[str] = field(default_factory=Counter)

    @property
    def most(self) -> int:
        """Rows of a kind, which take a minute or more if all are asked for, and else some seconds."""
        return 3000 if self.all else 500


def _answers(runs: dict[str, Run], frame: pd.DataFrame, taken: Taken) -> str:
    """The text of report.md."""
    parts = short.page(runs, frame, taken.times, sorted(taken.overall))
    return _text([folder.TITLE, _summary(frame), *_caveats(runs), *parts])


def _text(parts: Iterable[str]) -> str:
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _details(runs: dict[str, Run], frame: pd.DataFrame, draft: Path, taken: Taken, graphs: Sequence[str]) -> str:
    """The text of details.md."""
    parts = [folder.TITLE, _summary(frame), *_caveats(runs), DATA, *([] if taken.all else [FEW])]
    parts.append("## Machines")
    parts += [tables.markdown(tables.side_by_side(runs)), _links(("machines",))]
    for section in _wanted(frame):
        parts += [f"## {section.title}", section.text]
        parts += _section(section, frame, draft, taken)
        parts.append(_links(section.csv))
    parts += ["## Graphs of a step", _graphs(graphs)]
    parts += ["## Cases not measured", _rest(frame), _links(("not-measured",))]
    return _text(parts)


FEW = "Pictures are drawn of iteration times, of growth and of the map; `--pictures` draws those of all sections."
DATA = f"Under `Data`: the same in SI units and full precision. In tables, `{tables.NONE}` is what does not apply."


def _summary(frame: pd.DataFrame) -> str:
    lines = []
    for run, group in frame.groupby("run", observed=True):
        counts = group["outcome"].value_counts(sort=False)
        outcomes = "".join(f", {outcome} {count}" for outcome, count in counts.items())
        lines.append(f"- {escape(str(run))}: planned {len(group)}{outcomes}")
    return "\n".join(lines)


def _caveats(runs: dict[str, Run]) -> Iterator[str]:
    for label, run in runs.items():
        for one in caveats(label, run):
            lines = [f"**{one.kind}: {escape(one.text)}**", *([""] if one.items else [])]
            yield "\n".join([*lines, *(f"- {escape(each)}" for each in one.items)])


def _section(section: Section, frame: pd.DataFrame, draft: Path, taken: Taken) -> Iterator[str]:
    """Group by group: the pictures, then a table a dtype, as long as that is a page; or why there are none."""
    shown = left = 0
    for _, group in frame.groupby([*section.by], sort=False, observed=True):
        if (nothing := section.nothing(group)) is not None:
            yield f"{_caption(group)}: {nothing}"
            continue
        for picture in section.pictures if taken.all else filter(attrgetter("usual"), section.pictures):
            for _, part in group.groupby(picture.by, sort=False, observed=True):
                yield _draw(picture, section, part, draft, taken)
        for _, part in group.groupby([*section.tables], sort=False, observed=True):
            if shown and shown + len(part) > MOST_SHOWN:
                left += 1
                continue
            shown += len(part)
            yield _caption(part)
            yield section.table(part)
    if left:
        more = f"{left} more tables are" if left > 1 else "One more table is"
        yield f"{more} not shown, as the page would become too long to be read; the data below have all."


MOST_SHOWN = 600  # cases of a section: some 2 KB each in all sections, and GitHub renders no more than a megabyte or so


def _rows(group: pd.DataFrame) -> int:
    """What it takes to draw a picture of some cases, in rows; an empty one takes as long as some forty."""
    return 40 + math.prod(group[name].nunique() for name in ("variant", "backend", "dtype"))


def _caption(group: pd.DataFrame) -> str:
    return f"**{escape(frames.about(group))}**"


def _draw(picture: Picture, section: Section, group: pd.DataFrame, draft: Path, taken: Taken) -> str:
    if (nothing := section.nothing(group)) is not None:
        return f"{_caption(group)}: {nothing}"
    if taken.rows[picture.name] >= taken.most:
        return f"{_caption(group)}: not drawn, as it would take too long to draw all; the tables have all."
    taken.rows[picture.name] += _rows(group)
    name = _free_name(picture, group, taken.names)
    taken.drawings.append(lambda: canvas.save(picture.draw(group), draft / name))
    if picture.draw is plots.iteration_time:
        taken.times[frames.about(group)] = name
    elif picture.usual:
        taken.overall.append(name)
    alt = escape(f"{section.title}. {frames.about(group)}")
    return f"![{alt}]({name}.png)\n\n[as SVG]({name}.svg)"


LONGEST_NAME = 150  # of a file: systems take 255 bytes


def _free_name(picture: Picture, group: pd.DataFrame, taken: set[str]) -> str:
    """A file name for a picture: what it shows and of which cases; the run only where there are several."""
    words = [str(group.iloc[0][name]) for name in picture.by]
    if len(group["run"].cat.categories) == 1:
        del words[0]
    slug = re.sub(r"[^A-Za-z0-9_]+", "-", "-".join([picture.name, *words]))[:LONGEST_NAME].strip("-")
    names = (slug, *(f"{slug}-{number}" for number in range(2, len(taken) + 3)))
    name = next(name for name in names if name not in taken)
    taken.add(name)
    return name


def _links(names: Iterable[str]) -> str:
    return "Data: " + ", ".join(f"[{name}.csv](tables/{name}.csv)" for name in names)


def _graphs(names: Sequence[str]) -> str:
    if not names:
        draw = f"python -m bench.graph --variant nn --backend torch,jax --output FOLDER/{folder.GRAPHS}/nn.html"
        return (
            f"None was drawn. `{draw}`, with the folder of this report, draws some, and the next report links to them."
        )
    return "\n".join(f"- [{escape(name)}]({folder.GRAPHS}/{name})" for name in names)


def _rest(frame: pd.DataFrame) -> str:
    rest = not_measured(frame)
    return tables.markdown(rest) if len(rest) else "Every planned case was measured."
