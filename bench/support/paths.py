"""Paths as they may be passed on: they tell neither the home folder nor the user's name."""

import getpass
import os
import re
from contextlib import suppress
from functools import cache
from pathlib import Path

END = r"""(?=[/\\:;,\s'")\]}]|$)"""  # of a part of a path
HOMES = (r"/home/[^/:;,\s'\"]+", r"/Users/[^/:;,\s'\"]+", r"[A-Za-z]:[\\/]Users[\\/][^\\/:;,\s'\"]+")  # anybody's


def anonymous(text: str) -> str:
    """The text with `~` for home folders, and for the user's name as a part of a path, or as the end of one."""
    home = os.path.expanduser("~")  # noqa: PTH111 (where there is no home, Path.home() would raise)
    for pattern, replacement in _patterns(home):
        text = pattern.sub(replacement, text)
    return text


@cache
def _patterns(home: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    ours = {home, os.path.realpath(home)} if Path(home).is_absolute() and Path(home).parent != Path(home) else set()
    homes = [*(re.escape(one.rstrip(os.sep)) for one in sorted(ours, key=len, reverse=True)), *HOMES]
    found = [(re.compile(f"{one}{END}"), "~") for one in homes]
    with suppress(OSError, KeyError, ImportError):  # a container may run as a number that has no name
        user = re.escape(getpass.getuser())
        found.append((re.compile(rf"([/\\](?:[^\s/\\:;,'\"]*_)?){user}{END}"), r"\1~"))
    return tuple(found)
