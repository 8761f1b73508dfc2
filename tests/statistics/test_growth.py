"""How cost grows: known overheads and slopes are found again, by intervals that hold them as often as they say."""

import itertools
import math

import numpy as np
import pytest
from builders import case, record

from bench.statistics.growth import LACK, Growth, crossings, growth, growths
from bench.statistics.intervals import Interval
from bench.statistics.model import fit
from bench.support.errors import InputError

CACHES = {"L1d": 2**15, "L2": 2**20, "L3": 2**25}
OVERHEAD, SLOPES = 1e-6, (1e-10, 2e-10, 8e-10, 2e-9)
SIZES = np.unique(np.geomspace(100, 2e7, 12).astype(int))
OWN = 0.02  # standard deviation of a figure's log


def truth(points, overhead=OVERHEAD, slopes=SLOPES, arrays=2) -> np.ndarray:
    """The seconds of float32 by the definition: an integral of the slope over the points."""
    ends = [0.0, *(size / (4 * arrays) for size in CACHES.values()), math.inf]
    sizes = np.asarray(points, dtype=float)
    inside = (np.minimum(sizes, end) - np.minimum(sizes, begin) for begin, end in itertools.pairwise(ends))
    return overhead + sum(slope * each for slope, each in zip(slopes, inside, strict=True))


def grown(seconds, sizes=SIZES, caches=CACHES, own=OWN, **axes) -> Growth:
    figures = [Interval(each, each * math.exp(-1.96 * own), each * math.exp(1.96 * own)) for each in seconds]
    return growth([case(points=int(size), **axes) for size in sizes], figures, caches)


def test_what_has_no_noise_is_found_exactly():
    found = grown(truth(SIZES))
    assert found.overhead.value == pytest.approx(OVERHEAD, rel=1e-3)
    assert [level.per_point.value for level in found.levels] == pytest.approx(SLOPES, rel=1e-3)
    assert [level.name for level in found.levels] == ["L1d", "L2", "L3", "memory"]
    assert [level.end for level in found.levels] == [2**12, 2**17, 2**22, math.inf]
    assert found.arrays == 2
    assert found.seconds(SIZES) == pytest.approx(truth(SIZES), rel=1e-3)
    assert found.predict(int(SIZES[4])).value == pytest.approx(float(truth(SIZES[4])), rel=1e-3)
    assert np.isnan(found.seconds([49, 10**9])).all()


def test_between_the_sizes_a_sharp_step_is_held_by_the_interval():
    """Slopes that grow fourfold at one size."""
    found = grown(truth(SIZES))
    for size in np.geomspace(SIZES[0], SIZES[-1], 50).astype(int).tolist():
        predicted = found.predict(size)
        assert predicted.low < float(truth(size)) < predicted.high
        assert predicted.value == pytest.approx(float(truth(size)), rel=0.2)


@pytest.mark.parametrize("arrays", [2, 8])
def test_intervals_hold_the_truth_as_often_as_they_say(arrays):
    """Of 95 %: of 40 simulated runs fewer than 33 hold it by chance once in a thousand."""
    random = np.random.default_rng(arrays)
    held = np.zeros(3)
    exact = truth(SIZES, arrays=arrays)
    for _ in range(40):
        found = grown(exact * np.exp(math.hypot(OWN, LACK) * random.normal(size=len(SIZES))))
        predicted = found.predict(300_000)
        pairs = [
            (found.overhead, OVERHEAD),
            (found.levels[-1].per_point, SLOPES[-1]),
            (predicted, float(truth(300_000, arrays=arrays)) * math.exp(LACK * random.normal())),
        ]
        held += [one.low <= value <= one.high for one, value in pairs]
    assert held.min() >= 33


def test_a_step_is_found_where_the_working_set_leaves_the_cache():
    """Eight arrays of float32 leave a cache of 1 MiB at 32,768 points, where a point costs ten times as much."""
    sizes = np.geomspace(1000, 1e6, 10)
    found = grown(1e-6 + 1e-10 * sizes + 9e-10 * np.maximum(sizes - 2**15, 0), sizes=sizes, caches={"L2": 2**20})
    assert found.arrays == 8
    (near, far) = found.levels
    assert (near.end, near.name, far.name) == (2**15, "L2", "memory")
    assert [near.per_point.value, far.per_point.value] == pytest.approx([1e-10, 1e-9], rel=0.01)


def test_an_outlier_does_not_move_it():
    seconds = truth(SIZES)
    seconds[5] *= 2
    found, least_squares = grown(seconds), math.exp(math.log(2) / len(SIZES))
    moved = found.seconds(SIZES) / truth(SIZES)
    assert moved.max() < 1.15 and np.median(np.abs(np.log(moved))) < math.log(least_squares) / 2


def test_wider_beyond_what_was_measured_and_refused_beyond_twice_that():
    found = grown(truth(SIZES[:8]), sizes=SIZES[:8])
    most = int(SIZES[7])
    assert found.predict(2 * most).half_width > 1.5 * found.predict(most).half_width
    with pytest.raises(
        InputError, match=rf"^{2 * most + 1} points: .* numpy was measured at 100 to {most}; allowed: 50 to {2 * most}$"
    ):
        found.predict(2 * most + 1)
    with pytest.raises(InputError, match=r"^49 points: "):
        found.predict(49)


def test_no_more_is_said_than_was_measured():
    """A level without a size has no slope of its own, and nor has the first if one size is all that is in it."""
    sizes = [100, 1000, 10**6, 3 * 10**6]
    assert [level.name for level in grown(truth(sizes), sizes=sizes).levels] == ["L1d", "L3"]
    sizes = [1000, 10**4, 10**5, 3 * 10**5]
    assert grown(truth(sizes), sizes=sizes).levels[0].name == "L1d to L2"
    assert len(grown(truth(sizes), sizes=sizes, caches={}).levels) == 1
    with pytest.raises(ValueError, match="2 sizes; expected 3"):
        grown(truth([100, 1000]), sizes=[100, 1000])


def test_of_a_run_those_cases_that_have_three_sizes():
    timed = [record([1e-6 + 1e-9 * size] * 3, points=size) for size in (1000, 100, 10_000)]
    few = [record([1e-6] * 3, points=size, backend="torch") for size in (100, 1000)]
    figures = {case: figure.net for case, figure in fit([*few, *timed]).figures.items()}
    (found,) = growths(figures, CACHES)
    assert (found.case.backend, found.sizes.tolist()) == ("numpy", [100, 1000, 10_000])
    assert found.overhead.value == pytest.approx(1e-6, rel=0.01)


def test_backends_cross_where_their_times_are_equal():
    """1 us and 1 ns a point against 11 us and half a ns: equal at 20,000 points."""
    sizes = np.geomspace(100, 1e6, 9)
    one, other = (
        grown(a + b * sizes, sizes=sizes, backend=name, caches={})
        for name, a, b in (("numpy", 1e-6, 1e-9), ("torch", 11e-6, 5e-10))
    )
    (found,) = crossings([one, other])
    assert (found.below.backend, found.above.backend) == ("numpy", "torch")
    assert found.points.value == pytest.approx(20_000, rel=2 * LACK)
    assert found.points.low < 20_000 < found.points.high
    (back,) = crossings([other, one])
    assert back == found


def test_what_is_not_told_apart_does_not_cross():
    sizes = np.geomspace(100, 1e6, 9)
    random = np.random.default_rng(0)
    lines = [
        grown((1e-6 + 1e-9 * sizes) * np.exp(0.01 * random.normal(size=9)), sizes=sizes, backend=name)
        for name in ("numpy", "torch", "jax")
    ]
    assert crossings(lines) == []
    elsewhere = grown(1e-3 + 1e-12 * sizes, sizes=sizes, backend="torch", variant="nn")
    assert crossings([lines[0], elsewhere]) == []
