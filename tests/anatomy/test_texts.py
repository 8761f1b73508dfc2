"""Fingerprints: what two processes, caches and checkouts of the same code share, and what tells other code from it."""

import json
import subprocess
import sys

import pytest
from conftest import ROOT

from bench.anatomy.texts import DIFFERING, agreed, fingerprint, hlo, inductor, llvm, settings

HLO = """HloModule jit_once, is_scheduled=true

FileNames
1 "/home/somebody/checkout/impls/manual/jax_fit.py"

StackFrames
1 {file_location_id=1 parent_frame_id=1}


%region_0.1.clone.1 (reduce_sum.6: f32[], reduce_sum.7: f32[]) -> f32[] {
  %reduce_sum.6 = f32[] parameter(0), metadata={op_name="reduce_sum"}
  %reduce_sum.7 = f32[] parameter(1), metadata={op_name="reduce_sum"}
  ROOT %reduce_sum.8 = f32[] add(%reduce_sum.6, %reduce_sum.7), metadata={op_name="jit(once)/sum" stack_frame_id=9}
}

ENTRY %main.3 (x.1: f32[2000]) -> f32[] {
  %x.1 = f32[2000]{0} parameter(0)
  %constant.4 = f32[] constant(0)
  ROOT %reduce_sum.20 = f32[] reduce(%x.1, %constant.4), dimensions={0}, to_apply=%region_0.1.clone.1
}
"""
INDUCTOR = """# AOT ID: ['0_inference']
import torch
# File: /home/somebody/impls/manual/torch_fit.py:16 in forward, code: return a + b * x
kernel = async_compile.cpp_pybinding(['float*'], r'''
#include <torch/csrc/inductor/cpp_prefix.h>
#include "/tmp/torchinductor_me/ib/cib3ndc5n2yfsh4rlwn5nkrtpdflhvpnyvdsnsddeyxccu4qsnwi.h"
    auto tmp2 = static_cast<float>(9.999999974752427e-07);
    auto tmp3 = in_ptr0[x0] / out_ptr1[x0];
''')

def get_args():
    return [rand_strided((2000, ), (1, ))]
"""
LLVM = """; ModuleID = 'step$1'
define i32 @"_ZN5bench4stepB2v1B38c8tJTIeFIjxB2IKSgI4CrvQE"(double* %x) !dbg !3 {
  %scaled = fmul fast <8 x double> %x.1, <double 0x3EB0C6F7A0B5ED8D>, !tbaa !4
  call void @NRT_decref(i8* inttoptr (i64 0x7f3a12c4d0 to i8*))
}
!3 = !{i32 1}
"""


def test_hlo_keeps_what_is_computed_and_its_order_alone():
    assert hlo(HLO).splitlines()[3:] == [
        "%region.clone.0 (f32[], f32[]) -> f32[] {",
        "  %reduce_sum.0 = f32[] parameter(0)",
        "  %reduce_sum.1 = f32[] parameter(1)",
        "  ROOT %reduce_sum.2 = f32[] add(%reduce_sum.0, %reduce_sum.1)",
        "}",
        "",
        "ENTRY %main.0 (f32[2000]) -> f32[] {",
        "  %x.0 = f32[2000]{0} parameter(0)",
        "  %constant.0 = f32[] constant(0)",
        "  ROOT %reduce_sum.3 = f32[] reduce(%x.0, %constant.0), dimensions={0}, to_apply=%region.clone.0",
        "}",
    ]


@pytest.mark.parametrize(
    ("normal", "text", "old", "new"),
    [
        (hlo, HLO, "/home/somebody/checkout", "/srv/other"),
        (hlo, HLO, "stack_frame_id=9", "stack_frame_id=12"),
        (hlo, HLO, "reduce_sum.20", "reduce_sum.64"),
        (hlo, HLO, "region_0.1.clone.1", "region_2.5.clone.3"),
        (inductor, INDUCTOR, "0_inference", "17_inference"),
        (inductor, INDUCTOR, "/home/somebody/impls/manual/torch_fit.py:16", "/srv/torch_fit.py:20"),
        (inductor, INDUCTOR, "/tmp/torchinductor_me/ib/cib3nd", "/var/cache/xy/cib3nc"),
        (inductor, INDUCTOR, "rand_strided((2000", "rand_strided((1000"),
        (llvm, LLVM, "step$1", "step$9"),
        (llvm, LLVM, "B2v1B38c8t", "B3v12B38c8t"),
        (llvm, LLVM, "0x7f3a12c4d0", "0x7f99999990"),
        (llvm, LLVM, "!tbaa !4", "!tbaa !5"),
    ],
)
def test_where_and_when_it_was_made_makes_no_difference(normal, text, old, new):
    assert old in text
    assert normal(text.replace(old, new)) == normal(text)


@pytest.mark.parametrize(
    ("normal", "text", "old", "new"),
    [
        (hlo, HLO, "add(", "multiply("),
        (hlo, HLO, "constant(0)", "constant(1)"),
        (hlo, HLO, "f32", "f64"),
        (hlo, HLO, "2000", "1000"),
        (hlo, HLO, "add(%reduce_sum.6, %reduce_sum.7)", "add(%reduce_sum.7, %reduce_sum.6)"),
        (hlo, HLO, "is_scheduled=true", "is_scheduled=false"),
        (inductor, INDUCTOR, "9.999999974752427e-07", "9.999999974752428e-07"),
        (inductor, INDUCTOR, "float", "double"),
        (inductor, INDUCTOR, "in_ptr0[x0] / out_ptr1[x0]", "out_ptr1[x0] / in_ptr0[x0]"),
        (llvm, LLVM, "fmul fast", "fmul"),
        (llvm, LLVM, "<8 x double>", "<4 x double>"),
        (llvm, LLVM, "@NRT_decref", "@NRT_incref"),
        (llvm, LLVM, "0x3EB0C6F7A0B5ED8D", "0x3EB0C6F7A0B5ED8E"),
        (lambda text: settings({"flags": text}), "-O3", "3", "2"),
    ],
)
def test_what_is_computed_does(normal, text, old, new):
    assert old in text
    changed, before = normal(text.replace(old, new)), normal(text)
    assert fingerprint({"code": changed}) != fingerprint({"code": before})


def test_a_fingerprint_is_of_the_names_and_of_all_texts():
    assert fingerprint({}) is None
    one = {"a": "b", "c": "d"}
    assert fingerprint(one) == fingerprint(dict(reversed(one.items())))
    others = ({"a": "d", "c": "b"}, {"a": "b"}, {"a": "bc", "c": "d"}, {"ab": "", "c": "d"})
    assert len({fingerprint(each) for each in (one, *others)}) == 5


def test_processes_agree_or_the_record_says_that_they_do_not():
    assert agreed([None, None]) is None
    assert agreed(["a", None, "a"]) == "a"
    assert agreed(["a", "a", "b"]) == DIFFERING


# Fits as a worker makes them, one after the other in one process, in the order of the words.
JAX = """
import json, os, sys
import numpy as np
from bench.anatomy.texts import fingerprint
from bench.backends import backends
from bench.backends.base import Tuning

rate, dtype, tuning = 1e-3, "float32", Tuning()
factor = 2.0

def step(state, inputs, target, rate):
    residual = state * inputs - target
    return state - rate * factor * (residual * inputs).sum(), (residual * residual).sum()

def cubed(state, inputs, target, rate):
    residual = state * inputs - target
    return state - rate * factor * (residual * inputs * inputs).sum(), (residual * residual).sum()

told = {}
for name in sys.argv[1:]:
    kind, _, change = name.partition(":")
    backend = backends()[kind]
    if not hasattr(backend, "begun"):
        backend.start(1)
        backend.begun = True
    factor = 3.0 if change == "constant" else 2.0
    fast = Tuning({"xla_cpu_enable_fast_math": True}) if change == "flag" else Tuning()
    values = [np.ones(size, "float16" if change == "dtype" else "float32") for size in ((), 8, 8)]
    state, inputs, target = (backend.place(value, "cpu") for value in values)
    run = backend.driver(cubed if change == "operation" else step, inputs, target, 1e-3, fast)
    run(state, 2)
    before = backend.compilations(), backend.cache_hits()
    told[name] = fingerprint(backend.generated())
    assert before == (backend.compilations(), backend.cache_hits())
print(json.dumps({"told": told, "hits": backend.cache_hits()}))
"""
FITS = ["jax", "jax:constant", "jax:operation", "jax:dtype", "jax:flag", "jax-loop", "jax-loop:constant"]


@pytest.fixture(scope="module")
def processes(tmp_path_factory) -> tuple[dict, dict]:
    """Of two checkouts: one that finds an empty cache, and another, in another order, that finds what it compiled."""
    cache = tmp_path_factory.mktemp("cache")
    found = []
    for order in (FITS, FITS[::-1]):
        checkout = tmp_path_factory.mktemp("checkout")
        for room in ("bench", "impls"):
            (checkout / room).symlink_to(ROOT / room)
        (checkout / "fits.py").write_text(JAX)
        environ = {
            "JAX_COMPILATION_CACHE_DIR": str(cache),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
            "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        }
        command = ["env", *(f"{name}={value}" for name, value in environ.items()), sys.executable, "fits.py", *order]
        done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=True)
        found.append(json.loads(done.stdout))
    return found[0], found[1]


def test_processes_caches_and_checkouts_agree(processes):
    cold, warm = processes
    assert warm["hits"] > cold["hits"]
    assert cold["told"] == warm["told"]


def test_a_constant_an_operation_a_dtype_and_a_flag_are_told_apart(processes):
    told = processes[0]["told"]
    assert None not in told.values()
    assert len({*told.values()}) == len(FITS)
