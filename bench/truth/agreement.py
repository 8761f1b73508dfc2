"""How well a fit agrees with the oracle, as a record keeps it."""

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

Share = Annotated[float, Meta(ge=0, le=1e300)]
Step = Annotated[int, Meta(ge=0, le=2**53)]


@dataclass(frozen=True)
class Agreement:
    """How well a fit agrees with the oracle."""

    kind: Annotated[str, Meta(max_length=100, description="`trajectory`, or `trajectory, then replay`")]
    horizon: Annotated[Step, Meta(description="the step up to which coefficients and loss match the exact trajectory")]
    replayed: Annotated[
        Step,
        Meta(
            description="checkpoints beyond, at each of which one step from the backend's own state matches the exact"
            " one"
        ),
    ]
    worst_error: Annotated[Share, Meta(description="relative: to the largest coefficient of that step, or to the loss")]
    worst_step: Annotated[Step, Meta(description="where that was")]
    worst_name: Annotated[str, Meta(max_length=100, description="what it was of")]
    digits: Annotated[float, Meta(ge=-400, le=400, description="-log10 of `worst_error`")]
    bound_fraction: Annotated[Share, Meta(description="the largest error in units of its own bound")]
    largest_bound: Annotated[Share, Meta(description="the largest of the bounds, relative")]
    excess_loss: Annotated[
        float,
        Meta(
            ge=-1e300,
            le=1e300,
            description="what the exact loss of the last coefficients has above the least one",
        ),
    ]
