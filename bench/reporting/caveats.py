"""What makes the figures of a whole run worth less: it ended early, lost processes, was slowed or not alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.records.record import Run
from bench.records.slowing import slowed
from bench.support.words import counted, span

SHOWN = 20  # lost processes that are listed


@dataclass(frozen=True)
class Caveat:
    """In a sentence, after a word for its kind; items: those that it is about, of many some."""

    kind: str
    text: str
    items: Sequence[str] = ()


def caveats(label: str, run: Run) -> Iterator[Caveat]:
    """Those of a run, which is called by its label."""
    if run.unfinished:
        yield Caveat("Not whole", f"{label} still went on when this was written, or was cut short{_few(run)}.")
    elif run.machine.cut_short:
        yield Caveat("Cut short", f"{label} ended before all was measured that it had planned{_few(run)}.")
    if lost := [f"{one.case.id}, {each}" for one in run.records for each in one.lost]:
        more = [f"and {len(lost) - SHOWN} more"] if len(lost) > SHOWN else []
        text = f"in {label} {counted(len(lost), 'worker')} ended before the case was measured."
        yield Caveat("Lost", text, [*lost[:SHOWN], *more])
    if (slow := slowed(run.machine.environment)) is not None:
        yield Caveat("Warning", f"{label}: {slow}. Its timings suffered.")
    if others := run.machine.other_runs:
        beside = "another run" if len(others) == 1 else f"{len(others)} other runs"
        pids = ", ".join(map(str, others))
        text = f"{beside} of fitbench went on at the same time as {label} (pid {pids}). Its timings suffered."
        yield Caveat("Warning", text)


def _few(run: Run) -> str:
    """In how many processes the cases of a run were measured that were to be measured in more."""
    cut = [one for one in run.records if one.sampling is not None and one.sampling.stopped == "interrupted"]
    counts = {len(one.processes or ()) for one in cut}
    asked = {one.sampling.asked for one in cut if one.sampling is not None and one.sampling.asked is not None}
    return f"; cases have {span(counts)} of {span(asked)} processes" if counts and asked else ""
