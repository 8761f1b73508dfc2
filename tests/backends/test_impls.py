"""The contract of the implementations: every variant has each framework's file, with the same functions in order."""

import ast
from pathlib import Path

import pytest

import impls
from bench.backends import backends

ORDER = (
    *("features", "pack", "unroll", "init", "forward", "loss", "objective", "backward", "update", "step"),
    *("loop", "coefficients", "second_moments"),
)
FILES = [
    Path(impls.__path__[0], variant, f"{fit}.py")
    for variant in impls.variants()
    for fit in dict.fromkeys(backend.fit for name, backend in backends().items() if name != "native")
] + [Path(impls.__path__[0], "tuned", "native_fit.py")]  # a yardstick is written once, and for speed


def names(path: Path) -> list[str]:
    """The functions that a file defines or imports, in the order in which they stand."""
    found = []
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef):
            found.append(node.name)
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found.append(node.targets[0].id)
    return found


def exported(path: Path) -> set[str]:
    tree = ast.parse(path.read_text()).body
    froms = {alias.name for node in tree if isinstance(node, ast.ImportFrom) for alias in node.names}
    return froms | set(names(path))


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_file_has_the_functions_in_the_order_of_the_contract(path):
    assert {"init", "forward", "loss", "step", "update", "coefficients"} <= exported(path)
    assert ("features" in exported(path)) != ("pack" in exported(path))
    ordered = [name for name in names(path) if name in ORDER]
    assert ordered == sorted(ordered, key=ORDER.index)
    assert len(path.read_text().splitlines()) <= 100


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_no_step_calls_pow_for_a_power_of_x(path):
    powers = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Pow)]
    assert powers == []


def test_backends_and_variants_come_in_teaching_order():
    """Ours do; others may stand among them."""
    variants = ["manual", "autograd", "custom_function", "nn", "optim", "tuned"]
    ladder = ["numpy", "torch", "torch-compile", "torch-compile-loop", "jax", "jax-loop", "native"]
    assert [name for name in impls.variants() if name in variants] == variants
    assert [name for name in backends() if name in ladder] == ladder
