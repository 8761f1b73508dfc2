"""Whose generated code changed between two runs, and how, as far as the texts were kept beside them."""

import difflib
from collections.abc import Callable, Iterator, Mapping

from bench.anatomy.texts import CHANGED, DIFFERING, UNCHANGED, change
from bench.cases.case import Case
from bench.cases.options import KEEP_CODE
from bench.records.generated import folder_of, kept
from bench.records.record import Run
from bench.support.errors import InputError, printable

CONTEXT = 3  # lines around a change
NOT_KNOWN = "not known"


def changes(old: Run, new: Run, chosen: Callable[[Case], bool] = lambda case: True) -> str:
    """Of the chosen cases that both runs have. Raises InputError if there is none."""
    there = new.by_case
    cases = [case for case in old.by_case if case in there and chosen(case)]
    if not cases:
        raise InputError(f"{old.path} and {new.path}: share no such case")
    return printable("\n".join(_lines(old, new, cases)))


def _lines(old: Run, new: Run, cases: list[Case]) -> Iterator[str]:
    told: dict[str, list[Case]] = {UNCHANGED: [], CHANGED: [], DIFFERING: [], NOT_KNOWN: []}
    for case in cases:
        prints = (run.by_case[case].fingerprint for run in (old, new))
        told[change(*prints) or NOT_KNOWN].append(case)
    for about, found in told.items():
        if found:
            yield f"{about}: {len(found)} of {len(cases)}" + (
                "" if about == UNCHANGED else f": {', '.join(case.id for case in found)}"
            )
    for case in told[CHANGED]:
        yield ""
        yield from _difference(old, new, case)


def _difference(old: Run, new: Run, case: Case) -> Iterator[str]:
    """A unified diff of each text, or what is missing for it."""
    texts: list[Mapping[str, str]] = []
    for run in (old, new):
        found = kept(run.path, case, run.by_case[case].fingerprint)
        if found is None:
            yield f"{case.id}: its texts are not in {folder_of(run.path)}; a run with {KEEP_CODE[0]} keeps them"
            return
        texts.append(found)
    before, after = texts
    for name in sorted({*before, *after}):
        first, second = (one.get(name, "").splitlines() for one in (before, after))
        files = [f"{folder_of(run.path)}/{case.id}/{name}.txt" for run in (old, new)]
        yield from difflib.unified_diff(first, second, files[0], files[1], lineterm="", n=CONTEXT)
