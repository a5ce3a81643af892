"""train: prepared data in; weights and their history out. A killed training goes on from its last checkpoint."""

from nnops.pipeline.job import Job, execute
from nnops.report import Report
from nnops.training.artifact import write_model
from nnops.training.checkpoint import Checkpoints
from nnops.training.train import name_result, train


def main(job: Job) -> None:
    """Train the model that ``params.model`` names."""
    data = job.prepared()
    uid = name_result(job.params, data)
    run = job.track(uid, data)
    run.file(data.folder / "report.png", "data")
    run.file(data.folder / "report.json", "data")
    checkpoints = job.private / "checkpoints" / uid[:16]

    def report(moment: Report) -> bool:
        run.log(moment.epoch, moment.metrics)
        job.owner.check_sometimes()
        return True

    trained = train(job.params, data, report=report, checkpoints=checkpoints)
    record = write_model(job.fresh_out(), trained, job.params, data)
    Checkpoints(checkpoints).clear()

    run.tag({"nnops.weights_sha256": record["weights_sha256"]})
    run.numbers({"best_epoch": record["best_epoch"], **{f"best/{k}": v for k, v in record["val"].items()}})
    prepare_s = job.recall_seconds("prepare", data.hash)
    if prepare_s is not None:
        run.numbers({"seconds/prepare": prepare_s})
    for name in ("model.json", "model.safetensors", "history.csv"):
        run.file(job.out / name, "train")
    best = ", ".join(f"{name} {value:.4g}" for name, value in record["val"].items())
    print(f"train: {record['epochs']} epochs, best {record['best_epoch']} ({best}) -> {job.out}")


if __name__ == "__main__":
    raise SystemExit(execute("train", main))
