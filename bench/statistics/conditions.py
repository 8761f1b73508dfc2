"""Whether two runs were made alike: what makes their times differ whatever the code does."""

from collections.abc import Iterable
from typing import Any

from bench.records.record import Run
from bench.statistics.verdict import are_sides, measured_in_both

MACHINE = ("cpu", "cores", "physical_cores", "affinity", "governor", "os")
SETTINGS = ("threads", "cores", "steps", "seed")  # of the records


def unlike(old: Run, new: Run) -> list[str]:
    """What makes two runs' times differ whatever the code does, with both values: "threads 1 and 2"."""
    first, second = _conditions(old, new), _conditions(new, old)
    if are_sides(old, new):  # whose variables are what is compared
        first, second = ({**conditions, "environment": {}} for conditions in (first, second))
    pairs = [(name, first[name], second[name]) for name in first if name != "environment"]
    variables = first["environment"], second["environment"]
    pairs += [(name, *(one.get(name, "unset") for one in variables)) for name in sorted({*variables[0], *variables[1]})]
    return [f"{name} {_told(one)} and {_told(other)}" for name, one, other in pairs if one != other]


def _conditions(run: Run, other: Run) -> dict[str, Any]:
    """The machine and the settings of a run, of the latter those of the cases that both measured."""
    records, machine = run.by_case, run.machine
    told = {"machine's cores" if name == "cores" else name: getattr(machine, name) for name in MACHINE}
    cases = measured_in_both(run, other)
    settings = {
        "pinned cores" if name == "cores" else name: _distinct(getattr(records[case], name) for case in sorted(cases))
        for name in SETTINGS
    }
    return {**told, **settings, "environment": machine.environment}


def _distinct(values: Iterable[Any]) -> list[str]:
    return sorted(set(map(_told, values)))


def _told(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_told, value)) or "none"
    return "unknown" if value is None else str(value)
