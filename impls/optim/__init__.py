"""The library's optimiser, RMSprop, steps the same layer as in `nn`."""

from impls.variant import CUBIC, RMSprop, Variant, linear_layer

VARIANT = Variant(
    rung=5,
    shows="the library's optimiser steps the layer",
    model=CUBIC,
    start=linear_layer,
    optimiser=RMSprop(rate=1e-3, smoothing=0.99, eps=1e-8),
    lanes=dict.fromkeys("bcd", 1),
)
