"""The samples of a case's processes as its record: what is wrong fails it, what was merely lost does not."""

import numpy as np
import pytest
from builders import AGREEMENT, case, rounds, start
from scipy import stats

from bench.anatomy.texts import DIFFERING
from bench.cases.options import choice_of
from bench.measuring.assembly import is_over, record_of
from bench.measuring.sampling import MOST_ROUNDS
from bench.records.record import FAILED, MEASURED, NOT_REACHED, Facts, Record, Sample
from bench.records.rounds import Rounds
from bench.statistics.estimate import estimated

CHOICE = choice_of(backend=["numpy"], processes="5")
KILLED = "round: the worker was killed (SIGKILL)"


def made_in(process: int, count: int = 10, seconds: float = 1e-5) -> Rounds:
    noisy = [seconds * (1 + i / count) for i in range(count)]
    return rounds([noisy], process=[process] * count)


def sound(process: int, **changes) -> Sample:
    told = {"failure": None, "facts": Facts(), "agreement": AGREEMENT, "start": start(process)}
    return Sample(side="", process=process, case=case(), **{**told, "rounds": made_in(process), **changes})


def failed(process: int, reason: str = KILLED, transient: bool = True) -> Sample:
    told = {"failure": reason, "transient": transient, "agreement": None, "rounds": None}
    return sound(process, **told)


def record(*samples: Sample) -> Record:
    return record_of(case(), CHOICE, samples, timed=True)


def test_a_lost_process_is_noted_and_the_sound_ones_are_kept():
    one = record(*(sound(i) for i in (0, 1, 2)), failed(3), sound(4))
    assert one.outcome == MEASURED and one.lost == [f"process 4: {KILLED}"]
    assert [each.process for each in one.processes] == sorted(set(one.rounds.process)) == [0, 1, 2, 4]
    assert one.sampling.asked == 5 and one.sampling.stopped != "interrupted" and not one.cut_short


def test_a_wrong_process_fails_the_case_for_good_whatever_else_was_lost():
    one = record(failed(0), sound(1), failed(2, "recompiled 3 time(s)", transient=False), sound(3))
    assert (one.outcome, one.reason) == (FAILED, "process 3: recompiled 3 time(s)")
    assert one.lost == [f"process 1: {KILLED}"] and one.rounds is None


def test_a_case_without_a_sound_process_has_failed():
    one = record(failed(0), failed(1))
    assert (one.outcome, one.reason) == (FAILED, KILLED)
    assert one.lost == [f"process 1: {KILLED}", f"process 2: {KILLED}"]


@pytest.mark.parametrize(
    ("samples", "over"),
    [
        ([], False),
        ([failed(0)], False),
        ([failed(0), sound(1), failed(2)], False),
        ([failed(0), failed(1)], True),
        ([sound(0), failed(1), failed(2)], True),
        ([sound(0), failed(1, "wrong", transient=False), sound(2)], True),
    ],
)
def test_a_case_is_tried_again_until_it_is_wrong_or_was_lost_twice_in_a_row(samples, over):
    """Each process that is lost may take its whole --case-timeout."""
    assert is_over(samples) == over


def test_a_case_that_was_given_up_is_measured_by_its_sound_processes_and_not_cut_short():
    one = record(sound(0), failed(1), failed(2))
    assert one.outcome == MEASURED and len(one.lost) == 2 and one.sampling.stopped != "interrupted"


def test_fewer_processes_than_asked_are_an_interrupted_run_however_narrow_the_interval():
    level = rounds([[1e-5] * 10], process=[0] * 10)
    (one,) = estimated([record(sound(0, rounds=level))])
    assert one.sampling.half_width == 0 and one.sampling.stopped == "interrupted" and one.cut_short
    assert record().outcome == NOT_REACHED and record().cut_short
    everything = [sound(i, rounds=rounds([[1e-5] * 10], process=[i] * 10)) for i in range(5)]
    assert record(*everything).sampling.stopped == "precision" and not record(*everything).cut_short


def test_what_ended_the_rounds_is_said():
    apart = [made_in(i, seconds=1e-5 * (1 + i)) for i in range(5)]
    assert record(*(sound(i, rounds=apart[i]) for i in range(5))).sampling.stopped == "max-time"
    apart[3] = made_in(3, count=MOST_ROUNDS)
    assert record(*(sound(i, rounds=apart[i]) for i in range(5))).sampling.stopped == "max-rounds"


def test_the_record_keeps_the_estimate_of_its_rounds():
    levels = np.array([1.0e-5, 1.1e-5, 1.2e-5, 1.1e-5, 1.0e-5])
    (one,) = estimated([record(*(sound(i, rounds=made_in(i, seconds=level)) for i, level in enumerate(levels)))])
    own = np.sqrt(1.4 * 1.5) * levels  # the medians of the logs of 1.0, 1.1 ... 1.9 times each
    assert one.estimate.process_seconds == pytest.approx(own.tolist(), rel=1e-12)
    assert one.estimate.seconds == pytest.approx(own.mean(), rel=1e-12)
    reach = stats.t.ppf(0.975, 4) * np.log(own).std(ddof=1) / np.sqrt(5)
    ends = own.mean() * np.exp([-reach, reach])
    assert [one.estimate.low, one.estimate.high] == pytest.approx(ends.tolist(), rel=1e-12)
    assert one.sampling.half_width == pytest.approx(np.exp(reach) - 1, rel=1e-12)


@pytest.mark.parametrize(
    ("told", "expected"),
    [(["a", "a", "a"], "a"), (["a", None, "a"], "a"), (["a", "a", "b"], DIFFERING), ([None, None, None], None)],
)
def test_processes_that_generated_other_code_are_told(told, expected):
    one = record(*(sound(i, facts=Facts(fingerprint=each)) for i, each in enumerate(told)), failed(3))
    assert one.fingerprint == expected
