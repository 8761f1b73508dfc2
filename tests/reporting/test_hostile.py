"""Names, reasons and versions from elsewhere are text wherever they are shown, and nothing else."""

import csv
import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from builders import record, write
from markdown_it import MarkdownIt
from markdown_it.token import Token
from matplotlib.figure import Figure

from bench import compare, report, spread
from bench.records.record import AGREED, FAILED
from bench.reporting.escaping import FORMULA, code, escape, harmless
from bench.reporting.spreadsheets import write_csv
from reports import modes

IMAGE = "![x](https://evil.example/p.png)"
HTML = "<img src=//evil.example/p.png onerror=alert(1)>"
NAMES = [  # of a variant, a backend, a device: printable, and up to 100 characters
    f"{IMAGE} [x][1]",
    f"{HTML} -->&lt;script&gt;]]>",
    "](https://evil.example/q.png)![y \\](evil.example)\\",
    "`](//evil.example)``|**a**|$x^2$",
    "=HYPERLINK(0)",
    "# 1. https://evil.example www.evil.example",
]
TEXTS = [  # longer ones, with whatever a string may hold
    *NAMES,
    f"{IMAGE}\n\n{IMAGE}\n# heading\n- list\n\n    code\n<script>alert(1)</script>\n\n[1]: https://evil.example",
    "\x1b[31mred\x07\x00\x9b\ufffe\u202e\u2028",
    "|a|b|\n|-|-|\n|c|d|",
    "$\\frac{1}{0}$ $",
    "\t=1+1",
    "+1;-2",
    "@SUM(1)",
]


def records() -> list[Any]:
    """Every name as each of what a case is named by, and every text as a reason and as a device's name."""
    found = [record(backend=name, device_name=text) for name, text in zip(NAMES, TEXTS, strict=False)]
    found += [record(variant=name, backend=NAMES[0], outcome=AGREED) for name in NAMES]
    for i, text in enumerate(TEXTS):
        variant, backend = NAMES[i % len(NAMES)], NAMES[1 + i // len(NAMES)]
        found.append(record(variant=variant, backend=backend, outcome=FAILED, reason=text))
    unstable = [record(variant="u", backend=name, rounds=one.rounds) for name, one in zip(NAMES, modes(), strict=False)]
    return [*found, *unstable]


def hostile(path: Path, cases: list[Any]) -> Path:
    everything = dict(zip(TEXTS, TEXTS[::-1], strict=True))
    return write(
        path,
        cases,
        cpu=TEXTS[0],
        governor=TEXTS[-1],
        os=TEXTS[6],
        python=NAMES[1],
        git_commit=IMAGE,
        packages={**everything, **dict.fromkeys(("run", "CPU", "memory_bytes", "file", "jax", "torch"), TEXTS[7])},
        environment=everything,
        comparison={"id": IMAGE, "side": HTML, "spec": TEXTS[6]},
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of two such runs whose names are such, too; relative to one of these backends."""
    folder = tmp_path_factory.mktemp("hostile")
    run = hostile(folder / "](evil) `x` & <b>.json", records())
    devices = [record(device=name, outcome=FAILED, reason=name) for name in NAMES]
    other = hostile(folder / "=1\x1b[31m\n\n# two.json", [record(device=NAMES[0]), *devices[1:]])
    words = [str(run), str(other), "--pictures", "--output", str(folder / "out"), "--baseline", NAMES[3]]
    with pytest.MonkeyPatch.context() as patch:  # of a picture, what is text: to make the other file takes as long
        savefig = Figure.savefig
        patch.setattr(Figure, "savefig", lambda figure, name, **how: _text_only(savefig, figure, name, **how))
        assert report.main(words) == 0
    return folder / "out"


def _text_only(save: Callable[..., None], figure: Figure, name: str, **how: Any) -> None:
    save(figure, name, **how) if name.endswith(".svg") else Path(name).touch()


def tokens(text: str) -> Iterator[Token]:
    for token in MarkdownIt("commonmark", {"html": True}).enable("table").parse(text):
        yield token
        yield from token.children or ()


@pytest.mark.parametrize("page", ["report.md", "details.md"])
def test_no_markdown_but_ours_is_in_a_report(made: Path, page: str) -> None:
    text = (made / page).read_text(encoding="utf-8")
    found = list(tokens(text))
    images = [str(token.attrs["src"]) for token in found if token.type == "image"]
    assert images and all((made / name).is_file() for name in images)
    links = [str(token.attrs["href"]) for token in found if token.type == "link_open"]
    assert links and all((made / name).is_file() for name in links)
    assert not [token for token in found if token.type.startswith("html")]
    ours = {"heading_open", "image", "link_open", "table_open", "code_inline", "list_item_open"}
    plain = list(tokens(re.sub(r"(?m)^\|.*$", "", text)))
    assert {token.tag for token in plain if token.type == "heading_open"} == {"h1", "h2"}
    assert sum(token.type == "heading_open" and token.tag == "h1" for token in found) == 1
    assert {"code_block", "fence", "blockquote_open", "hr"}.isdisjoint(token.type for token in found)
    assert ours <= {token.type for token in found}
    assert not re.search(r"(?<!\\)://", text)  # which GitHub would make a link


def test_a_report_steers_no_terminal(made: Path) -> None:
    for file in [*made.rglob("*.csv"), *made.glob("*.md")]:
        text = file.read_text(encoding="utf-8")
        assert all(each.isprintable() or each in "\n\u00a0\t" for each in text), file


@pytest.mark.parametrize("page", ["report.md", "details.md"])
def test_every_table_has_as_many_cells_as_titles(made: Path, page: str) -> None:
    text, width = (made / page).read_text(encoding="utf-8"), 0
    for line in text.splitlines():
        cells = len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) if line.startswith("|") else 0
        assert not (cells and width) or cells == width, line
        width = cells


def test_every_picture_is_xml_without_a_script(made: Path) -> None:
    pictures = list(made.glob("*.svg"))
    assert pictures
    for path in pictures:
        tags = {element.tag.rpartition("}")[2] for element in ElementTree.parse(path).iter()}
        assert tags <= {*("svg", "metadata", "RDF", "Work", "type", "format", "creator", "Agent", "title", "defs")} | {
            *("style", "g", "path", "use", "clipPath", "rect", "image", "pattern"),
        }


def test_no_cell_of_a_table_is_a_formula(made: Path) -> None:
    for path in (made / "tables").iterdir():
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.reader(file):
                for cell in row:
                    assert not cell.lstrip().startswith(FORMULA) or float(cell) is not None, (path, cell)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("=1+1", "'=1+1"),
        (" @x", "' @x"),
        ("\n-x", "'\n-x"),
        ("\tx", "'\tx"),
        ("+x", "'+x"),
        ("-1.5e-3", "-1.5e-3"),
        ("a=1", "a=1"),
        ("", ""),
        ("\x1b=", "\ufffd="),
    ],
)
def test_what_begins_like_a_formula_is_text(text: str, shown: str) -> None:
    assert harmless(text) == shown


def test_numbers_stay_numbers(tmp_path: Path) -> None:
    frame = pd.DataFrame({"=title": pd.Categorical(["=a", None]), "number": [-0.1, float("nan")], "text": [None, "-2"]})
    write_csv(frame, tmp_path / "x.csv")
    assert (tmp_path / "x.csv").read_text() == "'=title,number,text\n'=a,-0.1,\n,,-2\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("failed [1], a_b", "failed [1], a_b"),
        ("[1](x) [1][2] [1]: x", "\\[1\\](x) \\[1\\][2] \\[1\\]: x"),
        ("_a_ &lt; a & b", "\\_a\\_ \\&lt; a \\& b"),
        ("33.5 µs", "33.5 µs"),
        ("1. a", "1\\. a"),
        ("- a", "\\- a"),
        ("> a > b", "\\> a > b"),
        ("# a", "\\# a"),
    ],
)
def test_text_is_shown_as_it_is(text: str, shown: str) -> None:
    assert escape(text) == shown
    (paragraph,) = [token for token in MarkdownIt("commonmark").parse(shown) if token.type == "inline"]
    assert "".join(child.content for child in paragraph.children or ()) == text


@pytest.mark.parametrize("text", ["numpy", "a`b", "``", "a|b"])
def test_code_is_shown_as_it_is(text: str) -> None:
    (inline,) = [one for one in MarkdownIt("commonmark").parse(f"x {code(text)}.") if one.type == "inline"]
    assert [child.content for child in inline.children or () if child.type == "code_inline"] == [text]


def test_an_error_is_one_line_that_steers_no_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = write(tmp_path / "good.json", [record()]), tmp_path / "\x1b[31m\nbad.json"
    for content in ("{", json.dumps({"benchmarks": [{"extra_info": {**record().flat(), "outcome": "\x1b[0m\n"}}]})):
        bad.write_text(content)
        for main, words in ((report.main, [bad]), (compare.main, [good, bad]), (spread.main, [good, bad])):
            assert main([str(word) for word in words]) == 2
            said = capsys.readouterr().err
            assert said.count("\n") == 1 and said.strip().isprintable()
