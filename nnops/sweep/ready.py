"""A sweep made ready: everything that params say of it, judged before anything starts."""

from dataclasses import dataclass
from pathlib import Path

from nnops.data.prepared import Prepared
from nnops.errors import DataError
from nnops.files import read_json
from nnops.params import Params
from nnops.sweep.check import check_networks, check_space
from nnops.sweep.objective import Objective
from nnops.sweep.pruners import PRUNERS
from nnops.sweep.pruners.base import Pruner
from nnops.sweep.samplers import SAMPLERS
from nnops.sweep.samplers.base import Sampler
from nnops.sweep.space import Space
from nnops.sweep.trial import Bench, data_cache


@dataclass(frozen=True)
class Ready:
    """A sweep whose params hold.

    Attributes:
        params: The whole of params.yaml.
        root: The project's folder.
        space: What is tuned.
        objective: What is optimised.
        sampler: What proposes.
        pruner: What stops.
        data: The prepared data that untuned params stand for.
    """

    params: Params
    root: Path
    space: Space
    objective: Objective
    sampler: Sampler
    pruner: Pruner
    data: Prepared

    @property
    def epochs(self) -> int:
        """The full fidelity; where it is tuned, the smallest."""
        tuned = self.space.by_key.get("train.epochs")
        return min(tuned.extremes()) if tuned else self.params.train.epochs

    @property
    def budget(self) -> int:
        """Trials in all: what params allow or what there is to try."""
        limit = self.sampler.limit(self.space)
        return min(self.params.sweep.budget.trials, limit) if limit is not None else self.params.sweep.budget.trials

    def build_all(self) -> None:
        """Build every kind of network in the space once, without memory; this loads torch.

        Raises:
            ParamsError: One cannot be built for the data.
        """
        check_networks(self.space, self.params, self.data.spec)

    def bench(self, folder: Path) -> Bench:
        """What workers of the study in ``folder`` share."""
        tuned = any(key.startswith("data.") for key in self.space.by_key)
        return Bench(
            params=self.params.record(),
            root=str(self.root.absolute()),
            data=None if tuned else str(self.data.folder.absolute()),
            checkpoints=str((folder / "checkpoints").absolute()),
            metric=self.objective.metric,
        )


def get_ready(params: Params, root: Path) -> Ready:
    """Judge what params say of a sweep, and find or prepare its data; networks are judged by :meth:`Ready.build_all`.

    Raises:
        InputError: The first fault, with its key and what to write instead.
    """
    sweep = params.sweep
    space = Space.parse(sweep.space)
    sampler = SAMPLERS.build(sweep.sampler.name, sweep.sampler.options, where="sweep.sampler")
    pruner = PRUNERS.build(sweep.pruner.name, sweep.pruner.options, where="sweep.pruner")
    check_space(space, params)
    sampler.limit(space)
    data = find_data(params, root)
    objective = Objective.of(sweep.objective, data.spec.task)
    ready = Ready(params, root, space, objective, sampler, pruner, data)
    pruner.check(ready.epochs)
    return ready


def find_data(params: Params, root: Path) -> Prepared:
    """The prepared data of the pipeline where they are of these params, else of the cache, made now if need be.

    The prepare stage notes in ``.nnops/prepared.json`` what its output was made from.
    """
    from nnops.data.prepare import cached, data_fingerprint

    note = root / ".nnops" / "prepared.json"
    if note.exists() and read_json(note).get("fingerprint") == data_fingerprint(params, root):
        try:
            data = Prepared.open(root / "artifacts" / "prepare")
        except DataError:
            return cached(params, root, data_cache(root))
        if data.hash == read_json(note)["hash"]:
            return data
    return cached(params, root, data_cache(root))
