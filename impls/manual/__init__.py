"""The gradient is derived by hand; no autodiff."""

from impls.variant import CUBIC, GradientDescent, Variant, standard_normals

VARIANT = Variant(
    rung=1,
    shows="gradient derived by hand",
    model=CUBIC,
    start=standard_normals,
    optimiser=GradientDescent(rate=1e-6),
)
