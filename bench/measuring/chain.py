"""Lines of JSON, each with a checksum of its content and of all lines before it.

A line that is torn, altered, lost or moved ends the chain.
"""

import json
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple


class Entry(NamedTuple):
    """A line: its content, how many bytes end with it, and the checksum up to it."""

    content: dict[str, Any]
    end: int
    checksum: int


def line(content: Mapping[str, Any], before: int) -> tuple[bytes, int]:
    """A line and its checksum, which goes on from the line before: a line that is lost or moved is found as well."""
    text = json.dumps(content).encode()
    checksum = zlib.crc32(text, before)
    return b"%08x %s\n" % (checksum, text), checksum


def entries(data: bytes) -> Iterator[Entry]:
    """The lines from the first on, as long as they are whole and sound."""
    start = checksum = 0
    while end := data.find(b"\n", start) + 1:
        text = data[start + 9 : end - 1]
        checksum = zlib.crc32(text, checksum)
        if not text or data[start : start + 9] != b"%08x " % checksum:
            return
        yield Entry(json.loads(text), end, checksum)
        start = end
