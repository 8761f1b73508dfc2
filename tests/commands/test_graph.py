"""`python -m bench.graph`: the text, a file, and bad input in one line that overwrites nothing."""

import pytest

from bench import graph

WORDS = ["--variant=manual", "--backend=numpy", "--points=50"]


def test_a_graph_comes_from_a_worker_and_is_told_or_drawn(tmp_path, capsys):
    assert graph.main(WORDS) == 0
    printed = capsys.readouterr().out
    assert "residual = subtract (forward, target)" in printed
    output = tmp_path / "graph.dot"
    assert graph.main([*WORDS, f"--output={output}"]) == 0
    assert (
        output.read_text().count(" -> ") == 2 * 15 + 5 + 5
    )  # of two values; of one and a number; sums over the points


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--backend=numpy"], "--variant"),
        (["--variant=manual"], "--backend"),
        (["--variant=manual,nn", "--backend=numpy"], "--variant: takes one"),
        ([*WORDS, "--points=2"], "--points"),
        ([*WORDS, "--dtype=float32,float64"], "--dtype"),
        ([*WORDS, "--output=graph.jpg"], "allowed: .dot, .svg, .png, .html"),
        ([*WORDS, "--output=absent.dot/graph.dot"], "cannot be written"),
    ],
)
def test_bad_input_is_one_line(words, told, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "absent.dot").write_text("kept")
    (tmp_path / "graph.jpg").write_text("kept")
    assert graph.main(words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and told in line
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"absent.dot": "kept", "graph.jpg": "kept"}


def test_without_graphviz_the_error_names_its_package_before_anything_runs(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    output = tmp_path / "graph.svg"
    output.write_text("kept")
    assert graph.main([*WORDS, f"--output={output}"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: --output '{output}': .svg needs") and "apt-get install graphviz" in line
    assert output.read_text() == "kept"


def test_a_case_that_cannot_run_leaves_the_file_alone(capsys, tmp_path):
    output = tmp_path / "graph.dot"
    output.write_text("kept")
    assert graph.main(["--variant=manual", "--backend=native", f"--output={output}"]) == 1
    assert "skipped manual-native" in capsys.readouterr().err and output.read_text() == "kept"
