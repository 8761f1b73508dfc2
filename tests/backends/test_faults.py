"""Backends and variants planted into a copy of the suite: adding one takes one file, and a faulty one fails alone."""

import re
import time
from pathlib import Path

import pytest
from conftest import bench, interrupt, records, start

from bench import report

BACKEND = """
import os, signal, time
from bench.backends.numpy_backend import NumpyBackend

class Planted(NumpyBackend):
    name = "planted"
    rung = 9
    {extra}

    def driver(self, step, inputs, target, rate):
        calls = []
        def planted(state, inputs, target, rate):
            calls.append(1)
            {fault}
            return step(state, inputs, target, rate)
        return super().driver(planted, inputs, target, rate)

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

ENDLESS = ("--processes=1", "--max-time=100000", "--precision=0.0001%")
CPU = ("--device=cpu", "--dtype=float64")
FEW = (*CPU, "--steps=300", "--processes=1", "--max-time=0.05")


def plant(copy, fault="pass", extra=""):
    path = copy / "bench" / "backends" / "planted_backend.py"
    path.write_text(BACKEND.format(fault=fault, extra=extra))


def plant_variant(copy, name, rate=1e-6):
    """A variant written for NumPy only."""
    folder = copy / "impls" / name
    folder.mkdir()
    (folder / "__init__.py").write_text(VARIANT.format(rate=rate))
    (folder / "numpy_fit.py").write_text("from impls.manual.numpy_fit import *\n")


def outcomes(copy, tmp_path, *words):
    path = tmp_path / "run.json"
    done = bench(*FEW, f"--benchmark-json={path}", *words, cwd=copy)
    return done, records(path)


def test_a_new_backend_is_one_file(copy, tmp_path):
    plant(copy)
    done, found = outcomes(copy, tmp_path, "--backend=numpy,planted", "--variant=manual,optim")
    assert done.returncode == 0, done.stdout
    assert {name: one["outcome"] for name, one in found.items()} == dict.fromkeys(
        ["manual-numpy", "manual-planted", "optim-numpy", "optim-planted"], "measured"
    )


def test_a_new_variant_is_one_folder(copy, tmp_path):
    plant_variant(copy, "again")
    done, found = outcomes(copy, tmp_path, "--backend=numpy", "--variant=manual,again")
    assert done.returncode == 0, done.stdout
    assert found["again-numpy"]["coefficients"] == found["manual-numpy"]["coefficients"]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (
            "os.kill(os.getpid(), signal.SIGKILL)",
            "the worker was killed (SIGKILL), perhaps because memory ran out",
        ),
        ("os._exit(3)", "the worker died (exit code 3)"),
        ("os.abort()", "the worker died (SIGABRT)"),
        ("raise ValueError('planted words')", "converge: ValueError: planted words"),
        ("raise MemoryError", "converge: MemoryError"),
        ("target = target * 1.001", "left the exact fit at step 100"),
        ("len(calls) > 303 and os._exit(4)", "round: the worker died (exit code 4)"),
        ("target = target * (1 + (len(calls) > 610) * 1e-3)", "left the exact fit at step 300"),
    ],
)
def test_a_faulty_backend_fails_with_the_reason_and_the_others_go_on(copy, tmp_path, fault, reason):
    plant(copy, fault)
    done, found = outcomes(copy, tmp_path, "--backend=numpy,planted", "--variant=manual,nn")
    assert done.returncode == 1
    for variant in ("manual", "nn"):
        assert found[f"{variant}-numpy"]["outcome"] == "measured"
        planted = found[f"{variant}-planted"]
        assert planted["outcome"] == "failed"
        assert reason in planted["reason"], planted["reason"]
        assert planted["rounds"] is None
        assert f"failed {variant}-planted-cpu-float64-2000: " in done.stdout


def test_a_hanging_worker_is_ended_after_the_case_timeout(copy, tmp_path):
    plant(copy, "time.sleep(3600)")
    _, found = outcomes(copy, tmp_path, "--backend=numpy,planted", "--variant=manual", "--case-timeout=3")
    assert found["manual-numpy"]["outcome"] == "measured"
    assert found["manual-planted"]["outcome"] == "failed"
    assert "no answer to 'converge' within --case-timeout" in found["manual-planted"]["reason"]


def test_what_a_framework_prints_does_not_break_the_protocol(copy, tmp_path):
    plant(copy, "print('noise'); os.write(1, b'more noise')")
    done, found = outcomes(copy, tmp_path, "--backend=planted", "--variant=manual", "--steps=20")
    assert found["manual-planted"]["outcome"] == "measured", done.stdout


def test_a_framework_that_is_not_installed_skips_with_the_command_that_installs_it(copy, tmp_path):
    plant(copy, extra='packages = ("no_such_framework",); extra = "planted"')
    done, found = outcomes(copy, tmp_path, "--backend=planted,numpy", "--variant=manual")
    assert done.returncode == 0
    assert found["manual-planted"]["outcome"] == "skipped"
    assert found["manual-planted"]["reason"] == (
        "no_such_framework not installed; pip install --constraint constraints.txt --editable '.[planted]'"
    )


def test_a_recompiling_backend_and_a_broken_graph_fail(copy, tmp_path):
    for counter, reason in (("compilations", "recompiled"), ("graph_breaks", "the step is not one graph")):
        extra = f"count = 0\n    def {counter}(self):\n        self.count += 1\n        return self.count"
        plant(copy, extra=extra)
        _, found = outcomes(copy, tmp_path, "--backend=planted", "--variant=manual")
        assert found["manual-planted"]["outcome"] == "failed"
        assert reason in found["manual-planted"]["reason"]


def test_a_fit_that_diverges_fails_with_the_step_at_which_it_did(copy, tmp_path):
    plant_variant(copy, "wild", rate=1e-3)
    _, found = outcomes(copy, tmp_path, "--backend=numpy", "--variant=wild")
    assert not re.search(r": -?(NaN|Infinity)", (tmp_path / "run.json").read_text())
    # The largest eigenvalue of 1 - 2 rate X is -556: 556^t passes float64's largest number between steps 110 and 113.
    step = int(found["wild-numpy"]["reason"].removeprefix("became NaN or infinite at step "))
    assert 108 <= step <= 116


def test_ctrl_c_keeps_what_was_measured(copy, tmp_path):
    path, marker = tmp_path / "run.json", tmp_path / "in the third round"
    plant(copy, f"len(calls) == 1300 and open({str(marker)!r}, 'w')")
    process = start(path, *CPU, "--backend=planted", "--variant=manual,optim", "--steps=300", *ENDLESS, cwd=copy)
    while not marker.exists():
        assert process.poll() is None
        time.sleep(0.01)
    output = interrupt(process)
    found = records(path)
    assert found["manual-planted"]["outcome"] == "measured"
    # Rounds count up to the end of the last fit that was checked, which was the second.
    steps = found["manual-planted"]["rounds"]["steps"]
    assert sum(steps) >= 600 and sum(steps) % 300 == 0
    assert found["optim-planted"]["outcome"] == "not reached"
    assert "1 of 2 cases agree with the exact fit, 1 not reached" in output
    assert f"--benchmark-json={path} --resume" in output
    assert report.main([str(path), "--output", str(tmp_path / "report")]) == 0  # what was kept can be shown


@pytest.mark.parametrize("words", [["--collect-only"], ["--benchmark-skip"], ["-x", "--backend=broken,planted"]])
def test_nothing_runs_that_was_not_asked_for(copy, tmp_path, words):
    """Neither a summary nor a file is a reason to run a case: not when collecting, skipping, or stopping early."""
    marker = tmp_path / "ran"
    plant(copy, "raise ValueError('broken')", extra='name = "broken"')
    (copy / "bench" / "backends" / "broken_backend.py").write_text(
        (copy / "bench/backends/planted_backend.py").read_text()
    )
    plant(copy, f"open({str(marker)!r}, 'w')")
    bench(
        *FEW, "--backend=planted", "--variant=manual,nn", *words, f"--benchmark-json={tmp_path / 'run.json'}", cwd=copy
    )
    assert marker.exists() == (words[0] == "-x")
    if words[0] == "-x":
        found = records(tmp_path / "run.json")
        assert found["manual-broken"]["outcome"] == "failed"
        assert found["nn-planted"]["outcome"] == "not reached"


def test_a_variant_that_is_not_written_for_a_framework_skips_there(copy, tmp_path):
    plant_variant(copy, "again")
    done, found = outcomes(copy, tmp_path, "--backend=numpy,torch", "--variant=again")
    assert done.returncode == 0, done.stdout
    assert found["again-torch"]["outcome"] == "skipped"
    assert found["again-torch"]["reason"] == "again is not written for torch: there is no impls/again/torch_fit.py"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "its BACKEND is None; expected a Backend"),
        (BACKEND.format(fault="pass", extra='name = "numpy"'), "its name, 'numpy', is another backend's already"),
    ],
)
def test_a_file_that_is_no_backend_is_named(copy, text, message):
    (copy / "bench" / "backends" / "planted_backend.py").write_text(text)
    done = bench("--backend=numpy", cwd=copy)
    assert done.returncode == 2
    assert "bench/backends/planted_backend.py" in done.stderr
    assert message in done.stderr


def test_ctrl_c_while_the_oracle_computes_ends_the_run_and_keeps_the_file(tmp_path):
    path = tmp_path / "run.json"
    process = start(path, *CPU, "--backend=numpy", "--variant=optim", "--steps=300000")
    while not Path(f"{path}.journal").exists():
        assert process.poll() is None
        time.sleep(0.05)
    time.sleep(3)  # the oracle takes a minute; whenever the signal comes, the run must end in order
    interrupt(process)
    assert records(path)["optim-numpy"]["outcome"] == "not reached"
