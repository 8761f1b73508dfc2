"""CSV, which people open in spreadsheets: a text there that begins like a formula is run."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from bench.reporting.escaping import harmless


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write a frame without its index, in UTF-8. Raises OSError.

    A text that a spreadsheet would take for a formula has an apostrophe before it, which it does not show; what cannot
    be printed is marked. Numbers are as they are.
    """
    plain = frame.copy(deep=False)
    for place in range(frame.shape[1]):
        if not pd.api.types.is_numeric_dtype(frame.iloc[:, place].dtype):
            column = frame.iloc[:, place]
            found = (value for value in column.unique() if isinstance(value, str))
            texts = {value: text for value in found if (text := harmless(value)) != value}
            if texts:
                plain.isetitem(place, column.astype(object).map(lambda value, texts=texts: texts.get(value, value)))
    plain.columns = [harmless(str(name)) for name in frame.columns]
    plain.to_csv(path, index=False)


def csv_of(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> str:
    """A line of these columns, and one a row; texts are as `write_csv` writes them."""
    written = io.StringIO()
    writer = csv.DictWriter(written, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(
        {name: harmless(value) if isinstance(value, str) else value for name, value in row.items()} for row in rows
    )
    return written.getvalue().rstrip("\n")
