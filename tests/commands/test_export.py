"""`python -m bench.export`: what other tools read of a run, held to their own schemas and loaders."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from builders import record, write

from bench import export
from bench.records.record import FAILED, NOT_REACHED, SKIPPED, Estimate

COMMIT = "0123456789abcdef0123456789abcdef01234567"
NAME = "manual-numpy-cpu-float32-2000"


def estimate(seconds: float, low: float | None = None, high: float | None = None, unstable: bool = False) -> Estimate:
    samples = [seconds, seconds / 2, seconds * 1.5]
    return Estimate(seconds=seconds, low=low, high=high, confidence=0.95, process_seconds=samples, unstable=unstable)


RECORDS = [
    record(estimate=estimate(1.5e-5, 1.25e-5, 2e-5)),
    record(backend="torch", estimate=estimate(4e-5, unstable=True)),
    record(backend="jax", outcome=FAILED, reason="wrong"),
    record(backend="jax-loop", outcome=SKIPPED, reason="not installed"),
    record(variant="nn", backend="torch", outcome=NOT_REACHED),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write(tmp_path / "run.json", RECORDS, git_commit=COMMIT, git_dirty=True, cut_short=True)


def exported(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[Any, list[str]]:
    """What is on stdout as JSON, and the lines on stderr."""
    assert export.main([*map(str, words)]) == 0
    printed = capsys.readouterr()
    return json.loads(printed.out), printed.err.splitlines()


LEFT = [
    "left out: manual-jax-cpu-float32-2000: failed (wrong)",
    "left out: manual-jax-loop-cpu-float32-2000: skipped (not installed)",
    "left out: nn-torch-cpu-float32-2000: not reached",
]


def test_github_has_the_figures_in_nanoseconds_and_is_told_what_it_lacks(path, capsys):
    told, said = exported(capsys, "github", path)
    assert told == [
        {
            "name": NAME,
            "unit": "ns/iteration",
            "value": pytest.approx(15_000, rel=1e-12),
            "range": "95 % interval 12500 to 20000",
            "extra": "3 processes\n6.0 digits of agreement",
        },
        {
            "name": "manual-torch-cpu-float32-2000",
            "unit": "ns/iteration",
            "value": pytest.approx(40_000, rel=1e-12),
            "extra": "3 processes\n6.0 digits of agreement\nunstable: the processes differ by more than the machine"
            " explains",
        },
    ]
    assert said[:3] == LEFT and "cut short" in said[3] and "uncommitted changes" in said[4]


def test_bencher_has_the_latency_in_nanoseconds_and_an_interval_where_there_is_one(path, capsys):
    told, said = exported(capsys, "bencher", path)
    ends = {"lower_value": pytest.approx(12_500, rel=1e-12), "upper_value": pytest.approx(20_000, rel=1e-12)}
    assert told == {
        NAME: {"latency": {"value": pytest.approx(15_000, rel=1e-12), **ends}},
        "manual-torch-cpu-float32-2000": {"latency": {"value": pytest.approx(40_000, rel=1e-12)}},
    }
    assert said[:3] == LEFT


# As https://bencher.dev/docs/reference/bencher-metric-format publishes it.
BENCHER = {
    "$id": "https://bencher.dev/bmf.json",
    "$schema": "http://json-schema.org/draft-07/schema#",
    "type": "object",
    "patternProperties": {
        ".+": {
            "type": "object",
            "patternProperties": {
                ".+": {
                    "type": "object",
                    "properties": {name: {"type": "number"} for name in ("value", "lower_value", "upper_value")},
                    "required": ["value"],
                }
            },
        }
    },
}
# The action has no schema and is no package: this is BenchmarkResult of its src/extract.ts, which it reads unchecked.
GITHUB = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "value": {"type": "number"},
            **{name: {"type": "string"} for name in ("name", "range", "unit", "extra")},
        },
        "required": ["name", "value", "unit"],
        "additionalProperties": False,
    },
}


@pytest.mark.parametrize(("name", "schema"), [("bencher", BENCHER), ("github", GITHUB)])
def test_a_document_fits_the_schema_of_its_tool(name, schema, path, capsys):
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    told, _ = exported(capsys, name, path)
    jsonschema.validate(told, schema)
    spoilt = json.loads(json.dumps(told).replace('"value"', '"vlaue"'))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(spoilt, schema)


@pytest.fixture
def asv(path, tmp_path, capsys) -> Path:
    """A results folder of asv's, and a run in it."""
    folder = tmp_path / "results"
    assert export.main(["asv", str(path), "--output", str(folder)]) == 0
    printed = capsys.readouterr()
    assert [Path(line).is_file() for line in printed.out.splitlines()] == [True] * 3
    assert printed.err.splitlines()[:3] == [line.replace("left out", "no figure") for line in LEFT]
    return folder


def loaded(folder: Path) -> tuple[Any, Any]:
    """The one result in a folder, and the benchmarks, as asv's own loaders read them."""
    results = pytest.importorskip("asv.results", reason="asv is not installed")
    from asv.benchmarks import Benchmarks
    from asv.config import Config

    config = Config()
    config.results_dir = str(folder)
    (result,) = results.iter_results(str(folder))
    return result, Benchmarks.load(config)


def test_asv_reads_the_figures_of_a_run(asv):
    result, benchmarks = loaded(asv)
    assert result.commit_hash == COMMIT and result.date == 1_795_449_205_000  # 2026-11-23T15:53:25Z
    assert result.get_result_keys(benchmarks) == {"fitbench.manual", "fitbench.nn"}
    manual = benchmarks["fitbench.manual"]
    assert manual["param_names"] == ["backend", "device", "dtype", "points"] and manual["unit"] == "seconds"
    assert manual["params"] == [["'numpy'", "'torch'", "'jax'", "'jax-loop'"], ["'cpu'"], ["'float32'"], ["2000"]]
    numpy, torch, failed, skipped = result.get_result_value("fitbench.manual", manual["params"])
    assert (numpy, torch, failed) == (1.5e-5, 4e-5, None) and math.isnan(skipped)
    assert result.get_result_samples("fitbench.manual", manual["params"])[0] == [1.5e-5, 7.5e-6, 2.25e-5]
    told = result.get_result_stats("fitbench.manual", manual["params"])[0]
    assert told == {
        **{"ci_99_a": -math.inf, "ci_99_b": math.inf, "number": 1, "repeat": 3},
        **{"q_25": pytest.approx(1.125e-5), "q_75": pytest.approx(1.875e-5)},
    }
    assert all(map(math.isnan, result.get_result_value("fitbench.nn", benchmarks["fitbench.nn"]["params"])))


def test_asv_shows_them(asv):
    results = pytest.importorskip("asv.results", reason="asv is not installed")
    result, benchmarks = loaded(asv)
    info, details = results.format_benchmark_result(result, benchmarks["fitbench.manual"])
    assert info == "1/4 failed"
    numpy, torch, failed, skipped = (line.split() for line in details.splitlines()[-5:-1])
    assert numpy == ["numpy", "15.0\u00b14\u03bcs"] and torch[1].startswith("40.0")
    assert (failed, skipped) == (["jax", "failed"], ["jax-loop", "n/a"])


def test_asv_refuses_what_is_of_another_version(asv):
    results = pytest.importorskip("asv.results", reason="asv is not installed")
    from asv.util import UserError

    (file,) = asv.glob("*/*-fitbench-*.json")
    file.write_text(file.read_text().replace('"version": 2', '"version": 1'))
    with pytest.raises(UserError, match="old file format"):
        results.Results.load(str(file))


def test_a_list_of_benchmarks_keeps_others_and_the_values_that_it_had(asv, tmp_path, capsys):
    listed = asv / "benchmarks.json"
    told = json.loads(listed.read_text())
    other = {"name": "mine.time_it", "param_names": [], "params": [], "version": "x"}
    listed.write_text(json.dumps({**told, "mine.time_it": other}))
    later = write(tmp_path / "later.json", [record(points=8), record(backend="native", points=8)], git_commit="f" * 40)
    assert export.main(["asv", str(later), "--output", str(asv)]) == 0
    found = json.loads(listed.read_text())
    assert found["mine.time_it"] == other and found["fitbench.nn"] == told["fitbench.nn"]
    backends = ["'numpy'", "'torch'", "'jax'", "'jax-loop'", "'native'"]
    assert found["fitbench.manual"]["params"] == [backends, ["'cpu'"], ["'float32'"], ["2000", "8"]]
    assert len(list(asv.glob("*/*-fitbench-*.json"))) == 2


def test_a_file_of_an_older_schema_is_estimated_anew(tmp_path, capsys):
    older = {**record([[2e-5] * 3] * 3).flat(), "estimate": None}
    told, _ = exported(capsys, "bencher", write(tmp_path / "run.json", [older]))
    assert told[NAME]["latency"]["value"] == pytest.approx(20_000, rel=1e-9)


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    assert export.main([*map(str, words)]) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.startswith("error: ") and printed.err.count("\n") == 1
    return printed.err.removeprefix("error: ").strip()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["asv"], "--output: missing; expected the results folder of asv"),
        (["github", "--output", "x"], "--output x: github is one JSON, on stdout; allowed: with asv"),
    ],
)
def test_a_folder_is_for_asv_alone(words, told, path, capsys):
    assert refused(capsys, *words, path).startswith(told)


@pytest.mark.parametrize("name", ["github", "bencher", "asv"])
def test_a_run_without_timings_is_refused(name, tmp_path, capsys):
    run = write(tmp_path / "run.json", [record(outcome=SKIPPED, reason="no")], git_commit=COMMIT)
    output = ["--output", tmp_path / "results"] if name == "asv" else []
    assert refused(capsys, name, run, *output) == f"{run}: no case was timed; expected a run with timings"
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize("commit", [None, "../../../etc", "main"])
def test_asv_needs_a_commit_that_is_one(commit, tmp_path, capsys):
    run = write(tmp_path / "run.json", [record()], git_commit=commit)
    assert "tells no git commit" in refused(capsys, "asv", run, "--output", tmp_path / "results")
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"version": 1}', '{"version": 2, "x": 1}', '{"version": 2, "x": {"name": "fitbench.manual"}}'],
)
def test_a_list_that_is_none_of_asvs_is_refused_and_stays(content, path, tmp_path, capsys):
    listed = tmp_path / "results" / "benchmarks.json"
    listed.parent.mkdir()
    listed.write_text(content)
    assert "expected a list of benchmarks of asv's" in refused(capsys, "asv", path, "--output", listed.parent)
    assert listed.read_text() == content and list(listed.parent.iterdir()) == [listed]


def test_a_folder_that_cannot_be_written_is_refused(path, tmp_path, capsys):
    (tmp_path / "results").write_text("in the way")
    told = refused(capsys, "asv", path, "--output", tmp_path / "results")
    assert told.startswith(f"--output {tmp_path / 'results'}: cannot be written")
    assert (tmp_path / "results").read_text() == "in the way"


def test_names_from_a_file_stay_inside_the_folder(tmp_path, capsys):
    hostile = {"cpu": "../../x", "python": "/../3", "packages": {"numpy": "../../y" * 40}}
    run = write(tmp_path / "run.json", [record()], git_commit=COMMIT, **hostile)
    assert export.main(["asv", str(run), "--output", str(tmp_path / "results")]) == 0
    assert {path.relative_to(tmp_path).parts[0] for path in tmp_path.rglob("*")} == {"run.json", "results"}


def test_an_unknown_format_is_one_line(capsys):
    with pytest.raises(SystemExit) as caught:
        export.main(["xml"])
    assert caught.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert all(name in line for name in ("github", "bencher", "asv"))
