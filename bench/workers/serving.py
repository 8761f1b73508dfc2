"""The child's side: one backend runs in this process, which imports that framework and no other, and times inside."""

import gc
import importlib
import json
import math
import os
import statistics
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

import impls
from bench.backends import backends
from bench.backends.base import Backend
from bench.support.imports import packages
from bench.truth.probes import starts
from bench.truth.problem import Problem, digest
from bench.workers import lifeline
from bench.workers.controls import Controls
from bench.workers.fit import Fit
from bench.workers.memory import forget_peak_memory, give_back, page_faults, peak_memory, resident_memory
from bench.workers.protocol import (
    PROTOCOL,
    Build,
    Built,
    Control,
    Controlled,
    Converge,
    Converged,
    Explain,
    Explained,
    Finish,
    Finished,
    Leave,
    Left,
    Round,
    Start,
    Started,
    Stretch,
    Trace,
    Traced,
    request_of,
)

SLOWDOWN = "FITBENCH_SLOWDOWN"  # "0.1" or "jax:0.1": plant a busy wait of that fraction of every round
STEADY_CALLS, STEADY_SECONDS = 5, 0.1  # at most, of each
ROOT = Path(impls.__path__[0]).parent


def timed(action: Callable[..., object], *arguments: Any) -> float:
    """The seconds that it takes."""
    begun = time.perf_counter()
    action(*arguments)
    return time.perf_counter() - begun


def planted_slowdown(backend: str, environ: Mapping[str, str] = os.environ) -> float:
    """The fraction of a round that is waited after it, by the environment: to test what finds a slower backend.

    Raises ValueError for a word that is none.
    """
    name, _, word = environ.get(SLOWDOWN, "0").rpartition(":")
    if not 0 <= (fraction := float(word)) < math.inf:
        raise ValueError(f"{SLOWDOWN} {word}: out of range")
    return fraction if name in ("", backend) else 0.0


class Worker:
    """Answers the requests of bench.workers.protocol: each public method one kind."""

    backend: Backend
    fit: Fit | None = None
    controls: Controls | None = None
    resident = peak = 0  # bytes: before the data of the case were made, and at most until the probes

    def __init__(self, numpy_seconds: float) -> None:
        self.numpy_seconds = numpy_seconds
        self.imported: dict[str, float] = {}  # seconds, by package

    def start(self, asked: Start) -> Started:
        _pin(asked.cores)
        self.backend = backends()[asked.backend]
        self.slowdown = planted_slowdown(asked.backend)
        begun = time.perf_counter()
        self.backend.start(asked.threads)
        imported = time.perf_counter()
        if asked.device is not None:
            self.backend.warm_up(asked.device)
        return Started(
            import_seconds=self.numpy_seconds + imported - begun,
            startup_seconds=time.perf_counter() - imported,
            devices=self.backend.devices(),
            protocol=PROTOCOL,
        )

    def control(self, asked: Control) -> Controlled:
        """What some controls take, on the core where the others are timed."""
        _pin(asked.cores)
        if self.controls is None:
            self.controls = Controls()
        return Controlled([round(self.controls.seconds(name), 9) for name in asked.names])

    def build(self, asked: Build) -> Built:
        """The data on the device and the implementation's features of them; to make and to hash them is our own work.

        So are the packages that the implementation imports no part of the build: they are the process's.
        """
        case = asked.case
        module = f"impls.{case.variant}.{self.backend.fit}"
        import_seconds = self._import(packages(ROOT, module))
        problem = Problem.of(case, asked.seed, asked.steps)
        self._let_go()  # of a case that failed, and so was never finished
        self.resident = resident_memory()
        data = list(problem.data())
        hashed = digest(*data)
        forget_peak_memory()
        self.breaks = self.backend.graph_breaks()
        begun = time.perf_counter()
        self.fit = Fit(self.backend, importlib.import_module(module), case.device, problem, data)
        return Built(
            build_seconds=time.perf_counter() - begun,
            digest=hashed,
            device_name=self.backend.devices()[case.device],
            import_seconds=import_seconds,
            compiler_options={name: str(value) for name, value in self.fit.compiler_options.items()},
            **self.backend.facts(),
        )

    def _import(self, needed: Sequence[str]) -> float:
        """Import the packages. Returns the seconds that each took when it was first asked for in this process."""
        for package in needed:
            if package not in self.imported:
                self.imported[package] = timed(importlib.import_module, package)
        return sum(self.imported[package] for package in needed)

    def converge(self, _: Converge) -> Converged:
        """The first call, then a whole fit with its checkpoints, and what tells whether it did what it is said to."""
        fit = self._fit()
        compilations, cache_hits = self.backend.compilations(), self.backend.cache_hits()
        seen = [fit.dtypes()]
        begun = time.perf_counter()
        fit.advance(1)
        first_call = time.perf_counter() - begun
        compilations = _since(compilations, self.backend.compilations())
        cache_hits = _since(cache_hits, self.backend.cache_hits())
        seen.append(fit.dtypes())
        checkpoints = list(fit.checkpoints())
        interpreted = fit.step_on()
        seen.append(fit.dtypes())
        self.peak = peak_memory()
        probes = [fit.probe(start) for start in starts(fit.problem)]
        if fit.reads:
            fit.read(1)  # which compiles it
        fit.begin()
        last = checkpoints[-1]
        finite = bool(np.isfinite(last.after).all())
        # What compiling and importing left behind is not this fit's garbage: the collector need not walk it again.
        gc.collect()
        gc.freeze()
        forget_peak_memory()  # that of the probes is no fit's
        return Converged(
            first_call_seconds=first_call,
            cache_hits=cache_hits,
            checkpoints=checkpoints,
            not_finite_at=None if finite else fit.first_not_finite(last.step),
            compilations=compilations,
            interpreted=interpreted,
            dtypes={name: sorted({dtype for each in seen for dtype in each[name]}) for name in seen[0]},
            probes=probes,
        )

    def round(self, asked: Round) -> Stretch:
        """The fit's next steps, timed: at most as many as it has left. Seconds are per iteration.

        A fit that has been left, or has come to its end, begins anew.
        """
        fit = self._fit()
        if fit.done in (0, fit.problem.steps):
            fit.begin()
            gc.collect()
        steps = min(asked.steps, fit.problem.steps - fit.done)
        fit.slowdown = self.slowdown
        if asked.disable_gc:
            gc.disable()
        with fit.counting_recompiles():
            faults, cpu, begun = page_faults(), time.process_time(), time.perf_counter()
            fit.advance(steps)
            ended, cpu_ended, faults_ended = time.perf_counter(), time.process_time(), page_faults()
        gc.enable()
        fit.slowdown = 0.0
        return Stretch(
            time=time.time(),
            steps=steps,
            seconds=(ended - begun) / steps,
            cpu_seconds=(cpu_ended - cpu) / steps,
            done=fit.done,
            page_faults=None if faults is None or faults_ended is None else (faults_ended - faults) / steps,
            read_seconds=timed(fit.read, steps) / steps if fit.reads else None,
        )

    def leave(self, _: Leave) -> Left:
        """Where the timed fit stands at its next checkpoint, to be checked, and one step further. It begins anew then.

        The steps until that checkpoint are not timed, nor is the one further.
        """
        fit = self._fit()
        step = next(step for step in fit.problem.checkpoints() if step >= fit.done)
        if step > fit.done:
            fit.advance(step - fit.done)
        state, (loss,) = fit.snapshot(), self.backend.floats([fit.loss])
        interpreted = fit.step_on()
        further, dtypes = fit.snapshot(), fit.dtypes()
        fit.begin()
        return Left(step, state, loss, further, interpreted, dtypes)

    def finish(self, _: Finish) -> Finished:
        """Let go of the case, and tell what it took; and what its start and one call take now that all is compiled."""
        fit = self._fit()
        compiles = self.backend.compilations() is not None
        peak = max(self.peak, peak_memory())
        finished = Finished(
            peak_memory_bytes=peak,
            data_peak_bytes=max(peak - self.resident, 0),
            recompiles=fit.recompiles if compiles else None,
            graph_breaks=_since(self.breaks, self.backend.graph_breaks()),
            steady_build_seconds=_steady(fit.begin),
            steady_call_seconds=_steady(fit.advance, 1),
            code=self._code(),
        )
        del fit
        self._let_go()
        return finished

    def _let_go(self) -> None:
        """Of the case's data, so that the next case, or another worker, can have their memory.

        A framework may hold them in circles, which were frozen when the case had converged.
        """
        if self.fit is not None:
            self.fit = None
            gc.unfreeze()
            gc.collect()
            give_back()

    def explain(self, asked: Explain) -> Explained:
        """What one iteration consists of, and where its seconds go; the case is let go of."""
        fit = self._fit()
        fit.begin()
        profile = self.backend.profile(fit, asked.steps)
        fit.begin()
        fit.advance(1)
        iteration = self.backend.iteration(fit)
        del fit
        self._let_go()
        return Explained(iteration, profile)

    def trace(self, _: Trace) -> Traced:
        """The graphs of a step; the case is let go of."""
        graphs = self.backend.graph(self._fit())
        self._let_go()
        return Traced(graphs)

    def _code(self) -> dict[str, str]:
        """What the compiler generated; nothing where it does not tell, as another version of it may not: that costs the
        fingerprint of a case, and not the case.
        """
        try:
            return self.backend.generated()
        except Exception:  # private parts of a framework may raise anything; ours are tested
            traceback.print_exc()
            return {}

    def _fit(self) -> Fit:
        if self.fit is None:
            raise RuntimeError("no case is built in this worker")
        return self.fit


def _steady(action: Callable[..., object], *arguments: Any) -> float:
    """The median of the seconds that it takes, again and again; fewer times where each takes long, and is steadier."""
    seconds = [timed(action, *arguments)]
    while len(seconds) < STEADY_CALLS and sum(seconds) < STEADY_SECONDS:
        seconds.append(timed(action, *arguments))
    return statistics.median(seconds)


def _since(before: int | None, after: int | None) -> int | None:
    """What was counted meanwhile; None where nothing counts."""
    return None if before is None or after is None else after - before


def _pin(cores: list[int] | None) -> None:
    if cores is not None:
        os.sched_setaffinity(0, cores)


def serve(numpy_seconds: float) -> None:
    """Answer requests until the other side closes the stream. What a framework prints goes to stderr, not between.

    numpy_seconds: what importing NumPy took, which every backend pays for.
    """
    lifeline.hold()
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    worker = Worker(numpy_seconds)
    for line in sys.stdin:
        try:
            name, request = request_of(json.loads(line))
            answer = asdict(getattr(worker, name)(request))
        except Exception as error:  # whatever a framework raises becomes the reason of a failed case
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers)
