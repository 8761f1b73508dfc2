"""Eight parameters: a polynomial of degree 7 as one matrix product."""

from impls.variant import GradientDescent, Variant, monomials, standard_normals

VARIANT = Variant(
    rung=8,
    shows="a polynomial of degree 7",
    model=monomials(7),
    start=lambda seed: standard_normals(seed, 8),
    optimiser=GradientDescent(rate=3e-10),
    lanes=dict.fromkeys("bcdefgh", 1),
)
