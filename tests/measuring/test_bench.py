"""`pytest bench` as a user runs it, with the one backend that starts fast: its JSON and its options.

What is wrong with their words is in tests/cases/test_options.py.
"""

import json
import statistics
import subprocess
import sys

import pytest
from conftest import ROOT, bench, records

from bench.cases.options import choice_of
from bench.measuring.runner import Runner
from bench.records.rounds import COLUMNS
from bench.sides.side import here

FAST = ("--device", "cpu", "--backend", "numpy", "--steps", "300", "--processes", "2", "--max-time", "0.1")
SMALL = (*FAST, "--dtype", "float64", "--points", "200", "--seed", "3")


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A run that left its JSON, and was saved in a storage of pytest-benchmark's."""
    folder = tmp_path_factory.mktemp("run")
    path, save = folder / "deep" / "run.json", (f"--benchmark-storage={folder / 'storage'}", "--benchmark-save=one")
    done = bench(*SMALL, "--variant", "manual,nn", f"--benchmark-json={path}", *save)
    assert done.returncode == 0, done.stdout
    return done.stdout, json.loads(path.read_text()), folder / "storage"


@pytest.fixture(scope="module")
def timed(stored):
    return stored[:2]


def test_stats_are_the_workers_seconds_per_iteration(timed):
    _, document = timed
    for entry in document["benchmarks"]:
        rounds = entry["extra_info"]["rounds"]
        kept = [one for one, warming in zip(rounds["seconds"], rounds["warm_up"], strict=True) if not warming]
        assert entry["stats"]["data"] == kept
        assert entry["stats"]["rounds"] == len(kept) >= 2 * 8  # a block a process at least
        assert 1e-7 < entry["stats"]["median"] == statistics.median(kept) < 1e-3


def test_ids_groups_and_flat_fields_name_the_case(timed):
    _, document = timed
    manual, nn = document["benchmarks"]
    assert manual["param"] == "manual-numpy-cpu-float64-200"
    assert nn["group"] == "nn-cpu-float64-200"
    flat = {"variant": "nn", "backend": "numpy", "device": "cpu", "dtype": "float64", "points": 200}
    assert nn["params"] == flat
    assert flat.items() <= nn["extra_info"].items()


def test_record_holds_what_the_specification_lists(timed):
    _, document = timed
    info = document["benchmarks"][0]["extra_info"]
    assert info["schema"] == document["fitbench_schema"] == 2
    assert [step for step, _ in info["losses"]] == [100, 200, 300]
    assert info["losses"][-1][1] == pytest.approx(info["exact_losses"][-1][1], rel=1e-12)
    assert len(info["coefficients"]) == 4
    assert info["agreement"]["horizon"] == info["steps"] == 300
    assert info["agreement"]["digits"] > 12
    machine = document["machine_info"]["fitbench"]
    assert {"cpu", "cores", "affinity", "governor", "load_average", "os", "python", "git_commit", "git_dirty"} <= set(
        machine
    )
    assert machine["packages"]["numpy"]


def test_rounds_are_columns_in_turns_of_several_processes(timed):
    _, document = timed
    info = document["benchmarks"][0]["extra_info"]
    rounds = info["rounds"]
    assert set(rounds) == set(COLUMNS)
    assert {len(column) for column in rounds.values()} == {len(rounds["seconds"])}
    assert sorted(set(rounds["process"])) == [0, 1] == [one["process"] for one in info["processes"]]
    for process in (0, 1):
        turns = [turn for turn, one in zip(rounds["turn"], rounds["process"], strict=True) if one == process]
        assert turns == list(range(len(turns)))
    assert rounds["time"] == sorted(rounds["time"])
    assert sum(rounds["steps"][: rounds["turn"].index(1)]) <= 300
    assert info["sampling"]["stopped"] in ("precision", "max-time")


def test_the_worker_processes_differ(timed):
    _, document = timed
    started = [one["started"] for one in document["benchmarks"][0]["extra_info"]["processes"]]
    assert started[0] < started[1]


def test_summary_tells_how_many_agree_and_how_well(timed):
    output, document = timed
    digits = min(entry["extra_info"]["agreement"]["digits"] for entry in document["benchmarks"])
    assert "2 of 2 cases agree with the exact fit" in output
    assert f"float64: {digits:.1f} digits at worst" in output


def test_pytest_benchmark_can_compare_such_files(timed, tmp_path):
    (tmp_path / "0001_a.json").write_text(json.dumps(timed[1]))
    command = [sys.executable, "-m", "pytest_benchmark", "compare", str(tmp_path / "0001_a.json")]
    assert "manual-numpy-cpu-float64-200" in subprocess.run(command, capture_output=True, text=True).stdout


def test_a_saved_run_is_compared_and_the_load_is_not_taken_for_another_machine(stored):
    _, _, storage = stored
    (saved,) = storage.glob("*/0001_one.json")
    few = (*SMALL, "--variant=manual", "--processes=1", f"--benchmark-storage={storage}", "--benchmark-compare=0001")
    document = json.loads(saved.read_text())
    document["machine_info"]["fitbench"]["load_average"] = [99.0, 99.0, 99.0]
    saved.write_text(json.dumps(document))
    done = bench(*few)
    assert "(0001_one)" in done.stdout
    assert "machine_info is different" not in done.stdout + done.stderr
    document["machine_info"]["fitbench"]["cpu"] = "another"
    saved.write_text(json.dumps(document))
    done = bench(*few)
    assert "machine_info is different" in done.stdout + done.stderr


def test_benchmark_disable_checks_without_timing(tmp_path):
    path = tmp_path / "agree.json"
    done = bench(*FAST, "--variant", "manual", "--benchmark-disable", f"--benchmark-json={path}")
    assert done.returncode == 0
    assert "2 of 2 cases agree" in done.stdout
    document = json.loads(path.read_text())
    assert document["benchmarks"] == []
    assert [entry["extra_info"]["outcome"] for entry in document["not_measured"]] == ["agreed", "agreed"]
    assert all(entry["extra_info"]["rounds"] is None for entry in document["not_measured"])


def test_k_selects_by_readable_ids():
    done = bench(*FAST, "--collect-only", "-q", "-k", "manual-numpy-cpu-float32 or optim and float64")
    found = [line for line in done.stdout.splitlines() if "::" in line]
    assert found == [
        "bench/test_fit.py::test_fit[manual-numpy-cpu-float32-2000]",
        "bench/test_fit.py::test_fit[optim-numpy-cpu-float64-2000]",
    ]


def test_bare_pytest_runs_the_tests_alone():
    # To import all of the tests takes long, and the frameworks with them.
    few = [f"--ignore={path}" for path in (ROOT / "tests").iterdir() if path.is_dir() and path.name != "cases"]
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:hypothesispytest", *few]
    found = subprocess.run(command, capture_output=True, text=True, cwd=ROOT).stdout.splitlines()
    assert {line.split("/")[0] for line in found if "::" in line} == {"tests"}


def coefficients(seed: int) -> list[float]:
    """Of the fit that `timed` makes, made here."""
    words = {"variant": ["manual"], "backend": ["numpy"], "device": ["cpu"], "dtype": ["float64"], "points": ["200"]}
    runner = Runner(choice_of(**words, steps="300", seed=str(seed)), [here()], timed=False)
    (planned,) = runner.planned
    runner.select([planned.case])
    return runner.record(planned.case).coefficients


def test_the_same_seed_gives_the_same_fit_and_another_seed_another(timed):
    _, document = timed
    manual, _ = (entry["extra_info"] for entry in document["benchmarks"])
    assert manual["seed"] == 3
    assert manual["coefficients"] == coefficients(3) != coefficients(1)


def test_jax_runs_on_the_device_asked_for_and_numpy_says_why_not(tmp_path):
    path = tmp_path / "run.json"
    done = bench(
        *("--backend", "numpy,jax-loop", "--device", "cpu:1", "--variant", "manual", "--dtype", "float32"),
        *("--steps", "200", "--processes", "1", "--max-time", "0.1", f"--benchmark-json={path}"),
        XLA_FLAGS="--xla_force_host_platform_device_count=2",
    )
    assert done.returncode == 0, done.stdout
    found = records(path)
    assert found["manual-jax-loop"]["outcome"] == "measured"
    assert found["manual-jax-loop"]["device"] == "cpu:1"
    assert (found["manual-numpy"]["outcome"], found["manual-numpy"]["reason"]) == (
        "skipped",
        "NumPy runs on the cpu, not on cpu:1",
    )


def test_a_missing_compiler_skips_with_the_command_that_installs_it(tmp_path):
    path = tmp_path / "run.json"
    words = ("--device=cpu", "--backend=torch-compile", "--variant=manual", f"--benchmark-json={path}")
    done = bench(*words, CXX="no-such-compiler")
    assert done.returncode == 0
    found = records(path)["manual-torch-compile"]
    assert done.stdout.count(f"2 skipped: {found['reason']}\n") == 1  # of both dtypes
    assert found["outcome"] == "skipped"
    assert "no-such-compiler" in found["reason"]
    assert "install" in found["reason"]


def test_a_json_path_that_is_there_and_empty_is_not_taken_away(tmp_path):
    path = tmp_path / "run.json"
    path.touch()
    path.chmod(0o640)
    assert bench("--backend", "numpy", "--collect-only", "-q", f"--benchmark-json={path}").returncode == 0
    assert path.exists()
