"""The tutorial's loop, which the ratios in the documents begin from, computes the fit that it is compared with."""

import dataclasses
import runpy
from pathlib import Path

import numpy as np

from bench.truth.oracle import oracle_of
from bench.truth.problem import Problem
from impls import variants

TUTORIAL = Path(__file__).parent / "tutorial.py"


def test_the_tutorial_ends_where_the_exact_fit_does(capsys):
    np.random.seed(0)
    ended = runpy.run_path(str(TUTORIAL))
    begun = dataclasses.replace(variants()["tuned"], start=lambda seed: np.array(ended["start"]))
    oracle = oracle_of(Problem(begun, "float64", 2000, 0, 2000))
    off = np.abs([ended[name] - float(exact) for name, exact in zip("abcd", oracle.state(2000), strict=True)])
    assert (off <= oracle.state_bound(2000)).all()
    assert abs(ended["loss"] - float(oracle.loss(1999))) <= oracle.loss_bound(2000)
    assert "us per iteration" in capsys.readouterr().out
