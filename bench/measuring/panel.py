"""The controls of a group's turns: when they run, and what they last took."""

from collections.abc import Callable, Sequence
from random import Random

from bench.support.controls import CONTROLS
from bench.workers.process import WorkerError

MOST_SHARE = 0.2  # of the time of a group's turns, so that they tell of the machine and cost little


class Panel:
    """What the controls say in each turn: all of them, between the rounds, in a new order.

    ask: what a worker takes for some of them, in seconds; it may raise WorkerError. Where turns are short, for few
    backends or fits of few steps, a turn may go without, and is told what they took last: latest, by name, None where
    that failed.
    """

    def __init__(self, ask: Callable[[Sequence[str]], list[float]], random: Random) -> None:
        self._ask, self._random = ask, random
        self.latest: dict[str, float | None] = {}
        self._due: list[str] = []
        self._spent = self._passed = 0.0

    def begin(self, places: int) -> None:
        """A turn of so many rounds begins."""
        self._places = places
        rest = self._spent <= MOST_SHARE * self._passed
        self._due = self._random.sample(CONTROLS, len(CONTROLS)) if rest or not self.latest else []

    def measure(self, place: int) -> None:
        """Before the round at this place: its share of the controls."""
        first, last = (at * len(self._due) // self._places for at in (place, place + 1))
        if names := self._due[first:last]:
            try:
                seconds: Sequence[float | None] = self._ask(names)
            except WorkerError:  # rounds are sound without, but nobody knows the machine then
                seconds = [None] * len(names)
            self.latest |= dict(zip(names, seconds, strict=True))

    def end(self, seconds: float) -> None:
        """The turn is over; its rounds took so long."""
        spent = sum(self.latest[name] or 0.0 for name in self._due)
        self._spent += spent
        self._passed += spent + seconds
