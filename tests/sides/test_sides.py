"""A user's words become a side of a comparison, or an error; and no worktree outlives the comparison."""

import ast
import contextlib
import dataclasses
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.sides import code, interpreter, probe
from bench.sides.side import Side, here
from bench.sides.specs import resolved
from bench.support import exits
from bench.support.errors import InputError

posix = pytest.mark.skipif(os.name != "posix", reason="shell scripts and signals as POSIX has them")
FACTS = {"python": "3.13.1", "release": [3, 13], "packages": {"numpy": "9.9"}, "absent": ["torch"]}


def git(*words: str, cwd: Path) -> str:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    return subprocess.run(["git", *identity, *words], cwd=cwd, capture_output=True, text=True, check=True).stdout


def worktrees(repository: Path) -> list[str]:
    """All but the first, which is the repository's own checkout."""
    lines = git("worktree", "list", "--porcelain", cwd=repository).splitlines()
    return [line.split(" ", 1)[1] for line in lines if line.startswith("worktree ")][1:]


@pytest.fixture
def repository(copy: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the suite with two commits, tags `bare` (without a suite) and `old`, as the checkout that sides see."""
    git("init", "--quiet", "--initial-branch=main", cwd=copy)
    (copy / "notes").write_text("before the suite\n")
    git("add", "notes", cwd=copy)
    git("commit", "--quiet", "--message=bare", cwd=copy)
    git("tag", "bare", cwd=copy)
    git("add", ".", cwd=copy)
    git("commit", "--quiet", "--message=suite", cwd=copy)
    git("tag", "old", cwd=copy)
    (copy / "notes").write_text("after\n")
    git("commit", "--quiet", "--all", "--message=after", cwd=copy)
    monkeypatch.setattr(code, "ROOT", copy)
    return copy


def script(path: Path, *lines: str) -> Path:
    """A program that is no Python, but may claim to be one."""
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    path.chmod(0o755)
    return path


def claims(path: Path, **facts: object) -> Path:
    return script(path, f"echo '{json.dumps({**FACTS, **facts})}'")


@contextlib.contextmanager
def refused(spec: object, *words: str) -> Iterator[None]:
    """The words are an input error in one line that names the option, the words, and `words`."""
    with pytest.raises(InputError) as caught:
        yield
    message = str(caught.value)
    assert message.startswith(f"--a {str(spec)!r}: ")
    assert "\n" not in message
    for word in words:
        assert word in message


def resolve(spec: object) -> Side:
    """The side as it was; a worktree is gone by now."""
    with resolved("a", str(spec)) as side:
        return side


# Kinds


def test_here_is_this_interpreter_and_checkout() -> None:
    side = here()
    assert (side.label, side.spec, side.variables) == ("", "", ())
    assert (side.python, side.root) == (sys.executable, code.ROOT)
    assert side.python_version.startswith("{}.{}.".format(*sys.version_info))
    assert not side.absent & {"numpy", "psutil"}
    assert dict(side.packages)["psutil"]
    assert list(side.packages) == sorted(side.packages)
    assert all(name == name.lower() for name, _ in side.packages)


def test_a_dot_is_the_same_as_here(repository: Path) -> None:
    side = resolve(".")
    assert (side.label, side.spec) == ("a", ".")
    assert dataclasses.replace(side, label="", spec="") == here()


def test_changes_make_the_checkout_dirty(repository: Path) -> None:
    assert (resolve(".").commit, resolve(".").dirty) == (git("rev-parse", "HEAD", cwd=repository).strip(), False)
    (repository / "notes").write_text("changed\n")
    assert resolve(".").dirty is True


def test_outside_of_a_repository_there_is_no_commit(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code, "ROOT", copy)
    assert (resolve(".").commit, resolve(".").dirty) == (None, None)
    with refused("HEAD~1", "no interpreter"):  # HEAD itself is a program on some machines
        resolve("HEAD~1")


@pytest.mark.parametrize(
    ("spec", "variables"),
    [
        ("A=1", [("A", "1")]),
        (' XLA_FLAGS="--a=1 --b=2"  B_2=', [("XLA_FLAGS", "--a=1 --b=2"), ("B_2", "")]),
        ("_a='x y'", [("_a", "x y")]),
        ("A=1 A=2", [("A", "2")]),
    ],
)
def test_variables_are_split_as_a_shell_does(spec: str, variables: list[tuple[str, str]]) -> None:
    side = resolve(spec)
    assert side.variables == tuple(variables)
    assert (side.python, side.root, side.spec) == (sys.executable, code.ROOT, spec)


def test_the_interpreter_is_asked_under_the_sides_variables(tmp_path: Path) -> None:
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").touch()
    (tmp_path / "Optax-7.dist-info").mkdir()
    (tmp_path / "Optax-7.dist-info" / "METADATA").write_text("Name: Optax\nVersion: 7\n")
    side = resolve(f"PYTHONPATH='{tmp_path}'")
    assert "torch" not in side.absent
    assert dict(side.packages)["optax"] == "7"


def test_a_venv_is_its_own_python_and_not_the_one_it_was_made_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    monkeypatch.chdir(tmp_path)
    with refused("venv", "no numpy, psutil;", "pip install numpy psutil"):
        resolve("venv")
    where = [sys.executable, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    ours = subprocess.run(where, capture_output=True, text=True, check=True).stdout.strip()
    (library,) = (tmp_path / "venv").glob("[Ll]ib/**/site-packages")
    (library / "ours.pth").write_text(ours + "\n")
    python = tmp_path / "venv" / ("bin/python" if os.name == "posix" else "Scripts/python.exe")
    for spec in ("venv", str(python)):
        side = resolve(spec)
        assert side.python == str(python)
        assert side.root == code.ROOT
        assert "numpy" in dict(side.packages)


@posix
def test_an_interpreter_is_a_file_or_a_name_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = claims(tmp_path / "special-python")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    for spec in (python, "special-python"):
        side = resolve(spec)
        assert (side.python, side.python_version) == (str(python), "3.13.1")
        assert (side.packages, side.absent) == ((("numpy", "9.9"),), frozenset({"torch"}))


@posix
def test_a_revision_goes_before_a_name_on_the_path(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claims(tmp_path / "old")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert resolve("old").python == sys.executable


@posix
def test_a_word_that_may_be_two_things_is_refused_and_nothing_is_run(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository)
    git("update-ref", "refs/remotes/origin/main", "old", cwd=repository)
    (repository / "origin").mkdir()
    for name in ("old", "origin/main"):
        script(repository / name, f"touch '{tmp_path / 'run'}'")
        with refused(name, "a git revision, and here a path as well", f"allowed: git:{name} or python:{name}"):
            resolve(name)
        with resolved("a", f"git:{name}") as side:
            assert (side.spec, side.commit) == (f"git:{name}", git("rev-parse", "old", cwd=repository).strip())
    assert not (tmp_path / "run").exists()
    with refused(f"python:{name}", "does not answer as Python does"):
        resolve(f"python:{name}")
    assert (tmp_path / "run").exists()


@posix
def test_a_file_is_not_run_by_its_name_alone(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository)
    claims(repository / "deploy")
    with refused("deploy", "is not run by its name alone", "allowed: ./deploy or python:deploy"):
        resolve("deploy")
    for spec in ("./deploy", "python:deploy", "bench/../deploy", str(repository / "deploy")):
        assert resolve(spec).python_version == "3.13.1"
    monkeypatch.setenv("HOME", str(repository))
    assert resolve("~/deploy").python == str(repository / "deploy")


def test_the_kind_may_be_said(repository: Path) -> None:
    assert resolve("env:A=1 B='x y'").variables == (("A", "1"), ("B", "x y"))
    assert resolve(f"python:{sys.executable}").python == sys.executable
    assert resolve("git:HEAD~0").commit == git("rev-parse", "HEAD", cwd=repository).strip()
    for spec, told in (
        ("git:", "no git revision"),
        ("git:xyz", "no git revision of this checkout; allowed: a branch, a tag or a commit"),
        ("git:--all", "no git revision"),
        ("env:", "empty; allowed: NAME=VALUE words"),
        ("env:old", "'old' is no NAME=VALUE"),
        ("python:", "no interpreter"),
        ("python:xyz", "no interpreter"),
        ("./old", "no interpreter"),
        ("/old", "no interpreter"),
    ):
        with refused(spec, told):
            resolve(spec)
    assert worktrees(repository) == []


@posix
def test_an_interpreter_is_asked_away_from_any_checkout(tmp_path: Path) -> None:
    answer = json.dumps({**FACTS, "python": "FOLDER"}).replace("FOLDER", "'\"$PWD\"'")
    folder = Path(resolve(script(tmp_path / "python", f"echo '{answer}'")).python_version)
    assert folder.is_absolute()
    assert not folder.exists()  # it was made for the question


@posix
def test_what_a_site_prints_before_the_answer_does_not_matter(tmp_path: Path) -> None:
    python = claims(tmp_path / "python")
    lines = python.read_text().splitlines()
    script(python, "echo welcome", *lines[1:])
    assert resolve(python).python_version == "3.13.1"


# Errors


def test_every_option_is_named_by_its_label() -> None:
    with pytest.raises(InputError, match=r"^--b 'xyz': no interpreter, venv, git revision or NAME=VALUE"):
        resolved("b", "xyz").__enter__()


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("", ["empty", "allowed:"]),
        (" \t", ["empty", "allowed:"]),
        ("xyz", ["no interpreter, venv, git revision or NAME=VALUE", "allowed:"]),
        ("-rf", ["no interpreter"]),
        ("--all", ["no interpreter"]),
        ("two\nlines", ["no interpreter"]),
        ("x" * 5000, ["no interpreter"]),
        ("1A=2", ["no interpreter"]),
        ("A=1 2", ["'2' is no NAME=VALUE", "quote"]),
        ("A=1 'B C=2'", ["'B C=2' is no NAME=VALUE", "quote"]),
        ('A="1', ["no closing quotation", "quoted"]),
        ("A=1 OMP_NUM_THREADS=2", ["OMP_NUM_THREADS is set by --threads"]),
        ("NUMEXPR_NUM_THREADS=2", ["NUMEXPR_NUM_THREADS is set by --threads"]),
    ],
)
def test_words_that_mean_nothing_are_refused(spec: str, words: list[str]) -> None:
    with refused(spec, *words):
        resolve(spec)


def test_a_folder_without_an_interpreter_is_refused(tmp_path: Path) -> None:
    with refused(tmp_path, "no venv", "bin/python"):
        resolve(tmp_path)


@posix
def test_a_file_that_cannot_be_run_is_refused(tmp_path: Path) -> None:
    (tmp_path / "python").write_text("text")
    with refused(tmp_path / "python", "cannot be run", "Permission denied"):
        resolve(tmp_path / "python")
    (tmp_path / "python").chmod(0o755)
    with refused(tmp_path / "python", "cannot be run", "Exec format error"):
        resolve(tmp_path / "python")


@posix
@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["echo garbage"], ["exit code 0", "garbage"]),
        (["echo 3"], ["exit code 0"]),
        (["echo '{}'"], ["exit code 0"]),
        (["echo first >&2; echo last >&2; exit 3"], ["exit code 3", "last"]),
        (["true"], ["exit code 0", "nothing"]),
    ],
)
def test_a_program_that_is_no_python_is_refused(tmp_path: Path, lines: list[str], words: list[str]) -> None:
    python = script(tmp_path / "python", *lines)
    with refused(python, "does not answer as Python does", *words):
        resolve(python)


@posix
def test_a_program_that_does_not_answer_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreter, "ANSWER_SECONDS", 0.5)
    python = script(tmp_path / "python", "exec sleep 60")
    with refused(python, "no answer within 0.5 s"):
        resolve(python)


@posix
def test_a_program_does_not_wait_for_what_is_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreter, "ANSWER_SECONDS", 5.0)
    python = script(tmp_path / "python", "exec cat")
    kept, (reading, writing) = os.dup(0), os.pipe()
    os.dup2(reading, 0)
    try:
        with refused(python, "does not answer as Python does", "nothing"):
            resolve(python)
    finally:
        os.dup2(kept, 0)
        for descriptor in (kept, reading, writing):
            os.close(descriptor)


@posix
@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"python": "3.6.15", "release": [3, 6]}, ["Python 3.6.15", "3.11 or newer"]),
        ({"python": "3.10.13", "release": [3, 10], "absent": ["numpy"]}, ["Python 3.10.13", "3.11 or newer"]),
        ({"absent": ["numpy", "psutil", "torch"]}, ["it has no numpy, psutil;", "python -m pip install numpy psutil"]),
        ({"absent": ["torch", "psutil"]}, ["it has no psutil;", "need numpy and psutil", "pip install psutil)"]),
    ],
)
def test_a_python_that_cannot_run_workers_is_refused(
    tmp_path: Path, facts: dict[str, object], words: list[str]
) -> None:
    python = claims(tmp_path / "python", **facts)
    with refused(python, *words):
        resolve(python)


def test_a_revision_without_the_suite_is_refused(repository: Path) -> None:
    with refused("bare", "no bench/worker.py in"):
        resolve("bare")
    assert worktrees(repository) == []


# The probe


def test_the_probe_is_written_for_old_pythons() -> None:
    ast.parse(Path(probe.__file__).read_text(), feature_version=(3, 6))
    with pytest.raises(SyntaxError):
        ast.parse("if n := 1: pass", feature_version=(3, 6))


def test_the_probe_sees_nothing_of_its_own_folder(tmp_path: Path) -> None:
    """Neither for the packages that it looks for, nor for the modules that it needs."""
    target = shutil.copy(probe.__file__, tmp_path)
    for name in ("json", "platform", "statistics", "planted"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the wrong module')\n")
    done = subprocess.run([sys.executable, target, "planted", "json"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["absent"] == ["planted"]


def test_of_two_installed_versions_the_one_that_is_imported_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for version in ("1", "2"):
        folder = tmp_path / version / f"Planted-{version}.dist-info"
        folder.mkdir(parents=True)
        (folder / "METADATA").write_text(f"Name: Planted\nVersion: {version}\n")
        monkeypatch.syspath_prepend(str(folder.parent))
    assert probe.installed()["planted"][1] == "2"


# Revisions


def test_a_revision_is_checked_out_beside_the_checkout(repository: Path) -> None:
    (repository / "notes").write_text("uncommitted\n")
    (repository / "staged").write_text("staged\n")
    git("add", "staged", cwd=repository)
    before = git("status", "--porcelain", cwd=repository)
    index = (repository / ".git" / "index").read_bytes()
    with resolved("a", "old") as side:
        assert (side.root / "bench" / "worker.py").is_file()
        assert (side.root / "notes").read_text() == "before the suite\n"
        assert side.root.name == "checkout"
        assert side.root.parent.name.startswith("fitbench-ab-")
        assert (side.commit, side.dirty) == (git("rev-parse", "old", cwd=repository).strip(), False)
        assert (side.python, side.variables) == (sys.executable, ())
        assert (repository / ".git" / "index").read_bytes() == index
        assert git("status", "--porcelain", cwd=repository) == before
    assert not side.root.parent.exists()
    assert worktrees(repository) == []
    assert (repository / ".git" / "index").read_bytes() == index
    assert git("status", "--porcelain", cwd=repository) == before
    assert (repository / "notes").read_text() == "uncommitted\n"


def test_asking_for_changes_does_not_rewrite_the_index(repository: Path) -> None:
    os.utime(repository / "notes", (1e9, 1e9))  # `git status` would note the new time there
    index = (repository / ".git" / "index").read_bytes()
    assert resolve(".").dirty is False
    assert (repository / ".git" / "index").read_bytes() == index


def test_two_revisions_stand_side_by_side(repository: Path) -> None:
    with resolved("a", "old") as old, resolved("b", "main~0") as new:
        assert (old.root / "notes").read_text() != (new.root / "notes").read_text()
        assert len(worktrees(repository)) == 2
    assert worktrees(repository) == []


def test_the_suite_may_be_a_part_of_its_repository(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outer = tmp_path / "outer"
    outer.mkdir()
    shutil.rmtree(repository / ".git")
    repository.rename(outer / "part")
    git("init", "--quiet", cwd=outer)
    git("add", ".", cwd=outer)
    git("commit", "--quiet", "--message=all", cwd=outer)
    monkeypatch.setattr(code, "ROOT", outer / "part")
    with resolved("a", "HEAD") as side:
        assert side.root.name == "part"
        assert (side.root / "bench" / "worker.py").is_file()
    assert not side.root.parent.parent.exists()


@posix
def test_neither_hooks_nor_their_variables_touch_the_checkout(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = script(repository / ".git" / "hooks" / "post-checkout", f"touch '{tmp_path / 'hooked'}'")
    assert hook.exists()
    index = repository / ".git" / "index"
    before = index.read_bytes()
    monkeypatch.setenv("GIT_INDEX_FILE", str(index))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    resolve("old")
    assert not (tmp_path / "hooked").exists()
    assert index.read_bytes() == before


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_no_worktree_outlives_an_exception(repository: Path, error: type[BaseException]) -> None:
    with pytest.raises(error), resolved("a", "old") as side:
        raise error
    assert not side.root.parent.exists()
    assert worktrees(repository) == []


def test_a_worktree_that_the_user_removed_is_forgotten(repository: Path) -> None:
    with resolved("a", "old") as side:
        shutil.rmtree(side.root)
    assert worktrees(repository) == []


def test_another_thread_can_resolve_a_revision(repository: Path) -> None:
    found: list[Side] = []
    thread = threading.Thread(target=lambda: found.append(resolve("old")))
    thread.start()
    thread.join()
    assert [side.spec for side in found] == ["old"]
    assert worktrees(repository) == []


ENDING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


def hold(root: Path, specs: tuple[str, ...], held) -> None:
    """Keep revisions checked out until this process, which ends as our commands do, is ended from outside."""
    code.ROOT = root
    for name in ENDING:  # which are ignored where the tests themselves run under nohup or in the background
        signal.signal(name, signal.default_int_handler if name == signal.SIGINT else signal.SIG_DFL)

    def main() -> int:
        with contextlib.ExitStack() as stack:
            for spec in specs:
                stack.enter_context(resolved("a", spec))
            held.set()
            threading.Event().wait(60)
        return 0

    exits.run(main)


@contextlib.contextmanager
def holding(root: Path, *specs: str) -> Iterator[multiprocessing.process.BaseProcess]:
    """Another process, in which the revisions are checked out."""
    context = multiprocessing.get_context("spawn")  # a fork would inherit pytest's threads
    held = context.Event()
    process = context.Process(target=hold, args=(root, specs, held))
    process.start()
    assert held.wait(60)
    try:
        yield process
    finally:
        process.kill()
        process.join()


@posix
@pytest.mark.parametrize("ending", ENDING)
def test_no_worktree_outlives_who_is_asked_to_end(repository: Path, ending: signal.Signals) -> None:
    with holding(repository, "old", "main") as process:
        folders = worktrees(repository)
        assert len(folders) == 2
        os.kill(process.pid, ending)
        process.join(30)
        assert process.exitcode not in (0, None)
    assert worktrees(repository) == []
    assert not any(Path(folder).parent.exists() for folder in folders)


@posix
def test_what_a_killed_comparison_left_behind_is_removed_by_the_next(repository: Path) -> None:
    with contextlib.ExitStack() as stack:
        process = stack.enter_context(holding(repository, "old"))
        (dead,) = worktrees(repository)
        other = stack.enter_context(holding(repository, "old"))
        (living,) = {*worktrees(repository)} - {dead}
        git("worktree", "lock", dead, cwd=repository)  # as git does until it has checked everything out
        process.kill()
        process.join()
        assert worktrees(repository).count(dead) == 1
        resolve(".")
        assert Path(dead).exists()
        with resolved("a", "old") as side:
            assert sorted(worktrees(repository)) == sorted([living, str(side.root)])
            assert not Path(dead).parent.exists()
            assert Path(living, "bench", "worker.py").exists()
        other.terminate()
        other.join(30)
    assert worktrees(repository) == []
