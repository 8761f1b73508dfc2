"""The one runner: problem -> case -> worker -> record -> report; and `load`, which reads what it left.

Nothing is imported with it: the processes that are measured import it, too.
"""

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["load"]

Location = str | os.PathLike[str]


def load(paths: Location | Iterable[Location]) -> "pd.DataFrame":
    """Read one run or several as a pandas frame, a row a case, whatever became of it.

    paths: of the JSON of a run, or of the journal (`FILE.json.journal`) of one that goes on or was cut short; that of
    an A/B run holds both sides. Column `run` tells runs apart, by as much of their paths as that takes.

    The columns `run`, `device`, `points`, `dtype`, `variant` and `backend` name a case, `outcome` and `reason` say what
    became of it, and `seconds`, `low_seconds` and `high_seconds` are its time per iteration and the 95 % interval, net
    of the machine: missing where it was not timed. Those and all others are described in docs/records.md; they are in
    SI units, and what a run does not tell is missing. Speedups are relative to `numpy` on the cpu.

    Raises bench.support.errors.InputError, a ValueError whose message is one line, for a file that is missing or
    damaged, is of another project or of a newer fitbench, or is given twice, and where there is none.
    """
    from pathlib import Path

    from bench.measuring.unfinished import runs_in
    from bench.reporting import frames
    from bench.support.errors import InputError

    given = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    if not given:
        raise InputError("no file; expected the JSON of at least one run")
    frame = frames.cases(frames.labelled(run for path in given for run in runs_in(Path(path))))
    return frame[[name for name in frames.EVERY if name in frame]]
