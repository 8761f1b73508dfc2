"""What a variant calls its values: the local variables in the functions of an implementation, seen while they run."""

import sys
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any


class Quantities:
    """Names by key of a value: that of a local variable of the function that returned first with it; else its place in
    what the last function was called with that has it; else its place in what it was `given` with.

    code: a fit file. key: of a value that is a leaf, or None of what has no name; parts: what a framework's own
    container holds, by name, or None. All values are held, so that none takes the place of another in memory.
    """

    def __init__(
        self,
        code: Any,
        key: Callable[[Any], Hashable | None],
        parts: Callable[[Any], Mapping[str, Any] | None] = lambda value: None,
    ) -> None:
        self.held: list[Any] = []
        self._given: dict[Hashable | None, str] = {}
        self._told: dict[Hashable | None, str] = {}
        self._key, self._parts = key, parts
        self._package = code.__name__.partition(".")[0]

    @property
    def names(self) -> dict[Hashable, str]:
        return {**self._given, **self._told}

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Look at each function of the implementations when it is called and when it returns."""
        before = sys.getprofile()
        sys.setprofile(self._look)
        try:
            yield
        finally:
            sys.setprofile(before)

    def _look(self, frame: FrameType, event: str, returned: Any) -> None:
        function = frame.f_code.co_qualname.rpartition("<locals>.")[2]
        ours = frame.f_globals.get("__name__", "").partition(".")[0] == self._package
        if not ours or function.startswith("<"):  # the names in a comprehension are those of a loop
            return
        found = {name: value for name, value in frame.f_locals.items() if name != "_"}
        if event == "call":
            self.give(found)
        elif event == "return":
            for name, value in {**found, function: returned}.items():
                self._tell(name, value)

    def give(self, values: Mapping[str, Any]) -> None:
        """Names for values that get no better ones."""
        for name, value in values.items():
            for each, leaf in self.leaves(name, value):
                self.held.append(leaf)
                self._given[self._key(leaf)] = each

    def _tell(self, name: str, value: Any) -> None:
        for each, leaf in self.leaves(name, value):
            self.held.append(leaf)
            (self._given if "[" in each else self._told).setdefault(self._key(leaf), each)

    def leaves(self, name: str, value: Any) -> Iterator[tuple[str, Any]]:
        """Each value with a key, by its name: as Python would write its place, without quotation marks."""
        if self._key(value) is not None:
            yield name, value
        for each, part in self._held_by(name, value):
            yield from self.leaves(each, part)

    def _held_by(self, name: str, value: Any) -> Iterable[tuple[str, Any]]:
        if self._key(value) is not None:
            return ()
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return ((f"{name}.{field}", part) for field, part in zip(value._fields, value, strict=True))
        if isinstance(value, (list, tuple)):
            return ((f"{name}[{i}]", part) for i, part in enumerate(value))
        if isinstance(value, Mapping):
            return ((f"{name}[{each}]", part) for each, part in value.items())
        return ((f"{name}.{each}", part) for each, part in (self._parts(value) or {}).items())

    def results(self, before: Any, after: Any, loss: Any) -> dict[Hashable, str]:
        """What a step returns, by key: the new state, by the names of the one that it was given, and the loss."""
        old = [self._key(leaf) for _, leaf in self.leaves("state", before)]
        new = [self._key(leaf) for _, leaf in self.leaves("state", after)]
        names = self.names
        named = {each: f"new {names[was]}" for was, each in zip(old, new, strict=True)}
        return {**named, self._key(loss): "loss"}
