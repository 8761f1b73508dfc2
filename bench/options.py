"""The options that every command which measures has: `pytest bench` and `python -m bench.ab` read this one list."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.case import Choice
from bench.errors import InputError

EVERY = "repeatable or comma-separated; default: all"
# Names, and what argparse and pytest both understand of them. `dest` is a parameter of Choice.of.
OPTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("--variant", {"action": "append", "default": [], "metavar": "V", "help": f"ways to write the fit; {EVERY}"}),
    ("--backend", {"action": "append", "default": [], "metavar": "B", "help": f"what runs it; {EVERY}"}),
    (
        "--device",
        {"action": "append", "default": [], "metavar": "D", "help": f"cpu, cuda, cuda:1, mps, tpu; {EVERY} seen"},
    ),
    ("--dtype", {"action": "append", "default": [], "metavar": "T", "help": f"float32, float64; {EVERY}"}),
    ("--points", {"action": "append", "default": [], "metavar": "N", "help": "sizes; repeatable; default: 2000"}),
    ("--steps", {"default": "2000", "metavar": "N", "help": "iterations of a fit; default: %(default)s"}),
    ("--processes", {"default": "5", "metavar": "P", "help": "fresh workers of a backend; default: %(default)s"}),
    (
        "--cold",
        {"metavar": "P", "help": "of them with empty compile caches; default: 2 at most, in bench.ab 0"},
    ),
    ("--precision", {"default": "1%", "metavar": "PCT", "help": "of a median, to stop at; default: %(default)s"}),
    (
        "--max-time",
        {"default": "2", "metavar": "S", "help": "seconds of a case's rounds in all processes; default: %(default)s"},
    ),
    ("--threads", {"default": "1", "metavar": "N", "help": "threads of a backend; default: %(default)s"}),
    ("--seed", {"default": "0", "metavar": "N", "help": "seed of the random starts and orders; default: %(default)s"}),
    (
        "--case-timeout",
        {"default": "300", "metavar": "S", "help": "seconds a case may take in a process; default: %(default)s"},
    ),
    ("--cache", {"metavar": "DIR", "help": "folder that keeps compiled code for later runs; default: a temporary one"}),
)


def add_options(add: Callable[..., Any], **defaults: str) -> None:
    """Declare them, by the function of an argparse or pytest parser; `defaults` take the place of the usual ones."""
    for name, words in OPTIONS:
        changed = {"default": defaults[key]} if (key := _key(name)) in defaults else {}
        add(name, **{**words, **changed})


def choice_of(asked: Any) -> Choice:
    """What was asked for, of the namespace that a parser made. Raises InputError."""
    return Choice.of(**{key: getattr(asked, key) for name, _ in OPTIONS if (key := _key(name)) != "cache"})


def keep_folder(word: str | None) -> Path | None:
    """The folder of --cache, made if need be. Raises InputError where it cannot be."""
    if word is None:
        return None
    try:
        Path(word).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=word):
            return Path(word)
    except OSError as error:
        raise InputError(f"--cache {word!r}: cannot be written ({error.strerror}); expected a folder") from None


def _key(name: str) -> str:
    return name.removeprefix("--").replace("-", "_")
