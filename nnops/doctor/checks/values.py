"""Values as the network gets them: finite, of one scale, none far beyond all others."""

from typing import ClassVar, Literal

import torch

from nnops.doctor.case import Case
from nnops.doctor.check import Check
from nnops.doctor.finding import Finding


class Values(Check):
    """Inputs and targets that are not finite, inputs that are not scaled, and values beyond all others."""

    name: ClassVar[str] = "values"
    about: ClassVar[str] = "inputs that are not finite, not scaled, or far beyond all others"
    needs: ClassVar[Literal["data", "network", "learning", "training"]] = "data"
    spread: float = 10.0
    ratio: float = 100.0
    extreme: float = 25.0

    def look(self, case: Case) -> list[Finding]:
        """One finding for each input that is wrong."""
        found: list[Finding] = []
        for split, tensors in (("train", case.train), ("val", case.val)):
            columns = dict(zip((*case.spec.inputs, "target"), (*tensors.inputs, tensors.target), strict=True))
            for name, tensor in columns.items():
                bad = int((~torch.isfinite(tensor)).sum()) if tensor.is_floating_point() else 0
                if bad:
                    found.append(
                        self.found(
                            case,
                            "error",
                            f"Input '{name}' of {split} holds {bad} values that are not finite.",
                            {"values": bad, "of": tensor.numel()},
                            "Prepare the data again from a source without infinite numbers.",
                            {"data.cleaning.numeric_missing": "mean"},
                            {"data.cleaning.numeric_missing": "median"},
                        )
                    )
        return found or self._scales(case)

    def _scales(self, case: Case) -> list[Finding]:
        if case.spec.inputs[0] not in ("numeric", "series"):
            return []
        values = case.train.inputs[0]
        values_NF = values.flatten(0, -2).double() if values.ndim == 3 else values.double()
        std_F, mean_F = values_NF.std(0), values_NF.mean(0).abs()
        varied_F = std_F[std_F > 0]
        if case.spec.inputs[0] == "numeric" and len(varied_F):
            widest, narrowest = float(varied_F.max()), float(varied_F.min())
            off = float(mean_F.max())
            uneven = widest > self.spread and widest > self.ratio * narrowest
            if (uneven or widest > self.spread**2 or off > self.spread**2) and case.params.data.scaling == "none":
                return [
                    self.found(
                        case,
                        "error" if max(widest, off) > self.spread**2 else "warning",
                        f"Inputs are not scaled: their deviations go from {narrowest:.3g} to {widest:.3g}, so one rate"
                        " cannot suit all of their weights.",
                        {"largest_deviation": widest, "smallest_deviation": narrowest, "largest_mean": off},
                        "Scale each column to mean 0 and deviation 1, by the statistics of train.",
                        {"data.scaling": "standard"},
                    )
                ]
        seen_NF = torch.cat([values_NF, case.val.inputs[0].to(values_NF).reshape(-1, values_NF.shape[1])])
        reach_F = (seen_NF - values_NF.mean(0)).abs().amax(0) / std_F.clamp_min(1e-12)
        reach_F = torch.where(std_F > 0, reach_F, 0.0)
        largest = float((seen_NF.abs().amax(0)).max())
        place = int(reach_F.argmax())
        if largest <= self.extreme or float(reach_F[place]) < self.extreme:
            return []
        return [
            self.found(
                case,
                "warning",
                f"One value lies {float(reach_F[place]):.0f} deviations from the mean of its column"
                f"{_named(case, place)}, so a single row can outweigh all others.",
                {"deviations": float(reach_F[place]), "largest": largest},
                "Clip outliers, or bend skewed columns before they are scaled.",
                {"data.cleaning.outliers": "iqr"},
                {"data.skewed": "yeo_johnson"},
                {"data.scaling": "robust"},
            )
        ]


def _named(case: Case, place: int) -> str:
    names = case.data.schema.get("features") or []
    if isinstance(names, list) and place < len(names) and isinstance(names[place], str):
        return f" '{names[place]}'"
    return ""
