"""Which packages a file imports, and which numbers it states, read from its text: nothing is imported to learn it."""

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


def stated(root: Path, module: str, name: str) -> int | None:
    """The whole number that a module under `root` binds to a name, or another one of which it imports the name.

    None where it states none.
    """
    seen = set[Path]()
    while (path := _file(root, module)) is not None and path not in seen:
        seen.add(path)
        bound = [one for node in _tree(path).body if (one := _bound(node, name)) is not None]
        if not bound:
            return None
        if not isinstance(last := bound[-1], ast.ImportFrom):
            value = last.value
            return value.value if isinstance(value, ast.Constant) and type(value.value) is int else None
        alias = next(alias for alias in last.names if (alias.asname or alias.name) == name)
        module, name = _source(last, module, path), alias.name
    return None


def _bound(node: ast.stmt, name: str) -> ast.Assign | ast.ImportFrom | None:
    """The statement, if it binds the name."""
    if isinstance(node, ast.Assign) and any(isinstance(one, ast.Name) and one.id == name for one in node.targets):
        return node
    if isinstance(node, ast.ImportFrom) and any((alias.asname or alias.name) == name for alias in node.names):
        return node
    return None


def _tree(path: Path) -> ast.Module:
    """An empty one of a file that Python cannot read."""
    try:
        return ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        return ast.Module([], [])


def _source(node: ast.ImportFrom, module: str, path: Path) -> str:
    """The dotted name of the module from which a file imports."""
    here = module.split(".") + ["__init__"] * (path.name == "__init__.py")
    above = here[: -node.level] if node.level else []
    return ".".join([*above, *([node.module] if node.module else [])])


def _imported(path: Path, module: str) -> Iterator[str]:
    """The dotted names that a file imports; of `from a import b` both a and a.b, which may be a module."""
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            name = _source(node, module, path)
            yield name
            yield from (f"{name}.{alias.name}" for alias in node.names)
