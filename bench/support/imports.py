"""Which packages a file imports, read from its text: nothing is imported to learn it."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path


def packages(root: Path, module: str) -> tuple[str, ...]:
    """The packages that a module under `root` imports, itself or through others of its own package; in order.

    Neither the standard library's nor its own. None for a module that is not there or that Python cannot read: whoever
    imports it will say so.
    """
    own, found, seen = module.partition(".")[0], dict[str, None](), set[Path]()

    def look(name: str) -> None:
        path = _file(root, name)
        if path is None or path in seen:
            return
        seen.add(path)
        for imported in _imported(path, name):
            top = imported.partition(".")[0]
            if top == own:
                look(imported)
            elif top not in sys.stdlib_module_names:
                found[top] = None

    look(module)
    return tuple(found)


def fit_packages(root: Path) -> tuple[str, ...]:
    """Those of all implementations under `root`, whatever their variant and framework."""
    fits = sorted(root.glob("impls/*/*_fit.py"))
    return tuple(dict.fromkeys(name for fit in fits for name in packages(root, f"impls.{fit.parent.name}.{fit.stem}")))


def _file(root: Path, module: str) -> Path | None:
    path = root.joinpath(*module.split("."))
    files = (path.with_suffix(".py"), path / "__init__.py")
    return next((file for file in files if file.is_file()), None)


def _imported(path: Path, module: str) -> Iterator[str]:
    """The dotted names that a file imports; of `from a import b` both a and a.b, which may be a module."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        return
    here = module.split(".") + ["__init__"] * (path.name == "__init__.py")
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = here[: -node.level] if node.level else []
            name = ".".join([*above, *([node.module] if node.module else [])])
            yield name
            yield from (f"{name}.{alias.name}" for alias in node.names)
