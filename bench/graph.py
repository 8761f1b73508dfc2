"""The graph of one step, as the framework itself builds it: autograd's, the FX graph, the jaxpr and the HLO, the tape.

python -m bench.graph --variant autograd --backend torch                                # as text
python -m bench.graph --variant autograd --backend torch,jax --output autograd.svg      # or .png, .html, .dot
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.support import exits

if __name__ == "__main__":
    exits.guard()  # also while the rest is imported

from bench.cases.options import add_options
from bench.measuring.runner import Runner
from bench.reporting import graphs
from bench.studies.asking import runnable, runner_of
from bench.studies.graphing import drawings
from bench.support.errors import InputError, Parser
from bench.support.files import try_to_write, write_atomically
from bench.support.terminal import Progress
from bench.workers.process import WorkerError

OPTIONS = ("variant", "backend", "device", "dtype", "points", "seed", "case_timeout")
DEFAULTS = {"device": "cpu", "dtype": "float32"}
SINGLE = ("variant", "device", "dtype", "points")  # axes of which one is drawn at a time


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0, 1 if a case cannot run here or fails, 2 for bad input."""
    try:
        words = _parser().parse_args(argv)
        output = None if words.output is None else _output(words.output)
        runner = runner_of(words, DEFAULTS, SINGLE)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return _graph(runner, output)


def _output(word: str) -> Path:
    """The file, which can be written, in a format that can. Raises InputError."""
    path = Path(word)
    graphs.check(path)
    try:
        try_to_write(path)
    except OSError as error:
        raise InputError(f"--output {word!r}: cannot be written ({error.strerror}); expected a file") from None
    return path


def _graph(runner: Runner, output: Path | None) -> int:
    cases = runnable(runner)
    if not cases:
        return 1
    progress = Progress()
    try:
        found = drawings(cases, runner.choice, progress.tell)
    except WorkerError as error:
        print(f"failed: {error}", file=sys.stderr)
        return 1
    finally:
        progress.clear()
    if output is None:
        print(graphs.text(found))
        return 0
    write_atomically(output, graphs.written(found, output))
    print(f"Wrote {output}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m bench.graph", description="The graph of one step, as the framework builds it.")
    about = f"file to draw to, whose ending says how: {', '.join('.' + each for each in graphs.FORMATS)}; default: text"
    parser.add_argument("--output", metavar="FILE", help=about)
    add_options(parser.add_argument, OPTIONS, DEFAULTS)
    return parser


if __name__ == "__main__":
    exits.run(main)
