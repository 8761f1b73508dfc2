"""Simulated sessions of one machine, of which the truth is known.

The machine's state moves all cases and controls, from session to session, process to process and turn to turn;
processes differ by where they lie in memory, and sessions by what no control tells.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
import numpy as np
from builders import record, rounds

from bench.cases.case import Case
from bench.records.record import Record, Sampling
from bench.records.rounds import Rounds
from bench.support.controls import CONTROLS

VARIANTS, BACKENDS = ("manual", "nn"), ("numpy", "torch", "jax", "torch-compile", "jax-loop")
TURNS = 24
Measured = dict[Case, Record]


@dataclass(frozen=True)
class Machine:
    """Standard deviations of logs: of its state between sessions, processes and turns; of processes of one case, of
    sessions of one case, of a round, of a control; and of the loadings about 1.
    """

    between: float = 0.2
    processes: float = 0.2
    turns: float = 0.05
    layout: float = 0.02
    session: float = 0.01
    round: float = 0.03
    control: float = 0.02
    loadings: float = 0.1

    def loads(self, random: np.random.Generator) -> np.ndarray:
        """Of each variant and backend, what stays the same in all sessions."""
        return 1 + self.loadings * random.normal(size=(len(VARIANTS), len(BACKENDS)))

    def run(
        self,
        random: np.random.Generator,
        loads: np.ndarray,
        processes: int = 3,
        slower: Mapping[tuple[int, int], float] = {},
        session: float | None = None,
    ) -> Measured:
        """One session. slower: by the places of variant and backend, by what factor; session: instead of a random one,
        what the log of all cases is off by in it.
        """
        level, found = self.between * random.normal(), {}
        for i, variant in enumerate(VARIANTS):
            moved = level + self.processes * random.normal(size=(processes, 1))
            state = moved + self.turns * random.normal(size=(processes, TURNS))
            controls = {
                name: (1e-3 * np.exp(state + self.control * random.normal(size=state.shape))).ravel().tolist()
                for name in CONTROLS
            }
            for j, backend in enumerate(BACKENDS):
                off = self.session * random.normal() if session is None else session
                own = self.layout * random.normal(size=(processes, 1)) + self.round * random.normal(size=state.shape)
                seconds = 1e-5 * slower.get((i, j), 1.0) * np.exp(loads[i, j] * state + off + own)
                one = rounds(seconds.tolist(), controls=controls)
                made = record(
                    seconds.tolist(), variant=variant, backend=backend, rounds=one, sampling=Sampling("precision", 0.01)
                )
                found[made.case] = made
        return found


NOTHING = Machine(between=0, processes=0, turns=0, layout=0, session=0, round=0, control=0, loadings=0)


def with_control(run: Measured, seconds: float | None) -> Measured:
    """The run as if every control had taken so long in every turn."""
    return {case: msgspec.structs.replace(one, rounds=constant(one, seconds)) for case, one in run.items()}


def constant(one: Record, seconds: float | None) -> Rounds:
    controls = {name: [seconds] * len(values) for name, values in one.rounds.controls.items()}
    return msgspec.structs.replace(one.rounds, controls=controls)
