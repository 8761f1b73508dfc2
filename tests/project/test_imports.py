"""What is imported where: the parent imports no framework, a worker only its own. And that these checks can fail."""

import json
import subprocess
import sys

import pytest
from conftest import ROOT

from bench.sides.side import NEEDS

FRAMEWORKS = {"torch", "jax", "autograd", "equinox", "optax"}
LIBRARIES = {"filelock", "matplotlib", "mpmath", "msgspec", "pandas", "scipy"}  # of the parent
PARENT = [
    *(
        "report",
        "advise",
        "explain",
        "export",
        "measuring.runner",
        "conftest",
        "fit",
        "graph",
        "ab",
        "compare",
        "evidence",
        "overhead",
        "spread",
    ),
    *("backends", "cases.options", "reporting.report", "statistics.verdict", "workers.process", "workers.serving"),
]

# In one process, which tells what each module was the first to bring along.
ONE_BY_ONE = """
import importlib, json, sys
told, seen = {}, set()
for name in sys.argv[1:]:
    importlib.import_module(name)
    told[name], seen = sorted({name.partition(".")[0] for name in sys.modules} - seen), {*seen, *sys.modules}
import impls
from bench.backends import backends
told["found"] = [len(backends()), len(impls.variants())]
print(json.dumps(told))
"""

NUMPY_RUN = """
import sys
for absent in sys.argv[2:]:
    sys.modules[absent] = None
import bench.worker
from bench.cases.case import Case
from bench.workers.protocol import Build, Control, Converge, Finish, Leave, Round, Start
from bench.support.controls import CONTROLS
from bench.workers.serving import Worker

worker = Worker(0.0)
worker.control(Control(None, list(CONTROLS)))
worker.start(Start("numpy", "cpu", 1, None))
worker.build(Build(Case(sys.argv[1], "numpy", "cpu", "float32", 100), 0, 10))
worker.converge(Converge())
worker.round(Round(10, False))
worker.leave(Leave())
worker.finish(Finish())
print(*{name.partition(".")[0] for name, module in sys.modules.items() if module})
"""


def answer(code: str, *words: str) -> str:
    """What a fresh process prints that runs the code."""
    done = subprocess.run([sys.executable, "-c", code, *words], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture(scope="module")
def parent() -> dict[str, list]:
    """By module, what was imported with it; and last with one that does need frameworks."""
    return json.loads(answer(ONE_BY_ONE, *(f"bench.{name}" for name in PARENT), "impls.optim.jax_fit"))


@pytest.mark.parametrize("name", PARENT)
def test_the_parent_imports_no_framework(parent, name):
    assert FRAMEWORKS & {*parent[f"bench.{name}"]} == set()


def test_the_check_can_fail(parent):
    assert FRAMEWORKS & {*parent["impls.optim.jax_fit"]} >= {"jax", "equinox", "optax"}


def test_all_backends_and_variants_are_found_without_a_framework():
    told = json.loads(answer(ONE_BY_ONE, "bench.backends", "impls"))
    files = ("bench/backends/*_backend.py", "impls/*/__init__.py")
    assert told["found"] == [len(list(ROOT.glob(each))) for each in files]
    assert FRAMEWORKS & {*told["bench.backends"], *told["impls"]} == set()


def test_a_numpy_run_imports_neither_torch_nor_jax_nor_the_parents_libraries():
    imported = {*answer(NUMPY_RUN, "autograd").split()}
    assert FRAMEWORKS & imported == {"autograd"}
    assert LIBRARIES & imported == set()
    assert {*NEEDS} <= imported


@pytest.mark.parametrize("variant", ["manual", "nn", "optim"])
def test_numpy_alone_runs_what_needs_no_derivatives(variant):
    imported = {*answer(NUMPY_RUN, variant, "autograd").split()}
    assert FRAMEWORKS & imported == set()
