"""The backends: one file each, which defines `BACKEND`. A file that is added here is found; there is no list."""

import importlib
import pkgutil

from bench.backend import Backend
from bench.errors import InputError


def backends() -> dict[str, Backend]:
    """Every backend by name, in the order of its rung. Imports no framework. Raises InputError for a bad file."""
    found: dict[str, Backend] = {}
    for _, name, _ in pkgutil.iter_modules(__path__):
        backend = getattr(importlib.import_module(f"{__name__}.{name}"), "BACKEND", None)
        if not isinstance(backend, Backend):
            raise InputError(f"bench/backends/{name}.py: its BACKEND is {backend!r}; expected a Backend")
        if backend.name in found:
            raise InputError(f"bench/backends/{name}.py: its name, {backend.name!r}, is another backend's already")
        found[backend.name] = backend
    return dict(sorted(found.items(), key=lambda item: (item[1].rung, item[0])))
