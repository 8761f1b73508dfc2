"""Cases that hold their data together: as many as fit, all sides of a case in one batch."""

from bench.measuring.batches import PART, batches, room


def split(sizes: dict[str, int], limit: float, sides: str = "a") -> list[set[str]]:
    items = [(name, side) for name in sizes for side in sides]
    found = batches(items, lambda item: item[0], lambda item: sizes[item[0]], limit)
    assert sorted(each for batch in found for each in batch) == sorted(items)
    for batch in found:
        names = {name for name, _ in batch}
        assert len(batch) == len(names) * len(sides)
    return [{name for name, _ in batch} for batch in found]


SIZES = {"numpy": 7, "torch": 16, "jax": 8, "jax-loop": 9}


def test_what_fits_is_one_batch():
    assert split(SIZES, 40) == [{*SIZES}]
    assert split({}, 40) == []


def test_what_does_not_fit_is_as_few_batches_as_go():
    assert split(SIZES, 24) == [{"torch", "jax"}, {"jax-loop", "numpy"}]
    assert split(SIZES, 16) == [{"torch"}, {"jax-loop", "numpy"}, {"jax"}]


def test_what_fits_nowhere_is_alone():
    assert split(SIZES, 0) == [{"torch"}, {"jax-loop"}, {"jax"}, {"numpy"}]


def test_the_sides_of_a_case_stay_together():
    assert split(SIZES, 48, "ab") == [{"torch", "jax"}, {"jax-loop", "numpy"}]


def test_some_of_what_is_available_is_left_over(monkeypatch):
    monkeypatch.setattr("bench.measuring.batches.available_memory", lambda: 1000)
    assert room() == PART * 1000 < 1000
