"""What an iteration consists of in the code that TorchInductor wrote: kernels, their loops over N, library calls."""

import math
import re
from collections.abc import Iterator

from bench.anatomy.iteration import Iteration, Part, arrays_of

KIND = "loops over N in the kernels that Inductor wrote, and calls of libraries"

_KERNEL = re.compile(r'extern "C"\s+void\s+(\w+)\([^;{]*\)\s*\{')
_PYTHON_NAME = re.compile(r"(\w+) = async_compile\.cpp_pybinding\(")
_LOOP = re.compile(r"for\(int64_t (\w+)=[^;]*;\s*\w+<static_cast<int64_t>\((\d+)L\);")
_LIBRARY = re.compile(r"(?:extern_kernels\.|aoti_torch_cpu_)(\w+?)(?:_out)?\(([^\n]*)")
_SHAPE = re.compile(r"(?:assert_size_stride\((\w+), |(\w+) = empty_strided_cpu\()\(([\d, ]*)\)")


def read(text: str, points: int, steps: int = 1) -> Iteration:
    """Of the normalised text of one module, in which so many steps are written out."""
    kernels = list(_kernels(text))
    loops = [part for name, body in kernels for part in _loops(name, body, points)]
    small = sum(not any(_loops(name, body, points)) for name, body in kernels)
    notes = [f"{small} of {len(kernels)} kernels have no loop over N"] if small else []
    if "CascadeSumHelper" in text:
        notes.append("sums are added in cascades, which Inductor does from 4096 numbers on")
    parts = [*loops, *_libraries(text, points)]
    return Iteration(KIND, [_of_one(part, steps) for part in parts], notes=notes)


def _of_one(part: Part, steps: int) -> Part:
    moved = (None if value is None else value / steps for value in (part.reads, part.writes))
    return Part(part.name, part.count / steps, *moved)


def _kernels(text: str) -> Iterator[tuple[str, str]]:
    """The name and the body of each; a kernel of a Python module is named where it is bound."""
    for found in _KERNEL.finditer(text):
        name = found[1]
        if name == "kernel":
            name = [*_PYTHON_NAME.finditer(text, 0, found.start())][-1][1]
        yield name, _block(text, found.end() - 1)


def _block(text: str, start: int) -> str:
    """From a brace to the one that closes it."""
    depth = 0
    for place in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0:
            return text[start : place + 1]
    return text[start:]


def _loops(name: str, body: str, points: int) -> Iterator[Part]:
    for found in _LOOP.finditer(body):
        if int(found[2]) < points or int(found[2]) % points:
            continue
        inside = _block(body, body.index("{", found.end()))
        pointer = rf"\b(\w*ptr\d+)(?: \+ static_cast<int64_t>\(|\[static_cast<int64_t>\()[^;\[\]]*?\b{found[1]}\b"
        stored = {one[1] for one in re.finditer(rf"store\({pointer}", inside)}
        stored |= {one[1] for one in re.finditer(rf"(?m)^\s*{pointer}[^\n]*\] = ", inside)}
        touched = {one[1] for one in re.finditer(pointer, inside)}
        loaded = {one[1] for one in re.finditer(rf"(?:loadu\(|= ){pointer}", inside)}
        sums = len({*re.findall(r"\b(tmp_acc\d+)_vec = ", inside)} or {*re.findall(r"\b(tmp_acc\d+) = ", inside)})
        how = ["vectorised" if "Vectorized" in inside else "not vectorised"]
        how += [f"{sums} sum{'s' * (sums > 1)}"] if sums else []
        size = int(found[2]) / points
        yield Part(f"{name}: {', '.join(how)}", 1.0, size * len(loaded | (touched - stored)), size * len(stored))


def _libraries(text: str, points: int) -> Iterator[Part]:
    """Calls of a BLAS, with what the module tells of the shapes of their arguments."""
    sizes = {
        one[1] or one[2]: math.prod(int(each) for each in one[3].split(",") if each.strip())
        for one in _SHAPE.finditer(text)
    }
    for found in _LIBRARY.finditer(text):
        names, _, out = found[2].partition("out=")
        known = [sizes.get(name) for name in re.findall(r"\b(?:arg\d+_\d+|buf\d+)\b", names)]
        written = [sizes.get(name) for name in re.findall(r"\bbuf\d+\b", out)]
        told = bool(known and written) and None not in known + written
        yield Part(
            f"{found[1]}, of a library",
            1.0,
            sum(arrays_of(size, points) for size in known if size) if told else None,
            sum(arrays_of(size, points) for size in written if size) if told else None,
        )
