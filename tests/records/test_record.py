"""Reading a run's JSON: what is damaged or foreign is refused in one line that says how."""

import json

import pytest

from bench.records.record import ROUND, SCHEMA, SKIPPED, Record, load
from bench.support.errors import InputError

GOOD = Record("manual", "numpy", "cpu", "float32", 2000, SKIPPED, "a reason", seed=0, steps=10).as_dict()


ONE = {name: [0.5] for name in ROUND}  # one round


def written(tmp_path, **changes):
    entry = {"extra_info": {**GOOD, **changes.pop("info", {})}}
    document = {"benchmarks": [], "not_measured": [entry], "machine_info": {}, "datetime": "now", **changes}
    path = tmp_path / "run.json"
    path.write_text(json.dumps(document))
    return path


def test_a_record_comes_back_as_it_went(tmp_path):
    (record,) = load(written(tmp_path)).records
    assert record.as_dict() == GOOD


def test_rounds_come_back_as_they_went(tmp_path):
    (record,) = load(written(tmp_path, info={"rounds": ONE})).records
    assert record.rounds == ONE


def test_fields_of_later_versions_of_the_schema_are_passed_over(tmp_path):
    assert load(written(tmp_path, info={"unheard_of": 1})).records[0].as_dict() == GOOD


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"not_measured": None}, "`not_measured` must be a list"),
        ({"machine_info": None}, "`machine_info` an object"),
        ({"benchmarks": {}}, "not of pytest-benchmark"),
        ({"not_measured": []}, "holds no case"),
        ({"not_measured": ["text"]}, "of another project"),
        ({"not_measured": [{"extra_info": {"note": 1}}]}, "of another project"),
        ({"not_measured": [{"extra_info": {"schema": SCHEMA, "variant": "manual"}}]}, "incomplete"),
        ({"info": {"schema": 1}}, "written in schema 1; this fitbench reads schema 2"),
        ({"info": {"schema": 99}}, "written in schema 99; this fitbench reads schema 2"),
        ({"info": {"points": "2000"}}, "`points` is '2000'; expected int"),
        ({"info": {"rounds": {**ONE, "seconds": [0.0]}}}, "took 0.0; expected seconds > 0"),
        ({"info": {"rounds": {**ONE, "seconds": [float("nan")]}}}, "took nan; expected seconds > 0"),
        ({"info": {"rounds": {**ONE, "seconds": [1]}}}, "took 1; expected seconds > 0"),
        ({"info": {"rounds": {**ONE, "seconds": [0.5, 0.5]}}}, "are damaged; expected columns process, turn"),
        ({"info": {"rounds": {"seconds": [0.5]}}}, "are damaged; expected columns process, turn"),
        ({"info": {"rounds": [{"seconds": 0.5}]}}, "are damaged; expected columns process, turn"),
        ({"info": {"backend": None}}, "`backend` is None; expected str"),
    ],
)
def test_what_is_damaged_or_foreign_is_refused(tmp_path, changes, message):
    with pytest.raises(InputError, match=message) as caught:
        load(written(tmp_path, **changes))
    assert "\n" not in str(caught.value)
