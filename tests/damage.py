"""Damaged copies of a run's JSON: keys dropped, renamed, doubled, wrong values of every kind, text cut and spliced."""

import json
from copy import deepcopy
from typing import Any

from builders import record, start
from hypothesis import strategies as st

from bench.records.record import AGREED, FAILED, SKIPPED

WRONG: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 7, 2**31, 2**63, -(2**70), 10**400, 0.0, -0.5, 1e-320, 1e30, -1e30, 1e308, 5e-324),
    *(float("nan"), float("inf"), -float("inf")),
    *(
        "",
        "x",
        "µ",
        "\x00",
        "\ud800",
        "0",
        "nan",
        "numpy",
        "cpu",
        "float32",
        "../../etc",
        "=1+1",
        "$x$",
        "\u202e",
        "a" * 6000,
    ),
    *("<script>alert(1)</script>", "](x) ![y](z)", "|", "\n", "modes", "measured", "failed", "2026", "[" * 2000),
    *([], {}, [None], ["x"], [[]], [0.5], {"x": 1}, [1e308] * 3, {"process": 0}, [[[[[[[[]]]]]]]], [0] * 5000),
)


def document() -> dict[str, Any]:
    """A run with a case of every outcome, in several processes, one side of an A/B comparison."""
    seconds = [[1e-5, 1.1e-5, 1.2e-5], [1.0e-5, 1.3e-5, 1.1e-5], [2e-5, 2.1e-5, 2.2e-5]]
    cold = [start(0, "empty"), start(1, "warm"), start(2, "warm")]
    records = [
        record(seconds),
        record([[2 * one for one in each] for each in seconds], backend="jax", processes=cold),
        record(seconds, outcome=AGREED, variant="nn"),
        record(outcome=FAILED, reason="left the exact fit at step 100", variant="nn", backend="jax"),
        record(outcome=SKIPPED, reason="not installed", variant="nn", backend="torch"),
    ]
    machine = {
        **{"cpu": "A CPU", "cores": 2, "physical_cores": 2, "affinity": [0, 1], "governor": None, "os": "An OS"},
        **{"load_average": [0.5, 0.25, 0.1], "memory_bytes": 2**34, "python": "3.11.7", "git_commit": "0" * 40},
        **{"packages": {"numpy": "2.4.6", "jax": "0.10.2"}, "environment": {"XLA_FLAGS": "--x"}, "git_dirty": False},
        **{"other_runs": [17], "comparison": None},
    }
    return {
        "machine_info": {"node": "here", "fitbench": machine},
        "commit_info": {"id": "0" * 40},
        "benchmarks": [{"extra_info": one.flat(), "stats": {"median": 1e-5}} for one in records[:2]],
        "datetime": "2026-11-23T15:53:25+00:00",
        "version": "5.3.0",
        "fitbench_schema": 2,
        "not_measured": [{"extra_info": one.flat()} for one in records[2:]],
    }


def places(value: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to everything in a value of JSON, but for the value itself."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [way for key, part in inside for way in ((*before, key), *places(part, (*before, key)))]


@st.composite
def damaged(draw: st.DrawFn, whole: dict[str, Any]) -> bytes:
    """The text of a copy with one to three faults in what it says, in how it is written, or in both."""
    copy = deepcopy(whole)
    faults = draw(st.sampled_from(("values", "values", "text", "both")))
    if faults != "text":
        for _ in range(draw(st.integers(1, 3))):
            _spoil(draw, copy)
    text = json.dumps(copy, ensure_ascii=draw(st.booleans())).encode(errors="surrogatepass")
    return text if faults == "values" else _cut(draw, text)


def _spoil(draw: st.DrawFn, copy: Any) -> None:
    ways = places(copy)
    if not ways:
        return
    *before, last = draw(st.sampled_from(ways))
    inside = copy
    for key in before:
        inside = inside[key]
    kind = draw(st.sampled_from(("drop", "rename", "double", "wrong", "wrong", "alike", "alike", "alike", "elsewhere")))
    if kind == "drop":
        del inside[last]
    elif kind == "rename" and isinstance(inside, dict):
        inside[draw(st.sampled_from(("x", "schema", "variant", "process", "", last.upper())))] = inside.pop(last)
    elif kind == "double" and isinstance(inside, list):
        inside.insert(last, deepcopy(inside[last]))
    elif kind == "elsewhere":
        part: Any = copy
        for key in draw(st.sampled_from(ways)):
            part = part[key] if isinstance(part, dict | list) and part is not inside else part
        inside[last] = deepcopy(part)
    elif kind == "alike":
        inside[last] = _alike(draw, inside[last])
    else:
        inside[last] = deepcopy(draw(st.sampled_from(WRONG)))


def _alike(draw: st.DrawFn, value: Any) -> Any:
    """Another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return draw(st.sampled_from((0, 1, 2, 3, value + 1, 10 * value, 10**6, 10**9, 10**15)))
    if isinstance(value, float):
        return value * draw(st.sampled_from((0.0, 1e-6, 0.5, 1.5, 10.0, 1e6, 1e15)))
    if isinstance(value, str):
        return draw(st.sampled_from([one for one in WRONG if isinstance(one, str)]))
    return value


def _cut(draw: st.DrawFn, text: bytes) -> bytes:
    begin, end = sorted(draw(st.tuples(st.integers(0, len(text)), st.integers(0, len(text)))))
    end = min(end, begin + draw(st.sampled_from((0, 1, 2, 10, 1000))))
    between = draw(
        st.sampled_from((b"", b"", b"\xff", b"}", b"]", b",", b'"', b"[" * 100_000, b"9" * 5000, b"NaN", b"null"))
    )
    kind = draw(st.sampled_from(("splice", "truncate", "double")))
    if kind == "truncate":
        return text[:begin]
    return text[:begin] + between + text[end:] if kind == "splice" else text[:end] + text[begin:]
