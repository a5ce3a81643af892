"""train: prepared data in; weights and their history out. A killed training goes on from its last checkpoint."""

from nnops import params as params_file
from nnops.data.prepared import Prepared
from nnops.evaluation.scorecard import shown
from nnops.listed import check_listed
from nnops.pipeline.job import Job, execute
from nnops.pipeline.teller import Teller
from nnops.report import Report
from nnops.training.artifact import write_model
from nnops.training.checkpoint import Checkpoints
from nnops.training.ensemble import members, train_model
from nnops.training.memory import settle_batch
from nnops.training.train import name_result, own_sources


def settle(job: Job, data: Prepared) -> None:
    """Find the batch size where params leave it to this machine.

    It decides the result, so it stands in params.yaml from then on, and all that follows takes the number.
    """
    if job.params.train.batch_size != "auto":
        return
    settled = settle_batch(job.params, data)
    job.params = params_file.write(job.root / params_file.FILE, {"train.batch_size": settled.rows})
    print(f"train: {settled.sentence()}; params.yaml says {settled.rows} from now on")


def main(job: Job) -> None:
    """Train the model that ``params.model`` names."""
    check_listed(own_sources(job.params), job.root, "train", job.params.record())
    data = job.prepared()
    settle(job, data)
    uid = name_result(job.params, data)
    run = job.track(uid, data)
    run.file(data.folder / "report.png", "data")
    run.file(data.folder / "report.json", "data")
    run.file(data.folder / "report.html", "data")
    checkpoints = job.private / "checkpoints" / uid[:16]

    teller = Teller(sum(member.train.epochs for member in members(job.params)))

    def report(moment: Report) -> bool:
        run.log(moment.epoch, moment.metrics)
        teller.take(moment)
        job.owner.check_sometimes()
        return True

    trained = train_model(job.params, data, report=report, checkpoints=checkpoints)
    record = write_model(job.fresh_out(), trained, job.params, data)
    Checkpoints(checkpoints).clear()

    run.tag({"nnops.weights_sha256": record["weights_sha256"]})
    run.numbers({"best_epoch": record["best_epoch"], **{f"best/{k}": v for k, v in record["val"].items()}})
    prepare_s = job.recall_seconds("prepare", data.hash)
    if prepare_s is not None:
        run.numbers({"seconds/prepare": prepare_s})
    for name in ("model.json", "model.safetensors", "history.csv"):
        run.file(job.out / name, "train")
    best = ", ".join(f"{name} {shown(value)}" for name, value in record["val"].items())
    made = f"{record['epochs']} epochs, best {record['best_epoch']} ({best}), weights {record['weights_sha256'][:12]}"
    print(f"train: {made} -> {job.out}")


if __name__ == "__main__":
    raise SystemExit(execute("train", main))
