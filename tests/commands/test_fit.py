"""`python -m bench.fit`."""

import pytest
from conftest import run


def test_prints_the_loss_every_100_steps_and_ends_with_the_equation():
    done = run("bench.fit", "--variant=manual", "--backend=numpy", "--dtype=float64", "--steps=250", "--seed=3")
    assert done.returncode == 0, done.stderr
    *losses, result, exact, digits = done.stdout.splitlines()
    assert [line.split()[0] for line in losses] == ["100", "200", "250"]
    values = [float(line.split()[1]) for line in losses]
    assert values == sorted(values, reverse=True)
    assert result.startswith("Result: y = ")
    # To the nine digits shown, a float64 fit is the exact one.
    assert result.removeprefix("Result: ") == exact.removeprefix("Exact:  ")
    assert "held to the exact trajectory up to step 250" in digits


def test_the_legendre_variant_is_shown_in_its_own_form():
    done = run("bench.fit", "--variant=custom_function", "--backend=numpy", "--steps=20")
    assert " * P3(" in done.stdout.splitlines()[-3]


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["--variant=quartic", "--backend=numpy"], "--variant 'quartic'"),
        (["--variant=manual", "--backend=numpy", "--points=3"], "--points 3"),
        (["--variant=manual", "--backend=numpy,torch"], "one fit takes one of each"),
        (["--variant=manual", "--backend=numpy", "--device=cuda"], "--device 'cuda'"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(words, name):
    done = run("bench.fit", *words)
    assert done.returncode == 2
    assert name in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


def test_what_cannot_run_says_why():
    done = run("bench.fit", "--variant=manual", "--backend=torch-compile", CXX="no-such-compiler")
    assert done.returncode == 1
    assert "no-such-compiler" in done.stderr
