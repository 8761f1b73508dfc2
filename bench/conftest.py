"""The pytest side: options, ids and groups, the clock that pytest-benchmark reads, and what goes into its JSON."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bench.case import Case, Choice
from bench.errors import InputError
from bench.machine import COMMIT, describe
from bench.record import AGREED, FAILED, MEASURED, SCHEMA
from bench.runner import Runner

RUNNER = pytest.StashKey[Runner]()
MACHINE = pytest.StashKey[dict[str, Any]]()
WRITTEN = pytest.StashKey[bool]()


class Clock:
    """A clock that the worker's measurements move, so that pytest-benchmark reads the seconds that were read there."""

    __name__ = "worker"  # as pytest-benchmark writes it into its options

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        self.seconds += seconds

    def reset(self) -> None:
        """Back to zero before each round, so that no digits are lost in a difference."""
        self.seconds = 0.0


CLOCK = Clock()


def pytest_addoption(parser):
    group = parser.getgroup("fitbench", "fitbench: which fits to run, and how")
    every = "repeatable or comma-separated; default: all"
    group.addoption("--variant", action="append", default=[], metavar="V", help=f"ways to write the fit; {every}")
    group.addoption("--backend", action="append", default=[], metavar="B", help=f"what runs it; {every}")
    group.addoption(
        "--device", action="append", default=[], metavar="D", help=f"cpu, cuda, cuda:1, mps, tpu; {every} seen"
    )
    group.addoption("--dtype", action="append", default=[], metavar="T", help=f"float32, float64; {every}")
    group.addoption("--points", action="append", default=[], metavar="N", help="sizes; repeatable; default: 2000")
    group.addoption("--steps", default="2000", metavar="N", help="iterations of a fit; default: %(default)s")
    group.addoption("--rounds", metavar="N", help="timed fits of a case; default: 7, or --benchmark-min-rounds if more")
    group.addoption("--threads", default="1", metavar="N", help="threads of a backend; default: %(default)s")
    group.addoption("--seed", default="0", metavar="N", help="seed of the random starts; default: %(default)s")
    group.addoption("--case-timeout", default="300", metavar="S", help="seconds a case may take; default: %(default)s")


def pytest_configure(config):
    option = config.option
    try:
        choice = Choice.of(
            variant=option.variant,
            backend=option.backend,
            device=option.device,
            dtype=option.dtype,
            points=option.points,
            steps=option.steps,
            rounds=option.rounds or str(max(7, option.benchmark_min_rounds)),
            threads=option.threads,
            seed=option.seed,
            case_timeout=option.case_timeout,
        )
        _writable(option.benchmark_json)
        config.stash[MACHINE] = describe()  # before the load on it is our own
        timed = option.benchmark_enable or not option.benchmark_disable
        config.stash[RUNNER] = Runner(choice, timed, option.benchmark_disable_gc)
    except InputError as error:
        pytest.exit(str(error), returncode=2)


def _writable(path: Path | None) -> None:
    """Find out before the run, not after it, that its JSON cannot be written."""
    if path is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new = not path.exists()
        path.open("ab").close()
        if new:
            path.unlink()
    except OSError as error:
        raise InputError(f"--benchmark-json {path}: cannot be written ({error.strerror})") from None


def pytest_generate_tests(metafunc):
    if "backend" not in metafunc.fixturenames:
        return
    names = ("variant", "backend", "device", "dtype", "points")
    metafunc.parametrize(
        ",".join(names),
        [
            pytest.param(
                *(getattr(planned.case, name) for name in names),
                id=planned.case.id,
                marks=pytest.mark.benchmark(group=planned.case.group, timer=CLOCK),
            )
            for planned in metafunc.config.stash[RUNNER].planned
        ],
    )


def _case(item) -> Case | None:
    return Case(**item.callspec.params) if "runner" in getattr(item, "fixturenames", ()) else None


def pytest_collection_finish(session):
    session.config.stash[RUNNER].select(case for item in session.items if (case := _case(item)))


@pytest.fixture
def runner(request) -> Runner:
    return request.config.stash[RUNNER]


@pytest.fixture
def clock() -> Clock:
    return CLOCK


def pytest_benchmark_update_machine_info(config, machine_info):
    machine_info["fitbench"] = config.stash[MACHINE]


@pytest.hookimpl(hookwrapper=True)
def pytest_benchmark_compare_machine_info(machine_info, compared_benchmark):
    """Keep the load and the commit, which differ from run to run, from being taken for another machine."""
    for info in (machine_info, compared_benchmark["machine_info"]):
        lasting = info.get("fitbench", {}).items()
        info["fitbench"] = {name: value for name, value in lasting if name not in ("load_average", *COMMIT)}
    yield


def pytest_benchmark_update_json(config, benchmarks, output_json):
    """Add every planned case that has no timing, with its outcome: nothing vanishes from the file."""
    runner = config.stash[RUNNER]
    timed = {benchmark.param for benchmark in benchmarks}
    output_json["fitbench_schema"] = SCHEMA
    output_json["not_measured"] = [
        {"group": case.group, "name": f"test_fit[{case.id}]", "extra_info": runner.so_far(case, told=False).as_dict()}
        for case in runner.selected
        if case.id not in timed
    ]
    config.stash[WRITTEN] = True


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    config = session.config
    runner = config.stash.get(RUNNER, None)
    if runner is None:
        return
    runner.close()
    if runner.interrupted:
        session.exitstatus = pytest.ExitCode.INTERRUPTED
    path = config.option.benchmark_json
    if path is not None and not config.option.collectonly and not config.stash.get(WRITTEN, False):
        # pytest-benchmark writes no file when nothing was timed: checked, skipped and failed cases still belong in one.
        hook = config.hook
        machine = hook.pytest_benchmark_generate_machine_info(config=config)
        hook.pytest_benchmark_update_machine_info(config=config, machine_info=machine)
        commit = hook.pytest_benchmark_generate_commit_info(config=config)
        document = hook.pytest_benchmark_generate_json(
            config=config, benchmarks=[], include_data=True, machine_info=machine, commit_info=commit
        )
        hook.pytest_benchmark_update_json(config=config, benchmarks=[], output_json=document)
        path.write_text(json.dumps(document, indent=4, default=str))


def pytest_terminal_summary(terminalreporter, config):
    runner = config.stash[RUNNER]
    records = {case: runner.so_far(case) for case in runner.selected}
    if not records or config.option.collectonly:
        return
    agreed = {case: record for case, record in records.items() if record.outcome in (MEASURED, AGREED)}
    counts = Counter(record.outcome for case, record in records.items() if case not in agreed)
    rest = "".join(f", {count} {outcome}" for outcome, count in counts.items())
    terminalreporter.section("fitbench", sep="-")
    if runner.interrupted:
        terminalreporter.line("interrupted: what was measured until then is kept", yellow=True)
    terminalreporter.line(f"{len(agreed)} of {len(records)} cases agree with the exact fit{rest}")
    for dtype in dict.fromkeys(case.dtype for case in agreed):
        digits = {case: record.agreement["digits"] for case, record in agreed.items() if case.dtype == dtype}
        worst = min(digits, key=digits.__getitem__)
        terminalreporter.line(f"{dtype}: {digits[worst]:.1f} digits at worst, in {worst.id}")
    for case, record in records.items():
        if record.outcome == FAILED:
            terminalreporter.line(f"failed {case.id}: {record.reason}", red=True)
