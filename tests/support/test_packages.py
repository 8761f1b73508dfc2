"""What files import, read from their text."""

import dataclasses
import sys
from pathlib import Path

import pytest
from conftest import ROOT

import impls
from bench.backends import backends
from bench.cases.case import Case
from bench.sides.able import unable
from bench.sides.side import here
from bench.support.imports import fit_packages, packages


def test_only_what_differentiates_with_hips_autograd_needs_it():
    needing = {variant for variant in impls.variants() if "autograd" in packages(ROOT, f"impls.{variant}.numpy_fit")}
    assert needing == {"autograd", "custom_function"}


def test_what_is_imported_through_another_variant_is_needed_too():
    assert {"jax", "equinox", "optax"} <= {*packages(ROOT, "impls.optim.jax_fit")}
    assert "equinox" not in packages(ROOT, "impls.manual.jax_fit")


def test_all_of_a_checkout():
    assert {"autograd", "equinox", "jax", "numba", "numpy", "optax", "torch"} == {*fit_packages(ROOT)}
    assert fit_packages(Path("nowhere")) == ()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("import numpy.linalg, os", ("numpy",)),
        ("from jax import numpy", ("jax",)),
        ("def step():\n    import torch", ("torch",)),
        ("from . import other", ("optax",)),
        ("from .other import f", ("optax",)),
        ("from own.v.other import f", ("optax",)),
        ("import own.v.other", ("optax",)),
        ("from .. import v", ()),
        ("import own.none", ()),
        ("this is no Python", ()),
        ("\0", ()),
    ],
)
def test_every_way_to_import(tmp_path, text, found):
    (tmp_path / "own" / "v").mkdir(parents=True)
    for name, code in {"fit": text, "other": "import optax, own.v.fit", "__init__": ""}.items():
        (tmp_path / "own" / "v" / f"{name}.py").write_text(code)
    assert packages(tmp_path, "own.v.fit") == found
    assert "own" not in sys.modules


def test_a_file_that_is_not_there_needs_nothing(tmp_path):
    assert packages(tmp_path, "impls.manual.numpy_fit") == ()


def test_a_package_that_is_not_installed_skips_the_variants_that_import_it_and_no_other():
    side = dataclasses.replace(here(), absent=frozenset({"autograd", "equinox"}))
    seen = {name: ["cpu"] for name in backends()}
    reasons = {
        f"{variant}-{backend}": unable(Case(variant, backend, "cpu", "float32", 2000), side, seen)
        for variant in impls.variants()
        for backend in ("numpy", "jax", "jax-loop")
    }
    command = "not installed; pip install --constraint constraints.txt --editable"
    assert {case: reason for case, reason in reasons.items() if reason is not None} == {
        **{f"{variant}-numpy": f"autograd {command} '.[numpy]'" for variant in ("autograd", "custom_function")},
        **{
            f"{variant}-{jax}": f"equinox {command} '.[jax]'"
            for variant in ("nn", "optim")
            for jax in ("jax", "jax-loop")
        },
    }
