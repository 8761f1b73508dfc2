"""`--keep-code`: the texts lie beside the run, and are what its records tell the fingerprint of."""

import pytest

from bench.anatomy.texts import fingerprint
from bench.cases.options import choice_of
from bench.measuring.kept_code import beside
from bench.measuring.runner import Runner
from bench.records.generated import folder_of, kept
from bench.sides.side import here


def test_a_run_keeps_what_its_fingerprints_are_of(tmp_path):
    pytest.importorskip("jax")
    path, warned = tmp_path / "run.json", []
    words = {"variant": ["manual"], "backend": ["numpy", "jax-loop"], "dtype": ["float32"], "device": ["cpu"]}
    runner = Runner(choice_of(**words, steps="20", cold="0"), [here()], timed=False)
    runner.keep_code = beside({side.label: path for side in runner.sides}, warned.append)
    runner.select(planned.case for planned in runner.planned)
    numpy, jax = (runner.record(planned.case) for planned in runner.planned)
    texts = kept(path, jax.case, jax.fingerprint)
    assert {*texts} == {"hlo", "options"} and fingerprint(texts) == jax.fingerprint
    assert numpy.fingerprint is None and not (folder_of(path) / numpy.case.id).exists()
    assert warned == []


def test_what_cannot_be_written_is_told_and_costs_no_case(tmp_path):
    from builders import case

    (tmp_path / "run.code").write_text("a file")
    warned = []
    beside({"": tmp_path / "run.json"}, warned.append)("", case(), {"hlo": "text"})
    (line,) = warned
    assert "run.code: cannot be written" in line
