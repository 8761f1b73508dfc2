"""The texts that a compiler generated, as two processes of the same code agree about them, and their fingerprint.

What is taken away says where, when or beside what they were made: paths, addresses, cache keys, lines of source, and
the numbers that tell names apart. What is computed stays: operations, constants, dtypes, shapes, and their order.
"""

import hashlib
import re
from collections.abc import Mapping

CHANGED, UNCHANGED = "changed", "unchanged"  # from one run to another, by the fingerprints
DIFFERING = "differs between processes"  # in place of a fingerprint, where the processes of a run do not agree

_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}\b")
_KEY = re.compile(r"\bc[a-z2-7]{51}\b")  # of Inductor's caches: a SHA-256 in base 32
_PATH = re.compile(r"(?<![\w.<+-])(?:/[\w.+@~-]+){2,}|\b[A-Za-z]:\\[\w.+@~\\-]+")

_HLO_SOURCE = re.compile(r"(?m)^(?:FileNames|FunctionNames|FileLocations|StackFrames)\n(?:\d+ .*\n)*\n?")
_HLO_METADATA = re.compile(r",? metadata=\{[^{}]*\}")
_HLO_ARGUMENT = re.compile(r"(?<=[( ])[\w.-]+: (?=\(*\w+\[)")  # told again by the parameter itself
_HLO_NAME = re.compile(r"(?<=%)[A-Za-z_][\w.-]*")
_NUMBER = re.compile(r"[._]\d+(?![^._])")

_COMMENTS = re.compile(r"(?m)^\s*# .*\n")  # names of functions, lines of source; AOT ID counts a process's graphs
_BENCHMARK = re.compile(r"(?ms)^def get_args\(\):.*\Z")  # no part of the computation

_LLVM_METADATA = re.compile(r"(?m)^(?:; ModuleID|source_filename|!).*\n?|,? !\w+(?:\.\w+)* !\d+")
# What is told where something is raised: a message, which quotes names and places, and how it is found.
_LLVM_MESSAGES = re.compile(r'(?m)^@(?:\.const\.pickle|.* c"missing Environment).*\n')
_LLVM_MESSAGE = re.compile(r"(?<=@\.const\.picklebuf\.)[0-9a-f]{40}")
_LLVM_ARGUMENT = re.compile(r"(?<=%arg\._)([A-Za-z]\w*?)_\d+\b")  # of a loop that threads share: counted in a process
_LLVM_NAME = re.compile(r'@(?:"[^"\n]*_Z[^"\n]*"|[\w.$-]*_Z[\w.$-]+)')  # mangled by Numba
_LLVM_ADDRESS = re.compile(r"(?<=inttoptr \(i64 )\w+")  # elsewhere, what begins with 0x is a number


def fingerprint(texts: Mapping[str, str]) -> str | None:
    """The SHA-256, in hex, of normalised texts and their names; None where there are none."""
    if not texts:
        return None
    whole = hashlib.sha256()
    for name in sorted(texts):
        for part in (name, texts[name]):
            data = part.encode()
            whole.update(len(data).to_bytes(8, "big") + data)
    return whole.hexdigest()


def agreed(fingerprints: list[str | None]) -> str | None:
    """The one of all processes that know theirs; DIFFERING where they have several, None where none knows any."""
    known = {one for one in fingerprints if one is not None}
    return next(iter(known), None) if len(known) < 2 else DIFFERING


def change(old: str | None, new: str | None) -> str | None:
    """CHANGED, UNCHANGED, or DIFFERING where the processes of a run do not agree; None where one is not known."""
    if old is None or new is None:
        return None
    return DIFFERING if DIFFERING in (old, new) else UNCHANGED if old == new else CHANGED


def hlo(text: str) -> str:
    """An HLO module of XLA."""
    for what in (_HLO_SOURCE, _HLO_METADATA, _HLO_ARGUMENT):
        text = what.sub("", text)
    return _renumbered(_HLO_NAME, _plain(text))


def inductor(text: str) -> str:
    """A module of TorchInductor, in Python, with its kernels in C++ or Triton."""
    for what in (_COMMENTS, _BENCHMARK):
        text = what.sub("", text)
    return _plain(text).rstrip() + "\n"


def llvm(text: str) -> str:
    """A module of LLVM, as Numba makes it: the names of compiled functions hold the numbers of a process."""
    text = _LLVM_ADDRESS.sub("ADDRESS", _LLVM_METADATA.sub("", _LLVM_MESSAGES.sub("", text)))
    text = _LLVM_ARGUMENT.sub(r"\1", _LLVM_MESSAGE.sub("MESSAGE", text))
    return _numbered(_LLVM_NAME, _lines(_PATH.sub("PATH", text)))


def settings(values: Mapping[str, object]) -> str:
    """What a compiler was told, a line each."""
    return _plain("".join(f"{name} = {values[name]}\n" for name in sorted(values)))


def _plain(text: str) -> str:
    for what, instead in ((_KEY, "KEY"), (_PATH, "PATH"), (_ADDRESS, "ADDRESS")):
        text = what.sub(instead, text)
    return _lines(text)


def _lines(text: str) -> str:
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def _renumbered(name: re.Pattern[str], text: str) -> str:
    """With the number behind each name counted anew, in the order in which they come: so that one operation more
    renumbers its like alone.
    """
    counts: dict[str, int] = {}
    numbers: dict[str, str] = {}

    def new(match: re.Match[str]) -> str:
        if match[0] not in numbers:
            stem = _NUMBER.sub("", match[0])
            counts[stem] = counts.get(stem, -1) + 1
            numbers[match[0]] = f"{stem}.{counts[stem]}"
        return numbers[match[0]]

    return name.sub(new, text)


def _numbered(name: re.Pattern[str], text: str) -> str:
    """With each name a number, in the order in which they come."""
    numbers: dict[str, str] = {}
    return name.sub(lambda match: numbers.setdefault(match[0], f"@{len(numbers)}"), text)
