"""Runs whose truth is known: a machine that changes its speed, and cases and controls that slow down with it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from builders import record

from bench.records.record import Record
from bench.records.rounds import Rounds
from bench.support.controls import CORE, MEMORY

SECONDS = {"numpy": 2e-5, "torch": 1e-4, "jax": 4e-5, "jax-loop": 6e-6}
LOADINGS = {"numpy": 1.0, "torch": 1.2, "jax": 0.9, "jax-loop": 1.0}
VARIANTS = ("manual", "autograd", "nn")


def machine(random: np.random.Generator, processes: int, turns: int, restless: float) -> np.ndarray:
    """Log slow-down of every turn, processes x turns: 0 where the machine is quiet, which is a third of the time; else
    up to `restless`, by the turn and by the process.
    """
    level = restless * random.random((processes, 1))
    busy = random.random((processes, turns)) < 2 / 3
    return busy * (level + 0.3 * restless * random.random((processes, turns)))


def run(
    seed: int,
    processes: int = 3,
    turns: int = 40,
    restless: float = 0.3,
    layout: float = 0.02,
    noise: float = 0.03,
    seconds: Mapping[str, float] = SECONDS,
    controls: bool = True,
    **changes: Any,
) -> list[Record]:
    """The records of a run: a case's log seconds are its own, its loading times the state, what is the process's
    (`layout`), and noise of the round. Without controls nobody is told of the machine.
    """
    random = np.random.default_rng(seed)
    found = []
    for variant in VARIANTS:
        state = machine(random, processes, turns, restless)
        panel = {
            name: (5e-4 * np.exp(loading * state + 0.02 * random.normal(size=state.shape))).ravel().tolist()
            for names, loading in ((CORE, 1.0), (MEMORY, 0.5))
            for name in names
        }
        for backend, quiet in seconds.items():
            logs = np.log(quiet) + LOADINGS[backend] * state
            logs += layout * random.normal(size=(processes, 1)) + noise * random.normal(size=state.shape)
            rounds = _rounds(np.exp(logs), panel if controls else {})
            found.append(record(variant=variant, backend=backend, rounds=rounds, estimate=None, **changes))
    return found


def _rounds(seconds: np.ndarray, controls: Mapping[str, Sequence[float]]) -> Rounds:
    process, turn = (each.ravel().tolist() for each in np.indices(seconds.shape))
    values = seconds.ravel().tolist()
    return Rounds(
        process=process,
        turn=turn,
        place=[0] * len(values),
        time=[1e9 + 100.0 * p + 0.04 * t for p, t in zip(process, turn, strict=True)],
        steps=[100] * len(values),
        seconds=values,
        cpu_seconds=values,
        warm_up=[False] * len(values),
        controls={name: list(column) for name, column in controls.items()},
    )
