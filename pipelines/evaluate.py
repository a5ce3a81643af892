"""evaluate: a trained model in; its numbers on rows it never saw, beside baselines, with figures out."""

from nnops.evaluation.artifact import write_scorecard
from nnops.evaluation.evaluate import evaluate
from nnops.pipeline.job import Job, execute
from nnops.training.artifact import read_model


def main(job: Job) -> None:
    """Measure the model as ``params.evaluate`` says."""
    data = job.prepared()
    model = read_model(job.folder("train"))
    run = job.track(model.record["fingerprint"], data)
    scorecard = evaluate(model, data, job.params)
    write_scorecard(job.fresh_out(), scorecard, job.folder("train") / "history.csv")

    run.numbers(scorecard.metrics())
    for path in sorted(job.out.rglob("*")):
        if path.is_file():
            run.file(path, "evaluate" if path.parent == job.out else f"evaluate/{path.parent.name}")
    for line in (scorecard.sentence(), *scorecard.remarks()):
        print(f"evaluate: {line}")


if __name__ == "__main__":
    raise SystemExit(execute("evaluate", main))
