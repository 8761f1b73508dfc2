"""The spread of backends' ratios over runs, on records of which it is known."""

import math

import numpy as np
import pytest
from builders import record, write
from conftest import write_run

from bench import spread
from bench.studies.spread import log_ratios_of, text


def run(path, *factors: float):
    path.mkdir()
    write_run(path, "a", np.array(factors)[:, None] * np.ones((1, 2)))
    return path / "a.json"


def test_the_spread_is_that_of_the_log_ratios(tmp_path):
    # torch / numpy: 2, 2.2 and 2; jax / numpy: 1 throughout, though all of the last run took twice as long.
    steps = ((1.0, 2.0, 1.0), (1.0, 2.2, 1.0), (2.0, 4.0, 2.0))
    said = text([log_ratios_of(run(tmp_path / str(i), *each), "numpy") for i, each in enumerate(steps)], "numpy")
    deviation = 100 * np.std([math.log(2), math.log(2.2), math.log(2)], ddof=1)
    assert "ratios to numpy of 2 cases in 3 runs" in said
    assert f"standard deviation: median {deviation / 2:.1f}, largest {deviation:.1f}" in said
    assert "largest over smallest: median 5.0, largest 10.0" in said
    assert "jax: standard deviation 0.0" in said


def test_ratios_to_another_baseline_are_the_inverse(tmp_path, capsys):
    steps = ((1.0, 2.0, 1.0), (1.0, 2.2, 1.0), (2.0, 4.0, 2.0))
    files = [run(tmp_path / str(i), *each) for i, each in enumerate(steps)]
    for file, (numpy, torch, jax) in zip(files, steps, strict=True):
        found = {case.backend: value for case, value in log_ratios_of(file, "torch").items()}
        assert found == pytest.approx({"numpy": math.log(numpy / torch), "jax": math.log(jax / torch)})
        (back,) = (value for case, value in log_ratios_of(file, "numpy").items() if case.backend == "torch")
        assert back == pytest.approx(-found["numpy"])
    assert spread.main([*map(str, files), "--baseline", "torch"]) == 0
    said = capsys.readouterr().out
    # Both ratios are the one that differed with numpy as the baseline, upside down: 1/2, 1/2.2 and 1/2.
    deviation = 100 * np.std([math.log(2), math.log(2.2), math.log(2)], ddof=1)
    assert "ratios to torch of 2 cases in 3 runs" in said
    assert f"standard deviation: median {deviation:.1f}, largest {deviation:.1f}" in said
    assert "largest over smallest: median 10.0, largest 10.0" in said
    assert f"numpy: standard deviation {deviation:.1f}" in said and "torch: " not in said


def test_a_variant_without_the_baseline_is_compared_with_that_of_tuned(tmp_path):
    """In turns that have nothing to do with each other: by the medians."""
    yardstick = record([1e-6, 2e-6, 9e-6], variant="tuned", backend="native")
    other = record([9e-6, 2e-6, 4e-6])
    path = write(tmp_path / "run.json", [yardstick, other])
    assert log_ratios_of(path, "native") == {other.case: pytest.approx(math.log(4 / 2))}


def test_a_run_may_be_several_files_whose_turns_are_not_paired(tmp_path):
    """Turn 0 of one file has nothing to do with turn 0 of another: there the medians are compared."""
    whole = tmp_path / "whole"
    whole.mkdir()
    write_run(whole, "numpy", np.array([[1.0, 2.0, 9.0]]), ("numpy",))
    write_run(whole, "torch", np.array([[9.0, 2.0, 4.0]]), ("torch",))
    ((case, log_ratio),) = log_ratios_of(whole, "numpy").items()
    assert case.backend == "torch" and log_ratio == pytest.approx(math.log(4 / 2))
    write_run(tmp_path, "both", np.array([[1.0, 2.0, 9.0], [9.0, 2.0, 4.0]]), ("numpy", "torch"))
    (log_ratio,) = log_ratios_of(tmp_path / "both.json", "numpy").values()
    assert log_ratio == pytest.approx(0)  # the median of log 9, log 1 and log 4 / 9


def test_bad_input_is_one_line_and_exit_code_2(tmp_path, capsys):
    one, other = (run(tmp_path / name, 1.0, 2.0, 3.0) for name in ("one", "other"))
    twice, empty, alone, apart = (tmp_path / name for name in ("twice", "empty", "alone", "apart"))
    for folder in (twice, empty, alone, apart):
        folder.mkdir()
    for name in ("first", "second"):
        write_run(twice, name, np.ones((1, 1)), ("numpy",))
    write_run(alone, "torch", np.ones((1, 1)), ("torch",))
    write_run(apart, "two", np.ones((2, 1)), ("numpy", "other"))
    for words, name in (
        ([one], "1 run"),
        ([one, other, one], "given twice"),
        ([one, tmp_path / "nowhere.json"], "nowhere.json"),
        ([one, empty], "empty: a folder without a JSON"),
        ([one, twice], "twice: manual-numpy-cpu-float32-2000: the run holds this case twice"),
        ([other, alone], f"--baseline 'numpy': not measured in {alone}; allowed: torch"),
        ([one, other, "--baseline=nobody"], "--baseline 'nobody': not measured in "),
        ([one, other, "--baseline=nobody"], "; allowed: numpy, torch, jax"),
        ([one, apart], "no case was measured in all runs together with the baseline, 'numpy'"),
    ):
        assert spread.main([str(word) for word in words]) == 2
        said = capsys.readouterr()
        assert len(said.err.splitlines()) == 1 and name in said.err and said.out == ""
