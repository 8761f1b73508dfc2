"""The pytest side: options, ids and groups, the clock that pytest-benchmark reads, and what goes into its JSON."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from bench.cases.case import NAMES, Case
from bench.cases.options import add_options, asked, keep_folder
from bench.measuring.neighbours import warning
from bench.measuring.runner import Runner
from bench.records.record import FAILED, NOT_REACHED, RIGHT, SKIPPED, Machine, Record
from bench.records.writing import document, machine_info, write
from bench.sides.machine import PASSING, machine_of
from bench.sides.side import here
from bench.support.errors import InputError, printable

RUNNER = pytest.StashKey[Runner]()
JSON = pytest.StashKey[Path]()
MACHINE = pytest.StashKey[Machine]()
TOLD = pytest.StashKey[set[Case]]()  # to pytest-benchmark


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
        choice = asked(option)
        if option.resume and option.benchmark_json is None:
            raise InputError("--resume: needs the --benchmark-json of the run that was ended")
        _writable(option.benchmark_json)
        side = here()
        config.stash[MACHINE] = machine_of(side)  # before the load on it is our own
        timed = option.benchmark_enable or not option.benchmark_disable
        cache, teller = keep_folder(option.cache), Teller(config)
        runner = Runner(choice, [side], timed, option.benchmark_disable_gc, cache, teller.tell, teller.warn)
        config.stash[RUNNER], config.stash[TOLD] = runner, set()
        path, option.benchmark_json = option.benchmark_json, None  # it is written here, whatever was timed
        if path is not None and not option.collectonly:
            config.stash[JSON] = path
            if path.is_file() or not path.exists():  # no device
                runner.keep_journal(Path(f"{path}.journal"), option.resume)
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
    if "case" not in metafunc.fixturenames:
        return
    metafunc.fixturenames.extend(NAMES)  # pytest-benchmark can group by each of them
    cases = [planned.case for planned in metafunc.config.stash[RUNNER].planned]
    metafunc.parametrize(
        NAMES,
        [
            pytest.param(
                *case.values().values(), id=case.id, marks=pytest.mark.benchmark(group=case.group, timer=CLOCK)
            )
            for case in cases
        ],
    )


def _case(item) -> Case | None:
    return Case(**item.callspec.params) if "runner" in getattr(item, "fixturenames", ()) else None


@pytest.fixture
def case(request) -> Case:
    return Case(**request.node.callspec.params)


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
def told(request) -> set[Case]:
    return request.config.stash[TOLD]


@pytest.fixture
def clock() -> Clock:
    return CLOCK


def _machine(config) -> Machine:
    return msgspec.structs.replace(config.stash[MACHINE], other_runs=sorted(config.stash[RUNNER].presence.seen))


def pytest_benchmark_generate_machine_info(config):
    return machine_info(_machine(config))


@pytest.hookimpl(hookwrapper=True)
def pytest_benchmark_compare_machine_info(machine_info, compared_benchmark):
    """Keep the load and the commit, which differ from run to run, from being taken for another machine."""
    for info in (machine_info, compared_benchmark["machine_info"]):
        lasting = info.get("fitbench", {}).items()
        info["fitbench"] = {name: value for name, value in lasting if name not in PASSING}
    yield


def pytest_benchmark_generate_json(config, include_data, commit_info):
    """Every planned case, with its outcome: nothing vanishes from a file."""
    runner, told = config.stash[RUNNER], config.stash[TOLD]
    records = {case: runner.so_far(case, told=case in told) for case in runner.selected}
    return document(records, _machine(config), runner.disable_gc, commit_info, include_data)


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
    commit = config.hook.pytest_benchmark_generate_commit_info(config=config)
    whole = pytest_benchmark_generate_json(config, True, commit)
    write(path, whole)
    untold = any(one["extra_info"]["outcome"] == NOT_REACHED for one in whole["not_measured"])  # as after -x
    if runner.journal is not None and ((runner.complete and not untold) or not runner.ran):
        runner.journal.discard()  # what is whole is in the JSON
        runner.journal = None


def pytest_unconfigure(config):
    runner = config.stash.get(RUNNER, None)
    if runner is not None and runner.journal is not None:
        # What was cut off can be resumed; the journal of a run that never began would only be in the way.
        runner.journal.close() if runner.ran or runner.samples else runner.journal.discard()


def pytest_terminal_summary(terminalreporter, config):
    runner = config.stash[RUNNER]
    records = {case: runner.so_far(case) for case in runner.selected}
    if not records or config.option.collectonly:
        return
    terminalreporter.section("fitbench", sep="-")
    if runner.interrupted:
        terminalreporter.line("interrupted: what was measured until then is kept", yellow=True)
    for line in _agreement(records):
        terminalreporter.line(line)
    if others := runner.presence.seen:
        terminalreporter.line(warning(others, past=True), yellow=True)
    path = config.stash.get(JSON, None)
    if runner.interrupted and path is not None:
        terminalreporter.line(f"go on with it: pytest bench --benchmark-json={path} --resume, and the same options")
    for case, record in records.items():
        if record.outcome == FAILED:
            terminalreporter.line(f"failed {case.id}: {record.reason}", red=True)
    if path is not None and path.is_file():
        terminalreporter.line(f"the run: {path}")


def _agreement(records: Mapping[Case, Record]) -> list[str]:
    """How many cases agree, why the others were skipped, and how well those of each dtype do."""
    agreed = {case: one.agreement.digits for case, one in records.items() if one.outcome in RIGHT and one.agreement}
    counts = Counter(record.outcome for case, record in records.items() if case not in agreed)
    rest = "".join(f", {count} {outcome}" for outcome, count in counts.items())
    lines = [f"{len(agreed)} of {len(records)} cases agree with the exact fit{rest}"]
    skipped = Counter(record.reason for record in records.values() if record.outcome == SKIPPED)
    lines += [f"{count} skipped: {printable(reason or 'no reason is recorded')}" for reason, count in skipped.items()]
    for dtype in dict.fromkeys(case.dtype for case in agreed):
        worst = min((case for case in agreed if case.dtype == dtype), key=agreed.__getitem__)
        lines.append(f"{dtype}: {agreed[worst]:.1f} digits at worst, in {worst.id}")
    return lines
