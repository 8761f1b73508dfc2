"""Cases two by two: ratios and break-evens in closed form."""

import numpy as np
import pandas as pd
import pytest
from builders import record, start
from scipy import stats

from bench.reporting import pairs
from reports import framed, paid


@pytest.fixture(scope="module")
def found() -> pd.DataFrame:
    return pairs.break_evens(framed(*paid())).set_index(["backend", "other", "state"])


def test_ratios_of_every_two_backends():
    numpy, torch = ([[each] * 3 for each in paces] for paces in ((1e-5, 3e-5), (2e-5, 8e-5)))
    frame = framed(record(numpy), record(torch, backend="torch"), record(variant="nn", backend="torch"))
    ratios = pairs.ratios(frame).set_index(["variant", "backend", "other"])
    assert len(ratios) == 2  # the one of nn is alone
    assert ratios.loc[("manual", "torch", "numpy"), "ratio"] == pytest.approx(0.4, rel=1e-12)
    # The logs of the ratios of two processes, 2 and 8/3, about that of the ratio of means.
    reach = stats.t.ppf(0.975, 1) * abs(np.log(2 / (8 / 3))) / 2
    found = ratios.loc[("manual", "numpy", "torch"), ["ratio", "low", "high", "processes"]].tolist()
    assert found == pytest.approx([2.5, 2.5 * np.exp(-reach), 2.5 * np.exp(reach), 2], rel=1e-12)


def test_break_even_of_every_two(found):
    assert len(found) == 4 * 3 * 2
    assert found.loc[("jax", "numpy", "empty"), "iterations"] == pytest.approx(4e5, rel=1e-9)  # (5 - 1) / (20 - 10) µs
    assert found.loc[("numpy", "jax", "empty"), ["cheaper", "pays_back"]].tolist() == ["before", False]
    assert found.loc[("torch", "numpy", "warm"), "iterations"] == np.inf
    assert not found["pays_back"]["numpy"].any() and not found["pays_back"]["torch"].any()


def test_break_even_has_an_interval_where_there_are_two_processes(found):
    ends = found.loc[("jax", "numpy", "empty"), ["low", "high"]].tolist()
    assert ends == pytest.approx([4e5, 4e5], rel=1e-9)
    assert found.loc[("jax-loop", "numpy", "empty"), ["low", "high"]].isna().all()  # one process began so


def test_a_dear_start_without_a_cache_is_paid_back_too():
    dear = [start(i, first_call_seconds=7.0) for i in range(2)]
    frame = framed(record([[2e-5] * 3] * 2), record([[1e-5] * 3] * 2, backend="torch", processes=dear))
    found = pairs.break_evens(frame).set_index(["backend", "state"])
    assert found.loc[("torch", "empty"), "iterations"] == pytest.approx(5 / 1e-5, rel=1e-9)
    assert found["pays_back"]["torch"].all() and not found["pays_back"]["numpy"].any()
