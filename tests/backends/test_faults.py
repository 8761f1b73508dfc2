"""Backends and variants planted into a copy of the suite: adding one takes one file, and a faulty one fails alone.

What needs no run of its own shares one: a run in which nothing fails, and one in which much does.
"""

import json
import re
import sys
import time
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any, NamedTuple

import pytest
from conftest import bench, copy_suite, interrupt, records, start

from bench import backends, report
from bench.support.errors import InputError

BACKEND = """
import os, signal, time
from bench.backends.numpy_backend import NumpyBackend

class Planted(NumpyBackend):
    name = {name!r}
    rung = 9
    {extra}

    def driver(self, step, inputs, target, rate, *more):
        calls = []
        {compiled}
        def planted(state, inputs, target, rate):
            calls.append(1)
            {fault}
            return step(state, inputs, target, rate)
        return super().driver(planted, inputs, target, rate, *more)

BACKEND = Planted()
"""

VARIANT = """
from impls.variant import CUBIC, GradientDescent, Variant, standard_normals

VARIANT = Variant(
    rung=9,
    shows="a variant of the test",
    model=CUBIC,
    start=standard_normals,
    optimiser=GradientDescent(rate={rate}),
)
"""

COUNTER = "count = 0\n    def {name}(self):\n        self.count += 1\n        return self.count"
# A compiler's work: the same code, and yet another than the one that was written.
COMPILED = "step = type(step)(step.__code__.replace(co_name='compiled'), step.__globals__)"

CPU = ("--device=cpu", "--dtype=float64")
FEW = (*CPU, "--steps=300", "--processes=1", "--max-time=0.05")


def plant(copy: Path, name: str = "planted", fault: str = "pass", extra: str = "", compiled: str = "pass") -> Path:
    """A backend in a file of its own, which does what NumPy does but for the fault, in every step."""
    path = copy / "bench" / "backends" / f"{name}_backend.py"
    path.write_text(BACKEND.format(name=name, fault=fault, extra=extra, compiled=compiled))
    return path


def plant_variant(copy: Path, name: str, rate: float = 1e-6) -> None:
    """A variant written for NumPy only."""
    folder = copy / "impls" / name
    folder.mkdir()
    (folder / "__init__.py").write_text(VARIANT.format(rate=rate))
    (folder / "numpy_fit.py").write_text("from impls.manual.numpy_fit import *\n")


class Outcome(NamedTuple):
    """A run that has ended, its JSON, and the records in it by variant and backend."""

    done: CompletedProcess[str]
    path: Path
    found: dict[str, dict[str, Any]]


def outcome(copy: Path, *words: str) -> Outcome:
    path = copy.parent / "run.json"
    done = bench(*FEW, f"--benchmark-json={path}", *words, cwd=copy)
    return Outcome(done, path, records(path))


@pytest.fixture(scope="module")
def healthy(tmp_path_factory) -> Outcome:
    """A run of planted backends and a planted variant that have no fault."""
    copy = copy_suite(tmp_path_factory.mktemp("healthy"))
    plant(copy)
    plant(copy, "noisy", "print('noise'); os.write(1, b'more noise')")
    plant(copy, "absent", extra='packages = ("no_such_framework",); extra = "planted"')
    plant_variant(copy, "again")
    few = "planted or numpy or manual or (again and torch)"
    words = ("--backend=numpy,torch,planted,noisy,absent", "--variant=manual,optim,again", "-k", few)
    return outcome(copy, *words)


def test_a_new_backend_is_one_file(healthy):
    assert healthy.done.returncode == 0, healthy.done.stdout
    new = {
        name: one["outcome"] for name, one in healthy.found.items() if re.match("(manual|optim)-(numpy|planted)", name)
    }
    assert new == dict.fromkeys(["manual-numpy", "manual-planted", "optim-numpy", "optim-planted"], "measured")


def test_a_new_variant_is_one_folder(healthy):
    assert healthy.done.returncode == 0, healthy.done.stdout
    assert healthy.found["again-numpy"]["outcome"] == "measured"
    assert healthy.found["again-numpy"]["coefficients"] == healthy.found["manual-numpy"]["coefficients"]


def test_what_a_framework_prints_does_not_break_the_protocol(healthy):
    assert healthy.found["manual-noisy"]["outcome"] == "measured", healthy.done.stdout


def test_a_framework_that_is_not_installed_skips_with_the_command_that_installs_it(healthy):
    assert healthy.done.returncode == 0
    assert healthy.found["manual-absent"]["outcome"] == "skipped"
    assert healthy.found["manual-absent"]["reason"] == (
        "no_such_framework not installed; pip install --constraint constraints.txt --editable '.[planted]'"
    )


def test_a_variant_that_is_not_written_for_a_framework_skips_there(healthy):
    assert healthy.done.returncode == 0, healthy.done.stdout
    assert healthy.found["again-torch"]["outcome"] == "skipped"
    assert healthy.found["again-torch"]["reason"] == (
        "again is not written for torch: there is no impls/again/torch_fit.py"
    )
    unwritten = {name for name, one in healthy.found.items() if one["unwritten"]}
    assert unwritten == {"again-torch"}  # which the code does not have, unlike those for which something is missing


# By name: what a backend does in every step, and the reason that its cases fail with.
FAULTS = {
    "killed": (
        "os.kill(os.getpid(), signal.SIGKILL)",
        "the worker was killed (SIGKILL), perhaps because memory ran out",
    ),
    "exits": ("os._exit(3)", "the worker died (exit code 3)"),
    "aborts": ("os.abort()", "the worker died (SIGABRT)"),
    "raises": ("raise ValueError('planted words')", "converge: ValueError: planted words"),
    "starves": ("raise MemoryError", "converge: MemoryError"),
    "strays": ("target = target * 1.001", "left the exact fit at step 1:"),
    "exits_later": ("len(calls) > 330 and os._exit(4)", "round: the worker died (exit code 4)"),
    "strays_later": ("target = target * (1 + (len(calls) > 610) * 1e-3)", "left the exact fit at step 300"),
}
COUNTERS = {"compilations": "recompiled", "graph_breaks": "the step is not one graph"}


@pytest.fixture(scope="module")
def faulty(tmp_path_factory) -> Outcome:
    """A run of NumPy among backends that fail, each in its way, and of a variant that diverges."""
    copy = copy_suite(tmp_path_factory.mktemp("faulty"))
    for name, (fault, _) in FAULTS.items():
        plant(copy, name, fault)
    for name in COUNTERS:
        plant(copy, name, extra=COUNTER.format(name=name), compiled=COMPILED)
    plant_variant(copy, "wild", rate=1e-3)
    backends = ",".join(["numpy", *FAULTS, *COUNTERS])
    return outcome(copy, f"--backend={backends}", "--variant=manual,nn,wild", "-k", "not wild or numpy")


@pytest.mark.parametrize("name", FAULTS)
def test_a_faulty_backend_fails_with_the_reason_and_the_others_go_on(faulty, name):
    done, _, found = faulty
    assert done.returncode == 1
    for variant in ("manual", "nn"):
        assert found[f"{variant}-numpy"]["outcome"] == "measured"
        planted = found[f"{variant}-{name}"]
        assert planted["outcome"] == "failed"
        assert FAULTS[name][1] in planted["reason"], planted["reason"]
        assert planted["rounds"] is None
        assert f"failed {variant}-{name}-cpu-float64-2000: " in done.stdout
        assert f"FAILED bench/test_fit.py::test_fit[{variant}-{name}-cpu-float64-2000]" in done.stdout


@pytest.mark.parametrize("name", COUNTERS)
def test_a_recompiling_backend_and_a_broken_graph_fail(faulty, name):
    assert faulty.found[f"manual-{name}"]["outcome"] == "failed"
    assert COUNTERS[name] in faulty.found[f"manual-{name}"]["reason"]


def test_a_fit_that_diverges_fails_with_the_step_at_which_it_did(faulty):
    assert not re.search(r": ?-?(NaN|Infinity)", faulty.path.read_text())
    # The largest eigenvalue of 1 - 2 rate X is -556: 556^t passes float64's largest number between steps 110 and 113.
    step = int(faulty.found["wild-numpy"]["reason"].removeprefix("became NaN or infinite at step "))
    assert 108 <= step <= 116


def test_a_loss_beyond_all_numbers_leaves_a_file_that_can_be_read(copy):
    """After 100 steps the coefficients are some 1e274, and their loss has no number."""
    plant_variant(copy, "wild", rate=1e-3)
    _, path, found = outcome(copy, "--backend=numpy", "--variant=wild", "--steps=100")
    assert "the exact fit diverges: " in found["wild-numpy"]["reason"]
    assert found["wild-numpy"]["losses"] is None
    assert report.main([str(path), "--output", str(path.parent / "report")]) == 0


def test_a_hanging_worker_is_ended_after_the_case_timeout(copy):
    plant(copy, fault="time.sleep(3600)")
    _, _, found = outcome(copy, "--backend=numpy,planted", "--variant=manual", "--case-timeout=3")
    assert found["manual-numpy"]["outcome"] == "measured"
    assert found["manual-planted"]["outcome"] == "failed"
    assert "no answer to 'converge' within --case-timeout" in found["manual-planted"]["reason"]


# Once in the rounds of each case: a fit is 300 steps, and its first is made before any round.
IN_A_ROUND = "len(calls) == 700 and (open({seen!r}, 'a').write('x'), {then})"


def test_ctrl_c_keeps_what_was_measured_and_says_how_to_go_on(copy, tmp_path):
    path, seen = tmp_path / "run.json", tmp_path / "seen"
    twice = f"os.path.getsize({str(seen)!r}) == 2 and time.sleep(3600)"
    plant(copy, fault=IN_A_ROUND.format(seen=str(seen), then=twice))
    words = (*CPU, "--backend=planted", "--variant=manual,optim", "--steps=300", "--processes=2", "--max-time=0.1")
    process = start(path, *words, cwd=copy)
    while not seen.exists() or seen.stat().st_size < 2:  # the second group is in its rounds
        assert process.poll() is None
        time.sleep(0.01)
    output = interrupt(process)
    document, found = json.loads(path.read_text()), records(path)
    assert document["machine_info"]["fitbench"]["cut_short"]
    (measured,) = (one for one in found.values() if one["outcome"] == "measured")
    assert [one["process"] for one in measured["processes"]] == [0] and measured["sampling"]["stopped"] == "interrupted"
    assert sorted(one["outcome"] for one in found.values()) == ["measured", "not reached"]
    assert "interrupted after 0 of 2 processes" in output
    assert "1 of 2 cases agree with the exact fit, 1 not reached" in output
    (command,) = (line for line in output.splitlines() if line.startswith("go on with it: "))
    assert f"pytest bench -p no:cacheprovider -p no:hypothesispytest {' '.join(words)} " in command
    assert f" --benchmark-json={path} --resume\n" in output
    assert report.main([str(path), "--output", str(tmp_path / "report")]) == 0  # what was kept can be shown
    text = (tmp_path / "report" / "details.md").read_text()
    assert "**Cut short: run ended before all was measured that it had planned; cases have 1 of 2 processes.**" in text
    assert re.search(r"\| 1 of 2 +\|.*\| interrupted +\|", text)


@pytest.fixture(scope="module")
def losing(tmp_path_factory) -> Outcome:
    """A run of three processes, in the first of which the worker is killed."""
    folder = tmp_path_factory.mktemp("losing")
    copy, seen = copy_suite(folder), folder / "seen"
    first = f"os.path.getsize({str(seen)!r}) == 1 and os.kill(os.getpid(), signal.SIGKILL)"
    plant(copy, fault=IN_A_ROUND.format(seen=str(seen), then=first))
    return outcome(copy, "--backend=planted", "--variant=manual", "--processes=3")


def test_a_killed_worker_costs_one_process_and_is_said_everywhere(losing, tmp_path):
    done, path, found = losing
    assert done.returncode == 0, done.stdout
    one = found["manual-planted"]
    lost = "process 1: round: the worker was killed (SIGKILL), perhaps because memory ran out"
    assert one["outcome"] == "measured" and one["lost"] == [lost]
    assert [each["process"] for each in one["processes"]] == [1, 2]
    assert not json.loads(path.read_text())["machine_info"]["fitbench"]["cut_short"]
    assert f"lost of manual-planted-cpu-float64-2000: {lost}" in done.stdout
    assert report.main([str(path), "--output", str(tmp_path)]) == 0
    text = (tmp_path / "details.md").read_text()
    assert f"- manual-planted-cpu-float64-2000, {lost}" in text and "2 of 3 (1 lost)" in text


def test_an_edit_during_a_run_ends_it_with_exit_code_2(copy, tmp_path):
    path, seen, edited = tmp_path / "run.json", tmp_path / "seen", copy / "impls" / "manual" / "numpy_fit.py"
    second = f"os.path.getsize({str(seen)!r}) == 2 and open({str(edited)!r}, 'a').write('# edited')"
    plant(copy, fault=IN_A_ROUND.format(seen=str(seen), then=second))
    words = (*CPU, "--backend=planted", "--variant=manual", "--steps=300", "--processes=3", "--max-time=0.1")
    done = bench(*words, f"--benchmark-json={path}", cwd=copy)
    assert done.returncode == 2, done.stdout
    assert "interrupted after 1 of 3 processes" in done.stdout
    assert "the code was changed during the run: impls/manual/numpy_fit.py; restore it" in done.stdout
    assert [one["process"] for one in records(path)["manual-planted"]["processes"]] == [0]
    assert json.loads(path.read_text())["machine_info"]["fitbench"]["cut_short"]
    again = bench(*words, f"--benchmark-json={path}", "--resume", cwd=copy)
    assert again.returncode == 2 and ".code was" in again.stderr


@pytest.mark.parametrize("words", [["--collect-only"], ["--benchmark-skip"], ["-x", "--backend=broken,planted"]])
def test_nothing_runs_that_was_not_asked_for(copy, tmp_path, words):
    """Neither a summary nor a file is a reason to run a case: not when collecting, skipping, or stopping early."""
    marker = tmp_path / "ran"
    plant(copy, "broken", "raise ValueError('broken')")
    plant(copy, fault=f"open({str(marker)!r}, 'w')")
    bench(
        *FEW, "--backend=planted", "--variant=manual,nn", *words, f"--benchmark-json={tmp_path / 'run.json'}", cwd=copy
    )
    assert marker.exists() == (words[0] == "-x")
    if words[0] == "-x":
        found = records(tmp_path / "run.json")
        assert found["manual-broken"]["outcome"] == "failed"
        assert found["nn-planted"]["outcome"] == "not reached"


NO_BACKENDS = {
    "": "its BACKEND is None; expected a Backend",
    BACKEND.format(
        name="numpy", fault="pass", extra="", compiled="pass"
    ): "its name, 'numpy', is another backend's already",
}


@pytest.mark.parametrize(("text", "message"), NO_BACKENDS.items(), ids=["none", "twice"])
def test_a_file_that_is_no_backend_is_named(tmp_path, monkeypatch, text, message):
    (tmp_path / "planted_backend.py").write_text(text)
    monkeypatch.setattr(backends, "__path__", [*backends.__path__, str(tmp_path)])
    try:
        with pytest.raises(InputError) as caught:
            backends.backends()
    finally:
        del sys.modules["bench.backends.planted_backend"], backends.planted_backend
    assert str(caught.value) == f"bench/backends/planted_backend.py: {message}"


def test_a_file_that_is_no_backend_ends_a_run_before_it_begins(copy):
    (copy / "bench" / "backends" / "planted_backend.py").touch()
    done = bench("--backend=numpy", cwd=copy)
    assert done.returncode == 2
    assert "bench/backends/planted_backend.py: its BACKEND is None; expected a Backend" in done.stderr


def test_ctrl_c_while_the_oracle_computes_ends_the_run_and_keeps_the_file(tmp_path):
    path = tmp_path / "run.json"
    process = start(path, *CPU, "--backend=numpy", "--variant=optim", "--steps=300000")
    while not Path(f"{path}.journal").exists():
        assert process.poll() is None
        time.sleep(0.05)
    time.sleep(2)  # the oracle takes a minute; whenever the signal comes, the run must end in order
    interrupt(process)
    assert records(path)["optim-numpy"]["outcome"] == "not reached"
