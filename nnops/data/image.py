"""Images prepared: split, statistics of the train split, targets; the pixels stay raw uint8."""

from typing import Any

import numpy as np
import pandas as pd

from nnops.batch import Spec
from nnops.data.leakage import check_leaks, find_image_leaks
from nnops.data.made import Made
from nnops.data.pixels import fit_pixels
from nnops.data.prepared import SPLITS, SplitName
from nnops.data.preprocess import Preprocess
from nnops.data.profile import count_duplicates, describe_target, write_notes
from nnops.data.reader import Images
from nnops.data.split import split_rows
from nnops.data.target import Target, judge
from nnops.errors import DataError
from nnops.params import Params


def deal(
    params: Params, labels: pd.Series, where: str, *, separate_test: bool
) -> tuple[Target, dict[SplitName, np.ndarray]]:
    """The target that labels make, and the rows of each split.

    Raises:
        DataError: Labels or splits are wrong.
    """
    target = judge(labels, params.data, where)
    rows = split_rows(
        params.data.split,
        len(labels),
        classes=target.strata(labels, where),
        column=None,
        seed=params.seed,
        separate_test=separate_test,
        where=where,
    )
    return target, rows


def make_images(params: Params, source: Images, test: Images | None, what: str = "image") -> Made:
    """Make prepared data of images; ``what`` is the word for one in messages.

    Raises:
        DataError: Sizes of source and test differ, or labels or splits are wrong.
    """
    data = params.data
    if test is not None and test.pixels_NCHW.shape[1:] != source.pixels_NCHW.shape[1:]:
        raise DataError(
            f"{test.where}: images must be {_size(source)} as in {source.where}, got {_size(test)} "
            "(channels x height x width)."
        )
    read = len(source.labels)
    source = _without_duplicates(source) if data.cleaning.duplicates == "drop" else source
    target, rows = deal(params, source.labels, source.where, separate_test=test is not None)
    if target.task == "regression" and data.target_scaling == "standard":
        target = target.scaled(source.labels.iloc[rows["train"]], source.where)
    pixels = fit_pixels(source, rows["train"], data.scaling)
    arrays: dict[SplitName, dict[str, np.ndarray]] = {
        name: {
            "image": np.ascontiguousarray(source.pixels_NCHW[rows[name]]),
            "target": target.encode(source.labels.iloc[rows[name]], source.where),
        }
        for name in SPLITS
    }
    if test is not None:
        arrays["test"] = {
            "image": np.ascontiguousarray(test.pixels_NCHW),
            "target": target.encode(test.labels, test.where),
        }
    if test is not None:
        rows["test"] = np.arange(len(test.labels))
    leaks = find_image_leaks({name: arrays[name]["image"] for name in SPLITS}, rows, what)
    check_leaks(leaks, data, source.where)
    report: dict[str, Any] = {
        "source": source.where,
        "rows": {"read": read + (len(test.labels) if test else 0)}
        | {name: len(arrays[name]["target"]) for name in SPLITS},
        "target": describe_target(target, arrays),
        "pixels": {"shape": list(pixels.shape), "mean": list(pixels.mean), "std": list(pixels.std)},
        "duplicates": count_duplicates(arrays),
        "leakage": [leak.to_json() for leak in leaks],
    }
    report["notes"] = write_notes(report)
    outputs = len(target.classes) if target.task in ("multiclass", "multilabel") else 1
    return Made(
        spec=Spec(target.task, ("image",), (pixels.shape,), (), outputs),
        preprocess=Preprocess(target, pixels=pixels),
        arrays=arrays,
        columns=[{"name": name, "kind": "numeric"} for name in source.columns],
        features=[],
        report=report,
    )


def _size(images: Images) -> str:
    return " x ".join(map(str, images.pixels_NCHW.shape[1:]))


def _without_duplicates(images: Images) -> Images:
    seen: set[bytes] = set()
    keep: list[int] = []
    for row, (pixels, label) in enumerate(zip(images.pixels_NCHW, images.labels, strict=True)):
        key = pixels.tobytes() + str(label).encode()
        if key not in seen:
            seen.add(key)
            keep.append(row)
    return Images(images.pixels_NCHW[keep], images.labels.iloc[keep], images.where, images.columns)
