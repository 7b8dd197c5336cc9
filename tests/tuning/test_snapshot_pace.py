"""When snapshots are taken: often where they cost little, and under 5 % of training where they cost much."""

from benchmark.progress.events import Event, listen
from benchmark.tuning.snapshots import Pace


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def work(self, seconds: float) -> None:
        self.now += seconds


def taken(seconds: float, cost: float, steps: int, step: float = 1.0) -> tuple[int, Clock]:
    """Return how many snapshots steps of so many seconds take, and the clock behind them."""
    clock, number = Clock(), 0
    pace = Pace(seconds, clock)
    for _ in range(steps):
        clock.work(step)
        if pace.is_due():
            pace.take(lambda: clock.work(cost))
            number += 1
    return number, clock


def test_cheap_ones_come_as_often_as_asked_for() -> None:
    number, _ = taken(60, cost=0.5, steps=3600)
    assert number == 60


def test_dear_ones_take_under_five_percent_and_say_when_the_next_comes() -> None:
    heard: list[Event] = []
    listen(heard.append)
    number, clock = taken(60, cost=30, steps=7200)
    assert number == 1 + (7200 - 60) // 600
    assert 30 * number / clock.now < 0.05
    [event] = heard
    assert event.detail == "one took 30 s, so the next comes in 600 s: under 5 % of training"


def test_with_no_seconds_between_them_one_is_taken_after_each_step() -> None:
    number, _ = taken(0, cost=30, steps=5)
    assert number == 5
