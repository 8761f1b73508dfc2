"""The library's optimiser, gradient descent with momentum, steps the layer of `nn`."""

from impls.variant import CUBIC, Momentum, Variant, linear_layer

VARIANT = Variant(
    rung=9,
    shows="momentum steps the layer",
    model=CUBIC,
    start=linear_layer,
    optimiser=Momentum(rate=1e-7, momentum=0.9),
    lanes=dict.fromkeys("bcd", 1),
)
