"""A training that goes on learning train by heart while val gets worse."""

import statistics
from typing import ClassVar, Literal

from nnops.doctor.case import Case
from nnops.doctor.check import Check
from nnops.doctor.finding import Finding
from nnops.doctor.judged import known_loss
from nnops.doctor.past import Past
from nnops.doctor.remedy import Sets, smaller


class Overfitting(Check):
    """How far val rose after its best epoch, and how far it lies above train there, as parts of a constant's loss."""

    name: ClassVar[str] = "overfitting"
    about: ClassVar[str] = "train that goes on falling while val rises"
    needs: ClassVar[Literal["data", "network", "learning", "training"]] = "training"
    rise: float = 0.1
    gap: float = 0.35

    def look(self, case: Case) -> list[Finding]:
        """One finding a training."""
        return [found for past in case.pasts if (found := self._judge(case, past)) is not None]

    def _judge(self, case: Case, past: Past) -> Finding | None:
        known = known_loss(case, "val")
        best, last = past.history[past.best - 1], past.history[-1]
        # The middle of the last three: a single jump is no overfitting.
        rise = (statistics.median(past.column("val_loss")[-3:]) - best["val_loss"]) / known
        gap = (best["val_loss"] - best["train_loss"]) / known
        falls = last["train_loss"] < best["train_loss"]
        rose = rise > self.rise and falls and rise * known > self.rise * best["val_loss"]
        # Far from zero on val, and nearly there on train.
        apart = gap > self.gap and best["train_loss"] < 0.5 * best["val_loss"]
        if not rose and not apart:
            return None
        what = (
            f"val was best at epoch {past.best} of {len(past.history)} ({best['val_loss']:.3g}) and rose to"
            f" {last['val_loss']:.3g}, while train fell to {last['train_loss']:.3g}"
            if rose
            else f"at its best epoch val has {best['val_loss']:.3g}, and train {best['train_loss']:.3g}"
        )
        return self.found(
            case,
            "warning",
            f"The network learns train by heart: {what}.",
            {
                "best_epoch": past.best,
                "epochs": len(past.history),
                "val_best": best["val_loss"],
                "val_last": last["val_loss"],
                "train_last": last["train_loss"],
                "rise": rise,
                "gap": gap,
            },
            "Regularise (dropout, weight decay, augmentation), take a smaller network or more rows, and stop where val"
            " is best.",
            *_calmer(case),
        )


def _calmer(case: Case) -> list[Sets]:
    options = case.params.model.options
    tries: list[Sets] = []
    if float(options.get("dropout", 0.0)) < 0.3:
        tries.append({"model.options.dropout": 0.3})
    if case.params.train.early_stopping is None:
        tries.append({"train.early_stopping": {"metric": "val_loss", "patience": 5}})
    return [*tries, smaller(options), {"train.optimizer.options.weight_decay": 0.05}, {"train.l2": 1e-3}]
