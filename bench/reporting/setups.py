"""What runs were made on and how, as a pandas frame: the machine, the software, and who disturbed them."""

from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from bench.records.meanings import meanings
from bench.records.record import Machine, Record, Run
from bench.reporting import units
from bench.support.paths import anonymous


class About(NamedTuple):
    """A column: what it means, and what it is of a run."""

    meaning: str
    of: Callable[[Run], Any]


def _machine(name: str, of: Callable[[Any], Any] = lambda value: value) -> About:
    """A field of the machine, as it is or as text."""
    return About(meanings(Machine, name)[name], lambda run: of(getattr(run.machine, name)))


def _records(name: str) -> About:
    """What the cases have in a field of their own."""
    return About(
        meanings(Record, name)[name],
        lambda run: _listed(value for one in run.records if (value := getattr(one, name)) is not None),
    )


def _devices(run: Run) -> str | None:
    return _listed(f"{one.case.device}: {one.device_name}" for one in run.records if one.device_name)


def _side(run: Run) -> str | None:
    told = run.machine.comparison
    return None if told is None else f"{told.side}: {told.spec}"


def _commit(run: Run) -> str | None:
    commit = run.machine.git_commit
    return commit and commit[:10] + (" + uncommitted changes" if run.machine.git_dirty else "")


def _file(path: Path) -> str:
    """From here on, as somebody would write it; of one that lies elsewhere its name alone."""
    inside = path.is_absolute() and path.is_relative_to(Path.cwd())
    return str(path.relative_to(Path.cwd())) if inside else path.name if path.is_absolute() else anonymous(str(path))


SETUP: dict[str, About] = {
    "file": About("of the JSON", lambda run: _file(run.path)),
    "date": About("of the JSON", lambda run: run.datetime),
    "CPU": _machine("cpu"),
    "cores": _machine("cores"),
    "physical_cores": _machine("physical_cores"),
    "affinity": _machine("affinity", lambda cores: _listed(cores or ())),
    "governor": _machine("governor"),
    "load_average": _machine("load_average", lambda loads: _listed(f"{load:.2f}" for load in loads or ())),
    "other_runs": _machine("other_runs", lambda runs: _listed(f"pid {pid}" for pid in runs)),
    "memory_bytes": _machine("memory_bytes"),
    "caches": _machine(
        "caches", lambda caches: _listed(f"{name} {units.memory(size)}" for name, size in caches.items())
    ),
    "page_seconds": _machine("page_seconds"),
    "devices": About("of its cases, with their names", _devices),
    "OS": _machine("os"),
    "threads": _records("threads"),
    "steps": _records("steps"),
    "seed": _records("seed"),
    "environment": _machine("environment", lambda told: _listed(f"{name}={value}" for name, value in told.items())),
    "A/B_side": About("of one side of a comparison: its letter and its words", _side),
    "A/B_comparison": About(
        "of one side of a comparison: the id", lambda run: run.machine.comparison and run.machine.comparison.id
    ),
    "cut_short": _machine("cut_short", lambda short: "yes" if short else None),
    "code": About(
        "the first ten digits of the SHA-256 of all code", lambda run: run.machine.code and run.machine.code[:10]
    ),
    "git_commit": About("the first ten digits, and whether there were uncommitted changes", _commit),
    "Python": _machine("python"),
}


def setups(runs: Mapping[str, Run], packages: Collection[str] | None = None) -> pd.DataFrame:
    """One row a run: the machine, how the run was made, and the versions of the given packages, or of all."""
    return pd.DataFrame([_setup(label, run, packages) for label, run in runs.items()]).set_index("run")


MEASURES = {"memory_bytes": ("memory", units.memory), "page_seconds": ("a page of memory", units.seconds)}


def readable(frame: pd.DataFrame) -> pd.DataFrame:
    """The same for readers: with units, under names in words."""
    told = frame.assign(
        **{name: [None if pd.isna(one) else unit(one) for one in frame[name]] for name, (_, unit) in MEASURES.items()}
    )
    return told.rename(columns={name: title for name, (title, _) in MEASURES.items()}).rename(columns=_words)


def _words(name: str) -> str:
    return name.replace("_", " ") if name in SETUP else name


def _setup(label: str, run: Run, packages: Collection[str] | None) -> dict[str, Any]:
    setup = {"run": label, **{name: about.of(run) for name, about in SETUP.items()}}
    told = run.machine.packages.items()
    wanted = {name: version for name, version in told if packages is None or name in packages}
    return {**setup, **wanted, **setup}  # no package takes the place of what is ours


def _listed(values: Iterable[Any]) -> str | None:
    return ", ".join(dict.fromkeys(map(str, values))) or None
