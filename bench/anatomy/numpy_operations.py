"""The array operations of a step in NumPy, by arrays that tell of themselves; HIPS autograd's, too."""

import copy
import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from bench.anatomy.iteration import Iteration, Tally, arrays_of

STEPS = 4  # that are counted, after one that is not
KIND = "operations of NumPy on arrays, told by the arrays"


class Traced(np.ndarray):
    """An array that adds each operation on it, or on what came of it, to `tally`."""

    tally: Tally | None = None
    points = 1

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        out = kwargs.pop("out", ())
        given = {"out": tuple(plain(each) for each in out)} if out else {}
        result = getattr(ufunc, method)(*map(plain, inputs), **given, **kwargs)
        name = ufunc.__name__ + ("" if method == "__call__" else f".{method}")
        self._tell(name, inputs, result, bool(out))
        return out[0] if len(out) == 1 else _traced_result(result)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        out = kwargs.get("out")
        result = function(*plain(args), **plain(kwargs))
        read = [value for key, value in kwargs.items() if key != "out"]
        self._tell(function.__name__, [*args, *read], result, out is not None)
        return out if out is not None else _traced_result(result)

    def dot(self, other: Any, out: Any = None) -> Any:
        return np.dot(self, other, out=out)

    def _tell(self, name: str, inputs: Any, result: Any, given: bool) -> None:
        """Of an operation that had `out` given, or made what it returns; one that asks for a shape is none."""
        made = _numbers(result)
        if Traced.tally is None or not made:
            return
        reads = sum({id(each): arrays(each, self.points) for each in leaves(inputs)}.values())
        writes = sum(arrays(each, self.points) for each in made)
        if given:
            Traced.tally.add(name, reads, writes, 0.0)
        elif any(np.shares_memory(plain(one), plain(each)) for one in made for each in _numbers(inputs)):
            Traced.tally.add(f"{name} (a view)", 0.0, 0.0, 0.0)
        else:
            Traced.tally.add(name, reads, writes, writes)


def arrays(value: Any, points: int) -> float:
    """How many arrays of N a value is; 0 of what is no array."""
    return arrays_of(value.size, points) if isinstance(value, np.ndarray) else 0.0


def operations(driver: Callable[[Any, Any], Any], fit: Any) -> Iteration:
    """driver: (inputs, target) -> a loop over steps, as the fit has one."""
    _register()
    run = driver(_traced(fit.inputs), _traced(fit.target))
    state, _ = run(_traced(fit.state), 1)
    Traced.points, Traced.tally = fit.problem.points, Tally()
    try:
        run(state, STEPS)
        return Traced.tally.iteration(KIND, STEPS)
    finally:
        Traced.tally = None


def _register() -> None:
    """HIPS autograd boxes only types that it knows."""
    if "autograd" in sys.modules:
        from autograd.numpy.numpy_boxes import ArrayBox
        from autograd.numpy.numpy_vspaces import ArrayVSpace

        ArrayBox.register(Traced)
        ArrayVSpace.register(Traced)


def mapped(value: Any, change: Callable[[Any], Any], kinds: Any = np.ndarray) -> Any:
    """Nested values with their arrays changed, or what is of other kinds."""
    if isinstance(value, kinds):
        return change(value)
    if isinstance(value, Mapping):
        return {name: mapped(each, change, kinds) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        parts = [mapped(each, change, kinds) for each in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    if hasattr(value, "__dict__") and not callable(value) and not isinstance(value, np.generic):
        changed = copy.copy(value)
        for name, each in vars(value).items():
            object.__setattr__(changed, name, mapped(each, change, kinds))
        return changed
    return value


def _traced(value: Any) -> Any:
    return mapped(value, lambda array: array.view(Traced))


def _traced_result(value: Any) -> Any:
    return _traced(value) if isinstance(value, (np.ndarray, list, tuple)) else value


def plain(value: Any) -> Any:
    """Nested values with arrays that tell nothing."""
    return (
        mapped(value, lambda array: array.view(np.ndarray))
        if isinstance(value, (np.ndarray, list, tuple, dict))
        else value
    )


def leaves(value: Any) -> list[Any]:
    """What nested lists and tuples hold in the end."""
    if isinstance(value, (list, tuple)):
        return [leaf for each in value for leaf in leaves(each)]
    return [value]


def _numbers(value: Any) -> list[Any]:
    """The arrays and numbers of floating point in it."""
    return [each for each in leaves(value) if isinstance(each, (np.ndarray, np.floating))]
