"""How well a fit agrees with the oracle, as a record keeps it."""

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

Share = Annotated[float, Meta(ge=0, le=1e300)]
Step = Annotated[int, Meta(ge=0, le=2**53)]


@dataclass(frozen=True)
class Agreement:
    """How well a fit agrees with the oracle.

    kind: "trajectory", or "trajectory, then replay": up to step `horizon` the coefficients and the loss match the exact
    trajectory; at later checkpoints, of which there are `replayed`, one step from the backend's own state matches the
    oracle's step from there. worst_error is relative, to the largest coefficient of that step or to the loss;
    digits is -log10 of it. bound_fraction is the largest error in units of its own bound. excess_loss: how much the
    exact loss of its last coefficients is above the least.
    """

    kind: Annotated[str, Meta(max_length=100)]
    horizon: Step
    replayed: Step
    worst_error: Share
    worst_step: Step
    worst_name: Annotated[str, Meta(max_length=100)]
    digits: Annotated[float, Meta(ge=-400, le=400)]
    bound_fraction: Share
    largest_bound: Share
    excess_loss: Annotated[float, Meta(ge=-1e300, le=1e300)]
