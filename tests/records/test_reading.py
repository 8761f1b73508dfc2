"""Reading a run's JSON: what is damaged or foreign is refused in one line that says where and what was expected."""

import json
from pathlib import Path

import msgspec
import pytest
from builders import MACHINE, record, rounds, start, write

from bench.records import reading
from bench.records.reading import load, sample
from bench.records.record import AGREED, FAILED, NOT_REACHED, SCHEMA, SKIPPED, Comparison, Machine
from bench.records.rounds import COLUMNS
from bench.records.writing import document
from bench.records.writing import write as write_document
from bench.support.errors import InputError

GOOD = record(outcome=SKIPPED, reason="a reason").flat()
TIMED = record().flat()
ONE = msgspec.to_builtins(rounds([[0.5]]))


def written(tmp_path, **changes):
    """A run of one case that was not timed, or of what `changes` make of it. info: of its record."""
    entry = {"extra_info": {**GOOD, **changes.pop("info", {})}}
    document = {"benchmarks": [], "not_measured": [entry], "machine_info": {}, "datetime": "now", **changes}
    path = tmp_path / "run.json"
    path.write_text(json.dumps(document))
    return path


def timed(**changes):
    """The same of a case that was timed."""
    return {"not_measured": [], "benchmarks": [{"extra_info": {**TIMED, **changes}, "stats": {}}]}


def refused(path) -> str:
    with pytest.raises(InputError) as caught:
        load(path)
    return str(caught.value).removeprefix(f"{path}: ")


def test_a_record_comes_back_as_it_went(tmp_path):
    (one,) = load(written(tmp_path)).records
    assert one.flat() == GOOD


def test_rounds_come_back_as_they_went(tmp_path):
    (one,) = load(written(tmp_path, info={"rounds": ONE})).records
    assert msgspec.to_builtins(one.rounds) == ONE


def test_fields_of_later_versions_of_the_schema_are_passed_over(tmp_path):
    assert load(written(tmp_path, info={"unheard_of": 1})).records[0].flat() == GOOD


def test_what_was_written_is_read_as_the_same_run(tmp_path):
    slow = [[third / 3 for third in (1e-5, 2e-5, 4e-5)]] * 3  # no decimal fraction has these digits
    records = [
        record(slow, rounds=rounds(slow, warm_up=1, control=None), processes=[start(i, "warm") for i in range(3)]),
        record(backend="torch", outcome=AGREED),
        record(backend="jax", outcome=FAILED, reason="NaN µ <&> \u2028", processes=[start(first_call_seconds=None)]),
        record(variant="nn", outcome=SKIPPED, reason="not installed", device="cuda:1", dtype="float64", points=4),
        record(variant="nn", outcome=NOT_REACHED, reason=None),
    ]
    comparison = Comparison(id="1", side="a", spec="X=1 .", looks=(3, 20))
    machine = Machine(**MACHINE, other_runs=[7], load_average=[0.5, 1.0, 2.0], comparison=comparison)
    write_document(tmp_path / "run.json", document({one.case: one for one in records}, machine, False))
    run = load(tmp_path / "run.json")
    cut_short = msgspec.structs.replace(machine, cut_short=True)  # as a run is of which a case was not reached
    assert list(run.records) == records and run.machine == cut_short and run.path == tmp_path / "run.json"
    assert run.datetime == json.loads((tmp_path / "run.json").read_text())["datetime"]


EXTRA = "not_measured[0].extra_info"
MEASURED = "benchmarks[0].extra_info"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"not_measured": None}, "damaged: `not_measured` must be a list and `machine_info` an object"),
        ({"machine_info": None}, "damaged: `not_measured` must be a list and `machine_info` an object"),
        ({"benchmarks": {}}, "JSON, but not of pytest-benchmark; expected the JSON of a run of `pytest bench`"),
        ({"not_measured": []}, "holds no case"),
        ({"not_measured": ["text"]}, "JSON of pytest-benchmark, but of another project"),
        ({"not_measured": [{"extra_info": {"note": 1}}]}, "JSON of pytest-benchmark, but of another project"),
        ({"not_measured": [{"extra_info": None}]}, "JSON of pytest-benchmark, but of another project"),
        (
            {"not_measured": [{"extra_info": {**GOOD, "schema": SCHEMA, "steps": None}}]},
            f"{EXTRA}.steps: expected `int",
        ),
        (
            {"not_measured": [{"extra_info": {name: GOOD[name] for name in GOOD if name != "outcome"}}]},
            f"{EXTRA}: object missing required field `outcome`",
        ),
        (
            {"not_measured": [{"extra_info": {"schema": SCHEMA, "variant": "manual"}}]},
            "missing required field `backend`",
        ),
        ({"info": {"points": "2000"}}, f"{EXTRA}.points: expected `int`, got `str`"),
        ({"info": {"points": True}}, f"{EXTRA}.points: expected `int`, got `bool`"),
        ({"info": {"points": 0}}, "`points`: expected at least 1"),
        ({"info": {"backend": None}}, f"{EXTRA}.backend: expected `str`, got `null`"),
        ({"info": {"backend": ""}}, "`backend`: expected 1 to 100 characters that can be printed"),
        ({"info": {"variant": "two\nlines"}}, "`variant`: expected 1 to 100 characters that can be printed"),
        ({"info": {"dtype": "float16"}}, "`dtype`: expected float32 or float64"),
        ({"info": {"outcome": "perhaps"}}, f"{EXTRA}.outcome: invalid enum value 'perhaps'"),
        ({"info": {"reason": "x" * (2**17 + 1)}}, f"{EXTRA}.reason: expected `str` of length <= {2**17}"),
        ({"info": {"rounds": {**ONE, "seconds": [0.0]}}}, f"{EXTRA}.rounds.seconds[0]: expected `float` >= 1e-12"),
        ({"info": {"rounds": {**ONE, "seconds": [-0.5]}}}, f"{EXTRA}.rounds.seconds[0]: expected `float` >= 1e-12"),
        ({"info": {"rounds": {**ONE, "seconds": [float("nan")]}}}, "not JSON, or truncated (invalid character"),
        ({"info": {"rounds": {**ONE, "seconds": ["1"]}}}, f"{EXTRA}.rounds.seconds[0]: expected `float`, got `str`"),
        ({"info": {"rounds": {**ONE, "process": ["x"]}}}, f"{EXTRA}.rounds.process[0]: expected `int`, got `str`"),
        ({"info": {"rounds": {**ONE, "seconds": [0.5, 0.5]}}}, f"{EXTRA}.rounds: expected columns process, turn"),
        ({"info": {"rounds": {"seconds": [0.5]}}}, f"{EXTRA}.rounds: object missing required field `process`"),
        ({"info": {"rounds": [{"seconds": 0.5}]}}, f"{EXTRA}.rounds: expected `object | null`, got `array`"),
        (timed(rounds=None), f"{MEASURED}: outcome 'measured': expected `rounds` after the warm-up"),
        (timed(agreement=None), f"{MEASURED}: outcome 'measured': expected an `agreement`"),
        (timed(agreement={**TIMED["agreement"], "digits": "6"}), f"{MEASURED}.agreement.digits: expected `float`"),
        (timed(losses=[[1, 2.0, 3.0]]), f"{MEASURED}.losses[0]: expected `array` of length 2, got 3"),
        ({"info": {"dtype": "float16"}}, f"{EXTRA}: `dtype`: expected float32 or float64"),
        ({"machine_info": {"fitbench": "x"}}, "machine_info.fitbench: expected `object`, got `str`"),
        (
            {"machine_info": {"fitbench": {"cores": "x"}}},
            "machine_info.fitbench.cores: expected `int | null`, got `str`",
        ),
    ],
)
def test_what_is_damaged_or_foreign_is_refused(tmp_path, changes, message):
    with pytest.raises(InputError) as caught:
        load(written(tmp_path, **changes))
    assert str(caught.value).startswith(f"{tmp_path / 'run.json'}: ") and message in str(caught.value)
    assert "\n" not in str(caught.value)


AGES = [
    (5, "of schema 5, newer than this fitbench, which reads schema 1 to 4"),
    (99, "of schema 99, newer than this fitbench, which reads schema 1 to 4"),
    (0, "of schema 0, too old for this fitbench, which reads schema 1 to 4"),
    (-1, "of schema -1, too old for this fitbench, which reads schema 1 to 4"),
    *((one, f"damaged: schema {one!r}; expected a whole number") for one in (2.0, 2.5, True, "2", [2], {})),
]


@pytest.mark.parametrize(("schema", "told"), [*AGES, (None, "damaged: schema None; expected a whole number")])
def test_a_record_of_a_schema_that_is_unknown_is_refused_with_both(tmp_path, schema, told):
    assert SCHEMA == 4  # which the ages above are of
    assert refused(written(tmp_path, info={"schema": schema})) == f"{EXTRA}: {told}"


@pytest.mark.parametrize(("schema", "told"), AGES)
def test_so_is_a_file_whatever_else_a_newer_one_may_have(tmp_path, schema, told):
    for changes in ({"machine_info": {"fitbench": {"cores": "many"}}}, {"not_measured": []}, {"not_measured": [{}]}):
        assert refused(written(tmp_path, fitbench_schema=schema, **changes)) == told


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not JSON, or truncated"),
        (b'{"benchmarks": [', "not JSON, or truncated"),
        (b'{"benchmarks": [1e999]}', "not JSON, or truncated"),
        (b"3", "JSON, but not of pytest-benchmark"),
        (b"\xff\xfe\x00", "not text; expected the JSON of a run"),
        (b"[" * 100_000, "nested too deeply; expected the JSON of a run"),
    ],
)
def test_what_is_no_json_of_ours_is_refused(tmp_path, content, message):
    (tmp_path / "run.json").write_bytes(content)
    with pytest.raises(InputError) as caught:
        load(tmp_path / "run.json")
    assert str(caught.value).startswith(f"{tmp_path / 'run.json'}: {message}") and "\n" not in str(caught.value)


@pytest.mark.parametrize(("name", "why"), [("none.json", "No such file or directory"), (".", "Is a directory")])
def test_what_cannot_be_read_is_refused(tmp_path, name, why):
    with pytest.raises(InputError) as caught:
        load(tmp_path / name)
    assert str(caught.value) == f"{tmp_path / name}: cannot be read ({why}); expected the JSON of a run"


def test_a_file_has_a_largest_size(tmp_path, monkeypatch):
    path = written(tmp_path)
    size = path.stat().st_size
    monkeypatch.setattr(reading, "MOST_BYTES", 2**21)
    path.write_bytes(path.read_bytes() + b" " * (2**21 - size))
    assert len(load(path).records) == 1
    path.write_bytes(path.read_bytes() + b" " * 2**20)
    assert refused(path) == "3 MiB; expected at most 2 MiB"


def test_a_run_has_only_so_many_cases(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "MOST_CASES", 3)
    cases = [record(backend=name, outcome=SKIPPED, reason="no") for name in "abc"]
    assert len(load(write(tmp_path / "run.json", cases)).records) == 3
    assert refused(write(tmp_path / "run.json", [*cases, record()])) == "holds 4 cases; expected at most 3"


@pytest.mark.parametrize("axis", ["variant", "backend", "device", "points"])
def test_an_axis_has_only_so_many_names(tmp_path, axis):
    values = range(4, 55) if axis == "points" else [f"name {i}" for i in range(51)]
    cases = [record(outcome=SKIPPED, reason="no", **{axis: value}) for value in values]
    assert len(load(write(tmp_path / "run.json", cases[:50])).records) == 50
    message = f"51 different values of `{axis}`; expected at most 50"
    assert refused(write(tmp_path / "run.json", cases)) == message


def test_a_case_has_only_so_many_processes(tmp_path):
    path = tmp_path / "run.json"
    (one,) = load(write(path, [record([[1e-5]] * 200)])).records
    assert len(one.processes) == len(one.rounds.process) == 200
    more = {**TIMED, "processes": [start(i) for i in range(201)]}
    assert refused(write(path, [more])) == f"{MEASURED}.processes: expected `array` of length <= 200"
    columns = {name: column * 201 for name, column in ONE.items() if name in COLUMNS}
    more = {**TIMED, "rounds": columns | {"process": list(range(201))}}
    assert refused(write(path, [more])) == f"{MEASURED}.rounds: expected at most 200 processes"


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff", b"[" * 100_000, b'{"side": 1}'])
def test_a_sample_that_is_damaged_is_refused_by_name(data):
    with pytest.raises(
        InputError, match=r"^one.json: a sample is damaged \(.*\); delete it, and run without --resume$"
    ):
        sample(Path("one.json"), data)
