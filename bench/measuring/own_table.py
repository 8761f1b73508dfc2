"""When pytest-benchmark's own table is shown, whose statistics are over processes: where it is asked for."""

import argparse
import os
import shlex
from collections.abc import Sequence
from typing import Any

from pytest_benchmark.plugin import add_display_options, add_histogram_options


def asked_for(config: Any) -> bool:
    """Whether pytest's command line, PYTEST_ADDOPTS or its configuration holds an option that is about that table: how
    it looks (`--benchmark-columns`, `-sort`, `-group-by`, `-name`, `-time-unit`), its pictures (`-histogram`), or what
    it is compared with (`-compare`, `-compare-fail`).
    """
    option = config.option
    if option.benchmark_compare or option.benchmark_compare_fail:
        return True
    variable = shlex.split(os.environ.get("PYTEST_ADDOPTS", ""))
    return bool(given([*config.getini("addopts"), *variable, *config.invocation_params.args]))


def given(words: Sequence[str]) -> list[str]:
    """The display options among these words, defaults that were written out too."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)

    def add(*names: str, **about: Any) -> None:
        parser.add_argument(*names, **{**about, "default": argparse.SUPPRESS})

    add_display_options(add)
    add_histogram_options(add)
    return list(vars(parser.parse_known_args(words)[0]))
