"""What is imported where: reports import no framework, and a worker only its own. And that these checks can fail."""

import subprocess
import sys

import pytest
from conftest import ROOT

FRAMEWORKS = {"torch", "jax", "autograd", "equinox", "optax"}

NUMPY_RUN = """
from bench.worker import Worker
worker = Worker()
worker.start("numpy", "cpu", 1, None)
worker.build("autograd", "cpu", "float32", 100, 0, 10)
worker.converge()
worker.round(10, False)
worker.leave()
worker.finish()
"""


def imported(code: str) -> set[str]:
    """The frameworks that a fresh process has imported after running the code."""
    tail = f"\nimport sys\nprint(*sorted({FRAMEWORKS!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code + tail], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("module", ["report", "runner", "conftest", "fit", "ab", "compare"])
def test_the_parent_imports_no_framework(module):
    assert imported(f"import bench.{module}") == set()


def test_a_numpy_run_imports_neither_torch_nor_jax():
    assert imported(NUMPY_RUN) == {"autograd"}


def test_the_check_can_fail():
    assert imported("import bench.report, impls.optim.jax_fit") >= {"jax", "equinox", "optax"}


def test_all_backends_and_variants_are_found_without_a_framework():
    code = (
        "import impls; from bench.backends import backends; assert len(backends()) == 6 and len(impls.variants()) == 5"
    )
    assert imported(code) == set()
