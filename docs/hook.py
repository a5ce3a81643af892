"""Writes the reference pages from the code: params.yaml, components, command line."""

import json
import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import typer.main
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

#: Methods that are asked for on the command line, not in params.yaml.
CORRUPTED = "Corruptions (`evaluate.robustness.corruptions`, a list of names)"
EXPLAINED = "Explanation methods (`nnops model explain --method`)"


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Replace the marks of generated parts."""
    for mark, make in (("params", _params), ("components", _components), ("cli", _cli)):
        place = f"<!-- made from the code: {mark} -->"
        if place in markdown:
            markdown = markdown.replace(place, make())
    return markdown


def _params() -> str:
    from nnops.params import Params

    rows = ["| key | type | default | |", "|---|---|---|---|"]
    rows += _fields(Params, "")
    return "\n".join(rows)


def _fields(model: type[BaseModel], prefix: str) -> list[str]:
    rows: list[str] = []
    for name, field in model.model_fields.items():
        key = f"{prefix}{field.alias or name}"
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel) and inner.__name__ != "Named":
            rows.append(f"| **`{key}`** | | | {_first_line(inner)} |")
            rows += _fields(inner, f"{key}.")
            continue
        rows.append(f"| `{key}` | {_type(field.annotation)} | {_default(field)} | {field.description or ''} |")
        below = _section(inner)
        if below is not None:
            rows += _fields(below, f"{key}.")
    return rows


def _section(annotation: Any) -> type[BaseModel] | None:
    """The section that a key may hold beside nothing or in a list."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return None if annotation.__name__ == "Named" else annotation
    return next((found for inner in get_args(annotation) if (found := _section(inner))), None)


def _components() -> str:
    from nnops.compression import METHODS
    from nnops.data import READERS
    from nnops.data.augmentations import AUGMENTATIONS
    from nnops.evaluation.baselines import BASELINES
    from nnops.evaluation.corruptions import CORRUPTIONS
    from nnops.evaluation.explain import METHODS as EXPLANATIONS
    from nnops.losses import LOSSES
    from nnops.metrics import METRICS
    from nnops.models import MODELS
    from nnops.sweep.pruners import PRUNERS
    from nnops.sweep.samplers import SAMPLERS
    from nnops.training.attacks import ATTACKS
    from nnops.training.optimizer import OPTIMIZERS
    from nnops.training.schedule import SCHEDULES

    tables = {
        "Readers (`data.source`, `data.test`)": READERS,
        "Models (`model`)": MODELS,
        "Augmentations (`train.augment`)": AUGMENTATIONS,
        "Losses (`loss`)": LOSSES,
        "Optimizers (`train.optimizer`)": OPTIMIZERS,
        "Schedules (`train.schedule`)": SCHEDULES,
        "Metrics (`evaluate.metrics`, and `val_NAME` in a sweep)": METRICS,
        "Baselines (`evaluate.baselines`)": BASELINES,
        "Compression methods (`compress.methods`)": METHODS,
        CORRUPTED: CORRUPTIONS,
        "Attacks (`evaluate.robustness.attacks`, `train.adversarial`)": ATTACKS,
        EXPLAINED: EXPLANATIONS,
        "Samplers (`sweep.sampler`)": SAMPLERS,
        "Pruners (`sweep.pruner`)": PRUNERS,
    }
    parts: list[str] = []
    for title, catalog in tables.items():
        parts.append(f"## {title}\n")
        for name in catalog.names():
            component = catalog.load(name)
            parts.append(f"### `{name}`\n\n{_doc(component)}\n")
            if component.model_fields:
                parts += ["| option | type | default | |", "|---|---|---|---|"]
                for key, field in component.model_fields.items():
                    cells = (f"`{key}`", _type(field.annotation), _default(field), field.description or "")
                    parts.append(f"| {' | '.join(cells)} |")
            if title == CORRUPTED:
                continue
            if title == EXPLAINED:
                parts.append(f"\n```\nnnops model explain MODEL --method {name}\n```\n")
                continue
            example = component.examples()[-1].model_dump(mode="json", exclude_unset=True)
            options = f", options: {json.dumps(example)}" if example else ""
            parts.append(f"\n```yaml\n{{name: {name}{options}}}\n```\n")
    return "\n".join(parts)


def _cli() -> str:
    from nnops.cli.app import app

    return "\n".join(_command(typer.main.get_command(app), "nnops", 2))


def _command(command: Any, path: str, level: int) -> list[str]:
    parts = [f"{'#' * min(level, 4)} `{path}`\n", (command.help or "").split("\f")[0].strip() + "\n"]
    options = [parameter for parameter in command.params if parameter.name not in ("help",)]
    if options:
        parts += ["| | default | |", "|---|---|---|"]
        for option in options:
            names = ", ".join(f"`{text}`" for text in (option.opts + option.secondary_opts))
            if option.param_type_name == "argument":
                names = f"`{option.metavar or option.name.upper()}`"
            default = "" if option.default in (None, False, []) or callable(option.default) else f"`{option.default}`"
            parts.append(f"| {names} | {default} | {getattr(option, 'help', None) or ''} |")
        parts.append("")
    for name, child in sorted(getattr(command, "commands", {}).items()):
        parts += _command(child, f"{path} {name}", level + 1)
    return parts


def _doc(component: type) -> str:
    import inspect

    return inspect.getdoc(component) or ""


def _first_line(model: type) -> str:
    return _doc(model).splitlines()[0]


def _type(annotation: Any) -> str:
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type(inner[0])
    if origin is Literal:
        return ", ".join(f"`{word}`" for word in inner)
    if origin in (Union, types.UnionType):
        return " or ".join(_type(one) for one in inner)
    if origin in (tuple, list):
        each = [one for one in inner if one is not Ellipsis]
        return f"list of {_type(each[0])}"
    if origin is dict:
        return f"{_type(inner[0])} to {_type(inner[1])}"
    if _section(annotation) is not None:
        return "keys below"
    names = {str: "text", int: "whole number", float: "number", bool: "true or false", type(None): "nothing"}
    return names.get(annotation, getattr(annotation, "__name__", str(annotation)).lower())


def _default(field: Any) -> str:
    if field.default is PydanticUndefined:
        return "" if field.default_factory is None else f"`{_plain(field.default_factory())}`"
    return f"`{_plain(field.default)}`".replace("|", "\\|")


def _plain(value: Any) -> str:
    if isinstance(value, BaseModel):
        return json.dumps(value.model_dump(mode="json"))
    return json.dumps(value, default=lambda item: item.model_dump(mode="json"), ensure_ascii=False)
