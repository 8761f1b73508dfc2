"""The controls: fixed computations of about half a millisecond each, which need Python and NumPy alone.

Their seconds say what state the machine is in, whatever is compared. Never change one without a new number in its name
(bench/support/controls.py): runs that were made at different times are compared by them.
"""

import datetime
import decimal
import json
import mmap
import os
import pickle
import re
import time
from collections.abc import Callable, Mapping
from types import FunctionType

import numpy as np

from bench.support.controls import CONTROLS

Computation = Callable[[], object]


def _interpreter() -> Computation:
    def run() -> None:
        total = 0
        for k in range(15_000):
            total += k & 3

    return run


def _small_arrays() -> Computation:
    x = np.linspace(0.0, 1.0, 32)

    def run() -> None:
        for step in range(280):
            float((x * x + step).sum())

    return run


def _vector() -> Computation:
    x = np.linspace(0.0, 1.0, 2000)

    def run() -> None:
        for step in range(150):
            (x * x + step).sum()

    return run


def _library() -> Computation:
    """Much code of many kinds, each part for a few microseconds: parsing, matching, formatting, decimal arithmetic."""
    patterns = [re.compile(rf'(\w+){i}\s*=\s*(\d+|"[^"]*")|a{{2,{i + 3}}}b') for i in range(14)]

    def run() -> None:
        for i, pattern in enumerate(patterns):
            json.loads(json.dumps({"a": [i, 2.5, "xxxxxxxxx"], "b": {"c": None}}))
            pickle.loads(pickle.dumps((i, "s", [1.5] * 5)))
            datetime.datetime(2020, 1, 1 + i).isoformat()
            decimal.Decimal(i + 3).ln()
            pattern.search('foo = 12 bar3 = "x" aaab')
            sorted({i, 3, 7}, key=str)

    return run


def _functions() -> Computation:
    """Thousands of functions with code of their own, called once each: more than the nearest caches hold."""

    def template(a: int, known: dict[int, object]) -> object:
        b = a + 1
        if b % 5 == 0:
            known[b & 31] = b
        else:
            known[b & 63] = (a, b)
        return [b, a][b & 1]

    code = template.__code__
    constants = [code.replace(co_consts=_replaced(code.co_consts, i)) for i in range(4000)]
    order = np.random.default_rng(0).permutation(len(constants))
    functions = [FunctionType(constants[i], globals()) for i in order]
    third = 0

    def run() -> None:
        nonlocal third
        known: dict[int, object] = {}
        third = (third + 1) % 3  # so that what was called last has left the caches
        value = 1
        for function in functions[third::3]:
            value = function(value & 1023, known)

    return run


def _replaced(constants: tuple[object, ...], i: int) -> tuple[object, ...]:
    return tuple(1000 + i if each == 5 else each for each in constants)


def _system() -> Computation:
    """Calls of the system, and pages that it has to give."""
    end, start = os.pipe()

    def run() -> None:
        for _ in range(450):
            os.write(start, b"x")
            os.read(end, 1)
        with mmap.mmap(-1, 1 << 19) as pages:
            pages[:: mmap.PAGESIZE] = bytes(len(pages) // mmap.PAGESIZE)

    return run


def _stream() -> Computation:
    source, part = np.ones(1 << 23), 3 << 17  # 64 MiB, 3 MiB at a time: what was read is not read again for long
    target = np.ones(part)
    begin = 0

    def run() -> None:
        nonlocal begin
        np.copyto(target, source[begin : begin + part])
        begin = (begin + part) % (len(source) - part)

    return run


def _gather() -> Computation:
    table = np.ones(1 << 21)  # 16 MiB
    places = np.random.default_rng(0).integers(len(table), size=(8, 50_000))
    turn = 0

    def run() -> None:
        nonlocal turn
        turn = (turn + 1) % len(places)
        table[places[turn]].sum()

    return run


MAKERS: Mapping[str, Callable[[], Computation]] = dict(
    zip(
        CONTROLS,
        (_interpreter, _small_arrays, _vector, _library, _functions, _system, _stream, _gather),
        strict=True,
    )
)


class Controls:
    """The controls, with the data that they need, which is made once."""

    def __init__(self) -> None:
        self._computations = {name: make() for name, make in MAKERS.items()}
        for name in MAKERS:
            self.seconds(name)  # the first time, nothing is where it will be

    def seconds(self, name: str) -> float:
        """What a control takes now."""
        run = self._computations[name]
        begun = time.perf_counter()
        run()
        return time.perf_counter() - begun
