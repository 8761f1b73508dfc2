"""What times are relative to: the backend of the user's choice, and the yardstick."""

import argparse

BASELINE, BASELINE_DEVICE = "numpy", "cpu"
# The backend that is written for speed alone, and the variant that it is written for: its steps stand for what the
# machine can do, whatever way of writing they are compared with.
YARDSTICK, YARDSTICK_VARIANT = "native", "tuned"


def add_baseline(parser: argparse.ArgumentParser) -> None:
    """Declare the option. Any name will do: records may hold backends that are unknown here."""
    about = "the backend that ratios are relative to; default: %(default)s"
    parser.add_argument("--baseline", default=BASELINE, metavar="BACKEND", help=about)
