"""What a choice needs, in closed form."""

from pathlib import Path

import pytest

from bench.cases import choice
from bench.cases.case import Case
from bench.cases.memory import KEPT, UNSTATED, data_bytes
from bench.cases.options import choice_of
from bench.support.errors import InputError

SIZES = (100, 2000, 10**5, 10**6, 2 * 10**7)


def test_a_fit_has_the_steps_that_its_size_leaves_time_for():
    """4 s at 40 ns a step and point are 1e8 points in all."""
    chosen = choice_of()
    assert [chosen.steps_at(points) for points in SIZES] == [2000, 2000, 1000, 100, 5]
    assert [choice_of(fit_time="40").steps_at(points) for points in SIZES] == [2000, 2000, 2000, 1000, 50]
    assert [choice_of(steps="3").steps_at(points) for points in SIZES] == [3] * 5
    assert choice_of().steps_at(10**9) == choice.FEWEST_STEPS


def test_the_steps_depend_on_the_size_alone():
    others = choice_of(variant=["nn"], backend=["jax"], dtype=["float64"], threads="1", processes="9", points=["7"])
    assert [others.steps_at(points) for points in SIZES] == [choice_of().steps_at(points) for points in SIZES]


def stating(root: Path, text: str) -> int:
    """What a case of ten million points takes whose file holds this text."""
    for name in ("fitted", "other"):
        (root / "impls" / name).mkdir(parents=True, exist_ok=True)
    (root / "impls" / "other" / "numpy_fit.py").write_text("ARRAYS = 11\nMORE = ARRAYS\n")
    (root / "impls" / "fitted" / "numpy_fit.py").write_text(text)
    return data_bytes(Case("fitted", "numpy", "cpu", "float64", 10_000_000), root)


@pytest.mark.parametrize(
    ("text", "arrays"),
    [
        ("import framework_that_is_not_installed\nARRAYS = 6\n", 6),
        ("from impls.other.numpy_fit import ARRAYS\n", 11),
        ("from ..other.numpy_fit import ARRAYS\n", 11),
        ("from impls.other.numpy_fit import ARRAYS as OTHERS\n", UNSTATED),
        ("from impls.other.numpy_fit import ARRAYS\nARRAYS = 20\n", 20),
        ("from impls.fitted.numpy_fit import ARRAYS\n", UNSTATED),
        ("from impls.nowhere.numpy_fit import ARRAYS\n", UNSTATED),
        ("ARRAYS = 3 + len('four')\n", UNSTATED),
        ("def features(x):\n    ARRAYS = 6\n", UNSTATED),
        ("not Python", UNSTATED),
        ("ARRAYS = 1\n", 4),  # the data have to be made
    ],
)
def test_a_file_states_its_arrays_and_is_not_imported(tmp_path, text, arrays):
    assert stating(tmp_path, text) == arrays * 8 * 10_000_000


def test_the_heap_may_keep_more_of_small_arrays(tmp_path):
    stating(tmp_path, "ARRAYS = 6\n")
    small, large = (
        data_bytes(Case("fitted", "numpy", "cpu", "float32", points), tmp_path) for points in (2**23 - 1, 2**23)
    )
    assert (small, large) == (6 * 4 * (2**23 - 1) * KEPT, 6 * 2**25)


def test_on_a_device_with_memory_of_its_own_the_machine_holds_what_is_made():
    def taken(device: str) -> int:
        return data_bytes(Case("nowhere", "numpy", device, "float64", 1000), Path())

    assert (taken("cuda:1"), taken("mps"), taken("cpu")) == (32_000, UNSTATED * 8000, UNSTATED * 8000)


def test_the_largest_case_must_fit_and_others_are_held_one_after_the_other(monkeypatch):
    cases = {
        Case("manual", name, "cpu", "float64", 1_000_000): 2**30 * size for name, size in (("numpy", 3), ("jax", 4))
    }
    asked = choice_of(steps="1")
    monkeypatch.setattr(choice, "available_memory", lambda: 4 * 2**30)
    asked.check_memory(cases)
    monkeypatch.setattr(choice, "available_memory", lambda: 4 * 2**30 - 1)
    with pytest.raises(InputError, match=r"^--points 1000000: manual-jax-.* would need about 4 GiB, and 4 GiB are"):
        asked.check_memory(cases)
    asked.check_memory({})
