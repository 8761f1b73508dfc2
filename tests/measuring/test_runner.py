"""The runner in this process, with real workers of NumPy: what ends a run early, and what is kept then."""

import os
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from conftest import ROOT

from bench.cases.case import Case
from bench.cases.memory import data_bytes
from bench.cases.options import choice_of
from bench.measuring import sampling
from bench.measuring.group import Group
from bench.measuring.neighbours import Presence
from bench.measuring.rule import Rule, Sides
from bench.measuring.runner import Runner
from bench.measuring.sampling import BLOCK, MOST_ROUNDS
from bench.measuring.scheduler import Job
from bench.records.record import AGREED, FAILED, MEASURED, NOT_REACHED, Machine
from bench.sides.side import Side, here
from bench.truth.check import DisagreementError
from bench.workers.process import WorkerProcess
from bench.workers.protocol import Build, Converge, Finish, Round, Start

WORDS = {"backend": ["numpy"], "device": ["cpu"], "dtype": ["float64"], "points": ["200"], "steps": "100"}
SHORT = {"processes": "3", "max_time": "0.03", "variant": ["manual"]}


def runner_of(
    side: Side | None = None, tell: Callable[[str], None] = lambda line: None, timed: bool = True, **words
) -> Runner:
    runner = Runner(choice_of(**{**WORDS, **SHORT, **words}), [side or here()], timed=timed, tell=tell)
    runner.select(planned.case for planned in runner.planned)
    return runner


def in_turn(monkeypatch: pytest.MonkeyPatch, action: Callable[[Group], None], processes: tuple[int, ...]) -> None:
    """Do something as the turns of a group begin, in some processes of the run."""
    before = Group._take_turns

    def take_turns(group: Group) -> None:
        if group.process in processes:
            action(group)
        before(group)

    monkeypatch.setattr(Group, "_take_turns", take_turns)


def interrupt(group: Group) -> None:
    raise KeyboardInterrupt


def kill(group: Group) -> None:
    group.members[0].worker.process.process.kill()


@dataclass(frozen=True)
class Until(Rule):
    """The variant `nn` is decided after one process, all others after two."""

    def undecided(self, samples: Mapping[Case, Sides]) -> list[Case]:
        return [case for case, sides in samples.items() if len(sides[0]) < (1 if case.variant == "nn" else 2)]


def ruled(tell: Callable[[str], None] = lambda line: None) -> Runner:
    """Two sides of two variants, which may have three processes."""
    sides = [replace(here(), label=label) for label in "ab"]
    choice = choice_of(**{**WORDS, **SHORT, "variant": ["manual", "nn"]})
    runner = Runner(choice, sides, timed=True, tell=tell, rule=Until(0.05, (1, 3)))
    runner.select(planned.case for planned in runner.planned)
    return runner


def processes_of(runner: Runner) -> dict[str, list[int]]:
    return {
        f"{case.variant} {side}": sorted(one.process for one in runner.samples if (one.case, one.side) == (case, side))
        for case in runner.selected
        for side in "ab"
    }


EXPECTED = {"manual a": [0, 1], "manual b": [0, 1], "nn a": [0], "nn b": [0]}


def test_only_cases_that_the_rule_leaves_undecided_have_another_process():
    told: list[str] = []
    runner = ruled(told.append)
    runner.run()
    assert processes_of(runner) == EXPECTED and runner.complete
    for case in runner.selected:
        for side in "ab":
            record = runner.so_far(case, label=side)
            assert (record.sampling.stopped, record.sampling.asked, record.cut_short) == ("decided", 3, False)
    undecided = [re.search(r"; (\d) of 2 cases undecided", line)[1] for line in told]
    assert undecided == ["2", "2", "1"]


@pytest.mark.parametrize("process", [0, 1])
def test_a_run_with_a_rule_that_is_cut_short_goes_on_as_it_would_have(monkeypatch, tmp_path, process):
    with monkeypatch.context() as patched:
        in_turn(patched, interrupt, (process,))
        first = ruled()
        first.keep_journal(tmp_path / "journal", resume=False)
        first.run()
        first.journal.close()
    stopped = {one.variant: first.so_far(one, label="a") for one in first.selected}
    assert not first.complete and stopped["manual"].cut_short
    if process == 1:  # by then the other one was decided
        assert stopped["nn"].sampling.stopped == "decided"
    second = ruled()
    second.keep_journal(tmp_path / "journal", resume=True)
    second.run()
    second.journal.close()
    assert processes_of(second) == EXPECTED and second.complete


def test_the_sides_start_in_the_other_order_from_process_to_process(monkeypatch):
    orders: dict[int, list[str]] = {}
    before = Group._converging

    def converging(group: Group) -> list[Job]:
        jobs = before(group)
        if group.members[0].case.variant == "manual":
            orders[group.process] = [job.line[0] for job in jobs]
        return jobs

    monkeypatch.setattr(Group, "_converging", converging)
    ruled().run()
    assert orders == {0: ["a", "b"], 1: ["b", "a"]}


def test_groups_come_in_another_order_in_each_process_which_follows_from_the_seed():
    variants = ["manual", "autograd", "custom_function", "nn", "optim"]
    runner, same, other = (runner_of(variant=variants, seed=seed) for seed in ("1", "1", "2"))
    orders = [[cases[0].variant for cases in runner._groups(process, runner.selected)] for process in range(8)]
    assert all(sorted(order) == sorted(variants) for order in orders)
    assert len({order[0] for order in orders}) > 2  # none is always the first, which finds a fresh heap
    assert orders == [[cases[0].variant for cases in same._groups(process, same.selected)] for process in range(8)]
    assert orders != [[cases[0].variant for cases in other._groups(process, other.selected)] for process in range(8)]


def test_the_group_that_ctrl_c_cuts_does_not_count_and_earlier_processes_do(monkeypatch):
    in_turn(monkeypatch, interrupt, (1,))
    runner = runner_of()
    (case,) = runner.selected
    record = runner.record(case)
    assert runner.interrupted and not runner.complete and runner.whole == 1
    assert record.outcome == MEASURED and set(record.rounds.process) == {0}
    assert (record.sampling.stopped, record.sampling.asked) == ("interrupted", 3)


def test_a_case_that_ctrl_c_cuts_in_its_first_process_was_not_reached(monkeypatch):
    """It converged, but nobody asked whether it was recompiled in its rounds."""
    in_turn(monkeypatch, interrupt, (0,))
    runner = runner_of()
    (case,) = runner.selected
    assert runner.record(case).outcome == NOT_REACHED
    assert runner.samples == []


def test_a_worker_that_is_killed_costs_its_process_alone(monkeypatch):
    in_turn(monkeypatch, kill, (1,))
    runner = runner_of()
    (case,) = runner.selected
    record = runner.record(case)
    assert record.outcome == MEASURED and sorted(set(record.rounds.process)) == [0, 2]
    (lost,) = record.lost
    assert lost.startswith("process 2: round: the worker was killed (SIGKILL)")
    assert runner.complete and record.sampling.stopped != "interrupted"


def test_a_case_whose_worker_is_killed_time_and_again_is_given_up(monkeypatch):
    processes = []
    in_turn(monkeypatch, lambda group: (processes.append(group.process), kill(group)), (0, 1, 2))
    runner = runner_of()
    (case,) = runner.selected
    assert runner.record(case).outcome == FAILED
    assert processes == [0, 1]


def test_a_process_that_was_lost_is_tried_again_when_the_run_is_resumed(monkeypatch, tmp_path):
    with monkeypatch.context() as patched:
        in_turn(patched, kill, (1,))
        in_turn(patched, interrupt, (2,))
        first = runner_of()
        first.keep_journal(tmp_path / "journal", resume=False)
        first.run()
        first.journal.close()
        assert [one.transient for one in first.samples] == [False, True]
    second = runner_of()
    second.keep_journal(tmp_path / "journal", resume=True)
    (case,) = second.selected
    record = second.record(case)
    second.journal.close()
    assert record.outcome == MEASURED and record.lost == [] and sorted(set(record.rounds.process)) == [0, 1, 2]
    assert record.processes[0] == first.samples[0].start  # which was sound
    third = runner_of()
    third.keep_journal(tmp_path / "journal", resume=True)
    third.journal.close()
    assert [one.process for one in third.samples] == [0, 1, 2]  # the later sample of a process stands


@pytest.fixture
def side(copy) -> Side:
    """A checkout of its own."""
    return replace(here(), root=copy)


def editing(path: Path, when: str) -> Callable[[str], None]:
    return lambda line: path.write_text(f"{path.read_text()}\n# edited\n") if line.startswith(when) else None


@pytest.mark.parametrize(("when", "whole"), [("process 1 of 3, group 2", 0), ("process 2 of 3, group 1", 1)])
def test_an_edit_ends_the_run_and_what_it_may_have_touched_does_not_count(side, when, whole):
    tell = editing(side.root / "impls" / "nn" / "numpy_fit.py", when)
    runner = runner_of(side, tell, variant=["manual", "nn"])
    before = runner.code[""]
    runner.run()
    assert runner.edited == "the code was changed during the run: impls/nn/numpy_fit.py"
    assert runner.whole == whole and not runner.complete
    records = [runner.so_far(case) for case in runner.selected]
    assert all(record.cut_short for record in records)
    assert sorted(one.process for one in runner.samples) == ([0, 0] if whole else [0])
    assert sorted(record.outcome for record in records) == ([MEASURED] * 2 if whole else [MEASURED, NOT_REACHED])
    assert runner.about(Machine(), "").code == before != runner_of(side).code[""]


def test_an_edit_before_the_first_process_measures_nothing(side):
    runner = runner_of(side)
    (side.root / "impls" / "manual" / "numpy_fit.py").unlink()
    runner.run()
    assert "impls/manual/numpy_fit.py" in runner.edited and runner.samples == []


def test_a_fit_of_one_step_is_not_measured_for_minutes(monkeypatch):
    """Its rounds take microseconds each, of which a second has hundreds of thousands."""
    runner = runner_of(steps="1", processes="1", max_time="1", precision="0.0001%")
    (case,) = runner.selected
    record = runner.record(case)
    assert record.outcome == MEASURED
    assert len(record.rounds.seconds) <= MOST_ROUNDS and record.sampling.stopped in ("max-time", "max-rounds")
    monkeypatch.setattr(sampling, "WALL", 1e-9)  # what passes around the rounds ends them, too
    runner = runner_of(steps="1", processes="1", max_time="1", precision="0.0001%")
    assert len(runner.record(case).rounds.seconds) <= 4 * BLOCK


@pytest.fixture
def places(monkeypatch) -> list[None]:
    """As on a machine of three cores, whatever the test may use: nothing is pinned."""
    found = [None, None, None]
    monkeypatch.setattr(Runner, "_places", lambda runner: found)
    return found


class Meeting:
    """Workers that converge together, or not at all: the first one waits for the second."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, requests: tuple[type, ...], parties: int = 2) -> None:
        self.barrier = threading.Barrier(parties)
        before = WorkerProcess.ask

        def ask(worker: WorkerProcess, request, seconds):
            if isinstance(request, requests):
                self.barrier.wait(60)  # raises where it is alone
            return before(worker, request, seconds)

        monkeypatch.setattr(WorkerProcess, "ask", ask)


TWO = {"backend": ["numpy", "torch"], "processes": "2"}


def test_what_is_not_timed_starts_and_converges_side_by_side(monkeypatch, places):
    Meeting(monkeypatch, (Start, Converge))
    runner = runner_of(**TWO)
    runner.run()
    assert [len(runner.so_far(case).processes) for case in runner.selected] == [2, 2]
    # Of three places two are used: there are two workers.
    assert {one.start.beside for one in runner.samples} == {1}


def test_a_run_on_one_core_has_nothing_beside_it(monkeypatch, places):
    places[:] = [None]
    monkeypatch.setattr(WorkerProcess, "ask", alone(WorkerProcess.ask))
    runner = runner_of(**TWO)
    runner.run()
    assert {one.start.beside for one in runner.samples} == {0} and runner.complete


def alone(ask):
    going = threading.Lock()

    def one(worker: WorkerProcess, request, seconds):
        assert going.acquire(blocking=False)
        try:
            return ask(worker, request, seconds)
        finally:
            going.release()

    return one


def test_starts_that_are_told_go_two_at_a_time_and_later_ones_on_all_cores(monkeypatch, places):
    """The first process has empty caches, the second warm ones; of the third the report shows nothing."""
    runner = runner_of(backend=["numpy", "torch", "jax"])
    runner.run()
    most = [max(one.start.beside for one in runner.samples if one.process == process) for process in range(3)]
    assert most == [1, 1, 2]


def test_nothing_goes_on_beside_rounds(monkeypatch, places):
    """Whoever asks for a round is the only one that asks."""
    asking, before = [], WorkerProcess.ask

    def ask(worker: WorkerProcess, request, seconds):
        asking.append(request)
        try:
            assert not isinstance(request, Round) or asking == [request]
            return before(worker, request, seconds)
        finally:
            asking.remove(request)

    monkeypatch.setattr(WorkerProcess, "ask", ask)
    runner = runner_of(**TWO, variant=["manual", "nn"])
    runner.run()
    assert runner.complete and all(runner.so_far(case).outcome == MEASURED for case in runner.selected)


def test_workers_are_sent_home_before_they_are_timed(monkeypatch):
    """In words alone, so that it needs neither several cores nor any that may be used."""
    monkeypatch.setattr(Presence, "announce", lambda presence, before=(): setattr(presence, "cores", [3]))
    monkeypatch.setattr(Presence, "spare", lambda presence: [3, 5])
    monkeypatch.setattr(WorkerProcess, "pin", lambda worker, cores: setattr(worker, "pinned", cores))
    before, seen = WorkerProcess.ask, []

    def ask(worker: WorkerProcess, request, seconds):
        if isinstance(request, Start):
            seen.append((Start, tuple(request.cores)))
            request = replace(request, cores=None)
        elif isinstance(request, Build | Round | Finish):
            seen.append((type(request), tuple(worker.pinned)))
        return before(worker, request, seconds)

    monkeypatch.setattr(WorkerProcess, "ask", ask)
    Meeting(monkeypatch, (Start, Converge))
    runner = runner_of(**TWO)
    runner.announce()
    runner.run()
    assert {*seen} == {(Start, (3,)), (Start, (5,)), (Build, (3,)), (Build, (5,)), (Round, (3,)), (Finish, (3,))}
    assert [runner.so_far(case).cores for case in runner.selected] == [[3], [3]]


def test_workers_come_home_before_they_are_timed(monkeypatch, all_cores):
    pinned, before = {}, WorkerProcess.ask

    def ask(worker: WorkerProcess, request, seconds):
        if isinstance(request, Converge | Round):
            tasks = [int(task.name) for task in Path("/proc", str(worker.process.pid), "task").iterdir()]
            if isinstance(request, Converge):  # it has pinned itself, and what it starts from then on
                tasks = [worker.process.pid]
            cores = {core for task in tasks for core in os.sched_getaffinity(task)}
            pinned.setdefault(type(request), set()).add(tuple(cores))
        return before(worker, request, seconds)

    monkeypatch.setattr(WorkerProcess, "ask", ask)
    Meeting(monkeypatch, (Start, Converge))
    runner = runner_of(**TWO)
    runner.run()
    assert pinned[Converge] >= {(all_cores[0],), (all_cores[-1],)} or len(all_cores) > 2
    assert pinned[Round] == {(all_cores[-1],)}
    assert {tuple(runner.so_far(case).cores) for case in runner.selected} == {(all_cores[-1],)}


def test_an_untimed_run_checks_workers_side_by_side_and_keeps_each_case_at_once(monkeypatch, places, tmp_path):
    def interrupt(line: str) -> None:
        if line.startswith("2 of 4 cases checked"):
            raise KeyboardInterrupt

    words = {**TWO, "variant": ["manual", "nn"]}
    with monkeypatch.context() as patched:
        Meeting(patched, (Converge,))
        first = runner_of(tell=interrupt, timed=False, **words)
        first.keep_journal(tmp_path / "journal", resume=False)
        first.run()
        first.journal.close()
    assert first.interrupted and not first.complete and len(first.samples) == 2
    asked = []
    monkeypatch.setattr(WorkerProcess, "ask", lambda *words, ask=WorkerProcess.ask: asked.append(words) or ask(*words))
    second = runner_of(timed=False, **words)
    second.keep_journal(tmp_path / "journal", resume=True)
    second.run()
    second.journal.close()
    assert sum(isinstance(request, Build) for _, request, _ in asked) == 2  # the rest
    assert {second.so_far(case).outcome for case in second.selected} == {AGREED} and second.complete


class Holding:
    """Which workers hold the data of a case, from when they are asked to build it until they have let it go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now: set[WorkerProcess] = set()
        self.most, lock, before = 0, threading.Lock(), WorkerProcess.ask

        def ask(worker: WorkerProcess, request, seconds):
            if isinstance(request, Build):
                with lock:
                    self.now.add(worker)
                    self.most = max(self.most, len(self.now))
            answer = before(worker, request, seconds)
            if isinstance(request, Finish):
                self.now.discard(worker)
            return answer

        monkeypatch.setattr(WorkerProcess, "ask", ask)


@pytest.mark.parametrize("room", [1, 10**9])
def test_no_more_workers_hold_data_than_fit_and_no_turn_has_rounds_of_two_batches(monkeypatch, places, room):
    holding = Holding(monkeypatch)
    monkeypatch.setattr("bench.measuring.group.room", lambda: room)
    runner = runner_of(**{**TWO, "processes": "1"})
    runner.run()
    numpy, torch = ({*runner.so_far(case).rounds.turn} for case in runner.selected)
    assert holding.most == (1 if room == 1 else 2) and not holding.now
    assert (numpy & torch == set()) == (room == 1)
    assert min(numpy | torch) == 0


@pytest.mark.parametrize("room", [1, 10**9])
def test_no_more_are_checked_side_by_side_than_fit(monkeypatch, places, room):
    holding = Holding(monkeypatch)
    monkeypatch.setattr("bench.measuring.runner.room", lambda: room)
    if room > 1:
        Meeting(monkeypatch, (Converge,))  # else they need not have met
    runner = runner_of(timed=False, **TWO)
    runner.run()
    assert {runner.so_far(case).outcome for case in runner.selected} == {AGREED}
    assert holding.most == (1 if room == 1 else 2) and not holding.now


@pytest.mark.parametrize("timed", [True, False])
def test_a_case_that_is_wrong_lets_go_of_its_data(monkeypatch, timed):
    holding = Holding(monkeypatch)
    monkeypatch.setattr("bench.measuring.group.hold_dtypes", wrong)
    runner = runner_of(timed=timed, processes="1")
    runner.run()
    assert [runner.so_far(case).outcome for case in runner.selected] == [FAILED] and not holding.now


def wrong(*_: object) -> None:
    raise DisagreementError("wrong, as this test has it")


def test_a_fit_has_the_steps_of_its_size_and_its_record_tells(monkeypatch):
    runner = runner_of(points=["200", "50000"], timed=False, fit_time="0.04")
    runner.run()
    records = [runner.so_far(case) for case in runner.selected]
    assert [(one.case.points, one.steps, one.outcome) for one in records] == [(200, 100, AGREED), (50_000, 20, AGREED)]
    assert [[step for step, _ in one.losses] for one in records] == [[1, 2, 5, 10, 20, 50, 100], [1, 2, 5, 10, 20]]
    assert [one.data_predicted_bytes for one in records] == [data_bytes(one.case, ROOT) for one in records]
    assert all(0 < one.data_peak_bytes < one.peak_memory_bytes for one in records)


def test_a_worker_that_is_lost_beside_others_costs_its_case_alone(monkeypatch, places):
    before = WorkerProcess.ask

    def ask(worker: WorkerProcess, request, seconds):
        if isinstance(request, Build) and (request.case.variant, request.case.backend) == ("manual", "torch"):
            worker.process.kill()
        return before(worker, request, seconds)

    monkeypatch.setattr(WorkerProcess, "ask", ask)
    runner = runner_of(timed=False, **{**TWO, "variant": ["manual", "nn"]})
    runner.run()
    outcomes = {(case.variant, case.backend): runner.so_far(case).outcome for case in runner.selected}
    assert outcomes.pop(("manual", "torch")) == FAILED and {*outcomes.values()} == {AGREED}


def test_rounds_have_the_same_steps_in_all_processes(places):
    """What a case takes is read while others go on beside it: the later processes keep to the first."""
    runner = runner_of(max_time="0.3", steps="2000")
    (case,) = runner.selected
    rounds = runner.record(case).rounds
    assert (
        len({max(steps for steps, one in zip(rounds.steps, rounds.process, strict=True) if one == p) for p in (1, 2)})
        == 1
    )
