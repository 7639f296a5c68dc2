"""A generator and a dataset for gcdp-bench, each in a file of its own."""
