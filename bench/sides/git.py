"""Git, asked without touching the user's index, and out of reach of hooks and Ctrl-C."""

import os
import subprocess
from pathlib import Path

# Set by git for its hooks; they would lead a command to another repository, or to an index in use.
PLACES = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY")


def run(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Git with these words. Raises OSError where it is not installed."""
    variables = {name: value for name, value in os.environ.items() if name not in PLACES}
    return subprocess.run(
        ["git", *words],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        env={**variables, "GIT_OPTIONAL_LOCKS": "0"},  # `status` would rewrite the user's index
        start_new_session=True,  # Ctrl-C is for us: it must not stop the removal of a worktree
    )


def answer(*words: str, cwd: Path) -> str | None:
    """What git answers; None where it fails, or is not installed."""
    try:
        done = run(*words, cwd=cwd)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
