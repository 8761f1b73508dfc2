"""The report as one page, index.html: whole in itself, opened from disk, drawn in the browser by Vega-Lite.

The texts of `web/` are put together here; what is known of the cases is `page_data.payload`.
"""

import base64
import gzip
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from bench.records.record import Run
from bench.reporting.folder import GRAPHS
from bench.reporting.page_data import payload

WEB = Path(__file__).parent / "web"
VENDOR = ("vega.min.js", "vega-lite.min.js", "vega-embed.min.js", "tabulator.min.js")  # vendor/README.md
SCRIPTS = ("format.js", "state.js", "costs.js", "charts.js", "sections.js", "table.js", "main.js")


def html(runs: Mapping[str, Run], frame: pd.DataFrame, graphs: Sequence[str] = ()) -> str:
    """The page of runs, by label, and their cases (`frames.cases`); graphs: the names of those to link to."""
    style = _vendor("tabulator.min.css") + (WEB / "page.css").read_text(encoding="utf-8")
    vendor = [f"<script>{_vendor(name)}</script>" for name in VENDOR]
    ours = "\n".join((WEB / name).read_text(encoding="utf-8") for name in SCRIPTS)
    parts = {
        "/*{{style}}*/": style,
        "{{data}}": packed(payload(runs, frame) | {"graphs": [f"{GRAPHS}/{name}" for name in graphs]}),
        "<!--{{scripts}}-->": "\n".join([*vendor, f'<script type="module">\n{ours}</script>']),
    }
    page = (WEB / "page.html").read_text(encoding="utf-8")
    for place, text in parts.items():
        before, after = page.split(place)
        page = before + text + after
    return page


def packed(value: Any) -> str:
    """JSON, in gzip, in base64: small, and nothing in it is markup, whatever records hold."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def _vendor(name: str) -> str:
    """Without the last line's word of a map that is not there."""
    text = (WEB / "vendor" / name).read_text(encoding="utf-8")
    return text.partition("//# sourceMappingURL=")[0].partition("/*# sourceMappingURL=")[0]
