"""Numbers as readers read them, against what the definitions give by hand."""

import math

import pytest

from bench.reporting import units
from bench.support.errors import printable


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


@pytest.mark.parametrize("ends", [(math.nan, math.nan), (0.8e-3, math.nan)])
def test_what_is_not_known_of_an_interval_is_not_told(ends):
    assert units.spread(0.9e-3, *ends) == "900 µs"
    assert units.speeds(4.0, *ends) == "4.00x faster"
    assert units.counts(12.0, *ends) == "12"


def test_two_durations_name_their_unit_once():
    assert units.alike(27.3e-6, 32.7e-6) == ("27.3", "32.7 µs")
    assert units.alike(0.9e-3, 1.2e-3) == ("0.900", "1.20 ms")


@pytest.mark.parametrize(
    "value, text",
    [
        (0.0, "0"),
        (12.1, "13"),  # the first whole iteration by which it is paid back
        (999.0, "999"),
        (999.2, "1 000"),
        (31234.2, "31 200"),
        (2.35e7, "23 500 000"),
        (math.inf, "never"),
    ],
)
def test_counts_have_thousands_apart(value, text):
    assert units.count(value).replace("\u00a0", " ") == text


def test_an_interval_of_counts():
    assert units.counts(31234, 28000, math.inf).replace("\u00a0", " ") == "31 200 (28 000 to never)"
    assert units.counts(500, 0, math.inf, infinite="for ever") == "500 (0 to for ever)"


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


@pytest.mark.parametrize(
    "ratio, low, high, text",
    [
        (4.0, 2.0, 8.0, "4.00x faster (2.00 to 8.00)"),
        (0.25, 0.2, 0.5, "4.00x slower (2.00 to 5.00)"),
        (1.01, 0.5, 2.0, "1.01x faster (0.500 to 2.00)"),
        (0.8, 0.5, 1.25, "1.25x slower (0.800 to 2.00)"),
        (1.0, 0.5, 2.0, "as fast (0.500 to 2.00)"),
    ],
)
def test_the_interval_of_a_ratio_goes_the_same_way(ratio, low, high, text):
    assert units.speeds(ratio, low, high) == text


def test_errors_and_shares():
    assert units.error(3.6023e-06) == "3.6e-06"
    assert units.percent(0.08427) == "8.43 %"


def test_what_cannot_be_printed_is_marked():
    assert (
        printable("a\x00b\x1b[31m\u202e µ\n\t31\u00a0200 \u4e2d") == "a\ufffdb\ufffd[31m\ufffd µ\n\t31\u00a0200 \u4e2d"
    )
