"""The map of the cheapest backend: the border is where it is computed to be, fields are named, data are written."""

import numpy as np
import pandas as pd
import pytest
from builders import record, start, write

from bench.records.record import Record
from bench.reporting import cost_map_plots
from bench.reporting.cost_map import costs_over
from reports import framed, made, render_nothing, row, section

SIZES = (100, 1000, 10_000)


@pytest.fixture(autouse=True)
def _nothing_is_rendered(monkeypatch):
    render_nothing(monkeypatch)


def priced(backend: str, per_point: float, total: float, states=(None, None), more: float = 0.0) -> list[Record]:
    """A case that costs so much to start, `more` with empty caches, and so much a point in every step."""
    nothing = dict.fromkeys(("import_seconds", "startup_seconds", "build_seconds"), 0.0)
    processes = [
        start(i, state, **nothing, first_call_seconds=total + (more if state == "empty" else 0.0))
        for i, state in enumerate(states)
    ]
    return [
        record([[per_point * size] * 3] * len(states), points=size, backend=backend, processes=processes)
        for size in SIZES
    ]


def crossing() -> list[Record]:
    """1 s and 20 ns a point against 5 s, with empty caches 9 s, and 10 ns: equal where (T - 1) N is 4e8, or 8e8."""
    return [*priced("numpy", 2e-8, 1.0), *priced("jax", 1e-8, 5.0, ("empty", "warm", "warm"), 4.0)]


BORDER = {"empty": 8e8, "warm": 4e8}


def test_the_border_is_drawn_where_two_cost_the_same():
    figure = cost_map_plots.cost_map(framed(*crossing()))
    assert [axes.get_title("left") for axes in figure.axes] == [f"a fresh process, {one} caches" for one in BORDER]
    for axes, expected in zip(figure.axes, BORDER.values(), strict=True):
        lines = [one for one in axes.collections if one.get_gid() == "border"]
        assert len(lines) == 2  # of either's field: the same
        for line in lines:
            points, steps = np.concatenate([path.vertices for path in line.get_paths()]).T
            assert (steps - 1) * points == pytest.approx(expected, rel=0.03)
            # From half the least size, or where the most steps are on it, to twice the largest.
            assert points.min() < 1.05 * max(50, expected / 1e7) and points.max() > 18_000


def test_fields_are_named_inside_and_in_the_legend():
    figure = cost_map_plots.cost_map(framed(*crossing(), *priced("torch", 3e-8, 2.0)))
    for axes, border in zip(figure.axes, BORDER.values(), strict=True):
        names = {text.get_text(): text.get_position() for text in axes.texts if text.get_gid() == "name"}
        assert {*names} == {"numpy", "jax"}
        assert np.prod(names["numpy"]) < border < np.prod(names["jax"])
        (marks,) = (line for line in axes.lines if line.get_gid() == "measured")
        assert marks.get_xdata().tolist() == [*SIZES]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["numpy", "jax", "a size that was measured"]
    assert legend.get_title().get_text() == "pale: not told apart from the next; cheapest nowhere: torch"


def test_a_field_without_room_for_its_name_is_in_the_legend_alone():
    """Cheaper than both others for a tenth of a decade of steps."""
    between = priced("torch", 1.5e-8, 2.95)
    axes = cost_map_plots.cost_map(framed(*crossing(), *between)).axes[1]
    assert "torch" not in {text.get_text() for text in axes.texts}
    names = [text.get_text() for text in axes.figure.legends[0].get_texts()]
    assert "torch" in names


def test_the_data_say_what_the_second_costs():
    found = costs_over(framed(*crossing()))
    one = found[(found["map_points"] == 1000) & (found["map_steps"] == 1000) & (found["state"] == "warm")].iloc[0]
    assert (one["best"], one["second"]) == ("numpy", "jax")
    assert one["best_seconds"] == pytest.approx(1 + 999 * 2e-5, rel=0.01)
    assert one["second_seconds"] == pytest.approx(5 + 999 * 1e-5, rel=0.01)
    assert one["more"] == pytest.approx(one["second_seconds"] / one["best_seconds"])
    assert {*SIZES} <= {*found["map_points"]}
    for state, border in BORDER.items():
        apart = found[found["state"] == state]
        cost = (apart["map_steps"] - 1) * apart["map_points"]
        assert (apart["best"][cost < 0.9 * border] == "numpy").all()
        assert (apart["best"][cost > 1.1 * border] == "jax").all()


def test_one_that_is_alone_has_no_second():
    found = costs_over(framed(*priced("numpy", 2e-8, 1.0)))
    assert found["best"].eq("numpy").all() and found["second"].isna().all()


def test_the_report_has_the_map_and_its_data(tmp_path):
    text = made(tmp_path / "out", write(tmp_path / "run.json", crossing()))
    told = section(text, "Which to take")
    assert "map-cpu-float32-manual.png" in told and "tables/map.csv" in told
    assert row(told, "manual", "1\u00a0000")[2:4] == ["numpy, 1.00 s", "numpy, 1.00 s"]
    written = pd.read_csv(tmp_path / "out" / "tables" / "map.csv")
    assert len(written) == len(costs_over(framed(*crossing())))


@pytest.mark.parametrize("sizes", [1, 2])
def test_of_few_sizes_there_is_none(sizes, tmp_path):
    records = [one for one in crossing() if one.case.points in SIZES[:sizes]]
    text = made(tmp_path / "out", write(tmp_path / "run.json", records))
    assert ("## Which to take" in text) == (sizes > 1)
    assert sizes == 1 or "no case was timed at 3 sizes or more" in section(text, "Which to take")


def test_a_map_of_one_backend_and_one_of_a_state_without_any_are_drawn():
    """Of one there is no border; of a run whose processes all began warm there is no map of empty caches."""
    figure = cost_map_plots.cost_map(framed(*priced("jax", 1e-8, 5.0, ("warm", "warm"))))
    assert [[text.get_text() for text in axes.texts] for axes in figure.axes] == [[], ["jax"]]
    assert not [one for axes in figure.axes for one in axes.collections if one.get_gid() == "border"]
