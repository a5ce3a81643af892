"""register: everything before in; a bundle in the model registry out, champion only if the gate lets it through."""

from nnops.files import read_json, write_json
from nnops.pipeline.job import Job, execute
from nnops.registry.bundle import Sources, write_bundle
from nnops.registry.card import build_card, read_figures, write_card
from nnops.registry.gate import judge
from nnops.registry.mlmodel import describe
from nnops.registry.store import Registry
from nnops.reproduce.reproduce import numbers_of


def main(job: Job) -> None:
    """Bundle the chosen variant, judge it by ``params.register.gate`` and publish it."""
    sources = Sources(*(job.folder(stage) for stage in ("prepare", "train", "evaluate", "compress")))
    bundle = write_bundle(job.fresh_out() / "bundle", job.params, sources)
    numbers = read_json(sources.evaluate / "metrics.json") | read_json(sources.compress / "metrics.json")
    numbers |= numbers_of(job.params.register_.gate, job.params, job.root)
    verdict = judge(job.params.register_.gate, numbers, bundle.variant)
    write_json(job.out / "verdict.json", verdict.to_json())
    card = build_card(bundle, verdict.to_json(), read_figures(sources.evaluate / "figures"))
    files = write_card(job.out, card)

    uid = read_json(sources.train / "model.json")["fingerprint"]
    run = job.track(uid, job.prepared())
    run.tag({"gate": "passed" if verdict.passed else "refused", "bundle": bundle.hash})
    run.note(describe(bundle, verdict))
    job.finish(wait_s=30)
    published = Registry(job.params, job.root).publish(bundle, verdict, uid, job.code(), files)
    print(f"register: {published.version.reference} {published.note}")
    verdict.check()


if __name__ == "__main__":
    raise SystemExit(execute("register", main))
