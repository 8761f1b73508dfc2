"""The JSON of a run, read: what is damaged, foreign or beyond the limits is refused in one line.

A file is pytest-benchmark's JSON. A measured case is one of its `benchmarks`: `stats` are seconds per iteration, and
`extra_info` is a Record. A case that was not timed is in `not_measured`, in the same form without `stats`: every case
that was planned is in the one list or the other.
"""

import re
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from bench.cases.case import NAMES, split
from bench.cases.choice import MOST_VALUES
from bench.cases.plan import too_much
from bench.records.limits import MOST_BYTES, MOST_CASES
from bench.records.record import SCHEMA, Machine, Record, Run, Sample
from bench.records.upgrades import UPGRADES, machine_told
from bench.support.errors import InputError

T = TypeVar("T")
EXPECTED = "expected the JSON of a run"
REPORTS = Path("reports")  # where commands look for the newest run
READABLE = (*UPGRADES, SCHEMA)


def load(path: Path) -> Run:
    """Read a run. Raises InputError for a file that is missing, too large, not JSON, not of fitbench, of a schema that
    is not read here, or damaged. One of an older schema is read as if today's had been written.
    """
    document = _document(path)
    if (written := document.get("fitbench_schema")) is not None:
        check_schema(str(path), written)  # before anything that a newer one may have otherwise
    machine = document.get("machine_info", {})
    places = [(f"{part}[{i}]", entry) for part in PARTS for i, entry in enumerate(document[part])]
    if not places:
        raise InputError(f"{path}: holds no case")
    if len(places) > MOST_CASES:
        raise InputError(f"{path}: holds {len(places)} cases; expected at most {MOST_CASES}")
    about = _typed(path, "machine_info.fitbench", machine_told(machine.get("fitbench") or {}), Machine)
    date, records = str(document.get("datetime", ""))[:100], tuple(_record(path, *place) for place in places)
    return bounded(Run(path, date, about, records, _disable_gc(path, document["benchmarks"])))


def bounded(run: Run) -> Run:
    """The run, if a report can be made of so much. Raises InputError."""
    for name in NAMES:
        if (count := len({getattr(one.case, name) for one in run.records})) > MOST_VALUES:
            raise InputError(f"{run.path}: {count} different values of `{name}`; expected at most {MOST_VALUES}")
    processes = sum(len(one.processes or ()) for one in run.records)
    if (surplus := too_much([one.case for one in run.records], processes)) is not None:
        raise InputError(f"{run.path}: {surplus}")
    return run


def sample(where: Path, data: bytes) -> Sample:
    """A sample from its JSON. Raises InputError, which names the file."""
    try:
        return msgspec.json.decode(data, type=Sample)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise InputError(f"{where}: a sample is damaged ({error}); delete it, and run without --resume") from None


def newest_of(folder: Path) -> list[Path]:
    """The runs of a folder, that which was written last first."""
    return sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True)


def newest(folder: Path) -> Path:
    """The run written last in a folder. Raises InputError if there is none."""
    if not (files := newest_of(folder)):
        raise InputError(f"{folder}: no run to report; make one with: pytest bench --benchmark-json={folder}/run.json")
    return files[0]


PARTS = ("benchmarks", "not_measured")


def _document(path: Path) -> dict[str, Any]:
    """The JSON of pytest-benchmark, with lists of entries and an object about the machine."""
    document = _json(path, _content(path))
    if not isinstance(document, dict) or not isinstance(document.get("benchmarks"), list):
        raise InputError(f"{path}: JSON, but not of pytest-benchmark; {EXPECTED} of `pytest bench`")
    document.setdefault("not_measured", [])
    machine = document.get("machine_info", {})
    if not isinstance(document["not_measured"], list) or not isinstance(machine, dict):
        raise InputError(f"{path}: damaged: `not_measured` must be a list and `machine_info` an object")
    return document


def _content(path: Path) -> bytes:
    try:
        if (size := path.stat().st_size) > MOST_BYTES:
            raise InputError(f"{path}: {size / 2**20:.0f} MiB; expected at most {MOST_BYTES / 2**20:.0f} MiB")
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); {EXPECTED}") from None


def _json(path: Path, content: bytes) -> Any:
    try:
        content.decode()
        return msgspec.json.decode(content)
    except UnicodeDecodeError:
        raise InputError(f"{path}: not text; {EXPECTED}") from None
    except RecursionError:
        raise InputError(f"{path}: nested too deeply; {EXPECTED}") from None
    except msgspec.DecodeError as error:
        raise InputError(f"{path}: not JSON, or truncated ({str(error).removeprefix('JSON is malformed: ')})") from None


def _record(path: Path, place: str, entry: Any) -> Record:
    info = entry.get("extra_info") if isinstance(entry, dict) else None
    if not isinstance(info, dict) or "schema" not in info or "variant" not in info:
        raise InputError(
            f"{path}: JSON of pytest-benchmark, but of another project: no fitbench record in its extra_info"
        )
    where = f"{place}.extra_info"
    case, rest = split(_upgraded(path, where, info))
    return _typed(path, where, {**rest, "case": case}, Record)


class _Options(msgspec.Struct):
    """Of those that pytest-benchmark keeps with each benchmark, what a timing depends on."""

    disable_gc: bool | None = None


def _disable_gc(path: Path, benchmarks: Sequence[Any]) -> bool | None:
    """The option of the run, which its first benchmark has. Raises InputError."""
    options = next((entry.get("options") for entry in benchmarks), None) or {}
    return _typed(path, "benchmarks[0].options", options, _Options).disable_gc


def check_schema(where: str, found: Any, readable: Collection[int] = READABLE) -> None:
    """Raises InputError for what was written in a schema that is not read here: both are named, and which is newer."""
    if type(found) is not int:
        raise InputError(f"{where}: damaged: schema {repr(found)[:50]}; expected a whole number")
    if found not in readable:
        age = "newer than" if found > max(readable) else "too old for"
        schemas = " to ".join(map(str, dict.fromkeys((min(readable), max(readable)))))
        raise InputError(f"{where}: of schema {str(found)[:50]}, {age} this fitbench, which reads schema {schemas}")


def _upgraded(path: Path, where: str, info: dict[str, Any]) -> dict[str, Any]:
    """The record in today's schema, by a step from each schema to the next."""
    found = info["schema"]
    check_schema(f"{path}: {where}", found)
    try:
        for schema in range(found, SCHEMA):
            info = UPGRADES[schema](info)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InputError(f"{path}: {where}: damaged, of schema {found} ({error!r})") from None
    return info


def _typed(path: Path, where: str, value: Any, kind: Callable[..., T]) -> T:
    """The value as a type. Raises InputError: the file, where in it, and what was expected."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        what, _, inside = str(error).partition(" - at `$")
        inside = re.sub(r"^\.case(?=\.|$)", "", inside.rstrip("`"))  # the axes of the case are flat fields in a file
        raise InputError(f"{path}: {where}{inside}: {what[:1].lower()}{what[1:]}") from None
