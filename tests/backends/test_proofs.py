"""A backend that compiles proves it case by case: what does not compile, or stops being compiled, is caught.

Faulty drivers in this process, for what a driver can do; runs of their own for what the environment can.
"""

import importlib
import inspect

import jax
import pytest
import torch
from conftest import ROOT, TEMPORARY, bench, records

import impls
from bench.backends import backends
from bench.backends.base import Backend
from bench.backends.jax_backend import JaxBackend
from bench.backends.jax_loop_backend import JaxLoopBackend
from bench.backends.torch_backend import TorchBackend
from bench.backends.torch_compile_backend import TorchCompileBackend
from bench.backends.torch_compile_loop_backend import TorchCompileLoopBackend
from bench.cases.case import Case
from bench.measuring.proofs import hold_compiled, hold_first_call, switched_off
from bench.truth.check import DisagreementError
from bench.workers.protocol import Build, Converge, Finish, Leave, Round
from bench.workers.serving import Worker

STEPS = 200
COMPILED = {kind.name: kind for kind in (TorchCompileBackend, TorchCompileLoopBackend, JaxBackend, JaxLoopBackend)}
NOTHING = "nothing was compiled: neither a compilation nor a cache hit in the first call"
PYTHON = "the step is not compiled: Python ran its own code in a later call"


@pytest.fixture(scope="module", autouse=True)
def started():
    """JAX's listeners: one backend of this process counts for all."""
    JaxBackend.start(COUNTING, 1)
    for name in ("compilations", "cache_hits"):
        assert getattr(COUNTING, name)() == 0


COUNTING = JaxBackend()


def counted(kind: type[Backend]) -> Backend:
    """A backend of the kind whose compilations are counted here."""
    made = kind()
    if isinstance(made, JaxBackend):
        made.compilations = COUNTING.compilations
        made.cache_hits = COUNTING.cache_hits
    return made


def built(backend: Backend) -> Worker:
    worker = Worker(0.0)
    worker.backend, worker.slowdown = backend, 0.0
    worker.build(Build(Case("manual", backend.name, "cpu", "float32", 30), 0, STEPS))
    return worker


def hold(backend: Backend) -> None:
    """A case's first fit and one timed one, as a group asks for them."""
    worker = built(backend)
    converged = worker.converge(Converge())
    hold_first_call(converged.compilations, converged.cache_hits)
    hold_compiled(converged.interpreted)
    worker.round(Round(STEPS, False))
    hold_compiled(worker.leave(Leave()).interpreted)
    assert not worker.finish(Finish()).recompiles


@pytest.mark.parametrize("name", COMPILED)
def test_a_compiled_step_is_proved(name):
    worker = built(counted(COMPILED[name]))
    converged = worker.converge(Converge())
    assert converged.compilations == 1
    assert converged.interpreted is False
    worker.round(Round(STEPS, False))
    assert worker.leave(Leave()).interpreted is False


@pytest.mark.parametrize("name", ["numpy", "torch"])
def test_where_there_is_no_compiler_nothing_is_to_be_proved(name):
    worker = built(backends()[name])
    converged = worker.converge(Converge())
    assert (converged.compilations, converged.interpreted) == (None, None)
    hold(backends()[name])


class ForgetfulTorch(TorchCompileBackend):
    def driver(self, step, inputs, target, rate, *more):
        return TorchBackend.driver(self, step, inputs, target, rate, *more)


class ForgetfulJax(JaxBackend):
    """Every operation of its step is compiled by itself, and counted."""

    def driver(self, step, inputs, target, rate, *more):
        return Backend.driver(self, step, inputs, target, rate, *more)


@pytest.mark.parametrize(("kind", "reason"), [(ForgetfulTorch, NOTHING), (ForgetfulJax, PYTHON)])
def test_a_driver_that_forgets_to_compile_is_caught(kind, reason):
    with pytest.raises(DisagreementError, match=reason):
        hold(counted(kind))


def later(kind: type[Backend], after: int, context) -> Backend:
    """A backend of the kind whose calls are made inside a context, once so many steps are made."""

    class Later(kind):
        def driver(self, step, inputs, target, rate, *more):
            run, done = super().driver(step, inputs, target, rate, *more), 0

            def fallen(state, steps):
                nonlocal done
                done += steps
                if done <= after:
                    return run(state, steps)
                with context():
                    return run(state, steps)

            return fallen

    return counted(Later)


def eagerly():
    return torch.compiler.set_stance("force_eager")


LATER = [(TorchCompileBackend, eagerly), (TorchCompileLoopBackend, eagerly)]
LATER += [(JaxBackend, jax.disable_jit), (JaxLoopBackend, jax.disable_jit)]


# In the middle of the first fit; and after it and all the probes, in a timed one.
@pytest.mark.parametrize("after", [STEPS // 2, STEPS + STEPS // 2])
@pytest.mark.parametrize(("kind", "context"), LATER, ids=lambda one: getattr(one, "name", None))
def test_a_step_that_is_no_longer_compiled_later_is_caught(kind, context, after):
    with pytest.raises(DisagreementError, match=PYTHON):
        hold(later(kind, after, context))


class UncompiledLater(TorchCompileBackend):
    """After some steps it calls the step as it was written."""

    def driver(self, step, inputs, target, rate, *more):
        compiled, eager = (
            super().driver(step, inputs, target, rate, *more),
            TorchBackend.driver(self, step, inputs, target, rate, *more),
        )
        done = 0

        def run(state, steps):
            nonlocal done
            done += steps
            return (compiled if done < STEPS else eager)(state, steps)

        return run


def failing(graph, example_inputs):
    raise ValueError("a compiler that fails")


class Suppressing(TorchCompileBackend):
    """Dynamo hides that the compiler failed, and runs the step as it was written."""

    def driver(self, step, inputs, target, rate, *more):
        torch.compiler.reset()
        return TorchBackend.driver(self, torch.compile(step, backend=failing), inputs, target, rate, *more)


class Limited(TorchCompileBackend):
    """Compiled anew for every value of a number, until Dynamo has had enough and runs what was written."""

    def driver(self, step, inputs, target, rate, *more):
        torch.compiler.reset()
        compiled, calls = torch.compile(step, backend="eager", dynamic=False), 0

        def run(state, steps):
            nonlocal calls
            for _ in range(steps):
                calls = min(calls + 1, 50)
                state, loss = compiled(state, inputs, target, rate * (1 + calls * 1e-12))
            return state, loss

        return run


def test_a_driver_that_calls_the_step_as_it_was_written_is_caught():
    with pytest.raises(DisagreementError, match=PYTHON):
        hold(counted(UncompiledLater))


def test_an_error_of_the_compiler_that_is_suppressed_is_caught():
    with torch._dynamo.config.patch(suppress_errors=True), pytest.raises(DisagreementError, match=NOTHING):
        hold(counted(Suppressing))


def test_a_step_that_reached_the_limit_of_recompiles_is_caught():
    with pytest.raises(DisagreementError, match=PYTHON):
        hold(counted(Limited))


@pytest.mark.parametrize("name", COMPILED)
def test_the_variables_that_switch_a_compiler_off_are_named_where_they_are_set(name):
    backend = backends()[name]
    assert switched_off(backend, {}) == ""
    for variable in backend.switches:
        assert switched_off(backend, {variable: "1"}) == f" ({variable}=1 is set)"
        assert switched_off(backend, {variable: "0"}) == ""


def test_the_own_code_of_every_step_is_known():
    """Or nobody would see Python run it."""
    for variant in impls.variants():
        for fit in {backend.fit for backend in backends().values()}:
            if (ROOT / "impls" / variant / f"{fit}.py").exists():  # the yardstick is written once
                step = importlib.import_module(f"impls.{variant}.{fit}").step
                assert inspect.isfunction(inspect.unwrap(step))


FEW = ("--variant=manual", "--device=cpu", "--dtype=float32", "--steps=100", "--points=30", "--benchmark-disable")
QUICK = {"TORCHINDUCTOR_VEC_ISA_OK": "1", "TMPDIR": TEMPORARY}


@pytest.mark.parametrize(
    ("names", "variables"),
    [
        (("torch-compile", "torch-compile-loop", "jax", "jax-loop"), ("TORCHDYNAMO_DISABLE", "JAX_DISABLE_JIT")),
        (("torch-compile",), ("TORCH_COMPILE_DISABLE",)),
    ],
    ids=["TORCHDYNAMO_DISABLE, JAX_DISABLE_JIT", "TORCH_COMPILE_DISABLE"],
)
def test_a_variable_that_switches_the_compiler_off_fails_the_case_and_is_named(tmp_path, names, variables):
    path = tmp_path / "run.json"
    done = bench(
        *(*FEW, f"--backend={','.join(names)}", f"--benchmark-json={path}"), **dict.fromkeys(variables, "1"), **QUICK
    )
    assert done.returncode == 1
    found = records(path)
    for name in names:
        one = found[f"manual-{name}"]
        named = f"({next(each for each in variables if each in backends()[name].switches)}=1 is set)"
        assert one["outcome"] == "failed" and one["rounds"] is None
        assert one["reason"].endswith(named), one["reason"]


def test_code_that_was_found_in_a_cache_is_a_proof_too(tmp_path):
    path = tmp_path / "run.json"
    words = ("--backend=torch-compile,jax-loop", f"--cache={tmp_path / 'cache'}", "--cold=0")
    for state in ("empty", "warm"):
        done = bench(*FEW, *words, f"--benchmark-json={path}", **QUICK)
        assert done.returncode == 0, done.stdout
        starts = {name: one["processes"][0] for name, one in records(path).items()}
        assert {one["cache_state"] for one in starts.values()} == {state}
        assert {one["compilations"] for one in starts.values()} == {1}
    assert {name for name, one in starts.items() if one["cache_hits"] < 1} == set()
