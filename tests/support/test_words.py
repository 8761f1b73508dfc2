"""Numbers of a command line: however they are written, they are whole, or refused in one line."""

import pytest

from bench.cases.options import choice_of
from bench.support.errors import InputError
from bench.support.words import LARGEST, number


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("2000", 2000),
        ("1e6", 10**6),
        ("1E+6", 10**6),
        ("1_000_000", 10**6),
        (" 1e3 ", 1000),
        ("1.5e3", 1500),
        ("20e-1", 2),
        (str(LARGEST), LARGEST),
    ],
)
def test_a_whole_number_may_be_written_in_short(word: str, value: int) -> None:
    found = number("--points", word, 1)
    assert found == value and type(found) is int


@pytest.mark.parametrize("word", ["1.5e0", "1.5", "2000.0", "1e", "e6", "1e-3", "1e6.5", "nan", "inf", "", "0x10"])
def test_what_is_not_whole_is_refused(word: str) -> None:
    with pytest.raises(InputError, match=r"^--points '.*': not a whole number; allowed: a whole number of at least 1$"):
        number("--points", word, 1)


@pytest.mark.parametrize("word", ["1e400", "1e999999999", "-1e400", "-1e2", "0e0", str(LARGEST + 1), "9" * 4000])
def test_what_is_too_large_or_too_small_is_refused_in_one_line(word: str) -> None:
    with pytest.raises(
        InputError, match=r"out of range; allowed: a whole number (of at least 1|from 1 to 9\d+)$"
    ) as caught:
        number("--points", word, 1)
    assert str(caught.value).startswith(f"--points {word[:50]}") and len(str(caught.value)) < 150


def test_a_list_of_sizes_may_mix_them() -> None:
    assert choice_of(points=["1e3,1_000_000", "2000"]).axes["points"] == (1000, 1000000, 2000)
