"""The parallel implementations: one folder a variant, the files of the frameworks side by side.

`<variant>/__init__.py` states the variant as data (`VARIANT`); `<variant>/<framework>_fit.py` writes it in one
framework. Every such file defines the same functions, in this order, and only those that its idea needs:

    features(x)                        -> inputs; what does not change from step to step, from x of shape (N,)
    init(start, rate)                  -> state; start is four scalars (a, b, c, d) on the device
    forward(...)                       -> prediction of shape (N,)
    loss(...)                          -> the sum of squared residuals, a scalar
    backward(...)                      -> gradients, where they are derived by hand
    update(...)                        -> the next parameters
    step(state, inputs, target, rate)  -> (next state, loss before the update)
    coefficients(state)                -> (a, b, c, d), four scalars
    second_moments(state)              -> four scalars, where the optimiser keeps them

Nothing here times, converts, checks or reports.
"""

import importlib
import pkgutil

from impls.variant import Variant


def variants() -> dict[str, Variant]:
    """Every variant by name, in the order in which they teach: each folder of this package is one."""
    found: dict[str, Variant] = {}
    for _, name, is_package in pkgutil.iter_modules(__path__):
        if is_package:
            variant = getattr(importlib.import_module(f"impls.{name}"), "VARIANT", None)
            if not isinstance(variant, Variant):
                raise TypeError(f"impls/{name}/__init__.py: its VARIANT is {variant!r}; expected a Variant")
            found[name] = variant
    return dict(sorted(found.items(), key=lambda item: (item[1].rung, item[0])))
