"""A generator, a dataset and a metric for gcdp-bench, each in a file of its own."""
