"""The CI templates: what decides is the exit code, and they give no option that is not there."""

import re
import subprocess

import pytest
from conftest import ROOT

from bench.ab import _parser
from bench.cases.options import CACHE, OPTIONS


@pytest.mark.parametrize(("verdict", "code"), [(0, 0), (1, 1), (2, 2), (3, 0)])
def test_the_gate_fails_on_slower_and_on_bad_input_and_warns_of_what_is_undecided(tmp_path, verdict, code):
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\necho "$@"\nexit {verdict}\n')
    python.chmod(0o755)
    words = ["bash", str(ROOT / ".github" / "gate.sh"), "--a", "x y", "--b", "."]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == code
    assert done.stdout.splitlines()[0] == "-m bench.ab --a x y --b ."
    assert ("::warning::" in done.stdout) == (verdict == 3)


def test_the_workflows_give_options_that_exist():
    known = {option for action in _parser()._actions for option in action.option_strings}
    known |= {option.name for option in OPTIONS} | {CACHE[0], "--benchmark-disable", "--benchmark-json"}
    lines = [line for path in (ROOT / ".github" / "workflows").glob("*.yml") for line in path.read_text().splitlines()]
    ours = [line for line in lines if "gate.sh" in line or "bench" in line]
    used = {option for line in ours for option in re.findall(r"(?<!\S)(--[a-z-]+)", line)}
    assert used and used <= known | {"--output"}, used - known
