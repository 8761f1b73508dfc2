"""The process in which one backend runs: `python -m bench.worker` answers the requests of bench.workers.protocol.

Its path is fixed: workers of every revision are started so.
"""

import time

BEGUN = time.perf_counter()

import numpy  # noqa: F401  (first, to know what it costs: every framework needs it, and backend `numpy` is little else)

NUMPY_SECONDS = time.perf_counter() - BEGUN

from bench.workers.serving import serve

if __name__ == "__main__":
    serve(NUMPY_SECONDS)
