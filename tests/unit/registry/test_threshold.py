"""A bundle answers by the threshold that was found, and asks for the column whose groups have their own."""

import pandas as pd
import pytest
import treated

from nnops.compression.compress import compress
from nnops.errors import DataError
from nnops.evaluation.evaluate import evaluate
from nnops.files import write_json
from nnops.registry.bundle import Bundle, Sources, write_bundle
from nnops.registry.gate import judge


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    project = treated.Treated(tmp_path_factory.mktemp("treated"))
    asked = {"by": "sex", "metric": "accuracy", "cost": 0.05}
    params = treated.params(
        evaluate={"metrics": ["accuracy"], "baselines": [], "intervals": {"samples": 0}, "threshold": asked},
        compress={"methods": []},
    )
    stages = project.root / "artifacts"
    card = evaluate(project.model, project.data, params)
    assert card.threshold is not None
    write_json(stages / "evaluate" / "metrics.json", card.metrics())
    write_json(stages / "evaluate" / "scorecard.json", card.to_json())
    write_json(stages / "evaluate" / "threshold.json", card.threshold.decision.to_json())
    compressed = compress(project.model, project.data, params, stages / "compress", project.root)
    numbers = compressed.numbers
    # The exported graph is the trained model, decided alike: so are its accuracy and its gaps.
    for name in ("accuracy", "equalized_odds_gap.sex"):
        assert numbers[f"onnx_fp32.test.{name}"] == pytest.approx(card.metrics()[f"test.{name}"], abs=0.01)
    assert judge(["equalized_odds_gap.sex <= 1", "accuracy_gap <= 1"], numbers, "onnx_fp32").passed
    sources = Sources(*(stages / name for name in ("prepare", "train", "evaluate", "compress")))
    return write_bundle(project.root / "bundle", params, sources)


def test_classes_are_told_by_the_threshold_of_the_group(bundle: Bundle) -> None:
    record = bundle.manifest["threshold"]
    assert record["by"] == "sex"
    rows = pd.DataFrame({"skill": [0.9] * 4, "age": 45, "sex": ["f", "m", "", "x"], "town": "Bonn"})
    answers = bundle.predict(rows)
    assert answers["p(yes)"].nunique() == 1
    limits = [record["thresholds"]["f"], record["thresholds"]["m"], record["threshold"], record["threshold"]]
    for skill in (-1.0, 0.3, 0.7, 1.1, 1.5):
        said = bundle.predict(rows.assign(skill=skill))
        expected = ["yes" if p > limit else "no" for p, limit in zip(said["p(yes)"], limits, strict=True)]
        assert said["class"].tolist() == expected


def test_the_column_must_be_there(bundle: Bundle) -> None:
    rows = pd.DataFrame({"skill": [0.9], "age": [45], "sexx": ["f"], "town": ["Bonn"]})
    with pytest.raises(DataError, match=r"must have the column 'sex', whose groups .*; is it 'sexx'\? Rename it\."):
        bundle.predict(rows)
    with pytest.raises(DataError, match="add it"):
        bundle.predict(rows.drop(columns="sexx"))


def test_mlflow_is_told_of_the_column(bundle: Bundle) -> None:
    from nnops.registry.mlmodel import _signature

    assert _signature(bundle).inputs.input_names() == ["skill", "age", "town", "sex"]
