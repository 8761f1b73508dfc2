"""Whether a side can run a case, and whether its code has it at all."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from builders import case
from conftest import ROOT

from bench.sides.able import unable, unwritten
from bench.sides.side import Side, here

SEEN = {"torch": ["cpu"], "numpy": ["cpu"]}
PARTS = ("bench/backends/torch_backend.py", "impls/manual/torch_fit.py")


@pytest.fixture
def side(tmp_path: Path) -> Side:
    """A checkout with what a torch case needs, and an interpreter without torch."""
    for part in PARTS:
        (tmp_path / part).parent.mkdir(parents=True)
        shutil.copy(ROOT / part, tmp_path / part)
    return replace(here(), root=tmp_path, absent=frozenset({"torch"}))


def test_what_is_missing_can_be_installed_and_is_written(side):
    torch = case(backend="torch")
    assert unwritten(torch, side) is None
    assert unable(torch, side, SEEN).startswith("torch not installed")


@pytest.mark.parametrize("part", PARTS)
def test_what_is_not_written_is_said_before_what_is_not_installed(side, part):
    (side.root / part).unlink()
    torch = case(backend="torch")
    assert unwritten(torch, side).endswith(f"there is no {part}")
    assert unable(torch, side, SEEN) == unwritten(torch, side)
