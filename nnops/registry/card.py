"""A model card, made from the record alone: purpose, data, numbers with intervals, groups, robustness, limits, lineage.

After Mitchell et al. 2019, "Model cards for model reporting"; each part names the function of the NIST AI Risk
Management Framework 1.0 (Govern, Map, Measure, Manage) that it serves. What nobody measured or wrote stands as such.
"""

import base64
import html
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nnops.evaluation.scorecard import shown
from nnops.files import read_json, write_bytes
from nnops.registry.bundle import Bundle

#: Figures of an evaluation that belong on a card, in this order, with what they show.
FIGURES = {
    "scorecard": "The model beside its baselines",
    "calibration": "How often it is right when it is this sure",
    "slices": "Where it is worst",
    "fairness": "How groups are treated",
    "robustness": "Damaged and attacked inputs",
}
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
#: The framework's functions, and what of the card serves each.
NIST = (
    ("Govern", "who answers for the model, what it was made from, who may change it", "Purpose, Lineage, Made again"),
    ("Map", "what it is for, on which data, where it must not be used", "Purpose, Data, Limits"),
    ("Measure", "how good, how sure, how fair, how robust it is", "Numbers, Slices, Groups, Robustness"),
    ("Manage", "under which conditions it is served, and how it is taken back", "Gate, Limits, Made again"),
)


@dataclass(frozen=True)
class Part:
    """One part of a card.

    Attributes:
        title: Its heading.
        serves: Functions of the framework.
        words: Paragraphs before the table.
        columns: Heads of the table; none where there is no table.
        rows: Its rows.
        figures: Names of figures that stand here.
    """

    title: str
    serves: str
    words: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    figures: tuple[str, ...] = ()


@dataclass(frozen=True)
class Card:
    """A card, ready to be written.

    Attributes:
        title: The model's name, with its version where it has one.
        summary: One sentence.
        parts: In order.
        figures: PNG bytes by name; the HTML holds them, the Markdown does not.
    """

    title: str
    summary: str
    parts: tuple[Part, ...]
    figures: Mapping[str, bytes] = field(default_factory=dict[str, bytes])

    def markdown(self) -> str:
        """The card as Markdown."""
        lines = [f"# {self.title}", "", self.summary, ""]
        for part in self.parts:
            lines += [f"## {part.title}", "", f"*{part.serves}*", ""]
            for words in part.words:
                lines += [words, ""]
            if part.columns:
                lines.append(f"| {' | '.join(part.columns)} |")
                lines.append("|---" * len(part.columns) + "|")
                lines += [f"| {' | '.join(_cell(text) for text in row)} |" for row in part.rows]
                lines.append("")
        return "\n".join(lines)

    def html(self) -> str:
        """The card as one page that needs no network and no script."""
        style = (Path(__file__).parent / "card.css").read_text(encoding="utf-8")
        body = [f"<h1>{html.escape(self.title)}</h1>", f'<p class="summary">{html.escape(self.summary)}</p>']
        for part in self.parts:
            body.append(f"<section><h2>{html.escape(part.title)} <small>{html.escape(part.serves)}</small></h2>")
            body += [f"<p>{html.escape(words)}</p>" for words in part.words]
            if part.columns:
                heads = "".join(f"<th>{html.escape(name)}</th>" for name in part.columns)
                rows = "".join(
                    f"<tr>{''.join(f'<td>{html.escape(text)}</td>' for text in row)}</tr>" for row in part.rows
                )
                table = f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
                body.append(f'<div class="scroll">{table}</div>')
            for name in part.figures:
                if name in self.figures:
                    data = base64.b64encode(self.figures[name]).decode()
                    said = html.escape(FIGURES[name])
                    body.append(f'<figure><img alt="{said}" src="data:image/png;base64,{data}"></figure>')
            body.append("</section>")
        return "\n".join(
            [
                '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
                f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
                '<meta name="viewport" content="width=device-width">',
                f"<title>{html.escape(self.title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>",
                *body,
                "</main>\n</body>\n</html>\n",
            ]
        )


def read_figures(folder: Path) -> dict[str, bytes]:
    """The figures of an evaluation that belong on a card."""
    paths = {name: folder / f"{name}.png" for name in FIGURES}
    return {name: path.read_bytes() for name, path in paths.items() if path.exists()}


def build_card(
    bundle: Bundle,
    verdict: Mapping[str, Any],
    figures: Mapping[str, bytes],
    known: Mapping[str, str] | None = None,
) -> Card:
    """Make the card of a bundle.

    Args:
        bundle: The model with its record.
        verdict: What the gate said, as :meth:`nnops.registry.gate.Verdict.to_json` writes it; empty: not judged.
        figures: PNG bytes by name.
        known: What else is known by now: ``version``, ``aliases``, ``commit``, ``reproduced``.
    """
    known, path = known or {}, bundle.folder / "scorecard.json"
    scorecard: dict[str, Any] = read_json(path) if path.exists() else {}
    name, stated = known.get("version", bundle.name), bundle.lineage.get("card", {})
    target = bundle.schema.get("target", "the target")
    family = bundle.lineage["params"]["model"]["name"]
    summary = f"A network of the family {family} for the task {bundle.manifest['task']} of '{target}'"
    summary += f", served as {bundle.variant}."
    if known.get("aliases"):
        summary += f" It is {known['aliases']}."
    parts = (
        _purpose(stated),
        _data(bundle),
        _training(bundle),
        _numbers(bundle, scorecard),
        _slices(scorecard),
        _groups(scorecard),
        _robustness(scorecard),
        _limits(stated, bundle, scorecard),
        _gate(verdict),
        _lineage(bundle, known),
        _again(name, known),
        Part("NIST AI RMF", "Govern, Map, Measure, Manage", (), ("function", "asks", "answered by"), NIST),
    )
    return Card(f"{name}: model card", summary, parts, figures)


def _purpose(stated: Mapping[str, str]) -> Part:
    asked = {"purpose": "What it is for", "not_for": "What it is not for", "contact": "Contact"}
    rows = tuple((words, stated.get(key) or f"not stated; write register.card.{key}") for key, words in asked.items())
    return Part("Purpose", "Map, Govern", (), ("", ""), rows)


def _data(bundle: Bundle) -> Part:
    lineage, schema = bundle.lineage, bundle.schema
    source = lineage["data_source"]
    options = ", ".join(f"{key} {value}" for key, value in source.get("options", {}).items())
    rows = [("source", f"{source['name']}" + (f" ({options})" if options else ""))]
    rows += [(f"rows of {split}", f"{count:,}") for split, count in lineage["data_rows"].items()]
    rows += [("target", str(schema.get("target", ""))), ("task", bundle.manifest["task"])]
    if bundle.classes:
        rows.append(("classes", ", ".join(bundle.classes[:20]) + (", ..." if len(bundle.classes) > 20 else "")))
    names = bundle.preprocess.names
    if names:
        rows.append(("inputs", ", ".join(names[:30]) + (", ..." if len(names) > 30 else "")))
    rows += [(f"file {each['path']}", f"sha256 {each['sha256'][:16]}") for each in schema.get("files", ())]
    rows.append(("prepared", f"sha256 {lineage['data_hash'][:16]}"))
    return Part("Data", "Map", (), ("", ""), tuple(rows))


def _training(bundle: Bundle) -> Part:
    params = bundle.lineage["params"]
    train = params["train"]
    rows = [("network", _component(params["model"]))]
    rows += [("loss", _component(params["loss"]))] if params.get("loss") else []
    rows += [("epochs", f"{train['epochs']}"), ("rows in a batch", f"{train['batch_size']}")]
    rows += [(key, _component(train[key])) for key in ("optimizer", "schedule") if train.get(key)]
    rows += [(key, _component(train[key])) for key in ("adversarial", "transfer") if train.get(key)]
    if train.get("fairness"):
        rows.append(("fairness", ", ".join(f"{key} {value}" for key, value in train["fairness"].items())))
    rows += [("augmentation", ", ".join(_component(one) for one in train["augment"]))] if train.get("augment") else []
    several = f"{len(train['ensemble'])}" if train.get("ensemble") else ""
    several = f"{train['folds']}, each without one fold of train" if train.get("folds") else several
    rows += [("networks that answer as one", several)] if several else []
    return Part("Training", "Map", (), ("", ""), tuple(rows))


def _component(named: Mapping[str, Any]) -> str:
    options = named.get("options", {key: value for key, value in named.items() if key != "name" and value is not None})
    told = ", ".join(f"{key} {value}" for key, value in options.items())
    return " ".join(part for part in (str(named.get("name", "")), f"({told})" if told else "") if part)


def _numbers(bundle: Bundle, scorecard: Mapping[str, Any]) -> Part:
    served = f"{bundle.variant}.test."
    metrics = bundle.metrics
    names = [
        name.removeprefix("test.")
        for name in metrics
        if name.startswith("test.") and name.count(".") == 1 and name.removeprefix("test.") in scorecard.get("test", {})
    ]
    baselines = [one["name"] for one in scorecard.get("baselines", ())]
    rows: list[tuple[str, ...]] = []
    for name in names or [key.removeprefix(served) for key in metrics if key.startswith(served)]:
        cells = [_interval(metrics, f"test.{name}"), _value(metrics.get(f"{served}{name}"))]
        rows.append((name, *cells, *(_value(metrics.get(f"baseline.{one}.{name}")) for one in baselines)))
    words = []
    if scorecard.get("level") and scorecard.get("samples"):
        words.append(
            f"On the test split. Intervals hold {scorecard['level']:.0%} of {scorecard['samples']:,} bootstrap draws."
        )
    cost = [
        f"{words_} {shown(metrics[key])}{unit}"
        for key, words_, unit in (
            (f"{bundle.variant}.latency_p50_ms", "a row is answered in", " ms (median, one row at a time)"),
            (f"{bundle.variant}.size_bytes", "its file has", " bytes"),
        )
        if key in metrics
    ]
    if cost:
        words.append(f"Served as {bundle.variant}: {'; '.join(cost)}.")
    columns = ("metric", "trained network", f"served ({bundle.variant})", *(one.replace("_", " ") for one in baselines))
    return Part("Numbers", "Measure", tuple(words), columns, tuple(rows), ("scorecard", "calibration"))


def _slices(scorecard: Mapping[str, Any]) -> Part:
    found = scorecard.get("slices")
    if found is None:
        return Part("Slices", "Measure", ("Not looked for; evaluate.slices asks for it.",))
    if not found:
        return Part("Slices", "Measure", ("No group of rows was found on which the model is significantly worse.",))
    rows = tuple((one["text"], f"{one['rows']:,}", _score(one["score"])) for one in found)
    columns = ("rows with", "rows of test", scorecard["primary"])
    return Part("Slices", "Measure", (), columns, rows, ("slices",))


def _groups(scorecard: Mapping[str, Any]) -> Part:
    fairness = scorecard.get("fairness")
    if not fairness:
        return Part("Groups", "Measure", ("No groups of people were named, so none were compared; see data.groups.",))
    rows = tuple((name, _score(score)) for name, score in fairness["gaps"].items())
    return Part("Groups", "Measure", (), ("gap between groups", "on test"), rows, ("fairness",))


def _robustness(scorecard: Mapping[str, Any]) -> Part:
    damage = scorecard.get("damage")
    if not damage:
        return Part("Robustness", "Measure", ("Not measured; evaluate.robustness asks for it.",))
    rows = [("clean rows", _score(damage[0]["score"]))]
    for one in damage[1:]:
        if one["kind"] == "attack":
            rows.append((f"{one['name'].upper()} at epsilon {one['strength']:g}", _score(one["score"])))
        elif one["label"] in ("3", "5"):
            rows.append((f"{one['name'].replace('_', ' ')}, severity {one['label']} of 5", _score(one["score"])))
    words = f"On {scorecard['damaged_rows']:,} rows of test."
    return Part("Robustness", "Measure", (words,), ("inputs", scorecard["primary"]), tuple(rows), ("robustness",))


def _limits(stated: Mapping[str, str], bundle: Bundle, scorecard: Mapping[str, Any]) -> Part:
    words = [stated["limits"]] if stated.get("limits") else ["None were stated; write register.card.limits."]
    beaten = [name.replace("_", " ") for name in scorecard.get("beaten_by", ())]
    if beaten:
        words.append(f"Simpler models are better in {scorecard['primary']}: {', '.join(beaten)}.")
    for name, needs in scorecard.get("undefined", {}).items():
        words.append(f"{name} could not be measured: it needs {needs}.")
    words.append(
        "It was measured on rows of the same source as it was trained on; on others its numbers may not hold. Values"
        " that training never showed are told when rows are predicted."
    )
    if bundle.threshold is not None:
        words.append(
            f"What is called positive is decided at a probability of {bundle.threshold.words()}, found on val; the"
            " baselines are decided at 0.5."
        )
    return Part("Limits", "Map, Manage", tuple(words))


def _gate(verdict: Mapping[str, Any]) -> Part:
    if not verdict.get("results"):
        return Part("Gate", "Manage", ("No conditions were set; register.gate sets them.",))
    rows = tuple(
        (one["condition"], _value(one["value"]), "holds" if one["passed"] else "FAILS") for one in verdict["results"]
    )
    words = "It passed." if verdict["passed"] else "It was refused."
    return Part("Gate", "Manage", (words,), ("condition", "measured", ""), rows)


def _lineage(bundle: Bundle, known: Mapping[str, str]) -> Part:
    lineage = bundle.lineage
    rows = [
        ("fingerprint", lineage["fingerprint"]),
        ("weights", f"sha256 {lineage['weights_sha256']}"),
        ("data", f"sha256 {lineage['data_hash']}"),
        ("seed", str(lineage["seed"])),
        ("bundle", bundle.hash),
        ("commit", known.get("commit", "")),
        ("versions", ", ".join(f"{name} {version}" for name, version in lineage["versions"].items())),
    ]
    return Part("Lineage", "Govern", (), ("", ""), tuple((key, value) for key, value in rows if value))


def _again(name: str, known: Mapping[str, str]) -> Part:
    words = [f"nnops run reproduce {name}", f"nnops model lineage {name}"]
    told = {"bits": "It was made again, the same to the bit.", "metrics": "It was made again within the tolerance."}
    said = known.get("reproduced", "")
    first = told.get(said, "It differed when it was made again." if said else "It has not been made again yet.")
    return Part("Made again", "Govern, Manage", (first,), ("command",), tuple((one,) for one in words))


def _interval(metrics: Mapping[str, float], name: str) -> str:
    return _score({"value": metrics.get(name), "low": metrics.get(f"{name}.low"), "high": metrics.get(f"{name}.high")})


def _score(score: Mapping[str, Any]) -> str:
    if score.get("low") is None or score.get("high") is None:
        return _value(score.get("value"))
    return f"{_value(score['value'])} ({shown(score['low'])} to {shown(score['high'])})"


def _value(value: float | None) -> str:
    return "" if value is None else shown(value)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def write_card(folder: Path, card: Card) -> list[Path]:
    """Write ``card.md`` and ``card.html``; their paths."""
    texts = {"card.md": card.markdown(), "card.html": card.html()}
    for name, text in texts.items():
        write_bytes(folder / name, text.encode())
    return [folder / name for name in texts]
