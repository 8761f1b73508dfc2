"""The error of sums in order, simulated: NumPy's `add.accumulate` adds one term after another, in the terms' dtype."""

import numpy as np
import pytest
from test_mutations import CODE, MUTATIONS, held

from bench.truth.adding import errors_in_order
from bench.truth.check import DisagreementError

PLACES = 200
EPS = float(np.finfo("float32").eps)
CUBICS = np.random.default_rng(1).uniform(-0.6, 0.6, (6, 4)).tolist()


def terms(cubic: list[float], points: int, dtype: str) -> np.ndarray:
    """A cubic's residuals to the sine, times x, x^2 and x^3, shape (3, points): what a layer's gradient adds up."""
    x = np.linspace(-np.pi, np.pi, points)
    y, x = np.sin(x).astype(dtype), x.astype(dtype)
    a, b, c, d = np.array(cubic, dtype)
    residual = a + x * (b + x * (c + x * d)) - y
    return np.stack([residual * x, residual * x * x, residual * x * x * x])


def in_order(values: np.ndarray, lanes: int = 1) -> np.ndarray:
    """Sums along the last axis, every lane in order, the lanes' sums exactly."""
    rows = values.reshape(*values.shape[:-1], -1, lanes)
    return np.add.accumulate(rows, axis=-2)[..., -1, :].astype(float).sum(axis=-1)


def ratios(
    points: int, lanes: int = 1, assumed: int | None = None, onto: float = 0.0, known: bool = True
) -> np.ndarray:
    """What sums in order err by, in parts of what is expected of as many lanes, or of so many as are assumed.

    onto: what they are added to, times their own size; known: whether the expectation knows of that.
    """
    found = []
    for cubic in CUBICS:
        single, sample = terms(cubic, points, "float32"), terms(cubic, PLACES, "float64")
        start = (onto * np.abs(single.astype(float).sum(axis=-1, keepdims=True))).astype("float32")
        told = start if known else 0.0
        new, same = errors_in_order(sample, np.full_like(sample, np.inf), points, assumed or lanes, EPS, onto=told)
        assert not same.any()
        whole = np.concatenate([start, single], axis=-1) if onto else single
        found.append((in_order(whole, lanes) - whole.astype(float).sum(axis=-1)) / new)
    return np.abs(found)


@pytest.mark.parametrize("lanes", [1, 16])
@pytest.mark.parametrize("points", [2_000, 20_000, 400_000])
def test_a_sum_in_order_errs_by_what_is_expected(points, lanes):
    """From where every rounding is as good as random to where whole regions of terms err alike: a factor of 10^3."""
    found = ratios(points, lanes)
    assert 0.1 < np.sqrt((found**2).mean()) < 1.5
    assert found.max() < 3


def test_a_sum_onto_something_large_errs_by_what_that_makes_of_it():
    """As where a compiler adds a product to what is left of a velocity."""
    found = ratios(2_000, onto=10.0)
    assert 0.1 < np.sqrt((found**2).mean()) < 1.5
    assert found.max() < 3
    assert np.median(ratios(2_000, onto=10.0, known=False)) > 10


def test_a_worse_way_of_adding_errs_by_far_more_than_is_expected_of_a_better_one():
    assert np.median(ratios(400_000, lanes=1, assumed=16)) > 10


def test_what_does_not_change_errs_the_same_in_the_next_step():
    sample = terms(CUBICS[0], PLACES, "float64")
    new, same = errors_in_order(sample, np.zeros_like(sample), 20_000, 1, EPS)
    moving, _ = errors_in_order(sample, np.full_like(sample, np.inf), 20_000, 1, EPS)
    assert not new.any()
    assert same == pytest.approx(moving)


def test_sums_of_many_blocks_err_by_less_than_one_sum():
    sample = terms(CUBICS[0], PLACES, "float64")
    still = np.zeros_like(sample)
    (_, whole), (_, blocks) = (errors_in_order(sample, still, 4_000_000, 8, EPS, block) for block in (np.inf, 8192))
    assert np.all(blocks < whole / 20)


def slow(values: np.ndarray) -> np.float32:
    return np.add.accumulate(values)[-1]


def step_in_order(parameters, inputs, target, rate):
    """The step of `manual` whose sums are added in order, one after another, as no library's reductions are."""
    code = CODE["manual"]
    residual = code.forward(parameters, inputs) - target
    gradients = tuple(slow(2 * residual * power) for power in (np.ones_like(target), *inputs))
    return code.update(parameters, gradients, rate), slow(residual * residual)


def test_reductions_that_add_all_terms_in_order_are_refused():
    with pytest.raises(DisagreementError, match=r"left the exact fit at step"):
        held("manual", "float32", step_in_order, steps=20, points=400_000)


@pytest.mark.parametrize(
    ("name", "dtype"), [("a rate off by 1 %", "float32"), ("a rate off by 1 % in RMSprop", "float32")]
)
def test_of_many_points_a_mutation_is_caught_too(name, dtype):
    """All of test_mutations are, by checkpoints from the first step on; docs/measurement.md says at which sizes."""
    variant, _, step = MUTATIONS[name]
    with pytest.raises(DisagreementError, match=r"left the exact fit at step 1: "):
        held(variant, dtype, step, steps=100, points=200_000)


@pytest.mark.parametrize("variant", CODE)
def test_of_many_points_a_right_fit_agrees(variant):
    assert held(variant, "float32", steps=100, points=200_000).bound_fraction < 0.5
