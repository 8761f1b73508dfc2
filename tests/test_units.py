"""Numbers as readers read them, against what the definitions give by hand."""

import pytest

from bench import units


@pytest.mark.parametrize(
    "value, text",
    [
        (1.0, "1.00"),
        (15.04, "15.0"),
        (0.000123456, "0.000123"),
        (1234.0, "1230"),
        (999.6, "1000"),
        (0.0, "0.00"),
        (-2.5, "-2.50"),
    ],
)
def test_three_significant_digits(value, text):
    assert units.significant(value) == text


@pytest.mark.parametrize(
    "value, text",
    [
        (1.4946e-05, "14.9 µs"),
        (2.5e-9, "2.50 ns"),
        (4e-12, "0.00400 ns"),
        (0.0, "0.00 ns"),
        (0.0012, "1.20 ms"),
        (999e-9, "999 ns"),
        (999.9e-9, "1.00 µs"),  # three digits of it are 1000 ns
        (0.9996, "1.00 s"),
        (123.4, "123 s"),
    ],
)
def test_seconds_take_the_unit_that_suits(value, text):
    assert units.seconds(value) == text


@pytest.mark.parametrize("power", range(-9, 1))
def test_every_power_of_ten_is_at_least_one_of_its_unit(power):
    number = units.seconds(float(f"1e{power}")).split()[0]
    assert number in ("1.00", "10.0", "100")


def test_a_spread_has_one_unit():
    assert units.spread(0.9e-3, 0.8e-3, 1.5e-3) == "900 µs (800 to 1500)"


@pytest.mark.parametrize(
    "value, text",
    [(37302272, "35.6 MiB"), (2**30, "1.00 GiB"), (2**30 - 1, "1.00 GiB"), (1023, "1020 B"), (0, "0.00 B")],
)
def test_memory_is_binary(value, text):
    assert units.memory(value) == text


@pytest.mark.parametrize(
    "ratio, text",
    [
        (4.0, "4.00x faster"),
        (0.25, "4.00x slower"),
        (1.0, "as fast"),
        (1.004, "as fast"),
        (1 / 1.004, "as fast"),
        (1.01, "1.01x faster"),
        (1 / 1.01, "1.01x slower"),
    ],
)
def test_a_ratio_says_which_way(ratio, text):
    assert units.speed(ratio) == text


def test_errors_and_shares():
    assert units.error(3.6023e-06) == "3.6e-06"
    assert units.percent(0.08427) == "8.43 %"
