"""gcdp-bench: compare text-to-image models on small datasets with semantic layouts."""

__version__ = "0.2.0"
