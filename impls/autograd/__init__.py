"""The framework differentiates the loss."""

from impls.variant import CUBIC, GradientDescent, Variant, standard_normals

VARIANT = Variant(
    rung=2,
    shows="the framework differentiates the loss",
    model=CUBIC,
    start=standard_normals,
    optimiser=GradientDescent(rate=1e-6),
)
