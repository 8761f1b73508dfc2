"""Revisions: a commit is checked out beside the user's checkout, into a folder that goes when the comparison ends."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.sides import code, git
from bench.sides.side import Place
from bench.support.errors import InputError, last_line
from bench.support.scratch import Scratch, left_over

SCRATCH = "ab"  # the kind of folder that a worktree is in


def revision(spec: str) -> str | None:
    """The commit that the words name, or None."""
    return git.answer("rev-parse", "--verify", "--quiet", f"{spec}^{{commit}}", cwd=code.ROOT)


@contextmanager
def worktree(option: str, commit: str) -> Iterator[Place]:
    """A checkout of the commit, which exists inside `with` only."""
    _remove_left_overs()
    with Scratch(SCRATCH) as scratch:
        folder = scratch / "checkout"  # git takes no folder that holds something, such as a lock
        try:
            yield Place(_checked_out(option, commit, folder))
        finally:
            _remove(folder)


def _checked_out(option: str, commit: str, folder: Path) -> Path:
    """The suite in the revision: the folder itself, or a part of it where the repository holds more than the suite."""
    # Without hooks: a checkout that the user did not make is none of their business.
    words = ("-c", f"core.hooksPath={os.devnull}", "worktree", "add", "--detach", str(folder), commit)
    done = git.run(*words, cwd=code.ROOT)
    if done.returncode != 0:
        raise InputError(f"{option}: git cannot check it out: {last_line(done.stderr)}")
    root = folder / (git.answer("rev-parse", "--show-prefix", cwd=code.ROOT) or "")
    if not (root / "bench" / "worker.py").is_file():
        raise InputError(f"{option}: there is no bench/worker.py in {commit[:9]}; allowed: a revision that has it")
    return root


def _remove_left_overs() -> None:
    """Of comparisons that were killed before they could remove their worktree."""
    for line in (git.answer("worktree", "list", "--porcelain", cwd=code.ROOT) or "").splitlines():
        kind, _, path = line.partition(" ")
        if kind == "worktree" and left_over(Path(path).parent, SCRATCH):
            _remove(Path(path))
            shutil.rmtree(Path(path).parent, ignore_errors=True)


def _remove(folder: Path) -> None:
    """The folder and what git knows of it, whatever state an interruption left them in."""
    shutil.rmtree(folder, ignore_errors=True)
    git.answer(
        "worktree", "remove", "--force", "--force", str(folder), cwd=code.ROOT
    )  # twice: `add` locks until it is done
