"""Whose generated code changed between two runs, and how."""

import pytest
from builders import case, record, run_of

from bench.anatomy.texts import DIFFERING, fingerprint
from bench.records.generated import folder_of, keep
from bench.reporting.code_changes import changes
from bench.support.errors import InputError

OLD, NEW = {"hlo": "one\nadd(%a, %b)\ntwo\n"}, {"hlo": "one\nmultiply(%a, %b)\ntwo\n"}


def runs(tmp_path):
    told = {"jax": (OLD, NEW), "jax-loop": (OLD, OLD)}
    found = []
    for side, name in enumerate(("old", "new")):
        records = [record(backend=one, fingerprint=fingerprint(texts[side])) for one, texts in told.items()]
        rest = [record(backend="numpy"), record(backend="torch", fingerprint=DIFFERING if side else "a")]
        found.append(run_of(str(tmp_path / f"{name}.json"), [*records, *rest]))
    return found


def test_changes_are_shown_where_the_texts_were_kept(tmp_path):
    old, new = runs(tmp_path)
    for run, texts in ((old, OLD), (new, NEW)):
        keep(folder_of(run.path), case(backend="jax"), texts)
    lines = changes(old, new).splitlines()
    assert lines[:4] == [
        "unchanged: 1 of 4",
        f"changed: 1 of 4: {case(backend='jax').id}",
        f"differs between processes: 1 of 4: {case(backend='torch').id}",
        f"not known: 1 of 4: {case().id}",
    ]
    assert "-add(%a, %b)" in lines and "+multiply(%a, %b)" in lines and " one" in lines


def test_without_texts_it_says_what_keeps_them(tmp_path):
    old, new = runs(tmp_path)
    keep(folder_of(old.path), case(backend="jax"), OLD)
    keep(folder_of(new.path), case(backend="jax"), {"hlo": "of another run\n"})
    last = changes(old, new).splitlines()[-1]
    assert last.startswith(case(backend="jax").id) and "new.code" in last and "--keep-code" in last


def test_cases_may_be_chosen_and_there_must_be_one(tmp_path):
    old, new = runs(tmp_path)
    assert changes(old, new, lambda case: case.backend == "jax-loop") == "unchanged: 1 of 1"
    with pytest.raises(InputError, match="share no such case"):
        changes(old, new, lambda case: False)
