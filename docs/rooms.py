"""Draw the rooms of bench/ and the arrows between them, from the contracts of import-linter and the imports themselves.

python docs/rooms.py [FILE]     # default: docs/architecture.svg
"""

import sys
import tomllib
from pathlib import Path

import grimp
import matplotlib
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

ROOT = Path(__file__).resolve().parent.parent
STEP, REACH, GREY = 0.9, 0.36, "#555555"
COMMANDS = "commands"  # the modules that lie beside the rooms
STORY = {
    COMMANDS: "parse, call, print, exit code",
    "studies": "the suite measured by itself",
    "measuring": "turns, when to stop, the run, its journal",
    "reporting": "frames, tables, units, pictures",
    "workers": "the processes that are measured",
    "statistics": "intervals, stability, verdicts",
    "sides": "interpreter, checkout, variables",
    "records": "typed records, read and written",
    "truth": "the exact fit, the bound, the check",
    "cases": "the case, options, choice, plan",
    "backends": "NumPy, torch, torch.compile, JAX",
    "anatomy": "operations, generated code, fingerprints",
    "support": "errors, words, files, the system",
    "impls": "the variants, side by side",
}


def layers() -> list[list[str]]:
    """The rooms, layer by layer from the top, as the contract has them; the top one is the commands."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (rooms,) = (contract for contract in config["contracts"] if contract["id"] == "rooms")
    _, *rest = ([name.strip() for name in layer.split("|")] for layer in rooms["layers"])
    return [[COMMANDS], *rest, ["impls"]]


def arrows() -> set[tuple[str, str]]:
    """Which room imports which, without those arrows that others imply."""
    graph = grimp.build_graph("bench", "impls")
    known = {room for layer in layers() for room in layer}

    def room(module: str) -> str:
        package, *rest = module.split(".")
        return "impls" if package == "impls" else rest[0] if rest and rest[0] in known else COMMANDS

    direct: dict[str, set[str]] = {name: set() for name in known}
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            if room(imported) != room(module):
                direct[room(module)].add(room(imported))

    def reach(name: str) -> set[str]:
        return direct[name].union(*(reach(each) for each in direct[name]))

    return {
        (one, other)
        for one, others in direct.items()
        for other in others
        if not any(other in reach(between) for between in others - {other})
    }


def places() -> dict[str, tuple[float, float]]:
    """Where each room stands: a layer a row; one that an arrow passes by stands aside."""
    rows = layers()
    row = {name: y for y, layer in enumerate(rows) for name in layer}
    passed = {y for one, other in arrows() for y in range(row[one] + 1, row[other])}
    found = {}
    for y, layer in enumerate(rows):
        for i, name in enumerate(layer):
            aside = -STEP / 2 if len(layer) == 1 and y in passed else 0.0
            found[name] = (aside + STEP * (i - (len(layer) - 1) / 2), -float(y))
    return found


def _ends(x: float, end: float, aside: float) -> tuple[float, float]:
    """Where an arrow leaves a room and enters another: straight down where one is above a part of the other."""
    low, high = max(x, end) - REACH, min(x, end) + REACH
    middle = (low + high) / 2 + aside
    return (middle, middle) if low < high else (min(high, low), max(high, low)) if x < end else (low, high)


def draw() -> Figure:
    """The picture. An arrow points to what is imported; the id of its line in an SVG is "one->other"."""
    where = places()
    height = len(layers())
    figure = Figure(figsize=(8, 0.95 * height))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(-1.0, 1.0), ylim=(0.4 - height, 0.6))
    axes.axis("off")
    for one, other in sorted(arrows()):
        (x, y), (end, below) = where[one], where[other]
        ends = _ends(x, end, aside=0.12 if y - below > 1 and x == end else 0.0)
        axes.plot(ends, [y - 0.24, below + 0.3], color=GREY, lw=1.3, gid=f"{one}->{other}")
        axes.plot(ends[1], below + 0.3, marker="v", ms=6, color=GREY)
    for name, (x, y) in where.items():
        look = {"boxstyle": "round,pad=0.02", "facecolor": "#eef3f8", "edgecolor": "#0072B2", "gid": name}
        axes.add_patch(FancyBboxPatch((x - 0.4, y - 0.22), 0.8, 0.44, **look))
        title = name if name in (COMMANDS, "impls") else f"bench/{name}"
        axes.text(x, y + 0.08, title, ha="center", va="center", fontsize=11, weight="bold")
        axes.text(x, y - 0.12, STORY[name], ha="center", va="center", fontsize=8.5)
    return figure


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "architecture.svg"
    with matplotlib.rc_context({"svg.hashsalt": "fitbench", "svg.fonttype": "none"}):
        draw().savefig(target, metadata={"Date": None} if target.suffix == ".svg" else None, dpi=100)
