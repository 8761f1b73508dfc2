"""What a file may hold is bounded, and what is made of it grows with its size: see tests/large.py for the seconds."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from builders import record, write
from large import SHAPES, written

from bench import compare, report, spread
from bench.cases import plan as planning
from bench.cases.options import choice_of
from bench.cases.plan import plan
from bench.records import reading
from bench.records.reading import load
from bench.reporting import plots
from bench.reporting.escaping import LONGEST, escape
from bench.statistics import intervals
from bench.statistics.intervals import by_process, resampled_medians
from bench.support.errors import InputError
from reports import PICTURES, framed, made, render_nothing, section


@pytest.mark.parametrize("shape", SHAPES)
def test_every_command_copes_with_every_shape(
    shape: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    render_nothing(monkeypatch)
    a, b = written(tmp_path, shape, 0.02)
    for main, words in (
        (report.main, [a, "--output", tmp_path / "out"]),
        (compare.main, [a, b]),
        (spread.main, [a, b]),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            code = main([str(word) for word in words])
        said = capsys.readouterr().err
        assert code == 0 or (code == 2 and said.count("\n") == 1), said


def refused(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        load(path)
    return str(caught.value)


def test_a_picture_has_only_so_many_rows(tmp_path: Path) -> None:
    cases = [record(variant=f"v{i}", backend=f"b{i}") for i in range(21)]
    assert len(load(write(tmp_path / "run.json", cases[:20])).records) == 20
    message = "21 variants by 21 backends are 441; expected at most 400"
    assert refused(write(tmp_path / "run.json", cases)) == f"{tmp_path / 'run.json'}: {message}"


def test_a_run_compares_only_so_many_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "MOST_PAIRS", 12)
    cases = [record([[1e-5]] * 3, backend=name) for name in "abc"]
    assert len(load(write(tmp_path / "run.json", cases[:2])).records) == 2
    message = "9 processes of all cases by 3 backends are 27; expected at most 12"
    assert refused(write(tmp_path / "run.json", cases)).endswith(message)


def test_no_run_is_made_that_could_not_be_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    assert reading.too_much is planning.too_much
    words = {"variant": ["manual"], "backend": ["numpy,torch"], "dtype": ["float32"]}
    monkeypatch.setattr(planning, "MOST_PAIRS", 20)
    assert len(plan(choice_of(**words, processes="5"), ["cpu"], lambda _: None)) == 2
    with pytest.raises(InputError, match=r"^--processes 6: 12 processes of all cases by 2 backends are 24; expected"):
        plan(choice_of(**words, processes="6"), ["cpu"], lambda _: None)


def test_pictures_end_where_they_would_take_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    render_nothing(monkeypatch)
    monkeypatch.setattr("bench.reporting.report.Taken.most", 82)  # of a kind, two pictures of 41 rows each
    run = write(tmp_path / "run.json", [record(points=points) for points in range(4, 8)])
    text = made(tmp_path / "out", run, options=PICTURES)
    assert len(list(tmp_path.glob("out/iteration-time-*.png"))) == 2
    assert section(text, "Iteration time").count("not drawn, as it would take too long to draw all") == 2 * 2
    assert section(text, "Iteration time").count("20.0 µs") == 4  # the tables have all


def test_tables_end_where_nobody_would_read_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    render_nothing(monkeypatch)
    monkeypatch.setattr("bench.reporting.report.MOST_SHOWN", 5)
    several = [record(points=points, backend=name) for points in range(4, 8) for name in ("numpy", "torch")]
    text = section(made(tmp_path / "out", write(tmp_path / "run.json", several)), "Iteration time")
    assert text.count("20.0 µs") == 2 * 2  # of two sizes
    assert "2 more tables are not shown, as the page would become too long" in text
    assert len((tmp_path / "out" / "tables" / "iteration-time.csv").read_text().splitlines()) == 1 + 8
    large = [record(points=4, backend=f"b{i}") for i in range(7)]  # one that is longer stands alone
    text = section(made(tmp_path / "out", write(tmp_path / "run.json", large)), "Iteration time")
    assert text.count("20.0 µs") == 7 and "not shown" not in text


def test_a_curve_has_only_so_many_points() -> None:
    losses = [(i + 1, 5.0) for i in range(10 * plots.MOST_POINTS)]
    figure = plots.loss(framed(record(losses=losses, exact_losses=losses)))
    assert max(len(line.get_xdata()) for axes in figure.axes for line in axes.lines) == plots.MOST_POINTS


def test_a_long_text_does_not_widen_its_table() -> None:
    text = escape("x|" * 10**6)
    assert text.endswith(" ...") and len(text) < 2 * LONGEST


def test_a_long_name_of_a_run_names_its_pictures_still(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    render_nothing(monkeypatch)
    runs = [write(tmp_path / f"{letter * 200}.json", [record(device="d" * 100, points=2**53)]) for letter in "ab"]
    made(tmp_path / "out", *runs)
    assert max(len(path.name) for path in (tmp_path / "out").iterdir()) < 200


def test_the_bootstrap_draws_as_it_always_did() -> None:
    random = np.random.default_rng(0)
    seconds, process = random.lognormal(size=60), np.repeat(np.arange(20), 3)
    groups, other = by_process(seconds, process), np.random.default_rng(0)
    drawn = other.integers(20, size=(2000, 20))
    medians = np.empty(drawn.shape)
    for number, group in enumerate(groups):
        chosen = drawn == number
        medians[chosen] = resampled_medians(group, int(chosen.sum()), other)
    assert (intervals._bootstrap(groups, 2000, 0) == np.median(medians, axis=1)).all()
