"""Keeps the texts that compilers generated beside the JSON of a run, as soon as a worker tells them."""

from collections.abc import Callable, Mapping
from pathlib import Path

from bench.cases.case import Case
from bench.records.generated import folder_of, keep

Keep = Callable[[str, Case, Mapping[str, str]], None]  # of a side's label, a case, and its texts by name


def nowhere(label: str, case: Case, texts: Mapping[str, str]) -> None:
    """Keeps nothing."""


def beside(runs: Mapping[str, Path], warn: Callable[[str], None]) -> Keep:
    """Keeps them beside the JSON of each side, by its label. What cannot be written costs no case: it is told."""

    def kept(label: str, case: Case, texts: Mapping[str, str]) -> None:
        folder = folder_of(runs[label])
        try:
            keep(folder, case, texts)
        except OSError as error:
            warn(f"{folder}: cannot be written ({error.strerror})")

    return kept
