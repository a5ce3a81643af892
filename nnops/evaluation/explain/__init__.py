"""Why a model answers what it answers: methods that attribute, each a file, and one function that runs any of them."""

from typing import TYPE_CHECKING

from nnops.catalog import Catalog

if TYPE_CHECKING:
    from nnops.evaluation.explain.base import Method

METHODS: "Catalog[Method]" = Catalog(
    "explanation method",
    {
        "feature_visualisation": "nnops.evaluation.explain.feature_visualisation:FeatureVisualisation",
        "grad_cam": "nnops.evaluation.explain.grad_cam:GradCam",
        "integrated_gradients": "nnops.evaluation.explain.integrated_gradients:IntegratedGradients",
        "lime": "nnops.evaluation.explain.lime:Lime",
        "occlusion": "nnops.evaluation.explain.occlusion:Occlusion",
        "partial_dependence": "nnops.evaluation.explain.partial_dependence:PartialDependence",
        "permutation": "nnops.evaluation.explain.permutation:Permutation",
        "saliency": "nnops.evaluation.explain.saliency:Saliency",
        "shap": "nnops.evaluation.explain.shap:Shap",
    },
)
