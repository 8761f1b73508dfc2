"""Texts that are kept beside a run: whole, of that run, or none."""

from builders import case

from bench.anatomy.texts import fingerprint
from bench.records.generated import folder_of, keep, kept

TEXTS = {"hlo": "HloModule\n", "options": "XLA_FLAGS =\n"}


def test_what_was_kept_is_read_back(tmp_path):
    run = tmp_path / "run.json"
    keep(folder_of(run), case(), TEXTS)
    assert folder_of(run) == folder_of(tmp_path / "run.json.journal") == tmp_path / "run.code"
    assert (tmp_path / "run.code" / case().id / "hlo.txt").read_text() == TEXTS["hlo"]
    assert kept(run, case(), fingerprint(TEXTS)) == TEXTS
    assert kept(run, case(backend="jax"), fingerprint(TEXTS)) is None


def test_texts_of_another_run_are_not_taken_for_those_of_this_one(tmp_path):
    run = tmp_path / "run.json"
    keep(folder_of(run), case(), TEXTS)
    assert kept(run, case(), fingerprint({**TEXTS, "hlo": "HloModule other\n"})) is None
    (tmp_path / "run.code" / case().id / "hlo.txt").write_text("edited\n")
    assert kept(run, case(), fingerprint(TEXTS)) is None


def test_a_later_run_leaves_nothing_of_an_earlier_one(tmp_path):
    keep(tmp_path, case(), {**TEXTS, "inductor-1": "def call\n"})
    keep(tmp_path, case(), TEXTS)
    assert sorted(path.name for path in (tmp_path / case().id).iterdir()) == ["hlo.txt", "options.txt"]


def test_no_folder_is_made_for_a_case_without_a_compiler_and_no_name_leaves_it(tmp_path):
    keep(tmp_path / "run.code", case(), {})
    keep(tmp_path / "run.code", case(), {"../outside": "text"})
    assert list(tmp_path.iterdir()) == []
