"""What a user did wrong, in one line."""

import argparse
from typing import NoReturn


class InputError(ValueError):
    """Bad input: the message names the input and what is allowed. Commands print it and exit with code 2."""


class Parser(argparse.ArgumentParser):
    """A command line whose errors, too, are one line and exit code 2."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message}; see {self.prog} --help\n")


def one_line(text: str, width: int = 300) -> str:
    """The first line that says something, shortened to a width that fits a table's footnote."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return line if len(line) <= width else line[: width - 3] + "..."


def last_line(text: str) -> str:
    """The last line, shortened likewise: what a program that failed said of it."""
    return one_line(text.strip().rpartition("\n")[2])
