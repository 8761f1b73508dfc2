"""Every case that the suite has, run once: all agree, the bound is not loose, and compilers do what is said of them."""

import pytest
from bench.sides.sides import here

from bench.cases.case import Choice
from bench.measuring.runner import Runner
from bench.records.record import AGREED

LOOSEST = 30  # times the worst error measured over the backends


@pytest.fixture(scope="module")
def all_records():
    """The records of every variant, backend and dtype at the default size, checked but not timed."""
    runner = Runner(Choice.of(device=["cpu"]), [here()], timed=False)
    runner.select(planned.case for planned in runner.planned)
    return [runner.record(planned.case) for planned in runner.planned]


def test_every_case_agrees_with_the_oracle(all_records):
    assert {(r.variant, r.backend, r.dtype): r.reason for r in all_records if r.outcome != AGREED} == {}
    assert len(all_records) == 5 * 6 * 2


def test_float64_has_at_least_13_digits_and_float32_5(all_records):
    for dtype, least in (("float64", 13), ("float32", 5)):
        assert min(r.agreement["digits"] for r in all_records if r.dtype == dtype) > least


def test_the_bound_is_never_30_times_looser_than_the_worst_error(all_records):
    groups = {(r.variant, r.dtype): [] for r in all_records}
    for record in all_records:
        groups[record.variant, record.dtype].append(record.agreement)
    looseness = {
        group: max(a["largest_bound"] for a in agreements) / max(a["worst_error"] for a in agreements)
        for group, agreements in groups.items()
    }
    assert {group: factor for group, factor in looseness.items() if factor > LOOSEST} == {}
    for agreements in groups.values():
        assert 1 / LOOSEST < max(a["bound_fraction"] for a in agreements) < 0.9


def test_compiled_steps_are_one_graph_and_are_compiled_once(all_records):
    compiled = [r for r in all_records if r.backend.startswith("torch-compile")]
    assert len(compiled) == 20
    assert all(r.graph_breaks == 0 and r.recompiles == 0 for r in compiled)
    assert all(r.recompiles == 0 for r in all_records if r.backend.startswith("jax"))


def test_compiled_code_was_not_found_in_a_cache(all_records):
    states = {r.backend: (one["cache_state"], one["cache_hits"]) for r in all_records for one in r.processes}
    assert states == {
        "numpy": (None, None),
        "torch": (None, None),
        **dict.fromkeys(("torch-compile", "torch-compile-loop", "jax", "jax-loop"), ("empty", 0)),
    }


def test_only_rmsprop_is_held_to_replay_and_the_record_says_from_where(all_records):
    assert {r.variant for r in all_records if r.agreement["replayed"]} == {"optim"}
    assert all(1000 < r.agreement["horizon"] < 2000 for r in all_records if r.variant == "optim")


def test_settings_in_force_are_recorded(all_records):
    for record in all_records:
        assert record.threads == 1
        assert record.matmul_precision == "highest"
        assert record.peak_memory_bytes > 2**20
        assert record.processes[0]["import_seconds"] > 0
        assert len(record.losses) == 20
