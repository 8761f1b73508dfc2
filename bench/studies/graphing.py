"""The graphs that the frameworks build of a step of some cases, each in a worker of its own."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from bench.cases.case import Case
from bench.cases.choice import Choice
from bench.reporting.graphs import Drawing
from bench.sides.side import here
from bench.studies.explaining import process_of
from bench.support.system import allowed_cores
from bench.workers.caches import Caches
from bench.workers.protocol import Build, Start, Trace

STEPS = 2  # of the fit that is built, of which two are made at the most


def drawings(cases: Sequence[Case], choice: Choice, tell: Callable[[str], None]) -> list[Drawing]:
    """Those of each case, in order. Raises WorkerError."""
    caches, side = Caches(), here()

    def drawing(case: Case) -> Drawing:
        with closing(process_of(case, choice, caches, side)) as process:
            process.ask(Start(case.backend, case.device, choice.threads, None), choice.case_timeout)
            process.ask(Build(case, choice.seed, STEPS), choice.case_timeout)
            found = Drawing(case, process.ask(Trace(), choice.case_timeout).graphs)
        tell(f"traced {case.id}")
        return found

    try:
        with ThreadPoolExecutor(len(allowed_cores())) as pool:
            return list(pool.map(drawing, cases))
    finally:
        caches.close()
