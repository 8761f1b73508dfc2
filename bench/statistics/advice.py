"""Which backend costs the least, of so many steps at a size: the question of `python -m bench.advise`, answered."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.cases.case import Case
from bench.records.record import MEASURED, Record, Run
from bench.statistics.cold_start import EMPTY, STEADY, WARM
from bench.statistics.cost import Cost, costs
from bench.statistics.growth import FEWEST
from bench.statistics.intervals import Interval, quotient
from bench.statistics.model import fit
from bench.support.errors import InputError
from bench.support.words import counted

MANY = (10, 100, 1000)  # fits of one process


@dataclass(frozen=True)
class Question:
    """What so many fits cost in one process that begins in a state; STEADY is one that has made such fits before."""

    title: str
    state: str
    fits: int = 1


def questions(warm: bool) -> list[Question]:
    """The one that decides first; `warm`: whether caches are."""
    ones = [Question(f"fresh, {state} caches", state) for state in (EMPTY, WARM)]
    state = WARM if warm else EMPTY
    many = [Question(f"{fits} fits", state, fits) for fits in MANY]
    return [*ones[warm:], *ones[:warm], Question("one more", STEADY), *many]


@dataclass(frozen=True)
class Asked:
    """Of which cases: so many steps at a size, of some variants on a device, in a dtype."""

    points: int
    steps: int
    variants: tuple[str, ...]
    dtype: str
    device: str

    def about(self, case: Case) -> bool:
        """Whether it is a case of these, whatever its size."""
        return (case.device, case.dtype) == (self.device, self.dtype) and case.variant in self.variants


@dataclass(frozen=True)
class Row:
    """What a case is predicted to cost, by question, in seconds; alike: the same, to be compared with others that meet
    the machine in the same state; of those that are not predicted, the reason.
    """

    variant: str
    backend: str
    seconds: Mapping[Question, Interval]
    alike: Mapping[Question, Interval]
    reasons: Mapping[Question, str]


@dataclass(frozen=True)
class Best:
    """The cheapest of all rows, and the second: more is what that costs over the best, a ratio with its interval; None
    where there is no second.
    """

    row: Row
    second: Row | None
    more: Interval | None

    @property
    def told_apart(self) -> bool:
        """Whether the best is the best beyond the 95 % interval; also if it is the only one."""
        return self.more is None or self.more.low > 1


@dataclass(frozen=True)
class Advice:
    asked: Asked
    questions: Sequence[Question]
    rows: Sequence[Row]

    def best(self, question: Question) -> Best | None:
        """None where nothing is predicted."""
        known = sorted(
            (row for row in self.rows if question in row.seconds), key=lambda row: row.seconds[question].value
        )
        if not known:
            return None
        first, second = known[0], known[1] if len(known) > 1 else None
        more = None if second is None else quotient(first.alike[question], second.alike[question])
        return Best(first, second, more)


def enough(run: Run, asked: Asked) -> bool:
    """Whether anything can be predicted from a run: some case was timed at three sizes."""
    sizes: dict[tuple[str, str], int] = {}
    for case in filter(asked.about, run.measured):
        sizes[case.variant, case.backend] = sizes.get((case.variant, case.backend), 0) + 1
    return max(sizes.values(), default=0) >= FEWEST


def costs_of(runs: Sequence[Run], asked: Asked) -> list[Cost]:
    """Of the cases that are asked for, from runs of one machine. Raises InputError for a case that two runs timed."""
    timed = [(run, [one for case, one in run.measured.items() if asked.about(case)]) for run in runs]
    return costs([(run, fit(records)) for run, records in timed if records])


def advise(runs: Sequence[Run], asked: Asked, warm: bool = False) -> Advice:
    """The advice by runs of one machine. Raises InputError where they hold no such case at all."""
    about = [record for run in runs for case, record in run.by_case.items() if asked.about(case)]
    if not about:
        told = f"{', '.join(asked.variants)} in {asked.dtype} on {asked.device}"
        raise InputError(f"{told}: in none of the runs; they hold {', '.join(_held(runs))}")
    known = {(cost.case.variant, cost.case.backend): cost for cost in costs_of(runs, asked)}
    names = dict.fromkeys((one.case.variant, one.case.backend) for one in about)
    ordered = sorted(names, key=lambda name: asked.variants.index(name[0]))
    asks = questions(warm)
    rows = [
        _row(asked, asks, name, known.get(name), [one for one in about if (one.case.variant, one.case.backend) == name])
        for name in ordered
    ]
    return Advice(asked, asks, rows)


def _held(runs: Sequence[Run]) -> Iterator[str]:
    yield from dict.fromkeys(f"{case.variant} in {case.dtype} on {case.device}" for run in runs for case in run.by_case)


def _row(
    asked: Asked, asks: Sequence[Question], name: tuple[str, str], cost: Cost | None, records: Sequence[Record]
) -> Row:
    seconds, alike, reasons = {}, {}, {}
    for question in asks:
        if cost is None:
            reasons[question] = _why(records)
            continue
        about = (asked.points, asked.steps, question.state, question.fits)
        try:
            seconds[question], alike[question] = cost.predict(*about), cost.predict(*about, alike=True)
        except InputError as error:
            reasons[question] = str(error)
    return Row(*name, seconds, alike, reasons)


def _why(records: Sequence[Record]) -> str:
    """Why nothing is predicted of a case: its own reason, or too few sizes."""
    count = sum(one.outcome == MEASURED for one in records)
    reasons = dict.fromkeys(f"{one.outcome}: {one.reason}" for one in records if one.outcome != MEASURED and one.reason)
    if count and not reasons:
        return f"timed at {counted(count, 'size')}; {FEWEST} are needed"
    told = "; ".join(reasons) or "not timed"
    return f"timed at {count} of {len(records)} sizes; {told}" if count else told
