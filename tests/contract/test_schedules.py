"""What every schedule promises, for all of its examples, with and without a warm-up."""

from itertools import pairwise

import pytest

from nnops.training.schedule import SCHEDULES

CASES = [
    pytest.param(schedule, id=f"{name}-{place}")
    for name in SCHEDULES.names()
    for place, schedule in enumerate(SCHEDULES.load(name).examples())
]


def factors(schedule, epochs=10, steps_per_epoch=5):
    return [schedule.factor(step, steps_per_epoch, epochs) for step in range(epochs * steps_per_epoch)]


@pytest.mark.parametrize("schedule", CASES)
@pytest.mark.parametrize("warmup_epochs", [0.0, 0.5, 2.0, 10.0, 50.0])
def test_stays_between_zero_and_one(schedule, warmup_epochs):
    rates = factors(schedule.model_copy(update={"warmup_epochs": warmup_epochs}))
    assert all(0 < rate <= 1 for rate in rates)


@pytest.mark.parametrize("schedule", CASES)
@pytest.mark.parametrize("warmup_epochs", [0.5, 2.0, 10.0])
def test_rises_evenly_during_the_warmup(schedule, warmup_epochs):
    rates = factors(schedule.model_copy(update={"warmup_epochs": warmup_epochs}))
    rising = rates[: int(warmup_epochs * 5)]
    steps = [b - a for a, b in pairwise(rising)]
    assert all(step == pytest.approx(steps[0]) and step > 0 for step in steps)
    assert rising[0] == pytest.approx(1 / (warmup_epochs * 5 + 1))


@pytest.mark.parametrize("schedule", CASES)
def test_starts_at_the_full_rate_without_a_warmup(schedule):
    assert schedule.model_copy(update={"warmup_epochs": 0.0}).factor(0, 5, 10) == 1


@pytest.mark.parametrize("schedule", CASES)
def test_knows_the_past_from_the_step_alone(schedule):
    whole = factors(schedule)
    assert [schedule.factor(step, 5, 10) for step in (37, 2, 11)] == [whole[37], whole[2], whole[11]]
