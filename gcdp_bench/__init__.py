"""gcdp-bench: compare text-to-image models on small datasets with semantic layouts."""
