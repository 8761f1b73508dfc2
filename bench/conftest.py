"""The pytest side: options, ids and groups, the clock that pytest-benchmark reads, and what goes into its JSON."""

import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path

import pytest

from bench.cases.case import NAMES, Case, split
from bench.cases.options import KEEP_CODE, add_options, asked, keep_folder
from bench.measuring.destination import OPTION, given, usual
from bench.measuring.kept_code import beside
from bench.measuring.neighbours import warning
from bench.measuring.own_table import asked_for
from bench.measuring.reporter import Reporter
from bench.measuring.runner import Runner
from bench.measuring.scheduler import Job, nothing
from bench.measuring.unfinished import journal_of
from bench.records.record import FAILED, MEASURED, NOT_REACHED, RIGHT, SKIPPED, Machine, Record
from bench.records.writing import document, machine_info, write
from bench.reporting import console, folder
from bench.sides.machine import PASSING, machine_of
from bench.sides.side import here
from bench.support.errors import InputError, printable
from bench.support.files import try_to_write
from bench.support.programs import program
from bench.support.terminal import Progress, plain
from bench.support.words import counted

RUNNER = pytest.StashKey[Runner]()
PROGRESS = pytest.StashKey[Progress]()
JSON = pytest.StashKey[Path]()
REPORTER = pytest.StashKey[Reporter]()
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
    group.addoption("--report", metavar="DIR", help="folder for the report, written after each process, and at the end")
    group.addoption("--resume", action="store_true", help="go on with the run of this --benchmark-json that was ended")


def pytest_configure(config):
    option = config.option
    if option.help:  # and nothing else
        return
    try:
        _refuse_meaningless(config)
        choice = asked(option)
        if option.resume and option.benchmark_json is None:
            raise InputError("--resume: needs the --benchmark-json of the run that was ended")
        timed = option.benchmark_enable or not option.benchmark_disable
        path, option.benchmark_json = option.benchmark_json, None  # it is written here, whatever was timed
        if path is not None:
            path = given(path)
        elif timed and not option.collectonly and not option.benchmark_skip:
            path = usual()
        side = here()
        config.stash[MACHINE] = machine_of(side)  # before the load on it is our own
        cache, progress = keep_folder(option.cache), Progress(Output(config))
        runner = Runner(choice, [side], timed, option.benchmark_disable_gc, cache, progress.tell, progress.warn)
        config.stash[RUNNER], config.stash[PROGRESS], config.stash[TOLD] = runner, progress, set()
        if option.report is not None and not option.collectonly:
            config.stash[REPORTER] = _reporter(option.report, path, progress)
        if option.keep_code:
            if path is None or (path.exists() and not path.is_file()):
                raise InputError(f"{KEEP_CODE[0]}: the run is kept in no file; give a {OPTION} that is one")
            runner.keep_code = beside({side.label: path}, progress.warn)
        if path is not None and not option.collectonly:
            config.stash[JSON] = path
            if path.is_file() or not path.exists():  # no device
                earlier = path.exists() and path.stat().st_size > 0 and not option.resume
                runner.keep_journal(journal_of(path), option.resume)
                runner.aside = lambda: _so_far(config, earlier)
    except InputError as error:
        pytest.exit(str(error), returncode=2)


def _reporter(word: str, path: Path | None, progress: Progress) -> Reporter:
    """What writes the report. Raises InputError for a folder in which it cannot, and where no file keeps the run."""
    if not word:
        raise InputError("--report '': empty; expected a folder")
    if path is None or (path.exists() and not path.is_file()):
        raise InputError(f"--report {word}: the run is kept in no file; give a {OPTION} that is one")
    try:
        Path(word).mkdir(parents=True, exist_ok=True)
        folder.check(Path(word))
        try_to_write(Path(word, folder.PAGE))
    except OSError as error:
        raise InputError(f"--report {word}: cannot be written ({error.strerror}); expected a folder") from None
    return Reporter(Path(word), progress.warn)


def _so_far(config, earlier: bool) -> Job:
    """Write what there is of the run, between two processes. Its file keeps an `earlier` run until this one is whole:
    until then the journal alone has it.
    """
    path, runner, reporter = config.stash[JSON], config.stash[RUNNER], config.stash.get(REPORTER, None)

    def keep() -> None:
        commit = config.hook.pytest_benchmark_generate_commit_info(config=config)
        records = {case: runner.so_far(case) for case in runner.selected}
        try:
            write(path, document(records, _machine(config), runner.disable_gc, commit))
        except OSError as error:
            config.stash[PROGRESS].warn(f"{path}: cannot be written so far ({error.strerror})")

    first = nothing if earlier else keep
    return Job("report", lambda *_: first()) if reporter is None else reporter.job(journal_of(path), first)


def _refuse_meaningless(config) -> None:
    """Raises InputError for what others' options cannot do here, where fits run in processes of their own."""
    if getattr(config.option, "dist", "no") != "no" or hasattr(config, "workerinput"):
        raise InputError(
            "--numprocesses, --dist: xdist would time cases at once on one core; run without it, or with -n 0"
        )
    if config.option.benchmark_cprofile is not None:
        raise InputError("--benchmark-cprofile: no fit runs in the process that it profiles; run without it")


class Output:
    """Where pytest prints, past its capture: it all happens while pytest waits for the first case."""

    def __init__(self, config) -> None:
        self.config = config

    @property
    def _reporter(self):
        return self.config.pluginmanager.get_plugin("terminalreporter")

    def write(self, text: str) -> None:
        capture = self.config.pluginmanager.get_plugin("capturemanager")
        if self._reporter is not None:
            with nullcontext() if capture is None else capture.global_and_fixture_disabled():
                if text.endswith("\n"):  # a line of its own, below the one on which pytest counts the tests
                    self._reporter.ensure_newline()
                self._reporter.write(text, flush=True)

    def flush(self) -> None:
        """Nothing: it is."""

    def isatty(self) -> bool:
        return self._reporter is not None and self._reporter.isatty


def pytest_report_header(config):
    path, reporter = config.stash.get(JSON, None), config.stash.get(REPORTER, None)
    kept = [] if path is None else [f"the run is kept in {path}"]
    where = [] if reporter is None else [f"its report is written to {reporter.output} after each process"]
    return kept + where


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
    if "runner" not in getattr(item, "fixturenames", ()):
        return None
    axes, _ = split(item.callspec.params)  # the rest is another plugin's
    return Case(**axes)


def _once(cases: Iterable[Case]) -> list[Case]:
    """The cases, of which there may be one of each."""
    counts = Counter(cases)
    for case, count in counts.items():
        if count > 1:
            told = f"{case.id}: selected {count} times, as by --count or --keep-duplicates"
            pytest.exit(f"{told}; allowed: once, in several --processes", returncode=2)
    return list(counts)


@pytest.fixture
def case(request) -> Case | None:
    return _case(request.node)


def pytest_collection_finish(session):
    runner = session.config.stash[RUNNER]
    runner.select(_once(case for item in session.items if (case := _case(item))))
    if strays := runner.strays():
        told = f"{counted(len(strays), 'case')} that are not selected now, as {strays[0]}"
        pytest.exit(f"--resume: the journal holds {told}; give the options of the run that was ended", returncode=2)
    if runner.selected and not session.config.option.collectonly:
        try:
            runner.announce()
        except InputError as error:
            runner.select(())  # nothing is to be written
            pytest.exit(str(error), returncode=2)


@pytest.fixture
def runner(request) -> Runner:
    return request.config.stash[RUNNER]


@pytest.fixture
def told(request) -> set[Case]:
    return request.config.stash[TOLD]


@pytest.fixture
def clock() -> Clock:
    return CLOCK


def pytest_runtest_makereport(item, call):
    item.config.stash[PROGRESS].clear()  # before pytest goes on with its line


def _machine(config) -> Machine:
    return config.stash[RUNNER].about(config.stash[MACHINE], "")


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


@pytest.hookimpl(tryfirst=True)
def pytest_benchmark_group_stats(config):
    """Its table has no groups, and so is not shown, unless it is asked for: ours says what the report will."""
    return None if asked_for(config) else []


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    config = session.config
    runner = config.stash.get(RUNNER, None)
    if runner is None:
        return
    if runner.interrupted or runner.edited:
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
    if REPORTER in config.stash and not (runner.interrupted or runner.edited):
        _report(session, path)


def _report(session, path: Path) -> None:
    """The report of the whole run. The JSON is written: whatever ends this leaves it."""
    try:
        fault = session.config.stash[REPORTER].make(path)
    except KeyboardInterrupt:
        session.exitstatus = pytest.ExitCode.INTERRUPTED
        return
    if fault is not None:
        session.config.stash[PROGRESS].warn(f"no report: {fault}")
        session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED


def pytest_unconfigure(config):
    runner = config.stash.get(RUNNER, None)
    if runner is not None:
        runner.leave()


def pytest_terminal_summary(terminalreporter, config):
    runner = config.stash[RUNNER]
    records = {case: runner.so_far(case) for case in runner.selected}
    if not records or config.option.collectonly:
        return
    terminalreporter.section("fitbench", sep="-")
    path = config.stash.get(JSON, None)
    if runner.ran and not runner.complete:
        for line in _cut_short(runner, path, config.invocation_params.args):
            terminalreporter.line(line, yellow=True)
    for line in _figures(config, records.values()):
        terminalreporter.line(line)
    for line in _agreement(records):
        terminalreporter.line(line)
    for line in _restlessness(records):
        terminalreporter.line(line)
    if others := runner.presence.seen:
        terminalreporter.line(warning(others, past=True), yellow=True)
    for case, record in records.items():
        if record.outcome == FAILED:
            terminalreporter.line(f"failed {case.id}: {record.reason}", red=True)
        elif record.lost:
            terminalreporter.line(f"lost of {case.id}: {'; '.join(record.lost)}", yellow=True)
    if path is not None and path.is_file():
        terminalreporter.line(f"the run: {path}")
        for line in _reported(runner, path, config.stash.get(REPORTER, None)):
            terminalreporter.line(line)


def _reported(runner: Runner, path: Path, reporter: Reporter | None) -> Iterator[str]:
    """Where the report is, or how one is made."""
    if reporter is None or not (page := reporter.output / folder.SITE).exists():
        yield f"its report: {_reporting(path)}"
    elif not runner.ran or runner.complete:
        yield f"its report: {page}"
    else:
        yield f"its report: {page}, of the processes that were whole when it was made"
        yield f"one of all that was measured: {_reporting(path, reporter.output)}"


def _reporting(path: Path, output: Path | None = None) -> str:
    """The command that makes the report of a run."""
    where = [] if output is None else ["--output", str(output)]
    return shlex.join([program("python"), "-m", "bench.report", str(path), *where])


def _figures(config, records: Iterable[Record]) -> list[str]:
    """The table of the run, in characters that the terminal has; nothing where pytest or pytest-benchmark is told to be
    quiet (`-qq`, `--benchmark-quiet`).
    """
    option = config.option
    if option.verbose < -1 or (option.benchmark_quiet and not option.benchmark_verbose):
        return []
    try:
        return [*plain(console.lines(records)), ""]
    except Exception as error:  # the run is kept already: it ends by its own code, whatever is wrong with the table
        return [f"warning: no table ({error!r}): this is a bug in fitbench, please report it"]


def _cut_short(runner: Runner, path: Path | None, words: Sequence[str]) -> Iterator[str]:
    """That the run ended before its end, why, and how to go on with it."""
    yield f"interrupted after {runner.whole} of {runner.processes} processes; what was measured until then is kept"
    if runner.edited:
        yield f"{runner.edited}; restore it before you go on with the run"
    if path is not None:
        yield f"go on with it: {resuming(path, words)}"


def resuming(path: Path, words: Sequence[str]) -> str:
    """The command that goes on with a run of `pytest` and these words."""
    found, rest = [program("pytest")], iter(words)
    for word in rest:
        if word == OPTION:
            next(rest)
        elif word != "--resume" and not word.startswith(f"{OPTION}="):
            found.append(word)
    return shlex.join([*found, f"{OPTION}={path}", "--resume"])


def _restlessness(records: Mapping[Case, Record]) -> list[str]:
    """How restless the machine was, and what was taken away of that; nothing where nothing was timed."""
    timed = [record for record in records.values() if record.outcome == MEASURED]
    if not timed:
        return []
    from bench.statistics.model import fit  # which takes long to import: not where nothing is timed
    from bench.statistics.restlessness import restlessness

    return [f"the machine: {restlessness(fit(timed))}"]


def _agreement(records: Mapping[Case, Record]) -> list[str]:
    """How many cases agree, why the others were skipped, and how well those of each dtype do."""
    agreed = {case: one.agreement.digits for case, one in records.items() if one.outcome in RIGHT and one.agreement}
    counts = Counter(record.outcome for case, record in records.items() if case not in agreed)
    rest = "".join(f", {count} {outcome}" for outcome, count in counts.items())
    lines = [f"{len(agreed)} of {len(records) - counts[SKIPPED]} cases agree with the exact fit{rest}"]
    skipped = Counter(record.reason for record in records.values() if record.outcome == SKIPPED)
    lines += [f"{count} skipped: {printable(reason or 'no reason is recorded')}" for reason, count in skipped.items()]
    for dtype in dict.fromkeys(case.dtype for case in agreed):
        worst = min((case for case in agreed if case.dtype == dtype), key=agreed.__getitem__)
        lines.append(f"{dtype}: {agreed[worst]:.1f} digits at worst, in {worst.id}")
    return lines
