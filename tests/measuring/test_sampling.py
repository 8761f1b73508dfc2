"""When rounds end: the warm-up by a test, the measuring by precision or by time."""

import itertools

import numpy as np
import pytest

from bench.measuring.sampling import (
    BLOCK,
    MOST_ROUNDS,
    ROUND_SECONDS,
    WALL,
    Sampler,
    is_warm,
    pace_of,
    steps_of_round,
)
from bench.records.rounds import COLUMNS, Row, joined
from bench.truth.problem import Checkpoint

STATE = {"vector-1": 1e-3}


def sampler(precision: float = 1e-9, share: float = 1.0, process: int = 0) -> Sampler:
    return Sampler(process, precision, share)


def feed(one: Sampler, seconds, steps: int = 1) -> int:
    """Give it rounds of so many seconds per iteration until it is done; how many it took."""
    for turn, value in enumerate(seconds):
        one.add(Row(one.process, turn, 0, float(turn), steps, float(value), float(value), STATE))
        if one.done:
            return turn + 1
    raise AssertionError("it never ended")


@pytest.mark.parametrize(
    ("pace", "steps", "expected"),
    [
        (ROUND_SECONDS / 2000, 2000, 2000),  # the whole fit
        (1e-9, 2000, 2000),
        (ROUND_SECONDS / 100, 2000, 100),  # 20 rounds
        (1.0, 2000, 1),  # no less than a step
        (ROUND_SECONDS / 100, 250, 125),  # evenly: 2 rounds, not one of 100 and one of 150
    ],
)
def test_a_round_takes_some_milliseconds_and_divides_the_fit_evenly(pace, steps, expected):
    assert steps_of_round(pace, steps) == expected


def stretches(*lengths_and_paces: tuple[int, float | None]) -> list[Checkpoint]:
    """Checkpoints with so many steps between each and the one before it, at these paces."""
    ends = itertools.accumulate(steps + 1 for steps, _ in lengths_and_paces)
    return [Checkpoint(end, [], 0.0, [], pace) for end, (_, pace) in zip(ends, lengths_and_paces, strict=True)]


def test_the_pace_is_that_of_the_longer_stretches():
    early = [(0, None), (0, None), (2, 90.0), (4, 50.0), (9, 20.0), (29, 7.0)]
    assert [one.step for one in stretches(*early)] == [1, 2, 5, 10, 20, 50]
    assert pace_of(stretches(*early, (49, 3.0), *[(99, 2.0)] * 2)) == 2.0
    assert pace_of(stretches(*early)) == 7.0
    assert pace_of(stretches(*early[:3])) == 90.0  # which is all that a fit of 5 steps has
    assert pace_of(stretches(*early[:2])) is None


def test_a_falling_sequence_is_not_warm_and_a_level_one_is():
    assert not is_warm([8, 7, 6, 5, 4, 3, 2, 1])
    assert is_warm([1, 2, 1, 2, 1, 2, 1, 2])
    assert is_warm([1, 2, 3, 4, 5, 6, 7, 8])  # slower is drift, not warm-up


def test_the_warm_up_ends_with_the_first_block_that_is_level_and_is_marked():
    one = sampler(share=4.0)
    falling = np.linspace(0.2, 0.1, 2 * BLOCK)
    noise = np.random.default_rng(0).uniform(0.05, 0.06, 1000)
    count = feed(one, itertools.chain(falling, noise))
    assert one.warm_up == 2 * BLOCK
    rounds = one.rounds()
    assert rounds.warm_up == [True] * (2 * BLOCK) + [False] * (count - 2 * BLOCK)
    assert count - 2 * BLOCK >= BLOCK
    assert max(rounds.kept.seconds) < 0.06 < min(falling)


def test_a_process_that_never_warms_up_ends_all_the_same_and_keeps_its_last_block():
    one = sampler(share=1.0)
    count = feed(one, np.linspace(1.0, 0.5, 10_000))
    assert one.warm_up is None
    assert len(one.rounds().kept.seconds) == BLOCK
    assert count < 100


def test_rounds_end_when_the_share_of_time_is_spent():
    one = sampler(share=0.1)
    # 1e-3 s x 5 steps a round: 20 rounds are the share
    assert feed(one, np.random.default_rng(1).uniform(0.9e-3, 1.1e-3, 1000), steps=5) in (19, 20, 21)
    assert not one.precise


def test_rounds_end_early_when_the_process_knows_its_own_figure():
    one = sampler(precision=0.01, share=1e9)
    assert feed(one, itertools.repeat(1e-3)) == 2 * BLOCK  # a block of warm-up test, then the first that may decide


def test_what_the_controls_share_with_the_rounds_is_no_doubt_about_their_figure():
    """A machine that goes up to twice as slow; without controls it is time that ends it."""
    slow = np.random.default_rng(2).uniform(1, 2, 10_000)
    for told, precise in ((True, True), (False, False)):
        one = sampler(precision=0.01, share=1.0)
        for turn, factor in enumerate(slow):
            state = {"vector-1": 1e-3 * factor if told else None}
            one.add(Row(0, turn, 0, float(turn), 1, 1e-3 * factor, 1e-3 * factor, state))
            if one.done:
                break
        assert one.precise == precise


def test_rounds_end_when_twice_their_share_has_passed_on_the_clock():
    """A fit of one step: next to nothing of the time that passes is timed."""
    one = sampler(share=0.1)
    for turn, value in enumerate(np.random.default_rng(1).uniform(0.9e-6, 1.1e-6, 1000)):
        one.add(Row(0, turn, 0, float(turn), 1, value, value, STATE))
        one.pass_time(0.01)
        if one.done:
            break
    assert len(one.rows) == WALL * 10


def test_no_process_makes_more_rounds_than_a_record_can_well_hold():
    noise = np.random.default_rng(1).uniform(0.9e-6, 1.1e-6, 2 * MOST_ROUNDS)
    assert feed(sampler(share=1e9), noise) == MOST_ROUNDS
    assert feed(sampler(share=1e9), np.linspace(1.0, 0.5, 2 * MOST_ROUNDS)) == MOST_ROUNDS  # even if never warm


def test_columns_are_those_of_the_record_and_join():
    one, other = sampler(share=1e-9), sampler(share=1e-9, process=1)
    for each in (one, other):
        feed(each, itertools.repeat(1e-3))
    both = joined([one.rounds(), other.rounds()])
    assert tuple(both.columns()) == COLUMNS == (*Row._fields[:-2], "warm_up")
    assert both.process == [0] * BLOCK + [1] * BLOCK  # level from the start: the block that told so is enough
    assert both.turn == [*range(BLOCK)] * 2
