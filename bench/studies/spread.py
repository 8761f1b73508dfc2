"""How far the ratios between backends differ from run to run, from the records of separate runs."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.cases.case import Case
from bench.records.reading import load
from bench.records.record import Record
from bench.statistics.intervals import log_ratios, median
from bench.statistics.roofline import YARDSTICK_VARIANT
from bench.support.errors import InputError

Places = Mapping[Case, tuple[Path, Record]]


def text(runs: Sequence[Mapping[Case, float]], baseline: str) -> str:
    """Of the ratios that every run has: their spread over the runs, in the middle and at worst.

    Raises InputError for fewer than two runs, and for runs that share no ratio.
    """
    if len(runs) < 2:
        raise InputError(f"{len(runs)} run: of one there is no spread; expected two or more")
    shared = [case for case in runs[0] if all(case in run for run in runs)]
    if not shared:
        raise InputError(f"no case was measured in all runs together with the baseline, {baseline!r}")
    logs = np.array([[run[case] for run in runs] for case in shared])
    deviations, ranges = 100 * logs.std(axis=1, ddof=1), 100 * np.expm1(np.ptp(logs, axis=1))
    lines = [
        f"ratios to {baseline} of {len(shared)} cases in {len(runs)} runs, in %:",
        f"standard deviation: median {np.median(deviations):.1f}, largest {deviations.max():.1f}",
        f"largest over smallest: median {np.median(ranges):.1f}, largest {ranges.max():.1f}",
    ]
    lines += [
        f"  {backend}: standard deviation {np.median(deviations[[case.backend == backend for case in shared]]):.1f}"
        for backend in dict.fromkeys(case.backend for case in shared)
    ]
    return "\n".join(lines)


def log_ratios_of(path: Path, baseline: str) -> dict[Case, float]:
    """The log ratio of each case of a run to the baseline of its group, or else to that of `tuned`.

    Paired by turn where both are of one group and in one file, as read; else of the medians. Raises InputError.
    """
    places = _places(path)
    if baseline not in (known := dict.fromkeys(case.backend for case in places)):
        allowed = ", ".join(known) or "none, for nothing was timed there"
        raise InputError(f"--baseline {baseline!r}: not measured in {path}; allowed: {allowed}")
    bases = {case.group: case for case in places if case.backend == baseline}
    found = {}
    for case, (file, record) in places.items():
        base = bases.get(case.group) or bases.get(replace(case, variant=YARDSTICK_VARIANT).group)
        if base is not None and base != case:
            found[case] = _log_ratio(places[base], (file, record))
    return found


def _log_ratio(base: tuple[Path, Record], other: tuple[Path, Record]) -> float:
    (first, a), (second, b) = base, other
    if (first, a.case.group) == (second, b.case.group):
        return median(*log_ratios(a.kept, b.kept))
    old, new = (median(one.kept["seconds"], one.kept["process"]) for one in (a, b))
    return float(np.log(new / old))


def _places(path: Path) -> Places:
    """The measured cases, and the file that each is in."""
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    if not files:
        raise InputError(f"{path}: a folder without a JSON; expected that of a run")
    places: dict[Case, tuple[Path, Record]] = {}
    for file in files:
        for case, one in load(file).measured.items():
            if places.setdefault(case, (file, one))[1] is not one:
                raise InputError(f"{path}: {case.id}: the run holds this case twice")
    return places
