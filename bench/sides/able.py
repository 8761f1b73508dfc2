"""Whether a side can run a case."""

from collections.abc import Collection, Mapping
from pathlib import Path

from bench.backends import backends
from bench.cases.case import Case
from bench.cases.variants import undetermined
from bench.sides.side import Side


def unable(case: Case, side: Side, seen: Mapping[str, Collection[str]]) -> str | None:
    """Why a case cannot be run on a side, or None. `seen` maps each backend to the devices that it sees there."""
    backend = backends()[case.backend]
    reason = backend.unfit(case.device, case.dtype) or unwritten(case, side) or undetermined(case)
    reason = reason or backend.missing(case.device, side.absent, side.environ())
    if reason is None and case.device not in seen[case.backend]:
        reason = f"{case.backend} sees no {case.device} here, only {', '.join(seen[case.backend])}"
    return reason


def unwritten(case: Case, side: Side) -> str | None:
    """Which file the side's code would need to have the case at all, or None."""
    backend = backends()[case.backend]
    module = Path(*type(backend).__module__.split(".")).with_suffix(".py")
    if not (side.root / module).exists():
        return f"{case.backend} is not in this revision: there is no {module}"
    path = Path("impls", case.variant, f"{backend.fit}.py")
    if not (side.root / path).exists():
        return f"{case.variant} is not written for {case.backend}: there is no {path}"
    return None
