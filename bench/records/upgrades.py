"""Records of older schemas, as their successors would have written them: one function a step."""

from collections.abc import Callable, Mapping
from typing import Any

from bench.support.controls import FIRST

STARTS = ("import_seconds", "startup_seconds", "build_seconds", "first_call_seconds", "cache_state")


def _from_1(info: Mapping[str, Any]) -> dict[str, Any]:
    """One process; a round was a whole fit, and neither its time nor a control was kept. No test ended a warm-up."""
    rest = {name: value for name, value in info.items() if name not in STARTS}
    start = {name: info.get(name) for name in STARTS}
    rounds = info.get("rounds")
    columns = {
        "process": 0,
        "time": None,
        "steps": info["steps"],
        "yardstick_seconds": None,
        "warm_up": False,
    }
    told = ("turn", "place", "seconds", "cpu_seconds")
    return {
        **rest,
        "schema": 2,
        "processes": None if start["import_seconds"] is None else [{"process": 0, **start}],
        "rounds": None
        if rounds is None
        else {
            **{name: [value] * len(rounds) for name, value in columns.items()},
            **{name: [one[name] for one in rounds] for name in told},
        },
    }


def _from_2(info: Mapping[str, Any]) -> dict[str, Any]:
    """The one control of a turn gets a name."""
    rounds = info.get("rounds")
    if rounds is None:
        return {**info, "schema": 3}
    rest = {name: value for name, value in rounds.items() if name != "yardstick_seconds"}
    return {**info, "schema": 3, "rounds": {**rest, "controls": {FIRST: rounds["yardstick_seconds"]}}}


def _from_3(info: Mapping[str, Any]) -> dict[str, Any]:
    """What came with 4 was not told."""
    return {**info, "schema": 4}


def machine_told(info: Any) -> Any:
    """What a file tells of its machine, as today's do: those of schema 2 had one control, and called it yardstick."""
    if not isinstance(info, dict) or "yardstick" not in info:
        return info
    return {"controls": info["yardstick"], **{name: value for name, value in info.items() if name != "yardstick"}}


UPGRADES: Mapping[int, Callable[[Mapping[str, Any]], dict[str, Any]]] = {1: _from_1, 2: _from_2, 3: _from_3}
