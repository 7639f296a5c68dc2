"""The baselines, each a `Generator`."""
