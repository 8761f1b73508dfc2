"""Temporary folders that tell which process made them, so that what a killed one left can be removed."""

import os
import re
from pathlib import Path

import psutil


def prefix(kind: str) -> str:
    """How the name of a folder of this kind begins, if this process makes it."""
    return f"fitbench-{kind}-{os.getpid()}-"


def is_left_over(folder: Path, kind: str) -> bool:
    """Whether the name is that of a folder of this kind whose process is gone."""
    made = re.match(rf"fitbench-{kind}-(\d+)-", folder.name)
    return made is not None and not psutil.pid_exists(int(made[1]))
