"""What a record tells of the environment: what may change a timing, and nothing that is nobody's business."""

import getpass
import json
import os
import platform
from pathlib import Path

import pytest
from conftest import bench

from bench import report
from bench.cases.options import choice_of
from bench.measuring.runner import Runner
from bench.records.reading import load
from bench.reporting import canvas
from bench.sides import probe
from bench.sides.side import here
from bench.sides.variables import UNTOLD, fingerprint, timing_variables
from bench.support.paths import anonymous

SECRETS = {
    name: f"hunter2-{i}"
    for i, name in enumerate(
        (
            *("NVIDIA_API_KEY", "NVIDIA_NGC_TOKEN_FILE", "CUDA_REPO_CREDENTIALS", "JAX_PROJECT", "XLA_PASSPHRASE"),
            *("TORCH_HUB_AUTH", "TORCHINDUCTOR_REDIS_URL", "PYTHON_KEYRING_BACKEND_PW", "TPU_NAME", "OMP_LICENSE"),
            *(
                "MKL_SERIAL_NUMBER",
                "FITBENCH_UPLOAD_TOKEN_FILE",
                "LD_SIGNATURE",
                "AWS_SECRET_ACCESS_KEY",
                "GITHUB_TOKEN",
            ),
        )
    )
}
# Of variables whose values are told otherwise.
HIDDEN = {
    "PYTORCH_CUDA_ALLOC_CONF": "https://me:hunter2-url@example.org/simple",
    "JAX_COMPILATION_CACHE_DIR": "s3://key:hunter2-bucket@cache",
}


def test_values_are_told_of_known_options_and_of_switches() -> None:
    told = {"XLA_FLAGS": "--a=1", "OMP_NUM_THREADS": "4", "ATEN_CPU_CAPABILITY": "avx2", "CC": "gcc", "JAX_NEW": "True"}
    rest = dict.fromkeys(("HOME", "PYTEST_ADDOPTS", "CCACHE_DIR", "MY_XLA_FLAGS", "AWS_SECRET_ACCESS_KEY"), "x")
    assert timing_variables({**rest, **told}) == told


@pytest.mark.parametrize("name", [*SECRETS, *HIDDEN])
def test_of_anything_else_only_that_it_is_set(name: str) -> None:
    value = {**SECRETS, **HIDDEN}[name]
    assert timing_variables({name: value}) in ({name: UNTOLD}, {})


def test_a_change_of_what_is_not_told_is_noticed() -> None:
    one, other = ({"JAX_PROJECT": value, "CC": "gcc"} for value in ("a", "b"))
    assert timing_variables(one) == timing_variables(other)
    assert fingerprint(one) != fingerprint(other)
    assert fingerprint(one) == fingerprint({**one, "CC": "clang", "HOME": "/"})  # which is told, or does not matter


def test_what_is_no_text_is_told_as_text() -> None:
    (told,) = timing_variables({"XLA_FLAGS": "--a=\udcff"}).values()
    assert told == "--a=\ufffd"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{home}/lib:{home}", "~/lib:~"),
        ("-L{home}/lib --x='{home}'", "-L~/lib --x='~'"),
        ("/home/somebody/x:/Users/else/y", "~/x:~/y"),
        (r"C:\Users\somebody\x", r"~\x"),
        ("/tmp/torchinductor_{user}/fx", "/tmp/torchinductor_~/fx"),
        ("/scratch/{user}:/opt", "/scratch/~:/opt"),
        ("--xla_{user} {user}", "--xla_{user} {user}"),  # a word, and no path
        ("/opt/lib", "/opt/lib"),
    ],
)
def test_neither_home_folders_nor_the_users_name_are_in_a_path(
    text: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/srv/people/ada")
    for name in ("LOGNAME", "USER", "USERNAME"):
        monkeypatch.setenv(name, "ada")
    assert getpass.getuser() == "ada"
    words = {"home": os.path.expanduser("~"), "user": "ada"}  # noqa: PTH111
    assert anonymous(text.format(**words)) == told.format(**words)


def planted(site: Path, name: str, *requires: str) -> None:
    folder = site / f"{name}-7.dist-info"
    folder.mkdir(parents=True)
    lines = [f"Name: {name}", "Version: 7", *(f"Requires-Dist: {line}" for line in requires)]
    (folder / "METADATA").write_text("\n".join([*lines, ""]))


def test_only_what_the_backends_need_is_told_of_what_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted(
        tmp_path, "Planted", "Needed_It>=1; python_version > '3'", "jax-plugin; extra == 'cuda'", "other; extra=='x'"
    )
    for name, *requires in (("needed-it", "planted"), ("jax-plugin",), ("other",), ("employers-secret", "planted")):
        planted(tmp_path, name, *requires)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert probe.needed(["planted"]).items() >= dict.fromkeys(("planted", "needed-it", "jax-plugin"), "7").items()
    assert not {"employers-secret", "other", "pip", "pytest"} & set(probe.needed(["planted"]))
    assert {"employers-secret", "other", "pip", "pytest"} <= set(probe.installed())


def test_no_secret_is_in_a_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (SECRETS | HIDDEN).items():
        monkeypatch.setenv(name, value)
    runner = Runner(choice_of(backend=["numpy"]), [here()], True, False, None, print, print)
    runner.keep_journal(tmp_path / "journal", resume=False)
    assert b"NVIDIA_API_KEY" in (tmp_path / "journal").read_bytes()
    assert b"hunter2" not in (tmp_path / "journal").read_bytes()
    assert runner.journal is not None
    runner.journal.discard()


def test_no_secret_leaves_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, library = tmp_path / "run.json", "/srv/people/ada/hunter"
    variables = {**SECRETS, **HIDDEN, "HOME": "/srv/people/ada", "LD_LIBRARY_PATH": library}
    del variables["JAX_COMPILATION_CACHE_DIR"]  # no such file system is there
    words = ("--backend=numpy,torch", "--variant=manual", "--dtype=float64", "--device=cpu", "--steps=100")
    few = ("--processes=1", "--max-time=0.05", "--precision=50%")
    done = bench(*words, *few, f"--benchmark-json={path}", **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    environment = load(path).machine.environment
    assert environment["NVIDIA_API_KEY"] == UNTOLD and environment["LD_LIBRARY_PATH"] == "~/hunter"
    monkeypatch.setattr(canvas, "save", lambda figure, name: None)
    assert report.main([str(path), "--output", str(tmp_path / "report")]) == 0
    written = [file.read_text() for file in (path, *(tmp_path / "report").rglob("*.*"))]
    for text in (done.stdout, done.stderr, *written):
        assert "hunter2" not in text and "/srv/people" not in text
    document = json.loads(path.read_text())
    assert document["machine_info"]["node"] == ""
    assert json.dumps(platform.node()) not in path.read_text()
    assert "pip" not in load(path).machine.packages
