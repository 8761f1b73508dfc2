"""The folder of a report: a new report takes away what the former one left there, and nothing else."""

import hashlib
from pathlib import Path

import pytest
from builders import record, write

from bench import report
from bench.records.record import FAILED
from bench.reporting import folder
from bench.support.errors import InputError
from reports import PICTURES, made, render_nothing


@pytest.fixture
def former(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a report with pictures of two sizes."""
    render_nothing(monkeypatch)
    made(tmp_path / "out", write(tmp_path / "two.json", [record(), record(points=100)]), options=PICTURES)
    return tmp_path / "out"


def files(output: Path) -> set[str]:
    return {path.relative_to(output).as_posix() for path in output.rglob("*") if path.is_file()}


def test_pictures_of_the_former_report_go(former: Path, tmp_path: Path) -> None:
    assert "speedup-cpu-100.png" in files(former)
    run = write(tmp_path / "one.json", [record()])
    text = made(former, run, options=PICTURES)
    made(tmp_path / "fresh", run, options=PICTURES)
    assert files(former) == files(tmp_path / "fresh") and "speedup-cpu-100.png" not in files(former)
    assert "cpu-100" not in text
    made(former, write(tmp_path / "none.json", [record(outcome=FAILED, reason="wrong")]), options=PICTURES)
    assert not [name for name in files(former) if name.endswith((".png", ".svg"))]


def test_what_is_not_of_a_report_stays(former: Path, tmp_path: Path) -> None:
    (former / "speedup-cpu-100.png").write_text("edited")  # no longer as the report wrote it
    (former / "agreement-cpu-100.svg").unlink()
    (former / "agreement-cpu-100.svg").symlink_to(former / "agreement-cpu-100.png")
    for name in ("notes.md", "mine.png", "tables/mine.csv"):
        (former / name).write_text(name)
    made(former, write(tmp_path / "one.json", [record()]), options=PICTURES)
    left = files(former)
    assert {"speedup-cpu-100.png", "notes.md", "mine.png", "tables/mine.csv"} <= left
    assert (former / "agreement-cpu-100.svg").is_symlink()
    assert not {name for name in left if "-100" in name} - {"speedup-cpu-100.png"}


@pytest.mark.parametrize("name", ["../outside.png", "/etc/outside.png", "notes.md", "tables/../../outside.csv"])
def test_a_listing_from_elsewhere_takes_nothing_away(name: str, former: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.png").write_text("mine")
    (tmp_path / "outside.csv").write_text("mine")
    (former / "notes.md").write_text("mine")
    with (former / folder.LISTING).open("a") as file:
        file.write(f"{hashlib.sha256(b'mine').hexdigest()}  {name}\n\ud7ff no line\n")
    made(former, write(tmp_path / "one.json", [record()]), options=PICTURES)
    assert [*tmp_path.glob("outside.*")] and (former / "notes.md").exists()


def test_a_report_that_is_cut_off_leaves_what_the_next_takes_away(
    former: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy, copied = folder.copy_atomically, []

    def cut_off(source: Path, target: Path) -> None:
        if target.name == "details.md":
            raise OSError(28, "No space left on device")
        copied.append(target)
        copy(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(folder, "copy_atomically", cut_off)
        run = write(tmp_path / "other.json", [record(points=50)])
        assert report.main([str(run), "--pictures", "--output", str(former)]) == 2
    assert {"speedup-cpu-100.png", "speedup-cpu-50.png"} <= files(former) and copied
    assert "speedup-cpu-100.png" in (former / "details.md").read_text()  # which leads nowhere wrong
    made(former, write(tmp_path / "one.json", [record()]), options=PICTURES)
    assert not [name for name in files(former) if "-50" in name or "-100" in name]


def test_a_page_that_is_no_report_is_not_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, output = write(tmp_path / "one.json", [record()]), tmp_path / "out"
    output.mkdir()
    (output / "report.md").write_text("# My thesis\n")
    assert report.main([str(run), "--output", str(output)]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: {output / 'report.md'}: is there, and is no report of fitbench; give another")
    assert said.count("\n") == 1
    assert files(output) == {"report.md"} and (output / "report.md").read_text() == "# My thesis\n"
    (output / "report.md").write_text(f"{folder.TITLE}\n\nof an older version, without a listing\n")
    folder.check(output)
    (output / "report.md").write_text("")
    with pytest.raises(InputError):
        folder.check(output)
