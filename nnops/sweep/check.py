"""A space held against params: every key exists, and no component refuses a value that the space may try."""

from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING, Any

from nnops.catalog import Catalog, nearest
from nnops.data import READERS
from nnops.data.augmentations import AUGMENTATIONS
from nnops.errors import InputError, NnopsError, ParamsError
from nnops.losses import LOSSES
from nnops.models import MODELS
from nnops.params import Named, Params, flatten, overlay
from nnops.sweep.dimension import Dimension
from nnops.sweep.space import Config, Space

if TYPE_CHECKING:
    from nnops.batch import Spec

#: Sections whose keys change what a trial trains; tuning another one would change nothing.
TUNABLE = ("data", "loss", "model", "seed", "train")
#: Branches of a space that are tried; beyond them a component judges when the trial starts.
BRANCHES = 2000


def check_space(space: Space, params: Params) -> None:
    """Hold a space against params.

    Args:
        space: What is tuned.
        params: What it is laid over.

    Raises:
        ParamsError: A key that does not exist, with the nearest one, or a value that a component refuses.
    """
    _check_batch_size(space, params)
    if params.train.workers > 1 or "train.workers" in space.by_key:
        raise ParamsError(
            "params.yaml: train.workers: a trial trains in one process, and sweep.workers says how many trials train at"
            " once; write 1 for the time of the sweep."
        )
    known = known_keys(space, params)
    for dimension in space.dimensions:
        if dimension.key not in known:
            raise ParamsError(f"params.yaml: sweep.space.{dimension.key}: {_unknown_key(dimension.key, known, params)}")
        if dimension.key.partition(".")[0] not in TUNABLE:
            raise ParamsError(
                f"params.yaml: sweep.space.{dimension.key}: a trial reads the sections {', '.join(TUNABLE)} alone;"
                " tune a key of one of them."
            )
        _check_values(space, dimension, params)


def _check_batch_size(space: Space, params: Params) -> None:
    """All trials of a study are compared, so none may choose its batch size by the memory that it finds."""
    tuned = space.by_key.get("train.batch_size")
    if tuned is None and params.train.batch_size == "auto":
        raise ParamsError(
            "params.yaml: train.batch_size: auto is settled by the stage train, which writes the number that it finds;"
            " run 'dvc repro train' before a sweep, or tune it."
        )
    if tuned is not None and "auto" in tuned.choices:
        raise ParamsError(
            "params.yaml: sweep.space.train.batch_size may try 'auto', which depends on the machine; try numbers."
        )


def check_networks(space: Space, params: Params, spec: "Spec") -> None:
    """Build every kind of network in a space once, without memory.

    Raises:
        ParamsError: One cannot be built for data of this spec.
    """
    import torch

    tuned = [key for key in space.by_key if key.startswith("model.")]
    for branch in islice(space.branches(tuned), BRANCHES):
        laid = overlay(params, branch)
        try:
            with torch.device("meta"):
                MODELS.build(laid.model.name, laid.model.options, where="model").build(spec)
        except (NnopsError, ValueError, RuntimeError) as error:
            tries = ", ".join(f"{key}: {value!r}" for key, value in branch.items()) or f"model {laid.model.name}"
            reason = str(error).removeprefix("params.yaml: ")
            raise ParamsError(f"params.yaml: sweep.space may try {tries}, which cannot be built: {reason}") from error


def known_keys(space: Space, params: Params) -> set[str]:
    """All dotted keys that could be tuned, options of every component that params or the space name included."""
    known = set(flatten(params.record()))
    for place, catalog in catalogs().items():
        names = {named.name for named in [named_at(params, place)] if named}
        tuned = space.by_key.get(f"{place}.name")
        names |= {name for name in (tuned.choices if tuned else ()) if name in catalog.names()}
        known.add(f"{place}.name")
        for name in names:
            known |= {f"{place}.options.{field}" for field in catalog.load(name, place).model_fields}
    for place, one in enumerate(params.train.augment):
        if one.name in AUGMENTATIONS.names():
            fields = AUGMENTATIONS.load(one.name).model_fields
            known |= {f"train.augment.{place}.options.{field}" for field in fields}
    known |= {f"train.early_stopping.{field}" for field in ("metric", "patience", "min_delta")}
    return known


def _check_values(space: Space, dimension: Dimension, params: Params) -> None:
    place = next((place for place in catalogs() if dimension.key.startswith(f"{place}.")), None)
    component = f"{place}.name" if place else dimension.key
    keys = {dimension.key, component} & space.by_key.keys()
    for branch in islice(space.branches(keys - {dimension.key} | {key for key, _ in dimension.when}), BRANCHES):
        if not space.active(dimension, branch):
            continue
        for value in dimension.extremes():
            _try(space, dimension.key, params, branch | {dimension.key: value}, [place] if place else [])


def _try(space: Space, key: str, params: Params, config: Config, places: Iterable[str]) -> None:
    try:
        laid = overlay(params, config)
        for place in places:
            named = named_at(laid, place)
            if named is not None:
                catalogs()[place].build(named.name, named.options, where=place)
        for place, one in enumerate(laid.train.augment):
            AUGMENTATIONS.build(one.name, one.options, where=f"train.augment.{place}")
    except InputError as error:
        beside = ", ".join(f"{other}: {value!r}" for other, value in config.items() if other != key)
        tries = f"{config[key]!r}{' beside ' + beside if beside else ''}"
        raise ParamsError(
            f"params.yaml: sweep.space.{key} may try {tries}, which is refused:"
            f" {str(error).removeprefix('params.yaml: ')}{_condition_hint(space, key, config)}"
        ) from error


def _condition_hint(space: Space, key: str, config: Config) -> str:
    """What to write where an option belongs to some of the tuned components alone."""
    for place, catalog in catalogs().items():
        if key.startswith(f"{place}.options.") and config.get(f"{place}.name") in catalog.names():
            field = key.removeprefix(f"{place}.options.").partition(".")[0]
            names = space.by_key[f"{place}.name"].choices
            fitting = [name for name in names if field in catalog.load(name).model_fields]
            if fitting and config[f"{place}.name"] not in fitting:
                return f"; write when: {{{place}.name: {fitting[0] if len(fitting) == 1 else fitting}}}."
    return ""


def _unknown_key(key: str, known: set[str], params: Params) -> str:
    for place in catalogs():
        if key.startswith(f"{place}.options.") and named_at(params, place) is None:
            return f"params.yaml leaves {place} to its default; name it first: {place}: {{name: ...}}."
    # A forgotten step of the path (train.optimizer.lr) is likelier than a like-sounding key elsewhere.
    first, last = key.partition(".")[0], key.rpartition(".")[2]
    ending = [other for other in known if other.rpartition(".")[2] == last]
    inside = [other for other in known if other.startswith(f"{first}.")]
    alone = ending[0] if len(ending) == 1 else None
    guess = alone or nearest(key, ending) or nearest(key, inside or known)
    return f"params.yaml has no such key; did you mean '{guess}'?" if guess else "params.yaml has no such key."


def named_at(params: Params, place: str) -> Named | None:
    """The component at a place of params; None where nothing is set."""
    node: Any = params
    for part in place.split("."):
        node = getattr(node, part)
    return node


def catalogs() -> dict[str, Catalog[Any]]:
    """The tables of components that a training is built of, by their place in params."""
    from nnops.training.optimizer import OPTIMIZERS
    from nnops.training.schedule import SCHEDULES

    return {
        "data.source": READERS,
        "data.test": READERS,
        "loss": LOSSES,
        "model": MODELS,
        "train.optimizer": OPTIMIZERS,
        "train.schedule": SCHEDULES,
    }
