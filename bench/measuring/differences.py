"""Where two values of JSON differ, in words."""

import json
from collections.abc import Iterator
from typing import Any

VALUE = 80  # characters of a value that are shown
ABSENT = object()


def differences(old: Any, new: Any, path: str = "") -> Iterator[str]:
    """What differs between two values of JSON, each as `path was this, is that`."""
    if isinstance(old, dict) and isinstance(new, dict):
        names = sorted({*old, *new})
        parts = [(name, old.get(name, ABSENT), new.get(name, ABSENT)) for name in names]
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        parts = [(str(place), *pair) for place, pair in enumerate(zip(old, new, strict=True))]
    elif old is ABSENT or new is ABSENT or json.dumps(old) != json.dumps(new):
        yield "{} was {}, is {}".format(path or "all", *_shown(old, new))
        return
    else:
        return
    for name, before, now in parts:
        yield from differences(before, now, f"{path}.{name}".removeprefix("."))


def _shown(old: Any, new: Any) -> tuple[str, str]:
    """Both values in a few words, if they can be told apart in a few."""
    whole = ["absent" if value is ABSENT else repr(value) for value in (old, new)]
    short = [text if len(text) <= VALUE else f"{text[:VALUE]}..." for text in whole]
    before, now = short if short[0] != short[1] else whole
    return before, now
