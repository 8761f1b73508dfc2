"""What a file may hold: more than any run makes, and no more than a report can be made of in reasonable time."""

from typing import Annotated

from msgspec import Meta

from bench.cases.case import LONGEST

MOST_BYTES = 512 * 2**20  # of a file
MOST_CASES = 20_000  # of a run
MOST_ROUNDS = 1_000_000
MOST_STEPS = 100_000_000
MOST_PACKAGES = 10_000
LARGEST = 1e300  # coefficient or loss

Name = Annotated[str, Meta(max_length=LONGEST)]
Text = Annotated[str, Meta(max_length=2**17)]  # a reason, a variable: no system has longer ones
Count = Annotated[int, Meta(ge=0, le=2**53)]
Steps = Annotated[int, Meta(ge=0, le=MOST_STEPS)]
Seconds = Annotated[float, Meta(ge=0, le=1e9)]
Positive = Annotated[float, Meta(ge=1e-12, le=1e9)]  # seconds that something took
Value = Annotated[float, Meta(ge=-LARGEST, le=LARGEST)]  # of a coefficient, a loss
Clock = Annotated[float, Meta(ge=0, le=1e11)]  # seconds since 1970
Error = Annotated[float, Meta(ge=0, le=LARGEST)]
