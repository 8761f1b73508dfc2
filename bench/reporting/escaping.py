"""Text from a file as text: in Markdown, as code, in a cell of a spreadsheet; what cannot be printed is marked."""

import re

from bench.support.errors import printable

FORMULA = ("=", "+", "-", "@")


def escape(text: str) -> str:
    """Text that Markdown shows as it is, in one line, also in a table: no picture, link, heading or HTML comes of it.

    Underscores inside words are safe and stay readable, and so do the numbers of our notes, as in "failed [1]".
    """
    line = _line(text[: 2 * LONGEST])
    line = line if len(line) <= LONGEST else f"{line[:LONGEST]} ..."
    return SPECIAL.sub(lambda found: found["note"] or f"\\{found[0]}", line)


LONGEST = 1000  # characters that are shown: every row of a table is as wide as its widest
SPECIAL = re.compile(
    r"(?P<note>\[\d+\](?![(\[:]))"
    r"|[\\`*<|~$\[\]&]|(?<!\w)_|_(?!\w)"
    r"|^[#>]|^[-+](?= )|(?<=^\d)[.)](?= )"  # a heading, a quotation, a list
    r"|:(?=//)|(?<=\bwww)\.|@(?=\w)"  # GitHub makes links of bare addresses and of names
)


def code(text: str) -> str:
    """The same as code: between more backticks than it holds in a row."""
    line = _line(text)
    fence = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    return f"{fence}{line}{fence}" if fence == "`" else f"{fence} {line} {fence}"


def _line(text: str) -> str:
    return re.sub(r"[ \t\n]+", " ", printable(text)).strip()


def harmless(text: str) -> str:
    """The text of a cell as a spreadsheet shows it."""
    shown = printable(text)
    formula = shown.lstrip().startswith(FORMULA) and not _is_number(shown)
    return f"'{shown}" if formula or shown.startswith("\t") else shown


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
