"""Variants added to a copy of the suite as the README tells it: other parameters, another target, momentum."""

import shutil
from pathlib import Path

import pytest
from conftest import TEMPORARY, bench, copy_suite, records, run

VARIANTS = Path(__file__).resolve().parent / "variants"
# Compiled by torch where there is most to compile: what is added is the variants', not the compiler's.
FEW = "not compile or (momentum and compile-loop and float32)"


@pytest.fixture(scope="module")
def suite(tmp_path_factory) -> Path:
    copy = copy_suite(tmp_path_factory.mktemp("added"))
    shutil.copytree(VARIANTS, copy / "impls", dirs_exist_ok=True)
    return copy


def test_a_quadratic_fitted_to_cos_a_septic_and_momentum_agree_on_the_backends(suite):
    path = suite.parent / "run.json"
    words = ("--variant=quadratic,septic,momentum", "--device=cpu", "--steps=300", "-k", FEW)
    quick = {"TORCHINDUCTOR_VEC_ISA_OK": "1", "TMPDIR": TEMPORARY}  # see every_case.py
    done = bench("--benchmark-disable", *words, f"--benchmark-json={path}", cwd=suite, **quick)
    assert done.returncode == 0, done.stdout
    assert "25 of 25 cases agree with the exact fit, 6 skipped" in done.stdout
    found = {name: one for name, one in records(path).items() if not one["unwritten"]}  # the yardstick is written once
    assert len(found) == 3 * 4 + 1
    assert {name.partition("-")[0]: len(one["coefficients"]) for name, one in found.items()} == {
        "quadratic": 3,
        "septic": 8,
        "momentum": 4,
    }
    assert run("bench.report", path, "--output", suite.parent / "report", cwd=suite).returncode == 0
    columns = (suite.parent / "report" / "tables" / "agreement.csv").read_text().splitlines()[0]
    assert columns.endswith(",a,b,c,d,e,f,g,h")


def test_points_that_do_not_determine_a_model_skip_its_cases(suite):
    done = bench("--benchmark-disable", "--variant=septic", "--backend=numpy", "--points=7", "-rs", cwd=suite)
    assert done.returncode == 0
    assert "septic has 8 coefficients, which 7 points do not determine" in done.stdout


@pytest.mark.parametrize("variant", ["optim", "momentum"])
def test_what_an_optimiser_keeps_is_zero_before_the_first_step(suite, variant):
    """A torch optimiser has no state until then: a fit of one step is compared from its start."""
    done = run("bench.fit", "--variant", variant, "--backend", "torch", "--steps", 1, cwd=suite)
    assert done.returncode == 0, done.stderr


OWN_ORACLE = """
class Model:
    parameters, fewest_points, oracle = 4, 4, "impls.own:Oracle"

    def equation(self, parameters):
        return "y = ?"


class Oracle:
    def __init__(self, problem):
        raise IndexError("planted\\nwords")


from impls.variant import GradientDescent, Variant, standard_normals

VARIANT = Variant(9, "a test", Model(), standard_normals, GradientDescent(1e-6))
"""


def test_an_oracle_that_raises_fails_its_own_cases_and_no_others(copy, tmp_path):
    (copy / "impls" / "own").mkdir()
    (copy / "impls" / "own" / "__init__.py").write_text(OWN_ORACLE)
    (copy / "impls" / "own" / "numpy_fit.py").write_text("from impls.manual.numpy_fit import *\n")
    words = ("--benchmark-disable", "--backend=numpy", "--variant=manual,own", "--steps=100", "--dtype=float64")
    done = bench(*words, f"--benchmark-json={tmp_path / 'run.json'}", cwd=copy)
    assert done.returncode == 1
    found = records(tmp_path / "run.json")
    assert found["manual-numpy"]["outcome"] == "agreed"
    assert (found["own-numpy"]["outcome"], found["own-numpy"]["reason"]) == (
        "failed",
        "the oracle failed: IndexError: planted",
    )


def test_a_variant_that_is_none_ends_every_command_in_one_line(copy):
    (copy / "impls" / "planted").mkdir()
    (copy / "impls" / "planted" / "__init__.py").write_text("VARIANT = 3")
    message = "impls/planted/__init__.py: its VARIANT is 3; expected a Variant\n"
    done = run("bench.fit", "--variant", "manual", "--backend", "numpy", cwd=copy)
    assert (done.returncode, done.stderr) == (2, f"error: {message}")
    done = run("bench.ab", "--a", ".", "--b", ".", cwd=copy)
    assert (done.returncode, done.stderr) == (2, f"error: {message}")
    done = bench("--backend=numpy", cwd=copy)
    assert (done.returncode, done.stderr) == (2, f"Exit: {message}")
