"""What a user did wrong, in one line."""

import argparse
from typing import NoReturn


class InputError(ValueError):
    """Bad input: the message names the input and what is allowed. Commands print it and exit with code 2.

    It is one line that steers no terminal, whatever the input holds that it names.
    """

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(printable(message).split("\n")))


class Parser(argparse.ArgumentParser):
    """A command line whose errors, too, are one line and exit code 2."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message}; see {self.prog} --help\n")


def one_line(text: str, width: int = 300) -> str:
    """The first line that says something, shortened to a width that fits a table's footnote."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    line = printable(line)
    return line if len(line) <= width else line[: width - 3] + "..."


def last_line(text: str) -> str:
    """The last line, shortened likewise: what a program that failed said of it."""
    return one_line(text.strip().rpartition("\n")[2])


def printable(text: str) -> str:
    """Text that steers no terminal and that any picture can hold: what cannot be printed becomes a mark."""
    return "".join(each if each.isprintable() or each in "\n\t\u00a0" else "\ufffd" for each in text)
