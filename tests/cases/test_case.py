"""What a choice needs, in closed form."""

import pytest

from bench.cases import choice
from bench.cases.choice import ARRAYS
from bench.cases.options import choice_of
from bench.support.errors import InputError


def test_the_workers_of_all_sides_hold_their_data_together(monkeypatch):
    asked = choice_of(backend=["numpy", "torch"], variant=["manual"], dtype=["float64"], points=["1000000"], steps="1")
    one_side = 8 * 1_000_000 * ARRAYS * 2
    monkeypatch.setattr(choice, "available_memory", lambda: one_side * 3 // 2)
    asked.check_memory(sides=1)
    with pytest.raises(InputError, match=r"--points 1000000: .* for 4 worker\(s\)"):
        asked.check_memory(sides=2)
