"""What the page of a report knows, as plain values for JSON: columns, in SI units, to six significant digits."""

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from bench.records.record import MEASURED, Record, Run
from bench.reporting import machine, pairs
from bench.reporting.canvas import styles
from bench.reporting.caveats import caveats
from bench.reporting.frames import GROUP, KEYS, present
from bench.reporting.ratios import ratio
from bench.reporting.setups import readable, setups
from bench.statistics.cold_start import ASKED, PARTS, Start, asked
from bench.statistics.cost import Cost
from bench.statistics.restlessness import restlessness
from bench.support.errors import printable

DIGITS = 6
COLUMNS = [
    *["outcome", "reason", "steps", "seconds", "low_seconds", "high_seconds"],
    *["raw_seconds", "raw_low_seconds", "raw_high_seconds", "unstable", "processes"],
    *["kind", "digits", "worst_error", "worst_name", "worst_step", "bound_fraction"],
    *["roofline_seconds", "peak_memory_bytes", "threads", "device_name"],
]
MOST_ROUNDS, LEAST_ROUNDS = 60_000, 6  # of all cases, and of one in a process, that the page holds
MOST_TURNS = 20_000
MOST_PAID = 500  # cases of which the page has the intervals of break-evens, which take a millisecond for every two
PLACES = 48  # sizes at which what a whole fit costs is told, from the least to the most that are predicted


def payload(runs: Mapping[str, Run], frame: pd.DataFrame) -> dict[str, Any]:
    """All of it. frame: that of `frames.cases`."""
    return {
        "axes": KEYS,
        "baseline": frame["baseline"].iloc[0],
        "order": {name: present(frame, name) for name in ("run", "variant", "backend")},
        "colours": {name: look["color"] for name, look in styles(frame).items()},
        "runs": [_run(label, run, frame) for label, run in runs.items()],
        "cases": _cases(frame),
        "ratios": _ratios(frame),
        "rounds": _rounds(frame),
        "turns": _turns(frame),
        "paid": _paid(frame),
        "costs": list(_costs(frame)),
    }


def plain(value: Any) -> Any:
    """A value as JSON has it: None where nothing is known, numbers to DIGITS."""
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(each) for each in value]
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return float(f"{value:.{DIGITS - 1}e}") if math.isfinite(value) else None
    return str(value)


def _run(label: str, run: Run, frame: pd.DataFrame) -> dict[str, Any]:
    (setup,) = readable(setups({label: run})).to_dict("records")
    timed = frame[(frame["run"] == label) & (frame["outcome"] == MEASURED)]
    return {
        "label": printable(label),
        "date": run.datetime,
        "command": run.machine.command,
        "setup": {name: told for name, value in setup.items() if (told := plain(value)) is not None},
        "packages": dict(run.machine.packages),
        "machine": restlessness(timed["model"].iloc[0]) if len(timed) else None,
        "net": bool(len(timed) and timed["model"].iloc[0].factors),
        "caveats": [f"{one.kind}: {'; '.join([one.text, *one.items])}" for one in caveats(printable(label), run)],
    }


def _cases(frame: pd.DataFrame) -> dict[str, list[Any]]:
    """A value a case, by column."""
    columns = {name: plain(list(frame[name])) for name in [*KEYS, *COLUMNS] if name in frame}
    columns["paces"] = [plain(each) if isinstance(each, np.ndarray) else None for each in frame["paces"]]
    return columns | _starts(frame)


def _starts(frame: pd.DataFrame) -> dict[str, list[Any]]:
    """Seconds before the second iteration: in a fresh process with empty caches, with warm ones, and in one that made
    such fits before; each total with its range, where there are several, and its parts. A backend without a cache is
    the same in both.
    """
    found = [asked(each if isinstance(each, list) else []) for each in frame["starts"]]
    return {name: [_start(each[name]) for each in found] for name in ASKED}


def _start(one: Start | None) -> dict[str, Any] | None:
    if one is None:
        return None
    parts = {PARTS[name]: plain(value) for name, value in one.parts.items() if not math.isnan(value)}
    ends = [one.low, one.high] if one.processes > 1 else [None, None]
    return {"seconds": plain([one.total, *ends]), "processes": one.processes, "parts": parts}


def _ratios(frame: pd.DataFrame) -> list[list[Any]]:
    """Of every two measured cases of a group, by their places: the seconds of the second over those of the first, with
    the ends of the 95 % interval.
    """
    rows = []
    for _, group in frame[frame["outcome"] == MEASURED].groupby(GROUP, sort=False, observed=True):
        for a, b in itertools.combinations(group["row"], 2):
            found, _ = ratio(a._asdict(), b._asdict())
            rows.append([a.Index, b.Index, *plain([found.value, found.low, found.high])])
    return rows


def _paid(frame: pd.DataFrame) -> list[list[Any]]:
    """By the places of two cases, and the state of the caches: whether the first has cost less in all *until* so many
    iterations, or from there on; their number with the ends of its 95 % interval, -1 where it is infinite.
    """
    if (frame["outcome"] == MEASURED).sum() > MOST_PAID:
        return []
    places = {tuple(key): place for place, key in enumerate(frame[KEYS].itertuples(index=False))}
    rows = []
    for row in pairs.break_evens(frame).itertuples():
        key = {name: getattr(row, name) for name in KEYS}
        a, b = (places[tuple({**key, "backend": name}.values())] for name in (row.backend, row.other))
        ends = [-1 if math.isinf(each) else plain(each) for each in (row.iterations, row.low, row.high)]
        rows.append([a, b, row.state, row.cheaper == pairs.BEFORE, *ends])
    return rows


def _rounds(frame: pd.DataFrame) -> list[Any]:
    """By case: process, time in seconds since 1970, seconds as read and whether it was warm-up, of its rounds; of many
    some, evenly chosen.
    """
    measured = int((frame["outcome"] == MEASURED).sum())
    most = max(MOST_ROUNDS // max(measured, 1), LEAST_ROUNDS)
    return [_some(record, most) if record.outcome == MEASURED else None for record in frame["record"]]


def _some(record: Record, most: int) -> dict[str, Any]:
    rounds = record.rounds
    assert rounds is not None
    count = len(rounds.seconds)
    taken = np.unique(np.linspace(0, count - 1, min(most, count)).round().astype(int)).tolist()
    return {
        "of": count,
        "process": [rounds.process[i] for i in taken],
        "time": [None if (time := rounds.time[i]) is None else round(time, 2) for i in taken],
        "seconds": [plain(rounds.seconds[i]) for i in taken],
        "warm_up": [int(rounds.warm_up[i]) for i in taken],
    }


def _turns(frame: pd.DataFrame) -> dict[str, Any]:
    """The state of the machine, in the order of time: how much slower than in its quiet state, as a fraction of 1."""
    found = machine.turns(frame)
    if len(found) > MOST_TURNS:
        found = found.iloc[np.linspace(0, len(found) - 1, MOST_TURNS).round().astype(int)]
    columns: dict[str, Any] = {name: plain(list(found[name])) for name in ("run", "process", "core", "memory")}
    return columns | {"time": [None if math.isnan(t) else round(t, 2) for t in found["time"].astype(float)]}


def _costs(frame: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Of each case that was timed at three sizes or more, at some sizes, what `Cost.predict` puts together."""
    names = [name for name in KEYS if name != "points"]
    for row in frame[frame["cost"].notna()].drop_duplicates(names).itertuples():
        yield {**{name: str(getattr(row, name)) for name in names}, **_cost(row.cost)}


def _cost(cost: Cost) -> dict[str, Any]:
    points = np.geomspace(cost.growth.lowest, cost.growth.highest, PLACES)
    return {
        "measured": plain(cost.growth.sizes),
        "points": plain(points),
        "pace": plain(cost.growth.seconds(points)),
        "pace_off": plain(cost.growth.log_error(points)),
        "usual": plain(cost.usual.factor),
        "usual_off": plain(cost.usual.spread),
        "process_off": plain(cost.spread),
        "reach": plain(cost.reach),
        "states": {name: _before(cost, state, points) for name, (state, _) in ASKED.items() if state in cost.befores},
    }


def _before(cost: Cost, state: str, points: Any) -> dict[str, Any]:
    """start: what the process pays once, start_off: its standard deviation; before: what the case pays at each size."""
    start, before = cost.starts.get(state), cost.befores[state]
    return {
        "start": plain(start.total if start else 0.0),
        "start_off": plain(math.hypot(*start.errors(cost.usual.start_spread)) if start else 0.0),
        "before": plain(before.seconds(points)),
        "before_off": plain(before.off),
    }
