"""A sweep made ready: everything that params say of it, judged before anything starts."""

from dataclasses import dataclass
from pathlib import Path

from nnops.data.prepared import Prepared
from nnops.errors import DataError, ParamsError
from nnops.files import read_json
from nnops.params import Params
from nnops.sweep.budget import Limits
from nnops.sweep.check import check_networks, check_space
from nnops.sweep.constraint import Constraint, parse_constraints
from nnops.sweep.measure import Direction, known_measures
from nnops.sweep.objective import Objective
from nnops.sweep.pruners import PRUNERS
from nnops.sweep.pruners.base import Pruner
from nnops.sweep.samplers.auto import chosen
from nnops.sweep.samplers.base import Sampler
from nnops.sweep.scale import Scale
from nnops.sweep.share import must_see, publish
from nnops.sweep.space import Space
from nnops.sweep.trial import Bench, data_cache
from nnops.training.phases import phases


@dataclass(frozen=True)
class Ready:
    """A sweep whose params hold.

    Attributes:
        params: The whole of params.yaml.
        root: The project's folder.
        space: What is tuned.
        objectives: What is optimised; pruners judge by the first.
        constraints: What a trial must keep to.
        sampler: What proposes.
        pruner: What stops.
        data: The prepared data that untuned params stand for.
    """

    params: Params
    root: Path
    space: Space
    objectives: tuple[Objective, ...]
    constraints: tuple[Constraint, ...]
    sampler: Sampler
    pruner: Pruner
    data: Prepared

    @property
    def objective(self) -> Objective:
        """The first objective."""
        return self.objectives[0]

    @property
    def epochs(self) -> int:
        """The full fidelity; where it is tuned, the longest."""
        return Scale.of(self.params, self.space).full

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

    @property
    def tunes_data(self) -> bool:
        """Whether trials prepare data of their own, from the project's folder."""
        return any(key.startswith("data.") for key in self.space.by_key)

    def bench(self, checkpoints: str, folder: Path) -> Bench:
        """What workers share of a study.

        Args:
            checkpoints: The folder or S3 address where its trials keep their checkpoints.
            folder: The study's own.
        """
        shared = self.params.sweep.shared
        data = None if self.tunes_data else publish(self.data, shared)
        return Bench(
            params=self.params.record(),
            root=str(self.root.absolute()),
            data=data,
            checkpoints=checkpoints,
            metric=self.objective.metric,
            direction=self.objective.direction,
            measures=tuple(dict.fromkeys(each.metric for each in (*self.objectives[1:], *self.constraints))),
            constraints=tuple(map(str, self.constraints)),
            sees=must_see(shared, checkpoints, folder, data, self.root),
        )


def get_ready(params: Params, root: Path) -> Ready:
    """Judge what params say of a sweep, and find or prepare its data; networks are judged by :meth:`Ready.build_all`.

    Raises:
        InputError: The first fault, with its key and what to write instead.
    """
    sweep = params.sweep
    if params.train.folds is not None:
        raise ParamsError(
            "params.yaml: train.folds: a trial of a sweep is one network; remove it, and write it again once the best"
            " trial is applied."
        )
    if params.train.ensemble:
        raise ParamsError(
            "params.yaml: train.ensemble: a trial of a sweep is one network; remove it, and make an ensemble of the"
            " best trials with 'nnops sweep apply NAME --ensemble 5'."
        )
    phases(params)
    space = Space.parse(sweep.space)
    sampler = chosen(params).sampler
    pruner = PRUNERS.build(sweep.pruner.name, sweep.pruner.options, where="sweep.pruner")
    check_space(space, params)
    sampler.fits(params)
    sampler.limit(space)
    sampler.check(space, len(sweep.objectives))
    data = find_data(params, root)

    def known() -> dict[str, Direction]:
        return known_measures(params, data)

    objectives = Objective.several(sweep.objectives, data.spec.task, known)
    constraints = parse_constraints(sweep.constraints, known() if sweep.constraints else ())
    ready = Ready(params, root, space, objectives, constraints, sampler, pruner, data)
    pruner.check(ready.epochs)
    Limits.of(sweep.budget).check(sweep.resources.share)
    if sweep.repeats is not None and "seed" in space.by_key:
        raise ParamsError(
            "params.yaml: sweep.repeats trains under further seeds, but sweep.space tunes the seed; leave one out."
        )
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
