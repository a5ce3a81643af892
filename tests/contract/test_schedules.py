"""What every schedule promises, for all of its examples, with and without a warm-up."""

from itertools import pairwise

import pytest

from nnops.training.schedule import SCHEDULES

CASES = [
    pytest.param(schedule, id=f"{name}-{place}")
    for name in SCHEDULES.names()
    for place, schedule in enumerate(SCHEDULES.load(name).examples())
]
FROM_THE_TOP = [case for case in CASES if not case.values[0].rises]


def factors(schedule, epochs=10, steps_per_epoch=5):
    return [schedule.factor(step, steps_per_epoch, epochs) for step in range(epochs * steps_per_epoch)]


@pytest.mark.parametrize("schedule", CASES)
@pytest.mark.parametrize("warmup_epochs", [0.0, 0.5, 2.0, 10.0, 50.0])
def test_stays_between_zero_and_one(schedule, warmup_epochs):
    if not schedule.rises:
        schedule = schedule.model_copy(update={"warmup_epochs": warmup_epochs})
    rates = factors(schedule)
    assert all(0 < rate <= 1 for rate in rates)


@pytest.mark.parametrize("schedule", FROM_THE_TOP)
@pytest.mark.parametrize("warmup_epochs", [0.5, 2.0, 10.0])
def test_rises_evenly_during_the_warmup(schedule, warmup_epochs):
    rates = factors(schedule.model_copy(update={"warmup_epochs": warmup_epochs}))
    rising = rates[: int(warmup_epochs * 5)]
    steps = [b - a for a, b in pairwise(rising)]
    assert all(step == pytest.approx(steps[0]) and step > 0 for step in steps)
    assert rising[0] == pytest.approx(1 / (warmup_epochs * 5 + 1))


@pytest.mark.parametrize("schedule", FROM_THE_TOP)
def test_starts_at_the_full_rate_without_a_warmup(schedule):
    assert schedule.model_copy(update={"warmup_epochs": 0.0}).factor(0, 5, 10) == 1


@pytest.mark.parametrize("schedule", CASES)
def test_knows_the_past_from_the_step_alone(schedule):
    whole = factors(schedule)
    assert [schedule.factor(step, 5, 10) for step in (37, 2, 11)] == [whole[37], whole[2], whole[11]]


@pytest.mark.parametrize("schedule", CASES)
def test_reaches_the_full_rate(schedule):
    rates = factors(schedule, epochs=100, steps_per_epoch=20)
    assert max(rates) == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("schedule", [case for case in CASES if case.values[0].rises])
def test_one_that_rises_by_itself_refuses_a_warmup(schedule):
    with pytest.raises(ValueError, match="warmup_epochs must be 0 for a schedule that rises by itself"):
        type(schedule)(**(schedule.model_dump() | {"warmup_epochs": 1.0}))


@pytest.mark.parametrize("schedule", CASES)
def test_follows_nothing_or_declines_with_it(schedule):
    worse = [1.0] * 30
    if not schedule.follows:
        assert schedule.decline(worse, False) == 1
        return
    assert schedule.decline([], False) == schedule.decline([3.0, 2.0, 1.0], False) == 1
    falls = [schedule.decline(worse[:epoch], False) for epoch in range(len(worse))]
    assert all(0 < later <= earlier for earlier, later in pairwise(falls))
    assert falls[-1] < 1
