"""A probe: a moment of real training, to know what a trial costs before a sweep starts."""

import math
from dataclasses import dataclass, field

from nnops.data.prepared import Prepared, SplitName, Tensors
from nnops.errors import NnopsError
from nnops.params import overlay
from nnops.report import Report
from nnops.sweep.ready import Ready
from nnops.sweep.samplers.base import propose
from nnops.sweep.samplers.random import Random
from nnops.sweep.trial import as_it_was

#: Steps of an epoch that are really taken; a longer epoch is reckoned from them.
STEPS = 60
#: Configs that are tried where the space changes how much work a trial is.
CONFIGS = 3
#: Keys that leave the work of a step as it is.
SAME_WORK = ("train.optimizer.options.", "train.schedule.", "loss.options.", "seed", "model.options.dropout")


@dataclass(frozen=True)
class Probe:
    """What a moment of training showed.

    Attributes:
        epoch_s: Seconds of one epoch, validation included, on average over configs.
        weights_bytes: Bytes of a model's weights, the largest seen.
        data_bytes: Bytes of the train and val tensors.
    """

    epoch_s: float
    weights_bytes: int
    data_bytes: int


@dataclass(frozen=True)
class _Part(Prepared):
    """The first rows of prepared data, as a share of each split."""

    share: float = 1.0
    kept: dict[tuple[SplitName, str], Tensors] = field(default_factory=dict, compare=False)

    def tensors(self, split: SplitName, device: str = "cpu") -> Tensors:
        if (split, device) not in self.kept:
            whole = super().tensors(split, device)
            rows = max(1, math.ceil(len(whole) * self.share))
            self.kept[split, device] = Tensors(tuple(each[:rows] for each in whole.inputs), whole.target[:rows])
        return self.kept[split, device]


def probe(ready: Ready) -> Probe:
    """Train two epochs, or the beginning of them, of a few configs of the space.

    Raises:
        NnopsError: No config that was drawn can be trained.
    """
    import logging

    import optuna

    from nnops.training.train import train

    logging.getLogger("optuna").setLevel(logging.WARNING)

    steps = math.ceil(ready.data.rows("train") / ready.params.train.batch_size)
    share = min(1.0, STEPS / steps)
    data = _Part(ready.data.folder, ready.data.schema, share)
    same = all(key.startswith(SAME_WORK) for key in ready.space.by_key)
    scratch = optuna.create_study(sampler=optuna.samplers.RandomSampler())
    seconds: list[float] = []
    weights = 0
    trouble: NnopsError | None = None
    for number in range(1 if same else CONFIGS):
        config, _, _ = propose(Random(), scratch, ready.space, ready.params.seed, number)
        times: list[float] = []

        def report(moment: Report, times: list[float] = times) -> bool:
            times.append(moment.seconds)
            return len(times) < 2

        try:
            with as_it_was():
                trained = train(overlay(ready.params, config), data, report=report, monitor=(ready.objective.metric,))
        except NnopsError as error:
            trouble = error
            continue
        weights = max(weights, sum(each.numel() * each.element_size() for each in trained.weights.values()))
        # The first epoch pays for what torch sets up once.
        seconds.append(min(times) / share)
    if not seconds:
        raise trouble or NnopsError("nothing could be trained.")
    size = sum(each.nbytes for split in ("train", "val") for each in ready.data.arrays(split).values())
    return Probe(sum(seconds) / len(seconds), weights, size * (4 if ready.data.spec.image else 1))
