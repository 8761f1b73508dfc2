"""The folder of a report: its files, and those of the report that was there before, which go; others stay."""

import hashlib
import re
from pathlib import Path

from bench.support.errors import InputError
from bench.support.files import copy_atomically, write_atomically

PAGES = DETAILS, SITE, PAGE = "details.md", "index.html", "report.md"
TITLE = "# What an iteration costs, and whether all agree"  # the first line of the page, by which it is known as ours
LISTING = "report.sha256"  # what the report consists of, as sha256sum writes it
LINE = re.compile(
    r"(?P<sum>[0-9a-f]{64})  (?P<name>(?:tables/)?[A-Za-z0-9_-]+\.(?:png|svg|csv)|report\.md|details\.md|index\.html)"
)
MOST_BYTES = 2**24  # of a listing
GRAPHS = "graphs"  # where those are looked for that `bench.graph` has drawn, which reads no records
GRAPH = re.compile(r"[A-Za-z0-9_.,-]+\.(?:svg|png|html)")


def check(output: Path) -> None:
    """Raises InputError if a report there would take the place of a page that is none, and OSError."""
    page = output / PAGE
    if page.exists() and page.read_bytes()[: len(TITLE)] != TITLE.encode():
        raise InputError(f"{page}: is there, and is no report of fitbench; give another --output, or move it")


def graphs(output: Path) -> list[str]:
    """The graphs of steps that were drawn into the folder, by name, to link to. Raises OSError."""
    return sorted(path.name for path in (output / GRAPHS).glob("*") if path.is_file() and GRAPH.fullmatch(path.name))


def publish(draft: Path, output: Path) -> None:
    """Replace the report in a folder, if there is one, by the files of the draft. Raises OSError.

    Each file is replaced in one step, the pages last: whoever is killed leaves no half file, and no link to a missing
    one. Of the former report only what is still as it wrote it is removed; what is anybody else's stays.
    """
    names = [path.relative_to(draft).as_posix() for path in draft.rglob("*") if path.is_file()]
    ours = {f"{_sum(draft / name)}  {name}" for name in names}
    former = _listed(output)
    _list(output, former | ours)  # while both may be there
    for name in sorted(names, key=lambda name: (name in PAGES, name)):
        copy_atomically(draft / name, output / name)
    for line in former:
        found = LINE.fullmatch(line)
        if found is not None and found["name"] not in names and _is(output / found["name"], found["sum"]):
            (output / found["name"]).unlink()
    _list(output, ours)


def _list(output: Path, lines: set[str]) -> None:
    text = "".join(f"{line}\n" for line in sorted(lines, key=lambda line: line[64:]))
    write_atomically(output / LISTING, text)


def _listed(output: Path) -> set[str]:
    """The lines of the listing that a report can have written; a file of that name may be anybody's."""
    path = output / LISTING
    if not path.is_file() or path.stat().st_size > MOST_BYTES:
        return set()
    return {line for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if LINE.fullmatch(line)}


def _is(path: Path, checksum: str) -> bool:
    """Whether the file is as it was written."""
    return path.is_file() and not path.is_symlink() and _sum(path) == checksum


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
