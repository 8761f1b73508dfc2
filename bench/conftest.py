"""The pytest side: options, ids and groups, the clock that pytest-benchmark reads, and what goes into its JSON."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bench.case import Case
from bench.document import Draft, entry
from bench.errors import InputError
from bench.files import write_atomically
from bench.journal import Journal
from bench.machine import PASSING, describe
from bench.neighbours import warning
from bench.options import add_options, choice_of, keep_folder
from bench.record import AGREED, FAILED, MEASURED, NOT_REACHED, SCHEMA
from bench.runner import Runner, journal_key
from bench.sides import here

RUNNER = pytest.StashKey[Runner]()
JSON = pytest.StashKey[Path]()
MACHINE = pytest.StashKey[dict[str, Any]]()


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
    add_options(group.addoption)
    group.addoption("--resume", action="store_true", help="go on with the run of this --benchmark-json that was ended")


def pytest_configure(config):
    option = config.option
    try:
        choice = choice_of(option)
        if option.resume and option.benchmark_json is None:
            raise InputError("--resume: needs the --benchmark-json of the run that was ended")
        _writable(option.benchmark_json)
        side = here()
        config.stash[MACHINE] = describe(side)  # before the load on it is our own
        timed = option.benchmark_enable or not option.benchmark_disable
        cache, teller = keep_folder(option.cache), Teller(config)
        runner = Runner(choice, [side], timed, option.benchmark_disable_gc, cache, teller.tell, teller.warn)
        config.stash[RUNNER] = runner
        path = option.benchmark_json
        if path is not None and not option.collectonly and (path.is_file() or not path.exists()):  # no device
            begin = Journal.resume if option.resume else Journal.begin
            runner.journal = begin(Path(f"{path}.journal"), journal_key(runner))
            config.stash[JSON] = path
            option.benchmark_json = Draft(path)
    except InputError as error:
        pytest.exit(str(error), returncode=2)


class Teller:
    """Tells on the terminal what is being measured, for it all happens while pytest waits for the first case."""

    def __init__(self, config) -> None:
        self.config = config

    @property
    def _reporter(self):
        return self.config.pluginmanager.get_plugin("terminalreporter")

    def tell(self, line: str) -> None:
        if self._reporter is not None and self._reporter.isatty:
            self._reporter.rewrite(line, erase=True)

    def warn(self, line: str) -> None:
        if self._reporter is not None:
            self._reporter.ensure_newline()
            self._reporter.line(f"warning: {line}", yellow=True)


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
    runner = session.config.stash[RUNNER]
    runner.select(case for item in session.items if (case := _case(item)))
    if strays := runner.strays():
        told = f"{len(strays)} case(s) that are not selected now, as {strays[0]}"
        pytest.exit(f"--resume: the journal holds {told}; give the options of the run that was ended", returncode=2)


@pytest.fixture
def runner(request) -> Runner:
    return request.config.stash[RUNNER]


@pytest.fixture
def clock() -> Clock:
    return CLOCK


def pytest_benchmark_update_machine_info(config, machine_info):
    machine_info["fitbench"] = {**config.stash[MACHINE], "other_runs": sorted(config.stash[RUNNER].presence.seen)}


@pytest.hookimpl(hookwrapper=True)
def pytest_benchmark_compare_machine_info(machine_info, compared_benchmark):
    """Keep the load and the commit, which differ from run to run, from being taken for another machine."""
    for info in (machine_info, compared_benchmark["machine_info"]):
        lasting = info.get("fitbench", {}).items()
        info["fitbench"] = {name: value for name, value in lasting if name not in PASSING}
    yield


def pytest_benchmark_update_json(config, benchmarks, output_json):
    """Add every planned case that has no timing, with its outcome: nothing vanishes from the file."""
    runner = config.stash[RUNNER]
    timed = {benchmark.param for benchmark in benchmarks}
    output_json["fitbench_schema"] = SCHEMA
    output_json["not_measured"] = [
        entry(case, runner.so_far(case, told=False)) for case in runner.selected if case.id not in timed
    ]


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    config = session.config
    runner = config.stash.get(RUNNER, None)
    if runner is None:
        return
    if runner.interrupted:
        session.exitstatus = pytest.ExitCode.INTERRUPTED
    path = config.stash.get(JSON, None)
    if path is None or not runner.selected or runner.strays():
        return
    draft = Path(config.option.benchmark_json)
    # pytest-benchmark writes no file when nothing was timed: checked, skipped and failed cases still belong in one.
    document = json.loads(draft.read_text()) if draft.exists() else _nothing_timed(config)
    draft.unlink(missing_ok=True)
    write_atomically(path, json.dumps(document, default=str))
    untold = any(one["extra_info"]["outcome"] == NOT_REACHED for one in document["not_measured"])  # as after -x
    if (runner.complete and not untold) or not runner.ran:
        assert runner.journal is not None
        runner.journal.discard()  # what is whole is in the JSON


def pytest_unconfigure(config):
    runner = config.stash.get(RUNNER, None)
    if runner is not None and runner.journal is not None:
        # What was cut off can be resumed; the journal of a run that never began would only be in the way.
        runner.journal.close() if runner.ran or runner.journal.samples else runner.journal.discard()


def _nothing_timed(config) -> dict[str, Any]:
    hook = config.hook
    machine = hook.pytest_benchmark_generate_machine_info(config=config)
    hook.pytest_benchmark_update_machine_info(config=config, machine_info=machine)
    commit = hook.pytest_benchmark_generate_commit_info(config=config)
    document: dict[str, Any] = hook.pytest_benchmark_generate_json(
        config=config, benchmarks=[], include_data=True, machine_info=machine, commit_info=commit
    )
    hook.pytest_benchmark_update_json(config=config, benchmarks=[], output_json=document)
    return document


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
    if others := runner.presence.seen:
        terminalreporter.line(warning(others, past=True), yellow=True)
    if runner.interrupted and (path := config.stash.get(JSON, None)) is not None:
        terminalreporter.line(f"go on with it: pytest bench --benchmark-json={path} --resume, and the same options")
    for case, record in records.items():
        if record.outcome == FAILED:
            terminalreporter.line(f"failed {case.id}: {record.reason}", red=True)
