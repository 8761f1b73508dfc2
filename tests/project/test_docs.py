"""The documents: the site builds, every page is in it, and what a page tells one to type is there to be typed."""

import contextlib
import importlib
import importlib.util
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from conftest import ROOT

import impls
from bench.backends.base import Backend

DOCS = ROOT / "docs"
PAGES = [*sorted(DOCS.glob("*.md")), ROOT / "README.md", ROOT / "README.zh.md"]
FITS = [variant for variant in impls.variants() if variant != "tuned"]  # which docs/fits.md only links to
COMMAND = re.compile(r"-m bench\.(\w+)([^`\n#&]*)")
SUITE = re.compile(r"pytest bench([^`\n#]*)")
OPTION = re.compile(r"(?<![\w=-])--[a-z][a-z-]*")
ELSEWHERE = {"--constraint", "--editable", "--extra-index-url", "--adapter", "--file"}  # of pip, and of Bencher


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def built(checkout: Path, site: Path) -> subprocess.CompletedProcess[str]:
    """The site of a checkout, its notebook run."""
    command = [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(site)]
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(command, cwd=checkout, capture_output=True, text=True, env=variables)


needs_mkdocs = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("mkdocs", "material", "mkdocs_jupyter", "l2m4m")),
    reason="the extra [docs] is not installed",
)


@needs_mkdocs
def test_the_site_builds_with_every_link_and_fetches_nothing_from_elsewhere(tmp_path):
    done = built(ROOT, tmp_path)
    assert done.returncode == 0, done.stderr
    front = text(tmp_path / "index.html")
    assert 'href="variants.html"' in front and 'href="impls/manual/__init__.py.html"' in front
    assert "grad = 2 * residual" in re.sub("<[^>]*>", "", text(tmp_path / "fits.html"))
    assert len(re.findall('<img[^>]*src="data:image/png', text(tmp_path / "tour.html"))) == 3
    loaded = [
        word for page in tmp_path.glob("*.html") for word in re.findall(r"<(?:script|link|img)\b[^>]*>", text(page))
    ]
    assert loaded and [word for word in loaded if re.search(r'(?:src|href)="(?:https?:)?//', word)] == []


@needs_mkdocs
def test_a_dead_link_a_dead_anchor_and_a_page_outside_the_nav_fail_the_build(tmp_path):
    (tmp_path / "docs").mkdir()
    for name in ("mkdocs.yml", "docs/repository.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "README.md").write_text("# Front\n[a](docs/stray.md) [b](impls/none.py) [c](docs/stray.md#nowhere)\n")
    (tmp_path / "docs" / "stray.md").write_text("# Stray\n")
    done = built(tmp_path, tmp_path / "site")
    assert done.returncode != 0
    for told in (
        "contains a link 'impls/none.py'",
        "does not contain an anchor '#nowhere'",
        'not included in the "nav" configuration:\n  - stray.md',
    ):
        assert told in done.stderr, done.stderr


def test_the_nav_holds_every_page():
    nav = re.findall(r"(?m)^ +- .*: (\S+\.(?:md|ipynb))$", text(ROOT / "mkdocs.yml").partition("\nnav:")[2])
    pages = [path.name for path in DOCS.iterdir() if path.suffix in {".md", ".ipynb"}]
    assert sorted(nav) == sorted([*pages, "index.md", "README.zh.md"])


@pytest.mark.parametrize("variant", FITS)
def test_the_page_of_the_fits_shows_every_file(variant):
    shown = re.findall(r'--8<-- "(.*)"', text(DOCS / "fits.md"))
    files = (ROOT / "impls" / variant).glob("*.py")
    assert {f"impls/{variant}/{file.name}" for file in files} <= {*shown}


def test_the_notebook_has_no_outputs_in_git():
    cells = json.loads(text(DOCS / "tour.ipynb"))["cells"]
    assert [cell for cell in cells if cell.get("outputs") or cell.get("execution_count")] == []


def test_the_backend_that_a_page_adds_is_one():
    (example,) = (DOCS / "examples").glob("*_backend.py")
    spec = importlib.util.spec_from_file_location(example.stem, example)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert isinstance(module.BACKEND, Backend)
    assert f"--backend {module.BACKEND.name} " in text(DOCS / "adding-a-backend.md")


def helped(module: str) -> set[str]:
    """The options that a command itself tells."""
    with contextlib.redirect_stdout(io.StringIO()) as told, pytest.raises(SystemExit):
        importlib.import_module(module).main(["--help"])
    return {*OPTION.findall(told.getvalue())}


class Names(set[str]):
    """The names of options, as a plugin of pytest adds them."""

    def getgroup(self, *_, **__):
        return self

    def addoption(self, *names, **_):
        self.update(names)

    addini, _addoption = getgroup, addoption


@pytest.fixture(scope="module")
def known() -> dict[str, set[str]]:
    """The options of each command that the documents name, and those of `pytest bench`."""
    suite = Names()
    for plugin in ("bench.conftest", "pytest_benchmark.plugin", "xdist.plugin"):
        importlib.import_module(plugin).pytest_addoption(suite)
    names = {name for page in PAGES for name, _ in COMMAND.findall(text(page))}
    return {"pytest": suite, **{name: helped(f"bench.{name}") for name in names}}


def unknown(page: str, known: dict[str, set[str]]) -> set[tuple[str, str]]:
    """Options that a page gives to a command that has none of that name; or that nobody has, with the name "any"."""
    given = [*COMMAND.findall(page), *(("pytest", words) for words in SUITE.findall(page))]
    wrong = {(name, one) for name, words in given for one in OPTION.findall(words) if one not in known[name]}
    anywhere = {*ELSEWHERE, *(one for options in known.values() for one in options)}
    return wrong | {("any", one) for one in OPTION.findall(page) if one not in anywhere}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_options_are_those_of_the_commands(page, known):
    assert unknown(text(page), known) == set()


def test_an_option_that_is_none_is_found(known):
    assert unknown("`python -m bench.ab --a . --points 4 --baseline x`", known) == {("ab", "--baseline")}
    assert unknown("`pytest bench --point 4`, and `--sizes`", known) == {
        ("pytest", "--point"),
        *(("any", one) for one in ("--point", "--sizes")),
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_scripts_and_targets_are_there(page):
    targets = re.findall(r"(?m)^([\w./]+):", text(ROOT / "Makefile"))
    for script in re.findall(r"python (docs/\S+\.py|tests/\S+\.py)", text(page)):
        assert (ROOT / script).is_file(), script
    fences = re.findall(r"(?ms)^```\w*\n(.*?)^```$", text(page))
    code = [*fences, *re.findall(r"`([^`\n]+)`", text(page))]
    assert {target for one in code for target in re.findall(r"(?m)^make ([\w./]+)", one)} <= {*targets}


def shape(page: str) -> dict[str, object]:
    """What page and translation have in common: levels of headings, commands, code, links, the cells of tables."""
    fences = re.findall(r"(?ms)^```\w*\n(.*?)^```$", page)
    prose = re.sub(r"(?ms)^```.*?^```$", "", page)
    targets = re.findall(r"\]\(([^)]*)\)", prose)
    return {
        "headings": [len(marks) for marks in re.findall(r"(?m)^(#+) ", prose)],
        "commands": [re.sub(r" +# .*", "", fence) for fence in fences],
        "code": Counter(re.findall(r"`([^`]+)`", prose)),
        "links": Counter(one for one in targets if not one.startswith(("#", "README"))),
        "cells": [line.count("|") for line in prose.splitlines() if line.startswith("|")],
        "figures": [line for line in prose.splitlines() if " µs (" in line],
    }


@pytest.mark.parametrize("part", shape(""))
def test_the_chinese_readme_keeps_step(part):
    assert shape(text(ROOT / "README.zh.md"))[part] == shape(text(ROOT / "README.md"))[part]


@pytest.mark.parametrize(
    ("part", "old", "new"),
    [
        ("headings", "\n## ", "\n### "),
        ("commands", "make test ", "make tests "),
        ("code", "`--points`", "`--sizes`"),
        ("links", "(docs/ci.md)", "(docs/why.md)"),
        ("cells", "| `--points` | 2000 |", "| `--points` |"),
        ("figures", " µs (", ".1 µs ("),
    ],
)
def test_a_readme_that_has_gone_ahead_is_noticed(part, old, new):
    page = text(ROOT / "README.md")
    assert old in page
    assert shape(page.replace(old, new, 1))[part] != shape(page)[part]
