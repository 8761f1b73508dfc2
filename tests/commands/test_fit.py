"""`python -m bench.fit`."""

import pytest
from conftest import run

from bench.fit import main


def test_prints_the_loss_at_every_checkpoint_and_ends_with_the_equation():
    done = run("bench.fit", "--variant=manual", "--backend=numpy", "--dtype=float64", "--steps=250", "--seed=3")
    assert done.returncode == 0, done.stderr
    *losses, result, exact, digits = done.stdout.splitlines()
    assert [line.split()[0] for line in losses] == ["1", "2", "5", "10", "20", "50", "100", "200", "250"]
    values = [float(line.split()[1]) for line in losses]
    assert values == sorted(values, reverse=True)
    assert result.startswith("Result: y = ")
    # To the nine digits shown, a float64 fit is the exact one.
    assert result.removeprefix("Result: ") == exact.removeprefix("Exact:  ")
    assert "held to the exact trajectory up to step 250" in digits


def test_the_legendre_variant_is_shown_in_its_own_form(capsys):
    assert main(["--variant=custom_function", "--backend=numpy", "--steps=20"]) == 0
    assert " * P3(" in capsys.readouterr().out.splitlines()[-3]


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["--variant=quartic", "--backend=numpy"], "--variant 'quartic'"),
        (["--variant=manual", "--backend=numpy", "--points=3"], "--points 3"),
        (["--variant=manual", "--backend=numpy,torch"], "one fit takes one of each"),
        (["--variant=manual", "--backend=numpy", "--device=cuda"], "--device 'cuda'"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(capsys, words, name):
    assert main(words) == 2
    printed = capsys.readouterr()
    (line,) = printed.err.splitlines()
    assert line.startswith("error: ") and name in line
    assert printed.out == ""


def test_both_of_variant_and_backend_are_needed(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--variant=manual"])
    assert caught.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and "--backend" in line


def test_ctrl_c_is_no_fit_that_failed(monkeypatch):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("bench.measuring.runner.Runner._check", interrupted)
    with pytest.raises(KeyboardInterrupt):  # for which every command has one code
        main(["--variant=manual", "--backend=numpy"])


def test_what_cannot_run_says_why(capsys, monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    assert main(["--variant=manual", "--backend=torch-compile"]) == 1
    printed = capsys.readouterr()
    assert "skipped: " in printed.err and "no-such-compiler" in printed.err
    assert printed.out == ""
