"""Columns of the data by name, with what they mean: what a frame is made with is what docs/records.md tells of it."""

Columns = dict[str, str]

LOW = "the lower end of its 95 % interval; empty where nothing is known of it"
HIGH = "the upper end"


def with_ends(names: tuple[str, str, str], meaning: str) -> Columns:
    """A figure, and the ends of its interval."""
    return dict(zip(names, (meaning, LOW, HIGH), strict=True))
