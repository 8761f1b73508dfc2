"""Error rates of compare between separate runs, on records of which the truth is known."""

import itertools
import re
from pathlib import Path

import numpy as np
import pytest
from builders import record, run_of, write
from msgspec.structs import replace as changed
from simulated_sessions import NOTHING, Machine, with_control

from bench import evidence
from bench.records.record import Run
from bench.studies.separate import separate
from bench.support.errors import InputError

LAYOUT = 0.001
OFFS = (0.0, 0.01, -0.01, 0.005)  # of the logs of all cases in a session, and so of their means


def runs(machine: Machine, offs: tuple[float, ...], **told) -> list[Run]:
    """One a day, and given in another order."""
    random = np.random.default_rng(0)
    loads = machine.loads(random)
    found = []
    for day, off in enumerate(offs):
        records = machine.run(random, loads, session=off).values()
        found.append(Run(Path(f"{day}.json"), f"2026-11-0{day + 1}", run_of("", [], **told).machine, tuple(records)))
    return found[::-1]


def lines(*words, **changes) -> list[str]:
    return list(separate(*words, **{"threshold": 0.1, "slowdown": 0.4, "times": 20, **changes}))


def test_rates_between_sessions_are_as_the_truth_is():
    machine = Machine(**{**vars(NOTHING), "layout": LAYOUT})
    first, alarms, same, spread, correlation, planted, history = lines(runs(machine, OFFS))
    assert first == "4 runs of 10 cases, threshold 10 %"
    assert alarms.endswith(": 0 of 6 (0.0 %, 95 % interval 0.0 to 45.9 %)")
    assert same.startswith("cases called the same: 60 of 60") and same.endswith("; undecided: 0")
    apart = 100 * np.std([later - earlier for earlier, later in itertools.combinations(OFFS, 2)])
    told = re.fullmatch(
        r"log ratios .*: standard deviation ([\d.]+) %, largest ([\d.]+) %; of their means ([\d.]+) %", spread
    )
    assert [float(each) for each in told.groups()] == pytest.approx([apart, 2.0, apart], abs=0.15)
    assert planted.startswith("40 % planted in one case: found in 20 of 20") and planted.endswith("same in 0")
    assert history.startswith("with three old runs: false alarms in 0 of 1") and "the same: 10 of 10" in history
    assert correlation.startswith("correlation of what is left with the core's state: ")


def test_a_machine_of_which_controls_tell_the_wrong_thing_gives_alarms():
    """The check can fail: sessions differ by 40 %, and controls say that nothing changed."""
    moved = runs(NOTHING, (0.0, 0.4, 0.8))
    blind = [
        Run(one.path, one.datetime, one.machine, tuple(with_control(one.measured, 1e-3).values())) for one in moved
    ]
    assert ": 3 of 3" in lines(blind)[1]


def test_controls_of_another_kind_are_not_used_here_either():
    one, *others = runs(NOTHING, (0.0, 0.0))
    (other,) = others
    unlike = changed(one, machine=run_of("", [], controls="python 4").machine)
    assert lines([one, other])[2].startswith("cases called the same: 10 of 10")
    assert lines([unlike, other])[2].startswith("cases called the same: 0 of 10")


def test_what_cannot_be_studied_is_one_line_and_exit_code_2(tmp_path, capsys):
    one, other = write(tmp_path / "one.json", [record()]), write(tmp_path / "two.json", [record(backend="jax")])
    for words, said in (
        ([one, other], "one.json: no case was measured in all of these runs"),
        ([one, one], "one.json: given twice; expected different runs"),
        ([one, tmp_path / "none.json"], "none.json: cannot be read"),
    ):
        assert evidence.main([str(word) for word in words]) == 2
        printed = capsys.readouterr()
        assert printed.out == "" and len(printed.err.splitlines()) == 1 and said in printed.err
    with pytest.raises(InputError, match="no case was measured in all"):
        lines([run_of("a", [record()]), run_of("b", [record(backend="jax")])])
