"""The opponents, each a `Generator`."""
