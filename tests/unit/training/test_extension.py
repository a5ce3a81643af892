"""Whether a longer training begins as a shorter one."""

import pytest
from small import SPECS, params

from nnops.training.extension import why_other
from nnops.training.schedule import SCHEDULES


@pytest.mark.parametrize("name", SCHEDULES.names())
def test_a_schedule_is_the_same_so_far_where_none_of_its_factors_differs(name: str) -> None:
    for example in SCHEDULES.load(name).examples():
        factors = [[example.factor(step, 5, epochs) for step in range(20)] for epochs in (4, 9)]
        schedule = {"name": name, "options": example.model_dump(mode="json")}
        why = why_other(params(train={"schedule": schedule}), 9, SPECS["mixed"], 150)
        assert (why is None) == (factors[0] == factors[1])
        assert why in (None, f"the schedule {name} depends on train.epochs")


def test_a_change_on_the_way_is_the_same_so_far_as_its_schedule_is() -> None:
    changes = [{"after": 2, "set": {"train.optimizer.options.lr": 0.1}}]
    assert why_other(params(train={"changes": changes}), 9, SPECS["mixed"], 150) is None
    cosine = {"name": "cosine"}
    assert why_other(params(train={"changes": changes, "schedule": cosine}), 9, SPECS["mixed"], 150) is not None
