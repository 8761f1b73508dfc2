"""The model of a run, against runs whose truth is known."""

import math

import numpy as np
import pytest
import simulated
from builders import record, rounds
from simulated import LOADINGS, SECONDS

from bench.records.rounds import joined
from bench.statistics.intervals import median_interval
from bench.statistics.model import fit

TIMES = 40


@pytest.fixture(scope="module")
def runs():
    """As many runs of a restless machine, of three processes."""
    return [fit(simulated.run(seed)) for seed in range(TIMES)]


@pytest.fixture(scope="module")
def truth():
    """By backend, what a run of very many processes says of the same machine: its figures are those at its quiet
    state, which is defined by what its controls read.
    """
    figures = fit(simulated.run(1000, processes=150)).figures
    return {name: np.mean([one.net.value for case, one in figures.items() if case.backend == name]) for name in SECONDS}


def test_on_a_machine_that_never_changes_a_figure_is_the_mean_of_its_processes():
    seconds = [[1e-5] * 16, [2e-5] * 16, [6e-5] * 16]
    (figure,) = fit([record(seconds)]).figures.values()
    assert figure.net.value == pytest.approx(3e-5)
    assert figure.processes == pytest.approx([1e-5, 2e-5, 6e-5])
    assert figure.raw == pytest.approx(2e-5)  # the median


def test_times_at_the_quiet_state_are_found_where_the_machine_was_slower_most_of_the_time(runs):
    """The quiet state of the simulation is none at all: log 0. Controls read it with noise of their own, so that turns
    which they call quiet are not quite.
    """
    errors = np.log([[one.net.value / SECONDS[case.backend] for case, one in run.figures.items()] for run in runs])
    raw = np.log([[one.raw / SECONDS[case.backend] for case, one in run.figures.items()] for run in runs])
    assert np.abs(errors.mean()) < 0.015 and errors.std() < 0.02
    assert np.abs(raw.mean()) > 0.1 and raw.std() > 0.05


def test_intervals_hold_the_truth_as_often_as_they_say(runs, truth):
    held = [[one.net.low <= truth[case.backend] <= one.net.high for case, one in run.figures.items()] for run in runs]
    assert 0.91 <= np.mean(held) <= 0.985  # the loadings are further from 1 than a real machine's
    by_backend = {name: [] for name in SECONDS}
    for run in runs:
        for case, one in run.figures.items():
            by_backend[case.backend].append(one.net.low <= truth[case.backend] <= one.net.high)
    assert min(np.mean(each) for each in by_backend.values()) > 0.9


def test_what_is_read_without_the_model_holds_the_truth_hardly_ever():
    """So the check above can fail."""
    held, wide = [], []
    for seed in range(10):
        for one in simulated.run(seed):
            raw = median_interval(one.kept["seconds"], one.kept["process"])
            held.append(raw.low <= SECONDS[one.case.backend] <= raw.high)
            wide.append(raw.half_width)
    assert np.mean(held) < 0.5 and np.median(wide) > 0.1


def test_intervals_are_a_few_per_cent_wide(runs):
    assert np.median([one.net.half_width for run in runs for one in run.figures.values()]) < 0.04


def test_ratios_hold_the_truth_and_are_those_of_the_figures(runs, truth):
    held = []
    for run in runs:
        for (a, b), found in run.ratios.items():
            assert found.value == pytest.approx(run.figures[b].net.value / run.figures[a].net.value)
            held.append(found.low <= truth[b.backend] / truth[a.backend] <= found.high)
    assert 0.91 <= np.mean(held) <= 0.99


def test_a_ratio_the_other_way_round_is_the_inverse(runs):
    (a, b), found = next(iter(runs[0].ratios.items()))
    back = runs[0].ratio(b, a)
    assert (1 / back.value, 1 / back.high, 1 / back.low) == pytest.approx((found.value, found.low, found.high))
    assert runs[0].ratio(a, a).value == 1.0


def test_loadings_are_found(runs):
    for name, true in LOADINGS.items():
        seen = [net.loading.value[0] for run in runs for case, net in run.nets.items() if case.backend == name]
        assert np.mean(seen) == pytest.approx(true, abs=0.02 + 0.5 * abs(true - 1))  # and drawn towards 1


def test_what_all_cases_share_is_no_state_of_the_machine():
    """Code that is slower in all cases at once is slower: controls that are foreign to it do not follow."""
    before, after = (
        fit(simulated.run(3, seconds={name: factor * value for name, value in SECONDS.items()})) for factor in (1, 1.2)
    )
    changes = [after.figures[case].net.value / one.net.value for case, one in before.figures.items()]
    assert changes == pytest.approx([1.2] * len(changes), rel=1e-9)


def test_the_correlation_of_what_is_left_with_the_state_is_about_nothing():
    left = [fit(simulated.run(seed)).correlation for seed in range(8)]
    assert abs(np.mean(left)) < 0.15
    flat = simulated.run(0)
    raw = fit([one for one in flat if one.case.backend == "numpy"])
    without = np.corrcoef(
        np.concatenate([one.raw - one.raw.mean() for one in raw.nets.values()]),
        np.concatenate([one.core - one.core.mean() for one in raw.nets.values()]),
    )[0, 1]
    assert without > 0.8  # it would be seen


def test_without_controls_figures_are_as_read():
    model = fit(simulated.run(0, controls=False))
    assert model.factors == () and math.isnan(model.correlation)
    for one, net in zip(model.figures.values(), model.nets.values(), strict=True):
        assert one.net.value == pytest.approx(np.exp(net.raw).mean())


def test_of_one_process_the_interval_is_that_of_its_rounds():
    """And figures are as read: with one process nothing can be held out."""
    random = np.random.default_rng(0)
    made = [np.exp(0.05 * random.normal(size=60)).tolist() for _ in range(200)]
    found = [next(iter(fit([record([one])]).figures.values())).net for one in made]
    assert 0.9 < np.mean([one.low <= 1.0 <= one.high for one in found]) < 0.985


def test_a_case_that_was_lost_in_two_processes_knows_what_the_others_vary_by():
    records = simulated.run(0, restless=0.0)
    first = records[0]
    one = record(backend=first.case.backend, variant=first.case.variant, rounds=first.rounds.only([0]))
    figures = fit([one, *records[1:]]).figures
    assert figures[one.case].net.half_width > 1.2 * figures[records[1].case].net.half_width


def test_rounds_beside_another_program_on_the_core_do_not_count():
    """Ten of forty rounds took twice as long, and half of their core."""
    shared = np.arange(40) % 4 == 0
    seconds = np.where(shared, 2e-5, 1e-5)
    each = rounds([seconds.tolist()] * 3, cpu_seconds=[1e-5] * 120)
    (net,) = fit([record(rounds=each)]).nets.values()
    assert net.taken == 30 and not any(shared[net.columns["turn"]])


def test_a_process_whose_rounds_all_shared_their_core_counts_by_its_cpu_time():
    halves = joined([rounds([[2e-5] * 40], cpu_seconds=[1e-5] * 40)])
    model = fit([record(rounds=halves)])
    (net,), (figure,) = model.nets.values(), model.figures.values()
    assert net.taken == 40 and len(net.net) == 40
    assert (figure.net.value, figure.raw) == pytest.approx((1e-5, 2e-5))


def test_of_several_threads_cpu_time_tells_no_seconds():
    halves = rounds([[2e-5] * 40], cpu_seconds=[3.8e-5] * 39 + [1e-5])
    (figure,) = fit([record(rounds=halves, threads=2)]).figures.values()
    assert figure.net.value == pytest.approx(2e-5)
