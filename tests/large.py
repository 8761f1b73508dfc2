"""Runs whose JSON is small and whose report could take days: as many of everything as some bytes can hold.

python tests/large.py FOLDER    # writes one of each shape, and tells how long every command takes with it
"""

import contextlib
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from builders import record, rounds, start, write

from bench.records.record import SKIPPED

Shape = Callable[[float], tuple[Sequence[Any], dict[str, Any]]]  # by size, of which 1 is some megabytes


def _names(what: str, size: float) -> list[str]:
    return [f"{what}{i}" for i in range(max(2, int(50 * size)))]


def cases(size: float) -> tuple[Sequence[Any], dict[str, Any]]:
    """As many cases as there may be, none of which was timed."""
    plain = record(outcome=SKIPPED, reason="no").flat()
    axes = [(f"v{i % 20}", f"b{i // 20 % 20}", f"d{i // 400 % 50}", 4 + i // 20_000) for i in range(int(20_000 * size))]
    names = ("variant", "backend", "device", "points")
    return [{**plain, **dict(zip(names, each, strict=True))} for each in axes], {}


def pictures(size: float) -> tuple[Sequence[Any], dict[str, Any]]:
    """Each timed case on a device and of a size of its own."""
    plain = record([[1e-5, 1.1e-5]] * 2, losses=[], exact_losses=[]).flat()
    return [
        {**plain, "device": device, "points": 4 + i}
        for device in _names("d", size)
        for i in range(max(2, int(50 * size)))
    ], {}


def grid(size: float) -> tuple[Sequence[Any], dict[str, Any]]:
    """Timed cases of as many variants and backends as an axis may have."""
    plain = record([[1e-5, 1.1e-5]] * 2, losses=[], exact_losses=[]).flat()
    return [{**plain, "variant": v, "backend": b} for v in _names("v", size) for b in _names("b", size)], {}


def processes(size: float) -> tuple[Sequence[Any], dict[str, Any]]:
    """Each round in a process of its own, and a group of many backends."""
    made = [start(i) for i in range(200)]
    plain = record([[1e-5 * (1 + i / 1000)] for i in range(200)], processes=made, losses=[], exact_losses=[]).flat()
    names = ["numpy", *_names("b", size / 2)]
    return [{**plain, "variant": v, "backend": b} for v in ("v", "w") for b in names], {}


def checkpoints(size: float) -> tuple[Sequence[Any], dict[str, Any]]:
    """Losses of every step."""
    losses = [(i + 1, 2.0 + i % 7) for i in range(int(200_000 * size))]
    return [record(losses=losses, exact_losses=losses, steps=10**8)], {}


def turns(size: float) -> tuple[Sequence[Any], dict[str, Any]]:
    """Many rounds of one process."""
    count = int(50_000 * size)
    columns = rounds([[1e-5 + 1e-9 * (i % 97) for i in range(count)]])
    return [record(rounds=columns), record(backend="jax", rounds=columns)], {}


def reasons(size: float) -> tuple[Sequence[Any], dict[str, Any]]:
    """One long reason, device and environment beside many short ones."""
    long, count = "x y" * 40_000, int(8000 * size)
    plain = record(outcome=SKIPPED, reason="no").flat()
    many = [
        {**plain, "variant": f"v{i % 20}", "backend": f"b{i // 20 % 20}", "points": 4 + i // 400} for i in range(count)
    ]
    return [
        *many,
        record(variant="v0", backend="b0", device_name=long, points=1000),
        record(variant="v0", backend="b1", outcome=SKIPPED, reason=long, points=1000),
    ], {
        "environment": {f"JAX_{i}": long for i in range(int(20 * size))},
        "packages": {f"p{i}": "1" for i in range(int(5000 * size))},
    }


SHAPES: Mapping[str, Shape] = {
    shape.__name__: shape for shape in (cases, pictures, grid, processes, checkpoints, turns, reasons)
}


def written(folder: Path, shape: str, size: float) -> tuple[Path, Path]:
    """Two such runs."""
    records, machine = SHAPES[shape](size)
    first, second = (write(folder / shape / f"{name}.json", records, **machine) for name in ("a", "b"))
    return first, second


def main(folder: Path, shapes: Sequence[str]) -> None:
    from bench import compare, report, spread

    for shape in shapes or SHAPES:
        a, b = written(folder, shape, 1.0)
        print(f"{shape}: {a.stat().st_size / 2**20:.1f} MiB", flush=True)
        for command, words in (
            (compare, (a, b)),
            (spread, (a, b)),
            (report, (a, "--output", folder / shape / "out")),
        ):
            begun = time.perf_counter()
            with contextlib.redirect_stdout(None):
                code = command.main([str(word) for word in words])
            print(f"{shape}: {command.__name__} {code}: {time.perf_counter() - begun:.1f} s", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
