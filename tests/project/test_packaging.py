"""What the project says of itself in several files must be the same."""

import re
import tomllib

import pytest
from conftest import ROOT

import impls
from bench.backends import backends
from bench.cases.options import CACHE, KEEP_CODE, OPTIONS
from bench.sides.side import NEEDS
from bench.support.imports import packages

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]


def needs(names: list[str]) -> dict[str, str]:
    """Lower ends by name, without fitbench's own extras and without the developers' tools."""
    found = (re.fullmatch(r"([\w-]+)>=([\d.]+)", need) for need in names)
    return {match[1]: match[2] for match in found if match}


def pins(path: str) -> dict[str, str]:
    lines = (ROOT / path).read_text().splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


def test_the_oldest_versions_that_ci_tests_are_the_lower_ends_of_the_ranges():
    runtime = [*PROJECT["dependencies"], *EXTRAS["numpy"], *EXTRAS["torch"], *EXTRAS["jax"], *EXTRAS["bench"]]
    assert pins(".github/oldest.txt") == needs(runtime)


def test_every_need_is_pinned_within_its_range():
    pinned = {name.lower(): version for name, version in pins("constraints.txt").items()}
    for name, least in needs(
        [*PROJECT["dependencies"], *(need for extra in EXTRAS.values() for need in extra)]
    ).items():
        assert [*map(int, pinned[name].split("."))] >= [*map(int, least.split("."))], name


@pytest.mark.parametrize("backend", backends().values(), ids=backends())
def test_the_extra_that_a_backend_names_installs_what_it_needs(backend):
    imported = {name for variant in impls.variants() for name in packages(ROOT, f"impls.{variant}.{backend.fit}")}
    assert {*backend.packages, *imported} <= {*needs(EXTRAS[backend.extra]), *needs(PROJECT["dependencies"])}


def test_what_every_worker_needs_is_installed_without_an_extra():
    assert {*NEEDS} <= {*needs(PROJECT["dependencies"])}


@pytest.mark.parametrize("name", [*impls.variants(), *backends()])
def test_the_readme_names_every_variant_and_backend(name):
    assert f"`{name}`" in (ROOT / "README.md").read_text()


def test_the_readme_names_every_option():
    readme = (ROOT / "README.md").read_text()
    options = [*(option.name for option in OPTIONS), CACHE[0], KEEP_CODE[0]]
    assert [option for option in options if f"`{option}`" not in readme] == []
