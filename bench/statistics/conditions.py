"""Whether two runs were made alike: what makes their times differ whatever the code does."""

from collections.abc import Collection, Iterator, Mapping

from bench.records.record import Machine, Run
from bench.statistics.verdict import are_sides, differing_values, measured_in_both, told

MACHINE = ("cpu", "cores", "physical_cores", "affinity", "governor", "os")
SETTINGS = ("device_name", "threads", "cores", "matmul_precision", "steps", "seed")  # of the records
TITLES = {"cores": "pinned cores", "device_name": "device name", "matmul_precision": "matmul precision"}
ACROSS = {"threads": ("cores",)}  # what may be what is compared, and what follows from it


def unlike(old: Run, new: Run, across: Collection[str] = ()) -> list[str]:
    """What makes two runs' times differ whatever the code does, with both values: "threads 1 and 2".

    across: of ACROSS, what is compared and so may differ. Whatever the sides of an A/B run differ in is compared.
    """
    if are_sides(old, new):
        return []
    differing = [
        *_differing(_machine(old), _machine(new)),
        *_differing(_collector(old, new), _collector(new, old)),
        *_settings(old, new, across),
        *_differing(old.machine.environment, new.machine.environment),
    ]
    return [" ".join(f"{name} {first} and {second}".split()) for name, first, second in differing]


HARDWARE = ("cpu", "cores", "physical_cores")  # what makes a machine another one, whatever runs on it
SOFTWARE = ("os", "python")


def elsewhere(recorded: Machine, other: Machine) -> list[str]:
    """What makes one machine another than the one that a run was made on, with both values: "cores 2 and 8"."""
    return [f"{name} {first} and {second}" for name, first, second in _differing(*_told(HARDWARE, recorded, other))]


def since(recorded: Machine, other: Machine) -> list[str]:
    """What runs on a machine, and is not what ran when a run was made: "torch 2.12.0, now 2.13.0"."""
    there = {name: version for name, version in recorded.packages.items() if name in other.packages}
    versions = there, {name: other.packages[name] for name in there}
    changed = [*_differing(*_told(SOFTWARE, recorded, other)), *_differing(*versions)]
    return [f"{name} {first}, now {second}" for name, first, second in changed]


def _told(names: Collection[str], *machines: Machine) -> Iterator[dict[str, str]]:
    return ({name: told(getattr(machine, name)) for name in names} for machine in machines)


def _differing(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    for name in [*old, *sorted(new.keys() - old.keys())]:
        if old.get(name) != new.get(name):
            yield name, old.get(name, "unset"), new.get(name, "unset")


def _machine(run: Run) -> dict[str, str]:
    return {"machine's cores" if name == "cores" else name: told(getattr(run.machine, name)) for name in MACHINE}


def _collector(run: Run, other: Run) -> dict[str, str]:
    """Whether Python collected no garbage in rounds; nothing where either has no round."""
    return {} if None in (run.disable_gc, other.disable_gc) else {"disable_gc": told(run.disable_gc)}


def _settings(old: Run, new: Run, across: Collection[str]) -> Iterator[tuple[str, str, str]]:
    """Those of the measured cases that differ, by name."""
    cases = measured_in_both(old, new)
    free = {
        (field, case)
        for name in across
        for case in cases
        if getattr(old.by_case[case], name) != getattr(new.by_case[case], name)
        for field in (name, *ACROSS[name])
    }
    for name in SETTINGS:
        if values := differing_values(old, new, name, [case for case in cases if (name, case) not in free]):
            first, second = values
            yield TITLES.get(name, name), first, second
