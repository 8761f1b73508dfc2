"""What a user did wrong, in one line."""

import argparse
from typing import NoReturn


class InputError(ValueError):
    """Bad input: the message names the input and what is allowed. Commands print it and exit with code 2."""


class Parser(argparse.ArgumentParser):
    """A command line whose errors, too, are one line and exit code 2."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message}; see {self.prog} --help\n")
