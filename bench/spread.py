"""How far do the ratios between backends differ from run to run? From the records of separate runs.

python -m bench.spread RUN RUN [RUN ...]

Each RUN is the JSON of a `pytest bench`, or the folder of several that are one run together: one a backend, say.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from bench.case import Case
from bench.errors import InputError, Parser
from bench.estimate import kept, log_ratios, process_medians
from bench.frames import BASELINE
from bench.record import MEASURED, Record, load
from bench.verdict import by_case

Places = Mapping[Case, tuple[Path, Record]]


def main(argv: Sequence[str] | None = None) -> int:
    asked = _parser().parse_args(argv)
    try:
        for path in asked.runs:
            if sum(path.resolve() == other.resolve() for other in asked.runs) > 1:
                raise InputError(f"{path}: given twice; expected separate runs")
        print(text([log_ratios_of(path) for path in asked.runs]))
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def text(runs: Sequence[Mapping[Case, float]]) -> str:
    """Of the ratios that every run has: their spread over the runs, in the middle and at worst.

    Raises InputError for fewer than two runs, and for runs that share no ratio.
    """
    if len(runs) < 2:
        raise InputError(f"{len(runs)} run: of one there is no spread; expected two or more")
    shared = [case for case in runs[0] if all(case in run for run in runs)]
    if not shared:
        raise InputError(f"no case was measured in all runs together with {BASELINE}, to which it is compared")
    logs = np.array([[run[case] for run in runs] for case in shared])
    deviations, ranges = 100 * logs.std(axis=1, ddof=1), 100 * np.expm1(np.ptp(logs, axis=1))
    lines = [
        f"ratios to {BASELINE} of {len(shared)} cases in {len(runs)} runs, in %:",
        f"standard deviation: median {np.median(deviations):.1f}, largest {deviations.max():.1f}",
        f"largest over smallest: median {np.median(ranges):.1f}, largest {ranges.max():.1f}",
    ]
    lines += [
        f"  {backend}: standard deviation {np.median(deviations[[case.backend == backend for case in shared]]):.1f}"
        for backend in dict.fromkeys(case.backend for case in shared)
    ]
    return "\n".join(lines)


def log_ratios_of(path: Path) -> dict[Case, float]:
    """The log ratio of each case of a run to the baseline of its group.

    Paired by turn where both are in one file, as the report has it; else of the medians. Raises InputError.
    """
    places = _places(path)
    found = {}
    for case, (file, record) in places.items():
        base = next((one for one in places if one.group == case.group and one.backend == BASELINE), None)
        if base is not None and base != case:
            found[case] = _log_ratio(places[base], (file, record))
    return found


def _log_ratio(base: tuple[Path, Record], other: tuple[Path, Record]) -> float:
    (first, a), (second, b) = base, other
    if first == second:
        return float(np.median(process_medians(*log_ratios(kept(a), kept(b)))))
    old, new = (float(np.median(process_medians(one["seconds"], one["process"]))) for one in (kept(a), kept(b)))
    return float(np.log(new / old))


def _places(path: Path) -> Places:
    """The measured cases, and the file that each is in."""
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    if not files:
        raise InputError(f"{path}: a folder without a JSON; expected that of a run")
    places: dict[Case, tuple[Path, Record]] = {}
    for file in files:
        for case, one in by_case(load(file)).items():
            if one.outcome == MEASURED and places.setdefault(case, (file, one))[1] is not one:
                raise InputError(f"{path}: {case.id}: the run holds this case twice")
    return places


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m bench.spread", description="Spread of the backends' ratios over separate runs.")
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="a run's JSON, or the folder of its JSONs")
    return parser


if __name__ == "__main__":
    sys.exit(main())
