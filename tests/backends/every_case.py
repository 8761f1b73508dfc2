"""Every case of a dtype, run once: all agree, the bound is not loose, and compilers do what is said of them.

A file for each dtype, so that they run side by side.
"""

import os
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import pytest
from conftest import ROOT, TEMPORARY

from bench.backends import backends
from bench.cases.options import choice_of
from bench.measuring.runner import Runner
from bench.records.reading import load
from bench.records.record import RIGHT, Record, Run
from bench.sides.code import files, hash_of
from bench.sides.side import here

VARIANTS, BACKENDS = (len(list(ROOT.glob(files))) for files in ("impls/*/__init__.py", "bench/backends/*_backend.py"))
LOOSEST = 30  # times the worst error measured over the backends


@lru_cache
def records_of(dtype: str) -> list[Record]:
    """The records of every variant and backend at the default size; the yardstick has one.

    Those of the run FITBENCH_TESTS_RUN, if there is one that this code made, with the defaults but for how long it
    timed; else they are checked here, and not timed.
    """
    found = _run().records if "FITBENCH_TESTS_RUN" in os.environ else _checked(dtype)
    return [one for one in found if one.case.dtype == dtype and not one.unwritten]


def _run() -> Run:
    run = load(Path(os.environ["FITBENCH_TESTS_RUN"]))
    assert run.machine.code == hash_of(ROOT, files(ROOT)), "the run of FITBENCH_TESTS_RUN is not of this code"
    return run


def _checked(dtype: str) -> list[Record]:
    runner = Runner(choice_of(device=["cpu"], dtype=[dtype], cold="0"), [here()], timed=False)
    runner.select(planned.case for planned in runner.planned)
    with pytest.MonkeyPatch.context() as patch:
        # Inductor takes the CPU's word for its vector instructions: to try each with a compiler takes 7 s a worker.
        patch.setenv("TORCHINDUCTOR_VEC_ISA_OK", "1")
        # PyTorch keeps compiled headers there, apart from its caches: to make them takes another 5 s a worker.
        patch.setenv("TMPDIR", TEMPORARY)
        return [runner.record(case) for case in runner.selected]


class EveryCase:
    """The tests of one dtype; its cases agree to more than so many digits."""

    dtype: ClassVar[str]
    digits: ClassVar[int]

    @pytest.fixture
    def all_records(self) -> list[Record]:
        return records_of(self.dtype)

    def test_every_case_agrees_with_the_oracle(self, all_records):
        assert {one.case.id: one.reason for one in all_records if one.outcome not in RIGHT} == {}
        assert {one.case.dtype for one in all_records} == {self.dtype}
        assert len({one.case for one in all_records}) == len(all_records) == VARIANTS * (BACKENDS - 1) + 1

    def test_cases_have_more_than_so_many_digits(self, all_records):
        assert min(one.agreement.digits for one in all_records) > self.digits

    def test_the_bound_is_never_30_times_looser_than_the_worst_error(self, all_records):
        variants = {one.case.variant: [] for one in all_records}
        for one in all_records:
            variants[one.case.variant].append(one.agreement)
        looseness = {
            variant: max(one.largest_bound for one in agreements) / max(one.worst_error for one in agreements)
            for variant, agreements in variants.items()
        }
        assert {variant: factor for variant, factor in looseness.items() if factor > LOOSEST} == {}
        for agreements in variants.values():
            assert 1 / LOOSEST < max(one.bound_fraction for one in agreements) < 0.9

    def test_compiled_steps_are_one_graph_and_are_compiled_once(self, all_records):
        compiled = [one for one in all_records if one.case.backend.startswith("torch-compile")]
        assert len(compiled) == 2 * VARIANTS
        assert all(one.graph_breaks == 0 and one.recompiles == 0 for one in compiled)
        assert all(one.recompiles == 0 for one in all_records if one.case.backend.startswith("jax"))

    def test_every_compiler_proves_that_it_compiled_the_step_once(self, all_records):
        counts = {(one.case.backend, start.compilations) for one in all_records for start in one.processes}
        compilers = ("torch-compile", "torch-compile-loop", "jax", "jax-loop", "native")
        assert counts == {("numpy", None), ("torch", None), *((name, 1) for name in compilers)}

    def test_every_compiler_tells_what_it_generated_and_nobody_else(self, all_records):
        compilers = ("torch-compile", "torch-compile-loop", "jax", "jax-loop")
        known = {one.case: one.fingerprint for one in all_records if one.fingerprint is not None}
        assert {case.backend for case in known} >= {*compilers}
        assert all((one.case in known) == (one.processes[0].compilations is not None) for one in all_records)
        assert all(len({known[case] for case in known if case.backend == name}) == VARIANTS for name in compilers)

    def test_compiled_code_was_not_found_in_a_cache(self, all_records):
        expected = {
            **{name: {(None, None)} for name in ("numpy", "torch")},
            **{name: {("empty", 0)} for name in ("torch-compile", "torch-compile-loop", "jax", "jax-loop", "native")},
        }
        states: dict[str, set] = {backend: set() for backend in backends()}
        for one in all_records:
            states[one.case.backend] |= {(start.cache_state, start.cache_hits) for start in one.processes}
        assert {name: states[name] for name in expected} == expected

    def test_only_rmsprop_is_held_to_replay_and_the_record_says_from_where(self, all_records):
        assert {one.case.variant for one in all_records if one.agreement.replayed} == {"optim"}
        assert all(1000 < one.agreement.horizon < 2000 for one in all_records if one.case.variant == "optim")

    def test_settings_in_force_are_recorded(self, all_records):
        for one in all_records:
            assert one.threads == 1
            assert one.matmul_precision == "highest"
            assert one.peak_memory_bytes > 2**20
            assert one.processes[0].import_seconds > 0
            assert len(one.losses) == 6 + 20
