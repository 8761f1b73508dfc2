"""Pictures, as matplotlib figures: what is drawn where, and what is said of what cannot be drawn."""

import warnings
import xml.etree.ElementTree as ElementTree

import matplotlib.image
import numpy as np
import pandas as pd
import pytest
from builders import record
from matplotlib import colormaps, colors

from bench.backends import backends
from bench.records.record import FAILED, SKIPPED
from bench.reporting import canvas, cold_plots, frames, heatmaps, plots
from reports import LOOP, NUMPY, framed, jitted, modes, paid


@pytest.fixture(scope="module")
def unsteady() -> pd.DataFrame:
    return framed(*modes())


@pytest.fixture(scope="module")
def priced() -> pd.DataFrame:
    return framed(*paid())


@pytest.mark.parametrize("draw", [plots.iteration_time, plots.processes])
def test_both_modes_and_every_process_are_shown(unsteady, draw):
    (axes,) = draw(unsteady).axes
    scale = 1e-5 if draw is plots.iteration_time else None
    shaded = [patch.get_y() + 0.5 for patch in axes.patches if patch.get_gid() == "unstable"]
    assert shaded == pytest.approx([1, 3])  # numpy and jax, below the name of the variant
    words = [text.get_text() for text in axes.texts]
    assert "10.0 or 15.0 µs" in words and "10.0 to 14.6 µs" in words  # 1.1^4 = 1.4641
    drawn = {line.get_ydata()[0]: line.get_xdata() for line in axes.lines if line.get_gid() == "processes"}
    at = [1.0, 1.5, 1.0, 1.5]  # about their median, 1.25: -20 % and +20 %
    assert drawn[1] == pytest.approx([scale * one if scale else 100 * (one / 1.25 - 1) for one in at])


def test_the_heat_map_of_speed_says_what_is_unstable(unsteady):
    (axes, *_) = heatmaps.speedup(unsteady).axes
    assert [text.get_text().endswith("unstable") for text in axes.texts] == [True, False, True]


def test_the_heat_map_of_speed_is_centred_at_as_fast():
    frame = framed(record([NUMPY] * 3), record([NUMPY] * 3, backend="torch"), record([LOOP] * 3, backend="jax"))
    figure = heatmaps.speedup(frame)
    middle, fastest = colormaps["RdBu"](0.5), colormaps["RdBu"](1.0)
    assert [patch.get_facecolor() for patch in figure.axes[0].patches] == [middle, middle, fastest]
    assert [text.get_text() for text in figure.axes[0].texts] == [
        "baseline",
        "as fast\n(1.00 to 1.00)",
        "4.00x faster\n(4.00 to 4.00)",
    ]
    assert figure.get_suptitle().startswith("Speed against numpy on the cpu, of the same variant")


def test_the_heat_map_of_speed_names_the_baseline_that_was_chosen():
    records = [record([NUMPY] * 2), record([LOOP] * 2, backend="torch"), record(variant="nn")]
    figure = heatmaps.speedup(framed(*records, baseline="torch"))
    assert figure.get_suptitle().startswith("Speed against torch on the cpu, of the same variant")
    words = [text.get_text().replace("\n", " ") for text in figure.axes[0].texts]
    assert words == ["4.00x slower (4.00 to 4.00)", "baseline", "no torch to compare with", "not in this run"]


def test_cold_start_has_a_bar_for_each_state():
    figure = cold_plots.cold_start(framed(record(), jitted(("empty", 4.0), ("warm", 1.0))))
    numpy, jax = figure.axes
    assert [label.get_text() for label in numpy.get_yticklabels()] == ["manual"]
    assert [label.get_text() for label in jax.get_yticklabels()] == ["manual: empty", "manual: warm"]
    ends = {bar.get_y() + bar.get_height() / 2: bar.get_x() + bar.get_width() for bar in jax.patches}
    assert ends == pytest.approx({0.0: 4.875, 1.0: 1.875})


def test_lines_cross_at_the_break_even_and_the_strips_change_there(priced):
    (axes,) = cold_plots.break_even(priced).axes
    totals = {(line.get_color(), line.get_linestyle()): line.get_data() for line in axes.lines}
    looks = canvas.styles(priced)
    x, numpy = totals[looks["numpy"]["color"], "-"]
    _, jax = totals[looks["jax"]["color"], "-"]
    assert np.interp(0, numpy - jax, x) == pytest.approx(4e5, rel=0.05)
    assert (looks["numpy"]["color"], "--") not in totals  # no cache: the warm start is the cold one
    # Cold, numpy costs the least until the loop does, from (5 - 1) / (20 - 5) µs on.
    numpy_strip, loop_strip, *_ = axes.patches
    assert numpy_strip.get_facecolor()[:3] == colors.to_rgb(looks["numpy"]["color"])
    assert loop_strip.get_facecolor()[:3] == colors.to_rgb(looks["jax-loop"]["color"])
    assert loop_strip.get_x() == pytest.approx(4 / 1.5e-5, rel=2 * (x[1] / x[0] - 1))


@pytest.mark.parametrize("states", [("empty",), ("empty", "warm")])
def test_the_legend_names_the_states_that_are_drawn(states):
    legend = cold_plots.break_even(framed(record(), jitted(*((state, 9.0) for state in states)))).legends[0]
    named = [text.get_text() for text in legend.get_texts()]
    assert named == ["numpy", "jax", *(f"{state} caches" for state in states)]


def test_unknown_names_come_last_and_have_a_colour():
    known = list(backends())
    names = ["theirs", *reversed(known), "third"]
    frame = framed(record(variant="elsewhere"), *(record(backend=name) for name in names))
    assert frames.present(frame, "backend") == [*known, "theirs", "third"]
    assert frames.present(frame, "variant") == ["manual", "elsewhere"]
    axes = plots.iteration_time(frame).axes[0]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["manual", *known, "theirs", "third", "elsewhere", *known, "theirs", "third"]
    medians = {
        line.get_ydata()[0]: (line.get_color(), line.get_marker()) for line in axes.lines if line.get_gid() == "median"
    }
    looks = [medians[y] for y in range(1, len(names) + 1)]
    assert len(set(looks)) == len(names)
    assert len({colour for colour, _ in looks}) == min(len(names), len(canvas.COLOURS))


def test_colours_repeat_only_with_another_marker():
    names = [f"backend-{i:02}" for i in range(2 * len(canvas.COLOURS))]
    frame = framed(*(record(backend=name) for name in names))
    lines = [line for line in plots.iteration_time(frame).axes[0].lines if line.get_gid() == "median"]
    assert len({(line.get_color(), line.get_marker()) for line in lines}) == len(names)


def test_holes_are_written_into_pictures():
    frame = framed(
        record(),
        record(variant="nn", backend="numpy"),
        record(backend="jax", outcome=SKIPPED, reason="jax not installed"),
    )
    for draw in (plots.iteration_time, plots.processes, heatmaps.speedup, cold_plots.cold_start, heatmaps.digits):
        words = " ".join(text.get_text().replace("\n", " ") for axes in draw(frame).axes for text in axes.texts)
        assert "skipped: jax not installed" in words and "not in this run" in words, draw
    titles = [axes.get_title(loc="left") for axes in plots.loss(frame).axes]
    assert titles[0] == "manual (not drawn: jax: skipped)"


def test_dtypes_are_panels():
    panels = plots.iteration_time(framed(*(record(dtype=dtype) for dtype in ("float64", "float32")))).axes
    assert [axes.get_title() for axes in panels] == ["float32", "float64"]


def test_one_step_is_enough_for_a_picture(tmp_path):
    short = record(steps=1, losses=[(1, 5.0)], exact_losses=[(1, 5.0)])
    canvas.save(plots.loss(framed(short)), tmp_path / "loss")
    assert len(np.unique(matplotlib.image.imread(tmp_path / "loss.png")[:, :, 0])) > 20
    assert (tmp_path / "loss.svg").exists()


def test_a_long_name_leaves_room_for_the_picture(tmp_path):
    with warnings.catch_warnings(action="error"):  # of axes that collapsed
        canvas.save(plots.iteration_time(framed(record(device_name="long " * 2000))), tmp_path / "picture")


def test_no_character_of_a_reason_upsets_a_picture(tmp_path):
    """A NUL has no glyph, of which matplotlib warns, and no place in the XML of an SVG."""
    frame = framed(
        record(), record(backend="jax", outcome=FAILED, reason="left\x00the exact\x1b fit", device_name="\x07")
    )
    with warnings.catch_warnings(action="error"):
        canvas.save(plots.iteration_time(frame), tmp_path / "picture")
    ElementTree.parse(tmp_path / "picture.svg")
