"""The texts that compilers generated, kept beside the JSON of a run: FILE.code/CASE/NAME.txt, as they were hashed."""

import re
from collections.abc import Mapping
from pathlib import Path

from bench.anatomy.texts import fingerprint
from bench.cases.case import Case
from bench.support.files import write_atomically

NAME = re.compile(r"[\w-]{1,100}")


def folder_of(path: Path) -> Path:
    """Where the texts of a run are, given its JSON."""
    return Path(str(path).removesuffix(".journal")).with_suffix(".code")


def keep(folder: Path, case: Case, texts: Mapping[str, str]) -> None:
    """Write those of a case, each file whole at any moment; none is left of another run. Raises OSError."""
    place = folder / case.id
    texts = {name: text for name, text in texts.items() if NAME.fullmatch(name)}
    if texts or place.is_dir():
        place.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        write_atomically(place / f"{name}.txt", text)
    for file in place.glob("*.txt"):
        if file.stem not in texts:
            file.unlink()


def kept(path: Path, case: Case, expected: str | None) -> dict[str, str] | None:
    """Those of a case of a run, given its JSON and its fingerprint; None where they are absent, or of another run."""
    try:
        files = sorted((folder_of(path) / case.id).glob("*.txt"))
        texts = {file.stem: file.read_bytes().decode() for file in files}
    except (OSError, ValueError):
        return None
    return texts if texts and fingerprint(texts) == expected else None
