"""The rooms: the picture shows the imports as they are, and the contracts can fail."""

import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from conftest import ROOT

sys.path.append(str(ROOT / "docs"))
import rooms

IMPORTS = "lint-imports"


def lint(checkout: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name(IMPORTS)), "--no-cache"]
    return subprocess.run(command, cwd=checkout, capture_output=True, text=True)


def test_the_picture_has_the_rooms_and_arrows_of_the_code():
    ids = {each.get("id") for each in ElementTree.parse(ROOT / "docs" / "architecture.svg").iter()}
    assert {one for one in ids if one and "->" in one} == {f"{one}->{other}" for one, other in rooms.arrows()}
    assert {room for layer in rooms.layers() for room in layer} <= ids


@pytest.mark.parametrize(
    "room", [room for layer in rooms.layers() for room in layer if (ROOT / "bench" / room).is_dir()]
)
def test_a_room_says_what_it_is_for_and_what_it_may_import(room):
    about = (ROOT / "bench" / room / "__init__.py").read_text()
    assert about.startswith('"""') and "mport" in about.split('"""')[1]


@pytest.mark.parametrize(
    ("file", "line", "broken"),
    [
        ("bench/statistics/decision.py", "import bench.workers.process", "Imports go down the rooms"),
        ("bench/reporting/units.py", "import torch", "know no worker and no framework"),
        ("bench/truth/sums.py", "import bench.backends", "The truth knows no backend"),
        ("bench/studies/spread.py", "import bench.report", "nothing imports a command"),
        ("bench/backends/base.py", "import bench.measuring.sampling", "Imports go down the rooms"),
        ("bench/workers/fit.py", "import msgspec", "needs none of the parent's libraries"),
        ("bench/truth/problem.py", "import bench.truth.bound", "No circles"),
        ("bench/extra.py", "", "Imports go down the rooms"),
    ],
)
def test_an_arrow_the_wrong_way_breaks_a_contract(copy, file, line, broken):
    with (copy / file).open("a") as code:
        code.write(f"\n{line}\n")
    done = lint(copy)
    assert done.returncode == 1
    assert any(broken in each and each.endswith("BROKEN") for each in done.stdout.splitlines()), done.stdout


def test_the_code_as_it_is_keeps_them(copy):
    assert lint(copy).returncode == 0
