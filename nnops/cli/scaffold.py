"""A new project around given data: params.yaml with comments, dvc.yaml, pipelines/, and what git and DVC need."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from nnops.batch import QUANTITIES, TOKENS, Task
from nnops.errors import InputError
from nnops.files import write_bytes, write_json

#: Where dvc.yaml and pipelines/ lie: beside the package in a checkout, inside it in a wheel.
PACKAGE = Path(__file__).parent.parent
TEMPLATE = PACKAGE / "template" if (PACKAGE / "template").exists() else PACKAGE.parent
#: Data up to this size is copied into the project; larger data stays where it is.
COPY_BYTES = 256 << 20
#: Rows from which on networks are wider and batches larger.
LARGE = 10_000
#: Categorical columns from which on they are embedded, where there are rows enough to learn that.
EMBEDDED = 3


@dataclass(frozen=True)
class Project:
    """What a new project is made of.

    Attributes:
        name: Name of the model in the registry.
        data: The ``data`` section, as plain values.
        comments: A comment for each key of ``data`` and ``data.kinds``, by dotted name.
        task: What is predicted.
        image: Whether the inputs are images.
        rows: Rows of the source; decides the batch size.
        gate: Conditions for a champion.
        lonely: A class of one row, for which the split cannot be stratified.
    """

    name: str
    data: dict[str, Any]
    comments: dict[str, str]
    task: str
    image: bool
    rows: int
    gate: tuple[str, ...] = ()
    lonely: str | None = None


def write_project(folder: Path, project: Project) -> None:
    """Write a project.

    Raises:
        InputError: The folder already holds one.
    """
    for name in ("params.yaml", "dvc.yaml", "pipelines"):
        if (folder / name).exists():
            raise InputError(f"{folder / name} exists; choose another folder, nothing was changed.")
    folder.mkdir(parents=True, exist_ok=True)
    write_bytes(folder / "params.yaml", params_text(project).encode())
    write_bytes(folder / "dvc.yaml", _dvc_yaml(project).encode())
    shutil.copytree(TEMPLATE / "pipelines", folder / "pipelines", ignore=shutil.ignore_patterns("__pycache__"))
    ours = ["/artifacts/", "/explanation/", "/.nnops/", "/mlflow.db*", "/mlruns/", "/data/"]
    ignored = [*ours, "__pycache__/", ".venv/"]
    if not (folder / ".gitignore").exists():
        write_bytes(folder / ".gitignore", ("\n".join(ignored) + "\n").encode())
    _write_dvc(folder)


def copy_data(source: Path, folder: Path) -> str:
    """Copy a data file into the project's ``data/``; a folder or a file too large stays where it is.

    Returns:
        The path that params name, relative to the project.
    """
    if source.is_file() and source.stat().st_size <= COPY_BYTES:
        target = folder / "data" / source.name
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists() and target.read_bytes() != source.read_bytes():
            raise InputError(f"{target} exists with other content; rename one of the two files.")
        shutil.copyfile(source, target)
        return f"data/{source.name}"
    import os

    return Path(os.path.relpath(source.resolve(), folder.resolve())).as_posix()


def params_text(project: Project) -> str:
    """The commented params.yaml of a project."""
    data, comments = project.data, project.comments
    lines = [
        f"# {project.name}: everything that decides a result. 'nnops params check' judges it, 'nnops params show'",
        "# prints it with all defaults; any key can be changed for one command by --set dotted.key=value.",
        "",
        "seed: 7 # every random stream (split, weights, order, dropout, search) is derived from it by name",
        "",
        "data:",
    ]
    for key, value in data.items():
        if key == "kinds" and value:
            lines.append(
                "  kinds: # numeric, categorical, date, text or ignore; inferred from the file, change what is wrong"
            )
            width = max(len(_flow(name)) + len(kind) for name, kind in value.items()) + 2
            for name, kind in value.items():
                entry = f"{_flow(name)}: {kind}"
                comment = comments.get(f"kinds.{name}")
                lines.append(f"    {entry:<{width}}" + (f" # {comment}" if comment else ""))
                lines[-1] = lines[-1].rstrip()
        else:
            lines += _commented(f"  {key}: {_flow(value)}", comments.get(key))
    lines += _split_lines(project)
    lines += [
        *_kind_lines(project),
        "",
        *_model_lines(project),
        "",
        "evaluate:",
        f"  baselines: {_flow(_baselines(project.task))} # in the same table as the network",
        "",
        "compress:",
        "  methods:",
        "    - {name: quantize} # int8 by ONNX Runtime",
        f"  max_drop: {_flow(_max_drop(project.task))} # a smaller model that loses more is not chosen",
        "",
        "register:",
        f"  name: {_flow(project.name)}",
        f"  gate: {_flow(list(project.gate))} # such as ['{_condition(project.task)}']; what fails is never champion",
        "",
        *_sweep_lines(project),
        "",
    ]
    return "\n".join(lines)


def _split_lines(project: Project) -> list[str]:
    data, lines = project.data, list[str]()
    by = "random" if project.task in ("multilabel", "regression", "sequence") or project.lonely else "stratified"
    shares, hint = "val: 0.15, test: 0.15", "or grouped, time, given, with column: NAME"
    if data.get("test"):
        shares, hint = "val: 0.1", "test comes from its own file"
    if project.lonely:
        hint = f"class '{project.lonely}' has one row; with two of each, write stratified"
    if project.task == "language_model":
        lines.append(f"  split: {{{shares}}} # of a few texts the beginning, middle and end of each; else whole ones")
    elif project.task == "forecasting":
        lines.append(f"  split: {{{shares}}} # shares of the steps, in the order of time; or series.borders")
    else:
        lines.append(f"  split: {{{shares}, by: {by}}} # {hint}")
    categorical = list((data.get("kinds") or {}).values()).count("categorical")
    if categorical:
        coded = "embedding" if project.rows >= LARGE and categorical >= EMBEDDED else "one_hot"
        lines.append(f"  categories: {coded} # or {'one_hot' if coded == 'embedding' else 'embedding'}")
    return lines


_SCALING = "  scaling: standard # or minmax, robust, none; statistics come from the train split alone"
_TEXT = "  text: {tokenizer: word, vocabulary: 20000, min_frequency: 2} # or bpe; trained on the train split alone"


def _kind_lines(project: Project) -> list[str]:
    """What is done to numbers or texts; of texts that are told token by token the data say it."""
    return [] if project.task in TOKENS else [_TEXT if _is_text(project) else _SCALING]


def _is_text(project: Project) -> bool:
    return "text" in (project.data.get("kinds") or {}).values()


def _commented(line: str, comment: str | None) -> list[str]:
    """A line with its comment behind it, or above where both are long."""
    if not comment:
        return [line]
    whole = f"{line} # {comment}"
    return [whole] if len(whole) <= 110 else [f"  # {comment}", line]


@dataclass(frozen=True)
class _Start:
    """Where the training of a new project begins; its search space holds it.

    Attributes:
        model: Its name, with a comment behind it.
        options: Of the model; widths of layers may be tuned.
        epochs: At most.
        batch: Rows of a step.
        rate: Of learning.
        patience: Epochs without improvement.
    """

    model: str
    options: dict[str, Any]
    epochs: int
    batch: int | str
    rate: str
    patience: int


def _start(project: Project) -> _Start:
    """A start that does well on the benchmarks in docs/results.md; a sweep does the rest."""
    large = project.rows >= LARGE
    coder = {"width": 128, "layers": 2, "feed_forward": 512, "dropout": 0.1}
    if project.task == "forecasting":
        return _Start("linear_series # or rnn, transformer, mlp", {"kind": "nlinear"}, 20, 32, "1.0e-3", 5)
    if project.task == "language_model":
        return _Start("decoder # or rnn", coder, 20, 32 if large else 8, "2.0e-3", 3)
    if project.task == "sequence":
        return _Start("seq2seq", coder | {"feed_forward": 256}, 30, 64 if large else 32, "2.0e-3", 5)
    if project.task == "segmentation":
        return _Start("unet", {"channels": [16, 32, 64]}, 30, 8, "3.0e-3", 8)
    if project.image:
        return _Start("cnn # or resnet, mlp", {}, 20, 256 if large else 32, "3.0e-3", 5)
    if _is_text(project):
        options = {"width": 128, "pairs": 16384, "dropout": 0.3}
        return _Start("bag # or rnn, transformer", options, 15, 64 if large else 16, "3.0e-3", 5)
    if project.data.get("edges"):
        options = {"hidden": [64], "dropout": 0.5}
        return _Start("gcn # or mlp, which does not look at the edges", options, 200, "all", "1.0e-2", 30)
    rows = 256 if large else 32
    if project.data.get("coordinates"):
        options = {"hidden": [512, 256], "dropout": 0.2, "plain": True}
        return _Start(
            "tabular # or mlp, resmlp; plain: numbers count as they are, too", options, 40, rows, "1.0e-3", 10
        )
    options = {"hidden": [256, 128] if large else [128, 64], "activation": "relu"}
    if project.task == "regression":
        return _Start("mlp", options | {"dropout": 0.1, "norm": True}, 100, rows, "1.0e-2", 20)
    if large:
        return _Start("mlp", options | {"dropout": 0.2}, 10, rows, "1.0e-3", 5)
    return _Start("mlp", options | {"dropout": 0.1}, 20, rows, "3.0e-3", 5)


def _model_lines(project: Project) -> list[str]:
    from nnops.losses import DEFAULT

    start = _start(project)
    return [
        "model:",
        f"  name: {start.model}",
        *([f"  options: {_flow(start.options)}"] if start.options else []),
        "",
        f"loss: {{name: {DEFAULT[cast(Task, project.task)]}}}",
        "",
        "train:",
        f"  epochs: {start.epochs}",
        f"  batch_size: {start.batch}",
        f"  optimizer: {{name: adamw, options: {{lr: {start.rate}, weight_decay: 1.0e-4}}}}",
        "  schedule: {name: cosine, options: {warmup_epochs: 1}}",
        f"  early_stopping: {{metric: val_loss, patience: {start.patience}}}",
    ]


def _space_lines(project: Project) -> list[str]:
    """What a first sweep tunes, with the start among it."""
    start = _start(project)
    lines = [
        "    train.optimizer.options.lr: {float: [3.0e-4, 3.0e-2], log: true}",
        "    train.optimizer.options.weight_decay: {float: [1.0e-6, 1.0e-1], log: true}",
    ]
    if isinstance(start.batch, int):
        lines.append(f"    train.batch_size: {{choice: {[start.batch // 2, start.batch, 2 * start.batch]}}}")
    if project.task == "forecasting":
        window = project.data["series"]["window"]
        return [*lines, f"    data.series.window: {{choice: {[window // 2, window, 2 * window]}}}"]
    if widths := start.options.get("hidden"):
        tried = [widths[-1:], widths, [widths[0], *widths]]
        tried = [each for place, each in enumerate(tried) if each not in tried[:place]]
        lines.append(f"    model.options.hidden: {{choice: {tried}}}")
    return [*lines, "    model.options.dropout: {float: [0.0, 0.5]}"]


def _sweep_lines(project: Project) -> list[str]:
    metric, direction = {
        "binary": ("val_roc_auc", "maximize"),
        "forecasting": ("val_scaled_mse", "minimize"),
        "language_model": ("val_perplexity", "minimize"),
        "multiclass": ("val_accuracy", "maximize"),
        "multilabel": ("val_f1_micro", "maximize"),
        "regression": ("val_rmse", "minimize"),
        "sequence": ("val_exact_match", "maximize"),
        "segmentation": ("val_mean_iou", "maximize"),
    }[project.task]
    return [
        "sweep: # nnops sweep plan, start, resume, show, apply",
        f"  objective: {{metric: {metric}, direction: {direction}}}",
        "  sampler: {name: auto} # or mobster, bohb, tpe, gp, cmaes, pbt, random, grid",
        "  pruner: {name: asha, options: {min_epochs: 1, reduction_factor: 3}} # or median, hyperband, none",
        "  budget: {trials: 32} # or time: 2h",
        "  space: # any key of this file",
        *_space_lines(project),
    ]


def _max_drop(task: str) -> dict[str, float]:
    from nnops.compression.choice import DEFAULT_DROP

    return DEFAULT_DROP[cast(Task, task)]


def _condition(task: str) -> str:
    return {
        "forecasting": "scaled_mse <= 0.5",
        "language_model": "bits_per_character <= 2",
        "multilabel": "f1_micro >= 0.8",
        "regression": "r2 >= 0.8",
        "segmentation": "mean_iou >= 0.7",
        "sequence": "exact_match >= 0.9",
    }.get(task, "accuracy >= 0.9")


def _baselines(task: str) -> tuple[str, ...]:
    from nnops.evaluation.baselines import DEFAULT

    return DEFAULT[cast(Task, task)]


def _flow(value: Any) -> str:
    """A value as YAML on one line; JSON is YAML, and plain words need no quotes."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flow(key)}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    if isinstance(value, str) and value and value.replace("_", "").replace("-", "").isalnum() and value[0].isalpha():
        reserved = {"true", "false", "null", "yes", "no", "on", "off", "nan", "inf", "y", "n"}
        if value.lower() not in reserved:
            return value
    return json.dumps(value, ensure_ascii=False)


def _dvc_yaml(project: Project) -> str:
    """The checkout's own dvc.yaml, its prepare stage depending on the data files that params name."""
    from nnops.data.reader import PLACES

    text = (TEMPLATE / "dvc.yaml").read_text(encoding="utf-8")
    files: list[str] = []
    for key in ("source", "test"):
        options = (project.data.get(key) or {}).get("options", {})
        files += [
            f'"${{data.{key}.options.{name}}}"'
            for name, value in options.items()
            if name in PLACES and isinstance(value, str)
        ]
    if edges := project.data.get("edges"):
        # By its name, as the stage looks for files beside the sources.
        files.append(json.dumps(edges["source"]["options"]["path"], ensure_ascii=False))
    old = "deps: [pipelines/prepare.py]"
    if old not in text:
        raise RuntimeError("dvc.yaml: the prepare stage is not what the scaffold expects")
    text = text.replace(old, f"deps: [{', '.join(['pipelines/prepare.py', *files])}]")
    if project.task == "multilabel":
        return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("  - Confusion:"))
    if project.task not in (*QUANTITIES, *TOKENS, "segmentation"):
        return text
    classes = ("  - ROC:", "  - Precision-recall:", "  - Confusion:")
    kept = [line for line in text.splitlines() if not line.startswith(classes)]
    if project.task in (*TOKENS, "segmentation"):
        return "\n".join(kept) + "\n"
    place = kept.index("plots:") + 1
    if project.task == "forecasting":
        kept.insert(place, "  - Error by step: {x: step, y: {artifacts/evaluate/steps.csv: model}}")
        return "\n".join(kept) + "\n"
    predicted = "{artifacts/evaluate/predictions.csv: predicted}"
    kept.insert(place, f"  - Predicted: {{template: scatter, x: actual, y: {predicted}}}")
    return "\n".join(kept) + "\n"


def _write_dvc(folder: Path) -> None:
    config = "[core]\n    analytics = false\n    check_update = false\n"
    if not any((parent / ".git").exists() for parent in (folder.resolve(), *folder.resolve().parents)) or _ignored(
        folder
    ):
        config += "    no_scm = true\n"
    write_bytes(folder / ".dvc" / "config", config.encode())
    write_bytes(folder / ".dvc" / ".gitignore", b"/config.local\n/tmp\n/cache\n")
    if not (folder / ".dvcignore").exists():
        write_bytes(folder / ".dvcignore", b"__pycache__/\n.venv/\n.nnops/\nmlruns/\n")


def _ignored(folder: Path) -> bool:
    """Whether git ignores the folder, as it does a demo inside a checkout."""
    import subprocess

    if shutil.which("git") is None:
        return True
    done = subprocess.run(["git", "check-ignore", "--quiet", "."], cwd=folder, check=False, capture_output=True)
    return done.returncode == 0


def mark_demo(folder: Path) -> None:
    """Mark a folder as the demo's own, so that the next demo may replace it."""
    write_json(folder / ".nnops" / "demo.json", {"made_by": "nnops demo"})
