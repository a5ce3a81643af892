"""compress: a trained model in; smaller variants, what they cost and the one that is chosen out."""

from nnops.compression.compress import compress
from nnops.pipeline.job import Job, execute
from nnops.training.artifact import read_model


def main(job: Job) -> None:
    """Try the methods of ``params.compress``."""
    data = job.prepared()
    model = read_model(job.folder("train"))
    run = job.track(model.record["fingerprint"], data)
    compressed = compress(model, data, job.params, job.fresh_out(), job.root)

    run.numbers(compressed.numbers)
    run.tag({"variant": compressed.choice.variant})
    for path in sorted(job.out.iterdir()):
        run.file(path, "compress")
    print(f"compress: {compressed.sentence()} -> {job.out}")


if __name__ == "__main__":
    raise SystemExit(execute("compress", main))
