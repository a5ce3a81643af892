"""The doctor: checks of data, network and training, each with its evidence and the value that tries its remedy.

A check is one file and one line here. What it needs (:attr:`nnops.doctor.check.Check.needs`) says when it can look.
"""

from typing import TYPE_CHECKING

from nnops.catalog import Catalog

if TYPE_CHECKING:
    from nnops.doctor.check import Check

CHECKS: "Catalog[Check]" = Catalog(
    "check",
    {
        "answers": "nnops.doctor.checks.answers:Answers",
        "batch_norm": "nnops.doctor.checks.batch_norm:BatchNorm",
        "contradictions": "nnops.doctor.checks.contradictions:Contradictions",
        "drift": "nnops.doctor.checks.drift:Drift",
        "dropout": "nnops.doctor.checks.dropout:Dropout",
        "few_rows": "nnops.doctor.checks.few_rows:FewRows",
        "frozen": "nnops.doctor.checks.frozen:Frozen",
        "gradients": "nnops.doctor.checks.gradients:Gradients",
        "imbalance": "nnops.doctor.checks.imbalance:Imbalance",
        "initial_loss": "nnops.doctor.checks.initial_loss:InitialLoss",
        "leakage": "nnops.doctor.checks.leakage:Leakage",
        "learning_rate": "nnops.doctor.checks.learning_rate:LearningRate",
        "not_learning": "nnops.doctor.checks.not_learning:NotLearning",
        "one_batch": "nnops.doctor.checks.one_batch:OneBatch",
        "overfitting": "nnops.doctor.checks.overfitting:Overfitting",
        "plateau": "nnops.doctor.checks.plateau:Plateau",
        "shortcut": "nnops.doctor.checks.shortcut:Shortcut",
        "stopped_early": "nnops.doctor.checks.stopped_early:StoppedEarly",
        "target_scale": "nnops.doctor.checks.target_scale:TargetScale",
        "underfitting": "nnops.doctor.checks.underfitting:Underfitting",
        "units": "nnops.doctor.checks.units:Units",
        "unstable": "nnops.doctor.checks.unstable:Unstable",
        "useless_columns": "nnops.doctor.checks.useless_columns:UselessColumns",
        "values": "nnops.doctor.checks.values:Values",
    },
)
