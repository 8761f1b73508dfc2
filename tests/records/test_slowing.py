"""Debugging settings in the environment of a run, which slow it down: that they are known, recorded, and told."""

import pytest
from builders import record, write
from conftest import bench

from bench import compare
from bench.records.slowing import SLOWING, slowed
from bench.sides.variables import timing_variables

NAMED = {"PYTHONMALLOC": "pymalloc_debug", "XLA_FLAGS": "--xla_dump_to=d", "LD_PRELOAD": "/lib/libasan.so.8"}


@pytest.mark.parametrize("name", SLOWING)
def test_each_is_recorded_and_named(name):
    value = NAMED.get(name, "1")
    assert timing_variables({name: value}) == {name: value}
    assert slowed({name: value}) == f"debugging settings that slow it down: {name}"


@pytest.mark.parametrize("name", SLOWING)
@pytest.mark.parametrize("value", ["", "0", "false", "False"])
def test_a_setting_that_is_off_is_none(name, value):
    assert slowed({name: value}) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("PYTHONMALLOC", "malloc"), ("LD_PRELOAD", "/lib/libjemalloc.so.2"), ("ATEN_CPU_CAPABILITY", "default")),
        *(("XLA_FLAGS", "--xla_cpu_enable_fast_math=true"), ("PYTHONPATH", "asan"), ("JAX_ENABLE_X64", "1")),
    ],
)
def test_what_only_changes_a_run_does_not_slow_it_down(name, value):
    assert slowed({name: value}) is None


def test_several_are_one_line():
    environment = {"JAX_DEBUG_NANS": "True", "OMP_NUM_THREADS": "1", "PYTHONTRACEMALLOC": "25"}
    assert slowed(environment) == "debugging settings that slow it down: JAX_DEBUG_NANS, PYTHONTRACEMALLOC"


def test_what_chooses_the_kernels_of_torch_is_recorded():
    variables = {"ATEN_CPU_CAPABILITY": "default", "AT_PARALLEL": "1"}
    assert timing_variables(variables) == variables


def test_a_run_is_warned_of_when_it_begins():
    words = ("--variant=manual", "--backend=numpy", "--device=cpu", "--dtype=float64", "--points=30", "--steps=10")
    warned, silent = (
        bench(*words, "--benchmark-disable", "-s", JAX_DEBUG_NANS=value, PYTHONTRACEMALLOC="0").stdout for value in "10"
    )  # of a setting that slows down a framework which is not there
    assert "warning: this run: debugging settings that slow it down: JAX_DEBUG_NANS\n" in warned
    assert "slow it down" not in silent


def test_a_comparison_tells_of_each_run(tmp_path, capsys):
    environment = {"JAX_DEBUG_NANS": "1"}
    old, new = (write(tmp_path / f"{name}.json", [record()], environment=environment) for name in ("old", "new"))
    assert compare.main([str(old), str(new)]) == 0
    printed = capsys.readouterr().err  # what is on stdout may be for a program
    for path in (old, new):
        assert f"warning: {path}: debugging settings that slow it down: JAX_DEBUG_NANS\n" in printed
