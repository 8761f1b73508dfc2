"""The checkout that this is, and the code of any: what a timing depends on."""

import hashlib
from pathlib import Path

from bench.support.errors import InputError

ROOT = Path(__file__).resolve().parent.parent.parent
PARTS = ("bench", "impls")


def code_hash(root: Path) -> str:
    """SHA-256, in hex, of all code under `root` that a timing depends on: names and bytes of bench and impls.

    Raises InputError if there is none: the hash of nothing would be the same everywhere.
    """
    files = {file.relative_to(root).as_posix(): file for part in PARTS for file in (root / part).rglob("*.py")}
    found = hashlib.sha256()
    for name, file in sorted(files.items()):
        if "__pycache__" not in file.parts:
            found.update(f"{name}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    if not files:
        raise InputError(f"{root}: no code there; expected a checkout of fitbench, with {' and '.join(PARTS)}")
    return found.hexdigest()
