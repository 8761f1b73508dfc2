"""Every combination of a choice, each with the reason if it will not run."""

import itertools
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from bench.cases.case import PLACES, Case, placed
from bench.cases.choice import Choice
from bench.support.errors import InputError

# No run may hold more: no report could be made of it in reasonable time.
MOST_ROWS = 400  # of a picture: a variant and a backend each
MOST_PAIRS = 500_000  # a process of a case, and a backend that it is compared with


@dataclass(frozen=True)
class Planned:
    """A case, and why it will not be run, or None."""

    case: Case
    reason: str | None


def plan(choice: Choice, devices: Sequence[str], reason: Callable[[Case], str | None]) -> list[Planned]:
    """Every case of the choice, group by group. `devices` are those that any backend sees; `reason` says why a case
    cannot be run, or None.

    Raises InputError for a device that no backend sees, and for more than a report could be made of.
    """
    for device in choice.axes["device"]:
        if device not in devices:
            raise InputError(f"--device {device!r}: no backend sees it; allowed: {', '.join(devices)}")
    axes = {**choice.axes, "device": choice.axes["device"] or tuple(devices)}
    nested = placed(*PLACES)
    cases = [
        Case(**dict(zip(nested, values, strict=True))) for values in itertools.product(*(axes[name] for name in nested))
    ]
    if (surplus := too_much(cases, len(cases) * choice.processes)) is not None:
        raise InputError(f"--processes {choice.processes}: {surplus}")
    return [Planned(case, reason(case)) for case in cases]


def too_much(cases: Collection[Case], processes: int) -> str | None:
    """Why no report could be made of these cases, measured in so many processes in all; or None."""
    variants, backends = ({getattr(case, name) for case in cases} for name in ("variant", "backend"))
    if (rows := len(variants) * len(backends)) > MOST_ROWS:
        return f"{len(variants)} variants by {len(backends)} backends are {rows}; expected at most {MOST_ROWS}"
    if (pairs := processes * len(backends)) > MOST_PAIRS:
        told = f"{processes} processes of all cases by {len(backends)} backends are {pairs}"
        return f"{told}; expected at most {MOST_PAIRS}"
    return None
