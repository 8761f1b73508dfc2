"""What a report tells of the machine: a line, its state by turn, a picture, and figures as read beside net ones."""

import msgspec
import numpy as np
import pytest
from builders import record, rounds

from bench.records.record import Record
from bench.reporting import machine, tables
from bench.reporting.frames import GROUP
from bench.statistics.restlessness import restlessness
from bench.support.controls import CORE, MEMORY
from reports import framed, row

# Of ten turns the core is undercut by more than its quiet state in none, at its quiet state in six, and slower in four.
SLOW = np.array([1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.1, 1.1, 1.3, 1.5])


def slowed(slow: np.ndarray = SLOW, last: float = 1.0, **changes) -> Record:
    """Three processes, in whose turns core and rounds are so much slower; the last of them that many times more."""
    random = np.random.default_rng(0)
    each = np.array([random.permutation(slow) for _ in range(3)]) * np.array([[1.0], [1.0], [last]])
    made = rounds((1e-5 * each).tolist())
    states = {name: (0.0005 * each.ravel()).tolist() for name in CORE} | dict.fromkeys(MEMORY, [0.001] * each.size)
    return record([[1e-5]] * 3, rounds=msgspec.structs.replace(made, controls=states), **changes)


def line(*records: Record) -> str:
    return restlessness(framed(*records)["model"][0])


def test_the_line_tells_how_slow_it_was_what_was_taken_away_and_what_is_left():
    told = line(slowed(last=1.2), slowed(last=1.2, backend="torch"))
    half, error, *_ = told.split("; ")
    # Twelve of thirty turns are at 1, and so is their quarter.
    middle, tenth = 100 * (np.quantile(np.concatenate([SLOW, SLOW, 1.2 * SLOW]), [0.5, 0.9]) - 1)
    assert half.startswith(f"half of the time its core was up to {middle:.0f} % slower than in its quiet state, ")
    assert half.endswith(f"a tenth of the time {tenth:.0f} % or more")
    assert error.startswith(
        "figures are net of what the controls tell of the core (a process then differs from the others by 0.0 %,"
    )


def test_where_nothing_is_taken_away_the_line_says_why():
    steady = [record([[1e-5 * (1 + 0.01 * i)] * 9 for i in range(3)], backend=name) for name in ("numpy", "torch")]
    assert "all figures are as read: taking the machine's state away does not help (a process would differ" in line(
        *steady
    )
    assert "all figures are as read: one process cannot show whether it helps" in line(record())
    blind = rounds([[1e-5] * 9] * 3, control=None)
    told = line(record([[1e-5]] * 3, rounds=blind))
    assert told.startswith("all figures are as read: the controls were not measured in every case")


def test_rounds_that_shared_their_core_are_told_and_noted():
    made = rounds([[1e-5] * 20] * 2)
    cpu = [5e-6 if i % 20 < 4 else 1e-5 for i in range(40)]  # in each process the core was gone half of four rounds
    frame = framed(record([[1e-5]] * 2, rounds=msgspec.structs.replace(made, cpu_seconds=cpu)))
    assert frame["rounds_taken"][0] == 8 and "8 rounds shared a core" in restlessness(frame["model"][0])
    table = tables.grid(frame, lambda one: "figure")
    assert row(table, "manual")[1] == "figure [1]"
    assert "- [1] 8 of 40 rounds shared their core with another program" in table
    cpu = [5e-6 if i == 0 else 1e-5 for i in range(40)]  # one in forty is no matter
    frame = framed(record([[1e-5]] * 2, rounds=msgspec.structs.replace(made, cpu_seconds=cpu)))
    assert row(tables.grid(frame, lambda one: "figure"), "manual")[1] == "figure"


def test_the_state_by_turn_is_that_over_the_quiet_one():
    data = machine.turns(framed(slowed(), slowed(backend="torch"), slowed(variant="nn")))
    assert list(data.columns) == [*GROUP, *machine.TURNS] and len(data) == 2 * 3 * 10  # groups, processes, turns
    first = data[(data["variant"] == "nn") & (data["process"] == 1)]
    assert first["core"].tolist() == pytest.approx((_of(1) - 1).tolist(), abs=1e-12)  # the quiet state is at 1
    assert data["memory"].abs().max() < 1e-12
    assert first["time"].tolist() == pytest.approx([100 + 0.2 * turn for turn in range(10)])


def _of(process: int) -> np.ndarray:
    random = np.random.default_rng(0)
    return [random.permutation(SLOW) for _ in range(process + 1)][-1]


def test_the_picture_has_a_band_and_a_median_for_each_group_and_process():
    core, memory = machine.state(framed(slowed(), slowed(variant="nn"))).axes
    for axes in (core, memory):
        bands, medians = (part.get_paths() for part in axes.collections)
        assert len(bands) == len(medians) == 2 * 3
    # The second process began 100 s after the first; its last turn is 1.8 s later, and its median at the quiet state.
    (begin, middle), (end, same) = core.collections[1].get_segments()[1]
    assert [begin, end, middle, same] == pytest.approx([100 / 60, 101.8 / 60, 0, 0], abs=1e-9)
    _, low, high, _ = sorted(core.collections[0].get_paths()[1].vertices[:4, 1])
    assert [low, high] == pytest.approx([0, 100 * (np.quantile(SLOW, 0.9) - 1)], abs=1e-9)
    (shaded,) = [patch for patch in core.patches if patch.get_gid() == "process"]
    assert shaded.get_x() == pytest.approx(100 / 60)


def test_a_run_without_controls_has_no_picture_and_says_why():
    frame = framed(record([[1e-5]] * 2, rounds=rounds([[1e-5] * 9] * 2, control=None)))
    assert "the controls were not measured" in (machine.unknown(frame) or "")
    assert machine.unknown(framed(slowed())) is None


def test_figures_as_read_stand_beside_those_net_of_the_machine():
    # Ten of 33 turns are at 1, and so is the quiet state; as read, the medians are 15, 15 and 18 µs.
    slow = np.array([1.0] * 5 + [1.5] * 6)
    frame = framed(slowed(slow, 1.2), slowed(slow, 1.2, backend="torch"))
    table = tables.listing(frame, tables.AS_READ_TABLE, tables.measured)
    cells = row(table, "manual", "numpy")
    assert cells[2].startswith("10.0 µs (") and cells[4].startswith("15.0 µs (")
    assert cells[6:8] == ["1.00", "-"]
