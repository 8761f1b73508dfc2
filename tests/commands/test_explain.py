"""`python -m bench.explain`: one screen about one case, the tax of a style, and bad input in one line."""

import numpy as np
import pytest
from builders import case, record, write

from bench import explain
from bench.studies.explaining import _rows


def test_what_a_case_takes_more_is_held_by_its_interval():
    random = np.random.default_rng(1)
    processes, turns, tax = 5, 15, 5e-6
    machine = np.exp(0.1 * random.standard_normal((processes, 1, turns)))  # which hits all of a turn alike
    own = np.array([2e-5, 2e-5 + tax]).reshape(1, 2, 1) * (1 + 0.005 * random.standard_normal((processes, 2, turns)))
    (first, _, nothing), (second, _, more) = _rows([case(), case(variant="autograd")], own * machine)
    assert (first.variant, second.variant, nothing) == ("manual", "autograd", None)
    assert more.low < tax < more.high and more.high - more.low < tax


def test_no_tax_is_told_between_backends_but_each_has_a_first():
    seconds = np.ones((3, 4, 5)) * np.array([1.0, 2.0, 10.0, 13.0]).reshape(1, 4, 1)
    cases = [case(variant=name, backend=backend) for backend in ("numpy", "jax") for name in ("manual", "autograd")]
    more = [each and each.value for _, _, each in _rows(cases, seconds)]
    assert more == [None, 1.0, None, 3.0]


def test_variants_side_by_side(capsys):
    words = ["--backend=numpy", "--variant=manual,nn", "--processes=2", "--points=500"]
    assert explain.main(words) == 0
    printed = capsys.readouterr().out
    assert "manual, numpy, cpu, float32, 500 points, 1 thread\n" in printed
    assert "x and y alone are 2, 3.91 KiB: 17.5 times that" in printed  # 35 arrays: as test_operations counts them
    assert "With 100 points, in turns in 2 fresh processes" in printed
    last = printed.splitlines()[-1].split()
    assert last[:2] == ["numpy", "nn"] and last[-5][0] in "+-"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--backend=numpy"], "--variant"),
        (["--variant=manual"], "--backend"),
        (["--variant=manual", "--backend=fortran"], "fortran"),
        (["--variant=manual", "--backend=numpy", "--points=100,200"], "--points"),
        (["--variant=manual,nn,optim", "--backend=numpy,torch,jax"], "at most 8"),
        (["--diff", "absent.json", "absent.json"], "absent.json"),
    ],
)
def test_bad_input_is_one_line(words, told, capsys):
    assert explain.main(words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and told in line


def test_two_runs_are_compared_by_their_fingerprints(tmp_path, capsys):
    paths = [
        write(tmp_path / f"{name}.json", [record(backend="jax", fingerprint=name), record(fingerprint="c")])
        for name in ("a", "b")
    ]
    assert explain.main(["--diff", *map(str, paths), "--backend=jax"]) == 0
    first, *_ = capsys.readouterr().out.splitlines()
    assert first == f"changed: 1 of 1: {case(backend='jax').id}"
