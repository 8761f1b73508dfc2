"""The options that say what to measure: what is wrong with their words, their defaults, and what a new axis takes."""

import json
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

import pytest
from conftest import bench, run

from bench.cases.options import add_options, asked, choice_of, command_of, keep_folder
from bench.cases.plan import plan
from bench.measuring.runner import Runner
from bench.sides.side import here
from bench.support.errors import InputError


def one_line(caught: pytest.ExceptionInfo[InputError], option: str, *words: str) -> None:
    """The error names the option, and all words, in one line."""
    message = str(caught.value)
    assert message.startswith(f"{option} ") and "\n" not in message, message
    assert all(word in message for word in words), message


@pytest.mark.parametrize(
    ("words", "option", "told"),
    [
        (
            {"variant": ["quartic"]},
            "--variant 'quartic':",
            ["unknown; allowed: manual, autograd, custom_function, nn, optim"],
        ),
        ({"variant": [""]}, "--variant '':", ["allowed: manual"]),
        ({"backend": ["numpy", "numpy,tinygrad"]}, "--backend 'tinygrad':", ["allowed: numpy,", "torch-compile-loop"]),
        ({"backend": ["numpy", "numpy,,jax"]}, "--backend '':", ["allowed: numpy"]),
        ({"dtype": ["float16"]}, "--dtype 'float16':", ["allowed: float32, float64"]),
        ({"device": [""]}, "--device '':", ["empty; allowed: cpu"]),
        ({"points": ["3"]}, "--points 3:", ["at least 4"]),
        ({"points": ["2000,3"]}, "--points 3:", ["at least 4"]),
        ({"points": [",".join(map(str, range(4, 55)))]}, "--points:", ["51 different values; allowed:", "at most 50"]),
        ({"points": ["many"]}, "--points 'many':", ["not a whole number; allowed:", "at least 4"]),
        ({"steps": "0"}, "--steps 0:", ["at least 1"]),
        ({"fit_time": "0"}, "--fit-time 0:", ["seconds, more than 0"]),
        ({"processes": "0"}, "--processes 0:", ["from 1 to 200"]),
        ({"processes": "201"}, "--processes 201:", ["from 1 to 200"]),
        ({"processes": "2", "cold": "3"}, "--cold 3:", ["from 0 to 2"]),
        ({"precision": "2"}, "--precision 2:", ["less than 100%"]),
        ({"precision": "fine"}, "--precision 'fine':", ["5% or 0.05"]),
        ({"max_time": "0"}, "--max-time 0:", ["more than 0"]),
        ({"max_time": "inf"}, "--max-time inf:", ["more than 0"]),
        ({"threads": "4096"}, "--threads 4096:", ["from 1 to "]),
        ({"seed": "-3"}, "--seed -3:", ["at least 0"]),
        ({"case_timeout": "0"}, "--case-timeout 0:", ["at least 1"]),
    ],
)
def test_a_bad_word_is_one_line_that_names_the_option_and_what_is_allowed(words, option, told):
    with pytest.raises(InputError) as caught:
        choice_of(**words)
    one_line(caught, option, *told)


@pytest.mark.parametrize(
    ("words", "option"),
    [
        ({"steps": "1000000000000", "fit_time": "1e12"}, "--steps 1000000000000:"),
        ({"points": ["30000000000"]}, "--points 30000000000:"),
    ],
)
def test_what_does_not_fit_in_memory_is_refused(words, option):
    with pytest.raises(InputError) as caught:
        Runner(choice_of(**{"backend": ["numpy"], "device": ["cpu"], **words}), [here()], timed=False)
    one_line(caught, option, "would need about", "GiB are available")


def test_exact_fits_that_would_take_hours_are_refused_with_what_is_allowed():
    choice = choice_of(variant=["optim"], dtype=["float64"], steps="1000000", fit_time="1000")
    with pytest.raises(InputError) as caught:
        choice.check_time(["cpu"])
    one_line(caught, "--steps 1000000:", "1 exact fit of", "about 2.92 h", "allowed: at most 575520 steps, about 1 h")
    choice_of(variant=["optim"], dtype=["float64"], steps="575520", fit_time="1000").check_time(["cpu"])
    with pytest.raises(InputError, match=r"12 exact fits .* at most 150000 steps"):
        choice_of(steps="575520", fit_time="1000").check_time(["cpu"])
    choice_of(steps="575520").check_time(["cpu"])  # fits of 50 000 steps


def test_a_fit_that_cannot_end_within_the_timeout_is_refused_on_the_cpu():
    words = {"points": ["1000000000,4"], "steps": "460", "fit_time": "1e5"}
    choice = choice_of(**words)
    with pytest.raises(InputError) as caught:
        choice.check_time(["cpu", "cpu:1"])
    one_line(caught, "--points 1000000000:", "460 steps", "about 500 s", "--case-timeout is 300 s; raise it, or lower")
    choice.check_time(["cpu", "cuda"])  # which may be faster, who knows
    choice_of(**words, case_timeout="600").check_time(["cpu"])
    choice_of(points=["1000000000"]).check_time(["cpu"])  # fits of 5 steps


def test_what_will_take_long_is_foreseen():
    assert list(choice_of().foreseen()) == []
    (line,) = choice_of(points=["20000000,2000,1000000"]).foreseen()
    assert line == "--fit-time 4: fits have fewer than 2000 steps: 5 at 20000000 points, 100 at 1000000 points"
    (line,) = choice_of(points=["20000000"], fit_time="1700").foreseen()
    assert line.startswith("--points 20000000: a case with fits of 2000 steps may take from 41 to 1632 s on the cpu")
    assert "--case-timeout 300 fail; raise it" in line
    (line,) = choice_of(steps="100000", fit_time="9").foreseen()
    assert line == "--steps 100000: 12 exact fits of so many take about 30 min"


def test_a_run_says_what_will_take_long_before_it_begins(tmp_path):
    words = ("--backend=numpy", "--device=cpu", "--variant=manual", "--dtype=float32", "--steps=4", "--processes=1")
    done = bench(*words, "--points=20000", "--case-timeout=1", "--threads=1", f"--benchmark-json={tmp_path / 'a.json'}")
    assert "warning:" not in done.stdout
    words = (*words, "--points=7000000", "--case-timeout=1", "--max-time=0.01")
    done = bench(*words, f"--benchmark-json={tmp_path / 'b.json'}")
    assert "warning: --points 7000000: a case with fits of 4 steps may take from 0 to 12 s on the cpu" in done.stdout
    path = tmp_path / "c.json"
    refused = refused_run(
        "--backend=numpy",
        "--device=cpu",
        "--variant=manual,nn",
        "--steps=300000",
        "--fit-time=99",
        f"--benchmark-json={path}",
    )
    assert "--steps 300000: 4 exact fits" in refused and not path.exists()


def test_a_device_that_no_backend_sees_is_refused():
    with pytest.raises(InputError) as caught:
        plan(choice_of(device=["cuda:7"]), ["cpu", "cuda"], lambda case: None)
    one_line(caught, "--device 'cuda:7':", "no backend sees it; allowed: cpu, cuda")


def test_a_cache_that_is_no_folder_is_refused():
    with pytest.raises(InputError) as caught:
        keep_folder("bench/test_fit.py/cache")
    one_line(caught, "--cache 'bench/test_fit.py/cache':", "expected a folder")
    with pytest.raises(InputError, match=r"^--cache '': empty; expected a folder$"):
        keep_folder("")


def test_a_relative_cache_is_one_folder_for_workers_of_any_checkout(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = keep_folder("kept")
    assert folder == tmp_path / "kept" and folder.is_absolute() and folder.is_dir()


@pytest.mark.parametrize("words", [["2000,02000"], ["2000", "2000"], ["2_000, 2000"]])
def test_a_size_that_is_written_twice_is_one_size(words):
    assert choice_of(points=words).axes["points"] == (2000,)


def test_a_run_with_a_bad_word_ends_before_it_begins_and_touches_no_json(tmp_path):
    path = tmp_path / "run.json"
    path.write_text("precious")
    told = refused_run("--variant=quartic", f"--benchmark-json={path}")
    assert "--variant 'quartic': unknown; allowed: manual, autograd" in told
    assert path.read_text() == "precious"


def test_a_run_asks_the_backends_for_a_device_before_it_refuses_it():
    told = refused_run("--backend=numpy", "--device=cuda:7")
    assert "--device 'cuda:7': no backend sees it; allowed: cpu" in told


def test_a_json_that_cannot_be_written_is_found_out_before_the_run():
    told = refused_run("--backend=numpy", "--benchmark-json=bench/test_fit.py/run.json")
    assert "--benchmark-json bench/test_fit.py/run.json: cannot be written" in told


def test_to_resume_takes_the_json_of_the_run_that_was_ended():
    assert "--resume: needs the --benchmark-json" in refused_run("--backend=numpy", "--resume")


def refused_run(*words: str) -> str:
    """The one line that `pytest bench` ends with."""
    done = bench(*words)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    (line,) = (line for line in done.stderr.splitlines() if line.strip())
    return line


def parsed(*words: str, **defaults: str) -> Namespace:
    parser = ArgumentParser()
    add_options(parser.add_argument, defaults=defaults)
    return parser.parse_args(words)


def test_without_words_everything_is_chosen_in_teaching_order():
    choice = asked(parsed())
    assert choice.axes == {
        "variant": ("manual", "autograd", "custom_function", "nn", "optim", "tuned"),
        "backend": ("numpy", "torch", "torch-compile", "torch-compile-loop", "jax", "jax-loop", "native"),
        "device": (),
        "dtype": ("float32", "float64"),
        "points": (2000,),
    }
    assert (choice.steps, choice.processes, choice.cold, choice.threads, choice.seed) == (2000, 3, 1, 1, 0)
    assert (choice.precision, choice.max_time, choice.case_timeout, choice.fit_time) == (0.01, 0.6, 300, 4)


def test_words_may_be_repeated_and_hold_commas():
    choice = asked(parsed("--backend=jax,numpy", "--backend=numpy", "--points=10,20", "--points", "4", "--processes=1"))
    assert choice.axes["backend"] == ("numpy", "jax")  # as they are shown everywhere
    assert choice.axes["points"] == (10, 20, 4)
    assert (choice.processes, choice.cold) == (1, 1)


def test_a_command_may_have_other_defaults_which_words_replace():
    defaults = {"cold": "0", "device": "cpu"}
    choice = asked(parsed(**defaults), **defaults)
    assert (choice.cold, choice.axes["device"]) == (0, ("cpu",))
    choice = asked(parsed("--cold=1", "--device=mps", **defaults), **defaults)
    assert (choice.cold, choice.axes["device"]) == (1, ("mps",))


def python(code: str, checkout: Path) -> str:
    """What a new process prints that runs the code there."""
    return subprocess.run([sys.executable, "-c", code], cwd=checkout, capture_output=True, text=True).stdout


AXIS = '    batch: int = axis(PICTURE, "K", "fits at once", default=1)\n'


def test_an_axis_is_added_in_one_place(copy, tmp_path):
    """Options, ids, groups, records and pictures follow from a field of Case."""
    path = copy / "bench" / "cases" / "case.py"
    before, rest = path.read_text().split("\n    def __post_init__", 1)
    path.write_text(f"{before}{AXIS}\n    def __post_init__{rest}")
    json_path = tmp_path / "run.json"
    done = bench(
        *("--batch=1,2", "--backend=numpy", "--variant=manual", "--dtype=float64", "--device=cpu", "--points=200"),
        *("--steps=100", "--processes=1", "--max-time=0.01", f"--benchmark-json={json_path}"),
        cwd=copy,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    entries = json.loads(json_path.read_text())["benchmarks"]
    assert [entry["param"] for entry in entries] == [f"manual-numpy-cpu-float64-200-{k}" for k in (1, 2)]
    assert [entry["group"] for entry in entries] == [f"manual-cpu-float64-200-{k}" for k in (1, 2)]
    for flat in ("params", "extra_info"):
        assert [entry[flat]["batch"] for entry in entries] == [1, 2]
    older = {name: value for name, value in entries[0]["extra_info"].items() if name != "batch"}
    (tmp_path / "older.json").write_text(json.dumps({"benchmarks": [{"extra_info": older}]}))
    read = (
        "from pathlib import Path; from bench.records.reading import load; print(load(Path(r'{}')).records[0].case.id)"
    )
    assert python(read.format(tmp_path / "older.json"), copy) == f"{entries[0]['param']}\n"
    made = run("bench.report", json_path, "--pictures", "--output", tmp_path / "report", cwd=copy)
    assert made.returncode == 0, made.stderr
    text = (tmp_path / "report" / "report.md").read_text()
    assert "float64, 200 points, 1 batch, 100 steps" in text and "float64, 200 points, 2 batch, 100 steps" in text
    for name in ("iteration-time", "agreement"):
        pictures = {path.name for path in (tmp_path / "report").glob(f"{name}-*.png")}
        assert pictures == {f"{name}-cpu-200-{k}.png" for k in (1, 2)}
    case = "from bench.cases.case import Case; C = lambda k: Case('nn', 'jax', 'cpu', 'float32', 9, k); "
    wire = "from bench.workers.protocol import Build; print([k for k in (1, 2) if 'batch' in Build(C(k), 0, 1).wire()])"
    assert python(case + wire, copy) == "[2]\n"  # workers of older revisions know of no batch
    refused = bench("--batch=0", "--backend=numpy", cwd=copy)
    assert refused.returncode == 2 and "--batch 0: out of range" in refused.stderr


def test_the_command_of_a_run_asks_for_the_same_again():
    assert command_of(choice_of()) == "pytest bench"
    words = {
        "variant": ["manual,tuned"],
        "points": ["2000", "20000"],
        "processes": "2",
        "cold": "0",
        "precision": "0.5%",
    }
    command = command_of(choice_of(**words, device=["a b"], max_time="3"))
    assert command == (
        "pytest bench --variant manual,tuned --device 'a b' --points 2000,20000 --processes 2 --cold 0 "
        "--precision 0.5% --max-time 3"
    )
    assert command_of(choice_of(processes="7")) == "pytest bench --processes 7"  # whose --max-time is its own default
