"""The page of a report in a real browser: from disk, without a network, by mouse, keyboard and address."""

import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from builders import record, run_of
from conftest import ROOT

from bench.records.reading import load
from bench.records.record import FAILED, SKIPPED, Record
from bench.reporting import frames, page, units
from bench.reporting.pairs import break_evens, with_break_evens
from bench.reporting.tables import paid_back
from bench.statistics.intervals import quotient

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright not installed")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here; apt-get install chromium")

EXAMPLE = ROOT / "reports" / "example" / "two-core-epyc.json"
SCRIPT, CLOSING = "<script>alert(1)</script>", "</script><img src=x onerror=alert(1)>"
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """The page of the committed example, and its frame."""
    return written(tmp_path_factory.mktemp("page") / "example.html", load(EXAMPLE))


@pytest.fixture(scope="module")
def sizes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """numpy and torch at four sizes: 1 ns a point on top of 1 us, and half of that on top of 5 us."""
    paces = {"numpy": lambda n: 1e-6 + 1e-9 * n, "torch": lambda n: 5e-6 + 5e-10 * n}
    records = [
        record([[pace(n)] * 3] * 2, backend=name, points=n)
        for name, pace in paces.items()
        for n in (100, 1000, 10000, 10**5)
    ]
    return written(tmp_path_factory.mktemp("page") / "sizes.html", run_of("sizes.json", records))


def written(path: Path, run: Any, graphs: Sequence[str] = ()) -> tuple[Path, Any]:
    runs = frames.labelled([run])
    frame = with_break_evens(frames.cases(runs))
    path.write_text(page.html(runs, frame, graphs), encoding="utf-8")
    return path, frame


@contextmanager
def opened(browser: Any, path: Path, address: str = "", **how: Any) -> Iterator[Any]:
    """The page, once it is ready. In the end: it asked no network, and nothing went wrong in it."""
    context = browser.new_context(**how)
    shown, wrong = context.new_page(), list[str]()
    shown.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    shown.on("pageerror", lambda error: wrong.append(str(error)))
    shown.on("dialog", lambda dialog: (wrong.append(f"dialog {dialog.message}"), dialog.dismiss()))
    shown.on(
        "request", lambda asked: None if asked.url.startswith(("file:", "data:", "blob:")) else wrong.append(asked.url)
    )
    shown.goto(f"file://{path}{address}")
    shown.wait_for_selector("html[data-ready=yes]")
    yield shown
    shown.wait_for_timeout(100)
    context.close()
    assert wrong == []


def told(shown: Any, place: str) -> str:
    return " ".join(shown.inner_text(place).replace("\u00a0", " ").split())


def test_it_opens_from_disk_and_says_first_which_is_fastest(browser, example):
    path, frame = example
    with opened(browser, path) as shown:
        manual = frame[(frame["variant"] == "manual") & (frame["dtype"] == "float32")]
        for loops in (True, False):
            those = manual[manual["backend"].astype(str).str.endswith("-loop") == loops].dropna(subset="seconds")
            best = those.loc[those["seconds"].idxmin()]
            spread = units.spread(best["seconds"], best["low_seconds"], best["high_seconds"])
            assert f"{best['backend']} takes {spread} an iteration" in told(shown, "#fastest")
        assert shown.locator("#ranking svg").count() == 1
        worst = frame.loc[frame[frame["dtype"] == "float32"]["digits"].idxmin()]
        assert f"The least agree to {worst['digits']:.1f} digits" in told(shown, "#agree")


@pytest.mark.parametrize("planted", ["<script>console.error('wrong')</script>", "<img src='http://127.0.0.1:9/x.png'>"])
def test_what_is_wrong_in_a_page_is_noticed(browser, example, tmp_path, planted):
    path = tmp_path / "planted.html"
    path.write_text(example[0].read_text(encoding="utf-8").replace("</body>", f"{planted}</body>"), encoding="utf-8")
    with pytest.raises(AssertionError), opened(browser, path):
        pass


def test_another_baseline_and_fewer_backends_by_clicks(browser, example):
    path, frame = example
    with opened(browser, path) as shown:
        assert shown.locator("#grid thead th").count() == 8
        shown.click("#grid thead button:text-is('jax')")
        cell = shown.locator("#grid tbody tr", has_text="manual").locator("td").first
        rows = {row.backend: row for row in frame[frame["dtype"] == "float32"].itertuples() if row.variant == "manual"}
        found = rows["numpy"].model.ratio(rows["numpy"].record.case, rows["jax"].record.case)
        assert units.speeds(found.value, found.low, found.high) in " ".join(cell.inner_text().split())
        shown.uncheck("input[value='torch-compile-loop']")
        assert "torch-compile-loop" not in told(shown, "#grid") + told(shown, "#fastest")
        assert "baseline=jax" in shown.url and "hide=torch-compile-loop" in shown.url


def test_raw_figures_by_a_switch(browser, example):
    path, frame = example
    with opened(browser, path, "#figures=raw&dtype=float64&variant=nn") as shown:
        row = frame[(frame["dtype"] == "float64") & (frame["variant"] == "nn") & (frame["backend"] == "numpy")].iloc[0]
        assert units.spread(row["raw_seconds"], row["raw_low_seconds"], row["raw_high_seconds"]) in told(
            shown, "#fastest"
        )


def test_a_link_shows_the_same_view(browser, example):
    path, _ = example
    with opened(browser, path) as shown:
        shown.select_option("#choose-dtype", "float64")
        shown.select_option("#choose-variant", "optim")
        shown.select_option("#choose-theme", "dark")
        shown.locator(".tabulator-col[tabulator-field='seconds'] .tabulator-col-title").click()
        address, text = shown.url.partition("#")[2], told(shown, "#fastest")
        dark = shown.evaluate("getComputedStyle(document.body).backgroundColor")
    with opened(browser, path, f"#{address}") as again:
        assert told(again, "#fastest") == text and "optim" in text
        assert again.evaluate("getComputedStyle(document.body).backgroundColor") == dark != "rgb(255, 255, 255)"
        assert "an iteration" in told(again, ".tabulator-col[aria-sort=ascending]")


def test_the_table_sorts_and_filters_and_is_copied_as_csv(browser, example):
    path, frame = example
    with opened(browser, path, permissions=["clipboard-read", "clipboard-write"]) as shown:
        shown.locator(".tabulator-col[tabulator-field='reason'] input").press_sequentially("native")
        shown.wait_for_function("document.querySelectorAll('.tabulator-row').length === 10")
        shown.locator(".tabulator-col[tabulator-field='reason'] input").press("Control+a")
        shown.keyboard.press("Delete")
        shown.wait_for_function("document.querySelectorAll('.tabulator-row').length > 10")
        shown.locator(".tabulator-col[tabulator-field='seconds'] .tabulator-col-title").click()
        first = shown.locator(".tabulator-row").first.inner_text()
        least = frame.loc[frame["seconds"].idxmin()]
        assert str(least["backend"]) in first and str(least["variant"]) in first
        shown.click("#copy")
        shown.wait_for_function("document.getElementById('copied').textContent !== ''")
        head, *lines = shown.evaluate("navigator.clipboard.readText()").splitlines()
        assert head.startswith("run,device,points,dtype,variant,backend,outcome,reason,steps,seconds,")
        assert head.endswith(",start_empty_seconds,start_warm_seconds,start_again_seconds")
        assert len(lines) == len(frame)
        shown.locator(".tabulator-col[tabulator-field='backend'] input").press_sequentially("torch-compile-l")
        shown.wait_for_function("document.querySelectorAll('.tabulator-edit-list-item').length === 1")
        shown.wait_for_function("document.querySelectorAll('.tabulator-row').length === 12")
        shown.keyboard.press("ArrowDown")
        shown.keyboard.press("Enter")
        shown.wait_for_function("document.querySelectorAll('.tabulator-row').length === 12")
        assert "torch-compile-loop" in shown.url


def test_a_click_on_a_figure_opens_what_it_was_made_of(browser, example):
    path, frame = example
    with opened(browser, path) as shown:
        shown.locator("#grid tbody td button").first.focus()
        shown.keyboard.press("Enter")
        shown.wait_for_selector("#detail[open] #detail-rounds svg")
        row = frame.iloc[int(re.findall(r"case=(\d+)", shown.url)[0])]
        assert f"{units.spread(row['raw_seconds'], row['raw_low_seconds'], row['raw_high_seconds'])} as read" in told(
            shown, "#detail-figure"
        )
        assert shown.locator("#detail-state svg").count() == 1
        shown.keyboard.press("Escape")
        assert not shown.locator("#detail").is_visible() and "case=" not in shown.url


def test_graphs_of_steps_are_linked_to_where_they_were_drawn(browser, example, tmp_path):
    """All of them below, and beside a case those of its variant; where there are none, the command."""
    path, _ = written(
        tmp_path / "page.html", run_of("run.json", [record(), record(variant="nn")]), ["nn.html", "nn-2.svg"]
    )
    with opened(browser, path, "#case=1") as shown:
        links = shown.eval_on_selector_all("#made a", "links => links.map(link => link.getAttribute('href'))")
        assert links == ["graphs/nn.html", "graphs/nn-2.svg"]
        assert shown.locator("#detail-facts a").count() == 2
    with opened(browser, path, "#case=0") as shown:
        assert shown.locator("#detail-facts a").count() == 0
        assert "python -m bench.graph --variant manual --backend numpy" in told(shown, "#detail-facts")


def test_what_a_start_pays_back_is_what_the_tables_say(browser, example):
    path, frame = example
    found = break_evens(frame)
    there = (found["dtype"] == "float32") & (found["variant"] == "manual") & (found["other"] == "torch")
    with opened(browser, path, "#baseline=torch&caches=warm") as shown:
        text = told(shown, "#first")
        for row in found[there & (found["state"] == "warm")].itertuples():
            words = paid_back(row).replace("\u00a0", " ")
            assert re.search(rf"{re.escape(row.backend)} (?:after )?{re.escape(words)}[;.]", text), (words, text)


def test_a_mark_tells_its_figure_when_hovered(browser, example):
    path, _ = example
    with opened(browser, path) as shown:
        shown.locator("#ranking .mark-symbol path").first.hover()
        shown.wait_for_selector("#vg-tooltip-element.visible")
        assert "an iteration" in told(shown, "#vg-tooltip-element")


def test_what_a_fit_costs_is_what_advise_says(browser, sizes):
    path, frame = sizes
    costs = [cost for cost in frame["cost"].drop_duplicates() if cost is not None]
    points = int(costs[0].growth.lowest)  # one of the sizes at which it is told: between them it is near
    with opened(browser, path, f"#n={points}&t=1&caches=warm") as shown:
        ways = set[bool]()
        for steps in (1, 2000, 10**6):
            shown.fill("#my-steps", str(steps))
            for cost in costs:
                found = cost.predict(points, steps, "warm")
                row = shown.locator("#costs tbody tr", has_text=cost.case.backend).inner_text()
                assert units.spread(found.value, found.low, found.high) in " ".join(row.split())
            one, other = (cost.predict(points, steps, "warm", alike=True) for cost in costs)
            first, second = (0, 1) if one.value <= other.value else (1, 0)
            apart = quotient(*((one, other) if first == 0 else (other, one))).low > 1
            how = "Take" if apart else "There is no telling apart the cheapest,"
            assert told(shown, "#take").startswith(f"{how} {costs[first].case.backend}:")
            assert (f"; {costs[second].case.backend}:" in told(shown, "#take")) != apart
            ways.add(apart)
        assert ways == {True, False}
        shown.fill("#my-points", "3e9")
        assert "allowed are 50 to 200 000" in told(shown, "#take")


def test_values_of_records_are_text(browser, tmp_path):
    records: list[Record] = [
        record(variant=SCRIPT, backend=CLOSING, device=SCRIPT),
        record(variant=SCRIPT, backend="numpy", device=SCRIPT),
        record(variant=SCRIPT, backend="jax", device=SCRIPT, outcome=FAILED, reason=CLOSING),
        record(variant=SCRIPT, backend="torch", device=SCRIPT, outcome=SKIPPED, reason=SCRIPT),
    ]
    path, _ = written(
        tmp_path / "hostile.html", run_of(f"{tmp_path}/<b>&amp;.json", records, cpu=CLOSING, packages={SCRIPT: CLOSING})
    )
    with opened(browser, path) as shown:
        for place in ("#fastest", "#grid", "#holes", "#table", "#choices"):
            assert SCRIPT in told(shown, place) or CLOSING in told(shown, place), place
        shown.locator("#grid tbody td button").first.click()
        shown.wait_for_selector("#detail[open]")
        assert SCRIPT in told(shown, "#detail-title")
        shown.keyboard.press("Escape")
        shown.locator("#ranking .mark-symbol path").first.hover()
        shown.wait_for_selector("#vg-tooltip-element.visible")
        assert shown.locator("img").count() == 0


@pytest.mark.parametrize("how", [{"color_scheme": "dark"}, {"viewport": {"width": 390, "height": 800}}])
def test_nothing_stands_in_the_way_of_readers(browser, example, how):
    """By axe-core: no serious violation, and nothing is wider than the window."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python not installed")
    with opened(browser, example[0], **how) as shown:
        shown.wait_for_timeout(300)
        found = axe.Axe().run(shown).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")] == []
        assert shown.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_it_is_small_and_whole(example):
    text = example[0].read_text(encoding="utf-8")
    assert len(text) < 6e6 and re.findall(r"<(?:script|link)[^>]* (?:src|href)=\"(?!data:)", text) == []
