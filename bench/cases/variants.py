"""The variants that this checkout has."""

import impls
from bench.support.errors import InputError
from impls.variant import Variant


def variants() -> dict[str, Variant]:
    """Every variant by name, in the order in which they teach. Raises InputError for a folder that states none."""
    try:
        return impls.variants()
    except impls.VariantError as error:
        raise InputError(str(error)) from None
