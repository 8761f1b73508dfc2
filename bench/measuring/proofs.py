"""Proofs that a case did what it is said to: that its step was compiled, and that it computed in its dtype."""

from collections.abc import Mapping, Sequence

from bench.backends.base import Backend
from bench.records.slowing import is_on
from bench.truth.check import DisagreementError


def switched_off(backend: Backend, environ: Mapping[str, str]) -> str:
    """The variables that are set and can turn the backend's compiler off, as the end of a sentence; or nothing."""
    named = [f"{name}={environ[name]}" for name in backend.switches if is_on(environ.get(name, ""))]
    return f" ({', '.join(named)} is set)" if named else ""


def hold_first_call(compilations: int | None, cache_hits: int | None) -> None:
    """Raises DisagreementError for a first call in which the compiler counted nothing. None: there is none, or an older
    worker, which does not tell.
    """
    if compilations is not None and compilations + (cache_hits or 0) < 1:
        raise DisagreementError("nothing was compiled: neither a compilation nor a cache hit in the first call")


def hold_compiled(interpreted: bool | None) -> None:
    """Raises DisagreementError for a step that Python ran line by line after it was compiled, or instead."""
    if interpreted:
        raise DisagreementError("the step is not compiled: Python ran its own code in a later call")


def hold_dtypes(dtype: str, found: Mapping[str, Sequence[str]]) -> None:
    """Raises DisagreementError for data, a state or a loss of any other dtype."""
    for name, dtypes in found.items():
        if other := [one for one in dtypes if one != dtype]:
            raise DisagreementError(f"`{name}`: {', '.join(other)} where the case says {dtype}")
