"""The backends: one file each, which defines `BACKEND`. A file that is added here is found; there is no list."""

import importlib
import pkgutil

from bench.backend import Backend


def backends() -> dict[str, Backend]:
    """Every backend by name, in the order of its rung. Imports no framework."""
    modules = (importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__))
    found = sorted((module.BACKEND for module in modules), key=lambda backend: (backend.rung, backend.name))
    return {backend.name: backend for backend in found}
