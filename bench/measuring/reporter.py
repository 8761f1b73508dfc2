"""The report of a run, made in a process of its own: while the run goes on, and once it is whole."""

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from bench.measuring.scheduler import Cores, Job, nothing
from bench.sides.code import ROOT
from bench.support.errors import last_line
from bench.support.system import pin

END_SECONDS = 5.0  # that a report has to remove its drafts once it is asked to end


class Reporter:
    """Writes the report of a file, a JSON or a journal, into a folder, anew as often as it is asked.

    Each report takes the place of the one before when it is whole, and not sooner. warn: is called with a line where
    one could not be made.
    """

    def __init__(self, output: Path, warn: Callable[[str], None]) -> None:
        self.output, self.warn = output, warn
        self._killed = False
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()

    def job(self, source: Path, before: Callable[[], None] = nothing) -> Job:
        """To report what there is of a run that goes on, after something else; it has a core, and is never in the way
        of what is timed.
        """

        def work(cores: Cores, beside: int) -> None:
            before()
            if (fault := self.make(source, cores)) is not None:
                self.warn(f"no report so far: {fault}")

        return Job("report", work, abandon=self.kill)

    def make(self, source: Path, cores: Cores = None) -> str | None:
        """Write the report, and wait for it. What went wrong in one line, or None."""
        with self._lock:
            if self._killed:
                return None
            self._process = process = subprocess.Popen(
                [sys.executable, "-m", "bench.report", str(source.absolute()), "--output", str(self.output.absolute())],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                cwd=ROOT,
                start_new_session=True,  # Ctrl-C is for us
            )
        if cores is not None:
            pin(process.pid, cores)
        try:
            _, said = process.communicate()
        except BaseException:
            _end(process)
            raise
        if process.returncode == 0 or self._killed:
            return None
        return last_line(said).removeprefix("error: ") or f"exit code {process.returncode}"

    def kill(self) -> None:
        """End what goes on, and begin no more while the run is ended: the report before it stands."""
        with self._lock:
            self._killed = True
            if self._process is not None:
                _end(self._process)


def _end(process: subprocess.Popen[str]) -> None:
    """Ask it to end, which leaves no draft and no temporary folder; and kill it if it does not."""
    process.terminate()
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
