"""The step of `manual`, written for speed in each framework: what each can do, not how one would write it first."""

from impls.variant import CUBIC, GradientDescent, Variant, standard_normals

VARIANT = Variant(
    rung=6,
    shows="the step of manual, written for speed",
    model=CUBIC,
    start=standard_normals,
    optimiser=GradientDescent(rate=1e-6),
    lanes={"a": 16, "b": 16, "c": 16, "d": 16},
)
