"""What a check of the advice found, for readers."""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import replace

from tabulate import tabulate

from bench.reporting import units
from bench.studies.advice import ENOUGH, NEAR, SHARE, Answer, Plan, Verdict, passes, verdicts

TITLES = ("points", "steps", "caches", "backend", "predicted", "real", "real / predicted")
POINTS = ("points", "steps", "caches", "named", "truly the best", "named / best", "")


def told(one: Answer) -> str:
    """A line of how it goes."""
    place = f"{one.backend}, {one.point.points} points, {one.point.steps} steps, {one.state} caches"
    return f"{place}: predicted {units.seconds(one.predicted)}, real {units.seconds(one.real)}"


def table(plan: Plan, found: Sequence[Answer]) -> str:
    """Two tables, of the predictions and of what was named by them, and whether both are good enough."""
    ordered = sorted(found, key=lambda one: (one.point.points, one.point.steps, one.state, one.predicted))
    align = ("right", "right", "left", "left", "right", "right", "right")
    predictions = tabulate(map(_prediction, ordered), TITLES, "github", colalign=align, disable_numparse=True)
    judged = verdicts(found)
    named = tabulate(map(_named, judged), POINTS, "github", disable_numparse=True)
    return "\n\n".join([predictions, named, "\n".join(_summary(plan, found, judged))])


def _prediction(one: Answer) -> list[str]:
    ratio = units.significant(one.real / one.predicted) + ("" if one.near else " !")
    seconds = [units.seconds(each) for each in (one.predicted, one.real)]
    return [str(one.point.points), str(one.point.steps), one.state, one.backend, *seconds, ratio]


def _named(one: Verdict) -> list[str]:
    place = [str(one.point.points), str(one.point.steps), one.state]
    return [*place, one.named, one.best, units.significant(one.more), "" if one.right else "!"]


def _summary(plan: Plan, found: Sequence[Answer], judged: Sequence[Verdict]) -> Iterator[str]:
    near, right = [one for one in found if one.near], [one for one in judged if one.right]
    yield f"within {100 * NEAR:.0f} %: {len(near)} of {len(found)} predictions"
    yield f"named the best, or within {100 * SHARE:.0f} % of it: {len(right)} of {len(judged)} points and states"
    yield f"{'passed' if passes(found) else 'not passed'}: {100 * ENOUGH:.0f} % of both are needed"
    beside = units.seconds(statistics.median(one.beside for one in found))
    not_counted = "Python's own start, fitbench's own imports, making the data and asking"
    yield f"not counted, {beside} of a process in the median: {not_counted}"
    if shared := sum(one.undisturbed < one.real for one in found):
        without = [replace(one, real=one.undisturbed) for one in found]
        near, right = [one for one in without if one.near], [one for one in verdicts(without) if one.right]
        yield (
            f"disturbed: {shared} of {len(found)} shared their core, which a run's figures leave out; by the CPU "
            f"seconds of their steps {len(near)} would be within, and {len(right)} named"
        )
    if plan.left_out:
        names = ", ".join(f"{cost.case.backend} at {point.points} x {point.steps}" for point, cost in plan.left_out)
        yield f"left out, as far from the cheapest and slow to make: {names}"
