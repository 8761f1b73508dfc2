"""The options that say what to measure: every command which measures reads this one table, its defaults too."""

import shlex
import tempfile
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import Field, dataclass
from pathlib import Path
from typing import Any

from bench.backends import backends
from bench.cases.case import AXES, DTYPES
from bench.cases.choice import MOST_PROCESSES, MOST_VALUES, Choice
from bench.cases.variants import variants
from bench.support.errors import InputError
from bench.support.system import allowed_cores
from bench.support.words import fraction, listed, names, number, seconds

SHARE = 0.2  # seconds of a case's rounds in a process: some 40 rounds, while processes differ by more than they do

SEVERAL = "repeatable or comma-separated"
Read = Callable[[str, Any, Mapping[str, Any]], Any]  # of an option and its word, after the values of those before it


@dataclass(frozen=True)
class Option:
    """An option: how it is read, what it says, and its default; one of an axis takes several words.

    usual: the default as the help tells it, where the word does not do.
    """

    name: str
    read: Read
    metavar: str
    what: str
    default: str | None = None
    usual: str = ""
    several: bool = False

    @property
    def key(self) -> str:
        """What a parsed namespace calls it."""
        return self.name.removeprefix("--").replace("-", "_")


def _whole(least: int, most: Callable[[], int | None] = lambda: None) -> Read:
    return lambda option, word, _: number(option, word, least, most())


def _cold(option: str, word: str, values: Mapping[str, Any]) -> int:
    return number(option, word, 0, values["processes"])


def _max_time(option: str, word: str | None, values: Mapping[str, Any]) -> float:
    return round(SHARE * values["processes"], 9) if word is None else seconds(option, word)


def _sizes(least: int) -> Read:
    """Whole numbers, each once however it is written: 2000 and 02000 are the same size."""
    return lambda option, words, _: tuple(
        dict.fromkeys(number(option, word, least) for word in _several(option, words))
    )


def _several(option: str, words: Iterable[str]) -> tuple[str, ...]:
    """The words, which may not be more than a report can show."""
    found = listed(words)
    if len(found) > MOST_VALUES:
        raise InputError(f"{option}: {len(found)} different values; allowed: at most {MOST_VALUES}")
    return found


def _names(option: str, words: Iterable[str], _: Mapping[str, Any]) -> tuple[str, ...]:
    return names(option, words, KNOWN[option]())


def _devices(option: str, words: Iterable[str], _: Mapping[str, Any]) -> tuple[str, ...]:
    devices = _several(option, words)
    if "" in devices:
        raise InputError(f"{option} '': empty; allowed: cpu, or another that a backend sees")
    return devices


# The names that an axis may have; the devices are known only when the frameworks have been asked.
KNOWN: Mapping[str, Callable[[], Iterable[str]]] = {
    "--variant": variants,
    "--backend": backends,
    "--dtype": lambda: DTYPES,
}


def _axis(axis: Field[Any]) -> Option:
    """The option of an axis of the case: whole numbers with a default, or names, which are all by default."""
    name, metavar, what = f"--{axis.name}", axis.metadata["metavar"], axis.metadata["what"]
    if axis.type is int:
        usual = str(axis.default if axis.metadata["usual"] is None else axis.metadata["usual"])
        return Option(name, _sizes(axis.metadata["least"]), metavar, what, usual, several=True)
    read, usual = (_names, "all") if name in KNOWN else (_devices, "all that are seen")
    return Option(name, read, metavar, what, usual=usual, several=True)


def _word(read: Callable[[str, str], Any]) -> Read:
    return lambda option, word, _: read(option, word)


OPTIONS = (
    *(_axis(axis) for axis in AXES),
    Option("--steps", _whole(1), "N", "iterations of a fit", "2000"),
    Option("--fit-time", _word(seconds), "S", "seconds of the slowest fit: fewer steps at large sizes", "4"),
    Option("--processes", _whole(1, lambda: MOST_PROCESSES), "P", "fresh workers of a backend", "3"),
    Option("--cold", _cold, "P", "of them with empty compile caches", "1"),
    Option("--precision", _word(fraction), "PCT", "of a median, to stop at", "1%"),
    Option("--max-time", _max_time, "S", "seconds of a case's rounds in all processes", usual=f"{SHARE} a process"),
    Option("--threads", _whole(1, lambda: len(allowed_cores())), "N", "threads of a backend", "1"),
    Option("--seed", _whole(0), "N", "seed of the random starts and orders", "0"),
    Option("--case-timeout", _whole(1), "S", "seconds a case may take in a process", "300"),
)
CACHE = ("--cache", "folder that keeps compiled code for later runs; default: a temporary one")

KEEP_CODE = ("--keep-code", "leave what the compilers generated beside the JSON, for `python -m bench.explain --diff`")


def add_options(
    add: Callable[..., Any],
    only: Collection[str] = (),
    defaults: Mapping[str, str] | None = None,
    single: Collection[str] = (),
) -> None:
    """Declare them, by the function of an argparse or pytest parser: all, or `only` some by key.

    `single`: those of which the command takes one value, by key. `defaults` take the place of the usual ones, here in
    the help and in `asked`.
    """
    for option in OPTIONS:
        if not only or option.key in only:
            usual = (defaults or {}).get(option.key) or option.usual or option.default or ""
            several = f"; {SEVERAL}" if option.several and option.key not in single else ""
            about = f"{option.what}{several}; default: {usual.replace('%', '%%')}"
            words = {"action": "append", "default": []} if option.several else {}
            add(option.name, metavar=option.metavar, help=about, **words)
    if not only:
        add(CACHE[0], metavar="DIR", help=CACHE[1])
        add(KEEP_CODE[0], action="store_true", help=KEEP_CODE[1])


def choice_of(**words: Any) -> Choice:
    """The choice that words make, by key; the defaults where there are none. Raises InputError."""
    values: dict[str, Any] = {}
    for option in OPTIONS:
        word = words.get(option.key)
        if _untold(word):
            word = option.default
        if option.several and not isinstance(word, list):
            word = [] if word is None else [word]
        values[option.key] = option.read(option.name, word, values)
    axes = {axis.name: values.pop(axis.name) for axis in AXES}
    return Choice(axes=axes, **values)


def asked(namespace: Any, **defaults: str) -> Choice:
    """The choice of a namespace that a parser made; what it does not have, or was not given, is the default."""
    words = {option.key: getattr(namespace, option.key, None) for option in OPTIONS}
    return choice_of(**defaults | {key: word for key, word in words.items() if not _untold(word)})


def command_of(choice: Choice) -> str:
    """What makes such a run again: "pytest bench --points 2000,20000 --threads 2"."""
    plain, alike = choice_of(), choice_of(processes=str(choice.processes))  # of which --max-time makes its own default
    usual = {option: alike if option.key == "max_time" else plain for option in OPTIONS}
    told = [(option.name, _value(option, choice), _value(option, usual[option])) for option in OPTIONS]
    words = [word for name, value, default in told if value != default for word in (name, _written(name, value))]
    return shlex.join(["pytest", "bench", *words])


def _value(option: Option, choice: Choice) -> Any:
    return choice.axes[option.key] if option.key in choice.axes else getattr(choice, option.key)


def _written(name: str, value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return f"{100 * value:g}%" if name == "--precision" else f"{value:g}" if isinstance(value, float) else str(value)


def _untold(word: Any) -> bool:
    return word is None or word == []


def keep_folder(word: str | None) -> Path | None:
    """The folder of --cache, made if need be, as an absolute path: workers may have another working directory.

    Raises InputError where it cannot be made.
    """
    if word is None:
        return None
    if not word:
        raise InputError(f"{CACHE[0]} '': empty; expected a folder")
    try:
        Path(word).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=word):
            return Path(word).absolute()
    except OSError as error:
        raise InputError(f"{CACHE[0]} {word!r}: cannot be written ({error.strerror}); expected a folder") from None
