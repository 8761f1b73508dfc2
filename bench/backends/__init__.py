"""What can run a fit: an abstract class, and a file a backend that defines `BACKEND`. Files are found, not listed.

May import anatomy and support; frameworks are imported inside methods, by the files that are named for them.
"""

import importlib
import pkgutil

from bench.backends import base
from bench.backends.base import Backend
from bench.support.errors import InputError


def backends() -> dict[str, Backend]:
    """Every backend by name, in the order of its rung. Imports no framework. Raises InputError for a bad file."""
    found: dict[str, Backend] = {}
    for _, name, _ in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{name}")
        if module is base:
            continue
        backend = getattr(module, "BACKEND", None)
        if not isinstance(backend, Backend):
            raise InputError(f"bench/backends/{name}.py: its BACKEND is {backend!r}; expected a Backend")
        if backend.name in found:
            raise InputError(f"bench/backends/{name}.py: its name, {backend.name!r}, is another backend's already")
        found[backend.name] = backend
    return dict(sorted(found.items(), key=lambda item: (item[1].rung, item[0])))
