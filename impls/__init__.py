"""The parallel implementations: one folder a variant, the files of the frameworks side by side.

`<variant>/__init__.py` states the variant as data (`VARIANT`); `<variant>/<framework>_fit.py` writes it in one
framework. Every such file defines the same functions, in this order, and only those that its idea needs:

    features(x)                        -> inputs; what does not change from step to step, from x of shape (N,)
    init(start, rate)                  -> state; start is the parameters, scalars on the device
    forward(...)                       -> prediction of shape (N,)
    loss(...)                          -> the sum of squared residuals, a scalar
    backward(...)                      -> gradients, where they are derived by hand
    update(...)                        -> the next parameters
    step(state, inputs, target, rate)  -> (next state, loss before the update)
    coefficients(state)                -> the parameters, scalars in the order of the start
    second_moments(state)              -> a scalar a parameter, where the optimiser is RMSprop
    velocities(state)                  -> a scalar a parameter, where the optimiser is Momentum

It also states ARRAYS, how many arrays of N numbers a fit holds at its peak: see bench/cases/memory.py. A file that is
written for speed may ask more of whoever runs it, in words that are code as well:

    COMPILER_OPTIONS                   what the compiler is told, by the name of the option; every record has it
    pack(x, y)                         -> (inputs, target), in place of features: arrays that hold both
    unroll(points)                     -> how many steps one turn of the compiled loop makes, in torch-compile-loop
    loop(state, inputs, target, rate, steps) -> (state, loss); the whole loop, in place of the backend's
    read(inputs, target, times)        reads the data so many times and does no more: what no step can do without

Nothing here times, converts, checks or reports.
"""

import importlib
import pkgutil

from impls.variant import Variant


class VariantError(ValueError):
    """A folder that states no variant; the message names its file and says why, in one line."""


def variants() -> dict[str, Variant]:
    """Every variant by name, in the order in which they teach: each folder of this package is one.

    Raises VariantError.
    """
    found = {name: _variant(name) for _, name, is_package in pkgutil.iter_modules(__path__) if is_package}
    return dict(sorted(found.items(), key=lambda item: (item[1].rung, item[0])))


def _variant(name: str) -> Variant:
    file = f"impls/{name}/__init__.py"
    try:
        variant = getattr(importlib.import_module(f"impls.{name}"), "VARIANT", None)
    except Exception as error:  # whatever a file of a user's own may raise
        told = next(iter(str(error).splitlines()), "")
        raise VariantError(f"{file}: {type(error).__name__}: {told}") from error
    if not isinstance(variant, Variant):
        raise VariantError(f"{file}: its VARIANT is {variant!r:.100}; expected a Variant")
    return variant
