"""The graphs of a step that frameworks build: against counts made by hand of the formulas in impls/.

manual: forward 3 products and 3 sums of two; the residual 1 difference; the loss 1 product and 1 sum over the points;
the gradient 1 + 3 products and 4 sums over the points; the update 4 products and 4 differences.
"""

import importlib
import types
from collections import Counter

import pytest
from builders import case

from bench.anatomy.graph import GRADIENT, OPERATION, QUANTITY, RESULT, SAVED, VALUE, Flow
from bench.anatomy.hlo_graph import graph as hlo_graph
from bench.anatomy.torch_graph import OUTSIDE, RECORDED
from bench.backends import backends
from bench.truth.problem import Problem
from bench.workers.fit import Fit

POINTS = 50
MANUAL = {"products": 12, "sums of two": 3, "differences": 5, "sums over the points": 5}
WORDS = {
    "numpy": ("multiply", "add", "subtract", "add.reduce"),
    "torch": ("mul", "add", "sub", "sum"),
    "torch-compile": ("mul", "add", "sub", "sum"),
    "jax": ("mul", "add", "sub", "reduce_sum"),
}
BEGINS = {*"abcd", "x", "x2", "x3", "target"}
ENDS = {*(f"new {name}" for name in "abcd"), "loss"}


@pytest.fixture(autouse=True)
def vectors(monkeypatch):
    monkeypatch.setenv("TORCHINDUCTOR_VEC_ISA_OK", "1")  # to try them with a compiler takes long


def graphs(variant, name, **changes):
    """Those of a backend; changes: functions in the place of the fit file's own."""
    backend = backends()[name]
    for package in backend.packages:
        pytest.importorskip(package)
    code = importlib.import_module(f"impls.{variant}.{backend.fit}")
    changed = types.ModuleType(code.__name__)
    vars(changed).update({**vars(code), **changes})
    problem = Problem.of(case(variant=variant, points=POINTS), 0, 2)
    return backend.graph(Fit(backend, changed, "cpu", problem, list(problem.data())))


def counted(graph, cluster=None):
    """How many operations of each kind, whatever numbers they are given."""
    chosen = [node for node in graph.nodes if node.kind != QUANTITY and cluster in (None, cluster_of(graph, node))]
    return Counter(node.text.split()[0] for node in chosen)


def cluster_of(graph, node):
    return {cluster.key: cluster.label for cluster in graph.clusters}.get(node.cluster, "")


def named(graph, kind):
    return {node.name for node in graph.nodes if node.kind == kind and node.name}


def edges(graph, kind):
    """By what they go from and to: the quantity, or else the operation."""
    called = {node.key: node.name or node.text for node in graph.nodes}
    return Counter((called[edge.tail], called[edge.head]) for edge in graph.edges if edge.kind == kind)


@pytest.mark.parametrize("name", WORDS)
def test_every_framework_tells_the_operations_of_the_formula(name):
    found, *_ = graphs("manual", name)
    assert counted(found) == dict(zip(WORDS[name], MANUAL.values(), strict=True))
    assert (named(found, QUANTITY), named(found, RESULT)) == (BEGINS, ENDS)
    assert {"forward", "residual"} <= named(found, OPERATION)
    assert edges(found, VALUE)["forward", "residual"] == edges(found, VALUE)["target", "residual"] == 1


@pytest.mark.parametrize("name", ["numpy", "torch", "jax"])
def test_an_operation_too_many_shows(name):
    manual = importlib.import_module("impls.manual.numpy_fit")

    def wasteful(parameters, inputs, target, rate):
        return manual.step(parameters, inputs, target * 1, rate)

    found, *_ = graphs("manual", name, step=wasteful)
    assert counted(found).total() == sum(MANUAL.values()) + 1


def test_autograd_records_up_to_no_grad():
    (found,) = graphs("autograd", "torch")
    recorded = {"AccumulateGrad": 4, "MulBackward0": 3 + 1, "AddBackward0": 3, "SubBackward0": 1, "SumBackward0": 1}
    assert counted(found, RECORDED) == recorded
    assert counted(found, OUTSIDE) == {"mul": 4, "sub_": 4}
    outside = {node.key for node in found.nodes if cluster_of(found, node) == OUTSIDE}
    assert not any({edge.tail, edge.head} & outside for edge in found.edges if edge.kind != VALUE)
    assert edges(found, GRADIENT)["a", "a.grad"] == edges(found, GRADIENT)["forward", "residual"] == 1
    assert (named(found, QUANTITY), named(found, RESULT)) == (BEGINS - {"target"}, ENDS)


def test_autograd_keeps_what_the_way_back_needs():
    """b x keeps x, since x is no parameter; the square keeps the residual for each of its two factors."""
    (found,) = graphs("autograd", "torch")
    kept = {("x", "MulBackward0"): 1, ("x2", "MulBackward0"): 1, ("x3", "MulBackward0"): 1}
    assert edges(found, SAVED) == {**kept, ("residual", "MulBackward0"): 2}


def test_what_is_detached_is_not_recorded():
    fit = importlib.import_module("impls.autograd.torch_fit")

    def step(parameters, inputs, target, rate):
        residual = fit.forward(parameters, inputs) - target
        value = (residual * residual.detach()).sum()
        value.backward()
        fit.update(parameters, rate)
        return parameters, value.detach()

    (found,) = graphs("autograd", "torch", step=step)
    assert edges(found, GRADIENT)["SubBackward0", "MulBackward0"] == 1  # of two
    assert sum(edges(found, SAVED).values()) == 3 + 1


def test_a_function_of_ones_own_keeps_what_it_asked_for():
    (found,) = graphs("custom_function", "torch")
    assert counted(found, RECORDED)["P3Backward"] == 1
    saved = edges(found, SAVED)
    assert saved["z", "P3.forward"] == saved["P3.forward", "MulBackward0"] == saved["b", "MulBackward0"] == 1


def test_the_optimiser_of_a_library_is_told_by_its_operators():
    """RMSprop, for weight and bias: v = 0.99 v; v += 0.01 g g; sqrt(v) + eps; p -= rate g / that; and it counts."""
    (found,) = graphs("optim", "torch")
    assert counted(found, OUTSIDE) == {"mul_": 2, "addcmul_": 2, "sqrt": 2, "add_": 2 + 2, "addcdiv_": 2}
    moments = (f"new optimiser.square_avg[{i}]" for i in range(2))
    assert {"new layer.weight", "new layer.bias", *moments} <= named(found, RESULT)


def test_the_tape_of_hips_autograd():
    (found,) = graphs("autograd", "numpy")
    assert counted(found) == {"container_take": 4, "multiply": 4, "add": 3, "subtract": 1, "sum": 1}
    assert named(found, QUANTITY) == {"parameters", "x", "x2", "x3", "target"}
    # What each has on the tape: a container; one factor, or both of the square; two terms; the residual's; the sum's.
    assert sum(edges(found, GRADIENT).values()) == 4 + (3 + 2) + 3 * 2 + 1 + 1
    assert edges(found, GRADIENT)["forward", "residual"] == 1 and edges(found, VALUE)["target", "residual"] == 1


def test_a_jaxpr_holds_the_way_back_and_what_a_function_of_ones_own_calls():
    found, _ = graphs("custom_function", "jax")
    assert counted(found, "p3") == {"mul": 5, "sub": 1}  # 0.5 (5 z z z - 3 z)
    assert edges(found, VALUE)["b", "grad"] == 1  # with which its backward rule was called


def test_of_a_loop_in_jax_the_body_is_told():
    for found, once in zip(graphs("manual", "jax-loop"), graphs("manual", "jax"), strict=True):
        assert "body" in found.title and "body" not in once.title
        assert (named(found, QUANTITY), named(found, RESULT)) == ({*BEGINS, "done"}, ENDS)
        assert counted(found).total() == counted(once).total() + 1  # it counts the steps


def test_hlo_names_what_its_arguments_are_called():
    _, found = graphs("manual", "jax")
    assert (named(found, QUANTITY), named(found, RESULT)) == (BEGINS, ENDS)
    text = """HloModule jit_once

ENTRY %main.0 (p.0: f32[], p.1: f32[9]) -> (f32[], f32[]) {
  %p.0 = f32[] parameter(0), metadata={op_name="state[0]"}
  %p.1 = f32[9]{0} parameter(1), metadata={op_name="inputs"}
  %zero.0 = f32[] constant(0)
  %both.0 = (f32[], f32[]) fusion(%p.0, %p.1), kind=kLoop, calls=%two.0
  %first.0 = f32[] get-tuple-element(%both.0), index=0
  %sum.0 = f32[] reduce(%p.1, %zero.0), dimensions={0}, to_apply=%add.0
  ROOT %t.0 = (f32[], f32[]) tuple(%first.0, %sum.0)
}
"""
    read = hlo_graph(text, {"state[0]": "a", "inputs": "x"})
    assert [(node.name, node.text) for node in read.nodes if node.kind != QUANTITY] == [
        ("", "fusion"),
        ("new a", "element 0"),
        ("loss", "reduce"),
    ]
    assert edges(read, VALUE) == {
        ("a", "fusion"): 1,
        ("x", "fusion"): 1,
        ("fusion", "new a"): 1,
        ("x", "loss"): 1,
    }


def test_every_node_of_fx_is_in_the_kernel_that_inductor_wrote_for_it():
    (found,) = graphs("manual", "torch-compile")
    assert [cluster.label[: len("kernel 1: cpp_fused")] for cluster in found.clusters] == ["kernel 1: cpp_fused"]
    assert counted(found, found.clusters[0].label).total() == sum(MANUAL.values())


def test_a_product_of_matrices_is_no_fused_kernel():
    (found,) = graphs("nn", "torch-compile-loop")
    calls = {cluster_of(found, node).partition(": ")[2]: node.text for node in found.nodes if "mm" in node.text}
    assert calls == {"aoti_torch_cpu_addmm_out": "addmm", "aoti_torch_cpu_mm_out": "mm"}
    views = [node for node in found.nodes if node.text.startswith("permute")]
    assert len(views) == 2 and not any(node.cluster for node in views)
    assert {"new parameters[weight]", "new parameters[bias]", "loss"} == named(found, RESULT)


def test_native_says_why_it_has_none():
    pytest.importorskip("numba")
    (found,) = backends()["native"].graph(None)
    assert not found.nodes and "Numba" in found.notes[0]


def test_what_is_overwritten_is_read_from_who_wrote_it():
    flow = Flow("")
    flow.operation("into", ["a", "b"], ["a"])
    flow.operation("read", ["a"], ["c"])
    found = flow.graph({}, {"c": "new c"}, {"a": "a", "b": "b"})
    assert edges(found, VALUE) == {("a", "into"): 1, ("b", "into"): 1, ("into", "new c"): 1}
