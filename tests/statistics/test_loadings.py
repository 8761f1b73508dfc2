"""Loadings, where they are known."""

import numpy as np
import pytest

from bench.statistics.loadings import PRIORS, RAW, Kin, Spreads, blocks, chosen, held_out, loadings

EXPECTED, SHRUNK = Spreads(1, 0.0, 0.0), Spreads(1, 0.3, 0.1)


def cases(true: float, count: int = 6, processes: int = 3, noise: float = 0.02, seed: int = 0):
    """The blocks of cases of one backend, whose logs move with the core's state by `true`."""
    random = np.random.default_rng(seed)
    found = {}
    for i in range(count):
        process = np.repeat(np.arange(processes), 40)
        core = 0.2 * random.random(processes)[process] + 0.02 * random.normal(size=len(process))
        own = 0.01 * random.normal(size=processes)[process] + noise * random.normal(size=len(process))
        found[i] = blocks(true * core + own, np.stack([core, core], axis=1), process)
    return found, {i: Kin("numpy", i) for i in found}


@pytest.mark.parametrize("true", [0.6, 1.0, 1.4])
def test_a_loading_is_found_and_so_is_how_well_it_is_known(true):
    found = [loadings(*cases(true, seed=seed), SHRUNK)[0] for seed in range(60)]
    errors = np.array([one.value[0] - true for one in found])
    said = np.sqrt([one.covariance[0, 0] for one in found])
    assert abs(errors.mean()) < 0.05  # drawn a little towards 1
    assert np.sqrt((errors**2).mean()) < 1.2 * said.mean()
    assert np.mean(np.abs(errors) < 1.96 * said) > 0.9


def test_what_is_not_told_by_the_data_stays_as_expected():
    found, kin = cases(1.4, count=1, processes=1)
    flat = {key: one.only(np.arange(len(one.raw)) < 1) for key, one in found.items()}  # a block, and so one state
    (one,) = loadings(flat, kin, Spreads(1, 0.1, 0.0)).values()
    assert one.value[0] == pytest.approx(1.0)
    assert np.sqrt(one.covariance[0, 0]) == pytest.approx(0.1)  # as little is known as before


def test_without_spread_it_is_as_expected_and_without_factors_there_is_none():
    assert loadings(*cases(1.4), EXPECTED)[0].value.tolist() == [1.0]
    assert loadings(*cases(1.4), RAW)[0].value.tolist() == []


def test_a_backend_lends_its_cases_what_they_share():
    """One case alone, with few blocks, is drawn to 1; among its kin it is not."""
    found, kin = cases(1.4, count=8)
    among = loadings(found, kin, SHRUNK)[0]
    alone = loadings({0: found[0]}, kin, SHRUNK)[0]
    assert among.covariance[0, 0] < alone.covariance[0, 0]
    assert abs(among.value[0] - 1.4) < 0.1


def test_a_case_of_two_runs_has_one_loading():
    found, _ = cases(1.4, count=2)
    kin = {0: Kin("numpy", "case"), 1: Kin("numpy", "case")}
    one, other = loadings(found, kin, SHRUNK).values()
    assert one.value.tolist() == other.value.tolist()


def test_held_out_processes_ask_for_the_factor_where_it_tells_something():
    errors = held_out(*cases(1.0), PRIORS)
    assert errors[SHRUNK] < 0.5 * errors[RAW]
    assert chosen(errors).factors == 1


def test_a_factor_that_tells_nothing_is_not_used():
    """Controls that a neighbour slows down, and cases that it does not: to take their state away would add noise."""
    errors = held_out(*cases(0.0), PRIORS)
    assert chosen(errors) == RAW


def test_of_one_process_nothing_can_be_held_out_and_all_stays_as_read():
    errors = held_out(*cases(1.0, processes=1), PRIORS)
    assert set(errors.values()) == {np.inf}
    assert chosen(errors) == RAW


def test_the_simplest_of_equals_is_chosen():
    assert chosen({RAW: 2.0, EXPECTED: 1.005, SHRUNK: 1.0}) == EXPECTED
    assert chosen({RAW: 2.0, EXPECTED: 1.5, SHRUNK: 1.0}) == SHRUNK
