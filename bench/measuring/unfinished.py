"""The runs that a journal tells of: what a run that still goes on, or was cut short, has measured so far."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from bench.cases.case import Case
from bench.cases.choice import Choice
from bench.measuring.assembly import record_of, samples_of, untimed
from bench.measuring.journal import MAGIC, read
from bench.records.limits import Text
from bench.records.reading import bounded, check_schema, load
from bench.records.reading import sample as sample_of
from bench.records.record import SCHEMA, SKIPPED, Comparison, Machine, Record, Run, Sample
from bench.statistics.estimate import estimated
from bench.support.errors import InputError, one_line
from bench.support.paths import anonymous

SUFFIX = ".journal"  # of a journal's name, after that of the JSON


class Entry(msgspec.Struct, frozen=True):
    """A case that was selected, why it is skipped, and whether that is because the code does not have it."""

    case: Case
    reason: Text | None = None
    unwritten: bool = False


class Plan(msgspec.Struct, frozen=True):
    """By side: its machine, and its cases."""

    machines: dict[str, Machine]
    cases: dict[str, list[Entry]]


class _Asked(msgspec.Struct, frozen=True):
    """Of a journal's key, what records are made with; spec: the user's words for a side."""

    choice: Choice
    timed: bool
    disable_gc: bool
    sides: dict[str, dict[str, Any]]


class _Written(msgspec.Struct, frozen=True):
    """Of a journal's key, the schema of its samples; older ones do not tell."""

    schema: Any = None


def journal_of(path: Path) -> Path:
    """The journal that stands beside a JSON until it is whole."""
    return Path(f"{path}{SUFFIX}")


def is_journal(path: Path) -> bool:
    """Whether a file is one, or is called so."""
    if path.name.endswith(SUFFIX):
        return True
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def samples_in(path: Path, contents: Sequence[bytes], timed: bool) -> list[Sample]:
    """The samples of a journal. Raises InputError for what no run of its options can have written."""
    samples = [sample_of(path, data) for data in contents]
    if any(one.failure is None and (one.rounds is not None) != timed for one in samples):
        raise InputError(f"{path}: a sample is damaged (its rounds); delete it, and run without --resume")
    return samples


def runs_of(path: Path) -> list[Run]:
    """The run that a journal tells of; of a comparison those of both sides. It is read, and left as it is.

    Raises InputError for what is no journal, is damaged, of another schema, or holds nothing yet.
    """
    found = read(path)
    if found.plan is None or not found.samples:
        raise InputError(f"{path}: nothing is measured yet; expected the journal of a run that has measured something")
    _check_schema(path, found.key)
    try:
        asked = msgspec.json.decode(found.key, type=_Asked)
        plan = msgspec.json.decode(found.plan, type=Plan)
        samples = samples_in(path, found.samples, asked.timed)
    except (InputError, ValueError, RecursionError) as error:  # msgspec's errors, too
        told = one_line(str(error).removeprefix(f"{path}: ").partition("; delete it")[0])
        raise InputError(f"{path}: damaged, or of another version ({told}); expected the journal of a run") from None
    return [_run(path, label, asked, plan, samples) for label in plan.cases]


def _check_schema(path: Path, key: bytes) -> None:
    """Raises InputError for a journal of a fitbench whose samples have another form."""
    try:
        schema = msgspec.json.decode(key, type=_Written).schema
    except ValueError:
        return  # damaged: whoever reads on says so
    if schema is not None:
        check_schema(str(path), schema, (SCHEMA,))


def runs_in(path: Path) -> list[Run]:
    """That of a JSON, or those of a journal. Raises InputError for what is neither, or is damaged."""
    return runs_of(path) if is_journal(path) else [load(path)]


def _run(path: Path, label: str, asked: _Asked, plan: Plan, samples: Sequence[Sample]) -> Run:
    known = {entry.case for entry in plan.cases[label]}
    if strays := [one.case.id for one in samples if one.side == label and one.case not in known]:
        raise InputError(f"{path}: damaged ({strays[0]} was not planned); expected the journal of a run")
    machine, place = plan.machines.get(label, Machine()), Path(str(path).removesuffix(SUFFIX))
    if label:
        spec = anonymous(str(asked.sides.get(label, {}).get("spec", "")))
        machine = msgspec.structs.replace(machine, comparison=Comparison("unfinished", label, spec))
        place = path.parent / f"{label}.json"
    return bounded(
        Run(
            path=place,
            datetime=datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(),
            machine=msgspec.structs.replace(machine, cut_short=True),
            records=tuple(estimated(_record(entry, label, asked, samples) for entry in plan.cases[label])),
            disable_gc=asked.disable_gc,
            unfinished=True,
        )
    )


def _record(entry: Entry, label: str, asked: _Asked, samples: Sequence[Sample]) -> Record:
    if entry.reason is None:
        return record_of(entry.case, asked.choice, samples_of(samples, label, entry.case), asked.timed)
    skipped = untimed(entry.case, asked.choice, SKIPPED, entry.reason)
    return msgspec.structs.replace(skipped, unwritten=entry.unwritten)
