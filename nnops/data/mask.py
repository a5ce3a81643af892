"""Images with masks prepared: split, statistics of the train split, a class for every pixel."""

from typing import Any

import numpy as np
import pandas as pd

from nnops.batch import Spec
from nnops.data.leakage import check_leaks, find_image_leaks
from nnops.data.made import Made
from nnops.data.pixels import fit_pixels
from nnops.data.prepared import SPLITS, SplitName
from nnops.data.preprocess import Preprocess
from nnops.data.profile import count_duplicates, write_notes
from nnops.data.reader import Images, Masks
from nnops.data.split import split_rows
from nnops.data.target import Target
from nnops.errors import DataError, ParamsError
from nnops.params import Params

#: Rows of train of which a class is said to be in few.
FEW_IMAGES = 3


def make_masks(params: Params, source: Masks, test: Masks | None) -> Made:
    """Make prepared data of images with masks.

    Raises:
        DataError: Sizes or classes of source and test differ, or splits are wrong.
        ParamsError: Another task than segmentation is asked for, or a split that masks have not.
    """
    data = params.data
    if data.task not in ("auto", "segmentation"):
        raise ParamsError(f"params.yaml: data.task: images with masks are a segmentation, got {data.task}; write auto.")
    if data.split.by not in ("auto", "random"):
        raise ParamsError(f"params.yaml: data.split.by: images with masks are split at random, got {data.split.by}.")
    read = len(source.names)
    source = _without_duplicates(source) if data.cleaning.duplicates == "drop" else source
    rows = split_rows(
        data.split,
        len(source.names),
        classes=None,
        column=None,
        seed=params.seed,
        separate_test=test is not None,
        where=source.where,
    )
    code_NHW = _codes(source, source.classes)
    arrays: dict[SplitName, dict[str, np.ndarray]] = {
        name: {
            "image": np.ascontiguousarray(source.pixels_NCHW[rows[name]]),
            "target": np.ascontiguousarray(code_NHW[rows[name]]),
        }
        for name in SPLITS
    }
    if test is not None:
        if test.pixels_NCHW.shape[1:] != source.pixels_NCHW.shape[1:]:
            sizes = (" x ".join(map(str, one.pixels_NCHW.shape[1:])) for one in (source, test))
            raise DataError(
                "{1}: images must be {2} as in {0}, got {3} (channels x height x width).".format(
                    source.where, test.where, *sizes
                )
            )
        arrays["test"] = {"image": test.pixels_NCHW, "target": _codes(test, source.classes)}
        rows["test"] = np.arange(len(test.names))
    target = Target("mask", "segmentation", tuple(source.classes.values()))
    plain = Images(source.pixels_NCHW, pd.Series(source.names), source.where)
    pixels = fit_pixels(plain, rows["train"], data.scaling)
    leaks = find_image_leaks({name: arrays[name]["image"] for name in SPLITS}, rows)
    check_leaks(leaks, data, source.where)
    counts = {name: _count(arrays[name]["target"], target) for name in SPLITS}
    report: dict[str, Any] = {
        "source": source.where,
        "rows": {"read": read + (len(test.names) if test else 0)} | {name: len(rows[name]) for name in SPLITS},
        "target": {"name": target.name, "task": target.task, "counts": counts},
        "pixels": {"shape": list(pixels.shape), "mean": list(pixels.mean), "std": list(pixels.std)},
        "duplicates": count_duplicates(arrays),
        "leakage": [leak.to_json() for leak in leaks],
    }
    report["notes"] = [*_rare(arrays["train"]["target"], target), *write_notes(report, "pixels")]
    return Made(
        spec=Spec("segmentation", ("image",), (pixels.shape,), (), len(target.classes)),
        preprocess=Preprocess(target, pixels=pixels),
        arrays=arrays,
        columns=[],
        features=[],
        report=report,
        extra={"values": list(source.classes)},
    )


def _codes(masks: Masks, classes: dict[int, str]) -> np.ndarray:
    """Values of masks as codes 0, 1, ..., uint8.

    Raises:
        DataError: A value that is no class.
    """
    code_of = np.full(256, 255, np.int64)
    for code, value in enumerate(classes):
        code_of[value] = code
    code_NHW = code_of[masks.value_NHW]
    wrong = (code_NHW == 255) & ~np.isin(masks.value_NHW, list(classes))
    if wrong.any():
        image, row, place = np.argwhere(wrong)[0]
        raise DataError(
            f"{masks.where}: the mask of {masks.names[image]} has {masks.value_NHW[image, row, place]} in row"
            f" {row + 1}, column {place + 1}, which is no class of the source; those are"
            f" {', '.join(map(str, classes))}."
        )
    return code_NHW.astype(np.uint8)


def _count(code_NHW: np.ndarray, target: Target) -> dict[str, int]:
    counts = np.bincount(code_NHW.ravel(), minlength=len(target.classes))
    return dict(zip(target.classes, counts.tolist(), strict=True))


def _rare(code_NHW: np.ndarray, target: Target) -> list[str]:
    """Sentences on classes that train hardly shows."""
    notes: list[str] = []
    for code, name in enumerate(target.classes):
        images = int((code_NHW == code).any((1, 2)).sum())
        if images < FEW_IMAGES:
            notes.append(f"Class '{name}' is in {images} of {len(code_NHW)} images of train.")
    return notes


def _without_duplicates(masks: Masks) -> Masks:
    seen: set[bytes] = set()
    keep: list[int] = []
    for row, (pixels, values) in enumerate(zip(masks.pixels_NCHW, masks.value_NHW, strict=True)):
        key = pixels.tobytes() + values.tobytes()
        if key not in seen:
            seen.add(key)
            keep.append(row)
    names = tuple(masks.names[row] for row in keep)
    return Masks(masks.pixels_NCHW[keep], masks.value_NHW[keep], masks.classes, names, masks.where)
