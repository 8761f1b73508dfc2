"""The CI templates: what decides is the exit code, and they give no option that is not there."""

import json
import os
import re
import subprocess

import pytest
from conftest import ROOT

from bench.ab import _parser
from bench.cases.case import Case
from bench.cases.options import CACHE, KEEP_CODE, OPTIONS
from bench.reporting.verdict_data import FORMATS, as_json
from bench.statistics.decision import SAME
from bench.statistics.gate import CODES
from bench.statistics.verdict import Row, Table
from bench.support import exits


@pytest.mark.parametrize(
    ("verdict", "code", "told"),
    [
        (0, 0, ""),
        (1, 1, ""),
        (2, 2, ""),
        (3, 0, "::warning::"),
        (exits.BUG, exits.BUG, "::error::"),
        (137, 137, "::error::"),
    ],
)
def test_the_gate_fails_on_slower_and_on_bad_input_and_warns_of_what_is_undecided(tmp_path, verdict, code, told):
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\necho "$@"\nexit {verdict}\n')
    python.chmod(0o755)
    words = ["bash", str(ROOT / ".github" / "gate.sh"), "--a", "x y", "--b", "."]
    summary = tmp_path / "summary.md"
    variables = {**os.environ, "GITHUB_STEP_SUMMARY": str(summary)}
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, env=variables)
    assert done.returncode == code
    table, *rest = done.stdout.splitlines()
    assert table == "-m bench.ab --format markdown --a x y --b ."
    assert [line.startswith(told) for line in rest] == [True] * bool(told)
    assert summary.read_text() == f"{table}\n"  # what it was told, once


def test_the_docs_name_every_code_key_and_column():
    docs = (ROOT / "docs" / "ci.md").read_text()
    case = Case("manual", "numpy", "cpu", "float32", 2000)
    empty = Table("old", "new", (Row(case, SAME),), None, 0.05, True, {}, None, ())
    told = json.loads(as_json(empty, 0))
    names = [*told, *told["cases"][0], *told["counts"], *CODES, *FORMATS]
    assert [name for name in names if not re.search(rf"[`| ]{name}[`|]", docs)] == []
    codes = [*CODES.values(), 2, exits.BUG, exits.SYSTEM, exits.INTERRUPTED]
    assert [code for code in codes if f"| {code} |" not in docs] == []


def test_the_workflows_give_options_that_exist():
    known = {option for action in _parser()._actions for option in action.option_strings}
    known |= {option.name for option in OPTIONS} | {CACHE[0], KEEP_CODE[0], "--benchmark-disable", "--benchmark-json"}
    lines = [line for path in (ROOT / ".github" / "workflows").glob("*.yml") for line in path.read_text().splitlines()]
    ours = [line for line in lines if "gate.sh" in line or "bench" in line]
    used = {option for line in ours for option in re.findall(r"(?<!\S)(--[a-z-]+)", line)}
    assert used and used <= known | {"--output"}, used - known
