"""Building the page from the report; everything that people wrote is escaped."""

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from nnops.data.chart import short_number
from nnops.data.drift import DRIFTS
from nnops.data.made import Made
from nnops.data.page.picture import class_bars, image_sheet, mask_sheet, small_histogram, target_histogram
from nnops.data.prepared import SPLITS

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
#: What a leak is called.
TITLES = {
    "duplicates": "Rows twice",
    "groups": "Groups",
    "near_duplicates": "Images nearly twice",
    "target": "The target is told",
    "time": "Time",
}
#: Words of a column that are shown.
TOP = 4


def build_page(made: Made) -> str:
    """The page of prepared data."""
    report = made.report
    style = (Path(__file__).parent / "style.css").read_text(encoding="utf-8")
    name = escape(report["source"])
    parts = [
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>Data: {name}</title>',
        f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<style>\n{style}</style>\n</head>\n<body>\n<main>\n<h1>{name}</h1>",
        _head(report),
        _leaks(report),
        _notes(report),
        _target(report["target"]),
    ]
    if made.preprocess.pixels is not None:
        train = made.arrays["train"]
        sound, masks = "sound" in made.extra, made.preprocess.target.task == "segmentation"
        # The lowest band comes first in a spectrogram, and is looked at from below.
        image = train["image"][:, :, ::-1] if sound else train["image"]
        if masks:
            sheet = mask_sheet(image, train["target"])
        else:
            sheet = image_sheet(image, train["target"], list(made.preprocess.target.classes))
        what = "Spectrograms from train, low tones below" if sound else "Examples from train"
        parts += [f"<h2>{what}</h2>\n{sheet}", _sounds(report["sounds"]) if sound else ""]
    parts += [
        _columns(report),
        "<footer>Statistics are of train unless said otherwise. Drift is the population stability index (PSI) against "
        f"train, in red from {DRIFTS:g} on where chance would not make as much. This file needs no network."
        "</footer>\n</main>\n</body>\n</html>\n",
    ]
    return "\n".join(part for part in parts if part)


def _head(report: Mapping[str, Any]) -> str:
    rows, target = report["rows"], report["target"]
    used = [entry for entry in report.get("columns", []) if entry["kind"] != "ignore"]
    shape = f"{len(used)} columns" if used else " x ".join(map(str, report.get("pixels", {}).get("shape", [])))
    whole = sum(rows[name] for name in SPLITS)
    bars = "".join(f'<div class="{name}" style="flex:{rows[name]}"></div>' for name in SPLITS if rows[name])
    keys = "".join(
        f'<span><i class="{name}"></i>{name} {rows[name]:,} ({rows[name] / max(whole, 1):.1%})</span>'
        for name in SPLITS
    )
    return (
        f'<p class="muted">{whole:,} rows · {shape} · {target["task"]} of <b>{escape(target["name"])}</b></p>\n'
        f'<div class="bar">{bars}</div>\n<p class="key">{keys}</p>'
    )


def _leaks(report: Mapping[str, Any]) -> str:
    if not report.get("leakage", ()):
        return ""
    found: list[str] = []
    for leak in report.get("leakage", ()):
        rows = "; ".join(f"{split}: {', '.join(map(str, numbers))}" for split, numbers in leak["rows"].items())
        sentence = leak["sentence"][:1].upper() + leak["sentence"][1:]
        found.append(
            f'<div class="leak"><b>{TITLES[leak["kind"]]}.</b> {escape(sentence)}<br><small>Rows of {rows}</small>'
            "</div>"
        )
    return "<h2>Leakage</h2>\n" + "\n".join(found)


def _notes(report: Mapping[str, Any]) -> str:
    notes = [note for note in report["notes"] if not note.startswith("Leakage: ")]
    if not notes:
        return ""
    return "<h2>Worth knowing</h2>\n<ul>" + "".join(f"<li>{escape(note)}</li>" for note in notes) + "</ul>"


def _target(target: Mapping[str, Any]) -> str:
    picture = class_bars(target) if "counts" in target else target_histogram(target)
    drift = ""
    if "drift" in target:
        drift = f"<p><small>Drift (PSI): {_drift(target, 'val')} val, {_drift(target, 'test')} test</small></p>"
    return f"<h2>Target: {escape(target['name'])}</h2>\n{picture}\n{drift}"


def _sounds(found: Mapping[str, Any]) -> str:
    """What the files were, and what they became."""
    made, seconds = found["as"], found["seconds"]
    rates = ", ".join(f"{count:,} of {rate} Hz" for rate, count in found["rates"].items())
    channels = ", ".join(f"{count:,} with {name}" for name, count in found["channels"].items())
    return (
        f"<p><small>Files: {rates}; channels: {channels}; {seconds['min']:g} to {seconds['max']:g} s, median"
        f" {seconds['median']:g} s. Spectrograms: {made['samples'] / made['rate']:g} s of {made['rate']} Hz,"
        f" {made['mels']} mel bands, a window of {1000 * made['window'] / made['rate']:g} ms every"
        f" {1000 * made['hop'] / made['rate']:g} ms, {made['range_db']:g} dB.</small></p>"
    )


def _columns(report: Mapping[str, Any]) -> str:
    columns = report.get("columns", [])
    used = [entry for entry in columns if entry["kind"] != "ignore"]
    if not used:
        return ""
    rows = "\n".join(_row(entry) for entry in used)
    head = (
        '<tr><th>column</th><th>kind</th><th>spread in train</th><th></th><th class="number">distinct</th>'
        '<th class="number">missing<br>train</th><th class="number">val</th><th class="number">test</th>'
        '<th class="number">drift<br>val</th><th class="number">test</th></tr>'
    )
    ignored = "".join(
        f"<li><b>{escape(entry['name'])}</b>: {escape(entry['reason'])}</li>"
        for entry in columns
        if entry["kind"] == "ignore"
    )
    more = f"\n<h2>Not used</h2>\n<ul>{ignored}</ul>" if ignored else ""
    return f'<h2>Columns</h2>\n<div class="scroll"><table>{head}\n{rows}</table></div>{more}'


def _row(entry: Mapping[str, Any]) -> str:
    if entry["kind"] == "categorical":
        picture = small_histogram([count for _, count in entry["top"]])
        whole = ", ".join(f"{word} {count:,}" for word, count in entry["top"][:TOP])
        words = whole + (", …" if len(entry["top"]) > TOP else "")
    elif entry["kind"] == "text":
        picture = small_histogram(entry["counts"])
        unknown = ", ".join(f"{name} {entry['unknown'][name]:.1%}" for name in ("val", "test"))
        words = f"{entry['mean']:.3g} tokens on average, at most {entry['max']}; {entry['vocabulary']:,} in train"
        words += f"; unknown: {unknown}" if any(entry["unknown"].values()) else ""
    elif entry["kind"] == "date":
        picture, words = small_histogram(entry["counts"]), f"{entry['first'][:10]} to {entry['last'][:10]}"
    else:
        picture = small_histogram(entry["counts"])
        low, median, high, mean, std = (short_number(entry[name]) for name in ("min", "median", "max", "mean", "std"))
        words = f"{low} to {high}, median {median}, mean {mean} ± {std}"
    missing = "".join(f'<td class="number">{_share(entry["missing"][name])}</td>' for name in SPLITS)
    drift = "".join(f'<td class="number">{_drift(entry, name)}</td>' for name in SPLITS if name != "train")
    return (
        f'<tr><td class="name">{escape(entry["name"])}</td><td>{entry["kind"]}</td><td>{picture}</td>'
        f'<td class="words">{escape(words)}</td><td class="number">{entry["distinct"]:,}</td>{missing}{drift}</tr>'
    )


def _share(share: float) -> str:
    return f"{share:.1%}" if share else '<span class="muted">0</span>'


def _drift(entry: Mapping[str, Any], split: str) -> str:
    if "drift" not in entry:
        return '<span class="muted">-</span>'
    text = f"{entry['drift'][split]:.3f}"
    return f'<span class="bad">{text}</span>' if split in entry["drifts"] else text
