"""nnops: experiments and hyperparameter search on neural networks, every number traceable and made again to the bit."""

__version__ = "0.1.0"
