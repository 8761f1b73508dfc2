"""Files that are whole at any moment: whoever is killed while writing leaves the old content, or the new."""

import errno
import os
import re
import secrets
import shutil
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import BinaryIO

DRAFT = re.compile(r"\.fitbench-\d+-[0-9a-f]{8}\.tmp")  # as `temporary` names them
OLD_SECONDS = 3600.0  # since a draft was written to: none takes a minute


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write bytes, or text in UTF-8 with its newlines as they are. Raises OSError, and leaves the file as it was."""
    data = content.encode() if isinstance(content, str) else content
    _replace(path, lambda file: file.write(data))


def copy_atomically(source: Path, target: Path) -> None:
    """Copy the content of a file. Raises OSError, and leaves the target as it was."""
    with source.open("rb") as content:
        _replace(target, lambda file: shutil.copyfileobj(content, file))


def try_to_write(path: Path) -> None:
    """Raise the OSError that writing the file would raise. Its folder is made; the file, and a link to it, stay."""
    target = Path(os.path.realpath(path))
    target.parent.mkdir(parents=True, exist_ok=True)
    new = not target.exists()
    target.open("ab").close()
    if new:
        target.unlink()


def temporary(path: Path) -> Path:
    """A free hidden name in the folder of `path`: a file can be renamed in one step only inside a file system."""
    return path.parent / f".fitbench-{os.getpid()}-{secrets.token_hex(4)}.tmp"


@cache  # once is enough: no process leaves drafts of its own unless it is killed
def _remove_old_drafts(folder: Path) -> None:
    """Drafts of ours in a folder whose writers were killed: nobody has written to them for long.

    The process number alone would not tell: in another container, or after a restart, it is somebody else's.
    """
    with suppress(OSError):
        drafts = [path for path in folder.iterdir() if DRAFT.fullmatch(path.name)]
        for path in drafts:
            found = path.lstat()
            ours = stat.S_ISREG(found.st_mode) and (os.name != "posix" or found.st_uid == os.getuid())
            if ours and time.time() - found.st_mtime > OLD_SECONDS:
                path.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk, where the system can do that: a new file is lost without its name."""
    if os.name != "posix":
        return
    with suppress(OSError):  # some file systems cannot: then the name is as safe as they make it
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _replace(path: Path, fill: Callable[[BinaryIO], object]) -> None:
    """Fill a file beside the target, then give it the target's name. A link stays: its target is replaced."""
    target = Path(os.path.realpath(path))
    if target.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    there = target.exists()
    if there and not target.is_file():  # a device or a pipe must stay what it is; a folder raises
        with target.open("wb") as file:
            fill(file)
        return
    if there and not os.access(target, os.W_OK):  # renaming would not ask
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    _remove_old_drafts(target.parent)
    draft = temporary(target)
    try:
        with draft.open("xb") as file:
            fill(file)
            file.flush()
            os.fsync(file.fileno())
        if there:
            shutil.copymode(target, draft)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(target.parent)
