"""The data of a report: its tables, each of which says what a row is and what its columns mean."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from bench.records.record import MEASURED, Run
from bench.reporting import cost_map, frames, growth, machine, pairs, threads
from bench.reporting.columns import Columns
from bench.reporting.setups import SETUP, setups

CASE = [*frames.KEYS, "outcome", "reason"]  # what names a case, and what became of it


@dataclass(frozen=True)
class Data:
    """A table.

    rows: what a row is; keys: the columns that it begins with, which name what it is of; columns: the others, of which
    there are those that the runs have; make: the table, of the runs by label and of the one frame of their cases.
    """

    name: str
    rows: str
    keys: Sequence[str]
    columns: Columns
    make: Callable[[Mapping[str, Run], pd.DataFrame], pd.DataFrame]


def _of_cases(name: str) -> Data:
    """A table that is a part of the one frame."""
    columns = frames.COLUMNS[name]
    names = [*CASE, *columns]
    return Data(name, "A row a case.", CASE, columns, lambda _, frame: frame[[one for one in names if one in frame]])


SEVERAL_SIZES = "It is written where a case was timed at several sizes."
TABLES = (
    Data(
        "machines",
        "A row a run. After these columns, one for each package, with its version.",
        ["run"],
        {name: about.meaning for name, about in SETUP.items()},
        lambda runs, _: setups(runs).reset_index(),
    ),
    *(_of_cases(name) for name in frames.COLUMNS),
    Data(
        "rounds",
        "A row a round, those of the warm-up too, as read.",
        frames.KEYS,
        frames.OF_ROUNDS,
        lambda _, frame: frames.rounds(frame),
    ),
    Data(
        "machine",
        "A row a turn of a group in a process: the state that the machine was in.",
        frames.GROUP,
        machine.TURNS,
        lambda _, frame: machine.turns(frame),
    ),
    Data(
        "cold-start",
        "A row a case and state of its start.",
        CASE,
        frames.STARTS,
        lambda _, frame: frames.starts(frame),
    ),
    Data(
        "ratios",
        "A row for every two timed cases of a group.",
        frames.KEYS,
        pairs.RATIOS,
        lambda _, frame: pairs.ratios(frame),
    ),
    Data(
        "break-even",
        "A row for every two timed cases of a group, and each state of the caches.",
        frames.KEYS,
        pairs.BREAK_EVEN,
        lambda _, frame: pairs.break_evens(frame),
    ),
    Data(
        "growth",
        "A row a case, whatever its size, and level of cache, of those that were timed at three sizes or more."
        f" {SEVERAL_SIZES}",
        growth.SIZELESS,
        growth.GROWTH,
        lambda _, frame: growth.grown(frame),
    ),
    Data(
        "crossovers",
        "A row for every size from which on another backend is faster, as far as the two are told apart on both sides."
        f" {SEVERAL_SIZES}",
        growth.SIZELESS,
        growth.CROSSOVER,
        lambda _, frame: growth.crossovers(frame),
    ),
    Data(
        "map",
        "A row for every size, number of steps and state of the caches: which backend of a variant costs the least in"
        " all, a fit in a process of its own, as predicted from the starts and the iterations of the run."
        f" {SEVERAL_SIZES}",
        cost_map.SIZELESS,
        cost_map.MAP,
        lambda _, frame: cost_map.costs_over(frame),
    ),
    Data(
        "threads",
        "A row a case and run, of the cases that were timed with several numbers of threads in runs that differ in"
        " nothing else. It is written where there are such.",
        frames.KEYS,
        threads.COLUMNS,
        lambda _, frame: threads.threads(frame),
    ),
    Data("losses", "A row a checkpoint.", frames.KEYS, frames.LOSSES, lambda _, frame: frames.losses(frame)),
    Data(
        "not-measured",
        "A row a case that was not timed.",
        CASE,
        {},
        lambda _, frame: not_measured(frame),
    ),
)


def not_measured(frame: pd.DataFrame) -> pd.DataFrame:
    """The cases that were not timed, with the reason."""
    return frame.loc[frame["outcome"] != MEASURED, CASE]
