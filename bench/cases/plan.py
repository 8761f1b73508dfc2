"""Every combination of a choice, each with the reason if it will not run."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.cases.case import PLACES, Case, placed
from bench.cases.choice import Choice
from bench.support.errors import InputError


@dataclass(frozen=True)
class Planned:
    """A case, and why it will not be run, or None."""

    case: Case
    reason: str | None


def plan(choice: Choice, devices: Sequence[str], reason: Callable[[Case], str | None]) -> list[Planned]:
    """Every case of the choice, group by group. `devices` are those that any backend sees; `reason` says why a case
    cannot be run, or None.

    Raises InputError for a device that no backend sees.
    """
    for device in choice.axes["device"]:
        if device not in devices:
            raise InputError(f"--device {device!r}: no backend sees it; allowed: {', '.join(devices)}")
    axes = {**choice.axes, "device": choice.axes["device"] or tuple(devices)}
    nested = placed(*PLACES)
    cases = (
        Case(**dict(zip(nested, values, strict=True))) for values in itertools.product(*(axes[name] for name in nested))
    )
    return [Planned(case, reason(case)) for case in cases]
