"""The model is a layer, Linear(3 -> 1) on (x, x^2, x^3), and the loss is the library's."""

from impls.variant import CUBIC, GradientDescent, Variant, linear_layer

VARIANT = Variant(
    rung=4,
    shows="the model is a layer",
    model=CUBIC,
    start=linear_layer,
    optimiser=GradientDescent(rate=1e-6),
    lanes=dict.fromkeys("bcd", 1),
)
