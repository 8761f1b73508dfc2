"""The checkout that this is, and the code of any: what a timing depends on."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from bench.support.errors import InputError

ROOT = Path(__file__).resolve().parent.parent.parent
PARTS = ("bench", "impls")


def files(root: Path) -> dict[str, str]:
    """SHA-256, in hex, of each file of code under `root` that a timing depends on, sorted by name: bench and impls."""
    found = (file for part in PARTS for file in (root / part).rglob("*.py") if "__pycache__" not in file.parts)
    return dict(sorted((file.relative_to(root).as_posix(), _hash(file)) for file in found))


def _hash(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:  # an editor's, or one that has just gone: what cannot be read is imported by nobody
        return "unreadable"


def hash_of(root: Path, code: Mapping[str, str]) -> str:
    """SHA-256, in hex, of the names and bytes of all `files` that were found under `root`.

    Raises InputError if there is none: the hash of nothing would be the same everywhere.
    """
    if not code:
        raise InputError(f"{root}: no code there; expected a checkout of fitbench, with {' and '.join(PARTS)}")
    return hashlib.sha256("".join(f"{name}\0{told}\n" for name, told in code.items()).encode()).hexdigest()


def changed(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """The names of the files that were changed, added or removed meanwhile."""
    return sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
