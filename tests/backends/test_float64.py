"""Every case in float64; and that no dtype is left out."""

from pathlib import Path

from every_case import EveryCase

from bench.cases.case import DTYPES


class TestFloat64(EveryCase):
    dtype, digits = "float64", 13


def test_every_dtype_has_a_file():
    assert {path.stem for path in Path(__file__).parent.glob("test_float*.py")} == {f"test_{name}" for name in DTYPES}
