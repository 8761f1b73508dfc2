"""The state of the machine, from controls of which the truth is known."""

import math

import numpy as np
import pytest
from builders import record, rounds

from bench.statistics.states import FACTORS, QUIET, Quiet, Turns, own_half_width, states, taken
from bench.support.controls import CONTROLS, CORE, FIRST, MEMORY


def columns(**controls):
    """Four rounds, and what controls took in their turns."""
    return rounds([[1e-5] * 4], controls=controls).arrays()


def test_a_state_is_the_mean_of_the_logs_about_the_median_of_each_control():
    told = {name: [1.0, 1.0, 2.0, 1.0] for name in CORE} | {name: [3.0, 3.0, 3.0, 12.0] for name in MEMORY}
    found = states({"case": columns(**told)})["case"]
    assert found == pytest.approx(np.array([[0, 0], [0, 0], [math.log(2), 0], [0, math.log(4)]]))


def test_medians_are_of_the_whole_run():
    """Else a case that was measured while the machine was slow would be told that it was not."""
    slow, fast = (columns(**dict.fromkeys(CONTROLS, [level] * 4)) for level in (2.0, 1.0))
    found = states({"a": slow, "b": fast, "c": fast})
    assert found["a"] == pytest.approx(np.full((4, len(FACTORS)), math.log(2)))
    assert found["b"] == pytest.approx(np.zeros((4, len(FACTORS))))


def test_a_control_that_failed_shifts_nothing_and_no_control_is_no_state():
    told = {name: [1.0, 2.0, 1.0, 1.0] for name in CORE}
    told[CORE[0]] = [None, None, 5.0, 5.0]  # slower than the others, whatever the machine does
    found = states({"case": columns(**told)})["case"]
    assert found[:, 0] == pytest.approx([0, math.log(2), 0, 0])
    assert np.isnan(found[:, 1]).all()


def test_the_one_control_of_older_runs_is_a_control_of_the_core():
    found = states({"case": columns(**{FIRST: [1.0, 1.0, 1.5, 1.0]})})["case"]
    assert found[:, 0] == pytest.approx([0, 0, math.log(1.5), 0])


def test_the_quiet_state_is_undercut_in_a_quarter_of_the_turns():
    core = np.linspace(0, 1, 401)
    state = np.stack([core, 1 - core], axis=1)
    found = Quiet([_turns(0, state)])
    assert found.state[0] == pytest.approx(QUIET)
    assert found.state[1] == pytest.approx(1 - QUIET / 2, abs=0.01)  # the memory's, where the core is as quiet


def _turns(process: int, state: np.ndarray) -> Turns:
    return Turns("group", process, np.arange(len(state)), np.zeros(len(state)), state)


def test_what_few_turns_tell_of_the_quiet_state_has_the_spread_that_it_says():
    """Of 300 runs of 30 parts: the quiet states differ by what each says of itself."""
    random = np.random.default_rng(0)
    found = [
        Quiet([_turns(i % 3, random.normal(random.normal(0, 0.5), 0.1, (40, 2))) for i in range(30)]) for _ in range(60)
    ]
    seen = np.std([one.state[0] for one in found])
    assert seen == pytest.approx(np.mean([math.sqrt(one.covariance[0, 0]) for one in found]), rel=0.3)


def told(share, **changes):
    one = record([[1e-5] * len(share)], **changes)
    kept = one.kept
    return taken(one, {**kept, "cpu_seconds": kept["seconds"] * np.array(share)}).tolist()


def test_a_round_that_got_half_of_its_core_was_made_beside_somebody():
    assert told([1.0, 0.5, 0.95, 1.0]) == [False, True, False, False]
    assert told([0.5] * 4) == [True] * 4  # all the time


def test_of_several_threads_the_usual_share_is_the_measure():
    assert told([1.7, 1.7, 0.9, 1.7], threads=2) == [False, False, True, False]


def test_who_waits_for_a_device_takes_no_cpu_time_and_a_coarse_clock_tells_nothing():
    assert told([0.1] * 4, device="cuda") == [False] * 4
    assert told([0.0, 3.0, 0.0, 0.0]) == [False] * 4


def test_a_process_knows_its_own_figure_as_well_as_the_median_of_its_rounds_does():
    """Against simulation: half of a 95 % interval is 1.96 times the spread of medians of as many rounds."""
    random = np.random.default_rng(1)
    made = [np.exp(0.05 * random.normal(size=64)) for _ in range(400)]
    seen = 1.96 * np.std([np.median(one) for one in made])
    said = [own_half_width(rounds([one.tolist()]).arrays()) for one in made]
    assert np.mean(said) == pytest.approx(seen, rel=0.15)
