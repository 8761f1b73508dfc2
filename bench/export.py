"""A run for other tools: `python -m bench.export FORMAT [JSON] [--output DIR]`.

github: the JSON of github-action-benchmark, and bencher: Bencher Metric Format, both on stdout. asv: files of a results
folder of airspeed velocity, which is the --output. Cases without timing are left out, and told on stderr.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from bench.support import exits

if __name__ == "__main__":
    exits.guard()  # also while the rest is imported

from bench.measuring.unfinished import runs_in
from bench.records.reading import REPORTS, newest
from bench.records.record import Run
from bench.reporting import asv_results
from bench.reporting.exports import DOCUMENTS, untimed
from bench.support.errors import InputError, Parser
from bench.support.files import write_atomically
from bench.support.terminal import say

ASV = "asv"


def main(argv: Sequence[str] | None = None) -> int:
    """Export a run from a command line; returns the exit code, 2 for bad input."""
    asked = _parser().parse_intermixed_args(argv)  # options may stand between FORMAT and JSON
    try:
        folder = _folder(asked.format, asked.output)
        run = _one(asked.json or newest(REPORTS))
        if folder is None:
            print(DOCUMENTS[asked.format](run))
        else:
            _write(run, folder)
    except InputError as error:
        say(f"error: {error}")
        return 2
    _tell(run, asked.format)
    return 0


def _folder(name: str, output: str | None) -> Path | None:
    """Where to write; None for stdout. Raises InputError for a folder that is missing, or given to no purpose."""
    if name == ASV and not output:
        raise InputError("--output: missing; expected the results folder of asv (`results_dir` of its asv.conf.json)")
    if name != ASV and output is not None:
        raise InputError(f"--output {output}: {name} is one JSON, on stdout; allowed: with {ASV}")
    return Path(output) if output else None


def _one(path: Path) -> Run:
    """The run of a file. Raises InputError for a journal that holds two."""
    first, *others = runs_in(path)
    if others:
        raise InputError(f"{path}: holds both sides of a comparison; expected a file of one run, as a.json")
    return first


def _write(run: Run, folder: Path) -> None:
    """Write all files, each in one step, and say which. Raises InputError where that cannot be done."""
    try:
        files = asv_results.files(run, folder)
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, text)
    except OSError as error:
        raise InputError(f"--output {folder}: cannot be written ({error.strerror}); expected a folder") from None
    print(*files, sep="\n")


def _tell(run: Run, name: str) -> None:
    """On stderr, what a reader of the export would not know."""
    for line in untimed(run):
        say(f"{'no figure' if name == ASV else 'left out'}: {line}")
    if run.machine.cut_short:
        say(f"warning: {run.path}: it was cut short")
    if run.machine.git_dirty:
        say(f"warning: {run.path}: it was made with uncommitted changes, which its commit does not have")


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m bench.export", description="A run, for tools that track benchmarks over commits.")
    known = [*DOCUMENTS, ASV]
    parser.add_argument("format", choices=known, metavar="FORMAT", help=f"of which tool: {', '.join(known)}")
    run = f"the run, or the journal of one that goes on; default: the newest in {REPORTS}/"
    parser.add_argument("json", nargs="?", type=Path, metavar="JSON", help=run)
    parser.add_argument("--output", metavar="DIR", help=f"the results folder of {ASV}; the others go to stdout")
    return parser


if __name__ == "__main__":
    exits.run(main)
