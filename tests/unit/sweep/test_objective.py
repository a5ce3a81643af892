import pytest

from nnops.errors import ParamsError
from nnops.params import SweepObjective
from nnops.sweep.objective import Objective


def test_losses_and_metrics_of_the_task() -> None:
    assert Objective.of(SweepObjective(metric="val_loss"), "regression").loss(2.0) == 2.0
    accuracy = Objective.of(SweepObjective(metric="val_accuracy", direction="maximize"), "binary")
    assert accuracy.loss(0.9) == -0.9
    assert accuracy.value({"val_accuracy": 0.5, "val_loss": 1.0}) == 0.5


@pytest.mark.parametrize(
    ("metric", "direction", "task", "says"),
    [
        ("val_rmse", "minimize", "multiclass", "does not fit the task multiclass"),
        ("val_accuracy", "maximize", "regression", "does not fit the task regression"),
        ("test_accuracy", "maximize", "binary", "not measured after each epoch; did you mean 'val_accuracy'?"),
        ("accuracy", "maximize", "binary", "did you mean 'val_accuracy'?"),
        ("val_acuracy", "maximize", "binary", "did you mean 'val_accuracy'?"),
        ("val_accuracy", "minimize", "binary", "write direction: maximize"),
        ("val_loss", "maximize", "binary", "write direction: minimize"),
    ],
)
def test_a_bad_objective_is_answered_in_one_sentence(metric: str, direction: str, task: str, says: str) -> None:
    with pytest.raises(ParamsError) as error:
        Objective.of(SweepObjective(metric=metric, direction=direction), task)  # type: ignore[arg-type]
    assert says in str(error.value)
    assert "sweep.objective" in str(error.value)
