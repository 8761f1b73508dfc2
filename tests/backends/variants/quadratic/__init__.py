"""Another target and three parameters: a quadratic fitted to cos(x), the gradient derived by hand."""

import numpy as np

from impls.variant import GradientDescent, Variant, monomials, standard_normals

VARIANT = Variant(
    rung=7,
    shows="a quadratic fitted to cos(x)",
    model=monomials(2),
    target=np.cos,
    start=lambda seed: standard_normals(seed, 3),
    optimiser=GradientDescent(rate=1e-5),
)
