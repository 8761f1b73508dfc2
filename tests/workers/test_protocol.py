"""What goes over the wire: older workers understand the requests, and what a worker answers is taken for no more."""

import ast
import dataclasses
import json
import math
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from conftest import ROOT

from bench.anatomy.graph import Cluster, Edge, Graph, Node
from bench.cases.case import Case
from bench.cases.options import choice_of
from bench.sides.side import Side, here
from bench.workers.caches import Caches
from bench.workers.pool import Pool
from bench.workers.process import Deadline, WorkerError, WorkerProcess
from bench.workers.protocol import (
    PROTOCOL,
    REQUESTS,
    Build,
    Control,
    Converge,
    Explain,
    Finish,
    Leave,
    Request,
    Round,
    Start,
    Started,
    Trace,
    Traced,
    request_of,
)

OLDER = "ef87f0a"  # its workers take the fields of a request as the arguments of a method
CASE = Case("manual", "numpy", "cpu", "float32", 2000)

# By request: the fields that workers of older revisions understand.
WIRE: list[tuple[Request[Any], dict[str, Any]]] = [
    (Start("numpy", "cpu", 1, None), {"backend": "numpy", "device": "cpu", "threads": 1, "cores": None}),
    (Control(None, ["vector-1"]), {"cores": None, "names": ["vector-1"]}),
    (
        Build(CASE, seed=3, steps=300),
        {
            **{"variant": "manual", "device": "cpu", "dtype": "float32", "points": 2000},
            **{"seed": 3, "steps": 300},
        },
    ),
    (Converge(), {}),
    (Round(20, disable_gc=True), {"steps": 20, "disable_gc": True}),
    (Leave(), {}),
    (Finish(), {}),
    (Explain(20), {"steps": 20}),
    (Trace(), {}),
]
EACH = pytest.mark.parametrize(("request_", "fields"), WIRE, ids=[type(request).__name__ for request, _ in WIRE])


def test_every_request_is_looked_at_here():
    assert {type(request) for request, _ in WIRE} == {*REQUESTS.values()}


@EACH
def test_a_request_is_flat_fields_of_its_name(request_, fields):
    wire = json.loads(json.dumps(request_.wire()))
    assert wire == {"request": type(request_).__name__.lower(), **fields}


@EACH
def test_a_request_comes_back_from_the_wire(request_, fields):
    name, back = request_of(json.loads(json.dumps(request_.wire())))
    assert REQUESTS[name] is type(back) is type(request_)
    if isinstance(back, Build):  # it is the worker's own backend, which the wire does not tell again
        back = dataclasses.replace(back, case=dataclasses.replace(back.case, backend=request_.case.backend))
    assert back == request_


def test_cores_come_back_as_a_list():
    start = Start("jax", None, 2, [0, 1])
    assert request_of(json.loads(json.dumps(start.wire()))) == ("start", start)


@pytest.fixture(scope="module")
def older() -> dict[str, list[str]]:
    """By request, the arguments that the worker of an older revision takes."""
    words = ["git", "show", f"{OLDER}:bench/worker.py"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"the commit {OLDER} is not in this clone")
    (worker,) = (
        node for node in ast.parse(done.stdout).body if isinstance(node, ast.ClassDef) and node.name == "Worker"
    )
    methods = (node for node in worker.body if isinstance(node, ast.FunctionDef))
    return {one.name: [argument.arg for argument in one.args.args[1:]] for one in methods}


# Controls are asked of fitbench's own worker alone, whatever is compared.
@pytest.mark.parametrize(
    "request_",
    [one for one, _ in WIRE if not isinstance(one, (Control, Explain, Trace))],
    ids=lambda one: type(one).__name__,
)
def test_a_worker_of_an_older_revision_takes_these_fields_and_no_others(older, request_):
    wire = request_.wire()
    assert sorted(older[wire.pop("request")]) == sorted(wire)


def test_an_older_worker_that_does_not_tell_its_protocol_speaks_the_first():
    answer = {"import_seconds": 0.5, "startup_seconds": 0.25, "devices": {"cpu": "cpu"}}
    assert msgspec.convert(answer, Started).protocol == 1
    assert msgspec.convert({**answer, "protocol": 2}, Started).protocol == 2


# A worker that answers what it is told to


def answering(tmp_path: Path, *answers: str) -> Side:
    """A side whose interpreter is a script: it answers requests with these lines, and then ends."""
    python = tmp_path / "python"
    lines = "\n".join(f"read -r request; cat '{tmp_path / str(i)}'" for i in range(len(answers)))
    python.write_text(f"#!/bin/sh\n{lines}\n")
    python.chmod(0o755)
    for i, answer in enumerate(answers):
        (tmp_path / str(i)).write_text(f"{answer}\n")
    return dataclasses.replace(here(), python=str(python))


@contextmanager
def worker(side: Side) -> Iterator[WorkerProcess]:
    process = WorkerProcess(side, {})
    try:
        yield process
    finally:
        process.close()


def one_line(caught: pytest.ExceptionInfo[WorkerError], *words: str) -> None:
    message = str(caught.value)
    assert "\n" not in message and len(message) < 400, message
    assert all(word in message for word in words), message


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("noise", ["'noise"]),
        ('{"seconds": [1.0]', ['{"seconds": [1.0]']),
        ("[]", ["object", "[]"]),
        ("3", ["object", "3"]),
        ("null", ["object", "null"]),
        ("{}", ["seconds", "{}"]),
        ('{"seconds": "long"}', ["array", "seconds"]),
        ('{"seconds": null}', ["array", "null"]),
        ("[" * 5000, ["[[[", "..."]),
        ('"' + "x" * 5000 + '"', ["xxx", "..."]),
    ],
)
def test_an_answer_that_is_not_what_was_expected_is_an_error_in_one_line(tmp_path, answer, words):
    with worker(answering(tmp_path, '{"seconds": [1.0]}', answer)) as process:
        assert process.ask(Control(None, ["vector-1"]), 10).seconds == [1.0]
        with pytest.raises(WorkerError) as caught:
            process.ask(Control(None, ["vector-1"]), 10)
        one_line(caught, "control: the worker's answer is not what was expected: ", "; it wrote ", *words)
        assert not process.alive  # who answers so is not asked again


def test_what_a_worker_says_of_an_error_is_the_reason_in_one_line(tmp_path):
    answer = json.dumps({"error": "ValueError: first\nsecond"})
    with worker(answering(tmp_path, answer)) as process, pytest.raises(WorkerError) as caught:
        process.ask(Control(None, ["vector-1"]), 10)
    assert str(caught.value) == "control: ValueError: first"


def test_an_answer_that_was_cut_off_is_a_death(tmp_path):
    side = answering(tmp_path, "")
    (tmp_path / "0").write_text('{"seconds": [1.0]}')  # without the end of its line
    with worker(side) as process, pytest.raises(WorkerError) as caught:
        process.ask(Control(None, ["vector-1"]), 10)
    one_line(caught, "control: the worker died (exit code 0)")


def test_an_answer_may_tell_more_than_is_known_and_hold_nan(tmp_path):
    checkpoint = {"step": 1, "before": [0.0], "loss": math.nan, "after": [math.inf], "pace": None, "news": 1}
    answer = {"first_call_seconds": 1.0, "cache_hits": None, "checkpoints": [checkpoint], "not_finite_at": 1, "more": 2}
    with worker(answering(tmp_path, json.dumps(answer))) as process:
        converged = process.ask(Converge(), 10)
    (back,) = converged.checkpoints
    assert math.isnan(back.loss) and back.after == [math.inf] and converged.not_finite_at == 1


def test_a_graph_comes_back_from_the_wire(tmp_path):
    nodes = [Node("n0", "x", "", "quantity"), Node("n1", "loss", 'sum "\u03c0" <&\n', "result", "c0")]
    graph = Graph("a title", nodes, [Edge("n0", "n1", "saved")], [Cluster("c0", "a kernel")], ["a note"])
    answer = json.dumps(dataclasses.asdict(Traced([graph])))
    with worker(answering(tmp_path, answer)) as process:
        assert process.ask(Trace(), 10) == Traced([graph])


@pytest.mark.parametrize("protocol", [1, PROTOCOL + 1])
def test_a_side_of_another_protocol_is_refused_when_its_worker_starts(tmp_path, protocol):
    told = {} if protocol == 1 else {"protocol": protocol}
    started = {"import_seconds": 0.5, "startup_seconds": 0.25, "devices": {"cpu": "cpu"}, **told}
    caches = Caches()
    pool = Pool(choice_of(backend=["numpy"]), caches, cold=False, code={"": "a hash"})
    try:
        with pytest.raises(WorkerError) as caught:
            pool.worker(answering(tmp_path, json.dumps(started)), CASE, Deadline(10))
    finally:
        pool.close()
        caches.close()
    one_line(caught, f"its workers speak protocol {protocol}, this fitbench protocol {PROTOCOL}")
