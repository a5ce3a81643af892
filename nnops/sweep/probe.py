"""A probe: a moment of real training, to know what a trial costs before a sweep starts."""

import math
from dataclasses import dataclass, field

from nnops.data.prepared import Prepared, SplitName, Tensors
from nnops.errors import NnopsError
from nnops.params import Limit, overlay
from nnops.report import Report
from nnops.sweep.footprint import MIB, Footprint, footprint, free_memory
from nnops.sweep.limit import Watch
from nnops.sweep.ready import Ready
from nnops.sweep.samplers.base import propose
from nnops.sweep.samplers.random import Random
from nnops.sweep.trial import as_it_was

#: Steps of an epoch that are really taken; a longer epoch is reckoned from them.
STEPS = 60
#: Configs that are tried where the space changes how much work a trial is, and so many are drawn for them at most.
CONFIGS, DRAWS = 3, 12
#: After an epoch of so many seconds no second one is needed to know what an epoch takes.
LONG_S = 3.0
#: Keys that leave the work of a step as it is.
SAME_WORK = ("train.optimizer.options.", "train.schedule.", "loss.options.", "seed", "model.options.dropout")


@dataclass(frozen=True)
class Probe:
    """What a moment of training showed.

    Attributes:
        epoch_s: Seconds of one epoch, validation included, on average over configs.
        weights_bytes: Bytes of the largest network's weights.
        data_bytes: Bytes of the train and val tensors.
        training_bytes: Bytes of the training that needs most memory and fits.
    """

    epoch_s: float
    weights_bytes: int
    data_bytes: int
    training_bytes: int


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


def begin(ready: Ready) -> Prepared:
    """The beginning of the data of a sweep, enough for some steps of its params' batches."""
    rows = ready.data.rows("train")
    steps = math.ceil(rows / ready.params.train.batch(rows))
    return _Part(ready.data.folder, ready.data.schema, min(1.0, STEPS / steps))


def probe(ready: Ready, found: list[Footprint]) -> Probe:
    """Train two epochs, or the beginning of them, of a few configs of the space that fit into memory.

    A config that takes longer than ``sweep.limit.time`` counts as one that cannot be trained.

    Args:
        ready: The sweep.
        found: What its networks need.

    Raises:
        NnopsError: No config that was drawn can be trained.
    """
    import logging

    import optuna

    from nnops.training.train import train

    logging.getLogger("optuna").setLevel(logging.WARNING)

    rows = ready.data.rows("train")
    steps = math.ceil(rows / ready.params.train.batch(rows))
    share = min(1.0, STEPS / steps)
    data = _Part(ready.data.folder, ready.data.schema, share)
    same = all(key.startswith(SAME_WORK) for key in ready.space.by_key)
    scratch = optuna.create_study(sampler=optuna.samplers.RandomSampler())
    seconds: list[float] = []
    limit = ready.params.sweep.limit.memory_mib
    # It trains in this process, wherever trials will run.
    most = min(free_memory(), limit * MIB if limit is not None else free_memory())
    fitting = [each for each in found if each.training_bytes <= most]
    watched = Limit(time=ready.params.sweep.limit.time)
    trouble: Exception | None = None
    for number in range(1 if same else DRAWS):
        config, _, _ = propose(Random(), scratch, ready.space, ready.params.seed, number)
        params = overlay(ready.params, config)
        if len(fitting) < len(found) and footprint(ready, params, config).training_bytes > most:
            continue
        times: list[float] = []

        def report(moment: Report, times: list[float] = times) -> bool:
            times.append(moment.seconds)
            return len(times) < 2 and moment.seconds < LONG_S

        try:
            with as_it_was(), Watch(watched, alone=False).over(report) as told:
                train(params, data, report=told, monitor=(ready.objective.metric,))
        except (NnopsError, MemoryError, RuntimeError, ValueError) as error:
            # A trial of it would fail, or be infeasible; the others may do well.
            trouble = error
            continue
        # The first epoch pays for what torch sets up once.
        seconds.append(min(times) / share)
        if len(seconds) == CONFIGS:
            break
    if not seconds:
        raise NnopsError(f"no config that was drawn could be trained: {trouble or 'none fits into memory.'}")
    size = sum(each.nbytes for split in ("train", "val") for each in ready.data.arrays(split).values())
    return Probe(
        sum(seconds) / len(seconds),
        max((each.weights_bytes for each in fitting), default=0),
        size * (4 if ready.data.spec.image else 1),
        max((each.training_bytes for each in fitting), default=0),
    )
