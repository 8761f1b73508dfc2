"""The backend that ratios are relative to: the user's choice."""

import argparse

BASELINE, BASELINE_DEVICE = "numpy", "cpu"


def add_baseline(parser: argparse.ArgumentParser) -> None:
    """Declare the option. Any name will do: records may hold backends that are unknown here."""
    about = "the backend that ratios are relative to; default: %(default)s"
    parser.add_argument("--baseline", default=BASELINE, metavar="BACKEND", help=about)
