"""Records of older schemas: read as their successors would have written them, and good for all that is made of runs."""

import json
from dataclasses import asdict

import pytest
from builders import AGREEMENT, record

from bench.records.reading import load
from bench.records.record import AGREED, FAILED, SCHEMA, SKIPPED, ProcessStart
from bench.records.rounds import Rounds
from bench.records.upgrades import UPGRADES
from bench.reporting import frames
from bench.statistics.decision import UNDECIDED
from bench.statistics.verdict import decide
from bench.support.controls import FIRST
from bench.support.errors import InputError

# A record as schema 1 had it, field for field: one process, whose rounds are objects.
NOTHING = {
    **{"variant": "manual", "backend": "numpy", "device": "cpu", "dtype": "float32", "points": 2000},
    **{"outcome": SKIPPED, "reason": "not installed", "seed": 7, "steps": 200, "schema": 1},
    **dict.fromkeys(("device_name", "threads", "cores", "matmul_precision", "import_seconds", "startup_seconds")),
    **dict.fromkeys(("build_seconds", "first_call_seconds", "cache_state", "graph_breaks", "recompiles")),
    **dict.fromkeys(("peak_memory_bytes", "coefficients", "losses", "exact_losses", "agreement", "rounds")),
}
STARTED = {"import_seconds": 0.5, "startup_seconds": 0.25, "build_seconds": 0.125, "first_call_seconds": 2.0}
CHECKED = {
    **{**NOTHING, **STARTED, "outcome": AGREED, "reason": None, "agreement": asdict(AGREEMENT)},
    **{"device_name": "A CPU", "threads": 1, "cores": [1], "matmul_precision": "highest"},
    **{"peak_memory_bytes": 3 * 2**20, "coefficients": [0.0, 0.85, 0.0, -0.09]},
    **{"losses": [[100, 700.0], [200, 10.00001]], "exact_losses": [[100, 700.0], [200, 10.0]]},
}
TIMED = {
    **{**CHECKED, "outcome": "measured"},
    "rounds": [
        {"turn": turn, "place": turn % 2, "seconds": seconds, "cpu_seconds": seconds}
        for turn, seconds in enumerate((4e-5, 1e-5, 2e-5))
    ],
}
PROCESS = ProcessStart(process=0, **STARTED)
ROUNDS = Rounds(
    process=[0, 0, 0],
    turn=[0, 1, 2],
    place=[0, 1, 0],
    time=[None, None, None],
    steps=[200, 200, 200],  # a round was a whole fit
    seconds=[4e-5, 1e-5, 2e-5],
    cpu_seconds=[4e-5, 1e-5, 2e-5],
    warm_up=[False, False, False],
    controls={FIRST: [None, None, None]},
)


def written(path, *records, **changes):
    timed = [one for one in records if one["outcome"] == "measured"]
    rest = [one for one in records if one["outcome"] != "measured"]
    document = {
        "machine_info": {"fitbench": {"cpu": "A CPU"}},
        "benchmarks": [{"extra_info": {**one, **changes}, "stats": {}} for one in timed],
        "not_measured": [{"extra_info": {**one, **changes}} for one in rest],
    }
    path.write_text(json.dumps(document))
    return path


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (TIMED, record(processes=[PROCESS], rounds=ROUNDS, sampling=None, estimate=None)),
        (CHECKED, record(outcome=AGREED, processes=[PROCESS])),
        (NOTHING, record(outcome=SKIPPED, reason="not installed")),
        (
            {**NOTHING, "outcome": FAILED, "reason": "no compiler", "import_seconds": 0.5, "startup_seconds": 0.25},
            record(
                outcome=FAILED,
                reason="no compiler",
                processes=[ProcessStart(process=0, import_seconds=0.5, startup_seconds=0.25)],
            ),
        ),
        (
            {**CHECKED, "backend": "jax", "cache_state": "warm"},
            record(outcome=AGREED, backend="jax", processes=[ProcessStart(process=0, **STARTED, cache_state="warm")]),
        ),
    ],
)
def test_schema_1_is_read_as_schema_2_would_have_it(tmp_path, old, new):
    assert load(written(tmp_path / "run.json", old)).records == (new,)


def as_schema_2(**changes):
    """A record as schema 2 had it: rounds in columns, with the one control of a turn."""
    flat = record(estimate=None).flat()
    rounds = {name: column for name, column in flat["rounds"].items() if name not in ("controls", "readings")}
    rest = {name: value for name, value in flat.items() if name not in ("compiler_options", "fingerprint")}
    return {**rest, "schema": 2, "rounds": {**rounds, "yardstick_seconds": [0.001, None, 0.002]}, **changes}


def test_the_one_control_of_schema_2_is_read_by_its_name(tmp_path):
    (one,) = load(written(tmp_path / "run.json", as_schema_2())).records
    assert one.rounds.controls == {FIRST: [0.001, None, 0.002]} and one.rounds.readings == {}
    assert one.rounds.seconds == [4e-5, 1e-5, 2e-5] and one.schema == SCHEMA


def test_what_schema_3_did_not_tell_is_not_known(tmp_path):
    flat = record(estimate=None).flat()
    told = {name: value for name, value in flat.items() if name not in ("compiler_options", "fingerprint")}
    rounds = {name: value for name, value in flat["rounds"].items() if name != "readings"}
    (one,) = load(written(tmp_path / "run.json", {**told, "schema": 3, "rounds": rounds})).records
    assert one == record(estimate=None) and (one.compiler_options, one.fingerprint) == ({}, None)


def test_a_schema_2_that_is_damaged_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"damaged, of schema 2 \(KeyError\('yardstick_seconds'\)\)"):
        load(written(tmp_path / "run.json", as_schema_2(rounds=record().flat()["rounds"])))


def test_what_computed_the_one_control_of_schema_2_is_what_computed_the_controls(tmp_path):
    path = written(tmp_path / "run.json", TIMED)
    document = json.loads(path.read_text())
    for told in ({"yardstick": "python 3.11.7, numpy 2.4.6"}, {"controls": "python 3.11.7, numpy 2.4.6"}):
        path.write_text(json.dumps({**document, "machine_info": {"fitbench": told}}))
        assert load(path).machine.controls_by == "python 3.11.7, numpy 2.4.6"


def test_every_schema_before_todays_has_a_step_to_the_next():
    assert list(UPGRADES) == list(range(1, SCHEMA))


def test_a_run_of_schema_1_can_be_reported_and_compared(tmp_path):
    others = {**TIMED, "backend": "torch", "rounds": [{**one, "seconds": 1e-5} for one in TIMED["rounds"]]}
    run = load(written(tmp_path / "run.json", TIMED, others))
    numpy, torch = frames.cases({"run": run}).itertuples()
    assert (numpy.processes, numpy.rounds, numpy.unsettled) == (1, 3, 1)
    assert numpy.seconds == pytest.approx(2e-5, rel=1e-12) == numpy.raw_seconds  # no control: as read
    assert torch.speedup == pytest.approx(2, rel=1e-12)
    assert [(one.state, one.total) for one in numpy.starts] == [("no cache", 2.875)]
    table = decide(run, load(written(tmp_path / "again.json", TIMED, others)), 0.05)
    assert [(row.verdict, row.reason, row.ratio.value) for row in table.rows] == [(UNDECIDED, "one process", 1.0)] * 2
    assert table.states == {} and table.correlation is None


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ({"rounds": 5}, "damaged, of schema 1 (TypeError("),
        ({"rounds": {"turn": 1}}, "damaged, of schema 1 (TypeError("),
        ({"rounds": [{"turn": 0, "place": 0, "seconds": 1e-5}]}, "damaged, of schema 1 (KeyError('cpu_seconds'))"),
        ({"rounds": []}, "outcome 'measured': expected `rounds` after the warm-up"),
        ({"build_seconds": None}, "outcome 'measured': expected `processes` with all parts of their start"),
        ({"import_seconds": "0.5"}, "expected `float | null`, got `str`"),
    ],
)
def test_what_is_damaged_in_it_is_refused(tmp_path, damage, message):
    with pytest.raises(InputError) as caught:
        load(written(tmp_path / "run.json", TIMED, **damage))
    assert str(caught.value).startswith(f"{tmp_path / 'run.json'}: benchmarks[0].extra_info")
    assert message in str(caught.value) and "\n" not in str(caught.value)
