"""How wide LLVM vectorised the arithmetic of a module, as Numba tells it."""

import re
from collections import Counter
from collections.abc import Mapping

_WIDE = re.compile(r"= f(?:add|sub|mul|div)\b[^<\n]*<(\d+) x (float|double)>|@llvm\.fmuladd\.v(\d+)f(32|64)")
_NARROW = re.compile(r"= f(?:add|sub|mul|div)\b(?: \w+)* (?:float|double) ")


def widths(text: str) -> Counter[int]:
    """How many instructions of floating-point arithmetic take so many numbers at once; 1 is scalar."""
    found = Counter(int(one[1] or one[3]) for one in _WIDE.finditer(text))
    found[1] += len(_NARROW.findall(text))
    return +found


def summary(modules: Mapping[str, str]) -> list[str]:
    """Which modules compute on how many numbers at once, by the widest of each, in words; none that compute nothing."""
    by_width: dict[int, list[str]] = {}
    for name, text in modules.items():
        if found := widths(text):
            by_width.setdefault(max(found), []).append(name)
    return [
        f"LLVM takes {'one number' if width == 1 else f'{width} numbers'} at once in {', '.join(names)}"
        for width, names in sorted(by_width.items(), reverse=True)
    ]
