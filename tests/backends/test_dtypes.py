"""Fits that compute in another dtype than their case says, on every backend: each is caught, wherever it does so.

They are variants planted into a copy of the suite, each wrong in one place, which all backends share in one run.
"""

import re
from typing import Any

import pytest
from conftest import TEMPORARY, bench, copy_suite, records

VARIANT = """
from impls.variant import CUBIC, GradientDescent, Variant, standard_normals

VARIANT = Variant(rung=9, shows="a test", model=CUBIC, start=standard_normals, optimiser=GradientDescent(rate=1e-6))
"""

# By framework: how one of its values comes into another dtype. JAX has no float64 unless it is told so.
FRAMEWORKS = {
    "numpy": "import numpy as xp\ndef cast(value, dtype):\n    return value.astype(dtype)",
    "torch": "import torch as xp\ndef cast(value, dtype):\n    return value.to(dtype)",
    "torch_compile": "import torch as xp\ndef cast(value, dtype):\n    return value.to(dtype)",
    "jax": (
        "import jax\njax.config.update('jax_enable_x64', True)\n"
        "import jax.numpy as xp\ndef cast(value, dtype):\n    return value.astype(dtype)"
    ),
}

FIT = """
{framework}
from impls.manual import {fit} as right
from impls.manual.{fit} import *

OTHER, OWN = xp.{other}, xp.{own}

def casts(values, dtype):
    return tuple(cast(value, dtype) for value in values)

{place}
"""

# By place: what is made wrong there.
PLACES = {
    "features": "def features(x):\n    return right.features(cast(x, OTHER))",
    "state": "def init(start, rate):\n    return casts(right.init(start, rate), OTHER)",
    "gradient": """
def step(parameters, inputs, target, rate):
    residual = forward(parameters, inputs) - target
    return update(parameters, casts(backward(residual, inputs), OTHER), rate), loss(residual)""",
    "loss": """
def step(parameters, inputs, target, rate):
    parameters, value = right.step(parameters, inputs, target, rate)
    return parameters, cast(value, OTHER)""",
    "inside": """
def step(parameters, inputs, target, rate):
    parameters, value = right.step(casts(parameters, OTHER), casts(inputs, OTHER), cast(target, OTHER), rate)
    return casts(parameters, OWN), cast(value, OWN)""",
}
BACKENDS = ("numpy", "torch", "torch-compile", "torch-compile-loop", "jax", "jax-loop")
DTYPES = {"wide": ("float32", "float64"), "narrow": ("float64", "float32")}  # of the case, and the other

# To compile by torch takes seconds a case: there, a place where a dtype shows, and the one where none does, once each.
SLOW = {
    "torch-compile": [("wide", "state"), ("narrow", "inside")],
    "torch-compile-loop": [("narrow", "state"), ("wide", "inside")],
}
CASES = [
    (kind, place, backend)
    for kind in DTYPES
    for place in PLACES
    for backend in BACKENDS
    if backend not in SLOW or (kind, place) in SLOW[backend]
]

LEAF = "`{}`: {} where the case says {}"
# Loops inside the compiler insist themselves that what goes round keeps its dtype.
LOOPS = {
    "torch-compile-loop": "Expected body_fn_output and carried_inputs to have same metadata",
    "jax-loop": "carry input and carry output must have equal types",
}


def expected(place: str, kind: str, backend: str) -> str:
    """What the reason must say."""
    own, other = DTYPES[kind]
    leaf = {"features": "inputs", "state": "state", "gradient": "state", "loss": "loss"}.get(place)
    if leaf is not None:
        named = [re.escape(LEAF.format(leaf, other, own)), *([LOOPS[backend]] if backend in LOOPS else [])]
        # What is narrowed on its way into a wider state leaves no trace in a dtype, only in the digits.
        return "|".join([*named, *(["left the exact fit at step [12]:"] if kind == "narrow" else [])])
    if kind == "wide":
        return "more exact than float32 can be"
    return "left the exact fit at step [12]:"


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> dict[str, dict[str, Any]]:
    """The records of all of them, by variant and backend."""
    copy = copy_suite(tmp_path_factory.mktemp("dtypes"))
    for kind, (own, other) in DTYPES.items():
        for place, code in PLACES.items():
            folder = copy / "impls" / f"{kind}_{place}"
            folder.mkdir()
            (folder / "__init__.py").write_text(VARIANT)
            for name, framework in FRAMEWORKS.items():
                fit = f"{name}_fit"
                text = FIT.format(framework=framework, fit=fit, own=own, other=other, place=code)
                (folder / f"{fit}.py").write_text(text)
    path = copy.parent / "run.json"
    variants = ",".join(f"{kind}_{place}" for kind in DTYPES for place in PLACES)
    slow = [f"({kind}_{place}-{backend}-cpu)" for backend, each in SLOW.items() for kind, place in each]
    few = f"(not torch-compile or {' or '.join(slow)}) and ((wide and float32) or (narrow and float64))"
    words = ["--steps=100", "--device=cpu", "--benchmark-disable", f"--variant={variants}", "-k", few]
    # As for every case: Inductor takes the CPU's word, and PyTorch's compiled headers are kept.
    quick = {"TORCHINDUCTOR_VEC_ISA_OK": "1", "TMPDIR": TEMPORARY}
    bench(*words, f"--backend={','.join(BACKENDS)}", f"--benchmark-json={path}", cwd=copy, **quick)
    return records(path)


@pytest.mark.parametrize(("kind", "place", "backend"), CASES)
def test_a_fit_in_another_dtype_than_it_says_is_caught(found, kind, place, backend):
    one = found[f"{kind}_{place}-{backend}"]
    assert one["outcome"] == "failed"
    assert re.search(expected(place, kind, backend), one["reason"]), one["reason"]
