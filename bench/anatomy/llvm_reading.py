"""How wide LLVM vectorised the arithmetic of a module, as Numba tells it."""

import re
from collections import Counter

_WIDE = re.compile(r"= f(?:add|sub|mul|div)\b[^<\n]*<(\d+) x (float|double)>|@llvm\.fmuladd\.v(\d+)f(32|64)")
_NARROW = re.compile(r"= f(?:add|sub|mul|div)\b(?: \w+)* (?:float|double) ")


def widths(text: str) -> Counter[int]:
    """How many instructions of floating-point arithmetic take so many numbers at once; 1 is scalar."""
    found = Counter(int(one[1] or one[3]) for one in _WIDE.finditer(text))
    found[1] += len(_NARROW.findall(text))
    return +found


def told(text: str) -> str:
    """The same in words."""
    found = sorted(widths(text).items(), reverse=True)
    return ", ".join(f"{count} instructions {'scalar' if width == 1 else f'{width} wide'}" for width, count in found)
