"""A hook of MkDocs: the site has README.md as its front page, and whatever else of the repository a page links to.

Documents link to files of the repository by relative paths, as on a code host. A page in Markdown, a picture or a table
stands in the site as it is; any other file, or a folder, becomes a page that shows it. Links are bent to where those
stand. One to a file that does not exist stays as it was, and the strict build fails on it.
"""

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from mkdocs.structure.files import File, Files, InclusionLevel

ROOT = Path(__file__).resolve().parent.parent
FRONT = "README.md"
LINK = re.compile(r"(\]\()([^)\s#]+)((?:#[^)\s]*)?\))")
AS_THEY_ARE = {".csv", ".json", ".md", ".png", ".svg"}
LANGUAGES = {"": "text", ".yml": "yaml", ".sh": "bash", ".py": "python", ".toml": "toml"}


def on_files(files: Files, config: Any) -> Files:
    """Add the front page, and what pages link to beyond docs/, with what those link to in turn."""
    waiting = [FRONT, *(f"docs/{file.src_uri}" for file in files if file.src_uri.endswith(".md"))]
    seen = set(waiting)
    while waiting:
        path = waiting.pop()
        if not _of_docs(path):
            files.append(_file(path, config))
        if path.endswith(".md"):
            found = {target for target, _ in _targets(path, (ROOT / path).read_text(encoding="utf-8"))}
        else:
            found = set(_inside(path))
        waiting += sorted(one for one in found - seen if not _of_docs(one))
        seen |= found
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """The page with its links to files of the repository bent to where these stand in the site."""
    path = next((one for one in _sources(page.file.src_uri) if (ROOT / one).is_file()), None)
    bent = {word: place(target) for target, word in _targets(path, markdown)} if path else {}

    def bend(match: re.Match[str]) -> str:
        target = bent.get(match[2])
        if target is None:
            return match[0]
        return match[1] + posixpath.relpath(target, posixpath.dirname(page.file.src_uri) or ".") + match[3]

    return LINK.sub(bend, markdown)


def place(path: str) -> str:
    """Where a file or folder of the repository stands among the sources of the site."""
    if path == FRONT:
        return "index.md"
    if _of_docs(path):
        return path.removeprefix("docs/")
    return path if PurePosixPath(path).suffix in AS_THEY_ARE else f"{path}.md"


def _of_docs(path: str) -> bool:
    """Whether MkDocs finds it by itself: what docs/ holds, but for code, which becomes a page as all code does."""
    return path.startswith("docs/") and PurePosixPath(path).suffix in {*AS_THEY_ARE, ".ipynb"}


def _sources(src_uri: str) -> Iterator[str]:
    """Which files of the repository a page may be: the front page, one of docs/, one that stands as it is."""
    yield from [FRONT] if src_uri == "index.md" else [f"docs/{src_uri}", src_uri]


def _targets(path: str, text: str) -> Iterator[tuple[str, str]]:
    """The files and folders of the repository that a page links to, each with the link's own word."""
    for _, word, _ in LINK.findall(text):
        target = posixpath.normpath(posixpath.join(posixpath.dirname(path), word))
        if ":" not in word and not target.startswith("..") and (ROOT / target).exists():
            yield target, word


def _file(path: str, config: Any) -> File:
    whole, level = ROOT / path, InclusionLevel.UNDEFINED if path == FRONT else InclusionLevel.NOT_IN_NAV
    if whole.suffix in AS_THEY_ARE:
        return File.generated(config, place(path), abs_src_path=str(whole), inclusion=level)
    content = _folder(path) if whole.is_dir() else _shown(path)
    return File.generated(config, place(path), content=content, inclusion=level)


UNSEARCHED = "---\nsearch:\n  exclude: true\n---\n"


def _shown(path: str) -> str:
    """A page that shows a file; the search leaves it out."""
    text = (ROOT / path).read_text(encoding="utf-8")
    language = LANGUAGES.get(PurePosixPath(path).suffix, "text")
    return f"{UNSEARCHED}# {path}\n\n````{language}\n{text}````\n"


def _inside(path: str) -> list[str]:
    """The files in a folder; none in a file."""
    found = (one for one in (ROOT / path).rglob("*") if one.is_file() and "__pycache__" not in one.parts)
    return sorted(one.relative_to(ROOT).as_posix() for one in found)


def _folder(path: str) -> str:
    """A page that lists a folder."""
    beside = posixpath.dirname(place(path)) or "."
    lines = [f"- [`{one}`]({posixpath.relpath(place(one), beside)})" for one in _inside(path)]
    return "\n".join([f"{UNSEARCHED}# {path}\n", *lines, ""])
