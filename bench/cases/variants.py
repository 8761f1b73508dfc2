"""The variants that this checkout has."""

import impls
from bench.cases.case import Case
from bench.support.errors import InputError
from impls.variant import Variant


def variants() -> dict[str, Variant]:
    """Every variant by name, in the order in which they teach. Raises InputError for a folder that states none."""
    try:
        return impls.variants()
    except impls.VariantError as error:
        raise InputError(str(error)) from None


def undetermined(case: Case) -> str | None:
    """Why a case has too few points for its variant's model, or None; also for a variant that this checkout lacks."""
    variant = variants().get(case.variant)
    if variant is None or case.points >= (fewest := variant.model.fewest_points):
        return None
    return f"{case.variant} has {fewest} coefficients, which {case.points} points do not determine"
