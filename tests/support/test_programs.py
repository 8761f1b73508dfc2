"""What is printed to be run is found by the shell that runs it."""

import sys

import pytest

from bench.support.programs import program


@pytest.fixture
def venv(tmp_path, monkeypatch):
    """An interpreter with its pytest, and nothing else."""
    (folder := tmp_path / ".venv" / "bin").mkdir(parents=True)
    for name in ("python", "pytest"):
        (folder / name).touch(mode=0o755)
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    monkeypatch.chdir(tmp_path)
    return folder


def test_in_an_activated_environment_the_name_will_do(venv, monkeypatch):
    monkeypatch.setenv("PATH", str(venv), prepend=":")
    assert (program("pytest"), program("python")) == ("pytest", "python")


def test_elsewhere_the_way_is_told(venv, monkeypatch, tmp_path):
    (other := tmp_path / "other").mkdir()
    (other / "pytest").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(other))  # another Python's
    assert program("pytest") == ".venv/bin/pytest"
    monkeypatch.setenv("PATH", "")
    assert program("python") == ".venv/bin/python"
    monkeypatch.chdir(other)
    assert program("pytest") == str(venv / "pytest")


def test_what_is_not_there_has_its_name_alone(venv):
    assert program("no-such-program") == "no-such-program"
