"""Measurements: each script prints one JSON line per case and asserts nothing."""
