"""What an iteration consists of in the HLO that XLA optimised: each instruction of a step is a loop of its own."""

import math
import re
from collections import Counter
from dataclasses import dataclass

from bench.anatomy.iteration import Iteration, Tally, arrays_of

KIND = "instructions of the optimised HLO on arrays of N, each a loop of its own"
NOTHING = ("parameter", "get-tuple-element", "tuple", "constant", "bitcast", "while")  # that moves no array

_COMPUTATION = re.compile(r"(?ms)^(ENTRY )?%(\S+) \([^\n]*\{\n(.*?)^\}")
_INSTRUCTION = re.compile(r"(?m)^\s+(?:ROOT )?%(\S+) = (\(.*?\)|\S+) ([\w-]+)\((.*)$")
_SHAPE = re.compile(r"\w+\[([\d,]*)\]")


@dataclass(frozen=True)
class Instruction:
    """shape: as HLO writes it; rest: the operands, and what stands behind them."""

    name: str
    shape: str
    operation: str
    rest: str

    @property
    def operands(self) -> list[str]:
        return re.findall(r"%([\w.-]+)", self.rest.split("), ")[0])


@dataclass(frozen=True)
class Module:
    """computations: by name, each one's instructions; entry: the name of the first; body: that of its loop, or None."""

    computations: dict[str, list[Instruction]]
    entry: str
    body: str | None

    @classmethod
    def of(cls, text: str) -> "Module":
        found = [*_COMPUTATION.finditer(text)]
        body = re.search(r" while\([^\n]*body=%([\w.-]+)", text)
        entry = next((each[2] for each in found if each[1]), "")
        return cls({each[2]: _instructions(each[3]) for each in found}, entry, body[1] if body else None)

    @property
    def step(self) -> list[Instruction]:
        """What makes a step: the loop's body, or else the entry."""
        return self.computations.get(self.body or self.entry, [])


def read(text: str, points: int) -> Iteration:
    """Of a module whose loop, or else whose entry, makes a step."""
    module = Module.of(text)
    step = module.step
    shapes = {one.name: one.shape for one in step}
    tally, small = Tally(), 0
    for one in step:
        if one.operation in NOTHING:
            continue
        reads = sum(_arrays(shapes[name], points) for name in dict.fromkeys(one.operands) if name in shapes)
        writes = _arrays(one.shape, points)
        if not reads and not writes:
            small += 1
        else:
            tally.add(about(one, module), reads, writes, writes)
    notes = [f"{small} more on numbers and short arrays"] if small else []
    return Iteration(KIND, tally.parts(), tally.allocated, notes)


def _instructions(text: str) -> list[Instruction]:
    return [Instruction(*found.groups()) for found in _INSTRUCTION.finditer(text)]


def about(one: Instruction, module: Module) -> str:
    """An operation; of a fusion, what is in it."""
    called = re.search(r"calls=%([\w.-]+)", one.rest)
    if called is None:
        return one.operation
    inside = Counter(each.operation for each in module.computations.get(called[1], []) if each.operation not in NOTHING)
    inside.pop("broadcast", None)
    return "fusion of " + ", ".join(f"{count} {name}" if count > 1 else name for name, count in inside.items())


def _arrays(shape: str, points: int) -> float:
    sizes = [math.prod(int(each) for each in found[1].split(",") if each) for found in _SHAPE.finditer(shape)]
    return sum(arrays_of(size, points) for size in sizes)
